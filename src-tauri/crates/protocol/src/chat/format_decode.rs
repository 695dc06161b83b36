//! `response_format` of a Chat Completions request → the common form. Called by `request_decode`.

use crate::{
    canonical::{
        fields::{any, boolean, missing, object, text, word},
        request::{Format, Losses},
    },
    json::read::{Kind, Reader},
    types::RequestError,
};

pub(super) fn format<'a>(
    value: &mut Reader<'a>,
    losses: &mut Losses,
) -> Result<Option<Format<'a>>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    let mut kind = None;
    let (mut name, mut description, mut schema, mut strict) = (None, None, None, None);
    object(value, &"response_format", |key, value| {
        match key {
            "type" => kind = text(value, &"response_format.type")?,
            "json_schema" if value.kind()? == Kind::Object => {
                object(value, &"response_format.json_schema", |key, value| {
                    match key {
                        "name" => name = word(value, &"response_format.json_schema.name")?,
                        "description" => {
                            description = text(value, &"response_format.json_schema.description")?
                        }
                        "schema" => schema = any(value)?,
                        "strict" => strict = boolean(value, &"response_format.json_schema.strict")?,
                        key => losses.unknown("response_format.json_schema", key, value)?,
                    }
                    Ok(())
                })?;
            }
            key => losses.unknown("response_format", key, value)?,
        }
        Ok(())
    })?;
    let kind = kind.ok_or_else(|| missing(&"response_format.type"))?;
    match kind.decode().as_ref() {
        "text" => Ok(None),
        "json_object" => Ok(Some(Format::JsonObject)),
        "json_schema" => Ok(Some(Format::JsonSchema {
            name,
            description,
            schema: schema.map(std::borrow::Cow::Borrowed),
            strict,
        })),
        _ => Err(RequestError::field(
            "response_format.type",
            "Unknown response_format: use text, json_object or json_schema.",
        )),
    }
}

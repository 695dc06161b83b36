//! The parts of messages and outputs of a Responses request → the common form. Called by `items_decode`.

use super::wire::QUIET_PARTS;
use crate::{
    canonical::{
        fields::{array, data_url, missing, object, text, word, wrong_type},
        request::{Losses, Part},
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// A string, an array of parts, or nothing.
pub(super) fn parts<'a>(
    value: &mut Reader<'a>,
    at: usize,
    key: &str,
    losses: &mut Losses,
) -> Result<Vec<Part<'a>>, RequestError> {
    match value.kind()? {
        Kind::String => Ok(vec![Part::Text(value.string()?)]),
        Kind::Null => Ok(value.skip().map(|()| Vec::new())?),
        Kind::Array => {
            let mut all = Vec::new();
            array(value, &key, |n, value| {
                all.extend(part(value, at, n, key, losses)?);
                Ok(())
            })?;
            Ok(all)
        }
        _ => Err(wrong_type(
            &format_args!("input[{at}].{key}"),
            "a string or an array of parts",
        )),
    }
}

#[derive(Default)]
struct RawPart<'a> {
    kind: Option<Text<'a>>,
    text: Option<Text<'a>>,
    refusal: Option<Text<'a>>,
    url: Option<Text<'a>>,
    detail: Option<Text<'a>>,
    data: Option<Text<'a>>,
    file_url: Option<Text<'a>>,
    name: Option<Text<'a>>,
    format: Option<Text<'a>>,
    file_id: Option<Text<'a>>,
}

fn part<'a>(
    value: &mut Reader<'a>,
    at: usize,
    n: usize,
    key: &str,
    losses: &mut Losses,
) -> Result<Option<Part<'a>>, RequestError> {
    if value.kind()? == Kind::String {
        return Ok(Some(Part::Text(value.string()?)));
    }
    let mut raw = RawPart::default();
    object(value, &key, |key, value| {
        match key {
            "type" => raw.kind = text(value, &key)?,
            "text" => raw.text = value.string_or_skip()?,
            "refusal" => raw.refusal = value.string_or_skip()?,
            "image_url" if value.kind()? == Kind::String => raw.url = Some(value.string()?),
            "image_url" | "input_audio" | "file" if value.kind()? == Kind::Object => {
                object(value, &key, |key, value| {
                    match key {
                        "url" => raw.url = text(value, &key)?,
                        "data" | "file_data" => raw.data = text(value, &key)?,
                        "format" => raw.format = text(value, &key)?,
                        "filename" => raw.name = text(value, &key)?,
                        "detail" => raw.detail = value.string_or_skip()?,
                        "file_id" => raw.file_id = word(value, &key)?,
                        key => losses.unknown("input[].content[]", key, value)?,
                    }
                    Ok(())
                })?;
            }
            "detail" => raw.detail = value.string_or_skip()?,
            "file_data" => raw.data = word(value, &key)?,
            "file_url" => raw.file_url = word(value, &key)?,
            "filename" => raw.name = word(value, &key)?,
            "file_id" => raw.file_id = word(value, &key)?,
            "encrypted_content" => value.skip()?,
            key => losses.unknown("input[].content[]", key, value)?,
        }
        Ok(())
    })?;
    let param = |field: &str| format!("input[{at}].{key}[{n}].{field}");
    if raw.file_id.is_some() && raw.url.is_none() && raw.data.is_none() && raw.file_url.is_none() {
        return Err(RequestError::field(
            param("file_id"),
            "Uploaded files belong to one provider's account: send the content itself (T23).",
        ));
    }
    let kind = raw.kind.ok_or_else(|| missing(&param("type")))?;
    Ok(Some(match kind.decode().as_ref() {
        "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text" => {
            Part::Text(raw.text.ok_or_else(|| missing(&param("text")))?)
        }
        "refusal" => Part::Refusal(raw.refusal.ok_or_else(|| missing(&param("refusal")))?),
        "input_image" | "image_url" => Part::Image {
            url: raw.url.ok_or_else(|| missing(&param("image_url")))?,
            tail: Text::default(),
            detail: raw.detail,
        },
        "input_file" | "file" => {
            let data = raw.data.map(|data| data_url(data, raw.name.as_ref()));
            Part::File {
                data,
                url: raw.file_url,
                name: raw.name,
            }
        }
        "input_audio" => Part::Audio {
            data: raw.data.ok_or_else(|| missing(&param("input_audio")))?,
            format: raw.format.unwrap_or_else(|| Text::spell("wav")),
        },
        kind => {
            if !QUIET_PARTS.contains(&kind) {
                losses.dropped(param("type"), "the account's dialect has no such part");
            }
            return Ok(None);
        }
    }))
}

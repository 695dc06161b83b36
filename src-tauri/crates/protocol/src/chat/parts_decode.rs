//! The content of a Chat Completions message → the common form. Called by `request_decode`.

use std::fmt::Display;

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
pub(super) fn content<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    losses: &mut Losses,
) -> Result<Vec<Part<'a>>, RequestError> {
    match value.kind()? {
        Kind::String => Ok(vec![Part::Text(value.string()?)]),
        Kind::Null => Ok(value.skip().map(|()| Vec::new())?),
        Kind::Array => {
            let mut parts = Vec::new();
            array(value, param, |at, value| {
                parts.extend(part(value, &format_args!("{param}[{at}]"), losses)?);
                Ok(())
            })?;
            Ok(parts)
        }
        _ => Err(wrong_type(param, "a string or an array of parts")),
    }
}

/// Whatever the parts hold, by name; read before the type is known.
#[derive(Default)]
struct RawPart<'a> {
    kind: Option<Text<'a>>,
    text: Option<Text<'a>>,
    refusal: Option<Text<'a>>,
    url: Option<Text<'a>>,
    detail: Option<Text<'a>>,
    data: Option<Text<'a>>,
    format: Option<Text<'a>>,
    name: Option<Text<'a>>,
    file_id: Option<Text<'a>>,
}

fn part<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    losses: &mut Losses,
) -> Result<Option<Part<'a>>, RequestError> {
    if value.kind()? == Kind::String {
        return Ok(Some(Part::Text(value.string()?)));
    }
    let mut raw = RawPart::default();
    object(value, param, |key, value| {
        match key {
            "type" => raw.kind = text(value, param)?,
            "text" => raw.text = text(value, param)?,
            "refusal" => raw.refusal = text(value, param)?,
            "image_url" if value.kind()? == Kind::String => raw.url = Some(value.string()?),
            "image_url" | "input_audio" | "file" if value.kind()? == Kind::Object => {
                object(value, param, |key, value| {
                    match key {
                        "url" => raw.url = text(value, param)?,
                        "detail" => raw.detail = word(value, param)?,
                        "data" | "file_data" => raw.data = text(value, param)?,
                        "format" => raw.format = text(value, param)?,
                        "filename" => raw.name = text(value, param)?,
                        "file_id" => raw.file_id = word(value, param)?,
                        inner => losses.unknown("messages[].content[]", inner, value)?,
                    }
                    Ok(())
                })?;
            }
            key => losses.unknown("messages[].content[]", key, value)?,
        }
        Ok(())
    })?;
    raw.into_part(param, losses)
}

impl<'a> RawPart<'a> {
    fn into_part(
        self,
        param: &dyn Display,
        losses: &mut Losses,
    ) -> Result<Option<Part<'a>>, RequestError> {
        let kind = self
            .kind
            .ok_or_else(|| missing(&format_args!("{param}.type")))?;
        Ok(Some(match kind.decode().as_ref() {
            "text" | "input_text" | "output_text" => Part::Text(
                self.text
                    .ok_or_else(|| missing(&format_args!("{param}.text")))?,
            ),
            "refusal" => Part::Refusal(
                self.refusal
                    .ok_or_else(|| missing(&format_args!("{param}.refusal")))?,
            ),
            "image_url" | "input_image" => Part::Image {
                url: self
                    .url
                    .ok_or_else(|| missing(&format_args!("{param}.image_url.url")))?,
                tail: Text::default(),
                detail: self.detail,
            },
            "input_audio" => Part::Audio {
                data: self
                    .data
                    .ok_or_else(|| missing(&format_args!("{param}.input_audio.data")))?,
                format: self.format.unwrap_or_else(|| Text::spell("wav")),
            },
            "file" | "input_file" => {
                if self.file_id.is_some() {
                    return Err(RequestError::field(
                        format!("{param}.file.file_id"),
                        "Uploaded files belong to one provider's account: send the file itself as file_data (T23).",
                    ));
                }
                let data = self
                    .data
                    .ok_or_else(|| missing(&format_args!("{param}.file.file_data")))?;
                Part::File {
                    data: Some(data_url(data, self.name.as_ref())),
                    url: None,
                    name: self.name,
                }
            }
            _ => {
                losses.dropped(param.to_string(), "the account's dialect has no such part");
                return Ok(None);
            }
        }))
    }
}

//! One part of a request's or an answer's content, as slices of its text. Called by the decoders of this folder.

use std::borrow::Cow;

use super::wire::camel;
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
};

/// Whatever a part may hold.
#[derive(Default)]
pub(super) struct RawPart<'a> {
    pub(super) text: Option<Text<'a>>,
    pub(super) thought: bool,
    pub(super) signature: Option<Text<'a>>,
    pub(super) inline: Option<Media<'a>>,
    pub(super) file: Option<Media<'a>>,
    pub(super) call: Option<RawCall<'a>>,
    pub(super) response: Option<RawResponse<'a>>,
    /// Code that ran at the vendor, and its language.
    pub(super) code: Option<(Text<'a>, Text<'a>)>,
    /// What that code printed.
    pub(super) printed: Option<Text<'a>>,
    /// A call or a result of a tool that ran at the vendor.
    pub(super) hosted: bool,
    /// Something that nobody knows here.
    pub(super) other: bool,
}

/// Bytes or an address.
#[derive(Default)]
pub(super) struct Media<'a> {
    pub(super) kind: Text<'a>,
    /// Base64, or where the file is.
    pub(super) data: Text<'a>,
    pub(super) name: Option<Text<'a>>,
}

#[derive(Default)]
pub(super) struct RawCall<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    /// An object; absent for none.
    pub(super) args: Option<&'a str>,
    /// Values at paths of the arguments.
    pub(super) pieces: Option<Reader<'a>>,
    /// More of this call follows.
    pub(super) goes_on: bool,
}

#[derive(Default)]
pub(super) struct RawResponse<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    pub(super) response: Option<&'a str>,
    pub(super) parts: Option<Reader<'a>>,
}

/// Reads a part; fields nobody knows are passed over.
pub(super) fn read<'a>(value: &mut Reader<'a>) -> Result<RawPart<'a>, Malformed> {
    let mut raw = RawPart::default();
    members(value, |key, value| {
        match (key, value.kind()?) {
            ("text", _) => raw.text = value.string_or_skip()?,
            ("thought", _) => raw.thought = value.bool_or_skip()?.unwrap_or(false),
            ("thoughtSignature", _) => {
                raw.signature = value.string_or_skip()?.filter(|seal| !seal.is_empty());
            }
            ("inlineData", Kind::Object) => raw.inline = Some(media(value, &mut raw.other)?),
            ("fileData", Kind::Object) => raw.file = Some(media(value, &mut raw.other)?),
            ("functionCall", Kind::Object) => raw.call = Some(call(value, &mut raw.other)?),
            ("functionResponse", Kind::Object) => {
                raw.response = Some(response(value, &mut raw.other)?);
            }
            ("executableCode", Kind::Object) => {
                let (mut language, mut code) = (Text::default(), Text::default());
                members(value, |key, value| {
                    match key {
                        "language" => language = value.string_or_skip()?.unwrap_or_default(),
                        "code" => code = value.string_or_skip()?.unwrap_or_default(),
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
                raw.code = Some((code, language));
            }
            ("codeExecutionResult", Kind::Object) => {
                members(value, |key, value| {
                    match key {
                        "output" => raw.printed = value.string_or_skip()?,
                        "outcome" => {
                            let outcome = value.string_or_skip()?;
                            raw.other |= outcome.is_some_and(|word| !word.is("OUTCOME_OK"));
                        }
                        _ => value.skip()?,
                    }
                    Ok(())
                })?;
                raw.printed.get_or_insert_default();
            }
            ("toolCall" | "toolResponse", Kind::Object) => {
                raw.hosted = true;
                value.skip()?;
            }
            _ => more(value, &mut raw.other)?,
        }
        Ok(())
    })?;
    Ok(raw)
}

/// A member that nobody knows here: whether it says anything.
fn more(value: &mut Reader<'_>, other: &mut bool) -> Result<(), Malformed> {
    *other |= !matches!(value.raw()?, "null" | "\"\"" | "[]" | "{}" | "false" | "0");
    Ok(())
}

/// Walks an object's members by the dialect's own spelling of their names.
pub(crate) fn members<'a>(
    value: &mut Reader<'a>,
    mut each: impl FnMut(&str, &mut Reader<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    if value.kind()? != Kind::Object {
        return value.skip();
    }
    value.members(|key, value| match camel(key) {
        Cow::Borrowed(key) => each(key, value),
        Cow::Owned(key) => each(&key, value),
    })
}

fn media<'a>(value: &mut Reader<'a>, other: &mut bool) -> Result<Media<'a>, Malformed> {
    let mut media = Media::default();
    members(value, |key, value| {
        match key {
            "mimeType" => media.kind = value.string_or_skip()?.unwrap_or_default(),
            "data" | "fileUri" => media.data = value.string_or_skip()?.unwrap_or_default(),
            "displayName" => media.name = value.string_or_skip()?,
            _ => more(value, other)?,
        }
        Ok(())
    })?;
    Ok(media)
}

fn call<'a>(value: &mut Reader<'a>, other: &mut bool) -> Result<RawCall<'a>, Malformed> {
    let mut call = RawCall::default();
    members(value, |key, value| {
        match (key, value.kind()?) {
            ("id", _) => call.id = value.string_or_skip()?.filter(|id| !id.is_empty()),
            ("name", _) => call.name = value.string_or_skip()?.unwrap_or_default(),
            ("args", Kind::Object) => call.args = Some(value.raw()?),
            ("partialArgs", Kind::Array) => {
                call.pieces = Some(value.clone());
                value.skip()?;
            }
            ("willContinue", _) => call.goes_on = value.bool_or_skip()?.unwrap_or(false),
            _ => more(value, other)?,
        }
        Ok(())
    })?;
    Ok(call)
}

fn response<'a>(value: &mut Reader<'a>, other: &mut bool) -> Result<RawResponse<'a>, Malformed> {
    let mut response = RawResponse::default();
    members(value, |key, value| {
        match (key, value.kind()?) {
            ("id", _) => response.id = value.string_or_skip()?.filter(|id| !id.is_empty()),
            ("name", _) => response.name = value.string_or_skip()?.unwrap_or_default(),
            ("response", Kind::Null) => value.skip()?,
            ("response", _) => response.response = Some(value.raw()?),
            ("parts", _) => {
                response.parts = Some(value.clone());
                value.skip()?;
            }
            _ => more(value, other)?,
        }
        Ok(())
    })?;
    Ok(response)
}

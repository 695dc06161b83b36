//! Reading the fields of a request: `null` is absent, and a wrong type is a 400 that names the field (T208).
//!
//! Called by the dialects' request decoders.

use std::fmt::Display;

use crate::{
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
    },
    types::RequestError,
};

impl From<Malformed> for RequestError {
    fn from(fault: Malformed) -> Self {
        Self::body(format!(
            "The request body is not valid JSON near byte {}.",
            fault.0
        ))
    }
}

/// The error for a value of the wrong type.
#[cold]
#[inline(never)]
pub(crate) fn wrong_type(param: &dyn Display, expected: &str) -> RequestError {
    RequestError::field(
        param.to_string(),
        format!("Invalid type for '{param}': expected {expected}."),
    )
}

/// The error for a field that has to be there.
#[cold]
#[inline(never)]
pub(crate) fn missing(param: &dyn Display) -> RequestError {
    RequestError::field(
        param.to_string(),
        format!("Missing required parameter: '{param}'."),
    )
}

/// A string.
#[inline(never)]
pub(crate) fn text<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
) -> Result<Option<Text<'a>>, RequestError> {
    match value.kind()? {
        Kind::String => Ok(Some(value.string()?)),
        Kind::Null => Ok(value.skip().map(|()| None)?),
        _ => Err(wrong_type(param, "a string")),
    }
}

/// A string that may be empty, which means absent.
pub(crate) fn word<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
) -> Result<Option<Text<'a>>, RequestError> {
    Ok(text(value, param)?.filter(|text| !text.is_empty()))
}

/// A number, as it is spelled (T206).
#[inline(never)]
pub(crate) fn number<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
) -> Result<Option<&'a str>, RequestError> {
    match value.kind()? {
        Kind::Number => Ok(Some(value.raw()?)),
        Kind::Null => Ok(value.skip().map(|()| None)?),
        _ => Err(wrong_type(param, "a number")),
    }
}

/// A whole number from 0 on.
#[inline(never)]
pub(crate) fn unsigned(
    value: &mut Reader<'_>,
    param: &dyn Display,
) -> Result<Option<u64>, RequestError> {
    match value.kind()? {
        Kind::Number => match value.unsigned_or_skip()? {
            Some(number) => Ok(Some(number)),
            None => Err(wrong_type(param, "a whole number from 0 on")),
        },
        Kind::Null => Ok(value.skip().map(|()| None)?),
        _ => Err(wrong_type(param, "a whole number")),
    }
}

/// A boolean.
#[inline(never)]
pub(crate) fn boolean(
    value: &mut Reader<'_>,
    param: &dyn Display,
) -> Result<Option<bool>, RequestError> {
    match value.kind()? {
        Kind::Bool => Ok(value.bool_or_skip()?),
        Kind::Null => Ok(value.skip().map(|()| None)?),
        _ => Err(wrong_type(param, "a boolean")),
    }
}

/// Any value but `null`.
#[inline(never)]
pub(crate) fn any<'a>(value: &mut Reader<'a>) -> Result<Option<&'a str>, RequestError> {
    if value.null()? {
        return Ok(None);
    }
    Ok(Some(value.raw()?))
}

/// Walks an object, or refuses another kind of value.
pub(crate) fn object<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    mut each: impl FnMut(&str, &mut Reader<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    walk_object(value, param, &mut each)
}

/// Walks an array with the number of each element, or refuses another kind of value.
pub(crate) fn array<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    mut each: impl FnMut(usize, &mut Reader<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    walk_array(value, param, &mut each)
}

// Once for all closures: requests are read once each, at very many places.

type EachMember<'e, 'a> = &'e mut dyn FnMut(&str, &mut Reader<'a>) -> Result<(), RequestError>;
type EachElement<'e, 'a> = &'e mut dyn FnMut(usize, &mut Reader<'a>) -> Result<(), RequestError>;

#[inline(never)]
fn walk_object<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    each: EachMember<'_, 'a>,
) -> Result<(), RequestError> {
    if value.kind()? != Kind::Object {
        return Err(wrong_type(param, "an object"));
    }
    value.members(each)
}

#[inline(never)]
fn walk_array<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    each: EachElement<'_, 'a>,
) -> Result<(), RequestError> {
    if value.kind()? != Kind::Array {
        return Err(wrong_type(param, "an array"));
    }
    let mut at = 0;
    value.elements(|element| {
        each(at, element)?;
        at += 1;
        Ok(())
    })
}

/// A file's content as a data URL: bare base64 gets the type that its name says (T23).
pub(crate) fn data_url<'a>(data: Text<'a>, name: Option<&Text<'_>>) -> Text<'a> {
    if data.is_empty() || data.raw().starts_with("data:") {
        return data;
    }
    let name = name
        .map(|name| name.decode().to_ascii_lowercase())
        .unwrap_or_default();
    let kind = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "txt" | "md" => "text/plain",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "json" => "application/json",
        _ => "application/pdf",
    };
    let mut url = Text::spell(&format!("data:{kind};base64,"));
    url.join(&data);
    url
}

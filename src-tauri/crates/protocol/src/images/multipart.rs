//! A form with files, as the client libraries send edits (F96): read in place, every file a slice of the body. Called by `read`.
//!
//! Only what RFC 7578 forms need: no nesting, no transfer encodings.

use bytes::Bytes;
use memchr::memmem;

use super::{
    Drawing, Picture,
    read::{is_text, number_of, set_number, set_text, too_many, untold, wrong_type},
};
use crate::types::RequestError;

/// Most parts of one form.
const MOST_PARTS: usize = 64;

/// Whether a content type is that of a form.
pub(super) fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

fn broken(what: &str) -> RequestError {
    RequestError::body(format!("The multipart/form-data body {what}."))
}

/// Reads a form into the drawing.
pub(super) fn read(
    drawing: &mut Drawing,
    body: &Bytes,
    content_type: &str,
) -> Result<(), RequestError> {
    let boundary = parameter(content_type, "boundary")
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= 200)
        .ok_or_else(|| broken("has no boundary in its content-type"))?;
    let border = [b"\r\n--", boundary.as_bytes()].concat();
    let finder = memmem::Finder::new(&border);
    // The first border may stand at the very front, without the line end before it.
    let mut at = match body.strip_prefix(&border[2..]) {
        Some(_) => border.len() - 2,
        None => {
            finder
                .find(body)
                .ok_or_else(|| broken("does not hold its boundary"))?
                + border.len()
        }
    };
    for _ in 0..MOST_PARTS {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(());
        }
        let line = memmem::find(rest, b"\r\n").ok_or_else(|| broken("breaks off"))?;
        let start = at + line;
        let length = finder
            .find(&body[start..])
            .ok_or_else(|| broken("breaks off inside a part"))?;
        part(drawing, body, &body.slice(start..start + length))?;
        at = start + length + border.len();
    }
    Err(broken("has too many parts"))
}

/// One part, from the line end before its headers to its last byte.
fn part(drawing: &mut Drawing, body: &Bytes, part: &Bytes) -> Result<(), RequestError> {
    let end =
        memmem::find(part, b"\r\n\r\n").ok_or_else(|| broken("has a part without content"))?;
    let headers =
        std::str::from_utf8(&part[..end]).map_err(|_| broken("has an unreadable part"))?;
    let content = part.slice(end + 4..);
    let disposition = headers
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim()
                .eq_ignore_ascii_case("content-disposition")
                .then_some(value)
        })
        .unwrap_or_default();
    let Some(name) = parameter(disposition, "name") else {
        return Err(broken("has a part without a name"));
    };
    let is_file = parameter(disposition, "filename").is_some();
    let field = name.split('[').next().unwrap_or_default();
    if matches!(field, "image" | "images" | "mask") {
        let picture = picture(drawing, &name, content, is_file)?;
        if field == "mask" {
            drawing.mask = Some(picture);
            return Ok(());
        }
        drawing.pictures.push(picture);
        return too_many(drawing);
    }
    let text = || std::str::from_utf8(&content).map_err(|_| wrong_type(&name, "text"));
    match &*name {
        "stream" => drawing.stream = matches!(text()?.trim(), "true" | "1" | "True"),
        _ if number_of(&name).is_some() => {
            let number = text()?.trim();
            if number.is_empty() {
                return Ok(());
            }
            let number = number
                .parse()
                .map_err(|_| wrong_type(&name, "a whole number"))?;
            set_number(drawing, &name, number);
        }
        _ if is_text(&name) => {
            if name == "model" {
                drawing.named_in(body, &content, false);
            }
            set_text(drawing, &name, text()?);
        }
        _ => untold(drawing, &name),
    }
    Ok(())
}

fn picture(
    drawing: &Drawing,
    name: &str,
    content: Bytes,
    is_file: bool,
) -> Result<Picture, RequestError> {
    let field = match name {
        "mask" => name.to_owned(),
        _ => format!("image[{}]", drawing.pictures.len()),
    };
    if let Some(picture) = Picture::of_file(content.clone()) {
        return Ok(picture);
    }
    // A form field may also hold what JSON would: a data URL or an address. Neither has a character that JSON escapes.
    let plain = std::str::from_utf8(&content).ok().filter(|text| {
        !is_file
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    });
    match plain {
        Some(text) => {
            let token = crate::json::text::Text::token(text.into(), false);
            Picture::of_text(content.clone(), &token, &field)
        }
        None => Err(RequestError::field(
            field,
            "The file is no PNG, JPEG, WebP or GIF picture. Convert it first.",
        )),
    }
}

/// A parameter of a header, without its quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once(';')?;
        let (name, value) = after.split_once('=')?;
        let name = name.trim();
        let value = value.trim_start();
        let (found, next) = match value.strip_prefix('"') {
            Some(inner) => quoted(inner)?,
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(found);
        }
        rest = next;
    }
}

/// What stands before the closing quote, and the rest behind it. Browsers spell a quote as %22, others with a backslash.
fn quoted(inner: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = inner.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((text, &inner[at + 1..])),
            '\\' => text.extend(letters.next().map(|(_, letter)| letter)),
            _ => text.push(letter),
        }
    }
    None
}

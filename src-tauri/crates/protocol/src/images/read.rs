//! Reads a request of the Images API, as JSON or as a form, and says what a ChatGPT account could not draw (F95, F96). Called by `gateway`.

use bytes::Bytes;

use super::{Drawing, Kind, LONGEST_PROMPT, MOST_PICTURES, Picture, Setting, multipart};
use crate::{
    json::{
        read::{Kind as Token, Malformed, Reader},
        text::Text,
    },
    types::RequestError,
};

/// Settings that are words, with what the Codex backend takes; an empty list is checked apart.
const WORDS: &[(&str, &[&str])] = &[
    ("size", &[]),
    ("quality", &["auto", "low", "medium", "high"]),
    ("background", &["auto", "transparent", "opaque"]),
    ("output_format", &["png", "jpeg", "webp"]),
    ("moderation", &["auto", "low"]),
    ("input_fidelity", &["low", "high"]),
    ("response_format", &["b64_json"]),
];

/// Settings that are whole numbers, with the largest value.
const NUMBERS: &[(&str, u64)] = &[("n", 1), ("output_compression", 100), ("partial_images", 3)];

/// Most names of unknown members remembered for the journal, and the longest of them.
const UNTOLD: (usize, usize) = (16, 64);

/// Reads a request. `content_type` is the client's header.
///
/// # Errors
/// A [`RequestError`] naming the field, when no account whatever could serve it.
pub fn read(kind: Kind, body: &Bytes, content_type: Option<&str>) -> Result<Drawing, RequestError> {
    let mut drawing = Drawing::new(kind);
    match content_type {
        Some(form) if multipart::is_form(form) => multipart::read(&mut drawing, body, form)?,
        _ => read_json(&mut drawing, body)?,
    }
    whole(&drawing)?;
    judge(&mut drawing);
    Ok(drawing)
}

enum Wrong {
    Json(usize),
    Request(RequestError),
}

impl From<Malformed> for Wrong {
    fn from(Malformed(at): Malformed) -> Self {
        Self::Json(at)
    }
}

impl From<RequestError> for Wrong {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

fn read_json(drawing: &mut Drawing, body: &Bytes) -> Result<(), RequestError> {
    let text = std::str::from_utf8(body).map_err(|_| {
        RequestError::body("The request body is not UTF-8 text. Send JSON, or a multipart/form-data form with its content-type.")
    })?;
    let mut reader = Reader::new(text);
    if !matches!(reader.kind(), Ok(Token::Object)) {
        return Err(RequestError::body(
            "The request body must be a JSON object.",
        ));
    }
    let read = reader
        .members(|name, value| member(drawing, body, name, value))
        .and_then(|()| Ok(reader.end()?));
    read.map_err(|wrong| match wrong {
        Wrong::Json(at) => RequestError::body(format!(
            "The request body is not valid JSON: it breaks off at byte {at}."
        )),
        Wrong::Request(error) => error,
    })
}

fn member(
    drawing: &mut Drawing,
    body: &Bytes,
    name: &str,
    value: &mut Reader<'_>,
) -> Result<(), Wrong> {
    if value.null()? {
        return Ok(());
    }
    match name {
        "image" | "images" => pictures(drawing, body, name, value)?,
        "mask" => drawing.mask = Some(picture(body, name, value)?),
        "stream" => {
            let Some(stream) = value.bool_or_skip()? else {
                return Err(wrong_type(name, "a boolean").into());
            };
            drawing.stream = stream;
        }
        _ if number_of(name).is_some() => {
            let Some(number) = value.unsigned_or_skip()? else {
                return Err(wrong_type(name, "a whole number").into());
            };
            set_number(drawing, name, number);
        }
        _ if is_text(name) => {
            let Some(text) = value.string_or_skip()? else {
                return Err(wrong_type(name, "a string").into());
            };
            if name == "model" {
                drawing.named_in_json(body, &text);
            }
            set_text(drawing, name, &text.decode());
        }
        _ => {
            value.skip()?;
            untold(drawing, name);
        }
    }
    Ok(())
}

/// One picture or a list of them; several members add up.
fn pictures(
    drawing: &mut Drawing,
    body: &Bytes,
    name: &str,
    value: &mut Reader<'_>,
) -> Result<(), Wrong> {
    if value.kind()? != Token::Array {
        let one = picture(body, name, value)?;
        drawing.pictures.push(one);
        return Ok(());
    }
    value.elements(|value| {
        let field = format!("{name}[{}]", drawing.pictures.len());
        let one = picture(body, &field, value)?;
        drawing.pictures.push(one);
        too_many(drawing)?;
        Ok(())
    })
}

/// A picture as clients write it: a string, or an object that holds one.
fn picture(body: &Bytes, field: &str, value: &mut Reader<'_>) -> Result<Picture, Wrong> {
    let wanted = "a picture: {\"image_url\": \"data:image/png;base64,…\"} or a string";
    if value.kind()? == Token::String {
        let text = value.string()?;
        return Ok(of_text(body, &text, field)?);
    }
    if value.kind()? != Token::Object {
        return Err(wrong_type(field, wanted).into());
    }
    let mut found = None;
    value.members(|name, value| {
        if value.null()? {
            return Ok(());
        }
        match (name, value.kind()?) {
            // F96: whose file it is nobody can tell here.
            ("file_id", _) => {
                return Err(Wrong::Request(RequestError::field(
                    format!("{field}.file_id"),
                    "Files uploaded to a provider are not known here. Send the picture itself as a data URL in image_url, or an https:// address.",
                )));
            }
            ("image_url" | "url" | "b64_json" | "base64" | "data", Token::String) => {
                let text = value.string()?;
                found = Some(of_text(body, &text, &format!("{field}.{name}"))?);
            }
            ("image_url", Token::Object) => found = Some(picture(body, field, value)?),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    found.ok_or_else(|| wrong_type(field, wanted).into())
}

fn of_text(body: &Bytes, text: &Text<'_>, field: &str) -> Result<Picture, RequestError> {
    Picture::of_text(body.slice_ref(text.raw().as_bytes()), text, field)
}

pub(super) fn too_many(drawing: &Drawing) -> Result<(), RequestError> {
    if drawing.pictures.len() > MOST_PICTURES {
        return Err(RequestError::field(
            "image",
            format!("More than {MOST_PICTURES} reference pictures. Send {MOST_PICTURES} at most."),
        ));
    }
    Ok(())
}

pub(super) fn wrong_type(name: &str, wanted: &str) -> RequestError {
    let message = format!("Invalid type for '{name}': expected {wanted}.");
    RequestError::field(name.to_owned(), message).coded(Some("invalid_type"))
}

pub(super) fn is_text(name: &str) -> bool {
    matches!(name, "prompt" | "model") || word_of(name).is_some()
}

fn word_of(name: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    WORDS.iter().find(|(known, _)| *known == name)
}

pub(super) fn number_of(name: &str) -> Option<&'static str> {
    NUMBERS
        .iter()
        .find_map(|(known, _)| (*known == name).then_some(*known))
}

pub(super) fn set_text(drawing: &mut Drawing, name: &str, text: &str) {
    match (name, word_of(name)) {
        ("prompt", _) => text.clone_into(&mut drawing.prompt),
        ("model", _) => drawing.model = (!text.is_empty()).then(|| text.to_owned()),
        // An empty setting is what forms send for one that is not set.
        (_, Some((known, _))) if !text.is_empty() => {
            drawing.settings.retain(|(name, _)| name != known);
            let word = Setting::Word(text.to_owned().into());
            drawing.settings.push((known, word));
        }
        _ => {}
    }
}

pub(super) fn set_number(drawing: &mut Drawing, name: &str, number: u64) {
    if let Some(known) = number_of(name) {
        drawing.settings.retain(|(name, _)| *name != known);
        drawing.settings.push((known, Setting::Number(number)));
    }
}

pub(super) fn untold(drawing: &mut Drawing, name: &str) {
    let name = &name[..name.floor_char_boundary(UNTOLD.1)];
    if drawing.untold.len() < UNTOLD.0 {
        drawing.untold.push(name.to_owned());
    }
}

/// What every account needs.
fn whole(drawing: &Drawing) -> Result<(), RequestError> {
    if drawing.prompt.trim().is_empty() {
        return Err(
            RequestError::field("prompt", "`prompt` is missing: say what is to be drawn.")
                .coded(Some("missing_required_parameter")),
        );
    }
    if drawing.prompt.chars().nth(LONGEST_PROMPT).is_some() {
        let message = format!("`prompt` is longer than {LONGEST_PROMPT} characters. Shorten it.");
        return Err(RequestError::field("prompt", message).coded(Some("string_above_max_length")));
    }
    if drawing.kind == Kind::Edit && drawing.pictures.is_empty() {
        let message = format!(
            "`image` is missing: send 1 to {MOST_PICTURES} pictures to change, or use /v1/images/generations."
        );
        return Err(RequestError::field("image", message).coded(Some("missing_required_parameter")));
    }
    too_many(drawing)
}

/// What a ChatGPT account could not draw; the first reason is kept.
fn judge(drawing: &mut Drawing) {
    drawing.refused = refusal(drawing);
}

fn refusal(drawing: &Drawing) -> Option<RequestError> {
    let no = |field: &'static str, message: String| Some(RequestError::field(field, message));
    if drawing.number("n").is_some_and(|n| n != 1) {
        return no(
            "n",
            "Only n=1 is supported. Send the request once per picture you want.".into(),
        );
    }
    for (name, good) in WORDS {
        let Some(word) = drawing.word(name) else {
            continue;
        };
        if *name == "response_format" && word == "url" {
            return no(
                name,
                "Pictures come as base64 only: send response_format \"b64_json\" or leave it away, and read data[0].b64_json.".into(),
            );
        }
        let fits = if good.is_empty() {
            is_size(word)
        } else {
            good.contains(&word)
        };
        if !fits {
            let wanted = if good.is_empty() {
                "auto or WIDTHxHEIGHT in pixels".to_owned()
            } else {
                good.join(", ")
            };
            return no(
                name,
                format!("Unknown value for '{name}'. Known: {wanted}."),
            );
        }
    }
    for (name, most) in NUMBERS {
        if drawing.number(name).is_some_and(|number| number > *most) {
            return no(name, format!("'{name}' is {most} at most."));
        }
    }
    let format = drawing.word("output_format").unwrap_or("png");
    if drawing.word("background") == Some("transparent") && format == "jpeg" {
        return no(
            "background",
            "A transparent background needs output_format png or webp.".into(),
        );
    }
    if drawing.number("output_compression").is_some() && format == "png" {
        return no(
            "output_compression",
            "PNG is not compressed with loss: leave output_compression away, or send output_format jpeg or webp.".into(),
        );
    }
    if drawing.kind == Kind::Generation && drawing.pictures().next().is_some() {
        return no(
            "image",
            "Pictures to start from belong to /v1/images/edits.".into(),
        );
    }
    None
}

fn is_size(word: &str) -> bool {
    let side = |text: &str| {
        let number = text.parse::<u32>().ok();
        text.len() <= 5 && number.is_some_and(|pixels| pixels > 0)
    };
    word == "auto"
        || word
            .split_once('x')
            .is_some_and(|(width, height)| side(width) && side(height))
}

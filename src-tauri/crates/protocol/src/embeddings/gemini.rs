//! Embeddings in the words of Gemini, and across to the Embeddings API and back (F78, F80). The vectors are always those of the model that was
//! asked for; only their spelling changes.
//!
//! Pure; called by `gateway`, which knows what client and account speak.

use bytes::Bytes;

use super::{Looked, place, replaced};
use crate::{
    canonical::fields::{array, missing, number, object, text, wrong_type},
    chat,
    gemini::{part::members, usage},
    images::base64,
    json::{
        read::{Kind, Malformed, Reader},
        text::{Text, escape_into},
        write::{Commas, Sink},
    },
    types::{Loss, RequestError, Usage},
};

/// A request in other words.
#[derive(Debug)]
pub struct Translated {
    /// What the account gets.
    pub body: Bytes,
    /// What it does not get.
    pub losses: Vec<Loss>,
    /// The client reads vectors as base64, as both openai libraries ask by themselves.
    pub base64: bool,
}

/// An answer in other words; `None` where there is no vector in it.
pub type Answered = Option<(Bytes, Option<Usage>)>;

/// A request of the Embeddings API as `batchEmbedContents`.
///
/// # Errors
/// The body is not of the API, or asks for what has no place in the dialect.
pub fn from_openai(body: &[u8], model: &str) -> Result<Translated, RequestError> {
    let mut texts = Vec::new();
    let (mut dimensions, mut base64) = (None, false);
    let mut losses = Vec::new();
    let mut reader = Reader::new(utf8(body)?);
    object(&mut reader, &"body", |key, value| {
        match key {
            "model" | "user" => value.skip()?,
            "input" if value.kind()? == Kind::String => texts.push(value.string()?),
            "input" => array(value, &"input", |_, value| match value.kind()? {
                Kind::String => {
                    texts.push(value.string()?);
                    Ok(())
                }
                _ => Err(RequestError::field(
                    "input",
                    "Tokens mean something to their own model only: send this account texts.",
                )),
            })?,
            "dimensions" => dimensions = number(value, &key)?,
            "encoding_format" => {
                base64 = text(value, &key)?.is_some_and(|format| format.is("base64"));
            }
            key => {
                losses.push(Loss::dropped(
                    key.to_owned(),
                    "the Gemini dialect has no such field for embeddings",
                ));
                value.skip()?;
            }
        }
        Ok(())
    })?;
    reader.end()?;
    if texts.is_empty() {
        return Err(missing(&"input"));
    }
    let mut out = String::with_capacity(body.len() + 96 * texts.len());
    out.raw("{\"requests\":[");
    let mut commas = Commas::default();
    for words in &texts {
        commas.next(&mut out);
        out.raw("{\"model\":");
        out.string(&path_name(model));
        out.raw(",\"content\":{\"parts\":[{\"text\":");
        out.text(words);
        out.raw("}]}");
        if let Some(dimensions) = dimensions {
            out.raw(",\"outputDimensionality\":");
            out.raw(dimensions);
        }
        out.raw("}");
    }
    out.raw("]}");
    Ok(Translated {
        body: out.into(),
        losses,
        base64,
    })
}

/// What one request of the dialect wants.
#[derive(Default)]
struct Wish<'a> {
    words: Option<Text<'a>>,
    dimensions: Option<&'a str>,
}

/// `embedContent` or, with `batch`, `batchEmbedContents` as a request of the Embeddings API.
///
/// # Errors
/// The body is not of the dialect, or asks for what has no place in the API.
pub fn to_openai(body: &[u8], model: &str, batch: bool) -> Result<Translated, RequestError> {
    let mut losses = Vec::new();
    let mut wishes = Vec::new();
    let mut reader = Reader::new(utf8(body)?);
    if batch {
        object(&mut reader, &"body", |key, value| match key {
            "requests" => array(value, &"requests", |at, value| {
                wishes.push(wish(value, &format!("requests[{at}]."), &mut losses)?);
                Ok(())
            }),
            _ => Ok(value.skip()?),
        })?;
    } else {
        wishes.push(wish(&mut reader, "", &mut losses)?);
    }
    reader.end()?;
    let Some(first) = wishes.first() else {
        return Err(missing(&"requests"));
    };
    let dimensions = first.dimensions;
    if wishes.iter().any(|wish| wish.dimensions != dimensions) {
        return Err(RequestError::field(
            "requests",
            "This account gives all vectors of a request one length: ask for one outputDimensionality, or one by one.",
        ));
    }
    let mut out = String::with_capacity(body.len());
    out.raw("{\"model\":");
    out.string(model);
    out.raw(",\"input\":[");
    let mut commas = Commas::default();
    for (at, wish) in wishes.iter().enumerate() {
        let Some(words) = &wish.words else {
            return Err(missing(&format_args!("requests[{at}].content.parts")));
        };
        commas.next(&mut out);
        out.text(words);
    }
    out.raw("]");
    if let Some(dimensions) = dimensions {
        out.raw(",\"dimensions\":");
        out.raw(dimensions);
    }
    out.raw("}");
    Ok(Translated {
        body: out.into(),
        losses,
        base64: false,
    })
}

fn wish<'a>(
    value: &mut Reader<'a>,
    place: &str,
    losses: &mut Vec<Loss>,
) -> Result<Wish<'a>, RequestError> {
    let mut wish = Wish::default();
    let mut content = None;
    let param = format!("{place}content");
    if value.kind()? != Kind::Object {
        return Err(wrong_type(&param, "an object"));
    }
    members(value, |key, value| {
        match (key, value.kind()?) {
            ("content", _) => {
                content = Some(value.clone());
                value.skip()?;
            }
            ("outputDimensionality", Kind::Number) => wish.dimensions = Some(value.raw()?),
            ("model" | "outputDimensionality", _) | (_, Kind::Null) => value.skip()?,
            (key, _) => {
                losses.push(Loss::dropped(
                    format!("{place}{key}"),
                    "the Embeddings API has no such field",
                ));
                value.skip()?;
            }
        }
        Ok(())
    })?;
    let Some(mut content) = content else {
        return Err(missing(&param));
    };
    let mut other = false;
    members(&mut content, |key, value| {
        if key != "parts" || value.kind()? != Kind::Array {
            return value.skip();
        }
        value.elements(|part| {
            members(part, |key, value| {
                match (key, value.kind()?) {
                    ("text", Kind::String) => {
                        let words = value.string()?;
                        match &mut wish.words {
                            Some(all) => {
                                all.join(&Text::spell("\n"));
                                all.join(&words);
                            }
                            none => *none = Some(words),
                        }
                    }
                    _ => {
                        other = true;
                        value.skip()?;
                    }
                }
                Ok(())
            })
        })
    })?;
    if other {
        return Err(RequestError::field(
            param,
            "This account embeds texts alone: use an account that speaks Gemini for pictures and files.",
        ));
    }
    Ok(wish)
}

/// The same request under another model's name: everything else stays in slices of it. The name stands in each request of a batch, and is
/// optional.
#[must_use]
pub fn naming(body: &Bytes, model: &str) -> Vec<Bytes> {
    let mut places = Vec::new();
    let Ok(whole) = std::str::from_utf8(body) else {
        return vec![body.clone()];
    };
    let walked = Reader::new(whole).members(|key, value| {
        match (key, value.kind()?) {
            ("model", Kind::String) => places.extend(place(whole, value.string()?.raw())),
            ("requests", Kind::Array) => value.elements(|one| {
                if one.kind()? != Kind::Object {
                    return one.skip();
                }
                one.members(|key, value| match (key, value.kind()?) {
                    ("model", Kind::String) => {
                        places.extend(place(whole, value.string()?.raw()));
                        Ok(())
                    }
                    _ => value.skip(),
                })
            })?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    });
    if walked.is_err() {
        return vec![body.clone()];
    }
    let mut name = String::with_capacity(model.len() + 8);
    escape_into(&path_name(model), &mut name);
    replaced(body, &places, &name.into())
}

/// What an answer of the dialect holds; `None` when it is no JSON object.
#[must_use]
pub fn look(answer: &[u8]) -> Option<Looked> {
    let (vectors, usage) = vectors(answer)?;
    Some(Looked {
        any: !vectors.is_empty(),
        usage,
    })
}

/// An answer of the dialect as one of the Embeddings API, in the order of the texts.
#[must_use]
pub fn answer_to_openai(answer: &[u8], model: &str, base64: bool) -> Answered {
    let (vectors, usage) = vectors(answer)?;
    if vectors.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(answer.len() + 64 * vectors.len());
    out.raw("{\"object\":\"list\",\"data\":[");
    let mut commas = Commas::default();
    for (at, values) in (0..).zip(&vectors) {
        commas.next(&mut out);
        out.raw("{\"object\":\"embedding\",\"index\":");
        out.number(at);
        out.raw(",\"embedding\":");
        if base64 {
            packed(values, &mut out)?;
        } else {
            out.raw(values);
        }
        out.raw("}");
    }
    out.raw("],\"model\":");
    out.string(model);
    // Clients need the place; what was not counted stays unknown in the journal.
    let counted = usage.map_or(0, |usage| usage.input);
    out.raw(",\"usage\":{\"prompt_tokens\":");
    out.number(counted);
    out.raw(",\"total_tokens\":");
    out.number(counted);
    out.raw("}}");
    Some((out.into(), usage))
}

/// An answer of the Embeddings API as one of the dialect, in the order of the requests.
#[must_use]
pub fn answer_from_openai(answer: &[u8], batch: bool) -> Answered {
    let mut vectors = Vec::new();
    let mut counted = None;
    let read = Reader::new(std::str::from_utf8(answer).ok()?).members(|key, value| {
        match (key, value.kind()?) {
            ("usage", Kind::Object) => counted = chat::usage::read(value)?,
            ("data", Kind::Array) => value.elements(|one| {
                let (mut at, mut values) = (None, None);
                one.members(|key, value| {
                    match (key, value.kind()?) {
                        ("index", _) => at = value.unsigned_or_skip()?,
                        ("embedding", Kind::Array) => values = Some(value.raw()?),
                        _ => value.skip()?,
                    }
                    Ok::<(), Malformed>(())
                })?;
                if let Some(values) = values {
                    vectors.push((at.unwrap_or(u64::MAX), values));
                }
                Ok::<(), Malformed>(())
            })?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    });
    if read.is_err() || vectors.is_empty() {
        return None;
    }
    vectors.sort_by_key(|(at, _)| *at);
    let mut out = String::with_capacity(answer.len());
    out.raw(if batch {
        "{\"embeddings\":["
    } else {
        "{\"embedding\":"
    });
    let mut commas = Commas::default();
    let wanted = if batch { vectors.len() } else { 1 };
    for (_, values) in vectors.iter().take(wanted) {
        commas.next(&mut out);
        out.raw("{\"values\":");
        out.raw(values);
        out.raw("}");
    }
    out.raw(if batch { "]}" } else { "}" });
    Some((out.into(), counted))
}

/// The vectors of an answer, raw, and what was counted.
fn vectors(answer: &[u8]) -> Option<(Vec<&str>, Option<Usage>)> {
    let (mut found, mut counted) = (Vec::new(), None);
    let mut reader = Reader::new(std::str::from_utf8(answer).ok()?);
    if reader.kind().ok()? != Kind::Object {
        return None;
    }
    let read = members(&mut reader, |key, value| {
        match (key, value.kind()?) {
            ("embedding", Kind::Object) => found.extend(values(value)?),
            ("embeddings", Kind::Array) => value.elements(|value| {
                found.extend(values(value)?);
                Ok::<(), Malformed>(())
            })?,
            ("usageMetadata", Kind::Object) => counted = usage::read(value)?,
            _ => value.skip()?,
        }
        Ok(())
    });
    read.ok().map(|()| (found, counted))
}

fn values<'a>(value: &mut Reader<'a>) -> Result<Option<&'a str>, Malformed> {
    let mut raw = None;
    members(value, |key, value| {
        match (key, value.kind()?) {
            ("values", Kind::Array) => raw = Some(value.raw()?),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(raw)
}

/// A list of numbers as the base64 of 32-bit floats, the least byte first.
fn packed(values: &str, out: &mut String) -> Option<()> {
    let mut bytes = Vec::new();
    let mut list = Reader::new(values);
    let read = list.elements(|value| {
        let number: f32 = value.raw()?.parse().unwrap_or_default();
        bytes.extend_from_slice(&number.to_le_bytes());
        Ok::<(), Malformed>(())
    });
    read.ok()?;
    let mut spelled = Vec::new();
    base64::encode(&bytes, &mut spelled);
    out.raw("\"");
    out.raw(std::str::from_utf8(&spelled).ok()?);
    out.raw("\"");
    Some(())
}

fn path_name(model: &str) -> String {
    format!("models/{}", model.strip_prefix("models/").unwrap_or(model))
}

fn utf8(body: &[u8]) -> Result<&str, RequestError> {
    std::str::from_utf8(body).map_err(|_| RequestError::body("The request body is not UTF-8."))
}

#[cfg(test)]
mod tests;

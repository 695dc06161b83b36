//! The fields of Responses events, items and answers that decoding asks for, as slices of their text. Called by `stream_decode`.

use super::{cite, usage};
use crate::canonical::cite::Search;
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
};
use crate::types::Usage;

/// A piece of an item.
#[derive(Default)]
pub(super) struct Piece<'a> {
    pub(super) index: Option<u64>,
    pub(super) delta: Option<Text<'a>>,
    pub(super) logprobs: Option<&'a str>,
    pub(super) paragraph: u64,
}

/// An item that begins or ends, or what is noted on it.
#[derive(Default)]
pub(super) struct Placed<'a> {
    pub(super) index: Option<u64>,
    pub(super) item: Option<RawItem<'a>>,
    pub(super) annotation: Option<&'a str>,
}

/// The type of an event, whose first member it nearly always is.
pub(super) fn kind_of(data: &str) -> Option<&str> {
    const FIRST: &str = "{\"type\":\"";
    let rest = data.strip_prefix(FIRST);
    match rest.and_then(|rest| Some(&rest[..memchr::memchr(b'"', rest.as_bytes())?])) {
        Some(kind) => Some(kind),
        None => find_type(&mut Reader::new(data)),
    }
}

fn find_type<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let mut kind = None;
    reader
        .members(|key, value| {
            if key == "type" && value.kind()? == Kind::String {
                kind = value
                    .raw()?
                    .strip_prefix('"')
                    .and_then(|inner| inner.strip_suffix('"'));
                return Ok::<(), Malformed>(());
            }
            value.skip()
        })
        .ok()?;
    kind
}

/// The fields of a delta.
pub(super) fn read_piece<'a>(reader: &mut Reader<'a>) -> Result<Piece<'a>, Malformed> {
    let mut piece = Piece::default();
    reader.members(|key, value| {
        match key {
            "output_index" => piece.index = value.unsigned_or_skip()?,
            "delta" => piece.delta = value.string_or_skip()?,
            "logprobs" => piece.logprobs = Some(value.raw()?).filter(|raw| raw.starts_with("[{")),
            "summary_index" => piece.paragraph = value.unsigned_or_skip()?.unwrap_or(0),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(piece)
}

/// The fields of an event about a whole item.
pub(super) fn read_placed<'a>(reader: &mut Reader<'a>) -> Result<Placed<'a>, Malformed> {
    let mut placed = Placed::default();
    reader.members(|key, value| {
        match key {
            "output_index" => placed.index = value.unsigned_or_skip()?,
            "annotation" => placed.annotation = Some(value.raw()?),
            // Read at once: these are the long events, and to skip one first is to read it twice.
            "item" if value.kind()? == Kind::Object => placed.item = Some(read_item(value)?),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(placed)
}

/// The answer that an event of its life holds.
pub(super) fn read_response<'a>(reader: &mut Reader<'a>) -> Result<Option<Told<'a>>, Malformed> {
    let mut response = None;
    reader.members(|key, value| {
        if key == "response" && value.kind()? == Kind::Object {
            response = Some(read_answer(value)?);
            return Ok::<(), Malformed>(());
        }
        value.skip()
    })?;
    Ok(response)
}

/// The fields of an item of the answer.
#[derive(Default)]
pub(super) struct RawItem<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) call_id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) namespace: Option<Text<'a>>,
    pub(super) phase: Option<Text<'a>>,
    pub(super) input: Option<Text<'a>>,
    pub(super) seal: Option<Text<'a>>,
    /// What a hosted call brought, as base64, and its type.
    pub(super) result: Option<Text<'a>>,
    /// What ran in the provider's sandbox, and what it printed.
    pub(super) code: Option<Text<'a>>,
    pub(super) outputs: Option<Reader<'a>>,
    /// What a search of the web did.
    pub(super) action: Option<Reader<'a>>,
    pub(super) format: Option<Text<'a>>,
    pub(super) content: Option<Reader<'a>>,
    pub(super) summary: Option<Reader<'a>>,
}

pub(super) fn read_item<'a>(value: &mut Reader<'a>) -> Result<RawItem<'a>, Malformed> {
    let mut item = RawItem::default();
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(item);
    }
    value.members(|key, value| {
        match (key, value.kind()?) {
            ("type", _) => item.kind = value.string_or_skip()?,
            ("id", _) => item.id = value.string_or_skip()?,
            ("call_id", _) => item.call_id = value.string_or_skip()?.filter(|id| !id.is_empty()),
            ("name", _) => item.name = value.string_or_skip()?.filter(|name| !name.is_empty()),
            ("namespace", _) => {
                item.namespace = value.string_or_skip()?.filter(|space| !space.is_empty())
            }
            ("phase", _) => item.phase = value.string_or_skip()?,
            ("arguments" | "input", Kind::String) => item.input = Some(value.string()?),
            ("arguments", Kind::Object) => item.input = Some(Text::spell(value.raw()?)),
            ("encrypted_content", Kind::String) => {
                item.seal = Some(value.string()?).filter(|seal| !seal.is_empty())
            }
            ("result", Kind::String) => item.result = Some(value.string()?),
            ("output_format", Kind::String) => item.format = Some(value.string()?),
            ("code", Kind::String) => item.code = Some(value.string()?),
            ("outputs", Kind::Array) => {
                item.outputs = Some(value.clone());
                value.skip()?;
            }
            ("action", Kind::Object) => {
                item.action = Some(value.clone());
                value.skip()?;
            }
            ("content", Kind::Array) => {
                item.content = Some(value.clone());
                value.skip()?;
            }
            ("summary", Kind::Array) => {
                item.summary = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(item)
}

/// What a response object says besides its items.
#[derive(Default)]
pub(super) struct AnswerHead<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    pub(super) created: Option<u64>,
    pub(super) status: Option<Text<'a>>,
    pub(super) reason: Option<Text<'a>>,
    pub(super) usage: Option<Usage>,
    pub(super) failed: bool,
}

/// What a response object says, and where its items stand.
pub(super) type Told<'a> = (AnswerHead<'a>, Option<Reader<'a>>);

pub(super) fn read_answer<'a>(response: &mut Reader<'a>) -> Result<Told<'a>, Malformed> {
    let mut head = AnswerHead::default();
    let mut output = None;
    response.members(|key, value| {
        match (key, value.kind()?) {
            ("id", _) => head.id = value.string_or_skip()?,
            ("model", _) => head.model = value.string_or_skip()?,
            ("created_at", _) => head.created = value.unsigned_or_skip()?,
            ("status", _) => head.status = value.string_or_skip()?,
            ("usage", _) => head.usage = usage::read(value)?,
            ("error", Kind::Object) => {
                head.failed = true;
                value.skip()?;
            }
            ("incomplete_details", Kind::Object) => value.members(|key, value| {
                if key == "reason" {
                    head.reason = value.string_or_skip()?;
                    return Ok::<(), Malformed>(());
                }
                value.skip()
            })?,
            ("output", Kind::Array) => {
                output = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok((head, output))
}

impl RawItem<'_> {
    pub(super) fn is_reasoning(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| kind.is("reasoning"))
    }

    /// What it searched for, where it is a search of the web (T55).
    pub(super) fn search(&self) -> Option<Search<'_>> {
        let action = self.action.clone()?;
        let searched = self
            .kind
            .as_ref()
            .is_some_and(|kind| kind.is("web_search_call"));
        let id = self.id.as_ref();
        searched.then(|| cite::search(id, action).ok()).flatten()
    }

    pub(super) fn is_picture(&self) -> bool {
        let drawn = self.result.as_ref().is_some_and(|data| !data.is_empty());
        let kind = self.kind.as_ref();
        drawn && kind.is_some_and(|kind| kind.is("image_generation_call"))
    }

    pub(super) fn is_code(&self) -> bool {
        let kind = self.kind.as_ref();
        kind.is_some_and(|kind| kind.is("code_interpreter_call"))
            && self.code.as_ref().is_some_and(|code| !code.is_empty())
    }

    pub(super) fn is_custom(&self) -> bool {
        self.kind
            .as_ref()
            .is_some_and(|kind| kind.is("custom_tool_call"))
    }
}

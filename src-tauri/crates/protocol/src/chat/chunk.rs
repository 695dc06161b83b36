//! One chunk of a Chat Completions stream, or the message of a whole answer, as slices of its text. Called by `stream_decode`.

use super::proof;
use super::usage;
use crate::{
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
    },
    lost::{Gone, Lost},
    types::Usage,
};

/// One chunk, or the `message` of a whole answer.
#[derive(Default)]
pub(super) struct Chunk<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) model: Option<Text<'a>>,
    pub(super) created: Option<u64>,
    pub(super) usage: Option<Usage>,
    pub(super) failed: bool,
    pub(super) delta: Delta<'a>,
    pub(super) finish: Option<Text<'a>>,
    pub(super) logprobs: Option<&'a str>,
    /// What of it has no place in the common form.
    pub(super) lost: Lost,
}

#[derive(Default)]
pub(super) struct Delta<'a> {
    pub(super) content: Option<Reader<'a>>,
    pub(super) refusal: Option<Text<'a>>,
    pub(super) reasoning: Option<Text<'a>>,
    pub(super) details: Option<Reader<'a>>,
    pub(super) calls: Option<Reader<'a>>,
    pub(super) legacy: Option<Reader<'a>>,
    pub(super) annotations: Option<Reader<'a>>,
}

pub(super) fn read_chunk(data: &str) -> Result<Chunk<'_>, Malformed> {
    let mut chunk = Chunk::default();
    let mut reader = Reader::new(data);
    reader.members(|key, value| {
        match key {
            "id" => chunk.id = value.string_or_skip()?,
            "model" => chunk.model = value.string_or_skip()?,
            "created" => chunk.created = value.unsigned_or_skip()?,
            "usage" => chunk.usage = usage::read(value)?.or(chunk.usage),
            "error" => chunk.failed |= !value.null()? && value.skip().map(|()| true)?,
            // Groq counts in its own corner.
            "x_groq" if value.kind()? == Kind::Object => value.members(|key, value| {
                if key == "usage" {
                    chunk.usage = usage::read(value)?.or(chunk.usage);
                    return Ok(());
                }
                value.skip()
            })?,
            "choices" if value.kind()? == Kind::Array => {
                value.elements(|choice| read_choice(choice, &mut chunk))?;
            }
            // Some servers name their sources beside the answer, for no words in particular.
            "citations" | "search_results" => {
                chunk.lost.add_if(holds(value)?, Gone::Citation);
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(chunk)
}

/// Only the first choice counts: more are never asked for (F75).
fn read_choice<'a>(choice: &mut Reader<'a>, chunk: &mut Chunk<'a>) -> Result<(), Malformed> {
    if choice.kind()? != Kind::Object {
        return choice.skip();
    }
    let mut index = 0;
    let (mut delta, mut finish, mut logprobs) = (None, None, None);
    choice.members(|key, value| {
        match key {
            "index" => index = value.unsigned_or_skip()?.unwrap_or(0),
            "delta" | "message" if value.kind()? == Kind::Object => {
                delta = Some(read_delta(value, &mut chunk.lost)?)
            }
            "finish_reason" => finish = value.string_or_skip()?.filter(|word| !word.is_empty()),
            "logprobs" if value.kind()? == Kind::Object => value.members(|key, value| {
                if key == "content" {
                    logprobs = Some(value.raw()?).filter(|raw| raw.starts_with('['));
                    return Ok(());
                }
                chunk.lost.add_if(holds(value)?, Gone::Logprobs);
                Ok(())
            })?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    if index == 0 {
        chunk.delta = delta.unwrap_or_default();
        chunk.finish = finish.or(chunk.finish.take());
        chunk.logprobs = logprobs;
    } else {
        chunk.lost.add(Gone::Candidates);
    }
    Ok(())
}

fn read_delta<'a>(value: &mut Reader<'a>, lost: &mut Lost) -> Result<Delta<'a>, Malformed> {
    let mut delta = Delta::default();
    value.members(|key, value| {
        match (key, value.kind()?) {
            ("content", Kind::String | Kind::Array) => delta.content = Some(value.clone()),
            ("refusal", Kind::String) => delta.refusal = Some(value.clone().string()?),
            ("reasoning_content" | "reasoning", Kind::String) => {
                let text = value.clone().string()?;
                if !text.is_empty() {
                    delta.reasoning = Some(text);
                }
            }
            ("reasoning_details" | "thinking", Kind::Array | Kind::String) => {
                delta.details = Some(value.clone())
            }
            ("tool_calls", Kind::Array) => delta.calls = Some(value.clone()),
            ("function_call", Kind::Object) => delta.legacy = Some(value.clone()),
            ("annotations", Kind::Array) => delta.annotations = Some(value.clone()),
            (_, Kind::Null) => {}
            (
                "role" | "content" | "refusal" | "reasoning_content" | "reasoning"
                | "reasoning_details" | "thinking" | "tool_calls" | "function_call" | "annotations",
                _,
            ) => {}
            ("audio", _) => lost.add(Gone::Audio),
            ("images", _) => lost.add_if(holds(&mut value.clone())?, Gone::Media),
            _ => lost.add_if(holds(&mut value.clone())?, Gone::Field),
        }
        value.skip()
    })?;
    Ok(delta)
}

/// Whether a value says anything.
fn holds(value: &mut Reader<'_>) -> Result<bool, Malformed> {
    Ok(!matches!(
        value.raw()?,
        "null" | "\"\"" | "[]" | "{}" | "false" | "0"
    ))
}

/// One element of `tool_calls`.
#[derive(Default)]
pub(super) struct CallPart<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<Text<'a>>,
    pub(super) custom: bool,
    /// What proves the call to the model that made it.
    pub(super) proof: Option<Text<'a>>,
}

pub(super) fn read_call<'a>(value: &mut Reader<'a>) -> Result<CallPart<'a>, Malformed> {
    let mut part = CallPart::default();
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(part);
    }
    value.members(|key, value| {
        match key {
            "index" => part.index = value.unsigned_or_skip()?,
            "id" => part.id = value.string_or_skip()?,
            "extra_content" => part.proof = proof::read(value)?,
            "function" => read_function(value, &mut part)?,
            "custom" => {
                part.custom = true;
                read_function(value, &mut part)?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(part)
}

pub(super) fn read_function<'a>(
    value: &mut Reader<'a>,
    part: &mut CallPart<'a>,
) -> Result<(), Malformed> {
    if value.kind()? != Kind::Object {
        return value.skip();
    }
    value.members(|key, value| {
        match key {
            "name" => part.name = value.string_or_skip()?,
            "arguments" | "input" => {
                part.input = match value.kind()? {
                    Kind::String => Some(value.string()?),
                    // T78: an object instead of its text.
                    Kind::Object | Kind::Array => Some(Text::spell(value.raw()?)),
                    _ => value.skip().map(|()| None)?,
                };
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })
}

//! The fields of Messages events and of the blocks in them, as slices of their text. Called by `stream_decode`.

use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
};

/// What an event holds.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) index: Option<u64>,
    /// The message, the block or the delta.
    pub(super) nested: Option<Reader<'a>>,
    pub(super) usage: Option<Reader<'a>>,
}

pub(super) fn read_event(data: &str) -> Result<Fields<'_>, Malformed> {
    let mut fields = Fields::default();
    Reader::new(data).members(|key, value| {
        match key {
            "type" => {
                fields.kind = value.string_or_skip()?;
                return Ok(());
            }
            "index" => {
                fields.index = value.unsigned_or_skip()?;
                return Ok(());
            }
            "message" | "content_block" | "delta" if value.kind()? == Kind::Object => {
                fields.nested = Some(value.clone());
            }
            "usage" => fields.usage = Some(value.clone()),
            _ => {}
        }
        value.skip()
    })?;
    Ok(fields)
}

/// What a block begins with; in a whole answer, all of it.
#[derive(Default)]
pub(super) struct Started<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    /// Text or thoughts.
    pub(super) words: Option<Text<'a>>,
    /// The signature, or the sealed thoughts themselves.
    pub(super) seal: Option<Text<'a>>,
    pub(super) input: Option<&'a str>,
    /// The sources of a text.
    pub(super) citations: Option<Reader<'a>>,
    /// Of the result of a tool that ran at the vendor: whose it is, and what it holds.
    pub(super) tool_use_id: Option<Text<'a>>,
    pub(super) content: Option<Reader<'a>>,
}

pub(super) fn read_start<'a>(block: &mut Reader<'a>) -> Result<Started<'a>, Malformed> {
    let mut started = Started::default();
    block.members(|key, value| {
        match key {
            "type" => started.kind = value.string_or_skip()?,
            "id" => started.id = value.string_or_skip()?,
            "name" => started.name = value.string_or_skip()?,
            "text" | "thinking" => started.words = value.string_or_skip()?,
            "signature" | "data" => started.seal = value.string_or_skip()?,
            "input" => started.input = Some(value.raw()?),
            "tool_use_id" => started.tool_use_id = value.string_or_skip()?,
            "citations" if value.kind()? == Kind::Array => {
                started.citations = Some(value.clone());
                value.skip()?;
            }
            "content" => {
                started.content = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(started)
}

//! One content block of a request or an answer, as slices of its text; read before its type is known. Called by the decoders of this folder.

use std::fmt::Display;

use crate::{
    canonical::fields::{object, text},
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::RequestError,
};

/// Whatever blocks hold, by name.
#[derive(Default)]
pub(super) struct RawBlock<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) text: Option<Text<'a>>,
    pub(super) thinking: Option<Text<'a>>,
    pub(super) signature: Option<Text<'a>>,
    /// Of redacted thinking.
    pub(super) data: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<&'a str>,
    pub(super) tool_use_id: Option<Text<'a>>,
    pub(super) content: Option<Reader<'a>>,
    pub(super) failed: bool,
    pub(super) title: Option<Text<'a>>,
    pub(super) tool_name: Option<Text<'a>>,
    pub(super) source: Option<Source<'a>>,
    /// A mark for the vendor's cache.
    pub(super) marked: bool,
    /// The answer is to name this document as a source.
    pub(super) citable: bool,
    /// Sources that the model's words name.
    pub(super) cites: bool,
    /// What is said about a document, or where a result of a search is from.
    pub(super) context: bool,
    /// Names of members that nobody here knows.
    pub(super) more: Vec<String>,
}

/// Where the bytes of a picture or a document are.
#[derive(Default)]
pub(super) struct Source<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) media_type: Option<Text<'a>>,
    pub(super) data: Option<Text<'a>>,
    pub(super) url: Option<Text<'a>>,
    pub(super) content: Option<Reader<'a>>,
}

pub(super) fn read<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
) -> Result<RawBlock<'a>, RequestError> {
    let mut raw = RawBlock::default();
    object(value, param, |key, value| {
        let field = format_args!("{param}.{key}");
        match key {
            "type" => raw.kind = text(value, &field)?,
            "text" => raw.text = text(value, &field)?,
            "thinking" => raw.thinking = text(value, &field)?,
            "signature" => raw.signature = text(value, &field)?.filter(|seal| !seal.is_empty()),
            "data" => raw.data = value.string_or_skip()?,
            "id" => raw.id = text(value, &field)?,
            "name" => raw.name = text(value, &field)?,
            "tool_use_id" => raw.tool_use_id = text(value, &field)?,
            "tool_name" => raw.tool_name = value.string_or_skip()?,
            "title" => raw.title = value.string_or_skip()?.filter(|title| !title.is_empty()),
            "input" => raw.input = Some(value.raw()?),
            "is_error" => raw.failed = value.bool_or_skip()?.unwrap_or(false),
            "content" => {
                raw.content = Some(value.clone());
                value.skip()?;
            }
            "cache_control" => raw.marked = !value.null()? && value.skip().map(|()| true)?,
            "citations" if value.kind()? == Kind::Object => object(value, &field, |key, value| {
                match key {
                    "enabled" => raw.citable = value.bool_or_skip()?.unwrap_or(false),
                    _ => value.skip()?,
                }
                Ok(())
            })?,
            "citations" => raw.cites = !matches!(value.raw()?, "null" | "[]"),
            "source" if value.kind()? == Kind::Object => raw.source = Some(source(value, &field)?),
            "context" | "source" => raw.context = !matches!(value.raw()?, "null" | "\"\""),
            // Who called a tool is told by its result.
            "caller" => value.skip()?,
            key => {
                if !matches!(value.raw()?, "null" | "\"\"" | "[]" | "{}" | "false" | "0") {
                    raw.more.push(key.to_owned());
                }
            }
        }
        Ok(())
    })?;
    Ok(raw)
}

fn source<'a>(value: &mut Reader<'a>, param: &dyn Display) -> Result<Source<'a>, RequestError> {
    let mut source = Source::default();
    object(value, param, |key, value| {
        let field = format_args!("{param}.{key}");
        match key {
            "type" => source.kind = text(value, &field)?,
            "media_type" => source.media_type = text(value, &field)?,
            "data" => source.data = text(value, &field)?,
            "url" => source.url = text(value, &field)?,
            "content" => {
                source.content = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(source)
}

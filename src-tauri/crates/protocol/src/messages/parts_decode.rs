//! The content blocks of a Messages request → the common form. Called by `request_decode`.

use std::fmt::Display;

use super::block::{RawBlock, Source, read};
use crate::{
    canonical::{
        fields::{array, missing, wrong_type},
        request::{Call, Losses, Part, Seal},
        seal,
    },
    json::{
        read::{Kind, Reader},
        text::Text,
    },
    types::{Dialect, RequestError},
};

/// What was met in many places and is told once.
#[derive(Default)]
pub(super) struct Met {
    /// Marks for the vendor's cache (T134).
    marks: bool,
    /// Results that say they failed (T28).
    failures: bool,
    /// Calls and results of tools that ran at the vendor (T88).
    hosted: bool,
    /// Documents that the answer is to name as its sources (T31).
    citable: bool,
    /// Words of the model that name their sources.
    cites: bool,
    /// What is said about documents, and where results of a search are from.
    context: bool,
    /// Titles of documents that become mere words.
    titles: bool,
}

impl Met {
    pub(super) fn mark(&mut self, marked: bool) {
        self.marks |= marked;
    }

    pub(super) fn tell(self, losses: &mut Losses) {
        if self.marks {
            losses.dropped(
                "cache_control",
                "only its own provider has marks for its cache (T134)",
            );
        }
        if self.failures {
            losses.approximated(
                "is_error",
                "other dialects tell a failed tool by its text alone (T28)",
            );
        }
        if self.citable {
            losses.dropped(
                "citations",
                "only its own provider names documents of the request as sources (T31)",
            );
        }
        for (met, field) in [
            (self.cites, "citations"),
            (self.context, "context"),
            (self.titles, "title"),
        ] {
            if met {
                losses.unknown_key("messages[].content[]", field);
            }
        }
        if self.hosted {
            losses.dropped(
                "server_tool_use",
                "only its own provider knows calls and results of tools it ran itself (T88)",
            );
        }
    }
}

/// One block of a message.
pub(super) enum Block<'a> {
    Part(Part<'a>),
    Reasoning {
        text: Text<'a>,
        seal: Option<Seal<'a>>,
    },
    Call(Call<'a>),
    Output {
        call_id: Text<'a>,
        parts: Vec<Part<'a>>,
    },
}

/// A string, or an array of blocks.
pub(super) fn blocks<'a>(
    value: &mut Reader<'a>,
    param: &dyn Display,
    met: &mut Met,
    losses: &mut Losses,
    each: &mut dyn FnMut(Block<'a>),
) -> Result<(), RequestError> {
    match value.kind()? {
        Kind::String => {
            each(Block::Part(Part::Text(value.string()?)));
            Ok(())
        }
        Kind::Null => Ok(value.skip()?),
        Kind::Array => array(value, param, |n, value| {
            if value.kind()? == Kind::String {
                each(Block::Part(Part::Text(value.string()?)));
                return Ok(());
            }
            let param = format_args!("{param}[{n}]");
            let raw = read(value, &param)?;
            met.mark(raw.marked);
            met.citable |= raw.citable;
            met.cites |= raw.cites;
            met.context |= raw.context;
            block(raw, &param, met, losses, each)
        }),
        _ => Err(wrong_type(param, "a string or an array of content blocks")),
    }
}

fn block<'a>(
    raw: RawBlock<'a>,
    param: &dyn Display,
    met: &mut Met,
    losses: &mut Losses,
    each: &mut dyn FnMut(Block<'a>),
) -> Result<(), RequestError> {
    let field = |name: &'static str| format!("{param}.{name}");
    let kind = raw.kind.ok_or_else(|| missing(&field("type")))?;
    let kind = kind.decode();
    // Blocks of other kinds are lost as a whole.
    if let "text" | "thinking" | "tool_use" | "tool_result" | "image" | "document" = kind.as_ref() {
        for key in &raw.more {
            losses.unknown_key("messages[].content[]", key);
        }
    }
    match kind.as_ref() {
        "text" => each(Block::Part(Part::Text(
            raw.text.ok_or_else(|| missing(&field("text")))?,
        ))),
        // T89: the exact strings; T95: an empty thought with a signature is one all the same.
        "thinking" => each(Block::Reasoning {
            text: raw.thinking.unwrap_or_default(),
            seal: raw
                .signature
                .map(|kept| seal::read(Dialect::Messages, kept, false)),
        }),
        "redacted_thinking" => {
            let kept = raw.data.ok_or_else(|| missing(&field("data")))?;
            each(Block::Reasoning {
                text: Text::default(),
                seal: Some(seal::read(Dialect::Messages, kept, true)),
            });
        }
        "tool_use" => each(Block::Call(Call {
            call_id: raw.id.ok_or_else(|| missing(&field("id")))?,
            name: raw.name.ok_or_else(|| missing(&field("name")))?,
            namespace: None,
            input: raw
                .input
                .filter(|input| input.starts_with('{'))
                .map_or_else(|| Text::spell("{}"), Text::spell),
            custom: false,
        })),
        "tool_result" => {
            let call_id = raw
                .tool_use_id
                .ok_or_else(|| missing(&field("tool_use_id")))?;
            met.failures |= raw.failed;
            let mut parts = Vec::new();
            if let Some(mut content) = raw.content {
                blocks(&mut content, &field("content"), met, losses, &mut |block| {
                    // Nothing else is allowed in a result.
                    if let Block::Part(part) = block {
                        parts.push(part);
                    }
                })?;
            }
            each(Block::Output { call_id, parts });
        }
        "image" => {
            let source = raw.source.ok_or_else(|| missing(&field("source")))?;
            each(Block::Part(image(source, &field("source"))?));
        }
        "document" => {
            let source = raw.source.ok_or_else(|| missing(&field("source")))?;
            document(source, raw.title, &field("source"), met, losses, each)?;
        }
        // T57: a tool that was found by searching is told by its name.
        "tool_reference" => {
            let mut words = Text::spell("Tool available: ");
            words.join(&raw.tool_name.or(raw.name).unwrap_or_default());
            losses.approximated(
                param.to_string(),
                "only Messages accounts know tools that are found by searching: all are on offer, and this one is named in words (T57, T58)",
            );
            each(Block::Part(Part::Text(words)));
        }
        "search_result" => {
            if let Some(title) = raw.title {
                each(Block::Part(Part::Text(title)));
            }
            if let Some(mut content) = raw.content {
                blocks(&mut content, &field("content"), met, losses, each)?;
            }
        }
        // T88: calls and results go as a pair.
        "server_tool_use" | "mcp_tool_use" | "mcp_tool_result" => met.hosted = true,
        kind if kind.ends_with("_tool_result") => met.hosted = true,
        _ => losses.dropped(
            param.to_string(),
            "the account's dialect has no such content block",
        ),
    }
    Ok(())
}

fn image<'a>(source: Source<'a>, param: &dyn Display) -> Result<Part<'a>, RequestError> {
    if let Some(url) = source.url {
        return Ok(Part::Image {
            url,
            tail: Text::default(),
            detail: None,
        });
    }
    let data = source
        .data
        .ok_or_else(|| unreachable_source(&source.kind, param))?;
    let mut url = Text::spell("data:");
    url.join(
        &source
            .media_type
            .unwrap_or_else(|| Text::spell("image/png")),
    );
    url.join(&Text::spell(";base64,"));
    Ok(Part::Image {
        url,
        tail: data,
        detail: None,
    })
}

fn document<'a>(
    source: Source<'a>,
    title: Option<Text<'a>>,
    param: &dyn Display,
    met: &mut Met,
    losses: &mut Losses,
    each: &mut dyn FnMut(Block<'a>),
) -> Result<(), RequestError> {
    let words =
        source.content.is_some() || source.kind.as_ref().is_some_and(|kind| kind.is("text"));
    met.titles |= words && title.is_some();
    if let Some(mut content) = source.content {
        return blocks(&mut content, param, met, losses, each);
    }
    if source.url.is_some() {
        each(Block::Part(Part::File {
            data: None,
            url: source.url,
            name: title,
        }));
        return Ok(());
    }
    let data = source
        .data
        .ok_or_else(|| unreachable_source(&source.kind, param))?;
    if source.kind.as_ref().is_some_and(|kind| kind.is("text")) {
        // Plain text needs no file around it.
        each(Block::Part(Part::Text(data)));
        return Ok(());
    }
    let mut url = Text::spell("data:");
    url.join(
        &source
            .media_type
            .unwrap_or_else(|| Text::spell("application/pdf")),
    );
    url.join(&Text::spell(";base64,"));
    url.join(&data);
    each(Block::Part(Part::File {
        data: Some(url),
        url: None,
        name: title,
    }));
    Ok(())
}

/// T23: a file that lies at the vendor cannot be reached from elsewhere.
fn unreachable_source(kind: &Option<Text<'_>>, param: &dyn Display) -> RequestError {
    if kind.as_ref().is_some_and(|kind| kind.is("file")) {
        RequestError::field(
            param.to_string(),
            "Uploaded files belong to one provider's account: send the file itself as base64 (T23).",
        )
    } else {
        missing(&format_args!("{param}.data"))
    }
}

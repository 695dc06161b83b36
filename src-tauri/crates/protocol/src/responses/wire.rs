//! The words of the Responses dialect, and small rules that both directions share.
//!
//! Called by the other files of this folder and by the Chat request encoder.

use crate::{
    canonical::request::{Chosen, Tool},
    json::{
        read::{Kind, Malformed, Reader},
        write::Sink,
    },
    types::RequestError,
};

/// The longest call id the dialect takes (T73).
pub(crate) const LONGEST_CALL_ID: usize = 64;

/// The lowest `max_output_tokens` the dialect takes (T117).
pub(crate) const LOWEST_LIMIT: u64 = 16;

/// A choice must name a declared tool (T60).
pub(crate) fn require_declared(
    chosen: &Chosen<'_>,
    tools: &[Tool<'_>],
) -> Result<(), RequestError> {
    let declared = tools.iter().any(|tool| {
        tool.named().is_some_and(|(space, name)| {
            *name == chosen.name
                && (chosen.namespace.is_none() || space == chosen.namespace.as_ref())
        })
    });
    if declared {
        Ok(())
    } else {
        Err(RequestError::field(
            "tool_choice",
            "tool_choice names a tool that is not in tools: declare it or choose another.",
        ))
    }
}

/// Writes a custom tool's format flat: Chat nests the grammar, `{"type":"grammar","grammar":{"syntax","definition"}}`; Responses does not.
pub(crate) fn write_flat_grammar<S: Sink>(format: &str, out: &mut S) {
    match grammar(format) {
        Some((syntax, definition)) => {
            out.raw("{\"type\":\"grammar\",\"syntax\":");
            out.raw(syntax);
            out.raw(",\"definition\":");
            out.raw(definition);
            out.raw("}");
        }
        None => out.raw(format),
    }
}

/// The raw syntax and definition of a grammar, nested or flat.
pub(crate) fn grammar(format: &str) -> Option<(&str, &str)> {
    let (mut syntax, mut definition) = (None, None);
    let mut reader = Reader::new(format);
    if reader.kind().ok()? != Kind::Object {
        return None;
    }
    reader
        .members(|key, value| {
            match key {
                "syntax" => syntax = Some(value.raw()?),
                "definition" => definition = Some(value.raw()?),
                "grammar" if value.kind()? == Kind::Object => value.members(|key, value| {
                    match key {
                        "syntax" => syntax = Some(value.raw()?),
                        "definition" => definition = Some(value.raw()?),
                        _ => value.skip()?,
                    }
                    Ok::<(), Malformed>(())
                })?,
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })
        .ok()?;
    Some((syntax?, definition?))
}

/// Fields of a request that are the gateway's own business or a client's bookkeeping, and may go without a word.
pub(crate) const QUIET: &[&str] = &["model", "stream", "stream_options", "client_metadata"];

/// Parts that carry nothing for another provider.
pub(crate) const QUIET_PARTS: &[&str] = &["encrypted_content"];

//! Tools and calls as the request encoders of the dialects write them alike: which tools a choice leaves on offer, two tools of one name, raw input
//! inside an object.
//!
//! Called by the request encoders; each says by itself what its dialect has words for.

use super::request::{Call, Losses, Request, Tool, ToolChoice};
use crate::{
    json::{
        text::Text,
        write::{RopeWriter, Sink},
    },
    messages::answer::is_object,
    responses::wire::{grammar, require_declared},
    types::RequestError,
};

/// The parameters of a tool that takes raw text, where there are none such (T51).
pub(crate) const RAW_INPUT: &str = "{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\",\"description\":\"The whole input as plain text.\"}},\"required\":[\"input\"]}";

/// The tools that may be called, for dialects that cannot be told of a choice among them: the others are not offered (table C4).
pub(crate) fn offered<'r, 'a>(request: &'r Request<'a>) -> Result<Vec<&'r Tool<'a>>, RequestError> {
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed { tools, .. }) => {
            for chosen in tools {
                require_declared(chosen, &request.tools)?;
            }
            Some(tools)
        }
        _ => None,
    };
    let is_offered = |tool: &&Tool<'_>| match (allowed, tool.named()) {
        (Some(allowed), Some((space, name))) => allowed
            .iter()
            .any(|chosen| chosen.name == *name && chosen.namespace.as_ref() == space),
        _ => true,
    };
    Ok(request.tools.iter().filter(is_offered).collect())
}

/// Whether a tool of this name was offered before; the first one counts (T49).
pub(crate) fn is_second(wire: &str, seen: &[String], losses: &mut Losses) -> bool {
    let second = seen.iter().any(|name| name == wire);
    if second {
        losses.dropped(
            format!("tool {wire}"),
            "a tool of this name was declared before (T49)",
        );
    }
    second
}

/// A choice among no tools is refused by most servers; one for none loses nothing (T60).
pub(crate) fn chooses_among_none(choice: &ToolChoice<'_>, losses: &mut Losses) {
    if !matches!(choice, ToolChoice::None | ToolChoice::Auto) {
        losses.dropped("tool_choice", "there are no tools to choose from (T60)");
    }
}

/// Writes the description of a tool that takes raw text, with its grammar in words, as a string token.
pub(crate) fn describe_raw(
    description: Option<&Text<'_>>,
    format: Option<&str>,
    out: &mut RopeWriter,
) {
    out.raw("\"");
    if let Some(description) = description {
        out.raw(description.raw());
    }
    if let Some((syntax, definition)) = format.and_then(grammar) {
        out.raw("\\n\\nThe input must follow this grammar (");
        out.raw(inside(syntax));
        out.raw("):\\n");
        out.raw(inside(definition));
    }
    out.raw("\"");
}

/// The inside of a string token; nothing of another value.
fn inside(raw: &str) -> &str {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    inner.unwrap_or_default()
}

/// Writes what a call was made with, for dialects that hold an object there always (T77). The raw input of a custom tool is one of its
/// members (T51).
pub(crate) fn object_input(call: &Call<'_>, out: &mut RopeWriter) {
    let plain = call.input.decode();
    if !call.custom && is_object(&plain) {
        out.raw(plain.trim());
    } else if !call.custom && plain.trim().is_empty() {
        out.raw("{}");
    } else {
        out.raw("{\"input\":");
        out.text(&call.input);
        out.raw("}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_grammar_is_told_in_words_whatever_its_last_letter_is_t51() {
        for (format, told) in [
            (
                r#"{"type":"grammar","syntax":"lark","definition":"start: \"a\""}"#,
                "Makes.\n\nThe input must follow this grammar (lark):\nstart: \"a\"",
            ),
            (
                r#"{"type":"grammar","grammar":{"syntax":"regex","definition":"\""}}"#,
                "Makes.\n\nThe input must follow this grammar (regex):\n\"",
            ),
            (
                r#"{"type":"grammar","syntax":7,"definition":["\""]}"#,
                "Makes.\n\nThe input must follow this grammar ():\n",
            ),
            (r#"{"type":"text"}"#, "Makes."),
        ] {
            let mut out = RopeWriter::new(&Bytes::new());
            describe_raw(Some(&Text::spell("Makes.")), Some(format), &mut out);
            let read: String = serde_json::from_slice(&out.finish().to_bytes()).unwrap();
            assert_eq!(read, told);
        }
    }
}

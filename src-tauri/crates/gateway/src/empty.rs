//! Whether a whole answer says nothing at all: neither content nor a tool call (F54). Such an answer is another account's turn.
//!
//! In doubt an answer is not empty: what is not known here counts as content. Called by `opened` before an answer that is not streamed is
//! committed; reads only small bodies, an empty answer is never a large one.

use memchr::memmem;
use protocol::{Dialect, Observed, Terminal};
use serde_json::{Map, Value};

/// Larger answers hold something.
const LARGEST: usize = 16 << 10;

/// See the module. `body` is in the client's dialect.
pub(crate) fn is_empty(dialect: Dialect, body: &[u8], seen: &Observed) -> bool {
    // An answer that was cut short says itself why it is empty.
    if body.len() > LARGEST || seen.terminal == Some(Terminal::Incomplete) {
        return false;
    }
    if plainly_speaks(dialect, body) {
        return false;
    }
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else {
        return false;
    };
    let (list, says_nothing): (_, fn(&Value) -> bool) = match dialect {
        Dialect::Chat => ("choices", silent_choice),
        Dialect::Responses => ("output", silent_item),
        Dialect::Messages => ("content", silent_block),
        Dialect::Gemini => ("candidates", silent_candidate),
    };
    match answer.get(list) {
        Some(Value::Array(list)) => list.iter().all(says_nothing),
        _ => false,
    }
}

/// The common case without reading the answer as JSON: a text member that is not the empty string.
fn plainly_speaks(dialect: Dialect, body: &[u8]) -> bool {
    let member: &[u8] = match dialect {
        Dialect::Chat => b"\"content\"",
        // Reasoning is text as well, and says nothing to the client.
        Dialect::Responses
            if [&b"summary_text"[..], b"reasoning_text"]
                .iter()
                .any(|kind| memmem::find(body, kind).is_some()) =>
        {
            return false;
        }
        // Thoughts are text as well.
        Dialect::Gemini if memmem::find(body, b"\"thought\"").is_some() => return false,
        Dialect::Responses | Dialect::Messages | Dialect::Gemini => b"\"text\"",
    };
    memmem::find_iter(body, member).any(|at| {
        let mut rest = body[at + member.len()..]
            .iter()
            .filter(|byte| !byte.is_ascii_whitespace());
        rest.next() == Some(&b':')
            && rest.next() == Some(&b'"')
            && rest.next().is_some_and(|byte| *byte != b'"')
    })
}

fn silent_choice(choice: &Value) -> bool {
    const ASIDE: &[&str] = &[
        "role",
        "annotations",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
    ];
    // Stopped by a filter or by the length: the client is to know.
    let stopped = choice["finish_reason"]
        .as_str()
        .is_some_and(|reason| reason != "stop");
    match choice["message"].as_object() {
        Some(message) => !stopped && silent(message, ASIDE),
        None => false,
    }
}

fn silent_item(item: &Value) -> bool {
    match (item["type"].as_str(), item["content"].as_array()) {
        (Some("reasoning"), _) => true,
        (Some("message"), Some(parts)) => parts.iter().all(|part| {
            part["type"] == "output_text" && part["text"].as_str().is_some_and(str::is_empty)
        }),
        _ => false,
    }
}

fn silent_block(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("thinking" | "redacted_thinking") => true,
        Some("text") => block["text"].as_str().is_some_and(str::is_empty),
        _ => false,
    }
}

fn silent_candidate(candidate: &Value) -> bool {
    // Stopped by a filter or by the length: the client is to know.
    let stopped = candidate["finishReason"]
        .as_str()
        .is_some_and(|reason| reason != "STOP");
    let silent =
        |part: &Value| part["thought"] == true || part["text"].as_str().is_some_and(str::is_empty);
    !stopped
        && match &candidate["content"]["parts"] {
            Value::Array(parts) => parts.iter().all(silent),
            parts => parts.is_null(),
        }
}

/// Whether every member but those `aside` is nothing.
fn silent(object: &Map<String, Value>, aside: &[&str]) -> bool {
    object
        .iter()
        .all(|(name, value)| aside.contains(&name.as_str()) || nothing(value))
}

fn nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f54_an_answer_without_content_and_tool_call_is_empty() {
        let chat = [
            (r#"{"choices":[]}"#, true),
            (
                r#"{"choices":[{"message":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
                true,
            ),
            (
                r#"{"choices":[{"message":{"role":"assistant","content":null,"reasoning_content":"hm"}}]}"#,
                true,
            ),
            (
                r#"{"choices":[{"message":{"role":"assistant","content":"a"}}]}"#,
                false,
            ),
            (
                r#"{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}}]}"#,
                false,
            ),
            (
                r#"{"choices":[{"message":{"content":null,"refusal":"no"}}]}"#,
                false,
            ),
            (
                r#"{"choices":[{"message":{"content":""},"finish_reason":"length"}]}"#,
                false,
            ),
            (
                r#"{"choices":[{"message":{"content":"","audio":{"id":"a"}}}]}"#,
                false,
            ),
            (r#"{"choices":[{"message":{"content" : "a"}}]}"#, false),
            (r#"{"object":"other"}"#, false),
            ("[", false),
        ];
        let responses = [
            (r#"{"output":[]}"#, true),
            (r#"{"output":[{"type":"reasoning","summary":[]}]}"#, true),
            (
                r#"{"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}]}"#,
                true,
            ),
            (
                r#"{"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]}]}"#,
                true,
            ),
            (
                r#"{"output":[{"type":"message","content":[{"type":"output_text","text":""}]}]}"#,
                true,
            ),
            (
                r#"{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}]}"#,
                false,
            ),
            (r#"{"output":[{"type":"function_call","name":"f"}]}"#, false),
            (r#"{"output":[{"type":"new_thing"}]}"#, false),
            (r#"{"id":"resp"}"#, false),
        ];
        let seen = Observed::default();
        for (body, expected) in chat {
            assert_eq!(
                is_empty(Dialect::Chat, body.as_bytes(), &seen),
                expected,
                "{body}"
            );
        }
        for (body, expected) in responses {
            assert_eq!(
                is_empty(Dialect::Responses, body.as_bytes(), &seen),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn f54_an_answer_that_was_cut_short_belongs_to_the_client() {
        let seen = Observed {
            terminal: Some(Terminal::Incomplete),
            ..Observed::default()
        };
        assert!(!is_empty(Dialect::Responses, br#"{"output":[]}"#, &seen));
        let seen = Observed::default();
        for (body, empty) in [
            (
                r#"{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}"#,
                true,
            ),
            (
                r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":""}]}}]}"#,
                true,
            ),
            (
                r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#,
                false,
            ),
            (
                r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#,
                false,
            ),
            (r#"{"candidates":[{"finishReason":"SAFETY"}]}"#, false),
            (r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, false),
        ] {
            assert_eq!(
                is_empty(Dialect::Gemini, body.as_bytes(), &seen),
                empty,
                "{body}"
            );
        }
    }
}

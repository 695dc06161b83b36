//! One file per dialect of the test page: how a prompt is said in it, and how its answer is read.

pub(super) mod chat;
pub(super) mod gemini;
pub(super) mod images;
pub(super) mod messages;
pub(super) mod responses;

use serde_json::{Value, json};

/// A function that does nothing to anybody.
fn function() -> Value {
    json!({
        "name": "current_time",
        "description": "Tells the time in a time zone.",
        "parameters": {
            "type": "object",
            "properties": {"timezone": {"type": "string", "description": "Such as Europe/Paris."}},
            "required": ["timezone"],
            "additionalProperties": false,
        },
    })
}

/// Kind and base64 of a picture given as a `data:` URL.
fn picture(url: &str) -> Option<(&str, &str)> {
    url.strip_prefix("data:")?.split_once(";base64,")
}

/// How many tokens of thinking a level is, for dialects that count them: the middle of what the gateway takes for that level (F79).
fn thinking_tokens(effort: &str) -> u64 {
    match effort {
        "low" => 1_024,
        "medium" => 4_096,
        _ => 12_288,
    }
}

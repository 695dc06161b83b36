//! Anthropic Messages: the body of a prompt, and its answer. Pure.

use serde_json::{Value, json};

use super::{function, picture, thinking_tokens};
use crate::trying::answer::{Notes, said};
use crate::trying::{TryAsk, TryEvent};

/// Room for the answer itself; the dialect wants a number.
const ANSWER_TOKENS: u64 = 4_096;

/// What is sent.
pub(in crate::trying) fn body(ask: &TryAsk) -> Value {
    let mut content = vec![json!({"type": "text", "text": ask.prompt})];
    if let Some((kind, data)) = ask.image.as_deref().and_then(picture) {
        let source = json!({"type": "base64", "media_type": kind, "data": data});
        content.insert(0, json!({"type": "image", "source": source}));
    }
    let thinking = ask.thinking.map(thinking_tokens);
    let mut body = json!({
        "model": ask.model,
        // Thinking counts towards it.
        "max_tokens": ANSWER_TOKENS + thinking.unwrap_or_default(),
        "messages": [{"role": "user", "content": content}],
        "stream": ask.stream,
    });
    if ask.tools {
        let mut tool = function();
        tool["input_schema"] = tool["parameters"].take();
        if let Some(fields) = tool.as_object_mut() {
            fields.remove("parameters");
        }
        body["tools"] = json!([tool]);
    }
    if let Some(tokens) = thinking {
        body["thinking"] = json!({"type": "enabled", "budget_tokens": tokens});
    }
    body
}

/// One event of a stream.
pub(in crate::trying) fn event(event: &Value, notes: &mut Notes) {
    let place = event["index"].as_u64().unwrap_or_default();
    match event["type"].as_str().unwrap_or_default() {
        "message_start" => count(&event["message"]["usage"], notes),
        "content_block_start" => block(place, &event["content_block"], notes),
        "content_block_delta" => {
            let delta = &event["delta"];
            notes.tell_all(said(&delta["text"]).map(TryEvent::Delta));
            notes.tell_all(said(&delta["thinking"]).map(TryEvent::Thinking));
            if let Some(piece) = said(&delta["partial_json"]) {
                notes.call(place, "", &piece);
            }
        }
        "content_block_stop" => notes.tell_calls(),
        "message_delta" => {
            count(&event["usage"], notes);
            notes.tell_usage();
        }
        "message_stop" => notes.end(),
        "error" => notes.fail(&event["error"]),
        _ => {}
    }
}

/// A whole answer.
pub(in crate::trying) fn whole(answer: &Value, notes: &mut Notes) {
    for (place, part) in (0..).zip(answer["content"].as_array().into_iter().flatten()) {
        block(place, part, notes);
        notes.tell_calls();
    }
    count(&answer["usage"], notes);
    notes.tell_usage();
    if answer["type"] == "error" {
        notes.fail(&answer["error"]);
    }
}

fn block(place: u64, block: &Value, notes: &mut Notes) {
    match block["type"].as_str().unwrap_or_default() {
        "text" => notes.tell_all(said(&block["text"]).map(TryEvent::Delta)),
        "thinking" => notes.tell_all(said(&block["thinking"]).map(TryEvent::Thinking)),
        "tool_use" => {
            // A stream starts with an empty input and tells it in pieces.
            let whole = block["input"]
                .as_object()
                .filter(|input| !input.is_empty())
                .map(|_| block["input"].to_string());
            let name = block["name"].as_str().unwrap_or_default();
            notes.call(place, name, &whole.unwrap_or_default());
        }
        _ => {}
    }
}

/// Here the tokens that came from or went into the cache are not among `input_tokens`; the page shows all of them.
fn count(usage: &Value, notes: &mut Notes) {
    let number = |name: &str| usage[name].as_u64();
    if let Some(input) = number("input_tokens") {
        let cached = number("cache_read_input_tokens");
        let all = input + cached.unwrap_or(0) + number("cache_creation_input_tokens").unwrap_or(0);
        (notes.input, notes.cached) = (Some(all), cached);
    }
    notes.output = number("output_tokens").or(notes.output);
}

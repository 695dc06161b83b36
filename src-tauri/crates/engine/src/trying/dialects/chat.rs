//! Chat Completions: the body of a prompt, and its answer. Pure.

use serde_json::{Value, json};

use super::function;
use crate::trying::answer::{Notes, said};
use crate::trying::{TryAsk, TryEvent};

/// What is sent.
pub(in crate::trying) fn body(ask: &TryAsk) -> Value {
    let content = match &ask.image {
        None => ask.prompt.as_str().into(),
        Some(image) => json!([
            {"type": "text", "text": ask.prompt},
            {"type": "image_url", "image_url": {"url": image}},
        ]),
    };
    let mut body = json!({
        "model": ask.model,
        "messages": [{"role": "user", "content": content}],
        "stream": ask.stream,
    });
    if ask.stream {
        body["stream_options"] = json!({"include_usage": true});
    }
    if ask.tools {
        body["tools"] = json!([{"type": "function", "function": function()}]);
    }
    if let Some(effort) = ask.thinking {
        body["reasoning_effort"] = effort.into();
    }
    body
}

/// One chunk of a stream.
pub(in crate::trying) fn event(chunk: &Value, notes: &mut Notes) {
    part(chunk, "delta", notes);
}

/// A whole answer.
pub(in crate::trying) fn whole(answer: &Value, notes: &mut Notes) {
    part(answer, "message", notes);
}

fn part(event: &Value, part: &str, notes: &mut Notes) {
    if event["error"].is_object() {
        return notes.fail(&event["error"]);
    }
    let part = &event["choices"][0][part];
    for name in ["reasoning_content", "reasoning"] {
        if let Some(text) = said(&part[name]) {
            notes.tell(TryEvent::Thinking(text));
            break;
        }
    }
    if let Some(text) = said(&part["content"]).or_else(|| said(&part["refusal"])) {
        notes.tell(TryEvent::Delta(text));
    }
    for (place, call) in (0..).zip(part["tool_calls"].as_array().into_iter().flatten()) {
        let function = &call["function"];
        notes.call(
            call["index"].as_u64().unwrap_or(place),
            function["name"].as_str().unwrap_or_default(),
            function["arguments"].as_str().unwrap_or_default(),
        );
    }
    if event["choices"][0]["finish_reason"].is_string() {
        notes.tell_calls();
        notes.finished = true;
    }
    let usage = &event["usage"];
    if usage.is_object() {
        notes.tell(TryEvent::Usage {
            input: usage["prompt_tokens"].as_u64(),
            output: usage["completion_tokens"].as_u64(),
            cached: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
            reasoning: usage["completion_tokens_details"]["reasoning_tokens"].as_u64(),
        });
    }
}

//! Gemini's generateContent: the body of a prompt, and its answer. The model and the wish for a stream stand in the path. Pure.

use serde_json::{Value, json};

use super::{function, picture, thinking_tokens};
use crate::trying::answer::{Notes, said};
use crate::trying::{TryAsk, TryEvent};

/// What is sent.
pub(in crate::trying) fn body(ask: &TryAsk) -> Value {
    let mut parts = vec![json!({"text": ask.prompt})];
    if let Some((kind, data)) = ask.image.as_deref().and_then(picture) {
        parts.push(json!({"inlineData": {"mimeType": kind, "data": data}}));
    }
    let mut body = json!({"contents": [{"role": "user", "parts": parts}]});
    if ask.tools {
        let mut tool = function();
        // Not among the words this dialect's schemas know.
        if let Some(schema) = tool["parameters"].as_object_mut() {
            schema.remove("additionalProperties");
        }
        body["tools"] = json!([{"functionDeclarations": [tool]}]);
    }
    if let Some(effort) = ask.thinking {
        body["generationConfig"] = json!({
            "thinkingConfig": {"includeThoughts": true, "thinkingBudget": thinking_tokens(effort)},
        });
    }
    body
}

/// One chunk of a stream.
pub(in crate::trying) fn event(chunk: &Value, notes: &mut Notes) {
    if chunk["error"].is_object() {
        return notes.fail(&chunk["error"]);
    }
    if let Some(reason) = said(&chunk["promptFeedback"]["blockReason"]) {
        return notes.fail(&json!({"status": reason, "message": "the prompt was blocked"}));
    }
    let candidate = &chunk["candidates"][0];
    let parts = candidate["content"]["parts"].as_array();
    for part in parts.into_iter().flatten() {
        if let Some(text) = said(&part["text"]) {
            let thought = part["thought"] == true;
            notes.tell(if thought {
                TryEvent::Thinking(text)
            } else {
                TryEvent::Delta(text)
            });
        }
        let call = &part["functionCall"];
        if let Some(name) = said(&call["name"]) {
            let arguments = call["args"].to_string();
            notes.tell(TryEvent::Tool { name, arguments });
        }
        let data = &part["inlineData"];
        if let (Some(kind), Some(data)) = (said(&data["mimeType"]), said(&data["data"])) {
            notes.tell(TryEvent::Image(format!("data:{kind};base64,{data}")));
        }
    }
    let usage = &chunk["usageMetadata"];
    let number = |name: &str| usage[name].as_u64();
    if usage.is_object() {
        notes.input = number("promptTokenCount").or(notes.input);
        notes.cached = number("cachedContentTokenCount").or(notes.cached);
        notes.reasoning = number("thoughtsTokenCount").or(notes.reasoning);
        // Thinking is counted beside the answer here, and within it everywhere else.
        notes.output = number("candidatesTokenCount")
            .map(|answer| answer + notes.reasoning.unwrap_or(0))
            .or(notes.output);
    }
    if candidate["finishReason"].is_string() {
        notes.tell_usage();
        notes.finished = true;
    }
}

/// A whole answer.
pub(in crate::trying) fn whole(answer: &Value, notes: &mut Notes) {
    event(answer, notes);
}

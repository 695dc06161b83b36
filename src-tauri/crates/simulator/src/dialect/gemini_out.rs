//! Writes a turn as pieces of a Gemini answer, or as one answer. Called by `relay`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Refusal, data_frame,
    gemini_in::SIGNATURE,
    pieces,
    responses_out::{Written, message_of},
};
use crate::{
    brain::{CallInput, Turn, Usage},
    world::World,
};

/// Writes a turn. The stream ends with its last piece: there is no event for the end.
pub(crate) fn write(world: &World, request: &Value, shown: bool, turn: &Turn) -> Written {
    let id = world.id("r");
    let parts = parts(world, shown, turn);
    let finish = if turn.cut { "MAX_TOKENS" } else { "STOP" };
    let answer = |parts: Value, finish: Option<&str>, usage: Option<Usage>| {
        let mut answer = json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0}],
            "modelVersion": request["model"], "responseId": id});
        if let Some(finish) = finish {
            answer["candidates"][0]["finishReason"] = json!(finish);
        }
        if let Some(usage) = usage {
            answer["usageMetadata"] = usage_document(usage);
        }
        answer
    };
    let mut frames: Vec<Bytes> = Vec::new();
    for part in &parts {
        let Some(text) = part["text"].as_str().filter(|text| !text.is_empty()) else {
            frames.push(data_frame(&answer(json!([part]), None, None)));
            continue;
        };
        for piece in pieces(text) {
            let mut part = part.clone();
            part["text"] = json!(piece);
            frames.push(data_frame(&answer(json!([part]), None, None)));
        }
    }
    let content = frames.len();
    frames.push(data_frame(&answer(
        json!([{"text": ""}]),
        Some(finish),
        Some(turn.usage),
    )));
    Written {
        frames,
        content,
        document: answer(json!(parts), Some(finish), Some(turn.usage)),
    }
}

fn parts(world: &World, shown: bool, turn: &Turn) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut signature = None;
    if let Some(thought) = &turn.reasoning {
        signature = Some(STANDARD.encode(format!("{SIGNATURE}{}", world.id("s"))));
        if shown {
            parts.push(json!({"text": thought, "thought": true}));
        }
    }
    if let Some(text) = turn.text.as_deref().filter(|text| !text.is_empty()) {
        parts.push(json!({"text": text}));
    }
    for call in &turn.calls {
        let args = match &call.input {
            CallInput::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
            CallInput::Text(text) => json!({"input": text}),
            CallInput::Command(words) => json!({"command": words}),
        };
        // Older models name no ids.
        let mut part = json!({"functionCall": {"name": call.name, "args": args}});
        if let Some(signature) = signature.take() {
            part["thoughtSignature"] = json!(signature);
        }
        parts.push(part);
    }
    if let Some(signature) = signature {
        parts.push(json!({"text": "", "thoughtSignature": signature}));
    }
    parts
}

/// An error in the middle of a stream.
pub(crate) fn error_frame(code: &str) -> Bytes {
    let status = match code {
        "server_is_overloaded" | "slow_down" => 503,
        "rate_limit_exceeded" | "usage_limit_reached" | "insufficient_quota" => 429,
        "context_length_exceeded" | "invalid_prompt" => 400,
        _ => 500,
    };
    let refusal = Refusal {
        status,
        ..Refusal::bad(message_of(code))
    };
    data_frame(&refusal.gemini())
}

/// Thoughts are counted beside the answer.
fn usage_document(usage: Usage) -> Value {
    json!({"promptTokenCount": usage.input, "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.input + usage.output, "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cached})
}

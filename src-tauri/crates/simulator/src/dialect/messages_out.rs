//! Writes a turn as Anthropic Messages events, or as one message. Called by `relay`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    messages_in::SIGNATURE,
    named_frame, pieces,
    responses_out::{Written, message_of},
};
use crate::{
    brain::{CallInput, Turn, Usage},
    world::World,
};

/// Writes a turn. The stream ends with `message_stop`.
pub(crate) fn write(world: &World, request: &Value, turn: &Turn) -> Written {
    let id = world.id("msg");
    let blocks = blocks(world, turn);
    let stop = match (turn.cut, turn.calls.is_empty()) {
        (true, _) => "max_tokens",
        (false, false) => "tool_use",
        (false, true) => "end_turn",
    };
    let message = |content: Value, stop: Value, usage: Value| {
        json!({"id": id, "type": "message", "role": "assistant", "model": request["model"], "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": usage})
    };
    let mut begun = usage_document(turn.usage);
    begun["output_tokens"] = json!(1);
    let mut frames: Vec<Bytes> = vec![
        named_frame(
            &json!({"type": "message_start", "message": message(json!([]), Value::Null, begun)}),
        ),
        named_frame(&json!({"type": "ping"})),
    ];
    for (index, block) in blocks.iter().enumerate() {
        write_block(index, block, &mut frames);
    }
    let content = frames.len();
    frames.push(named_frame(&json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null}, "usage": {"output_tokens": turn.usage.output}})));
    frames.push(named_frame(&json!({"type": "message_stop"})));
    Written {
        frames,
        content,
        document: message(json!(blocks), json!(stop), usage_document(turn.usage)),
    }
}

fn blocks(world: &World, turn: &Turn) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thought) = &turn.reasoning {
        let signature = format!("{SIGNATURE}{}", world.id("s"));
        blocks.push(json!({"type": "thinking", "thinking": thought, "signature": signature}));
    }
    if let Some(text) = turn.text.as_deref().filter(|text| !text.is_empty()) {
        blocks.push(json!({"type": "text", "text": text}));
    }
    for call in &turn.calls {
        let input = match &call.input {
            CallInput::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
            CallInput::Text(text) => json!({"input": text}),
            CallInput::Command(words) => json!({"command": words}),
        };
        blocks.push(
            json!({"type": "tool_use", "id": world.id("toolu"), "name": call.name, "input": input}),
        );
    }
    blocks
}

fn write_block(index: usize, block: &Value, frames: &mut Vec<Bytes>) {
    let kind = block["type"].as_str().unwrap_or_default();
    let mut opening = block.clone();
    let (field, delta, text) = match kind {
        "thinking" => {
            opening["signature"] = json!("");
            ("thinking", "thinking_delta", block["thinking"].clone())
        }
        "tool_use" => (
            "partial_json",
            "input_json_delta",
            json!(block["input"].to_string()),
        ),
        _ => ("text", "text_delta", block["text"].clone()),
    };
    match kind {
        "tool_use" => opening["input"] = json!({}),
        _ => opening[field] = json!(""),
    }
    let mut push = |event: Value| frames.push(named_frame(&event));
    push(json!({"type": "content_block_start", "index": index, "content_block": opening}));
    for piece in pieces(text.as_str().unwrap_or_default()) {
        push(
            json!({"type": "content_block_delta", "index": index, "delta": {"type": delta, field: piece}}),
        );
    }
    if kind == "thinking" {
        push(
            json!({"type": "content_block_delta", "index": index, "delta": {"type": "signature_delta", "signature": block["signature"]}}),
        );
    }
    push(json!({"type": "content_block_stop", "index": index}));
}

/// An error in the middle of a stream.
pub(crate) fn error_frame(code: &str) -> Bytes {
    named_frame(
        &json!({"type": "error", "error": {"type": kind_of(code), "message": message_of(code)}}),
    )
}

/// The dialect's type for a code of the other dialects.
fn kind_of(code: &str) -> &'static str {
    match code {
        "server_is_overloaded" | "slow_down" => "overloaded_error",
        "rate_limit_exceeded" | "usage_limit_reached" | "insufficient_quota" => "rate_limit_error",
        "context_length_exceeded" | "invalid_prompt" => "invalid_request_error",
        _ => "api_error",
    }
}

/// Input is told without the cache's share.
fn usage_document(usage: Usage) -> Value {
    json!({"input_tokens": usage.input - usage.cached, "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached, "output_tokens": usage.output})
}

//! Writes a turn as Chat Completions chunks, or as one completion document. Called by `relay`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    data_frame, pieces,
    responses_out::{Written, kind_of, message_of},
};
use crate::{
    brain::{Call, CallInput, Turn, Usage},
    world::World,
};

/// Writes a turn. The stream ends with `[DONE]`; the usage chunk comes only when the request asks for it.
pub(crate) fn write(world: &World, request: &Value, now: i64, turn: &Turn) -> Written {
    let id = world.id("chatcmpl");
    let include_usage = request["stream_options"]["include_usage"] == true;
    let calls: Vec<Value> = turn
        .calls
        .iter()
        .map(|call| tool_call(world, call))
        .collect();
    let finish = match (turn.cut, calls.is_empty()) {
        (true, _) => "length",
        (false, false) => "tool_calls",
        (false, true) => "stop",
    };
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({"id": id, "object": "chat.completion.chunk", "created": now, "model": request["model"], "service_tier": "default",
            "system_fingerprint": "fp_simulator", "choices": choices});
        if include_usage {
            chunk["usage"] = usage;
        }
        data_frame(&chunk)
    };
    let delta = |delta: Value, finish: Value| {
        chunk(
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]),
            Value::Null,
        )
    };
    let mut frames: Vec<Bytes> = Vec::new();
    let no_words = if calls.is_empty() {
        json!("")
    } else {
        Value::Null
    };
    frames.push(delta(
        json!({"role": "assistant", "content": no_words, "refusal": null}),
        Value::Null,
    ));
    for piece in turn.reasoning.as_deref().map(pieces).unwrap_or_default() {
        frames.push(delta(json!({"reasoning_content": piece}), Value::Null));
    }
    for piece in turn.text.as_deref().map(pieces).unwrap_or_default() {
        frames.push(delta(json!({"content": piece}), Value::Null));
    }
    for (index, call) in calls.iter().enumerate() {
        let (form, field) = if call["type"] == "custom" {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        let mut opening = json!({"index": index, "id": call["id"], "type": form});
        opening[form] = json!({"name": call[form]["name"], field: ""});
        frames.push(delta(json!({"tool_calls": [opening]}), Value::Null));
        for piece in pieces(call[form][field].as_str().unwrap_or_default()) {
            let mut more = json!({"index": index});
            more[form] = json!({field: piece});
            frames.push(delta(json!({"tool_calls": [more]}), Value::Null));
        }
    }
    let content = frames.len();
    frames.push(delta(json!({}), json!(finish)));
    if include_usage {
        frames.push(chunk(json!([]), usage_document(turn.usage)));
    }
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));

    let mut message =
        json!({"role": "assistant", "content": turn.text, "refusal": null, "annotations": []});
    if let Some(thought) = &turn.reasoning {
        message["reasoning_content"] = json!(thought);
    }
    if !calls.is_empty() {
        message["tool_calls"] = json!(calls);
    }
    let document = json!({"id": id, "object": "chat.completion", "created": now, "model": request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": usage_document(turn.usage), "service_tier": "default", "system_fingerprint": "fp_simulator"});
    Written {
        frames,
        content,
        document,
    }
}

/// An error in the middle of a stream.
pub(crate) fn error_frame(code: &str) -> Bytes {
    data_frame(
        &json!({"error": {"message": message_of(code), "type": kind_of(code), "param": null, "code": code}}),
    )
}

fn tool_call(world: &World, call: &Call) -> Value {
    let id = world.id("call");
    match &call.input {
        CallInput::Json(arguments) => {
            json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        }
        CallInput::Text(input) => {
            json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": input}})
        }
        CallInput::Command(words) => {
            json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": json!({"command": words}).to_string()}})
        }
    }
}

fn usage_document(usage: Usage) -> Value {
    json!({"prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}})
}

//! What the tests of single answers share: a prepared answer, upstream events as frames, one relayed answer, and small upstream events.
#![allow(dead_code, reason = "every test file uses a part of it")]

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};
use serde_json::{Value, json};

use crate::judge::{Said, judge_chat, judge_gemini, judge_messages, judge_responses};

/// The request of a client that streams and shows whatever it can get.
pub fn request_of(client: Dialect) -> Value {
    let hi = json!([{"role": "user", "content": "hi there, how are you?"}]);
    match client {
        Dialect::Chat => {
            json!({"model": "asked", "stream": true, "stream_options": {"include_usage": true}, "messages": hi})
        }
        Dialect::Responses => json!({"model": "asked", "stream": true, "input": "hi"}),
        Dialect::Messages => {
            json!({"model": "asked", "stream": true, "max_tokens": 99, "thinking": {"type": "adaptive"}, "messages": hi})
        }
        Dialect::Gemini => {
            json!({"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"thinkingConfig": {"includeThoughts": true}}})
        }
    }
}

/// An answer to `request`, of an account that speaks `to`; within one dialect the account knows the model as `sent`.
pub fn answer_with(
    client: Dialect,
    to: Target,
    request: &Value,
    options: &Options<'_>,
    streams: bool,
) -> Answer {
    prepared(client, to, request, options, streams, false)
}

/// The same to the usual request.
pub fn answer_to(client: Dialect, to: Target, streams: bool) -> Answer {
    answer_in(client, to, streams, false)
}

/// The same; a Gemini client may ask for its stream as one array.
pub fn answer_in(client: Dialect, to: Target, streams: bool, array: bool) -> Answer {
    let request = request_of(client);
    prepared(client, to, &request, &Options::default(), streams, array)
}

fn prepared(
    client: Dialect,
    to: Target,
    request: &Value,
    options: &Options<'_>,
    streams: bool,
    array: bool,
) -> Answer {
    let body = Bytes::from(request.to_string());
    let mut head = peek(client, &body).expect("a request");
    (head.model, head.array) = (Some("asked".to_owned()), array);
    let same = client == to.dialect();
    let options = Options {
        request_id: "r1",
        created: 1_700_000_000,
        model: options.model.or(same.then_some("sent")),
        ..*options
    };
    let prepared = prepare(client, to, &body, &head, &options).expect("prepared");
    Answer::new(client, to, prepared.state, streams)
}

/// Upstream events as frames; a string is data that is no JSON.
pub fn frames(upstream: &[Value]) -> Bytes {
    let text: String = upstream
        .iter()
        .map(|value| match value {
            Value::String(raw) => format!("data: {raw}\n\n"),
            value => match value["type"].as_str() {
                Some(kind) => format!("event: {kind}\ndata: {value}\n\n"),
                None => format!("data: {value}\n\n"),
            },
        })
        .collect();
    Bytes::from(text)
}

/// Everything the client gets of these events.
pub fn relay(answer: &mut Answer, upstream: &[Value], end: End) -> Vec<u8> {
    let mut out = Out::new();
    answer.push(&frames(upstream), &mut out);
    let mut sent = out.take().unwrap_or_default().to_vec();
    answer.finish(&mut out, end);
    sent.extend_from_slice(&out.take().unwrap_or_default());
    sent
}

/// What the client's library makes of it.
pub fn judged(name: &str, client: Dialect, sent: &[u8]) -> Said {
    match client {
        Dialect::Chat => judge_chat(name, sent),
        Dialect::Responses => judge_responses(name, sent),
        Dialect::Messages => judge_messages(name, sent),
        Dialect::Gemini => judge_gemini(name, sent),
    }
}

/// A chunk of a Chat stream.
pub fn delta(delta: Value) -> Value {
    json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "delta": delta}]})
}

/// The chunk that ends one.
pub fn last_chunk(reason: &str) -> Value {
    json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// A chunk with parts of calls.
pub fn calls(parts: Value) -> Value {
    delta(json!({"tool_calls": parts}))
}

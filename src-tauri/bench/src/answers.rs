//! What the mock upstream answers: rendered once, so that serving costs almost nothing.
//!
//! No sockets here. Used by `mock`; every text delta holds the word [`TICK`], by which the load client counts ([`Dialect::tick`]).

use bytes::Bytes;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The word in every text delta.
const TICK: &str = " tick";
/// Text deltas of an ordinary streamed answer.
pub const DELTAS: usize = 20;
/// Bytes of deltas written at once in a flood.
const FLOOD_BLOCK: usize = 64 * 1024;

/// The dialect of a client, or of a path of the mock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Chat Completions.
    Chat,
    /// Responses, and the Codex profile of it.
    Responses,
    /// Anthropic Messages.
    Messages,
    /// Gemini.
    Gemini,
}

impl Dialect {
    /// What stands in each text delta of a stream once, and nowhere else in it.
    pub const fn tick(self) -> &'static str {
        match self {
            // The whole text is told again at the end, several times.
            Self::Responses => "\"delta\":\" tick",
            Self::Chat | Self::Messages | Self::Gemini => TICK,
        }
    }
}

/// One dialect's answers.
pub struct Answers {
    /// A whole JSON answer with its head.
    pub whole: Bytes,
    /// A whole streamed answer with its head: every event a chunk of its own, in one piece.
    pub streamed: Bytes,
    /// The same with all events in one chunk.
    pub joined: Bytes,
    /// Head and first events of a stream, up to and with the first delta.
    pub opening: Bytes,
    /// One delta as a chunk.
    pub delta: Bytes,
    /// Many deltas, each a chunk of its own.
    pub block: Bytes,
    /// The last events and the end of the body.
    pub closing: Bytes,
}

impl Answers {
    /// Renders every answer of a dialect.
    pub fn render(dialect: Dialect) -> Self {
        let script = match dialect {
            Dialect::Chat => chat(),
            Dialect::Responses => responses(),
            Dialect::Messages => messages(),
            Dialect::Gemini => gemini(),
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n\
                    x-request-id: bench\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut streamed = head.to_owned();
        let mut opening = head.to_owned();
        let mut joined = head.to_owned();
        let mut events = String::new();
        for event in script
            .before
            .iter()
            .chain(&script.deltas)
            .chain(&script.after)
        {
            push_chunk(&mut streamed, event);
            events.push_str(event);
        }
        for event in script.before.iter().chain(script.deltas.first()) {
            push_chunk(&mut opening, event);
        }
        streamed.push_str("0\r\n\r\n");
        push_chunk(&mut joined, &events);
        joined.push_str("0\r\n\r\n");
        let (mut delta, mut block, mut closing) = (String::new(), String::new(), String::new());
        let last = script.deltas.last().map_or("", String::as_str);
        push_chunk(&mut delta, last);
        // One chunk for each event, as servers that flush every event send them.
        while block.len() < FLOOD_BLOCK {
            push_chunk(&mut block, last);
        }
        for event in &script.after {
            push_chunk(&mut closing, event);
        }
        closing.push_str("0\r\n\r\n");
        let body = script.whole.to_string();
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: bench\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let bytes = |text: String| Bytes::from(text.into_bytes());
        Self {
            whole: bytes(whole),
            streamed: bytes(streamed),
            joined: bytes(joined),
            opening: bytes(opening),
            delta: bytes(delta),
            block: bytes(block),
            closing: bytes(closing),
        }
    }
}

struct Script {
    before: Vec<String>,
    deltas: Vec<String>,
    after: Vec<String>,
    whole: Value,
}

fn chat() -> Script {
    let chunk = |delta: Value, finish: Value| {
        let value = json!({"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1_800_000_000, "model": "bench",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]});
        format!("data: {value}\n\n")
    };
    let usage =
        json!({"prompt_tokens": 120, "completion_tokens": DELTAS, "total_tokens": 120 + DELTAS});
    Script {
        before: vec![chunk(
            json!({"role": "assistant", "content": ""}),
            Value::Null,
        )],
        deltas: vec![chunk(json!({"content": TICK}), Value::Null); DELTAS],
        after: vec![
            chunk(json!({}), json!("stop")),
            "data: [DONE]\n\n".to_owned(),
        ],
        whole: json!({"id": "chatcmpl-bench", "object": "chat.completion", "created": 1_800_000_000, "model": "bench",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": TICK.repeat(DELTAS), "refusal": null},
                "logprobs": null, "finish_reason": "stop"}],
            "usage": usage}),
    }
}

fn responses() -> Script {
    let text = TICK.repeat(DELTAS);
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let item = |status: &str, content: Value| json!({"id": "msg_bench", "type": "message", "status": status, "role": "assistant", "content": content});
    let response = |status: &str, output: Value, usage: Value| {
        json!({"id": "resp_bench", "object": "response", "created_at": 1_800_000_000, "status": status, "error": null,
            "incomplete_details": null, "instructions": null, "model": "bench", "output": output, "parallel_tool_calls": true,
            "previous_response_id": null, "reasoning": {"effort": "medium", "summary": null}, "store": false, "temperature": 1.0,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0, "truncation": "disabled",
            "usage": usage, "metadata": {}})
    };
    let usage = json!({"input_tokens": 120, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": DELTAS,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 120 + DELTAS});
    let place = json!({"item_id": "msg_bench", "output_index": 0, "content_index": 0});
    let mut number = 0;
    let mut event = |kind: &str, fields: Value| {
        let mut value = json!({"type": kind, "sequence_number": number});
        number += 1;
        if let (Some(all), Value::Object(fields)) = (value.as_object_mut(), fields) {
            all.extend(fields);
        }
        format!("event: {kind}\ndata: {value}\n\n")
    };
    let with = |extra: Value| {
        let mut all = place.clone();
        if let (Some(all), Value::Object(extra)) = (all.as_object_mut(), extra) {
            all.extend(extra);
        }
        all
    };
    let begun = response("in_progress", json!([]), Value::Null);
    let whole = response(
        "completed",
        json!([item("completed", json!([part(&text)]))]),
        usage,
    );
    Script {
        before: vec![
            event("response.created", json!({"response": begun})),
            event("response.in_progress", json!({"response": begun})),
            event(
                "response.output_item.added",
                json!({"output_index": 0, "item": item("in_progress", json!([]))}),
            ),
            event(
                "response.content_part.added",
                with(json!({"part": part("")})),
            ),
        ],
        deltas: (0..DELTAS)
            .map(|_| {
                event(
                    "response.output_text.delta",
                    with(json!({"delta": TICK, "logprobs": []})),
                )
            })
            .collect(),
        after: vec![
            event(
                "response.output_text.done",
                with(json!({"text": text, "logprobs": []})),
            ),
            event(
                "response.content_part.done",
                with(json!({"part": part(&text)})),
            ),
            event(
                "response.output_item.done",
                json!({"output_index": 0, "item": item("completed", json!([part(&text)]))}),
            ),
            event("response.completed", json!({"response": whole.clone()})),
        ],
        whole,
    }
}

fn messages() -> Script {
    let event = |value: Value| {
        let kind = value["type"].as_str().unwrap_or_default().to_owned();
        format!("event: {kind}\ndata: {value}\n\n")
    };
    let message = |content: Value, stop: Value, tokens: usize| {
        json!({"id": "msg_bench", "type": "message", "role": "assistant", "model": "bench", "content": content, "stop_reason": stop,
            "stop_sequence": null, "usage": {"input_tokens": 120, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": tokens}})
    };
    Script {
        before: vec![
            event(json!({"type": "message_start", "message": message(json!([]), Value::Null, 1)})),
            event(
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            ),
        ],
        deltas: vec![
            event(
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TICK}})
            );
            DELTAS
        ],
        after: vec![
            event(json!({"type": "content_block_stop", "index": 0})),
            event(
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
                "usage": {"output_tokens": DELTAS}}),
            ),
            event(json!({"type": "message_stop"})),
        ],
        whole: message(
            json!([{"type": "text", "text": TICK.repeat(DELTAS)}]),
            json!("end_turn"),
            DELTAS,
        ),
    }
}

fn gemini() -> Script {
    let answer = |text: &str, finish: Value| {
        json!({"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": finish, "index": 0}],
            "usageMetadata": {"promptTokenCount": 120, "candidatesTokenCount": DELTAS, "totalTokenCount": 120 + DELTAS},
            "modelVersion": "bench", "responseId": "bench"})
    };
    let chunk = |text: &str, finish: Value| {
        let mut value = answer(text, finish);
        if let Some(candidate) = value["candidates"][0].as_object_mut() {
            candidate.retain(|_, field| !field.is_null());
        }
        format!("data: {value}\r\n\r\n")
    };
    Script {
        before: Vec::new(),
        deltas: vec![chunk(TICK, Value::Null); DELTAS],
        after: vec![chunk("", json!("STOP"))],
        whole: answer(&TICK.repeat(DELTAS), json!("STOP")),
    }
}

fn push_chunk(out: &mut String, payload: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{:x}\r\n{payload}\r\n", payload.len());
}

/// Answers of the side endpoints a gateway may ask for at start.
pub fn side(path: &str) -> Option<Value> {
    let level = json!({"effort": "medium", "description": "medium"});
    let model = json!({"slug": "gpt-5", "display_name": "gpt-5", "description": null, "default_reasoning_level": "medium",
        "supported_reasoning_levels": [level], "shell_type": "shell_command", "visibility": "list", "supported_in_api": true,
        "priority": 1, "availability_nux": null, "upgrade": null, "base_instructions": "", "support_verbosity": true,
        "default_verbosity": null, "apply_patch_tool_type": null, "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": true, "experimental_supported_tools": [], "context_window": 272_000});
    let window = |seconds: u32| json!({"used_percent": 1, "limit_window_seconds": seconds, "reset_after_seconds": 3_600, "reset_at": 4_000_000_000_u32});
    if path.ends_with("/codex/models") {
        Some(json!({"models": [model]}))
    } else if path.ends_with("/models") {
        Some(
            json!({"object": "list", "data": [{"id": "bench", "object": "model", "created": 1_800_000_000, "owned_by": "bench"}]}),
        )
    } else if path.ends_with("/wham/usage") {
        Some(
            json!({"plan_type": "pro", "rate_limit": {"allowed": true, "limit_reached": false,
            "primary_window": window(18_000), "secondary_window": window(604_800)},
            "credits": {"has_credits": false, "unlimited": false, "balance": "0"}}),
        )
    } else if path.ends_with("/oauth/token") {
        let token = crate::tokens::access_token();
        Some(
            json!({"access_token": token, "id_token": token, "refresh_token": "bench-refresh", "token_type": "Bearer", "expires_in": 864_000}),
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word that stood elsewhere too, or not in every delta, would make events of nothing.
    #[test]
    fn a_tick_is_a_delta() {
        for dialect in Dialect::ALL {
            let answers = Answers::render(dialect);
            let count = |bytes: &[u8]| memchr::memmem::find_iter(bytes, dialect.tick()).count();
            assert_eq!(count(&answers.streamed), DELTAS, "{dialect:?}");
            assert_eq!(count(&answers.joined), DELTAS, "{dialect:?}");
            let parts = [&answers.opening, &answers.delta, &answers.closing];
            assert_eq!(parts.map(|part| count(part)), [1, 1, 0], "{dialect:?}");
        }
    }
}

//! Refusals and safety stops, from every dialect to every other one: the words and the end both say so (T32, table C1).

mod judge;

use bytes::Bytes;
use judge::{
    Said, judge_chat, judge_gemini, judge_messages, judge_responses, said_json_chat,
    said_json_gemini, said_json_messages, said_json_responses,
};
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};
use serde_json::{Value, json};

fn answer_of(client: Dialect, to: Target, streams: bool) -> Answer {
    let body = match client {
        Dialect::Chat => {
            json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hi"}]})
        }
        Dialect::Responses => json!({"model": "m", "stream": true, "input": "hi"}),
        Dialect::Messages => {
            json!({"model": "m", "stream": true, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
        Dialect::Gemini => json!({"contents": [{"parts": [{"text": "hi"}]}]}),
    };
    let body = Bytes::from(body.to_string());
    let head = peek(client, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        ..Options::default()
    };
    let prepared = prepare(client, to, &body, &head, &options).expect("prepared");
    Answer::new(client, to, prepared.state, streams)
}

/// The upstream's stream and its whole answer: refused by the model with the word "no", or kept back by a filter.
fn told(to: Target, refused: bool) -> (Vec<Value>, Value) {
    match to {
        Target::Chat => {
            // OpenAI says "stop" where the model refused by itself.
            let (end, refusal) = if refused {
                ("stop", json!("no"))
            } else {
                ("content_filter", Value::Null)
            };
            let choice = |key: &str, said: Value, end: Value| json!({"id": "c", "created": 7, "model": "up", "choices": [{"index": 0, key: said, "finish_reason": end}]});
            let message = json!({"role": "assistant", "content": null, "refusal": refusal});
            (
                vec![
                    choice("delta", json!({"refusal": refusal}), Value::Null),
                    choice("delta", json!({}), json!(end)),
                ],
                choice("message", message, json!(end)),
            )
        }
        Target::Messages => {
            let details = if refused {
                json!({"type": "refusal", "explanation": "no"})
            } else {
                Value::Null
            };
            let usage = json!({"input_tokens": 1, "output_tokens": 1});
            let end = json!({"stop_reason": "refusal", "stop_details": details});
            (
                vec![
                    json!({"type": "message_start", "message": {"id": "msg_1", "model": "up", "content": [], "usage": usage}}),
                    json!({"type": "message_delta", "delta": end, "usage": usage}),
                    json!({"type": "message_stop"}),
                ],
                json!({"id": "msg_1", "model": "up", "content": [], "stop_reason": "refusal", "stop_details": details, "usage": usage}),
            )
        }
        Target::Gemini => {
            let whole = if refused {
                json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "no"}]}, "finishReason": "SAFETY"}], "modelVersion": "up"})
            } else {
                json!({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "up"})
            };
            (vec![whole.clone()], whole)
        }
        Target::Responses | Target::Codex => {
            let created =
                json!({"type": "response.created", "response": {"id": "resp_1", "model": "up"}});
            if !refused {
                let whole = json!({"id": "resp_1", "model": "up", "status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []});
                let end = json!({"type": "response.incomplete", "response": whole});
                return (vec![created, end], whole);
            }
            let item = json!({"type": "message", "id": "msg_7", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]});
            let whole =
                json!({"id": "resp_1", "model": "up", "status": "completed", "output": [item]});
            (
                vec![
                    created,
                    json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "no"}),
                    json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                    json!({"type": "response.completed", "response": whole}),
                ],
                whole,
            )
        }
    }
}

fn streamed(client: Dialect, name: &str, sent: &[u8]) -> Said {
    match client {
        Dialect::Chat => judge_chat(name, sent),
        Dialect::Responses => judge_responses(name, sent),
        Dialect::Messages => judge_messages(name, sent),
        Dialect::Gemini => judge_gemini(name, sent),
    }
}

fn whole(client: Dialect, json: &Value) -> Said {
    match client {
        Dialect::Chat => said_json_chat(json),
        Dialect::Responses => said_json_responses(json),
        Dialect::Messages => said_json_messages(json),
        Dialect::Gemini => said_json_gemini(json),
    }
}

const CLIENTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
const UPSTREAMS: [Target; 4] = [
    Target::Chat,
    Target::Responses,
    Target::Messages,
    Target::Gemini,
];

#[test]
fn t32_a_refusal_is_never_a_plain_success() {
    let pairs = CLIENTS
        .into_iter()
        .flat_map(|client| UPSTREAMS.map(|to| (client, to)))
        .filter(|(client, to)| to.dialect() != *client);
    for (client, to) in pairs {
        for refused in [true, false] {
            let name = format!("{to:?} to {client:?}, refused: {refused}");
            let (pieces, body) = told(to, refused);
            let frames: String = pieces
                .iter()
                .map(|piece| format!("data: {piece}\n\n"))
                .collect();
            let mut answer = answer_of(client, to, true);
            let mut out = Out::new();
            answer.push(&Bytes::from(frames), &mut out);
            let mut sent = out.take().unwrap_or_default().to_vec();
            answer.finish(&mut out, End::Clean);
            sent.extend_from_slice(&out.take().unwrap_or_default());
            let body = Bytes::from(body.to_string());
            let json = answer_of(client, to, false)
                .answer_json(&body)
                .expect(&name);
            let json: Value = serde_json::from_slice(&json).expect("JSON");
            for said in [streamed(client, &name, &sent), whole(client, &json)] {
                // Between the OpenAI dialects the words stand apart, and the end is a plain one as it was.
                let apart = matches!(client, Dialect::Chat | Dialect::Responses)
                    && matches!(to, Target::Chat | Target::Responses)
                    && refused;
                let end = if apart { "stop" } else { "content_filter" };
                assert_eq!(said.end, end, "{name}");
                let words = if refused { "no" } else { "" };
                assert_eq!(format!("{}{}", said.text, said.refusal), words, "{name}");
            }
        }
    }
}

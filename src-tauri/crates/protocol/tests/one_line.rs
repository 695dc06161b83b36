//! JSON that stands in many lines, which is what many models and servers write: every frame for the client holds one line all the same (T162).

mod judge;
mod stage;

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};
use serde_json::{Value, json};
use stage::{answer_to, judged, relay};

const CLIENTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

/// Arguments as models print them.
const ARGUMENTS: &str = "{\n  \"path\": \"a\\nb\",\r\n  \"lines\": [\n    1\n  ]\n}";

fn streams() -> Vec<(Target, Vec<Value>)> {
    vec![
        (
            Target::Chat,
            vec![
                json!({"id": "c", "model": "up", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": ARGUMENTS}}]}}]}),
                json!({"id": "c", "model": "up", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
                json!("[DONE]"),
            ],
        ),
        (
            Target::Messages,
            vec![
                json!({"type": "message_start", "message": {"id": "m", "model": "up", "usage": {"input_tokens": 1, "output_tokens": 1}}}),
                json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "1", "name": "f", "input": {}}}),
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": ARGUMENTS}}),
                json!({"type": "content_block_stop", "index": 0}),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}),
                json!({"type": "message_stop"}),
            ],
        ),
    ]
}

/// Reads the arguments of the only call.
fn arguments(said: &judge::Said) -> Value {
    assert_eq!(said.calls.len(), 1, "{said:?}");
    serde_json::from_str(&said.calls[0].1).expect("JSON")
}

#[test]
fn arguments_in_many_lines_break_no_frame_t77() {
    let wanted: Value = serde_json::from_str(ARGUMENTS).expect("JSON");
    for (to, upstream) in streams() {
        for client in CLIENTS {
            if client == to.dialect() {
                continue;
            }
            let name = format!("{to:?} for {client:?}");
            let mut answer = answer_to(client, to, true);
            let sent = relay(&mut answer, &upstream, End::Clean);
            let said = judged(&name, client, &sent);
            assert_eq!(arguments(&said), wanted, "{name}");
            assert_eq!(said.end, "tool_calls", "{name}");
        }
    }
}

/// A whole answer over many lines, also as one event of many `data` lines.
#[test]
fn answers_in_many_lines_are_told_in_one() {
    let note = json!({"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://example.com", "title": "A"});
    let message = json!({"id": "m", "type": "message", "status": "completed", "role": "assistant", "content": [{"type": "output_text", "text": "a", "annotations": [note], "logprobs": []}]});
    let response = json!({"id": "r", "object": "response", "status": "completed", "model": "up", "output": [message], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}});
    let printed = serde_json::to_string_pretty(&response).expect("JSON");
    for client in [Dialect::Chat, Dialect::Messages, Dialect::Gemini] {
        let mut out = Out::new();
        answer_to(client, Target::Responses, true)
            .stream_json(&Bytes::from(printed.clone()), &mut out)
            .expect("an answer");
        let sent = out.take().unwrap_or_default();
        assert_eq!(judged("whole", client, &sent).text, "a");

        let done = serde_json::to_string_pretty(
            &json!({"type": "response.completed", "response": response}),
        );
        let lines: Vec<String> = done.expect("JSON").lines().map(str::to_owned).collect();
        let frame = format!("data: {}\n\n", lines.join("\ndata: "));
        let mut answer = answer_to(client, Target::Responses, true);
        answer.push(&Bytes::from(frame), &mut out);
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        assert_eq!(judged("one event", client, &sent).text, "a");
    }
}

#[test]
fn a_request_in_many_lines_is_echoed_in_one() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let request = json!({"model": "asked", "stream": true, "input": "hi", "metadata": {"a": "b"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema}}});
    let body = Bytes::from(serde_json::to_string_pretty(&request).expect("JSON"));
    let head = peek(Dialect::Responses, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        ..Options::default()
    };
    let prepared =
        prepare(Dialect::Responses, Target::Chat, &body, &head, &options).expect("prepared");
    let mut answer = Answer::new(Dialect::Responses, Target::Chat, prepared.state, true);
    let upstream = [
        json!({"id": "c", "model": "up", "choices": [{"index": 0, "delta": {"content": "{}"}, "finish_reason": "stop"}]}),
        json!("[DONE]"),
    ];
    let sent = relay(&mut answer, &upstream, End::Clean);
    assert_eq!(judged("echo", Dialect::Responses, &sent).end, "stop");
}

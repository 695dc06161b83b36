//! Tools and calls in shapes that only one client or one server uses.

mod judge;
mod stage;

use protocol::{Dialect, End, Options, Out, Target, peek, prepare};
use serde_json::{Value, json};
use stage::{answer_to, answer_with, judged, relay};

const PATCH: &str = "*** Begin Patch\n\"a\"\n*** End Patch";

fn sent(from: Dialect, to: Target, body: &Value) -> Value {
    let body = bytes::Bytes::from(body.to_string());
    let head = peek(from, &body).expect("a request");
    let prepared = prepare(from, to, &body, &head, &Options::default()).expect("it can be said");
    serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON")
}

/// What Cursor asks: tools as Responses spells them, in a Chat request.
fn flat() -> Value {
    json!({
        "model": "asked", "stream": true,
        "messages": [
            {"role": "user", "content": "go"},
            {"role": "assistant", "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "ApplyPatch", "arguments": PATCH}}]},
            {"role": "tool", "tool_call_id": "c0", "content": "done"},
            {"role": "user", "content": "again"},
        ],
        "tools": [
            {"type": "function", "name": "read_file", "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}},
            {"type": "custom", "name": "ApplyPatch", "description": "d", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\""}},
        ],
        "tool_choice": {"type": "custom", "name": "ApplyPatch"},
    })
}

#[test]
fn t53_flat_tools_keep_their_grammar_and_the_history_is_a_custom_call_again() {
    let body = sent(Dialect::Chat, Target::Codex, &flat());
    assert_eq!(body["tools"][0]["type"], "function");
    assert_eq!(body["tools"][0]["name"], "read_file");
    assert_eq!(
        body["tools"][1],
        json!({"type": "custom", "name": "ApplyPatch", "description": "d", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\""}})
    );
    assert_eq!(
        body["tool_choice"],
        json!({"type": "custom", "name": "ApplyPatch"})
    );
    let input = body["input"].as_array().expect("a list");
    let call = input.iter().find(|item| item["type"] == "custom_tool_call");
    assert_eq!(call.expect("a call")["input"], PATCH);
    assert!(
        input
            .iter()
            .any(|item| item["type"] == "custom_tool_call_output" && item["output"] == "done")
    );
    // Where there are no custom tools, the raw input stands in an object.
    let body = sent(Dialect::Chat, Target::Messages, &flat());
    assert_eq!(
        body["messages"][1]["content"][0]["input"],
        json!({"input": PATCH})
    );
}

#[test]
fn t53_the_client_gets_calls_in_the_envelope_of_a_function() {
    let whole = json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "ApplyPatch", "input": PATCH});
    let native = [
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c1", "name": "ApplyPatch", "input": ""}}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "ctc_1", "delta": PATCH}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": whole}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [whole]}}),
    ];
    let wrapped = [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "c1", "name": "ApplyPatch", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": json!({"input": PATCH}).to_string()}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ];
    for (to, upstream) in [
        (Target::Codex, &native[..]),
        (Target::Messages, &wrapped[..]),
    ] {
        let mut answer = answer_with(Dialect::Chat, to, &flat(), &Options::default(), true);
        let sent = relay(&mut answer, upstream, End::Clean);
        let said = judged("T53", Dialect::Chat, &sent);
        assert_eq!(said.calls, [("ApplyPatch".to_owned(), PATCH.to_owned())]);
        let text = String::from_utf8(sent).expect("text");
        assert!(
            text.contains(r#""type":"function""#) && !text.contains(r#""custom""#),
            "{to:?}: {text}"
        );

        let mut whole = flat();
        whole["stream"] = json!(false);
        let mut answer = answer_with(Dialect::Chat, to, &whole, &Options::default(), false);
        answer.push(&stage::frames(upstream), &mut Out::new());
        answer.finish(&mut Out::new(), End::Clean);
        let body = answer.into_json().expect("an answer");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            body["choices"][0]["message"]["tool_calls"],
            json!([{"id": "c1", "type": "function", "function": {"name": "ApplyPatch", "arguments": PATCH}}]),
            "{to:?}"
        );
    }
    // A client that uses the dialect's own spelling reads its own calls.
    let mut own = flat();
    own["tools"] = json!([{"type": "custom", "custom": {"name": "ApplyPatch"}}]);
    own["tool_choice"] = json!("auto");
    let mut answer = answer_with(
        Dialect::Chat,
        Target::Codex,
        &own,
        &Options::default(),
        true,
    );
    let sent = relay(&mut answer, &native, End::Clean);
    assert!(String::from_utf8_lossy(&sent).contains(r#""type":"custom""#));
}

/// One part of a Gemini answer.
fn part(part: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [part]}}], "responseId": "r", "modelVersion": "m"})
}

fn call(call: Value) -> Value {
    part(json!({"functionCall": call}))
}

fn last(reason: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": reason}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}})
}

#[test]
fn arguments_of_a_gemini_call_that_come_piece_by_piece() {
    let path = |path: &str, more: Value| {
        let mut piece = more;
        piece["jsonPath"] = json!(path);
        call(json!({"partialArgs": [piece], "willContinue": true}))
    };
    let begin = || call(json!({"name": "f", "willContinue": true}));
    let rows: [(&str, Vec<Value>, &str, &str); 5] = [
        (
            "a string in pieces, and a call without arguments",
            vec![
                call(json!({"name": "g"})),
                begin(),
                path("$.a", json!({"stringValue": "x\"", "willContinue": true})),
                path("$.a", json!({"stringValue": "\n😀"})),
                call(json!({})),
                last("STOP"),
            ],
            "{\"a\":\"x\\\"\\n😀\"}",
            "tool_calls",
        ),
        (
            "every kind of value, deep, and back again",
            vec![
                begin(),
                path("$.a.b[0].c", json!({"numberValue": 1.5})),
                path("$.a.b[1]", json!({"boolValue": true})),
                path("$['k .1']", json!({"nullValue": "NULL_VALUE"})),
                path("$[\"q\\\"\"]", json!({"stringValue": ""})),
                path("$.a.d", json!({"stringValue": "e"})),
                call(json!({})),
                last("STOP"),
            ],
            "{\"a\":{\"b\":[{\"c\":1.5},true],\"d\":\"e\"},\"k .1\":null,\"q\\\"\":\"\"}",
            "tool_calls",
        ),
        (
            "several pieces in one part, the first with the name",
            vec![
                call(
                    json!({"name": "f", "id": "own", "partialArgs": [{"jsonPath": "$.a", "numberValue": 1}, {"jsonPath": "$.b", "numberValue": 2}]}),
                ),
                last("STOP"),
            ],
            "{\"a\":1,\"b\":2}",
            "tool_calls",
        ),
        (
            "the end is not told: the next words are one",
            vec![
                begin(),
                path("$.a", json!({"numberValue": 1})),
                part(json!({"text": "so"})),
                last("STOP"),
            ],
            "{\"a\":1}",
            "tool_calls",
        ),
        (
            "T79: cut at the limit, nobody is to run it",
            vec![
                begin(),
                path("$.a", json!({"stringValue": "x", "willContinue": true})),
                last("MAX_TOKENS"),
            ],
            "{\"a\":\"x\"",
            "length",
        ),
    ];
    for (name, upstream, wanted, end) in rows {
        let mut answer = answer_to(Dialect::Chat, Target::Gemini, true);
        let said = judged(
            name,
            Dialect::Chat,
            &relay(&mut answer, &upstream, End::Clean),
        );
        let told = said.calls.iter().find(|(call, _)| call == "f");
        assert_eq!(
            told.map(|(_, arguments)| arguments.as_str()),
            Some(wanted),
            "{name}"
        );
        assert_eq!(said.end, end, "{name}");
    }
}

#[test]
fn a_recorded_answer_with_arguments_in_pieces() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared");
    let shared = std::env::var("SWITCHYARD_SHARED").unwrap_or_else(|_| beside.to_owned());
    let name = "fixtures/gemini/vercel-google-stream-no-args-tool-call.chunks.ndjson";
    let Ok(lines) = std::fs::read_to_string(format!("{shared}/{name}")) else {
        println!("skipped: the shared recordings are not there");
        return;
    };
    let upstream: Vec<Value> = lines
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for client in [Dialect::Chat, Dialect::Responses, Dialect::Messages] {
        let mut answer = answer_to(client, Target::Gemini, true);
        let said = judged(
            "recorded",
            client,
            &relay(&mut answer, &upstream, End::Clean),
        );
        let screen = |id: &str| ("read_screen".to_owned(), json!({"id": id}).to_string());
        assert_eq!(
            said.calls,
            [
                ("read_theme".to_owned(), "{}".to_owned()),
                screen("A"),
                screen("B"),
                screen("C")
            ],
            "{client:?}"
        );
    }
}

#[test]
fn t58_found_tools_pass_to_their_vendor_and_are_told_in_words_elsewhere() {
    let request = json!({
        "model": "m", "max_tokens": 9,
        "tools": [{"name": "f", "defer_loading": true, "input_schema": {"type": "object", "properties": {}}}],
        "messages": [
            {"role": "user", "content": "find"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "ToolSearch", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "tool_reference", "tool_name": "f"}]}]},
        ],
    });
    // Byte for byte.
    let body = bytes::Bytes::from(request.to_string());
    let head = peek(Dialect::Messages, &body).expect("a request");
    let options = Options::default();
    let direct = prepare(Dialect::Messages, Target::Messages, &body, &head, &options).expect("it");
    assert_eq!(direct.body.to_bytes(), body);
    assert!(direct.losses.is_empty());
    for to in [Target::Chat, Target::Codex, Target::Gemini] {
        let there = sent(Dialect::Messages, to, &request).to_string();
        assert!(there.contains("Tool available: f"), "{to:?}: {there}");
        assert!(
            !there.contains("tool_reference") && !there.contains("defer_loading"),
            "{to:?}"
        );
        // What became other words is no secret.
        let prepared = prepare(Dialect::Messages, to, &body, &head, &options).expect("it");
        assert!(
            prepared
                .losses
                .iter()
                .any(|loss| loss.reason.contains("T58")),
            "{to:?}"
        );
    }
}

/// Without it the call would be another one, which nobody asked for: it never looks whole.
#[test]
fn t79_a_piece_of_arguments_that_cannot_be_placed_fails_the_answer() {
    for path in ["a", "$", "$[0]", "$.a[x]", "$['a", "$..a", ""] {
        let piece = json!([{"jsonPath": path, "numberValue": 1}]);
        let split = [
            call(json!({"name": "f", "willContinue": true})),
            call(json!({"partialArgs": piece, "willContinue": true})),
            call(json!({})),
            last("STOP"),
        ];
        let at_once = [
            call(json!({"name": "f", "partialArgs": piece})),
            last("STOP"),
        ];
        for upstream in [&split[..], &at_once] {
            for client in [Dialect::Chat, Dialect::Responses, Dialect::Messages] {
                let mut answer = answer_to(client, Target::Gemini, true);
                let said = judged(path, client, &relay(&mut answer, upstream, End::Clean));
                assert_eq!(said.end, "error", "{path} {client:?}");
            }
        }
    }
}

//! Answers from and to the Messages dialect: one row per trap, judged as the client libraries would.

mod judge;
mod stage;

use bytes::Bytes;
use judge::{events, judge_messages};
use proptest::prelude::*;
use protocol::{
    Answer, Dialect, End, Failure, GatewayError, Options, Out, Target, Terminal, peek, prepare,
};
use serde_json::{Value, json};
use stage::{answer_to, calls, delta, frames, judged, last_chunk, relay};

// Chat chunks.

fn part(index: u64, id: &str, name: &str, arguments: &str) -> Value {
    if id.is_empty() {
        json!({"index": index, "function": {"arguments": arguments}})
    } else {
        json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    }
}

// Messages events.

fn start(id: &str) -> Value {
    json!({"type": "message_start", "message": {"id": id, "type": "message", "role": "assistant", "model": "up", "content": [], "stop_reason": null, "usage": {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 500, "output_tokens": 1}}})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn piece(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn words(index: u64, text: &str) -> Vec<Value> {
    vec![
        block(index, json!({"type": "text", "text": ""})),
        piece(index, json!({"type": "text_delta", "text": text})),
        stop(index),
    ]
}

fn ended(reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]
}

fn whole(middle: Vec<Value>, reason: &str) -> Vec<Value> {
    [vec![start("msg_1")], middle, ended(reason)].concat()
}

#[test]
fn chat_servers_for_messages_clients() {
    let ab = [("a", "{\"x\":1}"), ("b", "{\"y\":2}")];
    for (trap, upstream, wanted_calls, text, reasoning, end) in [
        (
            "T82, T80: parallel calls interleaved are told one behind the other",
            vec![
                calls(json!([part(1, "1", "a", ""), part(2, "2", "b", "")])),
                calls(json!([
                    part(1, "", "", "{\"x\""),
                    part(2, "", "", "{\"y\"")
                ])),
                calls(json!([part(2, "", "", ":2}")])),
                calls(json!([part(1, "", "", ":1}")])),
                last_chunk("tool_calls"),
            ],
            &ab[..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T71: ids outside the alphabet; T169: words end first",
            vec![
                delta(json!({"content": "w"})),
                calls(json!([part(0, "functions.a:0", "a", "{\"x\":1}")])),
                last_chunk("tool_calls"),
            ],
            &ab[..1],
            "w",
            "",
            "tool_calls",
        ),
        (
            "T76: a call without arguments",
            vec![
                calls(json!([part(0, "1", "a", "")])),
                last_chunk("tool_calls"),
            ],
            &[("a", "")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T79: cut arguments are not a call to run",
            vec![
                calls(json!([part(0, "1", "a", "{\"x\":")])),
                last_chunk("length"),
            ],
            &[("a", "{\"x\":")][..],
            "",
            "",
            "length",
        ),
        (
            "T143: stop with calls",
            vec![calls(json!([part(0, "1", "a", "{}")])), last_chunk("stop")],
            &[("a", "{}")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T107, T92: thoughts before words, signed",
            vec![
                delta(json!({"reasoning_content": "h\"m"})),
                delta(json!({"content": "w"})),
                last_chunk("stop"),
            ],
            &[][..],
            "w",
            "h\"m",
            "stop",
        ),
        (
            "T118: nothing but thoughts",
            vec![delta(json!({"reasoning": "hm"})), last_chunk("length")],
            &[][..],
            "",
            "hm",
            "length",
        ),
        (
            "T118: nothing at all",
            vec![last_chunk("length")],
            &[][..],
            "",
            "",
            "length",
        ),
        (
            "T32: a refusal is words and a reason",
            vec![
                delta(json!({"refusal": "no"})),
                last_chunk("content_filter"),
            ],
            &[][..],
            "no",
            "",
            "content_filter",
        ),
    ] {
        let upstream = [upstream, vec![json!("[DONE]")]].concat();
        let mut answer = answer_to(Dialect::Messages, Target::Chat, true);
        let said = judge_messages(trap, &relay(&mut answer, &upstream, End::Clean));
        let got: Vec<_> = said
            .calls
            .iter()
            .map(|(n, i)| (n.as_str(), i.as_str()))
            .collect();
        assert_eq!(got, wanted_calls, "{trap}");
        assert_eq!(
            (
                said.text.as_str(),
                said.reasoning.as_str(),
                said.end.as_str()
            ),
            (text, reasoning, end),
            "{trap}"
        );
        let mut folding = answer_to(Dialect::Messages, Target::Chat, false);
        relay(&mut folding, &upstream, End::Clean);
        let json: Value = serde_json::from_slice(&folding.into_json().expect(trap)).expect("JSON");
        // T120: which stop string was hit is not known.
        assert_eq!(json["stop_sequence"], Value::Null, "{trap}");
        for block in json["content"].as_array().expect("content") {
            assert!(
                block["type"] != "tool_use" || block["input"].is_object(),
                "{trap}: T77"
            );
        }
        if trap.starts_with("T79") {
            assert_eq!(
                json["content"][0]["input"],
                json!({"INVALID_JSON": "{\"x\":"})
            );
        }
    }
}

#[test]
fn thoughts_nobody_asked_for_are_not_shown_f85() {
    let body = json!({"model": "m", "stream": true, "max_tokens": 9, "messages": [{"role": "user", "content": "q"}]});
    let body = Bytes::from(body.to_string());
    let head = peek(Dialect::Messages, &body).expect("a request");
    let upstream = [
        delta(json!({"reasoning_content": "hm"})),
        delta(json!({"content": "w"})),
        last_chunk("stop"),
        json!("[DONE]"),
    ];
    for streams in [true, false] {
        let options = Options {
            request_id: "r1",
            ..Options::default()
        };
        let prepared =
            prepare(Dialect::Messages, Target::Chat, &body, &head, &options).expect("prepared");
        let mut answer = Answer::new(Dialect::Messages, Target::Chat, prepared.state, streams);
        let sent = relay(&mut answer, &upstream, End::Clean);
        if streams {
            let said = judge_messages("F85", &sent);
            assert_eq!((said.text.as_str(), said.reasoning.as_str()), ("w", ""));
        } else {
            let json: Value =
                serde_json::from_slice(&answer.into_json().expect("an answer")).expect("JSON");
            assert_eq!(json["content"], json!([{"type": "text", "text": "w"}]));
        }
    }
}

#[test]
fn t150_t151_counts_are_always_told() {
    let mut answer = answer_to(Dialect::Messages, Target::Chat, true);
    let usage = json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 30}}});
    let sent = relay(
        &mut answer,
        &[
            delta(json!({"content": "w"})),
            last_chunk("stop"),
            usage,
            json!("[DONE]"),
        ],
        End::Clean,
    );
    let events = events(&sent);
    let estimate = events[0]
        .1
        .pointer("/message/usage/input_tokens")
        .and_then(Value::as_u64);
    assert!(
        estimate.is_some_and(|tokens| (5..40).contains(&tokens)),
        "{estimate:?}"
    );
    let told = events
        .iter()
        .find(|(_, event)| event["type"] == "message_delta")
        .expect("counts");
    assert_eq!(
        told.1["usage"],
        json!({"input_tokens": 40, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 0, "output_tokens": 5})
    );
    assert_eq!(events[0].1["message"]["model"], "asked", "T204");
}

#[test]
fn anthropic_relays_for_the_other_clients() {
    let tool = |input: Value, pieces: &[&str]| {
        let mut all = vec![block(
            0,
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": input}),
        )];
        all.extend(
            pieces
                .iter()
                .map(|text| piece(0, json!({"type": "input_json_delta", "partial_json": text}))),
        );
        all.push(stop(0));
        all
    };
    let hosted = [
        vec![
            block(
                0,
                json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            ),
            piece(
                0,
                json!({"type": "input_json_delta", "partial_json": "{\"query\":1}"}),
            ),
            stop(0),
            block(
                1,
                json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
            ),
            stop(1),
        ],
        words(2, "found"),
    ]
    .concat();
    let two = |second: Value| {
        [
            vec![start("msg_1")],
            words(0, "a"),
            vec![second],
            words(1, "b"),
            ended("end_turn"),
        ]
        .concat()
    };
    for (trap, upstream, text, call, end) in [
        (
            "T76: only an empty piece",
            whole(tool(json!({}), &[""]), "tool_use"),
            "",
            Some("{}"),
            "tool_calls",
        ),
        (
            "arguments told at the start",
            whole(tool(json!({"x": 1}), &[]), "tool_use"),
            "",
            Some("{\"x\":1}"),
            "tool_calls",
        ),
        (
            "T79: cut at the limit",
            whole(tool(json!({}), &["{\"x\""]), "max_tokens"),
            "",
            Some("{\"x\""),
            "length",
        ),
        (
            "T147: the window is full",
            whole(words(0, "a"), "model_context_window_exceeded"),
            "a",
            None,
            "length",
        ),
        (
            "T147: a reason of tomorrow",
            whole(words(0, "a"), "compaction"),
            "a",
            None,
            "stop",
        ),
        (
            "C1: a stop string",
            whole(words(0, "a"), "stop_sequence"),
            "a",
            None,
            "stop",
        ),
        (
            "T32: a refusal",
            whole(words(0, "a"), "refusal"),
            "a",
            None,
            "content_filter",
        ),
        (
            "T146: a pause is no end",
            whole(words(0, "a"), "pause_turn"),
            "a",
            None,
            "error",
        ),
        (
            "T88: hosted tools are passed over",
            whole(hosted, "end_turn"),
            "found",
            None,
            "stop",
        ),
        (
            "T180: the same start twice",
            two(start("msg_1")),
            "ab",
            None,
            "stop",
        ),
        (
            "T180: another answer in the middle",
            two(start("msg_2")),
            "a",
            None,
            "error",
        ),
        (
            "T181: no end",
            [vec![start("msg_1")], words(0, "a")].concat(),
            "a",
            None,
            "error",
        ),
        (
            "an end without the last event",
            whole(words(0, "a"), "end_turn")[..5].to_vec(),
            "a",
            None,
            "stop",
        ),
        (
            "B1: a delta before its start",
            whole(
                vec![piece(0, json!({"type": "text_delta", "text": "a"}))],
                "end_turn",
            ),
            "a",
            None,
            "stop",
        ),
        (
            "T182: an error in the stream",
            vec![
                start("msg_1"),
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
            ],
            "",
            None,
            "error",
        ),
        (
            "unknown events",
            whole(
                [
                    words(0, "a"),
                    vec![json!({"type": "tomorrow", "x": 1}), json!("not json")],
                ]
                .concat(),
                "end_turn",
            ),
            "a",
            None,
            "stop",
        ),
    ] {
        for client in [Dialect::Chat, Dialect::Responses] {
            let mut answer = answer_to(client, Target::Messages, true);
            let said = judged(trap, client, &relay(&mut answer, &upstream, End::Clean));
            assert_eq!(
                (said.text.as_str(), said.end.as_str()),
                (text, end),
                "{trap} for {client:?}"
            );
            assert_eq!(
                said.calls.first().map(|(_, input)| input.as_str()),
                call,
                "{trap} for {client:?}"
            );
            if end != "error" {
                // T148, T157: all input, and the counts of the second event.
                assert_eq!(said.usage, Some([543, 9, 40, 0]), "{trap}");
            }
        }
    }
}

#[test]
fn seals_are_kept_for_their_maker() {
    let thought = vec![
        block(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        piece(0, json!({"type": "thinking_delta", "thinking": "hm"})),
        piece(0, json!({"type": "signature_delta", "signature": "first"})),
        piece(0, json!({"type": "signature_delta", "signature": "last"})),
        stop(0),
        block(1, json!({"type": "redacted_thinking", "data": "dark"})),
        stop(1),
    ];
    let upstream = whole([thought, words(2, "a")].concat(), "end_turn");
    let mut answer = answer_to(Dialect::Responses, Target::Messages, true);
    let sent = relay(&mut answer, &upstream, End::Clean);
    let last = events(&sent).pop().expect("events").1;
    let output = &last["response"]["output"];
    assert_eq!(
        output[0]["encrypted_content"], "switchyard.1.messages.last",
        "T92, T93"
    );
    assert_eq!(
        output[1]["encrypted_content"], "switchyard.1.redacted.dark",
        "T95"
    );
    assert_eq!(output[1]["summary"], json!([]), "T95: never shown");
    // The way back: the exact strings, for the vendor alone (T89).
    let body = json!({"model": "claude-sonnet-4-5", "input": [{"role": "user", "content": "q"}, output[0], output[1], output[2], {"role": "user", "content": "r"}]});
    let body = Bytes::from(body.to_string());
    let head = peek(Dialect::Responses, &body).expect("a request");
    let back = prepare(
        Dialect::Responses,
        Target::Messages,
        &body,
        &head,
        &Options::default(),
    )
    .expect("prepared");
    let back: Value = serde_json::from_slice(&back.body.to_bytes()).expect("JSON");
    assert_eq!(
        back["messages"][1]["content"],
        json!([{"type": "thinking", "thinking": "hm", "signature": "last"}, {"type": "redacted_thinking", "data": "dark"}, {"type": "text", "text": "a"}])
    );

    // T94: the other way round, also where there is nothing to read.
    let item =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"});
    let upstream = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "up"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}}),
    ];
    let mut answer = answer_to(Dialect::Messages, Target::Codex, true);
    let sent = relay(&mut answer, &upstream, End::Clean);
    judge_messages("T94", &sent);
    let signed = events(&sent)
        .into_iter()
        .find(|(_, event)| event["delta"]["type"] == "signature_delta");
    assert_eq!(
        signed.expect("a signature").1["delta"]["signature"],
        "switchyard.1.responses.gAAA"
    );
}

#[test]
fn passing_through_ends_in_the_clients_own_words() {
    let pass = |upstream: &[Value], end: End| {
        let mut answer = answer_to(Dialect::Messages, Target::Messages, true);
        let sent = relay(&mut answer, upstream, end);
        (
            judge_messages("pass", &sent),
            answer.observed().clone(),
            events(&sent),
        )
    };
    let all = whole(words(0, "a"), "max_tokens");
    let (said, seen, told) = pass(&all, End::Clean);
    assert_eq!(
        (said.text.as_str(), seen.terminal),
        ("a", Some(Terminal::Incomplete))
    );
    assert_eq!(told[0].1["message"]["model"], "asked", "T204");
    let usage = seen.usage.expect("counted");
    assert_eq!(
        (usage.input, usage.output, usage.cached, usage.cache_written),
        (543, 9, 40, 500),
        "T148, T157"
    );
    let (said, seen, _) = pass(&all[..all.len() - 1], End::Clean);
    assert_eq!(
        (said.end.as_str(), seen.terminal),
        ("length", Some(Terminal::Incomplete)),
        "the last event is made up"
    );
    let (said, seen, _) = pass(&all[..3], End::Clean);
    assert_eq!(
        (said.end.as_str(), seen.terminal),
        ("error", Some(Terminal::Failed)),
        "T181"
    );
    let (said, ..) = pass(
        &all[..3],
        End::Cut {
            message: "reset".to_owned(),
        },
    );
    assert_eq!(said.end, "error", "T181");

    let mut answer = answer_to(Dialect::Messages, Target::Messages, true);
    let mut out = Out::new();
    answer.push(&frames(&[start("m"), json!({"type": "ping"})]), &mut out);
    assert!(
        !answer.observed().content_started,
        "the commit point is the first block"
    );
    assert_eq!(
        answer.keepalive(),
        Some(&b"event: ping\ndata: {\"type\":\"ping\"}\n\n"[..]),
        "T163"
    );
    let error = GatewayError {
        status: 502,
        code: "stream_disconnected".into(),
        message: "gone".to_owned(),
    };
    let told = answer.in_band_error(&error);
    assert!(
        told.starts_with(b"event: error\n") && answer.keepalive().is_none(),
        "T182"
    );
    assert!(answer.in_band_error(&error).is_empty());

    let mut answer = answer_to(Dialect::Chat, Target::Messages, false);
    let refused = Bytes::from_static(
        br#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#,
    );
    assert!(
        matches!(
            answer.answer_json(&refused),
            Err(Failure::Upstream { status: 503, .. })
        ),
        "T184"
    );
}

proptest! {
    /// Damaged events: the client still sees whole frames and one terminal, whoever speaks Messages.
    #[test]
    fn damaged_events_are_survived(cut in 0usize..900, swap in any::<u8>(), at in 0usize..900, pair in 0usize..4) {
        let (client, to, upstream) = match pair {
            0 => (Dialect::Messages, Target::Chat, vec![
                delta(json!({"reasoning_content": "h"})), delta(json!({"content": "h\"i"})), calls(json!([part(0, "1", "a", "{\"x\":1}")])), last_chunk("stop"), json!("[DONE]"),
            ]),
            other => (
                [Dialect::Chat, Dialect::Responses, Dialect::Messages][other - 1],
                Target::Messages,
                whole([words(0, "h\"i"), vec![block(1, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})), piece(1, json!({"type": "input_json_delta", "partial_json": "{}"})), stop(1)]].concat(), "tool_use"),
            ),
        };
        let mut bytes = frames(&upstream).to_vec();
        let len = bytes.len();
        bytes[at % len] = swap;
        let cut = cut % len;
        let doubled = [&bytes[..cut], &bytes[cut / 2..]].concat();
        let mut answer = answer_to(client, to, true);
        let mut out = Out::new();
        answer.push(&Bytes::from(doubled), &mut out);
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        let text = String::from_utf8_lossy(&sent);
        // What passes through is the upstream's own, damage included; what is translated is ours.
        if client != to.dialect() {
            let terminals = match client {
                Dialect::Chat => text.matches("data: [DONE]").count() + text.matches("data: {\"error\"").count(),
                Dialect::Gemini => text.matches("\"finishReason\"").count() + text.matches("data: {\"error\"").count(),
                Dialect::Messages => text.matches("event: message_stop\n").count() + text.matches("event: error\n").count(),
                Dialect::Responses => ["completed", "incomplete", "failed"].iter().map(|kind| text.matches(&format!("event: response.{kind}\n")).count()).sum(),
            };
            prop_assert_eq!(terminals, 1);
            for (_, value) in events(&sent) {
                prop_assert!(value.is_object() || value == json!("[DONE]"), "half a frame: {}", value);
            }
        }
    }
}

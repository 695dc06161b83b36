//! Answers on their way into another dialect: one row per trap, judged as the client libraries would.

mod judge;
mod stage;

use bytes::Bytes;
use judge::{events, judge_chat, judge_responses};
use proptest::prelude::*;
use protocol::{
    Answer, Dialect, End, Failure, GatewayError, Options, Out, ReasoningOutput, Target, Terminal,
    peek, prepare,
};
use serde_json::{Value, json};
use stage::{answer_with, calls, delta, frames, last_chunk, request_of};

/// A translated answer for a client of that dialect; `request` holds what differs from the usual request.
fn answer_to(client: Dialect, request: &Value, options: &Options<'_>, streams: bool) -> Answer {
    let to = match client {
        Dialect::Chat => Target::Codex,
        Dialect::Responses | Dialect::Messages | Dialect::Gemini => Target::Chat,
    };
    let mut body = request_of(client);
    for (key, value) in request.as_object().expect("an object") {
        body[key] = value.clone();
    }
    answer_with(client, to, &body, options, streams)
}

fn relay(answer: &mut Answer, upstream: &[Value]) -> Vec<u8> {
    stage::relay(answer, upstream, End::Clean)
}

fn done() -> Value {
    json!("[DONE]")
}

#[test]
fn chat_servers_of_all_kinds_for_responses_clients() {
    let ab = [("a", "{\"x\":1}"), ("b", "{\"y\":2}")];
    for (trap, upstream, wanted_calls, text, reasoning, end) in [
        (
            "T80: always index 0, told apart by id",
            vec![
                calls(
                    json!([{"index": 0, "id": "1", "function": {"name": "a", "arguments": "{\"x\""}}]),
                ),
                calls(json!([{"index": 0, "function": {"arguments": ":1}"}}])),
                calls(
                    json!([{"index": 0, "id": "2", "function": {"name": "b", "arguments": "{\"y\":2}"}}]),
                ),
                last_chunk("tool_calls"),
                done(),
            ],
            &ab[..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T80: no index at all",
            vec![
                calls(json!([{"id": "1", "function": {"name": "a", "arguments": "{\"x\""}}])),
                calls(json!([{"function": {"arguments": ":1}"}}])),
                calls(json!([{"id": "2", "function": {"name": "b", "arguments": "{\"y\":2}"}}])),
                last_chunk("tool_calls"),
                done(),
            ],
            &ab[..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T80: the first index is 1; T82: parallel calls interleaved",
            vec![
                calls(
                    json!([{"index": 1, "id": "1", "function": {"name": "a", "arguments": ""}}, {"index": 2, "id": "2", "function": {"name": "b", "arguments": ""}}]),
                ),
                calls(
                    json!([{"index": 1, "function": {"arguments": "{\"x\""}}, {"index": 2, "function": {"arguments": "{\"y\""}}]),
                ),
                calls(
                    json!([{"index": 2, "function": {"arguments": ":2}"}}, {"index": 1, "function": {"arguments": ":1}"}}]),
                ),
                last_chunk("tool_calls"),
                done(),
            ],
            &ab[..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T81: id and name in every delta",
            vec![
                calls(
                    json!([{"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\""}}]),
                ),
                calls(
                    json!([{"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": ":1}"}}]),
                ),
                last_chunk("tool_calls"),
                done(),
            ],
            &ab[..1],
            "",
            "",
            "tool_calls",
        ),
        (
            "T70: no id; T142: stop with calls; the name comes late",
            vec![
                calls(json!([{"index": 0, "function": {"arguments": "{\"x\""}}])),
                calls(json!([{"index": 0, "function": {"name": "a", "arguments": ":1}"}}])),
                last_chunk("stop"),
                done(),
            ],
            &ab[..1],
            "",
            "",
            "tool_calls",
        ),
        (
            "T76: no arguments; T78: arguments as an object",
            vec![
                calls(json!([{"index": 0, "id": "1", "function": {"name": "a"}}])),
                calls(
                    json!([{"index": 1, "id": "2", "function": {"name": "b", "arguments": {"y": 2}}}]),
                ),
                last_chunk("tool_calls"),
                done(),
            ],
            &[("a", "{}"), ("b", "{\"y\":2}")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "T107: reasoning under any name, words in parts",
            vec![
                delta(
                    json!({"reasoning": "one ", "reasoning_details": [{"type": "reasoning.text", "text": "one "}]}),
                ),
                delta(json!({"reasoning_details": [{"type": "reasoning.text", "text": "two "}]})),
                delta(
                    json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "three"}]}]}),
                ),
                delta(
                    json!({"content": [{"type": "text", "text": "hi"}], "reasoning_content": ""}),
                ),
                last_chunk("stop"),
                done(),
            ],
            &[][..],
            "hi",
            "one two three",
            "stop",
        ),
        (
            "T169: reasoning, words, calls and words again",
            vec![
                delta(json!({"role": "assistant", "reasoning_content": "think"})),
                delta(json!({"content": "a"})),
                calls(
                    json!([{"index": 0, "id": "1", "function": {"name": "a", "arguments": "{\"x\":1}"}}]),
                ),
                delta(json!({"content": "b"})),
                last_chunk("tool_calls"),
                done(),
            ],
            &ab[..1],
            "ab",
            "think",
            "tool_calls",
        ),
        (
            "T178, T152: odd chunks",
            vec![
                json!({"id": "", "object": "", "choices": [], "prompt_filter_results": []}),
                json!({"id": "c"}),
                json!("{broken"),
                delta(json!({"content": "hi"})),
                json!({"choices": [{"index": 1, "delta": {"content": "other"}}]}),
                last_chunk("stop"),
                json!({"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
                done(),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "C1: length; T79: the call stays as it is; T175: the end is response.incomplete",
            vec![
                calls(
                    json!([{"index": 0, "id": "1", "function": {"name": "a", "arguments": "{\"x"}}]),
                ),
                last_chunk("length"),
                done(),
            ],
            &[("a", "{\"x")][..],
            "",
            "",
            "length",
        ),
        (
            "C1: filter",
            vec![
                delta(json!({"content": "x"})),
                last_chunk("content_filter"),
                done(),
            ],
            &[][..],
            "x",
            "",
            "content_filter",
        ),
        (
            "C1: unknown words are a stop",
            vec![delta(json!({"content": "x"})), last_chunk("eos"), done()],
            &[][..],
            "x",
            "",
            "stop",
        ),
        (
            "C1: no reason but an end",
            vec![delta(json!({"content": "x"})), done()],
            &[][..],
            "x",
            "",
            "stop",
        ),
        (
            "T130: fences are the model's own",
            vec![
                delta(json!({"content": "```json\n{}"})),
                delta(json!({"content": "\n```"})),
                last_chunk("stop"),
                done(),
            ],
            &[][..],
            "```json\n{}\n```",
            "",
            "stop",
        ),
        (
            "T118: an empty answer",
            vec![
                delta(json!({"role": "assistant", "content": ""})),
                last_chunk("length"),
                done(),
            ],
            &[][..],
            "",
            "",
            "length",
        ),
        (
            "no [DONE]",
            vec![delta(json!({"content": "x"})), last_chunk("stop")],
            &[][..],
            "x",
            "",
            "stop",
        ),
        (
            "T181: a cut",
            vec![delta(json!({"content": "x"}))],
            &[][..],
            "x",
            "",
            "error",
        ),
        (
            "T182: an error inside",
            vec![
                delta(json!({"content": "x"})),
                json!({"error": {"message": "boom", "code": "server_error"}}),
            ],
            &[][..],
            "x",
            "",
            "error",
        ),
    ] {
        let mut answer = answer_to(Dialect::Responses, &json!({}), &Options::default(), true);
        let sent = relay(&mut answer, &upstream);
        let said = judge_responses(trap, &sent);
        assert_eq!(said.text, text, "{trap}");
        assert_eq!(said.reasoning, reasoning, "{trap}");
        assert_eq!(said.end, end, "{trap}");
        let got: Vec<_> = said
            .calls
            .iter()
            .map(|(name, input)| (name.as_str(), input.as_str()))
            .collect();
        assert_eq!(got, wanted_calls, "{trap}");
        let terminal = match end {
            "error" => Terminal::Failed,
            "length" | "content_filter" => Terminal::Incomplete,
            _ => Terminal::Completed,
        };
        assert_eq!(answer.observed().terminal, Some(terminal), "{trap}");
    }
}

#[test]
fn usage_is_the_last_one_and_mapped_c2_t155() {
    let usage = |n: u64| json!({"id": "c", "choices": [], "usage": {"prompt_tokens": n, "completion_tokens": 5, "total_tokens": 99, "prompt_tokens_details": {"cached_tokens": 3}, "completion_tokens_details": {"reasoning_tokens": 2}}});
    let upstream = [
        usage(1),
        delta(json!({"content": "x"})),
        usage(9),
        last_chunk("stop"),
        usage(10),
        done(),
    ];
    let mut answer = answer_to(Dialect::Responses, &json!({}), &Options::default(), true);
    assert_eq!(
        judge_responses("C2", &relay(&mut answer, &upstream)).usage,
        Some([10, 5, 3, 2])
    );
    // T153: Chat clients get their chunk only when they asked for it.
    let completed = json!({"type": "response.completed", "response": {"id": "resp_1", "output": [], "usage": {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 3}, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15,
    }}});
    for (asked, usage) in [(true, Some([10, 5, 3, 2])), (false, None)] {
        let request = json!({"stream_options": {"include_usage": asked}});
        let mut answer = answer_to(Dialect::Chat, &request, &Options::default(), true);
        let sent = relay(&mut answer, std::slice::from_ref(&completed));
        assert_eq!(judge_chat("T153", &sent).usage, usage);
        assert_eq!(
            answer.observed().usage.map(|usage| usage.cached),
            Some(3),
            "observed either way"
        );
        assert_eq!(
            String::from_utf8_lossy(&sent).contains("\"usage\":null"),
            asked
        );
    }
}

fn added(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn item_done(index: u64, item: Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn event(kind: &str, index: u64, delta: &str) -> Value {
    json!({"type": format!("response.{kind}.delta"), "output_index": index, "item_id": "changes", "delta": delta, "summary_index": 0})
}

fn response(kind: &str, response: Value) -> Value {
    json!({"type": format!("response.{kind}"), "response": response})
}

#[test]
fn responses_upstreams_of_all_kinds_for_chat_clients() {
    let completed = || {
        response(
            "completed",
            json!({"id": "resp_1", "status": "completed", "output": []}),
        )
    };
    let words = |text: &str| json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]});
    let call = |arguments: &str| json!({"type": "function_call", "call_id": "c1", "name": "a", "arguments": arguments});
    for (trap, upstream, wanted_calls, text, reasoning, end) in [
        (
            "the smallest turn",
            vec![
                response("created", json!({"id": "resp_1"})),
                item_done(0, words("hi")),
                completed(),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "T172: ids change, indexes count",
            vec![
                added(0, json!({"type": "message", "id": "x"})),
                event("output_text", 0, "h"),
                event("output_text", 0, "i"),
                item_done(0, words("hi")),
                completed(),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "T173: only the final answer holds the items",
            vec![response(
                "completed",
                json!({"id": "resp_1", "output": [words("hi"), call("{}")]}),
            )],
            &[("a", "{}")][..],
            "hi",
            "",
            "tool_calls",
        ),
        (
            "T174: response.done",
            vec![
                item_done(0, words("hi")),
                response("done", json!({"id": "resp_1", "status": "completed"})),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "T142: calls decide the reason; T76: no arguments",
            vec![
                added(
                    0,
                    json!({"type": "function_call", "call_id": "c1", "name": "a", "arguments": ""}),
                ),
                item_done(0, call("")),
                completed(),
            ],
            &[("a", "{}")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "arguments by deltas",
            vec![
                added(
                    0,
                    json!({"type": "function_call", "call_id": "c1", "name": "a", "arguments": ""}),
                ),
                event("function_call_arguments", 0, "{\"x\""),
                event("function_call_arguments", 0, ":1}"),
                item_done(0, call("{\"x\":1}")),
                completed(),
            ],
            &[("a", "{\"x\":1}")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "custom calls keep their raw input",
            vec![
                added(
                    0,
                    json!({"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": ""}),
                ),
                event("custom_tool_call_input", 0, "*** \"x\"\n"),
                item_done(
                    0,
                    json!({"type": "custom_tool_call", "call_id": "c1", "name": "p", "input": "*** \"x\"\n"}),
                ),
                completed(),
            ],
            &[("p", "*** \"x\"\n")][..],
            "",
            "",
            "tool_calls",
        ),
        (
            "F85: paragraphs of a summary",
            vec![
                added(0, json!({"type": "reasoning", "summary": []})),
                event("reasoning_summary_text", 0, "one"),
                json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "two"}),
                item_done(
                    0,
                    json!({"type": "reasoning", "summary": [], "encrypted_content": "seal"}),
                ),
                added(1, json!({"type": "message"})),
                event("output_text", 1, "hi"),
                completed(),
            ],
            &[][..],
            "hi",
            "one\n\ntwo",
            "stop",
        ),
        (
            "T32: refusals",
            vec![event("refusal", 0, "no"), completed()],
            &[][..],
            "",
            "",
            "stop",
        ),
        (
            "T187, T188: padding and private events",
            vec![
                json!({"type": "codex.rate_limits", "plan_type": "pro"}),
                json!({"type": "keepalive"}),
                json!({"type": "response.metadata"}),
                json!({"type": "response.output_text.delta", "output_index": 0, "delta": "hi", "obfuscation": "xxxx"}),
                completed(),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "T56: hosted calls are not the client's",
            vec![
                added(0, json!({"type": "web_search_call", "id": "ws"})),
                item_done(0, json!({"type": "web_search_call", "id": "ws"})),
                item_done(1, words("hi")),
                completed(),
            ],
            &[][..],
            "hi",
            "",
            "stop",
        ),
        (
            "F98, T34: a picture is shown",
            vec![
                item_done(0, words("here: ")),
                added(1, json!({"type": "image_generation_call", "id": "ig"})),
                json!({"type": "response.image_generation_call.partial_image", "output_index": 1, "partial_image_b64": "PART"}),
                item_done(
                    1,
                    json!({"type": "image_generation_call", "id": "ig", "result": "AAAA", "output_format": "webp"}),
                ),
                item_done(2, json!({"type": "image_generation_call", "result": ""})),
                completed(),
            ],
            &[][..],
            "here: ![image](data:image/webp;base64,AAAA)",
            "",
            "stop",
        ),
        (
            "C1: incomplete",
            vec![
                item_done(0, words("h")),
                response(
                    "incomplete",
                    json!({"id": "resp_1", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
                ),
            ],
            &[][..],
            "h",
            "",
            "length",
        ),
        (
            "C1: filter",
            vec![
                item_done(0, words("h")),
                response(
                    "incomplete",
                    json!({"id": "resp_1", "incomplete_details": {"reason": "content_filter"}}),
                ),
            ],
            &[][..],
            "h",
            "",
            "content_filter",
        ),
        (
            "failed",
            vec![response(
                "failed",
                json!({"id": "resp_1", "error": {"code": "rate_limit_exceeded", "message": "slow"}}),
            )],
            &[][..],
            "",
            "",
            "error",
        ),
        (
            "a nested error event",
            vec![
                item_done(0, words("h")),
                json!({"type": "error", "error": {"message": "boom"}}),
            ],
            &[][..],
            "h",
            "",
            "error",
        ),
        (
            "T181: a cut",
            vec![item_done(0, words("h"))],
            &[][..],
            "h",
            "",
            "error",
        ),
        (
            "nothing after the terminal",
            vec![completed(), item_done(0, words("late")), completed()],
            &[][..],
            "",
            "",
            "stop",
        ),
    ] {
        let mut answer = answer_to(Dialect::Chat, &json!({}), &Options::default(), true);
        let said = judge_chat(trap, &relay(&mut answer, &upstream));
        assert_eq!(said.text, text, "{trap}");
        assert_eq!(said.reasoning, reasoning, "{trap}");
        assert_eq!(said.end, end, "{trap}");
        let got: Vec<_> = said
            .calls
            .iter()
            .map(|(name, input)| (name.as_str(), input.as_str()))
            .collect();
        assert_eq!(got, wanted_calls, "{trap}");
    }
}

#[test]
fn reasoning_as_the_setting_says_f85() {
    let upstream = [
        event("reasoning_summary_text", 0, "hm"),
        event("output_text", 1, "hi"),
        response("completed", json!({"id": "resp_1", "output": []})),
    ];
    for (reasoning, text, field) in [
        (ReasoningOutput::Field, "hi", "hm"),
        (ReasoningOutput::ThinkTags, "<think>hm</think>hi", ""),
        (ReasoningOutput::Off, "hi", ""),
    ] {
        let options = Options {
            reasoning,
            ..Options::default()
        };
        let mut answer = answer_to(Dialect::Chat, &json!({}), &options, true);
        let said = judge_chat("F85", &relay(&mut answer, &upstream));
        assert_eq!((said.text.as_str(), said.reasoning.as_str()), (text, field));
        let mut answer = answer_to(Dialect::Chat, &json!({"stream": false}), &options, false);
        relay(&mut answer, &upstream);
        let json: Value =
            serde_json::from_slice(&answer.into_json().expect("an answer")).expect("JSON");
        assert_eq!(json["choices"][0]["message"]["content"], text);
        assert_eq!(
            json["choices"][0]["message"]["reasoning_content"]
                .as_str()
                .unwrap_or_default(),
            field
        );
    }
}

#[test]
fn tools_come_back_under_the_clients_own_names() {
    // F84, T47
    let long = format!("mcp__some_server_{}__read_file", "x".repeat(60));
    let request = json!({"tools": [{"type": "function", "function": {"name": long}}]});
    let upstream = [
        item_done(
            0,
            json!({"type": "function_call", "call_id": "c1", "name": "mcp__read_file", "arguments": "{}"}),
        ),
        response("completed", json!({"id": "resp_1", "output": []})),
    ];
    let mut answer = answer_to(Dialect::Chat, &request, &Options::default(), true);
    assert_eq!(
        judge_chat("T47", &relay(&mut answer, &upstream)).calls,
        [(long.clone(), "{}".to_owned())]
    );
    // T50, T51, T52
    let request = json!({"tools": [
        {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "spawn", "parameters": {"type": "object", "properties": {}}}]},
        {"type": "custom", "name": "apply_patch"},
    ]});
    let upstream = [
        calls(
            json!([{"index": 0, "id": "1", "function": {"name": "agents__spawn", "arguments": "{}"}}]),
        ),
        calls(
            json!([{"index": 1, "id": "2", "function": {"name": "apply_patch", "arguments": "{\"inp"}}]),
        ),
        calls(json!([{"index": 1, "function": {"arguments": "ut\":\"*** \\\"a\\\"\\"}}])),
        calls(json!([{"index": 1, "function": {"arguments": "n\\ud83d"}}])),
        calls(json!([{"index": 1, "function": {"arguments": "\\ude00\"}"}}])),
        last_chunk("tool_calls"),
        done(),
    ];
    let mut answer = answer_to(Dialect::Responses, &request, &Options::default(), true);
    let sent = relay(&mut answer, &upstream);
    let said = judge_responses("T50, T52", &sent);
    assert_eq!(
        said.calls,
        [
            ("spawn".to_owned(), "{}".to_owned()),
            ("apply_patch".to_owned(), "*** \"a\"\n😀".to_owned())
        ]
    );
    let items: Vec<_> = events(&sent)
        .into_iter()
        .filter(|(_, value)| value["type"] == "response.output_item.done")
        .map(|(_, value)| value["item"].clone())
        .collect();
    assert_eq!(
        (&items[0]["namespace"], &items[0]["type"]),
        (&json!("agents"), &json!("function_call"))
    );
    assert_eq!(items[1]["type"], "custom_tool_call");
    assert!(
        items[1]["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ctc_")),
        "T74"
    );
}

#[test]
fn failures_keep_their_status_for_clients_that_do_not_stream_t184() {
    let failed = response(
        "failed",
        json!({"id": "resp_1", "error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
    );
    let mut answer = answer_to(
        Dialect::Chat,
        &json!({"stream": false}),
        &Options::default(),
        false,
    );
    relay(&mut answer, std::slice::from_ref(&failed));
    assert!(answer.observed().failure.is_some() && !answer.observed().content_started);
    assert!(
        matches!(answer.into_json(), Err(Failure::Upstream { status: 429, error, .. }) if error.message == "slow down")
    );
    let mut answer = answer_to(
        Dialect::Chat,
        &json!({"stream": false}),
        &Options::default(),
        false,
    );
    relay(&mut answer, &[event("output_text", 0, "half")]);
    assert!(matches!(answer.into_json(), Err(Failure::Cut { .. })));
    // A whole body that is an error: nothing was sent, so the status can still be told (T183).
    let mut answer = answer_to(Dialect::Responses, &json!({}), &Options::default(), true);
    let body = Bytes::from_static(br#"{"error":{"message":"no","code":"model_not_found"}}"#);
    assert!(matches!(
        answer.stream_json(&body, &mut Out::new()),
        Err(Failure::Upstream { status: 404, .. })
    ));
}

#[test]
fn our_own_error_ends_a_running_stream_t182() {
    let error = GatewayError {
        status: 502,
        code: "stream_disconnected".into(),
        message: "gone".to_owned(),
    };
    for client in [Dialect::Chat, Dialect::Responses] {
        let begun = match client {
            Dialect::Chat => event("output_text", 0, "half"),
            Dialect::Responses | Dialect::Messages | Dialect::Gemini => {
                delta(json!({"content": "half"}))
            }
        };
        let mut answer = answer_to(client, &json!({}), &Options::default(), true);
        let mut out = Out::new();
        answer.push(&frames(&[begun]), &mut out);
        let mut sent = out.take().expect("a frame").to_vec();
        assert!(answer.keepalive().is_some());
        sent.extend_from_slice(&answer.in_band_error(&error));
        assert!(answer.in_band_error(&error).is_empty() && answer.keepalive().is_none());
        answer.finish(&mut out, End::Clean);
        assert!(out.take().is_none());
        let text = String::from_utf8_lossy(&sent);
        assert_eq!(
            text.matches("gone").count(),
            if client == Dialect::Chat {
                1
            } else {
                text.matches("gone").count()
            }
        );
        assert_eq!(
            text.matches("event: response.failed").count(),
            usize::from(client == Dialect::Responses)
        );
        if client == Dialect::Chat {
            assert_eq!(judge_chat("T182", &sent).end, "error");
        }
    }
}

proptest! {
    /// No input panics, and what comes out is whole frames with at most one terminal.
    #[test]
    fn no_upstream_panics_us(bytes in proptest::collection::vec(any::<u8>(), 0..400), chat in any::<bool>()) {
        let client = if chat { Dialect::Chat } else { Dialect::Responses };
        let mut answer = answer_to(client, &json!({}), &Options::default(), true);
        let mut out = Out::new();
        let mut framed = b"data: ".to_vec();
        framed.extend_from_slice(&bytes);
        framed.extend_from_slice(b"\n\n");
        answer.push(&Bytes::from(framed), &mut out);
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        prop_assert!(sent.ends_with(b"\n\n"));
    }

    /// Damaged events: cut, doubled, with strange members; the client still sees whole frames and one terminal.
    #[test]
    fn damaged_events_are_survived(cut in 0usize..400, swap in any::<u8>(), at in 0usize..400, chat in any::<bool>()) {
        let (client, upstream) = if chat {
            (Dialect::Chat, vec![
                added(0, json!({"type": "function_call", "call_id": "c1", "name": "a"})), event("function_call_arguments", 0, "{\"a\":\"\\u00e9\"}"),
                item_done(0, json!({"type": "function_call", "call_id": "c1", "name": "a", "arguments": "{}"})), response("completed", json!({"id": "r", "output": []})),
            ])
        } else {
            (Dialect::Responses, vec![
                delta(json!({"content": "h\"i"})), calls(json!([{"index": 0, "id": "1", "function": {"name": "a", "arguments": "{\"x\":1}"}}])), last_chunk("stop"), done(),
            ])
        };
        let mut bytes = frames(&upstream).to_vec();
        let len = bytes.len();
        bytes[at % len] = swap;
        let cut = cut % len;
        let doubled = [&bytes[..cut], &bytes[cut / 2..]].concat();
        let mut answer = answer_to(client, &json!({}), &Options::default(), true);
        let mut out = Out::new();
        answer.push(&Bytes::from(doubled), &mut out);
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        let text = String::from_utf8_lossy(&sent);
        let terminals = match client {
            Dialect::Chat => text.matches("data: [DONE]").count() + text.matches("data: {\"error\"").count(),
            Dialect::Gemini => text.matches("\"finishReason\"").count() + text.matches("data: {\"error\"").count(),
            Dialect::Messages => text.matches("event: message_stop").count() + text.matches("event: error").count(),
            Dialect::Responses => ["completed", "incomplete", "failed"].iter().map(|kind| text.matches(&format!("event: response.{kind}\n")).count()).sum(),
        };
        prop_assert_eq!(terminals, 1);
        for (_, value) in events(&sent) {
            prop_assert!(value.is_object() || value == json!("[DONE]"), "half a frame: {}", value);
        }
    }

    /// Requests of any shape are read or refused.
    #[test]
    fn no_request_panics_us(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..2000, swap in any::<u8>(), chat in any::<bool>()) {
        let (from, to, good) = if chat {
            (Dialect::Chat, Target::Codex, json!({"model": "m", "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a\n"}, {"type": "image_url", "image_url": {"url": "data:,"}}]},
                {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "x"},
            ], "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}]}))
        } else {
            (Dialect::Responses, Target::Chat, json!({"model": "m", "input": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s"}]}, {"type": "custom_tool_call", "call_id": "1", "name": "p", "input": "\u{e9}"},
                {"type": "custom_tool_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "x"}]},
            ], "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "p"}]}]}))
        };
        let mut damaged = good.to_string().into_bytes();
        let len = damaged.len();
        damaged[at % len] = swap;
        let mut stuffed = good.to_string().into_bytes();
        stuffed.splice(at % len..at % len, bytes.iter().copied());
        for body in [bytes, damaged, stuffed] {
            let body = Bytes::from(body);
            if let Ok(head) = peek(from, &body)
                && let Ok(prepared) = prepare(from, to, &body, &head, &Options::default())
            {
                // Strings are not judged here: what was no strict JSON before may be none after.
                let strict = serde_json::from_slice::<Value>(&body).is_ok();
                let json: Result<Value, _> = serde_json::from_slice(&prepared.body.to_bytes());
                prop_assert!(json.is_ok() || !strict, "{:?}", prepared.body.to_bytes());
            }
        }
    }
}

/// What a Chat client without `include_usage` or without streaming sees of a Codex account's words.
fn stopped(request: Value, streams: bool, pieces: &[&str]) -> (String, Answer) {
    let mut answer = answer_to(Dialect::Chat, &request, &Options::default(), streams);
    let mut upstream = vec![
        response("created", json!({"id": "resp_1"})),
        added(0, json!({"type": "message"})),
    ];
    upstream.extend(pieces.iter().map(|piece| event("output_text", 0, piece)));
    let mut out = Out::new();
    answer.push(&frames(&upstream), &mut out);
    let sent = out.take().unwrap_or_default();
    (String::from_utf8_lossy(&sent).into_owned(), answer)
}

#[test]
fn stop_strings_are_cut_here_where_the_upstream_has_none_t119() {
    let pieces = ["one S", "TO", "P two"];
    // Without a wish for usage the client's stream ends at the stop, whatever the upstream goes on to say.
    let (sent, answer) = stopped(
        json!({"stop": ["STOP", "\n"], "stream_options": null}),
        true,
        &pieces,
    );
    assert!(
        sent.contains("\"content\":\"one \"") && !sent.contains("two"),
        "{sent}"
    );
    assert!(sent.contains("\"finish_reason\":\"stop\""), "{sent}");
    assert!(sent.ends_with("data: [DONE]\n\n"), "{sent}");
    assert_eq!(answer.observed().terminal, Some(Terminal::Completed));
    assert_eq!(answer.keepalive(), None);
    // With it, the upstream's own count is waited for.
    let usage = json!({"input_tokens": 3, "output_tokens": 9, "total_tokens": 12});
    let end = response("completed", json!({"id": "resp_1", "usage": usage}));
    let (sent, mut answer) = stopped(json!({"stop": "STOP"}), true, &pieces);
    assert!(!sent.contains("[DONE]"), "{sent}");
    let rest = relay(&mut answer, std::slice::from_ref(&end));
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.contains("\"completion_tokens\":9") && rest.ends_with("[DONE]\n\n"),
        "{rest}"
    );
    // A client that does not stream gets the words before the stop.
    let (_, mut answer) = stopped(json!({"stop": "STOP", "stream": false}), false, &pieces);
    relay(&mut answer, &[end]);
    let whole: Value = serde_json::from_slice(&answer.into_json().expect("whole")).expect("JSON");
    assert_eq!(whole["choices"][0]["message"]["content"], "one ");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    assert_eq!(whole["usage"]["completion_tokens"], 9);
}

#[test]
fn stop_strings_of_the_wrong_type_are_refused_t119_t208() {
    for stop in [json!(5), json!([5]), json!({})] {
        let body =
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stop": stop});
        let body = Bytes::from(body.to_string());
        let head = peek(Dialect::Chat, &body).expect("a request");
        let refused = prepare(
            Dialect::Chat,
            Target::Codex,
            &body,
            &head,
            &Options::default(),
        );
        let refused = refused.expect_err("a wrong type");
        assert_eq!(refused.param.as_deref(), Some("stop"));
    }
}

#[test]
fn a_call_that_wraps_several_is_opened_t84() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}});
    let arguments = r#"{"tool_uses":[{"recipient_name":"functions.weather","parameters":{"at":"Rome"}},{"recipient_name":"sights","parameters":{}}]}"#;
    let two = [("weather", r#"{"at":"Rome"}"#), ("sights", "{}")];
    for (case, name, tools, expected) in [
        (
            "opened",
            "parallel",
            vec!["weather", "sights"],
            two.to_vec(),
        ),
        (
            "its other name",
            "multi_tool_use.parallel",
            vec!["weather", "sights"],
            two.to_vec(),
        ),
        (
            "one tool is unknown",
            "parallel",
            vec!["weather"],
            vec![("parallel", arguments)],
        ),
        (
            "a tool of that name",
            "parallel",
            vec!["weather", "sights", "parallel"],
            vec![("parallel", arguments)],
        ),
    ] {
        let tools: Vec<Value> = tools.into_iter().map(tool).collect();
        let request = json!({"tools": tools});
        let mut answer = answer_to(Dialect::Chat, &request, &Options::default(), true);
        let call = |arguments: &str| json!({"type": "function_call", "call_id": "c1", "name": name, "arguments": arguments});
        let (first, second) = arguments.split_at(20);
        let words = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "and"}]});
        let sent = relay(
            &mut answer,
            &[
                response("created", json!({"id": "resp_1"})),
                added(0, call("")),
                event("function_call_arguments", 0, first),
                event("function_call_arguments", 0, second),
                item_done(0, call(arguments)),
                item_done(1, words),
                response("completed", json!({"id": "resp_1"})),
            ],
        );
        let seen = judge_chat(case, &sent);
        let calls: Vec<(&str, &str)> = seen
            .calls
            .iter()
            .map(|(name, arguments)| (name.as_str(), arguments.as_str()))
            .collect();
        assert_eq!(calls, expected, "{case}");
        assert_eq!(seen.text, "and", "{case}");
        // Results come back by these.
        let sent = String::from_utf8_lossy(&sent);
        let second = sent.contains("\"id\":\"c1_1\"");
        assert_eq!(second, expected.len() == 2, "{case}: {sent}");
    }
}

/// T205: half of a surrogate pair in the client's text reaches another dialect as something every JSON reader takes.
#[test]
fn lone_surrogates_are_replaced_when_translating_t205() {
    for (raw, expected) in [
        (r"cut \ud83d", "cut \u{fffd}"),
        (r"\ude00 cut", "\u{fffd} cut"),
        (r"\ud83d\ude00", "\u{1f600}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\\ud83d", r"\ud83d"),
    ] {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{raw}"}}]}}"#);
        let body = Bytes::from(body);
        let head = peek(Dialect::Chat, &body).expect("a request");
        let prepared = prepare(
            Dialect::Chat,
            Target::Codex,
            &body,
            &head,
            &Options::default(),
        );
        let sent = prepared.expect("prepared").body.to_bytes();
        let read: Value =
            serde_json::from_slice(&sent).unwrap_or_else(|error| panic!("{raw}: {error}"));
        assert_eq!(read["input"][0]["content"][0]["text"], expected, "{raw}");
    }
}

/// T83, T143: every call of an answer that is not streamed, in order, and calls decide the reason; T161: padding and comments.
#[test]
fn whole_answers_keep_all_calls_t83_t143_t161() {
    let call = |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let chat = json!({"id": "c", "object": "chat.completion", "created": 7, "model": "up", "x_new": {"a": 1},
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": null, "tool_calls": [call("1", "a"), call("2", "b")]}}]});
    let mut answer = answer_to(
        Dialect::Responses,
        &json!({"stream": false}),
        &Options::default(),
        false,
    );
    let padded = Bytes::from(format!("\n  {chat}   \n"));
    let whole = answer.answer_json(&padded).expect("an answer");
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");
    let names: Vec<_> = whole["output"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| item["name"].clone())
        .collect();
    assert_eq!(names, [json!("a"), json!("b")]);
    // T156, T137: what clients insist on, and nothing that is not so.
    assert_eq!(whole["store"], false);
    let items = json!([
        {"type": "function_call", "call_id": "1", "name": "a", "arguments": "{}"},
        {"type": "function_call", "call_id": "2", "name": "b", "arguments": "{}"},
    ]);
    let up = json!({"id": "resp_1", "object": "response", "status": "completed", "output": items,
        "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "input_tokens_details": null}});
    let mut answer = answer_to(
        Dialect::Chat,
        &json!({"stream": false}),
        &Options::default(),
        false,
    );
    let whole = answer
        .answer_json(&Bytes::from(up.to_string()))
        .expect("an answer");
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(
        choice["message"]["tool_calls"].as_array().map(Vec::len),
        Some(2)
    );
    let usage = &whole["usage"];
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 0);
}

/// T113: no empty summary where the upstream gave none; T30: texts carry their lists, empty as they are.
#[test]
fn responses_items_are_whole_and_none_is_invented_t30_t113_t156() {
    let mut answer = answer_to(
        Dialect::Responses,
        &json!({"reasoning": {"summary": "auto"}}),
        &Options::default(),
        true,
    );
    let sent = relay(
        &mut answer,
        &[delta(json!({"content": "hi"})), last_chunk("stop"), done()],
    );
    let events = events(&sent);
    let of = |kind: &str| {
        let found = events.iter().find(|(_, event)| event["type"] == kind);
        found.map_or(Value::Null, |(_, event)| event.clone())
    };
    assert!(!events.iter().any(|(_, event)| {
        event["type"]
            .as_str()
            .is_some_and(|kind| kind.contains("reasoning"))
    }));
    assert_eq!(of("response.output_text.delta")["logprobs"], json!([]));
    assert_eq!(
        of("response.content_part.done")["part"]["annotations"],
        json!([])
    );
    let last = of("response.completed")["response"].clone();
    assert_eq!(last["output"].as_array().map(Vec::len), Some(1));
    assert_eq!(last["output"][0]["content"][0]["annotations"], json!([]));
}

/// T119: Chat takes four stop strings and Gemini five. Those go to the account, and the answer is cut here at the others.
#[test]
fn t119_more_stop_strings_than_the_account_takes() {
    let words = ["s1", "", "s2", "s3", "s4", "s5", "s6"];
    let chat = [
        delta(json!({"content": "a s"})),
        delta(json!({"content": "6 b"})),
        last_chunk("stop"),
        done(),
    ];
    let piece = |text: &str| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
    let mut end = piece("6 b");
    end["candidates"][0]["finishReason"] = json!("STOP");
    let gemini = [piece("a s"), end];
    for (to, taken, place, upstream) in [
        (Target::Chat, 4, "/stop", &chat[..]),
        (
            Target::Gemini,
            5,
            "/generationConfig/stopSequences",
            &gemini[..],
        ),
    ] {
        for (count, cut) in [(words.len(), true), (taken + 1, false)] {
            let mut body = request_of(Dialect::Messages);
            body["stop_sequences"] = json!(words[..count]);
            let bytes = Bytes::from(body.to_string());
            let head = peek(Dialect::Messages, &bytes).expect("a request");
            let prepared = prepare(Dialect::Messages, to, &bytes, &head, &Options::default())
                .expect("it can be said");
            let sent: Value = serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON");
            let told: Vec<_> = words.iter().filter(|word| !word.is_empty()).collect();
            assert_eq!(sent.pointer(place), Some(&json!(told[..taken])), "{to:?}");
            let lost = prepared.losses.iter().any(|loss| loss.field == "stop");
            assert_eq!(lost, cut, "{to:?}");
            let mut answer = answer_with(Dialect::Messages, to, &body, &Options::default(), true);
            let said = stage::judged("T119", Dialect::Messages, &relay(&mut answer, upstream));
            let wanted = if cut { "a " } else { "a s6 b" };
            assert_eq!(
                (said.text.as_str(), said.end.as_str()),
                (wanted, "stop"),
                "{to:?}"
            );
        }
    }
}

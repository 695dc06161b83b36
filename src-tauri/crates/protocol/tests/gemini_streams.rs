//! Answers from and to the Gemini dialect: one row per trap, judged as the client libraries would.

mod judge;
mod stage;

use bytes::Bytes;
use judge::{events, judge_chat, judge_gemini, judge_messages, judge_responses};
use proptest::prelude::*;
use protocol::{
    Answer, Dialect, End, Failure, GatewayError, Options, Out, Target, Terminal, peek, prepare,
};
use serde_json::{Value, json};
use stage::{answer_in, answer_to, delta, frames, last_chunk, relay};

const GEMINI: Dialect = Dialect::Gemini;

fn parts(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "modelVersion": "sent", "responseId": "r"})
}

fn finished(reason: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": reason, "index": 0}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 5}})
}

fn thought(text: &str, seal: &str) -> Vec<Value> {
    vec![
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": seal}}),
        json!({"type": "content_block_stop", "index": 0}),
    ]
}

/// The parts of a Gemini stream, one behind the other.
fn told(sent: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    for (_, piece) in events(sent) {
        let list = piece["candidates"][0]["content"]["parts"].as_array();
        all.extend(list.into_iter().flatten().cloned());
    }
    all
}

#[test]
fn pieces_of_a_gemini_account_for_chat_clients() {
    let call = |name: &str| json!({"functionCall": {"name": name, "args": {"a": 1}}});
    for (trap, upstream, check) in [
        (
            "T141: STOP with calls, told in a later piece",
            vec![parts(json!([call("f")])), finished("STOP")],
            "tool_calls",
        ),
        (
            "T144: a finish reason in every piece, and more to come",
            vec![
                finished("STOP"),
                parts(json!([{"text": "b"}])),
                finished("STOP"),
            ],
            "stop",
        ),
        (
            "C1: cut at the limit",
            vec![parts(json!([{"text": "a"}])), finished("MAX_TOKENS")],
            "length",
        ),
        (
            "C1: filtered",
            vec![parts(json!([{"text": "a"}])), finished("RECITATION")],
            "content_filter",
        ),
        (
            "C1: a prompt that was refused",
            vec![
                json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 3}}),
            ],
            "content_filter",
        ),
        (
            "T118: thoughts ate the budget",
            vec![finished("MAX_TOKENS")],
            "length",
        ),
        (
            "T145: a broken call is no clean stop",
            vec![
                parts(json!([{"text": "a"}])),
                finished("MALFORMED_FUNCTION_CALL"),
            ],
            "error",
        ),
        (
            "T145: nor when nothing else came",
            vec![finished("MALFORMED_FUNCTION_CALL")],
            "error",
        ),
        (
            "T147: new words are an end",
            vec![parts(json!([{"text": "a"}])), finished("SOMETHING_NEW")],
            "stop",
        ),
        (
            "T181: no word of its own is a cut",
            vec![parts(json!([{"text": "a"}]))],
            "error",
        ),
        (
            "T33: no parts, no content",
            vec![
                json!({"candidates": [{"content": {}}]}),
                json!({}),
                finished("STOP"),
            ],
            "stop",
        ),
    ] {
        let mut answer = answer_to(Dialect::Chat, Target::Gemini, true);
        let sent = relay(&mut answer, &upstream, End::Clean);
        assert_eq!(judge_chat(trap, &sent).end, check, "{trap}");
    }
    let mut answer = answer_to(Dialect::Chat, Target::Gemini, true);
    let upstream = [
        parts(json!([{"text": "hm", "thought": true}, {"text": "a"}])),
        parts(json!([{"functionCall": {"name": "f"}, "thoughtSignature": "c2ln"}, call("f")])),
        finished("STOP"),
    ];
    let sent = relay(&mut answer, &upstream, End::Clean);
    let said = judge_chat("T33, T70, T108, T149", &sent);
    assert_eq!((said.text.as_str(), said.reasoning.as_str()), ("a", "hm"));
    assert_eq!(
        said.calls,
        [
            ("f".to_owned(), "{}".to_owned()),
            ("f".to_owned(), r#"{"a":1}"#.to_owned())
        ]
    );
    assert_eq!(said.usage, Some([3, 7, 0, 5]), "T149");
    let text = String::from_utf8_lossy(&sent);
    assert!(
        text.contains(r#""id":"call_r1_1""#) && text.contains(r#""id":"call_r1_2""#),
        "T70: {text}"
    );
    assert_eq!(
        text.matches(r#""extra_content":{"google":{"thought_signature":"c2ln"}}"#)
            .count(),
        1,
        "T108"
    );
    // The same in one body.
    let mut folding = answer_to(Dialect::Chat, Target::Gemini, false);
    relay(&mut folding, &upstream, End::Clean);
    let json: Value =
        serde_json::from_slice(&folding.into_json().expect("an answer")).expect("JSON");
    let calls = &json["choices"][0]["message"]["tool_calls"];
    assert_eq!(
        calls[0]["extra_content"]["google"]["thought_signature"],
        "c2ln"
    );
    assert!(calls[1].get("extra_content").is_none());
    // Pictures come in words (T34).
    let picture = [
        parts(json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}])),
        finished("STOP"),
    ];
    let sent = relay(
        &mut answer_to(Dialect::Chat, Target::Gemini, true),
        &picture,
        End::Clean,
    );
    assert_eq!(
        judge_chat("T34", &sent).text,
        "![image](data:image/png;base64,AAAA)"
    );
}

/// The proof of a call stands before it and is kept; Claude Code reads the last block as its answer.
#[test]
fn the_last_block_for_a_messages_client_is_never_a_bare_proof_t109() {
    let call = json!([{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]);
    let upstream = [parts(json!([{"text": "a"}])), parts(call), finished("STOP")];
    let sent = relay(
        &mut answer_to(Dialect::Messages, Target::Gemini, true),
        &upstream,
        End::Clean,
    );
    assert!(String::from_utf8_lossy(&sent).contains("switchyard.1.gemini.c2ln"));
    let body = json!({"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "", "thoughtSignature": "c2ln"}]}, "finishReason": "STOP"}]});
    let json = answer_to(Dialect::Messages, Target::Gemini, false)
        .answer_json(&Bytes::from(body.to_string()))
        .expect("an answer");
    let answer: Value = serde_json::from_slice(&json).expect("json");
    assert_eq!(answer["content"], json!([{"type": "text", "text": "a"}]));
}

#[test]
fn proofs_are_kept_by_clients_of_every_dialect_t93_t109() {
    // Beside words, and beside none at all.
    for last in [
        json!([{"text": "a", "thoughtSignature": "c2ln"}]),
        json!([{"text": "", "thoughtSignature": "c2ln"}]),
    ] {
        let upstream = [parts(json!([{"text": "a"}])), parts(last), finished("STOP")];
        let sent = relay(
            &mut answer_to(Dialect::Messages, Target::Gemini, true),
            &upstream,
            End::Clean,
        );
        judge_messages("T109", &sent);
        // A client that takes the last block for the answer would read nothing; the proof of words is not asked for again.
        let text = String::from_utf8_lossy(&sent);
        assert!(!text.contains("thinking"), "{text}");
        let sent = relay(
            &mut answer_to(Dialect::Responses, Target::Gemini, true),
            &upstream,
            End::Clean,
        );
        judge_responses("T109", &sent);
        assert!(String::from_utf8_lossy(&sent).contains("switchyard.1.gemini.c2ln"));
    }
}

#[test]
fn other_accounts_for_gemini_clients() {
    let call = |n: usize, arguments: &str| {
        delta(
            json!({"tool_calls": [{"index": n, "id": format!("c{n}"), "function": {"name": "f", "arguments": arguments}}]}),
        )
    };
    let sent = relay(
        &mut answer_to(GEMINI, Target::Chat, true),
        &[
            delta(json!({"reasoning_content": "hm"})),
            delta(json!({"content": "a"})),
            call(0, "{\"x\":"),
            call(0, "1}"),
            call(1, ""),
            last_chunk("tool_calls"),
            json!("[DONE]"),
        ],
        End::Clean,
    );
    let said = judge_gemini("T76, T77, T82", &sent);
    assert_eq!((said.text.as_str(), said.reasoning.as_str()), ("a", "hm"));
    assert_eq!(
        said.calls,
        [
            ("f".to_owned(), r#"{"x":1}"#.to_owned()),
            ("f".to_owned(), "{}".to_owned())
        ]
    );
    let parts_told = told(&sent);
    assert_eq!(
        parts_told[2]["functionCall"]["id"], "c0",
        "the id comes back with the result"
    );
    // T106: the thoughts of servers that want them back wait beside what followed them.
    assert!(parts_told[1].get("thoughtSignature").is_none());
    assert!(parts_told[2]["thoughtSignature"].is_string());
    assert!(
        events(&sent)
            .iter()
            .all(|(_, piece)| piece["modelVersion"] == "asked"),
        "T204"
    );

    // T79: arguments cut at the limit are not made into something that would run.
    let cut = [call(0, "{\"x\":"), last_chunk("length"), json!("[DONE]")];
    let sent = relay(&mut answer_to(GEMINI, Target::Chat, true), &cut, End::Clean);
    assert_eq!(judge_gemini("T79", &sent).end, "length");
    assert_eq!(
        told(&sent)[0]["functionCall"]["args"],
        json!({"INVALID_JSON": "{\"x\":"})
    );

    // T89: what a provider proved comes back whole from a client that keeps nothing but the field.
    let mut upstream = vec![
        json!({"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 1, "output_tokens": 1}}}),
    ];
    upstream.extend(thought("deep \"??>>\"", "sig+/="));
    upstream.extend([
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop"}),
    ]);
    let sent = relay(
        &mut answer_to(GEMINI, Target::Messages, true),
        &upstream,
        End::Clean,
    );
    judge_gemini("T89", &sent);
    let mut kept = told(&sent)
        .into_iter()
        .find(|part| part.get("functionCall").is_some())
        .expect("a call");
    // One library writes the other alphabet, and the id is dropped.
    let seal = kept["thoughtSignature"]
        .as_str()
        .expect("a proof")
        .replace('+', "-")
        .replace('/', "_");
    kept["thoughtSignature"] = seal.into();
    let again = json!({"contents": [{"parts": [{"text": "q"}]}, {"role": "model", "parts": [kept]}, {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "r"}}}]}]});
    let body = Bytes::from(again.to_string());
    let head = peek(GEMINI, &body).expect("a request");
    let prepared =
        prepare(GEMINI, Target::Messages, &body, &head, &Options::default()).expect("prepared");
    let got: Value = serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON");
    assert_eq!(
        got["messages"][1]["content"][0],
        json!({"type": "thinking", "thinking": "deep \"??>>\"", "signature": "sig+/="})
    );
}

#[test]
fn thoughts_are_shown_to_who_asks_t111() {
    let body = Bytes::from_static(br#"{"contents":[{"parts":[{"text":"hi"}]}]}"#);
    let head = peek(GEMINI, &body).expect("a request");
    let prepared =
        prepare(GEMINI, Target::Chat, &body, &head, &Options::default()).expect("prepared");
    let mut answer = Answer::new(GEMINI, Target::Chat, prepared.state, true);
    let upstream = [
        delta(json!({"reasoning_content": "hm"})),
        delta(json!({"content": "a"})),
        last_chunk("stop"),
        json!("[DONE]"),
    ];
    let sent = relay(&mut answer, &upstream, End::Clean);
    assert!(told(&sent).iter().all(|part| part.get("thought").is_none()));
    assert_eq!(told(&sent)[0]["text"], "a");
}

#[test]
fn an_array_is_whole_whatever_happens_t203() {
    let chat = [
        delta(json!({"content": "a\"b"})),
        delta(json!({"content": "c"})),
        last_chunk("stop"),
        json!("[DONE]"),
    ];
    let own = [
        parts(json!([{"text": "a\"b"}])),
        parts(json!([{"text": "c"}])),
        finished("STOP"),
    ];
    for (to, upstream) in [
        (Target::Chat, chat.to_vec()),
        (Target::Gemini, own.to_vec()),
    ] {
        let sent = relay(
            &mut answer_in(GEMINI, to, true, true),
            &upstream,
            End::Clean,
        );
        let pieces: Vec<Value> = serde_json::from_slice(&sent).expect("an array");
        let text: String = pieces
            .iter()
            .filter_map(|piece| piece["candidates"][0]["content"]["parts"][0]["text"].as_str())
            .collect();
        assert_eq!(text, "a\"bc", "{to:?}");
        assert_eq!(
            pieces.last().expect("a piece")["candidates"][0]["finishReason"],
            "STOP"
        );
        assert!(
            pieces.iter().all(|piece| piece["modelVersion"] != "sent"),
            "T204"
        );
        // Cut at every byte: always an array, and never a success.
        let whole = frames(&upstream[..2]);
        for cut in 0..whole.len() {
            let mut answer = answer_in(GEMINI, to, true, true);
            let mut out = Out::new();
            answer.push(&whole.slice(..cut), &mut out);
            answer.finish(
                &mut out,
                End::Cut {
                    message: "broken".to_owned(),
                },
            );
            let sent = out.take().expect("an error");
            let pieces: Vec<Value> = serde_json::from_slice(&sent).expect("an array");
            assert_eq!(
                pieces.last().expect("a piece")["error"]["status"],
                "INTERNAL",
                "{to:?} {cut}"
            );
            assert_eq!(answer.observed().terminal, Some(Terminal::Failed));
        }
    }
}

#[test]
fn our_own_error_and_the_sign_of_life_t163_t182() {
    let error = GatewayError {
        status: 504,
        code: "upstream_timeout".into(),
        message: "gone".to_owned(),
    };
    for (to, begun) in [
        (Target::Chat, delta(json!({"content": "a"}))),
        (Target::Gemini, parts(json!([{"text": "a"}]))),
    ] {
        for array in [false, true] {
            let mut answer = answer_in(GEMINI, to, true, array);
            let mut out = Out::new();
            answer.push(&frames(std::slice::from_ref(&begun)), &mut out);
            let mut sent = out.take().expect("a frame").to_vec();
            // T162: neither a comment nor an event of another name.
            sent.extend_from_slice(answer.keepalive().expect("open"));
            sent.extend_from_slice(&answer.in_band_error(&error));
            assert!(answer.in_band_error(&error).is_empty() && answer.keepalive().is_none());
            answer.finish(&mut out, End::Clean);
            assert!(out.take().is_none());
            if array {
                let pieces: Vec<Value> = serde_json::from_slice(&sent).expect("an array");
                assert_eq!(pieces[1]["error"]["message"], "gone");
            } else {
                let text = String::from_utf8_lossy(&sent);
                assert!(
                    text.ends_with("\n\n") && !text.contains("event:") && !text.contains("\n:")
                );
                assert_eq!(events(&sent)[1].1["error"]["message"], "gone");
            }
        }
    }
}

#[test]
fn whole_bodies_and_failures_t184_t185() {
    let error = Bytes::from_static(
        br#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#,
    );
    for client in [Dialect::Chat, Dialect::Responses, Dialect::Messages, GEMINI] {
        let refused = answer_to(client, Target::Gemini, false).answer_json(&error);
        assert!(
            matches!(refused, Err(Failure::Upstream { status: 503, .. })),
            "{client:?}"
        );
        let broken = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]});
        let body = Bytes::from(broken.to_string());
        if client != GEMINI {
            let refused = answer_to(client, Target::Gemini, false).answer_json(&body);
            assert!(
                matches!(refused, Err(Failure::Upstream { status: 502, .. })),
                "{client:?}: T145"
            );
        }
    }
    let whole = Bytes::from(json!({"candidates": [{"content": {"parts": [{"text": "a"}]}, "finishReason": "STOP"}], "modelVersion": "sent"}).to_string());
    let mut out = Out::new();
    answer_in(GEMINI, Target::Gemini, true, true)
        .stream_json(&whole, &mut out)
        .expect("a stream");
    let pieces: Vec<Value> = serde_json::from_slice(&out.take().expect("bytes")).expect("an array");
    assert_eq!(
        pieces[0]["candidates"][0]["content"]["parts"][0]["text"],
        "a"
    );
    let json = answer_to(GEMINI, Target::Gemini, false)
        .answer_json(&whole)
        .expect("an answer");
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["modelVersion"], "asked", "T204");
}

proptest! {
    /// Damaged events: the client still sees whole frames and one terminal, whoever speaks Gemini.
    #[test]
    fn damaged_events_are_survived(cut in 0usize..900, swap in any::<u8>(), at in 0usize..900, pair in 0usize..6) {
        let own = vec![
            parts(json!([{"text": "t", "thought": true}, {"text": "h\"i"}])), parts(json!([{"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"}])), finished("STOP"),
        ];
        let chat = vec![delta(json!({"reasoning_content": "h"})), delta(json!({"content": "h\"i"})), last_chunk("stop"), json!("[DONE]")];
        let (client, to, upstream, array) = match pair {
            0 | 1 => (GEMINI, Target::Chat, chat, pair == 1),
            2 => (GEMINI, Target::Gemini, own, true),
            other => ([Dialect::Chat, Dialect::Responses, Dialect::Messages][other - 3], Target::Gemini, own, false),
        };
        let mut bytes = frames(&upstream).to_vec();
        let len = bytes.len();
        bytes[at % len] = swap;
        let cut = cut % len;
        let doubled = [&bytes[..cut], &bytes[cut / 2..]].concat();
        let mut answer = answer_in(client, to, true, array);
        let mut out = Out::new();
        answer.push(&Bytes::from(doubled), &mut out);
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        let text = String::from_utf8_lossy(&sent);
        prop_assert!(answer.observed().terminal.is_some());
        if to.dialect() == client {
            // What passes through is the upstream's own, damage included.
            return Ok(());
        }
        let terminals = match client {
            Dialect::Chat => text.matches("data: [DONE]").count() + text.matches("data: {\"error\"").count(),
            Dialect::Messages => text.matches("event: message_stop\n").count() + text.matches("event: error\n").count(),
            Dialect::Responses => ["completed", "incomplete", "failed"].iter().map(|kind| text.matches(&format!("event: response.{kind}\n")).count()).sum(),
            Dialect::Gemini => text.matches("\"finishReason\"").count() + text.matches("{\"error\":{\"code\"").count(),
        };
        prop_assert_eq!(terminals, 1);
        if array {
            prop_assert!(serde_json::from_slice::<Vec<Value>>(&sent).is_ok(), "{}", text);
        } else {
            for (_, value) in events(&sent) {
                prop_assert!(value.is_object() || value == json!("[DONE]"), "half a frame: {}", value);
            }
        }
    }
}

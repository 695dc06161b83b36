//! Every recorded upstream answer through the hub, judged by what the client libraries demand and by what the recording itself says.

mod corpus;
mod judge;

use bytes::Bytes;
use corpus::{Recording, parsed, pieces};
use judge::{
    Said, judge_chat, judge_gemini, judge_messages, judge_responses, said_by_chat_recording,
    said_by_gemini_recording, said_by_messages_recording, said_by_responses_recording,
    said_json_chat, said_json_gemini, said_json_messages, said_json_responses,
};
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};
use serde_json::Value;

/// Upstream, client, and a client that speaks it.
const PAIRS: [(Dialect, Target, Dialect); 12] = [
    (Dialect::Responses, Target::Codex, Dialect::Chat),
    (Dialect::Chat, Target::Chat, Dialect::Responses),
    (Dialect::Chat, Target::Chat, Dialect::Messages),
    (Dialect::Responses, Target::Codex, Dialect::Messages),
    (Dialect::Messages, Target::Messages, Dialect::Chat),
    (Dialect::Messages, Target::Messages, Dialect::Responses),
    (Dialect::Chat, Target::Chat, Dialect::Gemini),
    (Dialect::Responses, Target::Codex, Dialect::Gemini),
    (Dialect::Messages, Target::Messages, Dialect::Gemini),
    (Dialect::Gemini, Target::Gemini, Dialect::Chat),
    (Dialect::Gemini, Target::Gemini, Dialect::Responses),
    (Dialect::Gemini, Target::Gemini, Dialect::Messages),
];

fn answer(client: Dialect, to: Target, streams: bool) -> Answer {
    let body = match client {
        Dialect::Chat => {
            r#"{"model":"asked","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#
        }
        Dialect::Responses => r#"{"model":"asked","stream":true,"input":"hi"}"#,
        Dialect::Messages => {
            r#"{"model":"asked","stream":true,"max_tokens":99,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"hi"}]}"#
        }
        Dialect::Gemini => {
            r#"{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}"#
        }
    };
    let body = Bytes::from_static(body.as_bytes());
    let mut head = peek(client, &body).expect("a request");
    head.model = Some("asked".to_owned());
    let options = Options {
        request_id: "r1",
        created: 1_700_000_000,
        ..Options::default()
    };
    let prepared = prepare(client, to, &body, &head, &options).expect("prepared");
    Answer::new(client, to, prepared.state, streams)
}

fn relay(answer: &mut Answer, chunks: &[Bytes]) -> Vec<u8> {
    let mut sent = Vec::new();
    let mut out = Out::new();
    for chunk in chunks {
        answer.push(chunk, &mut out);
        sent.extend_from_slice(&out.take().unwrap_or_default());
    }
    answer.finish(&mut out, End::Clean);
    sent.extend_from_slice(&out.take().unwrap_or_default());
    sent
}

fn judged(client: Dialect, name: &str, stream: &[u8]) -> Said {
    match client {
        Dialect::Chat => judge_chat(name, stream),
        Dialect::Responses => judge_responses(name, stream),
        Dialect::Messages => judge_messages(name, stream),
        Dialect::Gemini => judge_gemini(name, stream),
    }
}

/// What a whole answer in that dialect says.
fn said_json(dialect: Dialect, answer: &Value) -> Said {
    match dialect {
        Dialect::Chat => said_json_chat(answer),
        Dialect::Responses => said_json_responses(answer),
        Dialect::Messages => said_json_messages(answer),
        Dialect::Gemini => said_json_gemini(answer),
    }
}

/// What of it the client's dialect can say: Messages and Gemini have no refusal beside the text, Messages no count of reasoning tokens.
fn sayable(client: Dialect, mut said: Said) -> Said {
    if matches!(client, Dialect::Messages | Dialect::Gemini) {
        let refusal = std::mem::take(&mut said.refusal);
        if !refusal.is_empty() && said.end == "stop" {
            // T32: then the end says so.
            "content_filter".clone_into(&mut said.end);
        }
        said.text += &refusal;
        for (_, input) in &mut said.calls {
            // T51: the raw input of a custom tool is the one member of an object.
            if !input.is_empty() && serde_json::from_str::<Value>(input).is_err() {
                *input = serde_json::json!({"input": input}).to_string();
            }
        }
    }
    if client == Dialect::Gemini
        && let Some([_, output, _, reasoning]) = &mut said.usage
    {
        // Some servers count thoughts beside the answer, which this dialect does always.
        *output = (*output).max(*reasoning);
    }
    if client == Dialect::Messages {
        // T150: counts are always told, zeros where there are none.
        let [input, output, cached, _] = said.usage.unwrap_or_default();
        said.usage = Some([input, output, cached, 0]);
    }
    said
}

/// What the recording says, as far as the client's dialect can say it.
fn recorded(upstream: Dialect, stream: &[u8]) -> Said {
    match upstream {
        Dialect::Chat => said_by_chat_recording(stream),
        Dialect::Responses => said_by_responses_recording(stream),
        Dialect::Messages => said_by_messages_recording(stream),
        Dialect::Gemini => said_by_gemini_recording(stream),
    }
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Both say the same. Reasoning paragraphs are joined differently per dialect, so white space does not count there.
fn same(name: &str, got: &Said, wanted: &Said) {
    assert_eq!(got.end, wanted.end, "{name}");
    if wanted.end == "error" {
        return;
    }
    assert_eq!(got.text, wanted.text, "{name}");
    assert_eq!(got.refusal, wanted.refusal, "{name}");
    assert_eq!(
        without_space(&got.reasoning),
        without_space(&wanted.reasoning),
        "{name}"
    );
    let calls = |said: &Said| -> Vec<_> {
        said.calls
            .iter()
            .map(|(called, input)| {
                (
                    called.clone(),
                    if input.is_empty() {
                        "{}".to_owned()
                    } else {
                        // Messages holds arguments as an object, so their white space is nobody's.
                        serde_json::from_str::<Value>(input)
                            .map_or_else(|_| input.clone(), |value| value.to_string())
                    },
                )
            })
            .collect()
    };
    assert_eq!(calls(got), calls(wanted), "{name}");
    assert_eq!(got.usage, wanted.usage, "{name}");
}

#[test]
fn translated_streams_say_what_the_recording_says() {
    let corpus = corpus::load();
    for (upstream, to, client) in PAIRS {
        let mut count = 0;
        for Recording { name, bytes, .. } in corpus.streams_of(upstream) {
            count += 1;
            let mut whole = answer(client, to, true);
            let sent = relay(&mut whole, &pieces(bytes, bytes.len().max(1)));
            let wanted = recorded(upstream, bytes);
            same(
                name,
                &judged(client, name, &sent),
                &sayable(client, wanted.clone()),
            );
            let seen = whole.observed();
            assert!(seen.terminal.is_some(), "{name}");
            if wanted.end != "error" {
                assert_eq!(
                    seen.usage.map(|usage| [
                        usage.input,
                        usage.output,
                        usage.cached,
                        usage.reasoning
                    ]),
                    wanted.usage,
                    "{name}"
                );
                assert!(seen.content_started, "{name}");
            }
            // T158: any split gives the same bytes.
            for size in [1, 7, 100, 1460] {
                let again = relay(&mut answer(client, to, true), &pieces(bytes, size));
                assert!(again == sent, "{name} in pieces of {size}");
            }
        }
        println!("{count} streams of {upstream:?} for {client:?}");
        assert!(count > 0);
    }
}

#[test]
fn folded_streams_are_the_answer_t184() {
    let corpus = corpus::load();
    for (upstream, to, client) in PAIRS {
        for Recording { name, bytes, .. } in corpus.streams_of(upstream) {
            let streamed = judged(
                client,
                name,
                &relay(&mut answer(client, to, true), &pieces(bytes, 1460)),
            );
            let mut folding = answer(client, to, false);
            assert!(
                relay(&mut folding, &pieces(bytes, 1460)).is_empty(),
                "{name}"
            );
            match folding.into_json() {
                Ok(json) => {
                    let json = parsed(&json);
                    let said = said_json(client, &json);
                    same(name, &said, &streamed);
                }
                Err(failure) => assert_eq!(streamed.end, "error", "{name}: {failure}"),
            }
        }
    }
}

#[test]
fn whole_answers_are_translated_and_streamed_t185() {
    let corpus = corpus::load();
    for (upstream, to, client) in PAIRS {
        let mut count = 0;
        for Recording {
            name,
            bytes,
            dialect,
        } in &corpus.answers
        {
            if *dialect != Some(upstream) || parsed(bytes)["object"] == "list" {
                continue;
            }
            count += 1;
            let body = Bytes::copy_from_slice(bytes);
            let wanted = said_json(upstream, &parsed(bytes));
            let json = match answer(client, to, false).answer_json(&body) {
                Ok(json) => parsed(&json),
                Err(failure) => {
                    assert!(
                        wanted.end == "error" || parsed(bytes).get("error").is_some(),
                        "{name}: {failure}"
                    );
                    continue;
                }
            };
            let wanted = sayable(client, wanted);
            same(name, &said_json(client, &json), &wanted);
            let model = if client == Dialect::Gemini {
                "modelVersion"
            } else {
                "model"
            };
            assert_eq!(json[model], "asked", "{name}: T204");
            let mut out = Out::new();
            answer(client, to, true)
                .stream_json(&body, &mut out)
                .expect(name);
            same(
                name,
                &judged(client, name, &out.take().unwrap_or_default()),
                &wanted,
            );
        }
        println!("{count} answers of {upstream:?} for {client:?}");
    }
}

#[test]
fn cut_streams_end_with_exactly_one_error_t181_t182() {
    let corpus = corpus::load();
    for (upstream, to, client) in PAIRS {
        for Recording { name, bytes, .. } in corpus.streams_of(upstream) {
            for part in 1..8 {
                let cut = &bytes[..bytes.len() * part / 8];
                let mut answer = answer(client, to, true);
                let mut sent = relay(&mut answer, &pieces(cut, 700));
                if client == Dialect::Responses && sent.starts_with(b"event: error") {
                    // Nothing had come: there is no answer to have a beginning.
                    continue;
                }
                judged(client, name, &sent);
                let mut out = Out::new();
                answer.push(&Bytes::from_static(b"data: {}\n\n"), &mut out);
                sent.clear();
                assert!(out.take().is_none(), "{name}: nothing after the end");
            }
        }
    }
}

/// The beginning of a stream that is cut inside the arguments of a call, for accounts of every dialect.
const CUT_CALLS: [(Target, &str); 4] = [
    (
        Target::Chat,
        r#"data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"wipe","arguments":""}}]}}]}

data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}}]}

"#,
    ),
    (
        Target::Responses,
        r#"data: {"type":"response.created","response":{"id":"r","model":"m","output":[]}}

data: {"type":"response.output_item.added","output_index":0,"item":{"id":"fc_1","type":"function_call","call_id":"call_1","name":"wipe","arguments":""}}

data: {"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\":1}"}

"#,
    ),
    (
        Target::Messages,
        r#"data: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"wipe","input":{}}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\":1}"}}

"#,
    ),
    (
        Target::Gemini,
        r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":"a"},{"functionCall":{"name":"wipe","args":{"a":1

"#,
    ),
];

#[test]
fn what_was_cut_inside_a_call_is_never_told_as_a_whole_call_t79_t181() {
    let failed = [
        "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n",
        "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"overloaded\"}}\n\n",
        "",
    ];
    for (to, stream) in CUT_CALLS {
        for client in [
            Dialect::Chat,
            Dialect::Responses,
            Dialect::Messages,
            Dialect::Gemini,
        ] {
            if client == to.dialect() {
                continue;
            }
            // Before and behind the arguments, by an error and by the end of the body.
            let events: Vec<&str> = stream.split_inclusive("\n\n").collect();
            for told in 1..=events.len() {
                for failure in failed {
                    let cut = events[..told].concat() + failure;
                    let name = format!("{to:?} for {client:?} after {told}: {failure}");
                    let mut whole = answer(client, to, true);
                    let sent = relay(&mut whole, &pieces(cut.as_bytes(), 700));
                    let text = std::str::from_utf8(&sent).expect("UTF-8");
                    // The marks by which each dialect's clients know that a call may be run.
                    for mark in [
                        "arguments.done",
                        "output_item.done",
                        "content_block_stop",
                        "functionCall",
                        "\"finish_reason\":\"",
                        "\"arguments\":\"{}\"",
                    ] {
                        assert!(!text.contains(mark), "{name}: {text}");
                    }
                    assert!(text.contains("error"), "{name}: {text}");
                    let mut folded = answer(client, to, false);
                    relay(&mut folded, &pieces(cut.as_bytes(), 700));
                    assert!(folded.into_json().is_err(), "{name}");
                }
            }
        }
    }
}

#[test]
fn a_call_that_lost_a_piece_fails_and_words_that_did_go_on() {
    for (to, stream) in CUT_CALLS {
        if to == Target::Gemini {
            continue;
        }
        for client in [Dialect::Chat, Dialect::Messages, Dialect::Gemini] {
            if client == to.dialect() {
                continue;
            }
            // The last event lost its end.
            let (whole, last) = stream.trim_end().rsplit_once("\n\n").expect("events");
            let damaged = format!("{whole}\n\n{}\n\n", &last[..last.len() - 2]);
            let mut inside = answer(client, to, false);
            relay(&mut inside, &pieces(damaged.as_bytes(), 700));
            assert!(matches!(
                inside.into_json(),
                Err(protocol::Failure::Upstream { .. })
            ));
            let alive = format!("{whole}\n\ndata: still here\n\n{last}\n\n");
            let mut inside = answer(client, to, true);
            let sent = relay(&mut inside, &pieces(alive.as_bytes(), 700));
            let text = std::str::from_utf8(&sent).expect("UTF-8");
            assert!(!text.contains("cannot be read"), "{text}");
        }
    }
}

//! The terminal event's empty `output` on its way through (T173, F76): what fills it, and what stays as it came.

use crate::{Answer, Dialect, End, Options, Out, Target, peek, prepare};
use bytes::Bytes;

const DELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"model\":\"sent\",\"output\":[]}}\n\n";

/// A finished item as the upstream spells it; the odd spelling shows that nothing is written anew.
fn item(index: u32, id: &str) -> String {
    format!(
        "event: response.output_item.done\ndata: {{\"type\":\"response.output_item.done\",\"output_index\":{index},\"item\":{}}}\n\n",
        raw(id)
    )
}

fn raw(id: &str) -> String {
    format!("{{\"id\":\"{id}\", \"n\":1.50,\"t\":\"\\u00e9\"}}")
}

fn end(kind: &str, response: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"response\":{response}}}\n\n")
}

fn options(codex_client: bool, model: Option<&str>) -> Options<'_> {
    Options {
        codex_client,
        model,
        ..Options::default()
    }
}

/// What a streaming Responses client gets of `stream`, cut into pieces of `size`.
fn relayed(to: Target, options: &Options<'_>, stream: &str, size: usize) -> String {
    let body = Bytes::from_static(br#"{"model":"asked","stream":true,"input":[]}"#);
    let head = peek(Dialect::Responses, &body).expect("a request");
    let prepared = prepare(Dialect::Responses, to, &body, &head, options).expect("prepared");
    let mut answer = Answer::new(Dialect::Responses, to, prepared.state, true);
    let (mut out, mut sent) = (Out::new(), Vec::new());
    for chunk in stream.as_bytes().chunks(size.max(1)) {
        answer.push(&Bytes::copy_from_slice(chunk), &mut out);
        sent.extend_from_slice(&out.take().unwrap_or_default());
    }
    answer.finish(&mut out, End::Clean);
    sent.extend_from_slice(&out.take().unwrap_or_default());
    String::from_utf8(sent).expect("UTF-8")
}

/// In any pieces and from both kinds of upstream, a client that is not Codex gets `expected`, and a Codex client `stream`.
fn check(stream: &str, expected: &str) {
    for to in [Target::Codex, Target::Responses] {
        for size in [stream.len(), 1, 2, 3, 7, 64, 1000] {
            let sent = relayed(to, &options(false, None), stream, size);
            assert_eq!(sent, expected, "{to:?} in pieces of {size}");
            let native = relayed(to, &options(true, None), stream, size);
            assert_eq!(native, stream, "{to:?}, Codex, in pieces of {size}");
        }
    }
}

#[test]
fn f76_t173_an_empty_output_is_filled_with_the_finished_items() {
    let (a, b, c) = (raw("a"), raw("b"), raw("c"));
    for kind in ["response.completed", "response.incomplete"] {
        for (items, response, filled) in [
            // T168: in the order of their index, whatever the order in which they came.
            (
                vec![item(0, "a"), item(1, "b")],
                r#"{"id":"r","output":[],"n":1.50}"#,
                format!(r#"{{"id":"r","output":[{a},{b}],"n":1.50}}"#),
            ),
            (
                vec![item(2, "c"), item(0, "a"), item(1, "b")],
                r#"{"output":[]}"#,
                format!(r#"{{"output":[{a},{b},{c}]}}"#),
            ),
            // The same item told again.
            (
                vec![item(0, "a"), item(0, "b")],
                r#"{"output":[]}"#,
                format!(r#"{{"output":[{b}]}}"#),
            ),
            // Only the brackets' inside changes.
            (
                vec![item(0, "a")],
                r#"{ "tools" : [], "output" : [ ] , "x":{"output":[]}}"#,
                format!(r#"{{ "tools" : [], "output" : [{a} ] , "x":{{"output":[]}}}}"#),
            ),
            // Duplicate keys read as their last value.
            (
                vec![item(0, "a")],
                r#"{"output":[1],"output":[]}"#,
                format!(r#"{{"output":[1],"output":[{a}]}}"#),
            ),
        ] {
            let before = format!("{CREATED}{DELTA}{}{DELTA}", items.concat());
            check(
                &format!("{before}{}{DELTA}", end(kind, response)),
                &format!("{before}{}{DELTA}", end(kind, &filled)),
            );
        }
    }
}

#[test]
fn t173_everything_else_stays_as_it_came() {
    let item_a = item(0, "a");
    for (items, kind, response) in [
        // Nothing to fill with.
        ("", "response.completed", r#"{"output":[]}"#),
        (DELTA, "response.completed", r#"{"output":[]}"#),
        // Nothing to fill.
        (&item_a, "response.completed", r#"{"output":[{"id":"z"}]}"#),
        (&item_a, "response.completed", r#"{"output":[null]}"#),
        (&item_a, "response.completed", r#"{"output":null}"#),
        (&item_a, "response.completed", r#"{"output":"[]"}"#),
        (&item_a, "response.completed", r#"{"output":[{}],"x":1}"#),
        (&item_a, "response.completed", r#"{"output":[],"output":0}"#),
        (&item_a, "response.completed", r#"{"id":"r"}"#),
        (&item_a, "response.completed", "[]"),
        // Not the end, or a failed one.
        (&item_a, "response.in_progress", r#"{"output":[]}"#),
        (&item_a, "response.failed", r#"{"output":[]}"#),
        // Not readable.
        (&item_a, "response.completed", r#"{"output":[}"#),
        (&item_a, "response.completed", r#"{"output":[]"#),
    ] {
        let last = if kind == "response.in_progress" {
            end("response.completed", r#"{"output":[{"id":"z"}]}"#)
        } else {
            String::new()
        };
        let stream = format!("{CREATED}{items}{}{last}", end(kind, response));
        check(&stream, &stream);
    }
    // What is no item fills nothing.
    for junk in ["null", "[]", "7"] {
        let stream = format!(
            "data: {{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{junk}}}\n\n{}",
            end("response.completed", r#"{"output":[]}"#)
        );
        check(&stream, &stream);
    }
}

/// T159: every spelling of a frame keeps its own bytes.
#[test]
fn t159_t173_only_the_data_line_changes() {
    let (a, item_a) = (raw("a"), item(0, "a"));
    for (frame, filled) in [
        (
            "event: response.completed\nid: 7\ndata:{\"response\":{\"output\":[]}}\nretry: 5\n\n",
            "event: response.completed\nid: 7\ndata:{\"response\":{\"output\":[ITEMS]}}\nretry: 5\n\n",
        ),
        (
            ": {\"response\":{\"output\":[]}}\r\ndata: {\"response\":{\"output\":[]}}\r\nevent: response.completed\r\n\r\n",
            ": {\"response\":{\"output\":[]}}\r\ndata: {\"response\":{\"output\":[ITEMS]}}\r\nevent: response.completed\r\n\r\n",
        ),
        (
            "data: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\r\r",
            "data: {\"type\":\"response.completed\",\"response\":{\"output\":[ITEMS]}}\r\r",
        ),
        // Data over several lines.
        (
            "data: {\"type\":\"response.completed\",\ndata:\"response\":{\"output\":[\ndata: ]}}\n\n",
            "data: {\"type\":\"response.completed\",\ndata:\"response\":{\"output\":[ITEMS\ndata: ]}}\n\n",
        ),
        // Comments and empty events before it.
        (
            ": wait\n\nevent: x\ndata:\n\n\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n: bye\n\n",
            ": wait\n\nevent: x\ndata:\n\n\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[ITEMS]}}\n\n: bye\n\n",
        ),
    ] {
        check(
            &format!("{item_a}{frame}"),
            &format!("{item_a}{}", filled.replace("ITEMS", &a)),
        );
    }
    // An item over several lines needs as many.
    let lines = "data: {\"type\":\"response.output_item.done\",\"item\":{\"id\":\ndata: 1}}\n\n";
    let (stream, filled) = (
        end("response.completed", r#"{"output":[]}"#),
        end("response.completed", "{\"output\":[{\"id\":\ndata: 1}]}"),
    );
    check(&format!("{lines}{stream}"), &format!("{lines}{filled}"));
    // A last event without its blank line.
    let stream = format!("{item_a}{}", stream.trim_end());
    let filled = end("response.completed", &format!("{{\"output\":[{a}]}}"));
    for size in [stream.len(), 1, 50] {
        assert_eq!(
            relayed(Target::Codex, &options(false, None), &stream, size),
            format!("{item_a}{filled}")
        );
    }
}

#[test]
fn t173_a_long_last_frame_waits_and_other_long_frames_do_not() {
    let long = "x".repeat(150 << 10);
    let (a, item_a) = (raw("a"), item(0, "a"));
    let response = |output: &str| format!(r#"{{"instructions":"{long}","output":[{output}]}}"#);
    for spelling in ["{\"type\":\"response.completed\",", "{"] {
        let frame = |output: &str| {
            format!(
                "event: response.completed\ndata: {spelling}\"response\":{}}}\n\n",
                response(output)
            )
        };
        for size in [usize::MAX, 700, 5000, 70_000] {
            let stream = format!("{item_a}{}", frame(""));
            let sent = relayed(Target::Codex, &options(false, None), &stream, size);
            assert!(sent == format!("{item_a}{}", frame(&a)), "{size}");
            let native = relayed(Target::Codex, &options(true, None), &stream, size);
            assert!(native == stream, "{size}");
        }
    }
    // T164: an image leaves in parts, and is an item like any other.
    let image = format!(
        "data: {{\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{{\"result\":\"{long}\"}}}}\n\n"
    );
    let body = Bytes::from_static(br#"{"model":"m","stream":true,"input":[]}"#);
    let head = peek(Dialect::Responses, &body).expect("a request");
    let prepared = prepare(
        Dialect::Responses,
        Target::Codex,
        &body,
        &head,
        &options(false, None),
    );
    let state = prepared.expect("prepared").state;
    let mut answer = Answer::new(Dialect::Responses, Target::Codex, state, true);
    let mut out = Out::new();
    let (first, second) = image.split_at(100 << 10);
    for (part, expected) in [
        (item(1, "a"), item(1, "a")),
        (first.to_owned(), first.to_owned()),
        (second.to_owned(), second.to_owned()),
        (
            end("response.completed", r#"{"output":[]}"#),
            end(
                "response.completed",
                &format!(r#"{{"output":[{{"result":"{long}"}},{a}]}}"#),
            ),
        ),
    ] {
        answer.push(&Bytes::from(part), &mut out);
        assert!(out.take().unwrap_or_default() == expected);
    }
}

#[test]
fn t173_t204_the_asked_model_and_the_items_together() {
    let stream = |model: &str, output: &str| {
        format!(
            "{}{}{}",
            CREATED.replace("sent", model),
            item(0, "a"),
            end(
                "response.completed",
                &format!(r#"{{"output":[{output}],"model":"{model}"}}"#)
            )
        )
    };
    for size in [usize::MAX, 1, 64] {
        for (codex_client, output) in [(false, raw("a")), (true, String::new())] {
            let options = options(codex_client, Some("sent"));
            assert_eq!(
                relayed(Target::Codex, &options, &stream("sent", ""), size),
                stream("asked", &output)
            );
        }
    }
    // No model to change.
    let (before, after) = (
        end("response.completed", r#"{"output":[]}"#),
        end(
            "response.completed",
            &format!(r#"{{"output":[{}]}}"#, raw("a")),
        ),
    );
    assert_eq!(
        relayed(
            Target::Codex,
            &options(false, Some("sent")),
            &format!("{}{before}", item(0, "a")),
            9
        ),
        format!("{}{after}", item(0, "a"))
    );
}

#[test]
fn f87_frames_without_a_change_are_not_copied() {
    let body = Bytes::from_static(br#"{"model":"m","stream":true,"input":[]}"#);
    let head = peek(Dialect::Responses, &body).expect("a request");
    let prepared = prepare(
        Dialect::Responses,
        Target::Codex,
        &body,
        &head,
        &options(false, None),
    );
    let state = prepared.expect("prepared").state;
    let mut answer = Answer::new(Dialect::Responses, Target::Codex, state, true);
    let mut out = Out::new();
    for text in [CREATED.to_owned(), DELTA.to_owned(), item(0, "a")] {
        let chunk = Bytes::from(text);
        answer.push(&chunk, &mut out);
        assert_eq!(out.take().map(|frame| frame.as_ptr()), Some(chunk.as_ptr()));
    }
}

//! What translation costs: `cargo run --release -p protocol --example translate_cost`.
//!
//! Prints nanoseconds per request, per stream and per event, and the milliseconds of a 20 MiB body.
#![expect(
    clippy::print_stdout,
    reason = "an example that prints its measurements"
)]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::{fmt::Write, hint::black_box, time::Instant};

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};

fn main() {
    let chat = Bytes::from(chat_request(12, 400));
    let responses = Bytes::from(responses_request(12, 400));
    for (name, from, to, body) in [
        ("chat > codex", Dialect::Chat, Target::Codex, &chat),
        (
            "responses > chat",
            Dialect::Responses,
            Target::Chat,
            &responses,
        ),
    ] {
        let each = nanoseconds(2000, || request(from, to, body));
        println!("{name}: request of {} KiB: {each} ns", body.len() / 1024);
        let head = peek(from, body).unwrap_or_default();
        let each = nanoseconds(2000, || {
            black_box(prepare(from, to, body, &head, &Options::default()).is_ok());
        });
        println!("{name}: the same without peek: {each} ns");
    }
    for events in [20, 1000] {
        let upstream = Bytes::from(responses_stream(events));
        let each = nanoseconds(20_000 / events, || {
            stream(Dialect::Chat, Target::Codex, &upstream, 1)
        });
        println!(
            "codex > chat: stream of {events} events, one read: {each} ns, {} ns per event",
            each / events
        );
        let each = nanoseconds(20_000 / events, || {
            stream(Dialect::Chat, Target::Codex, &upstream, events)
        });
        println!(
            "codex > chat: the same, a read per event: {each} ns, {} ns per event",
            each / events
        );
        let upstream = Bytes::from(chat_stream(events));
        let each = nanoseconds(20_000 / events, || {
            stream(Dialect::Responses, Target::Chat, &upstream, 1)
        });
        println!(
            "chat > responses: stream of {events} events, one read: {each} ns, {} ns per event",
            each / events
        );
    }
    let mut image = chat_request(2, 100);
    let data = "A".repeat(20 << 20);
    image.truncate(image.len() - 2);
    let _ = write!(
        image,
        r#",{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]}}]}}"#
    );
    let mut text = chat_request(2, 100);
    text.truncate(text.len() - 2);
    let _ = write!(
        text,
        r#",{{"role":"user","content":"{}"}}]}}"#,
        "a line of text with \\\"quotes\\\"\\n".repeat(600_000)
    );
    for (name, body) in [
        ("one image", Bytes::from(image)),
        ("escaped text", Bytes::from(text)),
    ] {
        let each = nanoseconds(10, || request(Dialect::Chat, Target::Codex, &body));
        println!(
            "chat > codex: {} MiB of {name}: {} us with peek",
            body.len() >> 20,
            each / 1000
        );
        let head = peek(Dialect::Chat, &body).unwrap_or_default();
        let each = nanoseconds(10, || {
            black_box(
                prepare(
                    Dialect::Chat,
                    Target::Codex,
                    &body,
                    &head,
                    &Options::default(),
                )
                .is_ok(),
            );
        });
        println!("chat > codex: the same without peek: {} us", each / 1000);
        if let Ok(prepared) = prepare(
            Dialect::Chat,
            Target::Codex,
            &body,
            &head,
            &Options::default(),
        ) {
            let range = body.as_ptr_range();
            let copied: usize = prepared
                .body
                .segments()
                .iter()
                .filter(|piece| !range.contains(&piece.as_ptr()))
                .map(Bytes::len)
                .sum();
            println!("chat > codex: {copied} bytes of it copied");
        }
    }
}

fn nanoseconds(times: usize, mut work: impl FnMut()) -> usize {
    work();
    let start = Instant::now();
    for _ in 0..times {
        work();
    }
    usize::try_from(start.elapsed().as_nanos()).unwrap_or(0) / times
}

fn request(from: Dialect, to: Target, body: &Bytes) {
    if let Ok(head) = peek(from, body) {
        black_box(prepare(from, to, body, &head, &Options::default()).is_ok());
    }
}

fn stream(client: Dialect, to: Target, upstream: &Bytes, reads: usize) {
    let body = match client {
        Dialect::Chat => Bytes::from_static(
            br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
        Dialect::Responses => Bytes::from_static(br#"{"model":"m","stream":true,"input":"hi"}"#),
        Dialect::Gemini => Bytes::from_static(br#"{"contents":[{"parts":[{"text":"hi"}]}]}"#),
        Dialect::Messages => Bytes::from_static(
            br#"{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#,
        ),
    };
    let Ok(head) = peek(client, &body) else {
        return;
    };
    let options = Options {
        request_id: "r1",
        ..Options::default()
    };
    let Ok(prepared) = prepare(client, to, &body, &head, &options) else {
        return;
    };
    let mut answer = Answer::new(client, to, prepared.state, true);
    let mut out = Out::new();
    let size = upstream.len().div_ceil(reads);
    for at in (0..upstream.len()).step_by(size) {
        answer.push(&upstream.slice(at..upstream.len().min(at + size)), &mut out);
        black_box(out.take());
    }
    answer.finish(&mut out, End::Clean);
    black_box(out.take());
}

fn chat_request(turns: usize, words: usize) -> String {
    let mut body = String::from(r#"{"model":"m","stream":true,"tools":["#);
    for n in 0..10 {
        let _ = write!(
            body,
            r#"{}{{"type":"function","function":{{"name":"tool_{n}","description":"does things","parameters":{{"type":"object","properties":{{"a":{{"type":"string"}},"b":{{"type":"array","items":{{"type":"string"}}}}}},"required":["a"]}}}}}}"#,
            if n > 0 { "," } else { "" }
        );
    }
    body.push_str(r#"],"messages":[{"role":"system","content":"You help."}"#);
    for n in 0..turns {
        let _ = write!(
            body,
            r#",{{"role":"user","content":"{}"}},{{"role":"assistant","content":"yes","tool_calls":[{{"id":"call_{n}","type":"function","function":{{"name":"tool_1","arguments":"{{\"a\":1}}"}}}}]}},{{"role":"tool","tool_call_id":"call_{n}","content":"done"}}"#,
            "word ".repeat(words)
        );
    }
    body.push_str("]}");
    body
}

fn responses_request(turns: usize, words: usize) -> String {
    let mut body = String::from(r#"{"model":"m","stream":true,"tools":["#);
    for n in 0..10 {
        let _ = write!(
            body,
            r#"{}{{"type":"function","name":"tool_{n}","description":"does things","strict":false,"parameters":{{"type":"object","properties":{{"a":{{"type":"string"}}}},"required":["a"]}}}}"#,
            if n > 0 { "," } else { "" }
        );
    }
    body.push_str(r#"],"input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"You help."}]}"#);
    for n in 0..turns {
        let _ = write!(
            body,
            r#",{{"type":"message","role":"user","content":[{{"type":"input_text","text":"{}"}}]}},{{"type":"function_call","call_id":"call_{n}","name":"tool_1","arguments":"{{\"a\":1}}"}},{{"type":"function_call_output","call_id":"call_{n}","output":"done"}}"#,
            "word ".repeat(words)
        );
    }
    body.push_str("]}");
    body
}

fn responses_stream(events: usize) -> String {
    let mut stream = String::new();
    let response = r#"{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}"#;
    let _ = write!(
        stream,
        "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{response}}}\n\n"
    );
    stream.push_str("event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[]}}\n\n");
    for n in 0..events.saturating_sub(4) {
        let _ = write!(
            stream,
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"sequence_number\":{n},\"item_id\":\"msg_0434d6d64b12b08900692f639dc53c819594ea97586113d73b\",\"output_index\":0,\"content_index\":0,\"delta\":\" word{n}\",\"logprobs\":[],\"obfuscation\":\"J4mkASepgs2g\"}}\n\n"
        );
    }
    stream.push_str("event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[]}}\n\n");
    stream.push_str("event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":2,\"total_tokens\":3}}}\n\n");
    stream
}

fn chat_stream(events: usize) -> String {
    let mut stream = String::new();
    for n in 0..events.saturating_sub(2) {
        let _ = write!(
            stream,
            "data: {{\"id\":\"chatcmpl-123456789\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"some-model\",\"system_fingerprint\":\"fp_1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word{n}\"}},\"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
        );
    }
    stream.push_str("data: {\"id\":\"chatcmpl-123456789\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"some-model\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    stream.push_str("data: [DONE]\n\n");
    stream
}

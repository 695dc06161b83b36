//! What the fast lane costs: nanoseconds per request and per relayed event. For tuning; nothing is asserted.
//!
//! `cargo run --release -p protocol --example relay_cost`

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Options, Out, Target, peek, prepare};

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement needs the real clock"
)]
fn timed(rounds: u32, mut work: impl FnMut()) -> Duration {
    for _ in 0..rounds / 10 {
        work();
    }
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        work();
    }
    start.elapsed() / rounds
}

#[expect(clippy::print_stdout, reason = "the example's purpose")]
fn show(name: &str, per: Duration, bytes: usize) {
    println!("{name:<58} {:>10} ns {bytes:>10} bytes", per.as_nanos());
}

fn request(dialect: Dialect, text: &str) -> Bytes {
    let (field, kind) = match dialect {
        Dialect::Chat => ("messages", "text"),
        Dialect::Responses => ("input", "input_text"),
        Dialect::Messages => ("messages", "text"),
        Dialect::Gemini => ("contents", "text"),
    };
    Bytes::from(format!(
        r#"{{"model":"model-a","{field}":[{{"role":"system","content":"be brief"}},{{"role":"user","content":[{{"type":"{kind}","text":"{text}"}}]}}],"temperature":0.5,"stream":true}}"#
    ))
}

fn main() {
    let lanes = [
        (Dialect::Chat, Target::Chat),
        (Dialect::Responses, Target::Responses),
        (Dialect::Responses, Target::Codex),
    ];
    for (dialect, target) in lanes {
        for (length, rounds) in [(500, 200_000), (100_000, 20_000), (20 << 20, 20)] {
            let body = request(dialect, &"x ".repeat(length / 2));
            let options = Options {
                model: Some("model-b"),
                ..Options::default()
            };
            let per = timed(rounds, || {
                let head = peek(dialect, &body).expect("a request");
                black_box(prepare(dialect, target, &body, &head, &options).expect("prepared"));
            });
            show(
                &format!("{dialect:?} > {target:?}, request"),
                per,
                body.len(),
            );
        }
    }
    let chat = concat!(
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"model-a\",",
        "\"system_fingerprint\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
    );
    let responses = concat!(
        "event: response.output_text.delta\n",
        "data: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\" word\"}\n\n"
    );
    for (dialect, target) in lanes {
        let frame = if dialect == Dialect::Chat {
            chat
        } else {
            responses
        };
        for (alias, per_chunk) in [(false, 1), (false, 50), (true, 1), (true, 50)] {
            let options = Options {
                model: alias.then_some("model-b"),
                ..Options::default()
            };
            let body = request(dialect, "x");
            let head = peek(dialect, &body).expect("a request");
            let prepared = prepare(dialect, target, &body, &head, &options).expect("prepared");
            let mut answer = Answer::new(dialect, target, prepared.state, true);
            let chunk = Bytes::from(frame.repeat(per_chunk));
            let mut out = Out::new();
            let per = timed(1_000_000 / per_chunk as u32, || {
                answer.push(&chunk, &mut out);
                black_box(out.take());
            });
            answer.finish(&mut out, End::Clean);
            let name = format!(
                "{dialect:?} > {target:?}, event, {per_chunk} a chunk{}",
                if alias { ", alias" } else { "" }
            );
            show(&name, per / per_chunk as u32, frame.len());
        }
    }
}

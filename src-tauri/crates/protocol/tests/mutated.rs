//! A fuzzer without a fuzzer's tool chain: recorded requests, streams and answers, damaged at random, through the event codec and every
//! reader and writer. Nothing may panic; requests come out as JSON and streams as whole events, whatever went in.
//!
//! The seed is fixed, so that a failure comes again, and the number of rounds is bounded. `SWITCHYARD_FUZZ_ROUNDS` and `SWITCHYARD_FUZZ_SEED`
//! look further; a failure names the seed of its round.

mod corpus;

use bytes::Bytes;
use corpus::Recording;
use fastrand::Rng;
use protocol::replay::{self, Sealed};
use protocol::{Answer, Dialect, End, Options, Out, Prepared, Target, peek, prepare, sse::Decoder};
use serde::de::IgnoredAny;
use serde_json::Value;

const DIALECTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
const TARGETS: [Target; 5] = [
    Target::Chat,
    Target::Responses,
    Target::Codex,
    Target::Messages,
    Target::Gemini,
];

/// Pieces of JSON and of event streams that readers stumble over.
const WORDS: &[&str] = &[
    "null",
    "true",
    "-0",
    "1e999",
    "123456789012345678901234567890",
    "\"\"",
    "{}",
    "[]",
    "[[[[[[[[",
    "}}}}",
    ",",
    ":",
    "\\",
    "\"",
    "\\ud800",
    "\\u0000",
    "\u{1f600}",
    "\r",
    "\n",
    "\r\n\r\n",
    "\n\n",
    "data: ",
    "data: [DONE]\n\n",
    "event: error\n",
    ": ping\n\n",
    "\u{feff}",
    "\"type\":\"response.completed\"",
    "\"type\":\"message_stop\"",
    "\"finish_reason\":\"stop\"",
    "\"finishReason\":\"STOP\"",
    "\"error\":{\"message\":\"x\"}",
    "\"index\":18446744073709551615",
    "\"tool_calls\":[{}]",
    "\"parts\":[null]",
    "\"content\":7",
    "\"arguments\":\"{\"",
];
/// Longest input; longer recordings are cut, which is a damage too.
const LONGEST: usize = 24 << 10;

/// A few damages to a copy of `seed`, some of them with bytes of `other`.
fn damaged(rng: &mut Rng, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed[..seed.len().min(LONGEST)].to_vec();
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=bytes.len());
        let end = (at + rng.usize(0..64)).min(bytes.len());
        match rng.u8(0..7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let word = WORDS[rng.usize(0..WORDS.len())].as_bytes();
                bytes.splice(at..end, word.iter().copied());
            }
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.usize(0..=bytes.len());
                bytes.splice(to..to, copy);
            }
            4 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = rng.u8(..);
            }
            5 if !other.is_empty() => {
                let from = rng.usize(0..other.len());
                let until = (from + rng.usize(0..512)).min(other.len());
                bytes.splice(at..at, other[from..until].iter().copied());
            }
            _ => {
                let word = WORDS[rng.usize(0..WORDS.len())].as_bytes();
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
    bytes
}

/// Cuts bytes as a network would.
fn pieces(rng: &mut Rng, bytes: &[u8]) -> Vec<Bytes> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rng.usize(1..=rest.len().min(4096)));
        found.push(Bytes::copy_from_slice(piece));
        rest = more;
    }
    found
}

fn ready(rng: &mut Rng, from: Dialect, to: Target, body: &Bytes) -> Option<Prepared> {
    let mut head = peek(from, body).ok()?;
    head.model.get_or_insert_with(|| "asked".to_owned());
    head.stream |= rng.bool();
    head.array = from == Dialect::Gemini && rng.bool();
    let options = Options {
        model: rng.bool().then_some("sent"),
        effort: rng.bool().then_some("high"),
        default_effort: rng.bool().then_some("low"),
        image_tool: rng.u8(0..8) == 0,
        request_id: "r1",
        created: 1_700_000_000,
        ..Options::default()
    };
    prepare(from, to, body, &head, &options).ok()
}

/// Runs `round` often, each with its own seed, which a failure names.
fn rounds(usual: u64, mut round: impl FnMut(&mut Rng)) {
    let number = |name: &str, usual: u64| {
        let told = std::env::var(name).ok();
        told.and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let seed = number("SWITCHYARD_FUZZ_SEED", 1);
    for number in 0..number("SWITCHYARD_FUZZ_ROUNDS", usual) {
        let seed = seed.wrapping_add(number);
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            round(&mut Rng::with_seed(seed))
        }));
        assert!(
            told.is_ok(),
            "SWITCHYARD_FUZZ_SEED={seed} SWITCHYARD_FUZZ_ROUNDS=1"
        );
    }
}

fn any<'c>(rng: &mut Rng, recordings: &'c [Recording]) -> &'c Recording {
    &recordings[rng.usize(0..recordings.len())]
}

/// Mostly the account that the recording is of.
fn target(rng: &mut Rng, seed: &Recording) -> Target {
    match (seed.dialect, rng.u8(0..4)) {
        (Some(Dialect::Chat), 1..) => Target::Chat,
        (Some(Dialect::Responses), 1..) if rng.bool() => Target::Codex,
        (Some(Dialect::Responses), 1..) => Target::Responses,
        (Some(Dialect::Messages), 1..) => Target::Messages,
        (Some(Dialect::Gemini), 1..) => Target::Gemini,
        _ => TARGETS[rng.usize(0..5)],
    }
}

#[test]
fn requests_of_any_shape_are_refused_or_translated_into_json() {
    let corpus = corpus::load();
    rounds(4_000, |rng| {
        let seed = any(rng, &corpus.requests);
        let other = any(rng, &corpus.requests);
        let body = Bytes::from(damaged(rng, &seed.bytes, &other.bytes));
        // Also what was never meant for the dialect.
        let from = match (seed.dialect, rng.u8(0..4)) {
            (Some(own), 1..) => own,
            _ => DIALECTS[rng.usize(0..4)],
        };
        let to = TARGETS[rng.usize(0..5)];
        let Some(prepared) = ready(rng, from, to, &body) else {
            return;
        };
        let sent = prepared.body.to_bytes();
        if from != to.dialect() {
            let read = serde_json::from_slice::<Value>(&sent);
            assert!(
                read.is_ok(),
                "{from:?} to {to:?}: {}",
                String::from_utf8_lossy(&sent)
            );
        }
    });
}

#[test]
fn streams_of_any_shape_become_well_formed_ones() {
    let corpus = corpus::load();
    rounds(4_000, |rng| {
        let seed = any(rng, &corpus.streams);
        let other = any(rng, &corpus.streams);
        let bytes = damaged(rng, &seed.bytes, &other.bytes);
        let client = DIALECTS[rng.usize(0..4)];
        let to = target(rng, seed);
        let own = match client {
            Dialect::Chat => {
                r#"{"model":"asked","stream":true,"messages":[{"role":"user","content":"a"}]}"#
            }
            Dialect::Responses => r#"{"model":"asked","stream":true,"input":"a"}"#,
            Dialect::Messages => {
                r#"{"model":"asked","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#
            }
            Dialect::Gemini => r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
        };
        let own = Bytes::from_static(own.as_bytes());
        let Some(prepared) = ready(rng, client, to, &own) else {
            return;
        };
        let streams = rng.u8(0..4) > 0;
        let mut answer = Answer::new(client, to, prepared.state, streams);
        let (mut out, mut sent) = (Out::new(), Vec::new());
        for piece in pieces(rng, &bytes) {
            answer.push(&piece, &mut out);
            sent.extend_from_slice(&out.take().unwrap_or_default());
        }
        let end = if rng.bool() {
            End::Clean
        } else {
            let message = "cut".to_owned();
            End::Cut { message }
        };
        answer.finish(&mut out, end);
        sent.extend_from_slice(&out.take().unwrap_or_default());
        if !streams {
            // In one dialect the upstream's own words are passed on.
            if let (Ok(json), true) = (answer.into_json(), client != to.dialect()) {
                json_of(&json, client, to);
            }
        } else if client != to.dialect() {
            well_formed(&sent, client, to);
        }
    });
}

/// Looks at the grammar alone: half a surrogate pair may stand in words, as its other half may come with the next ones, and a number too large
/// for most readers is the model's own.
fn json_of(bytes: &[u8], client: Dialect, to: Target) {
    let read = serde_json::from_slice::<IgnoredAny>(bytes);
    let text = String::from_utf8_lossy(bytes);
    assert!(read.is_ok(), "{client:?} of {to:?}: {read:?} {text}");
}

/// Every event is JSON, the last line is whole.
fn well_formed(sent: &[u8], client: Dialect, to: Target) {
    let text = std::str::from_utf8(sent).expect("UTF-8");
    if client == Dialect::Gemini && text.starts_with('[') {
        return json_of(text.as_bytes(), client, to);
    }
    assert!(
        text.is_empty() || text.ends_with("\n\n"),
        "{client:?} of {to:?}: {text}"
    );
    let mut decoder = Decoder::new();
    let read = decoder.for_each(&Bytes::copy_from_slice(sent), |event| {
        if event.data != b"[DONE]" {
            json_of(event.data, client, to);
        }
    });
    assert!(read.is_ok());
}

#[test]
fn whole_answers_of_any_shape_become_json() {
    let corpus = corpus::load();
    rounds(3_000, |rng| {
        let seed = any(rng, &corpus.answers);
        let other = any(rng, &corpus.answers);
        let body = Bytes::from(damaged(rng, &seed.bytes, &other.bytes));
        let (client, to) = (DIALECTS[rng.usize(0..4)], target(rng, seed));
        let own = match client {
            Dialect::Chat => r#"{"model":"asked","messages":[]}"#,
            Dialect::Responses => r#"{"model":"asked","input":"a"}"#,
            Dialect::Messages => r#"{"model":"asked","max_tokens":9,"messages":[]}"#,
            Dialect::Gemini => r#"{"contents":[{"parts":[{"text":"a"}]}]}"#,
        };
        let Some(prepared) = ready(rng, client, to, &Bytes::from_static(own.as_bytes())) else {
            return;
        };
        let mut answer = Answer::new(client, to, prepared.state, false);
        if let Ok(told) = answer.answer_json(&body)
            && client != to.dialect()
        {
            json_of(&told, client, to);
        }
    });
}

#[test]
fn the_codec_gives_the_same_events_however_it_is_cut() {
    let corpus = corpus::load();
    rounds(3_000, |rng| {
        let seed = any(rng, &corpus.streams);
        let other = any(rng, &corpus.streams);
        let bytes = damaged(rng, &seed.bytes, &other.bytes);
        let read = |chunks: &[Bytes]| {
            let (mut decoder, mut found) = (Decoder::new(), Vec::new());
            let mut keep = |event: protocol::sse::Event<'_>| {
                found.push((event.event.map(<[u8]>::to_vec), event.data.to_vec()));
            };
            let good = chunks
                .iter()
                .all(|chunk| decoder.for_each(chunk, &mut keep).is_ok());
            if good {
                decoder.finish(&mut keep);
            }
            (good, found)
        };
        let whole = read(&[Bytes::copy_from_slice(&bytes)]);
        assert_eq!(read(&pieces(rng, &bytes)), whole);
    });
}

#[test]
fn what_is_sent_once_more_stays_json() {
    let corpus = corpus::load();
    rounds(1_500, |rng| {
        let seed = any(rng, &corpus.requests);
        let body = Bytes::from(damaged(rng, &seed.bytes, b""));
        let dialect = seed.dialect.unwrap_or(Dialect::Responses);
        if serde_json::from_slice::<Value>(&body).is_err() {
            return;
        }
        let Ok(head) = peek(dialect, &body) else {
            return;
        };
        let found = replay::seals(&body, &head).into_iter().collect();
        let amended = [
            replay::without_seals(&body, &head, Sealed::All),
            replay::without_seals(&body, &head, Sealed::These(&found)),
            replay::without_previous(&body, &head),
        ];
        for amended in amended.into_iter().flatten() {
            let read = serde_json::from_slice::<Value>(&amended.body);
            assert!(read.is_ok(), "{}", String::from_utf8_lossy(&amended.body));
        }
    });
}

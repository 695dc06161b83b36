//! Every recorded request through `peek` and the fast lane: only the patched fields change (F87, T207).

mod corpus;

use bytes::Bytes;
use corpus::{Recording, parsed};
use protocol::{Dialect, Options, Target, codex, error, peek, prepare};
use serde_json::Value;

const ALL: [(Dialect, Target); 4] = [
    (Dialect::Gemini, Target::Gemini),
    (Dialect::Messages, Target::Messages),
    (Dialect::Chat, Target::Chat),
    (Dialect::Responses, Target::Responses),
];

#[test]
fn the_head_is_what_a_tree_would_say() {
    let corpus = corpus::load();
    for Recording {
        name,
        dialect,
        bytes,
    } in &corpus.requests
    {
        let Some(dialect) = *dialect else { continue };
        let value = parsed(bytes);
        let head = peek(dialect, &Bytes::copy_from_slice(bytes))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(head.model.as_deref(), value["model"].as_str(), "{name}");
        assert_eq!(
            head.stream,
            value["stream"].as_bool().unwrap_or(false),
            "{name}"
        );
        if dialect == Dialect::Messages {
            // T133: made of the user's id.
            let user = value.pointer("/metadata/user_id").is_some();
            assert_eq!(head.prompt_cache_key.is_some(), user, "{name}");
        } else {
            assert_eq!(
                head.prompt_cache_key.as_deref(),
                value["prompt_cache_key"].as_str(),
                "{name}"
            );
        }
        if dialect == Dialect::Chat {
            let asked = value
                .pointer("/stream_options/include_usage")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            assert_eq!(head.include_usage, asked, "{name}");
        }
    }
}

#[test]
fn f87_an_unpatched_body_is_the_same_bytes() {
    let corpus = corpus::load();
    for (dialect, target) in ALL {
        for Recording { name, bytes, .. } in corpus.requests_of(dialect) {
            let body = Bytes::copy_from_slice(bytes);
            let head = peek(dialect, &body).expect("a request");
            if head.n.is_some_and(|n| n > 1) {
                continue;
            }
            let prepared =
                prepare(dialect, target, &body, &head, &Options::default()).expect("prepared");
            assert_eq!(prepared.body.to_bytes().as_ptr(), body.as_ptr(), "{name}");
            assert!(prepared.losses.is_empty());
        }
    }
}

#[test]
fn t207_only_the_model_changes() {
    let corpus = corpus::load();
    let options = Options {
        model: Some("another \"model\""),
        ..Options::default()
    };
    for (dialect, target) in ALL {
        for Recording { name, bytes, .. } in corpus.requests_of(dialect) {
            let body = Bytes::copy_from_slice(bytes);
            let head = peek(dialect, &body).expect("a request");
            if head.n.is_some_and(|n| n > 1) {
                continue;
            }
            let Some(asked) = head.model.clone() else {
                continue;
            };
            let prepared = prepare(dialect, target, &body, &head, &options).expect("prepared");
            let sent = prepared.body.to_bytes();
            assert_eq!(prepared.body.len(), sent.len());
            // Putting the old token back where the new one stands gives the client's bytes.
            let token = br#""another \"model\"""#;
            let at = sent
                .windows(token.len())
                .position(|window| window == token)
                .expect("the new name");
            let asked = serde_json::to_vec(&asked).expect("JSON");
            let back = [&sent[..at], &asked, &sent[at + token.len()..]].concat();
            assert_eq!(back, *bytes, "{name}");
        }
    }
}

#[test]
fn f83_for_codex_only_the_rows_of_the_profile_change() {
    let corpus = corpus::load();
    let (mut count, mut refused) = (0, 0);
    for Recording { name, bytes, .. } in corpus.requests_of(Dialect::Responses) {
        let body = Bytes::copy_from_slice(bytes);
        let head = peek(Dialect::Responses, &body).expect("a request");
        let Ok(prepared) = prepare(
            Dialect::Responses,
            Target::Codex,
            &body,
            &head,
            &Options::default(),
        ) else {
            refused += 1;
            continue;
        };
        count += 1;
        let (before, after) = (parsed(bytes), parsed(&prepared.body.to_bytes()));
        let (before, after) = (
            before.as_object().expect("an object"),
            after.as_object().expect("an object"),
        );
        assert_eq!(after["store"], false, "{name}");
        assert_eq!(after["stream"], true, "{name}");
        let include = after["include"].as_array().expect("an array");
        assert!(include.iter().any(|word| word == codex::INCLUDE), "{name}");
        for (key, value) in after {
            match key.as_str() {
                "store" | "stream" | "include" => {}
                "instructions" => assert_eq!(
                    value,
                    before
                        .get(key)
                        .filter(|value| !value.is_null())
                        .unwrap_or(&"".into()),
                    "{name}"
                ),
                "input" => {
                    let told = before["input"]
                        .to_string()
                        .replace("\"role\":\"system\"", "\"role\":\"developer\"");
                    match &before["input"] {
                        Value::String(text) => {
                            assert_eq!(value[0]["content"][0]["text"], **text, "{name}")
                        }
                        _ => assert!(value.to_string().ends_with(&told[1..]), "{name}"),
                    }
                }
                _ => assert_eq!(value, &before[key], "{name}: {key}"),
            }
        }
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            let row = codex::DROPPED
                .iter()
                .chain(codex::REFUSED)
                .any(|row| row.field == key);
            assert!(
                row || !codex::KNOWN.contains(&key.as_str()) || key == "service_tier",
                "{name}: {key} vanished"
            );
        }
    }
    println!("{count} requests prepared for Codex, {refused} refused");
    assert!(count > 0);
}

#[test]
fn t209_recorded_errors_keep_their_text() {
    for (status, Recording { name, bytes, .. }) in corpus::load().errors {
        let body = Bytes::from(bytes);
        let told = parsed(&error::rewrap(Dialect::Chat, status, &body));
        let message = told.pointer("/error/message").and_then(Value::as_str);
        assert!(message.is_some_and(|message| !message.is_empty()), "{name}");
    }
}

//! Rows and traps of the surface that hold for every account: headers of answers, errors that no other account would mend.

use pool::Format;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::{Reply, Stage};

fn chat(stream: bool) -> Value {
    json!({"model": "gpt-5.5", "stream": stream, "messages": [{"role": "user", "content": "say:hello"}]})
}

/// T212, T211: a request that is wrong everywhere is asked once, and keeps its status, code and words.
#[tokio::test]
async fn t212_a_fatal_400_is_asked_once() {
    let mut stage = Stage::set().await;
    let first = stage.codex("first");
    let _second = stage.codex("second");
    let gone = r#"{"error":{"message":"No such file.","type":"invalid_request_error","param":"file","code":"gone"}}"#;
    let mut asked = 0;
    for (step, status, code) in [
        (Step::ContextOverflow, 400, "context_length_exceeded"),
        (
            Step::failed_first("context_length_exceeded"),
            400,
            "context_length_exceeded",
        ),
        (Step::json(404, gone), 404, "gone"),
        (Step::json(422, gone), 422, "gone"),
    ] {
        for stream in [true, false] {
            first.script([step.clone()]);
            let reply = stage.post("/v1/chat/completions", &chat(stream)).await;
            assert_eq!(reply.status, status, "{step:?}: {}", reply.text);
            assert_eq!(reply.json()["error"]["code"], code, "{step:?}");
            asked += 1;
            assert_eq!(stage.asked().len(), asked, "{step:?}");
        }
    }
}

/// T196, T199: what an answer's head carries, and what it does not.
#[tokio::test]
async fn t199_headers_of_answers() {
    let mut stage = Stage::set().await;
    let _codex = stage.codex("codex");
    for stream in [true, false] {
        let reply = stage.post("/v1/chat/completions", &chat(stream)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        for name in [
            "x-request-id",
            "x-codex-primary-used-percent",
            "x-switchyard-account",
        ] {
            assert!(
                reply.headers.contains_key(name),
                "{name}: {:?}",
                reply.headers
            );
        }
        for name in [
            "set-cookie",
            "openai-organization",
            "content-encoding",
            "cf-ray",
        ] {
            assert!(!reply.headers.contains_key(name), "{name}");
        }
    }
    // Errors as well, also those that never reached an account.
    for body in [json!({"model": "gpt-5.5", "messages": 5}), json!([])] {
        let reply = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(reply.status, 400);
        assert!(reply.headers.contains_key("x-request-id"));
    }
}

/// T121, F75: one choice, whoever would answer.
#[tokio::test]
async fn t121_more_than_one_choice_is_refused() {
    for format in [Format::OpenAi, Format::Responses] {
        let mut stage = Stage::set().await;
        let _relay = stage.relay("relay", format);
        let mut body = chat(false);
        body["n"] = json!(2);
        let reply = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"]["param"], "n");
        assert!(stage.asked().is_empty());
    }
}

/// T119 through the whole road: the client's answer ends at the stop, and the journal calls it whole.
#[tokio::test]
async fn t119_a_stop_string_on_a_codex_account() {
    let mut stage = Stage::set().await;
    let codex = stage.codex("codex");
    for (number, stream) in [true, false].into_iter().enumerate() {
        codex.script([Step::Say("one two STOP three four".into())]);
        let mut body = chat(stream);
        body["stop"] = json!(["STOP"]);
        let reply = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(reply.status, 200);
        assert!(
            !reply.text.contains("three") && !reply.text.contains("STOP"),
            "{}",
            reply.text
        );
        assert!(
            reply.text.contains("\"finish_reason\":\"stop\""),
            "{}",
            reply.text
        );
        let entry = stage.journal(number + 1).await.pop().unwrap();
        assert_eq!(entry.end, gateway::End::Completed);
        assert_eq!(entry.attempts[0].outcome, "success");
    }
}

/// T197: what the vendors' libraries obey. The upstream's own delays reach the client; what the gateway has tried already is not tried
/// again by the library, and what it could not try may be.
#[tokio::test]
async fn t197_a_client_is_told_when_to_try_and_whether() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::OpenAi);
    let head = |reply: &Reply, name: &str| {
        let value = reply.headers.get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let limited = Step::RateLimited {
        retry_after: Some("7".to_owned()),
    };
    relay.script([limited]);
    let reply = stage.post("/v1/chat/completions", &chat(false)).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert_eq!(head(&reply, "retry-after").as_deref(), Some("7"));
    assert_eq!(head(&reply, "x-should-retry"), None);

    // An error, or no answer at all, over and over.
    for (step, status) in [(Step::Http500, 500), (Step::CloseBeforeHeaders, 502)] {
        let mut stage = Stage::set().await;
        let relay = stage.relay("relay", Format::OpenAi);
        relay.always(step);
        let reply = stage.post("/v1/chat/completions", &chat(false)).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(head(&reply, "x-should-retry").as_deref(), Some("false"));
    }

    // Nothing was tried, or nothing would help: the client decides by the status.
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::OpenAi);
    relay.script([Step::ContextOverflow]);
    for status in [400, 200] {
        let reply = stage.post("/v1/chat/completions", &chat(false)).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(head(&reply, "x-should-retry"), None);
    }
}

//! Every step, as a client sees it.

use crate::raw::{Answer, ask, codex};
use serde_json::json;
use simulator::{AccountSetup, KeySetup, Scripted, Setup, Simulator, Step};

async fn one() -> (Simulator, simulator::SimAccount) {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com"));
    (simulator, account)
}

/// F52: every class of failure, with its status, its content type and a word of its body.
#[tokio::test]
async fn plain_failures() {
    let rows: Vec<(Step, u16, &str, &str)> = vec![
        (
            Step::UsageLimit { resets_in_s: 90 },
            429,
            "application/json",
            "\"resets_in_seconds\":90",
        ),
        (
            Step::UsageLimitBare,
            429,
            "application/json",
            "usage_limit_reached",
        ),
        (
            Step::RateLimited {
                retry_after: Some("7".into()),
            },
            429,
            "application/json",
            "rate_limit_exceeded",
        ),
        (
            Step::json(418, "{\"error\":{}}"),
            418,
            "application/json",
            "{\"error\":{}}",
        ),
        (
            Step::Unauthorized,
            401,
            "application/json",
            "token_invalidated",
        ),
        (Step::Http500, 500, "application/json", "internal_error"),
        (
            Step::Overloaded503,
            503,
            "application/json",
            "server_is_overloaded",
        ),
        (
            Step::PaymentRequired402,
            402,
            "application/json",
            "insufficient_quota",
        ),
        (Step::Forbidden403Json, 403, "application/json", "detail"),
        (
            Step::HtmlChallenge403,
            403,
            "text/html; charset=UTF-8",
            "Just a moment",
        ),
        (Step::HtmlPage200, 200, "text/html; charset=UTF-8", "<h1>"),
        (
            Step::InvalidEncryptedContent,
            400,
            "application/json",
            "invalid_encrypted_content",
        ),
        (
            Step::ModelUnsupported,
            400,
            "application/json",
            "The 'gpt-5.4' model is not supported",
        ),
        (
            Step::ContextOverflow,
            400,
            "application/json",
            "context_length_exceeded",
        ),
    ];
    let (simulator, account) = one().await;
    for (step, status, content_type, word) in rows {
        simulator.script(&account, [step.clone()]);
        let answer = codex(&simulator, &account, &ask("hi")).await;
        assert_eq!(
            (answer.status, answer.headers["content-type"].as_str()),
            (status, content_type),
            "{step:?}"
        );
        assert!(answer.text().contains(word), "{step:?}: {}", answer.text());
        assert!(answer.complete);
    }
    // After the script: the ordinary answer.
    assert_eq!(
        codex(&simulator, &account, &ask("hi")).await.last_type(),
        "response.completed"
    );
    assert_eq!(simulator.disconnects(), 0);
    assert_eq!(simulator.in_flight(), 0);
}

#[tokio::test]
async fn limit_headers() {
    let (simulator, account) = one().await;
    simulator.script(
        &account,
        [
            Step::UsageLimit { resets_in_s: 90 },
            Step::UsageLimitBare,
            Step::RateLimited {
                retry_after: Some("7".into()),
            },
            Step::HtmlChallenge403,
        ],
    );
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(codex(&simulator, &account, &ask("hi")).await);
    }
    assert_eq!(answers[0].headers["x-codex-primary-used-percent"], "100");
    assert_eq!(
        answers[0].headers["x-codex-primary-reset-after-seconds"],
        "90"
    );
    let stray = |answer: &Answer| answer.headers.keys().any(|name| name.contains("reset"));
    assert!(!stray(&answers[1]) && !answers[1].text().contains("resets"));
    assert_eq!(answers[2].headers["retry-after"], "7");
    assert_eq!(answers[3].headers["cf-mitigated"], "challenge");
}

/// F54: connections that end before any answer.
#[tokio::test]
async fn connections_without_answer() {
    let (simulator, account) = one().await;
    simulator.script(
        &account,
        [Step::ResetBeforeHeaders, Step::CloseBeforeHeaders],
    );
    let reset = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(
        (reset.status, reset.error),
        (0, Some(std::io::ErrorKind::ConnectionReset))
    );
    let closed = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!((closed.status, closed.error), (0, None));
    assert_eq!(simulator.disconnects(), 0);
}

/// F53: failures inside a 200 stream.
#[tokio::test]
async fn failures_in_the_stream() {
    let rows: Vec<(Step, usize, &str, bool)> = vec![
        (
            Step::failed_first("usage_limit_reached"),
            1,
            "response.failed",
            true,
        ),
        (
            Step::FailedAfter {
                events: 5,
                code: "server_error".into(),
            },
            6,
            "response.failed",
            true,
        ),
        (
            Step::ErrorEvent {
                events: 0,
                code: "rate_limit_exceeded".into(),
            },
            1,
            "error",
            true,
        ),
        (
            Step::ErrorEvent {
                events: 3,
                code: "server_error".into(),
            },
            4,
            "error",
            true,
        ),
        (Step::CutAfter { events: 0 }, 0, "", true),
        (
            Step::CutAfter { events: 4 },
            4,
            "response.content_part.added",
            true,
        ),
        (
            Step::ResetAfter { events: 5 },
            5,
            "response.output_text.delta",
            false,
        ),
    ];
    let (simulator, account) = one().await;
    for (step, count, last, complete) in rows {
        simulator.script(&account, [step.clone()]);
        let answer = codex(&simulator, &account, &ask("hi")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            (
                answer.types().len(),
                answer.last_type().as_str(),
                answer.complete
            ),
            (count, last, complete),
            "{step:?}"
        );
        assert_eq!(answer.error.is_some(), !complete, "{step:?}");
        let numbers: Vec<i64> = answer
            .events()
            .iter()
            .map(|event| event["sequence_number"].as_i64().unwrap())
            .collect();
        assert!(
            numbers
                .iter()
                .zip(0..)
                .all(|(number, index)| *number == index),
            "{step:?}: {numbers:?}"
        );
    }
    simulator.script(&account, [Step::failed_first("usage_limit_reached")]);
    let event = codex(&simulator, &account, &ask("hi"))
        .await
        .events()
        .remove(0);
    assert_eq!(event["response"]["error"]["resets_in_seconds"], 600);
    assert_eq!(event["response"]["status"], "failed");
    assert_eq!(simulator.disconnects(), 0);
}

/// The same steps for chat clients, and for those who want no stream.
#[tokio::test]
async fn failures_of_relays() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let key = simulator.add_relay(KeySetup::new("sk-sim"));
    let chat = |stream: bool| json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "hi"}]});
    key.script([
        Step::failed_first("rate_limit_exceeded"),
        Step::FailedAfter {
            events: 2,
            code: "server_error".into(),
        },
        Step::CutAfter { events: 3 },
        Step::failed_first("usage_limit_reached"),
        Step::CutAfter { events: 1 },
        Step::Http500,
        Step::Unauthorized,
        Step::ModelUnsupported,
    ]);
    let next = async |stream: bool| {
        crate::raw::post(&simulator, "/v1/chat/completions", "sk-sim", &chat(stream)).await
    };
    let first = next(true).await;
    assert_eq!(
        (first.status, first.events()[0]["error"]["code"].as_str()),
        (200, Some("rate_limit_exceeded"))
    );
    let after = next(true).await.events();
    assert_eq!(
        (after.len(), after[2]["error"]["code"].as_str()),
        (3, Some("server_error"))
    );
    let cut = next(true).await;
    assert!(cut.complete && !cut.text().contains("[DONE]") && !cut.text().contains("\"stop\""));
    let limit = next(false).await;
    assert_eq!(
        (
            limit.status,
            limit.json()["error"]["type"].as_str().map(str::to_owned)
        ),
        (429, Some("usage_limit_reached".into()))
    );
    assert!(!next(false).await.complete);
    for (status, code) in [
        (500, "internal_error"),
        (401, "invalid_api_key"),
        (404, "model_not_found"),
    ] {
        let answer = next(true).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (status, Some(code))
        );
    }
}

/// A prompt can ask for a failure, so that clients in any language can.
#[tokio::test]
async fn asked_by_the_prompt() {
    let (simulator, account) = one().await;
    let rows = [
        ("play:limit:30", 429, "\"resets_in_seconds\":30"),
        ("play:rate:5", 429, "rate_limit_exceeded"),
        ("play:400", 400, "Bad request"),
        ("play:401", 401, "token_invalidated"),
        ("play:402", 402, ""),
        ("play:403", 403, ""),
        ("play:404", 404, ""),
        ("play:500", 500, ""),
        ("play:503", 503, ""),
        ("play:challenge", 403, "Just a moment"),
        ("play:page", 200, "<html>"),
        ("play:overflow", 400, "context_length_exceeded"),
        ("play:model", 400, "not supported"),
        ("play:reset", 0, ""),
        ("play:close", 0, ""),
        ("play:reset:3", 200, "in_progress"),
        ("play:cut:3", 200, "in_progress"),
        ("play:failed:slow_down", 200, "slow_down"),
        ("play:broken", 200, "response.failed"),
        ("play:error", 200, "event: error"),
        ("play:empty", 200, "response.completed"),
        ("play:incomplete", 200, "response.incomplete"),
        ("play:unheard-of say:x", 200, "response.completed"),
    ];
    for (ask_for, status, word) in rows {
        let answer = codex(&simulator, &account, &ask(ask_for)).await;
        assert_eq!(answer.status, status, "{ask_for}");
        assert!(answer.text().contains(word), "{ask_for}: {}", answer.text());
    }
    // The script goes first.
    simulator.script(&account, [Step::Http500]);
    assert_eq!(
        codex(&simulator, &account, &ask("play:400")).await.status,
        500
    );
}

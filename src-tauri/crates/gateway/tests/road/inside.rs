//! Requests from inside the process: the same road without a socket and without a key.

use bytes::Bytes;
use gateway::{Config, Inside};
use pool::AccountId;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::Stage;

fn body(stream: bool) -> Bytes {
    let body = json!({"model": "gpt-5.5", "stream": stream, "messages": [{"role": "user", "content": "say:hello"}]});
    Bytes::from(body.to_string())
}

fn inside(account: Option<&str>) -> Inside {
    Inside {
        name: "(test)".into(),
        account: account.map(AccountId::from),
    }
}

#[tokio::test]
async fn f132_a_request_from_inside_is_served_and_journalled_like_any_other() {
    // Whoever asks from inside is always told who served.
    let mut stage = Stage::with(Config {
        account_header: false,
        ..Config::default()
    })
    .await;
    let _first = stage.codex("first");
    for stream in [true, false] {
        let asked = stage
            .gateway
            .inside(inside(None), "/v1/chat/completions", body(stream));
        let mut answer = asked.await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.account(), Some("first"));
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await {
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(text).unwrap();
        let whole = if stream { "[DONE]" } else { "hello" };
        assert!(text.contains(whole), "{text}");
    }
    let entries = stage.journal(2).await;
    for entry in &entries {
        assert_eq!(
            (&*entry.key, entry.endpoint, entry.status),
            ("(test)", "/v1/chat/completions", 200)
        );
    }
    let reply = stage
        .post(
            "/v1/chat/completions",
            &serde_json::from_slice::<Value>(&body(false)).unwrap(),
        )
        .await;
    assert!(
        !reply.headers.contains_key("x-switchyard-account"),
        "clients are told what the settings say"
    );
}

#[tokio::test]
async fn f132_a_named_account_serves_alone() {
    let mut stage = Stage::set().await;
    let first = stage.codex("first");
    let _second = stage.codex("second");
    for name in ["second", "first"] {
        let answer = stage
            .gateway
            .inside(inside(Some(name)), "/v1/responses", responses())
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.account()),
            (200, Some(name))
        );
    }
    first.script([Step::Forbidden403Json]);
    let answer = stage
        .gateway
        .inside(inside(Some("first")), "/v1/responses", responses())
        .await;
    assert_eq!(answer.status, 403, "nobody steps in");
    let asked: Vec<String> = stage.asked().into_iter().map(|(name, _)| name).collect();
    assert_eq!(asked, ["second", "first", "first"]);
    let gone = stage
        .gateway
        .inside(inside(Some("gone")), "/v1/responses", responses())
        .await;
    assert!(
        gone.status.is_client_error() || gone.status.is_server_error(),
        "{}",
        gone.status
    );
}

/// F56: dropping the answer cancels the upstream's request.
#[tokio::test]
async fn f56_a_dropped_answer_is_cancelled_upstream() {
    let mut stage = Stage::set().await;
    let first = stage.codex("first");
    first.script([Step::HangAfter { events: 6 }]);
    let mut answer = stage
        .gateway
        .inside(inside(None), "/v1/chat/completions", body(true))
        .await;
    assert!(answer.chunk().await.is_some());
    drop(answer);
    stage.simulator.wait_disconnect().await;
    let entries = stage.journal(1).await;
    assert_eq!(entries[0].end, gateway::End::Cancelled);
    assert_eq!(stage.gateway.running(), 0);
}

fn responses() -> Bytes {
    let body = json!({"model": "gpt-5.5", "stream": true, "input": "say:hello"});
    Bytes::from(body.to_string())
}

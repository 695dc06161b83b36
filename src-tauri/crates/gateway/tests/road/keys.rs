//! Gateway keys with rules (F27): who is refused with which status, in the shape of the route's dialect.

use std::sync::Arc;

use gateway::{ClientKey, KeyRules, KeyState, Keys};
use pool::{Format, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator::{Scripted, Step};

use crate::stage::{KEY, Stage};

fn key(rules: KeyRules) -> ClientKey {
    ClientKey {
        name: "one".into(),
        digest: Sha256::digest(KEY).into(),
        enabled: true,
        expires_at: None,
        rules: Some(Arc::new(rules)),
    }
}

/// The three dialects, with a body that each understands.
fn routes() -> [(&'static str, Value); 3] {
    let turn = json!([{"role": "user", "content": "say:hello"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": "big", "messages": turn}),
        ),
        (
            "/v1/responses",
            json!({"model": "big", "input": "say:hello"}),
        ),
        (
            "/v1/messages",
            json!({"model": "big", "max_tokens": 10, "messages": turn}),
        ),
    ]
}

#[tokio::test]
async fn f27_each_refusal_has_its_status_in_the_dialect_of_the_route() {
    let mut stage = Stage::set().await;
    stage.relay("relay", Format::OpenAi);
    let spent = KeyState::default();
    spent.set_spent(Some(Timestamp(i64::MAX)));
    let cases = [
        (
            401,
            "key_disabled",
            ClientKey {
                enabled: false,
                ..key(KeyRules::default())
            },
        ),
        (
            401,
            "key_expired",
            ClientKey {
                expires_at: Some(Timestamp(1)),
                ..key(KeyRules::default())
            },
        ),
        (
            403,
            "model_not_allowed",
            key(KeyRules {
                allowed_models: Some(vec!["small*".into()]),
                ..KeyRules::default()
            }),
        ),
        (
            429,
            "key_budget_exceeded",
            key(KeyRules {
                state: Arc::new(spent),
                ..KeyRules::default()
            }),
        ),
        (
            429,
            "key_concurrency_exceeded",
            key(KeyRules {
                most_running: Some(0),
                ..KeyRules::default()
            }),
        ),
    ];
    for (status, code, key) in cases {
        stage.gateway.set_keys(Keys(vec![key]));
        for (path, body) in routes() {
            let reply = stage.post(path, &body).await;
            assert_eq!(reply.status, status, "{path} {code}: {}", reply.text);
            let error = &reply.json()["error"];
            assert!(error["message"].is_string(), "{path}: {}", reply.text);
            if path != "/v1/messages" {
                assert_eq!(error["code"], code, "{path}");
            } else {
                assert_eq!(reply.json()["type"], "error");
            }
            assert_eq!(
                status == 429,
                reply.headers.contains_key("retry-after"),
                "{path} {code}"
            );
        }
    }
    assert_eq!(stage.asked().len(), 0, "nothing reached an account");
    let allowed = KeyRules {
        allowed_models: Some(vec!["b*".into()]),
        most_running: Some(1),
        ..KeyRules::default()
    };
    stage.gateway.set_keys(Keys(vec![key(allowed)]));
    for (path, body) in routes() {
        let reply = stage.post(path, &body).await;
        assert_eq!(reply.status, 200, "one after the other: {}", reply.text);
    }
}

#[tokio::test]
async fn f27_a_running_stream_keeps_its_place_until_it_ends() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::OpenAi);
    let rules = KeyRules {
        most_running: Some(1),
        ..KeyRules::default()
    };
    let state = rules.state.clone();
    stage.gateway.set_keys(Keys(vec![key(rules)]));
    relay.script([Step::HangAfter { events: 2 }]);
    let (path, mut body) = routes()[0].clone();
    body["stream"] = json!(true);
    let open = stage
        .request(path)
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!((open.status().as_u16(), state.running()), (200, 1));
    let second = stage.post(path, &body).await;
    assert_eq!(second.status, 429, "{}", second.text);
    assert!(second.text.contains("key_concurrency_exceeded"));
    drop(open);
    stage.journal(2).await;
    // The place is freed right behind the entry.
    while state.running() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.post(path, &body).await.status, 200);
}

//! Changing an account (F14), and trying one again that rests (desktop rules, R6).

use axum::http::Method;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::Stage;

#[tokio::test]
async fn f14_a_patch_changes_what_it_names_and_nothing_else() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let id = stage.id("a@example.com");
    let path = format!("/accounts/{id}");
    let patch = async |body: Value| stage.call(Method::PATCH, &path, Some(body)).await;
    let before = stage.get(&path).await.ok();
    let cases = [
        (json!({"label": "work"}), "label", json!("work")),
        (
            json!({"allowed_models": ["gpt-5.5", "gpt-5.4*"]}),
            "allowed_models",
            json!(["gpt-5.5", "gpt-5.4*"]),
        ),
        (json!({"group": "office"}), "group", json!("office")),
        (json!({"priority": 3}), "priority", json!(3)),
        (json!({"proxy": "direct"}), "proxy", json!("direct")),
        (json!({"excluded": true}), "excluded", json!(true)),
        (json!({"reserve_percent": 20}), "reserve_percent", json!(20)),
        (json!({"slots": 3}), "slots", json!(3)),
        (
            json!({"notes": "paid until May"}),
            "notes",
            json!("paid until May"),
        ),
    ];
    for (body, field, value) in &cases {
        assert_eq!(patch(body.clone()).await.ok()[field], *value);
    }
    let after = patch(json!({})).await.ok();
    for (_, field, value) in &cases {
        assert_eq!(after[field], *value, "{field} stayed");
    }
    assert_eq!(after["email"], before["email"]);
    let cleared = json!({"allowed_models": null, "group": null, "priority": null, "proxy": null, "reserve_percent": null, "slots": null, "notes": null});
    let cleared = patch(cleared).await.ok();
    for field in [
        "allowed_models",
        "group",
        "priority",
        "proxy",
        "reserve_percent",
        "slots",
        "notes",
    ] {
        assert_eq!(cleared[field], before[field], "{field} is as it was");
    }
    assert_eq!(
        (&cleared["label"], &cleared["excluded"]),
        (&json!("work"), &json!(true))
    );
    for body in [
        json!({"label": ""}),
        json!({"label": "x".repeat(65)}),
        json!({"reserve_percent": 96}),
        json!({"slots": 0}),
        json!({"proxy": "nonsense"}),
        json!({"proxy": "http://me:word@127.0.0.1:1"}),
        json!({"notes": "x".repeat(2_001)}),
        json!({"colour": "red"}),
        json!({"priority": "high"}),
    ] {
        assert_eq!(patch(body.clone()).await.code(), "invalid", "{body}");
    }
    assert_eq!(
        stage.get(&path).await.ok()["label"],
        "work",
        "a refused change changes nothing"
    );
    stage.end().await;
}

#[tokio::test]
async fn f14_order_and_switches_of_accounts() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    stage.sign_in("b@example.com").await;
    let (a, b) = (stage.id("a@example.com"), stage.id("b@example.com"));
    let listed = stage
        .post("/accounts/order", json!({"ids": [b]}))
        .await
        .ok();
    let ids: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, [json!(b), json!(a)]);
    let off = stage
        .post(&format!("/accounts/{b}/disable"), json!({}))
        .await
        .ok();
    assert_eq!(
        (&off["enabled"], &off["health"]),
        (&json!(false), &json!("disabled"))
    );
    assert_eq!(
        stage
            .post(&format!("/accounts/{b}/activate"), json!({}))
            .await
            .code(),
        "invalid"
    );
    assert_eq!(
        stage
            .post(&format!("/accounts/{b}/enable"), json!({}))
            .await
            .ok()["enabled"],
        true
    );
    let why = stage.get("/explain?model=gpt-5.5").await.ok();
    assert_eq!(why.as_array().unwrap().len(), 2);
    let gone = stage
        .call(Method::DELETE, &format!("/accounts/{b}"), None)
        .await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert_eq!(
        stage.get(&format!("/accounts/{b}")).await.code(),
        "not_found"
    );
    stage.end().await;
}

#[tokio::test]
async fn r6_an_account_that_rests_is_tried_again_at_once() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    account.script([Step::UsageLimit { resets_in_s: 3_600 }]);
    stage.ask("gpt-5.5").await;
    let resting = stage.get("/accounts/a@example.com").await.ok();
    assert_eq!(resting["health"], "exhausted", "{resting}");
    assert!(resting["usable_again_at"].is_i64() && resting["hold"]["until"].is_i64());
    assert_eq!(resting["score"], 0);
    let why = stage.get("/explain?model=gpt-5.5").await.ok();
    assert_eq!(
        (&why[0]["code"], &why[0]["source"], &why[0]["because"]),
        (&json!("exhausted"), &json!("usage_limit"), &Value::Null),
        "{why}"
    );
    assert!(why[0]["until"].is_i64(), "{why}");
    let cleared = stage
        .post("/accounts/a@example.com/try-now", json!({}))
        .await
        .ok();
    assert_eq!(
        (&cleared["hold"], &cleared["usable_again_at"]),
        (&Value::Null, &Value::Null),
        "{cleared}"
    );
    let events = stage.ask("gpt-5.5").await.events();
    assert_eq!(events[0]["status"], 200);
    assert_eq!(
        stage
            .post("/accounts/nobody/try-now", json!({}))
            .await
            .code(),
        "not_found"
    );
    stage.end().await;
}

#[tokio::test]
async fn f101_relays_of_every_format_are_candidates_whatever_the_client_speaks() {
    let stage = Stage::new().await;
    for format in ["openai", "responses", "anthropic", "gemini"] {
        let relay = json!({
            "kind": "relay", "label": format, "base_url": "https://relay.example.com/v1", "format": format, "key": format!("sk-{format}"), "models": ["m"],
        });
        stage.post("/accounts", relay).await.ok();
    }
    let why = stage.get("/explain?model=m").await.ok();
    let ranked = why.as_array().unwrap().iter();
    assert_eq!(
        ranked.filter(|told| told["rank"].is_u64()).count(),
        4,
        "{why}"
    );
    stage.end().await;
}

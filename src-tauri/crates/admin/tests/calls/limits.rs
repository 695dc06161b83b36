//! Balances, usage limits and the rules of gateway keys over the wire.

use axum::http::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

#[tokio::test]
async fn f27_the_rules_of_a_key_are_set_changed_and_lifted() {
    let stage = Stage::new().await;
    let new = json!({"name": "child", "allowed_models": ["small*"], "expires_at": 4_000_000_000_000_i64,
        "budget": {"period_days": 7, "usd": "1.50"}});
    let made = stage.post("/keys", new).await.ok();
    assert_eq!(
        (&made["allowed_models"], &made["expired"]),
        (&json!(["small*"]), &json!(false))
    );
    let budget = &made["budget"];
    assert_eq!(
        budget["budget"],
        json!({"period_days": 7, "tokens": null, "usd": "1.50"})
    );
    assert_eq!(
        (&budget["used"]["cost"], &budget["used"]["requests"]),
        (&json!("0.00"), &json!(0))
    );
    let patch = async |body: Value| stage.call(Method::PATCH, "/keys/child", Some(body)).await;
    let changed = patch(json!({"enabled": false, "budget": null})).await.ok();
    assert_eq!(
        (
            &changed["enabled"],
            &changed["budget"],
            &changed["allowed_models"]
        ),
        (&json!(false), &Value::Null, &json!(["small*"]))
    );
    for bad in [
        json!({"max_concurrency": 0}),
        json!({"allowed_models": []}),
        json!({"budget": {}}),
        json!({"budget": {"tokens": -1}}),
        json!({"budget": {"usd": "much"}}),
        json!({"budget": {"tokens": 1, "period_days": 400}}),
    ] {
        assert_eq!(patch(bad.clone()).await.code(), "invalid", "{bad}");
    }
    let nobody = stage
        .call(Method::PATCH, "/keys/nobody", Some(json!({})))
        .await;
    assert_eq!(nobody.code(), "not_found");
    stage.end().await;
}

#[tokio::test]
async fn f111_a_balance_is_told_as_decimal_texts() {
    let stage = Stage::new().await;
    let key = stage.relay("office", &["m"]).await;
    key.set_wallet(simulator::Wallet::holding("CNY", "0.10"));
    let before = stage.get("/accounts/office").await.ok();
    assert_eq!(
        (&before["balance"], &before["limits"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(
        stage
            .post("/accounts/office/balance", json!({}))
            .await
            .code(),
        "invalid",
        "nobody to ask"
    );
    let path = "/accounts/office/balance";
    let patch = async |body: Value| stage.call(Method::PATCH, path, Some(body)).await;
    patch(json!({"adapter": "siliconflow"})).await.ok();
    let told = stage.post(path, json!({})).await.ok();
    let balance = &told["balance"];
    assert_eq!(
        (&balance["ok"], &balance["low"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        balance["amounts"],
        json!([{"currency": "CNY", "total": "0.10", "granted": "0.00", "topped_up": "0.10"}])
    );
    let lower = patch(json!({"threshold": "0.05"})).await.ok();
    assert_eq!(lower["balance"]["low"], false);
    for bad in [
        json!({"adapter": "bank"}),
        json!({"threshold": "x"}),
        json!({"colour": 1}),
    ] {
        assert_eq!(patch(bad.clone()).await.code(), "invalid", "{bad}");
    }
    let cleared = patch(json!({"adapter": null})).await.ok();
    assert_eq!(cleared["balance"], Value::Null);
    stage.end().await;
}

#[tokio::test]
async fn f72_limits_are_put_as_a_whole_and_come_with_what_was_used() {
    let stage = Stage::new().await;
    stage.relay("office", &["m"]).await;
    let put = async |body: Value| {
        stage
            .call(Method::PUT, "/accounts/office/limits", Some(body))
            .await
    };
    let limits = json!({"limits": [{"requests": 2000, "period_days": 1}, {"model": "m", "requests": 500, "cost": "3"}]});
    let put_in = put(limits).await.ok();
    let listed = put_in["limits"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (
            &listed[1]["limit"]["model"],
            &listed[1]["limit"]["period_days"],
            &listed[1]["limit"]["cost"]
        ),
        (&json!("m"), &json!(30), &json!("3.00"))
    );
    assert_eq!(listed[0]["used"]["requests"], 0);
    for bad in [
        json!({"limits": [{}]}),
        json!({"limits": [{"requests": 1}, {"requests": 2}]}),
        json!({"limits": [{"requests": 1, "colour": 2}]}),
    ] {
        assert_eq!(put(bad.clone()).await.code(), "invalid", "{bad}");
    }
    assert_eq!(put(json!({"limits": []})).await.ok()["limits"], json!([]));
    stage.end().await;
}

#[tokio::test]
async fn f113_a_list_of_keys_becomes_a_group() {
    let stage = Stage::new().await;
    stage.relay("office", &["m"]).await;
    let one = stage.simulator.add_relay_key("sk-list-one");
    let _two = stage.simulator.add_relay_key("sk-list-two");
    one.set_wallet(simulator::Wallet::holding("USD", "4.00"));
    let keys = format!(
        "sk-list-one\r\n\n sk-list-two \nsk-list-one\n{}\n",
        crate::stage::RELAY_KEY
    );
    let many = |keys: &str| json!({"kind": "relay", "label": "pool", "base_url": stage.simulator.relay_base_url(), "format": "openai", "keys": keys});
    let told = stage.post("/accounts/many", many(&keys)).await;
    assert!(!told.text.contains("sk-list"));
    let told = told.ok();
    assert_eq!(
        (&told["duplicates"], &told["failed"]),
        (&json!(2), &json!([]))
    );
    let accounts = told["accounts"].as_array().unwrap();
    let shown: Vec<_> = accounts
        .iter()
        .map(|one| (&one["label"], &one["group"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!("pool 1"), &json!("pool")),
            (&json!("pool 2"), &json!("pool"))
        ]
    );
    assert_eq!(
        stage.get("/accounts/office").await.ok()["label"],
        "office",
        "untouched"
    );
    assert_eq!(
        stage.post("/accounts/many", many("\n \n")).await.code(),
        "invalid"
    );
    // A preset says what is left out, and the keys of its place are known again.
    let by_preset = |keys: &str| json!({"label": "z", "preset": "zai", "base_url": stage.simulator.relay_base_url(), "auth": "x-api-key", "keys": keys});
    let told = stage.post("/accounts/many", by_preset("sk-z\nsk-z")).await;
    let told = told.ok();
    let one = &told["accounts"][0];
    assert_eq!(
        (&one["kind"], &one["group"], &told["duplicates"]),
        (&json!("zai"), &json!("zai"), &json!(1))
    );
    let options = stage.get("/accounts/z%201/options").await.ok();
    assert_eq!(options["auth"], "x-api-key");
    let told = stage.post("/accounts/many", by_preset("sk-z")).await.ok();
    assert_eq!(
        (&told["accounts"], &told["duplicates"]),
        (&json!([]), &json!(1))
    );
    let mut unknown = by_preset("sk-z");
    unknown["preset"] = json!("nobody");
    assert_eq!(
        stage.post("/accounts/many", unknown).await.code(),
        "invalid"
    );
    let mut wrong = many("sk-list-three");
    wrong["format"] = json!("morse");
    let told = stage.post("/accounts/many", wrong).await.ok();
    assert_eq!(
        (&told["accounts"], &told["failed"][0]["line"]),
        (&json!([]), &json!(1))
    );
    stage.end().await;
}

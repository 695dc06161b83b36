//! What the relay form asks before there is an account (F99, F104), and the model list.

use serde_json::{Value, json};
use simulator::{KeySetup, Scripted, Step};

use crate::stage::{RELAY_KEY, Stage};

#[tokio::test]
async fn f99_the_preview_shows_where_requests_will_go() {
    let stage = Stage::new().await;
    let cases = [
        (
            "https://relay.example.com",
            "openai",
            Some((
                "https://relay.example.com/v1/chat/completions",
                "https://relay.example.com/v1/models",
            )),
        ),
        (
            "https://relay.example.com/v1/",
            "responses",
            Some((
                "https://relay.example.com/v1/responses",
                "https://relay.example.com/v1/models",
            )),
        ),
        (
            "https://relay.example.com/api",
            "openai",
            Some((
                "https://relay.example.com/api/chat/completions",
                "https://relay.example.com/api/models",
            )),
        ),
        (
            "https://relay.example.com",
            "codex",
            Some((
                "https://relay.example.com/codex/responses",
                "https://relay.example.com/codex/models",
            )),
        ),
        ("ftp://relay.example.com", "openai", None),
        ("relay", "openai", None),
        ("https://relay.example.com", "smoke", None),
    ];
    for (base_url, format, urls) in cases {
        let told = stage
            .post(
                "/relay/preview",
                json!({"base_url": base_url, "format": format}),
            )
            .await
            .ok();
        match urls {
            Some((request, models)) => {
                assert_eq!(
                    told["urls"],
                    json!({"request": request, "models": models}),
                    "{base_url} {format}"
                );
                assert_eq!(told["problem"], Value::Null);
            }
            None => {
                assert_eq!(told["urls"], Value::Null, "{base_url} {format}");
                assert!(!told["problem"].as_str().unwrap().is_empty());
            }
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn f104_models_are_asked_with_a_key_that_is_not_kept() {
    let stage = Stage::new().await;
    let relay = stage
        .simulator
        .add_relay(KeySetup::new(RELAY_KEY).models(&["m", "n"]));
    let ask = |key: &str, base_url: &str, proxy: Value| {
        stage.post(
            "/relay/models",
            json!({"base_url": base_url, "format": "openai", "key": key, "proxy": proxy}),
        )
    };
    let base = stage.simulator.relay_base_url();
    let told = ask(RELAY_KEY, &base, Value::Null).await.ok();
    assert_eq!(told["models"], json!(["m", "n"]));
    assert!(told["latency_ms"].is_u64());
    assert!(stage.engine.accounts().is_empty());

    let refused = ask("another-KEY-6650", &base, json!("direct")).await;
    assert_eq!(
        (refused.code().as_str(), refused.status.as_u16()),
        ("provider", 502)
    );
    relay.script_at(
        simulator::Endpoint::Models,
        [Step::json(
            403,
            &json!({"error": {"message": format!("{RELAY_KEY} is not good enough")}}).to_string(),
        )],
    );
    let repeated = ask(RELAY_KEY, &base, Value::Null).await;
    assert_eq!(repeated.code(), "provider");
    assert!(!repeated.text.contains(RELAY_KEY), "{}", repeated.text);
    assert!(
        repeated.text.contains("is not good enough"),
        "{}",
        repeated.text
    );
    for (key, base_url, proxy) in [
        (" ", base.as_str(), Value::Null),
        (RELAY_KEY, "ftp://x", Value::Null),
        (RELAY_KEY, &base, json!("nonsense")),
        (RELAY_KEY, &base, json!("http://me:word@127.0.0.1:1")),
    ] {
        assert_eq!(
            ask(key, base_url, proxy.clone()).await.code(),
            "invalid",
            "{base_url} {proxy}"
        );
    }
    assert_eq!(
        ask(RELAY_KEY, "http://127.0.0.1:9/v1", Value::Null)
            .await
            .code(),
        "provider",
        "nobody listens there"
    );
    stage.end().await;
}

#[tokio::test]
async fn f81_the_model_list_says_who_offers_what() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    stage
        .relay("office", &["gpt-5.5", "only-allowed", "gpt-5.4*"])
        .await;
    stage.engine.discover_models().await;
    let models = stage.get("/models").await.ok();
    let find = |id: &str| {
        models
            .as_array()
            .unwrap()
            .iter()
            .find(|model| model["id"] == id)
    };
    let both = find("gpt-5.5").unwrap();
    assert_eq!(both["accounts"], json!(["a@example.com", "office"]));
    assert_eq!(both["dialects"], json!(["codex", "openai"]));
    assert_eq!(
        (&both["source"], &both["owned_by"]),
        (&json!("upstream"), &json!("openai"))
    );
    let allowed = find("only-allowed").unwrap();
    assert_eq!(
        (&allowed["source"], &allowed["owned_by"]),
        (&json!("allowed"), &json!("office"))
    );
    assert!(find("gpt-5.4*").is_none(), "a wildcard is no name");
    stage.end().await;
}

//! The journal, usage, switches, the first page and keys as they are shown.

use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::Stage;

fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[name].clone())
        .collect()
}

#[tokio::test]
async fn f133_the_journal_is_filtered_and_paged() {
    let stage = Stage::new().await;
    let a = stage.sign_in("a@example.com").await;
    let b = stage.sign_in("b@example.com").await;
    stage.ask("gpt-5.5").await;
    // The second account serves this one.
    a.script([Step::Forbidden403Json]);
    stage.ask("gpt-5.4").await;
    a.script([Step::json(
        400,
        r#"{"error":{"message":"no","code":"context_length_exceeded"}}"#,
    )]);
    b.script([Step::json(
        400,
        r#"{"error":{"message":"no","code":"context_length_exceeded"}}"#,
    )]);
    stage.ask("gpt-5.2").await;
    let (a, b) = (stage.id("a@example.com"), stage.id("b@example.com"));
    let models = |rows: Value| column(&rows, "model");
    let journal = async |query: &str| stage.get(&format!("/journal{query}")).await.ok();

    let all = journal("").await;
    assert_eq!(
        models(all.clone()),
        ["gpt-5.2", "gpt-5.4", "gpt-5.5"],
        "newest first"
    );
    assert_eq!(all[1]["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&all[1]["account"], &all[1]["status"]),
        (&json!("b@example.com"), &json!(200))
    );
    let second = all[1]["seq"].as_i64().unwrap();
    let request_id = all[2]["request_id"].as_str().unwrap();
    let cases = [
        ("?limit=1".to_owned(), vec!["gpt-5.2"]),
        (format!("?before={second}"), vec!["gpt-5.5"]),
        ("?outcome=failed".into(), vec!["gpt-5.2"]),
        ("?outcome=cancelled".into(), vec![]),
        ("?text=5.4".into(), vec!["gpt-5.4"]),
        ("?text=B@EXAMPLE".into(), vec!["gpt-5.4"]),
        (format!("?text={request_id}"), vec!["gpt-5.5"]),
        (format!("?account={b}&outcome=completed"), vec!["gpt-5.4"]),
        (format!("?account={a}&text=5.5"), vec!["gpt-5.5"]),
    ];
    for (query, expected) in cases {
        let found = models(journal(&query).await);
        if query.contains("B@EXAMPLE") {
            assert!(found.contains(&json!("gpt-5.4")), "{query}: {found:?}");
        } else {
            assert_eq!(found, expected, "{query}");
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn f70_usage_is_what_the_providers_told() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    stage.relay("office", &["m"]).await;
    stage.engine.discover_models().await;
    for model in ["gpt-5.5", "gpt-5.5", "m", "none-such"] {
        stage.ask(model).await;
    }
    let by = async |query: &str| stage.get(&format!("/usage{query}")).await.ok();
    let accounts = by("").await;
    let rows = &accounts["rows"];
    assert_eq!(column(rows, "label")[0], "a@example.com");
    assert_eq!(
        (&rows[0]["requests"], &rows[0]["successes"]),
        (&json!(2), &json!(2))
    );
    assert!(rows[0]["input_tokens"].as_i64().unwrap() > 0);
    assert_eq!(accounts["days"].as_array().unwrap().len(), 1);
    let models = by("?group=model").await;
    let of = |name: &str| {
        models["rows"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["key"] == name)
            .cloned()
            .unwrap()
    };
    assert_eq!(of("gpt-5.5")["requests"], 2);
    let failed = of("none-such");
    assert_eq!(
        (
            &failed["failures"],
            &failed["unknown_usage"],
            &failed["input_tokens"]
        ),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(
        column(&by("?group=client").await["rows"], "key"),
        ["(test)"]
    );
    let routes = by("?group=route").await;
    assert_eq!(column(&routes["rows"], "requests"), [4]);
    assert!(
        column(&routes["rows"], "key")[0]
            .as_str()
            .unwrap()
            .starts_with("/v1/")
    );
    assert_eq!(column(&routes["rows"], "images"), [0]);
    assert_eq!(column(&by("?group=day").await["rows"], "requests"), [4]);
    let office = stage.id("office");
    assert_eq!(
        column(
            &by(&format!("?account={office}&group=model")).await["rows"],
            "key"
        ),
        ["m"]
    );
    assert_eq!(by("?to=86400000").await["rows"], json!([]));
    assert_eq!(stage.get("/usage?group=colour").await.code(), "invalid");

    // F71: only what ended well has a time.
    let latency = stage.get("/usage/latency").await.ok();
    assert_eq!(column(&latency, "model"), ["gpt-5.5", "m"]);
    assert_eq!(column(&latency, "requests"), [2, 1]);
    assert_eq!(
        column(&latency, "account_label"),
        ["a@example.com", "office"]
    );
    assert!(latency[0]["p95_ms"].as_i64() >= latency[0]["average_ms"].as_i64());
    let later = stage
        .get(&format!("/usage/latency?from={}", i64::MAX))
        .await;
    assert_eq!(later.ok(), json!([]));

    let today = stage.get("/usage/today").await.ok();
    assert_eq!(
        (&today["requests"], &today["errors"]),
        (&json!(4), &json!(1))
    );
    assert!(today["tokens_in"].as_i64().unwrap() > 0 && today["tokens_out"].as_i64().unwrap() > 0);
    let spark = today["spark"].as_array().unwrap();
    assert_eq!(spark.len(), 48);
    assert_eq!(
        spark
            .iter()
            .map(|one| one["requests"].as_i64().unwrap())
            .sum::<i64>(),
        4
    );
    stage.end().await;
}

#[tokio::test]
async fn f48_switches_are_noted_and_taken_back() {
    let stage = Stage::new().await;
    assert_eq!(
        stage.post("/switches/undo", json!({})).await.code(),
        "not_found"
    );
    stage.sign_in("a@example.com").await;
    stage.sign_in("b@example.com").await;
    stage
        .post("/accounts/b@example.com/activate", json!({}))
        .await
        .ok();
    let switches = stage.get("/switches").await.ok();
    let last = &switches[0];
    assert_eq!(
        (&last["from"]["label"], &last["to"]["label"]),
        (&json!("a@example.com"), &json!("b@example.com"))
    );
    assert_eq!(
        (&last["reason"], &last["automatic"]),
        (&json!("manual"), &json!(false))
    );
    let active = stage.post("/switches/undo", json!({})).await.ok();
    assert_eq!(
        (&active["label"], &active["active"]),
        (&json!("a@example.com"), &json!(true))
    );
    let switches = stage.get("/switches?limit=2").await.ok();
    assert_eq!(column(&switches, "reason"), ["undo", "manual"]);
    stage.end().await;
}

#[tokio::test]
async fn f130_the_first_page_is_one_answer() {
    let stage = Stage::new().await;
    let empty = stage.get("/overview").await.ok();
    assert_eq!(
        (&empty["active"], &empty["attention"], &empty["resets"]),
        (&Value::Null, &json!([]), &json!([]))
    );
    stage.sign_in("a@example.com").await;
    let tired = stage.sign_in("b@example.com").await;
    tired.revoke_access();
    tired.script_refresh([
        simulator::RefreshStep::refused("invalid_grant"),
        simulator::RefreshStep::refused("invalid_grant"),
    ]);
    stage.post("/accounts/quota", json!({})).await.ok();
    stage.ask("gpt-5.5").await;
    let page = stage.get("/overview").await.ok();
    assert_eq!(page["active"]["label"], "a@example.com");
    assert_eq!(page["status"]["desktop"], true);
    assert_eq!(page["status"]["accounts"].as_array().unwrap().len(), 2);
    assert!(
        page["status"]["urls"]["openai"]
            .as_str()
            .unwrap()
            .ends_with("/v1")
    );
    assert_eq!(page["today"]["requests"], 1);
    assert_eq!(
        page["switches"].as_array().unwrap().len(),
        1,
        "the first account became active"
    );
    let resets = page["resets"].as_array().unwrap();
    assert_eq!(resets.len(), 2, "two windows of the account that told");
    assert!(resets.is_sorted_by_key(|reset| reset["resets_at"].as_i64()));
    stage.end().await;
}

#[tokio::test]
async fn f27_keys_are_made_and_revoked_and_never_shown() {
    let stage = Stage::new().await;
    let made = stage.post("/keys", json!({"name": "editor"})).await.ok();
    assert_eq!(made["name"], "editor");
    let key = secrecy::ExposeSecret::expose_secret(&stage.engine.key("editor").unwrap()).to_owned();
    let listed = stage.get("/keys").await;
    assert!(!listed.text.contains(&key) && !made.to_string().contains(&key));
    assert_eq!(column(&listed.ok(), "name"), ["default", "editor"]);
    assert_eq!(
        stage.post("/keys", json!({"name": "editor"})).await.code(),
        "invalid"
    );
    assert_eq!(
        stage.post("/keys", json!({"name": ""})).await.code(),
        "invalid"
    );
    let gone = stage
        .call(axum::http::Method::DELETE, "/keys/editor", None)
        .await;
    assert_eq!(gone.status.as_u16(), 204);
    let again = stage
        .call(axum::http::Method::DELETE, "/keys/editor", None)
        .await;
    assert_eq!(again.code(), "not_found");
    stage.end().await;
}

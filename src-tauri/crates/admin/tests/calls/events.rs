//! The live events: what is told as it happens, and what a slow reader is told.

use axum::http::Method;
use futures_util::StreamExt;
use serde_json::json;

use crate::stage::{Stage, next_of};

#[tokio::test]
async fn f130_what_changes_is_told_over_sse() {
    let stage = Stage::new().await;
    let response = stage.response(Method::GET, "/events", None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let frames = response.into_body().into_data_stream();
    let mut events = Box::pin(frames.flat_map(|frame| {
        let text = String::from_utf8(frame.unwrap().to_vec()).unwrap();
        let data: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        futures_util::stream::iter(data)
    }));
    stage.sign_in("a@example.com").await;
    let added = next_of(&mut events, "account_changed").await;
    assert_eq!(added["account"]["label"], "a@example.com");
    stage.sign_in("b@example.com").await;
    let (a, b) = (stage.id("a@example.com"), stage.id("b@example.com"));
    stage
        .post(&format!("/accounts/{b}/activate"), json!({}))
        .await
        .ok();
    let switched = loop {
        let switched = next_of(&mut events, "switched").await;
        if switched["switch"]["reason"] == "manual" {
            break switched;
        }
    };
    assert_eq!(switched["switch"]["to"]["id"], json!(b));
    stage
        .post("/accounts/order", json!({"ids": [b, a]}))
        .await
        .ok();
    assert_eq!(
        next_of(&mut events, "accounts_ordered").await["ids"],
        json!([b, a])
    );
    stage
        .post(&format!("/accounts/{a}/quota"), json!({}))
        .await
        .ok();
    let quota = next_of(&mut events, "quota").await;
    assert_eq!(
        (&quota["account_id"], &quota["quota"]["source"]),
        (&json!(a), &json!("query"))
    );
    stage.ask("gpt-5.5").await;
    let finished = next_of(&mut events, "request_finished").await;
    assert_eq!(
        (
            &finished["request"]["model"],
            &finished["request"]["outcome"]
        ),
        (&json!("gpt-5.5"), &json!("completed"))
    );
    stage
        .call(
            Method::PUT,
            "/settings/retry.max",
            Some(json!({"value": "3"})),
        )
        .await
        .ok();
    assert_eq!(
        next_of(&mut events, "settings_changed").await["key"],
        "retry.max"
    );
    assert!(next_of(&mut events, "status").await["status"]["url"].is_string());
    let begun = stage.post("/signin", json!({"kind": "browser"})).await.ok();
    let path = format!("/signin/{}", begun["id"].as_str().unwrap());
    stage.call(Method::DELETE, &path, None).await.ok();
    assert_eq!(next_of(&mut events, "sign_in").await["id"], begun["id"]);
    stage
        .call(Method::DELETE, &format!("/accounts/{a}"), None)
        .await;
    assert_eq!(
        next_of(&mut events, "account_removed").await["id"],
        json!(a)
    );
    stage.end().await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_to_look_again() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let id = stage.id("a@example.com");
    let mut slow = std::pin::pin!(admin::events(stage.engine.clone()));
    for _ in 0..300 {
        stage
            .post(&format!("/accounts/{id}/try-now"), json!({}))
            .await
            .ok();
    }
    assert_eq!(slow.next().await.unwrap()["type"], "lagged");
    assert_eq!(
        slow.next().await.unwrap()["type"],
        "account_changed",
        "and goes on with what is still known"
    );
    stage.end().await;
}

//! Clearing and resets as calls: each does its own (F74, F129), and the calls with paths are not a browser's (F9).

use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn f74_each_sort_is_cleared_alone() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    stage.engine.discover_models().await;
    stage.ask("gpt-5.5").await.ok();
    stage.get("/quota?refresh=true").await.ok();
    let id = stage.id("a@example.com");
    let seen = async || {
        let journal = stage.get("/journal").await.ok();
        let usage = stage.get("/usage").await.ok();
        let path = format!("/quota/history?account={id}");
        let history = stage.get(&path).await.ok();
        (
            journal.as_array().unwrap().len(),
            usage["rows"].as_array().unwrap().len(),
            !history["series"].as_array().unwrap().is_empty(),
        )
    };
    assert_eq!(seen().await, (1, 1, true));
    let clear = async |path: &str| {
        let answer = stage
            .call(axum::http::Method::DELETE, path, None)
            .await
            .ok();
        answer["count"].as_u64().unwrap()
    };
    assert_eq!(clear("/usage").await, 1);
    assert_eq!(seen().await, (1, 0, true));
    assert!(clear("/quota/history").await > 0);
    assert_eq!(seen().await, (1, 0, false));
    assert_eq!(clear("/journal").await, 1);
    assert_eq!(seen().await, (0, 0, false));
    stage.end().await;
}

#[tokio::test]
async fn f129_a_reset_needs_its_words() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    for body in [json!({}), json!({"confirm": "yes"})] {
        assert_eq!(stage.post("/reset", body).await.code(), "invalid");
    }
    assert_eq!(stage.engine.accounts().len(), 1);
    let out = stage.post("/accounts/log-out", json!({})).await.ok();
    assert_eq!(out["count"], 1);
    let account = stage.get("/accounts/a@example.com").await.ok();
    assert_eq!(account["health"], "needs_login");
    stage.end().await;
}

#[tokio::test]
async fn f125_backups_with_paths_are_not_offered_to_a_browser() {
    let mut stage = Stage::new().await;
    stage.router = admin::router(stage.engine.clone());
    for path in ["/backup/file", "/backup/file/restore", "/diagnostics/file"] {
        let body = json!({"path": "/x", "text": "x"});
        assert_eq!(stage.post(path, body).await.code(), "not_found", "{path}");
    }
    stage.router = admin::window(stage.engine.clone());
    for name in ["switchyard.db.backup-1", "..%2Fx", "%2e%2e"] {
        let preview = stage.get(&format!("/backups/{name}")).await;
        assert_eq!(preview.code(), "not_found", "{name}");
    }
    stage.end().await;
}

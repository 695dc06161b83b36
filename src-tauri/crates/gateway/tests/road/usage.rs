//! The pool's answer to the Codex CLI's usage question (issue 4, codex-backend 5.3).

use pool::{AccountId, QuotaSnapshot, QuotaSource, QuotaWindow, Timestamp};
use serde_json::{Value, json};

use crate::stage::{NOW, Stage};

fn window(used_percent: f64, hours: i64) -> Option<QuotaWindow> {
    Some(QuotaWindow {
        used_percent,
        length: Some(std::time::Duration::from_secs(hours.unsigned_abs() * 3600)),
        resets_at: Some(Timestamp::from_secs(NOW + 3600)),
    })
}

fn observe(stage: &Stage, name: &str, first: f64, second: f64) {
    let now = Timestamp::from_secs(NOW);
    let quota = QuotaSnapshot {
        plan: Some("plus".into()),
        primary: window(first, 5),
        secondary: window(second, 168),
        ..QuotaSnapshot::empty(now, QuotaSource::Query)
    };
    stage.pool.with(|pool| {
        pool.observe_quota(now, &AccountId::from(name), quota);
    });
}

fn told(answer: &Value) -> Value {
    let limit = &answer["rate_limit"];
    json!([
        limit["allowed"],
        limit["limit_reached"],
        limit["primary_window"]["used_percent"],
        answer["rate_limit_reached_type"]["type"],
        answer["switchyard"]["usable"],
        answer["switchyard"]["account"]
    ])
}

#[tokio::test]
async fn the_composer_is_open_while_any_account_has_room() {
    let mut stage = Stage::set().await;
    stage.codex("work");
    stage.codex("home");
    observe(&stage, "work", 100.0, 40.0);
    observe(&stage, "home", 30.2, 10.0);
    for path in ["/api/codex/usage", "/wham/usage", "/backend-api/wham/usage"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            told(&answer.json()),
            json!([true, false, 31, null, 1, "home"])
        );
        assert_eq!(answer.json()["plan_type"], "plus");
    }
    observe(&stage, "home", 100.0, 10.0);
    let answer = stage.get("/wham/usage").await.json();
    assert_eq!(
        told(&answer),
        json!([false, true, 100, "rate_limit_reached", 0, "work"])
    );
    let first = &answer["rate_limit"]["primary_window"];
    assert_eq!(first["reset_at"], NOW + 3600);
    assert_eq!(first["limit_window_seconds"], 18_000);
    // A relay serves the CLI too, but not where it asked for Codex accounts alone.
    stage.relay("spare", pool::Format::Responses);
    let answer = stage.get("/v1/api/codex/usage").await.json();
    assert_eq!(told(&answer), json!([true, false, null, null, 1, "spare"]));
    let answer = stage.get("/codex/v1/api/codex/usage").await.json();
    assert_eq!(answer["rate_limit"]["allowed"], false);
    // No provider was asked for any of this, and nothing of it is a request of the journal.
    assert!(stage.simulator.requests().is_empty());
}

#[tokio::test]
async fn f26_the_usage_asks_for_the_key_like_every_route() {
    let stage = Stage::set().await;
    let url = format!("http://{}/api/codex/usage", stage.address());
    let answer = stage.http.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let answer = stage.request("/api/codex/usage").send().await.unwrap();
    assert_eq!(answer.status(), 405);
    let empty = stage.get("/api/codex/usage").await.json();
    assert_eq!(empty["rate_limit"]["allowed"], true);
}

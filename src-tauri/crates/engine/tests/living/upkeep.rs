//! What the engine asks by itself (F68, F122). The clockwork is tested under paused time in the room; here is that it asks at all.

use engine::EngineEvent;
use simulator::{Quota, Step};

use crate::stage::{Stage, send};

#[tokio::test]
async fn f122_after_a_sleep_quota_is_asked_once() {
    let mut stage = Stage::set([Quota::used(20.0, 5.0)], &[]).await;
    stage.engine.resumed();
    let read = |event: &EngineEvent| matches!(event, EngineEvent::Quota(_)).then_some(());
    stage.event("a reading", read).await;
    let account = &stage.engine.accounts()[0];
    assert_eq!(account.remaining_percent, Some(80.0));
    assert_eq!(stage.simulator.requests_to("/wham/usage").len(), 1);
    // Requests go on over new connections.
    assert_eq!(stage.ask().await.status, 200);
    // What the Codex CLI is told is what was read.
    let usage = send(&stage.engine, "GET", "/api/codex/usage", "").await;
    let usage: serde_json::Value = serde_json::from_str(&usage.body).unwrap();
    assert_eq!(usage["rate_limit"]["primary_window"]["used_percent"], 20);
    assert_eq!(usage["switchyard"]["account"], "a@example.com");
    stage.end().await;
}

#[tokio::test]
async fn f68_a_reading_nobody_asked_for_may_move_the_active_account() {
    let quotas = [Quota::used(100.0, 5.0), Quota::used(1.0, 1.0)];
    let mut stage = Stage::set(quotas, &[("auto_switch.enabled", "true")]).await;
    assert_eq!(stage.active(), "a@example.com");
    stage.engine.resumed();
    let switched = |event: &EngineEvent| match event {
        EngineEvent::Switched(switch) if switch.automatic && switch.from.is_some() => Some(()),
        _ => None,
    };
    stage.event("the switch", switched).await;
    assert_eq!(stage.active(), "b@example.com");
    stage.end().await;
}

#[tokio::test]
async fn f64_a_limit_without_a_reset_is_looked_into_at_once() {
    let mut stage = Stage::set([Quota::used(20.0, 5.0), Quota::default()], &[]).await;
    stage
        .simulator
        .script(&stage.accounts[0], [Step::UsageLimitBare]);
    let answer = stage.ask().await;
    assert_eq!(
        (answer.status, answer.header("x-switchyard-account")),
        (200, Some("b@example.com"))
    );
    let id = stage.engine.accounts()[0].id.clone();
    let read = |event: &EngineEvent| match event {
        EngineEvent::AccountChanged(changed) if *changed == id => Some(()),
        EngineEvent::Quota(changed) if *changed == id => Some(()),
        _ => None,
    };
    let by_query = |stage: &Stage| {
        let quota = stage.engine.accounts()[0].quota.clone();
        quota.is_some_and(|quota| quota.source == engine::QuotaSource::Query)
    };
    while !by_query(&stage) {
        stage.event("a reading", read).await;
    }
    // The endpoint does not know of the refusal yet: what was refused is not asked again within the minute.
    assert_eq!(stage.engine.accounts()[0].health, "exhausted");
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.simulator.requests_to("/codex/responses").len(), 3);
    assert_eq!(stage.simulator.requests_to("/wham/usage").len(), 1);
    stage.end().await;
}

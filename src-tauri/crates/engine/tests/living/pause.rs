//! A paused gateway: new requests are refused in their dialect, running ones go on.

use std::time::Duration;

use engine::EngineEvent;
use simulator::{Gate, Quota, Step};
use tokio::io::AsyncReadExt;

use crate::stage::{Stage, connect, prompt, send};

#[tokio::test]
async fn new_requests_are_refused_and_running_ones_go_on() {
    let stage = Stage::set([Quota::default()], &[]).await;
    let gate = Gate::new();
    let held = Step::Gated {
        events: 6,
        gate: gate.clone(),
    };
    stage.simulator.script(&stage.accounts[0], [held]);
    let mut running = connect(&stage.engine, "POST", "/v1/chat/completions", &prompt(true)).await;
    let mut seen = vec![0; 12];
    running.read_exact(&mut seen).await.unwrap();
    assert_eq!(seen, b"HTTP/1.1 200");

    stage.engine.pause(None);
    let status = stage.engine.status();
    assert_eq!((status.paused, status.icon), (Some(None), "stopped"));
    let cases = [
        ("POST", "/v1/chat/completions", r#""code":"paused""#),
        ("POST", "/v1/responses", r#""code":"paused""#),
        ("POST", "/v1/messages", r#""type":"overloaded_error""#),
        (
            "POST",
            "/v1beta/models/m:generateContent",
            r#""status":"UNAVAILABLE""#,
        ),
        ("GET", "/v1/models", r#""code":"paused""#),
    ];
    for (method, path, said) in cases {
        let answer = send(&stage.engine, method, path, &prompt(false)).await;
        assert_eq!(answer.status, 503, "{path} {answer:?}");
        assert!(answer.body.contains(said), "{path} {}", answer.body);
        assert_eq!(answer.header("retry-after"), None);
    }
    let health = stage.get("/health").await;
    assert!(health.body.contains(r#""status":"paused""#), "{health:?}");
    assert!(health.body.contains(r#""ready":false"#));

    gate.release();
    let mut rest = String::new();
    running.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("[DONE]"), "{rest}");

    stage.engine.resume();
    assert_eq!(stage.engine.status().paused, None);
    assert_eq!(stage.ask().await.status, 200);
    stage.end().await;
}

#[tokio::test]
async fn a_pause_with_an_end_ends_by_itself() {
    let mut stage = Stage::set([Quota::default()], &[]).await;
    stage.engine.pause(Some(Duration::from_secs(1)));
    let refused = stage.ask().await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    assert!(stage.engine.paused_until().is_some());
    // The first tells the beginning.
    for what in ["the pause", "its end"] {
        let state = |event: &EngineEvent| matches!(event, EngineEvent::Status).then_some(());
        stage.event(what, state).await;
    }
    assert_eq!(stage.engine.paused(), None);
    assert_eq!(stage.ask().await.status, 200);
    stage.end().await;
}

#[tokio::test]
async fn a_longer_pause_outlives_the_end_of_a_shorter_one() {
    let mut stage = Stage::set([Quota::default()], &[]).await;
    stage.engine.pause(Some(Duration::from_millis(50)));
    stage.engine.pause(None);
    stage.engine.pause(Some(Duration::from_millis(300)));
    stage.engine.pause(None);
    let timer = tokio::time::timeout(Duration::from_millis(600), async {
        for _ in 0..5 {
            let state = |event: &EngineEvent| matches!(event, EngineEvent::Status).then_some(());
            stage.event("a state", state).await;
        }
    });
    assert!(timer.await.is_err(), "nothing tells an end");
    assert_eq!(stage.engine.paused(), Some(None));
    stage.end().await;
}

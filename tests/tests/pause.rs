//! Pausing from the command line, and what a switch looks like there (F41, F48).

use simulator::Step;
use tests::{TestApp, codex};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_gateway_says_so_and_serves_again() {
    let app = TestApp::new("pause").account(codex("one")).start().await;
    let paused = app.cli(&["pause", "30"]).await.expect_success("pause");
    assert!(paused.stdout.starts_with("Paused"), "{}", paused.stdout);
    let answer = app.chat("say:hello").await;
    assert_eq!(answer.header("retry-after"), "1800");
    let error = answer.expect_error(503);
    assert_eq!(error["code"], "paused");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("switchyard resume"), "{message}");
    let status = app.cli(&["status", "--json"]).await.json();
    assert_eq!(status["icon_state"], "stopped");
    app.cli(&["resume"]).await.expect_success("resume");
    assert_eq!(app.chat("say:hello").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_running_gateway_there_is_nothing_to_pause() {
    let app = TestApp::new("no-pause").prepare().await;
    let run = app.cli(&["pause"]).await;
    assert_eq!(run.code(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("nothing is running"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_shows_in_the_status() {
    let limit = Step::UsageLimit { resets_in_s: 600 };
    let app = TestApp::new("switch")
        .account(codex("one").script([limit]))
        .account(codex("two"))
        .start()
        .await;
    app.cli(&["settings", "set", "auto_switch.enabled", "true"])
        .await
        .expect_success("the setting");
    assert_eq!(app.chat("say:hello").await.status, 200);
    let status = app.cli(&["status", "--json"]).await.json();
    assert_eq!(status["auto_switch"], true);
    let active = status["accounts"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|account| account["active"] == true);
    let label = active.and_then(|account| account["label"].as_str());
    assert!(
        label.is_some_and(|label| label.starts_with("two")),
        "{label:?}"
    );
    let said = app.cli(&["status"]).await.expect_success("status").stdout;
    assert!(said.contains("auto-switch on"), "{said}");
}

//! Access tokens are refreshed once, stored before they are used, and never lost by a crash (F15 to F19, F22).

use futures_util::future::join_all;
use std::collections::BTreeSet;
use tests::{Gate, RefreshStep, Scripted, Step, TestApp, codex};

/// The refresh tokens that were sent to the token endpoint, in order.
fn refresh_tokens_sent(app: &TestApp) -> Vec<String> {
    let calls = app.simulator().requests_to("/oauth/token");
    let bodies = calls
        .iter()
        .filter_map(|seen| serde_json::from_slice::<serde_json::Value>(&seen.body).ok());
    bodies
        .filter_map(|body| body["refresh_token"].as_str().map(str::to_owned))
        .collect()
}

/// F16.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_requests_on_an_expired_account_make_one_token_call() {
    let app = TestApp::new("single-flight")
        .account(codex("only").expired())
        .start()
        .await;
    let answers = join_all((0..50).map(|number| {
        let app = &app;
        async move {
            (
                number,
                app.chat(&format!("say:answer-{number}")).await.text(),
            )
        }
    }))
    .await;
    for (number, text) in answers {
        assert_eq!(text, format!("answer-{number}"));
    }
    assert_eq!(app.codex_account(0).token_calls(), 1);
}

/// F17: a refresh token that a killed process has rotated and used is still there, and the spent one is not sent again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_keeps_its_refresh_token() {
    let mut app = TestApp::new("crash").account(codex("start")).start().await;
    for round in 0..5 {
        app.replace_accounts(vec![codex(&format!("round-{round}")).expired()])
            .await;
        let gate = Gate::new();
        app.codex_account(0)
            .script([Step::GatedHeaders { gate: gate.clone() }]);
        let body = app.chat_body("say:lost", false).to_string();
        let request = app.request("/v1/chat/completions", body).send();
        // The upstream has the request, so the new access token is in use; now the process dies.
        tokio::select! {
            answer = request => panic!("round {round}: answered too early: {:?}", answer.map(|answer| answer.status())),
            () = gate.wait_reached(1) => {}
        }
        app.kill().await;
        gate.release();
        app.serve().await;
        assert_eq!(app.chat("say:alive").await.text(), "alive", "round {round}");
        app.cli(&["account", "refresh"])
            .await
            .expect_success("the stored refresh token is good");
        assert_eq!(
            app.codex_account(0).token_calls(),
            2,
            "round {round}: one before the crash, one asked for"
        );
    }
    let sent = refresh_tokens_sent(&app);
    assert_eq!(sent.len(), 10);
    assert_eq!(
        sent.iter().collect::<BTreeSet<_>>().len(),
        sent.len(),
        "a spent refresh token was sent again"
    );
}

/// F18, F19: no answer of the token endpoint takes the account away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refused_refresh_removes_an_account() {
    let refusals = [
        RefreshStep::refused("refresh_token_expired"),
        RefreshStep::refused("refresh_token_reused"),
        RefreshStep::refused("refresh_token_invalidated"),
        RefreshStep::InvalidGrant,
        RefreshStep::Http500,
        RefreshStep::RateLimited {
            retry_after: Some("30".to_owned()),
        },
        RefreshStep::Region403,
        RefreshStep::Reset,
    ];
    let mut app = TestApp::new("refusals")
        .account(codex("start"))
        .start()
        .await;
    for (number, refusal) in refusals.into_iter().enumerate() {
        app.replace_accounts(vec![
            codex(&format!("refused-{number}")).expired(),
            codex(&format!("healthy-{number}")),
        ])
        .await;
        app.codex_account(0)
            .script_refresh([refusal.clone(), refusal.clone()]);
        assert_eq!(app.chat("say:hello").await.text(), "hello", "{refusal:?}");
        assert_eq!(app.account_ids().await.len(), 2, "{refusal:?}");
    }
}

/// F22: a 401 costs the client nothing, and the account comes back with new tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_access_token_is_replaced() {
    let app = TestApp::new("revoked")
        .account(codex("first"))
        .account(codex("second"))
        .start()
        .await;
    app.codex_account(0).revoke_access();
    assert_eq!(app.chat("say:hello").await.text(), "hello");
    // The refresh runs beside the requests: in a bounded number of them the account is back.
    let mut back = false;
    for _ in 0..200 {
        assert_eq!(app.chat("say:hello").await.text(), "hello");
        let last = app.upstream_requests().pop().and_then(|seen| seen.account);
        if last.as_deref() == Some(app.upstreams()[0].label()) {
            back = true;
            break;
        }
    }
    assert!(back, "the first account does not come back");
    assert_eq!(app.codex_account(0).token_calls(), 1);
}

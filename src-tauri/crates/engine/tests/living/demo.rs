//! Simulated accounts: added and removed as one, apart from real ones, gone after a restart.

use engine::{NoticeKind, VaultChoice};
use secrecy::SecretString;
use simulator::Quota;

use crate::stage::{Stage, open};

fn ids(stage: &Stage) -> Vec<String> {
    let accounts = stage.engine.accounts().into_iter();
    accounts
        .filter(|account| account.demo)
        .map(|account| account.id.to_string())
        .collect()
}

#[tokio::test]
async fn a_newcomer_sees_falling_quota_and_a_switch_and_no_trace_is_left() {
    let mut stage = Stage::set([], &[]).await;
    let added = stage.engine.add_demo_accounts().await.unwrap();
    let labels: Vec<_> = added.iter().map(|account| account.label.as_str()).collect();
    assert_eq!(labels, ["demo: work@example.com", "demo: home@example.com"]);
    assert!(added.iter().all(|account| account.demo));
    assert!(
        !stage.engine.status().auto_switch,
        "the setting is not touched"
    );
    let again = stage.engine.add_demo_accounts().await.unwrap();
    assert_eq!(again.len(), 2, "once is enough");
    let ids = ids(&stage);
    let results = stage.engine.refresh(None).await.unwrap();
    assert!(
        results.iter().all(|result| result.result == "skipped"),
        "nothing of it is ever sent to a sign-in server"
    );
    for _ in 0..4 {
        assert_eq!(stage.ask().await.status, 200);
    }
    assert_eq!(stage.active(), "demo: home@example.com");
    let notice = stage.notice(NoticeKind::Switched).await;
    assert_eq!(notice.account.unwrap().1, "demo: work@example.com");
    assert!(!stage.engine.requests(10).await.unwrap().is_empty());

    stage.engine.remove_demo_accounts().await.unwrap();
    assert!(stage.engine.accounts().is_empty());
    assert!(stage.engine.models().is_empty());
    let traces = stage.engine.requests(10).await.unwrap();
    assert!(traces.is_empty(), "{traces:?}");
    let switches = stage.engine.switches(10).await.unwrap();
    assert!(switches.is_empty(), "{switches:?}");
    assert_eq!(stage.ask().await.status, 503);
    stage.engine.remove_demo_accounts().await.unwrap();
    let Stage { folder, engine, .. } = stage;
    engine.shutdown(std::time::Duration::ZERO).await;
    let passphrase = Some(SecretString::from("correct horse"));
    let vault = vault::open(VaultChoice::File, folder.path(), passphrase).unwrap();
    for id in ids {
        assert!(vault.get(&format!("account-{id}")).unwrap().is_none());
    }
}

#[tokio::test]
async fn they_are_swept_away_at_the_next_start() {
    let stage = Stage::set([], &[]).await;
    stage.engine.add_demo_accounts().await.unwrap();
    let ids = ids(&stage);
    let Stage { folder, engine, .. } = stage;
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let engine = open(folder.path(), &[("server.port", "0")], None).await;
    assert!(engine.accounts().is_empty());
    assert!(engine.switches(10).await.unwrap().is_empty());
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let passphrase = Some(SecretString::from("correct horse"));
    let vault = vault::open(VaultChoice::File, folder.path(), passphrase).unwrap();
    for id in ids {
        assert!(vault.get(&format!("account-{id}")).unwrap().is_none());
    }
}

#[tokio::test]
async fn real_requests_never_reach_a_simulated_account() {
    let stage = Stage::set([Quota::default()], &[]).await;
    stage.engine.add_demo_accounts().await.unwrap();
    assert_eq!(
        stage.active(),
        "a@example.com",
        "a real account stays active"
    );
    let limit = simulator::Step::UsageLimit { resets_in_s: 3600 };
    stage.simulator.script(&stage.accounts[0], [limit]);
    let refused = stage.ask().await;
    assert_eq!(refused.status, 429, "{refused:?}");
    let explained = stage.engine.explain("gpt-5.4");
    let codes: Vec<_> = explained.iter().map(|line| line.code).collect();
    assert_eq!(codes, [Some("exhausted"), Some("demo"), Some("demo")]);
    // Who chooses one gets it, and nothing else.
    stage
        .engine
        .activate("demo: work@example.com")
        .await
        .unwrap();
    let answer = stage.ask().await;
    let by = answer.header("x-switchyard-account");
    assert_eq!((answer.status, by), (200, Some("demo: work@example.com")));
    stage.engine.remove_demo_accounts().await.unwrap();
    assert_eq!(stage.engine.accounts().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn a_real_account_ends_the_show() {
    let mut stage = Stage::set([], &[]).await;
    stage.engine.add_demo_accounts().await.unwrap();
    assert_eq!(stage.active(), "demo: work@example.com");
    let setup = simulator::AccountSetup::new("a@example.com");
    stage.accounts = vec![stage.simulator.add_codex_account(setup)];
    stage.import().await;
    assert_eq!(stage.active(), "a@example.com");
    let answer = stage.ask().await;
    let by = answer.header("x-switchyard-account");
    assert_eq!((answer.status, by), (200, Some("a@example.com")));
    stage.engine.remove_demo_accounts().await.unwrap();
    assert_eq!(stage.active(), "a@example.com");
    stage.end().await;
}

//! Balances while the engine runs: asked, judged, told, and back without anybody's doing (F111, F112).

use engine::{AccountView, BalanceChange, KeyAccountExtras, NewKeyAccount, NoticeKind};
use secrecy::SecretString;
use simulator::{Endpoint, RelayKey, Scripted, Step, Wallet};

use crate::stage::{Stage, open};

/// A relay account at the simulator.
pub async fn relay(stage: &Stage, name: &str) -> (RelayKey, AccountView) {
    let key = stage.simulator.add_relay_key(&format!("sk-balance-{name}"));
    let account = stage
        .engine
        .add_key_account(NewKeyAccount {
            kind: "relay".into(),
            label: name.into(),
            base_url: stage.simulator.relay_base_url(),
            format: "openai".into(),
            key: SecretString::from(key.key.clone()),
            models: None,
            group: None,
            priority: None,
            proxy: None,
            extras: KeyAccountExtras::default(),
        })
        .await
        .unwrap();
    (key, account)
}

fn choose(adapter: &str) -> BalanceChange {
    BalanceChange {
        adapter: Some(Some(adapter.into())),
        threshold: None,
    }
}

#[tokio::test]
async fn f112_an_empty_account_is_passed_over_until_it_is_topped_up() {
    let mut stage = Stage::set([], &[("balance.poll", "false")]).await;
    let engine = stage.engine.clone();
    let (key, first) = relay(&stage, "first").await;
    let (_, _) = relay(&stage, "second").await;
    assert_eq!(
        first.balance, None,
        "nobody is asked unless the host or the person says so"
    );
    assert!(engine.query_balance_of("first").await.is_err());
    engine
        .change_balance("first", choose("deepseek"))
        .await
        .unwrap();

    key.set_wallet(Wallet::holding("CNY", "3.07"));
    let read = engine.query_balance_of("first").await.unwrap();
    assert_eq!(read.score, 29, "F63: 100 × (3.07 - 0.20) / 10");
    let balance = read.balance.unwrap();
    assert!(balance.ok && balance.chosen && !balance.low, "{balance:?}");
    assert_eq!(
        (balance.adapter.as_str(), balance.amounts[0].total.as_str()),
        ("deepseek", "3.07")
    );
    assert_eq!(balance.threshold, "0.20");
    assert_eq!(
        stage.ask().await.header("x-switchyard-account"),
        Some("first")
    );

    key.set_wallet(Wallet::holding("CNY", "0.20"));
    let low = engine.query_balance_of("first").await.unwrap();
    assert!(low.balance.as_ref().unwrap().low);
    assert_eq!(low.score, 0, "F63");
    assert_eq!(
        low.reason.as_deref(),
        Some("its balance is at or below its threshold")
    );
    let notice = stage.notice(NoticeKind::BalanceLow).await;
    assert_eq!(notice.account.unwrap().1, "first");
    assert_eq!(
        stage.ask().await.header("x-switchyard-account"),
        Some("second")
    );
    let why = engine.explain("gpt-5.4");
    assert_eq!(why[1].code, Some("balance_low"));

    // What cannot be asked stays as it was, with its age.
    key.script_at(Endpoint::Balance, [Step::Http500]);
    let failed = engine
        .query_balance_of("first")
        .await
        .unwrap()
        .balance
        .unwrap();
    assert!(
        !failed.ok && failed.error.is_some() && failed.low,
        "{failed:?}"
    );
    assert_eq!(failed.checked_at, low.balance.unwrap().checked_at);

    key.set_wallet(Wallet::holding("CNY", "0.21"));
    assert_eq!(engine.query_balances().await, (1, 0));
    stage.notice(NoticeKind::Recovered).await;
    assert_eq!(
        stage.ask().await.header("x-switchyard-account"),
        Some("first")
    );

    // A threshold of one's own acts at once, and outlives a restart like the last value.
    let own = BalanceChange {
        threshold: Some(Some("5".into())),
        ..BalanceChange::default()
    };
    engine.change_balance("first", own).await.unwrap();
    assert_eq!(
        stage.ask().await.header("x-switchyard-account"),
        Some("second")
    );
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let Stage {
        folder,
        simulator,
        engine,
        ..
    } = stage;
    drop(engine);
    let again = open(
        folder.path(),
        &[("server.port", "0"), ("balance.poll", "false")],
        Some(&simulator),
    )
    .await;
    let kept = again.account("first").unwrap().balance.unwrap();
    assert_eq!(
        (
            kept.amounts[0].total.as_str(),
            kept.threshold.as_str(),
            kept.low
        ),
        ("0.21", "5.00", true)
    );
    assert_eq!(again.explain("gpt-5.4")[1].code, Some("balance_low"));
    again.shutdown(std::time::Duration::ZERO).await;
}

#[tokio::test]
async fn f111_a_rule_of_ones_own_is_judged_like_any_reading() {
    let stage = Stage::set([], &[("balance.poll", "false")]).await;
    let engine = stage.engine.clone();
    let (key, _) = relay(&stage, "first").await;
    for bad in [
        "/user/balance#total=pointer",
        "https://bank.example.com/b#total=/a",
        "http://bank.example.com/b#total=/a&send_key=yes",
    ] {
        let refused = engine.change_balance("first", choose(bad)).await;
        assert!(refused.is_err(), "{bad}");
    }
    let rule = "/user/balance#total=/balance_infos/0/total_balance&per=10";
    engine.change_balance("first", choose(rule)).await.unwrap();
    key.set_wallet(Wallet::holding("USD", "1.99"));
    let balance = engine.query_balance_of("first").await.unwrap();
    let balance = balance.balance.unwrap();
    assert_eq!(
        (balance.adapter.as_str(), balance.amounts[0].total.as_str()),
        (rule, "0.199")
    );
    assert!(balance.ok && balance.low, "{balance:?}");
    stage.end().await;
}

#[tokio::test]
async fn f112_balances_are_asked_without_a_click() {
    let mut stage = Stage::set([], &[]).await;
    let (key, _) = relay(&stage, "first").await;
    key.set_wallet(Wallet::holding("USD", "0.05"));
    stage
        .engine
        .change_balance("first", choose("openai_billing"))
        .await
        .unwrap();
    stage.notice(NoticeKind::BalanceLow).await;
    let account = stage.engine.account("first").unwrap();
    assert_eq!(account.balance.unwrap().amounts[0].total, "0.05");
    assert_eq!(stage.ask().await.status, 429, "nobody is left");
    stage.end().await;
}

#[tokio::test]
async fn f110_plan_windows_come_into_the_quota_and_an_empty_plan_rests() {
    let stage = Stage::set([], &[("balance.poll", "false")]).await;
    let (key, _) = relay(&stage, "plan").await;
    let engine = stage.engine.clone();
    engine.change_balance("plan", choose("zai")).await.unwrap();
    let window = |used| simulator::QuotaWindow::new(used, 18_000);
    key.set_wallet(Wallet {
        plan: Some((window(42.0), simulator::QuotaWindow::new(7.0, 604_800))),
        ..Wallet::default()
    });
    let told = engine.query_balance_of("plan").await.unwrap();
    assert_eq!(told.remaining_percent, Some(58.0));
    assert_eq!(told.quota.unwrap().secondary.unwrap().used_percent, 7.0);
    key.set_wallet(Wallet {
        error: Some(1310),
        ..Wallet::default()
    });
    let told = engine.query_balance_of("plan").await.unwrap();
    assert_eq!(told.health, "exhausted");
    assert!(told.usable_again_at.is_some(), "until nextResetTime");
    key.set_wallet(Wallet {
        error: Some(1113),
        ..Wallet::default()
    });
    let told = engine
        .query_balance_of("plan")
        .await
        .unwrap()
        .balance
        .unwrap();
    assert!(told.unavailable && told.low, "1113 is no balance: {told:?}");
    stage.end().await;
}

#[tokio::test]
async fn f112_wishes_that_make_no_sense_are_refused() {
    let stage = Stage::set([crate::stage::falling(1.0, 0.0)], &[]).await;
    relay(&stage, "first").await;
    let engine = &stage.engine;
    let wish = |adapter: Option<&str>, threshold: Option<&str>| BalanceChange {
        adapter: adapter.map(|word| Some(word.to_owned())),
        threshold: threshold.map(|text| Some(text.to_owned())),
    };
    for bad in [
        wish(Some("bank"), None),
        wish(None, Some("much")),
        wish(None, Some("-1")),
    ] {
        let refused = engine.change_balance("first", bad.clone()).await;
        assert!(refused.is_err(), "{bad:?}");
    }
    assert!(
        engine
            .change_balance("a@example.com", wish(None, Some("1")))
            .await
            .is_err()
    );
    stage.end().await;
}

//! The active account changes by itself (F41–F48).

use engine::{EngineEvent, NoticeKind};
use simulator::{Quota, Step};

use crate::stage::{Stage, falling, open, short};

const ON: (&str, &str) = ("auto_switch.enabled", "true");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f46_twenty_parallel_requests_cause_one_switch_and_no_error() {
    let mut stage = Stage::set([falling(96.0, 2.0), falling(1.0, 0.0)], &[ON]).await;
    let asked = (0..20).map(|_| stage.ask());
    let answers = futures_util::future::join_all(asked).await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let notice = stage.notice(NoticeKind::Switched).await;
    let label = |account: Option<(String, String)>| account.unwrap().1;
    assert_eq!(
        (label(notice.account), label(notice.other)),
        ("a@example.com".into(), "b@example.com".into())
    );
    assert_eq!(notice.reason.as_deref(), Some("exhausted"));
    assert!(notice.back_at.is_some());
    assert_eq!(stage.active(), "b@example.com");
    let history = stage.engine.switches(10).await.unwrap();
    let automatic = history
        .iter()
        .filter(|switch| switch.automatic && switch.from.is_some());
    assert_eq!(automatic.count(), 1, "{history:?}");
    stage.end().await;
}

#[tokio::test]
async fn f46_the_request_that_meets_the_limit_runs_on_the_new_account() {
    let stage = Stage::set([Quota::default(), Quota::default()], &[ON]).await;
    let limit = Step::UsageLimit { resets_in_s: 3600 };
    stage.simulator.script(&stage.accounts[0], [limit]);
    let answer = stage.ask().await;
    assert_eq!(
        (answer.status, answer.header("x-switchyard-account")),
        (200, Some("b@example.com"))
    );
    assert_eq!(stage.active(), "b@example.com");
    stage.end().await;
}

#[tokio::test]
async fn f41_off_is_off() {
    let mut stage = Stage::set([Quota::default(), Quota::default()], &[]).await;
    let limit = Step::UsageLimit { resets_in_s: 3600 };
    stage.simulator.script(&stage.accounts[0], [limit]);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "a@example.com");
    // Switched on, the next request finds it used up.
    let changed = stage
        .engine
        .change_setting("auto_switch.enabled", Some("true"));
    changed.await.unwrap();
    assert!(stage.engine.status().auto_switch);
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "b@example.com");
    stage.notice(NoticeKind::Switched).await;
    stage.end().await;
}

#[tokio::test]
async fn f48_a_switch_is_kept_and_can_be_taken_back() {
    let mut stage = Stage::set(
        [Quota::default(), Quota::default()],
        &[ON, ("notifications.switched", "false")],
    )
    .await;
    let limit = Step::UsageLimit { resets_in_s: 3600 };
    stage.simulator.script(&stage.accounts[0], [limit]);
    assert_eq!(stage.ask().await.status, 200);
    let switched = |event: &EngineEvent| match event {
        EngineEvent::Switched(switch) if switch.reason == "exhausted" => Some(switch.clone()),
        _ => None,
    };
    let switch = stage.event("the switch", switched).await;
    assert!(switch.automatic && !switch.avoided && switch.back_at.is_some());
    stage.engine.undo_switch().await.unwrap();
    assert_eq!(stage.active(), "a@example.com");
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "b@example.com", "a is still used up");
    stage.event("the second switch", switched).await;
    assert!(!stage.told().contains(&"switched"), "not wanted");
    let Stage {
        folder,
        simulator,
        engine,
        ..
    } = stage;
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let engine = open(folder.path(), &[ON], Some(&simulator)).await;
    let active = engine.accounts().into_iter().find(|account| account.active);
    assert_eq!(active.unwrap().label, "b@example.com", "after a restart");
    engine.shutdown(std::time::Duration::ZERO).await;
}

#[tokio::test]
async fn f47_back_to_the_chosen_account_when_its_provider_says_so() {
    let back = ("auto_switch.switch_back", "true");
    let mut stage = Stage::set([short(99.0, 1.0, 6), falling(1.0, 0.0)], &[ON, back]).await;
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "b@example.com");
    let reason = |event: &EngineEvent| match event {
        EngineEvent::Switched(switch) => (switch.reason == "switch_back").then_some(()),
        _ => None,
    };
    stage.event("the way back", reason).await;
    assert_eq!(stage.active(), "a@example.com");
    assert!(!stage.simulator.requests_to("/wham/usage").is_empty());
    stage.end().await;
}

#[tokio::test]
async fn f44_the_account_of_the_codex_cli_comes_last() {
    let quotas = [Quota::default(), Quota::default(), Quota::default()];
    let stage = Stage::set(quotas, &[ON]).await;
    let codex = &stage.accounts[1];
    let auth = serde_json::json!({
        "auth_mode": "chatgpt",
        "tokens": {
            "id_token": codex.id_token,
            "access_token": codex.access_token,
            "refresh_token": codex.refresh_token,
            "account_id": codex.account_id,
        },
    });
    let home = stage.folder.path().join("codex");
    std::fs::create_dir(&home).unwrap();
    std::fs::write(home.join("auth.json"), auth.to_string()).unwrap();
    let Stage {
        folder,
        simulator,
        engine,
        accounts,
        ..
    } = stage;
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let engine = open(folder.path(), &[ON, ("server.port", "0")], Some(&simulator)).await;
    let events = engine.events();
    engine.listen().await.unwrap();
    let mut stage = Stage {
        folder,
        simulator,
        engine,
        events,
        accounts,
    };
    // All three are known to have quota.
    for name in ["b@example.com", "c@example.com", "a@example.com"] {
        stage.engine.activate(name).await.unwrap();
        assert_eq!(stage.ask().await.status, 200);
    }
    let limit = Step::UsageLimit { resets_in_s: 3600 };
    stage.simulator.script(&stage.accounts[0], [limit]);
    assert_eq!(stage.ask().await.status, 200);
    let switch = |event: &EngineEvent| match event {
        EngineEvent::Switched(switch) if switch.reason == "exhausted" => Some(switch.clone()),
        _ => None,
    };
    let switch = stage.event("the switch", switch).await;
    assert_eq!(
        (switch.to.1.as_str(), switch.avoided),
        ("c@example.com", true)
    );
    stage.end().await;
}

#[tokio::test]
async fn f47_the_way_back_is_known_after_a_restart() {
    let back = ("auto_switch.switch_back", "true");
    let stage = Stage::set([short(99.0, 1.0, 6), falling(1.0, 0.0)], &[ON, back]).await;
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "b@example.com");
    let Stage {
        folder,
        simulator,
        engine,
        accounts,
        ..
    } = stage;
    engine.shutdown(std::time::Duration::ZERO).await;
    drop(engine);
    let engine = open(folder.path(), &[ON, back], Some(&simulator)).await;
    let events = engine.events();
    let mut stage = Stage {
        folder,
        simulator,
        engine,
        events,
        accounts,
    };
    let reason = |event: &EngineEvent| match event {
        EngineEvent::Switched(switch) => Some(switch.reason.clone()),
        _ => None,
    };
    // A slow machine may have been there before anybody listened.
    if stage.active() != "a@example.com" {
        assert_eq!(stage.event("the way back", reason).await, "switch_back");
    }
    assert_eq!(stage.active(), "a@example.com");
    stage.end().await;
}

#[tokio::test]
async fn f43_a_quota_query_by_hand_switches_nothing_and_the_next_request_does() {
    let stage = Stage::set([Quota::default(), Quota::default()], &[ON]).await;
    let full = Quota::used(100.0, 1.0);
    stage.simulator.set_quota(&stage.accounts[0], full);
    let asked = stage.engine.query_quota_of("a@example.com").await.unwrap();
    assert_eq!((asked.health, asked.active), ("exhausted", true));
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.active(), "b@example.com");
    stage.end().await;
}

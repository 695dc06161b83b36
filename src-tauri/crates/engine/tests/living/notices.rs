//! What the person is told, and how often (F45, F143).

use std::time::Duration;

use engine::{EngineEvent, NoticeKind};
use simulator::{Quota, QuotaWindow};
use tokio::net::TcpListener;

use crate::stage::{Stage, falling, open, short};

#[tokio::test]
async fn f45_the_end_of_all_quota_is_told_once() {
    let mut stage = Stage::set(
        [falling(99.0, 1.0), falling(99.0, 1.0)],
        &[("auto_switch.enabled", "true")],
    )
    .await;
    assert_eq!(stage.ask().await.status, 200);
    assert_eq!(stage.ask().await.status, 200);
    let notice = stage.notice(NoticeKind::AllExhausted).await;
    assert!(notice.back_at.is_some());
    for _ in 0..10 {
        let answer = stage.ask().await;
        assert_eq!(answer.status, 429, "{answer:?}");
        assert!(answer.header("retry-after").is_some());
    }
    assert!(!stage.told().contains(&"all_exhausted"));
    stage.end().await;
}

#[tokio::test]
async fn f143_eighty_percent_is_told_and_then_that_it_is_back() {
    let mut stage = Stage::set([short(79.0, 1.0, 6)], &[]).await;
    assert_eq!(stage.ask().await.status, 200);
    let notice = stage.notice(NoticeKind::QuotaWarning).await;
    assert_eq!(
        (notice.percent, notice.reason.as_deref()),
        (Some(80), Some("5h"))
    );
    let account = notice.account.unwrap();
    assert_eq!(account.1, "a@example.com");
    let used_up = simulator::Step::UsageLimit { resets_in_s: 1 };
    stage.simulator.script(&stage.accounts[0], [used_up]);
    assert_eq!(stage.ask().await.status, 429);
    stage.notice(NoticeKind::AllExhausted).await;
    let back = stage.notice(NoticeKind::Recovered).await;
    assert_eq!(back.account, Some(account));
    stage.end().await;
}

#[tokio::test]
async fn f73_a_warning_is_not_repeated_after_a_restart() {
    let mut stage = Stage::set([falling(83.0, 1.0)], &[]).await;
    assert_eq!(stage.ask().await.status, 200);
    let notice = stage.notice(NoticeKind::QuotaWarning).await;
    assert_eq!(notice.percent, Some(84));
    stage.engine.shutdown(Duration::ZERO).await;
    let Stage {
        folder,
        simulator,
        engine,
        accounts,
        ..
    } = stage;
    drop(engine);
    let engine = open(folder.path(), &[("server.port", "0")], Some(&simulator)).await;
    let events = engine.events();
    let mut stage = Stage {
        folder,
        simulator,
        engine,
        events,
        accounts,
    };
    let name = "a@example.com";
    // A little more of the same window is no news; the next threshold is.
    for (used, told) in [(86.0, None), (91.0, Some(91))] {
        stage.accounts[0].set_quota(Quota {
            primary: Some(QuotaWindow {
                used_percent: used,
                ..stage.accounts[0].quota().primary.unwrap()
            }),
            ..stage.accounts[0].quota()
        });
        stage.engine.query_quota_of(name).await.unwrap();
        if told.is_some() {
            let notice = stage.notice(NoticeKind::QuotaWarning).await;
            assert_eq!(notice.percent, told);
        }
    }
    stage.end().await;
}

#[tokio::test]
async fn f127_another_port_is_told_to_whoever_comes() {
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &[("server.port", &port.to_string())], None).await;
    let used = engine.listen().await.unwrap().port();
    assert_ne!(used, port);
    // The one who shows notices begins to listen after the gateway does.
    let mut events = engine.events();
    let told = async {
        loop {
            if let EngineEvent::Notice(notice) = events.recv().await.unwrap() {
                return (*notice).clone();
            }
        }
    };
    let notice = tokio::time::timeout(crate::stage::PATIENCE, told)
        .await
        .unwrap();
    assert_eq!(notice.kind, NoticeKind::PortChanged);
    assert_eq!(notice.port, Some((port, used)));
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_request_is_told_when_it_begins_and_when_it_has_ended() {
    let mut stage = Stage::set([falling(1.0, 0.0)], &[]).await;
    assert_eq!(stage.ask().await.status, 200);
    let started = stage
        .event("the beginning", |event| match event {
            EngineEvent::RequestStarted(request) => Some(request.clone()),
            _ => None,
        })
        .await;
    assert_eq!((started.model.as_str(), started.stream), ("gpt-5.4", false));
    let ended = stage
        .event("the end", |event| match event {
            EngineEvent::RequestFinished(request) => Some(request.clone()),
            _ => None,
        })
        .await;
    assert_eq!(ended.request_id, started.request_id);
    stage.end().await;
}

#[tokio::test]
async fn f43_a_sign_in_that_is_over_is_left_and_told_until_it_is_solved() {
    let mut stage = Stage::set([], &[("auto_switch.enabled", "true")]).await;
    let add = |name: &str| simulator::AccountSetup::new(&format!("{name}@example.com"));
    let a = stage.simulator.add_codex_account(add("a"));
    let b = stage.simulator.add_codex_account(add("b"));
    // Without a refresh token a refused one is the end of the sign-in.
    let file = serde_json::json!([
        {"type": "codex", "access_token": a.access_token, "id_token": a.id_token},
        {"type": "codex", "access_token": b.access_token, "id_token": b.id_token},
    ]);
    let import = || secrecy::SecretString::from(file.to_string());
    stage.engine.import(&import(), false, false).await.unwrap();
    for _ in 0..2 {
        stage.engine.activate("a@example.com").await.unwrap();
        stage.simulator.script(&a, [simulator::Step::Unauthorized]);
        assert_eq!(stage.ask().await.status, 200);
        assert_eq!(stage.active(), "b@example.com");
    }
    let notice = stage.notice(NoticeKind::NeedsSignIn).await;
    assert_eq!(notice.account.unwrap().1, "a@example.com");
    let reason = |event: &EngineEvent| match event {
        EngineEvent::Notice(notice) if notice.kind == NoticeKind::Switched => notice.reason.clone(),
        _ => None,
    };
    assert_eq!(stage.event("the switch", reason).await, "needs_login");
    // A new import is the new sign-in.
    stage.engine.import(&import(), false, false).await.unwrap();
    let back = stage.notice(NoticeKind::Recovered).await;
    assert_eq!(back.account.unwrap().1, "a@example.com");
    assert!(!stage.told().contains(&"needs_sign_in"), "once");
    stage.end().await;
}

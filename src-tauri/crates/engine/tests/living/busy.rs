//! What the person sets about how much runs at once acts on the next request (F37, F114, F115, F127).

use engine::AccountChange;
use simulator::Quota;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f115_twenty_requests_on_one_slot_all_succeed() {
    let flags = [
        ("rotation.account_slots", "1"),
        ("rotation.spacing_ms", "1"),
    ];
    let stage = Stage::set([Quota::default()], &flags).await;
    let asked = (0..20).map(|_| stage.ask());
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let status = stage.engine.status();
    assert_eq!((status.waiting, status.running), (0, 0));
    stage.end().await;
}

#[tokio::test]
async fn f115_a_group_without_room_refuses_at_once_where_nobody_may_wait() {
    let stage = Stage::set([Quota::default(), Quota::default()], &[]).await;
    for name in ["a@example.com", "b@example.com"] {
        let change = AccountChange {
            group: Some(Some("team".into())),
            slots: Some(Some(7)),
            ..AccountChange::default()
        };
        let view = stage.engine.change_account(name, change).await.unwrap();
        assert_eq!((view.slots, view.score), (Some(7), 100));
    }
    for (key, value) in [
        ("rotation.group_limits", "team=0"),
        ("rotation.queue_wait_s", "0"),
    ] {
        stage.engine.change_setting(key, Some(value)).await.unwrap();
    }
    assert_eq!(stage.engine.status().groups, [("team".to_owned(), 0, 0)]);
    let answer = stage.ask().await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("5")),
        "{answer:?}"
    );
    let why = stage.engine.explain("gpt-5.5");
    assert!(
        why.iter().all(|line| line.code == Some("group_full")),
        "{why:?}"
    );
    stage
        .engine
        .change_setting("rotation.group_limits", None)
        .await
        .unwrap();
    assert_eq!(stage.ask().await.status, 200);
    let only = stage.engine.explain("b@example.com/gpt-5.5");
    let told: Vec<_> = only.iter().map(|line| (line.because, line.code)).collect();
    assert_eq!(
        told,
        [
            (Some("asked for by the client"), None),
            (None, Some("not_pinned"))
        ],
        "F38"
    );
    for policy in pool::Policy::ALL {
        stage
            .engine
            .change_setting("rotation.mode", Some(policy.as_str()))
            .await
            .unwrap();
        assert_eq!(stage.engine.status().policy, policy.as_str());
        let first = stage.engine.explain("gpt-5.5").remove(0);
        assert!(
            first.rank == Some(1) && first.because.is_some(),
            "{policy}: {first:?}"
        );
        assert_eq!(stage.ask().await.status, 200, "{policy}");
    }
    stage.end().await;
}

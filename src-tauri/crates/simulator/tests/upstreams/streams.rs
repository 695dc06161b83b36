//! Answers over time: gates, clients that leave, pauses, quota that falls and returns.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use bytes::Bytes;
use simulator::{AccountSetup, Gate, Now, Quota, Scripted, Setup, SimAccount, Simulator, Step};

use crate::raw::{ask, codex, open_codex};

async fn one() -> (Simulator, SimAccount) {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com"));
    (simulator, account)
}

#[tokio::test]
async fn gate_holds_the_stream() {
    let (simulator, account) = one().await;
    let gate = Gate::new();
    simulator.script(
        &account,
        [Step::Gated {
            events: 2,
            gate: gate.clone(),
        }],
    );
    let mut waiting = open_codex(&simulator, &account, &ask("say:later")).await;
    waiting.read_until("response.in_progress").await;
    gate.wait_reached(1).await;
    assert_eq!(simulator.in_flight(), 1);
    assert!(!waiting.so_far().contains("response.output_item.added"));
    gate.release();
    assert_eq!(waiting.rest().await.last_type(), "response.completed");

    let gate = Gate::new();
    simulator.script(&account, [Step::GatedHeaders { gate: gate.clone() }]);
    let waiting = open_codex(&simulator, &account, &ask("say:later")).await;
    gate.wait_reached(1).await;
    gate.release();
    assert_eq!(waiting.rest().await.last_type(), "response.completed");
    assert_eq!(
        (simulator.peak_in_flight(), simulator.disconnects()),
        (1, 0)
    );
}

/// T186: a client that leaves is seen at once, whatever the answer was doing.
#[tokio::test]
async fn clients_that_leave() {
    let (simulator, account) = one().await;
    simulator.script(
        &account,
        [
            Step::HangHeaders,
            Step::HangAfter { events: 3 },
            Step::Gated {
                events: 1,
                gate: Gate::new(),
            },
        ],
    );
    let silent = open_codex(&simulator, &account, &ask("hi")).await;
    simulator.wait_requests(1).await;
    drop(silent);
    simulator.wait_disconnect().await;
    for (count, mark) in [(2, "output_item.added"), (3, "response.created")] {
        let mut streaming = open_codex(&simulator, &account, &ask("hi")).await;
        streaming.read_until(mark).await;
        drop(streaming);
        simulator.wait_disconnects(count).await;
    }
    assert_eq!((simulator.disconnects(), simulator.in_flight()), (3, 0));
}

/// A dropped simulator closes everything.
#[tokio::test]
async fn drop_closes() {
    let (simulator, account) = one().await;
    simulator.script(&account, [Step::HangAfter { events: 1 }]);
    let mut streaming = open_codex(&simulator, &account, &ask("hi")).await;
    streaming.read_until("response.created").await;
    drop(simulator);
    assert!(!streaming.rest().await.complete);
}

#[tokio::test(start_paused = true)]
async fn slow_answers_take_their_time() {
    let (simulator, account) = one().await;
    simulator.script(
        &account,
        [Step::Slow {
            per_event: std::time::Duration::from_secs(60),
        }],
    );
    let start = tokio::time::Instant::now();
    let answer = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(answer.last_type(), "response.completed");
    assert!(start.elapsed().as_secs() >= 60 * answer.types().len() as u64);
}

/// Quota falls, ends in a 429 that tells the reset, and comes back by itself.
#[tokio::test]
async fn quota_runs_out_and_returns() {
    let clock = Arc::new(AtomicI64::new(1_800_000_000));
    let read = Arc::clone(&clock);
    let now = Now::new(move || read.load(Ordering::SeqCst));
    let simulator = Simulator::start(Setup {
        now,
        ..Setup::default()
    })
    .await
    .unwrap();
    let mut setup = AccountSetup::new("ada@example.com");
    setup.quota = Quota {
        percent_per_request: 40.0,
        enforced: true,
        ..Quota::used(50.0, 1.0)
    };
    let account = simulator.add_codex_account(setup);
    let first = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(first.headers["x-codex-primary-used-percent"], "90");
    assert_eq!(first.headers["x-codex-secondary-used-percent"], "5");
    assert_eq!(first.headers["x-codex-primary-window-minutes"], "300");
    assert_eq!(
        codex(&simulator, &account, &ask("hi")).await.headers["x-codex-primary-used-percent"],
        "100"
    );
    let limit = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(limit.status, 429);
    assert_eq!(limit.json()["error"]["resets_at"], 1_800_018_000);
    clock.store(1_800_018_000, Ordering::SeqCst);
    assert_eq!(
        codex(&simulator, &account, &ask("hi")).await.headers["x-codex-primary-used-percent"],
        "40"
    );
}

#[tokio::test]
async fn odd_answers() {
    let (simulator, account) = one().await;
    let chunks = vec![
        Bytes::from_static(b"data: {\"a\""),
        Bytes::from_static(b":1}\r\n\r\n"),
    ];
    simulator.script(
        &account,
        [
            Step::EmptyAnswer,
            Step::Incomplete,
            Step::Say("four words for you".into()),
            Step::PrivateEvents,
            Step::Replay {
                content_type: "text/event-stream".into(),
                chunks,
            },
        ],
    );
    let empty = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(
        empty.types(),
        [
            "response.created",
            "response.in_progress",
            "response.completed"
        ]
    );
    let cut = codex(&simulator, &account, &ask("hi"))
        .await
        .events()
        .pop()
        .unwrap();
    assert_eq!(
        (
            cut["type"].as_str(),
            cut["response"]["incomplete_details"]["reason"].as_str()
        ),
        (Some("response.incomplete"), Some("max_output_tokens"))
    );
    assert!(
        codex(&simulator, &account, &ask("hi"))
            .await
            .text()
            .contains("\"text\":\"four words for you\"")
    );
    let private = codex(&simulator, &account, &ask("hi")).await;
    assert!(private.text().contains(": keep-alive\n\n"));
    assert_eq!(private.types()[1], "codex.rate_limits");
    assert_eq!(
        codex(&simulator, &account, &ask("hi")).await.text(),
        "data: {\"a\":1}\r\n\r\n"
    );

    account.always(Step::Http500);
    for _ in 0..3 {
        assert_eq!(codex(&simulator, &account, &ask("hi")).await.status, 500);
    }
}

/// Only the newest requests are kept, so that a demo may run for days.
#[tokio::test]
async fn old_requests_are_forgotten() {
    let simulator = Simulator::start(Setup {
        keep_requests: 2,
        ..Setup::default()
    })
    .await
    .unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com"));
    for text in ["one", "two", "three"] {
        codex(&simulator, &account, &ask(text)).await;
    }
    let kept: Vec<String> = simulator
        .requests()
        .iter()
        .map(|seen| {
            seen.json()["input"][0]["content"][0]["text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(kept, ["two", "three"]);
    simulator.wait_requests(3).await;
}

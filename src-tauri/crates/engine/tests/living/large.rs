//! A large import while the gateway serves (F7): a thousand sign-ins into the passphrase vault, with progress, and no request waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::EngineEvent;
use secrecy::SecretString;
use simulator::{AccountSetup, Quota};
use tokio::time::Instant;

use crate::stage::{Stage, prompt, send};

const MANY: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_a_thousand_accounts_come_in_while_the_gateway_serves() {
    let mut stage = Stage::set([Quota::default()], &[]).await;
    let one = |n: usize| {
        let setup = AccountSetup::new(&format!("many-{n}@example.com"));
        let account = stage.simulator.add_codex_account(setup);
        // As long as real ones.
        let long = "x".repeat(1_500);
        serde_json::json!({
            "type": "codex",
            "access_token": account.access_token,
            "refresh_token": account.refresh_token,
            "id_token": format!("{}{long}", account.id_token),
        })
    };
    let items: Vec<_> = (0..MANY).map(one).collect();
    let text = SecretString::from(serde_json::Value::from(items).to_string());

    let done = AtomicBool::new(false);
    let began = Instant::now();
    let import = async {
        let report = stage.engine.import(&text, false, false).await.unwrap();
        let took = began.elapsed();
        done.store(true, Ordering::Relaxed);
        (report, took)
    };
    let ask = async {
        let mut waits = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let asked = Instant::now();
            let answer = send(
                &stage.engine,
                "POST",
                "/v1/chat/completions",
                &prompt(false),
            )
            .await;
            assert_eq!(answer.status, 200, "{answer:?}");
            waits.push(asked.elapsed());
        }
        waits
    };
    let ((report, took), mut waits) = tokio::join!(import, ask);
    waits.sort();
    println!(
        "{MANY} accounts in {took:?} (goal: 10 s); {} requests meanwhile, the slowest took {:?}",
        waits.len(),
        waits.last()
    );
    assert_eq!(
        (report.added, report.failed),
        (MANY, 0),
        "{:?}",
        report.errors
    );
    assert_eq!(stage.engine.accounts().len(), MANY + 1);
    assert_eq!(stage.active(), "a@example.com", "F5");
    assert!(!waits.is_empty());
    // Generous: a busy machine is slow, and yet no request waits for the end of an import.
    assert!(took < Duration::from_secs(60), "{took:?}");
    let progress = |event: &EngineEvent| match event {
        EngineEvent::Progress {
            task: "import",
            done,
            total: MANY,
            ..
        } => (*done == MANY).then_some(()),
        _ => None,
    };
    stage.event("the end of the import", progress).await;
    stage.end().await;
}

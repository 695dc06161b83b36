//! Prints how long a selection over 1,000 accounts takes, for each policy and for the worst pools. Not a test: it asserts nothing.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example measures and prints"
)]

use pool::{
    Account, AccountId, AccountKind, Ask, Format, Outcome, Policy, Pool, QuotaSnapshot,
    QuotaSource, QuotaWindow, Timestamp,
};
use std::time::Instant;

const ACCOUNTS: u32 = 1_000;
const RUNS: u32 = 20_000;

fn pool(policy: Policy, lists: bool) -> Pool {
    let mut pool = Pool::new(policy);
    let account = |n: u32| Account {
        position: n,
        slots: None,
        allowed_models: lists.then(|| vec!["other-*".into(), "gpt-*".into()]),
        known_models: lists.then(|| (0..40).map(|m| format!("gpt-{m}")).collect()),
        ..Account::new(
            format!("account-{n:04}"),
            AccountKind::CodexOauth,
            Format::Codex,
        )
    };
    pool.set_accounts((0..ACCOUNTS).map(account).collect());
    for n in 0..ACCOUNTS {
        let window = QuotaWindow {
            used_percent: f64::from(n * 7 % 100),
            length: None,
            resets_at: Some(Timestamp(1_000_000 + i64::from(n))),
        };
        let reading = QuotaSnapshot {
            primary: Some(window),
            ..QuotaSnapshot::empty(Timestamp(0), QuotaSource::Header)
        };
        pool.observe_quota(
            Timestamp(0),
            &AccountId::from(format!("account-{n:04}")),
            reading,
        );
    }
    pool
}

fn measure(case: &str, mut pool: Pool) {
    let formats = [Format::Responses, Format::Codex];
    let ask = Ask {
        session: Some("conversation"),
        continues: None,
        ..Ask::new("gpt-5", &formats)
    };
    let (mut best, mut all) = (u128::MAX, Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        let chosen = std::hint::black_box(pool.select(Timestamp(1), &ask));
        let taken = start.elapsed().as_nanos();
        if let Ok(chosen) = chosen {
            pool.release(&chosen.id);
        }
        best = best.min(taken);
        all.push(taken);
    }
    all.sort_unstable();
    let micros = |nanos: u128| nanos as f64 / 1_000.0;
    println!(
        "{case:<44} p50 {:>7.2} us   p99 {:>7.2} us   least {:>7.2} us",
        micros(all[all.len() / 2]),
        micros(all[all.len() * 99 / 100]),
        micros(best)
    );
}

fn main() {
    println!("selection over {ACCOUNTS} accounts (gate 50 us, aim 10 us)");
    for policy in Policy::ALL {
        measure(policy.as_str(), pool(*policy, false));
    }
    measure(
        "round_robin, every account with model lists",
        pool(Policy::RoundRobin, true),
    );
    let mut limited = pool(Policy::RoundRobin, false);
    for n in 1..ACCOUNTS {
        let outcome = Outcome::UsageLimit {
            resets_at: Some(Timestamp(1_000_000)),
        };
        limited.report(
            Timestamp(0),
            &AccountId::from(format!("account-{n:04}")),
            &outcome,
        );
    }
    measure("round_robin, all but one exhausted", limited);
}

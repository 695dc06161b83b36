//! The clockwork of the rounds: when they come, how far apart their questions are, and when they wait.
//!
//! Knows no engine: [`Accounts`] stands for it, so that paused time tests it. Who is asked is `plan`'s.

use std::future::{Future, ready};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use pool::{AccountId, Timestamp};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::leap::{Leap, Watch};
use super::plan::{self, Checks, FRESH, START_AGE, Standing};
use crate::quota_query::Told;

/// The first look at the accounts comes this long after the start (F61).
const AFTER_START: Duration = Duration::from_secs(10);
/// Between two scheduled questions (F68).
const APART: Duration = Duration::from_secs(3);
/// Scheduled questions at a time (F68).
const QUOTA_AT_ONCE: usize = 3;
/// Checks at a time (F60).
const CHECKS_AT_ONCE: usize = 5;
/// Queries after limits at a time (F64).
const RECOVERIES_AT_ONCE: usize = 5;
/// Least pause between two looks for limits that are over: a plan that stands still must not make a busy loop.
const BREATH: Duration = Duration::from_secs(1);
/// While offline one account is tried this often (F66).
const PROBE: Duration = Duration::from_secs(15);
/// How often the clocks are compared.
const TICK: Duration = Duration::from_secs(30);
/// What the system says of a sleep so soon after the clocks told it is the same sleep.
const ECHO: Duration = Duration::from_secs(10);
/// A round that is switched off is thought of again after this long.
const OFF: Duration = Duration::from_secs(15 * 60);

/// What the rounds need of the engine.
pub(super) trait Accounts: Send + Sync {
    fn now(&self) -> Timestamp;
    /// The network is down (F66): nobody is asked.
    fn offline(&self) -> bool;
    /// The machine saves its battery (F68): nobody is asked who need not be.
    fn saving(&self) -> bool;
    /// Between two quota rounds; zero is never.
    fn quota_every(&self) -> Duration;
    /// Between two rounds of checks; zero is never.
    fn checks_every(&self) -> Duration;
    fn standings(&self) -> Vec<Standing>;
    /// Asks a sign-in for its quota.
    fn ask(&self, id: &AccountId) -> impl Future<Output = Told> + Send;
    /// Asks an account for something that costs nothing (F60).
    fn check(&self, id: &AccountId) -> impl Future<Output = Told> + Send;
    /// How a check ended, and the failures in a row.
    fn checked(&self, id: &AccountId, told: Told, failures: u32);
    /// Accounts whose limit should be over, the longest due first (F64).
    fn recovering(&self) -> Vec<AccountId>;
    /// How long until the next one is due; none is waited for while offline.
    fn next_recovery(&self) -> Option<Duration>;
    /// One of them was asked, whatever it told.
    fn recovery_asked(&self, id: &AccountId);
    /// Tries to reach the upstream of one account.
    fn probe(&self) -> impl Future<Output = ()> + Send;
    /// The machine slept, or its clock was set.
    fn leapt(&self, leap: Leap);
}

/// F68: at the start for old readings, then every so often ± 20 %, and when somebody knocks: after a sleep, or when the network is back.
pub(super) async fn quota(accounts: &impl Accounts, mut jitter: fastrand::Rng, knock: &Notify) {
    let mut age = START_AGE;
    let mut wait = AFTER_START;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = knock.notified() => {}
        }
        let every = accounts.quota_every();
        wait = if every.is_zero() {
            OFF
        } else {
            let due = plan::stale(accounts.now(), age, &accounts.standings());
            age = FRESH;
            stream::iter(due)
                .enumerate()
                .then(|(n, id)| async move {
                    if n > 0 {
                        sleep(APART).await;
                    }
                    id
                })
                .take_while(|_| ready(!accounts.offline() && !accounts.saving()))
                .map(|id| async move { accounts.ask(&id).await })
                .buffer_unordered(QUOTA_AT_ONCE)
                .for_each(|_| ready(()))
                .await;
            every.mul_f64(0.8 + 0.4 * jitter.f64())
        };
    }
}

/// F60, F61: rounds of at most twenty accounts that nobody has heard of for a while. `knock` comes when the rounds come at other times.
pub(super) async fn checks(accounts: &impl Accounts, knock: &Notify) {
    let mut checks = Checks::default();
    let mut wait = AFTER_START;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            () = knock.notified() => {}
        }
        let every = accounts.checks_every();
        wait = if every.is_zero() { OFF } else { every };
        if every.is_zero() || accounts.offline() || accounts.saving() {
            continue;
        }
        let due = checks.due(accounts.now(), &accounts.standings());
        let mut made = stream::iter(due)
            .take_while(|_| ready(!accounts.offline()))
            .map(|id| async move {
                let told = accounts.check(&id).await;
                (id, told)
            })
            .buffer_unordered(CHECKS_AT_ONCE);
        while let Some((id, told)) = made.next().await {
            // What the network's end did is not the account's fault (F66).
            if told == Told::Unreached && accounts.offline() {
                continue;
            }
            let passed = !matches!(told, Told::Invalid | Told::Unreached);
            let failures = checks.made(accounts.now(), &id, passed);
            accounts.checked(&id, told, failures);
        }
    }
}

/// F64: an account that was limited is asked when the pool's plan says so. `knock` comes with every new limit.
pub(super) async fn recoveries(accounts: &impl Accounts, knock: &Notify) {
    loop {
        stream::iter(accounts.recovering())
            .for_each_concurrent(RECOVERIES_AT_ONCE, |id| async move {
                accounts.ask(&id).await;
                accounts.recovery_asked(&id);
            })
            .await;
        let next = async {
            match accounts.next_recovery() {
                Some(wait) => sleep(wait.max(BREATH)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = next => {}
            () = knock.notified() => {}
        }
    }
}

/// F66: while the network is down, one account is tried now and then. `knock` comes with the end of the network.
pub(super) async fn probes(accounts: &impl Accounts, knock: &Notify) {
    loop {
        knock.notified().await;
        while accounts.offline() {
            sleep(PROBE).await;
            if accounts.offline() {
                accounts.probe().await;
            }
        }
    }
}

/// F122: compares the clocks. `awake` comes when the system says that it slept, which the clocks may have told just before.
pub(super) async fn clocks(accounts: &impl Accounts, awake: &Notify) {
    let mut watch = Watch::new(accounts.now(), Instant::now());
    let mut told: Option<Instant> = None;
    loop {
        let said = tokio::select! {
            () = sleep(TICK) => false,
            () = awake.notified() => told.is_none_or(|at| at.elapsed() > ECHO),
        };
        let leap = watch.look(accounts.now(), Instant::now(), TICK);
        if let Some(leap) = leap.or(said.then_some(Leap(0))) {
            told = Some(Instant::now());
            accounts.leapt(leap);
        }
    }
}

#[cfg(test)]
mod tests;

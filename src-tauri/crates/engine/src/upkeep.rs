//! What keeps the knowledge of accounts fresh while nobody asks: quota rounds (F68), checks that cost nothing (F60, F61), a look for the
//! network while it is down (F66), what F64 wants after a limit, and waking up after the machine slept (F122).
//!
//! Never a model call. Not the refresh of tokens (upstream's schedule), and not a person's own question (`quota_query`).

mod leap;
mod plan;
mod rounds;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pool::{AccountId, Event, Health, Status, Timestamp};
use tokio::sync::Notify;

use crate::compose::Engine;
use crate::quota_query::Told;
use crate::records;
use leap::Leap;
use plan::{FAILURES, Standing};

/// Longest wait for a check's answer (F60).
const CHECK_LIMIT: Duration = Duration::from_secs(8);
/// The reason of an account whose checks fail.
const CHECK_FAILED: &str = "check_failed";

/// Wakes the rounds out of turn.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// The quota may have changed unseen.
    quota: Notify,
    /// A person does not want to wait for the rest of the answers.
    pub(crate) stop_asking: Notify,
    /// Checks come at other times now.
    checks: Notify,
    /// The network is down.
    offline: Notify,
    /// An account was limited, or may be asked again.
    limited: Notify,
    /// The machine is awake again.
    awake: Notify,
    /// It saves its battery.
    saving: AtomicBool,
}

impl Engine {
    /// Starts the rounds.
    pub(crate) fn start_upkeep(self: &Arc<Self>) {
        let engine = self.clone();
        self.tasks.run(async move {
            rounds::quota(&*engine, fastrand::Rng::new(), &engine.upkeep.quota).await;
        });
        let engine = self.clone();
        self.tasks
            .run(async move { rounds::checks(&*engine, &engine.upkeep.checks).await });
        let engine = self.clone();
        self.tasks.run(async move {
            rounds::recoveries(&*engine, &engine.upkeep.limited).await;
        });
        let engine = self.clone();
        self.tasks.run(async move {
            rounds::probes(&*engine, &engine.upkeep.offline).await;
        });
        let engine = self.clone();
        self.tasks
            .run(async move { rounds::clocks(&*engine, &engine.upkeep.awake).await });
    }

    /// What the pool said, as far as it concerns the rounds.
    pub(crate) fn upkeep_hears(&self, event: &Event) {
        match event {
            Event::Offline => self.upkeep.offline.notify_one(),
            Event::Online => {
                self.upkeep.quota.notify_one();
                self.upkeep.limited.notify_one();
            }
            Event::Exhausted { .. } | Event::StatusChanged { .. } => {
                self.upkeep.limited.notify_one();
            }
            _ => {}
        }
    }

    /// A round that was far away, or switched off, may be due now.
    pub(crate) fn upkeep_settings_changed(&self, key: &str) {
        match key {
            "quota.query_min" => self.upkeep.quota.notify_one(),
            "health.interval_s" => self.upkeep.checks.notify_one(),
            _ => {}
        }
    }

    /// The machine slept (F122). Noticed by itself within half a minute; whoever learns it from the system may say it at once. However it is
    /// learnt, it acts once.
    pub fn resumed(&self) {
        self.upkeep.awake.notify_one();
    }

    /// Whether the machine saves its battery, for whoever learns it from the system: quota and idle accounts are not asked meanwhile (F68).
    pub fn set_saving_power(&self, saving: bool) {
        if self.upkeep.saving.swap(saving, Ordering::Relaxed) == saving {
            return;
        }
        tracing::info!(saving, "the machine's battery saver");
        if !saving {
            self.upkeep.quota.notify_one();
            self.upkeep.checks.notify_one();
        }
        self.announce();
    }

    /// See [`Engine::set_saving_power`].
    pub(crate) fn saving_power(&self) -> bool {
        self.upkeep.saving.load(Ordering::Relaxed)
    }

    /// An upstream answered: the network is there again, if it was away (F66).
    pub(crate) fn upstream_answered(&self) {
        let events = self.pool.with(pool::Pool::reached);
        if !events.is_empty() {
            gateway::Journal::pool_events(&*self.journal, events);
        }
    }

    /// One question that costs nothing: a sign-in for its quota, a key for its models.
    async fn check_account(&self, id: &AccountId) -> Told {
        let Ok(row) = self.find(id.as_str()) else {
            return Told::Skipped;
        };
        let asked = async {
            if records::kind(&row).is_key() {
                self.ask_models(&row).await
            } else {
                self.ask_quota(&row, false).await
            }
        };
        tokio::time::timeout(CHECK_LIMIT, asked)
            .await
            .unwrap_or(Told::Unreached)
    }
}

impl rounds::Accounts for Engine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn offline(&self) -> bool {
        self.pool.with(|pool| pool.offline().is_some())
    }

    fn saving(&self) -> bool {
        self.saving_power()
    }

    fn quota_every(&self) -> Duration {
        Duration::from_secs(self.settings.current().settings.quota.query_min * 60)
    }

    fn checks_every(&self) -> Duration {
        Duration::from_secs(self.settings.current().settings.health.interval_s)
    }

    fn standings(&self) -> Vec<Standing> {
        let now = self.clock.now();
        self.pool.with(|pool| {
            let active = pool.active();
            let standing = |account: &pool::Account| {
                let state = pool.state(&account.id)?;
                Some(Standing {
                    key: account.kind.is_key(),
                    active: active == Some(&account.id),
                    busy: pool.in_flight(&account.id) > 0,
                    health: pool.health(now, &account.id)?,
                    read_at: state.quota.as_ref().map(|quota| quota.captured_at),
                    used_at: state.last_used.max(state.last_success),
                    id: account.id.clone(),
                })
            };
            pool.accounts().filter_map(standing).collect()
        })
    }

    async fn ask(&self, id: &AccountId) -> Told {
        match self.find(id.as_str()) {
            Ok(row) => self.ask_quota(&row, false).await,
            Err(_) => Told::Skipped,
        }
    }

    async fn check(&self, id: &AccountId) -> Told {
        self.check_account(id).await
    }

    fn checked(&self, id: &AccountId, told: Told, failures: u32) {
        let now = self.clock.now();
        let events = self.pool.with(|pool| {
            let state = pool.state(id);
            let status = state.map(|state| state.status);
            let by_check = state
                .and_then(|state| state.reason.as_ref())
                .is_some_and(|reason| reason.code == CHECK_FAILED);
            match (told, status) {
                (Told::Skipped, _) => Vec::new(),
                (Told::Fine | Told::Limited, Some(Status::Unknown)) => {
                    pool.set_status(now, id, Status::Active, "checked")
                }
                (Told::Fine | Told::Limited, Some(Status::Attention)) if by_check => {
                    pool.set_status(now, id, Status::Active, "checked")
                }
                (Told::Invalid | Told::Unreached, Some(Status::Unknown | Status::Active))
                    if failures >= FAILURES =>
                {
                    pool.set_status(now, id, Status::Attention, CHECK_FAILED)
                }
                _ => Vec::new(),
            }
        });
        if !events.is_empty() {
            gateway::Journal::pool_events(&*self.journal, events);
        }
    }

    fn recovering(&self) -> Vec<AccountId> {
        let now = self.clock.now();
        let due = self.pool.with(|pool| pool.due_checks(now));
        due.into_iter().map(|check| check.id).collect()
    }

    fn next_recovery(&self) -> Option<Duration> {
        let now = self.clock.now();
        self.pool.with(|pool| {
            let online = pool.offline().is_none();
            let next = pool.next_check().filter(|_| online)?;
            Some(next.since(now))
        })
    }

    fn recovery_asked(&self, id: &AccountId) {
        let now = self.clock.now();
        self.pool.with(|pool| pool.checked(now, id));
    }

    async fn probe(&self) {
        let (now, active) = (
            self.clock.now(),
            self.pool.with(|pool| pool.active().cloned()),
        );
        let usable = |id: &AccountId| {
            let health = self.pool.with(|pool| pool.health(now, id));
            !matches!(
                health,
                None | Some(Health::Disabled | Health::NeedsLogin | Health::Banned)
            )
        };
        let all = self
            .pool
            .with(|pool| pool.accounts().map(|a| a.id.clone()).collect::<Vec<_>>());
        if let Some(id) = active.into_iter().chain(all).find(usable) {
            // What the answer says is no matter: that there is one ends it.
            self.check_account(&id).await;
        }
    }

    fn leapt(&self, leap: Leap) {
        tracing::info!(
            ms = leap.0,
            "the machine slept, or its clock was set: connections are renewed"
        );
        if let Err(error) = self.upstream.drop_connections() {
            tracing::warn!(%error, "the connections could not be renewed");
        }
        // Whatever waits for an instant looks at the clock again.
        self.announce();
        self.upkeep.quota.notify_one();
        self.upkeep.limited.notify_one();
    }
}

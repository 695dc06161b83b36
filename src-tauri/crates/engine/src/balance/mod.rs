//! Balances of key accounts: asked in time, judged against the account's threshold, shown and changed (F110–F112).
//!
//! An account whose balance is at or below its threshold is held in the pool and comes back with the first reading above it; no act of a
//! person is needed. How a provider is asked is `upstream::balance`'s business.

mod kept;
mod pace;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use pool::{AccountId, Hold, HoldReason, HoldSource, Outcome, QuotaSnapshot, QuotaSource};
use store::AccountRow;
use tokio::time::Instant;
use upstream::{BalanceAdapter, BalanceReading, Decimal, QueryError};

pub use kept::{AmountView, BalanceView};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::progress::Progress;
use crate::records;
use crate::views::AccountView;
use kept::Kept;
use pace::Reading;

/// Providers asked at one time (F113).
const AT_ONCE: usize = 4;
/// The first questions wait this long after the start, so that starting is not slowed.
const AFTER_START: Duration = Duration::from_secs(2);
/// After something changed, a moment for what else changes with it.
const SETTLE: Duration = Duration::from_secs(1);
/// While no account reaches the network.
const OFFLINE: Duration = Duration::from_secs(30);

/// What the person wants of an account's balance; the outer `None` keeps what is there, the inner one clears it.
#[derive(Debug, Clone, Default)]
pub struct BalanceChange {
    /// An adapter's word, or `none`; cleared: by the account's host.
    pub adapter: Option<Option<String>>,
    /// A decimal amount, not below zero; cleared: 0.20.
    pub threshold: Option<Option<String>>,
}

/// Every account's balance.
#[derive(Debug, Default)]
pub(crate) struct Balances(Mutex<HashMap<AccountId, Kept>>);

impl Balances {
    fn with<T>(&self, look: impl FnOnce(&mut HashMap<AccountId, Kept>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Reads what was kept, and holds the accounts that were too low.
    pub(crate) async fn load_balances(self: &Arc<Self>) {
        let rows = match self.stored(|store| store.balances()).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "the balances could not be read");
                return;
            }
        };
        self.balances.with(|all| {
            for row in &rows {
                all.insert(
                    AccountId::from(row.account_id.as_str()),
                    Kept::from_row(row),
                );
            }
        });
        for row in rows {
            self.judge_balance(&AccountId::from(row.account_id.as_str()));
        }
    }

    /// Asks each provider when it is due. Ends with the engine.
    pub(crate) async fn watch_balances(self: Arc<Self>) {
        tokio::time::sleep(AFTER_START).await;
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            let wait = if self.pool.with(|pool| pool.offline().is_some()) {
                Some(Instant::now() + OFFLINE)
            } else {
                self.ask_due_balances().await
            };
            tokio::select! {
                () = until(wait) => {}
                changed = changes.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(SETTLE).await;
                }
            }
        }
    }

    /// Asks those that are due; gives when the next one is.
    async fn ask_due_balances(self: &Arc<Self>) -> Option<Instant> {
        if !self.settings.current().settings.balance.poll {
            return None;
        }
        let now = Instant::now();
        let due: Vec<(AccountRow, BalanceAdapter)> = self
            .watched()
            .into_iter()
            .filter(|(row, _)| {
                let id = AccountId::from(row.id.as_str());
                let due = self
                    .balances
                    .with(|all| all.get(&id).and_then(|kept| kept.due));
                row.enabled && due.is_none_or(|due| due <= now)
            })
            .collect();
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |(row, adapter)| async move {
                self.ask_balance(&row, adapter, &pace::RETRIES).await;
            })
            .await;
        let watched = self.watched();
        self.balances.with(|all| {
            let due = |(row, _): &(AccountRow, BalanceAdapter)| {
                all.get(row.id.as_str()).and_then(|kept| kept.due)
            };
            watched
                .iter()
                .filter(|(row, _)| row.enabled)
                .filter_map(due)
                .min()
        })
    }

    /// The accounts that have a balance to ask for, and who is asked.
    fn watched(&self) -> Vec<(AccountRow, BalanceAdapter)> {
        self.records.with(|rows| {
            self.balances.with(|all| {
                let adapter = |row: &AccountRow| match all.get(row.id.as_str()) {
                    Some(kept) => kept.adapter(row),
                    None => Kept::default().adapter(row),
                };
                rows.iter()
                    .filter_map(|row| Some((row.clone(), adapter(row)?)))
                    .collect()
            })
        })
    }

    /// One question, asked again after the rests when the failure may pass, and what comes of it.
    async fn ask_balance(
        self: &Arc<Self>,
        row: &AccountRow,
        adapter: BalanceAdapter,
        rests: &[Duration],
    ) -> bool {
        let Ok(target) = records::target(row) else {
            return false;
        };
        let mut rests = rests.iter();
        let told = loop {
            let told = self.upstream.query_balance(&target, adapter).await;
            let passing = told.as_ref().err().is_some_and(may_pass);
            match rests.next().filter(|_| passing) {
                Some(rest) => tokio::time::sleep(*rest).await,
                None => break told,
            }
        };
        let id = AccountId::from(row.id.as_str());
        let answered = told.is_ok();
        self.take_balance(&id, told).await;
        answered
    }

    /// Takes over what a provider told, or why it told nothing: the last value stays, with its age.
    async fn take_balance(
        self: &Arc<Self>,
        id: &AccountId,
        told: Result<BalanceReading, QueryError>,
    ) {
        let now = self.clock.now();
        let used = self
            .pool
            .with(|pool| pool.state(id).and_then(|state| state.last_used));
        let quota = match &told {
            Ok(reading) => reading.quota.clone(),
            Err(error) => self.used_up(id, error),
        };
        let (before, after) = self.balances.with(|all| {
            let kept = all.entry(id.clone()).or_default();
            let before = kept.clone();
            kept.tried_at = Some(now);
            let (told, failed) = match told {
                Ok(reading) => (Some(reading), None),
                Err(error) => (no_money(&error), Some(error.to_string())),
            };
            kept.error = failed;
            let wait = match told {
                None => pace::FAILED,
                Some(reading) => {
                    kept.amounts = reading.amounts;
                    kept.unavailable = reading.unavailable;
                    kept.checked_at = Some(now);
                    match kept.left() {
                        _ if kept.unavailable => pace::LOW,
                        None => pace::CALM,
                        Some(left) => pace::next(&Reading {
                            left,
                            threshold: kept.threshold(),
                            spent: spent(&before, left, used, now),
                        }),
                    }
                }
            };
            kept.due = Some(Instant::now() + wait);
            (before, kept.clone())
        });
        if let Some(quota) = quota {
            self.gateway.observe_by_hand(id, quota);
        }
        self.judge_balance(id);
        self.revive(id, &before, &after);
        let row = after.to_row(id.as_str());
        if let Err(error) = self.stored(move |store| store.save_balance(&row)).await {
            tracing::warn!(account = %id, %error, "a balance could not be kept");
        }
        if before.amounts != after.amounts
            || before.error != after.error
            || before.low() != after.low()
        {
            self.journal
                .bus
                .tell(EngineEvent::AccountChanged(id.clone()));
        }
    }

    /// A window that the provider says is used up, although it tells no windows (F110: 1310).
    fn used_up(&self, id: &AccountId, error: &QueryError) -> Option<QuotaSnapshot> {
        let Some(Outcome::UsageLimit { resets_at }) = error.outcome() else {
            return None;
        };
        let known = self.pool.with(|pool| {
            pool.state(id)
                .and_then(|state| state.quota.as_ref()?.primary)
        });
        let mut quota = QuotaSnapshot::empty(self.clock.now(), QuotaSource::Query);
        let mut window = known.unwrap_or_default();
        window.used_percent = 100.0;
        window.resets_at = resets_at.or(window.resets_at);
        quota.primary = Some(window);
        Some(quota)
    }

    /// Holds an account that is too low, and lets go of one that is not (F112).
    fn judge_balance(&self, id: &AccountId) {
        let asked = self.records.with(|rows| {
            let row = rows.iter().find(|row| row.id == id.as_str())?;
            self.balances.with(|all| {
                all.get(id)
                    .map(|kept| kept.adapter(row).is_some() && kept.low())
            })
        });
        let holds = match asked {
            Some(true) => vec![Hold::whole(None)],
            _ => Vec::new(),
        };
        let now = self.clock.now();
        let events = self
            .pool
            .with(|pool| pool.set_holds(now, id, HoldReason::BalanceLow, holds));
        if !events.is_empty() {
            gateway::Journal::pool_events(&*self.journal, events);
        }
    }

    /// F65: a top-up ends at once what an empty account was parked for.
    fn revive(&self, id: &AccountId, before: &Kept, after: &Kept) {
        let more = match (before.left(), after.left()) {
            (Some(before), Some(after)) => after > before,
            _ => before.unavailable,
        };
        if after.low() || !(more || before.low()) {
            return;
        }
        let parked = self.pool.with(|pool| {
            pool.state(id).is_some_and(|state| {
                let sources = [
                    state.cooldown.map(|cooldown| cooldown.source),
                    state.exhausted.map(|exhausted| exhausted.source),
                ];
                sources
                    .iter()
                    .flatten()
                    .any(|source| matches!(source, HoldSource::Payment | HoldSource::Failures))
            })
        });
        if parked {
            self.clear_state(id);
        }
    }

    /// What is known of an account's balance; `None` when nobody can be asked.
    pub(crate) fn balance_view(&self, row: &AccountRow) -> Option<BalanceView> {
        self.balances.with(|all| {
            let nothing = Kept::default();
            let kept = all.get(row.id.as_str()).unwrap_or(&nothing);
            kept.adapter(row).map(|adapter| kept.view(adapter))
        })
    }

    /// Asks one account's provider for its balance now.
    ///
    /// # Errors
    /// When there is no such account, or nobody to ask. That the provider did not answer stands in the view.
    pub async fn query_balance_of(
        self: &Arc<Self>,
        name: &str,
    ) -> Result<AccountView, EngineError> {
        let row = self.find(name)?;
        let watched = self
            .watched()
            .into_iter()
            .find(|(other, _)| other.id == row.id);
        let Some((row, adapter)) = watched else {
            return Err(EngineError::Invalid(format!(
                "nobody is known who could tell the balance of {}; choose an adapter: {}",
                row.label,
                kept::allowed()
            )));
        };
        self.ask_balance(&row, adapter, &[]).await;
        self.account(&row.id)
    }

    /// Asks every provider that tells a balance, four at a time, with progress as events. Gives how many answered, and how many did not.
    pub async fn query_balances(self: &Arc<Self>) -> (usize, usize) {
        let asked: Vec<_> = self
            .watched()
            .into_iter()
            .filter(|(row, _)| row.enabled)
            .collect();
        let progress = Progress::begin(&self.journal.bus, "balance", asked.len());
        let progress = &progress;
        let answers = asked.into_iter().map(|(row, adapter)| async move {
            let answered = self.ask_balance(&row, adapter, &[]).await;
            progress.step(&row.label);
            answered
        });
        futures_util::stream::iter(answers)
            .buffer_unordered(AT_ONCE)
            .fold((0, 0), |(yes, no), answered| async move {
                if answered {
                    (yes + 1, no)
                } else {
                    (yes, no + 1)
                }
            })
            .await
    }

    /// Changes who is asked and what is too little; acts on the next request.
    ///
    /// # Errors
    /// Names the field that is wrong; then nothing changes.
    pub async fn change_balance(
        self: &Arc<Self>,
        name: &str,
        change: BalanceChange,
    ) -> Result<AccountView, EngineError> {
        self.changeable()?;
        let row = self.find(name)?;
        if !records::kind(&row).is_key() {
            return Err(EngineError::Invalid(format!(
                "{} is a sign-in: it has a quota, not a balance",
                row.label
            )));
        }
        let adapter = match change.adapter {
            Some(Some(word)) => Some(Some(kept::checked(&word).ok_or_else(|| {
                EngineError::Invalid(format!(
                    "adapter {word:?} is not one of {}",
                    kept::allowed()
                ))
            })?)),
            other => other,
        };
        let threshold = match change.threshold {
            Some(Some(text)) => {
                let amount = text.parse::<Decimal>().ok();
                let amount = amount.filter(|amount| *amount >= Decimal::ZERO);
                Some(Some(amount.ok_or_else(|| {
                    EngineError::Invalid(format!("threshold {text:?} is no amount such as 0.50"))
                })?))
            }
            Some(None) => Some(None),
            None => None,
        };
        let id = AccountId::from(row.id.as_str());
        let kept = self.balances.with(|all| {
            let kept = all.entry(id.clone()).or_default();
            if let Some(adapter) = adapter
                && kept.adapter != adapter
            {
                // Another provider's answer says nothing here.
                (kept.amounts, kept.unavailable) = (Vec::new(), false);
                (kept.checked_at, kept.error, kept.due) = (None, None, None);
                kept.adapter = adapter;
            }
            if let Some(threshold) = threshold {
                kept.threshold = threshold;
            }
            kept.clone()
        });
        let stored = kept.to_row(id.as_str());
        self.stored(move |store| store.save_balance(&stored))
            .await?;
        self.judge_balance(&id);
        self.journal.bus.tell(EngineEvent::AccountChanged(id));
        self.announce();
        self.account(&row.id)
    }
}

/// What was spent since the reading before, when somebody used the account meanwhile.
fn spent(
    before: &Kept,
    left: Decimal,
    used: Option<pool::Timestamp>,
    now: pool::Timestamp,
) -> Option<(Decimal, Duration)> {
    let (was, at) = before.left().zip(before.checked_at)?;
    used.filter(|used| *used > at)?;
    Some((was.minus(left), now.since(at)))
}

/// "No balance" is an answer too (F110: 1113).
fn no_money(error: &QueryError) -> Option<BalanceReading> {
    (error.outcome() == Some(Outcome::PaymentRequired)).then(|| BalanceReading {
        unavailable: true,
        ..BalanceReading::default()
    })
}

/// Whether the same question may be answered in a moment.
fn may_pass(error: &QueryError) -> bool {
    matches!(
        error.outcome(),
        Some(
            Outcome::Network
                | Outcome::Timeout
                | Outcome::ServerError { .. }
                | Outcome::Overloaded { .. }
        )
    )
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

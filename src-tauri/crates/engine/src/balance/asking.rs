//! When providers are asked for balances, how often again, and what is kept of the answer (F112). What it means for selection is in the
//! parent.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use pool::{AccountId, Outcome, QuotaSnapshot, QuotaSource};
use store::AccountRow;
use tokio::time::Instant;
use upstream::{BalanceAdapter, BalanceReading, Decimal, QueryError};

use super::kept::Kept;
use super::pace::{self, Reading};
use crate::compose::Engine;
use crate::events::EngineEvent;
use crate::records;

/// Providers asked at one time (F113).
pub(super) const AT_ONCE: usize = 4;
/// The first questions wait this long after the start, so that starting is not slowed.
const AFTER_START: Duration = Duration::from_secs(2);
/// After something changed, a moment for what else changes with it.
const SETTLE: Duration = Duration::from_secs(1);
/// While no account reaches the network.
const OFFLINE: Duration = Duration::from_secs(30);

impl Engine {
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
                self.ask_balance(&row, &adapter, &pace::RETRIES).await;
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
    pub(super) fn watched(&self) -> Vec<(AccountRow, BalanceAdapter)> {
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
    pub(super) async fn ask_balance(
        self: &Arc<Self>,
        row: &AccountRow,
        adapter: &BalanceAdapter,
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

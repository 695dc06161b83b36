//! Balances of key accounts: asked in time, judged against the account's threshold, shown and changed (F110–F112).
//!
//! An account whose balance is at or below its threshold is held in the pool and comes back with the first reading above it; no act of a
//! person is needed. How a provider is asked is `upstream::balance`'s business.

mod asking;
mod kept;
mod pace;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use pool::{AccountId, Hold, HoldReason, HoldSource, Measured};
use store::AccountRow;
use upstream::Decimal;

pub use kept::{AmountView, BalanceView};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::progress::Progress;
use crate::records;
use crate::views::AccountView;
use asking::AT_ONCE;
use kept::Kept;

/// What the person wants of an account's balance; the outer `None` keeps what is there, the inner one clears it.
#[derive(Debug, Clone, Default)]
pub struct BalanceChange {
    /// An adapter's word, a rule ([`upstream::BalanceRule`]), or `none`; cleared: by the account's host.
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

    /// What is known of an account's balance, for people and for its score (F63); `None` when nobody can be asked.
    pub(crate) fn balance_view(&self, row: &AccountRow) -> Option<(BalanceView, Option<Measured>)> {
        self.balances.with(|all| {
            let nothing = Kept::default();
            let kept = all.get(row.id.as_str()).unwrap_or(&nothing);
            let adapter = kept.adapter(row)?;
            Some((kept.view(&adapter), kept.measured()))
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
        self.ask_balance(&row, &adapter, &[]).await;
        self.account(&row.id)
    }

    /// Asks every provider that tells a balance, four at a time, with progress as events. Gives how many answered, and how many did not.
    pub async fn query_balances(self: &Arc<Self>) -> (usize, usize) {
        self.query_balances_of(|_| true).await
    }

    /// The same for the accounts that pass, by id.
    pub async fn query_balances_of(
        self: &Arc<Self>,
        which: impl Fn(&str) -> bool,
    ) -> (usize, usize) {
        let asked: Vec<_> = self
            .watched()
            .into_iter()
            .filter(|(row, _)| row.enabled && which(&row.id))
            .collect();
        let progress = Progress::begin(&self.journal.bus, "balance", asked.len());
        let progress = &progress;
        let answers = asked.into_iter().map(|(row, adapter)| async move {
            let answered = self.ask_balance(&row, &adapter, &[]).await;
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
            Some(Some(word)) => {
                let checked = kept::checked(&word, row.base_url.as_deref());
                Some(Some(checked.map_err(EngineError::Invalid)?))
            }
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

//! Asking the providers for quota because somebody wants to know now (F68). Never a model call.
//!
//! Not the readings that come with every answer (the gateway hands those to the pool), and not their history (`quota_history`).

use futures_util::StreamExt;
use pool::{AccountId, Health, Outcome};
use store::AccountRow;
use upstream::QueryError;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::progress::Progress;
use crate::records;
use crate::views::AccountView;

/// Providers asked at one time: a click must not become a burst.
const AT_ONCE: usize = 2;

/// How asking all accounts ended, in numbers of accounts (F68).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaQueried {
    /// Told a quota with something left.
    pub ok: usize,
    /// Are used up, or were told to wait.
    pub limited: usize,
    /// Were refused: only the person can help.
    pub invalid: usize,
    /// Could not be reached.
    pub network: usize,
    /// Were not asked: they use a key, or are known to need a sign-in.
    pub skipped: usize,
}

/// How one account's question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Fine,
    Limited,
    Invalid,
    Unreached,
    Skipped,
}

impl QuotaQueried {
    fn count(mut self, told: Told) -> Self {
        let place = match told {
            Told::Fine => &mut self.ok,
            Told::Limited => &mut self.limited,
            Told::Invalid => &mut self.invalid,
            Told::Unreached => &mut self.network,
            Told::Skipped => &mut self.skipped,
        };
        *place += 1;
        self
    }
}

impl Engine {
    /// The quota of one sign-in, asked now; no model call (F68).
    ///
    /// # Errors
    /// When there is no such account, it uses a key, or its provider does not tell.
    pub async fn query_quota_of(
        self: &std::sync::Arc<Self>,
        name: &str,
    ) -> Result<AccountView, EngineError> {
        let row = self.find(name)?;
        if records::kind(&row).is_key() {
            // Where somebody tells what is left of its money or plan, that is the answer (F110).
            if self.balance_view(&row).is_some() {
                return self.query_balance_of(&row.id).await;
            }
            return Err(EngineError::Invalid(format!(
                "{} uses a key; its provider tells no quota",
                row.label
            )));
        }
        let quota = self
            .upstream
            .query_usage(&records::target(&row)?)
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        self.gateway
            .observe_by_hand(&AccountId::from(row.id.as_str()), quota);
        self.account(&row.id)
    }

    /// The quota of every account that is switched on, two at a time, the active one first, with progress as events. Dropping the future
    /// stops it. A second one waits for the first.
    pub async fn query_quota(&self) -> QuotaQueried {
        let _one_at_a_time = self.asking_quota.lock().await;
        let mut rows: Vec<AccountRow> = self
            .records
            .with(|rows| rows.iter().filter(|row| row.enabled).cloned().collect());
        let active = self.pool.with(|pool| pool.active().cloned());
        let is_active = |row: &AccountRow| active.as_ref().map(AccountId::as_str) == Some(&row.id);
        rows.sort_by_key(|row| !is_active(row));
        let progress = Progress::begin(&self.journal.bus, "quota", rows.len());
        let asked = rows.into_iter().map(|row| {
            let progress = &progress;
            async move {
                let told = self.ask_quota(&row).await;
                progress.step(&row.label);
                told
            }
        });
        futures_util::stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .fold(QuotaQueried::default(), |sum, told| async move {
                sum.count(told)
            })
            .await
    }

    async fn ask_quota(&self, row: &AccountRow) -> Told {
        let id = AccountId::from(row.id.as_str());
        let now = self.clock.now();
        let health = self.pool.with(|pool| pool.health(now, &id));
        if records::kind(row).is_key()
            || matches!(health, Some(Health::NeedsLogin | Health::Banned))
        {
            return Told::Skipped;
        }
        let Ok(target) = records::target(row) else {
            return Told::Invalid;
        };
        match self.upstream.query_usage(&target).await {
            Ok(quota) => {
                let full = quota
                    .max_percent(self.clock.now())
                    .is_some_and(|used| used >= 100.0);
                self.gateway.observe_by_hand(&id, quota);
                if full { Told::Limited } else { Told::Fine }
            }
            Err(error) => {
                tracing::info!(account = %row.label, %error, "the quota could not be read");
                refused(&error)
            }
        }
    }
}

fn refused(error: &QueryError) -> Told {
    match error {
        QueryError::NotApplicable(_) => Told::Skipped,
        QueryError::Unreadable => Told::Invalid,
        QueryError::Access(_) | QueryError::Send(_) | QueryError::Refused { .. } => {
            match error.outcome() {
                Some(Outcome::UsageLimit { .. } | Outcome::RateLimited { .. }) => Told::Limited,
                Some(
                    Outcome::Network
                    | Outcome::Timeout
                    | Outcome::ServerError { .. }
                    | Outcome::Overloaded { .. }
                    | Outcome::RefreshUnavailable,
                ) => Told::Unreached,
                _ => Told::Invalid,
            }
        }
    }
}

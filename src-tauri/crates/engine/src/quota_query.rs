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
const AT_ONCE: usize = 3;

/// How asking all accounts ended, in numbers of accounts (F68).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaQueried {
    /// Somebody stopped it: the accounts that are missing in `items` were not asked.
    pub stopped: bool,
    /// Each account, in the order in which their answers came.
    pub items: Vec<QuotaAsked>,
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

/// How the question to one account ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaAsked {
    /// Which account.
    pub id: AccountId,
    /// Its label.
    pub label: String,
    /// `ok`, `limited`, `invalid`, `network` or `skipped`, as in the sums of [`QuotaQueried`].
    pub result: &'static str,
}

/// How one account's question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Fine,
    Limited,
    Invalid,
    Unreached,
    Skipped,
}

impl Told {
    const fn word(self) -> &'static str {
        match self {
            Told::Fine => "ok",
            Told::Limited => "limited",
            Told::Invalid => "invalid",
            Told::Unreached => "network",
            Told::Skipped => "skipped",
        }
    }
}

impl QuotaQueried {
    fn count(mut self, row: AccountRow, told: Told) -> Self {
        self.items.push(QuotaAsked {
            id: AccountId::from(row.id),
            label: row.label,
            result: told.word(),
        });
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

    /// The quota of every account that is switched on, three at a time, the active one first, with progress as events. Dropping the future,
    /// or [`Engine::stop_quota_query`], stops it. A second one waits for the first.
    pub async fn query_quota(&self) -> QuotaQueried {
        let _one_at_a_time = self.asking_quota.lock().await;
        let mut rows: Vec<AccountRow> = self
            .records
            .with(|rows| rows.iter().filter(|row| row.enabled).cloned().collect());
        let active = self.pool.with(|pool| pool.active().cloned());
        let is_active = |row: &AccountRow| active.as_ref().map(AccountId::as_str) == Some(&row.id);
        rows.sort_by_key(|row| !is_active(row));
        let total = rows.len();
        let progress = Progress::begin(&self.journal.bus, "quota", total);
        let asked = rows.into_iter().map(|row| {
            let progress = &progress;
            async move {
                let told = self.ask_quota(&row, true).await;
                progress.step(&row.label);
                (row, told)
            }
        });
        let answers = futures_util::stream::iter(asked)
            .buffer_unordered(AT_ONCE)
            .take_until(self.upkeep.stop_asking.notified());
        let mut answers = std::pin::pin!(answers);
        let mut sum = QuotaQueried::default();
        while let Some((row, told)) = answers.next().await {
            sum = sum.count(row, told);
        }
        sum.stopped = sum.items.len() < total;
        sum
    }

    /// Stops [`Engine::query_quota`] where it is; what was read stays. Rounds that come by themselves go on.
    pub fn stop_quota_query(&self) {
        self.upkeep.stop_asking.notify_waiters();
    }

    /// Asks one account. A reading nobody asked for by hand may move the active account (F43).
    pub(crate) async fn ask_quota(&self, row: &AccountRow, by_hand: bool) -> Told {
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
                if by_hand {
                    self.gateway.observe_by_hand(&id, quota);
                } else {
                    self.gateway.observe(&id, quota);
                }
                self.answered_at_all(if full { Told::Limited } else { Told::Fine })
            }
            Err(error) => {
                tracing::info!(account = %row.label, %error, "the quota could not be read");
                self.answered_at_all(refused(&error))
            }
        }
    }

    /// Asks a key account for its models, which costs nothing (F60). The list itself is not kept here.
    pub(crate) async fn ask_models(&self, row: &AccountRow) -> Told {
        let Ok(target) = records::target(row) else {
            return Told::Invalid;
        };
        let told = match self.upstream.list_models(&target).await {
            Ok(_) => Told::Fine,
            Err(error) => refused(&error),
        };
        self.answered_at_all(told)
    }

    /// A refusal is an answer too: the network is there.
    fn answered_at_all(&self, told: Told) -> Told {
        if !matches!(told, Told::Unreached | Told::Skipped) {
            self.upstream_answered();
        }
        told
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

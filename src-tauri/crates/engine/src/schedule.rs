//! What runs by itself: writing the journal, keeping tokens fresh, noticing that a rest is over, asking for models and quota.
//!
//! Each task sleeps until there is something to do: an idle engine wakes a few times an hour.

use std::sync::Arc;
use std::time::Duration;

use pool::{AccountId, Health, Timestamp};
use store::{
    AttemptRow, JournalFilter, JournalRow, QuotaSampleRow, USAGE_SLOT_MS, UsageRow, UsageSlotRow,
};
use upstream::{CredentialError, Observer, Refreshed, Target};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::journal::{MOST_TOLD, Waiting};
use crate::views::{AttemptView, RequestFilter, RequestView};
use crate::{records, state_rows};

/// Old rows are removed this often, and once shortly after the start.
const PRUNE: Duration = Duration::from_secs(3600);
/// The first background questions to providers wait this long after the start, so that starting is not slowed.
const AFTER_START: Duration = Duration::from_secs(1);
/// How long quota samples are kept (F74).
const SAMPLES_MS: i64 = 30 * 24 * 3600 * 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long the sums of single days are kept; what is older stays as one sum (F74).
const USAGE_MS: i64 = 400 * DAY_MS;
/// How long the quarters of an hour are kept: the longest period of a limit, and a day.
const SLOTS_MS: i64 = 367 * DAY_MS;

/// Starts every background task of the engine.
pub(crate) fn start(engine: &Arc<Engine>) {
    engine
        .upstream
        .set_observer(Arc::new(Tokens(Arc::downgrade(engine))));
    // Held weakly by none: tasks end at shutdown, which is what lets go of the engine.
    let writer = engine.clone();
    engine.tasks.run(async move {
        loop {
            writer.journal.gathered().await;
            let engine = writer.clone();
            let _ = writer.tasks.blocking(move || engine.flush()).await;
        }
    });
    let refresher = engine.clone();
    engine.tasks.run(async move {
        let upstream = refresher.upstream.clone();
        upstream.run_schedule(move || refresher.refreshable()).await;
    });
    let expiry = engine.clone();
    engine.tasks.run(async move { expiry.watch_expiry().await });
    engine.tasks.run(engine.clone().follow_pool());
    engine.start_upkeep();
    engine.tasks.run(engine.clone().watch_balances());
    engine.tasks.run(engine.clone().watch_folder());
    let keeper = engine.clone();
    engine.tasks.run(async move {
        tokio::time::sleep(AFTER_START).await;
        keeper.discover_stale().await;
        loop {
            keeper.prune().await;
            keeper.keep_turns().await;
            keeper.back_up_daily().await;
            tokio::time::sleep(PRUNE).await;
            keeper.look_at_codex_cli().await;
            keeper.discover_stale().await;
        }
    });
}

impl Engine {
    /// Sign-ins whose tokens are kept fresh: switched on and not waiting for a person (F14, F15).
    fn refreshable(&self) -> Vec<Target> {
        let now = self.clock.now();
        // F66: nothing can be refreshed while the network is down.
        if self.pool.with(|pool| pool.offline().is_some()) {
            return Vec::new();
        }
        self.records.with(|rows| {
            rows.iter()
                .filter(|row| row.enabled && row.refreshable && !records::kind(row).is_key())
                .filter(|row| {
                    let health = self
                        .pool
                        .with(|pool| pool.health(now, &AccountId::from(row.id.as_str())));
                    !matches!(health, Some(Health::NeedsLogin | Health::Banned))
                })
                .filter_map(|row| records::target(row).ok())
                .collect()
        })
    }

    /// Sleeps until the next cooldown or exhaustion ends and tells everyone (F64).
    async fn watch_expiry(&self) {
        let mut changes = self.changes();
        loop {
            let now = self.clock.now();
            let events = self.pool.with(|pool| pool.expire(now));
            if !events.is_empty() {
                gateway::Journal::pool_events(&*self.journal, events);
            }
            changes.mark_unchanged();
            let wait = self
                .pool
                .with(|pool| pool.next_expiry(now))
                .map(|at| at.since(now) + Duration::from_millis(50));
            tokio::select! {
                () = sleep_or_for_ever(wait) => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Writes what waits: journal rows, counts, account states, quota samples. Blocks.
    pub(crate) fn flush(&self) {
        // One writer at a time from here on: what is taken later is also written later.
        let store = self
            .store
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.flush_into(&store, || {});
    }

    /// The same for whoever has the store; `then` happens in the moment between what is written and what is not.
    pub(crate) fn flush_into(&self, store: &store::Store, then: impl FnOnce()) {
        let waiting = self.journal.take(then);
        if waiting.entries.is_empty() && waiting.counts.is_empty() && waiting.accounts.is_empty() {
            return;
        }
        let (states, samples) = self.states(&waiting);
        let keep =
            usize::try_from(self.settings.current().settings.journal.rows).unwrap_or(usize::MAX);
        let skip = waiting.entries.len().saturating_sub(keep);
        let rows: Vec<JournalRow> = waiting
            .entries
            .into_iter()
            .skip(skip)
            .map(journal_row)
            .collect();
        if self.journal.bus.heard() {
            for row in rows.iter().skip(rows.len().saturating_sub(MOST_TOLD)) {
                let request = std::sync::Arc::new(request_view(row.clone()));
                self.journal
                    .bus
                    .tell(crate::events::EngineEvent::RequestFinished(request));
            }
        }
        let day = self.clock.now().0.div_euclid(DAY_MS);
        let usage: Vec<UsageRow> = waiting
            .counts
            .into_iter()
            .map(|(key, counts)| usage_row(day, key, counts))
            .collect();
        let slots = slot_rows(self.clock.now(), &usage, &self.ledger.prices());
        let written = store
            .add_requests(&rows)
            .and_then(|()| store.add_usage(&usage))
            .and_then(|()| store.add_usage_slots(&slots))
            .and_then(|()| store.save_account_states(&states).map(|_| ()))
            .and_then(|()| store.add_quota_samples(&samples).map(|_| ()));
        if let Err(error) = written {
            tracing::error!(%error, "the journal could not be written");
        }
    }

    fn states(&self, waiting: &Waiting) -> (Vec<store::AccountStateRow>, Vec<QuotaSampleRow>) {
        self.pool.with(|pool| {
            let known = waiting
                .accounts
                .iter()
                .filter_map(|id| Some((id, pool.state(id)?)));
            let mut states = Vec::new();
            let mut samples = Vec::new();
            for (id, state) in known {
                states.push(state_rows::to_row(id, state));
                samples.extend(
                    state
                        .quota
                        .as_ref()
                        .map(|quota| state_rows::samples(id, quota))
                        .unwrap_or_default(),
                );
            }
            (states, samples)
        })
    }

    /// The latest finished requests that pass the filter, newest first; what still waits is written before. Free text is looked for among
    /// everything the journal keeps.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn requests_where(
        self: &Arc<Self>,
        limit: u32,
        which: RequestFilter,
    ) -> Result<Vec<RequestView>, EngineError> {
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let rows = self
            .stored(move |store| {
                let filter = JournalFilter {
                    before_seq: which.before,
                    account_id: which.account.as_deref(),
                    outcome: which.outcome.as_deref(),
                    ..JournalFilter::default()
                };
                let Some(text) = which.text.filter(|text| !text.is_empty()) else {
                    return store.recent_requests(limit, &filter);
                };
                let text = text.to_lowercase();
                let mut rows = store.recent_requests(u32::MAX, &filter)?;
                rows.retain(|row| {
                    let fields = [
                        row.model_asked.as_deref(),
                        row.model_served.as_deref(),
                        row.account_label.as_deref(),
                        row.client_key.as_deref(),
                        row.error_code.as_deref(),
                        Some(row.request_id.as_str()),
                    ];
                    fields
                        .into_iter()
                        .flatten()
                        .any(|field| field.to_lowercase().contains(&text))
                });
                rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
                Ok(rows)
            })
            .await?;
        Ok(rows.into_iter().map(request_view).collect())
    }

    /// The latest finished requests, newest first; what still waits is written before.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn requests(self: &Arc<Self>, limit: u32) -> Result<Vec<RequestView>, EngineError> {
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let rows = self
            .stored(move |store| store.recent_requests(limit, &JournalFilter::default()))
            .await?;
        Ok(rows.into_iter().map(request_view).collect())
    }

    /// Removes what retention says (F74).
    async fn prune(&self) {
        let journal = &self.settings.current().settings.journal;
        let now = self.clock.now().0;
        let keep = u32::try_from(journal.rows).unwrap_or(u32::MAX);
        let before = now
            - i64::try_from(journal.days)
                .unwrap_or(7)
                .saturating_mul(DAY_MS);
        let pruned = self
            .stored(move |store| {
                store.prune_requests(keep, before)?;
                store.prune_quota_samples(now - SAMPLES_MS)?;
                store.fold_usage((now - USAGE_MS).div_euclid(DAY_MS))?;
                store.prune_usage_slots((now - SLOTS_MS).div_euclid(USAGE_SLOT_MS))?;
                Ok(())
            })
            .await;
        if let Err(error) = pruned {
            tracing::warn!(%error, "old rows could not be removed");
        }
    }
}

/// The same sums by quarter of an hour, with their estimated cost, for limits and budgets (F72).
fn slot_rows(
    now: Timestamp,
    usage: &[UsageRow],
    prices: &crate::limits::Prices,
) -> Vec<UsageSlotRow> {
    let slot = |row: &UsageRow| {
        let cost = prices.cost(&row.model, &crate::usage::told(row));
        UsageSlotRow {
            slot: now.0.div_euclid(USAGE_SLOT_MS),
            account_id: row.account_id.clone(),
            model: row.model.clone(),
            client_key: row.client_key.clone(),
            requests: row.requests,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cost_nanos: cost.map_or(0, upstream::Decimal::to_nanos),
            unknown_usage: row.unknown_usage,
            unpriced: match cost {
                Some(_) => 0,
                None => row.requests - row.unknown_usage,
            },
        }
    };
    usage.iter().map(slot).collect()
}

async fn sleep_or_for_ever(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

fn journal_row(entry: gateway::Entry) -> JournalRow {
    let served = entry.attempts.last();
    let tokens = |pick: fn(&protocol::Usage) -> u64| {
        entry
            .usage
            .as_ref()
            .map(|usage| i64::try_from(pick(usage)).unwrap_or(i64::MAX))
    };
    JournalRow {
        seq: 0,
        started_at: entry.started_at.0,
        client_key: Some(entry.key.to_string()),
        dialect: entry.dialect.to_owned(),
        endpoint: entry.endpoint.to_owned(),
        account_id: served.map(|attempt| attempt.account.to_string()),
        account_label: served.map(|attempt| attempt.label.clone()),
        status: Some(entry.status),
        outcome: entry.end.as_str().to_owned(),
        stream: entry.stream,
        ttft_ms: entry.first_byte_ms.map(i64::from),
        duration_ms: i64::from(entry.duration_ms),
        input_tokens: tokens(|usage| usage.input),
        output_tokens: tokens(|usage| usage.output),
        cached_tokens: tokens(|usage| usage.cached),
        reasoning_tokens: tokens(|usage| usage.reasoning),
        error_code: entry.error_code,
        losses: entry.losses,
        attempts: (1..)
            .zip(&entry.attempts)
            .map(|(n, attempt)| attempt_row(n, attempt))
            .collect(),
        request_id: entry.request_id,
        model_asked: Some(entry.model),
        model_served: None,
    }
}

fn request_view(row: JournalRow) -> RequestView {
    let attempt = |attempt: AttemptRow| AttemptView {
        account: attempt.account_label,
        account_id: attempt.account_id,
        outcome: attempt.outcome,
        status: attempt.http_status,
        duration_ms: attempt.duration_ms,
        reason: attempt.reason,
    };
    RequestView {
        seq: row.seq,
        request_id: row.request_id,
        started_at: Timestamp(row.started_at),
        key: row.client_key,
        dialect: row.dialect,
        endpoint: row.endpoint,
        model: row.model_asked,
        model_served: row.model_served,
        account: row.account_label,
        account_id: row.account_id,
        status: row.status,
        outcome: row.outcome,
        error_code: row.error_code,
        stream: row.stream,
        first_byte_ms: row.ttft_ms,
        duration_ms: row.duration_ms,
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        cached_tokens: row.cached_tokens,
        reasoning_tokens: row.reasoning_tokens,
        losses: row.losses,
        attempts: row.attempts.into_iter().map(attempt).collect(),
    }
}

fn attempt_row(n: u32, attempt: &gateway::Attempt) -> AttemptRow {
    AttemptRow {
        n,
        account_id: Some(attempt.account.to_string()),
        account_label: Some(attempt.label.clone()),
        outcome: attempt.outcome.to_owned(),
        http_status: attempt.status,
        duration_ms: i64::from(attempt.duration_ms),
        reason: (!attempt.reason.is_empty())
            .then(|| crate::redact::redact(&attempt.reason).into_owned()),
    }
}

fn usage_row(day: i64, key: crate::journal::CountKey, counts: crate::journal::Counts) -> UsageRow {
    UsageRow {
        day,
        account_id: key.account.map(|id| id.to_string()).unwrap_or_default(),
        model: key.model,
        route: key.route.to_owned(),
        client_key: key.key,
        requests: counts.requests,
        successes: counts.succeeded,
        failures: counts.failed,
        cancelled: counts.cancelled,
        input_tokens: counts.input,
        output_tokens: counts.output,
        cached_tokens: counts.cached,
        reasoning_tokens: counts.reasoning,
        images: counts.images,
        unknown_usage: counts.usage_unknown,
    }
}

/// Hears what happens to tokens and keeps records and pool true.
struct Tokens(std::sync::Weak<Engine>);

impl Observer for Tokens {
    fn refreshed(&self, id: &AccountId, refreshed: &Refreshed) {
        let Some(engine) = self.0.upgrade() else {
            return;
        };
        let (id, refreshed) = (id.clone(), refreshed.clone());
        engine.pool.with(|pool| {
            pool.set_token(
                &id,
                refreshed
                    .expires_at
                    .map_or(pool::Token::Usable, pool::Token::Until),
            )
        });
        // F22: a new token ends what the old one was refused for.
        let refused = engine.pool.with(|pool| {
            pool.state(&id).is_some_and(|state| {
                state.status == pool::Status::NeedsLogin
                    || state
                        .cooldown
                        .is_some_and(|c| c.source == pool::HoldSource::Refresh)
            })
        });
        if refused && refreshed.renewed {
            engine.clear_state(&id);
        }
        let tasks = engine.tasks.clone();
        tasks.finish(async move { engine.adopt(&id, &refreshed).await });
    }

    fn refresh_refused(&self, id: &AccountId, _code: &str, confirmed: bool, banned: bool) {
        let Some(engine) = self.0.upgrade() else {
            return;
        };
        let outcome = pool::Outcome::RefreshRefused { confirmed, banned };
        let events = engine
            .pool
            .with(|pool| pool.report(engine.clock.now(), id, &outcome));
        gateway::Journal::pool_events(&*engine.journal, events);
        engine.journal.touch(id);
    }

    fn refresh_unavailable(&self, id: &AccountId, reason: &str, _retry_at: Option<Timestamp>) {
        tracing::info!(account = %id, reason, "the token could not be refreshed; trying again");
    }

    fn persist_failed(&self, id: &AccountId, error: &CredentialError) {
        tracing::error!(account = %id, %error, "new tokens could not be kept in the vault; trying again");
    }
}

impl Engine {
    /// Takes over what a refresh told about an account (F6: a refresh-only import learns who it is).
    async fn adopt(&self, id: &AccountId, refreshed: &Refreshed) {
        let refreshed = refreshed.clone();
        let adopted = self.edit(id.as_str(), |row| {
            row.expires_at = refreshed.expires_at.map(|at| at.0).or(row.expires_at);
            row.provider_account_id = refreshed.account_id.or(row.provider_account_id.take());
            row.provider_user_id = refreshed.user_id.or(row.provider_user_id.take());
            row.email = refreshed.email.or(row.email.take());
            row.plan = refreshed.plan.or(row.plan.take());
        });
        if let Err(error) = adopted.await {
            tracing::warn!(account = %id, %error, "what the refresh told could not be kept");
        }
    }
}

//! What surfaces see: one account, the whole in one look, and why an account is or is not used. Reads only; every value is made fresh from
//! the records and the pool.

use std::collections::HashMap;

use pool::{AccountId, AccountState, Ask, Format, Health, Pool, Timestamp};
use store::AccountRow;

use crate::compose::Engine;
use crate::keys::DEFAULT_KEY;
use crate::redact::mask_email;
use crate::views::{AccountView, ExplainView, HoldView, StatusView};
use crate::{demo, records};

/// From this used share on the icon warns (F139).
const LOW_PERCENT: f64 = 80.0;

impl Engine {
    /// The whole in one look.
    pub fn status(&self) -> StatusView {
        let resolved = self.settings.current();
        let accounts = self.accounts();
        let (policy, offline, groups) = self.pool.with(|pool| {
            let groups = pool.group_use().into_iter();
            let groups = groups.map(|(name, running, limit)| (name.to_owned(), running, limit));
            (pool.policy(), pool.offline().is_some(), groups.collect())
        });
        let paused = self.paused();
        let running = self.running();
        let serving = self.address().is_some();
        let icon = match () {
            () if !serving || paused.is_some() => "stopped",
            () if offline => "offline",
            () => icon(&accounts, policy == pool::Policy::ActiveAccount, running),
        };
        let key_masked = self
            .keys()
            .into_iter()
            .find(|key| key.name == DEFAULT_KEY)
            .map(|key| key.masked);
        StatusView {
            version: env!("CARGO_PKG_VERSION"),
            url: self.base_url(),
            serving,
            running,
            waiting: self.gateway.waiting(),
            groups,
            policy: policy.as_str(),
            automatic: policy != pool::Policy::ActiveAccount,
            auto_switch: resolved.settings.auto_switch.enabled,
            paused,
            offline,
            saving_power: self.saving_power(),
            icon,
            key_masked,
            vault: self.vault.kind().as_str(),
            home: self.home().root().display().to_string(),
            accounts,
            notices: self
                .read_only()
                .map(str::to_owned)
                .into_iter()
                .chain(resolved.settings.notices().iter().map(ToString::to_string))
                .collect(),
        }
    }

    /// Who would serve a model now, and why the others would not.
    pub fn explain(&self, model: &str) -> Vec<ExplainView> {
        let (pinned, model) = self.gateway.pinned(model);
        // A level that the model does not take is told by the request itself; who would serve is answered all the same.
        let named = self
            .gateway
            .named(model)
            .unwrap_or_else(|_| gateway::Named {
                model: model.to_owned(),
                ..gateway::Named::default()
            });
        // Whatever the client speaks: each of them is translated into every other.
        let formats = [
            Format::Responses,
            Format::Codex,
            Format::OpenAi,
            Format::Anthropic,
            Format::Gemini,
        ];
        let ask = Ask {
            pinned: pinned.as_ref(),
            native: named.native_model(),
            group: named.group.as_deref(),
            ..Ask::new(&named.model, &formats)
        };
        let now = self.clock.now();
        let verdicts = self.pool.with(|pool| pool.explain_fully(now, &ask));
        let labels: HashMap<String, String> = self.records.with(|rows| {
            rows.iter()
                .map(|row| (row.id.clone(), row.label.clone()))
                .collect()
        });
        let view = |told: pool::Explained| ExplainView {
            label: labels.get(told.id.as_str()).cloned().unwrap_or_default(),
            rank: told.verdict.as_ref().ok().map(|(rank, _)| rank + 1),
            code: told.verdict.as_ref().err().map(pool::SkipReason::code),
            because: told.verdict.as_ref().ok().map(|(_, why)| why.plain()),
            until: told
                .verdict
                .as_ref()
                .err()
                .and_then(pool::SkipReason::until),
            source: told.source.map(std::borrow::Cow::into_owned),
            reason: told.verdict.err().map(|reason| reason.text(now)),
            id: told.id,
        };
        let mut lines: Vec<ExplainView> = verdicts.into_iter().map(view).collect();
        lines.sort_by_key(|line| line.rank.unwrap_or(usize::MAX));
        lines
    }

    /// One account as it is now.
    pub(crate) fn view(&self, row: &AccountRow) -> AccountView {
        let now = self.clock.now();
        let (limits, nearest) = self.limits_of(&row.id);
        let (balance, left) = self.balance_view(row).unzip();
        let (view, score) = self.pool.with(|pool| {
            let score = pool.score(now, &row.id.as_str().into(), nearest, left.flatten());
            (account(pool, row, now), score)
        });
        AccountView {
            balance,
            limits,
            score: score.unwrap_or(0),
            ..view
        }
    }
}

fn icon(accounts: &[AccountView], active_only: bool, running: usize) -> &'static str {
    let usable =
        |account: &&AccountView| matches!(account.health, "active" | "unknown" | "attention");
    // What the person looks at: the chosen account, or whoever can serve.
    let watched: Vec<&AccountView> = accounts
        .iter()
        .filter(|account| account.enabled && (!active_only || account.active))
        .collect();
    let best = watched.iter().copied().filter(usable);
    let left = best
        .map(|account| account.remaining_percent.unwrap_or(100.0))
        .reduce(f64::max);
    match left {
        None if watched.is_empty() && accounts.is_empty() => "running",
        None => "attention",
        Some(left) if 100.0 - left >= LOW_PERCENT => "low",
        Some(_) if running > 0 => "working",
        Some(_) => "running",
    }
}

fn account(pool: &Pool, row: &AccountRow, now: Timestamp) -> AccountView {
    let id = AccountId::from(row.id.as_str());
    let state = pool.state(&id).cloned().unwrap_or_default();
    let health = pool.health(now, &id).unwrap_or(Health::Unknown);
    let hold = hold(health, &state);
    // Healthy, but not to be used: the person's own rules keep it.
    let reserved = match pool.held(now, &id) {
        Some(reason @ pool::SkipReason::Reserved { until }) => Some((reason, Some(until))),
        Some(reason @ pool::SkipReason::UsageLimit { until }) => Some((reason, until)),
        Some(reason @ pool::SkipReason::BalanceLow) => Some((reason, None)),
        _ => None,
    };
    let reason = match health {
        Health::Active | Health::Unknown => reserved.map(|(reason, _)| reason.plain().to_owned()),
        Health::Disabled => Some("switched off".to_owned()),
        Health::Cooling { source, .. } => Some(source.as_str().replace('_', " ")),
        Health::Exhausted { .. } => Some("quota used up".to_owned()),
        _ => state
            .reason
            .as_ref()
            .map(|reason| reason.code.replace('_', " ")),
    };
    let known_models = crate::catalog::cached(row).to_vec();
    AccountView {
        active: pool.active() == Some(&id),
        health: health.code(),
        reason,
        usable_again_at: hold
            .map(|hold| hold.until)
            .or(reserved.and_then(|(_, until)| until)),
        hold,
        running: pool.in_flight(&id),
        remaining_percent: state
            .quota
            .as_ref()
            .and_then(|quota| quota.max_percent(now))
            .map(|used| (100.0 - used).max(0.0)),
        quota: state.quota,
        balance: None,
        limits: Vec::new(),
        last_used_at: state.last_used,
        last_success_at: state.last_success,
        last_error: state
            .last_error
            .map(|reason| (reason.code.into_owned(), reason.at)),
        requests: state.counters.requests,
        successes: state.counters.successes,
        failures: state.counters.failures,
        cancelled: state.counters.cancelled,
        kind: records::kind(row),
        label: row.label.clone(),
        enabled: row.enabled,
        format: records::format(row),
        base_url: row.base_url.clone(),
        email: row.email.as_deref().map(mask_email),
        plan: row.plan.clone(),
        position: row.position,
        priority: row.priority,
        group: row.group.clone(),
        allowed_models: row.allowed_models.clone(),
        known_models: (!known_models.is_empty()).then_some(known_models),
        proxy: row.proxy.clone(),
        excluded: row.excluded,
        reserve_percent: row.reserve_percent,
        slots: row.slots,
        score: 0,
        notes: row.notes.clone(),
        expires_at: row.expires_at.map(Timestamp),
        refreshable: row.refreshable,
        added_at: Timestamp(row.added_at),
        exported_at: row.exported_at.map(Timestamp),
        export_count: row.export_count,
        demo: row.source == demo::SOURCE,
        id,
    }
}

fn hold(health: Health, state: &AccountState) -> Option<HoldView> {
    match health {
        Health::Cooling { until, source } => Some(HoldView {
            source,
            until,
            guessed: true,
        }),
        Health::Exhausted { until } => Some(HoldView {
            // Without a refusal it was the reading itself that said so (F42).
            source: state
                .exhausted
                .map_or(pool::HoldSource::Quota, |exhausted| exhausted.source),
            until,
            guessed: false,
        }),
        _ => None,
    }
}

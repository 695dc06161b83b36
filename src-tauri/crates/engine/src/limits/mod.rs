//! Limits that the person sets: usage of an account and of its models (F72), budgets of gateway keys (F27). Set and shown here; counted by the
//! `ledger`.
//!
//! What was used is read from the database's quarters of an hour when limits change, so that a limit set or raised today knows of yesterday.

mod ledger;
mod period;
mod prices;

use std::sync::Arc;

use gateway::Journal;
use pool::{AccountId, Measured, Timestamp};
use store::{Store, StoreError, USAGE_SLOT_MS, UsageLimitRow};
use upstream::Decimal;

pub(crate) use ledger::{Caps, Ledger, Line, Spent, Whose};
pub use period::{DEFAULT_PERIOD, LONGEST_PERIOD};
pub use prices::Price;
pub(crate) use prices::Prices;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::views::AccountView;

/// Most limits of one account.
const MOST: usize = 64;
/// Longest name of a model.
const LONGEST_MODEL: usize = 200;

/// A limit to set. What is `None` is not limited; at least one is.
#[derive(Debug, Clone, Default)]
pub struct UsageLimit {
    /// The model, or a beginning and `*`; `None` is the whole account.
    pub model: Option<String>,
    /// Days of a period, 1 to 366; `None` is 30.
    pub period_days: Option<u32>,
    /// Requests.
    pub requests: Option<i64>,
    /// Tokens in.
    pub prompt_tokens: Option<i64>,
    /// Tokens out.
    pub completion_tokens: Option<i64>,
    /// Both.
    pub total_tokens: Option<i64>,
    /// Estimated cost in USD, a decimal text.
    pub cost: Option<String>,
}

/// What was used in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentView {
    /// Requests.
    pub requests: i64,
    /// Tokens in, as far as told.
    pub prompt_tokens: i64,
    /// Tokens out, as far as told.
    pub completion_tokens: i64,
    /// Estimated cost in USD of those that have a price, a decimal text.
    pub cost: String,
    /// Requests whose usage was not told: in no sum.
    pub unknown_usage: i64,
    /// Requests whose model has no price: not in the cost.
    pub unpriced: i64,
    /// The period began then.
    pub since: Timestamp,
    /// And ends then.
    pub until: Timestamp,
    /// A limit is reached.
    pub reached: bool,
}

impl SpentView {
    pub(crate) fn of(line: &Line) -> Self {
        Self {
            requests: line.spent.requests,
            prompt_tokens: line.spent.prompt_tokens,
            completion_tokens: line.spent.completion_tokens,
            cost: line.spent.cost.to_string(),
            unknown_usage: line.spent.unknown_usage,
            unpriced: line.spent.unpriced,
            since: line.span.0,
            until: line.span.1,
            reached: line.reached(),
        }
    }
}

/// A limit of an account, and what was used of it.
#[derive(Debug, Clone)]
pub struct UsageLimitView {
    /// As it was set, with its period.
    pub limit: UsageLimit,
    /// What was used.
    pub used: SpentView,
}

/// A whole number above zero, or none.
pub(crate) fn above_zero(field: &str, number: Option<i64>) -> Result<Option<i64>, EngineError> {
    match number {
        Some(number) if number <= 0 => {
            Err(EngineError::Invalid(format!("{field} must be above 0")))
        }
        other => Ok(other),
    }
}

/// An amount above zero, or none.
pub(crate) fn amount(field: &str, text: Option<&str>) -> Result<Option<Decimal>, EngineError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse::<Decimal>() {
        Ok(amount) if amount.to_nanos() > 0 => Ok(Some(amount)),
        _ => Err(EngineError::Invalid(format!(
            "{field} {text:?} is no amount above 0, such as 12.50"
        ))),
    }
}

/// Days of a period.
pub(crate) fn period(days: Option<u32>) -> Result<u32, EngineError> {
    match days.unwrap_or(DEFAULT_PERIOD) {
        days @ 1..=LONGEST_PERIOD => Ok(days),
        _ => Err(EngineError::Invalid(format!(
            "period_days is 1 to {LONGEST_PERIOD}"
        ))),
    }
}

fn checked(id: &str, limit: &UsageLimit, since: Timestamp) -> Result<UsageLimitRow, EngineError> {
    let model = limit.model.as_deref().map(str::trim).unwrap_or_default();
    if model.len() > LONGEST_MODEL || model.chars().any(char::is_control) {
        return Err(EngineError::Invalid(
            "the model's name is too long or odd".into(),
        ));
    }
    let row = UsageLimitRow {
        account_id: id.to_owned(),
        model: model.to_owned(),
        period_days: period(limit.period_days)?,
        since: since.0,
        requests: above_zero("requests", limit.requests)?,
        prompt_tokens: above_zero("prompt_tokens", limit.prompt_tokens)?,
        completion_tokens: above_zero("completion_tokens", limit.completion_tokens)?,
        total_tokens: above_zero("total_tokens", limit.total_tokens)?,
        cost_nanos: amount("cost", limit.cost.as_deref())?.map(Decimal::to_nanos),
    };
    let counted = [
        row.requests,
        row.prompt_tokens,
        row.completion_tokens,
        row.total_tokens,
        row.cost_nanos,
    ];
    if counted.iter().all(Option::is_none) {
        return Err(EngineError::Invalid(
            "a limit names at least one of requests, prompt_tokens, completion_tokens, total_tokens, cost".into(),
        ));
    }
    Ok(row)
}

fn caps(row: &UsageLimitRow) -> Caps {
    Caps {
        requests: row.requests,
        prompt_tokens: row.prompt_tokens,
        completion_tokens: row.completion_tokens,
        total_tokens: row.total_tokens,
        cost: row.cost_nanos.map(Decimal::from_nanos),
    }
}

/// What the database knows of a line's present period.
fn read(store: &Store, mut line: Line) -> Result<Line, StoreError> {
    let slots = (
        line.span.0.0.div_euclid(USAGE_SLOT_MS),
        line.span.1.0.div_euclid(USAGE_SLOT_MS),
    );
    let (account, key, only) = match &line.whose {
        Whose::Account(id, only) => (Some(id.as_str()), None, only.as_deref()),
        Whose::Key(name, _) => (None, Some(name.as_str()), None),
    };
    for row in store.usage_of(account, key, slots)? {
        if only.is_none_or(|only| ledger::names(only, &row.model)) {
            line.spent.add_row(&row);
        }
    }
    Ok(line)
}

impl Engine {
    /// Reads every limit, and what was used of it, and puts them in force.
    pub(crate) async fn reload_limits(self: &Arc<Self>) -> Result<(), EngineError> {
        let engine = self.clone();
        let events = self
            .tasks
            .blocking(move || {
                let now = engine.clock.now();
                let calendar = engine.ledger.calendar();
                let line = |whose: Whose, caps: Caps, days: u32, since: Timestamp| Line {
                    whose,
                    caps,
                    days,
                    since,
                    span: calendar.span(since, days, now),
                    spent: Spent::default(),
                };
                let mut lines = engine.budget_lines(&line);
                // Nobody writes until the new lines are in force: what they begin with is exact.
                let store = engine
                    .store
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                engine.flush_into(&store, || engine.ledger.begin_notes());
                let limits = store.usage_limits();
                lines.extend(limits.iter().flatten().map(|row| {
                    let model = (!row.model.is_empty()).then(|| row.model.clone());
                    let whose = Whose::Account(AccountId::from(row.account_id.as_str()), model);
                    line(whose, caps(row), row.period_days, Timestamp(row.since))
                }));
                let lines = limits.and_then(|_| {
                    let lines = lines.into_iter().map(|line| read(&store, line));
                    lines.collect::<Result<Vec<Line>, StoreError>>()
                });
                match lines {
                    Ok(lines) => Ok(engine.ledger.replace(lines)),
                    Err(error) => {
                        engine.ledger.drop_notes();
                        Err(EngineError::from(error))
                    }
                }
            })
            .await??;
        if !events.is_empty() {
            self.journal.pool_events(events);
        }
        Ok(())
    }

    /// Sets the usage limits of an account in the place of all it had; acts on the next request, and one that is raised revives at once.
    ///
    /// # Errors
    /// Names the field that is wrong; then nothing changes.
    pub async fn set_usage_limits(
        self: &Arc<Self>,
        name: &str,
        limits: Vec<UsageLimit>,
    ) -> Result<AccountView, EngineError> {
        self.changeable()?;
        let id = self.find(name)?.id;
        if limits.len() > MOST {
            return Err(EngineError::Invalid(format!(
                "an account has at most {MOST} limits"
            )));
        }
        let now = self.clock.now();
        let old = self.stored(|store| store.usage_limits()).await?;
        let mut rows: Vec<UsageLimitRow> = Vec::new();
        for limit in &limits {
            let mut row = checked(&id, limit, now)?;
            if rows.iter().any(|other| other.model == row.model) {
                return Err(EngineError::Invalid("a model is named twice".into()));
            }
            // Another cap in the same periods: what was used counts on.
            let same = |old: &&UsageLimitRow| {
                old.account_id == row.account_id
                    && old.model == row.model
                    && old.period_days == row.period_days
            };
            if let Some(old) = old.iter().find(same) {
                row.since = old.since;
            }
            rows.push(row);
        }
        let account = id.clone();
        self.stored(move |store| store.set_usage_limits(&account, &rows))
            .await?;
        self.reload_limits().await?;
        self.journal
            .bus
            .tell(EngineEvent::AccountChanged(AccountId::from(id.as_str())));
        self.announce();
        self.account(&id)
    }

    /// The limits of one account, and the nearest one as its score measures it (F63).
    pub(crate) fn limits_of(&self, id: &str) -> (Vec<UsageLimitView>, Option<Measured>) {
        let lines = self
            .ledger
            .lines(|line| matches!(&line.whose, Whose::Account(other, _) if other.as_str() == id));
        let view = |line: &Line| UsageLimitView {
            limit: UsageLimit {
                model: match &line.whose {
                    Whose::Account(_, model) => model.clone(),
                    Whose::Key(..) => None,
                },
                period_days: Some(line.days),
                requests: line.caps.requests,
                prompt_tokens: line.caps.prompt_tokens,
                completion_tokens: line.caps.completion_tokens,
                total_tokens: line.caps.total_tokens,
                cost: line.caps.cost.map(|cost| cost.to_string()),
            },
            used: SpentView::of(line),
        };
        (
            lines.iter().map(view).collect(),
            lines.iter().find_map(Line::nearest),
        )
    }
}

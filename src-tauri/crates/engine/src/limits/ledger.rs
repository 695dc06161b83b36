//! The running count behind every limit: usage limits of accounts and of their models (F72), budgets of gateway keys (F27).
//!
//! Counts each request as it ends, in memory, and acts in the same moment: the account is held in the pool, the key told to wait, until the
//! period is over. What the database knows is read when limits change and at a start (`limits`). Without a limit it costs one load.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gateway::{Entry, KeyState, SharedPool};
use pool::{AccountId, Clock, Event, Hold, HoldReason, Measured, Timestamp};
use store::UsageSlotRow;
use upstream::Decimal;

use super::period::Calendar;
use super::prices::Prices;

/// The most that may be used in a period; what is `None` is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Caps {
    pub(crate) requests: Option<i64>,
    pub(crate) prompt_tokens: Option<i64>,
    pub(crate) completion_tokens: Option<i64>,
    pub(crate) total_tokens: Option<i64>,
    /// Estimated, in USD.
    pub(crate) cost: Option<Decimal>,
}

/// What was used in a period. Usage that was not told is not guessed: it is only counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Spent {
    pub(crate) requests: i64,
    pub(crate) prompt_tokens: i64,
    pub(crate) completion_tokens: i64,
    pub(crate) cost: Decimal,
    pub(crate) unknown_usage: i64,
    pub(crate) unpriced: i64,
}

impl Spent {
    /// What the database has of it.
    pub(crate) fn add_row(&mut self, row: &UsageSlotRow) {
        self.requests += row.requests;
        self.prompt_tokens += row.input_tokens;
        self.completion_tokens += row.output_tokens;
        self.cost = self.cost.plus(Decimal::from_nanos(row.cost_nanos));
        self.unknown_usage += row.unknown_usage;
        self.unpriced += row.unpriced;
    }

    fn add(&mut self, request: &Request, prices: &Prices) {
        self.requests += 1;
        let Some(usage) = &request.usage else {
            self.unknown_usage += 1;
            return;
        };
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        self.prompt_tokens = self.prompt_tokens.saturating_add(count(usage.input));
        self.completion_tokens = self.completion_tokens.saturating_add(count(usage.output));
        match prices.cost(&request.model, usage) {
            Some(cost) => self.cost = self.cost.plus(cost),
            None => self.unpriced += 1,
        }
    }
}

/// What of a finished request is counted.
#[derive(Debug, Clone)]
struct Request {
    account: AccountId,
    key: Arc<str>,
    model: String,
    usage: Option<protocol::Usage>,
}

impl Request {
    /// `None` for a request that no account was asked for: it used nothing.
    fn of(entry: &Entry) -> Option<Self> {
        let served = entry.attempts.last()?;
        Some(Self {
            account: served.account.clone(),
            key: entry.key.clone(),
            model: entry.model.clone(),
            usage: entry.usage,
        })
    }
}

impl Caps {
    /// Whether any of them is reached.
    pub(crate) fn reached(&self, spent: &Spent) -> bool {
        let total = spent.prompt_tokens.saturating_add(spent.completion_tokens);
        let over = |cap: Option<i64>, used: i64| cap.is_some_and(|cap| used >= cap);
        over(self.requests, spent.requests)
            || over(self.prompt_tokens, spent.prompt_tokens)
            || over(self.completion_tokens, spent.completion_tokens)
            || over(self.total_tokens, total)
            || self.cost.is_some_and(|cap| spent.cost >= cap)
    }
}

/// Whose usage a line counts.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// An account's, or only that of some of its models: a name, or a beginning and `*`.
    Account(AccountId, Option<String>),
    /// A gateway key's.
    Key(String, Arc<KeyState>),
}

/// One limit and what was used of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) whose: Whose,
    pub(crate) caps: Caps,
    pub(crate) days: u32,
    pub(crate) since: Timestamp,
    /// The present period: its first instant, and the first one after it.
    pub(crate) span: (Timestamp, Timestamp),
    pub(crate) spent: Spent,
}

impl Line {
    /// Whether it counts this request.
    fn counts(&self, request: &Request) -> bool {
        match &self.whose {
            Whose::Account(id, only) => {
                *id == request.account
                    && only
                        .as_deref()
                        .is_none_or(|only| names(only, &request.model))
            }
            Whose::Key(name, _) => **name == *request.key,
        }
    }

    fn roll(&mut self, calendar: &Calendar, now: Timestamp) {
        if now < self.span.0 || self.span.1 <= now {
            self.span = calendar.span(self.since, self.days, now);
            self.spent = Spent::default();
        }
    }

    pub(crate) fn reached(&self) -> bool {
        self.caps.reached(&self.spent)
    }

    /// The cap that is nearest, where the line counts a whole account (F63): that of one of its models is no measure of the others.
    pub(crate) fn nearest(&self) -> Option<Measured> {
        let Whose::Account(_, None) = self.whose else {
            return None;
        };
        let (caps, spent) = (&self.caps, &self.spent);
        let total = spent.prompt_tokens.saturating_add(spent.completion_tokens);
        let counted = [
            (caps.requests, spent.requests),
            (caps.prompt_tokens, spent.prompt_tokens),
            (caps.completion_tokens, spent.completion_tokens),
            (caps.total_tokens, total),
            (caps.cost.map(Decimal::to_nanos), spent.cost.to_nanos()),
        ];
        let measured = |(cap, used): (Option<i64>, i64)| {
            Some(Measured {
                current: used as f64,
                target: cap? as f64,
            })
        };
        let share = |measured: &Measured| measured.current / measured.target;
        counted
            .into_iter()
            .filter_map(measured)
            .max_by(|a, b| share(a).total_cmp(&share(b)))
    }

    fn is_of(&self, id: &AccountId) -> bool {
        matches!(&self.whose, Whose::Account(other, _) if other == id)
    }
}

/// Whether a name, or a beginning and `*`, means this model.
pub(crate) fn names(pattern: &str, model: &str) -> bool {
    let prefix = pattern.strip_suffix('*');
    pattern == model || prefix.is_some_and(|prefix| model.starts_with(prefix))
}

struct Inside {
    lines: Vec<Line>,
    calendar: Calendar,
    prices: Arc<Prices>,
    /// Requests that end while new lines are read from the database, which does not know them yet.
    notes: Option<Vec<Request>>,
}

/// See the module.
pub(crate) struct Ledger {
    pool: Arc<SharedPool>,
    clock: Arc<dyn Clock>,
    any: AtomicBool,
    inside: Mutex<Inside>,
    /// Of every key that ever had a rule, by name: requests that run keep theirs when rules change.
    states: Mutex<HashMap<String, Arc<KeyState>>>,
}

impl Ledger {
    pub(crate) fn new(
        pool: Arc<SharedPool>,
        clock: Arc<dyn Clock>,
        settings: &crate::settings::Usage,
    ) -> Self {
        Self {
            pool,
            clock,
            any: AtomicBool::new(false),
            inside: Mutex::new(Inside {
                lines: Vec::new(),
                calendar: Calendar::of(settings),
                prices: Arc::new(Prices::new(&settings.prices)),
                notes: None,
            }),
            states: Mutex::default(),
        }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The state shared by all versions of a key.
    pub(crate) fn key_state(&self, name: &str) -> Arc<KeyState> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        states.entry(name.to_owned()).or_default().clone()
    }

    /// The prices in force.
    pub(crate) fn prices(&self) -> Arc<Prices> {
        self.with(|inside| inside.prices.clone())
    }

    /// The calendar in force.
    pub(crate) fn calendar(&self) -> Calendar {
        self.with(|inside| inside.calendar.clone())
    }

    /// Prices and calendar of new settings. The lines are to be read again after it.
    pub(crate) fn set_terms(&self, settings: &crate::settings::Usage) {
        let prices = Arc::new(Prices::new(&settings.prices));
        let calendar = Calendar::of(settings);
        self.with(|inside| (inside.prices, inside.calendar) = (prices, calendar));
    }

    /// The lines that pass, brought up to now.
    pub(crate) fn lines(&self, which: impl Fn(&Line) -> bool) -> Vec<Line> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let now = self.clock.now();
        self.with(|inside| {
            let found = inside.lines.iter().filter(|line| which(line));
            let mut found: Vec<Line> = found.cloned().collect();
            for line in &mut found {
                line.roll(&inside.calendar, now);
            }
            found
        })
    }

    /// From this moment on requests are noted for the lines that are being read.
    pub(crate) fn begin_notes(&self) {
        self.with(|inside| {
            inside.notes = Some(Vec::new());
            self.any.store(true, Ordering::Release);
        });
    }

    /// The lines could not be read: the old ones stay.
    pub(crate) fn drop_notes(&self) {
        self.with(|inside| {
            inside.notes = None;
            self.any.store(!inside.lines.is_empty(), Ordering::Release);
        });
    }

    /// Puts these lines in the place of all others. Whoever is below its limit now is free at once (F72).
    pub(crate) fn replace(&self, mut lines: Vec<Line>) -> Vec<Event> {
        let now = self.clock.now();
        self.with(|inside| {
            for request in inside.notes.take().unwrap_or_default() {
                for line in lines.iter_mut().filter(|line| line.counts(&request)) {
                    line.spent.add(&request, &inside.prices);
                }
            }
            let account = |line: &Line| match &line.whose {
                Whose::Account(id, _) => Some(id.clone()),
                Whose::Key(..) => None,
            };
            let old = std::mem::replace(&mut inside.lines, lines);
            for line in &old {
                if let Whose::Key(_, state) = &line.whose {
                    state.set_spent(None);
                }
            }
            for line in &inside.lines {
                if let Whose::Key(_, state) = &line.whose {
                    state.set_spent(line.reached().then_some(line.span.1));
                }
            }
            self.any.store(!inside.lines.is_empty(), Ordering::Release);
            let both = old.iter().chain(&inside.lines);
            let accounts: HashSet<AccountId> = both.filter_map(account).collect();
            let hold = |id: &AccountId| self.hold(now, id, &inside.lines);
            accounts.iter().flat_map(hold).collect()
        })
    }

    /// One more request has ended. Gives what the pool has to tell when a limit was reached by it.
    pub(crate) fn count(&self, entry: &Entry) -> Vec<Event> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        let Some(request) = Request::of(entry) else {
            return Vec::new();
        };
        let now = self.clock.now();
        self.with(|inside| {
            let Inside {
                lines,
                calendar,
                prices,
                notes,
            } = inside;
            let mut held = false;
            for line in lines.iter_mut() {
                if !line.counts(&request) {
                    continue;
                }
                line.roll(calendar, now);
                let before = line.reached();
                line.spent.add(&request, prices);
                if before || !line.reached() {
                    continue;
                }
                match &line.whose {
                    Whose::Account(..) => held = true,
                    Whose::Key(_, state) => state.set_spent(Some(line.span.1)),
                }
            }
            let events = if held {
                self.hold(now, &request.account, lines)
            } else {
                Vec::new()
            };
            if let Some(notes) = notes {
                notes.push(request);
            }
            events
        })
    }

    /// Holds what of an account has reached its limit, and nothing else.
    fn hold(&self, now: Timestamp, id: &AccountId, lines: &[Line]) -> Vec<Event> {
        let reached = lines
            .iter()
            .filter(|line| line.is_of(id) && line.span.1 > now && line.reached());
        let hold = |line: &Line| Hold {
            model: match &line.whose {
                Whose::Account(_, model) => model.clone(),
                Whose::Key(..) => None,
            },
            until: Some(line.span.1),
        };
        let holds = reached.map(hold).collect();
        self.pool
            .with(|pool| pool.set_holds(now, id, HoldReason::UsageLimit, holds))
    }
}

#[cfg(test)]
mod tests;

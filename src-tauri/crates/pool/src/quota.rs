//! Quota as the provider tells it (F67), and what it means for selection (F42).
//!
//! Not the guess made from failures: that is a cooldown. Filled by upstream, kept by the pool, stored by the engine.

use crate::Timestamp;
use crate::words::words;
use std::time::Duration;

words! {
    /// Where a quota snapshot came from (F67).
    pub enum QuotaSource ("quota source") {
        /// Headers of an answer.
        Header = "header",
        /// An event inside a stream.
        Stream = "stream",
        /// The usage endpoint.
        Query = "query",
        /// The body of a refusal.
        Limit429 = "429",
    }
}

/// One window of a plan: how much of it is used and when it starts afresh.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QuotaWindow {
    /// Used share in percent; 100 and more is exhausted.
    pub used_percent: f64,
    /// Length of the window. Windows are told apart by this, never by their slot.
    pub length: Option<Duration>,
    /// When the window starts afresh.
    pub resets_at: Option<Timestamp>,
}

impl QuotaWindow {
    /// The used share, or `None` once the reset has passed: from then on it is unknown until read again (F42).
    pub fn known_percent(&self, now: Timestamp) -> Option<f64> {
        let passed = self.resets_at.is_some_and(|at| at <= now);
        (!passed && self.used_percent.is_finite()).then_some(self.used_percent)
    }

    /// Until when the value counts as known when it was read then; `Timestamp(i64::MAX)` is for ever.
    fn known_until(&self, read_at: Timestamp) -> Timestamp {
        match self.resets_at {
            // No plan has a longer window: what a wrong clock told must not hold for ever.
            Some(at) => at.min(read_at.plus(LONGEST_WINDOW)),
            None if self.used_percent >= 100.0 => read_at.plus(UNTOLD_RESET),
            None => Timestamp(i64::MAX),
        }
    }
}

/// A limit of its own for some models or features.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaBucket {
    /// The provider's name for it.
    pub name: String,
    /// First window.
    pub primary: Option<QuotaWindow>,
    /// Second window.
    pub secondary: Option<QuotaWindow>,
    /// When it was read: an answer speaks of some limits and is silent about others.
    pub read_at: Timestamp,
}

impl QuotaBucket {
    /// Whether it limits `model`. Providers name the limit after the model ("GPT-5.3-Codex-Spark") or after its last words
    /// ("codex_spark"); a name that fits no model ("codex_other") limits nothing that is known here.
    pub fn is_for(&self, model: &str) -> bool {
        let plain = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|c| c.to_ascii_lowercase()).collect()
        };
        let (name, model) = (plain(&self.name), plain(model));
        let last_words = name.strip_prefix("codex").unwrap_or(&name);
        name == model || (last_words.len() >= 4 && model.ends_with(last_words))
    }

    fn used_up_until(&self) -> Option<Timestamp> {
        let windows = self.primary.iter().chain(self.secondary.iter());
        windows
            .filter(|window| window.used_percent >= 100.0)
            .map(|window| window.known_until(self.read_at))
            .max()
    }
}

/// Bought credits beside the plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Credits {
    /// Whether there are any.
    pub has: bool,
    /// Whether they never end.
    pub unlimited: bool,
    /// What is left, in the provider's own spelling.
    pub balance: Option<String>,
}

/// Everything one reading said about an account's quota (F67).
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaSnapshot {
    /// The plan it named.
    pub plan: Option<String>,
    /// The first window.
    pub primary: Option<QuotaWindow>,
    /// The second window.
    pub secondary: Option<QuotaWindow>,
    /// Limits of their own for some models: a used-up one bars only the models it is for.
    pub buckets: Vec<QuotaBucket>,
    /// Bought credits.
    pub credits: Option<Credits>,
    /// When it was read.
    pub captured_at: Timestamp,
    /// Where it was read.
    pub source: QuotaSource,
}

/// What the known windows say together (F42).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// No window is known.
    Unknown,
    /// At least one is known and none is used up.
    Available,
    /// A window is used up; `until` is the latest reset of the used-up ones, `None` when none was told.
    Exhausted {
        /// When the last used-up window starts afresh.
        until: Option<Timestamp>,
    },
}

/// How long a used-up window without a reset time is believed before the account is tried again: the slowest step of F64.
pub const UNTOLD_RESET: Duration = Duration::from_secs(15 * 60);

/// Longer than any quota window: a reset told beyond this is a wrong clock's.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(35 * 24 * 3600);

impl QuotaSnapshot {
    /// A snapshot without any value yet.
    pub fn empty(captured_at: Timestamp, source: QuotaSource) -> Self {
        Self {
            plan: None,
            primary: None,
            secondary: None,
            buckets: Vec::new(),
            credits: None,
            captured_at,
            source,
        }
    }

    /// What the windows mean at `now` (F42). A used-up window whose reset nobody told is believed for [`UNTOLD_RESET`].
    pub fn availability(&self, now: Timestamp) -> Availability {
        let mut result = Availability::Unknown;
        for window in self.windows() {
            let Some(used) = self.known(window, now) else {
                continue;
            };
            if used >= 100.0 {
                let until = match result {
                    Availability::Exhausted { until } => until.max(window.resets_at),
                    _ => window.resets_at,
                };
                result = Availability::Exhausted { until };
            } else if result == Availability::Unknown {
                result = Availability::Available;
            }
        }
        result
    }

    /// The highest known used share in percent.
    pub fn max_percent(&self, now: Timestamp) -> Option<f64> {
        self.windows()
            .filter_map(|w| self.known(w, now))
            .reduce(f64::max)
    }

    /// The earliest reset still to come among the windows.
    pub fn earliest_reset(&self, now: Timestamp) -> Option<Timestamp> {
        self.windows()
            .filter_map(|w| w.resets_at)
            .filter(|at| *at > now)
            .min()
    }

    /// The two plan windows that are there.
    pub fn windows(&self) -> impl Iterator<Item = &QuotaWindow> {
        self.primary.iter().chain(self.secondary.iter())
    }

    /// Until when a window's value counts as known; `Timestamp(i64::MAX)` is for ever.
    pub(crate) fn known_until(&self, window: &QuotaWindow) -> Timestamp {
        window.known_until(self.captured_at)
    }

    /// Whether a window's value still holds.
    pub(crate) fn is_known(&self, window: &QuotaWindow, now: Timestamp) -> bool {
        self.known(window, now).is_some()
    }

    /// Until when the last used-up bucket stays so, over or not.
    pub(crate) fn buckets_until(&self) -> Option<Timestamp> {
        self.buckets
            .iter()
            .filter_map(QuotaBucket::used_up_until)
            .max()
    }

    /// Until when a bucket that is for `model` is used up at `now` (F67).
    pub(crate) fn model_until(&self, now: Timestamp, model: &str) -> Option<Timestamp> {
        self.buckets
            .iter()
            .filter(|bucket| bucket.is_for(model))
            .filter_map(QuotaBucket::used_up_until)
            .filter(|until| *until > now)
            .max()
    }

    fn known(&self, window: &QuotaWindow, now: Timestamp) -> Option<f64> {
        (self.known_until(window) > now)
            .then(|| window.known_percent(now))
            .flatten()
    }

    /// Takes over what `newer` says and keeps what it is silent about. The caller has checked that it is newer (F67).
    pub(crate) fn absorb(&mut self, newer: QuotaSnapshot) {
        self.plan = newer.plan.or(self.plan.take());
        self.primary = newer.primary.or(self.primary);
        self.secondary = newer.secondary.or(self.secondary);
        self.credits = newer.credits.or(self.credits.take());
        if newer.source == QuotaSource::Query {
            // The usage endpoint lists them all: one it does not name is gone.
            self.buckets = newer.buckets;
        } else {
            // An answer speaks of the limits that it met.
            for bucket in newer.buckets {
                match self.buckets.iter_mut().find(|b| b.name == bucket.name) {
                    Some(old) => {
                        old.primary = bucket.primary.or(old.primary);
                        old.secondary = bucket.secondary.or(old.secondary);
                        old.read_at = bucket.read_at;
                    }
                    None => self.buckets.push(bucket),
                }
            }
        }
        self.captured_at = newer.captured_at;
        self.source = newer.source;
    }
}

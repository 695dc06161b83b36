//! What the pool remembers about an account, and the view of it at one instant (F59).
//!
//! Plain values: the engine stores and restores them, the pool alone changes them.

use crate::words::words;
use crate::{QuotaSnapshot, Status, Timestamp};
use std::borrow::Cow;

words! {
    /// Why an account rests.
    pub enum HoldSource ("hold source") {
        /// A 429 that names no usage limit.
        RateLimit = "rate_limit",
        /// A usage limit was reached (F53).
        UsageLimit = "usage_limit",
        /// A quota window reads 100 % (F42).
        Quota = "quota",
        /// 402 (F52).
        Payment = "payment",
        /// A 403 challenge page (F52).
        Challenge = "challenge",
        /// A 403 in JSON (F52).
        Forbidden = "forbidden",
        /// Three failures in a row of a key account (F65).
        Failures = "failures",
        /// The upstream asked for patience.
        Overload = "overload",
        /// Renewing the token failed (F18).
        Refresh = "refresh",
    }
}

/// A guessed rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown {
    /// First instant at which the account may serve again.
    pub until: Timestamp,
    /// Why.
    pub source: HoldSource,
}

/// A known end of quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhaustion {
    /// First instant at which the account may serve again.
    pub until: Timestamp,
    /// When it was learnt.
    pub since: Timestamp,
    /// From what.
    pub source: HoldSource,
}

/// Why the status is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// One word, usually an [`crate::Outcome::code`].
    pub code: Cow<'static, str>,
    /// When it came to be.
    pub at: Timestamp,
}

/// Lifetime counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Times selected.
    pub requests: u64,
    /// Answers.
    pub successes: u64,
    /// Failures laid to the account or its upstream.
    pub failures: u64,
    /// Clients that went away; never an error of the account (F56).
    pub cancelled: u64,
    /// Answers without content (F54).
    pub empty_answers: u64,
}

/// Everything remembered about one account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountState {
    /// Stored standing.
    pub status: Status,
    /// Why it has that standing.
    pub reason: Option<Reason>,
    /// Guessed rest, possibly over.
    pub cooldown: Option<Cooldown>,
    /// Known end of quota, possibly over.
    pub exhausted: Option<Exhaustion>,
    /// Last reading of the quota.
    pub quota: Option<QuotaSnapshot>,
    /// Last selection.
    pub last_used: Option<Timestamp>,
    /// Last good answer.
    pub last_success: Option<Timestamp>,
    /// Last failure, with its outcome's code.
    pub last_error: Option<Reason>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Of these, the network errors at the end of the row (F66 takes them back).
    pub network_failures: u32,
    /// Challenge pages since the last success (the rung of F52's ladder).
    pub challenges: u32,
    /// Failed renewals since the last success (the rung of F18's ladder).
    pub refresh_failures: u32,
    /// Lifetime counts.
    pub counters: Counters,
}

impl Default for AccountState {
    fn default() -> Self {
        Self {
            status: Status::Unknown,
            reason: None,
            cooldown: None,
            exhausted: None,
            quota: None,
            last_used: None,
            last_success: None,
            last_error: None,
            consecutive_failures: 0,
            network_failures: 0,
            challenges: 0,
            refresh_failures: 0,
            counters: Counters::default(),
        }
    }
}

/// The standing of an account at one instant, as people see it (F59).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Never answered yet.
    Unknown,
    /// Ready.
    Active,
    /// Resting on a guess.
    Cooling {
        /// Until then.
        until: Timestamp,
        /// Why.
        source: HoldSource,
    },
    /// Its quota is used up.
    Exhausted {
        /// Until then.
        until: Timestamp,
    },
    /// Only a new sign-in helps.
    NeedsLogin,
    /// Usable, but the person should look at it.
    Attention,
    /// Closed by the provider.
    Banned,
    /// Switched off by the person.
    Disabled,
}

impl Health {
    /// The word for lists and the log.
    pub const fn code(self) -> &'static str {
        match self {
            Health::Unknown => "unknown",
            Health::Active => "active",
            Health::Cooling { .. } => "cooling",
            Health::Exhausted { .. } => "exhausted",
            Health::NeedsLogin => "needs_login",
            Health::Attention => "attention",
            Health::Banned => "banned",
            Health::Disabled => "disabled",
        }
    }
}

/// What changed for others to know: tray, journal, store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The stored standing changed.
    StatusChanged {
        /// Whose.
        id: crate::AccountId,
        /// Before.
        from: Status,
        /// Now.
        to: Status,
    },
    /// The quota is used up.
    Exhausted {
        /// Whose.
        id: crate::AccountId,
        /// Until then.
        until: Timestamp,
    },
    /// A guessed rest began or grew longer.
    Cooling {
        /// Whose.
        id: crate::AccountId,
        /// Until then.
        until: Timestamp,
        /// Why.
        source: HoldSource,
    },
    /// A rule of the person's keeps the whole account from serving (F72, F112).
    Held {
        /// Which.
        id: crate::AccountId,
        /// Which rule.
        reason: crate::HoldReason,
    },
    /// The account may serve again.
    Recovered {
        /// Which.
        id: crate::AccountId,
    },
    /// A newer quota reading was taken over.
    QuotaChanged {
        /// Whose.
        id: crate::AccountId,
    },
    /// Only a new sign-in helps now.
    NeedsLogin {
        /// Which.
        id: crate::AccountId,
    },
    /// The active account was left by itself (F43).
    Switched {
        /// The one left.
        from: crate::AccountId,
        /// The active one now.
        to: crate::AccountId,
        /// Why.
        reason: crate::SwitchReason,
        /// The account that another program uses would have come first (F48).
        avoided: bool,
        /// When the one left can serve again, as known now.
        back_at: Option<Timestamp>,
    },
    /// The active account ought to be left and nobody can follow; told once until that changes (F45).
    NoSuccessor {
        /// The one that stays.
        id: crate::AccountId,
        /// Why it ought to be left.
        reason: crate::SwitchReason,
    },
    /// Every account fails to reach the network (F66).
    Offline,
    /// An upstream answered again after [`Event::Offline`].
    Online,
}

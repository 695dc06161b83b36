//! The question put to the pool and its answers: the chosen account, or why there is none, with a reason for every skipped account (F32, F39).
//!
//! Values only; the decision is in `select`. Called by the gateway and by `switchyard explain`.

use crate::{AccountId, Capability, Format, Timestamp};
use std::fmt;

/// What a request needs.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The model's name behind an alias, as accounts know it that take names as they are.
    pub model: &'a str,
    /// Its name for accounts that read thinking suffixes and name patterns, where it is another one (F90–F92).
    pub native: Option<&'a str>,
    /// The only group whose accounts may serve it: an alias can say so (F92).
    pub group: Option<&'a str>,
    /// Key accounts serve in the route's own format alone: the first of `formats` (F88).
    pub direct_only: bool,
    /// Formats that can serve the route, best first; one that is not listed cannot (F101).
    pub formats: &'a [Format],
    /// What kind of call it is (F103).
    pub needs: Capability,
    /// The conversation it belongs to (F38).
    pub session: Option<&'a str>,
    /// The id of the answer it continues: looked up before the conversation, and it stays where it is whoever is chosen (F38).
    pub continues: Option<&'a str>,
    /// The only account the client accepts (F38).
    pub pinned: Option<&'a AccountId>,
    /// Accounts this request has used already (F32).
    pub tried: &'a [AccountId],
    /// The account whose slot this request still holds: it may swap it for another of the same group, also where the group is full (F115).
    pub holding: Option<&'a AccountId>,
    /// No attempt is left after this one: the most recently successful account is preferred (F50).
    pub last_attempt: bool,
}

impl<'a> Ask<'a> {
    /// A first attempt without session or pin.
    pub const fn new(model: &'a str, formats: &'a [Format]) -> Self {
        Self {
            model,
            native: None,
            group: None,
            direct_only: false,
            formats,
            needs: Capability::Chat,
            session: None,
            continues: None,
            pinned: None,
            tried: &[],
            holding: None,
            last_attempt: false,
        }
    }
}

/// Why an account is not a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Switched off by the person.
    Disabled,
    /// The client pinned another account.
    NotPinned,
    /// Its dialect cannot serve this route.
    FormatCannotServe,
    /// It is not set up for this kind of call (F103).
    LacksCapability,
    /// Its list of allowed models lacks the model.
    ModelNotAllowed,
    /// Its upstream does not offer the model.
    ModelNotOffered,
    /// Closed by the provider.
    Banned,
    /// Only a new sign-in helps.
    NeedsLogin,
    /// No usable credential, and none can be had without the person.
    NoCredential,
    /// Quota used up.
    Exhausted {
        /// Until then, if told.
        until: Option<Timestamp>,
    },
    /// Only what the person keeps in reserve is left.
    Reserved {
        /// Until the window starts afresh.
        until: Timestamp,
    },
    /// A usage limit of the person's is reached, for the account or for this model of it (F72).
    UsageLimit {
        /// Until the period ends.
        until: Option<Timestamp>,
    },
    /// Its balance is at or below its threshold (F112).
    BalanceLow,
    /// Simulated accounts and others never serve in each other's place: the active account is of the other sort.
    OtherSide,
    /// Resting after a 429 that names no usage limit.
    RateLimited {
        /// Until then.
        until: Timestamp,
    },
    /// Resting after a failure.
    Cooling {
        /// Until then.
        until: Timestamp,
    },
    /// This request has used it already.
    AlreadyTried,
    /// Its group runs as many requests as it may.
    GroupFull,
    /// It runs as many requests as it may.
    NoFreeSlot,
    /// A request began on it a moment ago: starts keep a distance (F114).
    Spaced {
        /// Until then.
        until: Timestamp,
    },
    /// The quota of its own that this model has is used up (F67). Other models are served.
    ModelQuota {
        /// Until then, if told.
        until: Option<Timestamp>,
    },
}

impl SkipReason {
    /// The word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            SkipReason::Disabled => "disabled",
            SkipReason::NotPinned => "not_pinned",
            SkipReason::FormatCannotServe => "format_cannot_serve",
            SkipReason::LacksCapability => "lacks_capability",
            SkipReason::ModelNotAllowed => "model_not_allowed",
            SkipReason::ModelNotOffered => "model_not_offered",
            SkipReason::Banned => "banned",
            SkipReason::NeedsLogin => "needs_login",
            SkipReason::NoCredential => "no_credential",
            SkipReason::Exhausted { .. } => "exhausted",
            SkipReason::Reserved { .. } => "reserved",
            SkipReason::UsageLimit { .. } => "own_limit",
            SkipReason::BalanceLow => "balance_low",
            SkipReason::OtherSide => "demo",
            SkipReason::RateLimited { .. } => "rate_limited",
            SkipReason::Cooling { .. } => "cooling",
            SkipReason::AlreadyTried => "already_tried",
            SkipReason::GroupFull => "group_full",
            SkipReason::NoFreeSlot => "no_free_slot",
            SkipReason::Spaced { .. } => "spaced",
            SkipReason::ModelQuota { .. } => "model_quota",
        }
    }

    /// Until when it holds, where time alone ends it.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            SkipReason::Exhausted { until }
            | SkipReason::ModelQuota { until }
            | SkipReason::UsageLimit { until } => *until,
            SkipReason::Reserved { until }
            | SkipReason::Spaced { until }
            | SkipReason::RateLimited { until }
            | SkipReason::Cooling { until } => Some(*until),
            _ => None,
        }
    }

    /// Whether other requests of this gateway end it, so that waiting for a slot makes sense (F115).
    pub const fn is_busy(&self) -> bool {
        matches!(
            self,
            SkipReason::GroupFull | SkipReason::NoFreeSlot | SkipReason::Spaced { .. }
        )
    }

    /// The words for people, without a time.
    pub const fn plain(&self) -> &'static str {
        match self {
            SkipReason::Disabled => "switched off",
            SkipReason::NotPinned => "another account was asked for",
            SkipReason::FormatCannotServe => "its format cannot serve this route",
            SkipReason::LacksCapability => "it is not set up for this kind of call",
            SkipReason::ModelNotAllowed => "the model is not on its allowed list",
            SkipReason::ModelNotOffered => "it does not offer the model",
            SkipReason::Banned => "closed by the provider",
            SkipReason::NeedsLogin => "sign in again",
            SkipReason::NoCredential => "no usable credential: sign in or add its key again",
            SkipReason::Exhausted { .. } => "quota used up",
            SkipReason::Reserved { .. } => "only its reserve is left",
            SkipReason::UsageLimit { .. } => "the usage limit set for it is reached",
            SkipReason::BalanceLow => "its balance is at or below its threshold",
            SkipReason::OtherSide => "demo accounts and real ones never stand in for each other",
            SkipReason::RateLimited { .. } => "rate limited",
            SkipReason::Cooling { .. } => "resting after a failure",
            SkipReason::AlreadyTried => "already tried in this request",
            SkipReason::GroupFull => "its group is busy",
            SkipReason::NoFreeSlot => "busy",
            SkipReason::Spaced { .. } => "another request has just begun on it",
            SkipReason::ModelQuota { .. } => "the quota of this model is used up",
        }
    }

    /// The sentence for people, with the wait counted from `now`. Never holds a secret.
    pub fn text(&self, now: Timestamp) -> String {
        let plain = self.plain();
        match self.until() {
            Some(until) => format!(
                "{plain}, again in {}",
                Wait(until.since(now).as_millis().div_ceil(1_000))
            ),
            None => plain.to_owned(),
        }
    }
}

/// Seconds written as people read them.
struct Wait(u128);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes, seconds) = (
            self.0 / 86_400,
            self.0 / 3_600 % 24,
            self.0 / 60 % 60,
            self.0 % 60,
        );
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds} s"),
            (0, 0, _) => write!(f, "{minutes} min {seconds} s"),
            (0, _, _) => write!(f, "{hours} h {minutes} min"),
            _ => write!(f, "{days} d {hours} h"),
        }
    }
}

/// Why the chosen account came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The client pinned it.
    Pinned,
    /// The conversation was there before.
    Affinity,
    /// It is the active account.
    Active,
    /// The next one in ring order after the active account.
    NextInRing,
    /// Its turn.
    Turn,
    /// The lowest used share.
    MostHeadroom,
    /// The longest rest.
    LeastRecentlyUsed,
    /// The first usable one in the person's order.
    First,
    /// The last attempt goes to the latest success (F50).
    LatestSuccess,
    /// The earliest reset and the fewest requests.
    LeastUsed,
    /// The lowest priority number.
    Cheapest,
    /// Its quota has to be spent soonest, or it expires.
    Pace,
}

impl Why {
    /// The word for the log.
    pub const fn code(self) -> &'static str {
        match self {
            Why::Pinned => "pinned",
            Why::Affinity => "affinity",
            Why::Active => "active",
            Why::NextInRing => "next_in_ring",
            Why::Turn => "turn",
            Why::MostHeadroom => "most_headroom",
            Why::LeastRecentlyUsed => "least_recently_used",
            Why::First => "first",
            Why::LatestSuccess => "latest_success",
            Why::LeastUsed => "least_used",
            Why::Cheapest => "cheapest",
            Why::Pace => "pace",
        }
    }

    /// The words for people.
    pub const fn plain(self) -> &'static str {
        match self {
            Why::Pinned => "asked for by the client",
            Why::Affinity => "served this conversation before",
            Why::Active => "the active account",
            Why::NextInRing => "next in your order after the active account",
            Why::Turn => "its turn",
            Why::MostHeadroom => "by the lowest used share",
            Why::LeastRecentlyUsed => "by the longest rest",
            Why::First => "by your order",
            Why::LatestSuccess => "the latest success",
            Why::LeastUsed => "by the earliest reset and the fewest requests",
            Why::Cheapest => "by priority, the lowest number first",
            Why::Pace => "by what would expire unused first",
        }
    }
}

/// The account that serves this attempt. It holds one slot until [`crate::Pool::release`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which.
    pub id: AccountId,
    /// Its place in [`crate::Pool::accounts`] at this moment.
    pub index: usize,
    /// Why it came first.
    pub why: Why,
    /// Every account that was no candidate, and why. The rest were candidates that come later.
    pub skipped: Vec<(AccountId, SkipReason)>,
}

/// One skipped account, with its label for the message to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub id: AccountId,
    /// The person's name for it.
    pub label: String,
    /// Why.
    pub reason: SkipReason,
}

/// What the skipped accounts have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoCandidateKind {
    /// There is no account, or all are switched off.
    Empty,
    /// None can serve this model on this route.
    Model,
    /// All that could serve it are limited: 429 with the earliest reset (F39).
    Quota,
    /// All that could serve it are busy.
    Busy,
    /// This and that: 503 (F39).
    Mixed,
}

/// Nobody can serve the request now (F39).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no account can serve this request now ({} skipped)", skipped.len())]
pub struct NoCandidate {
    /// Every account, in ring order, with its reason.
    pub skipped: Vec<Skipped>,
    /// What they have in common.
    pub kind: NoCandidateKind,
    /// The soonest instant at which one of them may serve again, if time alone helps.
    pub soonest: Option<Timestamp>,
}

impl NoCandidate {
    /// "label: reason" for each account, separated by semicolons (F39). Accounts the client did not pin are left out.
    pub fn reasons(&self, now: Timestamp) -> String {
        let told: Vec<String> = self
            .skipped
            .iter()
            .filter(|skipped| skipped.reason != SkipReason::NotPinned)
            .map(|skipped| format!("{}: {}", skipped.label, skipped.reason.text(now)))
            .collect();
        told.join("; ")
    }

    /// Whether the end of another request can make an account free: then the request may wait in the queue (F115).
    pub fn worth_waiting(&self) -> bool {
        self.skipped.iter().any(|skipped| skipped.reason.is_busy())
    }

    /// Whether an account is only kept apart from its latest start (F114).
    pub fn spaced(&self) -> bool {
        let mut reasons = self.skipped.iter().map(|skipped| skipped.reason);
        reasons.any(|reason| matches!(reason, SkipReason::Spaced { .. }))
    }

    /// Whole seconds until [`NoCandidate::soonest`], at least one: the value of Retry-After.
    pub fn retry_after_secs(&self, now: Timestamp) -> Option<u64> {
        let wait = self.soonest?.since(now).as_millis().div_ceil(1_000);
        Some(u64::try_from(wait).unwrap_or(u64::MAX).max(1))
    }
}

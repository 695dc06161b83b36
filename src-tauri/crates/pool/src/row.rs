//! What selection reads about one account: a small flat row, worked out from record and state whenever either changes.
//!
//! Never a source of truth. Kept apart from the records so that a scan over a thousand accounts touches little memory.

use crate::holds::skip;
use crate::pace::{self, Burn};
use crate::{
    Account, AccountState, Capability, Format, HoldReason, HoldSource, SkipReason, Status,
    Timestamp, Token, UNTOLD_RESET,
};

/// An instant that never comes, and one that has always passed.
pub(crate) const NEVER: i64 = i64::MAX;
pub(crate) const PAST: i64 = i64::MIN;

/// A used share that nobody knows sorts after every known one.
const UNKNOWN_SHARE: u32 = u32::MAX;

/// A used share in thousandths of a percent, known until an instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    thousandths: u32,
    until: i64,
    resets: i64,
}

impl Share {
    const UNKNOWN: Share = Share {
        thousandths: UNKNOWN_SHARE,
        until: PAST,
        resets: NEVER,
    };

    fn at(self, now: i64) -> Option<u32> {
        (self.until > now).then_some(self.thousandths)
    }
}

/// The flat row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// A reason that neither time nor traffic ends.
    pub(crate) barred: Option<SkipReason>,
    pub(crate) format: Format,
    /// Its further formats, a bit each.
    pub(crate) also: u8,
    /// What it can serve, a bit each.
    abilities: u8,
    rate_limited: bool,
    pub(crate) priority: u32,
    pub(crate) slots: u32,
    pub(crate) in_use: u32,
    /// Place in the table of groups; `u32::MAX` is none.
    pub(crate) group: u32,
    /// From then on the credential cannot be used.
    token_until: i64,
    cooling_until: i64,
    exhausted_until: i64,
    /// Until then a window has come down to the account's reserve.
    reserved_until: i64,
    /// Until then a usage limit of the person's holds it.
    pub(crate) limited_until: i64,
    /// Until then its balance is too low.
    pub(crate) low_until: i64,
    /// Some of its models are held.
    pub(crate) model_holds: bool,
    /// Its key was refused, and no later answer proved it good.
    pub(crate) refused: bool,
    /// The present rest is the provider's refusal of the account (F43 c).
    pub(crate) forbidden: bool,
    /// Simulated.
    pub(crate) demo: bool,
    primary: Share,
    secondary: Share,
    pub(crate) last_used: i64,
    pub(crate) last_success: i64,
    /// Last start, end or sign of life of a request: the slots of an account silent for five minutes are freed (F114).
    pub(crate) last_traffic: i64,
    /// Order of the last selection, for those within one millisecond.
    pub(crate) used_order: u64,
    /// Turns taken (F34).
    pub(crate) turn: u64,
    /// Requests of the turn it is in (F94).
    pub(crate) in_turn: u64,
    /// Times selected in its life (F35).
    pub(crate) requests: u64,
    /// Until then no other request may begin on it (F114).
    pub(crate) next_start: i64,
    /// Until then at least one model's own quota is used up (F67).
    pub(crate) bucket_until: i64,
    /// The latest start of its longest window, and the end of that window: see `pace`.
    pace: (i64, i64),
}

impl Row {
    pub(crate) fn new() -> Self {
        Self {
            barred: None,
            format: Format::Codex,
            also: 0,
            abilities: 0,
            rate_limited: false,
            priority: 0,
            slots: u32::MAX,
            in_use: 0,
            group: u32::MAX,
            token_until: NEVER,
            cooling_until: PAST,
            exhausted_until: PAST,
            reserved_until: PAST,
            limited_until: PAST,
            low_until: PAST,
            model_holds: false,
            refused: false,
            forbidden: false,
            demo: false,
            primary: Share::UNKNOWN,
            secondary: Share::UNKNOWN,
            last_used: PAST,
            last_success: PAST,
            last_traffic: PAST,
            used_order: 0,
            turn: 0,
            in_turn: 0,
            requests: 0,
            next_start: PAST,
            bucket_until: PAST,
            pace: pace::NOTHING_TO_LOSE,
        }
    }

    /// Whether it serves calls of this kind.
    pub(crate) fn can(&self, needed: Capability) -> bool {
        self.abilities >> needed as u8 & 1 == 1
    }

    /// Works out everything that record, state and token say. Slots in use, turns and order stay.
    pub(crate) fn derive(
        &mut self,
        account: &Account,
        state: &AccountState,
        token: Token,
        group: u32,
        burn: Burn,
    ) {
        self.barred = match (account.enabled, state.status, token) {
            (false, _, _) => Some(SkipReason::Disabled),
            (_, Status::Banned, _) => Some(SkipReason::Banned),
            (_, Status::NeedsLogin, _) => Some(SkipReason::NeedsLogin),
            (_, _, Token::Missing) => Some(SkipReason::NoCredential),
            _ => None,
        };
        self.token_until = match token {
            Token::Until(at) if !account.refreshable => at.0,
            _ => NEVER,
        };
        self.format = account.format;
        self.also = account
            .also
            .iter()
            .fold(0, |bits, format| bits | 1 << *format as u8);
        let said = account.capabilities.as_deref();
        self.abilities = said
            .unwrap_or(&[Capability::Chat, Capability::Images])
            .iter()
            .fold(0, |bits, ability| bits | 1 << *ability as u8);
        self.priority = account.priority;
        self.group = group;
        self.cooling_until = state.cooldown.map_or(PAST, |c| c.until.0);
        self.rate_limited = state
            .cooldown
            .is_some_and(|c| c.source == HoldSource::RateLimit);
        self.forbidden = state
            .cooldown
            .is_some_and(|c| c.source == HoldSource::Forbidden);
        self.refused = account.kind.is_key()
            && state.status == Status::Attention
            && state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == "unauthorized");
        self.demo = account.demo;
        self.exhausted_until = state.exhausted.map_or(PAST, |e| e.until.0);
        self.reserved_until = PAST;
        self.last_used = state.last_used.map_or(PAST, |at| at.0);
        self.last_success = state.last_success.map_or(PAST, |at| at.0);
        self.requests = state.counters.requests;
        self.primary = Share::UNKNOWN;
        self.secondary = Share::UNKNOWN;
        self.bucket_until = PAST;
        self.pace = pace::NOTHING_TO_LOSE;
        if let Some(quota) = &state.quota {
            self.bucket_until = quota.buckets_until().map_or(PAST, |at| at.0);
            self.pace = pace::latest_start(quota, account.reserve_percent.unwrap_or(0), burn);
            for (share, window) in [
                (&mut self.primary, &quota.primary),
                (&mut self.secondary, &quota.secondary),
            ] {
                let Some(window) = window.filter(|w| w.used_percent.is_finite()) else {
                    continue;
                };
                let until = quota.known_until(&window).0;
                *share = Share {
                    // A float too large or negative saturates, which is the order wanted.
                    thousandths: ((window.used_percent * 1_000.0) as u32).min(UNKNOWN_SHARE - 1),
                    until,
                    resets: window.resets_at.map_or(NEVER, |at| at.0),
                };
                if window.used_percent >= 100.0 {
                    self.exhausted_until = self.exhausted_until.max(until);
                }
                if let Some(reserve) = account.reserve_percent.filter(|reserve| *reserve > 0)
                    && window.used_percent + f64::from(reserve) >= 100.0
                {
                    // Where no reset was told, one request now and then finds out.
                    let until = window
                        .resets_at
                        .unwrap_or(quota.captured_at.plus(UNTOLD_RESET));
                    self.reserved_until = self.reserved_until.max(until.0);
                }
            }
        }
    }

    /// Why time forbids this account at `now`: credential over, quota used up, or resting.
    pub(crate) fn held(&self, now: i64) -> Option<SkipReason> {
        if self.token_until <= now {
            return Some(SkipReason::NoCredential);
        }
        if self.exhausted_until > now {
            let until = (self.exhausted_until != NEVER).then_some(Timestamp(self.exhausted_until));
            return Some(SkipReason::Exhausted { until });
        }
        if self.reserved_until > now {
            return Some(SkipReason::Reserved {
                until: Timestamp(self.reserved_until),
            });
        }
        if self.limited_until > now {
            return Some(skip(HoldReason::UsageLimit, self.limited_until));
        }
        if self.low_until > now {
            return Some(skip(HoldReason::BalanceLow, self.low_until));
        }
        if self.cooling_until > now {
            let until = Timestamp(self.cooling_until);
            return Some(if self.rate_limited {
                SkipReason::RateLimited { until }
            } else {
                SkipReason::Cooling { until }
            });
        }
        None
    }

    /// Until when the quota is used up, if it is.
    pub(crate) fn exhausted_until(&self, now: i64) -> Option<Timestamp> {
        (self.exhausted_until > now).then_some(Timestamp(self.exhausted_until))
    }

    /// Until when it rests, if it does.
    pub(crate) fn cooling_until(&self, now: i64) -> Option<Timestamp> {
        (self.cooling_until > now).then_some(Timestamp(self.cooling_until))
    }

    /// When the last of all that time ends does end: quota, reserve, rest.
    pub(crate) fn free_at(&self, now: i64) -> Option<Timestamp> {
        let last = self
            .exhausted_until
            .max(self.reserved_until)
            .max(self.limited_until)
            .max(self.low_until)
            .max(self.cooling_until);
        (last > now).then_some(Timestamp(last))
    }

    /// Whether any rest was set, over or not.
    pub(crate) fn has_end(&self) -> bool {
        [
            self.exhausted_until,
            self.reserved_until,
            self.limited_until,
            self.low_until,
            self.cooling_until,
        ]
        .iter()
        .any(|end| *end != PAST)
    }

    /// The used share of the primary window; unknown sorts last (F34).
    pub(crate) fn primary_share(&self, now: i64) -> u32 {
        self.primary.at(now).unwrap_or(UNKNOWN_SHARE)
    }

    /// The higher used share of both windows; unknown sorts last (F35).
    pub(crate) fn max_share(&self, now: i64) -> u32 {
        self.primary
            .at(now)
            .max(self.secondary.at(now))
            .unwrap_or(UNKNOWN_SHARE)
    }

    /// When spending has to begin so that nothing expires; nothing to lose sorts last (see `pace`).
    pub(crate) fn latest_start(&self, now: i64) -> i64 {
        pace::at(self.pace.0, self.pace.1, now)
    }

    /// The earliest reset still to come; none sorts last (F35).
    pub(crate) fn earliest_reset(&self, now: i64) -> i64 {
        let ahead = |share: Share| {
            if share.resets > now {
                share.resets
            } else {
                NEVER
            }
        };
        ahead(self.primary).min(ahead(self.secondary))
    }
}

//! The pace of an account (policy "pace_aware"): until when spending can wait before quota expires unused. Spent first is what must start first.
//!
//! Quota that is left at a reset is lost, and a short window bounds how fast the long one can be spent. So each account has a *latest
//! start*: the instant from which on it has to be used at full speed to have nothing left at the reset of its longest window.
//!
//! ```text
//! left         = 100 − reserve − used share of the longest window, in percent
//! burn         = percent of the longest window that one whole short window costs (measured: see [`Burn`])
//! short_left   = what the running short window still gives, 0…1
//! latest start = reset of the longest window − 2.5 × length of the short window × max(0, left / burn − short_left)
//! ```
//!
//! The account with the earliest latest start goes first; equal ones by the earlier short reset, then by the longest rest. With one window only, the
//! latest start is the reset itself (earliest deadline first, which loses nothing where no short window binds). The factor is
//! [`MARGIN`]. An account without a known window has nothing that could expire and comes last: keys that are paid by use, for instance.
//!
//! Not a reading: that is `quota`. Called by `row`, which keeps the instant, and by `observe`, which measures.

use std::time::Duration;

use crate::row::NEVER;
use crate::{QuotaSnapshot, QuotaWindow, Timestamp};

/// Percent of the long window that a whole short one costs, before anything was seen.
const USUAL: f64 = 15.0;
/// Short percent that must have been seen to weigh as much as [`USUAL`]: providers tell whole percents.
const ENOUGH: f64 = 25.0;
/// From here on old measurements fade.
const FADE: f64 = 400.0;
/// Two readings of one window tell its reset within this: some providers tell seconds to go.
const SAME_WINDOW_MS: i64 = 120_000;
/// Of the time until a reset only a part is of use, for people sleep: the lead is longer by this. Found by trial over weeks of days and
/// nights (tests/weeks): from 1.25 to 4 all is used but for one or two percent.
const MARGIN: f64 = 2.5;

/// How much of the long window the short one costs, from pairs of readings of the same windows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Burn {
    short: f64,
    long: f64,
}

impl Burn {
    /// Learns from two readings in a row.
    pub(crate) fn learn(&mut self, before: &QuotaSnapshot, after: &QuotaSnapshot) {
        let (Some((short, long)), Some((short_then, long_then))) = (both(after), both(before))
        else {
            return;
        };
        let same = |one: &QuotaWindow, other: &QuotaWindow| match (one.resets_at, other.resets_at) {
            (Some(one), Some(other)) => {
                one.0.saturating_sub(other.0).saturating_abs() <= SAME_WINDOW_MS
            }
            _ => false,
        };
        let (cost, share) = (
            long.used_percent - long_then.used_percent,
            short.used_percent - short_then.used_percent,
        );
        let onwards = cost >= 0.0 && share >= 0.0;
        if !(onwards && same(short, short_then) && same(long, long_then)) {
            return;
        }
        self.short += share.min(100.0);
        self.long += cost.min(100.0);
        if self.short > FADE {
            self.short /= 2.0;
            self.long /= 2.0;
        }
    }

    /// Percent of the long window for one whole short window. What was not seen yet is as if [`USUAL`] had been seen for a while.
    fn per_window(self) -> f64 {
        (100.0 * self.long + ENOUGH * USUAL) / (self.short + ENOUGH)
    }
}

/// The latest start of an account with this reading, and until when it holds; see the module. `NEVER` is nothing to lose.
pub(crate) fn latest_start(quota: &QuotaSnapshot, reserve: u32, burn: Burn) -> (i64, i64) {
    let (short, long) = match both(quota) {
        Some((short, long)) => (Some(short), long),
        None => match quota.windows().next() {
            Some(only) => (None, only),
            None => return (NEVER, NEVER),
        },
    };
    let Some(resets_at) = long.resets_at else {
        return (NEVER, NEVER);
    };
    let left = (100.0 - f64::from(reserve) - long.used_percent).max(0.0);
    let lead = match short.and_then(|short| Some((short, short.length?))) {
        Some((short, length)) => {
            let short_left = (1.0 - short.used_percent / 100.0).clamp(0.0, 1.0);
            windows_long(length, left / burn.per_window() - short_left)
        }
        None => 0,
    };
    (resets_at.0.saturating_sub(lead), resets_at.0)
}

/// That many short windows in milliseconds; a float too large saturates.
fn windows_long(length: Duration, count: f64) -> i64 {
    (length.as_secs_f64() * 1_000.0 * MARGIN * count.max(0.0)) as i64
}

/// The short and the long window, where both are there. Told apart by length; without lengths the second is the long one.
fn both(quota: &QuotaSnapshot) -> Option<(&QuotaWindow, &QuotaWindow)> {
    let (first, second) = (quota.primary.as_ref()?, quota.secondary.as_ref()?);
    if !first.used_percent.is_finite() || !second.used_percent.is_finite() {
        return None;
    }
    match (first.length, second.length) {
        (Some(one), Some(other)) if one > other => Some((second, first)),
        _ => Some((first, second)),
    }
}

/// The instant, or never once the window it speaks of is over.
pub(crate) fn at(latest_start: i64, holds_until: i64, now: i64) -> i64 {
    if holds_until > now {
        latest_start
    } else {
        NEVER
    }
}

/// Nothing known.
pub(crate) const NOTHING_TO_LOSE: (i64, i64) = (Timestamp(NEVER).0, Timestamp(NEVER).0);

//! Which standing may follow which (F59), and the health score (F63).
//!
//! The table is the only word on it: every change of a stored [`Status`] passes [`Status::may_become`]. Cooling, exhausted and disabled are
//! no stored standings but views over time and record, which any of these may lie under. Called by `pool`, `report` and whoever shows a score.

use crate::{AccountId, Pool, Status, Timestamp};

impl Status {
    /// Whether this standing may turn into `to` (F59). To stay is always legal.
    ///
    /// An answer proves a sign-in good, but not an account that its provider closed: that request began before. What is worse stays
    /// until it is disproved: a closed account is not merely to be looked at. Back to `Unknown` leads only what a person did: a new
    /// sign-in, a new key, "try now"; an account in good standing has nothing to clear.
    pub const fn may_become(self, to: Status) -> bool {
        match self {
            Status::Unknown => true,
            Status::Active => !matches!(to, Status::Unknown),
            Status::Attention => true,
            Status::NeedsLogin => !matches!(to, Status::Attention),
            Status::Banned => matches!(to, Status::Unknown | Status::Banned),
        }
    }
}

/// A value and the value to compare it with, in the same unit: requests, tokens or an amount of money.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// As it is now.
    pub current: f64,
    /// A usage limit, or the balance below which an account is not used.
    pub target: f64,
}

/// The health score of F63: 0 to 100, the lowest of what is known; nothing known is 100 and 0 is not selectable. What is above nothing
/// never rounds to 0.
pub fn health_score(
    max_used_percent: Option<f64>,
    usage: Option<Measured>,
    balance: Option<Measured>,
) -> u8 {
    let quota = max_used_percent.map(|used| 100.0 - used);
    let usage = usage.map(|limit| {
        if limit.current >= limit.target {
            0.0
        } else {
            100.0 * (limit.target - limit.current) / limit.target
        }
    });
    let balance = balance.map(|limit| {
        if limit.current <= limit.target {
            0.0
        } else {
            100.0 * (limit.current - limit.target) / limit.target.max(10.0)
        }
    });
    let lowest = [quota, usage, balance]
        .into_iter()
        .flatten()
        .filter(|score| !score.is_nan())
        .fold(100.0_f64, f64::min);
    // Within 0 and 100 by now, and a whole number.
    lowest.max(0.0).ceil() as u8
}

impl Pool {
    /// The health score of an account (F63); 0 also for one that cannot be selected now for another lasting reason or a rest.
    pub fn score(
        &self,
        now: Timestamp,
        id: &AccountId,
        usage: Option<Measured>,
        balance: Option<Measured>,
    ) -> Option<u8> {
        let place = self.place(id)?;
        let row = &self.rows[place];
        if row.barred.is_some() || row.held(now.0).is_some() {
            return Some(0);
        }
        let quota = self.entries[place].state.quota.as_ref();
        let used = quota.and_then(|quota| quota.max_percent(now));
        Some(health_score(used, usage, balance))
    }
}

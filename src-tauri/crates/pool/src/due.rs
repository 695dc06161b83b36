//! Which accounts are due for a verifying quota query after a limit (F64): a plan, not a schedule.
//!
//! Asks nobody and holds no timer: the engine's schedule asks the provider for what is due and says so with [`Pool::checked`]. The
//! reading goes to [`Pool::observe_quota`], which ends the limit when it shows quota.

use std::time::Duration;

use crate::words::words;
use crate::{AccountId, AccountState, Pool, Timestamp};

/// A told reset is verified within this time after it, each account at its own moment (F64).
pub const RESET_SPREAD: Duration = Duration::from_secs(5);
/// When nobody told the reset: this long after the limit, and from then on every time the last step goes by again (F64).
pub const UNTOLD_CHECKS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_secs(2 * 60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(25 * 60),
];
/// After the ladder: every that long.
const UNTOLD_STEP: Duration = Duration::from_secs(15 * 60);
/// Queries that one request may cause at most (F64).
pub const MOST_CHECKS: usize = 5;

words! {
    /// Why an account is due.
    pub enum CheckReason ("check reason") {
        /// Its quota should have started afresh.
        ResetPassed = "reset_passed",
        /// It is limited and nobody told until when.
        ResetUntold = "reset_untold",
    }
}

/// An account to ask now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCheck {
    /// Which.
    pub id: AccountId,
    /// Since when it is due.
    pub due: Timestamp,
    /// Why.
    pub reason: CheckReason,
}

/// A limit that was learnt and not yet disproved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    /// When it was learnt.
    pub(crate) since: Timestamp,
    /// The reset, where told.
    pub(crate) until: Option<Timestamp>,
    /// Queries made since.
    asked: u32,
}

impl Limited {
    pub(crate) fn told(now: Timestamp, until: Timestamp) -> Self {
        Self {
            since: now,
            until: Some(until),
            asked: 0,
        }
    }

    /// A limit without a reset. One that is known already goes on where its ladder stands.
    pub(crate) fn untold(now: Timestamp, before: Option<Limited>) -> Self {
        match before {
            Some(before) if before.until.is_none_or(|until| until > now) => before,
            _ => Self {
                since: now,
                until: None,
                asked: 0,
            },
        }
    }

    /// What the store kept of it.
    pub(crate) fn restored(state: &AccountState) -> Option<Self> {
        let exhausted = state.exhausted?;
        Some(Self::told(exhausted.since, exhausted.until))
    }

    /// The next query and its reason; after a verified reset there is none.
    fn due(&self, id: &AccountId) -> Option<(Timestamp, CheckReason)> {
        match self.until {
            Some(until) => {
                (self.asked == 0).then(|| (until.plus(spread(id)), CheckReason::ResetPassed))
            }
            None => {
                let step = usize::try_from(self.asked).unwrap_or(usize::MAX);
                let last = UNTOLD_CHECKS.len() - 1;
                let beyond = u32::try_from(step.saturating_sub(last)).unwrap_or(u32::MAX);
                let after = UNTOLD_CHECKS[step.min(last)]
                    .saturating_add(UNTOLD_STEP.saturating_mul(beyond));
                Some((self.since.plus(after), CheckReason::ResetUntold))
            }
        }
    }
}

/// The account's own moment within [`RESET_SPREAD`]: always the same one, so that a thousand accounts of one plan do not ask together.
fn spread(id: &AccountId) -> Duration {
    let mixed = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let most = u64::try_from(RESET_SPREAD.as_millis()).unwrap_or(0);
    Duration::from_millis(mixed % (most + 1))
}

impl Pool {
    /// Accounts whose limit should be verified by a quota query now, the longest due first (F64). None while offline (F66), and none that no
    /// query can help: switched off, closed, or waiting for a sign-in. The caller knows which kinds have a quota to ask for, bounds how
    /// many run at once, and tells of each query with [`Pool::checked`].
    pub fn due_checks(&self, now: Timestamp) -> Vec<DueCheck> {
        if self.offline.is_some() {
            return Vec::new();
        }
        let mut due: Vec<DueCheck> = self
            .planned_checks()
            .filter(|check| check.due <= now)
            .collect();
        due.sort_by(|one, other| (one.due, &one.id).cmp(&(other.due, &other.id)));
        due
    }

    /// When the next account will be due, also when that has passed; for whoever sleeps until then.
    pub fn next_check(&self) -> Option<Timestamp> {
        self.planned_checks().map(|check| check.due).min()
    }

    fn planned_checks(&self) -> impl Iterator<Item = DueCheck> {
        let entries = self.entries.iter().zip(&self.rows);
        entries.filter_map(|(entry, row)| {
            if row.barred.is_some() {
                return None;
            }
            let id = &entry.account.id;
            let (due, reason) = entry.limited.as_ref()?.due(id)?;
            Some(DueCheck {
                id: id.clone(),
                due,
                reason,
            })
        })
    }

    /// A quota query of this account was made because it was due, whatever came of it: the next step is planned from here.
    pub fn checked(&mut self, now: Timestamp, id: &AccountId) {
        let Some(place) = self.place(id) else { return };
        let entry = &mut self.entries[place];
        let Some(limited) = &mut entry.limited else {
            return;
        };
        limited.asked = limited.asked.saturating_add(1);
        // The account was away for some steps: they are not made up for.
        while limited.until.is_none()
            && limited.asked < u32::MAX
            && limited.due(id).is_some_and(|(due, _)| due <= now)
        {
            limited.asked += 1;
        }
    }
}

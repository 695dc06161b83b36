//! How much room the pool has now, whatever the model: for a client that asks before it sends.
//!
//! Not the choice of an account (`select`), and no sums: every number is one account's own reading. Called by the gateway for the Codex
//! CLI's usage endpoint.

use crate::{
    AccountId, Format, Pool, QuotaBucket, QuotaSnapshot, QuotaWindow, SkipReason, Timestamp,
};

/// The room of a pool at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Room {
    /// Accounts that could serve if nothing of time stood in their way.
    pub accounts: usize,
    /// Those of them that can serve now.
    pub usable: usize,
    /// Nobody can serve now, and quota is the reason everywhere.
    pub limited: bool,
    /// The account whose reading is told: of those that can serve, the one with most left (its fuller window decides); when nobody can,
    /// the one that is back first.
    pub told: Option<AccountId>,
    /// What is known of its quota now; windows whose reset has passed are left out. The buckets are, name by name, those with most left
    /// among all accounts that can serve.
    pub quota: Option<QuotaSnapshot>,
    /// When the first account is back, where nobody can serve.
    pub back_at: Option<Timestamp>,
}

impl Pool {
    /// The room at `now` among the accounts that speak one of `formats`.
    pub fn room(&self, now: Timestamp, formats: &[Format]) -> Room {
        let mut room = Room::default();
        let mut best: Option<(u32, usize)> = None;
        let mut first_back: Option<(Timestamp, usize)> = None;
        let mut out_of_quota = 0;
        let mut buckets: Vec<QuotaBucket> = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            let never = row.barred.is_some() || row.demo != self.simulated;
            if never || !formats.contains(&row.format) {
                continue;
            }
            match row.held(now.0) {
                None => {
                    room.accounts += 1;
                    room.usable += 1;
                    let share = row.max_share(now.0);
                    if best.is_none_or(|(least, _)| share < least) {
                        best = Some((share, place));
                    }
                    self.add_buckets(place, now, &mut buckets);
                }
                // A sign-in that is over comes back with the person, not with time.
                Some(SkipReason::NoCredential) => {}
                Some(reason) => {
                    room.accounts += 1;
                    let quota = matches!(
                        reason,
                        SkipReason::Exhausted { .. } | SkipReason::Reserved { .. }
                    );
                    out_of_quota += usize::from(quota);
                    let back = row.free_at(now.0).unwrap_or(Timestamp(i64::MAX));
                    if first_back.is_none_or(|(soonest, _)| back < soonest) {
                        first_back = Some((back, place));
                    }
                }
            }
        }
        room.limited = room.usable == 0 && out_of_quota > 0 && out_of_quota == room.accounts;
        let place = match (best, first_back) {
            (Some((_, place)), _) => place,
            (None, Some((back, place))) => {
                room.back_at = Some(back).filter(|at| at.0 != i64::MAX);
                place
            }
            (None, None) => return room,
        };
        let entry = &self.entries[place];
        room.told = Some(entry.account.id.clone());
        room.quota = entry.state.quota.as_ref().map(|quota| {
            let known = |window: Option<QuotaWindow>| window.filter(|w| quota.is_known(w, now));
            QuotaSnapshot {
                primary: known(quota.primary),
                secondary: known(quota.secondary),
                buckets,
                ..quota.clone()
            }
        });
        room
    }

    fn add_buckets(&self, place: usize, now: Timestamp, best: &mut Vec<QuotaBucket>) {
        let Some(quota) = &self.entries[place].state.quota else {
            return;
        };
        let fullest = |bucket: &QuotaBucket| {
            let windows = bucket.primary.iter().chain(&bucket.secondary);
            windows.map(|w| w.used_percent).reduce(f64::max)
        };
        for bucket in &quota.buckets {
            let known = |window: Option<QuotaWindow>| window.filter(|w| quota.is_known(w, now));
            let bucket = QuotaBucket {
                name: bucket.name.clone(),
                primary: known(bucket.primary),
                secondary: known(bucket.secondary),
                read_at: bucket.read_at,
            };
            let Some(used) = fullest(&bucket) else {
                continue;
            };
            match best.iter_mut().find(|other| other.name == bucket.name) {
                Some(other) if fullest(other).is_some_and(|least| least <= used) => {}
                Some(other) => *other = bucket,
                None => best.push(bucket),
            }
        }
    }
}

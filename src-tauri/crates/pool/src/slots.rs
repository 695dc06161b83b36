//! Slots: how many requests an account and a group of accounts run, and the guard against slots that were never given back (F114).
//!
//! Taking a slot is part of the choice in `select`; everything else about slots is here. Called by the gateway at the end of a request.

use crate::{AccountId, Pool, Timestamp};
use std::time::Duration;

/// How long an account may hold slots without a sign of life before they are taken back (F114).
pub const LEAK_GUARD: Duration = Duration::from_secs(5 * 60);
/// How often the guard looks.
const LEAK_LOOK: Duration = Duration::from_secs(30);

/// Running requests of the accounts that share a group name.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) limit: u32,
    pub(crate) in_use: u32,
}

/// The least time between two starts on one account, with a spread so that accounts do not fall into step (F114).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spacing {
    millis: u32,
}

impl Spacing {
    /// When the next request may begin: 70 to 130 % of the spacing from now. The spread follows from the count of selections, so that the
    /// same story always has the same end.
    pub(crate) fn next(self, now: Timestamp, selections: u64) -> i64 {
        if self.millis == 0 {
            return now.0;
        }
        let spread = selections.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let percent = 70 + i64::try_from(spread % 61).unwrap_or(30);
        now.0
            .saturating_add(i64::from(self.millis).saturating_mul(percent) / 100)
    }
}

impl Pool {
    /// The least time between two starts on one account, give or take 30 %; zero is none (F114). Above a minute counts as a minute.
    pub fn set_spacing(&mut self, spacing: Duration) {
        let millis = u32::try_from(spacing.as_millis()).unwrap_or(u32::MAX);
        self.spacing = Spacing {
            millis: millis.min(60_000),
        };
    }

    /// Replaces the limits of all groups: how many requests the accounts of a group may run together (F115).
    pub fn set_group_limits(&mut self, limits: impl IntoIterator<Item = (String, u32)>) {
        let limits = limits.into_iter().collect();
        if limits != self.limits {
            self.limits = limits;
            self.settle();
        }
    }

    /// Running requests and limit of every group that has a limit, by name: what people see as "3 of 5" (F115).
    pub fn group_use(&self) -> Vec<(&str, u32, u32)> {
        let mut groups: Vec<_> = self
            .groups
            .iter()
            .map(|group| (group.name.as_str(), group.in_use, group.limit))
            .collect();
        groups.sort_unstable();
        groups
    }

    /// Limits how many requests the accounts of one group may run together; `None` lifts the limit (F32).
    pub fn set_group_limit(&mut self, group: &str, limit: Option<u32>) {
        match limit {
            Some(limit) => self.limits.insert(group.to_owned(), limit),
            None => self.limits.remove(group),
        };
        self.settle();
    }

    /// Requests an account runs now.
    pub fn in_flight(&self, id: &AccountId) -> u32 {
        self.place(id).map_or(0, |place| self.rows[place].in_use)
    }

    /// Ends a request: frees the slot taken by a selection. Called once for every [`crate::Chosen`]; once too often does no harm.
    pub fn release(&mut self, id: &AccountId) {
        let Some(place) = self.place(id) else { return };
        let row = &mut self.rows[place];
        if row.in_use > 0 {
            row.in_use -= 1;
            if let Some(group) = self.groups.get_mut(row.group as usize) {
                group.in_use = group.in_use.saturating_sub(1);
            }
        }
    }

    /// A sign of life of a running request: without one for [`LEAK_GUARD`] its slot is taken back. Once a minute is enough.
    pub fn touch(&mut self, now: Timestamp, id: &AccountId) {
        if let Some(place) = self.place(id) {
            self.rows[place].last_traffic = now.0;
        }
    }

    /// Takes back slots nobody gave a sign of life for (F114). Looks only now and then.
    pub(crate) fn guard_slots(&mut self, now: Timestamp) {
        if self
            .leaks_looked_at
            .is_some_and(|at| now >= at && now.since(at) < LEAK_LOOK)
        {
            return;
        }
        self.leaks_looked_at = Some(now);
        let silent_since = now.minus(LEAK_GUARD).0;
        let mut freed = false;
        for row in self
            .rows
            .iter_mut()
            .filter(|row| row.in_use > 0 && row.last_traffic <= silent_since)
        {
            row.in_use = 0;
            freed = true;
        }
        if freed {
            self.count_groups();
        }
    }

    /// The place of an account's group in the table, adding it when it has a limit; `u32::MAX` when there is nothing to count.
    pub(crate) fn group_place(&mut self, place: usize) -> u32 {
        let Some(name) = &self.entries[place].account.group else {
            return u32::MAX;
        };
        let Some(limit) = self.limits.get(name).copied() else {
            return u32::MAX;
        };
        let known = self.groups.iter().position(|group| group.name == *name);
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group {
                name: name.clone(),
                limit,
                in_use: 0,
            });
            self.groups.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    pub(crate) fn count_groups(&mut self) {
        for group in &mut self.groups {
            group.in_use = 0;
        }
        for row in &self.rows {
            if let Some(group) = self.groups.get_mut(row.group as usize) {
                group.in_use += row.in_use;
            }
        }
    }
}

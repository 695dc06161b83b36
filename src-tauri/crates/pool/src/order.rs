//! The place of a candidate among the others (F33–F37, F50, F101): one key per row, smaller goes first, equal ones in ring order.
//!
//! Judges nobody: `select` calls it for rows that may serve. Every key is worked out from the flat row alone, without a look at records.

use crate::row::Row;
use crate::select::Pass;
use crate::{Policy, Why};

/// What candidates are compared by, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Key {
    pub(crate) tier: Tier,
    /// The priority where cheapest first is the policy: a translation is cheaper than a dear account.
    cheapest: u32,
    /// The format's place in the list of the route (F101).
    rank: u8,
    /// The priority under every other policy (F37).
    priority: u32,
    /// What the policy says.
    pub(crate) first: u64,
    second: u64,
    third: u64,
    fourth: i64,
}

/// What goes before any policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Tier {
    Active,
    Affinity,
    LatestSuccess,
    #[default]
    Policy,
}

impl Pass<'_> {
    /// The policy that orders candidates, looking through the tiers of [`Policy::Priority`].
    pub(crate) fn inner_policy(&self) -> Policy {
        match self.pool.policy {
            Policy::Priority => self.pool.within_tier,
            policy => policy,
        }
    }

    pub(crate) fn key(&self, place: usize, row: &Row, rank: u8) -> Key {
        let active_mode = self.pool.policy == Policy::ActiveAccount;
        let of = |tier| Key {
            tier,
            ..Key::default()
        };
        // F33: all traffic on the active account, so not even a conversation that was elsewhere stays there once it can serve.
        if active_mode && self.active == Some(place) {
            return of(Tier::Active);
        }
        if self.affinity == Some(place) {
            return of(Tier::Affinity);
        }
        if self.last_attempt && row.last_success != i64::MIN {
            return Key {
                fourth: row.last_success.saturating_neg(),
                ..of(Tier::LatestSuccess)
            };
        }
        let (cheapest, priority) = match self.pool.policy {
            Policy::ActiveAccount => (0, 0),
            Policy::Priority => (row.priority, 0),
            _ => (0, row.priority),
        };
        let (first, second, third, fourth) = match self.inner_policy() {
            Policy::ActiveAccount => (self.ring_distance(place), 0, 0, 0),
            // Who is behind gets no more than its turn of this round: one long away does not catch up at the cost of the others.
            Policy::RoundRobin => (
                row.turn.max(self.pool.round),
                row.turn_order(),
                row.primary_share(self.now).into(),
                0,
            ),
            Policy::MostHeadroom => (
                row.max_share(self.now).into(),
                rising(row.earliest_reset(self.now)),
                row.used_order,
                row.last_used,
            ),
            Policy::LeastRecentlyUsed => (row.used_order, 0, 0, row.last_used),
            // The row compares resets only where both are known. As an order of many that must be: known ones first, for otherwise three
            // accounts could each go before the next.
            Policy::LeastUsed => (
                rising(row.earliest_reset(self.now)),
                row.requests,
                row.used_order,
                row.last_used,
            ),
            Policy::PaceAware => (
                rising(row.latest_start(self.now)),
                rising(row.earliest_reset(self.now)),
                row.used_order,
                row.last_used,
            ),
            Policy::FillFirst | Policy::Priority => (0, 0, 0, 0),
        };
        Key {
            tier: Tier::Policy,
            cheapest,
            rank,
            priority,
            first,
            second,
            third,
            fourth,
        }
    }

    /// F44: how far after the active account in ring order; without one the ring starts at the top.
    fn ring_distance(&self, place: usize) -> u64 {
        let size = self.pool.rows.len();
        match self.active {
            Some(active) => ((place + size - active) % size) as u64,
            None => place as u64 + 1,
        }
    }

    pub(crate) fn why(&self, place: usize, tier: Tier) -> Why {
        match tier {
            _ if self.pinned.is_some() => Why::Pinned,
            Tier::Active => Why::Active,
            Tier::Affinity => Why::Affinity,
            Tier::LatestSuccess => Why::LatestSuccess,
            Tier::Policy => match self.pool.policy {
                Policy::ActiveAccount if self.active == Some(place) => Why::Active,
                Policy::ActiveAccount => Why::NextInRing,
                Policy::RoundRobin => Why::Turn,
                Policy::MostHeadroom => Why::MostHeadroom,
                Policy::LeastRecentlyUsed => Why::LeastRecentlyUsed,
                Policy::FillFirst => Why::First,
                Policy::LeastUsed => Why::LeastUsed,
                Policy::Priority => Why::Cheapest,
                Policy::PaceAware => Why::Pace,
            },
        }
    }
}

/// An instant as a number that sorts the same way.
fn rising(at: i64) -> u64 {
    at.cast_unsigned() ^ (1 << 63)
}

//! The rotation policies: which of several candidates goes first (F33–F37).
//!
//! Only the names; the order itself is computed in `order` from the rows that `select` scans. Called by the engine's settings and the pool.

use crate::words::words;

words! {
    /// How candidates are ordered.
    #[derive(Default)]
    pub enum Policy ("rotation policy") {
        /// All traffic on the account the person chose; the ring after it when it cannot serve (F33).
        #[default]
        ActiveAccount = "active",
        /// Equal turns, least used quota first within a round (F34).
        RoundRobin = "round_robin",
        /// Always the lowest used share (F35).
        MostHeadroom = "most_headroom",
        /// Always the one that rested longest (F36).
        LeastRecentlyUsed = "least_recently_used",
        /// The person's order, staying on the first usable one (F37).
        FillFirst = "fill_first",
        /// The earliest reset, then the fewest requests (F35).
        LeastUsed = "least_used",
        /// Cheapest first, and another policy among equally cheap ones (F37).
        Priority = "priority",
        /// First what would expire unused (see `pace`).
        PaceAware = "pace_aware",
    }
}

impl Policy {
    /// Whether it can order the accounts of one priority under [`Policy::Priority`]: all can but those that are no order of their own.
    pub const fn orders_a_tier(self) -> bool {
        !matches!(self, Policy::ActiveAccount | Policy::Priority)
    }
}

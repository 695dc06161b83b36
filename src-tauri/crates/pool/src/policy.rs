//! The rotation policies: which of several candidates goes first (F33–F37).
//!
//! Only the names; the order itself is computed in `select` from the rows it scans. Called by the engine's settings and the pool.

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
    }
}

//! The rows of the table about what the gateway asks providers by itself. Only rows: `table` lists them.

use super::field::{Apply, Field, Key};

pub(super) const QUERY_MIN: Key = Key {
    name: "quota.query_min",
    doc: "How often the providers of sign-ins are asked for their quota; it costs none. 0: never by itself.",
    apply: Apply::Live,
    field: Field::Number {
        default: 15,
        min: 0,
        max: 1440,
        unit: "minutes",
        at: |s| &mut s.quota.query_min,
    },
};
pub(super) const CHECK_INTERVAL: Key = Key {
    name: "health.interval_s",
    doc: "How often idle accounts are checked, at most 20 at a time, without spending quota. 0: never.",
    apply: Apply::Live,
    field: Field::Number {
        default: 300,
        min: 0,
        max: 86_400,
        unit: "seconds",
        at: |s| &mut s.health.interval_s,
    },
};
pub(super) const REVOKE_ON_REMOVAL: Key = Key {
    name: "codex.revoke_on_removal",
    doc: "Removing a sign-in also ends it at the provider. Never done where the Codex CLI is signed in with the same account.",
    apply: Apply::Live,
    field: Field::Bool {
        default: false,
        at: |s| &mut s.codex.revoke_on_removal,
    },
};

//! The row of the table about the length of a turn in the round robin. Only the row: `table` lists it.

use super::Settings;
use super::field::{Apply, Field, Key};

/// F94: keys of one provider that take turns do so every 15 requests; F34: accounts do at every one.
pub(super) const LENGTH: Key = Key {
    name: "rotation.turn_requests",
    doc: "Requests in a row on one account, in the mode round_robin. 15 suits many keys of one provider.",
    apply: Apply::Live,
    field: Field::Number {
        default: 1,
        min: 1,
        max: 10_000,
        unit: "requests",
        at: |s: &mut Settings| &mut s.rotation.turn_requests,
    },
};

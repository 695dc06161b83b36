//! The rows of the table about how an account is chosen, how much runs at once and who waits. Only rows and the check of one of them: `table`
//! lists them.

use super::Settings;
use super::field::{Apply, Field, Key, quoted};

const fn number(
    name: &'static str,
    doc: &'static str,
    (default, max): (u64, u64),
    unit: &'static str,
    at: fn(&mut Settings) -> &mut u64,
) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Number {
            default,
            min: 0,
            max,
            unit,
            at,
        },
    }
}

pub(super) const MODE: Key = Key {
    name: "rotation.mode",
    doc: "How an account is chosen for a request.",
    apply: Apply::Live,
    field: Field::Choice {
        default: "active",
        options: &[
            "active",
            "round_robin",
            "most_headroom",
            "least_recently_used",
            "fill_first",
            "least_used",
            "priority",
            "pace_aware",
        ],
        at: |s| &mut s.rotation.mode,
    },
};

/// F37: the modes that are an order of their own.
pub(super) const WITHIN_TIER: Key = Key {
    name: "rotation.within_tier",
    doc: "How an account is chosen among those of one priority, in the mode priority.",
    apply: Apply::Live,
    field: Field::Choice {
        default: "round_robin",
        options: &[
            "round_robin",
            "most_headroom",
            "least_recently_used",
            "fill_first",
            "least_used",
            "pace_aware",
        ],
        at: |s| &mut s.rotation.within_tier,
    },
};

/// F114. No limit unless the person sets one: a sign-in runs as many requests as its provider lets it.
pub(super) const ACCOUNT_SLOTS: Key = number(
    "rotation.account_slots",
    "Requests at once on an account that has no number of its own. 0: no limit.",
    (0, 1_000),
    "requests",
    |s| &mut s.rotation.account_slots,
);

/// F115.
pub(super) const GROUP_LIMITS: Key = Key {
    name: "rotation.group_limits",
    doc: "Requests at once over all accounts of a group.",
    apply: Apply::Live,
    field: Field::List {
        check: |text| match group_limit(text) {
            Some((group, limit)) => Ok(format!("{group}={limit}")),
            None => Err(format!(
                "holds something that is not group=number: {}",
                quoted(text)
            )),
        },
        allowed: "group=number each, such as team=4",
        at: |s| &mut s.rotation.group_limits,
    },
};

/// F114.
pub(super) const SPACING_MS: Key = number(
    "rotation.spacing_ms",
    "Least time between two starts on one account, give or take 30 %. 0: none.",
    (0, 60_000),
    "milliseconds",
    |s| &mut s.rotation.spacing_ms,
);

/// F115. No limit unless the person sets one: idle streams cost next to nothing.
pub(super) const MOST_REQUESTS: Key = number(
    "rotation.most_requests",
    "Requests at once over all accounts; above it the answer is 503. 0: no limit.",
    (0, 100_000),
    "requests",
    |s| &mut s.rotation.most_requests,
);

/// F115.
pub(super) const QUEUE_WAIT_S: Key = number(
    "rotation.queue_wait_s",
    "How long a request waits, first come first served, while every account that could serve it is busy. 0: it fails at once.",
    (30, 600),
    "seconds",
    |s| &mut s.rotation.queue_wait_s,
);

/// F115.
pub(super) const QUEUE_LENGTH: Key = number(
    "rotation.queue_length",
    "How many requests may wait for a busy account; the next one fails at once.",
    (100, 10_000),
    "requests",
    |s| &mut s.rotation.queue_length,
);

/// `group=limit`, the last `=` counting: group names are the person's own.
pub(super) fn group_limit(text: &str) -> Option<(String, u32)> {
    let (group, limit) = text.rsplit_once('=')?;
    let group = group.trim();
    (!group.is_empty()).then_some(())?;
    Some((group.to_owned(), limit.trim().parse().ok()?))
}

//! The rows of the table about automatic switches and what is told of them. Only rows: `table` lists them.

use super::Settings;
use super::field::{Apply, Field, Key};

const fn flag(
    name: &'static str,
    doc: &'static str,
    default: bool,
    at: fn(&mut Settings) -> &mut bool,
) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Bool { default, at },
    }
}

const fn percent(name: &'static str, doc: &'static str, at: fn(&mut Settings) -> &mut u64) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Number {
            default: 0,
            min: 0,
            max: 99,
            unit: "percent",
            at,
        },
    }
}

pub(super) const ENABLED: Key = flag(
    "auto_switch.enabled",
    "The active account changes by itself when it is exhausted.",
    false,
    |s| &mut s.auto_switch.enabled,
);
pub(super) const UNKNOWN_TOO: Key = flag(
    "auto_switch.unknown_too",
    "Accounts whose quota is not known may follow when none is known to have some.",
    true,
    |s| &mut s.auto_switch.unknown_too,
);
pub(super) const LOWEST_USE_FIRST: Key = flag(
    "auto_switch.lowest_use_first",
    "The account with the least used quota follows, instead of the next one in your order.",
    false,
    |s| &mut s.auto_switch.lowest_use_first,
);
pub(super) const THRESHOLD_PRIMARY: Key = percent(
    "auto_switch.threshold_primary",
    "Switch when this much of the short quota window is used. 0: only when it is used up.",
    |s| &mut s.auto_switch.threshold_primary,
);
pub(super) const THRESHOLD_WEEKLY: Key = percent(
    "auto_switch.threshold_weekly",
    "Switch when this much of the weekly quota window is used. 0: only when it is used up.",
    |s| &mut s.auto_switch.threshold_weekly,
);
pub(super) const SWITCH_BACK: Key = flag(
    "auto_switch.switch_back",
    "The account you chose becomes active again when its provider says that it has quota.",
    false,
    |s| &mut s.auto_switch.switch_back,
);
pub(super) const KEYS_TOO: Key = flag(
    "auto_switch.keys_too",
    "When no sign-in is left, a key account that offers the model follows. Key accounts may cost money.",
    false,
    |s| &mut s.auto_switch.keys_too,
);

pub(super) const TELL_SWITCHED: Key = flag(
    "notifications.switched",
    "Tell when the active account changed by itself.",
    true,
    |s| &mut s.notifications.switched,
);
pub(super) const TELL_QUOTA_WARNING: Key = flag(
    "notifications.quota_warning",
    "Tell when 80 and 90 percent of a quota window are used.",
    true,
    |s| &mut s.notifications.quota_warning,
);
pub(super) const TELL_ALL_EXHAUSTED: Key = flag(
    "notifications.all_exhausted",
    "Tell when no account has quota left.",
    true,
    |s| &mut s.notifications.all_exhausted,
);
pub(super) const TELL_NEEDS_SIGN_IN: Key = flag(
    "notifications.needs_sign_in",
    "Tell when an account must be signed in again.",
    true,
    |s| &mut s.notifications.needs_sign_in,
);
pub(super) const TELL_RECOVERED: Key = flag(
    "notifications.recovered",
    "Tell when an account serves again that was told as gone.",
    true,
    |s| &mut s.notifications.recovered,
);
pub(super) const TELL_PORT_CHANGED: Key = flag(
    "notifications.port_changed",
    "Tell when the gateway listens on another port than the one wanted.",
    true,
    |s| &mut s.notifications.port_changed,
);

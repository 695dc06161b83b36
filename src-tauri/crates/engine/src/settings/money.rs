//! The rows of the table about balances, usage limits and prices. Only rows: `table` lists them.

use super::Settings;
use super::field::{Apply, Field, Key, quoted};

pub(super) const POLL: Key = Key {
    name: "balance.poll",
    doc: "Providers are asked by themselves what is left of an account's money.",
    apply: Apply::Live,
    field: Field::Bool {
        default: true,
        at: |s| &mut s.balance.poll,
    },
};
pub(super) const RESET_TIME: Key = Key {
    name: "usage.reset_time",
    doc: "Time of day at which periods of usage limits and key budgets begin.",
    apply: Apply::Live,
    field: Field::Text {
        default: "00:00",
        check: time_of_day,
        allowed: "hours and minutes, such as 04:00; minutes are 00, 15, 30 or 45",
        at: |s| &mut s.usage.reset_time,
    },
};
pub(super) const TIME_ZONE: Key = Key {
    name: "usage.time_zone",
    doc: "Time zone of that time. Default: this machine's.",
    apply: Apply::Live,
    field: Field::Optional {
        check: time_zone,
        allowed: "a time zone such as Europe/Berlin or UTC",
        at: |s| &mut s.usage.time_zone,
    },
};
pub(super) const PRICES: Key = Key {
    name: "usage.prices",
    doc: "Prices in USD for a million tokens (input, cached input, output), beside and before the list prices of November 2026 that the program knows.",
    apply: Apply::Live,
    field: Field::List {
        check: price,
        allowed: "model=input/cached/output, such as my-model=1.25/0.125/10",
        at: |s| &mut s.usage.prices,
    },
};
pub(super) const TELL_BALANCE_LOW: Key = Key {
    name: "notifications.balance_low",
    doc: "Tell when the balance of an account has come down to its threshold.",
    apply: Apply::Live,
    field: Field::Bool {
        default: true,
        at: |s: &mut Settings| &mut s.notifications.balance_low,
    },
};

/// Hours and minutes; usage is summed by the quarter of an hour.
fn time_of_day(text: &str) -> Result<String, String> {
    let wrong = || format!("is not a time of day: {}", quoted(text));
    let (hours, minutes) = text.split_once(':').ok_or_else(wrong)?;
    let hours: u8 = hours.parse().map_err(|_| wrong())?;
    let minutes: u8 = minutes.parse().map_err(|_| wrong())?;
    if hours < 24 && minutes < 60 && minutes.is_multiple_of(15) {
        Ok(format!("{hours:02}:{minutes:02}"))
    } else {
        Err(wrong())
    }
}

fn time_zone(text: &str) -> Result<String, String> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("is not a time zone: {}", quoted(text))),
    }
}

fn price(text: &str) -> Result<String, String> {
    match crate::limits::Price::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("holds no price: {}", quoted(text))),
    }
}

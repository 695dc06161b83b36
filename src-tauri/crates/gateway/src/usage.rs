//! The Codex CLI's question for its usage, answered for the whole pool (codex-backend 5.3): the CLI does not lock its composer while
//! any account has room.
//!
//! What is told, exactly: `allowed` while any account can serve; `limit_reached` only when none can and quota is the reason everywhere
//! (a rest that is guessed does not lock). The windows, plan and credits are those of one account, the one with most left, or the one that
//! is back first when nobody can serve; they are its own reading, never a sum or a mean. Buckets of single models are, name by name, those
//! with most left. `switchyard` says that this is a pool, how many accounts it has, and whose reading it is. No provider is asked.
//!
//! Not the headers of answers: those speak of the account that answered. Called by the surface.

use http::{Response, StatusCode};
use pool::{Format, QuotaSnapshot, QuotaWindow, Room, Timestamp};
use serde_json::{Value, json};

use crate::Gateway;
use crate::body::Body;
use crate::config::Config;
use crate::reply::json as json_answer;

/// What may stand before the two paths: the CLI puts them behind whatever base URL it was given.
const BASES: [&str; 6] = [
    "",
    "/v1",
    "/codex",
    "/codex/v1",
    "/backend-api",
    "/backend-api/codex",
];
const PATHS: [&str; 2] = ["/api/codex/usage", "/wham/usage"];

/// Whether the path asks for the usage, and then whether for that of the Codex accounts alone.
pub(crate) fn asked(path: &str) -> Option<bool> {
    let base = PATHS.iter().find_map(|end| path.strip_suffix(end))?;
    BASES.contains(&base).then(|| base.starts_with("/codex"))
}

/// The answer, for the accounts that speak one of `formats`.
pub(crate) fn answer(gateway: &Gateway, config: &Config, formats: &[Format]) -> Response<Body> {
    let now = gateway.clock.now();
    let (room, label) = gateway.pool.with(|pool| {
        let room = pool.room(now, formats);
        let told = room.told.as_ref().and_then(|id| pool.account(id));
        let label = told.map(|account| account.label.clone());
        (room, label)
    });
    let label = label.filter(|_| config.account_header);
    json_answer(StatusCode::OK, document(&room, label, now).to_string())
}

fn document(room: &Room, label: Option<String>, now: Timestamp) -> Value {
    let quota = room.quota.as_ref();
    let plan = quota.and_then(|quota| quota.plan.as_deref());
    let credits = quota.and_then(|quota| quota.credits.as_ref());
    json!({
        // The CLI wants a word here, and takes one it does not know.
        "plan_type": plan.unwrap_or("unknown"),
        "rate_limit": limits(quota.and_then(|q| q.primary), quota.and_then(|q| q.secondary), room.limited, now),
        "additional_rate_limits": quota.map(|quota| buckets(quota, now)).unwrap_or_default(),
        "credits": credits.map(|credits| json!({
            "has_credits": credits.has, "unlimited": credits.unlimited, "balance": credits.balance})),
        "rate_limit_reached_type": room.limited.then(|| json!({"type": "rate_limit_reached"})),
        "switchyard": {
            "pool": true,
            "accounts": room.accounts,
            "usable": room.usable,
            "account": label,
            "read_at": quota.map(|quota| quota.captured_at.as_secs()),
            "back_at": room.back_at.map(Timestamp::as_secs),
        },
    })
}

fn limits(
    primary: Option<QuotaWindow>,
    secondary: Option<QuotaWindow>,
    limited: bool,
    now: Timestamp,
) -> Value {
    json!({
        "allowed": !limited,
        "limit_reached": limited,
        "primary_window": primary.map(|w| window(&w, now)),
        "secondary_window": secondary.map(|w| window(&w, now)),
    })
}

fn buckets(quota: &QuotaSnapshot, now: Timestamp) -> Vec<Value> {
    let one = |bucket: &pool::QuotaBucket| {
        let windows = [bucket.primary, bucket.secondary];
        let full = windows.iter().flatten().any(|w| w.used_percent >= 100.0);
        json!({"limit_name": bucket.name, "metered_feature": bucket.name,
               "rate_limit": limits(bucket.primary, bucket.secondary, full, now)})
    };
    quota.buckets.iter().map(one).collect()
}

/// Whole percents, as the endpoint has them. Rounded up, but never to 100 by rounding: that would say the end of it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 100"
)]
fn window(window: &QuotaWindow, now: Timestamp) -> Value {
    let used = window.used_percent.clamp(0.0, 100.0);
    let percent = if used < 100.0 {
        used.ceil().min(99.0)
    } else {
        100.0
    };
    json!({
        "used_percent": percent as u8,
        // The CLI reads all four or none.
        "limit_window_seconds": window.length.map_or(0, |length| length.as_secs()),
        "reset_after_seconds": window.resets_at.map_or(0, |at| at.since(now).as_secs()),
        "reset_at": window.resets_at.map_or(0, Timestamp::as_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cli_finds_it_behind_every_base_url() {
        for (path, expected) in [
            ("/api/codex/usage", Some(false)),
            ("/wham/usage", Some(false)),
            ("/v1/api/codex/usage", Some(false)),
            ("/backend-api/wham/usage", Some(false)),
            ("/codex/v1/api/codex/usage", Some(true)),
            ("/codex/wham/usage", Some(true)),
            ("/other/wham/usage", None),
            ("/wham/usage/x", None),
            ("/usage", None),
        ] {
            assert_eq!(asked(path), expected, "{path}");
        }
    }

    #[test]
    fn percents_are_whole_and_only_the_end_is_a_hundred() {
        for (used, told) in [
            (0.0, 0),
            (0.2, 1),
            (41.5, 42),
            (99.7, 99),
            (100.0, 100),
            (130.0, 100),
        ] {
            let quota = QuotaWindow {
                used_percent: used,
                ..QuotaWindow::default()
            };
            assert_eq!(window(&quota, Timestamp(0))["used_percent"], told, "{used}");
        }
    }
}

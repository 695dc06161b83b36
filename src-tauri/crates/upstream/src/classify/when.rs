//! When an account may be asked again, from everything an answer says about it (F53, T197, T210).

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};
use pool::{QuotaWindow, Timestamp};

use super::ErrorBody;
use crate::quota::quota_from_headers;

/// No provider means a wait of more than this; such numbers are mistakes.
const LONGEST: Duration = Duration::from_secs(400 * 86_400);

/// `retry-after-ms`, or `Retry-After` as seconds or date.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::trim)
    };
    if let Some(ms) = text("retry-after-ms").and_then(|t| t.parse::<f64>().ok()) {
        return after(ms / 1000.0, now);
    }
    let text = text(header::RETRY_AFTER.as_str())?;
    if let Ok(secs) = text.parse::<f64>() {
        return after(secs, now);
    }
    let date = httpdate::parse_http_date(text)
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    sensible(Timestamp(i64::try_from(date.as_millis()).ok()?), now)
}

/// The reset of a used-up quota: `resets_at`, `resets_in_seconds`, `Retry-After`, then the quota headers (F53).
pub(super) fn resets_at(
    headers: &HeaderMap,
    error: &ErrorBody,
    now: Timestamp,
) -> Option<Timestamp> {
    error
        .resets_at
        .and_then(|at| sensible(at, now))
        .or_else(|| after(error.resets_in_secs?, now))
        .or_else(|| retry_after(headers, now))
        .or_else(|| from_windows(headers, now))
}

/// The end of a rate limit or overload: header, the body's fields, its words.
pub(super) fn retry_at(
    headers: &HeaderMap,
    error: &ErrorBody,
    now: Timestamp,
) -> Option<Timestamp> {
    retry_after(headers, now)
        .or_else(|| error.resets_at.and_then(|at| sensible(at, now)))
        .or_else(|| after(error.resets_in_secs.or(error.retry_in_secs)?, now))
        .or_else(|| after(seconds_in(error.message.as_deref()?)?, now))
}

fn after(secs: f64, now: Timestamp) -> Option<Timestamp> {
    (secs.is_finite() && secs > 0.0 && secs <= LONGEST.as_secs_f64())
        .then(|| now.plus(Duration::from_secs_f64(secs)))
}

fn sensible(at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    (at > now && at.since(now) <= LONGEST).then_some(at)
}

/// The window that is used up, or the fullest one; of several the one that resets last.
fn from_windows(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let quota = quota_from_headers(headers, now)?;
    let windows = [quota.primary, quota.secondary];
    let known = || {
        windows
            .iter()
            .flatten()
            .filter(|w: &&QuotaWindow| w.resets_at.is_some_and(|at| at > now))
    };
    let full = known()
        .filter(|w| w.used_percent >= 100.0)
        .filter_map(|w| w.resets_at)
        .max();
    let at = full.or_else(|| {
        known()
            .max_by(|a, b| a.used_percent.total_cmp(&b.used_percent))
            .and_then(|w| w.resets_at)
    });
    at.and_then(|at| sensible(at, now))
}

/// "try again in 11.054s", "28ms", "1m30s" in an error's words (codex-backend 4.2).
fn seconds_in(message: &str) -> Option<f64> {
    let lower = message.to_ascii_lowercase();
    let at = lower.find("try again in ")? + "try again in ".len();
    let mut rest = lower[at..].trim_start();
    let mut total = 0.0;
    let mut found = false;
    loop {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let Ok(number) = rest[..digits].trim_end_matches('.').parse::<f64>() else {
            break;
        };
        let unit = rest[digits..].trim_start();
        let letters = unit
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(unit.len());
        let factor = match &unit[..letters] {
            "ms" | "millisecond" | "milliseconds" => 0.001,
            "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => break,
        };
        total += number * factor;
        found = true;
        rest = unit[letters..].trim_start_matches([' ', ',']);
    }
    found.then_some(total)
}

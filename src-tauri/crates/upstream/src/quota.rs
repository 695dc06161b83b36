//! Quota as ChatGPT accounts report it: `x-codex-*` headers, `codex.rate_limits` events and the usage endpoint
//! (codex-backend 5, F67). Pure; the pool decides what a snapshot changes.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderValue};
use pool::{Credits, QuotaBucket, QuotaSnapshot, QuotaSource, QuotaWindow, Timestamp};
use serde::{Deserialize, Deserializer};

/// What a window is, told by its length and never by its slot (codex-backend 9.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// About five hours.
    FiveHours,
    /// About a week.
    Weekly,
    /// 28 days or more.
    Monthly,
    /// Any other length.
    Other,
}

impl WindowKind {
    /// By length; a tenth more or less does not matter.
    #[must_use]
    pub fn of(length: Duration) -> Self {
        let secs = length.as_secs();
        let about = |want: u64| secs.abs_diff(want) <= want / 10;
        match secs {
            _ if about(5 * 3600) => Self::FiveHours,
            _ if about(7 * 86_400) => Self::Weekly,
            _ if secs >= 28 * 86_400 => Self::Monthly,
            _ => Self::Other,
        }
    }
}

/// The quota headers of an answer; `None` when it has none that say anything.
#[must_use]
pub fn quota_from_headers(headers: &HeaderMap, now: Timestamp) -> Option<QuotaSnapshot> {
    // Most answers of relays have none: leave before anything is built.
    let says = |name: &str| name.starts_with("x-codex-") || name.ends_with("-used-percent");
    if !headers.keys().any(|name| says(name.as_str())) {
        return None;
    }
    let primary = header_window(headers, "codex", "primary", now);
    let secondary = header_window(headers, "codex", "secondary", now);
    let plan = text(headers, "x-codex-plan-type").map(str::to_owned);
    let credits = header_credits(headers);
    let mut buckets = BTreeMap::new();
    for name in headers.keys() {
        let limit = name.as_str().strip_prefix("x-").and_then(|n| {
            n.strip_suffix("-primary-used-percent")
                .or_else(|| n.strip_suffix("-secondary-used-percent"))
        });
        if let Some(limit) = limit.filter(|l| *l != "codex") {
            buckets
                .entry(limit.replace('-', "_"))
                .or_insert_with(|| limit.to_owned());
        }
    }
    let buckets: Vec<_> = buckets
        .into_iter()
        .filter_map(|(name, limit)| {
            let primary = header_window(headers, &limit, "primary", now);
            let secondary = header_window(headers, &limit, "secondary", now);
            (primary.is_some() || secondary.is_some()).then_some(QuotaBucket {
                name,
                primary,
                secondary,
                read_at: now,
            })
        })
        .collect();
    let something =
        primary.is_some() || secondary.is_some() || credits.is_some() || !buckets.is_empty();
    (something || plan.is_some()).then_some(QuotaSnapshot {
        plan,
        primary,
        secondary,
        buckets,
        credits,
        captured_at: now,
        source: QuotaSource::Header,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|v: &HeaderValue| v.to_str().ok())
        .map(str::trim)
        .filter(|t| !t.is_empty())
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?
        .parse()
        .ok()
        .filter(|n: &f64| n.is_finite())
}

fn header_window(
    headers: &HeaderMap,
    limit: &str,
    slot: &str,
    now: Timestamp,
) -> Option<QuotaWindow> {
    // One name, written once and ended four ways: this is asked of every answer.
    let mut name = String::with_capacity(64);
    for part in ["x-", limit, "-", slot, "-"] {
        name.push_str(part);
    }
    let stem = name.len();
    let mut field = |what: &str| {
        name.truncate(stem);
        name.push_str(what);
        number(headers, &name)
    };
    window(Fields {
        used_percent: field("used-percent"),
        length_secs: field("window-minutes").map(|m| m * 60.0),
        reset_at: field("reset-at"),
        reset_after_secs: field("reset-after-seconds"),
        now,
    })
}

fn header_credits(headers: &HeaderMap) -> Option<Credits> {
    let flag = |name: &str| {
        let text = text(headers, name)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    };
    let has = flag("x-codex-credits-has-credits");
    let unlimited = flag("x-codex-credits-unlimited");
    let balance = text(headers, "x-codex-credits-balance").map(str::to_owned);
    if has.is_none() && unlimited.is_none() && balance.is_none() {
        return None;
    }
    Some(Credits {
        has: has.unwrap_or(false),
        unlimited: unlimited.unwrap_or(false),
        balance,
    })
}

struct Fields {
    used_percent: Option<f64>,
    length_secs: Option<f64>,
    reset_at: Option<f64>,
    reset_after_secs: Option<f64>,
    now: Timestamp,
}

/// A window, or nothing when its fields say nothing: percent 0, no length, no reset (codex-backend 5.1).
fn window(fields: Fields) -> Option<QuotaWindow> {
    let positive = |n: f64| (n > 0.0).then_some(n);
    let length = fields
        .length_secs
        .and_then(positive)
        .map(|s| Duration::from_secs_f64(s.min(1e9)));
    let resets_at = fields.reset_at.and_then(positive).map(instant).or_else(|| {
        Some(fields.now.plus(Duration::from_secs_f64(
            fields.reset_after_secs.and_then(positive)?.min(1e9),
        )))
    });
    let used_percent = fields.used_percent.unwrap_or(0.0).clamp(0.0, 100.0);
    if used_percent == 0.0 && length.is_none() && resets_at.is_none() {
        return None;
    }
    Some(QuotaWindow {
        used_percent,
        length,
        resets_at,
    })
}

/// Unix seconds; milliseconds are recognised by their size.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturating, and times lie far below the limit"
)]
pub(crate) fn instant(unix: f64) -> Timestamp {
    if unix > 1e11 {
        Timestamp(unix as i64)
    } else {
        Timestamp((unix * 1000.0) as i64)
    }
}

/// Reads a number that may come as a string; anything else is nothing.
fn lenient<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
    Ok(match serde_json::Value::deserialize(d)? {
        serde_json::Value::Number(n) => n.as_f64(),
        serde_json::Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
    .filter(|n: &f64| n.is_finite()))
}

/// Reads a decimal that may come as a number; kept as text, because money is never a binary float.
fn decimal<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(d)? {
        serde_json::Value::Number(n) => Some(n.to_string()),
        serde_json::Value::String(s) if !s.trim().is_empty() => Some(s.trim().to_owned()),
        _ => None,
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawWindow {
    #[serde(deserialize_with = "lenient")]
    used_percent: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    window_minutes: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    limit_window_seconds: Option<f64>,
    #[serde(deserialize_with = "lenient", alias = "resets_at")]
    reset_at: Option<f64>,
    #[serde(deserialize_with = "lenient")]
    reset_after_seconds: Option<f64>,
}

impl RawWindow {
    fn read(self, now: Timestamp) -> Option<QuotaWindow> {
        window(Fields {
            used_percent: self.used_percent,
            length_secs: self
                .limit_window_seconds
                .or(self.window_minutes.map(|m| m * 60.0)),
            reset_at: self.reset_at,
            reset_after_secs: self.reset_after_seconds,
            now,
        })
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawCredits {
    has_credits: Option<bool>,
    unlimited: Option<bool>,
    #[serde(deserialize_with = "decimal")]
    balance: Option<String>,
}

impl RawCredits {
    fn read(self) -> Option<Credits> {
        (self.has_credits.is_some() || self.unlimited.is_some() || self.balance.is_some()).then(
            || Credits {
                has: self.has_credits.unwrap_or(false),
                unlimited: self.unlimited.unwrap_or(false),
                balance: self.balance,
            },
        )
    }
}

#[derive(Deserialize)]
struct RateLimitsEvent {
    r#type: String,
    plan_type: Option<String>,
    #[serde(alias = "limit_name")]
    metered_limit_name: Option<String>,
    rate_limits: Option<Slots>,
    credits: Option<RawCredits>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Slots {
    primary: Option<RawWindow>,
    secondary: Option<RawWindow>,
}

/// Reads a `codex.rate_limits` event (5.2); `None` for every other event.
#[must_use]
pub fn quota_from_event(data: &[u8], now: Timestamp) -> Option<QuotaSnapshot> {
    // Nearly every event is another one; look before parsing.
    memchr::memmem::find(&data[..data.len().min(256)], b"codex.rate_limits")?;
    let event: RateLimitsEvent = serde_json::from_slice(data).ok()?;
    if event.r#type != "codex.rate_limits" {
        return None;
    }
    let slots = event.rate_limits.unwrap_or_default();
    let primary = slots.primary.and_then(|w| w.read(now));
    let secondary = slots.secondary.and_then(|w| w.read(now));
    let other = event
        .metered_limit_name
        .map(|n| n.replace('-', "_"))
        .filter(|n| n != "codex" && !n.is_empty());
    let (primary, secondary, buckets) = match other {
        Some(name) => (
            None,
            None,
            vec![QuotaBucket {
                name,
                primary,
                secondary,
                read_at: now,
            }],
        ),
        None => (primary, secondary, Vec::new()),
    };
    Some(QuotaSnapshot {
        plan: event.plan_type,
        primary,
        secondary,
        buckets,
        credits: event.credits.and_then(RawCredits::read),
        captured_at: now,
        source: QuotaSource::Stream,
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Usage {
    plan_type: Option<String>,
    rate_limit: Option<RateLimit>,
    additional_rate_limits: Option<Vec<Additional>>,
    credits: Option<RawCredits>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RateLimit {
    primary_window: Option<RawWindow>,
    secondary_window: Option<RawWindow>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Additional {
    limit_name: Option<String>,
    metered_feature: Option<String>,
    rate_limit: Option<RateLimit>,
}

/// Reads the usage endpoint's answer (5.3), in which every block may be missing.
pub(crate) fn quota_from_usage(body: &[u8], now: Timestamp) -> Option<QuotaSnapshot> {
    let usage: Usage = serde_json::from_slice(body).ok()?;
    let limits = usage.rate_limit.unwrap_or_default();
    let buckets = usage
        .additional_rate_limits
        .unwrap_or_default()
        .into_iter()
        .filter_map(|a| {
            let limits = a.rate_limit?;
            let name = a
                .metered_feature
                .or(a.limit_name)
                .filter(|n| !n.is_empty())?;
            let primary = limits.primary_window.and_then(|w| w.read(now));
            let secondary = limits.secondary_window.and_then(|w| w.read(now));
            (primary.is_some() || secondary.is_some()).then_some(QuotaBucket {
                name,
                primary,
                secondary,
                read_at: now,
            })
        });
    Some(QuotaSnapshot {
        plan: usage.plan_type,
        primary: limits.primary_window.and_then(|w| w.read(now)),
        secondary: limits.secondary_window.and_then(|w| w.read(now)),
        buckets: buckets.collect(),
        credits: usage.credits.and_then(RawCredits::read),
        captured_at: now,
        source: QuotaSource::Query,
    })
}

#[cfg(test)]
mod tests;

//! Z.AI's and BigModel's quota page: windows of five hours, a week and a month, in the same charts as every other quota (F110). Pure.
//!
//! The page answers HTTP 200 to everything; what went wrong stands in `code`.

use std::time::Duration;

use pool::{Outcome, QuotaBucket, QuotaSnapshot, QuotaSource, QuotaWindow, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::BalanceReading;
use super::read::said_no;
use crate::QueryError;
use crate::quota::instant;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

#[derive(Deserialize)]
struct Limit {
    #[serde(rename = "type")]
    kind: String,
    unit: Option<i64>,
    number: Option<u64>,
    /// The whole, although the name says otherwise.
    usage: Option<f64>,
    #[serde(rename = "currentValue")]
    used: Option<f64>,
    percentage: Option<f64>,
    #[serde(rename = "nextResetTime")]
    resets_at: Option<f64>,
}

impl Limit {
    fn length(&self) -> Option<Duration> {
        let number = self.number.unwrap_or(1).clamp(1, 1_000);
        let unit = match self.unit? {
            3 => HOUR,
            6 => 7 * DAY,
            5 => 30 * DAY,
            _ => return None,
        };
        // A month is told as five of something: only its unit counts.
        let number = if unit == 30 * DAY { 1 } else { number };
        Some(Duration::from_secs(unit * number))
    }

    fn window(&self) -> Option<QuotaWindow> {
        let counted = || {
            let whole = self.usage.filter(|whole| *whole > 0.0)?;
            Some(self.used? / whole * 100.0)
        };
        let used = self.percentage.or_else(counted)?;
        Some(QuotaWindow {
            used_percent: used.clamp(0.0, 100.0),
            length: self.length(),
            resets_at: self
                .resets_at
                .filter(|at| *at > 0.0 && at.is_finite())
                .map(instant),
        })
    }
}

pub(super) fn read(body: &[u8], now: Timestamp) -> Result<BalanceReading, QueryError> {
    let told: Value = serde_json::from_slice(body).map_err(|_| QueryError::Unreadable)?;
    if let Some(refusal) = refusal(&told) {
        return Err(refusal);
    }
    let data = told.get("data").ok_or(QueryError::Unreadable)?;
    let limits = data
        .get("limits")
        .and_then(Value::as_array)
        .ok_or(QueryError::Unreadable)?;
    let mut quota = QuotaSnapshot::empty(now, QuotaSource::Query);
    quota.plan = data
        .get("level")
        .and_then(Value::as_str)
        .filter(|level| !level.is_empty())
        .map(str::to_owned);
    for limit in limits {
        let Ok(limit) = Limit::deserialize(limit) else {
            continue;
        };
        let Some(window) = limit.window() else {
            continue;
        };
        match (limit.kind.as_str(), limit.unit) {
            ("TOKENS_LIMIT" | "CREDIT_LIMIT", Some(3)) => quota.primary = Some(window),
            ("TOKENS_LIMIT" | "CREDIT_LIMIT", Some(6)) => quota.secondary = Some(window),
            // The month of tool calls says nothing about models: beside the two, not in their place.
            (kind, _) => quota.buckets.push(QuotaBucket {
                name: match kind {
                    "TIME_LIMIT" => "mcp".to_owned(),
                    other => other.to_ascii_lowercase(),
                },
                primary: Some(window),
                secondary: None,
                read_at: now,
            }),
        }
    }
    Ok(BalanceReading {
        quota: Some(quota),
        ..BalanceReading::default()
    })
}

/// What an error code means. 1113: no balance; 1308 and 1310: used up until the next reset; 1000 to 1004: the key.
fn refusal(told: &Value) -> Option<QueryError> {
    let error = told.get("error").filter(|error| error.is_object());
    let error = error.unwrap_or(told);
    let code = match error.get("code") {
        Some(Value::Number(code)) => code.as_i64()?,
        Some(Value::String(code)) => code.trim().parse().ok()?,
        _ if told.get("success") == Some(&Value::Bool(false)) => 500,
        _ => return None,
    };
    if matches!(code, 0 | 200) {
        return None;
    }
    let text = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
    let message = text("message").or_else(|| text("msg"));
    let resets_at = [error, told]
        .into_iter()
        .chain(told.get("data"))
        .find_map(|place| place.get("nextResetTime")?.as_f64())
        .filter(|at| *at > 0.0)
        .map(instant);
    Some(match code {
        1113 => said_no(Outcome::PaymentRequired, message),
        1308 | 1310 => said_no(Outcome::UsageLimit { resets_at }, message),
        401 | 1000..=1004 => {
            let message = format!(
                "{} (a key works at its own region only: api.z.ai or open.bigmodel.cn)",
                message.as_deref().unwrap_or("the key was refused")
            );
            said_no(Outcome::Unauthorized, Some(message))
        }
        _ => said_no(Outcome::ServerError { status: 502 }, message),
    })
}

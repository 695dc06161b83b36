//! The pool's memory of an account as a database row, and back. Quota travels as JSON text with a shape of its own.

use std::borrow::Cow;
use std::time::Duration;

use pool::{
    AccountId, AccountState, Cooldown, Counters, Credits, Exhaustion, QuotaBucket, QuotaSnapshot,
    QuotaWindow, Reason, Timestamp,
};
use serde::{Deserialize, Serialize};
use store::{AccountStateRow, QuotaSampleRow};

pub(crate) fn to_row(id: &AccountId, state: &AccountState) -> AccountStateRow {
    AccountStateRow {
        account_id: id.to_string(),
        status: state.status.as_str().to_owned(),
        reason: state.reason.as_ref().map(|reason| reason.code.to_string()),
        status_at: state.reason.as_ref().map(|reason| reason.at.0),
        cooldown_until: state.cooldown.map(|cooldown| cooldown.until.0),
        cooldown_source: state
            .cooldown
            .map(|cooldown| cooldown.source.as_str().to_owned()),
        exhausted_until: state.exhausted.map(|exhausted| exhausted.until.0),
        exhausted_source: state
            .exhausted
            .map(|exhausted| exhausted.source.as_str().to_owned()),
        quota: state
            .quota
            .as_ref()
            .and_then(|quota| serde_json::to_string(&Quota::from(quota)).ok()),
        last_used_at: state.last_used.map(|at| at.0),
        last_success_at: state.last_success.map(|at| at.0),
        consecutive_failures: i64::from(state.consecutive_failures),
        requests: count(state.counters.requests),
        successes: count(state.counters.successes),
        failures: count(state.counters.failures),
        cancelled: count(state.counters.cancelled),
    }
}

/// What cannot be read (an older or newer version's word) is left at its default: the next answer tells it anew.
pub(crate) fn from_row(row: &AccountStateRow) -> AccountState {
    let reason = row.reason.clone().map(|code| Reason {
        code: Cow::Owned(code),
        at: Timestamp(row.status_at.unwrap_or(0)),
    });
    let hold = |until: Option<i64>, source: &Option<String>| {
        Some((Timestamp(until?), source.as_deref()?.parse().ok()?))
    };
    AccountState {
        status: row.status.parse().unwrap_or(pool::Status::Unknown),
        reason,
        cooldown: hold(row.cooldown_until, &row.cooldown_source)
            .map(|(until, source)| Cooldown { until, source }),
        exhausted: hold(row.exhausted_until, &row.exhausted_source).map(|(until, source)| {
            Exhaustion {
                until,
                since: Timestamp(row.status_at.unwrap_or(0)),
                source,
            }
        }),
        quota: row
            .quota
            .as_deref()
            .and_then(|text| serde_json::from_str::<Quota>(text).ok())
            .and_then(Quota::into_pool),
        last_used: row.last_used_at.map(Timestamp),
        last_success: row.last_success_at.map(Timestamp),
        consecutive_failures: u32::try_from(row.consecutive_failures).unwrap_or(0),
        counters: Counters {
            requests: back(row.requests),
            successes: back(row.successes),
            failures: back(row.failures),
            cancelled: back(row.cancelled),
            ..Counters::default()
        },
        ..AccountState::default()
    }
}

/// The history samples of a reading (F69): one for each window it names, of the plan and of the limits that models have of their own.
pub(crate) fn samples(id: &AccountId, quota: &QuotaSnapshot) -> Vec<QuotaSampleRow> {
    let mut samples = Vec::new();
    let mut add = |bucket, windows: [&Option<QuotaWindow>; 2], at: Timestamp| {
        for (name, window) in WINDOWS.into_iter().zip(windows) {
            let Some(window) = window else { continue };
            samples.push(QuotaSampleRow {
                account_id: id.to_string(),
                window: window_name(name, bucket),
                captured_at: at.0,
                used_percent: Some(window.used_percent),
                resets_at: window.resets_at.map(|at| at.0),
                source: quota.source.as_str().to_owned(),
            });
        }
    };
    add(None, [&quota.primary, &quota.secondary], quota.captured_at);
    for bucket in &quota.buckets {
        let windows = [&bucket.primary, &bucket.secondary];
        add(Some(bucket.name.as_str()), windows, bucket.read_at);
    }
    samples
}

/// The two windows of a plan, and of a limit of its own.
const WINDOWS: [&str; 2] = ["primary", "secondary"];

/// How a sample names its window: `primary`, or `primary/codex_other` for that of a limit of its own.
fn window_name(window: &str, bucket: Option<&str>) -> String {
    match bucket {
        None => window.to_owned(),
        Some(bucket) => format!("{window}/{bucket}"),
    }
}

/// The bucket and the window that a sample's name means; `None` for a name of another version.
pub(crate) fn named_window(name: &str) -> Option<(Option<&str>, &'static str)> {
    let (window, bucket) = match name.split_once('/') {
        Some((window, bucket)) => (window, Some(bucket)),
        None => (name, None),
    };
    let window = WINDOWS.into_iter().find(|known| *known == window)?;
    Some((bucket, window))
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn back(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[derive(Serialize, Deserialize)]
struct Window {
    used_percent: f64,
    length_s: Option<u64>,
    resets_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Bucket {
    name: String,
    primary: Option<Window>,
    secondary: Option<Window>,
    /// Missing where an older version wrote it: with all the rest then.
    #[serde(default)]
    read_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Bought {
    has: bool,
    unlimited: bool,
    balance: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Quota {
    plan: Option<String>,
    primary: Option<Window>,
    secondary: Option<Window>,
    #[serde(default)]
    buckets: Vec<Bucket>,
    credits: Option<Bought>,
    captured_at: i64,
    source: String,
}

impl From<&QuotaWindow> for Window {
    fn from(window: &QuotaWindow) -> Self {
        Self {
            used_percent: window.used_percent,
            length_s: window.length.map(|length| length.as_secs()),
            resets_at: window.resets_at.map(|at| at.0),
        }
    }
}

impl From<Window> for QuotaWindow {
    fn from(window: Window) -> Self {
        Self {
            used_percent: window.used_percent,
            length: window.length_s.map(Duration::from_secs),
            resets_at: window.resets_at.map(Timestamp),
        }
    }
}

impl From<&QuotaSnapshot> for Quota {
    fn from(quota: &QuotaSnapshot) -> Self {
        let bucket = |bucket: &QuotaBucket| Bucket {
            name: bucket.name.clone(),
            primary: bucket.primary.as_ref().map(Window::from),
            secondary: bucket.secondary.as_ref().map(Window::from),
            read_at: Some(bucket.read_at.0),
        };
        Self {
            plan: quota.plan.clone(),
            primary: quota.primary.as_ref().map(Window::from),
            secondary: quota.secondary.as_ref().map(Window::from),
            buckets: quota.buckets.iter().map(bucket).collect(),
            credits: quota.credits.as_ref().map(|credits| Bought {
                has: credits.has,
                unlimited: credits.unlimited,
                balance: credits.balance.clone(),
            }),
            captured_at: quota.captured_at.0,
            source: quota.source.as_str().to_owned(),
        }
    }
}

impl Quota {
    fn into_pool(self) -> Option<QuotaSnapshot> {
        let bucket = |bucket: Bucket| QuotaBucket {
            name: bucket.name,
            primary: bucket.primary.map(Into::into),
            secondary: bucket.secondary.map(Into::into),
            read_at: Timestamp(bucket.read_at.unwrap_or(self.captured_at)),
        };
        Some(QuotaSnapshot {
            plan: self.plan,
            primary: self.primary.map(Into::into),
            secondary: self.secondary.map(Into::into),
            buckets: self.buckets.into_iter().map(bucket).collect(),
            credits: self.credits.map(|credits| Credits {
                has: credits.has,
                unlimited: credits.unlimited,
                balance: credits.balance,
            }),
            captured_at: Timestamp(self.captured_at),
            source: self.source.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use pool::{HoldSource, QuotaSource, Status};

    use super::*;

    #[test]
    fn a_state_survives_the_way_to_the_database_and_back() {
        let state = AccountState {
            status: Status::Attention,
            reason: Some(Reason {
                code: "forbidden".into(),
                at: Timestamp(5),
            }),
            cooldown: Some(Cooldown {
                until: Timestamp(90),
                source: HoldSource::Forbidden,
            }),
            exhausted: Some(Exhaustion {
                until: Timestamp(99),
                since: Timestamp(5),
                source: HoldSource::UsageLimit,
            }),
            quota: Some(QuotaSnapshot {
                plan: Some("plus".into()),
                primary: Some(QuotaWindow {
                    used_percent: 12.5,
                    length: Some(Duration::from_secs(18_000)),
                    resets_at: Some(Timestamp(7)),
                }),
                secondary: None,
                buckets: vec![QuotaBucket {
                    name: "codex_other".into(),
                    primary: None,
                    secondary: Some(QuotaWindow::default()),
                    read_at: Timestamp(2),
                }],
                credits: Some(Credits {
                    has: true,
                    unlimited: false,
                    balance: Some("1.20".into()),
                }),
                captured_at: Timestamp(3),
                source: QuotaSource::Limit429,
            }),
            last_used: Some(Timestamp(8)),
            last_success: Some(Timestamp(9)),
            consecutive_failures: 2,
            counters: Counters {
                requests: 10,
                successes: 7,
                failures: 2,
                cancelled: 1,
                empty_answers: 0,
            },
            ..AccountState::default()
        };
        let id = AccountId::from("a");
        assert_eq!(from_row(&to_row(&id, &state)), state);
        let samples = samples(&id, state.quota.as_ref().unwrap());
        let named: Vec<_> = samples
            .iter()
            .map(|sample| (named_window(&sample.window), sample.captured_at))
            .collect();
        let expected = [
            (Some((None, "primary")), 3),
            (Some((Some("codex_other"), "secondary")), 2),
        ];
        assert_eq!(named, expected, "F69: each when it was read");
        assert_eq!(named_window("tertiary"), None);
    }

    #[test]
    fn f1_words_of_another_version_are_left_at_their_default() {
        let row = AccountStateRow {
            status: "floating".into(),
            quota: Some("{".into()),
            cooldown_source: Some("moon".into()),
            ..Default::default()
        };
        assert_eq!(from_row(&row), AccountState::default());
    }
}

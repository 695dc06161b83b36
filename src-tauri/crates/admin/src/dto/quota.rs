//! Quota readings and their history on the wire (F67, F69).

use engine::{QuotaSnapshot, QuotaWindow};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Source, WindowName};

/// One window of a plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Window {
    pub used_percent: f64,
    /// Length in seconds. Windows are told apart by this, not by their slot.
    pub length_s: Option<u64>,
    pub resets_at: Option<i64>,
}

/// A limit of its own for some models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bucket {
    /// The provider's name for it.
    pub name: String,
    pub primary: Option<Window>,
    pub secondary: Option<Window>,
}

/// Bought credits beside the plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Credits {
    pub has: bool,
    pub unlimited: bool,
    /// In the provider's own spelling.
    pub balance: Option<String>,
}

/// The last reading of an account's quota.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quota {
    pub plan: Option<String>,
    pub primary: Option<Window>,
    pub secondary: Option<Window>,
    pub buckets: Vec<Bucket>,
    pub credits: Option<Credits>,
    pub captured_at: i64,
    pub source: Source,
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

impl From<&QuotaSnapshot> for Quota {
    fn from(quota: &QuotaSnapshot) -> Self {
        let bucket = |bucket: &engine::QuotaBucket| Bucket {
            name: bucket.name.clone(),
            primary: bucket.primary.as_ref().map(Window::from),
            secondary: bucket.secondary.as_ref().map(Window::from),
        };
        Self {
            plan: quota.plan.clone(),
            primary: quota.primary.as_ref().map(Window::from),
            secondary: quota.secondary.as_ref().map(Window::from),
            buckets: quota.buckets.iter().map(bucket).collect(),
            credits: quota.credits.as_ref().map(|credits| Credits {
                has: credits.has,
                unlimited: credits.unlimited,
                balance: credits.balance.clone(),
            }),
            captured_at: quota.captured_at.0,
            source: quota.source.as_str().into(),
        }
    }
}

/// Which part of the history.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// One account; all when nothing is said.
    pub account: Option<String>,
    /// From then on; a day ago when nothing is said.
    pub from: Option<i64>,
    /// Up to then, at most 32 days later; now when nothing is said.
    pub to: Option<i64>,
    /// Also the limits that some models have of their own.
    #[serde(default)]
    pub buckets: bool,
}

/// Quota over time, and where it is heading.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    pub from: i64,
    pub to: i64,
    pub series: Vec<Series>,
    pub forecast: Vec<Forecast>,
}

/// One window of one account over time, at most 500 points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Series {
    pub account_id: String,
    pub label: String,
    /// The provider's name of a limit of its own for some models; null is the plan.
    pub bucket: Option<String>,
    pub window: WindowName,
    pub length_s: Option<u64>,
    /// Time and used percent.
    pub points: Vec<(i64, f64)>,
    /// Spans without a reading: draw no line across them.
    pub gaps: Vec<(i64, i64)>,
    /// When the window began afresh.
    pub resets: Vec<i64>,
}

/// When a window will be used up if the last hour goes on; hidden with fewer than three readings (F69).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Forecast {
    pub account_id: String,
    pub bucket: Option<String>,
    pub window: WindowName,
    /// Null: not before it resets.
    pub empty_at: Option<i64>,
}

/// Asks the providers first.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct QuotaQuery {
    #[serde(default)]
    pub refresh: bool,
}

/// How a query of all accounts ended, in numbers of accounts (F68).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaQueried {
    pub ok: usize,
    pub limited: usize,
    pub invalid: usize,
    pub network: usize,
    pub skipped: usize,
    /// It was stopped: accounts that are missing in `items` were not asked.
    pub stopped: bool,
    /// Each account, in the order in which their answers came.
    pub items: Vec<QuotaAsked>,
}

/// How the question to one account ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QuotaAsked {
    pub id: String,
    pub label: String,
    /// `ok`, `limited`, `invalid`, `network` or `skipped`.
    pub result: &'static str,
}

impl From<engine::QuotaQueried> for QuotaQueried {
    fn from(sum: engine::QuotaQueried) -> Self {
        Self {
            ok: sum.ok,
            limited: sum.limited,
            invalid: sum.invalid,
            network: sum.network,
            skipped: sum.skipped,
            stopped: sum.stopped,
            items: sum.items.into_iter().map(QuotaAsked::from).collect(),
        }
    }
}

impl From<engine::QuotaAsked> for QuotaAsked {
    fn from(asked: engine::QuotaAsked) -> Self {
        Self {
            id: asked.id.to_string(),
            label: asked.label,
            result: asked.result,
        }
    }
}

impl From<engine::QuotaHistory> for History {
    fn from(history: engine::QuotaHistory) -> Self {
        Self {
            from: history.from.0,
            to: history.to.0,
            series: history.series.into_iter().map(Series::from).collect(),
            forecast: history.forecast.into_iter().map(Forecast::from).collect(),
        }
    }
}

impl From<engine::QuotaLine> for Series {
    fn from(line: engine::QuotaLine) -> Self {
        Self {
            account_id: line.account_id,
            label: line.label,
            bucket: line.bucket,
            window: line.window.into(),
            length_s: line.length_s,
            points: line
                .points
                .into_iter()
                .map(|(at, used)| (at.0, used))
                .collect(),
            gaps: line
                .gaps
                .into_iter()
                .map(|(from, to)| (from.0, to.0))
                .collect(),
            resets: line.resets.into_iter().map(|at| at.0).collect(),
        }
    }
}

impl From<engine::QuotaForecast> for Forecast {
    fn from(forecast: engine::QuotaForecast) -> Self {
        Self {
            account_id: forecast.account_id,
            bucket: forecast.bucket,
            window: forecast.window.into(),
            empty_at: forecast.empty_at.map(|at| at.0),
        }
    }
}

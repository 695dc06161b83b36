//! Usage on the wire (F70): numbers come from the providers' own counts and are never estimated.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What to sum up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UsageGroup {
    #[default]
    Account,
    Model,
    /// The client's gateway key.
    Client,
    Day,
}

/// Which usage.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// Whole days (UTC); seven days ago when nothing is said.
    pub from: Option<i64>,
    /// Now when nothing is said.
    pub to: Option<i64>,
    #[serde(default)]
    #[param(inline)]
    pub group: UsageGroup,
    /// Only this account's.
    pub account: Option<String>,
}

/// Sums over the whole span, and day by day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Most requests first.
    pub rows: Vec<UsageRow>,
    /// Oldest first; days without requests are left out.
    pub days: Vec<UsageDay>,
}

/// One sum.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageRow {
    /// Account id, model, key name or day (`2026-11-21`).
    pub key: String,
    /// What to show for it.
    pub label: String,
    pub requests: i64,
    pub successes: i64,
    pub failures: i64,
    pub cancelled: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_tokens: i64,
    pub reasoning_tokens: i64,
    /// Requests whose usage the provider did not tell; they are in none of the token sums.
    pub unknown_usage: i64,
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageDay {
    /// Its first moment (UTC).
    pub day: i64,
    pub rows: Vec<UsageRow>,
}

/// The last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Today {
    pub requests: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub errors: i64,
    /// 48 half hours, oldest first.
    pub spark: Vec<Spark>,
}

/// One half hour.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spark {
    pub t: i64,
    pub requests: i64,
    pub errors: i64,
}

//! Usage limits on the wire, and what was used of them (F72).

use engine::{SpentView, UsageLimit, UsageLimitView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A limit on the usage of an account. What is null is not limited; at least one is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limit {
    /// Only this model: its name, or a beginning and `*`; null is the whole account.
    #[serde(default)]
    pub model: Option<String>,
    /// Days of a period, 1 to 366; null is 30.
    #[serde(default)]
    pub period_days: Option<u32>,
    #[serde(default)]
    pub requests: Option<i64>,
    /// Tokens in.
    #[serde(default)]
    pub prompt_tokens: Option<i64>,
    /// Tokens out.
    #[serde(default)]
    pub completion_tokens: Option<i64>,
    /// Both.
    #[serde(default)]
    pub total_tokens: Option<i64>,
    /// Estimated cost in USD, a decimal text.
    #[serde(default)]
    pub cost: Option<String>,
}

impl From<Limit> for UsageLimit {
    fn from(limit: Limit) -> Self {
        Self {
            model: limit.model,
            period_days: limit.period_days,
            requests: limit.requests,
            prompt_tokens: limit.prompt_tokens,
            completion_tokens: limit.completion_tokens,
            total_tokens: limit.total_tokens,
            cost: limit.cost,
        }
    }
}

/// All limits of an account, in the place of those it had.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub limits: Vec<Limit>,
}

/// What was used in the present period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Spent {
    pub requests: i64,
    /// Tokens in, as far as told.
    pub prompt_tokens: i64,
    /// Tokens out, as far as told.
    pub completion_tokens: i64,
    /// Estimated cost in USD of the requests that have a price, a decimal text.
    pub cost: String,
    /// Requests whose usage was not told: in no sum.
    pub unknown_usage: i64,
    /// Requests whose model has no price: not in the cost.
    pub unpriced: i64,
    /// When the period began.
    pub since: i64,
    /// When it ends.
    pub until: i64,
    /// A limit is reached.
    pub reached: bool,
}

impl From<SpentView> for Spent {
    fn from(view: SpentView) -> Self {
        Self {
            requests: view.requests,
            prompt_tokens: view.prompt_tokens,
            completion_tokens: view.completion_tokens,
            cost: view.cost,
            unknown_usage: view.unknown_usage,
            unpriced: view.unpriced,
            since: view.since.0,
            until: view.until.0,
            reached: view.reached,
        }
    }
}

/// A limit of an account with what was used of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitState {
    pub limit: Limit,
    pub used: Spent,
}

impl From<UsageLimitView> for LimitState {
    fn from(view: UsageLimitView) -> Self {
        let limit = view.limit;
        Self {
            limit: Limit {
                model: limit.model,
                period_days: limit.period_days,
                requests: limit.requests,
                prompt_tokens: limit.prompt_tokens,
                completion_tokens: limit.completion_tokens,
                total_tokens: limit.total_tokens,
                cost: limit.cost,
            },
            used: view.used.into(),
        }
    }
}

//! Gateway keys on the wire: masked, always; what they may do, and what they have used (F27).

use engine::{Budget, BudgetView, KeyChange, KeyView, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Spent, told};

/// A gateway key as it may be shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    pub name: String,
    /// First and last characters only.
    pub masked: String,
    pub created_at: i64,
    /// Refused when false.
    pub enabled: bool,
    /// Refused from then on.
    pub expires_at: Option<i64>,
    /// It is refused because of that.
    pub expired: bool,
    /// Exact names, or beginnings with `*`; null is all.
    pub allowed_models: Option<Vec<String>>,
    /// Requests it may run at once; null is any number.
    pub max_concurrency: Option<u32>,
    pub budget: Option<KeyBudgetState>,
    /// The variable that holds it, if it cannot be replaced or removed here.
    pub locked_by: Option<String>,
}

/// The budget of a key with what was used of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyBudgetState {
    pub budget: KeyBudget,
    pub used: Spent,
}

/// What a key may use in a period; at least one of the two is limited.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyBudget {
    /// Days of a period, 1 to 366; null is 30.
    #[serde(default)]
    pub period_days: Option<u32>,
    /// Tokens in and out.
    #[serde(default)]
    pub tokens: Option<i64>,
    /// Estimated cost in USD, a decimal text. Models without a price cost nothing here.
    #[serde(default)]
    pub usd: Option<String>,
}

impl From<KeyBudget> for Budget {
    fn from(budget: KeyBudget) -> Self {
        Self {
            period_days: budget.period_days,
            tokens: budget.tokens,
            usd: budget.usd,
        }
    }
}

impl From<BudgetView> for KeyBudgetState {
    fn from(view: BudgetView) -> Self {
        Self {
            budget: KeyBudget {
                period_days: view.budget.period_days,
                tokens: view.budget.tokens,
                usd: view.budget.usd,
            },
            used: view.used.into(),
        }
    }
}

impl From<KeyView> for Key {
    fn from(view: KeyView) -> Self {
        Self {
            name: view.name,
            masked: view.masked,
            created_at: view.created_at.0,
            enabled: view.enabled,
            expires_at: view.expires_at.map(|at| at.0),
            expired: view.expired,
            allowed_models: view.allowed_models,
            max_concurrency: view.max_concurrency,
            budget: view.budget.map(Into::into),
            locked_by: view.locked_by.map(str::to_owned),
        }
    }
}

/// What a key may do; a field that is absent stays as it is, null lifts the rule.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct KeyPatch {
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Refused from then on.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<i64>)]
    pub expires_at: Option<Option<i64>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<Vec<String>>)]
    pub allowed_models: Option<Option<Vec<String>>>,
    /// 1 to 10,000.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<u32>)]
    pub max_concurrency: Option<Option<u32>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<KeyBudget>)]
    pub budget: Option<Option<KeyBudget>>,
}

impl From<KeyPatch> for KeyChange {
    fn from(patch: KeyPatch) -> Self {
        Self {
            enabled: patch.enabled,
            expires_at: patch.expires_at.map(|at| at.map(Timestamp)),
            allowed_models: patch.allowed_models,
            max_concurrency: patch.max_concurrency,
            budget: patch.budget.map(|budget| budget.map(Into::into)),
        }
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewKey {
    /// 1 to 64 characters.
    pub name: String,
    /// What it may do; everything when nothing is said.
    #[serde(flatten)]
    pub rules: KeyPatch,
}

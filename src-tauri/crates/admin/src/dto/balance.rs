//! Balances on the wire: amounts as decimal texts, never numbers.

use engine::{AmountView, BalanceView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::told;

/// An amount in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Amount {
    /// `USD`, `CNY`.
    pub currency: String,
    /// What is left, a decimal text.
    pub total: String,
    /// Of it, what was given.
    pub granted: Option<String>,
    /// Of it, what was paid for.
    pub topped_up: Option<String>,
}

/// What is left of an account's money, as last read (F111).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Balance {
    /// The last question was answered.
    pub ok: bool,
    /// Who is asked: `siliconflow`, `deepseek`, `moonshot`, `openrouter`, `zai` or `openai_billing`.
    pub adapter: String,
    /// The person chose the adapter; otherwise the account's host did.
    pub chosen: bool,
    /// One for each currency; none where money does not limit the key.
    pub amounts: Vec<Amount>,
    /// The provider says that the account cannot be used.
    pub unavailable: bool,
    /// When the amounts were read.
    pub checked_at: Option<i64>,
    /// Why the last question brought nothing; the amounts are then older.
    pub error: Option<String>,
    /// At or below it the account does not serve, a decimal text (F112).
    pub threshold: String,
    /// It is at or below it.
    pub low: bool,
}

impl From<AmountView> for Amount {
    fn from(view: AmountView) -> Self {
        Self {
            currency: view.currency,
            total: view.total,
            granted: view.granted,
            topped_up: view.topped_up,
        }
    }
}

impl From<BalanceView> for Balance {
    fn from(view: BalanceView) -> Self {
        Self {
            ok: view.ok,
            adapter: view.adapter.to_owned(),
            chosen: view.chosen,
            amounts: view.amounts.into_iter().map(Into::into).collect(),
            unavailable: view.unavailable,
            checked_at: view.checked_at.map(|at| at.0),
            error: view.error,
            threshold: view.threshold,
            low: view.low,
        }
    }
}

/// What to change; a field that is absent stays, null clears it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalancePatch {
    /// An adapter's word, or `none` to ask nobody; null: by the account's host.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub adapter: Option<Option<String>>,
    /// A decimal text; null: 0.20.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub threshold: Option<Option<String>>,
}

impl From<BalancePatch> for engine::BalanceChange {
    fn from(patch: BalancePatch) -> Self {
        Self {
            adapter: patch.adapter,
            threshold: patch.threshold,
        }
    }
}

/// How asking all providers for balances ended, in accounts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalancesQueried {
    /// Answered.
    pub ok: usize,
    /// Brought nothing; each account says why.
    pub failed: usize,
}

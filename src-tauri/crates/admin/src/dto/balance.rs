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
    /// Who is asked: `siliconflow`, `deepseek`, `moonshot`, `openrouter`, `zai`, `openai_billing`, or a rule.
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
            adapter: view.adapter,
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
    /// An adapter's word, `none` to ask nobody, or a rule: path or URL, `#`, `total=` and a JSON pointer, and `&used=` (a JSON pointer), `&per=`
    /// (units of the answer for one of the currency), `&currency=`, `&send_key=yes` (to another host than the account's own). Null: by the
    /// account's host.
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

/// Several keys of one provider or relay (F113): each becomes an account of the group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccounts {
    /// `relay`, `zai` or `provider`; a preset may say it.
    #[serde(default)]
    pub kind: String,
    /// What their labels begin with; a number follows.
    pub label: String,
    /// A preset may say it.
    #[serde(default)]
    pub base_url: String,
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`; a preset may say it.
    #[serde(default)]
    pub format: String,
    /// One key a line. Write-only: no answer shows them again.
    #[schema(write_only)]
    pub keys: String,
    /// The preset's, or the label, when nothing is said.
    #[serde(default)]
    pub group: Option<String>,
    /// Models they may serve; null is all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    #[serde(default)]
    pub priority: Option<u32>,
    /// Their own proxy without a password, or `direct`.
    #[serde(default)]
    pub proxy: Option<String>,
    /// A preset's name: it says what is left out.
    #[serde(default)]
    pub preset: Option<String>,
    /// How the keys are carried; null: as the format does.
    #[serde(default)]
    pub auth: Option<String>,
}

/// What became of several keys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountsAdded {
    /// The new accounts, with their balances where somebody tells them.
    pub accounts: Vec<super::Account>,
    /// Keys that were given twice, or are accounts already: dropped.
    pub duplicates: usize,
    /// Lines that could not be added.
    pub failed: Vec<LineFailed>,
}

/// A line that could not be added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineFailed {
    /// From 1.
    pub line: usize,
    pub message: String,
}

impl From<engine::KeyListAdded> for AccountsAdded {
    fn from(added: engine::KeyListAdded) -> Self {
        let failed = |(line, message)| LineFailed { line, message };
        Self {
            accounts: added.accounts.into_iter().map(Into::into).collect(),
            duplicates: added.duplicates,
            failed: added.failed.into_iter().map(failed).collect(),
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

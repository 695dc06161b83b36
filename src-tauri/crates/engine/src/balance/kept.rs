//! A balance as it is remembered: the stored row made readable, and what surfaces may see of it.

use pool::{Measured, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AccountRow, BalanceRow};
use tokio::time::Instant;
use upstream::{Amount, BalanceAdapter, BalanceRule, Decimal};

use crate::records;

/// The word that asks nobody.
const NOBODY: &str = "none";

/// One amount, as it may be shown: decimal texts, never numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountView {
    /// `USD`, `CNY`.
    pub currency: String,
    /// What is left.
    pub total: String,
    /// Of it, what was given.
    pub granted: Option<String>,
    /// Of it, what was paid for.
    pub topped_up: Option<String>,
}

/// What is known of an account's balance (F111).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceView {
    /// The last question was answered.
    pub ok: bool,
    /// Who is asked: [`BalanceAdapter::as_str`].
    pub adapter: String,
    /// The person chose the adapter; otherwise the account's host did.
    pub chosen: bool,
    /// One for each currency, as last read.
    pub amounts: Vec<AmountView>,
    /// The provider says that the account cannot be used.
    pub unavailable: bool,
    /// When they were read.
    pub checked_at: Option<Timestamp>,
    /// Why the last question brought nothing.
    pub error: Option<String>,
    /// At or below it the account does not serve (F112).
    pub threshold: String,
    /// It is.
    pub low: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    currency: String,
    total: String,
    #[serde(default)]
    granted: Option<String>,
    #[serde(default)]
    topped_up: Option<String>,
}

/// One account's balance in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    pub(super) adapter: Option<String>,
    pub(super) threshold: Option<Decimal>,
    pub(super) amounts: Vec<Amount>,
    pub(super) unavailable: bool,
    pub(super) checked_at: Option<Timestamp>,
    pub(super) tried_at: Option<Timestamp>,
    pub(super) error: Option<String>,
    /// When the provider is asked next; `None` is at once.
    pub(super) due: Option<Instant>,
}

impl Kept {
    pub(super) fn from_row(row: &BalanceRow) -> Self {
        let stored: Vec<Stored> = serde_json::from_str(&row.amounts).unwrap_or_default();
        let decimal = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let amount = |stored: Stored| {
            Some(Amount {
                currency: stored.currency,
                total: stored.total.parse().ok()?,
                granted: decimal(stored.granted),
                topped_up: decimal(stored.topped_up),
            })
        };
        Self {
            adapter: row.adapter.clone(),
            threshold: decimal(row.threshold.clone()),
            amounts: stored.into_iter().filter_map(amount).collect(),
            unavailable: row.unavailable,
            checked_at: row.checked_at.map(Timestamp),
            tried_at: row.tried_at.map(Timestamp),
            error: row.error.clone(),
            due: None,
        }
    }

    pub(super) fn to_row(&self, account_id: &str) -> BalanceRow {
        let stored = |amount: &AmountView| Stored {
            currency: amount.currency.clone(),
            total: amount.total.clone(),
            granted: amount.granted.clone(),
            topped_up: amount.topped_up.clone(),
        };
        let stored: Vec<Stored> = self.shown().iter().map(stored).collect();
        BalanceRow {
            adapter: self.adapter.clone(),
            threshold: self.threshold.map(|threshold| threshold.to_string()),
            amounts: serde_json::to_string(&stored).unwrap_or_else(|_| "[]".to_owned()),
            unavailable: self.unavailable,
            checked_at: self.checked_at.map(|at| at.0),
            tried_at: self.tried_at.map(|at| at.0),
            error: self.error.clone(),
            ..BalanceRow::new(account_id)
        }
    }

    fn shown(&self) -> Vec<AmountView> {
        let text = |part: Option<Decimal>| part.map(|part| part.to_string());
        let amount = |amount: &Amount| AmountView {
            currency: amount.currency.clone(),
            total: amount.total.to_string(),
            granted: text(amount.granted),
            topped_up: text(amount.topped_up),
        };
        self.amounts.iter().map(amount).collect()
    }

    pub(super) fn threshold(&self) -> Decimal {
        self.threshold.unwrap_or(Decimal::DEFAULT_THRESHOLD)
    }

    /// The largest amount: an account with money in any currency can serve.
    pub(super) fn left(&self) -> Option<Decimal> {
        self.amounts.iter().map(|amount| amount.total).max()
    }

    /// Whether it keeps the account from serving (F112). What is unknown does not.
    pub(super) fn low(&self) -> bool {
        self.unavailable || self.left().is_some_and(|left| left <= self.threshold())
    }

    /// What is left and what is too little, as the account's score measures them (F63): an estimate, the rule itself is [`Kept::low`]'s.
    pub(super) fn measured(&self) -> Option<Measured> {
        let float = |amount: Decimal| amount.to_nanos() as f64 / 1e9;
        let left = if self.unavailable {
            Some(Decimal::ZERO)
        } else {
            self.left()
        };
        Some(Measured {
            current: float(left?),
            target: float(self.threshold()),
        })
    }

    /// Who is asked about an account, if anybody.
    pub(super) fn adapter(&self, row: &AccountRow) -> Option<BalanceAdapter> {
        if !records::kind(row).is_key() || crate::demo::is_demo(row) {
            return None;
        }
        match self.adapter.as_deref() {
            Some(NOBODY) => None,
            Some(word) => BalanceAdapter::named(word),
            None => BalanceAdapter::of_base_url(row.base_url.as_deref()?),
        }
    }

    pub(super) fn view(&self, adapter: &BalanceAdapter) -> BalanceView {
        BalanceView {
            ok: self.error.is_none() && self.checked_at.is_some(),
            adapter: adapter.as_str().to_owned(),
            chosen: self.adapter.is_some(),
            amounts: self.shown(),
            unavailable: self.unavailable,
            checked_at: self.checked_at,
            error: self.error.clone(),
            threshold: self.threshold().to_string(),
            low: self.low(),
        }
    }
}

/// What a person chose for an account with this base URL: one of the adapters, a rule of their own, or nobody.
///
/// # Errors
/// In words, what is wrong with it.
pub(super) fn checked(word: &str, base_url: Option<&str>) -> Result<String, String> {
    let word = word.trim();
    if word.contains('#') {
        let base = base_url.and_then(|base| base.parse().ok());
        let base = base.ok_or("the account has no base URL")?;
        BalanceRule::parse(word)?.place(&base)?;
    } else if word != NOBODY && BalanceAdapter::named(word).is_none() {
        let allowed = allowed();
        return Err(format!("adapter {word:?} is not one of {allowed}"));
    }
    Ok(word.to_owned())
}

/// The words a person may say.
pub(super) fn allowed() -> String {
    let all = BalanceAdapter::ALL;
    let mut words: Vec<&str> = all.iter().map(BalanceAdapter::as_str).collect();
    words.extend([NOBODY, "a rule such as /api/self#total=/data/quota"]);
    words.join(", ")
}

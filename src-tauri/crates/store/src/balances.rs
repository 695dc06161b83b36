//! The last balance read of each account, and how the person wants it asked and judged (F111, F112). Amounts are decimal text.

use rusqlite::{Row, params};

use crate::{Durability, Store, StoreError};

/// One account's balance. A row without a reading holds wishes only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BalanceRow {
    /// The account.
    pub account_id: String,
    /// The person's choice of adapter, or a rule of their own; `none` asks nobody, `None` follows the account's host.
    pub adapter: Option<String>,
    /// At or below it the account does not serve; `None` is the default.
    pub threshold: Option<String>,
    /// The amounts last read, as JSON text.
    pub amounts: String,
    /// The provider said that the account cannot be used.
    pub unavailable: bool,
    /// When they were read.
    pub checked_at: Option<i64>,
    /// When the provider was last asked.
    pub tried_at: Option<i64>,
    /// Why the last question brought nothing, in words.
    pub error: Option<String>,
}

impl BalanceRow {
    /// Nothing known and nothing wished.
    pub fn new(account_id: &str) -> Self {
        Self {
            account_id: account_id.to_owned(),
            amounts: "[]".to_owned(),
            ..Self::default()
        }
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            account_id: row.get("account_id")?,
            adapter: row.get("adapter")?,
            threshold: row.get("threshold")?,
            amounts: row.get("amounts")?,
            unavailable: row.get("unavailable")?,
            checked_at: row.get("checked_at")?,
            tried_at: row.get("tried_at")?,
            error: row.get("error")?,
        })
    }
}

impl Store {
    /// Every row there is.
    pub fn balances(&self) -> Result<Vec<BalanceRow>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM balances ORDER BY account_id")?;
            let rows = statement.query_map([], BalanceRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a row; false when its account is gone.
    pub fn save_balance(&self, row: &BalanceRow) -> Result<bool, StoreError> {
        self.write(Durability::Process, |transaction| {
            let written = transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO balances (account_id, adapter, threshold, amounts, unavailable, checked_at, tried_at, error)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM accounts WHERE id = ?1)",
                )?
                .execute(params![
                    row.account_id,
                    row.adapter,
                    row.threshold,
                    row.amounts,
                    row.unavailable,
                    row.checked_at,
                    row.tried_at,
                    row.error,
                ])?;
            Ok(written > 0)
        })
    }
}

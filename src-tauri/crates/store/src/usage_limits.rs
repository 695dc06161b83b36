//! Limits that the person sets on the usage of an account, whole or one model of it (F72). What was used stands in `usage_slots`.

use rusqlite::{Row, params};

use crate::{Durability, Store, StoreError};

/// One limit. What is `None` is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageLimitRow {
    /// The account.
    pub account_id: String,
    /// The model, or a beginning and `*`; empty is the whole account.
    pub model: String,
    /// Length of a period in days.
    pub period_days: u32,
    /// A moment of the first period.
    pub since: i64,
    /// Requests.
    pub requests: Option<i64>,
    /// Tokens in.
    pub prompt_tokens: Option<i64>,
    /// Tokens out.
    pub completion_tokens: Option<i64>,
    /// Both.
    pub total_tokens: Option<i64>,
    /// Estimated cost, in billionths.
    pub cost_nanos: Option<i64>,
}

impl UsageLimitRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            account_id: row.get("account_id")?,
            model: row.get("model")?,
            period_days: row.get("period_days")?,
            since: row.get("since")?,
            requests: row.get("requests")?,
            prompt_tokens: row.get("prompt_tokens")?,
            completion_tokens: row.get("completion_tokens")?,
            total_tokens: row.get("total_tokens")?,
            cost_nanos: row.get("cost_nanos")?,
        })
    }
}

impl Store {
    /// All limits, the whole account's before those of its models.
    pub fn usage_limits(&self) -> Result<Vec<UsageLimitRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM usage_limits ORDER BY account_id, model")?;
            let rows = statement.query_map([], UsageLimitRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Puts these in the place of all limits an account had. On disk when it returns. [`StoreError::Conflict`] when the account is gone.
    pub fn set_usage_limits(
        &self,
        account_id: &str,
        rows: &[UsageLimitRow],
    ) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            let there = transaction
                .prepare_cached("SELECT 1 FROM accounts WHERE id = ?1")?
                .exists([account_id])?;
            if !there {
                return Err(StoreError::Conflict {
                    what: format!("there is no account {account_id}"),
                });
            }
            transaction
                .prepare_cached("DELETE FROM usage_limits WHERE account_id = ?1")?
                .execute([account_id])?;
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO usage_limits (account_id, model, period_days, since, requests, prompt_tokens, completion_tokens,
                   total_tokens, cost_nanos) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for row in rows {
                statement.execute(params![
                    account_id,
                    row.model,
                    row.period_days,
                    row.since,
                    row.requests,
                    row.prompt_tokens,
                    row.completion_tokens,
                    row.total_tokens,
                    row.cost_nanos,
                ])?;
            }
            Ok(())
        })
    }
}

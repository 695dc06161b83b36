//! Finished requests by quarter of an hour, account, model and gateway key: fine enough for limits and budgets that begin at midnight of any
//! time zone (F27, F72). Not the daily sums (`usage_daily`), which are kept longer and know more.

use rusqlite::{Row, params};

use crate::{Durability, Store, StoreError};

/// Length of a slot in milliseconds. Every time zone's midnight is a multiple of it.
pub const USAGE_SLOT_MS: i64 = 15 * 60 * 1000;

/// One sum. As an argument it is what to add.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageSlotRow {
    /// Slots of [`USAGE_SLOT_MS`] since 1970.
    pub slot: i64,
    /// The account; empty when none served.
    pub account_id: String,
    /// The model asked for.
    pub model: String,
    /// Name of the gateway key.
    pub client_key: String,
    /// Requests.
    pub requests: i64,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// Estimated cost in billionths, of those requests that have a price.
    pub cost_nanos: i64,
    /// Requests whose usage was not told.
    pub unknown_usage: i64,
    /// Requests whose model has no price.
    pub unpriced: i64,
}

impl UsageSlotRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            slot: row.get("slot")?,
            account_id: row.get("account_id")?,
            model: row.get("model")?,
            client_key: row.get("client_key")?,
            requests: row.get("requests")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cost_nanos: row.get("cost_nanos")?,
            unknown_usage: row.get("unknown_usage")?,
            unpriced: row.get("unpriced")?,
        })
    }
}

impl Store {
    /// Adds to the sums, in one transaction.
    pub fn add_usage_slots(&self, rows: &[UsageSlotRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write(Durability::Process, |transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO usage_slots (slot, account_id, model, client_key, requests, input_tokens, output_tokens, cost_nanos,
                   unknown_usage, unpriced) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (slot, account_id, model, client_key) DO UPDATE SET requests = requests + excluded.requests,
                   input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
                   cost_nanos = cost_nanos + excluded.cost_nanos, unknown_usage = unknown_usage + excluded.unknown_usage,
                   unpriced = unpriced + excluded.unpriced",
            )?;
            for row in rows {
                statement.execute(params![
                    row.slot,
                    row.account_id,
                    row.model,
                    row.client_key,
                    row.requests,
                    row.input_tokens,
                    row.output_tokens,
                    row.cost_nanos,
                    row.unknown_usage,
                    row.unpriced,
                ])?;
            }
            Ok(())
        })
    }

    /// What an account or a gateway key used in `from..until` (slots), by model; `None` is any. Requests that no account was asked for are
    /// left out. The rows' other names are empty.
    pub fn usage_of(
        &self,
        account_id: Option<&str>,
        client_key: Option<&str>,
        (from, until): (i64, i64),
    ) -> Result<Vec<UsageSlotRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT min(slot) AS slot, '' AS account_id, model, '' AS client_key, sum(requests) AS requests,
                   sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost_nanos) AS cost_nanos,
                   sum(unknown_usage) AS unknown_usage, sum(unpriced) AS unpriced
                 FROM usage_slots WHERE slot >= ?3 AND slot < ?4 AND account_id <> '' AND (?1 IS NULL OR account_id = ?1) AND (?2 IS NULL OR client_key = ?2)
                 GROUP BY model ORDER BY model",
            )?;
            let rows = statement.query_map(
                params![account_id, client_key, from, until],
                UsageSlotRow::from_row,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Removes the slots before this one. Gives how many rows went.
    pub fn prune_usage_slots(&self, before: i64) -> Result<usize, StoreError> {
        self.write(Durability::Process, |transaction| {
            Ok(transaction.execute("DELETE FROM usage_slots WHERE slot < ?1", [before])?)
        })
    }
}

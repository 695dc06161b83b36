//! Usage per day, account, model, route and client key (F70). Numbers come from upstream usage fields; what was not told is counted as
//! unknown, never guessed.

use rusqlite::{Row, params};

use crate::{Durability, Store, StoreError};

/// The day under which days beyond retention are summed, so that lifetime totals stay (F70, F74).
pub const EARLIER: i64 = 0;

/// One sum. As an argument it is what to add.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageRow {
    /// Days since 1970-01-01 in the time zone the caller counts in; [`EARLIER`] for the sum of days beyond retention.
    pub day: i64,
    /// The account; empty when no account served.
    pub account_id: String,
    /// The model asked for.
    pub model: String,
    /// The endpoint.
    pub route: String,
    /// Name of the client's gateway key.
    pub client_key: String,
    /// Requests.
    pub requests: i64,
    /// Requests that ended well.
    pub successes: i64,
    /// Requests that failed.
    pub failures: i64,
    /// Requests the client broke off.
    pub cancelled: i64,
    /// Input tokens.
    pub input_tokens: i64,
    /// Output tokens.
    pub output_tokens: i64,
    /// Input tokens served from the provider's cache.
    pub cached_tokens: i64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: i64,
    /// Images made.
    pub images: i64,
    /// Requests whose usage the provider did not tell.
    pub unknown_usage: i64,
}

impl UsageRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            day: row.get("day")?,
            account_id: row.get("account_id")?,
            model: row.get("model")?,
            route: row.get("route")?,
            client_key: row.get("client_key")?,
            requests: row.get("requests")?,
            successes: row.get("successes")?,
            failures: row.get("failures")?,
            cancelled: row.get("cancelled")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
            cached_tokens: row.get("cached_tokens")?,
            reasoning_tokens: row.get("reasoning_tokens")?,
            images: row.get("images")?,
            unknown_usage: row.get("unknown_usage")?,
        })
    }
}

const ADD: &str = "ON CONFLICT (day, account_id, model, route, client_key) DO UPDATE SET requests = requests + excluded.requests,
  successes = successes + excluded.successes, failures = failures + excluded.failures, cancelled = cancelled + excluded.cancelled,
  input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
  cached_tokens = cached_tokens + excluded.cached_tokens, reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens,
  images = images + excluded.images, unknown_usage = unknown_usage + excluded.unknown_usage";

const SUMS: &str = "day, account_id, model, route, client_key, requests, successes, failures, cancelled, input_tokens, output_tokens,
  cached_tokens, reasoning_tokens, images, unknown_usage";

impl Store {
    /// Adds to the sums, in one transaction.
    pub fn add_usage(&self, rows: &[UsageRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.write(Durability::Process, |transaction| {
            let mut statement = transaction.prepare_cached(&format!(
                "INSERT INTO usage_daily ({SUMS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) {ADD}"
            ))?;
            for row in rows {
                statement.execute(params![
                    row.day,
                    row.account_id,
                    row.model,
                    row.route,
                    row.client_key,
                    row.requests,
                    row.successes,
                    row.failures,
                    row.cancelled,
                    row.input_tokens,
                    row.output_tokens,
                    row.cached_tokens,
                    row.reasoning_tokens,
                    row.images,
                    row.unknown_usage,
                ])?;
            }
            Ok(())
        })
    }

    /// The sums of the days `from..=until`. The lifetime is `EARLIER..=i64::MAX`.
    pub fn usage(&self, from: i64, until: i64) -> Result<Vec<UsageRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM usage_daily WHERE day >= ?1 AND day <= ?2 ORDER BY day, account_id, model, route, client_key",
            )?;
            let rows = statement.query_map([from, until], UsageRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Sums the days before `before` up under [`EARLIER`] (F74: 400 days), so that lifetime totals stay. Gives how many rows were folded.
    pub fn fold_usage(&self, before: i64) -> Result<usize, StoreError> {
        self.write(Durability::Process, |transaction| {
            // "WHERE true" keeps the parser from reading ON as part of a join.
            transaction.execute(
                &format!(
                    "INSERT INTO usage_daily ({SUMS})
                     SELECT {EARLIER}, account_id, model, route, client_key, sum(requests), sum(successes), sum(failures), sum(cancelled),
                       sum(input_tokens), sum(output_tokens), sum(cached_tokens), sum(reasoning_tokens), sum(images), sum(unknown_usage)
                     FROM usage_daily WHERE day > {EARLIER} AND day < ?1 GROUP BY account_id, model, route, client_key {ADD}"
                ),
                [before],
            )?;
            Ok(transaction.execute(&format!("DELETE FROM usage_daily WHERE day > {EARLIER} AND day < ?1"), [before])?)
        })
    }

    /// Removes all usage sums (F129 "clear usage") and gives how many.
    pub fn clear_usage(&self) -> Result<usize, StoreError> {
        self.write(Durability::Process, |transaction| {
            Ok(transaction.execute("DELETE FROM usage_daily", [])?)
        })
    }
}

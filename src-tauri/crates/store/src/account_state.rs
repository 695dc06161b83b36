//! How each account is doing: status, cooldown, exhaustion, the last quota snapshot, counters. Written often, in batches, so that a restart
//! goes on where the process stopped. What the values mean is the pool's business.

use rusqlite::{OptionalExtension, Row, named_params};

use crate::{Durability, Store, StoreError};

/// The state of one account. Counters are lifetime totals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountStateRow {
    /// The account.
    pub account_id: String,
    /// The pool's status word.
    pub status: String,
    /// Code of why it has this status.
    pub reason: Option<String>,
    /// Since when.
    pub status_at: Option<i64>,
    /// End of a cooldown (guessed).
    pub cooldown_until: Option<i64>,
    /// What set the cooldown.
    pub cooldown_source: Option<String>,
    /// End of an exhaustion (known), where the provider named one.
    pub exhausted_until: Option<i64>,
    /// What said that it is exhausted; set means exhausted.
    pub exhausted_source: Option<String>,
    /// The last quota snapshot as JSON text (F67).
    pub quota: Option<String>,
    /// When it was last chosen.
    pub last_used_at: Option<i64>,
    /// When it last answered well.
    pub last_success_at: Option<i64>,
    /// Failures since then.
    pub consecutive_failures: i64,
    /// Attempts made.
    pub requests: i64,
    /// Attempts that ended well.
    pub successes: i64,
    /// Attempts that failed.
    pub failures: i64,
    /// Attempts the client broke off.
    pub cancelled: i64,
}

impl AccountStateRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            account_id: row.get("account_id")?,
            status: row.get("status")?,
            reason: row.get("reason")?,
            status_at: row.get("status_at")?,
            cooldown_until: row.get("cooldown_until")?,
            cooldown_source: row.get("cooldown_source")?,
            exhausted_until: row.get("exhausted_until")?,
            exhausted_source: row.get("exhausted_source")?,
            quota: row.get("quota")?,
            last_used_at: row.get("last_used_at")?,
            last_success_at: row.get("last_success_at")?,
            consecutive_failures: row.get("consecutive_failures")?,
            requests: row.get("requests")?,
            successes: row.get("successes")?,
            failures: row.get("failures")?,
            cancelled: row.get("cancelled")?,
        })
    }
}

/// Writes nothing for an account that has been removed meanwhile.
const UPSERT: &str = "INSERT INTO account_state (account_id, status, reason, status_at, cooldown_until, cooldown_source, exhausted_until,
  exhausted_source, quota, last_used_at, last_success_at, consecutive_failures, requests, successes, failures, cancelled)
SELECT :account_id, :status, :reason, :status_at, :cooldown_until, :cooldown_source, :exhausted_until, :exhausted_source, :quota,
  :last_used_at, :last_success_at, :consecutive_failures, :requests, :successes, :failures, :cancelled
WHERE EXISTS (SELECT 1 FROM accounts WHERE id = :account_id)
ON CONFLICT (account_id) DO UPDATE SET status = excluded.status, reason = excluded.reason, status_at = excluded.status_at,
  cooldown_until = excluded.cooldown_until, cooldown_source = excluded.cooldown_source, exhausted_until = excluded.exhausted_until,
  exhausted_source = excluded.exhausted_source, quota = excluded.quota, last_used_at = excluded.last_used_at,
  last_success_at = excluded.last_success_at, consecutive_failures = excluded.consecutive_failures, requests = excluded.requests,
  successes = excluded.successes, failures = excluded.failures, cancelled = excluded.cancelled";

impl Store {
    /// The states of all accounts that have one.
    pub fn account_states(&self) -> Result<Vec<AccountStateRow>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM account_state ORDER BY account_id")?;
            let rows = statement.query_map([], AccountStateRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The state of one account.
    pub fn account_state(&self, account_id: &str) -> Result<Option<AccountStateRow>, StoreError> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM account_state WHERE account_id = ?1")?
                .query_row([account_id], AccountStateRow::from_row)
                .optional()?)
        })
    }

    /// Adds or replaces states in one transaction. States of accounts that no longer exist are passed over; gives how many were written.
    pub fn save_account_states(&self, rows: &[AccountStateRow]) -> Result<usize, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.write(Durability::Process, |transaction| {
            let mut statement = transaction.prepare_cached(UPSERT)?;
            let mut written = 0;
            for row in rows {
                written += statement.execute(named_params! {
                    ":account_id": row.account_id,
                    ":status": row.status,
                    ":reason": row.reason,
                    ":status_at": row.status_at,
                    ":cooldown_until": row.cooldown_until,
                    ":cooldown_source": row.cooldown_source,
                    ":exhausted_until": row.exhausted_until,
                    ":exhausted_source": row.exhausted_source,
                    ":quota": row.quota,
                    ":last_used_at": row.last_used_at,
                    ":last_success_at": row.last_success_at,
                    ":consecutive_failures": row.consecutive_failures,
                    ":requests": row.requests,
                    ":successes": row.successes,
                    ":failures": row.failures,
                    ":cancelled": row.cancelled,
                })?;
            }
            Ok(written)
        })
    }
}

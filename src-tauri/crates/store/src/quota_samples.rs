//! Quota over time, for the history line of each account (F69): one sample per change, or every five minutes. Gaps stay gaps.

use rusqlite::{OptionalExtension, params};

use crate::{Durability, Store, StoreError};

/// An unchanged value is stored again only after this many milliseconds (F69: 5 min).
pub const SAMPLE_INTERVAL_MS: i64 = 5 * 60 * 1000;

/// How full one quota window was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaSampleRow {
    /// The account.
    pub account_id: String,
    /// The window's name: `primary`, `secondary`, or a model's bucket.
    pub window: String,
    /// When.
    pub captured_at: i64,
    /// 0–100; `None` is not known.
    pub used_percent: Option<f64>,
    /// When the window begins anew.
    pub resets_at: Option<i64>,
    /// Where the numbers came from: `header`, `stream`, `query`, `429`.
    pub source: String,
}

impl Store {
    /// Stores the samples that say something new (F69) and gives how many. A sample older than the last stored one of its window is passed
    /// over (F67), as is one of an account that no longer exists.
    pub fn add_quota_samples(&self, samples: &[QuotaSampleRow]) -> Result<usize, StoreError> {
        if samples.is_empty() {
            return Ok(0);
        }
        self.write(Durability::Process, |transaction| {
            let mut last = transaction.prepare_cached(
                "SELECT captured_at, used_percent, resets_at FROM quota_samples
                 WHERE account_id = ?1 AND quota_window = ?2 ORDER BY captured_at DESC LIMIT 1",
            )?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO quota_samples (account_id, quota_window, captured_at, used_percent, resets_at, source)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM accounts WHERE id = ?1)",
            )?;
            let mut stored = 0;
            for sample in samples {
                let before: Option<(i64, Option<f64>, Option<i64>)> = last
                    .query_row(params![sample.account_id, sample.window], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })
                    .optional()?;
                let says_something = before.is_none_or(|(at, used, resets)| {
                    let changed = used != sample.used_percent || resets != sample.resets_at;
                    sample.captured_at > at && (changed || sample.captured_at - at >= SAMPLE_INTERVAL_MS)
                });
                if says_something {
                    stored += insert.execute(params![
                        sample.account_id,
                        sample.window,
                        sample.captured_at,
                        sample.used_percent,
                        sample.resets_at,
                        sample.source,
                    ])?;
                }
            }
            Ok(stored)
        })
    }

    /// Samples of one account captured in `from..until`, by window and time.
    pub fn quota_samples(
        &self,
        account_id: &str,
        from: i64,
        until: i64,
    ) -> Result<Vec<QuotaSampleRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT account_id, quota_window, captured_at, used_percent, resets_at, source FROM quota_samples
                 WHERE account_id = ?1 AND captured_at >= ?2 AND captured_at < ?3 ORDER BY quota_window, captured_at",
            )?;
            let rows = statement.query_map(params![account_id, from, until], |row| {
                Ok(QuotaSampleRow {
                    account_id: row.get(0)?,
                    window: row.get(1)?,
                    captured_at: row.get(2)?,
                    used_percent: row.get(3)?,
                    resets_at: row.get(4)?,
                    source: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Removes samples captured before `before` (F74: 30 days ago) and gives how many. `i64::MAX` clears all.
    pub fn prune_quota_samples(&self, before: i64) -> Result<usize, StoreError> {
        self.write(Durability::Process, |transaction| {
            Ok(transaction
                .prepare_cached("DELETE FROM quota_samples WHERE captured_at < ?1")?
                .execute([before])?)
        })
    }
}

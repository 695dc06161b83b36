//! Usage as people look at it (F70): the daily sums, and the last 24 hours of the journal. Numbers are the providers' own; nothing is
//! estimated.

use std::sync::Arc;

use pool::Timestamp;
use store::{JournalFilter, UsageRow};
use upstream::Decimal;

use crate::compose::Engine;
use crate::error::EngineError;

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Half hours shown of the last day.
const BUCKETS: i64 = 48;
const BUCKET_MS: i64 = DAY_MS / BUCKETS;
/// The journal of one day may be this long; what is beyond it is not in the half hours.
const MOST: u32 = 100_000;

/// One sum of a day, by account, model, route and key.
#[derive(Debug, Clone)]
pub struct UsageSum {
    /// First moment of the day (UTC).
    pub day: Timestamp,
    /// The account's id; empty when none served.
    pub account_id: String,
    /// Its label now, or its id when it is gone.
    pub account_label: String,
    /// Model asked for.
    pub model: String,
    /// The path of the gateway that was asked, without the model.
    pub route: String,
    /// Name of the gateway key.
    pub client_key: String,
    /// Requests.
    pub requests: i64,
    /// That ended well.
    pub successes: i64,
    /// That failed.
    pub failures: i64,
    /// That the client broke off.
    pub cancelled: i64,
    /// Tokens in.
    pub input_tokens: i64,
    /// Tokens out.
    pub output_tokens: i64,
    /// Of those in, from the provider's cache.
    pub cached_tokens: i64,
    /// Of those out, reasoning.
    pub reasoning_tokens: i64,
    /// Pictures made.
    pub images: i64,
    /// Requests whose usage was not told.
    pub unknown_usage: i64,
    /// Estimated cost in USD at the present prices (F71); `None` when the model has no price.
    pub cost: Option<Decimal>,
}

/// The last 24 hours.
#[derive(Debug, Clone, Default)]
pub struct LastDay {
    /// Requests.
    pub requests: i64,
    /// Tokens in, where told.
    pub tokens_in: i64,
    /// Tokens out, where told.
    pub tokens_out: i64,
    /// Requests that failed.
    pub errors: i64,
    /// Half hours, oldest first: begin, requests, errors.
    pub spark: Vec<(Timestamp, i64, i64)>,
}

/// The tokens of a row.
pub(crate) fn told(row: &UsageRow) -> protocol::Usage {
    let tokens = |n: i64| u64::try_from(n).unwrap_or(0);
    protocol::Usage {
        input: tokens(row.input_tokens),
        output: tokens(row.output_tokens),
        cached: tokens(row.cached_tokens),
        ..protocol::Usage::default()
    }
}

impl Engine {
    /// The daily sums of `from..=to`; seven days up to now when nothing is said.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn usage(
        self: &Arc<Self>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Vec<UsageSum>, EngineError> {
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let to = to.unwrap_or_else(|| self.clock.now()).0;
        let from = from.map_or(to.saturating_sub(6 * DAY_MS), |from| from.0);
        let (first, last) = (from.div_euclid(DAY_MS).max(1), to.div_euclid(DAY_MS));
        let rows = self.stored(move |store| store.usage(first, last)).await?;
        let labels: std::collections::HashMap<String, String> = self.records.with(|rows| {
            rows.iter()
                .map(|row| (row.id.clone(), row.label.clone()))
                .collect()
        });
        let prices = self.ledger.prices();
        let sum = |row: UsageRow| UsageSum {
            cost: (row.requests > row.unknown_usage)
                .then(|| prices.cost(&row.model, &told(&row)))
                .flatten(),
            day: Timestamp(row.day.saturating_mul(DAY_MS)),
            account_label: labels
                .get(&row.account_id)
                .unwrap_or(&row.account_id)
                .clone(),
            account_id: row.account_id,
            model: row.model,
            route: row.route,
            client_key: row.client_key,
            requests: row.requests,
            successes: row.successes,
            failures: row.failures,
            cancelled: row.cancelled,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            reasoning_tokens: row.reasoning_tokens,
            images: row.images,
            unknown_usage: row.unknown_usage,
        };
        Ok(rows.into_iter().map(sum).collect())
    }

    /// The last 24 hours, from the journal as far as it reaches.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn last_day(self: &Arc<Self>) -> Result<LastDay, EngineError> {
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let now = self.clock.now().0;
        let first = now.div_euclid(BUCKET_MS) - BUCKETS + 1;
        let since = first * BUCKET_MS;
        let rows = self
            .stored(move |store| {
                let filter = JournalFilter {
                    since: Some(since),
                    ..JournalFilter::default()
                };
                store.recent_requests(MOST, &filter)
            })
            .await?;
        let mut day = LastDay {
            spark: (first..first + BUCKETS)
                .map(|bucket| (Timestamp(bucket * BUCKET_MS), 0, 0))
                .collect(),
            ..LastDay::default()
        };
        for row in rows {
            let failed = i64::from(row.outcome == "failed");
            day.requests += 1;
            day.errors += failed;
            day.tokens_in += row.input_tokens.unwrap_or(0);
            day.tokens_out += row.output_tokens.unwrap_or(0);
            let bucket = usize::try_from(row.started_at.div_euclid(BUCKET_MS) - first);
            if let Some(spark) = bucket.ok().and_then(|bucket| day.spark.get_mut(bucket)) {
                spark.1 += 1;
                spark.2 += failed;
            }
        }
        Ok(day)
    }
}

//! How fast accounts answer (F71): average and 95th percentile of the whole time and of the first byte, and tokens a second, for each account
//! and model. Counted from the journal as far as it reaches, when somebody asks: requests pay nothing for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use pool::Timestamp;
use store::{JournalFilter, JournalRow};

use crate::compose::Engine;
use crate::error::EngineError;

/// Most requests that are looked at, the latest ones.
const MOST: u32 = 20_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// How fast one account answers with one model.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyView {
    /// The account's id.
    pub account_id: String,
    /// Its label when the latest of them was served.
    pub account_label: String,
    /// The model that served.
    pub model: String,
    /// Requests that ended well.
    pub requests: usize,
    /// From the request's arrival to the end of its answer: average and 95th percentile, in milliseconds.
    pub total_ms: (i64, i64),
    /// The same up to the first byte of the answer; `None` when none of them has it.
    pub first_byte_ms: Option<(i64, i64)>,
    /// Tokens out a second while answers came; `None` where providers told no usage.
    pub tokens_per_second: Option<f64>,
}

impl Engine {
    /// How fast each account has answered with each model since then, the busiest first; the last day when nothing is said.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn latency(
        self: &Arc<Self>,
        since: Option<Timestamp>,
    ) -> Result<Vec<LatencyView>, EngineError> {
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let since = since.map_or(self.clock.now().0.saturating_sub(DAY_MS), |at| at.0);
        let rows = self.stored(move |store| {
            let filter = JournalFilter {
                since: Some(since),
                outcome: Some("completed"),
                ..JournalFilter::default()
            };
            store.recent_requests(MOST, &filter)
        });
        Ok(summed(&rows.await?))
    }
}

/// The sums of rows that ended well, the latest first.
fn summed(rows: &[JournalRow]) -> Vec<LatencyView> {
    let mut all: BTreeMap<(&str, &str), Vec<&JournalRow>> = BTreeMap::new();
    for row in rows {
        let model = row.model_served.as_deref().or(row.model_asked.as_deref());
        if let (Some(account), Some(model)) = (row.account_id.as_deref(), model) {
            all.entry((account, model)).or_default().push(row);
        }
    }
    let view = |((account, model), rows): ((&str, &str), Vec<&JournalRow>)| {
        let total_ms = spread(rows.iter().map(|row| row.duration_ms).collect())?;
        let (mut tokens, mut millis) = (0, 0);
        for row in &rows {
            let Some(out) = row.output_tokens else {
                continue;
            };
            // A whole answer comes at its end: it was made in all of its time.
            let before = row.ttft_ms.filter(|_| row.stream).unwrap_or(0);
            tokens += out;
            millis += (row.duration_ms - before).max(1);
        }
        Some(LatencyView {
            account_id: account.to_owned(),
            account_label: rows.first()?.account_label.clone().unwrap_or_default(),
            model: model.to_owned(),
            requests: rows.len(),
            total_ms,
            first_byte_ms: spread(rows.iter().filter_map(|row| row.ttft_ms).collect()),
            tokens_per_second: (tokens > 0).then(|| tokens as f64 * 1000.0 / millis as f64),
        })
    };
    let mut views: Vec<LatencyView> = all.into_iter().filter_map(view).collect();
    views.sort_by_key(|view| std::cmp::Reverse(view.requests));
    views
}

/// Average and 95th percentile: the smallest value that 95 of 100 do not exceed.
fn spread(mut values: Vec<i64>) -> Option<(i64, i64)> {
    values.sort_unstable();
    let place = (values.len() * 95).div_ceil(100).checked_sub(1)?;
    let count = i64::try_from(values.len()).ok()?;
    Some((values.iter().sum::<i64>() / count, *values.get(place)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(
        account: &str,
        model: &str,
        total: i64,
        first: Option<i64>,
        out: Option<i64>,
    ) -> JournalRow {
        JournalRow {
            account_id: Some(account.into()),
            account_label: Some(account.to_uppercase()),
            model_served: Some(model.into()),
            outcome: "completed".into(),
            stream: first.is_some(),
            duration_ms: total,
            ttft_ms: first,
            output_tokens: out,
            ..JournalRow::default()
        }
    }

    #[test]
    fn f71_averages_and_percentiles_of_each_account_and_model() {
        for (values, expected) in [
            (vec![], None),
            (vec![7], Some((7, 7))),
            (vec![30, 10, 20], Some((20, 30))),
            // 19 of 20 are 95 %.
            ((1..=20).collect(), Some((10, 19))),
            ((1..=100).collect(), Some((50, 95))),
        ] {
            assert_eq!(spread(values.clone()), expected, "{values:?}");
        }
        let rows = [
            row("b", "m", 1_000, None, None),
            // 300 tokens in (1.1 - 0.1) + 2.0 seconds.
            row("a", "m", 1_100, Some(100), Some(100)),
            row("a", "m", 2_000, None, Some(200)),
            row("a", "n", 5, Some(5), None),
        ];
        let told = summed(&rows);
        let names: Vec<_> = told
            .iter()
            .map(|one| (one.account_label.as_str(), one.model.as_str(), one.requests))
            .collect();
        assert_eq!(names, [("A", "m", 2), ("A", "n", 1), ("B", "m", 1)]);
        let first = &told[0];
        assert_eq!(
            (first.total_ms, first.first_byte_ms, first.tokens_per_second),
            ((1_550, 2_000), Some((100, 100)), Some(100.0))
        );
        assert_eq!(
            (told[2].first_byte_ms, told[2].tokens_per_second),
            (None, None)
        );
    }
}

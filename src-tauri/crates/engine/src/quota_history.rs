//! Quota over time (F69): what was read of each window, where nothing was read, when windows began afresh, and where it is heading.
//!
//! Only what providers told: no value is invented between two readings. The samples are the store's; `line` makes a line of them and
//! `forecast` looks ahead.

mod forecast;
mod line;

use std::sync::Arc;

use pool::{QuotaSnapshot, QuotaWindow, Timestamp};
use store::{AccountRow, QuotaSampleRow};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::state_rows::named_window;

const HOUR_MS: i64 = 3600 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest span that is shown: samples are kept for 30 days (F74), and the ends of a picture lie a little beside them.
const LONGEST_MS: i64 = 32 * DAY_MS;

/// The history of one span.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaHistory {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// One line for each window of each account that was read in it.
    pub series: Vec<QuotaLine>,
    /// Where windows are heading now, as far as that can be said.
    pub forecast: Vec<QuotaForecast>,
}

/// One window of one account over time.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaLine {
    /// The account's id.
    pub account_id: String,
    /// Its label.
    pub label: String,
    /// The limit of its own for some models, by the provider's name; `None` is the plan.
    pub bucket: Option<String>,
    /// `primary` or `secondary`.
    pub window: &'static str,
    /// Length of the window in seconds, as last told.
    pub length_s: Option<u64>,
    /// When, and the used share in percent; at most 500.
    pub points: Vec<(Timestamp, f64)>,
    /// Spans between two points without a reading.
    pub gaps: Vec<(Timestamp, Timestamp)>,
    /// When the window began afresh.
    pub resets: Vec<Timestamp>,
}

/// Where a window is heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaForecast {
    /// The account's id.
    pub account_id: String,
    /// As in [`QuotaLine::bucket`].
    pub bucket: Option<String>,
    /// `primary` or `secondary`.
    pub window: &'static str,
    /// When it will be used up if the last hour goes on; `None` when it begins afresh before that.
    pub empty_at: Option<Timestamp>,
}

impl Engine {
    /// The quota history of one account, or of all, in `from..=to`; the last day when nothing is said. With `buckets` also that of the
    /// limits that some models have of their own.
    ///
    /// # Errors
    /// When there is no such account, or the span is no span of at most 32 days.
    pub async fn quota_history(
        self: &Arc<Self>,
        account: Option<&str>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        buckets: bool,
    ) -> Result<QuotaHistory, EngineError> {
        let now = self.clock.now();
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(Timestamp(to.0.saturating_sub(DAY_MS)));
        if from >= to || to.0.saturating_sub(from.0) > LONGEST_MS {
            return Err(EngineError::Invalid(
                "`from` must lie before `to`, by at most 32 days".into(),
            ));
        }
        let rows = match account {
            Some(name) => vec![self.find(name)?],
            None => self.records.with(Vec::clone),
        };
        let writer = self.clone();
        self.tasks.blocking(move || writer.flush()).await?;
        let mut history = QuotaHistory {
            from,
            to,
            series: Vec::new(),
            forecast: Vec::new(),
        };
        for row in rows {
            self.add_history(&mut history, row, now, buckets).await?;
        }
        Ok(history)
    }

    /// One account's lines. The database is asked account by account, so that others get their turn in between.
    async fn add_history(
        &self,
        history: &mut QuotaHistory,
        row: AccountRow,
        now: Timestamp,
        buckets: bool,
    ) -> Result<(), EngineError> {
        let (id, from, until) = (
            row.id.clone(),
            history.from.0,
            history.to.0.saturating_add(1),
        );
        let (shown, recent) = self
            .stored(move |store| {
                let shown = store.quota_samples(&id, from, until)?;
                let recent = store.quota_samples(&id, now.0 - HOUR_MS, now.0 + 1)?;
                Ok((shown, recent))
            })
            .await?;
        if shown.is_empty() && recent.is_empty() {
            return Ok(());
        }
        let id = pool::AccountId::from(row.id.as_str());
        let reading = self
            .pool
            .with(|pool| pool.state(&id).and_then(|state| state.quota.clone()));
        // The plan's windows first, then those of the limits that models have of their own.
        let mut windows: Vec<_> = shown
            .iter()
            .chain(&recent)
            .filter_map(|sample| named_window(&sample.window))
            .filter(|(bucket, _)| buckets || bucket.is_none())
            .collect();
        windows.sort_unstable();
        windows.dedup();
        for (bucket, window) in windows {
            let of_window = |samples: &[QuotaSampleRow]| -> Vec<line::Sample> {
                let mine = samples
                    .iter()
                    .filter(|sample| named_window(&sample.window) == Some((bucket, window)));
                mine.filter_map(line::Sample::read).collect()
            };
            let told = reading
                .as_ref()
                .and_then(|quota| named(quota, bucket, window));
            let samples = of_window(&shown);
            if !samples.is_empty() {
                let drawn = line::draw(&samples, history.from, history.to);
                history.series.push(QuotaLine {
                    account_id: row.id.clone(),
                    label: row.label.clone(),
                    bucket: bucket.map(str::to_owned),
                    window,
                    length_s: told
                        .and_then(|window| window.length)
                        .map(|length| length.as_secs()),
                    points: drawn.points,
                    gaps: drawn.gaps,
                    resets: drawn.resets,
                });
            }
            if let Some(empty_at) = forecast::empty_at(&of_window(&recent), now) {
                history.forecast.push(QuotaForecast {
                    account_id: row.id.clone(),
                    bucket: bucket.map(str::to_owned),
                    window,
                    empty_at,
                });
            }
        }
        Ok(())
    }
}

fn named<'q>(
    quota: &'q QuotaSnapshot,
    bucket: Option<&str>,
    window: &str,
) -> Option<&'q QuotaWindow> {
    let (primary, secondary) = match bucket {
        None => (&quota.primary, &quota.secondary),
        Some(name) => {
            let bucket = quota.buckets.iter().find(|bucket| bucket.name == name)?;
            (&bucket.primary, &bucket.secondary)
        }
    };
    match window {
        "primary" => primary.as_ref(),
        _ => secondary.as_ref(),
    }
}

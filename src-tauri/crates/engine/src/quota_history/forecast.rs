//! When a window will be used up if the last hour goes on (F69). Pure.

use pool::Timestamp;

use super::line::{Sample, reset_between};

/// Fewer readings than this say nothing.
const FEWEST: usize = 3;

/// What the readings of the last hour say: `None` where nothing can be said, `Some(None)` where the window begins afresh before it is
/// used up (or is not being used).
pub(super) fn empty_at(samples: &[Sample], now: Timestamp) -> Option<Option<Timestamp>> {
    // What was used before the window began afresh says nothing about this one.
    let begin = samples
        .windows(2)
        .rposition(|pair| matches!(pair, [before, after] if reset_between(before, after).is_some()))
        .map_or(0, |place| place + 1);
    let samples = samples.get(begin..)?;
    let last = samples.last()?;
    let over = last.resets_at.is_some_and(|at| at <= now);
    if samples.len() < FEWEST || over || last.used >= 100.0 {
        return None;
    }
    let per_ms = slope(samples)?;
    if per_ms <= 0.0 {
        return Some(None);
    }
    let left_ms = (100.0 - last.used) / per_ms;
    // More than a hundred years away is never; the cast below stays exact.
    if left_ms > 3.2e12 {
        return Some(None);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded above, and milliseconds have no fractions"
    )]
    let empty = Timestamp(last.at.0.saturating_add(left_ms as i64).max(now.0));
    Some((last.resets_at.is_none_or(|at| empty < at)).then_some(empty))
}

/// Percent per millisecond, as the straight line with the least squares; `None` when all readings are of one moment.
fn slope(samples: &[Sample]) -> Option<f64> {
    let first = samples.first()?.at.0;
    #[expect(clippy::cast_precision_loss, reason = "an hour in milliseconds")]
    let points = || {
        samples
            .iter()
            .map(|sample| ((sample.at.0 - first) as f64, sample.used))
    };
    #[expect(clippy::cast_precision_loss, reason = "the readings of an hour")]
    let count = samples.len() as f64;
    let (sum_t, sum_u) = points().fold((0.0, 0.0), |(t, u), point| (t + point.0, u + point.1));
    let (mean_t, mean_u) = (sum_t / count, sum_u / count);
    let (above, below) = points().fold((0.0, 0.0), |(above, below), (t, u)| {
        (
            above + (t - mean_t) * (u - mean_u),
            below + (t - mean_t).powi(2),
        )
    });
    (below > 0.0).then(|| above / below)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: i64 = 60_000;

    #[test]
    fn f69_the_last_hours_slope_tells_when_it_is_empty() {
        type Case<'c> = (&'c str, &'c [(i64, f64)], Option<i64>, Option<Option<i64>>);
        let cases: &[Case<'_>] = &[
            ("two readings", &[(0, 10.0), (30, 20.0)], Some(600), None),
            (
                "ten percent in ten minutes",
                &[(30, 10.0), (40, 20.0), (50, 30.0)],
                Some(600),
                Some(Some(120)),
            ),
            (
                "reset comes first",
                &[(30, 10.0), (40, 20.0), (50, 30.0)],
                Some(100),
                Some(None),
            ),
            (
                "reset unknown",
                &[(30, 10.0), (40, 20.0), (50, 30.0)],
                None,
                Some(Some(120)),
            ),
            (
                "nothing is used",
                &[(30, 10.0), (40, 10.0), (50, 10.0)],
                Some(600),
                Some(None),
            ),
            (
                "used up",
                &[(30, 80.0), (40, 90.0), (50, 100.0)],
                Some(600),
                None,
            ),
            (
                "it has begun afresh since",
                &[(30, 10.0), (40, 20.0), (50, 30.0)],
                Some(55),
                None,
            ),
            (
                "only what is after a reset counts",
                &[(10, 80.0), (20, 90.0), (40, 1.0), (50, 2.0)],
                None,
                None,
            ),
            (
                "after a reset",
                &[(20, 90.0), (30, 10.0), (40, 20.0), (50, 30.0)],
                None,
                Some(Some(120)),
            ),
            (
                "one moment",
                &[(50, 1.0), (50, 1.0), (50, 1.0)],
                Some(600),
                None,
            ),
            ("none", &[], None, None),
        ];
        for (name, rows, resets, expected) in cases {
            let samples: Vec<Sample> = rows
                .iter()
                .map(|(minute, used)| Sample {
                    at: Timestamp(minute * MIN),
                    used: *used,
                    resets_at: resets.map(|minute| Timestamp(minute * MIN)),
                })
                .collect();
            let told = empty_at(&samples, Timestamp(60 * MIN));
            let minutes = told.map(|told| told.map(|at| (at.0 + MIN / 2) / MIN));
            assert_eq!(minutes, *expected, "{name}");
        }
    }
}

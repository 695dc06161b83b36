//! Samples of one window as a line: thinned out to what a picture can show, with gaps and resets found before anything is left out.
//! Pure.

use pool::Timestamp;
use store::QuotaSampleRow;

/// Most points of a line.
pub(super) const MOST_POINTS: usize = 500;
/// Without a reading for longer than this there is a gap. An unchanged value is stored every 5 minutes while there are readings, and
/// a scheduled question comes every 18 minutes at the latest (F68): two of them were missed.
const GAP_MS: i64 = 40 * 60 * 1000;
/// A used share that falls by less is the provider's rounding, not a new beginning.
const FALL: f64 = 1.0;

/// One reading of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub at: Timestamp,
    pub used: f64,
    pub resets_at: Option<Timestamp>,
}

impl Sample {
    /// `None` where the share was not told.
    pub(super) fn read(row: &QuotaSampleRow) -> Option<Self> {
        Some(Self {
            at: Timestamp(row.captured_at),
            used: row.used_percent.filter(|used| used.is_finite())?,
            resets_at: row.resets_at.map(Timestamp),
        })
    }
}

/// What is drawn.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Drawn {
    pub points: Vec<(Timestamp, f64)>,
    pub gaps: Vec<(Timestamp, Timestamp)>,
    pub resets: Vec<Timestamp>,
}

/// When the window began afresh between two readings, if it did.
pub(super) fn reset_between(before: &Sample, after: &Sample) -> Option<Timestamp> {
    if let Some(told) = before.resets_at
        && told <= after.at
        && told > before.at
    {
        return Some(told);
    }
    // Earlier than it was told: the provider gave a fresh window.
    let fell = after.used <= before.used - FALL;
    let later = match (before.resets_at, after.resets_at) {
        (Some(before), Some(after)) => after.0 > before.0 + 60_000,
        _ => true,
    };
    (fell && later).then_some(after.at)
}

/// The line of samples in order of time, all within `from..=to`.
pub(super) fn draw(samples: &[Sample], from: Timestamp, to: Timestamp) -> Drawn {
    let mut drawn = Drawn {
        points: thinned(samples, from, to),
        ..Drawn::default()
    };
    for pair in samples.windows(2) {
        let [before, after] = pair else { continue };
        if after.at.0 - before.at.0 > GAP_MS {
            drawn.gaps.push((before.at, after.at));
        }
        drawn.resets.extend(reset_between(before, after));
    }
    drawn
}

/// At most [`MOST_POINTS`]: of each slice of time its highest reading and its last one, so that neither a peak nor a fall is lost.
fn thinned(samples: &[Sample], from: Timestamp, to: Timestamp) -> Vec<(Timestamp, f64)> {
    let point = |sample: &Sample| (sample.at, sample.used);
    if samples.len() <= MOST_POINTS {
        return samples.iter().map(point).collect();
    }
    let slices = i64::try_from(MOST_POINTS / 2).unwrap_or(i64::MAX);
    // One more than the span, so that `to` itself lies in the last slice.
    let span = (to.0 - from.0 + 1).max(slices);
    let slice = |sample: &Sample| (sample.at.0 - from.0) * slices / span;
    let mut points = Vec::with_capacity(MOST_POINTS);
    for together in samples.chunk_by(|a, b| slice(a) == slice(b)) {
        let (Some(last), Some(highest)) = (
            together.last(),
            together
                .iter()
                .reduce(|high, next| if next.used > high.used { next } else { high }),
        ) else {
            continue;
        };
        if highest.at != last.at {
            points.push(point(highest));
        }
        points.push(point(last));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: i64 = 60_000;

    fn sample(minute: i64, used: f64, resets: Option<i64>) -> Sample {
        Sample {
            at: Timestamp(minute * MIN),
            used,
            resets_at: resets.map(|minute| Timestamp(minute * MIN)),
        }
    }

    #[test]
    fn f69_gaps_stay_gaps_and_resets_are_found() {
        type Case<'c> = (
            &'c str,
            &'c [(i64, f64, Option<i64>)],
            &'c [(i64, i64)],
            &'c [i64],
        );
        let cases: &[Case<'_>] = &[
            (
                "steady",
                &[(0, 1.0, Some(300)), (5, 2.0, Some(300))],
                &[],
                &[],
            ),
            (
                "a night without readings",
                &[(0, 1.0, None), (41, 1.0, None)],
                &[(0, 41)],
                &[],
            ),
            ("just in time", &[(0, 1.0, None), (40, 1.0, None)], &[], &[]),
            (
                "told reset passed",
                &[(0, 90.0, Some(10)), (20, 3.0, Some(310))],
                &[],
                &[10],
            ),
            (
                "reset in a gap",
                &[(0, 90.0, Some(30)), (400, 3.0, Some(500))],
                &[(0, 400)],
                &[30],
            ),
            (
                "reset before its time",
                &[(0, 90.0, Some(200)), (20, 0.0, Some(320))],
                &[],
                &[20],
            ),
            (
                "reset time unknown",
                &[(0, 90.0, None), (20, 5.0, None)],
                &[],
                &[20],
            ),
            (
                "an unused window moves on",
                &[(0, 0.0, Some(300)), (20, 0.0, Some(320))],
                &[],
                &[],
            ),
            (
                "rounding",
                &[(0, 50.4, Some(300)), (5, 50.0, Some(300))],
                &[],
                &[],
            ),
            (
                "a correction downwards",
                &[(0, 50.0, Some(300)), (5, 40.0, Some(300))],
                &[],
                &[],
            ),
        ];
        for (name, rows, gaps, resets) in cases {
            let samples: Vec<Sample> = rows.iter().map(|(m, u, r)| sample(*m, *u, *r)).collect();
            let drawn = draw(&samples, Timestamp(0), Timestamp(1000 * MIN));
            let gap = |(a, b): &(i64, i64)| (Timestamp(a * MIN), Timestamp(b * MIN));
            assert_eq!(
                drawn.gaps,
                gaps.iter().map(gap).collect::<Vec<_>>(),
                "{name}"
            );
            let reset = |minute: &i64| Timestamp(minute * MIN);
            assert_eq!(
                drawn.resets,
                resets.iter().map(reset).collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(drawn.points.len(), rows.len(), "{name}");
        }
    }

    #[test]
    fn f69_a_month_is_thinned_out_and_keeps_its_peaks() {
        let samples: Vec<Sample> = (0..8_640)
            .map(|n| sample(n * 5, f64::from(u32::try_from(n % 61).unwrap()), None))
            .collect();
        let to = samples.last().unwrap().at;
        let drawn = draw(&samples, Timestamp(0), to);
        assert!(drawn.points.len() <= MOST_POINTS, "{}", drawn.points.len());
        assert!(drawn.points.len() > MOST_POINTS / 2);
        assert!(drawn.points.is_sorted_by_key(|point| point.0));
        assert_eq!(drawn.points.last().unwrap().0, to);
        let peaks = drawn.points.iter().filter(|point| point.1 == 60.0).count();
        assert_eq!(peaks, 8_640 / 61, "every peak is there");
    }
}

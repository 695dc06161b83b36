//! How long a balance reading is good for (F112): until a fifth of the time to the threshold has passed, at the present rate. Pure.

use std::time::Duration;

use upstream::Decimal;

/// At or below the threshold: a top-up is noticed within this time.
pub(super) const LOW: Duration = Duration::from_secs(5 * 60);
/// Nothing is known, or money is no limit.
pub(super) const CALM: Duration = Duration::from_secs(10 * 60);
/// The provider did not answer.
pub(super) const FAILED: Duration = Duration::from_secs(5 * 60);
/// The rests between the tries of one question.
pub(super) const RETRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// What is known when a reading has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// What is left.
    pub left: Decimal,
    /// The account's threshold.
    pub threshold: Decimal,
    /// What was spent since the reading before, and how long that was; `None` when there was none, or nobody used the account.
    pub spent: Option<(Decimal, Duration)>,
}

/// When to ask again.
pub(super) fn next(reading: &Reading) -> Duration {
    let Reading {
        left,
        threshold,
        spent,
    } = *reading;
    if left <= threshold {
        return LOW;
    }
    let rate = spent.and_then(|(spent, over)| {
        let times = left.minus(threshold).per_mille_of(spent)?;
        let over = i128::try_from(over.as_millis()).ok()?;
        // A fifth of (left − threshold) / spent × over.
        Some(times.saturating_mul(over) / 1_000 / 5)
    });
    if let Some(wait) = rate {
        let wait = u64::try_from(wait.max(0)).unwrap_or(u64::MAX);
        return Duration::from_millis(wait).clamp(SHORTEST, LONGEST);
    }
    if left < threshold.times(5, 1) {
        SHORTEST
    } else if left < threshold.times(10, 1) {
        Duration::from_secs(60)
    } else {
        CALM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f112_the_pace_follows_the_spending() {
        let one = |text: &str| text.parse::<Decimal>().unwrap();
        // (left, threshold, spent in seconds, wait in seconds)
        let cases = [
            ("0.2", "0.2", None, 300),
            ("0.1", "0.2", Some(("1", 60)), 300),
            ("0.9", "0.2", None, 30),
            ("1.0", "0.2", None, 60),
            ("1.9", "0.2", None, 60),
            ("2.0", "0.2", None, 600),
            // 10 left above it, 1 a minute: ten minutes to go, so two.
            ("10.2", "0.2", Some(("1", 60)), 120),
            // One minute to go: a fifth is twelve seconds, but never less than thirty.
            ("1.2", "0.2", Some(("1", 60)), 30),
            ("1000.2", "0.2", Some(("1", 60)), 1_800),
            // Used, but the provider has not booked it, or there was a top-up.
            ("100", "0.2", Some(("0", 60)), 600),
            ("100", "0.2", Some(("-5", 60)), 600),
            ("100", "0", None, 600),
        ];
        for (left, threshold, spent, wait) in cases {
            let reading = Reading {
                left: one(left),
                threshold: one(threshold),
                spent: spent.map(|(spent, over)| (one(spent), Duration::from_secs(over))),
            };
            assert_eq!(next(&reading), Duration::from_secs(wait), "{reading:?}");
        }
    }
}

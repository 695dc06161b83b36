//! Notices that the machine slept or that its wall clock was set: the wall clock and the monotonic one no longer agree, or a short sleep
//! took long (F122).
//!
//! Pure: both clocks are arguments. On some systems the monotonic clock stands still while the machine sleeps, on others it runs on; so
//! both signs count.

use std::time::Duration;

use pool::Timestamp;
use tokio::time::Instant;

/// Clocks may drift apart by this much between two looks; daily corrections are far smaller.
const TOLERANCE: Duration = Duration::from_secs(10);

/// What the clocks said at the last look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    wall: Timestamp,
    monotonic: Instant,
}

/// How far the wall clock leapt against the time that really went by, in milliseconds; 0 when only time was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Leap(pub i64);

impl Watch {
    pub(super) fn new(wall: Timestamp, monotonic: Instant) -> Self {
        Self { wall, monotonic }
    }

    /// Looks again after a wait that should have taken `planned`.
    pub(super) fn look(
        &mut self,
        wall: Timestamp,
        monotonic: Instant,
        planned: Duration,
    ) -> Option<Leap> {
        let passed = monotonic.saturating_duration_since(self.monotonic);
        let expected = self.wall.plus(passed);
        *self = Self { wall, monotonic };
        let leapt = wall.0.saturating_sub(expected.0);
        let far = wall.since(expected).max(expected.since(wall)) > TOLERANCE;
        let slept = passed > planned + TOLERANCE;
        (far || slept).then_some(Leap(if far { leapt } else { 0 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn f122_a_sleep_and_a_set_clock_are_noticed_and_drift_is_not() {
        const TICK: Duration = Duration::from_secs(30);
        // Seconds on the wall, seconds on the monotonic clock, what is noticed.
        let cases = [
            (30, 30, None),
            (38, 30, None),
            (22, 30, None),
            // Asleep with the monotonic clock standing still, and with it running.
            (3_630, 30, Some(Leap(3_600_000))),
            (3_600, 3_600, Some(Leap(0))),
            // Set back, and set ahead.
            (-3_570, 30, Some(Leap(-3_600_000))),
            (86_430, 30, Some(Leap(86_400_000))),
        ];
        for (wall, monotonic, expected) in cases {
            let (start, began) = (Timestamp::from_secs(1_800_000_000), Instant::now());
            let mut watch = Watch::new(start, began);
            let wall = Timestamp(start.0 + wall * 1_000);
            let later = began + Duration::from_secs(monotonic);
            assert_eq!(watch.look(wall, later, TICK), expected, "{wall:?}");
            let next = wall.plus(TICK);
            assert_eq!(watch.look(next, later + TICK, TICK), None, "told once");
        }
    }
}

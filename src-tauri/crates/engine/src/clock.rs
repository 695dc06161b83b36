//! The one home of the wall clock. Everything else gets `now` as an argument.
//!
//! It is not for measuring durations: those come from the monotonic clock of the runtime.

use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Milliseconds since 1970-01-01 00:00 UTC; negative before that, saturating far away.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    pub fn now_ms(self) -> i64 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_in_this_century() {
        let now = SystemClock.now_ms();
        assert!(now > 1_700_000_000_000 && now < 4_102_444_800_000, "{now}");
    }
}

//! The one home of the wall clock. Everything else gets `now` as an argument, or a [`Clock`] that a test can set.
//!
//! It is not for measuring durations: those come from the monotonic clock of the runtime.

use std::time::{SystemTime, UNIX_EPOCH};

use pool::{Clock, Timestamp};

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the wall clock"
    )]
    fn now(&self) -> Timestamp {
        let millis =
            |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_in_this_century() {
        let now = SystemClock.now();
        assert!(
            now > Timestamp::from_secs(1_700_000_000) && now < Timestamp::from_secs(4_102_444_800),
            "{now:?}"
        );
    }
}

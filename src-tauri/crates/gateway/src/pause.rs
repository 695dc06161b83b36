//! A gateway that a person has paused: new requests are refused in their dialect, what runs goes on.
//!
//! Kept nowhere: a restart resumes. Read by `surface` at every request, set by the engine.

use std::sync::atomic::{AtomicI64, Ordering};

use http::StatusCode;
use pool::Timestamp;

use crate::Gateway;
use crate::reply::Refusal;

/// No pause, and one without an end. Every other value is the end in unix milliseconds.
const SERVING: i64 = i64::MIN;
const UNTIL_RESUMED: i64 = i64::MAX;

/// See the module.
#[derive(Debug)]
pub(crate) struct Pause(AtomicI64);

impl Default for Pause {
    fn default() -> Self {
        Self(AtomicI64::new(SERVING))
    }
}

impl Gateway {
    /// Refuses new requests until then, or until [`Gateway::resume`].
    pub fn pause(&self, until: Option<Timestamp>) {
        let until = until.map_or(UNTIL_RESUMED, |at| at.0);
        self.pause.0.store(until, Ordering::Relaxed);
    }

    /// Serves again.
    pub fn resume(&self) {
        self.pause.0.store(SERVING, Ordering::Relaxed);
    }

    /// Whether new requests are refused: until then, or until somebody resumes.
    pub fn paused(&self) -> Option<Option<Timestamp>> {
        match self.pause.0.load(Ordering::Relaxed) {
            SERVING => None,
            UNTIL_RESUMED => Some(None),
            until => (self.clock.now().0 < until).then_some(Some(Timestamp(until))),
        }
    }

    /// The answer to a request that comes during a pause.
    pub(crate) fn refusal_while_paused(&self) -> Option<Refusal> {
        let until = self.paused()?;
        let wait = until.map(|at| {
            let wait = at.since(self.clock.now()).as_millis().div_ceil(1_000);
            u64::try_from(wait).unwrap_or(u64::MAX).max(1)
        });
        let message = match wait {
            Some(wait) => format!(
                "Switchyard is paused for another {} min. Resume it in its menu or with `switchyard resume`.",
                wait.div_ceil(60)
            ),
            None => "Switchyard is paused. Resume it in its menu or with `switchyard resume`."
                .to_owned(),
        };
        Some(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "paused", message).retry_after(wait))
    }
}

//! The clockwork of scheduled refreshes (F15): each token five minutes ± 15 % before its end, two at a time.
//!
//! The engine runs [`Upstream::run_schedule`] as one task. It looks at the wall clock at least once a minute instead of
//! trusting one long sleep, because machines sleep too (F122).

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use pool::{AccountId, Timestamp};

use super::flight::Reason;
use crate::{Upstream, target::Target};

/// Nothing is refreshed right after the start: requests come first (F21).
const START_DELAY: Duration = Duration::from_secs(30);
/// Longest pause between two looks.
const TICK: Duration = Duration::from_secs(60);
/// An account whose series of tries failed is taken up again after this long (F15).
const INTERVAL: Duration = Duration::from_secs(3000);
/// Refreshes at a time (F15).
const CONCURRENCY: usize = 2;
/// Between expired accounts, so that many of them do not arrive as a burst (F21).
const SPACING: Duration = Duration::from_secs(2);

/// A margin ± 15 %, always the same for one token, so that looking twice does not move its time.
pub(super) fn jittered(margin: Duration, id: &AccountId, end: Timestamp) -> Duration {
    let seed = id.as_str().bytes().fold(end.0.unsigned_abs(), |h, b| {
        h.wrapping_mul(31).wrapping_add(b.into())
    });
    margin.mul_f64(0.85 + 0.3 * fastrand::Rng::with_seed(seed).f64())
}

impl Upstream {
    /// When the clockwork wants to refresh this account: `None` while its credential was never read, cannot be refreshed or
    /// belongs to a key account.
    #[must_use]
    pub fn next_refresh_due(&self, id: &AccountId) -> Option<Timestamp> {
        self.0.slots.get(id).current.load().as_ref()?.due_at
    }

    /// Keeps the tokens of these accounts fresh until the task is dropped. `targets` is asked at every look and leaves out
    /// disabled accounts (F14) and those that need a sign-in.
    pub async fn run_schedule(self, targets: impl Fn() -> Vec<Target> + Send + Sync) {
        tokio::time::sleep(START_DELAY).await;
        loop {
            let pause = self.schedule_once(targets()).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// One look: refreshes what is due and says how long the next look can wait.
    async fn schedule_once(&self, targets: Vec<Target>) -> Duration {
        let mut due = Vec::new();
        let mut pause = TICK;
        for target in targets.into_iter().filter(Target::is_oauth) {
            let slot = self.0.slots.get(&target.id);
            if slot.current.load().is_none() {
                // The vault may be locked or the account without credential: its next request will say so.
                let _ = self.join(&slot, &target, Reason::Look).wait().await;
            }
            let now = self.0.clock.now();
            let Some(at) = slot.current.load().as_ref().and_then(|c| c.due_at) else {
                continue;
            };
            if at > now {
                pause = pause.min(at.since(now));
                continue;
            }
            let mut state = slot.state();
            let lately = state
                .scheduled_at
                .is_some_and(|last| now.since(last) < INTERVAL);
            let resting = lately && state.failures > 0;
            if !state.retrying && !resting {
                state.scheduled_at = Some(now);
                state.failures = 0;
                drop(state);
                due.push((target, slot));
            }
        }
        stream::iter(due)
            .for_each_concurrent(CONCURRENCY, |(target, slot)| async move {
                let expired = slot
                    .current
                    .load()
                    .as_ref()
                    .is_none_or(|c| !c.is_usable(self.0.clock.now()));
                // A failure starts its own series of tries.
                let _ = self.join(&slot, &target, Reason::Scheduled).wait().await;
                if expired {
                    tokio::time::sleep(SPACING).await;
                }
            })
            .await;
        pause.max(Duration::from_secs(1))
    }
}

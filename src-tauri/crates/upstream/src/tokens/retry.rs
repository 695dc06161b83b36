//! The attempts behind a failed refresh: five tries at 5, 15, 45 and 135 s ± 30 %, a second look at a refusal after ten
//! seconds (F18), and persisting again until it works (F17).

use std::{sync::Arc, time::Duration};

use super::{
    AccessError, RefreshError,
    flight::{CONFIRM_AFTER, Reason},
    slot::Slot,
};
use crate::{Upstream, target::Target};

/// Pauses between the tries.
const DELAYS: [u64; 4] = [5, 15, 45, 135];
/// Tries in a row, the first included.
const TRIES: u32 = 5;
/// After a renewal that brought an ended token.
pub(super) const STALE_RENEWAL_PAUSE: Duration = Duration::from_secs(30);
/// Bounds a series that meets rate limits as well.
const ROUNDS: u32 = 12;

/// Counts a transient failure and tells how long to wait after it.
pub(super) fn next_delay(failures: &mut u32) -> Duration {
    let step = DELAYS[(*failures as usize).min(DELAYS.len() - 1)];
    *failures = failures.saturating_add(1);
    Duration::from_secs(step).mul_f64(0.7 + 0.6 * fastrand::f64())
}

/// The same for a vault that would not write: sooner, because a sign-in hangs on it.
pub(super) fn persist_delay(failures: &mut u32) -> Duration {
    *failures = failures.saturating_add(1);
    Duration::from_secs(2u64.saturating_pow(failures.saturating_sub(1).min(5)))
}

/// Ends the series also when its task is dropped.
struct Series(Arc<Slot>);

impl Drop for Series {
    fn drop(&mut self) {
        self.0.state().retrying = false;
    }
}

impl Upstream {
    /// Whether a failed flight should be followed by a series of its own.
    pub(super) fn wants_retry(&self, slot: &Slot, reason: Reason, error: &AccessError) -> bool {
        let worth = match error {
            AccessError::Refresh(RefreshError::Refused { confirmed, .. }) => !confirmed,
            AccessError::Refresh(_) => true,
            AccessError::Store(_) => slot.state().unpersisted.is_some(),
            _ => false,
        };
        worth && matches!(reason, Reason::Inline | Reason::Scheduled | Reason::Manual)
    }

    /// Refreshes until it works, is refused for good, or the tries are used up. One series per account.
    pub(super) fn refresh_in_background(&self, slot: &Arc<Slot>, target: &Target, reason: Reason) {
        {
            let mut state = slot.state();
            if state.retrying {
                return;
            }
            state.retrying = true;
        }
        let series = Series(slot.clone());
        let (upstream, target) = (self.clone(), target.clone());
        tokio::spawn(async move {
            for _ in 0..ROUNDS {
                let slot = &series.0;
                if let Some(wait) = upstream.pause_before(slot) {
                    tokio::time::sleep(wait).await;
                }
                if slot.is_forgotten() {
                    return;
                }
                match upstream.join(slot, &target, reason).wait().await {
                    // The flight that was joined may have begun before the token was rejected.
                    Ok(current) if reason == Reason::Rejected && current.is_rejected() => {}
                    Ok(_) => return,
                    Err(AccessError::Refresh(RefreshError::Refused {
                        confirmed: false, ..
                    })) => {}
                    Err(AccessError::Store(_)) if slot.state().unpersisted.is_some() => {}
                    Err(AccessError::Refresh(RefreshError::RateLimited { .. })) => {}
                    Err(AccessError::Refresh(RefreshError::Unavailable { .. }))
                        if slot.state().failures < TRIES => {}
                    Err(_) => return,
                }
            }
        });
    }

    /// How long the next try has to wait for what is on record.
    fn pause_before(&self, slot: &Slot) -> Option<Duration> {
        let now = self.0.clock.now();
        if let Some((until, _)) = slot.backing_off(now) {
            return Some(until.since(now));
        }
        let refusal = slot.state().refusal.clone().filter(|r| !r.confirmed)?;
        let due = refusal.first_seen.plus(CONFIRM_AFTER);
        // A little beyond, so that the second look counts.
        (now < due).then(|| due.since(now) + Duration::from_millis(250))
    }
}

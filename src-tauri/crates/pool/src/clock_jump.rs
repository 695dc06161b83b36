//! What a jump of the wall clock does to what is remembered: nothing may rest for ever because an instant lies in a future that was a mistake.
//!
//! A clock that leaps ahead ends rests early, which an attempt corrects. One that goes back would keep every rest for as long as the
//! leap was, refuse each newer reading as older, and hold slots. So stamps of the future are brought back to now, and the rests that hang
//! on them with them. Called at the head of every step that is given `now`; costs one comparison while time goes on.

use std::time::Duration;

use crate::{AccountState, Pool, QuotaWindow, Reason, Timestamp};

/// Smaller steps back are a clock being set right, and only prolong a rest by as much.
const TOLERANCE: Duration = Duration::from_secs(2);

impl Pool {
    /// Notices that the clock went back, and looks once at states that a store has brought.
    pub(crate) fn keep_time(&mut self, now: Timestamp) {
        let went_back = self.seen.is_none_or(|seen| now.plus(TOLERANCE) < seen);
        if went_back {
            for place in 0..self.entries.len() {
                self.bring_back(now, place);
            }
            self.switched_at_most(now);
            self.seen = Some(now);
        }
        // Many small steps back are one large one.
        self.seen = self.seen.max(Some(now));
    }

    /// One account: nothing of it was learnt after `now`.
    fn bring_back(&mut self, now: Timestamp, place: usize) {
        let entry = &mut self.entries[place];
        if let Some(limited) = &mut entry.limited {
            let ahead = limited.since.since(now);
            limited.since = limited.since.min(now);
            limited.until = limited.until.map(|until| until.minus(ahead));
        }
        entry.network_at = entry.network_at.map(|at| at.min(now));
        let changed = bring_state_back(now, &mut entry.state);
        let row = &mut self.rows[place];
        row.last_traffic = row.last_traffic.min(now.0);
        row.next_start = row.next_start.min(now.0);
        if changed {
            self.derive(place);
        }
    }
}

/// Says whether anything lay in the future.
fn bring_state_back(now: Timestamp, state: &mut AccountState) -> bool {
    let latest = latest_stamp(state).unwrap_or(now);
    let ahead = latest.since(now);
    if ahead.is_zero() {
        return false;
    }
    // A guess counts from when it was made, which was at `latest` or before.
    if let Some(cooldown) = &mut state.cooldown {
        cooldown.until = cooldown.until.minus(ahead);
    }
    if let Some(exhausted) = &mut state.exhausted {
        let ahead = exhausted.since.since(now);
        exhausted.since = exhausted.since.min(now);
        exhausted.until = exhausted.until.minus(ahead);
    }
    for stamp in [&mut state.last_used, &mut state.last_success] {
        *stamp = stamp.map(|at| at.min(now));
    }
    let reasons = [&mut state.reason, &mut state.last_error];
    for Reason { at, .. } in reasons.into_iter().flatten() {
        *at = (*at).min(now);
    }
    if let Some(quota) = &mut state.quota {
        let ahead = quota.captured_at.since(now);
        quota.captured_at = quota.captured_at.min(now);
        for bucket in &mut quota.buckets {
            bucket.read_at = bucket.read_at.min(now);
        }
        let buckets = quota.buckets.iter_mut();
        let windows = buckets
            .flat_map(|bucket| [&mut bucket.primary, &mut bucket.secondary])
            .chain([&mut quota.primary, &mut quota.secondary]);
        for window in windows.flatten() {
            shorten(now, ahead, window);
        }
    }
    true
}

/// A reset is the provider's instant and stays, unless no window of this length could reach that far.
fn shorten(now: Timestamp, ahead: Duration, window: &mut QuotaWindow) {
    let Some(resets_at) = window.resets_at else {
        return;
    };
    let reaches = window
        .length
        .is_none_or(|length| resets_at <= now.plus(length));
    if !ahead.is_zero() && (window.length.is_none() || !reaches) {
        window.resets_at = Some(resets_at.minus(ahead));
    }
}

fn latest_stamp(state: &AccountState) -> Option<Timestamp> {
    let reasons = [&state.reason, &state.last_error];
    let stamps = [
        state.last_used,
        state.last_success,
        state.exhausted.map(|e| e.since),
        state.quota.as_ref().map(|quota| quota.captured_at),
    ];
    let told = reasons.into_iter().flatten().map(|reason| reason.at).max();
    stamps.into_iter().flatten().max().max(told)
}

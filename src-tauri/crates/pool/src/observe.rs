//! How a quota reading is taken over (F42, F64, F67), and how a usage limit marks the quota it speaks of (F53).
//!
//! Reads no headers and asks nobody: readings come from upstream. Called by the gateway, and by the engine after a quota query.

use crate::due::Limited;
use crate::report::UNTOLD_LIMIT;
use crate::{
    AccountId, Availability, Event, HoldSource, Pool, QuotaSnapshot, QuotaSource, QuotaWindow,
    Timestamp,
};

impl Pool {
    /// Takes over a quota reading unless a newer one is there (F67). A reading of the usage endpoint that shows quota ends an exhaustion
    /// learnt before it (F64); headers and events do not, as they may belong to a request that began earlier.
    pub fn observe_quota(
        &mut self,
        now: Timestamp,
        id: &AccountId,
        snapshot: QuotaSnapshot,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        self.keep_time(now);
        let Some(place) = self.place(id) else {
            return events;
        };
        let entry = &mut self.entries[place];
        let state = &mut entry.state;
        if state
            .quota
            .as_ref()
            .is_some_and(|quota| quota.captured_at > snapshot.captured_at)
        {
            return events;
        }
        let before = self.rows[place].exhausted_until(now.0);
        let proof = snapshot.source == QuotaSource::Query
            && snapshot.availability(now) == Availability::Available;
        let read_at = snapshot.captured_at;
        // A minute that was guessed holds: right after a refusal the usage endpoint often does not know of it yet.
        let guess_over = |since: Timestamp| read_at >= since.plus(UNTOLD_LIMIT);
        state.exhausted.take_if(|e| {
            let told = e.until.since(e.since) > UNTOLD_LIMIT;
            let later = read_at > e.since && (told || guess_over(e.since));
            proof && e.source != HoldSource::Payment && later
        });
        entry.limited.take_if(|limited| {
            let later = match limited.until {
                Some(_) => read_at >= limited.since,
                None => guess_over(limited.since),
            };
            proof && later
        });
        let old = state.quota.take();
        let mut merged = old
            .clone()
            .unwrap_or_else(|| QuotaSnapshot::empty(snapshot.captured_at, snapshot.source));
        merged.absorb(snapshot);
        if let Some(old) = &old {
            entry.burn.learn(old, &merged);
        }
        let same = old.is_some_and(|mut old| {
            (old.captured_at, old.source) = (merged.captured_at, merged.source);
            old == merged
        });
        state.quota = Some(merged);
        self.derive(place);
        if !same {
            events.push(Event::QuotaChanged { id: id.clone() });
        }
        match (before, self.rows[place].exhausted_until(now.0)) {
            (None, Some(until)) => {
                self.entries[place].limited = Some(Limited::told(now, until));
                events.push(Event::Exhausted {
                    id: id.clone(),
                    until,
                });
            }
            (Some(_), None) => events.push(Event::Recovered { id: id.clone() }),
            _ => {}
        }
        events
    }

    /// An upstream answered outside of an attempt: the network is there again, if it was away (F66).
    pub fn reached(&mut self) -> Vec<Event> {
        let ended = self.offline.take().map(|_| Event::Online);
        ended.into_iter().collect()
    }

    /// A usage limit (F53): exhausted until the told reset or for a minute, and the window shows 100 % until then.
    pub(crate) fn limit(
        &mut self,
        now: Timestamp,
        place: usize,
        told: Option<Timestamp>,
        events: &mut Vec<Event>,
    ) {
        let until = told.unwrap_or(now.plus(UNTOLD_LIMIT));
        self.exhaust(now, place, until, HoldSource::UsageLimit, events);
        let entry = &mut self.entries[place];
        entry.limited = Some(match told {
            Some(until) => Limited::told(now, until),
            None => Limited::untold(now, entry.limited),
        });
        let quota = self.entries[place]
            .state
            .quota
            .get_or_insert_with(|| QuotaSnapshot::empty(now, QuotaSource::Limit429));
        if told.is_none() && quota.primary.is_some() {
            // The minute is a guess: a window that is known keeps its own reset.
            return;
        }
        mark_used_up(quota, now, until);
        quota.captured_at = quota.captured_at.max(now);
        quota.source = QuotaSource::Limit429;
    }
}

/// Marks the window a refusal speaks of: the one that resets nearest to `until`, else the one long enough to reach it.
fn mark_used_up(quota: &mut QuotaSnapshot, now: Timestamp, until: Timestamp) {
    let gap = |window: &Option<QuotaWindow>| {
        let resets_at = window.and_then(|w| w.resets_at).filter(|at| *at > now)?;
        Some(resets_at.0.saturating_sub(until.0).saturating_abs())
    };
    let too_short = quota
        .primary
        .and_then(|w| w.length)
        .is_some_and(|length| until > now.plus(length));
    let second = match (gap(&quota.primary), gap(&quota.secondary)) {
        (Some(first), Some(second)) => second < first,
        _ => too_short,
    };
    let slot = if second {
        &mut quota.secondary
    } else {
        &mut quota.primary
    };
    let window = slot.get_or_insert_default();
    window.used_percent = window.used_percent.max(100.0);
    window.resets_at = Some(
        window
            .resets_at
            .filter(|at| *at > now)
            .map_or(until, |at| at.max(until)),
    );
}

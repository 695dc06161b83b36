//! What an outcome means for the account (F52, F53, F65, F66).
//!
//! Says nothing about retries: that is [`Outcome::retry`]. Quota readings come in through `observe`. Called by the gateway after each attempt.

use crate::{
    AccountId, Cooldown, Event, Exhaustion, HoldSource, LONGEST_WINDOW, Outcome, Pool, Reason,
    Status, Timestamp, UNTOLD_RESET,
};
use std::borrow::Cow;
use std::time::Duration;

/// A 429 whose reset nobody told (F53).
pub const UNTOLD_LIMIT: Duration = Duration::from_secs(60);
/// A 403 in JSON (F52).
pub const FORBIDDEN_REST: Duration = Duration::from_secs(5 * 60);
/// Challenge pages in a row (F52).
pub const CHALLENGE_LADDER: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(90),
    Duration::from_secs(120),
];
/// Failed renewals in a row (F18).
pub const REFRESH_LADDER: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(45),
    Duration::from_secs(135),
];
/// The least time between two refusals that confirm each other (F18).
pub const REFUSAL_REST: Duration = Duration::from_secs(10);
/// Failures in a row that park a key account, and for how long (F65).
pub const FAILURE_LIMIT: u32 = 3;
/// See [`FAILURE_LIMIT`].
pub const FAILURE_REST: Duration = Duration::from_secs(5 * 60);
/// The longest rest an overloaded upstream can ask for: it is no fault of the account (F52).
pub const OVERLOAD_REST: Duration = Duration::from_secs(60);
/// How often a gateway without network looks whether it is back (F66).
pub const OFFLINE_PROBE: Duration = Duration::from_secs(15);
/// So many sign-ins that fail alike stand for all of them: a request has three attempts (F50).
const OFFLINE_WITNESSES: u32 = 3;
/// Within this time all accounts must fail for the network to be down (F66).
pub const OFFLINE_SPAN: Duration = Duration::from_secs(10);

impl Pool {
    /// Learns from one attempt. Does not free the slot.
    pub fn report(&mut self, now: Timestamp, id: &AccountId, outcome: &Outcome) -> Vec<Event> {
        let mut events = Vec::new();
        self.keep_time(now);
        let Some(place) = self.place(id) else {
            return events;
        };
        self.rows[place].last_traffic = self.rows[place].last_traffic.max(now.0);
        self.count(now, place, outcome);
        if !matches!(
            outcome,
            Outcome::Network | Outcome::Cancelled | Outcome::Timeout | Outcome::RefreshUnavailable
        ) {
            let entry = &mut self.entries[place];
            entry.state.network_failures = 0;
            entry.network_at = None;
            if self.offline.take().is_some() {
                events.push(Event::Online);
            }
        }
        match *outcome {
            Outcome::Cancelled
            | Outcome::InvalidRequest { .. }
            | Outcome::InvalidEncryptedContent
            | Outcome::ModelUnsupported => {}
            Outcome::EmptyAnswer => {}
            // F66: nobody pays for a network that is down.
            Outcome::Timeout | Outcome::RefreshUnavailable if self.offline.is_some() => {}
            Outcome::Success => self.succeed(now, place, &mut events),
            Outcome::Network => self.lose_network(now, place, &mut events),
            Outcome::Timeout
            | Outcome::ServerError { .. }
            | Outcome::StreamCut
            | Outcome::NotAnApi => self.fail(now, place, &mut events),
            Outcome::Overloaded { retry_at } => {
                if let Some(at) = retry_at.filter(|at| *at > now) {
                    self.cool(
                        place,
                        at.min(now.plus(OVERLOAD_REST)),
                        HoldSource::Overload,
                        &mut events,
                    );
                }
            }
            Outcome::Unauthorized => self.refuse_token(now, place, &mut events),
            Outcome::UsageLimit { resets_at } => {
                self.limit(now, place, resets_at.filter(|at| *at > now), &mut events)
            }
            Outcome::RateLimited { retry_at } => {
                let until = retry_at
                    .filter(|at| *at > now)
                    .unwrap_or(now.plus(UNTOLD_LIMIT))
                    .min(now.plus(LONGEST_WINDOW));
                self.cool(place, until, HoldSource::RateLimit, &mut events);
            }
            Outcome::PaymentRequired => self.exhaust(
                now,
                place,
                now.plus(UNTOLD_RESET),
                HoldSource::Payment,
                &mut events,
            ),
            Outcome::Challenge => {
                let rest = rung(&CHALLENGE_LADDER, &mut self.entries[place].state.challenges);
                self.cool(place, now.plus(rest), HoldSource::Challenge, &mut events);
            }
            Outcome::Forbidden => {
                self.cool(
                    place,
                    now.plus(FORBIDDEN_REST),
                    HoldSource::Forbidden,
                    &mut events,
                );
                self.stand(
                    now,
                    place,
                    Status::Attention,
                    outcome.code().into(),
                    &mut events,
                );
            }
            Outcome::RefreshRefused {
                confirmed: true,
                banned,
            } => {
                let to = if banned {
                    Status::Banned
                } else {
                    Status::NeedsLogin
                };
                self.stand(now, place, to, outcome.code().into(), &mut events);
            }
            Outcome::RefreshRefused {
                confirmed: false, ..
            } => {
                self.cool(
                    place,
                    now.plus(REFUSAL_REST),
                    HoldSource::Refresh,
                    &mut events,
                );
            }
            Outcome::RefreshUnavailable => {
                let rest = rung(
                    &REFRESH_LADDER,
                    &mut self.entries[place].state.refresh_failures,
                );
                self.cool(place, now.plus(rest), HoldSource::Refresh, &mut events);
            }
        }
        self.derive(place);
        if self.active.as_ref() == Some(id) {
            self.switch(now, None, &mut events);
        }
        events
    }

    /// Counters and the last error, before anything is judged.
    fn count(&mut self, now: Timestamp, place: usize, outcome: &Outcome) {
        let state = &mut self.entries[place].state;
        match outcome {
            Outcome::Success => {
                state.counters.successes += 1;
                return;
            }
            Outcome::Cancelled => {
                state.counters.cancelled += 1;
                return;
            }
            // The request's fault, not the account's.
            Outcome::InvalidRequest { .. } | Outcome::InvalidEncryptedContent => return,
            Outcome::EmptyAnswer => state.counters.empty_answers += 1,
            _ => {}
        }
        state.counters.failures += 1;
        state.last_error = Some(Reason {
            code: Cow::Borrowed(outcome.code()),
            at: now,
        });
    }

    /// F65: any good answer ends the row of failures and every guessed rest. What a 429 said stays true.
    fn succeed(&mut self, now: Timestamp, place: usize, events: &mut Vec<Event>) {
        // A success while it is exhausted is of a request that began before: the limit still has to be verified.
        if self.rows[place].exhausted_until(now.0).is_none() {
            self.entries[place].limited = None;
        }
        let state = &mut self.entries[place].state;
        state.last_success = Some(now);
        (
            state.consecutive_failures,
            state.network_failures,
            state.challenges,
            state.refresh_failures,
        ) = (0, 0, 0, 0);
        state
            .cooldown
            .take_if(|c| c.source != HoldSource::RateLimit);
        self.stand(now, place, Status::Active, "success".into(), events);
    }

    /// F65: the third failure in a row parks a key account; a sign-in is only passed over within the request.
    fn fail(&mut self, now: Timestamp, place: usize, events: &mut Vec<Event>) {
        let entry = &mut self.entries[place];
        entry.state.consecutive_failures = entry.state.consecutive_failures.saturating_add(1);
        if entry.account.kind.is_key() && entry.state.consecutive_failures >= FAILURE_LIMIT {
            entry.state.consecutive_failures = 0;
            self.cool(place, now.plus(FAILURE_REST), HoldSource::Failures, events);
        }
    }

    /// F66: a network error is the account's unless every account has one within ten seconds.
    fn lose_network(&mut self, now: Timestamp, place: usize, events: &mut Vec<Event>) {
        self.entries[place].network_at = Some(now);
        if let Some(began) = self.offline {
            if self.all_fail_since(now, began.minus(OFFLINE_SPAN)) {
                return;
            }
            // Somebody can be asked who was not: whether there is a network is open again, and who fails is passed over.
            self.offline = None;
            events.push(Event::Online);
        }
        let state = &mut self.entries[place].state;
        state.network_failures = state.network_failures.saturating_add(1);
        let errors: u32 = self
            .entries
            .iter()
            .map(|entry| entry.state.network_failures)
            .fold(0, u32::saturating_add);
        // One error of a lone account is a broken connection, not a broken network.
        if errors >= 2 && self.all_fail_since(now, now.minus(OFFLINE_SPAN)) {
            self.offline = Some(now);
            self.forgive_network();
            events.push(Event::Offline);
        } else {
            self.fail(now, place, events);
        }
    }

    /// A balance was topped up or a limit raised: the rest after failures and the one after a 402 end at once (F65). Says what changed.
    pub fn revive(&mut self, now: Timestamp, id: &AccountId) -> Vec<Event> {
        let Some(place) = self.place(id) else {
            return Vec::new();
        };
        let held = self.rows[place].held(now.0).is_some();
        let state = &mut self.entries[place].state;
        state.consecutive_failures = 0;
        state.cooldown.take_if(|c| c.source == HoldSource::Failures);
        state.exhausted.take_if(|e| e.source == HoldSource::Payment);
        self.derive(place);
        if held && self.rows[place].held(now.0).is_none() {
            return vec![Event::Recovered { id: id.clone() }];
        }
        Vec::new()
    }

    /// Whether everybody who can be asked has failed on the network since then, and nothing says that it is there. Who rests or is used up
    /// cannot be asked and has no say. A request asks only a few: as sign-ins share one provider, some that fail alike stand for all of them.
    fn all_fail_since(&self, now: Timestamp, since: Timestamp) -> bool {
        let (mut sign_ins, mut unasked_sign_ins) = (0, 0);
        for (place, entry) in self.entries.iter().enumerate() {
            if self.barred(place).is_some() || entry.account.demo != self.simulated {
                continue;
            }
            let key = entry.account.kind.is_key();
            if entry.network_at.is_some_and(|at| at >= since) {
                sign_ins += u32::from(!key);
                continue;
            }
            let state = &entry.state;
            let answered = state.last_error.as_ref().is_some_and(|error| {
                let silent = ["network", "timeout", "refresh_unavailable"];
                error.at >= since && !silent.contains(&&*error.code)
            });
            if answered || state.last_success.is_some_and(|at| at >= since) {
                return false;
            }
            if self.rows[place].held(now.0).is_none() {
                if key {
                    return false;
                }
                unasked_sign_ins += 1;
            }
        }
        unasked_sign_ins == 0 || sign_ins >= OFFLINE_WITNESSES
    }

    fn forgive_network(&mut self) {
        for place in 0..self.entries.len() {
            let state = &mut self.entries[place].state;
            let streak = std::mem::take(&mut state.network_failures);
            state.consecutive_failures = state.consecutive_failures.saturating_sub(streak);
            state
                .cooldown
                .take_if(|c| c.source == HoldSource::Failures && streak >= FAILURE_LIMIT);
            self.derive(place);
        }
    }

    /// A 401: a sign-in that can renew itself does so in the background (F22), one that cannot is over, and a key counts a failure.
    fn refuse_token(&mut self, now: Timestamp, place: usize, events: &mut Vec<Event>) {
        let account = &self.entries[place].account;
        if account.kind.is_key() {
            self.fail(now, place, events);
            self.stand(now, place, Status::Attention, "unauthorized".into(), events);
        } else if !account.refreshable {
            self.stand(
                now,
                place,
                Status::NeedsLogin,
                "unauthorized".into(),
                events,
            );
        }
    }

    /// A guessed rest; one that ends later stays (F53).
    fn cool(
        &mut self,
        place: usize,
        until: Timestamp,
        source: HoldSource,
        events: &mut Vec<Event>,
    ) {
        let entry = &mut self.entries[place];
        if entry.state.cooldown.is_some_and(|c| c.until >= until) {
            return;
        }
        entry.state.cooldown = Some(Cooldown { until, source });
        events.push(Event::Cooling {
            id: entry.account.id.clone(),
            until,
            source,
        });
    }

    /// A known end of quota; one that ends later stays (F53).
    pub(crate) fn exhaust(
        &mut self,
        now: Timestamp,
        place: usize,
        until: Timestamp,
        source: HoldSource,
        events: &mut Vec<Event>,
    ) {
        let until = until.min(now.plus(LONGEST_WINDOW));
        let entry = &mut self.entries[place];
        if entry.state.exhausted.is_some_and(|e| e.until >= until) {
            return;
        }
        entry.state.exhausted = Some(Exhaustion {
            until,
            since: now,
            source,
        });
        events.push(Event::Exhausted {
            id: entry.account.id.clone(),
            until,
        });
    }
}

/// The rest of this rung, and one step up.
fn rung(ladder: &[Duration], step: &mut u32) -> Duration {
    let place = usize::try_from(*step)
        .unwrap_or(usize::MAX)
        .min(ladder.len() - 1);
    *step = step.saturating_add(1);
    ladder[place]
}

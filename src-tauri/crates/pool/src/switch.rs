//! The automatic switch: whether the active account has to be left, and which account follows it (F41–F49).
//!
//! One short look at the active account before each selection and after each outcome; the accounts are ranked only when it has to be left.
//! Decided within the call that found the reason out, so that the request that did already runs on the new account and requests beside it
//! cause no second switch (F46). Nothing is written or told here: [`Event::Switched`] says what happened.

use std::cmp::Reverse;
use std::time::Duration;

use crate::models::{Match, Matches, Wanted};
use crate::words::words;
use crate::{
    Account, AccountId, Availability, Event, Policy, Pool, QuotaSnapshot, SkipReason, Timestamp,
};

/// After an automatic switch the next one for a threshold waits this long; an account that cannot serve is left at once (F46).
pub const SWITCH_REST: Duration = Duration::from_secs(30);
/// A quota window longer than this is the weekly one (F47). Windows are told apart by their length.
const WEEKLY_FROM: Duration = Duration::from_secs(24 * 3600);

words! {
    /// Why the active account was left by itself.
    pub enum SwitchReason ("switch reason") {
        /// Its quota is used up (F43 b).
        Exhausted = "exhausted",
        /// Only its reserve is left.
        Reserve = "reserve",
        /// A window reached the threshold (F47).
        Threshold = "threshold",
        /// Its sign-in is over (F43 c).
        NeedsLogin = "needs_login",
        /// Its key is refused (F43 c).
        Unauthorized = "unauthorized",
        /// It has no usable credential (F43 c).
        NoCredential = "no_credential",
        /// The provider refuses the account (F43 c).
        Forbidden = "forbidden",
        /// The provider closed the account (F43 c).
        Banned = "banned",
        /// The preferred account is back (F47).
        SwitchBack = "switch_back",
    }
}

/// The settings of the automatic switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchRule {
    /// Whether there are automatic switches (F41). Simulated accounts switch anyway: they are there to show it.
    pub enabled: bool,
    /// The account another program uses by itself; it comes last (F44).
    pub avoid: Option<AccountId>,
    /// Whether accounts whose quota is unknown may follow when none is known to be available.
    pub unknown_too: bool,
    /// Whether the lowest used share goes before the ring order.
    pub lowest_use_first: bool,
    /// From this used share in percent on a short window counts as a reason (F47).
    pub threshold_primary: Option<u8>,
    /// The same for a window longer than a day (F47).
    pub threshold_weekly: Option<u8>,
    /// Whether key accounts that offer the model follow when no account of the same kind is left (F49).
    pub keys_too: bool,
}

impl Default for SwitchRule {
    fn default() -> Self {
        Self {
            enabled: false,
            avoid: None,
            unknown_too: true,
            lowest_use_first: false,
            threshold_primary: None,
            threshold_weekly: None,
            keys_too: false,
        }
    }
}

impl SwitchRule {
    /// Whether a window of this reading has reached its threshold (F47).
    fn reached(&self, quota: &QuotaSnapshot, now: Timestamp) -> bool {
        let slots = [(&quota.primary, false), (&quota.secondary, true)];
        slots.into_iter().any(|(window, second)| {
            let Some(window) = window else {
                return false;
            };
            let weekly = window.length.map_or(second, |length| length > WEEKLY_FROM);
            let limit = if weekly {
                self.threshold_weekly
            } else {
                self.threshold_primary
            };
            limit
                .zip(window.known_percent(now))
                .is_some_and(|(limit, used)| used >= f64::from(limit))
        })
    }
}

/// What the pool remembers about switches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switching {
    pub(crate) rule: SwitchRule,
    /// The last automatic one.
    at: Option<Timestamp>,
    /// The account that automatic switches led away from: the person's choice.
    preferred: Option<AccountId>,
    /// The active account has to be left, nobody can follow, and that was told (F45).
    stuck: bool,
    /// The person chose it although a threshold was reached: that is no reason until it was seen below (F47).
    tolerated: bool,
    /// Told when the caller of a selection takes it.
    told: Vec<Event>,
}

/// What has to happen to the active account.
enum Plan {
    /// Nothing, though there may be a reason.
    Stay,
    /// Nothing, for no reason is there.
    Fit,
    /// It is left.
    Go {
        from: usize,
        next: Successor,
        reason: SwitchReason,
    },
    /// It ought to be left, and nobody can follow (F45).
    Stuck { id: AccountId, reason: SwitchReason },
}

/// Who follows, and whether the avoided account was passed over for it (F48).
struct Successor {
    place: usize,
    avoided: bool,
}

impl Pool {
    /// Changes the settings of the automatic switch; acts on the next request.
    pub fn set_switch_rule(&mut self, rule: SwitchRule) {
        self.switching.rule = rule;
    }

    /// Its settings.
    pub fn switch_rule(&self) -> &SwitchRule {
        &self.switching.rule
    }

    /// The account that automatic switches led away from, as long as nobody has chosen another one (F47).
    pub fn preferred(&self) -> Option<&AccountId> {
        self.switching.preferred.as_ref()
    }

    /// The same as it was before a restart; an account that is gone is none.
    pub fn restore_preferred(&mut self, id: AccountId) {
        self.switching.preferred = Some(id).filter(|id| self.place(id).is_some());
    }

    /// What selections did beside choosing: to be told on. Nearly free when there is nothing.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.switching.told)
    }

    /// Leaves the active account if it has to be left (F43 b–d). To be called after a quota reading that nobody asked for by hand.
    pub fn switch_if_needed(&mut self, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        self.switch(now, None, &mut events);
        events
    }

    /// Makes the preferred account the active one again, if it can serve (F47). The caller has asked its provider.
    pub fn switch_back(&mut self, now: Timestamp) -> Vec<Event> {
        let mut events = Vec::new();
        let home = self.switching.preferred.as_ref();
        let Some(to) = home.and_then(|id| self.place(id)) else {
            return events;
        };
        let stays = |place: usize| self.entries[place].account.excluded;
        if stays(to)
            || self.rows[to].barred.is_some()
            || self
                .reason_to_leave(now, to, &self.switching.rule)
                .is_some()
        {
            return events;
        }
        if let Some(from) = self.active.as_ref().and_then(|id| self.place(id))
            && from != to
            && !stays(from)
        {
            let next = Successor {
                place: to,
                avoided: false,
            };
            self.go(now, from, &next, SwitchReason::SwitchBack, &mut events);
        }
        self.switching.preferred = None;
        events
    }

    /// (a): before a selection, on whose model key accounts are judged.
    pub(crate) fn switch_before(&mut self, now: Timestamp, wanted: Wanted<'_>) {
        if self.may_switch() {
            let mut told = std::mem::take(&mut self.switching.told);
            self.switch(now, Some(wanted), &mut told);
            self.switching.told = told;
        }
    }

    /// A person chose: what automatic switches remembered is over.
    pub(crate) fn chosen_by_hand(&mut self) {
        let switching = &mut self.switching;
        (switching.preferred, switching.stuck, switching.tolerated) = (None, false, true);
    }

    /// The clock went back: the last switch was now at the latest.
    pub(crate) fn switched_at_most(&mut self, now: Timestamp) {
        self.switching.at = self.switching.at.map(|at| at.min(now));
    }

    fn may_switch(&self) -> bool {
        (self.switching.rule.enabled || self.simulated) && self.policy == Policy::ActiveAccount
    }

    /// The switch itself, if there is a reason and a successor.
    pub(crate) fn switch(
        &mut self,
        now: Timestamp,
        wanted: Option<Wanted<'_>>,
        events: &mut Vec<Event>,
    ) {
        let matches = wanted.and_then(|wanted| self.models.get(wanted));
        match self.plan(now, matches) {
            Plan::Stay => {}
            Plan::Fit => (self.switching.stuck, self.switching.tolerated) = (false, false),
            Plan::Go { from, next, reason } => self.go(now, from, &next, reason, events),
            Plan::Stuck { id, reason } => {
                if !std::mem::replace(&mut self.switching.stuck, true) {
                    events.push(Event::NoSuccessor { id, reason });
                }
            }
        }
    }

    /// Which account the next request would find active, where a switch comes before it.
    pub(crate) fn active_next(&self, now: Timestamp, matches: &Matches) -> Option<usize> {
        match self.plan(now, Some(matches)) {
            Plan::Go { next, .. } => Some(next.place),
            Plan::Stay | Plan::Fit | Plan::Stuck { .. } => {
                self.active.as_ref().and_then(|id| self.place(id))
            }
        }
    }

    fn plan(&self, now: Timestamp, matches: Option<&Matches>) -> Plan {
        if !self.may_switch() {
            return Plan::Stay;
        }
        let Some(from) = self.active.as_ref().and_then(|id| self.place(id)) else {
            return Plan::Stay;
        };
        let switching = &self.switching;
        let Some(reason) = self.reason_to_leave(now, from, &switching.rule) else {
            return Plan::Fit;
        };
        let soft = reason == SwitchReason::Threshold;
        let rests = switching.at.is_some_and(|at| now.since(at) < SWITCH_REST);
        let account = &self.entries[from].account;
        if account.excluded || (soft && (switching.tolerated || rests)) {
            return Plan::Stay;
        }
        match self.follow(now, &switching.rule, soft, matches) {
            Some(next) => Plan::Go { from, next, reason },
            None if soft => Plan::Stay,
            None => Plan::Stuck {
                id: account.id.clone(),
                reason,
            },
        }
    }

    fn go(
        &mut self,
        now: Timestamp,
        from: usize,
        next: &Successor,
        reason: SwitchReason,
        events: &mut Vec<Event>,
    ) {
        let left = self.entries[from].account.id.clone();
        let to = self.entries[next.place].account.id.clone();
        let back_at = self.rows[from]
            .held(now.0)
            .and_then(|held| held.until())
            .or_else(|| {
                self.resets_at(now, from)
                    .filter(|_| reason == SwitchReason::Threshold)
            });
        self.active = Some(to.clone());
        (self.switching.stuck, self.switching.tolerated) = (false, false);
        self.switching.at = Some(now);
        self.switching.preferred.get_or_insert_with(|| left.clone());
        events.push(Event::Switched {
            from: left,
            to,
            reason,
            avoided: next.avoided,
            back_at,
        });
    }

    fn resets_at(&self, now: Timestamp, place: usize) -> Option<Timestamp> {
        let quota = self.entries[place].state.quota.as_ref()?;
        quota.earliest_reset(now)
    }

    /// Why an account cannot stay the active one. That it was switched off, or rests after some failure, is no reason.
    fn reason_to_leave(
        &self,
        now: Timestamp,
        place: usize,
        rule: &SwitchRule,
    ) -> Option<SwitchReason> {
        let row = &self.rows[place];
        match row.barred {
            Some(SkipReason::NeedsLogin) => return Some(SwitchReason::NeedsLogin),
            Some(SkipReason::NoCredential) => return Some(SwitchReason::NoCredential),
            Some(SkipReason::Banned) => return Some(SwitchReason::Banned),
            Some(_) => return None,
            None => {}
        }
        if row.refused {
            return Some(SwitchReason::Unauthorized);
        }
        match row.held(now.0) {
            Some(
                SkipReason::Exhausted { .. }
                | SkipReason::UsageLimit { .. }
                | SkipReason::BalanceLow,
            ) => return Some(SwitchReason::Exhausted),
            Some(SkipReason::Reserved { .. }) => return Some(SwitchReason::Reserve),
            Some(SkipReason::NoCredential) => return Some(SwitchReason::NoCredential),
            Some(_) if row.forbidden => return Some(SwitchReason::Forbidden),
            _ => {}
        }
        let none = rule.threshold_primary.is_none() && rule.threshold_weekly.is_none();
        let quota = self.entries[place].state.quota.as_ref().filter(|_| !none)?;
        rule.reached(quota, now).then_some(SwitchReason::Threshold)
    }

    /// The account to switch to from the active one, if there is one (F44). An active account excluded from switching stays (F45).
    pub fn successor(&self, now: Timestamp, rule: &SwitchRule) -> Option<AccountId> {
        self.follow(now, rule, false, None)
            .map(|next| self.entries[next.place].account.id.clone())
    }

    /// The ranking of F44. `below` asks for accounts known to be below every threshold (F47).
    fn follow(
        &self,
        now: Timestamp,
        rule: &SwitchRule,
        below: bool,
        matches: Option<&Matches>,
    ) -> Option<Successor> {
        let active = self.active.as_ref().and_then(|id| self.place(id));
        let current: Option<&Account> = active.map(|place| &self.entries[place].account);
        if current.is_some_and(|account| account.excluded) {
            return None;
        }
        let size = self.entries.len();
        let distance =
            |place: usize| active.map_or(place + 1, |active| (place + size - active) % size);
        let ranked = |heed_avoided: bool| {
            let places = self.entries.iter().enumerate();
            places.filter_map(move |(place, entry)| {
                let (account, row) = (&entry.account, &self.rows[place]);
                let same_kind = current.is_none_or(|current| current.kind == account.kind);
                if Some(place) == active
                    || account.excluded
                    || account.demo != self.simulated
                    || row.barred.is_some()
                    || row.refused
                    || row.held(now.0).is_some()
                {
                    return None;
                }
                let quota = entry.state.quota.as_ref();
                let known = quota.map_or(Availability::Unknown, |quota| quota.availability(now));
                let share = row.max_share(now.0);
                // F49: key accounts come after all of the same kind, by priority; most have no quota to know.
                let key = !same_kind;
                let (unknown, priority) = if same_kind {
                    match known {
                        Availability::Available => (false, 0),
                        Availability::Unknown if rule.unknown_too && !below => (true, 0),
                        _ => return None,
                    }
                } else {
                    let offers = matches.is_some_and(|m| m.of(place) == Match::Serves);
                    if !(rule.keys_too && account.kind.is_key() && offers) {
                        return None;
                    }
                    (false, account.priority)
                };
                if below && quota.is_some_and(|quota| rule.reached(quota, now)) {
                    return None;
                }
                let leading_share = if rule.lowest_use_first { share } else { 0 };
                let captured = quota.map_or(now, |quota| quota.captured_at);
                let avoided = heed_avoided && rule.avoid.as_ref() == Some(&account.id);
                let order = (key, priority, unknown, avoided, leading_share);
                Some((
                    order,
                    distance(place),
                    share,
                    captured,
                    Reverse(entry.token_end()),
                    place,
                ))
            })
        };
        let (.., place) = ranked(true).min()?;
        let heedless = ranked(false).min().map(|(.., place)| place);
        let avoid = rule.avoid.as_ref().and_then(|id| self.place(id));
        Some(Successor {
            place,
            avoided: heedless != Some(place) && heedless == avoid,
        })
    }

    /// Whether simulated accounts serve at present, and only they.
    pub fn simulated(&self) -> bool {
        self.simulated
    }

    /// When every account in use has run out of quota: the soonest instant at which one is back, where it is known (F39, F45).
    pub fn all_exhausted(&self, now: Timestamp) -> Option<Option<Timestamp>> {
        let mut any = false;
        let mut soonest: Option<Timestamp> = None;
        for (entry, row) in self.entries.iter().zip(&self.rows) {
            if entry.account.demo != self.simulated || row.barred.is_some() {
                continue;
            }
            match row.held(now.0) {
                Some(
                    SkipReason::Exhausted { .. }
                    | SkipReason::Reserved { .. }
                    | SkipReason::UsageLimit { .. }
                    | SkipReason::BalanceLow,
                ) => {}
                _ => return None,
            }
            any = true;
            let until = row.held(now.0).and_then(|held| held.until());
            soonest = match (soonest, until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        any.then_some(soonest)
    }

    /// The active account when it ought to be left and nobody can follow (F45), and why it ought to.
    pub fn stuck(&self, now: Timestamp) -> Option<(AccountId, SwitchReason)> {
        let id = self.active.as_ref().filter(|_| self.switching.stuck)?;
        let place = self.place(id)?;
        let reason = self.reason_to_leave(now, place, &self.switching.rule)?;
        Some((id.clone(), reason))
    }

    /// What keeps an account from serving until a known time, its reserve included.
    pub fn held(&self, now: Timestamp, id: &AccountId) -> Option<SkipReason> {
        let place = self.place(id)?;
        self.rows[place].held(now.0)
    }
}

//! The pool itself: the accounts in ring order with what is remembered about each.
//!
//! Keeping the list and the state lives here; choosing is in `select`, learning from outcomes in `report`. Owned by the engine behind one lock;
//! every method is one atomic step and none reads a clock.

use crate::affinity::Affinity;
use crate::due::Limited;
use crate::holds::Holds;
use crate::models::ModelMemory;
use crate::pace::Burn;
use crate::row::{NEVER, Row};
use crate::slots::{Group, Spacing};
use crate::switch::Switching;
use crate::{
    Account, AccountId, AccountState, Event, Health, Policy, Reason, SkipReason, Status, Timestamp,
    Token,
};
use std::borrow::Cow;
use std::collections::HashMap;

/// No account of the pool has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no account with the id {0}: list the accounts for the ids there are")]
pub struct UnknownAccount(pub AccountId);

/// One account with its memory.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) account: Account,
    pub(crate) state: AccountState,
    pub(crate) token: Token,
    /// What the person's own rules keep from serving.
    pub(crate) holds: Holds,
    /// Last network error (F66).
    pub(crate) network_at: Option<Timestamp>,
    /// What the short quota window costs the long one.
    pub(crate) burn: Burn,
    /// The limit whose end has to be verified (F64).
    pub(crate) limited: Option<Limited>,
    /// Held at the last look of [`Pool::expire`].
    pub(crate) was_held: bool,
}

impl Entry {
    /// The end of its credential, as far as known; later is better (F44).
    pub(crate) fn token_end(&self) -> Option<Timestamp> {
        match self.token {
            Token::Until(at) => Some(at),
            Token::Usable | Token::Missing => None,
        }
    }
}

/// The accounts, their state and the rotation.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    pub(crate) policy: Policy,
    /// Orders the accounts of one priority under [`Policy::Priority`].
    pub(crate) within_tier: Policy,
    /// Slots of an account that has no number of its own (F114).
    default_slots: Option<u32>,
    /// The distance of starts on one account.
    pub(crate) spacing: Spacing,
    /// The latest instant seen; `None` before the first look at restored states.
    pub(crate) seen: Option<Timestamp>,
    /// In ring order.
    pub(crate) entries: Vec<Entry>,
    /// One for each entry, at the same place.
    pub(crate) rows: Vec<Row>,
    places: HashMap<AccountId, usize>,
    pub(crate) groups: Vec<Group>,
    pub(crate) limits: HashMap<String, u32>,
    pub(crate) models: ModelMemory,
    pub(crate) affinity: Affinity,
    pub(crate) active: Option<AccountId>,
    pub(crate) switching: Switching,
    /// Simulated accounts serve at present, and only they: the active account is one, or there are no others.
    pub(crate) simulated: bool,
    /// The turn being given out (F34).
    pub(crate) round: u64,
    /// Requests that make a turn (F94).
    pub(crate) turn_length: u64,
    /// Selections so far.
    pub(crate) selections: u64,
    pub(crate) offline: Option<Timestamp>,
    pub(crate) leaks_looked_at: Option<Timestamp>,
}

impl Pool {
    /// An empty pool.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            within_tier: Policy::RoundRobin,
            ..Self::default()
        }
    }

    /// Replaces the list. State, slots and turns of known ids stay; the order is by position, then as given.
    pub fn set_accounts(&mut self, accounts: Vec<Account>) {
        let mut old: HashMap<AccountId, (Entry, Row)> = std::mem::take(&mut self.entries)
            .into_iter()
            .zip(std::mem::take(&mut self.rows))
            .map(|(entry, row)| (entry.account.id.clone(), (entry, row)))
            .collect();
        for account in accounts {
            let (entry, row) = match old.remove(&account.id) {
                Some((entry, row)) => (Entry { account, ..entry }, row),
                None => (
                    Entry {
                        account,
                        state: AccountState::default(),
                        token: Token::Usable,
                        holds: Holds::default(),
                        network_at: None,
                        burn: Burn::default(),
                        limited: None,
                        was_held: false,
                    },
                    Row::new(),
                ),
            };
            self.entries.push(entry);
            self.rows.push(row);
        }
        self.settle();
    }

    /// Adds an account or replaces the record of a known one.
    pub fn upsert(&mut self, account: Account) {
        let mut accounts: Vec<Account> = self.accounts().cloned().collect();
        match self.place(&account.id) {
            Some(place) => accounts[place] = account,
            None => accounts.push(account),
        }
        self.set_accounts(accounts);
    }

    /// Takes an account out, with its state. Running requests end by themselves. Says whether it was there.
    pub fn remove(&mut self, id: &AccountId) -> bool {
        let Some(place) = self.place(id) else {
            return false;
        };
        self.entries.remove(place);
        self.rows.remove(place);
        self.settle();
        true
    }

    /// The records in ring order.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.entries.iter().map(|entry| &entry.account)
    }

    /// One record.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.place(id).map(|place| &self.entries[place].account)
    }

    /// Everything remembered about one account, for people and for the store.
    pub fn state(&self, id: &AccountId) -> Option<&AccountState> {
        self.place(id).map(|place| &self.entries[place].state)
    }

    /// Puts back what the store kept. Says whether the account is there.
    pub fn restore(&mut self, id: &AccountId, state: AccountState) -> bool {
        let Some(place) = self.place(id) else {
            return false;
        };
        self.entries[place].state = state;
        self.entries[place].limited = Limited::restored(&self.entries[place].state);
        self.seen = None;
        self.derive(place);
        true
    }

    /// Makes an account the active one, because a person chose it (F33). Else only the automatic switch changes it.
    ///
    /// # Errors
    /// [`UnknownAccount`] when the pool has no such account; the active one stays.
    pub fn activate(&mut self, id: &AccountId) -> Result<(), UnknownAccount> {
        if self.place(id).is_none() {
            return Err(UnknownAccount(id.clone()));
        }
        self.active = Some(id.clone());
        self.chosen_by_hand();
        self.side();
        Ok(())
    }

    /// The active account as it was kept over a restart. Nobody chose it now, and one that is gone leaves none.
    pub fn restore_active(&mut self, id: AccountId) {
        self.active = Some(id).filter(|id| self.place(id).is_some());
        self.side();
    }

    /// The active account, if one was chosen and is still there.
    pub fn active(&self) -> Option<&AccountId> {
        self.active.as_ref()
    }

    /// The rotation policy.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Changes the policy that orders accounts of one priority under [`Policy::Priority`]. One that is no order of its own leaves it.
    pub fn set_within_tier(&mut self, policy: Policy) {
        if policy.orders_a_tier() {
            self.within_tier = policy;
        }
    }

    /// The slots of accounts that have no number of their own; `None` is no limit (F114).
    pub fn set_default_slots(&mut self, slots: Option<u32>) {
        if slots != self.default_slots {
            self.default_slots = slots;
            self.settle();
        }
    }

    /// Changes the rotation policy; state, turns and affinity stay.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Tells how far an account's credential carries.
    pub fn set_token(&mut self, id: &AccountId, token: Token) {
        if let Some(place) = self.place(id) {
            self.entries[place].token = token;
            self.derive(place);
        }
    }

    /// Sets the stored standing, for instance after a health check. What [`Status::may_become`] forbids changes nothing.
    pub fn set_status(
        &mut self,
        now: Timestamp,
        id: &AccountId,
        status: Status,
        code: impl Into<Cow<'static, str>>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(place) = self.place(id) {
            self.stand(now, place, status, code.into(), &mut events);
            self.derive(place);
        }
        events
    }

    /// Manual retry: forgets every rest, failure and used-up window, and makes a refused account unknown again.
    pub fn clear(&mut self, now: Timestamp, id: &AccountId) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(place) = self.place(id) else {
            return events;
        };
        let held = self.rows[place].held(now.0).is_some();
        let state = &mut self.entries[place].state;
        state.cooldown = None;
        state.exhausted = None;
        self.entries[place].limited = None;
        let state = &mut self.entries[place].state;
        (
            state.consecutive_failures,
            state.network_failures,
            state.challenges,
            state.refresh_failures,
        ) = (0, 0, 0, 0);
        if let Some(quota) = &mut state.quota {
            for window in [&mut quota.primary, &mut quota.secondary] {
                window.take_if(|w| w.used_percent >= 100.0);
            }
            quota.buckets.retain(|bucket| {
                let windows = [&bucket.primary, &bucket.secondary];
                !windows
                    .into_iter()
                    .flatten()
                    .any(|window| window.used_percent >= 100.0)
            });
        }
        if matches!(
            state.status,
            Status::NeedsLogin | Status::Banned | Status::Attention
        ) {
            self.stand(
                now,
                place,
                Status::Unknown,
                Cow::Borrowed("cleared"),
                &mut events,
            );
        }
        self.derive(place);
        // A rule of the person's own is not forgotten with the failures.
        if held && self.rows[place].held(now.0).is_none() {
            events.push(Event::Recovered { id: id.clone() });
        }
        events
    }

    /// The standing of an account as people see it (F59).
    pub fn health(&self, now: Timestamp, id: &AccountId) -> Option<Health> {
        let place = self.place(id)?;
        let (entry, row) = (&self.entries[place], &self.rows[place]);
        if !entry.account.enabled {
            return Some(Health::Disabled);
        }
        Some(match entry.state.status {
            Status::Banned => Health::Banned,
            Status::NeedsLogin => Health::NeedsLogin,
            status => match (
                row.exhausted_until(now.0),
                row.cooling_until(now.0),
                entry.state.cooldown,
            ) {
                (Some(until), _, _) => Health::Exhausted { until },
                (None, Some(until), Some(cooldown)) => Health::Cooling {
                    until,
                    source: cooldown.source,
                },
                _ => match status {
                    Status::Attention => Health::Attention,
                    Status::Active => Health::Active,
                    _ => Health::Unknown,
                },
            },
        })
    }

    /// Since when every account fails to reach the network, if so (F66).
    pub fn offline(&self) -> Option<Timestamp> {
        self.offline
    }

    /// Drops what time has ended and tells which accounts may serve again. Selection does not depend on it: it compares instants itself.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Event> {
        self.keep_time(now);
        let mut events = Vec::new();
        for place in 0..self.entries.len() {
            let held = self.rows[place].free_at(now.0).is_some();
            let entry = &mut self.entries[place];
            entry.state.cooldown.take_if(|c| c.until <= now);
            entry.state.exhausted.take_if(|e| e.until <= now);
            if std::mem::replace(&mut entry.was_held, held) && !held {
                events.push(Event::Recovered {
                    id: entry.account.id.clone(),
                });
            }
        }
        events
    }

    /// The next instant at which a rest ends, for whoever wakes [`Pool::expire`].
    pub fn next_expiry(&self, now: Timestamp) -> Option<Timestamp> {
        self.rows
            .iter()
            .filter_map(|row| row.free_at(now.0))
            .filter(|at| at.0 != NEVER)
            .min()
    }

    /// Why an account cannot serve this model although its plan has quota left (F67).
    pub(crate) fn model_quota(
        &self,
        now: Timestamp,
        place: usize,
        model: &str,
    ) -> Option<SkipReason> {
        let quota = self.entries[place].state.quota.as_ref()?;
        let until = quota.model_until(now, model)?;
        Some(SkipReason::ModelQuota { until: Some(until) })
    }

    pub(crate) fn place(&self, id: &AccountId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// Changes the stored standing, if that is legal (F59), and tells about it.
    pub(crate) fn stand(
        &mut self,
        now: Timestamp,
        place: usize,
        to: Status,
        code: Cow<'static, str>,
        events: &mut Vec<Event>,
    ) {
        let entry = &mut self.entries[place];
        let from = entry.state.status;
        if from == to || !from.may_become(to) {
            return;
        }
        entry.state.status = to;
        entry.state.reason = Some(Reason { code, at: now });
        let id = &entry.account.id;
        events.push(Event::StatusChanged {
            id: id.clone(),
            from,
            to,
        });
        if to == Status::NeedsLogin {
            events.push(Event::NeedsLogin { id: id.clone() });
        }
    }

    /// Works the row out again after record, state or token changed.
    pub(crate) fn derive(&mut self, place: usize) {
        let entry = &mut self.entries[place];
        let row = &mut self.rows[place];
        row.derive(
            &entry.account,
            &entry.state,
            entry.token,
            row.group,
            entry.burn,
        );
        entry.holds.mark(row);
        row.slots = entry
            .account
            .slots
            .or(self.default_slots)
            .unwrap_or(u32::MAX);
        entry.was_held |=
            entry.state.cooldown.is_some() || entry.state.exhausted.is_some() || row.has_end();
    }

    /// After the list changed: order, places, groups, rows and the model memory.
    pub(crate) fn settle(&mut self) {
        let mut both: Vec<(Entry, Row)> = std::mem::take(&mut self.entries)
            .into_iter()
            .zip(std::mem::take(&mut self.rows))
            .collect();
        both.sort_by_key(|(entry, _)| entry.account.position);
        let mut seen = std::collections::HashSet::new();
        both.retain(|(entry, _)| seen.insert(entry.account.id.clone()));
        (self.entries, self.rows) = both.into_iter().unzip();
        self.places = self
            .entries
            .iter()
            .enumerate()
            .map(|(place, entry)| (entry.account.id.clone(), place))
            .collect();
        if self
            .active
            .as_ref()
            .is_some_and(|id| !self.places.contains_key(id))
        {
            self.active = None;
        }
        self.side();
        self.groups.clear();
        for place in 0..self.entries.len() {
            self.rows[place].group = self.group_place(place);
            self.derive(place);
        }
        self.count_groups();
        self.models
            .reset(self.entries.iter().map(|entry| &entry.account));
    }

    /// Whose turn it is, simulated accounts' or the others': they never serve in each other's place.
    fn side(&mut self) {
        let active = self.active.as_ref().and_then(|id| self.place(id));
        self.simulated = match active {
            Some(place) => self.entries[place].account.demo,
            None => !self.entries.is_empty() && self.entries.iter().all(|e| e.account.demo),
        };
    }

    /// The lasting reason of an account, if any: what F66 leaves out of "all accounts".
    pub(crate) fn barred(&self, place: usize) -> Option<SkipReason> {
        self.rows[place].barred
    }
}

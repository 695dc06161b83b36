//! The choice: one pass over the rows gives every account either a reason to skip it or a place in the order (F32–F37, F101).
//!
//! Learns nothing; what an attempt taught is told through `report`. Called by the gateway before each attempt and by `switchyard explain`.

use crate::models::{Match, Matches, Wanted, match_all};
use crate::row::Row;
use crate::{
    AccountId, Ask, Chosen, Format, NoCandidate, NoCandidateKind, Policy, Pool, SkipReason,
    Skipped, Timestamp, Why,
};

/// The order of candidates: smaller goes first, equal ones in ring order. Tier, format, priority, then what the policy says.
type Key = (u8, u8, u32, u64, u64, u64, i64);

const TIER_ACTIVE: u8 = 0;
const TIER_AFFINITY: u8 = 1;
const TIER_LATEST_SUCCESS: u8 = 2;
const TIER_POLICY: u8 = 3;

/// What one ask means against this pool, looked up once before the pass.
struct Pass<'a> {
    pool: &'a Pool,
    now: i64,
    ranks: [Option<u8>; Format::COUNT],
    matches: Option<&'a Matches>,
    pinned: Option<Option<usize>>,
    tried: Vec<usize>,
    affinity: Option<usize>,
    active: Option<usize>,
    last_attempt: bool,
    direct_only: bool,
}

impl<'a> Pass<'a> {
    fn new(pool: &'a Pool, now: Timestamp, ask: &Ask<'_>, matches: Option<&'a Matches>) -> Self {
        let mut ranks = [None; Format::COUNT];
        for (rank, format) in ask.formats.iter().enumerate().rev() {
            ranks[*format as usize] = Some(u8::try_from(rank).unwrap_or(u8::MAX));
        }
        let seat = [ask.continues, ask.session]
            .into_iter()
            .flatten()
            .find_map(|key| pool.affinity.get(now, key));
        Self {
            pool,
            now: now.0,
            ranks,
            matches,
            pinned: ask.pinned.map(|id| pool.place(id)),
            tried: ask.tried.iter().filter_map(|id| pool.place(id)).collect(),
            affinity: seat.and_then(|id| pool.place(id)),
            active: pool.active.as_ref().and_then(|id| pool.place(id)),
            last_attempt: ask.last_attempt,
            direct_only: ask.direct_only,
        }
    }

    /// A place in the order, or why there is none. What never ends comes before what time ends, and that before what other requests end,
    /// so that the reason told is the one to act on.
    fn judge(&self, place: usize, row: &Row) -> Result<Key, SkipReason> {
        if row.barred == Some(SkipReason::Disabled) {
            return Err(SkipReason::Disabled);
        }
        if self.pinned.is_some_and(|pinned| pinned != Some(place)) {
            return Err(SkipReason::NotPinned);
        }
        if row.demo != self.pool.simulated && self.pinned.is_none() {
            return Err(SkipReason::OtherSide);
        }
        let Some(rank) = self.rank(row) else {
            return Err(SkipReason::FormatCannotServe);
        };
        // F88, F101: only sign-ins are translated for, and a relay of another format does not step in.
        if self.direct_only && rank > 0 && self.pool.entries[place].account.kind.is_key() {
            return Err(SkipReason::FormatCannotServe);
        }
        match self
            .matches
            .map_or(Match::Serves, |matches| matches.of(place))
        {
            Match::Serves => {}
            Match::NotAllowed => return Err(SkipReason::ModelNotAllowed),
            Match::NotOffered => return Err(SkipReason::ModelNotOffered),
        }
        if let Some(reason) = row.barred {
            return Err(reason);
        }
        if let Some(reason) = row.held(self.now) {
            return Err(reason);
        }
        if self.tried.contains(&place) {
            return Err(SkipReason::AlreadyTried);
        }
        if self
            .pool
            .groups
            .get(row.group as usize)
            .is_some_and(|group| group.in_use >= group.limit)
        {
            return Err(SkipReason::GroupFull);
        }
        if row.in_use >= row.slots {
            return Err(SkipReason::NoFreeSlot);
        }
        Ok(self.key(place, row, rank))
    }

    /// The place of its best format among those that can serve; `None` when none of its formats can.
    fn rank(&self, row: &Row) -> Option<u8> {
        let own = self.ranks[row.format as usize];
        if row.also == 0 {
            return own;
        }
        let also = (0..Format::COUNT).filter(|place| row.also >> place & 1 == 1);
        also.filter_map(|place| self.ranks[place]).chain(own).min()
    }

    fn key(&self, place: usize, row: &Row, rank: u8) -> Key {
        let active_mode = self.pool.policy == Policy::ActiveAccount;
        // F33: all traffic on the active account, so not even a conversation that was elsewhere stays there once it can serve.
        if active_mode && self.active == Some(place) {
            return (TIER_ACTIVE, 0, 0, 0, 0, 0, 0);
        }
        if self.affinity == Some(place) {
            return (TIER_AFFINITY, 0, 0, 0, 0, 0, 0);
        }
        if self.last_attempt && row.last_success != i64::MIN {
            return (
                TIER_LATEST_SUCCESS,
                0,
                0,
                0,
                0,
                0,
                row.last_success.saturating_neg(),
            );
        }
        let priority = if active_mode { 0 } else { row.priority };
        let (a, b, c, d) = match self.pool.policy {
            Policy::ActiveAccount => (self.ring_distance(place), 0, 0, 0),
            // Who is behind gets no more than its turn of this round: one long away does not catch up at the cost of the others.
            Policy::RoundRobin => (
                row.turn.max(self.pool.round),
                row.turn,
                row.primary_share(self.now).into(),
                0,
            ),
            Policy::MostHeadroom => (
                row.max_share(self.now).into(),
                row.earliest_reset(self.now).max(0).unsigned_abs(),
                row.used_order,
                row.last_used,
            ),
            Policy::LeastRecentlyUsed => (row.used_order, 0, 0, row.last_used),
            Policy::FillFirst => (0, 0, 0, 0),
        };
        (TIER_POLICY, rank, priority, a, b, c, d)
    }

    /// F44: how far after the active account in ring order; without one the ring starts at the top.
    fn ring_distance(&self, place: usize) -> u64 {
        let size = self.pool.rows.len();
        match self.active {
            Some(active) => ((place + size - active) % size) as u64,
            None => place as u64 + 1,
        }
    }

    fn why(&self, place: usize, tier: u8) -> Why {
        match tier {
            _ if self.pinned.is_some() => Why::Pinned,
            TIER_ACTIVE => Why::Active,
            TIER_AFFINITY => Why::Affinity,
            TIER_LATEST_SUCCESS => Why::LatestSuccess,
            _ => match self.pool.policy {
                Policy::ActiveAccount if self.active == Some(place) => Why::Active,
                Policy::ActiveAccount => Why::NextInRing,
                Policy::RoundRobin => Why::Turn,
                Policy::MostHeadroom => Why::MostHeadroom,
                Policy::LeastRecentlyUsed => Why::LeastRecentlyUsed,
                Policy::FillFirst => Why::First,
            },
        }
    }
}

impl Pool {
    /// Chooses the account for the next attempt, takes one of its slots and stamps it as used: one atomic decision.
    ///
    /// # Errors
    /// [`NoCandidate`] with the reason of every account; nothing is taken or stamped.
    pub fn select(&mut self, now: Timestamp, ask: &Ask<'_>) -> Result<Chosen, NoCandidate> {
        self.guard_slots(now);
        let wanted = Wanted::from(ask);
        self.models
            .prepare(wanted, self.entries.iter().map(|entry| &entry.account));
        self.switch_before(now, wanted);
        let pass = Pass::new(self, now, ask, self.models.get(wanted));
        let mut best: Option<(Key, usize)> = None;
        let mut skipped: Vec<(usize, SkipReason)> = Vec::new();
        for (place, row) in self.rows.iter().enumerate() {
            match pass.judge(place, row) {
                Ok(key) if best.as_ref().is_none_or(|(first, _)| key < *first) => {
                    best = Some((key, place))
                }
                Ok(_) => {}
                Err(reason) => skipped.push((place, reason)),
            }
        }
        let Some((key, index)) = best else {
            return Err(self.nobody(&skipped));
        };
        let chosen = Chosen {
            id: self.entries[index].account.id.clone(),
            index,
            why: pass.why(index, key.0),
            skipped: skipped
                .into_iter()
                .map(|(place, reason)| (self.entries[place].account.id.clone(), reason))
                .collect(),
        };
        let round = (key.0 == TIER_POLICY && self.policy == Policy::RoundRobin).then_some(key.3);
        self.take(now, index, round);
        if let Some(session) = ask.session {
            self.seat(now, session, &chosen.id);
        }
        Ok(chosen)
    }

    /// The order in which the accounts would be tried for `ask`, and why the others would not, in ring order. Takes nothing; an automatic
    /// switch that would come first is thought of.
    pub fn explain(
        &self,
        now: Timestamp,
        ask: &Ask<'_>,
    ) -> Vec<(AccountId, Result<usize, SkipReason>)> {
        let matches = match_all(
            Wanted::from(ask),
            self.entries.iter().map(|entry| &entry.account),
        );
        let pass = Pass {
            active: self.active_next(now, &matches),
            ..Pass::new(self, now, ask, Some(&matches))
        };
        let judged: Vec<Result<Key, SkipReason>> = self
            .rows
            .iter()
            .enumerate()
            .map(|(place, row)| pass.judge(place, row))
            .collect();
        let mut order: Vec<(Key, usize)> = judged
            .iter()
            .enumerate()
            .filter_map(|(place, judgement)| judgement.ok().map(|key| (key, place)))
            .collect();
        order.sort_unstable();
        let mut told: Vec<(AccountId, Result<usize, SkipReason>)> = self
            .accounts()
            .zip(judged)
            .map(|(account, judgement)| (account.id.clone(), judgement.map(|_| 0)))
            .collect();
        for (rank, (_, place)) in order.into_iter().enumerate() {
            told[place].1 = Ok(rank);
        }
        told
    }

    fn take(&mut self, now: Timestamp, place: usize, round: Option<u64>) {
        self.selections += 1;
        let row = &mut self.rows[place];
        row.in_use += 1;
        row.last_used = now.0;
        row.last_traffic = now.0;
        row.used_order = self.selections;
        if let Some(turn) = round {
            row.turn = turn + 1;
            self.round = turn;
        }
        if let Some(group) = self.groups.get_mut(row.group as usize) {
            group.in_use += 1;
        }
        let state = &mut self.entries[place].state;
        state.last_used = Some(now);
        state.counters.requests += 1;
    }

    fn nobody(&self, skipped: &[(usize, SkipReason)]) -> NoCandidate {
        let told = skipped.iter().map(|(place, reason)| {
            let account = &self.entries[*place].account;
            Skipped {
                id: account.id.clone(),
                label: account.label.clone(),
                reason: *reason,
            }
        });
        NoCandidate {
            skipped: told.collect(),
            kind: common_kind(skipped.iter().map(|(_, reason)| *reason)),
            soonest: skipped
                .iter()
                .filter_map(|(_, reason)| reason.until())
                .min(),
        }
    }
}

/// What the reasons have in common. Accounts that could never serve this request (switched off, not pinned, other models, other formats)
/// count only when there are no others.
fn common_kind(reasons: impl Iterator<Item = SkipReason>) -> NoCandidateKind {
    let (mut model, mut quota, mut busy, mut other) = (0_usize, 0_usize, 0_usize, 0_usize);
    for reason in reasons {
        match reason {
            SkipReason::Disabled | SkipReason::NotPinned | SkipReason::OtherSide => {}
            SkipReason::FormatCannotServe
            | SkipReason::ModelNotAllowed
            | SkipReason::ModelNotOffered => model += 1,
            SkipReason::Exhausted { .. }
            | SkipReason::Reserved { .. }
            | SkipReason::RateLimited { .. } => quota += 1,
            SkipReason::NoFreeSlot | SkipReason::GroupFull => busy += 1,
            SkipReason::Banned
            | SkipReason::NeedsLogin
            | SkipReason::NoCredential
            | SkipReason::Cooling { .. }
            | SkipReason::AlreadyTried => other += 1,
        }
    }
    match (model, quota, busy, other) {
        (0, 0, 0, 0) => NoCandidateKind::Empty,
        (_, 0, 0, 0) => NoCandidateKind::Model,
        (_, _, 0, 0) => NoCandidateKind::Quota,
        (_, 0, _, 0) => NoCandidateKind::Busy,
        _ => NoCandidateKind::Mixed,
    }
}

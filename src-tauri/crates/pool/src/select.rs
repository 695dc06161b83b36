//! The choice: one pass over the rows gives every account either a reason to skip it or a place in the order (F32, F67, F114, F115).
//!
//! The order itself is in `order`. Learns nothing; what an attempt taught is told through `report`. Called by the gateway before each attempt and by `switchyard explain`.

use crate::models::{Match, Matches, Wanted};
use crate::order::{Key, Tier};
use crate::row::Row;
use crate::{
    Ask, Capability, Chosen, Format, NoCandidate, NoCandidateKind, Policy, Pool, SkipReason,
    Skipped, Timestamp,
};

/// What one ask means against this pool, looked up once before the pass.
pub(crate) struct Pass<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) now: i64,
    ranks: [Option<u8>; Format::COUNT],
    matches: Option<&'a Matches>,
    pub(crate) pinned: Option<Option<usize>>,
    tried: Vec<usize>,
    model: &'a str,
    /// The group of the account whose slot the request still holds.
    holding: Option<u32>,
    pub(crate) affinity: Option<usize>,
    pub(crate) active: Option<usize>,
    pub(crate) last_attempt: bool,
    direct_only: bool,
    needs: Capability,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(
        pool: &'a Pool,
        now: Timestamp,
        ask: &Ask<'a>,
        matches: Option<&'a Matches>,
    ) -> Self {
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
            // Buckets are a matter of sign-ins, which read suffixes.
            model: ask.native.unwrap_or(ask.model),
            holding: ask
                .holding
                .and_then(|id| pool.place(id))
                .map(|place| pool.rows[place].group),
            affinity: seat.and_then(|id| pool.place(id)),
            active: pool.active.as_ref().and_then(|id| pool.place(id)),
            last_attempt: ask.last_attempt,
            direct_only: ask.direct_only,
            needs: ask.needs,
        }
    }

    /// A place in the order, or why there is none. What never ends comes before what time ends, and that before what other requests end,
    /// so that the reason told is the one to act on.
    pub(crate) fn judge(&self, place: usize, row: &Row) -> Result<Key, SkipReason> {
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
        if !row.can(self.needs) {
            return Err(SkipReason::LacksCapability);
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
        if row.bucket_until > self.now
            && let Some(reason) = self
                .pool
                .model_quota(Timestamp(self.now), place, self.model)
        {
            return Err(reason);
        }
        if row.model_holds
            && let Some(reason) = self.pool.entries[place]
                .holds
                .of_model(self.now, self.model)
        {
            return Err(reason);
        }
        if self.tried.contains(&place) {
            return Err(SkipReason::AlreadyTried);
        }
        if let Some(group) = self.pool.groups.get(row.group as usize) {
            // F115: who holds a place of the group may swap it, also when the group is full.
            let own = u32::from(self.holding == Some(row.group));
            if group.in_use.saturating_sub(own) >= group.limit {
                return Err(SkipReason::GroupFull);
            }
        }
        if row.in_use >= row.slots {
            return Err(SkipReason::NoFreeSlot);
        }
        if row.next_start > self.now {
            return Err(SkipReason::Spaced {
                until: Timestamp(row.next_start),
            });
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
}

impl Pool {
    /// Chooses the account for the next attempt, takes one of its slots and stamps it as used: one atomic decision.
    ///
    /// # Errors
    /// [`NoCandidate`] with the reason of every account; nothing is taken or stamped.
    pub fn select(&mut self, now: Timestamp, ask: &Ask<'_>) -> Result<Chosen, NoCandidate> {
        self.keep_time(now);
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
            why: pass.why(index, key.tier),
            skipped: skipped
                .into_iter()
                .map(|(place, reason)| (self.entries[place].account.id.clone(), reason))
                .collect(),
        };
        let turns = key.tier == Tier::Policy && pass.inner_policy() == Policy::RoundRobin;
        let round = turns.then_some(key.first);
        self.take(now, index, round);
        if let Some(session) = ask.session {
            self.seat(now, session, &chosen.id);
        }
        Ok(chosen)
    }

    fn take(&mut self, now: Timestamp, place: usize, round: Option<u64>) {
        self.selections += 1;
        let row = &mut self.rows[place];
        row.in_use += 1;
        row.requests += 1;
        row.next_start = self.spacing.next(now, self.selections);
        row.last_used = now.0;
        row.last_traffic = now.0;
        row.used_order = self.selections;
        if let Some(turn) = round {
            row.take_turn(turn, self.turn_length);
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
            | SkipReason::LacksCapability
            | SkipReason::ModelNotAllowed
            | SkipReason::ModelNotOffered => model += 1,
            SkipReason::Exhausted { .. }
            | SkipReason::Reserved { .. }
            | SkipReason::ModelQuota { .. }
            | SkipReason::UsageLimit { .. }
            | SkipReason::BalanceLow
            | SkipReason::RateLimited { .. } => quota += 1,
            SkipReason::NoFreeSlot | SkipReason::GroupFull | SkipReason::Spaced { .. } => busy += 1,
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

//! Holds: what the person's own rules keep from serving, whatever the provider would still give: a usage limit that is reached (F72), a
//! balance at or below its threshold (F112).
//!
//! Not a cooldown or an exhaustion: those are learnt from answers. Set and lifted by the engine, which counts and asks; selection reads
//! the row. Not kept over a restart: the engine sets them anew from what it counted.

use crate::row::{NEVER, PAST, Row};
use crate::words::words;
use crate::{AccountId, Event, Pool, SkipReason, Timestamp};

words! {
    /// Why an account, or one model of it, is held.
    pub enum HoldReason ("hold reason") {
        /// A usage limit of the person's is reached (F72).
        UsageLimit = "usage_limit",
        /// Its balance is at or below its threshold (F112).
        BalanceLow = "balance_low",
    }
}

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Only this model: its exact name, or a beginning followed by `*`; `None` is the whole account.
    pub model: Option<String>,
    /// First instant at which time alone lifts it; `None` is until it is lifted.
    pub until: Option<Timestamp>,
}

impl Hold {
    /// The whole account.
    pub const fn whole(until: Option<Timestamp>) -> Self {
        Self { model: None, until }
    }

    fn end(&self) -> i64 {
        self.until.map_or(NEVER, |at| at.0)
    }

    fn names(&self, model: &str) -> bool {
        self.model.as_deref().is_some_and(|pattern| {
            pattern == model
                || pattern
                    .strip_suffix('*')
                    .is_some_and(|prefix| model.starts_with(prefix))
        })
    }
}

/// The holds of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holds(Vec<(HoldReason, Hold)>);

impl Holds {
    /// Into the row: when each reason's last hold on the whole account ends, and whether single models are held.
    pub(crate) fn mark(&self, row: &mut Row) {
        let end = |reason: HoldReason| {
            let whole = self
                .0
                .iter()
                .filter(|(r, h)| *r == reason && h.model.is_none());
            whole.map(|(_, hold)| hold.end()).max().unwrap_or(PAST)
        };
        row.limited_until = end(HoldReason::UsageLimit);
        row.low_until = end(HoldReason::BalanceLow);
        row.model_holds = self.0.iter().any(|(_, hold)| hold.model.is_some());
    }

    /// What holds one model of the account.
    pub(crate) fn of_model(&self, now: i64, model: &str) -> Option<SkipReason> {
        let held = self.0.iter().filter(|(_, hold)| hold.names(model));
        let (reason, end) = held
            .map(|(reason, hold)| (*reason, hold.end()))
            .max_by_key(|(_, end)| *end)
            .filter(|(_, end)| *end > now)?;
        Some(skip(reason, end))
    }
}

/// A hold as the reason to pass the account over.
pub(crate) fn skip(reason: HoldReason, end: i64) -> SkipReason {
    match reason {
        HoldReason::UsageLimit => SkipReason::UsageLimit {
            until: (end != NEVER).then_some(Timestamp(end)),
        },
        HoldReason::BalanceLow => SkipReason::BalanceLow,
    }
}

impl Pool {
    /// Puts these holds in the place of all that the account had for this reason; none lifts them. Acts on the next selection. Tells when
    /// the whole account became held, and when it is free again.
    pub fn set_holds(
        &mut self,
        now: Timestamp,
        id: &AccountId,
        reason: HoldReason,
        holds: Vec<Hold>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(place) = self.place(id) else {
            return events;
        };
        let held = |row: &Row| match reason {
            HoldReason::UsageLimit => row.limited_until > now.0,
            HoldReason::BalanceLow => row.low_until > now.0,
        };
        let before = (held(&self.rows[place]), self.rows[place].held(now.0));
        let kept = &mut self.entries[place].holds.0;
        kept.retain(|(other, _)| *other != reason);
        kept.extend(holds.into_iter().map(|hold| (reason, hold)));
        self.derive(place);
        match (before.0, held(&self.rows[place])) {
            (false, true) => events.push(Event::Held {
                id: id.clone(),
                reason,
            }),
            (true, false) if before.1.is_some() && self.rows[place].held(now.0).is_none() => {
                self.entries[place].was_held = false;
                events.push(Event::Recovered { id: id.clone() });
            }
            _ => {}
        }
        events
    }

    /// The holds of one account, in the order they were set.
    pub fn holds(&self, id: &AccountId) -> &[(HoldReason, Hold)] {
        self.place(id)
            .map_or(&[], |place| self.entries[place].holds.0.as_slice())
    }
}

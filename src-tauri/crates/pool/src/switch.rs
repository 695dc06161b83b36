//! Which account should become the active one when the present one is used up (F44, F45).
//!
//! Only names it: whether and when to switch, and the switch itself, are the engine's. Selection within a request does not ask here.

use crate::{Account, AccountId, Availability, Pool, Timestamp};

/// The settings of the automatic switch.
#[derive(Debug, Clone, Copy)]
pub struct SwitchRule<'a> {
    /// The account another program uses by itself; it comes last (F44).
    pub avoid: Option<&'a AccountId>,
    /// Whether accounts whose quota is unknown may follow when none is known to be available.
    pub unknown_too: bool,
    /// Whether the lowest used share goes before the ring order.
    pub lowest_use_first: bool,
}

impl Default for SwitchRule<'_> {
    fn default() -> Self {
        Self {
            avoid: None,
            unknown_too: true,
            lowest_use_first: false,
        }
    }
}

impl Pool {
    /// The account to switch to from the active one, if there is one (F44). An active account excluded from switching stays (F45).
    pub fn successor(&self, now: Timestamp, rule: &SwitchRule<'_>) -> Option<AccountId> {
        let active = self.active.as_ref().and_then(|id| self.place(id));
        let current: Option<&Account> = active.map(|place| &self.entries[place].account);
        if current.is_some_and(|account| account.excluded) {
            return None;
        }
        let size = self.entries.len();
        let ranked = self
            .entries
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| {
                let (account, row) = (&entry.account, &self.rows[place]);
                let same_kind = current.is_none_or(|current| current.kind == account.kind);
                if Some(place) == active
                    || account.excluded
                    || !same_kind
                    || row.barred.is_some()
                    || row.held(now.0).is_some()
                {
                    return None;
                }
                let quota = entry.state.quota.as_ref();
                let unknown =
                    match quota.map_or(Availability::Unknown, |quota| quota.availability(now)) {
                        Availability::Available => false,
                        Availability::Unknown if rule.unknown_too => true,
                        _ => return None,
                    };
                let share = row.max_share(now.0);
                let distance = active.map_or(place + 1, |active| (place + size - active) % size);
                let leading_share = if rule.lowest_use_first { share } else { 0 };
                let captured = quota.map_or(now, |quota| quota.captured_at);
                let avoided = rule.avoid == Some(&account.id);
                Some((
                    unknown,
                    avoided,
                    leading_share,
                    distance,
                    share,
                    captured,
                    place,
                ))
            });
        ranked
            .min()
            .map(|best| self.entries[best.6].account.id.clone())
    }
}

//! Which account a conversation was served by last (F38): a bounded memory, oldest use forgotten first.
//!
//! Knows nothing of candidates; `select` asks it and decides.

use crate::{AccountId, AccountKind, Format, Pool, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Most conversations remembered.
pub const AFFINITY_ENTRIES: usize = 5_000;
/// How long a conversation is remembered after its last request.
pub const AFFINITY_LIFE: Duration = Duration::from_secs(4 * 3_600);

#[derive(Debug, Clone)]
struct Seat {
    account: AccountId,
    last: Timestamp,
    turn: u64,
}

/// Conversation → account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Affinity {
    seats: HashMap<Arc<str>, Seat>,
    /// Turn of last use → conversation, so that the oldest is found at once.
    order: BTreeMap<u64, Arc<str>>,
    turn: u64,
}

impl Affinity {
    /// The account of a conversation that is still remembered.
    pub(crate) fn get(&self, now: Timestamp, session: &str) -> Option<&AccountId> {
        let seat = self.seats.get(session)?;
        (now.since(seat.last) < AFFINITY_LIFE).then_some(&seat.account)
    }

    /// Remembers that `account` serves the conversation now.
    pub(crate) fn remember(&mut self, now: Timestamp, session: &str, account: &AccountId) {
        self.turn += 1;
        if let Some(seat) = self.seats.get_mut(session) {
            if let Some(key) = self.order.remove(&seat.turn) {
                self.order.insert(self.turn, key);
            }
            seat.turn = self.turn;
            seat.last = now;
            if seat.account != *account {
                seat.account = account.clone();
            }
            return;
        }
        while self.seats.len() >= AFFINITY_ENTRIES {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.seats.remove(&oldest);
        }
        let key: Arc<str> = Arc::from(session);
        self.order.insert(self.turn, Arc::clone(&key));
        self.seats.insert(
            key,
            Seat {
                account: account.clone(),
                last: now,
                turn: self.turn,
            },
        );
    }
}

impl Pool {
    /// The account that served a conversation, or gave the answer it continues, if that is still remembered (F38).
    pub fn seat_of(&self, now: Timestamp, session: &str) -> Option<&AccountId> {
        let id = self.affinity.get(now, session)?;
        self.place(id).map(|_| id)
    }

    /// Remembers that a conversation, or an answer by its id, is at home on this account, where it keeps something for it (F38: off for key
    /// accounts without state).
    pub fn seat(&mut self, now: Timestamp, session: &str, id: &AccountId) {
        let Some(account) = self.account(id) else {
            return;
        };
        let keeps = account.kind == AccountKind::CodexOauth
            || matches!(account.format, Format::Codex | Format::Responses);
        if keeps {
            self.affinity.remember(now, session, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F38: bounded, and the one unused for longest goes first.
    #[test]
    fn the_oldest_is_forgotten() {
        let mut affinity = Affinity::default();
        let (now, a, b) = (Timestamp(0), AccountId::from("a"), AccountId::from("b"));
        for n in 0..AFFINITY_ENTRIES {
            affinity.remember(now, &n.to_string(), &a);
        }
        affinity.remember(now, "0", &b);
        for n in 0..10 {
            affinity.remember(now, &format!("new {n}"), &a);
        }
        assert_eq!(
            (affinity.seats.len(), affinity.order.len()),
            (AFFINITY_ENTRIES, AFFINITY_ENTRIES)
        );
        assert_eq!(affinity.get(now, "0"), Some(&b));
        assert_eq!(affinity.get(now, "10"), None);
        assert_eq!(affinity.get(now, "11"), Some(&a));
    }
}

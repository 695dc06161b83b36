//! Turns of the round robin (F34) and how long one is: many keys of one provider take turns of several requests each (F94).
//!
//! Which candidate is next is the order's affair (`order`). Called by `select`, and by the engine, which keeps where the turns stand.

use crate::row::Row;
use crate::{AccountId, Pool};

/// Where one account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Whole turns it has had, together with those it has missed.
    pub taken: u64,
    /// Requests of the turn it is in.
    pub within: u64,
}

impl Row {
    /// Among those of one round: who is in the middle of its turn, then who has had the fewest.
    pub(crate) fn turn_order(&self) -> u64 {
        match self.in_turn {
            0 => self.turn + 1,
            _ => 0,
        }
    }

    /// One request of the round `turn`.
    pub(crate) fn take_turn(&mut self, turn: u64, length: u64) {
        self.in_turn += 1;
        if self.in_turn >= length {
            (self.turn, self.in_turn) = (turn + 1, 0);
        }
    }
}

impl Pool {
    /// Requests in a row on one account under the round robin; 0 is 1.
    pub fn set_turn_length(&mut self, requests: u64) {
        self.turn_length = requests;
    }

    /// Where the accounts stand, for whoever keeps it over a restart. Nothing where a turn is one request: nobody would notice.
    pub fn turns(&self) -> Vec<(AccountId, Turn)> {
        let rows = self.entries.iter().zip(&self.rows);
        let turn = |row: &Row| Turn {
            taken: row.turn,
            within: row.in_turn,
        };
        rows.filter(|_| self.turn_length > 1)
            .map(|(entry, row)| (entry.account.id.clone(), turn(row)))
            .collect()
    }

    /// Puts an account back where it stood.
    pub fn restore_turn(&mut self, id: &AccountId, turn: Turn) {
        if let Some(place) = self.place(id) {
            let row = &mut self.rows[place];
            (row.turn, row.in_turn) = (turn.taken, turn.within);
            // Who comes new begins with this round, not with all those before.
            let begun = turn.taken.saturating_sub(u64::from(turn.within == 0));
            self.round = self.round.max(begun);
        }
    }
}

//! Models of one key account that take turns, and accounts that do (F94): where they stand, kept over restarts.
//!
//! A turn itself is taken in `upstream::Turns` and in `pool`, request by request; here is only which account has a list and how far all have
//! come.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use pool::{AccountId, Pool, Turn};
use store::{AccountRow, Store, StoreError};
use upstream::Turns;

use crate::account_options::AccountOptions;
use crate::compose::Engine;

/// The `meta` key of the counts, a JSON object by account id.
const KEPT: &str = "model_turns";

/// The `meta` key of the accounts' own turns: by id, whole turns and requests of the next one.
const KEPT_ACCOUNTS: &str = "account_turns";

/// The lists in use, by account id.
#[derive(Debug, Default)]
pub(crate) struct AllTurns {
    lists: Mutex<HashMap<String, Arc<Turns>>>,
    /// What was kept at the last start, for lists not asked for yet.
    before: BTreeMap<String, u64>,
    /// As last written.
    written: Mutex<BTreeMap<String, u64>>,
    /// The accounts' own turns, as last written.
    accounts: Mutex<BTreeMap<String, (u64, u64)>>,
}

impl AllTurns {
    /// Reads where the lists stood, and tells the pool where its accounts did.
    pub(crate) fn load(store: &Store, pool: &mut Pool) -> Result<Self, StoreError> {
        let text = store.meta(KEPT_ACCOUNTS)?.unwrap_or_default();
        let accounts: BTreeMap<String, (u64, u64)> =
            serde_json::from_str(&text).unwrap_or_default();
        for (id, (taken, within)) in &accounts {
            let turn = Turn {
                taken: *taken,
                within: *within,
            };
            pool.restore_turn(&AccountId::from(id.as_str()), turn);
        }
        let text = store.meta(KEPT)?.unwrap_or_default();
        // Unreadable counts are no more than a turn in the wrong order.
        let before: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            lists: Mutex::default(),
            written: Mutex::new(before.clone()),
            before,
            accounts: Mutex::new(accounts),
        })
    }

    /// The accounts' own turns, if they have changed since they were written.
    fn moved(&self, turns: Vec<(AccountId, Turn)>) -> Option<BTreeMap<String, (u64, u64)>> {
        if turns.is_empty() {
            return None;
        }
        let now: BTreeMap<String, (u64, u64)> = turns
            .into_iter()
            .map(|(id, turn)| (id.to_string(), (turn.taken, turn.within)))
            .collect();
        let mut written = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        (*written != now).then(|| {
            written.clone_from(&now);
            now
        })
    }

    /// The list of an account, going on where it was; a changed list begins anew.
    pub(crate) fn of(&self, row: &AccountRow) -> Option<Arc<Turns>> {
        let wanted = AccountOptions::of(row).turns?;
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lists.get(&row.id);
        if let Some(turns) = known.filter(|turns| turns.is(&wanted.models, wanted.every)) {
            return Some(turns.clone());
        }
        let before = match known {
            Some(_) => 0,
            None => self.before.get(&row.id).copied().unwrap_or(0),
        };
        let turns = Arc::new(Turns::new(wanted.models, wanted.every, before));
        lists.insert(row.id.clone(), turns.clone());
        Some(turns)
    }

    /// The counts, if they have changed since they were written.
    fn changed(&self) -> Option<BTreeMap<String, u64>> {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.before.clone();
        counts.extend(lists.iter().map(|(id, turns)| (id.clone(), turns.used())));
        drop(lists);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        (*written != counts).then(|| {
            written.clone_from(&counts);
            counts
        })
    }
}

impl Engine {
    /// Writes where lists and accounts stand, where that has changed.
    pub(crate) async fn keep_turns(&self) {
        let lists = self.turns.changed();
        let accounts = self.turns.moved(self.pool.with(|pool| pool.turns()));
        let lists = lists.and_then(|counts| serde_json::to_string(&counts).ok());
        let accounts = accounts.and_then(|counts| serde_json::to_string(&counts).ok());
        for (key, text) in [(KEPT, lists), (KEPT_ACCOUNTS, accounts)] {
            let Some(text) = text else {
                continue;
            };
            if let Err(error) = self
                .stored(move |store| store.set_meta(key, Some(&text)))
                .await
            {
                tracing::warn!(%error, "the turns could not be kept");
            }
        }
    }
}

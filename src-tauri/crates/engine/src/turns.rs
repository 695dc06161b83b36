//! Models of one key account that take turns (F94): where each list stands, kept over restarts.
//!
//! The turn itself is taken in `upstream::Turns`, request by request; here is only which account has a list and how far it has come.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use store::{AccountRow, Store, StoreError};
use upstream::Turns;

use crate::account_options::AccountOptions;
use crate::compose::Engine;

/// The `meta` key of the counts, a JSON object by account id.
const KEPT: &str = "model_turns";

/// The lists in use, by account id.
#[derive(Debug, Default)]
pub(crate) struct AllTurns {
    lists: Mutex<HashMap<String, Arc<Turns>>>,
    /// What was kept at the last start, for lists not asked for yet.
    before: BTreeMap<String, u64>,
    /// As last written.
    written: Mutex<BTreeMap<String, u64>>,
}

impl AllTurns {
    /// Reads where the lists stood.
    pub(crate) fn load(store: &Store) -> Result<Self, StoreError> {
        let text = store.meta(KEPT)?.unwrap_or_default();
        // Unreadable counts are no more than a turn in the wrong order.
        let before: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self {
            lists: Mutex::default(),
            written: Mutex::new(before.clone()),
            before,
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
    /// Writes where the lists stand, where that has changed.
    pub(crate) async fn keep_turns(&self) {
        let Some(counts) = self.turns.changed() else {
            return;
        };
        let text = serde_json::to_string(&counts).unwrap_or_default();
        if let Err(error) = self
            .stored(move |store| store.set_meta(KEPT, Some(&text)))
            .await
        {
            tracing::warn!(%error, "the turns of models could not be kept");
        }
    }
}

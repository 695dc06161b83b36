//! Changes of the active account as a history (F48): who left, who came, why, and the way back.

use std::sync::Arc;

use pool::{AccountId, Timestamp};
use store::SwitchRow;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::views::AccountView;

/// One change of the active account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchView {
    /// When.
    pub at: Timestamp,
    /// Id and label then of the account left, if there was one.
    pub from: Option<(String, String)>,
    /// Id and label then of the account chosen.
    pub to: (String, String),
    /// Why, as a code: `manual`, `undo`, or what an automatic switch names.
    pub reason: String,
    /// Nobody clicked.
    pub automatic: bool,
    /// The account that the local Codex CLI uses would have come first, and was passed over (F48).
    pub avoided: bool,
    /// When the account left is usable again, as known then.
    pub back_at: Option<Timestamp>,
}

/// What is noted of a change beside the account chosen.
pub(crate) struct Noted<'a> {
    pub from: Option<&'a AccountId>,
    pub reason: &'a str,
    pub automatic: bool,
    pub avoided: bool,
    /// `None`: what is known of the account left now.
    pub back_at: Option<Timestamp>,
}

impl Engine {
    /// The newest changes, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn switches(&self, limit: u32) -> Result<Vec<SwitchView>, EngineError> {
        let rows = self.stored(move |store| store.switches(limit)).await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// Makes the account active again that the last change left.
    ///
    /// # Errors
    /// When there is no change to take back, or that account is gone or switched off.
    pub async fn undo_switch(&self) -> Result<AccountView, EngineError> {
        let last = self.switches(1).await?.into_iter().next();
        let (id, _) = last
            .and_then(|last| last.from)
            .ok_or_else(|| EngineError::NotFound("there is no switch to take back".into()))?;
        self.activate_because(&id, "undo", false).await
    }

    /// Notes a change and tells everyone. A history that cannot be written does not undo the switch.
    pub(crate) async fn note_switch(&self, to: &AccountView, noted: Noted<'_>) {
        let Noted {
            from,
            reason,
            automatic,
            avoided,
            back_at,
        } = noted;
        if from == Some(&to.id) {
            return;
        }
        let left = from.and_then(|id| self.account(id.as_str()).ok());
        let row = SwitchRow {
            seq: 0,
            at: self.clock.now().0,
            from_id: left.as_ref().map(|left| left.id.to_string()),
            from_label: left.as_ref().map(|left| left.label.clone()),
            to_id: to.id.to_string(),
            to_label: to.label.clone(),
            reason: reason.to_owned(),
            automatic,
            avoided,
            back_at: back_at
                .or_else(|| left.and_then(|left| left.usable_again_at))
                .map(|at| at.0),
        };
        let told = view(row.clone());
        // Noted before it is told: who hears of it may take it back at once.
        if let Err(error) = self.stored(move |store| store.add_switch(&row)).await {
            tracing::warn!(%error, "the switch could not be noted");
        }
        self.journal.bus.tell(EngineEvent::Switched(Arc::new(told)));
    }
}

fn view(row: SwitchRow) -> SwitchView {
    SwitchView {
        at: Timestamp(row.at),
        from: row.from_id.zip(row.from_label),
        to: (row.to_id, row.to_label),
        reason: row.reason,
        automatic: row.automatic,
        avoided: row.avoided,
        back_at: row.back_at.map(Timestamp),
    }
}

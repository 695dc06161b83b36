//! The automatic switch as the engine sees it (F41–F49): its settings handed to the pool, each switch kept and noted, and the way back.
//!
//! The decision is the pool's, within the request that needs it; here is what may happen a moment later.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use pool::{AccountId, Event, SwitchReason, SwitchRule};

use crate::compose::Engine;
use crate::import::{self, Identity};
use crate::journal::Stir;
use crate::records;
use crate::settings::AutoSwitch;
use crate::switches::Noted;

/// How often the provider of the preferred account is asked whether it has quota again, and how long apart.
const ASKED: u32 = 3;
const ASKED_APART: Duration = Duration::from_secs(60);

/// How far back the history is read at a start.
const LOOKED_BACK: u32 = 50;

/// The settings as the pool wants them.
pub(crate) fn rule(settings: &AutoSwitch, avoid: Option<AccountId>) -> SwitchRule {
    let percent = |share: u64| u8::try_from(share).ok().filter(|share| *share > 0);
    SwitchRule {
        enabled: settings.enabled,
        avoid,
        unknown_too: settings.unknown_too,
        lowest_use_first: settings.lowest_use_first,
        threshold_primary: percent(settings.threshold_primary),
        threshold_weekly: percent(settings.threshold_weekly),
        keys_too: settings.keys_too,
    }
}

impl Engine {
    /// Hands the settings of the automatic switch to the pool, with the account to avoid as far as it is known.
    pub(crate) fn put_switch_rule(&self) {
        let codex = self
            .codex_cli
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let same = |row: &&store::AccountRow| {
            codex.as_ref().is_some_and(|codex| {
                let user = codex.user_id.is_none() || row.provider_user_id == codex.user_id;
                codex.account_id.is_some() && row.provider_account_id == codex.account_id && user
            })
        };
        let avoid = self
            .records
            .with(|rows| rows.iter().find(same).map(|row| row.id.clone()));
        let settings = self.settings.current();
        let rule = rule(&settings.settings.auto_switch, avoid.map(AccountId::from));
        self.pool.with(|pool| pool.set_switch_rule(rule));
    }

    /// Whom automatic switches of an earlier run led away from: so far back as nobody chose, the history says it (F47).
    pub(crate) async fn restore_preferred(&self) {
        let Ok(history) = self.switches(LOOKED_BACK).await else {
            return;
        };
        let newest = history.first().map(|switch| switch.to.0.as_str());
        let active = self.pool.with(|pool| pool.active().cloned());
        if newest.is_none() || newest != active.as_ref().map(AccountId::as_str) {
            return;
        }
        let by_itself = |switch: &&crate::SwitchView| {
            let reason = switch.reason.parse::<SwitchReason>();
            switch.automatic && reason.is_ok_and(|reason| reason != SwitchReason::SwitchBack)
        };
        let first = history.iter().take_while(by_itself).last();
        if let Some((id, _)) = first.and_then(|switch| switch.from.clone()) {
            self.pool.with(|pool| pool.restore_preferred(id.into()));
        }
    }

    /// Which account the local Codex CLI is signed in with: switching goes there last (F44). Its file is read, never changed.
    pub(crate) async fn look_at_codex_cli(&self) {
        let Some(folder) = import::codex_home(&self.env) else {
            return;
        };
        let read = self.tasks.blocking(move || {
            let batch = import::codex_local(&folder).ok()?;
            batch.items.into_iter().next().map(|item| item.identity)
        });
        let identity: Option<Identity> = read.await.ok().flatten();
        *self
            .codex_cli
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = identity;
        self.put_switch_rule();
    }

    /// Notes the switches that nobody has noted yet: for the end of the engine.
    pub(crate) async fn note_what_waits(&self) {
        for stir in self.journal.stirred.take() {
            if let Stir::Pool(event) = stir {
                self.note_automatic(&event).await;
            }
        }
    }

    /// Keeps which account is active now, and notes the switch for the history (F48). Other events are none of its business.
    pub(crate) async fn note_automatic(&self, event: &Event) {
        let Event::Switched {
            from,
            to,
            reason,
            avoided,
            back_at,
        } = event
        else {
            return;
        };
        if let Err(error) = self.keep_active().await {
            tracing::warn!(%error, "the active account could not be kept");
        }
        if let Ok(to) = self.account(to.as_str()) {
            tracing::info!(from = %from, to = %to.id, reason = reason.as_str(), avoided, "the active account has changed by itself");
            let noted = Noted {
                from: Some(from),
                reason: reason.as_str(),
                automatic: true,
                avoided: *avoided,
                back_at: *back_at,
            };
            self.note_switch(&to, noted).await;
        }
        self.look_at_codex_cli().await;
    }

    /// Writes which account is active. Two changes may be written in any order: what is written is what is in force then.
    pub(crate) async fn keep_active(&self) -> Result<(), crate::EngineError> {
        let pool = self.pool.clone();
        self.stored(move |store| {
            let active = pool.with(|pool| pool.active().cloned());
            store.set_meta(records::ACTIVE, active.as_ref().map(AccountId::as_str))
        })
        .await
    }

    /// The preferred account may be back (F47): its provider is asked, and only then it becomes the active one again. A key account that
    /// stood in for a sign-in is always left again, as it may cost money (F49).
    pub(crate) fn maybe_switch_back(self: &Arc<Self>, id: &AccountId) {
        let wanted = self.settings.current().settings.auto_switch.switch_back;
        let due = self.pool.with(|pool| {
            let kind = |id: &AccountId| pool.account(id).map(|account| account.kind.is_key());
            let stand_in = pool.active().and_then(kind) == Some(true) && kind(id) == Some(false);
            pool.preferred() == Some(id) && pool.active() != Some(id) && (wanted || stand_in)
        });
        let Ok(row) = self.find(id.as_str()) else {
            return;
        };
        if !due || records::kind(&row).is_key() {
            return;
        }
        let engine = self.clone();
        let id = id.clone();
        self.tasks.run(async move {
            let Ok(target) = records::target(&row) else {
                return;
            };
            for _ in 0..ASKED {
                if let Ok(quota) = engine.upstream.query_usage(&target).await {
                    engine.gateway.observe_by_hand(&id, quota);
                    let now = engine.clock.now();
                    let events = engine.pool.with(|pool| {
                        let known = pool.state(&id).and_then(|state| state.quota.as_ref());
                        let available = known.is_some_and(|quota| {
                            quota.availability(now) == pool::Availability::Available
                        });
                        let still = pool.preferred() == Some(&id);
                        if available && still {
                            pool.switch_back(now)
                        } else {
                            Vec::new()
                        }
                    });
                    if !events.is_empty() {
                        gateway::Journal::pool_events(&*engine.journal, events);
                    }
                    return;
                }
                tokio::time::sleep(ASKED_APART).await;
            }
        });
    }
}

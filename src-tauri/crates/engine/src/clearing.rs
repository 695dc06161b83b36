//! Clearing what was noted, each sort alone (F74), and the three resets (F129): log out everywhere, clear usage (which is one of the former),
//! and back to the beginning. Whoever calls has asked the person.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use pool::{AccountId, Event, Outcome};
use store::{AccountRow, BackupFile, StoreError};

use crate::compose::Engine;
use crate::credentials::item;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::logs;
use crate::records;
use crate::settings::{Apply, ProxyAddress, Source};

/// What can be cleared alone (F74).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// The journal: every finished request.
    Requests,
    /// The sums by day. What usage limits and budgets have counted stays: clearing must not lift a limit.
    Usage,
    /// The history of quota.
    Samples,
}

impl Engine {
    /// Clears one sort of what was noted and gives how many rows went.
    ///
    /// # Errors
    /// When nothing may be changed, or the database does not take it.
    pub async fn clear(self: &Arc<Self>, what: Noted) -> Result<usize, EngineError> {
        self.changeable()?;
        let engine = self.clone();
        let cleared = self.tasks.blocking(move || {
            let store = engine.store.lock().unwrap_or_else(PoisonError::into_inner);
            // What waits to be written is of the time before, too.
            engine.flush_into(&store, || {});
            match what {
                Noted::Requests => store.prune_requests(0, i64::MAX),
                Noted::Usage => store.clear_usage(),
                Noted::Samples => store.prune_quota_samples(i64::MAX),
            }
        });
        let cleared = cleared.await??;
        self.journal.bus.tell(EngineEvent::Status);
        self.announce();
        Ok(cleared)
    }

    /// Forgets the tokens of every sign-in (F129). The accounts stay with their labels, order and history, and wait for a new sign-in; key
    /// accounts are not touched. Gives how many were signed in.
    ///
    /// # Errors
    /// When nothing may be changed, or the vault does not let go of a credential.
    pub async fn log_out_all(self: &Arc<Self>) -> Result<usize, EngineError> {
        self.changeable()?;
        self.remove_demo_accounts().await?;
        let rows: Vec<AccountRow> = self.records.with(|rows| {
            let sign_ins = rows.iter().filter(|row| !records::kind(row).is_key());
            sign_ins.cloned().collect()
        });
        let mut count = 0;
        for row in rows {
            let id = AccountId::from(row.id.as_str());
            let farewell = self.farewell(&row).await;
            // Before the credential goes, so that a refresh under way does not put it back.
            self.upstream.forget(&id);
            let (vault, secret) = (self.vault.clone(), item(&id));
            let gone = self.tasks.blocking(move || {
                let was_there = matches!(vault.get(&secret), Ok(Some(_)));
                vault.delete(&secret).map(|()| was_there)
            });
            count += usize::from(gone.await??);
            self.edit(&row.id, |row| {
                row.expires_at = Some(0);
                row.refreshable = false;
            })
            .await?;
            self.upstream.forget(&id);
            let over = Outcome::RefreshRefused {
                confirmed: true,
                banned: false,
            };
            let mut events = self
                .pool
                .with(|pool| pool.report(self.clock.now(), &id, &over));
            // Who just did it needs no notice of it.
            events.retain(|event| !matches!(event, Event::NeedsLogin { .. }));
            gateway::Journal::pool_events(&*self.journal, events);
            self.journal.touch(&id);
            if let Some(farewell) = farewell {
                self.tasks.finish(farewell);
            }
        }
        tracing::warn!(count, "every sign-in was logged out");
        Ok(count)
    }

    /// Back to the beginning (F129): accounts, credentials, gateway keys, settings, everything noted, backups and log lines go; a new
    /// default key is made. What runs goes on to its end.
    ///
    /// # Errors
    /// When nothing may be changed, or the vault or the disk refuses: what went before is gone then, and it may be done again.
    pub async fn factory_reset(self: &Arc<Self>) -> Result<(), EngineError> {
        self.changeable()?;
        self.remove_demo_accounts().await?;
        self.forget_accounts().await?;
        self.renew_keys().await?;
        self.reset_settings().await?;
        let root = self.home().root().to_path_buf();
        let swept = self.tasks.blocking(move || sweep(&root));
        swept.await?.map_err(|source| {
            EngineError::Store(StoreError::Io {
                doing: "clearing",
                path: self.home().root().to_path_buf(),
                source,
            })
        })?;
        self.load_balances().await;
        self.reload_limits().await?;
        self.journal.bus.tell(EngineEvent::Status);
        self.announce();
        tracing::warn!("everything was put back to the beginning");
        Ok(())
    }

    async fn forget_accounts(self: &Arc<Self>) -> Result<(), EngineError> {
        let turn = self.records.turn().await;
        let rows = self.records.with(Vec::clone);
        let ids: Vec<AccountId> = rows
            .iter()
            .map(|row| AccountId::from(row.id.as_str()))
            .collect();
        for (row, id) in rows.iter().zip(&ids) {
            if let Some(farewell) = self.farewell(row).await {
                self.tasks.finish(farewell);
            }
            self.upstream.forget(id);
        }
        let (vault, secrets) = (self.vault.clone(), ids.clone());
        let gone = self.tasks.blocking(move || {
            secrets.iter().try_for_each(|id| vault.delete(&item(id)))?;
            vault.delete(ProxyAddress::PASSWORD_NAME)
        });
        gone.await??;
        self.records.change(Vec::clear);
        self.republish();
        let engine = self.clone();
        let wiped = self.tasks.blocking(move || {
            let store = engine.store.lock().unwrap_or_else(PoisonError::into_inner);
            // What waits to be written is not written any more.
            drop(engine.journal.take(|| {}));
            store.wipe()
        });
        wiped.await??;
        for id in ids {
            self.upstream.forget(&id);
            self.journal.bus.tell(EngineEvent::AccountRemoved(id));
        }
        drop(turn);
        Ok(())
    }

    /// The file begins anew, with what environment and command line say in force.
    async fn reset_settings(self: &Arc<Self>) -> Result<(), EngineError> {
        let own: Vec<&'static str> = self
            .settings
            .list()
            .into_iter()
            .filter(|entry| entry.source == Source::File)
            .map(|entry| entry.key.name)
            .collect();
        let path = self.settings.path().to_owned();
        let removed = self
            .tasks
            .blocking(move || match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            });
        removed.await?.map_err(|error| {
            EngineError::Invalid(format!("the settings file cannot be removed: {error}"))
        })?;
        let change = self.settings.reload()?;
        self.apply_settings().await?;
        self.ledger
            .set_terms(&self.settings.current().settings.usage);
        if change.apply == Some(Apply::Rebind) {
            self.rebind().await?;
        }
        for key in own {
            self.settings_changed(key);
        }
        Ok(())
    }
}

/// Removes copies of the database and empties the logs. Blocks.
fn sweep(root: &Path) -> std::io::Result<()> {
    for file in BackupFile::all(root) {
        std::fs::remove_file(&file.path)?;
    }
    for path in store::set_aside_copies(root) {
        std::fs::remove_file(path)?;
    }
    logs::forget_all(&root.join("logs"))
}

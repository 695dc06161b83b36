//! Simulated accounts beside the real ones (issue: a newcomer sees requests, falling quota and an automatic switch without any sign-in):
//! marked in their record, served by a simulator in this process, and removed as one, with all traces.
//!
//! They never stand in for real accounts nor these for them: the pool keeps the two sorts apart. Their upstream is gone with the process,
//! so what a home still holds of them at a start is removed before anything is served.

use std::sync::Arc;
use std::time::Duration;

use pool::{AccountId, AccountKind, Format};
use secrecy::{ExposeSecret, SecretString};
use simulator::{SimAccount, Simulator};
use store::AccountRow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};
use upstream::{Credential, CredentialStore, OAuthTokens};

use crate::compose::Engine;
use crate::credentials::item;
use crate::error::EngineError;
use crate::keys::DEFAULT_KEY;
use crate::views::AccountView;

/// What the record of a demo account names as its source.
pub(crate) const SOURCE: &str = "demo";

/// So many requests are sent by themselves, this far apart: enough to use up the first account's quota, not the second's.
const SHOWN: u32 = 15;
const SHOWN_APART: Duration = Duration::from_secs(3);

/// How long running answers of simulated accounts are waited for when these go.
const ENDING: Duration = Duration::from_secs(2);

/// Their upstreams, while there are any.
#[derive(Debug, Default)]
pub(crate) struct Demo(tokio::sync::Mutex<Option<Running>>);

#[derive(Debug)]
struct Running {
    _simulator: Simulator,
    /// Ends the requests that are sent by themselves.
    _showing: DropGuard,
}

impl Engine {
    /// Adds two simulated accounts whose quota falls with every request, and sends a few requests to show them. The first becomes active
    /// where no real account is. Does nothing when they are there.
    ///
    /// # Errors
    /// When no loopback port is free or the vault takes no credential: then none is added.
    pub async fn add_demo_accounts(self: &Arc<Self>) -> Result<Vec<AccountView>, EngineError> {
        self.changeable()?;
        let mut running = self.demo.0.lock().await;
        if running.is_none() {
            let demo = Simulator::demo().await.map_err(|source| {
                EngineError::Invalid(format!(
                    "no port is free for the simulated accounts: {source}"
                ))
            })?;
            let base_url = demo.simulator.codex_base_url();
            let mut rows = Vec::new();
            for account in &demo.accounts {
                match self.add_simulated(account, &base_url).await {
                    Ok(row) => rows.push(row),
                    Err(error) => {
                        self.erase_demo().await?;
                        return Err(error);
                    }
                }
            }
            for row in &rows {
                self.discover(row).await;
            }
            self.activate_first_usable_if_none().await?;
            let stop = CancellationToken::new();
            self.show(stop.clone());
            *running = Some(Running {
                _simulator: demo.simulator,
                _showing: stop.drop_guard(),
            });
        }
        Ok(self
            .accounts()
            .into_iter()
            .filter(|account| account.demo)
            .collect())
    }

    /// Removes every simulated account, its credential, and what was noted of it.
    ///
    /// # Errors
    /// When the vault does not let go of a credential, or the database does not take the change.
    pub async fn remove_demo_accounts(&self) -> Result<(), EngineError> {
        self.changeable()?;
        let mut running = self.demo.0.lock().await;
        // First their answers end, so that nothing is noted of them later.
        let ids = self.demo_ids();
        self.pool.with(|pool| {
            for id in &ids {
                pool.set_token(id, pool::Token::Missing);
            }
        });
        *running = None;
        let ended = async {
            while self
                .pool
                .with(|pool| ids.iter().any(|id| pool.in_flight(id) > 0))
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(ENDING, ended).await.is_err() {
            tracing::warn!("answers of simulated accounts were still running at their end");
        }
        self.erase_demo().await
    }

    /// What an earlier run left: its simulator is gone.
    pub(crate) async fn sweep_demo(&self) {
        if self.changeable().is_ok()
            && !self.demo_ids().is_empty()
            && let Err(error) = self.erase_demo().await
        {
            tracing::warn!(%error, "simulated accounts of an earlier run could not be removed");
        }
    }

    fn demo_ids(&self) -> Vec<AccountId> {
        self.records.with(|rows| {
            rows.iter()
                .filter(|row| is_demo(row))
                .map(|row| AccountId::from(row.id.as_str()))
                .collect()
        })
    }

    async fn add_simulated(
        &self,
        account: &SimAccount,
        base_url: &str,
    ) -> Result<AccountRow, EngineError> {
        let turn = self.records.turn().await;
        let secret = |text: &str| Some(SecretString::from(text.to_owned()));
        let mut tokens = OAuthTokens {
            access: secret(&account.access_token),
            id_token: secret(&account.id_token),
            // No refresh token: nothing of it must ever be sent to the real sign-in server.
            ..OAuthTokens::default()
        };
        tokens.adopt_claims();
        let row = AccountRow {
            format: Some(Format::Codex.as_str().to_owned()),
            base_url: Some(base_url.to_owned()),
            proxy: Some("direct".to_owned()),
            source: SOURCE.to_owned(),
            email: Some(account.email.clone()),
            plan: Some(account.plan.clone()),
            provider_account_id: Some(account.account_id.clone()),
            provider_user_id: Some(account.user_id.clone()),
            expires_at: tokens.expires_at.map(|at| at.0),
            refreshable: false,
            ..self.blank(AccountKind::CodexOauth, format!("demo: {}", account.email))
        };
        let id = AccountId::from(row.id.as_str());
        self.credentials()
            .persist(&id, &Credential::OAuth(Box::new(tokens)))
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        self.save(row.clone()).await?;
        drop(turn);
        Ok(row)
    }

    /// Vault, database and memory, in this order: a credential without an account would stay for ever.
    async fn erase_demo(&self) -> Result<(), EngineError> {
        let turn = self.records.turn().await;
        let ids = self.demo_ids();
        let (vault, secrets) = (self.vault.clone(), ids.clone());
        for id in &ids {
            self.upstream.forget(id);
        }
        self.tasks
            .blocking(move || secrets.iter().try_for_each(|id| vault.delete(&item(id))))
            .await??;
        self.records.change(|rows| rows.retain(|row| !is_demo(row)));
        self.republish();
        for id in &ids {
            self.upstream.forget(id);
            self.journal
                .bus
                .tell(crate::EngineEvent::AccountRemoved(id.clone()));
        }
        drop(turn);
        self.activate_first_usable_if_none().await?;
        self.erase_traces(ids).await
    }

    /// Everything that was noted of simulated accounts, and of one that the person has removed alone.
    pub(crate) async fn erase_traces(&self, ids: Vec<AccountId>) -> Result<(), EngineError> {
        let (store, journal) = (self.store.clone(), self.journal.clone());
        let erased = self.tasks.blocking(move || {
            let store = store
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            // What waits to be written names them too.
            journal.forget(&ids);
            let ids: Vec<&str> = ids.iter().map(AccountId::as_str).collect();
            store.erase_accounts(&ids)
        });
        Ok(erased.await??)
    }

    /// Sends a few requests to show what happens, while simulated accounts serve and nothing is paused.
    fn show(self: &Arc<Self>, stop: CancellationToken) {
        let engine = self.clone();
        self.tasks.run(async move {
            let mut changes = engine.changes();
            let showing = async {
                let mut n = 0;
                while n < SHOWN {
                    changes.mark_unchanged();
                    let simulated = engine.pool.with(|pool| pool.simulated());
                    if !simulated || engine.paused().is_some() {
                        if changes.changed().await.is_err() {
                            return;
                        }
                        continue;
                    }
                    n += 1;
                    if let Err(error) = engine.ask_itself(n).await {
                        tracing::debug!(%error, "a request of the demo failed");
                    }
                    tokio::time::sleep(SHOWN_APART).await;
                }
            };
            tokio::select! {
                () = showing => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// One small request on the road every client takes.
    async fn ask_itself(&self, n: u32) -> Result<(), EngineError> {
        let broken = |error: std::io::Error| EngineError::Provider(error.to_string());
        let Some(address) = self.address() else {
            return Ok(());
        };
        let key = self.key(DEFAULT_KEY)?;
        let Some(model) = self.models().into_iter().next() else {
            return Ok(());
        };
        let body = serde_json::json!({
            "model": model.id,
            "messages": [{"role": "user", "content": format!("Demo request {n}: say hello.")}],
        })
        .to_string();
        let port = address.port();
        let mut stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .map_err(broken)?;
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            key.expose_secret(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.map_err(broken)?;
        stream.write_all(body.as_bytes()).await.map_err(broken)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(broken)?;
        Ok(())
    }
}

/// Whether a record is one of theirs.
pub(crate) fn is_demo(row: &AccountRow) -> bool {
    row.source == SOURCE
}

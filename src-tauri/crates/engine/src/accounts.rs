//! Accounts as use cases: list, choose, switch on and off, order, remove, add a key account.
//!
//! Each change is durable before it acts, and acts on the next request. Import and export have files of their own.

use std::sync::Arc;

use pool::{AccountId, AccountKind, Format, Health};
use secrecy::{ExposeSecret, SecretString};
use store::{AccountRow, Store, StoreError};
use upstream::{Credential, CredentialStore};

use crate::change::check_proxy;
use crate::compose::Engine;
use crate::credentials::{VaultCredentials, item};
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::records;
use crate::switches::Noted;
use crate::views::AccountView;

/// A key account to be added.
#[derive(Clone)]
pub struct NewKeyAccount {
    /// `relay`, `zai` or `provider`.
    pub kind: String,
    /// The person's name for it, 1 to 64 characters.
    pub label: String,
    /// Base URL, http or https.
    pub base_url: String,
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`.
    pub format: String,
    /// The API key.
    pub key: SecretString,
    /// Models it may serve; `None` is all.
    pub models: Option<Vec<String>>,
    /// Its group.
    pub group: Option<String>,
    /// Lower is used first; 50 when nothing is said.
    pub priority: Option<u32>,
    /// Its own proxy, or `direct`.
    pub proxy: Option<String>,
    /// What few accounts need.
    pub extras: KeyAccountExtras,
}

/// What few key accounts need, and the preset that says the rest.
#[derive(Debug, Clone, Default)]
pub struct KeyAccountExtras {
    /// A preset's name: fills in an empty base URL and format, the group and the form of the key (F103).
    pub preset: Option<String>,
    /// How the key is carried (F100).
    pub auth: Option<String>,
    /// Headers sent along. Never a secret.
    pub headers: Vec<(String, String)>,
    /// Thinking suffixes of model names are read (F91).
    pub reads_suffixes: bool,
    /// Default effort (F90).
    pub effort: Option<String>,
}

impl Engine {
    /// Every account in the person's order.
    pub fn accounts(&self) -> Vec<AccountView> {
        self.records
            .with(|rows| rows.iter().map(|row| self.view(row)).collect())
    }

    /// One account by id, by label, or by a beginning of its id that only it has.
    ///
    /// # Errors
    /// When nothing or more than one has it.
    pub fn account(&self, name: &str) -> Result<AccountView, EngineError> {
        self.find(name).map(|row| self.view(&row))
    }

    /// Makes an account the active one; acts on the next request, running streams go on (F141).
    ///
    /// # Errors
    /// When there is no such account or it is switched off.
    pub async fn activate(&self, name: &str) -> Result<AccountView, EngineError> {
        self.activate_because(name, "manual", false).await
    }

    /// The same for a stated reason; `automatic` says that nobody clicked (F48).
    ///
    /// # Errors
    /// As [`Engine::activate`].
    pub async fn activate_because(
        &self,
        name: &str,
        reason: &str,
        automatic: bool,
    ) -> Result<AccountView, EngineError> {
        self.changeable()?;
        let row = self.find(name)?;
        if !row.enabled {
            return Err(EngineError::Invalid(format!(
                "{} is switched off; `switchyard account enable {}` switches it on",
                row.label, row.id
            )));
        }
        let id = AccountId::from(row.id.as_str());
        // What a click chose acts at once; that it is kept is a matter of milliseconds later.
        let (before, other_side) = self
            .pool
            .with(|pool| {
                let before = (pool.active().cloned(), pool.simulated());
                pool.activate(&id)
                    .map(|()| (before.0, before.1 != pool.simulated()))
            })
            .map_err(|_| EngineError::Internal)?;
        if other_side {
            self.gateway.set_catalog(self.catalog());
        }
        self.announce();
        self.keep_active().await?;
        let view = self.view(&row);
        let noted = Noted {
            from: before.as_ref(),
            reason,
            automatic,
            avoided: false,
            back_at: None,
        };
        self.note_switch(&view, noted).await;
        Ok(view)
    }

    /// Switches an account on or off (F14).
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn set_enabled(&self, name: &str, enabled: bool) -> Result<AccountView, EngineError> {
        self.changeable()?;
        let id = self.find(name)?.id;
        self.edit(&id, |row| row.enabled = enabled).await?;
        if enabled {
            self.activate_first_usable_if_none().await?;
        }
        self.account(&id)
    }

    /// Puts the named accounts first, in this order; the rest follow as they were (F14).
    ///
    /// # Errors
    /// When one of them is not there.
    pub async fn reorder(&self, names: &[String]) -> Result<(), EngineError> {
        self.changeable()?;
        let _turn = self.records.turn().await;
        let mut ids = Vec::new();
        for name in names {
            let id = self.find(name)?.id;
            if ids.contains(&id) {
                return Err(EngineError::Invalid(format!("{name} is named twice")));
            }
            ids.push(id);
        }
        self.records.with(|rows| {
            for row in rows {
                if !ids.contains(&row.id) {
                    ids.push(row.id.clone());
                }
            }
        });
        let order = ids.clone();
        self.stored(move |store| {
            store.reorder_accounts(&order.iter().map(String::as_str).collect::<Vec<_>>())
        })
        .await?;
        self.records.change(|rows| {
            for row in rows {
                let place = ids
                    .iter()
                    .position(|id| *id == row.id)
                    .unwrap_or(usize::MAX);
                row.position = u32::try_from(place).unwrap_or(u32::MAX);
            }
        });
        self.republish();
        self.journal.bus.tell(EngineEvent::AccountsOrdered);
        Ok(())
    }

    /// Removes an account and its credential, because the person asked (F13). Its usage history stays under its label.
    ///
    /// # Errors
    /// When there is no such account, or the vault does not let go of the credential: then nothing is removed.
    pub async fn remove(&self, name: &str) -> Result<(), EngineError> {
        self.changeable()?;
        let turn = self.records.turn().await;
        let row = self.find(name)?;
        let id = AccountId::from(row.id.as_str());
        let was_active = self.pool.with(|pool| pool.active() == Some(&id));
        // Before the credential goes, so that a refresh under way does not put it back.
        self.upstream.forget(&id);
        let farewell = self.farewell(&row).await;
        let vault = self.vault.clone();
        let secret = item(&id);
        self.tasks.blocking(move || vault.delete(&secret)).await??;
        let gone = row.id.clone();
        self.stored(move |store| store.delete_account(&gone))
            .await?;
        self.upstream.forget(&id);
        self.records
            .change(|rows| rows.retain(|other| other.id != row.id));
        self.republish();
        self.journal
            .bus
            .tell(EngineEvent::AccountRemoved(id.clone()));
        drop(turn);
        if let Some(farewell) = farewell {
            // Whatever it answers, the account is gone here.
            self.tasks.finish(farewell);
        }
        if was_active {
            self.activate_first_usable(row.position).await?;
        }
        if crate::demo::is_demo(&row) {
            self.erase_traces(vec![id]).await?;
        }
        Ok(())
    }

    /// Adds a relay or key account; the same base URL and key update the account that is there (F2).
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub async fn add_key_account(
        self: &Arc<Self>,
        new: NewKeyAccount,
    ) -> Result<AccountView, EngineError> {
        self.changeable()?;
        let (new, options) = new.filled_in()?;
        let kind = match new.kind.as_str() {
            "relay" => AccountKind::Relay,
            "zai" => AccountKind::Zai,
            "provider" | "provider_key" => AccountKind::ProviderKey,
            other => {
                return Err(EngineError::Invalid(format!(
                    "kind {other:?} is not one of relay, zai, provider"
                )));
            }
        };
        let format: Format = new.format.parse().map_err(|_| {
            EngineError::Invalid(format!(
                "format {:?} is not one of openai, responses, anthropic, gemini, codex",
                new.format
            ))
        })?;
        let label = check_label(&new.label)?;
        let base_url = crate::import::normalise_base_url(&new.base_url).ok_or_else(|| {
            EngineError::Invalid("the base URL is not a plain http or https URL".into())
        })?;
        if new.key.expose_secret().trim().is_empty() {
            return Err(EngineError::Invalid(
                "the key is empty; it is read from standard input".into(),
            ));
        }
        check_proxy(new.proxy.as_deref())?;
        let turn = self.records.turn().await;
        let existing = self.same_key_account(&base_url, &new.key).await?;
        let mut row = existing.unwrap_or_else(|| self.blank(kind, label.clone()));
        row.label = label;
        row.kind = kind.as_str().to_owned();
        row.format = Some(format.as_str().to_owned());
        row.base_url = Some(base_url);
        row.allowed_models = new.models;
        row.group = new.group;
        row.priority = new.priority.unwrap_or(row.priority);
        row.proxy = new.proxy;
        options.write(&mut row);
        row.extra_headers = new.extras.headers;
        row.enabled = true;
        records::target(&row)?;
        let id = AccountId::from(row.id.as_str());
        self.credentials()
            .persist(&id, &Credential::Key(new.key))
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        self.save(row.clone()).await?;
        drop(turn);
        self.upstream.forget(&id);
        self.clear_state(&id);
        self.activate_first_usable_if_none().await?;
        self.discover_later(vec![row.clone()]);
        Ok(self.view(&row))
    }

    pub(crate) fn find(&self, name: &str) -> Result<AccountRow, EngineError> {
        self.records.with(|rows| {
            if let Some(row) = rows.iter().find(|row| row.id == name) {
                return Ok(row.clone());
            }
            let matches: Vec<&AccountRow> = rows
                .iter()
                .filter(|row| row.label == name || (name.len() >= 4 && row.id.starts_with(name)))
                .collect();
            match matches.as_slice() {
                [one] => Ok((*one).clone()),
                [] => Err(EngineError::NotFound(format!(
                    "there is no account {name:?}; `switchyard account list` shows ids and labels"
                ))),
                _ => Err(EngineError::NotFound(format!(
                    "{name:?} names more than one account; use an id of `switchyard account list`"
                ))),
            }
        })
    }

    pub(crate) fn credentials(&self) -> VaultCredentials {
        let vault = Arc::new(self.vault.clone().into());
        VaultCredentials::new(vault, self.tasks.clone(), &self.env)
    }

    /// A record with every default and a fresh id.
    pub(crate) fn blank(&self, kind: AccountKind, label: String) -> AccountRow {
        let id = format!("{:016x}{:08x}", fastrand::u64(..), fastrand::u32(..));
        let position = self
            .records
            .with(|rows| rows.iter().map(|row| row.position + 1).max().unwrap_or(0));
        AccountRow {
            enabled: true,
            position,
            priority: pool::Account::DEFAULT_PRIORITY,
            source: "manual".to_owned(),
            added_at: self.clock.now().0,
            refreshable: !kind.is_key(),
            ..AccountRow::new(&id, kind.as_str(), &label)
        }
    }

    /// Changes the record as it is now, durably, and puts it in force. False when it is gone: it is not brought back.
    pub(crate) async fn edit(
        &self,
        id: &str,
        change: impl FnOnce(&mut AccountRow),
    ) -> Result<bool, EngineError> {
        let _turn = self.records.turn().await;
        let row = self
            .records
            .with(|rows| rows.iter().find(|row| row.id == id).cloned());
        let Some(mut row) = row else {
            return Ok(false);
        };
        change(&mut row);
        self.save(row).await?;
        Ok(true)
    }

    /// A new credential or a person's word: what was held against the account is forgotten, also in the database.
    pub(crate) fn clear_state(&self, id: &AccountId) {
        let events = self.pool.with(|pool| pool.clear(self.clock.now(), id));
        gateway::Journal::pool_events(&*self.journal, events);
        self.journal.touch(id);
        self.gateway.look_at_queue();
    }

    /// Writes a record and puts it in force. The caller holds the turn.
    pub(crate) async fn save(&self, row: AccountRow) -> Result<(), EngineError> {
        let id = AccountId::from(row.id.as_str());
        let kept = row.clone();
        self.stored(move |store| store.save_accounts(std::slice::from_ref(&kept)))
            .await?;
        self.records.change(
            |rows| match rows.iter_mut().find(|other| other.id == row.id) {
                Some(other) => *other = row,
                None => rows.push(row),
            },
        );
        self.republish();
        self.journal.bus.tell(EngineEvent::AccountChanged(id));
        Ok(())
    }

    /// Hands the records to pool, gateway and whoever listens.
    pub(crate) fn republish(&self) {
        let (accounts, tokens, targets) = self.records.with(|rows| {
            let mut targets = gateway::Targets::default();
            for row in rows {
                match records::target_with(row, self.turns.of(row)) {
                    Ok(target) => {
                        targets.insert(AccountId::from(row.id.as_str()), target);
                    }
                    // Said, not hidden: the account is skipped with a reason until it is mended.
                    Err(error) => {
                        tracing::warn!(account = %row.label, %error, "the account cannot be used")
                    }
                }
            }
            let accounts: Vec<pool::Account> = rows.iter().map(records::account).collect();
            let tokens: Vec<(AccountId, pool::Token)> = rows
                .iter()
                .map(|row| (AccountId::from(row.id.as_str()), records::token(row)))
                .collect();
            (accounts, tokens, targets)
        });
        self.gateway.set_targets(targets);
        self.pool.with(|pool| {
            pool.set_accounts(accounts);
            for (id, token) in tokens {
                pool.set_token(&id, token);
            }
        });
        self.put_switch_rule();
        self.gateway.set_catalog(self.catalog());
        self.announce();
    }

    /// The key account with this base URL and key, if there is one (F2).
    pub(crate) async fn same_key_account(
        &self,
        base_url: &str,
        key: &SecretString,
    ) -> Result<Option<AccountRow>, EngineError> {
        let wanted = crate::import::DuplicateKey::of_key(base_url, key);
        let place = crate::import::comparable(base_url);
        let rows: Vec<AccountRow> = self.records.with(|rows| {
            rows.iter()
                .filter(|row| records::kind(row).is_key())
                .cloned()
                .collect()
        });
        for row in rows {
            // Only these can be it: asking a keychain for every key takes its time.
            let Some(url) = row
                .base_url
                .as_deref()
                .filter(|url| crate::import::comparable(url) == place)
            else {
                continue;
            };
            let id = AccountId::from(row.id.as_str());
            let held = self
                .credentials()
                .load(&id)
                .await
                .map_err(|error| EngineError::Provider(error.to_string()))?;
            if let Some(Credential::Key(held)) = held
                && crate::import::DuplicateKey::of_key(url, &held) == wanted
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// F5: the first usable account becomes active where there was none. A simulated one counts as none once there are others.
    pub(crate) async fn activate_first_usable_if_none(&self) -> Result<(), EngineError> {
        let none = self.pool.with(|pool| {
            let real = pool.accounts().any(|account| !account.demo);
            pool.active().is_none() || (real && pool.simulated())
        });
        if none {
            self.activate_first_usable(0).await
        } else {
            Ok(())
        }
    }

    /// The first usable account from a place of the order on, round to the one before it (F13).
    async fn activate_first_usable(&self, from: u32) -> Result<(), EngineError> {
        let now = self.clock.now();
        let first = self.pool.with(|pool| {
            let usable = |account: &&pool::Account| {
                matches!(
                    pool.health(now, &account.id),
                    Some(Health::Active | Health::Unknown | Health::Attention)
                )
            };
            let real = pool.accounts().any(|account| !account.demo);
            pool.accounts()
                .filter(|account| account.demo != real)
                .filter(usable)
                .min_by_key(|account| (account.position < from, account.position))
                .map(|account| account.id.clone())
        });
        match first {
            Some(id) => self
                .activate_because(id.as_str(), "first_usable", true)
                .await
                .map(|_| ()),
            None => {
                self.stored(|store| store.set_meta(records::ACTIVE, None))
                    .await
            }
        }
    }

    /// Runs a database call beside the runtime's workers.
    pub(crate) async fn stored<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let store: Arc<_> = self.store.clone();
        let done = self.tasks.blocking(move || {
            call(
                &mut store
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            )
        });
        Ok(done.await??)
    }
}

/// A label of 1 to 64 characters without control characters (F1).
pub(crate) fn check_label(label: &str) -> Result<String, EngineError> {
    let label = label.trim();
    let fits = !label.is_empty()
        && label.chars().count() <= crate::import::LONGEST_LABEL
        && !label.chars().any(char::is_control);
    if fits {
        Ok(label.to_owned())
    } else {
        Err(EngineError::Invalid(
            "a label has 1 to 64 characters".into(),
        ))
    }
}

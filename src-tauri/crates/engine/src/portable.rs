//! Backup and restore as a file that a person keeps or carries to another machine (F125): settings and accounts without secrets, or with them
//! under a passphrase. A restore can be looked at before it is done.
//!
//! Not the copies of the database that stand in the home (`backups`). A restore adds and changes, it removes nothing; and it puts no
//! credential in the place of one that the vault has, which is the newer one.

mod record;
mod wishes;

use std::path::PathBuf;
use std::sync::Arc;

use pool::{AccountId, AccountKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use store::AccountRow;
use upstream::{Credential, CredentialStore};

use crate::accounts::check_label;
use crate::change::check_proxy;
use crate::compose::Engine;
use crate::credentials::item;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::handing_out::check_place;
use crate::redact::mask_email;
use crate::settings::{Apply, ProxyAddress, Source};
use crate::{export, import, records};

/// The `type` of the file.
const TYPE: &str = "switchyard_backup";
const VERSION: u64 = 1;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupWritten {
    /// Accounts in the file.
    pub accounts: usize,
    /// Settings in the file.
    pub settings: usize,
    /// Their secrets are in it, sealed.
    pub secrets: bool,
}

/// A setting that a restore changes, or would.
#[derive(Debug, Clone)]
pub struct RestoredSetting {
    /// Its key.
    pub key: String,
    /// The value now.
    pub from: Value,
    /// The value in the file.
    pub to: Value,
    /// Why it stays as it is: what locks it, or that this version does not know it.
    pub kept: Option<String>,
}

/// Every word of [`RestoredAccount::action`].
pub const RESTORE_WORDS: &[&str] = &["new", "update"];
/// Every word of [`RestoredAccount::credential`].
pub const CREDENTIAL_WORDS: &[&str] = &["kept", "restored", "missing"];

/// An account that a restore adds or changes, or would.
#[derive(Debug, Clone)]
pub struct RestoredAccount {
    /// Its label in the file.
    pub label: String,
    /// What it is.
    pub kind: AccountKind,
    /// Masked.
    pub email: Option<String>,
    /// One of [`RESTORE_WORDS`].
    pub action: &'static str,
    /// One of [`CREDENTIAL_WORDS`]: the vault's own stays, the file's is taken, or there is none and it has to sign in.
    pub credential: &'static str,
}

/// What a restore does, or would do.
#[derive(Debug, Clone, Default)]
pub struct RestoreReport {
    /// Settings whose value differs.
    pub settings: Vec<RestoredSetting>,
    /// Every account of the file.
    pub accounts: Vec<RestoredAccount>,
    /// Names of gateway keys that are added, or replaced by the file's.
    pub keys: Vec<String>,
    /// The file was under a passphrase.
    pub secrets: bool,
}

impl Engine {
    /// Writes settings and accounts into a new file that only its owner can read; with their secrets, and the gateway keys, where a
    /// passphrase seals it.
    ///
    /// # Errors
    /// When the file cannot stand there, or the vault does not answer.
    pub async fn write_backup(
        &self,
        path: PathBuf,
        passphrase: Option<SecretString>,
    ) -> Result<BackupWritten, EngineError> {
        if passphrase
            .as_ref()
            .is_some_and(|words| words.expose_secret().is_empty())
        {
            return Err(EngineError::Invalid(
                "the passphrase is empty; leave it out to write a file without secrets".into(),
            ));
        }
        let settings = self.own_settings();
        let rows: Vec<AccountRow> = self.records.with(|rows| {
            let own = rows.iter().filter(|row| !crate::demo::is_demo(row));
            own.cloned().collect()
        });
        let mut accounts = Vec::new();
        for row in &rows {
            let mut account = record::write(row);
            if passphrase.is_some() {
                let id = AccountId::from(row.id.as_str());
                let held = self.credentials().load(&id).await;
                let held = held.map_err(|error| EngineError::Provider(error.to_string()))?;
                if let Some(credential) = held {
                    account["credential"] = credential.to_json().expose_secret().into();
                }
            }
            accounts.push(account);
        }
        self.write_wishes(&mut accounts).await?;
        let written = BackupWritten {
            accounts: accounts.len(),
            settings: settings.len(),
            secrets: passphrase.is_some(),
        };
        let active = self
            .pool
            .with(|pool| pool.active().map(ToString::to_string));
        let mut file = json!({
            "type": TYPE,
            "version": VERSION,
            "made_by": env!("CARGO_PKG_VERSION"),
            "made_at": self.clock.now().0,
            "settings": settings,
            "accounts": accounts,
            "active": active,
        });
        if passphrase.is_some() {
            file["gateway_keys"] = self.keys_as_json();
            let vault = self.vault.clone();
            let password = self
                .tasks
                .blocking(move || crate::convert::proxy_password(&*vault));
            file["proxy_password"] = match password.await?? {
                Some(password) => password.expose_secret().into(),
                None => Value::Null,
            };
        }
        let text = SecretString::from(format!("{file:#}\n"));
        drop(file);
        let root = self.home().root().to_path_buf();
        self.tasks
            .blocking(move || {
                check_place(&path, &root).map_err(str::to_owned)?;
                let text = match passphrase {
                    Some(words) => export::seal(&text, &words).map_err(|e| e.to_string())?,
                    None => text,
                };
                export::write_export(&path, &text)
                    .map_err(|error| format!("the file cannot be written: {error}"))
            })
            .await?
            .map_err(EngineError::Invalid)?;
        Ok(written)
    }

    /// Restores what a file of [`Engine::write_backup`] holds, or says what that would do.
    ///
    /// # Errors
    /// When it is no such file, the passphrase does not open it, or a setting in it is wrong: then nothing changes.
    pub async fn restore_file(
        self: &Arc<Self>,
        path: PathBuf,
        passphrase: Option<SecretString>,
        dry_run: bool,
    ) -> Result<RestoreReport, EngineError> {
        if !dry_run {
            self.changeable()?;
        }
        if !path.is_absolute() || !path.is_file() {
            return Err(EngineError::Invalid(
                "name the file with its whole path".into(),
            ));
        }
        let secrets = passphrase.is_some();
        let text = self.tasks.blocking(move || import::gather(&path)).await?;
        let text = text.map_err(|error| EngineError::Invalid(error.to_string()))?;
        let text = self.unsealed(text, passphrase).await?;
        let file = read(text.expose_secret())?;
        let mut report = RestoreReport {
            secrets,
            ..RestoreReport::default()
        };
        let changes = self.setting_changes(&file["settings"], &mut report);
        let keys = crate::keys::from_json(&file["gateway_keys"])?;
        report.keys = keys.iter().map(|key| key.name().to_owned()).collect();
        if !dry_run {
            // What is wrong with an account is found before anything changes.
            let look = &mut RestoreReport::default();
            self.restore_accounts(&file["accounts"], true, look).await?;
            self.restore_settings(&changes).await?;
            if let Some(password) = file["proxy_password"].as_str() {
                let vault = self.vault.clone();
                let password = SecretString::from(password);
                let kept = self
                    .tasks
                    .blocking(move || vault.put(ProxyAddress::PASSWORD_NAME, &password));
                kept.await??;
                self.apply_settings().await?;
            }
            if !keys.is_empty() {
                self.restore_keys(keys).await?;
            }
        }
        let ids = self
            .restore_accounts(&file["accounts"], dry_run, &mut report)
            .await?;
        if !dry_run {
            let accounts = file["accounts"].as_array().into_iter().flatten();
            for (id, account) in ids.iter().zip(accounts) {
                self.restore_wishes(id.as_str(), account).await?;
            }
            let active = file["active"].as_str().map(str::to_owned);
            let none = self.pool.with(|pool| pool.active().is_none());
            match active.filter(|id| none && self.find(id).is_ok_and(|row| row.enabled)) {
                Some(id) => drop(self.activate_because(&id, "manual", false).await?),
                None => self.activate_first_usable_if_none().await?,
            }
        }
        Ok(report)
    }

    /// The settings that the person's file says, as they would be typed.
    fn own_settings(&self) -> Map<String, Value> {
        let current = self.settings.current();
        let proxy = current.settings.proxy.url.as_ref();
        self.settings
            .list()
            .into_iter()
            .filter(|entry| entry.source == Source::File)
            .map(|entry| {
                let value = match (entry.key.name, proxy) {
                    ("proxy.url", Some(url)) => url.without_password().into(),
                    _ => entry.value.to_json(),
                };
                (entry.key.name.to_owned(), value)
            })
            .collect()
    }

    /// What differs and can be changed; all that differs goes into the report.
    fn setting_changes(&self, file: &Value, report: &mut RestoreReport) -> Vec<(String, String)> {
        let mut changes = Vec::new();
        for (key, to) in file.as_object().into_iter().flatten() {
            let now = self.settings.get(key).ok();
            let from = now
                .as_ref()
                .map_or(Value::Null, |entry| entry.value.to_json());
            if from == *to {
                continue;
            }
            let kept = match now {
                None => Some("this version does not know it".to_owned()),
                Some(entry) => entry.locked_by,
            };
            if kept.is_none() {
                changes.push((key.clone(), typed(to)));
            }
            report.settings.push(RestoredSetting {
                key: key.clone(),
                from,
                to: to.clone(),
                kept,
            });
        }
        changes
    }

    async fn restore_settings(
        self: &Arc<Self>,
        changes: &[(String, String)],
    ) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        let pairs: Vec<(&str, Option<&str>)> = changes
            .iter()
            .map(|(key, value)| (key.as_str(), Some(value.as_str())))
            .collect();
        let change = self.settings.change(&pairs)?;
        self.apply_settings().await?;
        self.ledger
            .set_terms(&self.settings.current().settings.usage);
        self.reload_limits().await?;
        if change.apply == Some(Apply::Rebind) {
            self.rebind().await?;
        }
        for (key, _) in changes {
            self.settings_changed(key);
        }
        Ok(())
    }

    async fn restore_accounts(
        &self,
        file: &Value,
        dry_run: bool,
        report: &mut RestoreReport,
    ) -> Result<Vec<AccountId>, EngineError> {
        let _turn = self.records.turn().await;
        let known: Vec<AccountRow> = self.records.with(Vec::clone);
        let mut rows = Vec::new();
        for account in file.as_array().into_iter().flatten() {
            let mut row = record::read(account).ok_or_else(broken)?;
            row.label = check_label(&row.label)?;
            check_proxy(row.proxy.as_deref())?;
            records::target(&row)?;
            let there = known.iter().find(|other| record::is_same(other, &row));
            if let Some(there) = there {
                row.id.clone_from(&there.id);
                record::keep_learnt(&mut row, there);
            }
            let id = AccountId::from(row.id.as_str());
            let (vault, name) = (self.vault.clone(), item(&id));
            let held = self.tasks.blocking(move || vault.get(&name)).await??;
            let credential = match account["credential"].as_str() {
                None => None,
                Some(text) => {
                    Some(Credential::from_json(&SecretString::from(text)).map_err(|_| broken())?)
                }
            };
            report.accounts.push(RestoredAccount {
                label: row.label.clone(),
                kind: records::kind(&row),
                email: row.email.as_deref().map(mask_email),
                action: RESTORE_WORDS[usize::from(there.is_some())],
                credential: match (&held, &credential) {
                    (Some(_), _) => CREDENTIAL_WORDS[0],
                    (None, Some(_)) => CREDENTIAL_WORDS[1],
                    (None, None) => CREDENTIAL_WORDS[2],
                },
            });
            if let (None, Some(credential), false) = (held, credential, dry_run) {
                if let Credential::OAuth(tokens) = &credential {
                    row.expires_at = Some(tokens.expires_at.map_or(0, |at| at.0));
                    row.refreshable = tokens.refresh.is_some();
                }
                self.credentials()
                    .persist(&id, &credential)
                    .await
                    .map_err(|error| EngineError::Provider(error.to_string()))?;
                self.upstream.forget(&id);
                self.clear_state(&id);
            }
            rows.push(row);
        }
        if dry_run || rows.is_empty() {
            return Ok(Vec::new());
        }
        let written = rows.clone();
        self.stored(move |store| store.save_accounts(&written))
            .await?;
        let ids: Vec<AccountId> = rows
            .iter()
            .map(|row| AccountId::from(row.id.as_str()))
            .collect();
        self.records.change(|known| {
            for row in rows {
                match known.iter_mut().find(|other| other.id == row.id) {
                    Some(other) => *other = row,
                    None => known.push(row),
                }
            }
        });
        self.republish();
        for id in &ids {
            self.journal
                .bus
                .tell(EngineEvent::AccountChanged(id.clone()));
        }
        Ok(ids)
    }
}

/// The file, if it is one of ours.
fn read(text: &str) -> Result<Value, EngineError> {
    let file: Value = serde_json::from_str(text).map_err(|_| broken())?;
    match file["type"].as_str() {
        Some(TYPE) => {}
        Some(export::ENCRYPTED_TYPE) => {
            return Err(EngineError::Invalid(
                "the file is sealed: its passphrase is needed".into(),
            ));
        }
        _ => return Err(broken()),
    }
    if file["version"]
        .as_u64()
        .is_none_or(|version| version > VERSION)
    {
        return Err(EngineError::Invalid(
            "the backup was written by a newer version; update Switchyard".into(),
        ));
    }
    Ok(file)
}

fn broken() -> EngineError {
    EngineError::Invalid("this is no backup of Switchyard, or a damaged one".into())
}

/// A value as a person would type it.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(typed).collect::<Vec<_>>().join(","),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

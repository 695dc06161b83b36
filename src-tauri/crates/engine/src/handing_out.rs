//! Export of accounts as a use case (F8, F9): records and vault items become a file that an import understands.
//!
//! Only for the person at this machine: the command line and the desktop window, after they have asked. Every export is counted.

use std::path::{Path, PathBuf};

use pool::{AccountId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use store::AccountRow;
use upstream::{Credential, CredentialStore};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::export::{self, ExportAccount};
use crate::import::{self, CodexTokens, Identity, Relay};
use crate::records;

impl Engine {
    /// The named accounts (all when empty) with their secrets, sealed when a passphrase is given (F8, F9). Each export is counted.
    ///
    /// # Errors
    /// When an account is not there or the vault does not give its credential.
    pub async fn export(
        &self,
        names: &[String],
        passphrase: Option<&SecretString>,
    ) -> Result<SecretString, EngineError> {
        let rows = self.to_export(names)?;
        let text = self.written_out(&rows, passphrase).await?;
        self.count_export(rows).await?;
        Ok(text)
    }

    /// The same into a new file that only its owner can read (F9); tells how many accounts are in it. What is not written is not counted.
    ///
    /// # Errors
    /// As [`Engine::export`], and when the file cannot stand there.
    pub async fn export_to(
        &self,
        names: &[String],
        passphrase: Option<&SecretString>,
        path: PathBuf,
    ) -> Result<usize, EngineError> {
        let root = self.home().root().to_path_buf();
        let place = path.clone();
        self.tasks
            .blocking(move || check_place(&place, &root))
            .await?
            .map_err(|problem| EngineError::Invalid(problem.to_owned()))?;
        let rows = self.to_export(names)?;
        let text = self.written_out(&rows, passphrase).await?;
        let written = self
            .tasks
            .blocking(move || export::write_export(&path, &text))
            .await?;
        written.map_err(|error| {
            EngineError::Invalid(format!("the file cannot be written: {error}"))
        })?;
        let count = rows.len();
        self.count_export(rows).await?;
        Ok(count)
    }

    fn to_export(&self, names: &[String]) -> Result<Vec<AccountRow>, EngineError> {
        let mut rows: Vec<AccountRow> = Vec::new();
        if names.is_empty() {
            rows = self.records.with(Vec::clone);
            // Simulated ones would be of no use anywhere else.
            rows.retain(|row| !crate::demo::is_demo(row));
        }
        for name in names {
            let row = self.find(name)?;
            if rows.iter().all(|other| other.id != row.id) {
                rows.push(row);
            }
        }
        if rows.is_empty() {
            return Err(EngineError::NotFound(
                "there is no account to export".into(),
            ));
        }
        Ok(rows)
    }

    async fn written_out(
        &self,
        rows: &[AccountRow],
        passphrase: Option<&SecretString>,
    ) -> Result<SecretString, EngineError> {
        if passphrase.is_some_and(|words| words.expose_secret().is_empty()) {
            return Err(EngineError::Invalid(
                "the passphrase is empty; leave it out to write an unsealed file".into(),
            ));
        }
        let mut accounts = Vec::new();
        for row in rows {
            accounts.push(self.export_of(row).await?);
        }
        let text = export::export(&accounts, self.clock.now());
        let Some(passphrase) = passphrase.cloned() else {
            return Ok(text);
        };
        // Slow on purpose, so not on a worker of the runtime.
        self.tasks
            .blocking(move || export::seal(&text, &passphrase))
            .await?
            .map_err(|error| EngineError::Invalid(error.to_string()))
    }

    async fn count_export(&self, rows: Vec<AccountRow>) -> Result<(), EngineError> {
        let now = self.clock.now();
        for row in rows {
            self.edit(&row.id, |row| {
                row.export_count += 1;
                row.exported_at = Some(now.0);
            })
            .await?;
        }
        Ok(())
    }

    async fn export_of(&self, row: &AccountRow) -> Result<ExportAccount, EngineError> {
        let id = AccountId::from(row.id.as_str());
        let held = self
            .credentials()
            .load(&id)
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        let credential = match held {
            Some(Credential::Key(key)) => import::Credential::Key(key),
            Some(Credential::OAuth(tokens)) => import::Credential::Codex(CodexTokens {
                access: tokens.access,
                refresh: tokens.refresh,
                id_token: tokens.id_token,
            }),
            None => {
                return Err(EngineError::NotFound(format!(
                    "{} has no credential in the vault",
                    row.label
                )));
            }
        };
        let relay = row.base_url.clone().map(|base_url| Relay {
            base_url,
            format: records::format(row),
            format_assumed: false,
            allowed_models: row.allowed_models.clone(),
            group: row.group.clone(),
        });
        Ok(ExportAccount {
            kind: records::kind(row),
            label: Some(row.label.clone()),
            credential,
            identity: Identity {
                account_id: row.provider_account_id.clone(),
                user_id: row.provider_user_id.clone(),
                email: row.email.clone(),
                plan: row.plan.clone(),
                expires_at: row.expires_at.map(Timestamp),
                fedramp: false,
            },
            relay,
            priority: (row.priority != pool::Account::DEFAULT_PRIORITY).then_some(row.priority),
        })
    }
}

/// Whether a file with secrets may be made at `path`: a plain file's place that the person named whole, outside our own home.
pub(crate) fn check_place(path: &Path, home: &Path) -> Result<(), &'static str> {
    if !path.is_absolute() || path.file_name().is_none() {
        return Err("name the file with its whole path");
    }
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        return Err("the folder of the file is not there");
    };
    if home
        .canonicalize()
        .is_ok_and(|home| folder.starts_with(home))
    {
        return Err("choose a place outside Switchyard's own folder");
    }
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => Err("there is something else than a file of that name"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f9_a_file_with_secrets_goes_only_where_a_plain_file_can_stand() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let home = at("home");
        std::fs::create_dir_all(home.join("logs")).unwrap();
        std::fs::write(at("old.json"), "{}").unwrap();
        let cases = [
            (at("new.json"), true),
            (at("old.json"), true),
            (PathBuf::from("new.json"), false),
            (at("home"), false),
            (at("nowhere/new.json"), false),
            (home.join("switchyard.db"), false),
            (home.join("logs/new.json"), false),
            (home.join("../new.json"), true),
            (PathBuf::from("/"), false),
        ];
        for (path, fits) in cases {
            assert_eq!(
                check_place(&path, &home).is_ok(),
                fits,
                "{}",
                path.display()
            );
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("old.json"), at("link.json")).unwrap();
            assert!(check_place(&at("link.json"), &home).is_err());
        }
    }
}

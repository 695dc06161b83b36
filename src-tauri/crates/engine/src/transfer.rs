//! Import of accounts as a use case (F2, F4–F7, F10): what a text or files hold becomes records and vault items.
//!
//! Not the reading of files (`import`) and not the way back (`handing_out`).

mod keeping;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use pool::{AccountId, AccountKind, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use store::AccountRow;
use upstream::{Credential, CredentialStore};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::export;
use crate::import::{self, DuplicateKey, Identity, ImportBatch, ImportItem};
use crate::progress::Progress;
use crate::records;
use crate::redact::mask_email;
use keeping::Keeping;

/// Most error lines of one report (F5).
pub(crate) const ERRORS: usize = 48;

/// One item of an import, done or previewed.
#[derive(Debug, Clone)]
pub struct ImportItemView {
    /// 1-based.
    pub item: usize,
    /// `new`, `update` or `duplicate_in_file`; what happened or would happen.
    pub action: &'static str,
    /// What it becomes.
    pub kind: AccountKind,
    /// Its label.
    pub label: String,
    /// Masked.
    pub email: Option<String>,
    /// Plan.
    pub plan: Option<String>,
    /// End of its token.
    pub expires_at: Option<Timestamp>,
    /// The account, after it was written.
    pub id: Option<AccountId>,
}

/// What an import came to (F5).
#[derive(Debug, Clone, Default)]
pub struct ImportReport {
    /// New accounts.
    pub added: usize,
    /// Accounts that were there and got these credentials.
    pub updated: usize,
    /// Items that were not imported.
    pub failed: usize,
    /// Why, at most 48 lines.
    pub errors: Vec<String>,
    /// Item by item.
    pub items: Vec<ImportItemView>,
}

impl Engine {
    /// Imports what `text` holds, in any of the known shapes. Wrong syntax writes nothing; a dry run neither.
    ///
    /// # Errors
    /// [`EngineError::Import`] names the item.
    pub async fn import(
        self: &Arc<Self>,
        text: &SecretString,
        dry_run: bool,
        verify: bool,
    ) -> Result<ImportReport, EngineError> {
        let batch = import::parse(text.expose_secret())?;
        let mut report = ImportReport {
            failed: batch.refused.len(),
            ..ImportReport::default()
        };
        report.errors.extend(
            batch
                .refused
                .iter()
                .take(ERRORS)
                .map(|refused| format!("item {} {}", refused.item, refused.problem)),
        );
        self.import_batch(batch, dry_run, &mut report).await?;
        if dry_run {
            return Ok(report);
        }
        self.activate_first_usable_if_none().await?;
        let ids: Vec<AccountId> = report
            .items
            .iter()
            .filter_map(|item| item.id.clone())
            .collect();
        if verify {
            self.verify(&ids, &mut report).await;
        }
        self.discover_imported(&report);
        Ok(report)
    }

    /// The accounts of the local Codex CLI (F11).
    ///
    /// # Errors
    /// When there is none, or its tokens are somewhere else; the text says where.
    pub async fn import_codex_cli(
        self: &Arc<Self>,
        dry_run: bool,
    ) -> Result<ImportReport, EngineError> {
        let folder = import::codex_home(&self.env).ok_or_else(|| {
            EngineError::Invalid("the folder of the Codex CLI is not known; set CODEX_HOME".into())
        })?;
        let batch = import::codex_local(&folder)
            .map_err(|error| EngineError::Invalid(error.to_string()))?;
        let mut report = ImportReport::default();
        self.import_batch(batch, dry_run, &mut report).await?;
        if !dry_run {
            self.activate_first_usable_if_none().await?;
            self.discover_imported(&report);
        }
        Ok(report)
    }

    fn discover_imported(self: &Arc<Self>, report: &ImportReport) {
        let imported: HashSet<&str> = report
            .items
            .iter()
            .filter_map(|item| Some(item.id.as_ref()?.as_str()))
            .collect();
        let rows = self.records.with(|rows| {
            rows.iter()
                .filter(|row| imported.contains(row.id.as_str()))
                .cloned()
                .collect()
        });
        self.discover_later(rows);
    }

    /// Imports what files, the files of folders and ZIP archives hold, as one batch (F10); a sealed export needs its passphrase.
    ///
    /// # Errors
    /// Names the file, or the item as [`Engine::import`].
    pub async fn import_files(
        self: &Arc<Self>,
        paths: Vec<PathBuf>,
        passphrase: Option<SecretString>,
        dry_run: bool,
        verify: bool,
    ) -> Result<ImportReport, EngineError> {
        if paths.is_empty() || paths.iter().any(|path| !path.is_absolute()) {
            return Err(EngineError::Invalid(
                "name the files with their whole paths".into(),
            ));
        }
        let text = self
            .tasks
            .blocking(move || {
                // A pipe or a device would be waited for without end.
                let plain = |path: &&PathBuf| !path.exists() || path.is_file() || path.is_dir();
                if let Some(odd) = paths.iter().find(|path| !plain(path)) {
                    return Err(format!("{} is no plain file", odd.display()));
                }
                import::gather_all(&paths).map_err(|error| error.to_string())
            })
            .await?
            .map_err(EngineError::Invalid)?;
        let text = self.unsealed(text, passphrase).await?;
        self.import(&text, dry_run, verify).await
    }

    /// The text of a sealed export; any other text as it is where no passphrase is given (F9).
    ///
    /// # Errors
    /// When the passphrase does not open it, or it is not sealed.
    pub async fn unsealed(
        &self,
        text: SecretString,
        passphrase: Option<SecretString>,
    ) -> Result<SecretString, EngineError> {
        let Some(passphrase) = passphrase else {
            return Ok(text);
        };
        // Slow on purpose, so not on a worker of the runtime.
        self.tasks
            .blocking(move || export::unseal(text.expose_secret(), &passphrase))
            .await?
            .map_err(|error| EngineError::Invalid(error.to_string()))
    }

    async fn import_batch(
        &self,
        batch: ImportBatch,
        dry_run: bool,
        report: &mut ImportReport,
    ) -> Result<(), EngineError> {
        if !dry_run {
            self.changeable()?;
        }
        let _turn = self.records.turn().await;
        let known = self.known(&batch.items).await?;
        let mut seen: HashSet<DuplicateKey> = HashSet::new();
        let total = if dry_run { 0 } else { batch.items.len() };
        let progress = Progress::begin(&self.journal.bus, "import", total);
        let mut keeping = Keeping::new(report, dry_run);
        for entry in batch.items {
            let existing = known
                .get(&entry.duplicate_key())
                .or_else(|| known.get(&entry.token_key()?))
                .cloned();
            let action = match (&existing, seen.insert(entry.duplicate_key())) {
                (_, false) => "duplicate_in_file",
                (Some(_), true) => "update",
                (None, true) => "new",
            };
            let row = self.record_of(&entry, existing, keeping.new_rows());
            let line = ImportItemView {
                item: entry.item,
                action,
                kind: entry.kind,
                label: row.label.clone(),
                email: row.email.as_deref().map(mask_email),
                plan: row.plan.clone(),
                expires_at: row.expires_at.map(Timestamp),
                id: None,
            };
            if !dry_run {
                progress.step(&line.label);
            }
            self.take_in(&mut keeping, line, row, entry).await;
        }
        let rows = self.keep_rest(keeping).await;
        if rows.is_empty() {
            return Ok(());
        }
        let written = rows.clone();
        self.stored(move |store| store.save_accounts(&written))
            .await?;
        self.records.change(|known| {
            for row in rows {
                match known.iter_mut().find(|other| other.id == row.id) {
                    Some(other) => *other = row,
                    None => known.push(row),
                }
            }
        });
        self.republish();
        for id in report.items.iter().filter_map(|item| item.id.clone()) {
            self.journal.bus.tell(EngineEvent::AccountChanged(id));
        }
        Ok(())
    }

    /// The accounts that are there already, by what makes an item the same account (F2). Keys are read from the vault once, and only
    /// those of base URLs that the items name.
    async fn known(
        &self,
        items: &[ImportItem],
    ) -> Result<HashMap<DuplicateKey, AccountRow>, EngineError> {
        let urls: HashSet<&str> = items
            .iter()
            .filter_map(|item| Some(import::comparable(&item.relay.as_ref()?.base_url)))
            .collect();
        let mut known = HashMap::new();
        for row in self.records.with(Vec::clone) {
            let key = if records::kind(&row).is_key() {
                let Some(url) = row
                    .base_url
                    .as_deref()
                    .filter(|url| urls.contains(import::comparable(url)))
                else {
                    continue;
                };
                let id = AccountId::from(row.id.as_str());
                let held = self
                    .credentials()
                    .load(&id)
                    .await
                    .map_err(|error| EngineError::Provider(error.to_string()))?;
                match held {
                    Some(Credential::Key(key)) => Some(DuplicateKey::of_key(url, &key)),
                    _ => None,
                }
            } else {
                let identity = DuplicateKey::of_identity(&Identity {
                    account_id: row.provider_account_id.clone(),
                    user_id: row.provider_user_id.clone(),
                    email: row.email.clone(),
                    ..Identity::default()
                });
                match identity {
                    Some(identity) => Some(identity),
                    None => self.refresh_key(&row).await,
                }
            };
            if let Some(key) = key {
                known.entry(key).or_insert(row);
            }
        }
        Ok(known)
    }

    /// F6: before its first refresh an account is told by its refresh token alone. One that cannot be read is no reason to refuse an
    /// import: the account is then told by its refresh, as any other.
    async fn refresh_key(&self, row: &AccountRow) -> Option<DuplicateKey> {
        let id = AccountId::from(row.id.as_str());
        match self.credentials().load(&id).await {
            Ok(Some(Credential::OAuth(tokens))) => {
                tokens.refresh.as_ref().map(DuplicateKey::of_refresh)
            }
            _ => None,
        }
    }

    /// The record of an item: of the account that is there with its label, order and usage, or a new one (F2).
    fn record_of(
        &self,
        entry: &ImportItem,
        existing: Option<AccountRow>,
        before: usize,
    ) -> AccountRow {
        let relay = entry.relay.as_ref();
        let is_new = existing.is_none();
        let mut row = existing.unwrap_or_else(|| {
            let host = relay
                .and_then(|relay| url::Url::parse(&relay.base_url).ok())
                .and_then(|url| url.host_str().map(str::to_owned));
            let label = entry
                .label
                .clone()
                .or_else(|| entry.identity.email.clone())
                .or(host)
                .unwrap_or_else(|| entry.kind.as_str().to_owned());
            let mut row = self.blank(
                entry.kind,
                label.chars().take(import::LONGEST_LABEL).collect(),
            );
            row.position += u32::try_from(before).unwrap_or(0);
            row.source = "import".to_owned();
            row
        });
        if let Some(relay) = relay {
            row.base_url = Some(relay.base_url.clone());
            row.enabled = true;
            if is_new || !relay.format_assumed {
                row.format = Some(relay.format.as_str().to_owned());
            }
            if is_new {
                row.allowed_models = relay.allowed_models.clone();
                row.group = relay.group.clone();
            }
        } else {
            row.format = Some(pool::Format::Codex.as_str().to_owned());
        }
        if is_new {
            row.priority = entry.priority.unwrap_or(row.priority);
            row.slots = entry.slots;
        }
        let identity = &entry.identity;
        row.provider_account_id = identity.account_id.clone().or(row.provider_account_id);
        row.provider_user_id = identity.user_id.clone().or(row.provider_user_id);
        row.email = identity.email.clone().or(row.email);
        row.plan = identity.plan.clone().or(row.plan);
        if let import::Credential::Codex(tokens) = &entry.credential {
            // F4: no readable expiry counts as expired, so that the first use refreshes.
            row.expires_at = Some(identity.expires_at.map_or(0, |at| at.0));
            row.refreshable = tokens.refresh.is_some();
        }
        row
    }
}

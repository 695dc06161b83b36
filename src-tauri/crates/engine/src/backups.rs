//! Backups of the home's database as use cases (F124, F125): one each day, one by hand, what is in one, and putting one back.
//!
//! They stand in the home and hold no secret: credentials stay in the vault, where a restored account finds its own again. Not the file that
//! a person carries to another machine (`portable`).

use std::collections::HashSet;
use std::sync::Arc;

use pool::{AccountId, AccountKind, Timestamp};
use store::{AccountRow, BackupFile, BackupSort, JournalFilter, Store};

use crate::compose::Engine;
use crate::credentials::item;
use crate::error::EngineError;
use crate::records;
use crate::redact::mask_email;

/// A daily backup is made when the newest one is this old.
const DAY_MS: i64 = 24 * 3600 * 1000;

/// Every word of [`BackupView::sort`].
pub const BACKUP_WORDS: &[&str] = &["daily", "by_hand", "migration"];

/// One backup of the home.
#[derive(Debug, Clone)]
pub struct BackupView {
    /// Its file's name, by which it is asked for.
    pub name: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// One of [`BACKUP_WORDS`].
    pub sort: &'static str,
    /// Its size.
    pub bytes: u64,
}

impl From<BackupFile> for BackupView {
    fn from(file: BackupFile) -> Self {
        Self {
            name: file.name,
            made_at: Timestamp(file.at),
            sort: match file.sort {
                BackupSort::Daily => BACKUP_WORDS[0],
                BackupSort::ByHand => BACKUP_WORDS[1],
                BackupSort::Migration => BACKUP_WORDS[2],
            },
            bytes: file.bytes,
        }
    }
}

/// The backups of the home.
#[derive(Debug, Clone)]
pub struct BackupsView {
    /// Newest first.
    pub backups: Vec<BackupView>,
    /// The newest one that can be read, where the database cannot and none is pending (F124).
    pub offered: Option<String>,
    /// One takes the database's place at the next start.
    pub pending: bool,
}

/// An account in a backup.
#[derive(Debug, Clone)]
pub struct BackupAccount {
    /// Its label there.
    pub label: String,
    /// What it is.
    pub kind: AccountKind,
    /// Masked.
    pub email: Option<String>,
    /// It is here now, too.
    pub here: bool,
    /// The vault holds its credential, so that it can serve.
    pub credential: bool,
}

/// What putting a backup back would bring (F125).
#[derive(Debug, Clone)]
pub struct BackupPreview {
    /// Which one.
    pub backup: BackupView,
    /// The accounts in it, in their order.
    pub accounts: Vec<BackupAccount>,
    /// Labels of accounts that are here and not in it. Their credentials stay in the vault.
    pub removed: Vec<String>,
    /// Its latest request.
    pub last_request_at: Option<Timestamp>,
}

impl Engine {
    /// The backups of the home, newest first.
    ///
    /// # Errors
    /// None but a broken task.
    pub async fn backups(&self) -> Result<BackupsView, EngineError> {
        let root = self.home().root().to_path_buf();
        let unreadable = self.read_only.is_some();
        self.tasks
            .blocking(move || {
                let files = BackupFile::all(&root);
                let readable = |file: &&BackupFile| Store::open_backup(&file.path).is_ok();
                let pending = store::pending_restore(&root);
                let offered = (unreadable && !pending)
                    .then(|| files.iter().find(readable))
                    .flatten()
                    .map(|file| file.name.clone());
                BackupsView {
                    offered,
                    pending,
                    backups: files.into_iter().map(Into::into).collect(),
                }
            })
            .await
    }

    /// Makes a backup now.
    ///
    /// # Errors
    /// When nothing may be changed, or the disk does not take it.
    pub async fn back_up(self: &Arc<Self>) -> Result<BackupView, EngineError> {
        self.changeable()?;
        let engine = self.clone();
        let made = self.tasks.blocking(move || {
            engine.flush();
            store::back_up(engine.home().root(), engine.clock.now().0)
        });
        let path = made.await??;
        let root = self.home().root().to_path_buf();
        let all = self.tasks.blocking(move || BackupFile::all(&root)).await?;
        all.into_iter()
            .find(|file| file.path == path)
            .map(Into::into)
            .ok_or(EngineError::Internal)
    }

    /// Makes the daily backup when it is due. A home without accounts has nothing to lose, and would drive out backups that have.
    pub(crate) async fn back_up_daily(self: &Arc<Self>) {
        let keep = usize::try_from(self.settings.current().settings.backup.keep).unwrap_or(0);
        let none = self
            .records
            .with(|rows| rows.iter().all(crate::demo::is_demo));
        if keep == 0 || none || self.read_only.is_some() {
            return;
        }
        let engine = self.clone();
        let made = self.tasks.blocking(move || {
            let now = engine.clock.now().0;
            let files = BackupFile::all(engine.home().root());
            let newest = files.iter().find(|file| file.sort == BackupSort::Daily);
            // One of the future was made by a wrong clock.
            if newest.is_some_and(|file| (0..DAY_MS).contains(&(now - file.at))) {
                return Ok(None);
            }
            store::back_up_daily(engine.home().root(), now, keep).map(Some)
        });
        match made.await {
            Ok(Ok(Some(_))) => tracing::info!("the daily backup was made"),
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the daily backup could not be made"),
        }
    }

    /// What is in a backup, and what putting it back would change.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read.
    pub async fn preview_backup(&self, name: &str) -> Result<BackupPreview, EngineError> {
        let file = self.backup_file(name).await?;
        let here: Vec<AccountRow> = self.records.with(Vec::clone);
        let vault = self.vault.clone();
        self.tasks
            .blocking(move || {
                let source = Store::open_backup(&file.path).map_err(unreadable)?;
                let rows = source.accounts()?;
                let last = source.recent_requests(1, &JournalFilter::default())?;
                let there: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
                let account = |row: &AccountRow| BackupAccount {
                    label: row.label.clone(),
                    kind: records::kind(row),
                    email: row.email.as_deref().map(mask_email),
                    here: here.iter().any(|other| other.id == row.id),
                    credential: matches!(
                        vault.get(&item(&AccountId::from(row.id.as_str()))),
                        Ok(Some(_))
                    ),
                };
                Ok(BackupPreview {
                    accounts: rows.iter().map(account).collect(),
                    removed: here
                        .iter()
                        .filter(|row| !there.contains(row.id.as_str()))
                        .map(|row| row.label.clone())
                        .collect(),
                    last_request_at: last.first().map(|row| Timestamp(row.started_at)),
                    backup: file.into(),
                })
            })
            .await?
    }

    /// Lays a backup ready to take the database's place at the next start, also in read-only mode (F124). What is there now is kept beside it.
    ///
    /// # Errors
    /// When there is none of that name, or it cannot be read whole: then nothing changes.
    pub async fn restore_backup(&self, name: &str) -> Result<(), EngineError> {
        let file = self.backup_file(name).await?;
        let root = self.home().root().to_path_buf();
        self.tasks
            .blocking(move || store::stage_restore(&root, &file.name))
            .await?
            .map_err(unreadable)?;
        tracing::warn!(
            backup = name,
            "a backup takes the database's place at the next start"
        );
        Ok(())
    }

    async fn backup_file(&self, name: &str) -> Result<BackupFile, EngineError> {
        let root = self.home().root().to_path_buf();
        let all = self.tasks.blocking(move || BackupFile::all(&root)).await?;
        all.into_iter()
            .find(|file| file.name == name)
            .ok_or_else(|| {
                EngineError::NotFound(format!(
                    "there is no backup {name:?}; `switchyard backup list` shows them"
                ))
            })
    }
}

fn unreadable(error: store::StoreError) -> EngineError {
    match error {
        store::StoreError::Corrupt { why, .. } => EngineError::Invalid(format!(
            "this backup cannot be read ({why}); nothing was changed"
        )),
        other => other.into(),
    }
}

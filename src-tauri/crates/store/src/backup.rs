//! Backups of the home's database as files beside it (F124, F125): made by hand, daily, and before a migration; listed; the oldest daily ones
//! removed. They hold what the database holds, so no secret.
//!
//! Putting one back is `restore`; the copying itself is `quarantine`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::quarantine::{self, time_of};
use crate::{FILE_NAME, Store, StoreError, backups, open};

/// Why a backup was made; it stands in the file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupSort {
    /// By the schedule: `backup-auto-<time>`. Only these are removed again.
    Daily,
    /// Before a new schema: `backup-v<version>-<time>`.
    Migration,
    /// By the person: `backup-<time>`.
    ByHand,
}

/// One backup in the home folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its file name.
    pub name: String,
    /// When it was made, in unix milliseconds; 0 where the name does not tell.
    pub at: i64,
    /// Why it was made.
    pub sort: BackupSort,
    /// Its size.
    pub bytes: u64,
}

impl BackupFile {
    /// All of a home, newest first.
    pub fn all(home: &Path) -> Vec<Self> {
        let one = |path: PathBuf| {
            let name = path.file_name()?.to_str()?.to_owned();
            let (_, ending) = name.split_once(".backup-")?;
            let sort = match ending.chars().next()? {
                'a' => BackupSort::Daily,
                'v' => BackupSort::Migration,
                _ => BackupSort::ByHand,
            };
            Some(Self {
                at: time_of(&path).unwrap_or(0),
                bytes: fs::metadata(&path).ok()?.len(),
                sort,
                name,
                path,
            })
        };
        backups(home).into_iter().filter_map(one).collect()
    }
}

/// Held while a backup is written: each is written under the same name first.
static COPYING: Mutex<()> = Mutex::new(());

/// Writes a consistent copy of the home's database beside it (`switchyard.db.backup-<now>`) and gives its path. Over a connection of its
/// own, so that writers are not held up.
pub fn back_up(home: &Path, now: i64) -> Result<PathBuf, StoreError> {
    copy_to(&home.join(FILE_NAME), &format!("backup-{now}"))
}

/// The same as a daily one, of which the newest `keep` stay. The old ones go when the new one is whole.
pub fn back_up_daily(home: &Path, now: i64, keep: usize) -> Result<PathBuf, StoreError> {
    let made = copy_to(&home.join(FILE_NAME), &format!("backup-auto-{now}"))?;
    let all = BackupFile::all(home);
    let daily = all.iter().filter(|file| file.sort == BackupSort::Daily);
    for old in daily.skip(keep.max(1)) {
        quarantine::remove(&old.path).map_err(|source| StoreError::Io {
            doing: "removing the old backup",
            path: old.path.clone(),
            source,
        })?;
    }
    Ok(made)
}

fn copy_to(path: &Path, ending: &str) -> Result<PathBuf, StoreError> {
    let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
    let connection = open::beside_writer(path)?;
    quarantine::backup(&connection, path, ending)
}

impl Store {
    /// [`back_up`] of this database. `None` for a store in memory.
    pub fn backup(&self, now: i64) -> Result<Option<PathBuf>, StoreError> {
        let path = self.path.as_deref();
        path.map(|path| copy_to(path, &format!("backup-{now}")))
            .transpose()
    }
}

//! Putting a backup in the place of the database (F124, F125), in two steps: a whole copy is laid ready, and the next opening of the home,
//! before anything else, puts it in place. A kill at any point leaves one of the two states.
//!
//! What was there before is copied aside (`switchyard.db.replaced-<time>`), readable or not, and stays.

use std::fs;
use std::path::{Path, PathBuf};

use crate::quarantine::{
    beside_log, copy_private, remove, same_content, set_aside, siblings, sync_folder,
};
use crate::{FILE_NAME, StoreError, backups, open};

/// The copy that waits for the next opening.
fn ready(path: &Path) -> PathBuf {
    path.with_extension("db-restore")
}

/// Lays the backup of this name ready. It takes the database's place when the home is opened next; the caller holds the home's lock.
///
/// # Errors
/// [`StoreError::Absent`] when there is none of that name, [`StoreError::Corrupt`] when it cannot be read whole: then nothing changes.
pub fn stage_restore(home: &Path, name: &str) -> Result<(), StoreError> {
    let path = home.join(FILE_NAME);
    let found = backups(home)
        .into_iter()
        .find(|backup| backup.file_name().is_some_and(|file| file == name));
    let Some(backup) = found else {
        return Err(StoreError::Absent {
            path: home.join(name),
        });
    };
    open::whole(&backup)?;
    let unfinished = path.with_extension("db-restoring");
    let failed = failed("copying the backup to", &unfinished);
    remove(&unfinished)
        .and_then(|()| copy_private(&backup, &unfinished))
        .and_then(|()| fs::rename(&unfinished, ready(&path)))
        .and_then(|()| sync_folder(&path))
        .map_err(failed)
}

/// Whether a backup waits for the next opening.
pub fn pending_restore(home: &Path) -> bool {
    ready(&home.join(FILE_NAME)).exists()
}

/// Copies of databases that could not be read or were replaced, with their logs.
pub fn set_aside_copies(home: &Path) -> Vec<PathBuf> {
    let path = home.join(FILE_NAME);
    let mut found = siblings(&path, "corrupt-");
    found.extend(siblings(&path, "replaced-"));
    let logs: Vec<PathBuf> = found.iter().map(|copy| beside_log(copy)).collect();
    found.extend(logs.into_iter().filter(|log| log.exists()));
    found
}

/// Puts the copy that waits in place, if there is one. Every step may be done again.
pub(crate) fn finish(path: &Path, now: i64) -> Result<(), StoreError> {
    let ready = ready(path);
    if !ready.exists() {
        return Ok(());
    }
    let failed = failed("restoring", path);
    let log = beside_log(path);
    // An unreadable one was copied when it was found to be.
    let kept = siblings(path, "corrupt-").iter().any(|copy| {
        same_content(copy, path) && (!log.exists() || same_content(&beside_log(copy), &log))
    });
    if !kept && (path.exists() || log.exists()) {
        set_aside(path, "replaced", now).map_err(&failed)?;
    }
    // A log beside another database than its own would be folded into it.
    let mut index = path.as_os_str().to_owned();
    index.push("-shm");
    remove(&log)
        .and_then(|()| remove(Path::new(&index)))
        .and_then(|()| fs::rename(&ready, path))
        .and_then(|()| sync_folder(path))
        .map_err(&failed)
}

fn failed(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        doing,
        path: path.clone(),
        source,
    }
}

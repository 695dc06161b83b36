//! Copies beside the database: of one that cannot be read (F124), and backups before a migration or on request (F125). Never a move, never a
//! deletion: what is there stays there.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::{FILE_NAME, StoreError};

/// Copies an unreadable database (and its log) to `switchyard.db.corrupt-<now>`. The same content is copied once, however often a start is
/// tried. `None` when the copy could not be made: the original is there all the same.
pub(crate) fn quarantine(path: &Path, now: i64) -> Option<PathBuf> {
    for earlier in siblings(path, "corrupt-") {
        if same_content(&earlier, path) {
            return Some(earlier);
        }
    }
    let copy = beside(path, &format!("corrupt-{now}"));
    if path.exists() {
        copy_private(path, &copy).ok()?;
    }
    let log = beside_log(path);
    if log.exists() {
        copy_private(&log, &beside_log(&copy)).ok()?;
    }
    Some(copy)
}

/// A consistent copy of an open database under the given ending, flushed to disk.
pub(crate) fn backup(
    connection: &Connection,
    path: &Path,
    ending: &str,
) -> Result<PathBuf, StoreError> {
    let copy = beside(path, ending);
    let failed = |source| StoreError::Io {
        doing: "writing the backup",
        path: copy.clone(),
        source,
    };
    // VACUUM INTO accepts an empty file; made here first, so that it is private from the beginning.
    create_private(&copy).map_err(failed)?;
    let target = copy.to_str().ok_or_else(|| StoreError::Conflict {
        what: format!(
            "{} is not a path a backup can be written to: use a home whose path is valid text",
            copy.display()
        ),
    })?;
    connection.execute("VACUUM INTO ?1", [target])?;
    File::open(&copy)
        .and_then(|file| file.sync_all())
        .map_err(failed)?;
    Ok(copy)
}

/// Backups of the home's database, newest first by the time in their names. For the person to choose from when the database is unreadable.
pub fn backups(home: &Path) -> Vec<PathBuf> {
    let mut found = siblings(&home.join(FILE_NAME), "backup-");
    found.sort_by_key(|path| {
        let name = path.to_string_lossy();
        let time: Option<i64> = name
            .rsplit('-')
            .next()
            .and_then(|digits| digits.parse().ok());
        std::cmp::Reverse(time)
    });
    found
}

/// Creates the file, which must not exist, readable for its owner only.
pub(crate) fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// The write-ahead log of a database file.
pub(crate) fn beside_log(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn siblings(path: &Path, beginning: &str) -> Vec<PathBuf> {
    let prefix = format!("{FILE_NAME}.{beginning}");
    let entries = path.parent().and_then(|folder| fs::read_dir(folder).ok());
    entries
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(&prefix) && !name.ends_with("-wal") && !name.ends_with("-shm")
        })
        .collect()
}

fn same_content(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map(|facts| facts.len()).ok();
    length(one).is_some()
        && length(one) == length(other)
        && matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b)
}

fn copy_private(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut target = create_private(to)?;
    std::io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

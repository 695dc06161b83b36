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
    set_aside(path, "corrupt", now).ok()
}

/// Copies the database and its log, whatever they hold, to `switchyard.db.<word>-<now>`.
pub(crate) fn set_aside(path: &Path, word: &str, now: i64) -> std::io::Result<PathBuf> {
    let copy = beside(path, &format!("{word}-{now}"));
    if path.exists() {
        copy_private(path, &copy)?;
    }
    let log = beside_log(path);
    if log.exists() {
        copy_private(&log, &beside_log(&copy))?;
    }
    Ok(copy)
}

/// A consistent copy of an open database under the given ending, flushed to disk. Written under another name first, so that a killed process
/// leaves no half of a backup among the whole ones (F123).
pub(crate) fn backup(
    connection: &Connection,
    path: &Path,
    ending: &str,
) -> Result<PathBuf, StoreError> {
    let copy = beside(path, ending);
    let unfinished = path.with_extension("db-copying");
    let failed = |source| StoreError::Io {
        doing: "writing the backup",
        path: copy.clone(),
        source,
    };
    if copy.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    // What a killed process left, with the journal that SQLite would play back into the new file.
    for left in ["", "-journal", "-wal"] {
        let mut name = unfinished.as_os_str().to_owned();
        name.push(left);
        remove(Path::new(&name)).map_err(failed)?;
    }
    // VACUUM INTO accepts an empty file; made here first, so that it is private from the beginning.
    let file = create_private(&unfinished).map_err(failed)?;
    let target = unfinished.to_str().ok_or_else(|| StoreError::Conflict {
        what: format!(
            "{} is not a path a backup can be written to: use a home whose path is valid text",
            copy.display()
        ),
    })?;
    connection.execute("VACUUM INTO ?1", [target])?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, &copy).map_err(failed)?;
    sync_folder(&copy).map_err(failed)?;
    Ok(copy)
}

/// Backups of the home's database, newest first by the time in their names. For the person to choose from when the database is unreadable.
pub fn backups(home: &Path) -> Vec<PathBuf> {
    let mut found = siblings(&home.join(FILE_NAME), "backup-");
    found.sort_by_key(|path| std::cmp::Reverse(time_of(path)));
    found
}

/// The time at the end of a copy's name.
pub(crate) fn time_of(path: &Path) -> Option<i64> {
    path.to_str()?.rsplit('-').next()?.parse().ok()
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a rename in the file's folder last.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        // Windows flushes folders by itself and cannot be asked.
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
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

pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

pub(crate) fn siblings(path: &Path, beginning: &str) -> Vec<PathBuf> {
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

pub(crate) fn same_content(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).map(|facts| facts.len()).ok();
    length(one).is_some()
        && length(one) == length(other)
        && matches!((fs::read(one), fs::read(other)), (Ok(a), Ok(b)) if a == b)
}

pub(crate) fn copy_private(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut target = create_private(to)?;
    std::io::copy(&mut File::open(from)?, &mut target)?;
    target.sync_all()
}

//! What can go wrong with the store, in words that say what to do.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database was written by a newer Switchyard. It was not changed.
    #[error(
        "{} was written by a newer Switchyard (schema {found}, this one knows {known}): use that version, or another home with --home",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The highest schema version known here.
        known: u32,
    },
    /// The database cannot be read. It was not changed, and a copy was made where the disk allowed it.
    #[error(
        "{} cannot be read ({why}). It was left untouched{}. Put a backup in its place, or move it away to begin anew",
        path.display(),
        quarantine.as_ref().map(|copy| format!(" and copied to {}", copy.display())).unwrap_or_default()
    )]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// The copy.
        quarantine: Option<PathBuf>,
    },
    /// A damage was met while running. What had been read before is sound.
    #[error(
        "the database is damaged ({why}): stop Switchyard, copy the home folder, and put a backup in place"
    )]
    Damaged {
        /// Where and what.
        why: String,
    },
    /// There is no database to open for reading.
    #[error("there is no database at {}: start Switchyard once with this home", path.display())]
    Absent {
        /// Where one was looked for.
        path: PathBuf,
    },
    /// The store was opened for reading only.
    #[error("the state is open for reading only: nothing was changed")]
    ReadOnly,
    /// An account with this id is there already, or an order names an account that is not.
    #[error("{what}")]
    Conflict {
        /// What does not fit.
        what: String,
    },
    /// Another program holds the database.
    #[error("another program is using the database: stop it and try again")]
    Busy,
    /// No space left.
    #[error("the disk is full: make room and try again; nothing was half written")]
    Full,
    /// The file system refused.
    #[error("{doing} {} failed: {source}. Check free space and permissions of the home folder", path.display())]
    Io {
        /// What was being done, as a verb in -ing form.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// SQLite refused for another reason.
    #[error("the database refused: {0}")]
    Sql(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged {
                why: error.to_string(),
            },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => match error {
                // A value of another type than the column's: STRICT tables make that a damage.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..) => Self::Damaged {
                    why: error.to_string(),
                },
                other => Self::Sql(other),
            },
        }
    }
}

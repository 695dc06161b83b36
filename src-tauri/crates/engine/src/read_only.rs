//! Read-only mode (F124): the database of a home cannot be read or is newer than this program, so nothing of the home is changed, and what
//! can be served is served.
//!
//! Accounts come from the database where it can still be read, else from its last good backup. They are held in memory, where the journal
//! of this run is kept too; every change a person asks for is refused. The exception is a rotated token, which the vault keeps (F17): a
//! token that is lost is a sign-in that is lost. Called when a home is opened.

use std::path::Path;

use store::{Store, StoreError};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::records;

/// Why nothing may be changed.
#[derive(Debug)]
pub(crate) struct ReadOnly {
    /// For people: what is wrong, what is served, and the way out.
    pub why: String,
}

/// Opens the home's database, or stands in for one that must not be touched. `accept_newer` says whether a database of a newer version is
/// served at all; commands and the headless server refuse it.
///
/// # Errors
/// [`StoreError`] where reading does not help: another program holds it, the disk fails, or it is newer and that is not accepted.
pub(crate) fn open(
    home: &Path,
    now: i64,
    accept_newer: bool,
) -> Result<(Store, Option<ReadOnly>), EngineError> {
    let error = match Store::open(home, now) {
        Ok(store) => return Ok((store, None)),
        Err(error) => error,
    };
    let stands_in = Store::in_memory()?;
    let served = match &error {
        StoreError::Newer { .. } if accept_newer => {
            let source = Store::open_read_only(home)?;
            copy(&source, &stands_in)?;
            "its accounts are served".to_owned()
        }
        StoreError::Corrupt { .. } => from_backup(home, &stands_in)?,
        _ => return Err(error.into()),
    };
    let why = format!("Read-only mode: {error}. Nothing is changed until then; {served}.");
    tracing::error!("{why}");
    Ok((stands_in, Some(ReadOnly { why })))
}

/// Takes the accounts of the newest backup that can be read.
fn from_backup(home: &Path, stands_in: &Store) -> Result<String, EngineError> {
    for backup in store::backups(home) {
        match Store::open_backup(&backup).and_then(|source| copy(&source, stands_in)) {
            Ok(()) => {
                return Ok(format!(
                    "the accounts of the last good backup, {}, are served; `switchyard restore` puts it in the database's place",
                    backup.display()
                ));
            }
            Err(error) => {
                tracing::warn!(backup = %backup.display(), %error, "this backup cannot be read either");
            }
        }
    }
    Ok("there is no backup, so no account can be served".to_owned())
}

/// What serving needs: accounts, what is known of them, and the active one.
fn copy(source: &Store, target: &Store) -> Result<(), StoreError> {
    let accounts = source.accounts()?;
    let states = source.account_states()?;
    let active = source.meta(records::ACTIVE)?;
    target.save_accounts(&accounts)?;
    target.save_account_states(&states)?;
    target.set_meta(records::ACTIVE, active.as_deref())
}

impl Engine {
    /// Why nothing may be changed and what is served all the same, for people; `None` where all is well.
    pub fn read_only(&self) -> Option<&str> {
        self.read_only
            .as_ref()
            .map(|read_only| read_only.why.as_str())
    }

    /// Refuses in read-only mode. Every use case by which a person changes something asks first.
    pub(crate) fn changeable(&self) -> Result<(), EngineError> {
        match self.read_only {
            Some(_) => Err(StoreError::ReadOnly.into()),
            None => Ok(()),
        }
    }
}

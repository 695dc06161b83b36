//! What must outlive the process and is not secret, in one SQLite database of the home folder: accounts and their state, quota samples, the
//! journal, usage per day, and a few single values.
//!
//! Rows are plain records of this room: text, numbers and JSON text as stored. They are neither domain types nor wire types; the engine
//! converts. No column holds a secret (credentials are the vault's), a prompt or an answer.
//!
//! Every call blocks (it touches the disk): the engine calls from a blocking task. Calls from several threads take turns on one connection.
//! Times are unix milliseconds given by the caller; the store reads no clock. The caller holds the lock on the home folder.
//!
//! Two grades of durability. Changes of accounts and single values are on the disk when the call returns, also when the power fails. Journal,
//! samples, usage and account state survive a killed process at once and a power failure up to the last seconds.

mod account_state;
mod accounts;
mod backup;
mod balances;
mod erase;
mod error;
mod journal;
mod meta;
mod migrate;
mod open;
mod quarantine;
mod quota_samples;
mod restore;
mod schema;
mod switches;
mod usage_daily;
mod usage_limits;
mod usage_slots;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use account_state::AccountStateRow;
pub use accounts::AccountRow;
pub use backup::{BackupFile, BackupSort, back_up, back_up_daily};
pub use balances::BalanceRow;
pub use error::StoreError;
pub use journal::{AttemptRow, JournalFilter, JournalRow};
pub use quarantine::backups;
pub use quota_samples::{QuotaSampleRow, SAMPLE_INTERVAL_MS};
pub use restore::{pending_restore, set_aside_copies, stage_restore};
pub use schema::SCHEMA_VERSION;
pub use switches::SwitchRow;
pub use usage_daily::{EARLIER, UsageRow};
pub use usage_limits::UsageLimitRow;
pub use usage_slots::{USAGE_SLOT_MS, UsageSlotRow};

/// Name of the database file in the home folder.
pub const FILE_NAME: &str = "switchyard.db";

/// The opened database.
pub struct Store {
    connection: Mutex<Connection>,
    /// `None` for a store in memory.
    path: Option<PathBuf>,
    read_only: bool,
    schema_version: u32,
}

/// How sure a write must be when it returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives a killed process; a power failure may take the last moments.
    Process,
    /// Survives a power failure.
    Power,
}

impl Store {
    /// Opens the home's database, making or migrating it as needed. The folder must exist. `now` names copies made on the way.
    ///
    /// A database of a newer version ([`StoreError::Newer`]) or one that cannot be read ([`StoreError::Corrupt`], after a copy was made) is
    /// left byte for byte as it is (F124, F125).
    pub fn open(home: &Path, now: i64) -> Result<Self, StoreError> {
        open::open(&home.join(FILE_NAME), now)
    }

    /// Opens an existing database for reading, also one of a newer version as far as its columns are still known here. Every write is
    /// refused with [`StoreError::ReadOnly`].
    pub fn open_read_only(home: &Path) -> Result<Self, StoreError> {
        open::open_read_only(&home.join(FILE_NAME))
    }

    /// Opens one of [`backups`] for reading, without leaving a trace beside it.
    pub fn open_backup(path: &Path) -> Result<Self, StoreError> {
        open::open_read_only(path)
    }

    /// An empty store that is gone with the process: for demo homes, and to run read-only beside an unreadable database.
    pub fn in_memory() -> Result<Self, StoreError> {
        open::in_memory()
    }

    /// True when writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The schema version of the opened database; larger than [`SCHEMA_VERSION`] only when opened read-only.
    pub fn schema_version(&self) -> u32 {
        self.schema_version
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic inside a transaction has rolled it back: the connection is sound.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(&self.lock())
    }

    /// Writes in one transaction, all or nothing.
    pub(crate) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.read_only {
            return Err(StoreError::ReadOnly);
        }
        let mut connection = self.lock();
        if durability == Durability::Process {
            return transaction(&mut connection, work);
        }
        connection.execute_batch("PRAGMA synchronous = FULL")?;
        let result = transaction(&mut connection, work);
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
        result
    }
}

fn transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

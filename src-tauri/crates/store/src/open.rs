//! Opening: look at the file before SQLite touches it, check what SQLite says, migrate, and only then allow writes.
//!
//! Everything up to the end of the checks leaves the file byte for byte as it was: SQLite would otherwise fold a log into it on close.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::quarantine::{beside_log, create_private, quarantine, remove, sync_folder};
use crate::restore;
use crate::schema::{APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION};
use crate::{Store, StoreError, migrate};

/// First bytes of every SQLite database.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Another program that looks into the database (a backup tool) holds it only for moments.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the file is, seen from outside.
enum Look {
    Absent,
    /// Made by a first start that was killed before SQLite wrote anything.
    Empty,
    Database {
        version: u32,
    },
    Damaged(&'static str),
}

pub(crate) fn open(path: &Path, now: i64) -> Result<Store, StoreError> {
    let reading = |source| StoreError::Io {
        doing: "reading",
        path: path.to_owned(),
        source,
    };
    restore::finish(path, now)?;
    let unclean = log_length(path) > 0;
    match look(path, unclean).map_err(reading)? {
        Look::Damaged(why) => return Err(corrupt(path, why.to_owned(), now)),
        Look::Database { version } if version > SCHEMA_VERSION => return Err(newer(path, version)),
        Look::Absent | Look::Empty => create(path)?,
        Look::Database { .. } => {}
    }
    let opened = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|mut connection| {
        prepare(&mut connection, path, unclean, now)?;
        Ok(connection)
    });
    match opened {
        Ok(connection) => Ok(store(connection, Some(path), false, SCHEMA_VERSION)),
        Err(StoreError::Damaged { why }) => Err(corrupt(path, why, now)),
        Err(other) => Err(other),
    }
}

pub(crate) fn open_read_only(path: &Path) -> Result<Store, StoreError> {
    if !path.exists() {
        return Err(StoreError::Absent {
            path: path.to_owned(),
        });
    }
    let damaged = |why: String| StoreError::Corrupt {
        path: path.to_owned(),
        why,
        quarantine: None,
    };
    let opened = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        let version = check(&connection, false)?;
        Ok((connection, version))
    });
    match opened {
        Ok((_, 0)) => Err(damaged("it has no tables yet".to_owned())),
        Ok((connection, version)) => Ok(store(connection, Some(path), true, version)),
        Err(StoreError::Damaged { why }) => Err(damaged(why)),
        Err(other) => Err(other),
    }
}

/// Whether a database can be read from its first page to its last.
pub(crate) fn whole(path: &Path) -> Result<(), StoreError> {
    let store = open_read_only(path)?;
    store
        .read(|connection| check(connection, true))
        .map_err(|error| match error {
            StoreError::Damaged { why } => StoreError::Corrupt {
                path: path.to_owned(),
                why,
                quarantine: None,
            },
            other => other,
        })?;
    Ok(())
}

/// A second connection to an open database, for a long read beside its writer.
pub(crate) fn beside_writer(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch("PRAGMA cache_size = -512")?;
    Ok(connection)
}

pub(crate) fn in_memory() -> Result<Store, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    settle(&connection)?;
    migrate::forward(&mut connection, None, MIGRATIONS, 0)?;
    Ok(store(connection, None, false, SCHEMA_VERSION))
}

fn store(
    connection: Connection,
    path: Option<&Path>,
    read_only: bool,
    schema_version: u32,
) -> Store {
    Store {
        connection: Mutex::new(connection),
        path: path.map(Path::to_owned),
        read_only,
        schema_version,
    }
}

/// Reads the header without SQLite.
fn look(path: &Path, unclean: bool) -> std::io::Result<Look> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // SQLite would throw such a log away, and with it what was written last.
            return Ok(if unclean {
                Look::Damaged("it is missing, but its log is there")
            } else {
                Look::Absent
            });
        }
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(if unclean {
            Look::Damaged("it is empty, but its log is not")
        } else {
            Look::Empty
        });
    }
    let mut header = Vec::with_capacity(100);
    (&mut file).take(100).read_to_end(&mut header)?;
    let Some(header) = header.first_chunk::<100>() else {
        return Ok(Look::Damaged("it is too short"));
    };
    if !header.starts_with(SQLITE_MAGIC) {
        return Ok(Look::Damaged("it is not an SQLite database"));
    }
    // SQLite file format, section 1.3: page size at 16 (1 means 65536), change counter 24, size in pages 28, version-valid-for 92.
    let page_size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    let pages = u64::from(number(header, 28));
    // With a log beside it the file may lag behind; SQLite then checks for itself.
    if !unclean && number(header, 24) == number(header, 92) && length < pages * page_size {
        return Ok(Look::Damaged("it has been cut short"));
    }
    Ok(Look::Database {
        version: number(header, 60),
    })
}

/// Makes a whole new database beside its place and moves it there: two flushes instead of the dozen that SQLite needs to be safe at every
/// step, on a first start that a person waits for. A kill leaves a half-made file under another name, which the next start throws away.
fn create(path: &Path) -> Result<(), StoreError> {
    let unfinished = path.with_extension("db-new");
    let failed = |source| StoreError::Io {
        doing: "creating",
        path: path.to_owned(),
        source,
    };
    remove(&unfinished).map_err(failed)?;
    let file = create_private(&unfinished).map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&unfinished, flags)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")?;
    migrate::forward(&mut connection, None, MIGRATIONS, 0)?;
    connection
        .close()
        .map_err(|(_, error)| StoreError::from(error))?;
    file.sync_all().map_err(failed)?;
    fs::rename(&unfinished, path).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

/// A connection that changes nothing yet: closing it does not fold the log into the file.
fn connect(path: &Path, access: OpenFlags) -> Result<Connection, StoreError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Checks, then settings and migrations.
fn prepare(
    connection: &mut Connection,
    path: &Path,
    unclean: bool,
    now: i64,
) -> Result<(), StoreError> {
    let version = check(connection, unclean)?;
    if version > SCHEMA_VERSION {
        return Err(newer(path, version));
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Conflict {
            what: "the home folder is on a file system that SQLite cannot keep a log on: use another home with --home".to_owned(),
        });
    }
    settle(connection)?;
    if version < SCHEMA_VERSION {
        connection.execute_batch("PRAGMA synchronous = FULL")?;
        migrate::forward(connection, Some(path), MIGRATIONS, now)?;
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Whose database it is and whether what matters can be read; gives the schema version. A whole check only after an unclean end: it reads
/// every page.
fn check(connection: &Connection, whole: bool) -> Result<u32, StoreError> {
    let damaged = |why: &str| StoreError::Damaged {
        why: why.to_owned(),
    };
    let version = migrate::user_version(connection)?;
    let tables: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if version == 0 {
        return if tables == 0 {
            Ok(0)
        } else {
            Err(damaged("it belongs to another program"))
        };
    }
    let application: u32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(damaged("it belongs to another program"));
    }
    if whole {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(damaged(&verdict));
        }
    }
    if version <= SCHEMA_VERSION {
        // The tables without which nothing works are read through; they are small.
        connection
            .query_row(
                "SELECT (SELECT total(length(label)) FROM accounts), (SELECT total(length(quota)) FROM account_state),
                        (SELECT total(length(value)) FROM meta)",
                [],
                |_| Ok(()),
            )
            .map_err(|error| match StoreError::from(error) {
                StoreError::Sql(missing) => StoreError::Damaged { why: missing.to_string() },
                other => other,
            })?;
    }
    Ok(version)
}

/// Settings that live with the connection, not in the file.
fn settle(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -512;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    Ok(())
}

fn log_length(path: &Path) -> u64 {
    fs::metadata(beside_log(path))
        .map(|facts| facts.len())
        .unwrap_or(0)
}

fn newer(path: &Path, found: u32) -> StoreError {
    StoreError::Newer {
        path: path.to_owned(),
        found,
        known: SCHEMA_VERSION,
    }
}

fn corrupt(path: &Path, why: String, now: i64) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        why,
        quarantine: quarantine(path, now),
    }
}

fn number(header: &[u8; 100], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

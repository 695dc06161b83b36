//! Forward migrations (F125): a backup first, then all missing steps in one transaction with the version number. Called by `open` only.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;
use crate::quarantine;
use crate::schema::{APPLICATION_ID, Migration};

/// Brings the database to the end of `migrations`. `path` is `None` in memory; `now` names the backup. How durable
/// the step is, is the connection's setting.
pub(crate) fn forward(
    connection: &mut Connection,
    path: Option<&Path>,
    migrations: &[Migration],
    now: i64,
) -> Result<(), StoreError> {
    let version = user_version(connection)? as usize;
    if version >= migrations.len() {
        return Ok(());
    }
    if version > 0
        && let Some(path) = path
    {
        quarantine::backup(connection, path, &format!("backup-v{version}-{now}"))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for step in &migrations[version..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", migrations.len() as u32)?;
    transaction.commit()?;
    Ok(())
}

/// The schema version of the database.
pub(crate) fn user_version(connection: &Connection) -> Result<u32, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::MIGRATIONS;
    use crate::{AccountRow, FILE_NAME, Store, backups};

    /// F125: forward in one step with a backup of the version before; F1: new columns have defaults in old records.
    #[test]
    fn an_older_database_is_carried_forward_and_backed_up() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        Store::open(home.path(), 1)
            .unwrap()
            .insert_account(&AccountRow::new("a", "relay", "first"))
            .unwrap();
        let now = MIGRATIONS.len();
        let further = [
            "ALTER TABLE accounts ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey'",
            "CREATE TABLE extra (x) STRICT, WITHOUT ROWID;",
        ];
        let steps = [MIGRATIONS, &further].concat();

        // A step that fails takes the ones before it back, and the backup is there already.
        let mut connection = Connection::open(&path).unwrap();
        assert!(forward(&mut connection, Some(&path), &steps, 5).is_err());
        assert_eq!(user_version(&connection).unwrap() as usize, now);
        assert!(connection.prepare("SELECT colour FROM accounts").is_err());

        forward(&mut connection, Some(&path), &steps[..=now], 7).unwrap();
        assert_eq!(user_version(&connection).unwrap() as usize, now + 1);
        let colour: String = connection
            .query_row("SELECT colour FROM accounts", [], |row| row.get(0))
            .unwrap();
        assert_eq!(colour, "grey");
        // Again: nothing to do, no further backup.
        forward(&mut connection, Some(&path), &steps[..=now], 9).unwrap();

        let names: Vec<String> = backups(home.path())
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            names,
            [
                format!("switchyard.db.backup-v{now}-7"),
                format!("switchyard.db.backup-v{now}-5")
            ]
        );
        let restored = tempfile::tempdir().unwrap();
        std::fs::copy(&backups(home.path())[0], restored.path().join(FILE_NAME)).unwrap();
        assert_eq!(
            Store::open(restored.path(), 10)
                .unwrap()
                .accounts()
                .unwrap()[0]
                .label,
            "first"
        );
    }
}

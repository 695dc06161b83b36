//! Single values: the active account, the home's id, and what else is one of its kind. Settings are not here (they are the person's own file).

use rusqlite::{OptionalExtension, params};

use crate::{Durability, Store, StoreError};

impl Store {
    /// The value of `key`.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?)
        })
    }

    /// Sets or, with `None`, removes the value of `key`. On disk when it returns.
    pub fn set_meta(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            match value {
                Some(value) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
                    .execute(params![key, value])?,
                None => transaction
                    .prepare_cached("DELETE FROM meta WHERE key = ?1")?
                    .execute([key])?,
            };
            Ok(())
        })
    }
}

//! Takes accounts out with everything that was ever noted of them: for simulated accounts, which leave no trace. A person's own accounts keep
//! their history (see [`Store::delete_account`]). And all of it at once, because the person wants to begin anew.

use crate::{Durability, Store, StoreError};

/// What names an account, beside what goes with its own row.
const TRACES: [&str; 5] = [
    "DELETE FROM requests WHERE account_id = ?1 OR seq IN (SELECT request_seq FROM attempts WHERE account_id = ?1)",
    "DELETE FROM usage_daily WHERE account_id = ?1",
    "DELETE FROM usage_slots WHERE account_id = ?1",
    "DELETE FROM switches WHERE from_id = ?1 OR to_id = ?1",
    "DELETE FROM accounts WHERE id = ?1",
];

impl Store {
    /// Empties every table (F129 "factory reset"), also of what the disk's free pages remember. On disk when it returns.
    pub fn wipe(&self) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            let mut names = transaction.prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )?;
            let names: Vec<String> = names
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for name in names {
                transaction.execute(&format!("DELETE FROM \"{name}\""), [])?;
            }
            Ok(())
        })?;
        self.read(|connection| {
            Ok(connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?)
        })
    }

    /// Erases the named accounts, their requests, usage, samples and switches. Unknown ids are passed over. On disk when it returns.
    pub fn erase_accounts(&self, ids: &[&str]) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            for id in ids {
                for trace in TRACES {
                    transaction.prepare_cached(trace)?.execute([id])?;
                }
            }
            Ok(())
        })
    }
}

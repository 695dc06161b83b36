//! Changes of the active account (F48): when, from whom to whom, why. A few rows a day; the newest thousand are kept.

use rusqlite::{Row, params};

use crate::{Durability, Store, StoreError};

/// How many are kept.
const KEEP: u32 = 1_000;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwitchRow {
    /// Order, given by the store; 0 in a row to be inserted.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// The account left; `None` when there was none.
    pub from_id: Option<String>,
    /// Its label then.
    pub from_label: Option<String>,
    /// The account chosen.
    pub to_id: String,
    /// Its label then.
    pub to_label: String,
    /// Why, as a code.
    pub reason: String,
    /// Nobody clicked.
    pub automatic: bool,
    /// An account that another program uses by itself was passed over (F44).
    pub avoided: bool,
    /// When the one left is usable again, as known then.
    pub back_at: Option<i64>,
}

impl SwitchRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get("seq")?,
            at: row.get("at")?,
            from_id: row.get("from_id")?,
            from_label: row.get("from_label")?,
            to_id: row.get("to_id")?,
            to_label: row.get("to_label")?,
            reason: row.get("reason")?,
            automatic: row.get("automatic")?,
            avoided: row.get("avoided")?,
            back_at: row.get("back_at")?,
        })
    }
}

impl Store {
    /// Notes a change and forgets the oldest beyond the thousand.
    pub fn add_switch(&self, row: &SwitchRow) -> Result<(), StoreError> {
        self.write(Durability::Process, |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO switches (at, from_id, from_label, to_id, to_label, reason, automatic, avoided, back_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    row.at,
                    row.from_id,
                    row.from_label,
                    row.to_id,
                    row.to_label,
                    row.reason,
                    row.automatic,
                    row.avoided,
                    row.back_at,
                ])?;
            transaction
                .prepare_cached("DELETE FROM switches WHERE seq <= (SELECT max(seq) FROM switches) - ?1")?
                .execute([KEEP])?;
            Ok(())
        })
    }

    /// The newest `n` changes, newest first.
    pub fn switches(&self, n: u32) -> Result<Vec<SwitchRow>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM switches ORDER BY seq DESC LIMIT ?1")?;
            let rows = statement.query_map([n], SwitchRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

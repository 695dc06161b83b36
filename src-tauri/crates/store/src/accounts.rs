//! Accounts: what the person set up and what their provider says about them. Not their credentials (vault) and not their daily ups and downs
//! (`account_state`).

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params};

use crate::{Durability, Store, StoreError};

/// One account (F1). Words in text columns (`kind`, `format`) are the pool's; the store does not know them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountRow {
    /// Random, stable; also the name of the credential in the vault.
    pub id: String,
    /// `codex_oauth`, `relay`, `zai` or `provider_key`.
    pub kind: String,
    /// The person's name for it, at most 64 characters.
    pub label: String,
    /// Switched on by the person.
    pub enabled: bool,
    /// Place in the person's order, from 0.
    pub position: u32,
    /// Smaller is asked first (F37); 50 is the middle.
    pub priority: u32,
    /// Group the account belongs to.
    pub group: Option<String>,
    /// Dialect spoken upstream, where the kind leaves a choice.
    pub format: Option<String>,
    /// Where a key account is reached, normalised (F2).
    pub base_url: Option<String>,
    /// The only models it may serve; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// The models its provider listed; `None` is not known.
    pub known_models: Option<Vec<String>>,
    /// When they were listed.
    pub known_models_at: Option<i64>,
    /// Headers sent along, name and value. Never a secret: those go to the vault.
    pub extra_headers: Vec<(String, String)>,
    /// Proxy without user and password.
    pub proxy: Option<String>,
    /// The provider's word for the plan.
    pub plan: Option<String>,
    /// E-mail address of the sign-in.
    pub email: Option<String>,
    /// The provider's id of the (team) account (F2).
    pub provider_account_id: Option<String>,
    /// The provider's id of the person (F2).
    pub provider_user_id: Option<String>,
    /// When the access token expires.
    pub expires_at: Option<i64>,
    /// There is something to refresh with.
    pub refreshable: bool,
    /// Left out of automatic rotation by the person.
    pub excluded: bool,
    /// Requests at the same time; `None` is the kind's default.
    pub slots: Option<u32>,
    /// Settings that only this kind has, as a JSON object. Never a secret.
    pub options: Option<String>,
    /// The person's own words.
    pub notes: Option<String>,
    /// How it came here: `login`, `import`, `manual`, …
    pub source: String,
    /// When it was added.
    pub added_at: i64,
    /// When its credential was last exported.
    pub exported_at: Option<i64>,
    /// How often its credential was exported.
    pub export_count: u32,
    /// Share of each quota window that requests leave alone, in percent.
    pub reserve_percent: Option<u32>,
}

impl AccountRow {
    /// An account with the schema's defaults (F1): enabled, priority 50.
    pub fn new(id: &str, kind: &str, label: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: kind.to_owned(),
            label: label.to_owned(),
            enabled: true,
            priority: 50,
            ..Self::default()
        }
    }

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            label: row.get("label")?,
            enabled: row.get("enabled")?,
            position: row.get("position")?,
            priority: row.get("priority")?,
            group: row.get("account_group")?,
            format: row.get("format")?,
            base_url: row.get("base_url")?,
            allowed_models: from_json(row, "allowed_models")?,
            known_models: from_json(row, "known_models")?,
            known_models_at: row.get("known_models_at")?,
            extra_headers: from_json(row, "extra_headers")?,
            proxy: row.get("proxy")?,
            plan: row.get("plan")?,
            email: row.get("email")?,
            provider_account_id: row.get("provider_account_id")?,
            provider_user_id: row.get("provider_user_id")?,
            expires_at: row.get("expires_at")?,
            refreshable: row.get("refreshable")?,
            excluded: row.get("excluded")?,
            slots: row.get("slots")?,
            options: row.get("options")?,
            notes: row.get("notes")?,
            source: row.get("source")?,
            added_at: row.get("added_at")?,
            exported_at: row.get("exported_at")?,
            export_count: row.get("export_count")?,
            reserve_percent: row.get("reserve_percent")?,
        })
    }
}

/// JSON text of a column, `NULL` read as JSON null.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    let text: Option<String> = row.get(column)?;
    serde_json::from_str(text.as_deref().unwrap_or("null")).map_err(|error| {
        let index = row.as_ref().column_index(column).unwrap_or(usize::MAX);
        rusqlite::Error::FromSqlConversionFailure(
            index,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

/// JSON text for a column. Lists of strings cannot fail to become JSON; should they ever, nothing is written.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Conflict {
        what: format!("a list cannot be stored: {error}"),
    })
}

const INSERT: &str = "INSERT INTO accounts (id, kind, label, enabled, position, priority, account_group, format, base_url, allowed_models,
  known_models, known_models_at, extra_headers, proxy, plan, email, provider_account_id, provider_user_id, expires_at, refreshable, excluded,
  slots, options, notes, source, added_at, exported_at, export_count, reserve_percent)
VALUES (:id, :kind, :label, :enabled, :position, :priority, :account_group, :format, :base_url, :allowed_models, :known_models,
  :known_models_at, :extra_headers, :proxy, :plan, :email, :provider_account_id, :provider_user_id, :expires_at, :refreshable, :excluded,
  :slots, :options, :notes, :source, :added_at, :exported_at, :export_count, :reserve_percent)
ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, label = excluded.label, enabled = excluded.enabled, position = excluded.position,
  priority = excluded.priority, account_group = excluded.account_group, format = excluded.format, base_url = excluded.base_url,
  allowed_models = excluded.allowed_models, known_models = excluded.known_models, known_models_at = excluded.known_models_at,
  extra_headers = excluded.extra_headers, proxy = excluded.proxy, plan = excluded.plan, email = excluded.email,
  provider_account_id = excluded.provider_account_id, provider_user_id = excluded.provider_user_id, expires_at = excluded.expires_at,
  refreshable = excluded.refreshable, excluded = excluded.excluded, slots = excluded.slots, options = excluded.options,
  notes = excluded.notes, source = excluded.source, added_at = excluded.added_at, exported_at = excluded.exported_at,
  export_count = excluded.export_count, reserve_percent = excluded.reserve_percent";

impl Store {
    /// All accounts in the person's order.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM accounts ORDER BY position, added_at, id")?;
            let rows = statement.query_map([], AccountRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One account.
    pub fn account(&self, id: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|connection| {
            Ok(connection
                .prepare_cached("SELECT * FROM accounts WHERE id = ?1")?
                .query_row([id], AccountRow::from_row)
                .optional()?)
        })
    }

    /// Adds an account. [`StoreError::Conflict`] when the id is taken. On disk when it returns.
    pub fn insert_account(&self, row: &AccountRow) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            if exists(transaction, &row.id)? {
                return Err(StoreError::Conflict {
                    what: format!("an account with the id {} is there already", row.id),
                });
            }
            save(transaction, row)
        })
    }

    /// Replaces an account whole; false when there is none with this id. On disk when it returns.
    pub fn update_account(&self, row: &AccountRow) -> Result<bool, StoreError> {
        self.write(Durability::Power, |transaction| {
            let there = exists(transaction, &row.id)?;
            if there {
                save(transaction, row)?;
            }
            Ok(there)
        })
    }

    /// Adds or replaces several accounts, all or none (an import, F5). On disk when it returns.
    pub fn save_accounts(&self, rows: &[AccountRow]) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            rows.iter().try_for_each(|row| save(transaction, row))
        })
    }

    /// Removes an account with its state and samples, because the person asked for it (F19); the journal and usage keep what it did. False
    /// when there is none. On disk when it returns.
    pub fn delete_account(&self, id: &str) -> Result<bool, StoreError> {
        self.write(Durability::Power, |transaction| {
            Ok(transaction
                .prepare_cached("DELETE FROM accounts WHERE id = ?1")?
                .execute([id])?
                > 0)
        })
    }

    /// Puts the named accounts first, in this order; the others follow in the order they had. [`StoreError::Conflict`] when an id is unknown
    /// or named twice; then nothing changes. On disk when it returns.
    pub fn reorder_accounts(&self, ids: &[&str]) -> Result<(), StoreError> {
        self.write(Durability::Power, |transaction| {
            let mut rest: Vec<String> = {
                let mut statement = transaction
                    .prepare_cached("SELECT id FROM accounts ORDER BY position, added_at, id")?;
                let rows = statement.query_map([], |row| row.get(0))?;
                rows.collect::<Result<_, _>>()?
            };
            let mut order = Vec::with_capacity(rest.len());
            for id in ids {
                let Some(at) = rest.iter().position(|known| known == id) else {
                    return Err(StoreError::Conflict {
                        what: format!("there is no account {id}, or it is named twice"),
                    });
                };
                order.push(rest.remove(at));
            }
            order.append(&mut rest);
            let mut statement =
                transaction.prepare_cached("UPDATE accounts SET position = ?2 WHERE id = ?1")?;
            for (position, id) in order.iter().enumerate() {
                statement.execute(rusqlite::params![
                    id,
                    i64::try_from(position).unwrap_or(i64::MAX)
                ])?;
            }
            Ok(())
        })
    }
}

fn exists(connection: &Connection, id: &str) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM accounts WHERE id = ?1")?
        .exists([id])?)
}

fn save(transaction: &Transaction<'_>, row: &AccountRow) -> Result<(), StoreError> {
    let lists = |list: &Option<Vec<String>>| list.as_ref().map(to_json).transpose();
    transaction.prepare_cached(INSERT)?.execute(named_params! {
        ":id": row.id,
        ":kind": row.kind,
        ":label": row.label,
        ":enabled": row.enabled,
        ":position": row.position,
        ":priority": row.priority,
        ":account_group": row.group,
        ":format": row.format,
        ":base_url": row.base_url,
        ":allowed_models": lists(&row.allowed_models)?,
        ":known_models": lists(&row.known_models)?,
        ":known_models_at": row.known_models_at,
        ":extra_headers": to_json(&row.extra_headers)?,
        ":proxy": row.proxy,
        ":plan": row.plan,
        ":email": row.email,
        ":provider_account_id": row.provider_account_id,
        ":provider_user_id": row.provider_user_id,
        ":expires_at": row.expires_at,
        ":refreshable": row.refreshable,
        ":excluded": row.excluded,
        ":slots": row.slots,
        ":options": row.options,
        ":notes": row.notes,
        ":source": row.source,
        ":added_at": row.added_at,
        ":exported_at": row.exported_at,
        ":export_count": row.export_count,
        ":reserve_percent": row.reserve_percent,
    })?;
    Ok(())
}

//! The account records in memory: what the database holds, made usable by pool, upstream and views.
//!
//! The database is written first, then this; both change only through the use cases in `accounts`.

use std::sync::{Arc, Mutex, PoisonError};

use pool::{Account, AccountId, AccountKind, Format, Pool, Token};
use store::{AccountRow, Store};
use upstream::{ProxyChoice, Target, TargetSpec, Turns};

use crate::account_options::{AccountOptions, WireOption};
use crate::error::EngineError;
use crate::state_rows;

/// The `meta` key of the active account's id.
pub(crate) const ACTIVE: &str = "active_account";

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Records {
    rows: Mutex<Vec<AccountRow>>,
    /// One change of the records at a time, from reading the row to having it in force: two changes of one account (a click and a
    /// refresh) must not undo each other. Held across the database call, so it is not a lock of the request path.
    turn: tokio::sync::Mutex<()>,
}

impl Records {
    /// Reads every account into the pool, with the state it had.
    pub(crate) fn load(store: &Store, pool: &mut Pool) -> Result<Self, EngineError> {
        let rows = store.accounts()?;
        pool.set_accounts(rows.iter().map(account).collect());
        for state in store.account_states()? {
            let id = AccountId::from(state.account_id.as_str());
            pool.restore(&id, state_rows::from_row(&state));
        }
        if let Some(active) = store.meta(ACTIVE)? {
            // An active account that is gone leaves the pool without one, which the next import or click mends.
            pool.restore_active(AccountId::from(active));
        }
        Ok(Self {
            rows: Mutex::new(rows),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Waits for the turn to change records. Who holds it must not ask for it again.
    pub(crate) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Looks at the records.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Vec<AccountRow>) -> T) -> T {
        look(&self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the records after the database has changed.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Vec<AccountRow>) -> T) -> T {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut rows);
        rows.sort_by_key(|row| row.position);
        result
    }
}

pub(crate) fn kind(row: &AccountRow) -> AccountKind {
    // F1: an unknown kind of an older or newer version is the oldest one.
    row.kind.parse().unwrap_or(AccountKind::CodexOauth)
}

pub(crate) fn format(row: &AccountRow) -> Format {
    row.format
        .as_deref()
        .and_then(|format| format.parse().ok())
        .unwrap_or(Format::Codex)
}

/// The part that selection needs.
pub(crate) fn account(row: &AccountRow) -> Account {
    let kind = kind(row);
    Account {
        label: row.label.clone(),
        enabled: row.enabled,
        position: row.position,
        priority: row.priority,
        group: row.group.clone(),
        allowed_models: row.allowed_models.clone(),
        known_models: known_models(row),
        told_models: row.known_models.clone().filter(|_| kind.is_key()),
        also: AccountOptions::of(row)
            .wires
            .iter()
            .filter_map(WireOption::format)
            .collect(),
        capabilities: Some(AccountOptions::of(row).capabilities).filter(|able| !able.is_empty()),
        reads_suffixes: !kind.is_key() || AccountOptions::of(row).reads_suffixes,
        plan: row.plan.clone(),
        excluded: row.excluded,
        reserve_percent: row.reserve_percent,
        demo: crate::demo::is_demo(row),
        // F114: none unless the person sets a number, here or for all accounts (`rotation.account_slots`).
        slots: row.slots,
        refreshable: row.refreshable,
        ..Account::new(row.id.as_str(), kind, format(row))
    }
}

/// Models selection may rely on. A sign-in's list is complete, and Z.AI's with the models that are always there (F109); relays serve more
/// than they list.
fn known_models(row: &AccountRow) -> Option<Vec<String>> {
    let mut models = row.known_models.clone().filter(|list| !list.is_empty())?;
    match kind(row) {
        AccountKind::CodexOauth => {}
        AccountKind::Zai => {
            for always in crate::presets::ZAI_MODELS {
                if !models.iter().any(|model| model == always) {
                    models.push((*always).to_owned());
                }
            }
        }
        AccountKind::Relay | AccountKind::ProviderKey => return None,
    }
    Some(models)
}

/// Whether the credential carries at all, for the pool.
pub(crate) fn token(row: &AccountRow) -> Token {
    match row.expires_at {
        Some(end) if !kind(row).is_key() => Token::Until(pool::Timestamp(end)),
        _ => Token::Usable,
    }
}

/// Where it is asked about itself: requests of clients go where [`target_with`] says.
pub(crate) fn target(row: &AccountRow) -> Result<Target, EngineError> {
    target_with(row, None)
}

/// Where its requests go; `turns` are its models that take turns.
pub(crate) fn target_with(
    row: &AccountRow,
    turns: Option<Arc<Turns>>,
) -> Result<Target, EngineError> {
    let proxy = match row.proxy.as_deref() {
        None | Some("") => ProxyChoice::Global,
        Some("direct") => ProxyChoice::Direct,
        Some(url) => ProxyChoice::Own(upstream::proxy::ProxyUrl::parse(url).map_err(|error| {
            EngineError::Invalid(format!("the proxy of {}: {error}", row.label))
        })?),
    };
    let headers = row
        .extra_headers
        .iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
        .collect();
    let spec = TargetSpec {
        id: AccountId::from(row.id.as_str()),
        label: row.label.clone(),
        kind: kind(row),
        format: format(row),
        base_url: row.base_url.clone().unwrap_or_default(),
        proxy,
        headers,
        provider_account_id: row.provider_account_id.clone(),
        fedramp: false,
        manner: AccountOptions::of(row).manner(turns),
    };
    Target::new(spec)
        .map_err(|error| EngineError::Invalid(format!("account {}: {error}", row.label)))
}

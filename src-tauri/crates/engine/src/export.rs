//! Accounts with their secrets, written so that an import gives the same accounts back (F8, F9).
//!
//! Called only on a person's explicit word, from the command line or the desktop, never through the HTTP listener. It asks
//! nobody for confirmation and counts nothing: that is its callers'.

mod sealed;

use std::io;
use std::path::Path;

use pool::{AccountKind, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::home::{PRIVATE, write_atomic};
use crate::import::{Credential, Identity, ImportItem, Relay};

pub use sealed::{ENCRYPTED_TYPE, SealError, seal, unseal};

/// One account to write.
#[derive(Debug, Clone)]
pub struct ExportAccount {
    /// What it is.
    pub kind: AccountKind,
    /// Its name.
    pub label: Option<String>,
    /// Its secrets.
    pub credential: Credential,
    /// Who it is.
    pub identity: Identity,
    /// Where a key account's upstream is.
    pub relay: Option<Relay>,
    /// Its priority, where it is not the usual one.
    pub priority: Option<u32>,
}

impl From<ImportItem> for ExportAccount {
    fn from(item: ImportItem) -> Self {
        let ImportItem {
            kind,
            label,
            credential,
            identity,
            relay,
            priority,
            ..
        } = item;
        Self {
            kind,
            label,
            credential,
            identity,
            relay,
            priority,
        }
    }
}

/// The file's text: one account as an object, several as a `codex_profiles` bundle (F8). It holds the secrets in plain:
/// [`seal`] it, or write it with [`write_export`].
#[must_use]
pub fn export(accounts: &[ExportAccount], now: Timestamp) -> SecretString {
    let exported_at = rfc3339(now);
    let mut root = Map::new();
    if let [account] = accounts {
        root = one(account);
        root.insert("exported_at".to_owned(), exported_at.into());
    } else {
        root.insert("type".to_owned(), "codex_profiles".into());
        root.insert("exported_at".to_owned(), exported_at.into());
        root.insert(
            "profiles".to_owned(),
            accounts
                .iter()
                .map(|account| Value::Object(one(account)))
                .collect(),
        );
    }
    SecretString::from(format!("{:#}\n", Value::Object(root)))
}

/// Writes an export with mode 0600 (F9), whole or not at all.
///
/// # Errors
/// The file system's own.
pub fn write_export(path: &Path, text: &SecretString) -> io::Result<()> {
    write_atomic(path, text.expose_secret().as_bytes(), PRIVATE)
}

fn one(account: &ExportAccount) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
    let secret = |secret: &Option<SecretString>| {
        secret
            .as_ref()
            .map_or(Value::Null, |secret| secret.expose_secret().into())
    };
    match &account.credential {
        Credential::Codex(tokens) => {
            let identity = &account.identity;
            put("type", "codex".into());
            put("access_token", secret(&tokens.access));
            put("refresh_token", secret(&tokens.refresh));
            put("id_token", secret(&tokens.id_token));
            put(
                "expired",
                identity
                    .expires_at
                    .map_or(Value::Null, |at| rfc3339(at).into()),
            );
            put("email", text(&identity.email));
            put("account_id", text(&identity.account_id));
            // Beyond the common shape: what the tokens may not tell, so that the same account comes back.
            if identity.user_id.is_some() {
                put("user_id", text(&identity.user_id));
            }
            if identity.plan.is_some() {
                put("plan_type", text(&identity.plan));
            }
        }
        Credential::Key(key) => {
            put("type", account.kind.as_str().into());
            put("kind", account.kind.as_str().into());
            put("apiKey", key.expose_secret().into());
            if let Some(relay) = &account.relay {
                put("baseUrl", relay.base_url.as_str().into());
                put("format", relay.format.as_str().into());
                put(
                    "allowedModels",
                    relay
                        .allowed_models
                        .clone()
                        .map_or(Value::Null, Value::from),
                );
                if relay.group.is_some() {
                    put("group", text(&relay.group));
                }
            }
        }
    }
    if account.label.is_some() {
        put("label", text(&account.label));
    }
    if let Some(priority) = account.priority {
        put("priority", priority.into());
    }
    object
}

/// Instants outside the calendar's range do not occur in tokens; they are written as its ends.
fn rfc3339(at: Timestamp) -> String {
    let end = if at.0 < 0 {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    };
    jiff::Timestamp::from_millisecond(at.0)
        .unwrap_or(end)
        .to_string()
}

#[cfg(test)]
mod tests;

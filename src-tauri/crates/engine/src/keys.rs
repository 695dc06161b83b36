//! The gateway keys: made here, kept in the vault as one item, handed to the gateway as digests (F26, F27).

use gateway::{ClientKey, Keys};
use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::compose::Engine;
use crate::error::EngineError;

/// Name of the vault item.
const ITEM: &str = "gateway-keys";
/// Name of the key made at the first start.
pub const DEFAULT_KEY: &str = "default";
/// Bytes of randomness in a key (F26: at least 32).
const RANDOM: usize = 32;

/// One gateway key as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    name: String,
    key: String,
    #[serde(default)]
    created_at: i64,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    expires_at: Option<i64>,
}

fn yes() -> bool {
    true
}

/// What may be shown of a gateway key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    /// First and last characters only (F30).
    pub masked: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Refused when false.
    pub enabled: bool,
}

fn fresh() -> Result<String, EngineError> {
    use base64::Engine as _;
    let mut bytes = [0u8; RANDOM];
    getrandom::fill(&mut bytes)
        .map_err(|_| EngineError::Invalid("the system gives no random numbers".into()))?;
    Ok(format!(
        "sk-sw-{}",
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    ))
}

pub(crate) fn digests(keys: &[StoredKey]) -> Keys {
    let one = |key: &StoredKey| ClientKey {
        name: key.name.as_str().into(),
        digest: Sha256::digest(key.key.as_bytes()).into(),
        enabled: key.enabled,
        expires_at: key.expires_at.map(Timestamp),
    };
    Keys(keys.iter().map(one).collect())
}

/// The keys that are kept, if there are any yet.
pub(crate) fn load(vault: &dyn vault::Vault) -> Result<Option<Vec<StoredKey>>, EngineError> {
    let Some(item) = vault.get(ITEM)? else {
        return Ok(None);
    };
    serde_json::from_str(item.expose_secret())
        .map(Some)
        .map_err(|_| EngineError::Invalid(format!("the vault item {ITEM} cannot be read; `switchyard key rotate` is not possible until it is removed")))
}

/// Makes the first key (F26).
pub(crate) fn make(
    vault: &dyn vault::Vault,
    now: Timestamp,
) -> Result<Vec<StoredKey>, EngineError> {
    let keys = vec![StoredKey {
        name: DEFAULT_KEY.into(),
        key: fresh()?,
        created_at: now.0,
        enabled: true,
        expires_at: None,
    }];
    save(vault, &keys)?;
    Ok(keys)
}

fn save(vault: &dyn vault::Vault, keys: &[StoredKey]) -> Result<(), EngineError> {
    let text = serde_json::to_string(keys).map_err(|_| EngineError::Internal)?;
    Ok(vault.put(ITEM, &SecretString::from(text))?)
}

impl Engine {
    /// The default key, for the one place that shows it: `switchyard key` and the copy action of the desktop.
    pub fn key(&self, name: &str) -> Result<SecretString, EngineError> {
        let keys = self
            .keys
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = keys.iter().find(|key| key.name == name);
        found
            .map(|key| SecretString::from(key.key.clone()))
            .ok_or_else(|| no_key(name))
    }

    /// All keys, masked.
    pub fn keys(&self) -> Vec<KeyView> {
        let keys = self
            .keys
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let view = |key: &StoredKey| KeyView {
            name: key.name.clone(),
            masked: crate::redact::mask_secret(&key.key),
            created_at: Timestamp(key.created_at),
            enabled: key.enabled,
        };
        keys.iter().map(view).collect()
    }

    /// Replaces the default key; the old one is refused from the next request on. Returns the new one.
    pub async fn rotate_key(&self) -> Result<SecretString, EngineError> {
        let key = fresh()?;
        let value = key.clone();
        self.change_keys(move |keys, now| {
            keys.retain(|key| key.name != DEFAULT_KEY);
            keys.insert(
                0,
                StoredKey {
                    name: DEFAULT_KEY.into(),
                    key,
                    created_at: now.0,
                    enabled: true,
                    expires_at: None,
                },
            );
            Ok(())
        })
        .await?;
        Ok(SecretString::from(value))
    }

    /// Adds a key and returns it; this is the only time it is shown.
    pub async fn add_key(&self, name: &str) -> Result<SecretString, EngineError> {
        let sane = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| !c.is_control());
        if !sane {
            return Err(EngineError::Invalid(
                "a key's name has 1 to 64 characters".into(),
            ));
        }
        let key = fresh()?;
        let value = key.clone();
        let name = name.to_owned();
        self.change_keys(move |keys, now| {
            if keys.iter().any(|key| key.name == name) {
                return Err(EngineError::Invalid(format!(
                    "there is a key named {name} already"
                )));
            }
            keys.push(StoredKey {
                name,
                key,
                created_at: now.0,
                enabled: true,
                expires_at: None,
            });
            Ok(())
        })
        .await?;
        Ok(SecretString::from(value))
    }

    /// Removes a key; it is refused from the next request on. The last one may go: then everything is refused (F26).
    pub async fn revoke_key(&self, name: &str) -> Result<(), EngineError> {
        let name = name.to_owned();
        self.change_keys(move |keys, _| {
            let before = keys.len();
            keys.retain(|key| key.name != name);
            if keys.len() == before {
                Err(no_key(&name))
            } else {
                Ok(())
            }
        })
        .await
    }

    /// Changes the keys: durable first, then in force.
    async fn change_keys(
        &self,
        change: impl FnOnce(&mut Vec<StoredKey>, Timestamp) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(), EngineError> {
        self.changeable()?;
        // One change at a time: two commands must not undo each other.
        let _turn = self.changing_keys.lock().await;
        let mut keys = self
            .keys
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone();
        change(&mut keys, self.clock.now())?;
        let vault = self.vault.clone();
        let saved = keys.clone();
        self.tasks.blocking(move || save(&*vault, &saved)).await??;
        self.gateway.set_keys(digests(&keys));
        *self
            .keys
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
        Ok(())
    }
}

fn no_key(name: &str) -> EngineError {
    EngineError::NotFound(format!(
        "there is no key named {name}; `switchyard key show` lists them"
    ))
}

//! The gateway keys: made here, kept in the vault as one item, handed to the gateway as digests and rules (F26, F27).
//!
//! What a key may do is changed in `edit`; what it has used is counted by the ledger (`limits`).

mod edit;
mod expiry;

use std::sync::Arc;

use gateway::{ClientKey, KeyRules, Keys};
use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use edit::{Budget, KeyChange};
pub use expiry::read_expiry;

use crate::compose::Engine;
use crate::env;
use crate::error::EngineError;
use crate::limits::{Caps, Ledger, Line, SpentView, Whose};

/// Name of the vault item.
const ITEM: &str = "gateway-keys";
/// Name of the key made at the first start.
pub const DEFAULT_KEY: &str = "default";
/// Least length of a key that the person makes.
const SHORTEST_OWN: usize = 20;
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
    /// A date that cannot be read is one that has passed (F27).
    #[serde(default, deserialize_with = "expiry::stored")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_models: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_concurrency: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget: Option<StoredBudget>,
    /// The environment holds `key`: what the vault keeps meanwhile, if anything (F126).
    #[serde(skip)]
    held: Option<Option<String>>,
}

/// What a key may use in a period.
#[derive(Clone, Serialize, Deserialize)]
struct StoredBudget {
    period_days: u32,
    /// A moment of the first period.
    since: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<i64>,
    /// Decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usd: Option<String>,
}

fn yes() -> bool {
    true
}

/// The budget of a key, and what was used of it.
#[derive(Debug, Clone)]
pub struct BudgetView {
    /// As it was set.
    pub budget: Budget,
    /// What was used in this period.
    pub used: SpentView,
}

/// What may be shown of a gateway key.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// Its name.
    pub name: String,
    /// First and last characters only (F30).
    pub masked: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Refused when false.
    pub enabled: bool,
    /// Refused from then on.
    pub expires_at: Option<Timestamp>,
    /// It is refused because of that.
    pub expired: bool,
    /// Models it may ask for; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// Requests it may run at once; `None` is any number.
    pub max_concurrency: Option<u32>,
    /// What it may use in a period.
    pub budget: Option<BudgetView>,
    /// The variable that holds it, if it cannot be replaced here (F126).
    pub locked_by: Option<&'static str>,
}

impl StoredKey {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn new(name: String, key: String, now: Timestamp) -> Self {
        Self {
            name,
            key,
            created_at: now.0,
            enabled: true,
            expires_at: None,
            allowed_models: None,
            max_concurrency: None,
            budget: None,
            held: None,
        }
    }

    /// Turns into another key of this name; what the environment holds stays in force, and the other is what the vault keeps.
    fn turn_into(&mut self, other: Self) {
        let held = self.held.is_some();
        let before = std::mem::replace(self, other);
        if held {
            self.held = Some(Some(std::mem::replace(&mut self.key, before.key)));
        }
    }

    fn rules(&self, ledger: &Ledger) -> Option<Arc<KeyRules>> {
        let free = self.allowed_models.is_none()
            && self.max_concurrency.is_none()
            && self.budget.is_none();
        (!free).then(|| {
            Arc::new(KeyRules {
                allowed_models: self.allowed_models.clone(),
                most_running: self.max_concurrency,
                state: ledger.key_state(&self.name),
            })
        })
    }
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

pub(crate) fn digests(keys: &[StoredKey], ledger: &Ledger) -> Keys {
    let one = |key: &StoredKey| ClientKey {
        name: key.name.as_str().into(),
        digest: Sha256::digest(key.key.as_bytes()).into(),
        enabled: key.enabled,
        expires_at: key.expires_at.map(Timestamp),
        rules: key.rules(ledger),
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
    let keys = vec![StoredKey::new(DEFAULT_KEY.into(), fresh()?, now)];
    save(vault, &keys)?;
    Ok(keys)
}

/// Keys of a backup file; none where it holds none.
pub(crate) fn from_json(value: &serde_json::Value) -> Result<Vec<StoredKey>, EngineError> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    serde_json::from_value(value.clone())
        .map_err(|_| EngineError::Invalid("the gateway keys of the backup cannot be read".into()))
}

/// Puts the environment's key in the place of the default one, for this run (F126).
pub(crate) fn hold(
    keys: &mut Vec<StoredKey>,
    key: &SecretString,
    now: Timestamp,
) -> Result<(), EngineError> {
    let key = key.expose_secret().trim().to_owned();
    if key.len() < SHORTEST_OWN || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EngineError::Invalid(format!(
            "{} must have at least {SHORTEST_OWN} visible ASCII characters",
            env::SERVER_KEY
        )));
    }
    match keys.iter_mut().find(|key| key.name == DEFAULT_KEY) {
        Some(default) => default.held = Some(Some(std::mem::replace(&mut default.key, key))),
        None => keys.insert(
            0,
            StoredKey {
                held: Some(None),
                ..StoredKey::new(DEFAULT_KEY.into(), key, now)
            },
        ),
    }
    Ok(())
}

/// The keys as the vault keeps them: without what the environment holds.
fn kept(keys: &[StoredKey]) -> Vec<StoredKey> {
    let one = |key: &StoredKey| match &key.held {
        None => Some(key.clone()),
        Some(kept) => Some(StoredKey {
            key: kept.clone()?,
            ..key.clone()
        }),
    };
    keys.iter().filter_map(one).collect()
}

fn save(vault: &dyn vault::Vault, keys: &[StoredKey]) -> Result<(), EngineError> {
    let text = serde_json::to_string(&kept(keys)).map_err(|_| EngineError::Internal)?;
    Ok(vault.put(ITEM, &SecretString::from(text))?)
}

impl Engine {
    fn with_keys<T>(&self, look: impl FnOnce(&mut Vec<StoredKey>) -> T) -> T {
        look(
            &mut self
                .keys
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    /// The default key, for the one place that shows it: `switchyard key` and the copy action of the desktop.
    pub fn key(&self, name: &str) -> Result<SecretString, EngineError> {
        self.with_keys(|keys| {
            let found = keys.iter().find(|key| key.name == name);
            found
                .map(|key| SecretString::from(key.key.clone()))
                .ok_or_else(|| no_key(name))
        })
    }

    /// All keys, masked, with what they have used.
    pub fn keys(&self) -> Vec<KeyView> {
        let now = self.clock.now();
        let lines = self
            .ledger
            .lines(|line| matches!(line.whose, Whose::Key(..)));
        let used = |name: &str| {
            let line = lines
                .iter()
                .find(|line| matches!(&line.whose, Whose::Key(other, _) if other == name));
            line.map(SpentView::of)
        };
        let view = |key: &StoredKey| KeyView {
            name: key.name.clone(),
            masked: crate::redact::mask_secret(&key.key),
            created_at: Timestamp(key.created_at),
            enabled: key.enabled,
            expires_at: key.expires_at.map(Timestamp),
            expired: key.expires_at.is_some_and(|end| end <= now.0),
            allowed_models: key.allowed_models.clone(),
            max_concurrency: key.max_concurrency,
            budget: key
                .budget
                .as_ref()
                .zip(used(&key.name))
                .map(|(budget, used)| BudgetView {
                    budget: Budget {
                        period_days: Some(budget.period_days),
                        tokens: budget.tokens,
                        usd: budget.usd.clone(),
                    },
                    used,
                }),
            locked_by: key.held.as_ref().map(|_| env::SERVER_KEY),
        };
        self.with_keys(|keys| keys.iter().map(view).collect())
    }

    /// The lines of the ledger that the keys' budgets are.
    pub(crate) fn budget_lines(
        &self,
        line: &impl Fn(Whose, Caps, u32, Timestamp) -> Line,
    ) -> Vec<Line> {
        let one = |key: &StoredKey| {
            let budget = key.budget.as_ref()?;
            let caps = Caps {
                total_tokens: budget.tokens,
                cost: budget.usd.as_ref().and_then(|usd| usd.parse().ok()),
                ..Caps::default()
            };
            let whose = Whose::Key(key.name.clone(), self.ledger.key_state(&key.name));
            Some(line(
                whose,
                caps,
                budget.period_days,
                Timestamp(budget.since),
            ))
        };
        self.with_keys(|keys| keys.iter().filter_map(one).collect())
    }

    /// Replaces the default key, which keeps its rules; the old one is refused from the next request on. Returns the new one.
    pub async fn rotate_key(self: &Arc<Self>) -> Result<SecretString, EngineError> {
        let key = fresh()?;
        let value = key.clone();
        self.change_keys(move |keys, now| {
            let old = keys.iter().position(|key| key.name == DEFAULT_KEY);
            let old = old.map(|at| keys.remove(at));
            let fresh = StoredKey::new(DEFAULT_KEY.into(), key, now);
            keys.insert(
                0,
                match old {
                    Some(old) => StoredKey {
                        allowed_models: old.allowed_models,
                        max_concurrency: old.max_concurrency,
                        budget: old.budget,
                        ..fresh
                    },
                    None => fresh,
                },
            );
            Ok(())
        })
        .await?;
        Ok(SecretString::from(value))
    }

    /// All keys with their secrets, for a file under a passphrase (F125).
    pub(crate) fn keys_as_json(&self) -> serde_json::Value {
        self.with_keys(|keys| serde_json::to_value(kept(keys)).unwrap_or_default())
    }

    /// These keys beside those of other names, in the place of those of the same name (F125).
    pub(crate) async fn restore_keys(
        self: &Arc<Self>,
        restored: Vec<StoredKey>,
    ) -> Result<(), EngineError> {
        self.change_keys(move |keys, _| {
            for key in restored {
                match keys.iter_mut().find(|other| other.name == key.name) {
                    Some(other) => other.turn_into(key),
                    None => keys.push(key),
                }
            }
            Ok(())
        })
        .await
    }

    /// One fresh default key in the place of all (F129).
    pub(crate) async fn renew_keys(self: &Arc<Self>) -> Result<(), EngineError> {
        let key = fresh()?;
        self.change_keys(move |keys, now| {
            let fresh = StoredKey::new(DEFAULT_KEY.into(), key, now);
            keys.retain(|key| key.held.is_some());
            match keys.first_mut() {
                Some(held) => held.turn_into(fresh),
                None => keys.push(fresh),
            }
            Ok(())
        })
        .await
    }

    /// Removes a key; it is refused from the next request on. The last one may go: then everything is refused (F26).
    pub async fn revoke_key(self: &Arc<Self>, name: &str) -> Result<(), EngineError> {
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
        self: &Arc<Self>,
        change: impl FnOnce(&mut Vec<StoredKey>, Timestamp) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(), EngineError> {
        self.changeable()?;
        // One change at a time: two commands must not undo each other.
        let _turn = self.changing_keys.lock().await;
        let mut keys = self.with_keys(|keys| keys.clone());
        let held = keys.iter().find(|key| key.held.is_some()).cloned();
        change(&mut keys, self.clock.now())?;
        // What the environment holds is not replaced here; its rules may change.
        if let Some(held) = held
            && !keys
                .iter()
                .any(|key| key.held.is_some() && key.key == held.key)
        {
            return Err(EngineError::Invalid(format!(
                "{} holds the key {}: change it there",
                env::SERVER_KEY,
                held.name
            )));
        }
        let vault = self.vault.clone();
        let saved = keys.clone();
        self.tasks.blocking(move || save(&*vault, &saved)).await??;
        let budgets = |keys: &[StoredKey]| keys.iter().any(|key| key.budget.is_some());
        let counted = budgets(&keys) || self.with_keys(|keys| budgets(keys));
        let digests = digests(&keys, &self.ledger);
        self.with_keys(|kept| *kept = keys);
        if counted {
            self.reload_limits().await?;
        }
        self.gateway.set_keys(digests);
        Ok(())
    }
}

fn no_key(name: &str) -> EngineError {
    EngineError::NotFound(format!(
        "there is no key named {name}; `switchyard key show` lists them"
    ))
}

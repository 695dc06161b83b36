//! What a gateway key may do: set when it is made, changed later (F27). Not its secret, which never changes but by rotation.

use std::sync::Arc;

use pool::Timestamp;
use secrecy::SecretString;

use super::{KeyView, StoredBudget, StoredKey, fresh, no_key};
use crate::compose::Engine;
use crate::error::EngineError;
use crate::limits;

/// Most models on a key's list.
const MOST_MODELS: usize = 200;
/// Most requests at once that a limit may name.
const MOST_RUNNING: u32 = 10_000;

/// What a key may use in a period; at least one of the two is limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// Days of a period, 1 to 366; `None` is 30.
    pub period_days: Option<u32>,
    /// Tokens in and out.
    pub tokens: Option<i64>,
    /// Estimated cost in USD, a decimal text. Models without a price cost nothing here.
    pub usd: Option<String>,
}

/// A change; the outer `None` keeps what is there, the inner one lifts the rule.
#[derive(Debug, Clone, Default)]
pub struct KeyChange {
    /// Switched on.
    pub enabled: Option<bool>,
    /// Refused from then on.
    pub expires_at: Option<Option<Timestamp>>,
    /// Exact names, or beginnings with `*`.
    pub allowed_models: Option<Option<Vec<String>>>,
    /// Requests at once, 1 to 10,000.
    pub max_concurrency: Option<Option<u32>>,
    /// What it may use in a period.
    pub budget: Option<Option<Budget>>,
}

impl KeyChange {
    fn check(&self) -> Result<(), EngineError> {
        let wrong = |what: String| Err(EngineError::Invalid(what));
        if let Some(Some(models)) = &self.allowed_models {
            let sane = |model: &String| {
                !model.trim().is_empty()
                    && model.len() <= 200
                    && !model.chars().any(char::is_control)
            };
            if models.is_empty() || models.len() > MOST_MODELS || !models.iter().all(sane) {
                return wrong(format!("allowed_models names 1 to {MOST_MODELS} models"));
            }
        }
        if let Some(Some(most)) = self.max_concurrency
            && !(1..=MOST_RUNNING).contains(&most)
        {
            return wrong(format!("max_concurrency is 1 to {MOST_RUNNING}"));
        }
        if let Some(Some(budget)) = &self.budget {
            limits::period(budget.period_days)?;
            limits::above_zero("tokens", budget.tokens)?;
            limits::amount("usd", budget.usd.as_deref())?;
            if budget.tokens.is_none() && budget.usd.is_none() {
                return wrong("a budget names tokens, usd or both".to_owned());
            }
        }
        Ok(())
    }

    fn apply(self, key: &mut StoredKey, now: Timestamp) {
        key.enabled = self.enabled.unwrap_or(key.enabled);
        if let Some(expires_at) = self.expires_at {
            key.expires_at = expires_at.map(|at| at.0);
        }
        if let Some(models) = self.allowed_models {
            key.allowed_models =
                models.map(|models| models.iter().map(|model| model.trim().to_owned()).collect());
        }
        if let Some(most) = self.max_concurrency {
            key.max_concurrency = most;
        }
        if let Some(budget) = self.budget {
            let old = key.budget.take();
            key.budget = budget.map(|budget| {
                let days = budget.period_days.unwrap_or(limits::DEFAULT_PERIOD);
                // Another amount in the same periods: what was used counts on.
                let since = old
                    .filter(|old| old.period_days == days)
                    .map(|old| old.since);
                StoredBudget {
                    period_days: days,
                    since: since.unwrap_or(now.0),
                    tokens: budget.tokens,
                    usd: budget.usd,
                }
            });
        }
    }
}

impl Engine {
    /// Adds a key with these rules and returns it; this is the only time it is shown.
    ///
    /// # Errors
    /// Names the field that is wrong, or the name that is taken.
    pub async fn add_key_with(
        self: &Arc<Self>,
        name: &str,
        rules: KeyChange,
    ) -> Result<SecretString, EngineError> {
        let sane = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| !c.is_control());
        if !sane {
            return Err(EngineError::Invalid(
                "a key's name has 1 to 64 characters".into(),
            ));
        }
        rules.check()?;
        let key = fresh()?;
        let value = key.clone();
        let name = name.to_owned();
        self.change_keys(move |keys, now| {
            if keys.iter().any(|key| key.name == name) {
                return Err(EngineError::Invalid(format!(
                    "there is a key named {name} already"
                )));
            }
            let mut key = StoredKey::new(name, key, now);
            rules.apply(&mut key, now);
            keys.push(key);
            Ok(())
        })
        .await?;
        Ok(SecretString::from(value))
    }

    /// Adds a key without rules.
    ///
    /// # Errors
    /// As [`Engine::add_key_with`].
    pub async fn add_key(self: &Arc<Self>, name: &str) -> Result<SecretString, EngineError> {
        self.add_key_with(name, KeyChange::default()).await
    }

    /// Changes what a key may do; acts on the next request. What was used in the period stays counted.
    ///
    /// # Errors
    /// Names the field that is wrong; then nothing changes.
    pub async fn change_key(
        self: &Arc<Self>,
        name: &str,
        change: KeyChange,
    ) -> Result<KeyView, EngineError> {
        change.check()?;
        let of = name.to_owned();
        self.change_keys(move |keys, now| {
            let key = keys.iter_mut().find(|key| key.name == of);
            change.apply(key.ok_or_else(|| no_key(&of))?, now);
            Ok(())
        })
        .await?;
        let view = self.keys().into_iter().find(|key| key.name == name);
        view.ok_or_else(|| no_key(name))
    }
}

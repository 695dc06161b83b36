//! What one gateway key may do beyond being known: which models, how many requests at once, and whether its budget is spent (F27).
//!
//! Not the key itself (`guard`), and not the counting of its budget: the engine counts what was used and says here until when the key has to
//! wait. A key without rules has none of this, and costs nothing here. Called by the surface before and after the body is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use http::StatusCode;
use pool::Timestamp;

use crate::Gateway;
use crate::reply::Refusal;

/// Not spent. Every other value is the first instant of the next period in unix milliseconds.
const UNSPENT: i64 = i64::MIN;

/// What a key's requests have in common while they run; it outlives changes of the keys.
#[derive(Debug)]
pub struct KeyState {
    running: AtomicU32,
    spent_until: AtomicI64,
}

impl Default for KeyState {
    fn default() -> Self {
        Self {
            running: AtomicU32::new(0),
            spent_until: AtomicI64::new(UNSPENT),
        }
    }
}

impl KeyState {
    /// Requests of this key being served now, as far as a limit counts them.
    pub fn running(&self) -> u32 {
        self.running.load(Ordering::Relaxed)
    }

    /// The budget is spent until then, or is not.
    pub fn set_spent(&self, until: Option<Timestamp>) {
        let until = until.map_or(UNSPENT, |at| at.0);
        self.spent_until.store(until, Ordering::Relaxed);
    }

    /// Until when the budget is spent, if it is.
    pub fn spent_until(&self, now: Timestamp) -> Option<Timestamp> {
        let until = Timestamp(self.spent_until.load(Ordering::Relaxed));
        (now < until).then_some(until)
    }

    fn enter(self: &Arc<Self>, most: u32) -> Option<KeySlot> {
        let entered = self
            .running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
                (running < most).then_some(running + 1)
            });
        entered.ok().map(|_| KeySlot(self.clone()))
    }
}

/// One running request of a key with a limit; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct KeySlot(Arc<KeyState>);

impl Drop for KeySlot {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The rules of one key.
#[derive(Debug, Clone, Default)]
pub struct KeyRules {
    /// Models as clients write them: exact names, or a beginning followed by `*`; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// Requests at once; `None` is any number.
    pub most_running: Option<u32>,
    /// Shared by all versions of the key.
    pub state: Arc<KeyState>,
}

impl KeyRules {
    /// Whether the key may ask for this model.
    pub fn allows(&self, model: &str) -> bool {
        self.allowed_models.as_ref().is_none_or(|models| {
            models.iter().any(|allowed| {
                allowed == model
                    || allowed
                        .strip_suffix('*')
                        .is_some_and(|prefix| model.starts_with(prefix))
            })
        })
    }

    /// 403 for a model that the key may not use.
    pub(crate) fn check_model(&self, model: &str) -> Result<(), Refusal> {
        if self.allows(model) {
            return Ok(());
        }
        let shown: String = model.chars().take(100).collect();
        let message = format!(
            "This gateway key may not use the model {shown}. `switchyard key edit` changes its models."
        );
        Err(Refusal::new(StatusCode::FORBIDDEN, "model_not_allowed", message).param("model"))
    }

    /// A place among the key's running requests, or 429 when the budget is spent or all places are taken.
    pub(crate) fn enter(&self, gateway: &Gateway) -> Result<Option<KeySlot>, Refusal> {
        let now = gateway.clock.now();
        if let Some(until) = self.state.spent_until(now) {
            let wait = until.since(now).as_millis().div_ceil(1_000);
            let refusal = Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                "key_budget_exceeded",
                "The budget of this gateway key is spent. It starts afresh with its next period; `switchyard key edit` raises it.",
            );
            return Err(Refusal {
                kind: Some("insufficient_quota"),
                ..refusal.retry_after(Some(u64::try_from(wait).unwrap_or(u64::MAX).max(1)))
            });
        }
        let Some(most) = self.most_running else {
            return Ok(None);
        };
        match self.state.enter(most) {
            Some(slot) => Ok(Some(slot)),
            None => {
                let message = format!(
                    "This gateway key runs {most} requests at once and no more. Try again when one has ended."
                );
                let refusal = Refusal::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "key_concurrency_exceeded",
                    message,
                );
                Err(refusal.retry_after(Some(1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f27_models_are_allowed_by_name_or_beginning() {
        let rules = |models: Option<&[&str]>| KeyRules {
            allowed_models: models.map(|models| models.iter().map(|m| (*m).to_owned()).collect()),
            ..KeyRules::default()
        };
        let cases: [(Option<&[&str]>, &str, bool); 6] = [
            (None, "any", true),
            (Some(&["gpt-5"]), "gpt-5", true),
            (Some(&["gpt-5"]), "gpt-5.1", false),
            (Some(&["gpt-5*"]), "gpt-5.1", true),
            (Some(&["a", "b*"]), "bc", true),
            (Some(&[]), "any", false),
        ];
        for (models, model, expected) in cases {
            assert_eq!(rules(models).allows(model), expected, "{models:?} {model}");
        }
    }

    #[test]
    fn f27_places_are_freed_and_budgets_end() {
        let state = Arc::new(KeyState::default());
        let first = state.enter(2).unwrap();
        let second = state.enter(2).unwrap();
        assert!(state.enter(2).is_none());
        drop(first);
        assert!(state.enter(2).is_some());
        drop(second);
        assert_eq!(state.running(), 0);
        assert_eq!(state.spent_until(Timestamp(0)), None);
        state.set_spent(Some(Timestamp(10)));
        assert_eq!(state.spent_until(Timestamp(9)), Some(Timestamp(10)));
        assert_eq!(state.spent_until(Timestamp(10)), None);
        state.set_spent(None);
        assert_eq!(state.spent_until(Timestamp(0)), None);
    }
}

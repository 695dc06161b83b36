//! What is known of one account's credential: the token in use and the state of its refresh. No I/O.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use http::{HeaderName, HeaderValue, header};
use pool::{AccountId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::{Access, AccessError, BLIND_AGE, MARGIN, Refreshed, flight::Flight};
use crate::{credential::OAuthTokens, manner::AuthForm, target::Target};

/// All accounts seen so far. Reading takes no lock; a new account copies the map.
#[derive(Default)]
pub(crate) struct Slots(ArcSwap<HashMap<AccountId, Arc<Slot>>>);

impl Slots {
    pub fn get(&self, id: &AccountId) -> Arc<Slot> {
        if let Some(slot) = self.0.load().get(id) {
            return slot.clone();
        }
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.entry(id.clone()).or_default();
            map
        });
        // Forgotten in between: the caller gets a slot that nobody else will find.
        self.0.load().get(id).cloned().unwrap_or_default()
    }

    /// What is under way now, over all accounts.
    pub fn flights(&self) -> Vec<Flight> {
        let slots = self.0.load();
        slots
            .values()
            .filter_map(|slot| slot.state().flight.clone())
            .collect()
    }

    pub fn forget(&self, id: &AccountId) {
        if let Some(slot) = self.0.load().get(id) {
            slot.forgotten.store(true, Ordering::Release);
        }
        self.0.rcu(|map| {
            let mut map = HashMap::clone(map);
            map.remove(id);
            map
        });
    }
}

/// One account.
#[derive(Default)]
pub(crate) struct Slot {
    pub current: ArcSwapOption<Current>,
    pub forgotten: AtomicBool,
    generation: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The task under way, if any.
    pub flight: Option<Flight>,
    /// New tokens that are not durable yet; they are not used before they are (F17).
    pub unpersisted: Option<Box<OAuthTokens>>,
    /// No token call before this time, and what failed.
    pub back_off: Option<(Timestamp, AccessError)>,
    /// Transient failures since the last success.
    pub failures: u32,
    /// When the clockwork last took this account up.
    pub scheduled_at: Option<Timestamp>,
    /// A refusal and the refresh token it was about.
    pub refusal: Option<Refusal>,
    /// Whether the retry schedule runs.
    pub retrying: bool,
    rejections: Vec<Timestamp>,
}

/// The issuer said no (F18).
#[derive(Clone)]
pub(crate) struct Refusal {
    /// Which refresh token, as a digest.
    pub token: [u8; 32],
    pub first_seen: Timestamp,
    pub code: String,
    pub banned: bool,
    pub confirmed: bool,
}

impl Slot {
    /// Never held across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub fn is_forgotten(&self) -> bool {
        self.forgotten.load(Ordering::Acquire)
    }

    /// The time of the next token call, when one failed lately.
    pub fn backing_off(&self, now: Timestamp) -> Option<(Timestamp, AccessError)> {
        self.state()
            .back_off
            .clone()
            .filter(|(until, _)| now < *until)
    }

    /// The refusal on record for a refresh token.
    pub fn refusal_of(&self, token: &[u8; 32]) -> Option<Refusal> {
        self.state().refusal.clone().filter(|r| r.token == *token)
    }

    /// Counts a 401; false when the limit is reached.
    pub fn count_rejection(&self, now: Timestamp, span: Duration, limit: usize) -> bool {
        let mut state = self.state();
        state.rejections.retain(|at| now.since(*at) < span);
        let allowed = state.rejections.len() < limit;
        if allowed {
            state.rejections.push(now);
        }
        allowed
    }

    /// Puts a credential into use. The same token again keeps its generation and its rejection.
    pub fn publish(&self, mut made: Current, renewed: bool) -> Arc<Current> {
        made.renewed = renewed;
        match self.current.load_full() {
            Some(old) if old.access.value == made.access.value => {
                made.access.generation = old.access.generation;
                made.rejected = AtomicBool::new(old.rejected.load(Ordering::Acquire));
            }
            _ => made.access.generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1,
        }
        let made = Arc::new(made);
        self.current.store(Some(made.clone()));
        made
    }
}

/// The credential in use.
pub(crate) struct Current {
    pub access: Access,
    /// Identity and expiry, for reports.
    pub described: Refreshed,
    pub renewed: bool,
    /// From here on a refresh is wanted; `None` = never.
    stale_at: Option<Timestamp>,
    /// From here on it cannot be used; `None` = not known to end.
    ends_at: Option<Timestamp>,
    /// When the schedule refreshes it.
    pub due_at: Option<Timestamp>,
    rejected: AtomicBool,
}

impl Current {
    /// A key: never refreshed, never known to end.
    pub fn from_key(target: &Target, key: &SecretString) -> Result<Self, AccessError> {
        if target.is_oauth() {
            return Err(AccessError::WrongKind);
        }
        let form = target.auth_form().ok_or(AccessError::WrongKind)?;
        let (name, value) = key_header(form, key)?;
        Ok(Self {
            access: Access {
                name,
                value,
                form: Some(form),
                account: None,
                generation: 0,
            },
            described: Refreshed::default(),
            renewed: false,
            stale_at: None,
            ends_at: None,
            due_at: None,
            rejected: AtomicBool::new(false),
        })
    }

    /// The tokens of a sign-in.
    pub fn from_tokens(target: &Target, tokens: &OAuthTokens) -> Result<Self, AccessError> {
        if !target.is_oauth() {
            return Err(AccessError::WrongKind);
        }
        let usable = tokens.access.is_some();
        let value = match &tokens.access {
            Some(access) => bearer(access)?,
            None => HeaderValue::from_static("Bearer"),
        };
        let account = tokens
            .account_id
            .as_deref()
            .filter(|_| target.provider_account_id.is_none());
        let refreshable = tokens.refresh.is_some();
        // Neither expiry nor age known: treated as ended (F4).
        let always = Timestamp(i64::MIN);
        let blind = tokens.last_refresh.map_or(always, |at| at.plus(BLIND_AGE));
        let stale_at = match (usable, refreshable) {
            (false, _) => Some(always),
            (true, true) => Some(
                tokens
                    .expires_at
                    .map_or(blind, |end| end.minus(margin(tokens, end))),
            ),
            (true, false) => tokens.expires_at,
        };
        let due_at = refreshable.then(|| {
            tokens.expires_at.map_or(blind, |end| {
                end.minus(super::schedule::jittered(
                    margin(tokens, end),
                    &target.id,
                    end,
                ))
            })
        });
        Ok(Self {
            access: Access {
                name: header::AUTHORIZATION,
                value,
                form: None,
                account: account.and_then(|id| HeaderValue::from_str(id).ok()),
                generation: 0,
            },
            described: Refreshed {
                renewed: false,
                expires_at: tokens.expires_at,
                account_id: tokens.account_id.clone(),
                user_id: tokens.user_id.clone(),
                email: tokens.email.clone(),
                plan: tokens.plan.clone(),
            },
            renewed: false,
            stale_at,
            ends_at: if usable {
                tokens.expires_at
            } else {
                Some(always)
            },
            due_at,
            rejected: AtomicBool::new(false),
        })
    }

    /// May be used without a second thought.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.stale_at.is_none_or(|at| now < at) && !self.rejected.load(Ordering::Acquire)
    }

    /// May be used when nothing better can be had.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|at| now < at) && !self.rejected.load(Ordering::Acquire)
    }

    pub fn is_rejected(&self) -> bool {
        self.rejected.load(Ordering::Acquire)
    }

    pub fn reject(&self) {
        self.rejected.store(true, Ordering::Release);
    }
}

/// Five minutes, but never more than a quarter of a token's life: a short-lived one would be stale at birth.
fn margin(tokens: &OAuthTokens, end: Timestamp) -> Duration {
    match tokens.last_refresh {
        Some(born) if end > born => MARGIN.min(end.since(born) / 4),
        _ => MARGIN,
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, AccessError> {
    sensitive(&format!("Bearer {}", token.expose_secret().trim()))
}

fn sensitive(text: &str) -> Result<HeaderValue, AccessError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| AccessError::MalformedKey)?;
    value.set_sensitive(true);
    Ok(value)
}

/// How a key is carried (F100). One that stands in the address is kept as a header value until it is sent.
pub(super) fn key_header(
    form: AuthForm,
    key: &SecretString,
) -> Result<(HeaderName, HeaderValue), AccessError> {
    let bare = || sensitive(key.expose_secret().trim());
    Ok(match form {
        AuthForm::Bearer => (header::AUTHORIZATION, bearer(key)?),
        AuthForm::XApiKey => (HeaderName::from_static("x-api-key"), bare()?),
        AuthForm::XGoogApiKey | AuthForm::Query => {
            (HeaderName::from_static("x-goog-api-key"), bare()?)
        }
    })
}

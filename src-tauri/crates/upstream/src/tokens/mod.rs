//! Access to accounts: which token or key a request may use now, refreshed when it must be, by one call at a time.
//!
//! One [`Slot`] per account. The road of a request is a map lookup and two loads; everything else (reading the vault, the
//! token call, persisting) runs in one *flight* per account, a task of its own: a client that goes away must not interrupt a
//! refresh, because a rotated refresh token that nobody kept is a lost sign-in. `flight` is that task, `retry` the schedule of
//! attempts behind a failed one (F18), `schedule` the clockwork of F15.

mod error;
mod flight;
mod retry;
mod schedule;
mod slot;

pub use error::{AccessError, RefreshError};
pub(crate) use flight::{OverHttp, TokenCalls};
pub(crate) use slot::{Slot, Slots};

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use memchr::memmem;
use pool::{AccountId, Timestamp};

use self::flight::Reason;
use crate::{Upstream, credential::CredentialError, manner::AuthForm, target::Target};

/// Tokens are refreshed this long before they end (F15).
pub(crate) const MARGIN: Duration = Duration::from_secs(5 * 60);
/// Without a readable expiry a token is refreshed at this age (codex-backend 1.4).
pub(crate) const BLIND_AGE: Duration = Duration::from_secs(8 * 24 * 3600);
/// How long a request waits for a refresh (F16).
const WAIT_LIMIT: Duration = Duration::from_secs(30);
/// At most this many refreshes because of refused requests … (F22)
const REJECTED_REFRESHES: usize = 2;
/// … within this time.
const REJECTED_SPAN: Duration = Duration::from_secs(30);

/// Permission to send one request: the authorization header, ready made. Cheap to clone; tells nothing in `Debug`.
#[derive(Clone)]
pub struct Access {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    /// How a key is carried (F100); `None` for a token.
    pub(crate) form: Option<AuthForm>,
    pub(crate) account: Option<HeaderValue>,
    pub(crate) generation: u64,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// A token or key shorter than this may stand in a text by chance.
const SHORTEST_SECRET: usize = 8;

impl Access {
    /// The key stands in the address instead of a header (F100).
    pub(crate) fn in_query(&self) -> bool {
        self.form == Some(AuthForm::Query)
    }

    /// The token or key itself.
    fn secret(&self) -> &[u8] {
        let value = self.value.as_bytes();
        value.strip_prefix(b"Bearer ").unwrap_or(value)
    }

    /// The same key as this target carries it: an account of several formats has several ways (F103).
    fn carried_as(self, target: &Target) -> Result<Self, AccessError> {
        let wanted = target.auth_form();
        let Some(form) = wanted.filter(|_| wanted != self.form && self.form.is_some()) else {
            return Ok(self);
        };
        let key = std::str::from_utf8(self.secret()).map_err(|_| AccessError::MalformedKey)?;
        let (name, value) = slot::key_header(form, &key.into())?;
        Ok(Self {
            name,
            value,
            form: wanted,
            ..self
        })
    }

    /// A provider's words without the token or key that was sent to it: some repeat what they refuse, and their words reach clients,
    /// journal and log (F30). Nothing is copied where nothing is found.
    #[must_use]
    pub fn hidden_in(&self, text: Bytes) -> Bytes {
        let secret = self.secret();
        if secret.len() < SHORTEST_SECRET || memmem::find(&text, secret).is_none() {
            return text;
        }
        let mut shown = Vec::with_capacity(text.len());
        let mut from = 0;
        for at in memmem::find_iter(&text, secret) {
            shown.extend_from_slice(&text[from..at]);
            shown.extend_from_slice("•••".as_bytes());
            from = at + secret.len();
        }
        shown.extend_from_slice(&text[from..]);
        Bytes::from(shown)
    }
}

/// What a refresh brought to light; for the store and the account list. No secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Whether the issuer was asked; `false` = the token at hand was still good or another one was found in the vault.
    pub renewed: bool,
    /// End of the access token.
    pub expires_at: Option<Timestamp>,
    /// Workspace id.
    pub account_id: Option<String>,
    /// Person id.
    pub user_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Plan.
    pub plan: Option<String>,
}

/// Told what happens to tokens in the background. Methods must return quickly and not call back into [`Upstream`].
pub trait Observer: Send + Sync {
    /// New tokens are persisted and in use.
    fn refreshed(&self, _id: &AccountId, _refreshed: &Refreshed) {}
    /// The issuer refused. `confirmed` = seen twice at least ten seconds apart (F18).
    fn refresh_refused(&self, _id: &AccountId, _code: &str, _confirmed: bool, _banned: bool) {}
    /// A transient failure; the account keeps its status.
    fn refresh_unavailable(&self, _id: &AccountId, _reason: &str, _retry_at: Option<Timestamp>) {}
    /// New tokens could not be kept. They stay in memory, unused, and persisting is tried again.
    fn persist_failed(&self, _id: &AccountId, _error: &CredentialError) {}
}

/// An observer that is not interested.
pub(crate) struct Unobserved;
impl Observer for Unobserved {}

/// What a request with a key that nobody keeps is authorized with.
///
/// # Errors
/// When the target wants tokens, or the key cannot be sent in a header.
pub(crate) fn access_with_key(
    target: &Target,
    key: &secrecy::SecretString,
) -> Result<Access, AccessError> {
    slot::Current::from_key(target, key).map(|current| current.access)
}

impl Upstream {
    /// What the next request of this account is authorized with. Refreshes first when the token is within five minutes of its
    /// end (F15); all callers of one account share one token call (F16) and wait at most 30 s for it. When that fails for a
    /// passing reason, a token that is still valid is used.
    ///
    /// # Errors
    /// [`AccessError`]; its `outcome()` is what to report to the pool.
    pub async fn access(&self, target: &Target) -> Result<Access, AccessError> {
        let slot = self.0.slots.get(&target.id);
        if let Some(current) = &*slot.current.load()
            && current.is_fresh(self.0.clock.now())
        {
            return current.access.clone().carried_as(target);
        }
        // Rare and large: kept out of the request's own future.
        let access = Box::pin(self.access_slowly(slot, target)).await?;
        access.carried_as(target)
    }

    async fn access_slowly(&self, slot: Arc<Slot>, target: &Target) -> Result<Access, AccessError> {
        let now = || self.0.clock.now();
        let usable = || {
            slot.current
                .load()
                .as_ref()
                .filter(|c| c.is_usable(now()))
                .map(|c| c.access.clone())
        };
        // Behind a failed refresh the schedule decides when to ask again, not the number of requests.
        if let Some((retry_at, error)) = slot.backing_off(now()) {
            return usable().ok_or_else(|| error.retrying_at(retry_at));
        }
        let waiting = async {
            loop {
                let flight = self.join(&slot, target, Reason::Inline);
                let own = flight.own;
                let current = flight.wait().await?;
                // A joined flight may have had less to do than this request needs.
                if own || current.is_fresh(now()) {
                    return Ok(current);
                }
            }
        };
        match tokio::time::timeout(WAIT_LIMIT, waiting).await {
            Ok(Ok(current)) if current.is_usable(now()) => Ok(current.access.clone()),
            Ok(Ok(_)) => Err(RefreshError::no_token().into()),
            Ok(Err(error)) if AccessError::is_transient(&error) => usable().ok_or(error),
            Ok(Err(error)) => Err(error),
            Err(_) => usable().ok_or(AccessError::TimedOut),
        }
    }

    /// A request was answered 401: refreshes in the background, at most twice in 30 s per account, and only if the token that
    /// was refused is still the one in use (F22). Until the refresh succeeds `access` does not hand that token out again.
    /// Call it inside the tokio runtime.
    pub fn unauthorized(&self, target: &Target, used: &Access) {
        if !target.is_oauth() {
            return;
        }
        let slot = self.0.slots.get(&target.id);
        let Some(current) = slot.current.load_full() else {
            return;
        };
        if current.access.generation != used.generation {
            return;
        }
        if slot.count_rejection(self.0.clock.now(), REJECTED_SPAN, REJECTED_REFRESHES) {
            current.reject();
            self.refresh_in_background(&slot, target, Reason::Rejected);
        }
    }

    /// Refreshes now: by hand (`force`, ignores back-off and earlier refusals) or only when it is due.
    ///
    /// # Errors
    /// [`AccessError`] says why there is no new token. A key account answers [`AccessError::NotApplicable`].
    pub async fn refresh(&self, target: &Target, force: bool) -> Result<Refreshed, AccessError> {
        if !target.is_oauth() {
            return Err(AccessError::NotApplicable);
        }
        let slot = self.0.slots.get(&target.id);
        let reason = if force {
            Reason::Manual
        } else {
            Reason::Scheduled
        };
        let before = slot.generation();
        loop {
            let flight = self.join(&slot, target, reason);
            let own = flight.own;
            let landed = flight.wait().await;
            let renewed = landed
                .as_ref()
                .is_ok_and(|c| c.renewed && c.access.generation != before);
            if own || renewed {
                return landed.map(|current| Refreshed {
                    renewed,
                    ..current.described.clone()
                });
            }
        }
    }

    /// Before the program ends: waits for refreshes under way, so that no token the issuer has handed out is lost before it is kept
    /// (F17). True when none is left within `patience`.
    pub async fn settle(&self, patience: Duration) -> bool {
        let landing = async {
            for flight in self.0.slots.flights() {
                // How it ended is its own waiters' business.
                let _ = flight.wait().await;
            }
        };
        tokio::time::timeout(patience, landing).await.is_ok()
    }

    /// Drops what is known of an account: after its credential was replaced, or when it was deleted. A refresh under way for
    /// the old credential is not kept.
    pub fn forget(&self, id: &AccountId) {
        self.0.slots.forget(id);
    }
}

#[cfg(test)]
mod tests;

//! The one task per account that reads the vault and, if need be, refreshes: load, decide, call, **persist, then use**.
//!
//! A flight runs on its own task, so it ends whatever becomes of the requests that wait for it. Everybody who needs the
//! account meanwhile joins it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{
    AccessError, RefreshError, Refreshed,
    slot::{Current, Refusal, Slot},
};
use crate::{
    Upstream,
    config::ConfigError,
    credential::{Credential, OAuthTokens},
    oauth::{RefreshAnswer, TokenError},
    target::Target,
};

/// A refusal counts as confirmed when it is seen again after this long (F18).
pub(super) const CONFIRM_AFTER: std::time::Duration = std::time::Duration::from_secs(10);
/// Without a word from the issuer a 429 waits this long.
const RATE_LIMIT_WAIT: std::time::Duration = std::time::Duration::from_secs(60);

/// Why a flight starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Only read the vault.
    Look,
    /// A request needs a token; refresh if it is within the margin.
    Inline,
    /// The clockwork or the retry schedule: refresh if due.
    Scheduled,
    /// A request was answered 401: refresh unless the vault holds another token.
    Rejected,
    /// By hand: refresh, whatever happened before.
    Manual,
}

/// Asking the issuer for new tokens: the seam at which tests put scripted answers under paused time.
pub(crate) trait TokenCalls: Send + Sync {
    /// One refresh. The outer error is about our own settings.
    fn refresh<'a>(
        &'a self,
        upstream: &'a Upstream,
        target: &'a Target,
        token: &'a SecretString,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Result<RefreshAnswer, TokenError>, ConfigError>>;
}

/// The real one.
pub(crate) struct OverHttp;

impl TokenCalls for OverHttp {
    fn refresh<'a>(
        &'a self,
        upstream: &'a Upstream,
        target: &'a Target,
        token: &'a SecretString,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Result<RefreshAnswer, TokenError>, ConfigError>> {
        Box::pin(async move { Ok(upstream.issuer(&target.proxy)?.refresh(token, now).await) })
    }
}

type Landed = Result<Arc<Current>, AccessError>;

/// A flight under way, to be waited for.
#[derive(Clone)]
pub(crate) struct Flight {
    landing: watch::Receiver<Option<Landed>>,
    /// Whether it was started for the caller, or joined: then its reason was another one.
    pub own: bool,
}

impl Flight {
    pub async fn wait(mut self) -> Landed {
        match self.landing.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone().unwrap_or(Err(AccessError::Interrupted)),
            Err(_) => Err(AccessError::Interrupted),
        }
    }
}

/// Clears the way for the next flight, also when the task is dropped half-way.
struct Landing {
    slot: Arc<Slot>,
    result: watch::Sender<Option<Landed>>,
}

impl Landing {
    fn land(self, landed: Landed) {
        self.slot.state().flight = None;
        self.result.send_replace(Some(landed));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.result.borrow().is_none() {
            self.slot.state().flight = None;
        }
    }
}

impl Upstream {
    /// Joins the account's flight or starts one.
    pub(super) fn join(&self, slot: &Arc<Slot>, target: &Target, reason: Reason) -> Flight {
        let mut state = slot.state();
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let (result, receiver) = watch::channel(None);
        let flight = Flight {
            landing: receiver,
            own: true,
        };
        state.flight = Some(Flight {
            own: false,
            ..flight.clone()
        });
        drop(state);
        let landing = Landing {
            slot: slot.clone(),
            result,
        };
        let (upstream, target) = (self.clone(), target.clone());
        tokio::spawn(async move {
            let landed = upstream.fly(&landing.slot, &target, reason).await;
            if let Err(error) = &landed {
                tracing::debug!(account = %target.label, ?reason, %error, "no fresh credential");
            }
            let again = landed
                .as_ref()
                .is_err_and(|e| upstream.wants_retry(&landing.slot, reason, e));
            let slot = landing.slot.clone();
            landing.land(landed);
            if again {
                upstream.refresh_in_background(&slot, &target, Reason::Scheduled);
            }
        });
        flight
    }

    async fn fly(&self, slot: &Arc<Slot>, target: &Target, reason: Reason) -> Landed {
        // Tokens that could not be kept come first: the vault still holds the spent refresh token.
        let unpersisted = slot.state().unpersisted.clone();
        if let Some(tokens) = unpersisted {
            return self.keep(slot, target, tokens).await;
        }
        let mut tokens = match self.load(target).await? {
            Credential::Key(key) => {
                return Ok(slot.publish(Current::from_key(target, &key)?, false));
            }
            Credential::OAuth(tokens) => tokens,
        };
        let mut reread = false;
        loop {
            let current = slot.publish(Current::from_tokens(target, &tokens)?, false);
            let now = self.0.clock.now();
            let wanted = match reason {
                Reason::Look => false,
                Reason::Inline => !current.is_fresh(now),
                Reason::Scheduled => {
                    current.due_at.is_some_and(|at| at <= now) || !current.is_fresh(now)
                }
                Reason::Rejected => current.is_rejected(),
                Reason::Manual => !reread,
            };
            if !wanted {
                return Ok(current);
            }
            let Some(refresh) = tokens.refresh.clone() else {
                if current.is_usable(now) && reason != Reason::Manual {
                    return Ok(current);
                }
                let error = TokenError::Refused {
                    code: "no_refresh_token".into(),
                    banned: false,
                };
                // An ended token without a successor needs no second look; a rejected one does.
                let certain = !current.is_rejected() && !current.is_usable(now);
                return Err(self.weigh(slot, target, [0; 32], error, certain));
            };
            let digest = digest_of(&refresh);
            if let Some(error) = self.held_back(slot, &digest, reason, now) {
                return Err(error);
            }
            match self.0.calls.refresh(self, target, &refresh, now).await? {
                Ok(answer) => {
                    answer.merge_into(&mut tokens, self.0.clock.now());
                    return self.keep(slot, target, tokens).await;
                }
                Err(error) => {
                    // Somebody else may have used this token and kept the next one: look once before believing.
                    if matches!(error, TokenError::Refused { .. })
                        && !reread
                        && let Ok(Credential::OAuth(stored)) = self.load(target).await
                        && stored.refresh.as_ref().map(digest_of) != Some(digest)
                    {
                        reread = true;
                        tokens = stored;
                        continue;
                    }
                    return Err(self.weigh(slot, target, digest, error, false));
                }
            }
        }
    }

    async fn load(&self, target: &Target) -> Result<Credential, AccessError> {
        self.0
            .store
            .load(&target.id)
            .await?
            .ok_or(AccessError::NoCredential)
    }

    /// Whether the issuer must not be asked now, without asking it.
    fn held_back(
        &self,
        slot: &Slot,
        token: &[u8; 32],
        reason: Reason,
        now: Timestamp,
    ) -> Option<AccessError> {
        if reason == Reason::Manual {
            return None;
        }
        if let Some(seen) = slot.refusal_of(token)
            && (seen.confirmed || now.since(seen.first_seen) < CONFIRM_AFTER)
        {
            let Refusal {
                code,
                banned,
                confirmed,
                ..
            } = seen;
            return Some(
                RefreshError::Refused {
                    code,
                    confirmed,
                    banned,
                }
                .into(),
            );
        }
        let (until, error) = slot.backing_off(now).filter(|_| reason == Reason::Inline)?;
        Some(error.retrying_at(until))
    }

    /// New tokens: durable first, then in use (F17).
    async fn keep(&self, slot: &Arc<Slot>, target: &Target, tokens: Box<OAuthTokens>) -> Landed {
        if slot.is_forgotten() {
            return Err(AccessError::NoCredential);
        }
        slot.state().unpersisted = Some(tokens.clone());
        let credential = Credential::OAuth(tokens);
        if let Err(error) = self.0.store.persist(&target.id, &credential).await {
            tracing::warn!(account = %target.label, %error, "new tokens could not be stored; trying again");
            self.observer().persist_failed(&target.id, &error);
            let error = AccessError::Store(error);
            let wait = super::retry::persist_delay(&mut slot.state().failures);
            slot.state().back_off = Some((self.0.clock.now().plus(wait), error.clone()));
            return Err(error);
        }
        let Credential::OAuth(tokens) = credential else {
            return Err(AccessError::WrongKind);
        };
        {
            let mut state = slot.state();
            state.unpersisted = None;
            state.back_off = None;
            state.failures = 0;
            state.refusal = None;
        }
        let current = slot.publish(Current::from_tokens(target, &tokens)?, true);
        let now = self.0.clock.now();
        if !current.is_fresh(now) {
            // A token that is new and already at its end (clocks disagree) must not be renewed with every request.
            let until = now.plus(super::retry::STALE_RENEWAL_PAUSE);
            slot.state().back_off = Some((until, RefreshError::no_token().into()));
        }
        self.observer().refreshed(
            &target.id,
            &Refreshed {
                renewed: true,
                ..current.described.clone()
            },
        );
        Ok(current)
    }

    /// Writes a failure down and says what it amounts to (F18).
    fn weigh(
        &self,
        slot: &Slot,
        target: &Target,
        token: [u8; 32],
        error: TokenError,
        certain: bool,
    ) -> AccessError {
        let now = self.0.clock.now();
        let error = RefreshError::from_token(error);
        match error {
            RefreshError::Refused { code, banned, .. } => {
                let before = slot.refusal_of(&token);
                let confirmed = certain
                    || before
                        .as_ref()
                        .is_some_and(|r| r.confirmed || now.since(r.first_seen) >= CONFIRM_AFTER);
                let first_seen = before.map_or(now, |r| r.first_seen);
                let refusal = Refusal {
                    token,
                    first_seen,
                    code: code.clone(),
                    banned,
                    confirmed,
                };
                slot.state().refusal = Some(refusal);
                self.observer()
                    .refresh_refused(&target.id, &code, confirmed, banned);
                RefreshError::Refused {
                    code,
                    confirmed,
                    banned,
                }
                .into()
            }
            RefreshError::RateLimited { retry_at } => {
                let until = retry_at
                    .filter(|at| *at > now)
                    .unwrap_or_else(|| now.plus(RATE_LIMIT_WAIT));
                let error = AccessError::Refresh(RefreshError::RateLimited {
                    retry_at: Some(until),
                });
                slot.state().back_off = Some((until, error.clone()));
                self.observer().refresh_unavailable(
                    &target.id,
                    "the sign-in service asks to wait",
                    Some(until),
                );
                error
            }
            RefreshError::Unavailable { reason, .. } => {
                let wait = super::retry::next_delay(&mut slot.state().failures);
                let until = now.plus(wait);
                self.observer()
                    .refresh_unavailable(&target.id, &reason, Some(until));
                let error = AccessError::Refresh(RefreshError::Unavailable {
                    reason,
                    retry_at: Some(until),
                });
                slot.state().back_off = Some((until, error.clone()));
                error
            }
        }
    }
}

fn digest_of(token: &SecretString) -> [u8; 32] {
    Sha256::digest(token.expose_secret().as_bytes()).into()
}

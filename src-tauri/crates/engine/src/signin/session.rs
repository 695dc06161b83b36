//! One sign-in under way or just ended, and the last few of them.
//!
//! Its stages go forward only. No network here; `Debug` of a session tells nothing, because it holds the verifier.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use pool::{AccountId, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use upstream::oauth::pkce::{self, Pkce};
use upstream::{OAuthTokens, ProxyChoice};

use super::SignInKind;
use crate::error::EngineError;

/// How many ended sign-ins can still be asked about.
const KEPT: usize = 8;

/// Where a sign-in stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// For the person.
    Waiting,
    /// A code is being exchanged for tokens.
    Exchanging,
    /// The tokens are being written: too late to give up.
    Keeping,
    Done(AccountId),
    Failed(String),
    /// Another account than the expected one signed in (R7).
    Other {
        who: String,
        words: String,
    },
    Expired,
    Cancelled,
}

impl Stage {
    /// One of [`super::SIGN_IN_WORDS`].
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Exchanging | Self::Keeping => "exchanging",
            Self::Done(_) => "done",
            Self::Failed(_) | Self::Other { .. } => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Failed(words) | Self::Other { words, .. } => Some(words),
            _ => None,
        }
    }

    fn is_over(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Exchanging | Self::Keeping)
    }
}

/// How the person signs in, with what only that way needs.
pub(super) enum Way {
    Browser {
        /// Ties the answer to this sign-in.
        state: String,
        /// Byte-equal in the address and in the exchange.
        redirect_uri: String,
        pkce: Pkce,
        /// Cancelled when the port is free again; none where both were busy.
        port_is_free: Option<CancellationToken>,
    },
    Device {
        user_code: String,
    },
}

/// See the module.
pub(super) struct Session {
    pub id: String,
    pub way: Way,
    /// The account to sign in again, in place.
    pub again: Option<AccountId>,
    pub proxy: ProxyChoice,
    /// The page to open.
    pub url: String,
    pub expires_at: Timestamp,
    pub terms: bool,
    stage: watch::Sender<Stage>,
    /// Tokens of another account than the expected one, until the person decides.
    other: Mutex<Option<OAuthTokens>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    pub(super) fn new(
        way: Way,
        again: Option<AccountId>,
        proxy: ProxyChoice,
        url: String,
        expires_at: Timestamp,
        terms: bool,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            id: pkce::state().map_err(|_| EngineError::Internal)?,
            way,
            again,
            proxy,
            url,
            expires_at,
            terms,
            stage: watch::Sender::new(Stage::Waiting),
            other: Mutex::default(),
        })
    }

    pub(super) fn kind(&self) -> SignInKind {
        match self.way {
            Way::Browser { .. } => SignInKind::Browser,
            Way::Device { .. } => SignInKind::Device,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.borrow().clone()
    }

    pub(super) fn waits(&self) -> bool {
        *self.stage.borrow() == Stage::Waiting
    }

    /// Whether the local address is open.
    pub(super) fn listens(&self) -> bool {
        match &self.way {
            Way::Browser {
                port_is_free: Some(free),
                ..
            } => !free.is_cancelled(),
            _ => false,
        }
    }

    /// Its steps from now on; they end with the session, which they do not keep alive.
    pub(super) fn steps(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    /// Resolves when it has ended, however.
    pub(super) async fn over(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.stage.subscribe().wait_for(Stage::is_over).await;
    }

    /// Takes the one turn to exchange a code.
    pub(super) fn claim(&self) -> bool {
        self.step(Stage::Exchanging, |stage| *stage == Stage::Waiting)
    }

    /// The tokens are there and nobody gave up: from here on it is finished.
    pub(super) fn begin_keeping(&self) -> bool {
        self.step(Stage::Keeping, |stage| *stage == Stage::Exchanging)
    }

    /// Ends it, unless it has ended already.
    pub(super) fn end(&self, stage: Stage) {
        self.step(stage, |stage| !stage.is_over());
    }

    /// Ends it when nobody has come.
    pub(super) fn expire(&self) {
        self.step(Stage::Expired, |stage| *stage == Stage::Waiting);
    }

    /// Another end than the one it had: the person decided otherwise.
    pub(super) fn replace(&self, stage: Stage) {
        self.step(stage, |_| true);
    }

    /// Gives it up and waits until its port is free.
    pub(super) async fn cancel(&self) {
        self.step(Stage::Cancelled, |stage| {
            matches!(stage, Stage::Waiting | Stage::Exchanging)
        });
        self.take_other();
        if let Way::Browser {
            port_is_free: Some(free),
            ..
        } = &self.way
        {
            free.cancelled().await;
        }
    }

    /// Who signed in instead, while that can be added.
    pub(super) fn other(&self) -> Option<String> {
        let waits = self.held().is_some();
        match self.stage() {
            Stage::Other { who, .. } if waits => Some(who),
            _ => None,
        }
    }

    pub(super) fn keep_other(&self, tokens: OAuthTokens) {
        *self.held() = Some(tokens);
    }

    pub(super) fn take_other(&self) -> Option<OAuthTokens> {
        self.held().take()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<OAuthTokens>> {
        self.other.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, next: Stage, from: impl FnOnce(&Stage) -> bool) -> bool {
        self.stage.send_if_modified(|stage| {
            let goes = from(stage);
            if goes {
                *stage = next;
            }
            goes
        })
    }
}

/// The last few sign-ins, the newest first.
#[derive(Debug)]
pub(crate) struct SignIns {
    /// Where the local address may listen, in this order.
    pub(super) ports: [u16; 2],
    /// Held while one begins.
    pub(super) beginning: tokio::sync::Mutex<()>,
    sessions: Mutex<VecDeque<Arc<Session>>>,
}

impl SignIns {
    pub(crate) fn new(ports: [u16; 2]) -> Self {
        Self {
            ports,
            beginning: tokio::sync::Mutex::default(),
            sessions: Mutex::default(),
        }
    }

    pub(super) fn find(&self, id: &str) -> Result<Arc<Session>, EngineError> {
        let found = self.list().iter().find(|session| session.id == id).cloned();
        found.ok_or_else(|| {
            EngineError::NotFound("there is no such sign-in any more; begin a new one".into())
        })
    }

    pub(super) fn put(&self, session: Arc<Session>) {
        let mut sessions = self.list();
        sessions.push_front(session);
        sessions.truncate(KEPT);
    }

    /// Gives up the one under way, if there is one, and waits until its port is free.
    pub(super) async fn end_current(&self) {
        let current = self.list().front().cloned();
        if let Some(session) = current {
            session.cancel().await;
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let way = Way::Device {
            user_code: "AB-1".into(),
        };
        let (proxy, at) = (ProxyChoice::Direct, Timestamp(1));
        Session::new(way, None, proxy, "https://example.com".into(), at, false).unwrap()
    }

    /// Stages go forward only, and a sign-in that was given up keeps nothing (F3).
    #[tokio::test]
    async fn f3_stages_go_forward_only() {
        let one = session();
        assert!(!one.begin_keeping(), "nothing was exchanged");
        assert!(one.claim() && !one.claim(), "one code, once");
        one.expire();
        assert_eq!(one.stage(), Stage::Exchanging, "somebody has come");
        one.cancel().await;
        assert!(!one.begin_keeping(), "given up before the tokens came");
        one.end(Stage::Failed("late".into()));
        assert_eq!(one.stage().word(), "cancelled");

        let two = session();
        assert!(two.claim() && two.begin_keeping());
        two.cancel().await;
        assert_eq!(two.stage().word(), "exchanging", "too late to give up");
        two.end(Stage::Done(AccountId::from("a")));
        two.over().await;
        two.cancel().await;
        assert_eq!(two.stage().word(), "done");

        let three = session();
        three.expire();
        assert_eq!((three.stage().word(), three.claim()), ("expired", false));
    }

    #[test]
    fn only_the_last_few_are_kept() {
        let all = SignIns::new([0, 0]);
        let ids: Vec<String> = (0..=KEPT)
            .map(|_| {
                let session = Arc::new(session());
                all.put(session.clone());
                session.id.clone()
            })
            .collect();
        assert!(all.find(&ids[0]).is_err());
        assert!(ids[1..].iter().all(|id| all.find(id).is_ok()));
    }
}

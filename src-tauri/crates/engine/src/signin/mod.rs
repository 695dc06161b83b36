//! Signing in with ChatGPT (F3): in the browser, by pasting the address it ended on, or by a code typed on another device.
//!
//! One sign-in at a time: beginning another one cancels it. What a session knows stands in `session`, the local address in `callback`,
//! what becomes of the tokens in `adopt`. The calls to the issuer are upstream's. The admin API offers these use cases.

mod adopt;
mod callback;
mod device;
mod page;
mod pasted;
mod session;

use std::sync::Arc;
use std::time::Duration;

use pool::{AccountId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use store::AccountRow;
use tokio_util::sync::CancellationToken;
use upstream::oauth::device::LIFETIME as DEVICE_LIFETIME;
use upstream::oauth::pkce::{self, Pkce};
use upstream::{AccessError, OAuthTokens, ProxyChoice, RefreshError};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::records;
use crate::views::AccountView;

use adopt::NotKept;
use device::Waited;
use pasted::Pasted;
use session::{Session, Stage, Way};

pub(crate) use session::SignIns;

/// The two ports that are registered with the issuer for the local address (codex-backend 1.1); the second is for a busy first.
pub const CALLBACK_PORTS: [u16; 2] = [1455, 1457];

/// How long a sign-in in the browser may take (F3); tokens of another account than the expected one wait as long for the person's word.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// The `meta` key that says that the provider's terms were shown (F31).
const TERMS_SHOWN: &str = "terms_shown";

/// Every word of [`SignInView::state`].
pub const SIGN_IN_WORDS: &[&str] = &[
    "waiting",
    "exchanging",
    "done",
    "failed",
    "expired",
    "cancelled",
];

/// How the person signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInKind {
    /// In the browser, back to a local address or by pasting.
    Browser,
    /// By typing a code on any device.
    Device,
}

/// A sign-in as surfaces may show it. It holds no secret: the address carries a challenge and a one-time `state`, no token.
#[derive(Debug, Clone)]
pub struct SignInView {
    /// Which one.
    pub id: String,
    /// How.
    pub kind: SignInKind,
    /// One of [`SIGN_IN_WORDS`].
    pub state: &'static str,
    /// The page to open.
    pub url: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether the local address listens; otherwise the address has to be pasted.
    pub listening: bool,
    /// What to type (device code).
    pub user_code: Option<String>,
    /// Where to type it.
    pub verification_url: Option<String>,
    /// The account, once it is done.
    pub account: Option<AccountView>,
    /// What went wrong and what to do.
    pub error: Option<String>,
    /// Who signed in instead of the expected account (R7), while [`Engine::add_other_sign_in`] can still add them.
    pub other: Option<String>,
    /// The person should be reminded of the provider's terms: this adds a second sign-in for the first time (F31).
    pub terms: bool,
}

impl Engine {
    /// Begins a sign-in and gives the page to open. `again` names the account to sign in again, in place (F20).
    ///
    /// # Errors
    /// When that account is not there or uses a key, the home is read-only, or no device code is given out.
    pub async fn begin_sign_in(
        self: &Arc<Self>,
        kind: SignInKind,
        again: Option<&str>,
    ) -> Result<SignInView, EngineError> {
        self.changeable()?;
        let again = again.map(|name| self.find(name)).transpose()?;
        let proxy = match &again {
            None => ProxyChoice::Global,
            Some(row) if records::kind(row).is_key() => {
                return Err(EngineError::Invalid(format!(
                    "{} uses a key: there is nothing to sign in to",
                    row.label
                )));
            }
            // F119: the sign-in goes the way the account's requests go.
            Some(row) => records::target(row)?.proxy.clone(),
        };
        let terms = again.is_none() && self.terms_due().await?;
        let _one_at_a_time = self.sign_ins.beginning.lock().await;
        self.sign_ins.end_current().await;
        let again = again.map(|row| AccountId::from(row.id.as_str()));
        let session = match kind {
            SignInKind::Browser => self.begin_in_browser(again, proxy, terms).await?,
            SignInKind::Device => self.begin_by_device(again, proxy, terms).await?,
        };
        Ok(self.sign_in_view(&session))
    }

    /// Where a sign-in stands.
    ///
    /// # Errors
    /// When it is not one of the last few.
    pub fn sign_in(&self, id: &str) -> Result<SignInView, EngineError> {
        let session = self.sign_ins.find(id)?;
        Ok(self.sign_in_view(&session))
    }

    /// Takes what the browser ended on: the whole address, `code#state`, a query string or the bare code (F3). The tokens are fetched
    /// in the background.
    ///
    /// # Errors
    /// When the text holds no code, or the `state` of another sign-in: then this one goes on waiting.
    pub fn paste_sign_in(
        self: &Arc<Self>,
        id: &str,
        text: &SecretString,
    ) -> Result<SignInView, EngineError> {
        let session = self.sign_ins.find(id)?;
        let Way::Browser { state, .. } = &session.way else {
            return Err(EngineError::Invalid(
                "nothing is pasted for a device code: type the code on its page".into(),
            ));
        };
        if !session.waits() {
            return Err(EngineError::Invalid(
                "this sign-in waits for nothing any more; begin a new one".into(),
            ));
        }
        match pasted::read(text, state).map_err(|problem| EngineError::Invalid(problem.into()))? {
            Pasted::Code(code) => self.exchange(&session, code),
            Pasted::Error(words) => session.end(Stage::Failed(words)),
        }
        Ok(self.sign_in_view(&session))
    }

    /// Gives a sign-in up; its port is free when this returns. One that is done stays done.
    ///
    /// # Errors
    /// When it is not one of the last few.
    pub async fn cancel_sign_in(&self, id: &str) -> Result<SignInView, EngineError> {
        let session = self.sign_ins.find(id)?;
        session.cancel().await;
        Ok(self.sign_in_view(&session))
    }

    /// Adds the account that signed in instead of the expected one as an account of its own (R7).
    ///
    /// # Errors
    /// When there is none, or its tokens cannot be kept.
    pub async fn add_other_sign_in(self: &Arc<Self>, id: &str) -> Result<SignInView, EngineError> {
        let session = self.sign_ins.find(id)?;
        let tokens = session.take_other().ok_or_else(|| {
            EngineError::Invalid("no other account waits to be added; begin a new sign-in".into())
        })?;
        let kept = self.keep_tokens(None, &tokens).await;
        let id = kept.map_err(NotKept::into_error)?;
        session.replace(Stage::Done(id));
        Ok(self.sign_in_view(&session))
    }

    async fn begin_in_browser(
        self: &Arc<Self>,
        again: Option<AccountId>,
        proxy: ProxyChoice,
        terms: bool,
    ) -> Result<Arc<Session>, EngineError> {
        let chance = |_| EngineError::Internal;
        let (pkce, state) = (
            Pkce::generate().map_err(chance)?,
            pkce::state().map_err(chance)?,
        );
        let bound = callback::bind(self.sign_ins.ports).await;
        let port = bound.as_ref().map_or(CALLBACK_PORTS[0], |(_, port)| *port);
        let redirect_uri = format!("http://localhost:{port}{}", callback::PATH);
        let url = self
            .upstream
            .authorize_url(&redirect_uri, &pkce.challenge, &state);
        let port_is_free = CancellationToken::new();
        let session = Arc::new(Session::new(
            Way::Browser {
                state,
                redirect_uri,
                pkce,
                port_is_free: bound.is_some().then(|| port_is_free.clone()),
            },
            again,
            proxy,
            url.to_string(),
            self.clock.now().plus(LIFETIME),
            terms,
        )?);
        if let Some((listener, _)) = bound {
            let serving = callback::serve(
                self.clone(),
                session.clone(),
                port_is_free.drop_guard(),
                listener,
            );
            self.tasks.run(serving);
        }
        let waiting = session.clone();
        self.tasks.run(async move {
            if tokio::time::timeout(LIFETIME, waiting.over())
                .await
                .is_err()
            {
                waiting.expire();
            }
        });
        self.put_sign_in(&session);
        Ok(session)
    }

    /// Keeps it in mind and tells its steps as long as it can be asked about.
    fn put_sign_in(self: &Arc<Self>, session: &Arc<Session>) {
        self.sign_ins.put(session.clone());
        let (id, mut steps, engine) = (session.id.clone(), session.steps(), self.clone());
        self.tasks.run(async move {
            while steps.changed().await.is_ok() {
                engine.journal.bus.tell(EngineEvent::SignIn(id.clone()));
            }
        });
    }

    async fn begin_by_device(
        self: &Arc<Self>,
        again: Option<AccountId>,
        proxy: ProxyChoice,
        terms: bool,
    ) -> Result<Arc<Session>, EngineError> {
        let code = self.upstream.device_start(&proxy).await;
        let code = code.map_err(|error| EngineError::Provider(words(&error)))?;
        let session = Arc::new(Session::new(
            Way::Device {
                user_code: code.user_code.clone(),
            },
            again,
            proxy,
            code.verification_url.clone(),
            self.clock.now().plus(DEVICE_LIFETIME),
            terms,
        )?);
        self.put_sign_in(&session);
        let (engine, waiting) = (self.clone(), session.clone());
        self.tasks.run(async move {
            let poll = || async {
                let answer = engine.upstream.device_poll(&waiting.proxy, &code).await;
                answer.map(Into::into)
            };
            let typed = device::wait(code.interval, DEVICE_LIFETIME, poll);
            let waited = tokio::select! {
                waited = typed => waited,
                () = waiting.over() => return,
            };
            match waited {
                Waited::Typed(grant) if waiting.claim() => {
                    let (engine, session) = (engine.clone(), waiting.clone());
                    engine.clone().tasks.finish(async move {
                        let tokens = engine
                            .upstream
                            .exchange_device(&session.proxy, &grant)
                            .await;
                        engine.finish_sign_in(&session, tokens).await;
                    });
                }
                Waited::Typed(_) => {}
                Waited::Expired => waiting.expire(),
                Waited::Refused(error) => waiting.end(Stage::Failed(words(&error))),
            }
        });
        Ok(session)
    }

    /// Fetches the tokens for a code, once: a second code of the same sign-in is not looked at. To its own end, because the code is
    /// spent by the first try.
    fn exchange(self: &Arc<Self>, session: &Arc<Session>, code: SecretString) {
        if !session.claim() {
            return;
        }
        let (engine, session) = (self.clone(), session.clone());
        self.tasks.finish(async move {
            let Way::Browser {
                redirect_uri, pkce, ..
            } = &session.way
            else {
                return;
            };
            let (proxy, code) = (&session.proxy, code.expose_secret());
            let tokens = engine
                .upstream
                .exchange_code(proxy, code, redirect_uri, &pkce.verifier)
                .await;
            engine.finish_sign_in(&session, tokens).await;
        });
    }

    /// What becomes of a sign-in when the issuer has answered.
    async fn finish_sign_in(
        self: &Arc<Self>,
        session: &Arc<Session>,
        tokens: Result<OAuthTokens, AccessError>,
    ) {
        let tokens = match tokens {
            Ok(tokens) => tokens,
            Err(error) => return session.end(Stage::Failed(words(&error))),
        };
        // Given up in the meantime: the tokens end here.
        if !session.begin_keeping() {
            return;
        }
        match self.keep_tokens(session.again.as_ref(), &tokens).await {
            Ok(id) => {
                if session.terms
                    && let Err(error) = self
                        .stored(|store| store.set_meta(TERMS_SHOWN, Some("1")))
                        .await
                {
                    tracing::warn!(%error, "that the provider's terms were shown could not be noted");
                }
                session.end(Stage::Done(id));
            }
            Err(NotKept::Other { who, words }) => {
                session.keep_other(tokens);
                session.end(Stage::Other { who, words });
                let session = session.clone();
                self.tasks.run(async move {
                    tokio::time::sleep(LIFETIME).await;
                    session.take_other();
                });
            }
            Err(NotKept::Failed(error)) => session.end(Stage::Failed(error.to_string())),
        }
    }

    /// Whether this would be the second sign-in, and the terms were not shown for one before.
    async fn terms_due(&self) -> Result<bool, EngineError> {
        let real =
            |row: &&AccountRow| !records::kind(row).is_key() && row.source != crate::demo::SOURCE;
        if self.records.with(|rows| rows.iter().filter(real).count()) == 0 {
            return Ok(false);
        }
        let shown = self.stored(|store| store.meta(TERMS_SHOWN)).await?;
        Ok(shown.is_none())
    }

    fn sign_in_view(&self, session: &Session) -> SignInView {
        let stage = session.stage();
        let account = match &stage {
            Stage::Done(id) => self.account(id.as_str()).ok(),
            _ => None,
        };
        let (user_code, verification_url) = match &session.way {
            Way::Device { user_code } => (Some(user_code.clone()), Some(session.url.clone())),
            Way::Browser { .. } => (None, None),
        };
        SignInView {
            id: session.id.clone(),
            kind: session.kind(),
            state: stage.word(),
            url: session.url.clone(),
            expires_at: session.expires_at,
            listening: session.listens(),
            user_code,
            verification_url,
            account,
            error: stage.error().map(str::to_owned),
            other: session.other(),
            terms: session.terms,
        }
    }
}

/// Why the issuer gave no tokens, for the person who is signing in.
fn words(error: &AccessError) -> String {
    match error {
        AccessError::Refresh(RefreshError::Refused { banned: true, .. }) => {
            "this account is deactivated at its provider".to_owned()
        }
        AccessError::Refresh(RefreshError::Refused { code, .. }) => {
            format!("the provider did not accept the sign-in ({code}); begin it again")
        }
        AccessError::Refresh(RefreshError::RateLimited { .. }) => {
            "the provider asks to wait; try again in a few minutes".to_owned()
        }
        other => other.to_string(),
    }
}

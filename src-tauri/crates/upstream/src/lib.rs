//! HTTP to providers: connection pools and proxies, sign-in tokens and their refresh, quota and model queries, and the
//! judgement of what an upstream's answer means.
//!
//! It decides *what happened* ([`classify()`], [`SendError`]); what to do about it is the pool's and the gateway's. It keeps no
//! credential (see [`CredentialStore`]) and writes no database. The gateway calls [`Upstream::access`], [`Upstream::send`] and
//! the classifiers; the engine builds [`Target`]s, runs [`Upstream::run_schedule`] and listens as an [`Observer`].

mod address;
mod balance;
mod body;
mod classify;
mod clients;
mod config;
mod credential;
mod dial;
mod direct;
pub mod identity;
mod manner;
mod models;
pub mod oauth;
mod picture;
pub mod proxy;
mod quota;
mod reach;
mod send;
mod signin;
mod target;
mod tls;
mod tokens;
mod usage;

pub use address::{BaseUrlError, normalise_base, preview, preview_models};
pub use balance::{Amount, BalanceAdapter, BalanceReading, BalanceRule, Decimal, NotDecimal};
pub use body::{BodyError, ResponseBody};
pub use classify::{ErrorBody, ErrorMessage, classify, classify_event, error_message, retry_after};
pub use config::{AUTH_URL, CODEX_BASE_URL, Config, ConfigError};
pub use credential::{
    Credential, CredentialError, CredentialFormatError, CredentialStore, OAuthTokens,
};
pub use manner::{AuthForm, Manner, Turns, Wire};
pub use models::Model;
pub use picture::PictureError;
pub use quota::{WindowKind, quota_from_event, quota_from_headers};
pub use reach::Reached;
pub use send::{Call, Failure, QueryError, SendError};
pub use target::{Endpoint, ProxyChoice, Target, TargetError, TargetSpec};
pub use tokens::{Access, AccessError, Observer, RefreshError, Refreshed};

use std::sync::Arc;

use arc_swap::ArcSwap;
use pool::Clock;

use crate::{
    clients::Settings,
    oauth::Issuer,
    tokens::{OverHttp, Slots, TokenCalls, Unobserved},
};

/// The way to the providers. Cheap to clone; all clones share connections, tokens and settings.
#[derive(Clone)]
pub struct Upstream(Arc<Shared>);

struct Shared {
    settings: ArcSwap<Settings>,
    store: Arc<dyn CredentialStore>,
    clock: Arc<dyn Clock>,
    slots: Slots,
    calls: Box<dyn TokenCalls>,
    observer: ArcSwap<Arc<dyn Observer>>,
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Upstream")
    }
}

impl Upstream {
    /// Checks the settings and builds nothing that connects yet.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting to change.
    pub fn new(
        config: Config,
        store: Arc<dyn CredentialStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        Self::with_calls(config, store, clock, Box::new(OverHttp))
    }

    /// The same with another way to ask for tokens; tests of time and order use it.
    fn with_calls(
        config: Config,
        store: Arc<dyn CredentialStore>,
        clock: Arc<dyn Clock>,
        calls: Box<dyn TokenCalls>,
    ) -> Result<Self, ConfigError> {
        // reqwest asks for a process-wide provider; somebody else may have installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let unobserved: Arc<dyn Observer> = Arc::new(Unobserved);
        Ok(Self(Arc::new(Shared {
            settings: ArcSwap::from_pointee(Settings::new(config, None)?),
            store,
            clock,
            slots: Slots::default(),
            calls,
            observer: ArcSwap::from_pointee(unobserved),
        })))
    }

    /// Swaps all settings at once. Requests under way keep the old ones.
    ///
    /// # Errors
    /// [`ConfigError`]; the settings in use stay.
    pub fn set_config(&self, config: Config) -> Result<(), ConfigError> {
        let fresh = Settings::new(config, Some(&self.0.settings.load()))?;
        self.0.settings.store(Arc::new(fresh));
        Ok(())
    }

    /// The settings in use.
    #[must_use]
    pub fn config(&self) -> Config {
        self.0.settings.load().config.clone()
    }

    /// Who is told about refreshes; one at a time.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) {
        self.0.observer.store(Arc::new(observer));
    }

    /// Lets go of every idle connection, for example after the machine slept (F122). Streams under way go on.
    ///
    /// # Errors
    /// [`ConfigError`] when the extra CA file has become unreadable; the connections stay.
    pub fn drop_connections(&self) -> Result<(), ConfigError> {
        let fresh = self.0.settings.load().without_connections()?;
        self.0.settings.store(Arc::new(fresh));
        Ok(())
    }

    fn observer(&self) -> Arc<dyn Observer> {
        Arc::clone(&self.0.observer.load())
    }

    /// The way to the issuer through an account's proxy (F119: the refresh uses the same proxy as requests).
    fn issuer(&self, proxy: &ProxyChoice) -> Result<Issuer, ConfigError> {
        let settings = self.0.settings.load();
        let client = settings.client(proxy, &settings.auth)?;
        Ok(Issuer {
            client,
            base: settings.auth.clone(),
            user_agent: settings.user_agent.clone(),
        })
    }
}

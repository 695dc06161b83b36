//! The settings of this room: addresses, how we introduce ourselves, proxy, trust and time limits.
//!
//! Plain values with defaults; the engine fills them from the settings file and swaps a whole [`Config`] with
//! [`crate::Upstream::set_config`]. Nothing here reads a file or the environment.

use std::{path::PathBuf, time::Duration};

use crate::proxy::{NoProxy, ProxyUrl};

/// Everything about sending that a person can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Base of the ChatGPT/Codex backend; `/responses`, `/models` … hang below it.
    pub codex_base_url: String,
    /// Usage endpoint; `None` derives it from the base (F68).
    pub usage_url: Option<String>,
    /// Issuer of sign-ins; `/oauth/token`, `/oauth/revoke` … hang below it.
    pub auth_url: String,
    /// Our own name in the `originator` header (honest conduct, F31).
    pub originator: String,
    /// The Codex client version we ask models for; gates which models the backend shows.
    pub client_version: String,
    /// Our own `User-Agent`.
    pub user_agent: String,
    /// Proxy of every account that does not choose for itself; `None` = direct.
    pub proxy: Option<ProxyUrl>,
    /// Hosts that never go through a proxy, whichever one.
    pub no_proxy: NoProxy,
    /// PEM file with certificate authorities trusted besides the system's (F121).
    pub extra_ca: Option<PathBuf>,
    /// Limit for TCP, proxy and TLS set-up together (F55: 5 s).
    pub connect_timeout: Duration,
    /// Limit for the answer's headers of a streamed request (F55: 180 s, 30–600).
    pub headers_timeout: Duration,
    /// Limit for the answer's headers of a request that does not stream: they come when the answer is finished (F55: 600 s).
    pub total_timeout: Duration,
    /// Limit for the answer of `/responses/compact` (20 min, four times the idle limit).
    pub compact_timeout: Duration,
}

/// Production base of the ChatGPT/Codex backend.
pub const CODEX_BASE_URL: &str = "https://chatgpt.com/backend-api/codex";
/// Production issuer.
pub const AUTH_URL: &str = "https://auth.openai.com";

impl Default for Config {
    fn default() -> Self {
        Self {
            codex_base_url: CODEX_BASE_URL.into(),
            usage_url: None,
            auth_url: AUTH_URL.into(),
            originator: "switchyard".into(),
            client_version: "0.156.0".into(),
            user_agent: concat!("switchyard/", env!("CARGO_PKG_VERSION")).into(),
            proxy: None,
            no_proxy: NoProxy::default(),
            extra_ca: None,
            connect_timeout: Duration::from_secs(5),
            headers_timeout: Duration::from_secs(180),
            total_timeout: Duration::from_secs(600),
            compact_timeout: Duration::from_secs(1200),
        }
    }
}

/// Why a [`Config`] was refused. The configuration in use stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// An address is not an absolute http(s) URL.
    #[error("{setting} is not an http(s) address")]
    Address {
        /// Which setting.
        setting: &'static str,
    },
    /// A value cannot travel in an HTTP header.
    #[error("{setting} holds characters that cannot be sent in a header")]
    Header {
        /// Which setting.
        setting: &'static str,
    },
    /// The extra CA file cannot be read or holds no certificate.
    #[error("the extra CA file {path} {problem}")]
    ExtraCa {
        /// The file as set.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The HTTP client refused its settings.
    #[error("the HTTP client could not be built: {0}")]
    Client(String),
}

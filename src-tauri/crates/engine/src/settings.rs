//! What the user may decide, typed: [`Settings`], the table of [`keys`](KEYS) behind it and the file it comes from.
//!
//! It is not where the values take effect: the engine hands them on. The command line and the admin API list, get,
//! set and unset through [`SettingsFile`].

mod checks;
mod field;
mod file;
mod keeping;
pub(crate) mod models;
mod money;
mod proxy;
mod resolve;
mod routing;
mod switching;
mod table;
mod turns;
mod upkeep;
mod window;

use std::fmt;
use std::net::IpAddr;

use pool::Policy;

pub use field::{Apply, Field, Key, SettingValue};
pub use file::{Change, Entry, PasswordChange, SettingsFile};
pub use proxy::ProxyAddress;
pub use resolve::{Resolved, Source};
pub use table::{KEYS, key, template};

/// Every setting, resolved: flag, else environment, else file, else default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The listener.
    pub server: Server,
    /// The ChatGPT/Codex backend.
    pub codex: Codex,
    /// How an account is chosen.
    pub rotation: Rotation,
    /// Whether the active account changes by itself.
    pub auto_switch: AutoSwitch,
    /// Which notices are told.
    pub notifications: Notifications,
    /// Attempts of one request.
    pub retry: Retry,
    /// Limits of time on the way to the upstream.
    pub timeouts: Timeouts,
    /// The proxy on the way to the upstream.
    pub proxy: Proxy,
    /// Limits of size.
    pub limits: Limits,
    /// Balances of key accounts.
    pub balance: Balance,
    /// Periods and prices of usage.
    pub usage: Usage,
    /// Scheduled refresh of tokens.
    pub refresh: Refresh,
    /// Asking for quota by itself.
    pub quota: Quota,
    /// Checks of idle accounts.
    pub health: HealthChecks,
    /// What is logged.
    pub log: Log,
    /// How much of the past is kept.
    pub journal: Journal,
    /// Daily backups.
    pub backup: Backup,
    /// Importing by itself.
    pub import: Import,
    /// The command `ask`.
    pub ask: Ask,
    /// Names of models.
    pub models: Models,
    /// Reasoning.
    pub thinking: Thinking,
    /// Z.AI accounts.
    pub zai: Zai,
    /// How the window, the tray and notifications look to this person.
    pub ui: Ui,
}

/// `server.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Server {
    /// Address or name to listen on.
    pub host: String,
    /// Port; 0 is any free one.
    pub port: u64,
    /// Whether answers name the account in `x-switchyard-account`.
    pub account_header: bool,
    /// Exact origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// Host names, beside the loopback ones, that requests may be addressed to.
    pub allowed_hosts: Vec<String>,
    /// Seconds that running streams get at a stop.
    pub drain_s: u64,
}

/// `codex.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Codex {
    /// Base URL of the backend.
    pub base_url: String,
    /// URL of the usage query; `None` is the base's sibling `/wham/usage`: see [`Settings::usage_url`].
    pub usage_url: Option<String>,
    /// Sign-in server; the token and revoke endpoints hang below it.
    pub auth_url: String,
    /// Value of the `originator` header.
    pub originator: String,
    /// Client version; `None` leaves the choice to the upstream room.
    pub client_version: Option<String>,
    /// User agent; `None` is the program's own name and version.
    pub user_agent: Option<String>,
    /// Whether removing a sign-in ends it at the provider too.
    pub revoke_on_removal: bool,
}

/// `rotation.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rotation {
    /// One of the names in the table.
    pub mode: &'static str,
    /// The mode among accounts of one priority; one of the names in the table (F37).
    pub within_tier: &'static str,
    /// Requests at once on an account that says nothing itself; 0 is no limit (F114).
    pub account_slots: u64,
    /// `group=limit` each (F115).
    pub group_limits: Vec<String>,
    /// Least milliseconds between two starts on one account; 0 is none (F114).
    pub spacing_ms: u64,
    /// Requests in a row on one account under the round robin (F94).
    pub turn_requests: u64,
    /// Requests at once over all accounts; 0 is no limit (F115).
    pub most_requests: u64,
    /// Seconds that a request waits for a busy account; 0 does not wait (F115).
    pub queue_wait_s: u64,
    /// How many may wait (F115).
    pub queue_length: u64,
}

/// `auto_switch.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AutoSwitch {
    /// Off at first start (F41).
    pub enabled: bool,
    /// Whether accounts of unknown quota may follow (F44).
    pub unknown_too: bool,
    /// Whether the least used one follows rather than the next in order (F44).
    pub lowest_use_first: bool,
    /// Used percent of a short window that is a reason; 0 is none (F47).
    pub threshold_primary: u64,
    /// The same for the weekly window; 0 is none (F47).
    pub threshold_weekly: u64,
    /// Whether the person's choice comes back by itself (F47).
    pub switch_back: bool,
    /// Whether key accounts follow when no sign-in is left (F49).
    pub keys_too: bool,
}

/// `notifications.*`: which kinds of notices are told (F143).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Notifications {
    /// The active account changed by itself.
    pub switched: bool,
    /// Quota runs low.
    pub quota_warning: bool,
    /// No account has quota.
    pub all_exhausted: bool,
    /// A sign-in is over.
    pub needs_sign_in: bool,
    /// An account is back.
    pub recovered: bool,
    /// The port is another one.
    pub port_changed: bool,
    /// The balance of an account is low.
    pub balance_low: bool,
}

/// `retry.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retry {
    /// Further attempts after the first, each on another account (F50).
    pub max: u64,
    /// Seconds for all attempts together, up to the first byte (F50).
    pub deadline_s: u64,
}

/// `timeouts.*`, in seconds (F55).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeouts {
    /// To connect.
    pub connect_s: u64,
    /// Until the answer's head.
    pub headers_s: u64,
    /// Between two pieces of a stream.
    pub idle_s: u64,
    /// For a whole answer that is not a stream.
    pub total_s: u64,
}

/// `proxy.*` (F116–F118)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Proxy {
    /// Whether the URL is used; an empty URL cannot be switched on (F117).
    pub enabled: bool,
    /// Where the proxy is; kept while switched off (F117).
    pub url: Option<ProxyAddress>,
    /// What is reached directly.
    pub no_proxy: String,
}

/// `limits.*`, in MiB (F58).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits {
    /// A request's body, decoded.
    pub body_mib: u64,
    /// The same on the compact route.
    pub compact_body_mib: u64,
}

/// `balance.*` (F112)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Balance {
    /// Whether providers are asked by themselves.
    pub poll: bool,
}

/// `usage.*` (F71, F72)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    /// Time of day at which periods begin, `HH:MM`.
    pub reset_time: String,
    /// Its time zone; `None` is this machine's.
    pub time_zone: Option<String>,
    /// The person's own prices, `model=input/cached/output`.
    pub prices: Vec<String>,
}

/// `refresh.*`, in seconds (F15).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refresh {
    /// How long before its end a token is refreshed.
    pub margin_s: u64,
    /// How often accounts inside the margin are looked for.
    pub interval_s: u64,
}

/// `quota.*` (F68)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quota {
    /// Minutes between two scheduled rounds; 0 is never.
    pub query_min: u64,
}

/// `health.*` (F60)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealthChecks {
    /// Seconds between two rounds of checks; 0 is never.
    pub interval_s: u64,
}

/// `log.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    /// One of the names in the table.
    pub level: &'static str,
}

/// `journal.*` (F74)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    /// Requests kept at most.
    pub rows: u64,
    /// Days kept at most.
    pub days: u64,
}

/// `backup.*` (F124)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Backup {
    /// Daily backups kept; 0 makes none.
    pub keep: u64,
}

/// `import.*` (F10)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Import {
    /// Whole path of the watched folder.
    pub folder: Option<String>,
}

/// `ui.*`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ui {
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// `system`, `en` or `zh`.
    pub language: &'static str,
    /// `remaining` or `used`.
    pub numbers: &'static str,
    /// Text size in percent: 100, 125, 150 or 200.
    pub text_scale: &'static str,
    /// Whether addresses in labels are masked.
    pub hide_emails: bool,
    /// Whether the first-run guide has been seen.
    pub guide_done: bool,
}

/// `ask.*`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ask {
    /// Model without `-m`; `None` is the first one offered.
    pub model: Option<String>,
}

/// `models.*` (F88, F91, F92)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Models {
    /// For requests that name none.
    pub default: Option<String>,
    /// The same for Chat clients.
    pub default_chat: Option<String>,
    /// The same for Responses clients.
    pub default_responses: Option<String>,
    /// The same for Messages clients.
    pub default_messages: Option<String>,
    /// The same for Gemini clients.
    pub default_gemini: Option<String>,
    /// `alias=model` or `alias=model;group=NAME`.
    pub aliases: Vec<String>,
    /// `pattern=model`.
    pub patterns: Vec<String>,
    /// Whether the list names models with suffixes too.
    pub list_suffixes: bool,
    /// Whether key accounts serve their own format only.
    pub direct_only: bool,
}

/// `thinking.*` (F85, F90)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thinking {
    /// For sign-ins, where nothing else says one.
    pub default_effort: Option<String>,
    /// `model=level level …`.
    pub levels: Vec<String>,
    /// `field`, `think_tags` or `off`.
    pub output: &'static str,
}

/// `zai.*` (F109)
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Zai {
    /// Whether reasoning stands inside the text.
    pub show_think_tags: bool,
}

/// Something the user has switched on that deserves a standing notice (F136).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsafe {
    /// The listener is reachable from other machines (F25).
    OpenToNetwork,
    /// A browser page of another origin may call the gateway.
    CrossOrigin,
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenToNetwork => "server.host lets other machines reach the gateway; anyone with a gateway key can use your accounts",
            Self::CrossOrigin => "server.cors_origins lets web pages of other origins call the gateway",
        })
    }
}

impl Settings {
    /// The defaults alone.
    #[must_use]
    pub fn defaults() -> Self {
        let mut settings = Self::default();
        for key in KEYS {
            key.field.reset(&mut settings);
        }
        settings
    }

    /// Where the Codex quota is asked: the setting, else the sibling `/wham/usage` of the base URL.
    #[must_use]
    pub fn usage_url(&self) -> String {
        if let Some(url) = &self.codex.usage_url {
            return url.clone();
        }
        let base = self.codex.base_url.trim_end_matches('/');
        format!("{}/wham/usage", base.strip_suffix("/codex").unwrap_or(base))
    }

    /// The rotation policy that `rotation.mode` names.
    #[must_use]
    pub fn policy(&self) -> Policy {
        // The table allows exactly the pool's words, which a test holds to; the default names a policy too.
        self.rotation.mode.parse().unwrap_or_default()
    }

    /// The policy that `rotation.within_tier` names.
    #[must_use]
    pub fn within_tier(&self) -> Policy {
        self.rotation.within_tier.parse().unwrap_or_default()
    }

    /// The groups of `rotation.group_limits` with their limits.
    pub fn group_limits(&self) -> impl Iterator<Item = (String, u32)> {
        let pairs = self.rotation.group_limits.iter();
        pairs.filter_map(|pair| routing::group_limit(pair))
    }

    /// What deserves a standing notice.
    #[must_use]
    pub fn notices(&self) -> Vec<Unsafe> {
        let mut notices = Vec::new();
        if !is_loopback(&self.server.host) {
            notices.push(Unsafe::OpenToNetwork);
        }
        if !self.server.cors_origins.is_empty() {
            notices.push(Unsafe::CrossOrigin);
        }
        notices
    }
}

/// Whether listening on `host` is reachable from this machine only.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Why a setting cannot be read or changed. The old value stays (F126). No text repeats the value of a key that may
/// hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such key.
    #[error("there is no setting {key}{}; `switchyard settings list` shows all", near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        key: String,
        /// The key that looks most like it.
        near: Option<&'static str>,
    },
    /// The value is not allowed.
    #[error("{key} {problem}{}; allowed: {allowed}", origin.suffix(key))]
    Invalid {
        /// Which key.
        key: &'static str,
        /// What is wrong with the value.
        problem: String,
        /// What would be right.
        allowed: String,
        /// Where the value stands.
        origin: Source,
    },
    /// The environment or the command line decides this key.
    #[error("{key} is set by {by}, which beats the settings file; take it away first")]
    Locked {
        /// Which key.
        key: &'static str,
        /// The variable, or the flag.
        by: String,
    },
    /// The file is not TOML. It is left as it is.
    #[error("{path} is not valid TOML (line {line}: {message}); correct or remove it")]
    Syntax {
        /// The file.
        path: String,
        /// 1-based; 0 where it is not known.
        line: usize,
        /// The parser's words, without the file's text.
        message: String,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

#[cfg(test)]
mod tests;

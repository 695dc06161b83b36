//! What the gateway reads at every request and the engine may swap at any time: limits, timeouts, keys, hosts, models.
//!
//! Not the settings file (engine owns that); a new [`Config`] is built from the settings as a whole and swapped in one step, so a
//! request sees either the old or the new one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pool::{AccountId, Timestamp};
use protocol::suffix::Levels;
use upstream::Target;

use crate::key_rules::KeyRules;
use crate::naming::Naming;

/// Live configuration of the client-facing surface.
#[derive(Debug, Clone)]
pub struct Config {
    /// Largest decoded request body in bytes (F58: 32 MiB by default).
    pub body_limit: usize,
    /// The same for `/responses/compact` (F58: 256 MiB by default).
    pub compact_body_limit: usize,
    /// Attempts on further accounts after the first one (F50: 2).
    pub max_retries: u32,
    /// Time from the request's arrival to the first byte of an answer (F50: 120 s).
    pub deadline: Duration,
    /// Longest silence between two reads of an upstream stream (F55: 300 s).
    pub idle_timeout: Duration,
    /// Longest duration of an answer that is not streamed (F55: 600 s).
    pub total_timeout: Duration,
    /// Requests at once over all accounts; above it 503 (F115). `None` is no limit.
    pub most_requests: Option<usize>,
    /// How long a request waits while all accounts that could serve it are busy (F115: 30 s); zero does not wait.
    pub queue_wait: Duration,
    /// How many may wait (F115: 100).
    pub queue_length: usize,
    /// Send `x-switchyard-account: LABEL` with every proxied answer (F40).
    pub account_header: bool,
    /// Model used where the client names none; `None` makes that a 400 (F92).
    pub default_model: Option<String>,
    /// Aliases, patterns, defaults of names and thinking (F90–F92).
    pub naming: Arc<Naming>,
    /// Host names accepted beside loopback ones, lower case, without port (F29).
    pub allowed_hosts: Vec<String>,
    /// Exact origins that receive CORS headers (F29); empty = none.
    pub cors_origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            body_limit: 32 << 20,
            compact_body_limit: 256 << 20,
            max_retries: 2,
            deadline: Duration::from_secs(120),
            idle_timeout: Duration::from_secs(300),
            total_timeout: Duration::from_secs(600),
            most_requests: None,
            queue_wait: Duration::from_secs(30),
            queue_length: 100,
            account_header: true,
            default_model: None,
            naming: Arc::default(),
            allowed_hosts: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

/// One gateway key, kept only as its SHA-256 digest.
#[derive(Clone)]
pub struct ClientKey {
    /// Name shown in the journal; never the key itself.
    pub name: Arc<str>,
    /// SHA-256 of the key's bytes.
    pub digest: [u8; 32],
    /// A disabled key is refused with 401 (F27).
    pub enabled: bool,
    /// Refused from this moment on, if set (F27).
    pub expires_at: Option<Timestamp>,
    /// What else binds it; `None` is nothing, as for most keys.
    pub rules: Option<Arc<KeyRules>>,
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The keys that open the gateway. Empty refuses everything (F26: fail closed).
#[derive(Debug, Clone, Default)]
pub struct Keys(pub Vec<ClientKey>);

/// Where each account's requests go, by account id. Swapped whole when accounts change.
pub type Targets = HashMap<AccountId, Target>;

/// A model the pool can serve now (F81).
#[derive(Debug, Clone)]
pub struct Model {
    /// Name as clients write it.
    pub id: String,
    /// `owned_by` in the OpenAI shape: the provider or relay label.
    pub owned_by: String,
    /// Unix seconds, 0 when the provider does not tell.
    pub created: i64,
    /// The Codex backend's own entry, byte for byte, for Codex clients (they need keys no other list has).
    pub codex: Option<Bytes>,
}

/// Everything `GET /v1/models` answers from.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Sorted by id, without duplicates.
    pub models: Vec<Model>,
    /// Which models take which thinking levels: the built-in table, the person's and what sign-ins' upstreams told (F90).
    pub levels: Levels,
    /// `ETag` of the Codex list; `None` lets the gateway make one from the entries.
    pub codex_etag: Option<String>,
}

impl Catalog {
    /// Whether the list has a model of exactly this name.
    pub(crate) fn lists(&self, id: &str) -> bool {
        self.models
            .binary_search_by(|model| model.id.as_str().cmp(id))
            .is_ok()
    }
}

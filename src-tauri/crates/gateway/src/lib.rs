//! The client-facing HTTP surface and the relay loop: from a client's request to an account's answer, retried unseen on another
//! account until the first byte leaves (the commit point).
//!
//! What it is not: it knows no database, no keychain and no desktop. Accounts, keys and limits are handed in by the engine and may be
//! swapped while requests run; what happened is told to a [`Journal`].
//!
//! The stations of the road, one file each: `surface` (routes, key, host) → `body` (limits, decoding) → `attempt` (select, send, classify,
//! again) → `relay` (the stream after the commit) → `journal`.

mod amend;
mod attempt;
mod body;
mod config;
mod count;
mod draw;
mod empty;
mod exchange;
mod fault;
mod forward;
mod guard;
mod images;
mod inside;
mod journal;
mod models;
mod opened;
mod pause;
mod record;
mod relay;
mod reply;
mod server;
mod shared_pool;
mod surface;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use pool::Clock;
use tokio::sync::watch;
use upstream::Upstream;

pub use body::Body;
pub use config::{Catalog, ClientKey, Config, Keys, Model, Targets};
pub use inside::{Inside, InsideAnswer};
pub use journal::{Attempt, End, Entry, Journal};
pub use server::{MOST_CONNECTIONS, Server, serve, serve_at_most};
pub use shared_pool::SharedPool;

/// How long a request waits for a gateway that is starting: a keychain may be asking a person.
const START_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// The gateway: everything a request needs, shared by all of them.
pub struct Gateway {
    pub(crate) pool: Arc<SharedPool>,
    pub(crate) upstream: Upstream,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Arc<dyn Clock>,
    config: ArcSwap<Config>,
    keys: ArcSwap<Keys>,
    targets: ArcSwap<Targets>,
    catalog: ArcSwap<Catalog>,
    ready: watch::Sender<bool>,
    running: AtomicUsize,
    pause: pause::Pause,
    pub(crate) refused_seals: amend::RefusedSeals,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("running", &self.running())
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway without keys and accounts: it answers `/health` and lets everything else wait until [`Gateway::set_ready`].
    pub fn new(
        pool: Arc<SharedPool>,
        upstream: Upstream,
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            pool,
            upstream,
            journal,
            clock,
            config: ArcSwap::default(),
            keys: ArcSwap::default(),
            targets: ArcSwap::default(),
            catalog: ArcSwap::default(),
            ready: watch::Sender::new(false),
            running: AtomicUsize::new(0),
            pause: pause::Pause::default(),
            refused_seals: amend::RefusedSeals::default(),
        })
    }

    /// Replaces limits and timeouts; acts on the next request (F127).
    pub fn set_config(&self, config: Config) {
        self.config.store(Arc::new(config));
    }

    /// Replaces the gateway keys; acts on the next request.
    pub fn set_keys(&self, keys: Keys) {
        self.keys.store(Arc::new(keys));
    }

    /// Replaces where accounts send to. An account of the pool without a target is passed over.
    pub fn set_targets(&self, targets: Targets) {
        self.targets.store(Arc::new(targets));
    }

    /// Replaces the model list.
    pub fn set_catalog(&self, mut catalog: Catalog) {
        if catalog.codex_etag.is_none() {
            catalog.codex_etag = models::codex_etag(&catalog.models);
        }
        self.catalog.store(Arc::new(catalog));
    }

    /// Keys and accounts are loaded: requests that waited go on.
    pub fn set_ready(&self) {
        self.ready.send_replace(true);
    }

    /// Requests being served now, streams included.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// The name of the key the client presented, if it is one of ours.
    fn key_name(&self, headers: &http::HeaderMap) -> Option<Arc<str>> {
        guard::authenticate(&self.keys.load(), headers, None, self.clock.now())
            .map(|key| key.name.clone())
    }

    /// Whether any account could serve something now (F135).
    fn any_usable(&self) -> bool {
        let now = self.clock.now();
        let usable = |health| {
            matches!(
                health,
                Some(pool::Health::Active | pool::Health::Unknown | pool::Health::Attention)
            )
        };
        self.pool.with(|pool| {
            pool.accounts()
                .any(|account| usable(pool.health(now, &account.id)))
        })
    }

    /// Waits until keys and accounts are loaded, at most [`START_LIMIT`]; false when they are not by then.
    async fn until_ready(&self) -> bool {
        let ready = *self.ready.borrow();
        if ready {
            return true;
        }
        let mut watched = self.ready.subscribe();
        let loaded = tokio::time::timeout(START_LIMIT, watched.wait_for(|ready| *ready)).await;
        // The sender lives in `self`, so only the time can run out.
        matches!(loaded, Ok(Ok(_)))
    }
}

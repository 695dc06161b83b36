//! The client-facing HTTP surface and the relay loop: from a client's request to an account's answer, retried unseen on another
//! account until the first byte leaves (the commit point).
//!
//! What it is not: it knows no database, no keychain and no desktop. Accounts, keys and limits are handed in by the engine and may be
//! swapped while requests run; what happened is told to a [`Journal`].
//!
//! The stations of the road, one file each: `surface` (key, host; `paths` is its table) → `infer` (which model) with `body` (limits, decoding) → `attempt` (select, send, classify,
//! again) → `relay` (the stream after the commit) → `journal`.

mod amend;
mod attempt;
mod body;
mod config;
mod count;
mod draw;
mod embed;
mod empty;
mod exchange;
mod fault;
mod formats;
mod forward;
mod gemini;
mod guard;
mod images;
mod infer;
mod inside;
mod journal;
mod key_rules;
mod models;
mod naming;
mod opened;
mod paths;
mod patience;
mod pause;
mod pin;
mod queue;
mod record;
mod relay;
mod reply;
mod server;
mod shared_pool;
mod surface;
mod told;
mod usage;

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
pub use key_rules::{KeyRules, KeyState};
pub use naming::{Alias, Named, Naming, Native, matches};
pub use server::{MOST_CONNECTIONS, Server, serve, serve_at_most};
pub use shared_pool::SharedPool;

/// How long a request waits for a gateway that is starting: a keychain may be asking a person.
const START_LIMIT: std::time::Duration = std::time::Duration::from_secs(30);

/// Who asks, once the key is known.
pub(crate) struct Caller {
    /// For the journal.
    pub(crate) name: Arc<str>,
    /// What binds its key; `None` is nothing.
    pub(crate) rules: Option<Arc<KeyRules>>,
}

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
    /// Requests that count against the cap; kept only while there is one (F115).
    admitted: Arc<AtomicUsize>,
    pub(crate) queue: queue::Queue,
    pause: pause::Pause,
    pub(crate) refused_seals: amend::RefusedSeals,
}

/// One of the requests that the cap counts; given back when it is dropped, however the request ends.
#[derive(Debug)]
pub(crate) struct Admitted(Arc<AtomicUsize>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
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
            admitted: Arc::default(),
            queue: queue::Queue::default(),
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
    pub fn set_targets(self: &Arc<Self>, targets: Targets) {
        self.targets.store(Arc::new(targets));
        self.look_at_queue();
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

    /// Admits a request under the cap: `Some(None)` when there is no cap, `None` when it is reached (F115).
    pub(crate) fn admit(&self, most: Option<usize>) -> Option<Option<Admitted>> {
        let Some(most) = most else {
            return Some(None);
        };
        let place = |count: usize| (count < most).then_some(count + 1);
        let taken = self
            .admitted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, place);
        taken.is_ok().then(|| Some(Admitted(self.admitted.clone())))
    }

    /// Admits a request whatever the cap says: one that was admitted before and has waited since.
    pub(crate) fn admit_again(&self, most: Option<usize>) -> Option<Admitted> {
        most?;
        self.admitted.fetch_add(1, Ordering::SeqCst);
        Some(Admitted(self.admitted.clone()))
    }

    /// Requests being served now, streams included.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// Whose key the client presented: its name, and what else binds it. `query_key` is the one in the query, where the route takes it.
    fn caller(
        &self,
        headers: &http::HeaderMap,
        query_key: Option<&str>,
    ) -> Result<Caller, guard::NoEntry> {
        let keys = self.keys.load();
        let found = guard::authenticate(&keys, headers, query_key, self.clock.now());
        found.map(|key| Caller {
            name: key.name.clone(),
            rules: key.rules.clone(),
        })
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

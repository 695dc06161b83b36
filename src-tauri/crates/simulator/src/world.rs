//! Everything the simulator remembers, behind one plain mutex: accounts, keys, scripts, what it has seen. No sockets here;
//! `serve` feeds it, `handle` and `Simulator` show it to tests.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Method};
use tokio::sync::watch;

use crate::{
    jwt,
    quota::Quota,
    setup::{AccountSetup, KeySetup, Setup},
    step::{Endpoint, RefreshStep, Step},
    wallet::Wallet,
};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Method.
    pub method: Method,
    /// Path without query.
    pub path: String,
    /// Query, empty when there is none.
    pub query: String,
    /// All headers, credentials included (they are the simulator's own).
    pub headers: HeaderMap,
    /// The body, decoded from its content encoding.
    pub body: Bytes,
    /// Label of the account or key whose credential it carried, when that was good.
    pub account: Option<String>,
    /// Arrival, unix seconds of the simulator's clock.
    pub at: i64,
}

impl Seen {
    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An account or a key, as an index into [`State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Account(usize),
    Key(usize),
}

/// Steps for one caller.
#[derive(Debug, Default)]
pub(crate) struct Script {
    queues: HashMap<Endpoint, VecDeque<Step>>,
    always: HashMap<Endpoint, Step>,
}

impl Script {
    pub(crate) fn append(&mut self, endpoint: Endpoint, steps: impl IntoIterator<Item = Step>) {
        self.queues.entry(endpoint).or_default().extend(steps);
    }

    pub(crate) fn set_always(&mut self, endpoint: Endpoint, step: Step) {
        self.always.insert(endpoint, step);
    }

    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Step {
        let next = self.queues.get_mut(&endpoint).and_then(VecDeque::pop_front);
        next.or_else(|| self.always.get(&endpoint).cloned())
            .unwrap_or(Step::Ok)
    }
}

/// One ChatGPT account.
pub(crate) struct Account {
    pub(crate) setup: AccountSetup,
    pub(crate) script: Script,
    pub(crate) refreshes: VecDeque<RefreshStep>,
    pub(crate) token_calls: usize,
    /// Access tokens that are good, with their end in unix seconds.
    pub(crate) access: HashMap<String, i64>,
    pub(crate) refresh: String,
    pub(crate) spent_refresh: HashSet<String>,
}

/// Tokens of one grant.
pub(crate) struct Grant {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) id: String,
}

/// One relay key.
pub(crate) struct Key {
    pub(crate) setup: KeySetup,
    pub(crate) wallet: Wallet,
    pub(crate) script: Script,
}

/// A sign-in that waits for its code to be redeemed.
pub(crate) struct PendingCode {
    pub(crate) account: usize,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) accounts: Vec<Account>,
    pub(crate) keys: Vec<Key>,
    pub(crate) seen: VecDeque<Seen>,
    pub(crate) codes: HashMap<String, PendingCode>,
    /// Device sign-ins by their id: the code once the person has agreed.
    pub(crate) devices: HashMap<String, Option<String>>,
    /// Who signs in next at the authorize page.
    pub(crate) sign_in_as: usize,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    pub(crate) peak_in_flight: usize,
}

/// The shared whole.
pub(crate) struct World {
    pub(crate) setup: Setup,
    state: Mutex<State>,
    serial: AtomicU64,
    pub(crate) disconnects: watch::Sender<usize>,
    pub(crate) arrivals: watch::Sender<usize>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            state: Mutex::default(),
            serial: AtomicU64::new(1),
            disconnects: watch::Sender::new(0),
            arrivals: watch::Sender::new(0),
        }
    }

    /// Looks at or changes the state. The lock is held only inside the closure.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn now(&self) -> i64 {
        self.setup.now.read()
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// A fresh id that looks like the provider's: `prefix_` and 32 hex digits, the same ones in every run.
    pub(crate) fn id(&self, prefix: &str) -> String {
        let mut mixed = self.serial().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let high = mixed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        format!("{prefix}_{high:016x}{:016x}", mixed ^ (mixed >> 27))
    }

    pub(crate) fn see(&self, seen: Seen) {
        self.with(|state| {
            state.seen.push_back(seen);
            let surplus = state.seen.len().saturating_sub(self.setup.keep_requests);
            state.seen.drain(..surplus);
        });
        self.arrivals.send_modify(|count| *count += 1);
    }

    pub(crate) fn take_step(&self, who: Who, endpoint: Endpoint) -> Step {
        self.with(|state| {
            state
                .script(who)
                .map_or(Step::Ok, |script| script.take(endpoint))
        })
    }

    pub(crate) fn label(&self, who: Who) -> String {
        self.with(|state| match who {
            Who::Account(index) => state
                .accounts
                .get(index)
                .map(|account| account.setup.email.clone()),
            Who::Key(index) => state.keys.get(index).map(|key| key.setup.label.clone()),
        })
        .unwrap_or_default()
    }

    /// Gives an account new tokens. The old refresh token is spent; old access tokens live until their end, as with the real service.
    pub(crate) fn grant(&self, index: usize) -> Option<Grant> {
        let (now, serial) = (self.now(), self.serial());
        let refresh = self.id("rt");
        self.with(|state| {
            let account = state.accounts.get_mut(index)?;
            let access = jwt::access(&account.setup, now, serial);
            account
                .access
                .insert(access.clone(), now + account.setup.access_ttl_s);
            let old = std::mem::replace(&mut account.refresh, refresh.clone());
            account.spent_refresh.insert(old);
            Some(Grant {
                access,
                refresh,
                id: jwt::id(&account.setup, now, serial),
            })
        })
    }

    /// Gives an account a new access token and leaves its refresh token as it is.
    pub(crate) fn grant_access(&self, index: usize) -> Option<String> {
        let (now, serial) = (self.now(), self.serial());
        self.with(|state| {
            let account = state.accounts.get_mut(index)?;
            let access = jwt::access(&account.setup, now, serial);
            account
                .access
                .insert(access.clone(), now + account.setup.access_ttl_s);
            Some(access)
        })
    }

    /// The account's quota after the windows have been brought up to date, with its plan.
    pub(crate) fn quota(&self, index: usize) -> (Quota, String) {
        let now = self.now();
        self.with(|state| match state.accounts.get_mut(index) {
            Some(account) => {
                account.setup.quota.settle(now);
                (account.setup.quota.clone(), account.setup.plan.clone())
            }
            None => (Quota::default(), String::new()),
        })
    }

    pub(crate) fn spend(&self, index: usize) {
        self.with(|state| {
            if let Some(account) = state.accounts.get_mut(index) {
                account.setup.quota.spend();
            }
        });
    }
}

impl State {
    pub(crate) fn script(&mut self, who: Who) -> Option<&mut Script> {
        match who {
            Who::Account(index) => self
                .accounts
                .get_mut(index)
                .map(|account| &mut account.script),
            Who::Key(index) => self.keys.get_mut(index).map(|key| &mut key.script),
        }
    }
}

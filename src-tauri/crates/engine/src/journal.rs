//! The journal's way to the database: entries gather in memory and are written in batches off the request path (at most a second late).
//!
//! Not the reading side. The gateway calls [`Gathering`]; one task of the engine writes.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway::{Entry, Journal};
use pool::{AccountId, Event};
use tokio::sync::{Notify, watch};

use crate::events::{Bus, EngineEvent};
use crate::limits::Ledger;
use crate::views::StartedView;

/// How long entries gather before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// Most entries kept between two writes; older ones would be pruned from the database right away (F74: 2000 rows).
const KEEP: usize = 2_000;

/// Most requests told as begun, and as ended, between two writes: nobody reads more, and the bus has other things to tell.
pub(crate) const MOST_TOLD: usize = 64;

/// What waits to be written.
#[derive(Default)]
pub(crate) struct Waiting {
    /// The newest entries.
    pub entries: Vec<Entry>,
    /// Every finished request since the last write, counted (F70), also those whose entry is not kept.
    pub counts: HashMap<CountKey, Counts>,
    /// Accounts whose state changed.
    pub accounts: HashSet<AccountId>,
}

/// What requests are counted by (F70).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CountKey {
    pub account: Option<AccountId>,
    pub label: String,
    pub model: String,
    pub route: &'static str,
    pub key: String,
}

/// What is counted (F70). Tokens only where the upstream told them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub requests: i64,
    pub succeeded: i64,
    pub failed: i64,
    pub cancelled: i64,
    pub usage_unknown: i64,
    pub input: i64,
    pub output: i64,
    pub cached: i64,
    pub reasoning: i64,
    pub images: i64,
}

/// See the module.
pub(crate) struct Gathering {
    waiting: Mutex<Waiting>,
    wake: Notify,
    changes: watch::Sender<u64>,
    /// Requests told as begun since the last write.
    begun: AtomicUsize,
    /// For notices and the history of switches.
    pub(crate) stirred: Stirred,
    /// Who wants to know what exactly changed.
    pub(crate) bus: Bus,
    /// Counts for limits and budgets.
    pub(crate) ledger: Arc<Ledger>,
}

impl Gathering {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger,
            waiting: Mutex::default(),
            wake: Notify::new(),
            changes: watch::Sender::new(0),
            begun: AtomicUsize::new(0),
            stirred: Stirred::default(),
            bus: Bus::new(),
        }
    }

    /// Tells the tray and whoever else listens that accounts look different now.
    pub(crate) fn announce(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until there is something and a little longer, so that it comes in one write.
    pub(crate) async fn gathered(&self) {
        self.wake.notified().await;
        tokio::time::sleep(GATHER).await;
    }

    /// What waits, taken. `then` happens in the same moment: no request is counted between.
    pub(crate) fn take(&self, then: impl FnOnce()) -> Waiting {
        self.begun.store(0, Ordering::Relaxed);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        then();
        std::mem::take(&mut *waiting)
    }

    /// Drops what waits of accounts that are erased.
    pub(crate) fn forget(&self, ids: &[AccountId]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |entry: &Entry| {
            let mut attempts = entry.attempts.iter();
            attempts.any(|attempt| ids.contains(&attempt.account))
        };
        waiting.entries.retain(|entry| !named(entry));
        waiting
            .counts
            .retain(|key, _| !key.account.as_ref().is_some_and(|id| ids.contains(id)));
        waiting.accounts.retain(|id| !ids.contains(id));
    }

    /// The account's state is to be written again.
    pub(crate) fn touch(&self, id: &AccountId) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .accounts
            .insert(id.clone());
        self.wake.notify_one();
    }
}

impl Journal for Gathering {
    fn record(&self, entry: Entry) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Before anything else: whoever has reached a limit gets no further request.
        let events = self.ledger.count(&entry);
        let first = waiting.entries.is_empty();
        let served = entry.attempts.last();
        let key = CountKey {
            account: served.map(|attempt| attempt.account.clone()),
            label: served
                .map(|attempt| attempt.label.to_string())
                .unwrap_or_default(),
            model: entry.model.clone(),
            route: entry.endpoint,
            key: entry.key.to_string(),
        };
        let counts = waiting.counts.entry(key).or_default();
        counts.requests += 1;
        counts.images += i64::from(entry.images);
        match entry.end {
            gateway::End::Completed => counts.succeeded += 1,
            gateway::End::Failed => counts.failed += 1,
            gateway::End::Cancelled => counts.cancelled += 1,
        }
        match entry.usage {
            Some(usage) => {
                counts.input += count(usage.input);
                counts.output += count(usage.output);
                counts.cached += count(usage.cached);
                counts.reasoning += count(usage.reasoning);
            }
            None => counts.usage_unknown += 1,
        }
        for attempt in &entry.attempts {
            if !waiting.accounts.contains(&attempt.account) {
                waiting.accounts.insert(attempt.account.clone());
            }
        }
        if waiting.entries.len() >= 2 * KEEP {
            waiting.entries.drain(..KEEP);
        }
        waiting.entries.push(entry);
        drop(waiting);
        if first {
            self.wake.notify_one();
        }
        if !events.is_empty() {
            self.pool_events(events);
        }
    }

    fn pool_events(&self, events: Vec<Event>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &events {
            if let Some(id) = whose(event) {
                waiting.accounts.insert(id.clone());
            }
        }
        drop(waiting);
        for event in &events {
            match (event, whose(event)) {
                (Event::QuotaChanged { id }, _) => self.bus.tell(EngineEvent::Quota(id.clone())),
                (Event::Switched { from, to, .. }, _) => {
                    self.bus.tell(EngineEvent::AccountChanged(from.clone()));
                    self.bus.tell(EngineEvent::AccountChanged(to.clone()));
                }
                (_, Some(id)) => self.bus.tell(EngineEvent::AccountChanged(id.clone())),
                (_, None) => self.bus.tell(EngineEvent::Status),
            }
        }
        self.wake.notify_one();
        self.stirred.add(events);
        self.announce();
    }

    fn started(&self, entry: &Entry) {
        if self.bus.heard() && self.begun.fetch_add(1, Ordering::Relaxed) < MOST_TOLD {
            let request = StartedView {
                request_id: entry.request_id.clone(),
                started_at: entry.started_at,
                key: entry.key.to_string(),
                dialect: entry.dialect,
                endpoint: entry.endpoint,
                model: entry.model.clone(),
                stream: entry.stream,
            };
            self.bus
                .tell(EngineEvent::RequestStarted(Arc::new(request)));
        }
    }
}

/// Something that may be worth a notice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stir {
    /// In the pool.
    Pool(Event),
    /// The gateway listens on another port than the one wanted.
    Port {
        /// The configured one.
        wanted: u16,
        /// The one in use.
        used: u16,
    },
}

/// What happened and has not been looked at by the one who decides on notices. Readings of one account's quota are one, so
/// that this cannot grow with the traffic.
#[derive(Default)]
pub(crate) struct Stirred {
    waiting: Mutex<Vec<Stir>>,
    wake: Notify,
}

impl Stirred {
    fn add(&self, events: Vec<Event>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            let event = Stir::Pool(event);
            let reading = matches!(event, Stir::Pool(Event::QuotaChanged { .. }));
            if !reading || !waiting.contains(&event) {
                waiting.push(event);
            }
        }
        drop(waiting);
        self.wake.notify_one();
    }

    /// The gateway listens on another port than the one wanted.
    pub(crate) fn port(&self, wanted: u16, used: u16) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(Stir::Port { wanted, used });
        drop(waiting);
        self.wake.notify_one();
    }

    /// Waits until something happened, or until somebody knocks.
    pub(crate) async fn stirred(&self) {
        self.wake.notified().await;
    }

    /// Wakes the one who waits.
    pub(crate) fn knock(&self) {
        self.wake.notify_one();
    }

    /// What happened, taken.
    pub(crate) fn take(&self) -> Vec<Stir> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn whose(event: &Event) -> Option<&AccountId> {
    match event {
        Event::StatusChanged { id, .. }
        | Event::Exhausted { id, .. }
        | Event::Cooling { id, .. }
        | Event::Recovered { id }
        | Event::QuotaChanged { id }
        | Event::Held { id, .. }
        | Event::NeedsLogin { id }
        | Event::NoSuccessor { id, .. } => Some(id),
        Event::Switched { .. } | Event::Offline | Event::Online => None,
    }
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

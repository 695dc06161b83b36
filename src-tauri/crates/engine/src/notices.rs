//! What the person should be told without having asked: an account was switched, quota runs low, all is used up, a sign-in ended (F143).
//!
//! Decided here and nowhere else, also how often: the desktop application's notifications and the window's toasts only show what
//! [`EngineEvent::Notice`](crate::EngineEvent::Notice) brings. Codes, labels and times, no sentences: those are in the person's language.

mod decide;
mod pace;

use std::sync::Arc;

use pool::{AccountId, Event, Health, HoldReason, QuotaSnapshot, Status, SwitchReason, Timestamp};
use tokio::time::Instant;

use crate::compose::Engine;
use crate::events::EngineEvent;
use crate::journal::Stir;
use crate::settings::Notifications;
use decide::{Deciding, Who};
use pace::Pace;

/// What a notice is about. Closed: whoever shows notices has words for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// The active account changed by itself: `account` was left, `other` is active now (F48).
    Switched,
    /// 80 or 90 % of a quota window are used: `percent`, and the window's length as `reason`.
    QuotaWarning,
    /// No account has quota left (F45).
    AllExhausted,
    /// Only the person can make the account usable again: a new sign-in or a new key.
    NeedsSignIn,
    /// An account that was told as gone serves again.
    Recovered,
    /// The gateway listens on another port than the one wanted: clients must use the new one (F127).
    PortChanged,
    /// The balance of `account` has come down to its threshold: it does not serve until there is more (F112).
    BalanceLow,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Switched,
        Self::QuotaWarning,
        Self::AllExhausted,
        Self::NeedsSignIn,
        Self::Recovered,
        Self::PortChanged,
        Self::BalanceLow,
    ];

    /// The word: also the name of its setting below `notifications.`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Switched => "switched",
            Self::QuotaWarning => "quota_warning",
            Self::AllExhausted => "all_exhausted",
            Self::NeedsSignIn => "needs_sign_in",
            Self::Recovered => "recovered",
            Self::PortChanged => "port_changed",
            Self::BalanceLow => "balance_low",
        }
    }
}

/// One thing to tell. Never a secret: accounts by id and label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What about.
    pub kind: NoticeKind,
    /// When it happened.
    pub at: Timestamp,
    /// Id and label of the account it is about; of [`NoticeKind::Switched`] the one that was left.
    pub account: Option<(String, String)>,
    /// Of [`NoticeKind::Switched`]: id and label of the new active account.
    pub other: Option<(String, String)>,
    /// Why, as a code: the reason of the switch, the length of the window (`5h`, `7d`), what ended the sign-in.
    pub reason: Option<String>,
    /// When the account is usable again, as known now.
    pub back_at: Option<Timestamp>,
    /// Used share of the window.
    pub percent: Option<u8>,
    /// Of [`NoticeKind::PortChanged`]: the port wanted, and the one in use.
    pub port: Option<(u16, u16)>,
}

impl Notice {
    /// A notice that says nothing but its kind yet.
    pub(crate) fn new(kind: NoticeKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            account: None,
            other: None,
            reason: None,
            back_at: None,
            percent: None,
            port: None,
        }
    }

    /// In plain English, for whoever has no words of its own.
    pub fn text(&self) -> String {
        let label = |account: &Option<(String, String)>| {
            account
                .as_ref()
                .map_or_else(|| "an account".to_owned(), |(_, label)| label.clone())
        };
        let account = label(&self.account);
        match self.kind {
            NoticeKind::Switched => format!(
                "Switched from {account} to {} ({})",
                label(&self.other),
                self.reason
                    .as_deref()
                    .unwrap_or("automatic")
                    .replace('_', " ")
            ),
            NoticeKind::QuotaWarning => format!(
                "{account}: {} % of the {} quota used",
                self.percent.unwrap_or_default(),
                self.reason.as_deref().unwrap_or("current")
            ),
            NoticeKind::AllExhausted => "No account has quota left".to_owned(),
            NoticeKind::NeedsSignIn => format!("{account} must be signed in again"),
            NoticeKind::Recovered => format!("{account} is back"),
            NoticeKind::BalanceLow => {
                format!("The balance of {account} has come down to its threshold")
            }
            NoticeKind::PortChanged => {
                let (wanted, used) = self.port.unwrap_or_default();
                format!("Port {wanted} is busy: serving on {used}")
            }
        }
    }
}

impl Notifications {
    /// Whether notices of this kind are wanted.
    fn wants(&self, kind: NoticeKind) -> bool {
        match kind {
            NoticeKind::Switched => self.switched,
            NoticeKind::QuotaWarning => self.quota_warning,
            NoticeKind::AllExhausted => self.all_exhausted,
            NoticeKind::NeedsSignIn => self.needs_sign_in,
            NoticeKind::Recovered => self.recovered,
            NoticeKind::PortChanged => self.port_changed,
            NoticeKind::BalanceLow => self.balance_low,
        }
    }
}

/// What the task remembers.
#[derive(Default)]
struct Desk {
    deciding: Deciding,
    pace: Pace,
}

impl Engine {
    /// Follows what happens in the pool: notes automatic switches, and tells what is worth telling. Ends with the engine.
    pub(crate) async fn follow_pool(self: Arc<Self>) {
        let mut desk = Desk::default();
        desk.deciding.begin(self.all_out().is_some());
        self.warned_before(&mut desk.deciding);
        loop {
            let stirs = self.journal.stirred.take();
            let any = !stirs.is_empty();
            for stir in stirs {
                self.hear(&mut desk, stir).await;
            }
            if any {
                let (out, stays) = match self.all_out() {
                    Some((out, stays)) => (Some(out), stays),
                    None => (None, None),
                };
                let notice = desk.deciding.all_out(self.clock.now(), out, stays);
                self.put(&mut desk, notice);
                desk.deciding
                    .forget(|id| self.pool.with(|pool| pool.account(id).is_some()));
            }
            // Whoever comes later hears what waits, as long as it is news.
            let heard = self.journal.bus.heard();
            if heard {
                for notice in desk.pace.due(Instant::now()) {
                    self.journal.bus.tell(EngineEvent::Notice(Arc::new(notice)));
                }
            }
            let turn = desk.pace.next().filter(|_| heard);
            tokio::select! {
                () = self.journal.stirred.stirred() => {}
                () = until(turn) => {}
            }
        }
    }

    /// What the readings of the last run say was told in the last run (F73).
    fn warned_before(&self, deciding: &mut Deciding) {
        let now = self.clock.now();
        let known: Vec<(Who, QuotaSnapshot)> = self.pool.with(|pool| {
            let with_quota = |account: &pool::Account| {
                let quota = pool.state(&account.id)?.quota.clone()?;
                Some(((account.id.to_string(), account.label.clone()), quota))
            };
            pool.accounts().filter_map(with_quota).collect()
        });
        for (who, quota) in known {
            let _told_already = deciding.quota(now, who, &quota);
        }
    }

    async fn hear(self: &Arc<Self>, desk: &mut Desk, stir: Stir) {
        if let Stir::Pool(event) = &stir {
            self.upkeep_hears(event);
        }
        if let Stir::Pool(event @ Event::Switched { .. }) = &stir {
            self.note_to_its_end(event.clone()).await;
        }
        let notice = self.decide(&mut desk.deciding, stir);
        self.put(desk, notice);
    }

    /// Notes a switch, also when the engine stops meanwhile.
    async fn note_to_its_end(self: &Arc<Self>, event: Event) {
        let engine = self.clone();
        let (done, end) = tokio::sync::oneshot::channel();
        self.tasks.finish(async move {
            engine.note_automatic(&event).await;
            let _ = done.send(());
        });
        let _ = end.await;
    }

    fn decide(self: &Arc<Self>, deciding: &mut Deciding, stir: Stir) -> Option<Notice> {
        let now = self.clock.now();
        match stir {
            Stir::Port { wanted, used } => Some(Notice {
                port: Some((wanted, used)),
                ..Notice::new(NoticeKind::PortChanged, now)
            }),
            Stir::Pool(event) => match event {
                Event::Switched {
                    from,
                    to,
                    reason,
                    back_at,
                    ..
                } => {
                    let both = self.who(&from).zip(self.who(&to));
                    both.map(|both| deciding.switched(now, both, reason, back_at))
                }
                Event::QuotaChanged { id } => {
                    let quota = self
                        .pool
                        .with(|pool| pool.state(&id).and_then(|state| state.quota.clone()));
                    let used = self.who(&id).filter(|_| self.in_use(&id)).zip(quota);
                    used.and_then(|(who, quota)| deciding.quota(now, who, &quota))
                }
                Event::NeedsLogin { id } => self
                    .who(&id)
                    .and_then(|who| deciding.signed_out(now, who, "needs_login")),
                Event::StatusChanged {
                    id,
                    to: Status::Attention,
                    ..
                } if self.key_refused(&id) => self
                    .who(&id)
                    .and_then(|who| deciding.signed_out(now, who, "unauthorized")),
                Event::Recovered { id } => {
                    self.maybe_switch_back(&id);
                    self.is_back(deciding, &id)
                }
                Event::StatusChanged {
                    id,
                    from: Status::NeedsLogin | Status::Attention | Status::Banned,
                    to: Status::Active | Status::Unknown,
                } => {
                    self.maybe_switch_back(&id);
                    self.is_back(deciding, &id)
                }
                Event::Held {
                    id,
                    reason: HoldReason::BalanceLow,
                } => self.who(&id).map(|who| deciding.low(now, who)),
                Event::Held { .. }
                | Event::StatusChanged { .. }
                | Event::Exhausted { .. }
                | Event::Cooling { .. }
                | Event::NoSuccessor { .. }
                | Event::Offline
                | Event::Online => None,
            },
        }
    }

    fn put(&self, desk: &mut Desk, notice: Option<Notice>) {
        let wanted = &self.settings.current().settings.notifications;
        if let Some(notice) = notice.filter(|notice| wanted.wants(notice.kind)) {
            tracing::info!(kind = notice.kind.code(), "a notice");
            desk.pace.push(Instant::now(), notice);
        }
    }

    fn is_back(&self, deciding: &mut Deciding, id: &AccountId) -> Option<Notice> {
        let who = self.who(id).filter(|_| self.in_use(id))?;
        deciding.back(self.clock.now(), who)
    }

    /// Whether it could serve as far as the person and its sign-in go, and no quota is missing.
    fn in_use(&self, id: &AccountId) -> bool {
        let now = self.clock.now();
        let health = self.pool.with(|pool| pool.health(now, id));
        !matches!(
            health,
            None | Some(Health::Disabled | Health::NeedsLogin | Health::Banned)
        )
    }

    fn key_refused(&self, id: &AccountId) -> bool {
        self.pool.with(|pool| {
            let key = pool
                .account(id)
                .is_some_and(|account| account.kind.is_key());
            let reason = pool.state(id).and_then(|state| state.reason.as_ref());
            key && reason.is_some_and(|reason| reason.code == "unauthorized")
        })
    }

    /// Whether no quota is left, or none that may be used: when the first account is back, and the active one if nobody can follow it.
    fn all_out(&self) -> Option<(Option<Timestamp>, Option<Who>)> {
        let now = self.clock.now();
        let (out, stays) = self
            .pool
            .with(|pool| (pool.all_exhausted(now), pool.stuck(now)));
        let stays = stays.filter(|(_, reason)| {
            matches!(reason, SwitchReason::Exhausted | SwitchReason::Reserve)
        });
        match (out, stays) {
            (Some(back_at), _) => Some((back_at, None)),
            (None, Some((id, _))) => {
                let held = self.pool.with(|pool| pool.held(now, &id));
                Some((held.and_then(|held| held.until()), self.who(&id)))
            }
            (None, None) => None,
        }
    }

    fn who(&self, id: &AccountId) -> Option<Who> {
        self.pool.with(|pool| {
            pool.account(id)
                .map(|account| (id.to_string(), account.label.clone()))
        })
    }
}

async fn until(turn: Option<Instant>) {
    match turn {
        Some(turn) => tokio::time::sleep_until(turn).await,
        None => std::future::pending().await,
    }
}

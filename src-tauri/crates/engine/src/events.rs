//! The engine's one bus of events, bounded: a slow reader loses the oldest and is told so. Events name what changed; whoever listens looks
//! at it with the engine's views, so that nothing is made when nobody listens. The tray's older signal is [`Engine::changes`].

use std::sync::Arc;

use pool::AccountId;
use tokio::sync::broadcast;

use crate::compose::Engine;
use crate::notices::Notice;
use crate::switches::SwitchView;
use crate::views::{RequestView, StartedView};

/// Events a reader may be behind.
const ROOM: usize = 256;

/// Something changed.
#[derive(Debug, Clone)]
pub enum EngineEvent {
    /// An account is new or looks different: see [`Engine::account`].
    AccountChanged(AccountId),
    /// An account is gone.
    AccountRemoved(AccountId),
    /// The order of the accounts changed: see [`Engine::accounts`].
    AccountsOrdered,
    /// Another account is the active one.
    Switched(Arc<SwitchView>),
    /// A newer reading of an account's quota: see [`Engine::account`].
    Quota(AccountId),
    /// Something to tell the person; already decided, paced and switched on (F143).
    Notice(Arc<Notice>),
    /// A request is being served.
    RequestStarted(Arc<StartedView>),
    /// A request has ended.
    RequestFinished(Arc<RequestView>),
    /// The whole looks different: see [`Engine::status`].
    Status,
    /// A setting has another value.
    SettingsChanged(String),
    /// A sign-in goes on or has ended: see [`Engine::sign_in`].
    SignIn(String),
    /// A task over several accounts or items goes on; it is over when `done` is `total`.
    Progress {
        /// `import`, `quota` or `refresh`.
        task: &'static str,
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
        /// Which one was done last.
        label: Option<String>,
    },
}

/// The sending side.
#[derive(Debug)]
pub(crate) struct Bus(broadcast::Sender<EngineEvent>);

impl Bus {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(ROOM))
    }

    /// Everything told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<EngineEvent> {
        self.0.subscribe()
    }

    /// Whether an event would reach anybody: what is costly to make is not made otherwise.
    pub(crate) fn heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Tells everyone who listens. That nobody does is no error.
    pub(crate) fn tell(&self, event: EngineEvent) {
        let _ = self.0.send(event);
    }
}

impl Engine {
    /// Everything that changes from now on. A reader more than 256 events behind gets
    /// [`broadcast::error::RecvError::Lagged`] and should look at everything again.
    pub fn events(&self) -> broadcast::Receiver<EngineEvent> {
        let events = self.journal.bus.listen();
        // Notices wait for somebody to hear them.
        self.journal.stirred.knock();
        events
    }
}

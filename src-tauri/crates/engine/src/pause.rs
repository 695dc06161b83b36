//! Pausing: the gateway refuses new requests for a while, because the person asked. What runs goes on; a restart resumes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pool::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::compose::Engine;
use crate::events::EngineEvent;

/// The one who tells that a pause is over, if there is one: dropped, it does not.
#[derive(Debug, Default)]
pub(crate) struct Pausing(Mutex<Option<tokio_util::sync::DropGuard>>);

impl Engine {
    /// Refuses new requests for this long, or until [`Engine::resume`]. Running streams go on.
    pub fn pause(self: &Arc<Self>, length: Option<Duration>) {
        let until = length.map(|length| self.clock.now().plus(length));
        self.gateway.pause(until);
        let end = CancellationToken::new();
        self.set_end(Some(end.clone()));
        if let Some(length) = length {
            let engine = self.clone();
            self.tasks.run(async move {
                tokio::select! {
                    () = tokio::time::sleep(length) => engine.resume(),
                    () = end.cancelled() => {}
                }
            });
        }
        tracing::info!("the gateway is paused");
        self.tell_state();
    }

    /// Serves again.
    pub fn resume(&self) {
        self.gateway.resume();
        self.set_end(None);
        self.tell_state();
    }

    /// Whether requests are refused: until then, or until the person resumes.
    pub fn paused(&self) -> Option<Option<Timestamp>> {
        self.gateway.paused()
    }

    /// When a pause with an end is over.
    pub fn paused_until(&self) -> Option<Timestamp> {
        self.paused().flatten()
    }

    fn set_end(&self, end: Option<CancellationToken>) {
        let mut held = self
            .pausing
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = end.map(CancellationToken::drop_guard);
    }

    fn tell_state(&self) {
        self.announce();
        self.journal.bus.tell(EngineEvent::Status);
    }
}

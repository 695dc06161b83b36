//! Notifications of Windows and macOS. Their buttons need an installed and registered application, so these have none.

use tokio::sync::mpsc;

use super::{Click, Message};

/// See the module.
#[derive(Default)]
pub(super) struct Platform;

impl Platform {
    /// Nothing is told of clicks.
    pub(super) fn clicks(&self) -> mpsc::Receiver<Click> {
        mpsc::channel(1).1
    }

    pub(super) async fn answers(&self) -> bool {
        true
    }

    pub(super) async fn show(&self, message: Message) -> Result<(), String> {
        let shown = tokio::task::spawn_blocking(move || {
            notify_rust::Notification::new()
                .appname("Switchyard")
                .summary(&message.summary)
                .body(&message.body)
                .show()
                .map(drop)
        });
        let shown = shown.await.map_err(|error| error.to_string())?;
        shown.map_err(|error| error.to_string())
    }
}

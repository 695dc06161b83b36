//! Shows notifications, and tells what was clicked on them. What they say is written in `notices`.
//!
//! Whether and how often one is shown was decided by the engine. A desktop without notifications is no error: it is said once.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::language::Language;

#[cfg(target_os = "linux")]
use linux::Platform;
#[cfg(not(target_os = "linux"))]
use other::Platform;

/// What a click asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Click {
    /// Look at the window.
    Open,
    /// Look at this account.
    Account(String),
    /// Take the last switch back.
    Undo,
    /// Stay with this account.
    Pin(String),
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// A newer one with the same tag takes its place.
    pub tag: String,
    pub summary: String,
    pub body: String,
    /// A click on the notification itself.
    pub click: Click,
    /// Buttons, with their labels.
    pub buttons: Vec<(String, Click)>,
    /// The person should look soon.
    pub urgent: bool,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Notifier {
    platform: Platform,
    silence_told: AtomicBool,
}

impl Notifier {
    /// Shows it; where that is not possible the log says so, once.
    pub(crate) async fn show(&self, message: Message) {
        if let Err(error) = self.platform.show(message).await
            && !self.silence_told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "this desktop shows no notifications; the window and the log tell the same");
        }
    }

    /// What is clicked from now on; there is one listener.
    pub(crate) fn clicks(&self) -> mpsc::Receiver<Click> {
        self.platform.clicks()
    }

    /// Whether something on this desktop shows notifications.
    pub(crate) async fn answers(&self) -> bool {
        self.platform.answers().await
    }

    /// The notification of the Settings page's button.
    pub(crate) async fn test(&self, language: Language) -> Result<(), String> {
        let message = plain(
            "test",
            language.pick("This is a test", "这是一条测试通知"),
            language.pick(
                "Notifications from Switchyard will look like this.",
                "Switchyard 的通知会是这个样子。",
            ),
        );
        self.platform.show(message).await
    }

    /// The window was closed for the first time (F145).
    pub(crate) async fn still_running(&self, language: Language) {
        let message = plain(
            "still-running",
            language.pick("Switchyard keeps running", "Switchyard 仍在运行"),
            language.pick(
                "The window is closed, the gateway goes on. The tray icon opens it again; Quit in its menu ends Switchyard.",
                "窗口已关闭，网关继续运行。托盘图标可再次打开窗口；菜单中的“退出”会结束 Switchyard。",
            ),
        );
        self.show(message).await;
    }
}

fn plain(tag: &str, summary: &str, body: &str) -> Message {
    Message {
        tag: tag.to_owned(),
        summary: summary.to_owned(),
        body: body.to_owned(),
        click: Click::Open,
        buttons: Vec::new(),
        urgent: false,
    }
}

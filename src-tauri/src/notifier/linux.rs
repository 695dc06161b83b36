//! Notifications over D-Bus (`org.freedesktop.Notifications`), with their buttons.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt as _;
use tokio::sync::{OnceCell, mpsc};
use zbus::names::BusName;
use zbus::zvariant::Value;
use zbus::{Connection, Proxy, fdo::DBusProxy};

use super::{Click, Message};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// Clicks that may wait: a person clicks one at a time.
const CLICKS: usize = 16;
/// Notifications whose buttons are remembered; a daemon that never tells of their end must not fill the memory.
const REMEMBERED: usize = 64;

/// See the module.
pub(super) struct Platform {
    bus: OnceCell<Daemon>,
    shown: Arc<Mutex<Shown>>,
    click: mpsc::Sender<Click>,
    clicks: Mutex<Option<mpsc::Receiver<Click>>>,
}

/// A daemon that was there once. Another may take its place on the bus; its abilities are taken to be the same.
struct Daemon {
    proxy: Proxy<'static>,
    buttons: bool,
    markup: bool,
}

/// What stands on the screen, as far as known.
#[derive(Default)]
struct Shown {
    /// By their tag, for those that take another's place.
    tags: HashMap<String, u32>,
    /// What their buttons do.
    clicks: HashMap<u32, HashMap<String, Click>>,
}

impl Default for Platform {
    fn default() -> Self {
        let (click, clicks) = mpsc::channel(CLICKS);
        Self {
            bus: OnceCell::new(),
            shown: Arc::default(),
            click,
            clicks: Mutex::new(Some(clicks)),
        }
    }
}

impl Platform {
    pub(super) fn clicks(&self) -> mpsc::Receiver<Click> {
        let mut place = self.clicks.lock().unwrap_or_else(PoisonError::into_inner);
        // A second listener hears nothing.
        place.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    pub(super) async fn answers(&self) -> bool {
        let asked = async {
            let bus = Connection::session().await?;
            let names = DBusProxy::new(&bus).await?;
            let name = BusName::try_from(NAME)?;
            if names.name_has_owner(name).await? {
                return Ok(true);
            }
            // Most desktops start theirs when it is first needed.
            let startable = names.list_activatable_names().await?;
            Ok::<_, zbus::Error>(startable.iter().any(|name| name.as_str() == NAME))
        };
        asked.await.unwrap_or(false)
    }

    pub(super) async fn show(&self, message: Message) -> Result<(), String> {
        self.send(message)
            .await
            .map_err(|error: zbus::Error| error.to_string())
    }

    async fn send(&self, message: Message) -> zbus::Result<()> {
        let daemon = self.bus.get_or_try_init(|| self.connect()).await?;
        let mut clicks = HashMap::from([("default".to_owned(), message.click)]);
        let mut actions = vec!["default".to_owned(), String::new()];
        if daemon.buttons {
            for (place, (label, click)) in message.buttons.into_iter().enumerate() {
                let key = format!("button-{place}");
                actions.extend([key.clone(), label]);
                clicks.insert(key, click);
            }
        }
        let body = if daemon.markup {
            escape(&message.body)
        } else {
            message.body
        };
        let urgency: u8 = if message.urgent { 2 } else { 1 };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("switchyard-desktop")),
        ]);
        let before = self.shown().tags.get(&message.tag).copied();
        let sent = (
            "Switchyard",
            before.unwrap_or(0),
            "switchyard-desktop",
            message.summary,
            body,
            actions,
            hints,
            -1i32,
        );
        let id: u32 = daemon.proxy.call("Notify", &sent).await?;
        let mut shown = self.shown();
        if shown.clicks.len() >= REMEMBERED {
            *shown = Shown::default();
        }
        shown.tags.insert(message.tag, id);
        shown.clicks.insert(id, clicks);
        Ok(())
    }

    /// Finds the daemon, or starts it, and listens to what becomes of its notifications.
    async fn connect(&self) -> zbus::Result<Daemon> {
        let bus = Connection::session().await?;
        let proxy = Proxy::new(&bus, NAME, PATH, NAME).await?;
        let able: Vec<String> = proxy.call("GetCapabilities", &()).await?;
        let able = |what: &str| able.iter().any(|able| able == what);
        let mut clicked = proxy.receive_signal("ActionInvoked").await?;
        let mut closed = proxy.receive_signal("NotificationClosed").await?;
        let (shown, click) = (self.shown.clone(), self.click.clone());
        tauri::async_runtime::spawn(async move {
            loop {
                tokio::select! {
                    signal = clicked.next() => {
                        let Some(signal) = signal else { return };
                        let Ok((id, key)) = signal.body().deserialize::<(u32, String)>() else { continue };
                        let wanted = lock(&shown).clicks.get(&id).and_then(|clicks| clicks.get(&key).cloned());
                        if let Some(wanted) = wanted {
                            let _ = click.try_send(wanted);
                        }
                    }
                    signal = closed.next() => {
                        let Some(signal) = signal else { return };
                        let Ok((id, _)) = signal.body().deserialize::<(u32, u32)>() else { continue };
                        let mut shown = lock(&shown);
                        shown.clicks.remove(&id);
                        shown.tags.retain(|_, shown| *shown != id);
                    }
                }
            }
        });
        Ok(Daemon {
            proxy,
            buttons: able("actions"),
            markup: able("body-markup"),
        })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.shown)
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A text that a daemon with markup shows as it is.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(escape("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
    }
}

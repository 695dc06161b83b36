//! The tray icon and its menu. Items are changed in place when the engine says that something changed, never rebuilt on a timer (R5).
//!
//! Called once at start. A click ends in a use case of the engine; the menu then shows what the engine answers.

mod icon;
mod items;

use std::sync::Arc;
use std::time::Duration;

use engine::{EngineEvent, Timestamp};
use jiff::tz::TimeZone;
use tauri::AppHandle;
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri_plugin_clipboard_manager::ClipboardExt as _;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, sleep_until};

use crate::content::{Content, PACE, Scene, id};
use crate::leave::Leave;
use crate::shell::Shell;
use crate::window::Window;
use crate::{autostart, copying};
use items::Items;

/// The icon's id, also on the bus.
const ICON: &str = "switchyard";
/// Changes that come together are looked at together.
const GATHER: Duration = Duration::from_millis(100);
/// Least time between two looks because of requests: a busy gateway must not be slowed by its own icon.
const REQUESTS: Duration = Duration::from_secs(2);
/// What "Automatic" means where the person has chosen no other policy.
const AUTOMATIC_POLICY: &str = "most_headroom";

/// What clicks need.
struct Clicks {
    app: AppHandle,
    shell: Arc<Shell>,
    window: Arc<Window>,
    leave: Arc<Leave>,
}

/// Shows the icon and keeps it true until the application ends.
pub(crate) fn show(
    app: &AppHandle,
    shell: Arc<Shell>,
    window: Arc<Window>,
    leave: Arc<Leave>,
) -> tauri::Result<()> {
    // Subscribed before the first look: what changes in between is seen.
    let changes = shell.engine.changes();
    let events = shell.engine.events();
    let content = look(&shell);
    let items = Items::new(app, &content.entries)?;
    let clicks = Arc::new(Clicks {
        app: app.clone(),
        shell: shell.clone(),
        window: window.clone(),
        leave,
    });
    let tray = TrayIconBuilder::with_id(ICON)
        .icon(icon::draw(content.icon, content.light))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip(&content.tooltip)
        .menu(items.menu())
        .show_menu_on_left_click(cfg!(target_os = "macos"))
        .on_menu_event(move |_, event| clicks.clone().on(event.id().as_ref()))
        // Not reported everywhere; "Open Switchyard…" does the same.
        .on_tray_icon_event(move |_, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
                && !cfg!(target_os = "macos")
            {
                window.show(None);
            }
        })
        .build(app)?;
    let shown = Shown { tray, items };
    let runtime = shell.runtime.clone();
    runtime.spawn(follow(app.clone(), shell, changes, events, shown, content));
    Ok(())
}

/// How things are now.
fn look(shell: &Shell) -> Content {
    let status = shell.engine.status();
    let numbers = shell.engine.setting("ui.numbers").ok();
    Content::of(&Scene {
        now: Timestamp(jiff::Timestamp::now().as_millisecond()),
        zone: &TimeZone::system(),
        language: shell.language(),
        autostart: autostart::is_on(),
        hide_emails: shell.is_on("ui.hide_emails"),
        used: numbers.is_some_and(|numbers| numbers.value == "used"),
        url: status.url,
        serving: status.serving,
        running: status.running,
        automatic: status.automatic,
        auto_switch: status.auto_switch,
        paused: status.paused,
        offline: status.offline,
        icon: status.icon,
        light: shell.is_light(),
        accounts: status.accounts.into_iter().map(Into::into).collect(),
    })
}

impl Clicks {
    /// A click. What takes time is done elsewhere: this is the thread that draws.
    fn on(self: Arc<Self>, clicked: &str) {
        match clicked {
            id::OPEN => return self.window.show(None),
            id::QUIT => return self.leave.ask(),
            _ => {}
        }
        let clicked = clicked.to_owned();
        let runtime = self.shell.runtime.clone();
        runtime.spawn(async move {
            if let Err(error) = self.act(&clicked).await {
                tracing::warn!(%error, clicked, "what was clicked in the tray menu could not be done");
            }
            // The platform has toggled the mark by itself: show what is true, also after a click on the active account.
            self.shell.engine.announce();
        });
    }

    async fn act(&self, clicked: &str) -> Result<(), String> {
        let engine = &self.shell.engine;
        let set = async |key: &str, value: &str| {
            let changed = engine.change_setting(key, Some(value)).await;
            changed.map(drop).map_err(|error| error.to_string())
        };
        match clicked {
            id::AUTOMATIC if !engine.status().automatic => {
                set("rotation.mode", AUTOMATIC_POLICY).await
            }
            id::AUTO_SWITCH => {
                let on = engine.status().auto_switch;
                set("auto_switch.enabled", if on { "false" } else { "true" }).await
            }
            id::AUTOSTART => autostart::set(!autostart::is_on()).map_err(|error| error.to_string()),
            id::REFRESH => {
                engine.query_quota().await;
                Ok(())
            }
            id::RESUME => self.ask("/resume", serde_json::json!({})).await,
            _ => self.act_on(clicked).await,
        }
    }

    /// Clicks whose id says on what.
    async fn act_on(&self, clicked: &str) -> Result<(), String> {
        let engine = &self.shell.engine;
        if let Some(account) = clicked.strip_prefix(id::ACCOUNT) {
            let chosen = engine.activate(account).await;
            chosen.map_err(|error| error.to_string())?;
            if engine.status().automatic {
                let fixed = engine.change_setting("rotation.mode", Some("active")).await;
                fixed.map_err(|error| error.to_string())?;
            }
        } else if let Some(what) = clicked.strip_prefix(id::COPY) {
            let text = copying::text(engine, what)?;
            let written = self.app.clipboard().write_text(text);
            written.map_err(|error| error.to_string())?;
        } else if let Some(seconds) = clicked.strip_prefix(id::PAUSE) {
            let seconds = seconds.parse::<u64>().ok();
            self.ask("/pause", serde_json::json!({"seconds": seconds}))
                .await?;
        }
        Ok(())
    }

    /// A use case by its call of the admin API.
    async fn ask(&self, path: &str, body: serde_json::Value) -> Result<(), String> {
        let reply = self.shell.transport.call("POST", path, Some(body)).await?;
        if reply.is_success() {
            return Ok(());
        }
        Err(format!("POST {path} was refused"))
    }
}

/// What is on the screen.
struct Shown {
    tray: TrayIcon,
    items: Items,
}

impl Shown {
    fn update(&mut self, app: &AppHandle, old: &Content, new: &Content) -> tauri::Result<()> {
        if (old.icon, old.light) != (new.icon, new.light) {
            self.tray.set_icon(Some(icon::draw(new.icon, new.light)))?;
            self.tray.set_icon_as_template(cfg!(target_os = "macos"))?;
        }
        if old.tooltip != new.tooltip {
            self.tray.set_tooltip(Some(&new.tooltip))?;
        }
        self.items.update(app, &new.entries)
    }
}

/// Shows every change: what a person did at once, what quota, health and load say at most every [`PACE`].
async fn follow(
    app: AppHandle,
    shell: Arc<Shell>,
    mut changes: tokio::sync::watch::Receiver<u64>,
    mut events: Receiver<EngineEvent>,
    mut shown: Shown,
    mut content: Content,
) {
    let (mut looked, mut words_changed, mut icon_changed) = (None, None, None);
    let mut due: Option<Instant> = None;
    loop {
        // A click has toggled a mark on the screen, whatever came of it.
        let mut clicked = false;
        tokio::select! {
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                sleep(GATHER).await;
                changes.mark_unchanged();
                clicked = true;
            }
            going_on = load(&mut events) => {
                if !going_on {
                    return;
                }
                let at = later(looked, REQUESTS).unwrap_or_else(Instant::now);
                due = Some(due.map_or(at, |due| due.min(at)));
                continue;
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
        due = None;
        let now = Instant::now();
        looked = Some(now);
        let mut next = look(&shell);
        if content.differs_in_words_only(&next) {
            let icon = next.icon;
            due = later(words_changed, PACE);
            if due.is_some() {
                next = next.in_the_words_of(&content);
            } else {
                words_changed = Some(now);
            }
            // The icon may follow the load sooner than the words: it is one picture, no menu.
            if icon != next.icon {
                match later(icon_changed, REQUESTS) {
                    None => next.icon = icon,
                    sooner => due = sooner,
                }
            }
        }
        if next == content && !clicked {
            continue;
        }
        if next.icon != content.icon {
            icon_changed = Some(now);
        }
        // Menus belong to the main thread.
        let (done, updated) = tokio::sync::oneshot::channel();
        let (at, old, new) = (app.clone(), content, next.clone());
        let sent = app.run_on_main_thread(move || {
            if let Err(error) = shown.update(&at, &old, &new) {
                tracing::warn!(%error, "the tray menu could not be updated");
            }
            let _ = done.send(shown);
        });
        content = next;
        shown = match (sent, updated.await) {
            (Ok(()), Ok(shown)) => shown,
            // The application is ending.
            _ => return,
        };
    }
}

/// When so much time will have passed since then; nothing if it has.
fn later(since: Option<Instant>, pace: Duration) -> Option<Instant> {
    since
        .map(|at| at + pace)
        .filter(|later| *later > Instant::now())
}

/// Waits for an event that only the load or the settings tell of; false when the engine has ended.
async fn load(events: &mut Receiver<EngineEvent>) -> bool {
    loop {
        match events.recv().await {
            Ok(
                EngineEvent::RequestStarted(_)
                | EngineEvent::RequestFinished(_)
                | EngineEvent::SettingsChanged(_)
                | EngineEvent::Status,
            )
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

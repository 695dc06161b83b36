//! The window's life: made when somebody wants to see it, hidden at closing, destroyed with its webview a minute later (R1).
//!
//! What is in it is the page's business (`ui`). At rest there is no webview, and while the window is hidden it hears nothing (R12).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use tauri::webview::{DownloadEvent, NewWindowResponse};
use tauri::{
    AppHandle, Emitter as _, Manager as _, Url, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};
use tokio::task::AbortHandle;

use crate::geometry::Geometry;
use crate::shell::Shell;
use crate::webview;

/// The window's label, in the configuration and for events.
pub(crate) const MAIN: &str = "main";
/// How long a closed window is kept, for those who change their mind (R1).
const LINGER: Duration = Duration::from_secs(60);
/// For tests: the same in milliseconds.
const LINGER_VARIABLE: &str = "SWITCHYARD_WINDOW_LINGER_MS";

/// See the module.
pub(crate) struct Window {
    app: AppHandle,
    shell: Arc<Shell>,
    linger: Duration,
    /// Showing, hiding and destroying happen one after the other.
    one_at_a_time: tokio::sync::Mutex<()>,
    /// Destroys the hidden window when its time has come.
    ending: Mutex<Option<AbortHandle>>,
    /// Tells the page what changes.
    telling: Mutex<Option<AbortHandle>>,
    gone: tokio::sync::Notify,
    geometry: Mutex<Geometry>,
}

impl Window {
    pub(crate) fn new(app: &AppHandle, shell: Arc<Shell>) -> Arc<Self> {
        let linger = std::env::var(LINGER_VARIABLE).ok();
        let linger = linger.and_then(|text| text.parse().ok());
        Arc::new(Self {
            app: app.clone(),
            linger: linger.map_or(LINGER, Duration::from_millis),
            geometry: Mutex::new(Geometry::read(shell.engine.home())),
            one_at_a_time: tokio::sync::Mutex::default(),
            ending: Mutex::default(),
            telling: Mutex::default(),
            gone: tokio::sync::Notify::new(),
            shell,
        })
    }

    /// Shows the window, on this page (`#/accounts/ID`) if one is named.
    pub(crate) fn show(self: &Arc<Self>, page: Option<String>) {
        let this = self.clone();
        self.shell.runtime.spawn(async move {
            if let Err(error) = this.bring(page).await {
                tracing::error!(%error, "the window could not be shown");
            }
        });
    }

    async fn bring(self: &Arc<Self>, page: Option<String>) -> tauri::Result<()> {
        let _one = self.one_at_a_time.lock().await;
        put(&self.ending, None);
        if let Some(window) = self.window() {
            let hidden = !window.is_visible()?;
            window.show()?;
            window.unminimize()?;
            window.set_focus()?;
            if let Some(page) = page {
                window.eval(format!("location.hash = {}", serde_json::Value::from(page)))?;
            }
            if hidden {
                self.tell_changes();
                // What happened while it was hidden was not told.
                window.emit(EVENT, serde_json::json!({"type": "lagged"}))?;
            }
            return Ok(());
        }
        // The main thread makes it; this one waits, so it must be none that serves requests.
        let this = self.clone();
        let made = tokio::task::spawn_blocking(move || this.make(page)).await;
        made.map_err(|error| tauri::Error::Anyhow(error.into()))??;
        self.tell_changes();
        Ok(())
    }

    fn window(&self) -> Option<WebviewWindow> {
        self.app.get_webview_window(MAIN)
    }

    fn make(self: &Arc<Self>, page: Option<String>) -> tauri::Result<()> {
        let config = self.app.config();
        let mut config = config
            .app
            .windows
            .iter()
            .find(|window| window.label == MAIN)
            .cloned()
            .ok_or(tauri::Error::WindowNotFound)?;
        if let Some(page) = page {
            config.url = tauri::WebviewUrl::App(format!("index.html{page}").into());
        }
        let geometry = *self.geometry.lock().unwrap_or_else(PoisonError::into_inner);
        geometry.apply(
            &mut config,
            &self.app.available_monitors().unwrap_or_default(),
        );
        let window = WebviewWindowBuilder::from_config(&self.app, &config)?
            .data_directory(self.shell.engine.home().root().join("webview"))
            .on_navigation(is_own)
            .on_new_window(|_, _| NewWindowResponse::Deny)
            // A file that the page itself has made; nothing is loaded from elsewhere.
            .on_download(|_, event| match event {
                DownloadEvent::Requested { url, .. } => is_own_text(&url),
                _ => true,
            })
            .build()?;
        webview::watch(&window, self.app.clone());
        let this = self.clone();
        window.on_window_event(move |event| match event {
            WindowEvent::CloseRequested { api, .. } => {
                api.prevent_close();
                this.close();
            }
            WindowEvent::Destroyed => {
                put(&this.telling, None);
                this.shell.transport.cancel_all();
                this.gone.notify_one();
            }
            _ => {}
        });
        Ok(())
    }

    /// Hides the window and lets it go a while later. Without a tray there would be no way back, so it is only made small (R11).
    fn close(self: &Arc<Self>) {
        self.remember();
        let Some(window) = self.window() else { return };
        if !self.shell.has_tray() {
            let _ = window.minimize();
            return;
        }
        let _ = window.hide();
        put(&self.telling, None);
        self.tell_once();
        let this = self.clone();
        let ending = self.shell.runtime.spawn(async move {
            tokio::time::sleep(this.linger).await;
            this.destroy().await;
        });
        put(&self.ending, Some(ending.abort_handle()));
    }

    async fn destroy(&self) {
        let _one = self.one_at_a_time.lock().await;
        let Some(window) = self.window() else { return };
        if window.is_visible().unwrap_or(false) || window.destroy().is_err() {
            return;
        }
        // Shown again before it is gone, a dying window would be shown.
        if tokio::time::timeout(Duration::from_secs(10), self.gone.notified())
            .await
            .is_err()
        {
            tracing::warn!("the closed window has not ended");
            return;
        }
        #[cfg(target_os = "linux")]
        crate::rest::after_the_window();
        tracing::debug!("the closed window has ended");
    }

    /// Keeps where the window is and how large.
    pub(crate) fn remember(&self) {
        let Some(window) = self.window() else { return };
        let mut geometry = self.geometry.lock().unwrap_or_else(PoisonError::into_inner);
        geometry.take(&window);
        geometry.write(self.shell.engine.home());
    }

    /// That the application goes on is said at the first closing (F145).
    fn tell_once(&self) {
        let mut geometry = self.geometry.lock().unwrap_or_else(PoisonError::into_inner);
        if geometry.told {
            return;
        }
        geometry.told = true;
        geometry.write(self.shell.engine.home());
        drop(geometry);
        let shell = self.shell.clone();
        self.shell.runtime.spawn(async move {
            shell.notifier.still_running(shell.language()).await;
        });
    }

    fn tell_changes(self: &Arc<Self>) {
        let mut events = Box::pin(admin::events(self.shell.engine.clone()));
        let app = self.app.clone();
        let telling = self.shell.runtime.spawn(async move {
            while let Some(event) = events.next().await {
                if app.emit_to(MAIN, EVENT, event).is_err() {
                    break;
                }
            }
        });
        put(&self.telling, Some(telling.abort_handle()));
    }
}

/// Every event of the admin API reaches the page under this name.
const EVENT: &str = "switchyard";

/// Puts a task in its place and ends the one that was there.
fn put(place: &Mutex<Option<AbortHandle>>, task: Option<AbortHandle>) {
    let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = std::mem::replace(&mut *place, task) {
        old.abort();
    }
}

/// A page of the application itself: the window goes nowhere else (F28).
fn is_own(url: &Url) -> bool {
    let (scheme, host) = if cfg!(windows) {
        ("http", "tauri.localhost")
    } else {
        ("tauri", "localhost")
    };
    (url.scheme() == scheme && url.host_str() == Some(host)) || is_own_text(url)
}

/// A text that the page has made to be saved.
fn is_own_text(url: &Url) -> bool {
    url.scheme() == "blob"
        && Url::parse(url.path()).is_ok_and(|inner| inner.scheme() != "blob" && is_own(&inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn the_window_stays_at_home() {
        for (address, expected) in [
            ("tauri://localhost/index.html#/accounts", true),
            ("tauri://localhost", true),
            ("blob:tauri://localhost/1b6e", true),
            ("blob:https://example.com/1b6e", false),
            ("blob:blob:tauri://localhost/1b6e", false),
            ("tauri://example.com/", false),
            ("https://localhost/", false),
            ("http://127.0.0.1:8787/", false),
            ("about:blank", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(is_own(&Url::parse(address).unwrap()), expected, "{address}");
        }
    }
}

//! The tray icon and its menu. Items are changed in place when the engine says that something changed, never rebuilt on a timer (R5).
//!
//! Called once at start. A click ends in a use case of the engine; the menu then shows what the engine answers.

use std::sync::Arc;

use engine::Engine;
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Wry};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use crate::content::{Content, PACE, Row};
use crate::leave::Leave;

const COPY_URL: &str = "copy-url";
const QUIT: &str = "quit";
/// Menu ids of accounts start with this.
const ACCOUNT: &str = "account:";

/// Shows the icon and keeps its menu true until the application ends.
pub(crate) fn show(
    app: &AppHandle,
    engine: Arc<Engine>,
    runtime: &Handle,
    leave: Arc<Leave>,
) -> tauri::Result<()> {
    // Subscribed before the first look: what changes in between is seen.
    let changes = engine.changes();
    let content = Content::of(&engine);
    let menu = Shown::new(app, &content)?;
    let clicked = engine.clone();
    let on = runtime.clone();
    TrayIconBuilder::with_id("switchyard")
        .icon(tauri::include_image!("icons/tray.png"))
        .tooltip("Switchyard")
        .menu(&menu.menu)
        .on_menu_event(move |app, event| match event.id().as_ref() {
            COPY_URL => copy_url(app, &clicked),
            QUIT => leave.now(),
            id => {
                if let Some(account) = id.strip_prefix(ACCOUNT) {
                    on.spawn(activate(clicked.clone(), account.to_owned()));
                }
            }
        })
        .build(app)?;
    runtime.spawn(follow(app.clone(), engine, changes, menu, content));
    Ok(())
}

fn copy_url(app: &AppHandle, engine: &Engine) {
    let url = format!("{}/v1", engine.base_url());
    if let Err(error) = app.clipboard().write_text(url) {
        tracing::warn!(%error, "the URL could not be copied");
    }
}

async fn activate(engine: Arc<Engine>, account: String) {
    if let Err(error) = engine.activate(&account).await {
        tracing::warn!(%error, "the account could not be made active");
    }
    // The platform has toggled the mark by itself: show what is true, also after a click on the active account.
    engine.announce();
}

/// Shows every change: what a person did at once, what quota and health say at most every [`PACE`].
async fn follow(
    app: AppHandle,
    engine: Arc<Engine>,
    mut changes: tokio::sync::watch::Receiver<u64>,
    mut menu: Shown,
    mut content: Content,
) {
    let mut words_changed: Option<Instant> = None;
    let mut due: Option<Instant> = None;
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
        due = None;
        let mut next = Content::of(&engine);
        if content.differs_in_words_only(&next) {
            let now = Instant::now();
            match words_changed.map(|last| last + PACE) {
                Some(later) if later > now => {
                    due = Some(later);
                    next = next.in_the_words_of(&content);
                }
                _ => words_changed = Some(now),
            }
        }
        content = next.clone();
        // Menus belong to the main thread.
        let (done, updated) = tokio::sync::oneshot::channel();
        let at = app.clone();
        let sent = app.run_on_main_thread(move || {
            if let Err(error) = menu.update(&at, &next) {
                tracing::warn!(%error, "the tray menu could not be updated");
            }
            let _ = done.send(menu);
        });
        menu = match (sent, updated.await) {
            (Ok(()), Ok(menu)) => menu,
            // The application is ending.
            _ => return,
        };
    }
}

/// The items as they stand in the menu.
struct Shown {
    menu: Menu<Wry>,
    status: MenuItem<Wry>,
    status_text: String,
    /// With what each of them shows.
    accounts: Vec<(Row, CheckMenuItem<Wry>)>,
}

impl Shown {
    /// Where the first account stands: after the status line and its separator.
    const FIRST: usize = 2;

    fn new(app: &AppHandle, content: &Content) -> tauri::Result<Self> {
        let item = |id, text, enabled| MenuItem::with_id(app, id, text, enabled, None::<&str>);
        let line = || PredefinedMenuItem::separator(app);
        let status = item("status", content.status.as_str(), false)?;
        let copy_url = item(COPY_URL, "Copy URL", true)?;
        let quit = item(QUIT, "Quit", true)?;
        let menu = Menu::with_items(
            app,
            &[&status, &line()?, &line()?, &copy_url, &line()?, &quit],
        )?;
        let mut shown = Self {
            menu,
            status,
            status_text: content.status.clone(),
            accounts: Vec::new(),
        };
        shown.update(app, content)?;
        Ok(shown)
    }

    /// Changes texts and marks in place; items come and go only when accounts do.
    fn update(&mut self, app: &AppHandle, content: &Content) -> tauri::Result<()> {
        if self.status_text != content.status {
            self.status.set_text(&content.status)?;
            self.status_text.clone_from(&content.status);
        }
        let stays = self
            .accounts
            .iter()
            .zip(&content.accounts)
            .take_while(|((old, _), row)| old.id == row.id)
            .count();
        for (_, gone) in self.accounts.drain(stays..) {
            self.menu.remove(&gone)?;
        }
        for ((old, item), row) in self.accounts.iter_mut().zip(&content.accounts) {
            change(item, old, row)?;
            old.clone_from(row);
        }
        for row in content.accounts.iter().skip(stays) {
            let id = format!("{ACCOUNT}{}", row.id);
            let item =
                CheckMenuItem::with_id(app, id, &row.label, row.enabled, row.active, None::<&str>)?;
            self.menu.insert(&item, Self::FIRST + self.accounts.len())?;
            self.accounts.push((row.clone(), item));
        }
        Ok(())
    }
}

/// Changes what differs. The mark is compared with what the platform shows, which toggles it at a click.
fn change(item: &CheckMenuItem<Wry>, old: &Row, row: &Row) -> tauri::Result<()> {
    if old.label != row.label {
        item.set_text(&row.label)?;
    }
    if item.is_checked()? != row.active {
        item.set_checked(row.active)?;
    }
    if old.enabled != row.enabled {
        item.set_enabled(row.enabled)?;
    }
    Ok(())
}

//! The tray icon and its menu. Items are changed in place when the engine says that something changed, never rebuilt on a timer (R5).
//!
//! Called once at start. A click ends in a use case of the engine; the menu then shows what the engine answers.

use std::sync::Arc;

use engine::{AccountView, Engine};
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Wry};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tokio::runtime::Handle;

const COPY_URL: &str = "copy-url";
const QUIT: &str = "quit";
/// Menu ids of accounts start with this.
const ACCOUNT: &str = "account:";
/// Longest label of a menu item in characters (R5).
const LABEL: usize = 40;

/// Shows the icon and keeps its menu true until the application ends.
pub(crate) fn show(app: &AppHandle, engine: Arc<Engine>, runtime: &Handle) -> tauri::Result<()> {
    let status = MenuItem::with_id(app, "status", status_line(&engine), false, None::<&str>)?;
    let menu = Menu::new(app)?;
    menu.append(&status)?;
    menu.append(&PredefinedMenuItem::separator(app)?)?;
    let mut shown = Accounts {
        menu: menu.clone(),
        items: Vec::new(),
    };
    shown.update(app, &engine.accounts())?;
    menu.append(&PredefinedMenuItem::separator(app)?)?;
    menu.append(&MenuItem::with_id(
        app,
        COPY_URL,
        "Copy URL",
        true,
        None::<&str>,
    )?)?;
    menu.append(&MenuItem::with_id(app, QUIT, "Quit", true, None::<&str>)?)?;
    let clicked = engine.clone();
    let on = runtime.clone();
    TrayIconBuilder::with_id("switchyard")
        .icon(tauri::include_image!("icons/tray.png"))
        .tooltip("Switchyard")
        .menu(&menu)
        .on_menu_event(move |app, event| click(app, &clicked, &on, event.id().as_ref()))
        .build(app)?;
    let app = app.clone();
    runtime.spawn(async move {
        let mut changes = engine.changes();
        while changes.changed().await.is_ok() {
            let engine = engine.clone();
            let status = status.clone();
            let app_handle = app.clone();
            let mut accounts = shown.clone();
            // Menus belong to the main thread.
            let (done, updated) = tokio::sync::oneshot::channel();
            let sent = app.run_on_main_thread(move || {
                let _ = status.set_text(status_line(&engine));
                if let Err(error) = accounts.update(&app_handle, &engine.accounts()) {
                    tracing::warn!(%error, "the tray menu could not be updated");
                }
                let _ = done.send(accounts);
            });
            match (sent, updated.await) {
                (Ok(()), Ok(accounts)) => shown = accounts,
                _ => return,
            }
        }
    });
    Ok(())
}

/// The account items as they stand in the menu, after the status line and its separator.
#[derive(Clone)]
struct Accounts {
    menu: Menu<Wry>,
    items: Vec<(String, CheckMenuItem<Wry>)>,
}

impl Accounts {
    /// Where the first account item stands.
    const FIRST: usize = 2;

    /// Changes texts and marks in place; items come and go only when accounts do.
    fn update(&mut self, app: &AppHandle, accounts: &[AccountView]) -> tauri::Result<()> {
        let same = self.items.len() == accounts.len()
            && self
                .items
                .iter()
                .zip(accounts)
                .all(|((id, _), account)| id == account.id.as_str());
        if !same {
            for (_, item) in self.items.drain(..) {
                self.menu.remove(&item)?;
            }
            for (n, account) in accounts.iter().enumerate() {
                let id = format!("{ACCOUNT}{}", account.id);
                let item = CheckMenuItem::with_id(
                    app,
                    id,
                    label(account),
                    account.enabled,
                    account.active,
                    None::<&str>,
                )?;
                self.menu.insert(&item, Self::FIRST + n)?;
                self.items.push((account.id.as_str().to_owned(), item));
            }
            return Ok(());
        }
        for ((_, item), account) in self.items.iter().zip(accounts) {
            let text = label(account);
            if item.text()? != text {
                item.set_text(text)?;
            }
            if item.is_checked()? != account.active {
                item.set_checked(account.active)?;
            }
            if item.is_enabled()? != account.enabled {
                item.set_enabled(account.enabled)?;
            }
        }
        Ok(())
    }
}

fn click(app: &AppHandle, engine: &Arc<Engine>, runtime: &Handle, id: &str) {
    match id {
        COPY_URL => {
            if let Err(error) = app.clipboard().write_text(engine.base_url()) {
                tracing::warn!(%error, "the URL could not be copied");
            }
        }
        QUIT => app.exit(0),
        _ => {
            let Some(account) = id.strip_prefix(ACCOUNT).map(str::to_owned) else {
                return;
            };
            let engine = engine.clone();
            runtime.spawn(async move {
                if let Err(error) = engine.activate(&account).await {
                    tracing::warn!(%error, "the account could not be made active");
                }
                // The platform has toggled the mark by itself: show what is true, also after a click on the active account.
                engine.announce();
            });
        }
    }
}

fn status_line(engine: &Engine) -> String {
    match engine.accounts().len() {
        0 => "No account yet".to_owned(),
        _ => format!(
            "Running · {}",
            engine.base_url().trim_start_matches("http://")
        ),
    }
}

/// Label, health and quota of an account in at most 40 characters, with `&` escaped (R5).
fn label(account: &AccountView) -> String {
    let mut text = account.label.clone();
    if let Some(left) = account.remaining_percent {
        text = format!("{text}  {left:.0} %");
    }
    if !matches!(account.health, "active" | "unknown") {
        text = format!("{text}  {}", account.health.replace('_', " "));
    }
    let mut short: String = text.chars().take(LABEL).collect();
    if text.chars().count() > LABEL {
        short.pop();
        short.push('…');
    }
    short.replace('&', "&&")
}

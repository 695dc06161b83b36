//! What the page may ask of the shell: `ui/src/ipc/tauri.ts` is the other side. One handler per command, no policy.
//!
//! The gateway key passes through here on its way to the clipboard and nowhere else: no answer holds it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tauri::{AppHandle, Emitter, State};
use tauri_plugin_clipboard_manager::ClipboardExt as _;

use crate::shell::Shell;
use crate::transport::{Piece, Reply};
use crate::{autostart, copying, external, picking, window};

type Answer<T> = Result<T, String>;

/// What the page shows of this desktop.
#[derive(Debug, Serialize)]
pub(crate) struct DesktopState {
    autostart: bool,
    tray: bool,
    notifications: bool,
    platform: &'static str,
}

/// One piece of a streamed answer.
#[derive(Serialize, Clone, Default)]
struct StreamMessage {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    end: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<StreamError>,
}

#[derive(Serialize, Clone)]
struct StreamError {
    code: String,
    message: String,
}

impl From<Piece> for StreamMessage {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Data(text) => Self {
                data: RawValue::from_string(text).ok(),
                ..Self::default()
            },
            Piece::Error { code, message } => Self {
                error: Some(StreamError { code, message }),
                ..Self::default()
            },
            Piece::End => Self {
                end: true,
                ..Self::default()
            },
        }
    }
}

/// A call of the admin API.
#[tauri::command]
pub(crate) async fn api(
    shell: State<'_, Arc<Shell>>,
    method: String,
    path: String,
    body: Option<Value>,
) -> Answer<Reply> {
    shell.transport.call(&method, &path, body).await
}

/// The same, answered piece by piece as events `stream:ID`.
#[tauri::command]
pub(crate) async fn api_stream(
    app: AppHandle,
    shell: State<'_, Arc<Shell>>,
    id: String,
    path: String,
    body: Value,
) -> Answer<()> {
    if id.is_empty() || id.len() > 64 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Err("a stream's id is letters, digits and dashes".to_owned());
    }
    let event = format!("stream:{id}");
    shell.transport.stream(id, &path, body, move |piece| {
        // A window that is gone has ended its streams.
        let _ = app.emit_to(window::MAIN, &event, StreamMessage::from(piece));
    })
}

/// Ends a streamed call.
#[tauri::command]
pub(crate) async fn api_stream_cancel(shell: State<'_, Arc<Shell>>, id: String) -> Answer<()> {
    shell.transport.cancel(&id);
    Ok(())
}

/// What this desktop offers.
#[tauri::command]
pub(crate) async fn desktop_state(shell: State<'_, Arc<Shell>>) -> Answer<DesktopState> {
    Ok(DesktopState {
        autostart: autostart::is_on(),
        tray: shell.has_tray(),
        notifications: shell.notifier.answers().await,
        platform: std::env::consts::OS,
    })
}

/// Start at login.
#[tauri::command]
pub(crate) async fn set_autostart(shell: State<'_, Arc<Shell>>, on: bool) -> Answer<()> {
    autostart::set(on).map_err(|error| error.to_string())?;
    // The tray has a mark for it.
    shell.engine.announce();
    Ok(())
}

/// Opens a page in the person's browser.
#[tauri::command]
pub(crate) async fn open_external(shell: State<'_, Arc<Shell>>, url: String) -> Answer<()> {
    external::open(&shell.engine, &url)
}

/// Lets the person choose what to import; empty when they cancelled.
#[tauri::command]
pub(crate) async fn pick_file(app: AppHandle, kind: picking::Kind) -> Answer<Vec<String>> {
    Ok(picking::open(&app, kind).await)
}

/// Lets the person choose where to save.
#[tauri::command]
pub(crate) async fn save_file_dialog(app: AppHandle, name: String) -> Answer<Option<String>> {
    Ok(picking::save(&app, &name).await)
}

/// A notification that only shows how they look.
#[tauri::command]
pub(crate) async fn test_notification(shell: State<'_, Arc<Shell>>) -> Answer<()> {
    shell.notifier.test(shell.language()).await
}

/// Puts a text on the clipboard, with what only the shell knows filled in.
#[tauri::command]
pub(crate) async fn copy_text(
    app: AppHandle,
    shell: State<'_, Arc<Shell>>,
    what: String,
) -> Answer<()> {
    let text = copying::text(&shell.engine, &what)?;
    app.clipboard()
        .write_text(text)
        .map_err(|error| format!("the clipboard does not take it: {error}"))
}

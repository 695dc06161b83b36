//! The platform's dialogs for files, as questions with an answer. Nothing is read or written here.

use serde::Deserialize;
use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::{DialogExt as _, FileDialogBuilder, FilePath};
use tokio::sync::oneshot;

use crate::window;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Files with accounts.
    Import,
    /// A folder with such files.
    ImportFolder,
}

/// The chosen paths; none when the person cancelled.
pub(crate) async fn open(app: &AppHandle, kind: Kind) -> Vec<String> {
    let (answer, answered) = oneshot::channel();
    match kind {
        Kind::Import => dialog(app)
            .add_filter("JSON, ZIP", &["json", "zip", "txt", "enc"])
            .add_filter("*", &["*"])
            .pick_files(move |files| drop(answer.send(files.unwrap_or_default()))),
        Kind::ImportFolder => {
            dialog(app).pick_folder(move |folder| drop(answer.send(Vec::from_iter(folder))));
        }
    }
    let chosen = answered.await.unwrap_or_default();
    chosen.into_iter().filter_map(path).collect()
}

/// Where to save; nothing when the person cancelled.
pub(crate) async fn save(app: &AppHandle, name: &str) -> Option<String> {
    let (answer, answered) = oneshot::channel();
    dialog(app)
        .set_file_name(name)
        .save_file(move |file| drop(answer.send(file)));
    answered.await.ok().flatten().and_then(path)
}

fn dialog(app: &AppHandle) -> FileDialogBuilder<tauri::Wry> {
    let dialog = app.dialog().file();
    match app.get_webview_window(window::MAIN) {
        Some(window) => dialog.set_parent(&window),
        None => dialog,
    }
}

fn path(file: FilePath) -> Option<String> {
    file.into_path().ok()?.into_os_string().into_string().ok()
}

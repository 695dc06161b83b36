//! The shell: the desktop application around the engine. The only room that knows Tauri.
//!
//! In its first form it hosts the same engine as `switchyard serve` in its own process and shows a tray menu: the accounts as check items
//! (a click makes one active), "Copy URL" and "Quit". It holds no policy: everything it shows and does is a use case of the engine.

mod host;
mod tray;

use std::process::ExitCode;

/// Starts the application and returns when it was quit.
pub fn run() -> ExitCode {
    let hosted = match host::Hosted::start() {
        Ok(hosted) => hosted,
        Err(error) => {
            host::complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let engine = hosted.engine();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_clipboard_manager::init())
        .setup({
            let engine = engine.clone();
            let runtime = hosted.runtime();
            move |app| Ok(tray::show(app.handle(), engine, &runtime)?)
        })
        .build(tauri::generate_context!());
    let app = match app {
        Ok(app) => app,
        Err(error) => {
            host::complain(&error.into());
            hosted.stop();
            return ExitCode::FAILURE;
        }
    };
    let code = app.run_return(|_app, event| {
        // Without a window the last one closing means nothing: only "Quit" (an exit with a code) ends the application.
        if let tauri::RunEvent::ExitRequested {
            code: None, api, ..
        } = event
        {
            api.prevent_exit();
        }
    });
    hosted.stop();
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

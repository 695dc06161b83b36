//! The shell: the desktop application around the engine. The only room that knows Tauri.
//!
//! In its first form it hosts the same engine as `switchyard serve` in its own process and shows a tray menu: the accounts as check items
//! (a click makes one active), "Copy URL" and "Quit". It holds no policy: everything it shows and does is a use case of the engine.
//! There is no window, so no webview runs.

mod args;
mod content;
mod host;
mod leave;
mod terminal;
mod tray;
#[cfg(target_os = "linux")]
mod tray_host;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use tauri::RunEvent;

use crate::host::Hosted;
use crate::leave::Leave;
use crate::terminal::Failure;

/// Starts the application and returns when it was quit.
pub fn run() -> ExitCode {
    let arguments = args::Arguments::parse();
    if let Err(failure) = display() {
        return failure.say();
    }
    let hosted = match Hosted::start(&arguments) {
        Ok(hosted) => hosted,
        Err(failure) => return failure.say(),
    };
    let ended = show(&hosted);
    hosted.stop();
    match ended {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(failure) => failure.say(),
    }
}

/// Shows the tray and stays until the application is quit.
fn show(hosted: &Hosted) -> Result<i32, Failure> {
    let (engine, runtime) = (hosted.engine(), hosted.runtime());
    let builder = tauri::Builder::default()
        .plugin(tauri_plugin_clipboard_manager::init())
        .setup(move |app| {
            let leave = Arc::new(Leave::new(app.handle(), engine.clone(), &runtime));
            leave.at_signals();
            // Without a tray the gateway is as useful as the headless server, so that is no reason to end.
            let shown = std::panic::catch_unwind(AssertUnwindSafe(|| {
                tray::show(app.handle(), engine, &runtime, leave)
            }));
            match shown {
                Ok(Ok(())) => {
                    #[cfg(target_os = "linux")]
                    runtime.spawn(tray_host::watch());
                }
                Ok(Err(error)) => tracing::error!(%error, "no tray icon"),
                Err(_) => tracing::error!(
                    "no tray icon: install libayatana-appindicator3-1 and start Switchyard again"
                ),
            }
            Ok(())
        });
    // The toolkit panics where it cannot open the display.
    let app = std::panic::catch_unwind(AssertUnwindSafe(|| {
        builder.build(tauri::generate_context!())
    }))
    .map_err(|_| Failure::new("the display does not answer; `switchyard serve` runs without one"))?
    .map_err(|error| Failure::new(format!("the application could not start: {error}")))?;
    Ok(app.run_return(|_app, event| {
        // Without a window the last one closing means nothing: only "Quit" (an exit with a code) ends the application.
        if let RunEvent::ExitRequested {
            code: None, api, ..
        } = event
        {
            api.prevent_exit();
        }
    }))
}

/// Whether a display is named at all; whether it answers is the toolkit's to find out.
#[cfg(target_os = "linux")]
fn display() -> Result<(), Failure> {
    let named = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if named("DISPLAY") || named("WAYLAND_DISPLAY") {
        return Ok(());
    }
    Err(Failure::new(
        "there is no display here (DISPLAY and WAYLAND_DISPLAY are not set); `switchyard serve` runs without one",
    ))
}

#[cfg(not(target_os = "linux"))]
fn display() -> Result<(), Failure> {
    Ok(())
}

//! The shell: the desktop application around the engine. The only room that knows Tauri.
//!
//! It hosts the same engine as `switchyard serve` in its own process and shows it: an icon with a menu, a window on demand, notifications.
//! It holds no policy: everything it shows and does is a use case of the engine. The gateway serves before anything is drawn, and goes on
//! when everything that is drawn has gone.

#[cfg(target_os = "linux")]
mod appearance;
mod args;
mod autostart;
mod commands;
mod content;
mod copying;
mod external;
mod geometry;
mod host;
mod language;
mod leave;
mod notices;
mod notifier;
mod picking;
#[cfg(target_os = "linux")]
mod power;
#[cfg(target_os = "linux")]
mod rest;
mod shell;
mod terminal;
mod transport;
mod tray;
#[cfg(target_os = "linux")]
mod tray_host;
mod webview;
mod window;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use engine::env::Env;
use engine::home::Home;
use tauri::{App, AppHandle, Manager as _, RunEvent};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};
use tokio::runtime::Runtime;

use crate::host::Hosted;
use crate::language::Language;
use crate::leave::Leave;
use crate::shell::Shell;
use crate::terminal::Failure;
use crate::window::Window;

/// Tells the toolkit not to look for 3D graphics: nothing here needs them, and looking costs 30 MB. Call before any thread is started.
pub fn spare_the_graphics() {
    const VARIABLE: &str = "GDK_GL";
    if cfg!(target_os = "linux") && std::env::var_os(VARIABLE).is_none() {
        #[expect(
            unsafe_code,
            reason = "the toolkit takes this from the environment only; before any thread is started"
        )]
        // SAFETY: called first in `main`, when no other thread can read the environment.
        unsafe {
            std::env::set_var(VARIABLE, "disable");
        }
    }
}

/// Starts the application and returns when it was quit.
pub fn run() -> ExitCode {
    let arguments = args::Arguments::parse();
    terminal::log_panics();
    let (app, runtime, place) = match prepare(&arguments) {
        Ok(prepared) => prepared,
        Err(failure) => return failure.say(),
    };
    match Hosted::start(&arguments, runtime, place) {
        Ok(hosted) => live(app, hosted, arguments.hidden),
        Err(failed) => explain(app, &failed.0),
    }
}

/// The display first: where there is none, nothing of the home is touched.
fn prepare(arguments: &args::Arguments) -> Result<(App, Runtime, (Home, Env)), Failure> {
    display()?;
    let place = host::home(arguments)?;
    let runtime = host::threads()?;
    tauri::async_runtime::set(runtime.handle().clone());
    let app = build(&place)?;
    Ok((app, runtime, place))
}

/// Says why it does not start where somebody who clicked on an icon can see it.
fn explain(app: App, failure: &Failure) -> ExitCode {
    let (code, text) = (failure.say(), failure.text());
    let title = Language::of(None).pick("Switchyard cannot start", "Switchyard 无法启动");
    app.run_return(move |app, event| match event {
        RunEvent::Ready => {
            let at = app.clone();
            app.dialog()
                .message(&text)
                .title(title)
                .kind(MessageDialogKind::Error)
                .show(move |_| at.exit(0));
        }
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        _ => {}
    });
    code
}

/// Shows everything until the person quits.
fn live(app: App, mut hosted: Hosted, hidden: bool) -> ExitCode {
    let shell = Arc::new(Shell::new(hosted.engine(), hosted.runtime()));
    let window = Window::new(app.handle(), shell.clone());
    notices::follow(&shell, window.clone(), hosted.events());
    app.manage(shell.clone());
    app.manage(window.clone());
    #[cfg(target_os = "linux")]
    power::follow(&shell);
    let code = app.run_return(move |app, event| match event {
        RunEvent::Ready => {
            show_tray(app, &shell, &window, hidden);
            if !hidden {
                window.show(None);
            }
            #[cfg(target_os = "linux")]
            if hidden {
                rest::after_the_start(&shell);
            }
        }
        // Without a window the last one closing means nothing: only "Quit" (an exit with a code) ends the application.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        RunEvent::ExitRequested { .. } => window.remember(),
        // A click on the Dock's icon.
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window.show(None),
        _ => {}
    });
    hosted.stop();
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Opens the display. Ends the process where an instance with the same home runs already: that one shows its window then.
fn build((home, env): &(Home, Env)) -> Result<App, Failure> {
    let building = || {
        let context = tauri::generate_context!();
        let mut name = context.config().identifier.clone();
        if !home.is_default(env) {
            name.push_str(&format!(".home_{}", home.tag()));
        }
        let instance = tauri_plugin_single_instance::Builder::new()
            .dbus_id(name)
            .callback(|app, _, _| {
                if let Some(window) = app.try_state::<Arc<Window>>() {
                    window.show(None);
                }
            })
            .build();
        tauri::Builder::default()
            .plugin(instance)
            .plugin(tauri_plugin_clipboard_manager::init())
            .plugin(tauri_plugin_dialog::init())
            .invoke_handler(tauri::generate_handler![
                commands::api,
                commands::api_stream,
                commands::api_stream_cancel,
                commands::copy_text,
                commands::desktop_state,
                commands::open_external,
                commands::pick_file,
                commands::save_file_dialog,
                commands::set_autostart,
                commands::test_notification,
            ])
            .build(context)
    };
    // The toolkit panics where it cannot open the display.
    std::panic::catch_unwind(AssertUnwindSafe(building))
        .map_err(|_| {
            Failure::new("the display does not answer; `switchyard serve` runs without one")
        })?
        .map_err(|error| Failure::new(format!("the application could not start: {error}")))
}

/// Shows the tray. Without one the gateway is as useful as the headless server, so a failure is no reason to end.
fn show_tray(app: &AppHandle, shell: &Arc<Shell>, window: &Arc<Window>, hidden: bool) {
    let leave = Arc::new(Leave::new(app, shell.clone()));
    leave.at_signals();
    // The tray library panics where the library that draws for it is not installed.
    let shown = std::panic::catch_unwind(AssertUnwindSafe(|| {
        tray::show(app, shell.clone(), window.clone(), leave)
    }));
    match shown {
        Ok(Ok(())) => {
            #[cfg(target_os = "linux")]
            {
                tray_host::watch(shell.clone(), window.clone(), hidden);
                appearance::follow(shell);
            }
            #[cfg(not(target_os = "linux"))]
            {
                let _ = hidden;
                shell.set_tray(true);
            }
            return;
        }
        Ok(Err(error)) => tracing::error!(%error, "no tray icon"),
        Err(_) => tracing::error!(
            "no tray icon: install libayatana-appindicator3-1 and start Switchyard again"
        ),
    }
    window.show(None);
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

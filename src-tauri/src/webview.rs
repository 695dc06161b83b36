//! What has to be said to the platform's webview itself: what to do when its process dies.

use tauri::{AppHandle, WebviewWindow};

/// Loads the page again after a crash of the webview's process; the gateway and its streams are not in that process (R13).
#[cfg(target_os = "linux")]
pub(crate) fn watch(window: &WebviewWindow, app: AppHandle) {
    use tauri::Manager as _;
    use webkit2gtk::{WebProcessTerminationReason, WebViewExt as _};

    let watched = window.with_webview(move |platform| {
        platform
            .inner()
            .connect_web_process_terminated(move |view, reason| {
                if reason == WebProcessTerminationReason::TerminatedByApi {
                    return;
                }
                tracing::error!("the window's process has ended; its page is loaded again");
                if app.get_webview_window(crate::window::MAIN).is_some() {
                    view.reload();
                }
            });
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "the window's process cannot be watched");
    }
}

/// The other platforms' webviews start their processes again by themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch(_window: &WebviewWindow, _app: AppHandle) {}

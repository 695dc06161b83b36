//! Whether anything on this desktop draws tray icons. Linux only: GNOME, for one, needs an extension for it.
//!
//! Where nothing does, it says so once and opens the window instead (R11); the icon itself comes by itself when a tray host appears later.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

use crate::shell::Shell;
use crate::window::Window;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// At login the panel may come after the programs that start with it.
const LOGIN: Duration = Duration::from_secs(10);
/// What works without a tray.
const WAYS_OUT: &str = "the gateway runs, the window shows it, and Ctrl-C or SIGTERM ends it";

/// Follows the comings and goings of tray hosts. `late`: one may still come, as at login.
pub(crate) fn watch(shell: Arc<Shell>, window: Arc<Window>, late: bool) {
    let runtime = shell.runtime.clone();
    runtime.spawn(async move {
        if let Err(error) = follow(&shell, &window, late).await {
            tracing::warn!(%error, "no session bus answers, so the tray icon may not be visible; {WAYS_OUT}");
            window.show(None);
        }
    });
}

async fn follow(shell: &Shell, window: &Arc<Window>, late: bool) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let names = DBusProxy::new(&bus).await?;
    let mut changes = names
        .receive_name_owner_changed_with_args(&[(0, WATCHER)])
        .await?;
    shell.set_tray(names.name_has_owner(BusName::try_from(WATCHER)?).await?);
    let mut told = false;
    // While no host is there and the person has not been told.
    let patience = if late { LOGIN } else { Duration::ZERO };
    let deadline = tokio::time::sleep(patience);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            change = changes.next() => {
                let Some(change) = change else { return Ok(()) };
                let there = change.args()?.new_owner().is_some();
                shell.set_tray(there);
                if there {
                    tracing::info!("a tray host has appeared");
                }
            }
            () = &mut deadline, if !told => {
                told = true;
                if !shell.has_tray() {
                    tracing::warn!("no tray host answers on this desktop, so the tray icon may not be visible; {WAYS_OUT}");
                    window.show(None);
                }
            }
        }
    }
}

//! Whether anything on this desktop draws tray icons. Linux only: GNOME, for one, needs an extension for it.
//!
//! It says so once (R11); the icon itself comes by itself when a tray host appears later.

use futures_util::StreamExt;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Looks once, and where nothing answers waits until something does.
pub(crate) async fn watch() {
    match look().await {
        Ok(true) => tracing::debug!("a tray host answers"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(%error, "no session bus answers, so the tray icon may not be visible; {WAYS_OUT}");
        }
    }
}

/// What works without a tray.
const WAYS_OUT: &str =
    "the gateway runs, `switchyard status` shows it, and Ctrl-C or SIGTERM ends it";

/// Whether there is a host now; otherwise says so and waits for one.
async fn look() -> zbus::Result<bool> {
    let bus = zbus::Connection::session().await?;
    let names = DBusProxy::new(&bus).await?;
    let mut changes = names
        .receive_name_owner_changed_with_args(&[(0, WATCHER)])
        .await?;
    if names.name_has_owner(BusName::try_from(WATCHER)?).await? {
        return Ok(true);
    }
    tracing::warn!(
        "no tray host answers on this desktop, so the tray icon may not be visible; {WAYS_OUT}"
    );
    while let Some(change) = changes.next().await {
        if change.args()?.new_owner().is_some() {
            tracing::info!("a tray host has appeared");
            break;
        }
    }
    Ok(false)
}

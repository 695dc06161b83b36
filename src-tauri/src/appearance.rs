//! Whether the panel is likely to be light, so that the icon stands out on it. Linux only: a panel does not say what colour it is, but the
//! desktop portal tells which of light and dark the person prefers.

use std::sync::Arc;

use futures_util::StreamExt as _;
use zbus::Proxy;
use zbus::zvariant::{OwnedValue, Value};

use crate::shell::Shell;

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";
/// What the portal says for "prefers light".
const LIGHT: u32 = 2;
/// Desktops whose panel is dark whatever the person prefers.
const DARK_PANELS: &[&str] = &["gnome", "unity"];

/// Follows the preference; a desktop without a portal keeps the icon for dark panels.
pub(crate) fn follow(shell: &Arc<Shell>) {
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    if dark_panel(&desktop) {
        return;
    }
    let shell = shell.clone();
    let runtime = shell.runtime.clone();
    runtime.spawn(async move {
        if let Err(error) = listen(&shell).await {
            tracing::debug!(%error, "the desktop does not tell whether it is light");
        }
    });
}

fn dark_panel(desktop: &str) -> bool {
    let desktop = desktop.to_ascii_lowercase();
    DARK_PANELS.iter().any(|dark| desktop.contains(dark))
}

async fn listen(shell: &Shell) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let portal = Proxy::new(&bus, NAME, PATH, SETTINGS).await?;
    let mut changes = portal.receive_signal("SettingChanged").await?;
    let now: OwnedValue = portal.call("Read", &(NAMESPACE, KEY)).await?;
    shell.set_light(scheme(&now) == Some(LIGHT));
    while let Some(change) = changes.next().await {
        let body = change.body();
        let (namespace, key, value): (String, String, Value<'_>) = body.deserialize()?;
        if (namespace.as_str(), key.as_str()) == (NAMESPACE, KEY) {
            shell.set_light(scheme(&value) == Some(LIGHT));
        }
    }
    Ok(())
}

/// The number, which some portals wrap twice.
fn scheme(value: &Value<'_>) -> Option<u32> {
    match value {
        Value::U32(scheme) => Some(*scheme),
        Value::Value(inner) => scheme(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preference_is_read_however_it_is_wrapped() {
        let twice = Value::Value(Box::new(Value::Value(Box::new(Value::U32(2)))));
        assert_eq!(scheme(&twice), Some(LIGHT));
        assert_eq!(scheme(&Value::U32(0)), Some(0));
        assert_eq!(scheme(&Value::from("light")), None);
        for (desktop, expected) in [("ubuntu:GNOME", true), ("KDE", false), ("", false)] {
            assert_eq!(dark_panel(desktop), expected, "{desktop}");
        }
    }
}

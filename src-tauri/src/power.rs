//! What the machine's power means here: it is awake again after a sleep (F122), or saves its battery (F68). Linux only: logind and the power
//! profiles tell both on the system bus. Where they do not answer, the engine still notices a sleep by its clocks.
//!
//! Not a battery gauge: what a charge below so many percent means is the desktop's decision, which switches the profile. Nothing is started
//! by asking. Called by `lib` once the application runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use engine::Engine;
use futures_util::StreamExt as _;
use zbus::proxy::MethodFlags;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, Proxy};

use crate::shell::Shell;

const LOGIN: &str = "org.freedesktop.login1";
const LOGIN_PATH: &str = "/org/freedesktop/login1";
const LOGIN_MANAGER: &str = "org.freedesktop.login1.Manager";
/// Where the power profile is told, which is also the name of the interface: today's name and the one of older versions.
const PROFILES: [(&str, &str); 2] = [
    (
        "org.freedesktop.UPower.PowerProfiles",
        "/org/freedesktop/UPower/PowerProfiles",
    ),
    ("net.hadess.PowerProfiles", "/net/hadess/PowerProfiles"),
];
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const PROFILE: &str = "ActiveProfile";
const SAVER: &str = "power-saver";

/// Listens as long as the application runs.
pub(crate) fn follow(shell: &Arc<Shell>) {
    let engine = shell.engine.clone();
    shell.runtime.spawn(async move {
        let listening = async {
            let bus = Connection::system().await?;
            // One bit for each place that tells the profile.
            let savers = AtomicU8::new(0);
            tokio::try_join!(
                sleeps(&bus, &engine),
                profile(&bus, &engine, &savers, 0),
                profile(&bus, &engine, &savers, 1)
            )
        };
        if let Err(error) = listening.await {
            tracing::debug!(%error, "the system bus does not tell of sleep and battery saver");
        }
    });
}

async fn sleeps(bus: &Connection, engine: &Engine) -> zbus::Result<()> {
    let manager = Proxy::new(bus, LOGIN, LOGIN_PATH, LOGIN_MANAGER).await?;
    let mut signals = manager.receive_signal("PrepareForSleep").await?;
    while let Some(signal) = signals.next().await {
        // True is said before the sleep, false after it.
        if signal
            .body()
            .deserialize::<bool>()
            .is_ok_and(|begins| !begins)
        {
            engine.resumed();
        }
    }
    Ok(())
}

async fn profile(
    bus: &Connection,
    engine: &Engine,
    savers: &AtomicU8,
    place: usize,
) -> zbus::Result<()> {
    let (name, path) = PROFILES[place];
    let set = |saves: bool| {
        let bit = 1 << place;
        let savers = if saves {
            savers.fetch_or(bit, Ordering::Relaxed) | bit
        } else {
            savers.fetch_and(!bit, Ordering::Relaxed) & !bit
        };
        engine.set_saving_power(savers != 0);
    };
    let properties = Proxy::new(bus, name, path, PROPERTIES).await?;
    let mut signals = properties.receive_signal("PropertiesChanged").await?;
    let asked = properties
        .call_with_flags::<_, _, OwnedValue>(
            "Get",
            MethodFlags::NoAutoStart.into(),
            &(name, PROFILE),
        )
        .await;
    if let Ok(Some(now)) = asked {
        set(is_saver(&now));
    }
    while let Some(signal) = signals.next().await {
        type Changed = (String, HashMap<String, OwnedValue>, Vec<String>);
        let body = signal.body();
        let changed = body.deserialize::<Changed>();
        if let Ok((_, changed, _)) = changed
            && let Some(now) = changed.get(PROFILE)
        {
            set(is_saver(now));
        }
    }
    Ok(())
}

fn is_saver(value: &Value<'_>) -> bool {
    matches!(value, Value::Str(profile) if profile.as_str() == SAVER)
}

//! `switchyard serve` and `switchyard demo`: the engine without a window, until a signal ends it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::env::Env;
use engine::home::Home;
use engine::{Engine, OpenOptions, VaultChoice};
use secrecy::SecretString;
use simulator::{Demo, Simulator};

use crate::failure::Failure;
use crate::print;

/// Serves an opened home until SIGINT or SIGTERM, then drains (F137).
pub(crate) async fn serve(options: OpenOptions, show_key: bool) -> Result<(), Failure> {
    let engine = Engine::open(options).await?;
    engine.listen().await?;
    announce(&engine, show_key)?;
    until_stopped(engine).await
}

/// Serves two simulated accounts in a throw-away home: no sign-in, no network.
pub(crate) async fn demo(port: Option<u16>) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("switchyard-demo-")
        .tempdir()
        .context("no throw-away home could be made")?;
    let demo = Simulator::demo()
        .await
        .context("the simulated accounts could not be started")?;
    // Nothing of the person's own environment reaches a demo.
    let env = Env::from_pairs(Vec::<(String, String)>::new());
    let lock = Home::at(folder.path())
        .and_then(|home| home.lock())
        .map_err(engine::EngineError::from)?;
    let mut options = OpenOptions::new(lock, env)?;
    options.vault = VaultChoice::Memory;
    options.flags = vec![
        ("codex.base_url".into(), demo.simulator.codex_base_url()),
        ("codex.usage_url".into(), demo.simulator.usage_url()),
        ("codex.auth_url".into(), demo.simulator.auth_url()),
    ];
    if let Some(port) = port {
        options.flags.push(("server.port".into(), port.to_string()));
    }
    let engine = Engine::open(options).await?;
    let report = engine
        .import(&SecretString::from(demo_file(&demo)), false, false)
        .await?;
    if report.added == 0 {
        return Err(anyhow::anyhow!(
            "the simulated accounts could not be added: {}",
            report.errors.join("; ")
        )
        .into());
    }
    engine.discover_models().await;
    engine.listen().await?;
    print::note(
        "Demo: two simulated accounts, nothing leaves this machine. Ctrl-C ends it and removes its home.",
    );
    announce(&engine, true)?;
    let ended = until_stopped(engine).await;
    drop(demo);
    ended
}

/// The demo accounts as an import file.
fn demo_file(demo: &Demo) -> String {
    let profiles: Vec<serde_json::Value> = demo
        .accounts
        .iter()
        .map(|account| {
            serde_json::json!({
                "type": "codex",
                "access_token": account.access_token,
                "refresh_token": account.refresh_token,
                "id_token": account.id_token,
                "label": format!("demo: {}", account.email),
            })
        })
        .collect();
    serde_json::json!({ "type": "codex_profiles", "profiles": profiles }).to_string()
}

/// Says where it serves and prints a line that answers.
fn announce(engine: &Engine, show_key: bool) -> Result<(), Failure> {
    let welcome = engine.welcome(show_key)?;
    for note in &welcome.notes {
        print::note(note);
    }
    for line in &welcome.lines {
        print::line(line);
    }
    Ok(())
}

async fn until_stopped(engine: Arc<Engine>) -> Result<(), Failure> {
    let control = tokio::spawn(admin::control::serve(engine.clone()));
    signal().await;
    print::note("Stopping: waiting for running requests.");
    let patience = engine
        .setting("server.drain_s")
        .ok()
        .and_then(|setting| setting.value.as_u64())
        .unwrap_or(30);
    control.abort();
    tokio::select! {
        () = engine.shutdown(Duration::from_secs(patience)) => {}
        // A second signal means: now.
        () = signal() => print::note("Stopped without waiting."),
    }
    Ok(())
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

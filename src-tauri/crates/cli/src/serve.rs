//! `switchyard serve` and `switchyard demo`: the engine without a window, until a signal ends it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::env::Env;
use engine::home::Home;
use engine::logging::Logging;
use engine::{Engine, OpenOptions, Opening, VaultChoice};
use secrecy::ExposeSecret;

use crate::failure::Failure;
use crate::print;

/// Serves an opened home until SIGINT or SIGTERM, then drains (F137).
pub(crate) async fn serve(
    options: OpenOptions,
    show_key: bool,
    console: Option<u16>,
    json: bool,
    log: Logging,
) -> Result<(), Failure> {
    let mut opening = Opening::begin(options)?;
    // At once: deriving the vault's key takes its time, and clients may wait for it at the door.
    opening.listen().await?;
    let engine = opening.finish().await?;
    let mut running = Running::start(engine, log).await?;
    let console = match console {
        Some(port) => Some(running.open_console(port).await?),
        None => None,
    };
    announce(&running.engine, show_key, console.as_ref(), json)?;
    drop(console);
    running.until_stopped().await
}

/// Serves two simulated accounts in a throw-away home: no sign-in, no network.
pub(crate) async fn demo(port: Option<u16>, json: bool, log: Logging) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("switchyard-demo-")
        .tempdir()
        .context("no throw-away home could be made")?;
    // Nothing of the person's own environment reaches a demo.
    let env = Env::from_pairs(Vec::<(String, String)>::new());
    let lock = Home::at(folder.path())
        .and_then(|home| home.lock())
        .map_err(engine::EngineError::from)?;
    let mut options = OpenOptions::new(lock, env)?;
    options.vault = VaultChoice::Memory;
    if let Some(port) = port {
        options.flags.push(("server.port".into(), port.to_string()));
    }
    let engine = Engine::open(options).await?;
    let running = Running::start(engine, log).await?;
    running.engine.add_demo_accounts().await?;
    print::note(
        "Demo: two simulated accounts, nothing leaves this machine. Ctrl-C ends it and removes its home.",
    );
    announce(&running.engine, true, None, json)?;
    running.until_stopped().await
}

/// Says where it serves and prints a line that answers; as one JSON document where a program reads it.
fn announce(
    engine: &Engine,
    show_key: bool,
    console: Option<&Console>,
    json: bool,
) -> Result<(), Failure> {
    let welcome = engine.welcome(show_key)?;
    for note in &welcome.notes {
        print::note(note);
    }
    if json {
        let url = engine.base_url();
        let mut document = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "url": url,
            "openai_base_url": format!("{url}/v1"),
            "pid": std::process::id(),
            "home": engine.home().root(),
            "read_only": engine.read_only().is_some(),
            "notes": welcome.notes,
        });
        if show_key {
            document["key"] = engine
                .key(engine::DEFAULT_KEY)
                .ok()
                .map(|key| key.expose_secret().to_owned())
                .into();
        }
        if let Some(console) = console {
            document["console_url"] = console.url.as_str().into();
            document["console_link"] = console.link().into();
            document["console_token"] = console.opens.token.expose_secret().into();
        }
        print::line(&format!("{document:#}"));
        return Ok(());
    }
    for line in &welcome.lines {
        print::line(line);
    }
    if let Some(console) = console {
        print::line(&format!(
            "Console: {} (this link opens it once)",
            console.link()
        ));
        print::line(&format!(
            "Console token: {} (for another tab; told only now)",
            console.opens.token.expose_secret()
        ));
    }
    Ok(())
}

/// The web console as it is told to the person, once.
struct Console {
    url: String,
    opens: admin::console::Opens,
}

impl Console {
    /// Behind the `#` nothing is sent to a server or logged by one.
    fn link(&self) -> String {
        format!("{}/#ticket={}", self.url, self.opens.ticket.expose_secret())
    }
}

/// An engine that serves, with its control socket and an ear for signals.
struct Running {
    engine: Arc<Engine>,
    control: tokio::task::JoinHandle<()>,
    console: Option<tokio::task::JoinHandle<()>>,
    signals: Signals,
}

impl Running {
    /// Signals and control socket come first: whoever reads the address may use both at once.
    async fn start(engine: Arc<Engine>, log: Logging) -> Result<Self, Failure> {
        let signals = Signals::listen()?;
        engine.keep_log(log);
        let control = match admin::control::open(engine.clone()) {
            Ok(serving) => tokio::spawn(serving),
            Err(error) => {
                // The gateway is what people start this for; commands are told by the missing socket.
                tracing::error!(%error, "no control socket: `switchyard` commands cannot reach this instance");
                tokio::spawn(async {})
            }
        };
        engine.listen().await?;
        Ok(Self {
            engine,
            control,
            console: None,
            signals,
        })
    }

    /// Serves the web console beside the gateway.
    async fn open_console(&mut self, port: u16) -> Result<Console, Failure> {
        let (pass, opens) =
            admin::console::Pass::generate().context("the console cannot be opened")?;
        let opened = admin::console::open(self.engine.clone(), pass, crate::page::PAGE, port);
        let (address, serving) = opened.await.context("the console cannot be opened")?;
        self.console = Some(tokio::spawn(serving));
        Ok(Console {
            url: format!("http://{address}"),
            opens,
        })
    }

    async fn until_stopped(mut self) -> Result<(), Failure> {
        self.signals.next().await;
        print::note("Stopping: waiting for running requests.");
        let patience = self
            .engine
            .setting("server.drain_s")
            .ok()
            .and_then(|setting| setting.value.as_u64())
            .unwrap_or(30);
        let control = self.control;
        let shutdown = async {
            control.abort();
            if let Some(console) = self.console {
                console.abort();
            }
            self.engine.shutdown(Duration::from_secs(patience)).await;
        };
        tokio::select! {
            () = shutdown => {}
            // A second signal means: now.
            () = self.signals.next() => print::note("Stopped without waiting."),
        }
        Ok(())
    }
}

/// SIGINT and SIGTERM, heard from the moment it is made; none between two waits is lost.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("signals cannot be heard")?,
            terminate: signal(SignalKind::terminate()).context("signals cannot be heard")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

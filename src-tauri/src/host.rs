//! The engine inside the desktop process: on runtime threads of its own, ready before the tray is shown (F140), drained at quit (F145).
//!
//! Not a window and not the tray. Called by `run` alone.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::logging::Logging;
use engine::{Engine, EngineError, EngineEvent, OpenOptions, Opening};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::broadcast::Receiver;
use tokio::task::JoinHandle;

use crate::args::Arguments;
use crate::terminal::{self, Failure};

/// How long running streams may go on after "Quit" (F145).
const PATIENCE: Duration = Duration::from_secs(10);

/// The running engine and its runtime.
pub(crate) struct Hosted {
    runtime: Runtime,
    engine: Arc<Engine>,
    control: JoinHandle<()>,
    /// Everything the engine has told since it is open.
    events: Receiver<EngineEvent>,
}

impl Hosted {
    /// Opens the home and serves. The threads come back when that fails: the failure has to be shown.
    pub(crate) fn start(
        arguments: &Arguments,
        runtime: Runtime,
        place: (Home, Env),
    ) -> Result<Self, Box<(Failure, Runtime)>> {
        match open(arguments, &runtime, place) {
            Ok((engine, control, events)) => Ok(Self {
                runtime,
                engine,
                control,
                events,
            }),
            Err(failure) => Err(Box::new((failure, runtime))),
        }
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Everything told since the engine is open, for its one reader.
    pub(crate) fn events(&mut self) -> Receiver<EngineEvent> {
        std::mem::replace(&mut self.events, self.engine.events())
    }

    /// Writes what is left to write and lets go of the home. Streams were drained by [`drain`] if anything asked to end.
    pub(crate) fn stop(self) {
        self.control.abort();
        self.runtime.block_on(self.engine.shutdown(Duration::ZERO));
        // A blocking call that hangs (a keychain that asks a person) must not keep the process.
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

type Opened = (Arc<Engine>, JoinHandle<()>, Receiver<EngineEvent>);

/// The control socket for `switchyard` commands, then the gateway.
fn open(
    arguments: &Arguments,
    runtime: &Runtime,
    (home, env): (Home, Env),
) -> Result<Opened, Failure> {
    let lock = home.lock().map_err(EngineError::from)?;
    let log = Logging::begin(Some(&home.settings()), &env, Some(&home.logs()));
    let mut options = OpenOptions::new(lock, env)?;
    // The application shows what is wrong and serves what can be served (F124).
    options.accept_newer = true;
    let opened = runtime.block_on(async {
        let mut opening = Opening::begin(options)?;
        opening.listen().await?;
        let engine = opening.finish().await?;
        engine.keep_log(log);
        // Before it listens: that the port is another one is told then.
        let events = engine.events();
        let control = serve_control(engine.clone());
        engine.listen().await?;
        Ok::<_, EngineError>((engine, control, events))
    })?;
    let show_key = arguments.show_key || std::io::stdout().is_terminal();
    terminal::welcome(&opened.0.welcome(show_key)?);
    Ok(opened)
}

/// Stops accepting and lets running streams end.
pub(crate) async fn drain(engine: &Engine) {
    engine.shutdown(PATIENCE).await;
}

/// The home that is asked for, and the environment.
pub(crate) fn home(arguments: &Arguments) -> Result<(Home, Env), Failure> {
    let env = Env::from_process();
    let home = Home::locate(arguments.home.as_deref(), &env).map_err(EngineError::from)?;
    Ok((home, env))
}

/// The threads of everything but the screen.
pub(crate) fn threads() -> Result<Runtime, Failure> {
    Runtime::new().map_err(|error| Failure::new(format!("no threads could be started: {error}")))
}

/// The control socket is open when this returns.
fn serve_control(engine: Arc<Engine>) -> JoinHandle<()> {
    match admin::control::open(engine) {
        Ok(serving) => Handle::current().spawn(serving),
        Err(error) => {
            tracing::warn!(%error, "no control socket: `switchyard` commands cannot reach this instance");
            Handle::current().spawn(async {})
        }
    }
}

/// Resolves when the process is asked to end from outside, once per call.
#[cfg(unix)]
pub(crate) async fn asked_to_end() {
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

/// Resolves when the process is asked to end from outside, once per call.
#[cfg(not(unix))]
pub(crate) async fn asked_to_end() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

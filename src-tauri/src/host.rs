//! The engine inside the desktop process: on runtime threads of its own, ready before the tray is shown (F140), drained at quit (F145).
//!
//! Not a window and not the tray. Called by `run` alone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::{Engine, OpenOptions};
use tokio::runtime::{Handle, Runtime};

/// How long running streams may go on after "Quit" (F145).
const PATIENCE: Duration = Duration::from_secs(10);

/// The running engine and its runtime.
pub(crate) struct Hosted {
    runtime: Runtime,
    engine: Arc<Engine>,
}

impl Hosted {
    /// Opens the home and serves. Prints the endpoint for whoever started the application from a terminal.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("gateway")
            .build()?;
        let engine = runtime.block_on(async {
            let engine = Engine::open(OpenOptions::from_process()?).await?;
            engine
                .listen()
                .await
                .context("the gateway could not listen")?;
            anyhow::Ok(engine)
        })?;
        Ok(Self { runtime, engine })
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Drains streams, writes what is left to write, and lets go of the home.
    pub(crate) fn stop(self) {
        self.runtime.block_on(self.engine.shutdown(PATIENCE));
    }
}

/// Tells why the application could not start: nothing else is there yet to say it.
pub(crate) fn complain(error: &anyhow::Error) {
    tracing::error!("{error:#}");
}

//! The way out, for "Quit" and for signals: running streams may end (F145), then the application exits with 0. Asked twice, it exits at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Engine;
use tauri::AppHandle;
use tokio::runtime::Handle;

use crate::{host, terminal};

/// See the module.
pub(crate) struct Leave {
    app: AppHandle,
    engine: Arc<Engine>,
    runtime: Handle,
    leaving: AtomicBool,
}

impl Leave {
    pub(crate) fn new(app: &AppHandle, engine: Arc<Engine>, runtime: &Handle) -> Self {
        Self {
            app: app.clone(),
            engine,
            runtime: runtime.clone(),
            leaving: AtomicBool::new(false),
        }
    }

    /// Starts to leave; the tray stays until the streams have ended.
    pub(crate) fn now(&self) {
        if self.leaving.swap(true, Ordering::Relaxed) {
            self.app.exit(0);
            return;
        }
        let (app, engine) = (self.app.clone(), self.engine.clone());
        self.runtime.spawn(async move {
            if engine.running() > 0 {
                terminal::note("Stopping: waiting for running requests.");
            }
            host::drain(&engine).await;
            app.exit(0);
        });
    }

    /// Leaves when SIGINT or SIGTERM come (Ctrl-C on Windows).
    pub(crate) fn at_signals(self: &Arc<Self>) {
        let leave = self.clone();
        self.runtime.spawn(async move {
            loop {
                host::asked_to_end().await;
                leave.now();
            }
        });
    }
}

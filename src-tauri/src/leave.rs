//! The way out, for "Quit" and for signals: running streams may end (F145), then the application exits with 0.
//!
//! "Quit" asks first where streams run. Asked twice, it exits at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons};

use crate::shell::Shell;
use crate::{host, terminal};

/// See the module.
pub(crate) struct Leave {
    app: AppHandle,
    shell: Arc<Shell>,
    asked: AtomicBool,
    leaving: AtomicBool,
}

impl Leave {
    pub(crate) fn new(app: &AppHandle, shell: Arc<Shell>) -> Self {
        Self {
            app: app.clone(),
            shell,
            asked: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
        }
    }

    /// Leaves, if the person says so again where requests run. A second time means: at once.
    pub(crate) fn ask(self: &Arc<Self>) {
        let running = self.shell.engine.running();
        if self.asked.swap(true, Ordering::Relaxed) {
            return self.at_once();
        }
        if running == 0 || self.leaving.load(Ordering::Relaxed) {
            return self.now();
        }
        let language = self.shell.language();
        let question = language.pick(
            format!(
                "Requests running: {running}. Switchyard lets them end, for at most 10 seconds."
            ),
            format!("正在运行的请求：{running}。Switchyard 最多等待它们 10 秒。"),
        );
        let buttons = MessageDialogButtons::OkCancelCustom(
            language.pick("Quit", "退出").to_owned(),
            language.pick("Keep running", "继续运行").to_owned(),
        );
        let leave = self.clone();
        self.app
            .dialog()
            .message(question)
            .title(language.pick("Quit Switchyard?", "退出 Switchyard？"))
            .buttons(buttons)
            .show(move |yes| {
                if yes {
                    leave.now();
                } else {
                    leave.asked.store(false, Ordering::Relaxed);
                }
            });
    }

    /// Starts to leave; the tray stays until the streams have ended.
    pub(crate) fn now(&self) {
        if self.leaving.swap(true, Ordering::Relaxed) {
            return self.at_once();
        }
        let (app, shell) = (self.app.clone(), self.shell.clone());
        self.shell.runtime.spawn(async move {
            if shell.engine.running() > 0 {
                terminal::note("Stopping: waiting for running requests.");
            }
            host::drain(&shell.engine).await;
            app.exit(0);
        });
    }

    fn at_once(&self) {
        self.app.exit(0);
    }

    /// Leaves when SIGINT or SIGTERM come (Ctrl-C on Windows).
    pub(crate) fn at_signals(self: &Arc<Self>) {
        let leave = self.clone();
        self.shell.runtime.spawn(async move {
            loop {
                host::asked_to_end().await;
                leave.now();
            }
        });
    }
}

//! What the parts of the shell share: the engine, the page's transport, and what is known of this desktop. Tauri holds it as state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Engine;
use tokio::runtime::Handle;

use crate::language::Language;
use crate::notifier::Notifier;
use crate::transport::Transport;

/// See the module.
pub(crate) struct Shell {
    pub engine: Arc<Engine>,
    pub runtime: Handle,
    pub transport: Arc<Transport>,
    pub notifier: Notifier,
    /// Whether something draws the icon, as far as known.
    tray: AtomicBool,
    /// Whether the panel is likely to be light.
    light: AtomicBool,
}

impl Shell {
    pub(crate) fn new(engine: Arc<Engine>, runtime: Handle) -> Self {
        Self {
            transport: Arc::new(Transport::new(admin::window(engine.clone()))),
            notifier: Notifier::default(),
            engine,
            runtime,
            tray: AtomicBool::new(false),
            light: AtomicBool::new(false),
        }
    }

    /// Whether there is an icon that leads back to the window (R11).
    pub(crate) fn has_tray(&self) -> bool {
        self.tray.load(Ordering::Relaxed)
    }

    pub(crate) fn set_tray(&self, there: bool) {
        self.tray.store(there, Ordering::Relaxed);
    }

    pub(crate) fn is_light(&self) -> bool {
        self.light.load(Ordering::Relaxed)
    }

    /// Notes the colour of the panel; the icon follows.
    #[cfg(target_os = "linux")]
    pub(crate) fn set_light(&self, light: bool) {
        if self.light.swap(light, Ordering::Relaxed) != light {
            self.engine.announce();
        }
    }

    /// The language of tray and notifications: the person's choice, else the system's.
    pub(crate) fn language(&self) -> Language {
        let chosen = self.engine.setting("ui.language").ok();
        Language::of(chosen.as_ref().and_then(|setting| setting.value.as_str()))
    }

    /// Whether a yes-or-no setting is on; one that this version does not have is off.
    pub(crate) fn is_on(&self, setting: &str) -> bool {
        self.engine
            .setting(setting)
            .is_ok_and(|setting| setting.value.as_bool() == Some(true))
    }
}

//! Where a program's log lines go: to standard error and into the home's files, through the redactor, at the level of the setting `log.level`
//! (F147).
//!
//! Not the files themselves ([`crate::logs`]). Called once by each program, before its engine opens.

use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt, reload};

use crate::compose::Engine;
use crate::env::Env;
use crate::logs::LogFile;
use crate::redact::{RedactingWriter, Redactor};
use crate::settings::SettingsFile;

/// Rooms whose lines follow the level; everybody else is heard from warnings on.
const ROOMS: [&str; 6] = [
    "engine",
    "gateway",
    "upstream",
    "admin",
    "cli",
    "switchyard_desktop",
];

/// A log that has begun.
#[derive(Debug)]
pub struct Logging {
    level: reload::Handle<Targets, Registry>,
    file: Option<LogFile>,
}

fn filter(level: &str) -> Targets {
    let level: LevelFilter = level.parse().unwrap_or(LevelFilter::INFO);
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(ROOMS.map(|room| (room, level)))
}

impl Logging {
    /// Begins the log of this process; `settings` names its level, `folder` takes its files. Without either, for a home that does not last:
    /// standard error alone, at `info`. A folder that cannot be written to is told there.
    #[must_use]
    pub fn begin(settings: Option<&Path>, env: &Env, folder: Option<&Path>) -> Self {
        let level = settings
            .and_then(|file| SettingsFile::open(file.to_path_buf(), env.clone(), &[]).ok())
            .map_or("info", |settings| settings.current().settings.log.level);
        let (filter, level) = reload::Layer::new(filter(level));
        let to_stderr = fmt::layer()
            .with_ansi(false)
            .with_writer(|| RedactingWriter::new(std::io::stderr(), Redactor::default()));
        let (file, problem) = match folder.map(LogFile::open) {
            Some(Ok(file)) => (Some(file), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let to_file = file.clone().map(|file| {
            fmt::layer()
                .with_ansi(false)
                .with_writer(move || file.clone())
        });
        // A process has one log: where a test has set its own, that stays.
        let _ = tracing_subscriber::registry()
            .with(filter)
            .with(to_stderr)
            .with(to_file)
            .try_init();
        if let Some(error) = problem {
            tracing::warn!(%error, "no log file can be written");
        }
        Self { level, file }
    }
}

impl Engine {
    /// Keeps the log files within their age and the level as it is set, as long as the engine runs.
    pub fn keep_log(self: &Arc<Self>, log: Logging) {
        let Logging { level, file } = log;
        if let Some(file) = file {
            self.keep_logs(file);
        }
        let mut changes = self.changes();
        let engine = Arc::downgrade(self);
        self.tasks.run(async move {
            let mut in_force = None;
            loop {
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                let wanted = engine.setting("log.level").ok();
                drop(engine);
                let wanted = wanted.and_then(|set| set.value.as_str().map(str::to_owned));
                if wanted != in_force {
                    if let Some(wanted) = &wanted {
                        let _ = level.reload(filter(wanted));
                    }
                    in_force = wanted;
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        });
    }
}

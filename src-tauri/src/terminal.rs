//! What the application says to the terminal it was started from: the welcome, log lines and complaints. The only place that writes there.
//!
//! Log lines pass the redactor. A terminal that is not there, or gone, is no error.

use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use engine::EngineError;
use engine::env::Env;
use engine::home::Home;
use engine::logs::LogFile;
use engine::redact::{RedactingWriter, Redactor, redact};
use engine::settings::SettingsFile;

/// Why the application does not start.
pub(crate) struct Failure {
    /// What happened and what to do.
    message: String,
    /// As the command line's (cli.md): 4 for a home in use or newer, 5 for a vault that does not open.
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// What happened and what to do, without secrets.
    pub(crate) fn text(&self) -> String {
        redact(&self.message).into_owned()
    }

    /// Says it, and is the process's exit code.
    pub(crate) fn say(&self) -> ExitCode {
        note(&self.text());
        ExitCode::from(self.code)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            error if error.is_home_locked() => 4,
            EngineError::Vault(_) => 5,
            _ => 1,
        };
        Self {
            message: error.to_string(),
            code,
        }
    }
}

/// The welcome of a gateway that listens; the key only where it was asked for.
pub(crate) fn welcome(welcome: &engine::Welcome) {
    for text in &welcome.notes {
        note(text);
    }
    let mut out = std::io::stdout().lock();
    for line in &welcome.lines {
        let _ = writeln!(out, "{line}");
    }
    let _ = out.flush();
}

/// A word for people.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Sends log lines to standard error and to the home's log files, at the level of the home's settings. Gives the files, for their upkeep.
pub(crate) fn log(home: &Home, env: &Env) -> Option<LogFile> {
    let level = SettingsFile::open(home.settings(), env.clone(), &[])
        .map_or("info", |settings| settings.current().settings.log.level);
    let level: LevelFilter = level.parse().unwrap_or(LevelFilter::INFO);
    let rooms = [
        "engine",
        "gateway",
        "upstream",
        "admin",
        "switchyard_desktop",
    ];
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(rooms.map(|room| (room, level)));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(|| RedactingWriter::new(std::io::stderr(), Redactor::default()));
    let opened = LogFile::open(&home.logs());
    let file = opened.as_ref().ok().cloned();
    let to_file = file.clone().map(|file| {
        tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(move || file.clone())
    });
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(to_file)
        .try_init();
    if let Err(error) = opened {
        tracing::warn!(%error, "no log file can be written");
    }
    file
}

/// From now on panics are log lines too: redacted, and silent before [`log`].
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

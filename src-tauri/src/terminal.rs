//! What the application says to the terminal it was started from: the welcome and complaints. The only place beside the log that writes there.
//!
//! A terminal that is not there, or gone, is no error.

use std::io::Write;
use std::process::ExitCode;

use engine::EngineError;
use engine::redact::redact;

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

/// From now on panics are log lines too: redacted, and silent before there is a log.
pub(crate) fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

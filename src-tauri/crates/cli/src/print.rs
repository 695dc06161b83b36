//! The only place that writes to the terminal: results on stdout, words for people on stderr.

use std::io::Write;

/// A result. A reader that has gone away is no error of ours.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A word for people.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

//! How a command ends: the exit codes that scripts rely on. Returned by `main` alone.

use std::process::ExitCode;

/// How a command ended. The numbers are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The arguments are wrong, or ask for something that is not there yet.
    Usage = 2,
    /// What was asked for does not exist.
    NotFound = 3,
    /// Another instance holds the home, or a newer version has written it.
    HomeLocked = 4,
    /// The vault cannot be opened.
    VaultLocked = 5,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_documented_ones() {
        let all = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::HomeLocked,
            Exit::VaultLocked,
        ];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 5]);
    }
}

//! What can go wrong with a vault, in words that say what to do. No variant can carry a secret.

use std::path::PathBuf;

/// Why a vault could not do what it was asked. Every message names the way out.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No keychain answers here (no D-Bus session, no provider, no default collection).
    #[error(
        "no keychain answers: {why}. Two ways out: start one (on Linux a Secret Service such as gnome-keyring or KWallet in this login session, \
         with a default keyring), or choose the passphrase-encrypted file with SWITCHYARD_VAULT=file and its passphrase in SWITCHYARD_PASSPHRASE or on stdin"
    )]
    Unavailable {
        /// What was tried and how it failed.
        why: String,
    },
    /// The keychain is there but locked, and was not unlocked within the time limit.
    #[error(
        "the keychain is locked: unlock it (answer its prompt, or log in to the desktop session) and try again"
    )]
    Locked,
    /// The person or the system refused access.
    #[error(
        "access to the keychain was refused ({why}): allow Switchyard in the keychain's prompt or settings and try again"
    )]
    Denied {
        /// The system's own words.
        why: String,
    },
    /// The passphrase does not open this vault file.
    #[error("wrong passphrase for {}: give the one the file was made with (SWITCHYARD_PASSPHRASE or stdin)", path.display())]
    WrongPassphrase {
        /// The vault file, left as it is.
        path: PathBuf,
    },
    /// The file vault was chosen without a passphrase.
    #[error("the file vault needs a passphrase: set SWITCHYARD_PASSPHRASE or give it on stdin")]
    NoPassphrase,
    /// What is stored cannot be read. It is left as it is.
    #[error(
        "{what} cannot be read ({why}). It was left untouched: restore it from a backup, or move it away and sign in again"
    )]
    Corrupt {
        /// Which file or item.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The vault file was written by a newer Switchyard.
    #[error("{} was written by a newer Switchyard (format {found}, this one knows {known}): use that version", path.display())]
    Newer {
        /// The vault file, left as it is.
        path: PathBuf,
        /// Its format number.
        found: u16,
        /// The highest format number known here.
        known: u16,
    },
    /// Another process wrote the vault file after it was opened here.
    #[error("{} was changed by another program since it was opened: stop the other one and start again", path.display())]
    ChangedElsewhere {
        /// The vault file, left as the other process wrote it.
        path: PathBuf,
    },
    /// The secret is longer than any vault takes.
    #[error(
        "the secret is too large for the vault (limit {limit} bytes): check what was pasted or imported"
    )]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The item name has characters or a length that not every vault can hold.
    #[error("a vault item name must be 1 to 128 letters, digits or - _ . : @")]
    BadName,
    /// The file system refused.
    #[error("{doing} {} failed: {source}. Check free space and permissions of the home folder", path.display())]
    Io {
        /// What was being done, as a verb in -ing form.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The system gave no random bytes or no thread, or a computation failed that cannot fail.
    #[error("the system could not {doing}: try again, and restart the computer if it stays")]
    System {
        /// What was asked of it.
        doing: &'static str,
    },
}

impl VaultError {
    /// True where the person can open the vault by unlocking it or by giving the right passphrase (exit code 5 of the command line).
    pub fn is_locked(&self) -> bool {
        matches!(
            self,
            Self::Locked | Self::Denied { .. } | Self::WrongPassphrase { .. } | Self::NoPassphrase
        )
    }
}

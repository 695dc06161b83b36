//! Where credentials live: the operating system's keychain (F23), a passphrase-encrypted file (F24), or memory.
//!
//! One named item per account, and a few items beside accounts (the gateway keys, say). The vault knows names and secrets, not what a
//! secret is made of. It is not a cache, does no network, and never writes a secret anywhere in plain text.
//!
//! Every call blocks (a keychain may ask the person something): the engine calls from a blocking task. The caller holds the lock on the
//! home folder; two processes writing one vault at once is an error that the file vault notices and refuses.

mod durable;
mod error;
mod file;
mod items;
mod keychain;
mod memory;
mod split;

#[cfg(test)]
mod contract;

use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;

pub use error::VaultError;
pub use file::{FILE_NAME, FileVault};
pub use keychain::{HOME_MARK_FILE, KeychainVault, SERVICE};
pub use memory::MemoryVault;

/// Longest secret a vault takes, in bytes of UTF-8. A Codex credential is about 6 KiB; anything near this limit is a mistake.
pub const MAX_SECRET_BYTES: usize = 128 * 1024;

/// Longest item name, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// A place that keeps secrets under names.
///
/// Contract, the same for every kind: `get` of a name never put (or deleted) is `None`; `put` replaces whole, and when it fails the value
/// from before is still readable; `delete` of an absent name succeeds; a returned `Ok` means durable.
/// Names are 1–128 bytes of `A–Z a–z 0–9 - _ . : @`.
pub trait Vault: Send + Sync {
    /// The secret stored under `name`, if there is one.
    fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError>;
    /// Stores `secret` under `name`, replacing what was there.
    fn put(&self, name: &str, secret: &SecretString) -> Result<(), VaultError>;
    /// Stores several at once, as one write where the vault has such a thing (F7). After an error some of them may be stored.
    fn put_all(&self, items: &[(String, SecretString)]) -> Result<(), VaultError> {
        items
            .iter()
            .try_for_each(|(name, secret)| self.put(name, secret))
    }
    /// Removes the item. Only ever called because a person asked for it (F19).
    fn delete(&self, name: &str) -> Result<(), VaultError>;
    /// Which kind of vault this is, for status pages.
    fn kind(&self) -> VaultKind;
}

/// Which vault the person chose (`SWITCHYARD_VAULT`). There is no automatic choice: falling back would hide that no keychain answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultChoice {
    /// The operating system's keychain.
    Keychain,
    /// One passphrase-encrypted file in the home folder.
    File,
    /// Process memory: demo homes and tests.
    Memory,
}

impl VaultChoice {
    /// The word used in settings and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl std::str::FromStr for VaultChoice {
    type Err = UnknownVaultChoice;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "keychain" => Ok(Self::Keychain),
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory),
            _ => Err(UnknownVaultChoice),
        }
    }
}

/// The word is not a vault choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the vault must be `keychain` or `file`")]
pub struct UnknownVaultChoice;

/// What an opened vault turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultKind {
    /// Secret Service over D-Bus (Linux).
    SecretService,
    /// The login keychain (macOS).
    MacosKeychain,
    /// Credential Manager (Windows).
    WindowsCredentialManager,
    /// The passphrase-encrypted file.
    File,
    /// Process memory.
    Memory,
}

impl VaultKind {
    /// Name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecretService => "Secret Service",
            Self::MacosKeychain => "macOS Keychain",
            Self::WindowsCredentialManager => "Windows Credential Manager",
            Self::File => "passphrase file",
            Self::Memory => "memory",
        }
    }
}

/// How long one keychain call may take before it counts as locked. A locked Secret Service waits for its prompt for ever, also where nobody
/// can see the prompt; on macOS a person must have time to answer a dialog.
pub const KEYCHAIN_TIME_LIMIT: Duration =
    Duration::from_secs(if cfg!(target_os = "macos") { 60 } else { 10 });

/// Opens the chosen vault for this home folder, which must exist.
///
/// The keychain is asked one harmless question, so that "none answers" is said now and not at the first sign-in. The file vault derives its
/// key here, once (ten milliseconds and 7 MiB by design); `passphrase` is used by no other choice.
pub fn open(
    choice: VaultChoice,
    home: &Path,
    passphrase: Option<SecretString>,
) -> Result<Box<dyn Vault>, VaultError> {
    Ok(match choice {
        VaultChoice::Keychain => Box::new(KeychainVault::open(home, KEYCHAIN_TIME_LIMIT)?),
        VaultChoice::File => Box::new(FileVault::open(
            home,
            &passphrase.ok_or(VaultError::NoPassphrase)?,
        )?),
        VaultChoice::Memory => Box::new(MemoryVault::default()),
    })
}

/// Refuses names that some back end could not hold or could confuse with a part of another item.
pub(crate) fn check_name(name: &str) -> Result<(), VaultError> {
    let fits = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:@".contains(&b));
    if fits {
        Ok(())
    } else {
        Err(VaultError::BadName)
    }
}

/// Refuses secrets that are absurdly long before any back end sees them.
pub(crate) fn check_size(secret: &SecretString) -> Result<(), VaultError> {
    use secrecy::ExposeSecret;
    if secret.expose_secret().len() > MAX_SECRET_BYTES {
        return Err(VaultError::TooLarge {
            limit: MAX_SECRET_BYTES,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F24: the choice is explicit, and the file vault does not open without a passphrase.
    #[test]
    fn the_choice_is_taken_at_its_word() {
        let home = tempfile::tempdir().unwrap();
        for choice in [
            VaultChoice::Keychain,
            VaultChoice::File,
            VaultChoice::Memory,
        ] {
            assert_eq!(choice.as_str().parse(), Ok(choice));
        }
        for word in ["", "auto", "Keychain", "plain"] {
            assert_eq!(word.parse::<VaultChoice>(), Err(UnknownVaultChoice));
        }
        assert_eq!(
            open(VaultChoice::Memory, home.path(), None).unwrap().kind(),
            VaultKind::Memory
        );
        for passphrase in [None, Some(SecretString::from(""))] {
            let error = open(VaultChoice::File, home.path(), passphrase)
                .err()
                .unwrap();
            assert!(matches!(error, VaultError::NoPassphrase) && error.is_locked());
        }
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

//! The passphrase-encrypted vault file (F24): Argon2id derives a key, XChaCha20-Poly1305 seals all items in one file, mode 0600.
//!
//! The key is derived once, at open. A file that could not be opened is never written over; every write replaces the file in one step.
//! Chosen by the person, never a fallback. Not for sharing: the home folder's lock keeps a second process out, and a write refuses when the
//! file is no longer the one that was read.

mod blocks;
mod format;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use crate::{Vault, VaultError, VaultKind, check_name, check_size, durable};
use format::{Header, Sealer};

/// Name of the vault file in the home folder.
pub const FILE_NAME: &str = "vault.sealed";

/// The opened vault file.
pub struct FileVault {
    path: PathBuf,
    sealer: Sealer,
    contents: Mutex<Contents>,
}

struct Contents {
    items: BTreeMap<String, SecretString>,
    /// Header of the file as we read or wrote it; `None` while there is no file. Its nonce is new in every write, so it tells versions apart.
    on_disk: Option<Header>,
}

impl FileVault {
    /// Opens the home's vault file, or prepares a new one that the first put will write.
    pub fn open(home: &Path, passphrase: &SecretString) -> Result<Self, VaultError> {
        Self::open_with(home, passphrase, format::Cost::STANDARD)
    }

    /// `cost` is for a new file; an existing file names its own.
    fn open_with(
        home: &Path,
        passphrase: &SecretString,
        cost: format::Cost,
    ) -> Result<Self, VaultError> {
        if passphrase.expose_secret().is_empty() {
            return Err(VaultError::NoPassphrase);
        }
        let path = home.join(FILE_NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let sealer = Sealer::new(passphrase, cost)?;
                return Ok(Self {
                    path,
                    sealer,
                    contents: Mutex::new(Contents {
                        items: BTreeMap::new(),
                        on_disk: None,
                    }),
                });
            }
            Err(source) => {
                return Err(VaultError::Io {
                    doing: "reading",
                    path,
                    source,
                });
            }
        };
        let (header, sealed) = Header::parse(&path, &bytes)?;
        let sealer = Sealer::for_file(&path, passphrase, &header)?;
        let items = sealer.unseal(&path, &header, sealed)?;
        tighten(&path)?;
        Ok(Self {
            path,
            sealer,
            contents: Mutex::new(Contents {
                items,
                on_disk: Some(header),
            }),
        })
    }

    /// Writes the changed items first and keeps them in memory only when they are on disk.
    fn change(
        &self,
        alter: impl FnOnce(&mut BTreeMap<String, SecretString>),
    ) -> Result<(), VaultError> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_unchanged(contents.on_disk.as_ref())?;
        let mut items = contents.items.clone();
        alter(&mut items);
        let (header, bytes) = self.sealer.seal(&items)?;
        durable::replace(&self.path, &bytes)?;
        *contents = Contents {
            items,
            on_disk: Some(header),
        };
        Ok(())
    }

    /// A vanished file is written again from memory (nothing is lost by that); a different one is somebody else's.
    fn check_unchanged(&self, ours: Option<&Header>) -> Result<(), VaultError> {
        let found = match format::read_header_bytes(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(VaultError::Io {
                    doing: "reading",
                    path: self.path.clone(),
                    source,
                });
            }
        };
        match ours {
            Some(header) if header.bytes().as_slice() == found.as_slice() => Ok(()),
            _ => Err(VaultError::ChangedElsewhere {
                path: self.path.clone(),
            }),
        }
    }
}

impl Vault for FileVault {
    fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        check_name(name)?;
        Ok(self
            .contents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .items
            .get(name)
            .cloned())
    }

    fn put(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        check_name(name)?;
        check_size(secret)?;
        self.change(|items| {
            items.insert(name.to_owned(), secret.clone());
        })
    }

    fn put_all(&self, added: &[(String, SecretString)]) -> Result<(), VaultError> {
        for (name, secret) in added {
            check_name(name)?;
            check_size(secret)?;
        }
        self.change(|items| items.extend(added.iter().cloned()))
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        check_name(name)?;
        if self.get(name)?.is_none() {
            return Ok(());
        }
        self.change(|items| {
            items.remove(name);
        })
    }

    fn kind(&self) -> VaultKind {
        VaultKind::File
    }
}

/// A file copied back from a backup may have become readable for others.
#[cfg(unix)]
fn tighten(path: &Path) -> Result<(), VaultError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| VaultError::Io {
        doing: "protecting",
        path: path.to_owned(),
        source,
    };
    let mode = std::fs::metadata(path)
        .map_err(failed)?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(())
}

/// Elsewhere the file inherits the access list of the home folder.
#[cfg(not(unix))]
fn tighten(_path: &Path) -> Result<(), VaultError> {
    Ok(())
}

#[cfg(test)]
mod tests;

//! The platform's credential store behind keyring-core. Connects, reads, writes and names errors; everything else is `keychain`'s.
//!
//! The Linux part is tested against a real Secret Service. The macOS and Windows parts are compiled but have not been run by the project's
//! own tests: they use the same few calls of the same library.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error as KeyringError};
use zeroize::Zeroizing;

use super::{Platform, SERVICE};
use crate::items::Items;
use crate::{VaultError, VaultKind};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod native;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod native;
#[cfg(windows)]
#[path = "windows.rs"]
mod native;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
#[path = "nothing.rs"]
mod native;

/// The keychain of the system this was built for.
pub(super) struct Native;

impl Platform for Native {
    fn connect(&self) -> Result<Arc<dyn Items>, VaultError> {
        Ok(Arc::new(StoreItems {
            store: native::connect()?,
        }))
    }

    fn locked(&self) -> Option<bool> {
        native::locked()
    }

    fn kind(&self) -> VaultKind {
        native::KIND
    }
}

/// One connection to the credential store.
struct StoreItems {
    store: Arc<CredentialStore>,
}

impl StoreItems {
    fn entry(&self, name: &str) -> Result<Entry, VaultError> {
        let label = format!("Switchyard {name}");
        let modifiers: HashMap<&str, &str> = native::modifiers(&label).into_iter().collect();
        self.store
            .build(SERVICE, name, Some(&modifiers))
            .map_err(|error| explain(name, error))
    }
}

impl Items for StoreItems {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self.entry(name)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(explain(name, error)),
        }
    }

    fn write(&self, name: &str, value: &[u8]) -> Result<(), VaultError> {
        self.entry(name)?
            .set_secret(value)
            .map_err(|error| explain(name, error))
    }

    fn erase(&self, name: &str) -> Result<bool, VaultError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(KeyringError::NoEntry) => Ok(false),
            Err(error) => Err(explain(name, error)),
        }
    }

    fn limit(&self) -> Option<usize> {
        native::LIMIT
    }
}

/// The library's error in our words. Variants that carry stored bytes are never printed.
fn explain(name: &str, error: KeyringError) -> VaultError {
    let corrupt = |why: &str| VaultError::Corrupt {
        what: format!("the keychain item {name}"),
        why: why.to_owned(),
    };
    match error {
        KeyringError::PlatformFailure(cause) | KeyringError::NoStorageAccess(cause) => {
            native::explain(cause.as_ref())
        }
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => {
            corrupt("the keychain could not decode it")
        }
        KeyringError::BadStoreFormat(_) => corrupt("the keychain itself is damaged"),
        KeyringError::Ambiguous(_) => corrupt(
            "the keychain holds it twice; remove one of the two in the keychain application",
        ),
        KeyringError::TooLong(_, limit) => VaultError::TooLarge {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
        },
        // The rest cannot come from the calls made here; the name of the failure is all there is to say.
        _ => VaultError::Unavailable {
            why: "the keychain library refused the call".to_owned(),
        },
    }
}

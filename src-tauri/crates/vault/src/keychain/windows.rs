//! Credential Manager of Windows.

use std::error::Error;
use std::sync::Arc;

use keyring_core::CredentialStore;
use windows_native_keyring_store::Store;

use crate::{VaultError, VaultKind};

pub(super) const KIND: VaultKind = VaultKind::WindowsCredentialManager;

/// CRED_MAX_CREDENTIAL_BLOB_SIZE: bytes per credential. We store UTF-8 bytes, not UTF-16, so it is bytes here too.
pub(super) const LIMIT: Option<usize> = Some(2560);

/// Credentials stay on this computer: by default they would roam with the person's domain profile.
pub(super) fn modifiers(_label: &str) -> [(&'static str, &str); 1] {
    [("persistence", "Local")]
}

pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
    let store: Arc<CredentialStore> =
        Store::new().map_err(|error| super::explain("connection", error))?;
    Ok(store)
}

/// Open whenever the person is logged in; there is no prompt to hang at.
pub(super) fn locked() -> Option<bool> {
    Some(false)
}

pub(super) fn explain(cause: &(dyn Error + Send + Sync + 'static)) -> VaultError {
    VaultError::Unavailable {
        why: format!("Credential Manager did not answer ({cause})"),
    }
}

//! The login keychain of macOS.

use std::error::Error;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::CredentialStore;

use crate::{VaultError, VaultKind};

pub(super) const KIND: VaultKind = VaultKind::MacosKeychain;

/// Items have no size limit that a credential would reach.
pub(super) const LIMIT: Option<usize> = None;

/// Keychain items are named by service and account alone.
pub(super) fn modifiers(_label: &str) -> [(&'static str, &str); 0] {
    []
}

pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
    let store: Arc<CredentialStore> =
        Store::new().map_err(|error| super::explain("connection", error))?;
    Ok(store)
}

/// Cannot be asked without touching an item.
pub(super) fn locked() -> Option<bool> {
    None
}

pub(super) fn explain(cause: &(dyn Error + Send + Sync + 'static)) -> VaultError {
    // Result codes of Security.framework (SecBase.h).
    match cause
        .downcast_ref::<security_framework::base::Error>()
        .map(|error| error.code())
    {
        // errSecInteractionNotAllowed, errSecInteractionRequired: locked, and no dialog may be shown (a remote or boot session).
        Some(-25308 | -25315) => VaultError::Locked,
        // errSecAuthFailed, errSecUserCanceled, wrPermErr, errSecInvalidOwnerEdit, errSecReadOnly
        Some(-25293 | -128 | -61 | -25244 | -25292) => VaultError::Denied {
            why: cause.to_string(),
        },
        _ => VaultError::Unavailable {
            why: format!("the macOS keychain did not answer ({cause})"),
        },
    }
}

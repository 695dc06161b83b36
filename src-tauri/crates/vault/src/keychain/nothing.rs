//! Systems without a keychain that this project knows: every call says so.

use std::error::Error;
use std::sync::Arc;

use keyring_core::CredentialStore;

use crate::{VaultError, VaultKind};

pub(super) const KIND: VaultKind = VaultKind::SecretService;
pub(super) const LIMIT: Option<usize> = None;

pub(super) fn modifiers(_label: &str) -> [(&'static str, &str); 0] {
    []
}

pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
    Err(VaultError::Unavailable {
        why: "this system has no keychain that Switchyard knows".to_owned(),
    })
}

pub(super) fn locked() -> Option<bool> {
    None
}

pub(super) fn explain(cause: &(dyn Error + Send + Sync + 'static)) -> VaultError {
    VaultError::Unavailable {
        why: cause.to_string(),
    }
}

//! Secret Service over the session's D-Bus (gnome-keyring, KWallet, KeePassXC).

use std::error::Error;
use std::sync::Arc;

use keyring_core::CredentialStore;
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};
use zbus_secret_service_keyring_store::Store;

use crate::{VaultError, VaultKind};

pub(super) const KIND: VaultKind = VaultKind::SecretService;

/// Items have no size limit of their own.
pub(super) const LIMIT: Option<usize> = None;

/// What a person sees in the keyring application.
pub(super) fn modifiers(label: &str) -> [(&'static str, &str); 1] {
    [("label", label)]
}

/// Connects. Without a default collection the first write would fail with words nobody understands, so that is asked here.
pub(super) fn connect() -> Result<Arc<CredentialStore>, VaultError> {
    let probe = SecretService::connect(EncryptionType::Plain).map_err(|error| explain(&error))?;
    probe
        .get_default_collection()
        .map_err(|error| explain(&error))?;
    let store: Arc<CredentialStore> =
        Store::new().map_err(|error| super::explain("connection", error))?;
    Ok(store)
}

/// Whether the default collection is locked; asking does not prompt.
pub(super) fn locked() -> Option<bool> {
    let service = SecretService::connect(EncryptionType::Plain).ok()?;
    service.get_default_collection().ok()?.is_locked().ok()
}

pub(super) fn explain(cause: &(dyn Error + Send + Sync + 'static)) -> VaultError {
    let unavailable = |why: String| VaultError::Unavailable { why };
    match cause.downcast_ref::<ServiceError>() {
        // A dismissed prompt leaves the collection locked; so does a prompt that no display could show.
        Some(ServiceError::Locked | ServiceError::Prompt | ServiceError::PromptDisconnected) => {
            VaultError::Locked
        }
        Some(ServiceError::NoResult) => {
            unavailable("the Secret Service has no default keyring".to_owned())
        }
        Some(ServiceError::Unavailable) => unavailable(
            "no Secret Service on this session's D-Bus, or no session D-Bus at all".to_owned(),
        ),
        _ if cause
            .to_string()
            .contains("org.freedesktop.Secret.Error.IsLocked") =>
        {
            VaultError::Locked
        }
        _ => unavailable(format!("the Secret Service did not answer ({cause})")),
    }
}

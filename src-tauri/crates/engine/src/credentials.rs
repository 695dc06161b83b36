//! Upstream's credential store over the vault: one item per account, written before the new token is used (F17).

use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use pool::AccountId;
use upstream::{Credential, CredentialError, CredentialStore};
use vault::Vault;

use crate::error::EngineError;
use crate::tasks::Tasks;

/// Vault items of accounts carry this prefix, so that they never meet the other items.
pub(crate) fn item(id: &AccountId) -> String {
    format!("account-{id}")
}

/// A vault that may still be opening. Until it is open it counts as locked.
pub(crate) type LateVault = Arc<OnceLock<Arc<dyn Vault>>>;

/// See the module.
pub(crate) struct VaultCredentials {
    vault: LateVault,
    tasks: Tasks,
}

impl VaultCredentials {
    pub(crate) fn new(vault: LateVault, tasks: Tasks) -> Self {
        Self { vault, tasks }
    }

    fn opened(&self) -> Result<Arc<dyn Vault>, CredentialError> {
        self.vault.get().cloned().ok_or(CredentialError::Locked)
    }
}

impl CredentialStore for VaultCredentials {
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        let name = item(id);
        Box::pin(async move {
            let vault = self.opened()?;
            let secret = self
                .tasks
                .blocking(move || vault.get(&name))
                .await
                .map_err(broken)?
                .map_err(refused)?;
            let read = |secret| {
                Credential::from_json(&secret)
                    .map_err(|error| CredentialError::Unreadable(error.to_string()))
            };
            secret.map(read).transpose()
        })
    }

    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        let name = item(id);
        let secret = credential.to_json();
        Box::pin(async move {
            let vault = self.opened()?;
            self.tasks
                .blocking(move || vault.put(&name, &secret))
                .await
                .map_err(broken)?
                .map_err(refused)
        })
    }
}

fn broken(error: EngineError) -> CredentialError {
    CredentialError::Unavailable(error.to_string())
}

fn refused(error: vault::VaultError) -> CredentialError {
    if error.is_locked() {
        CredentialError::Locked
    } else {
        CredentialError::Unavailable(error.to_string())
    }
}

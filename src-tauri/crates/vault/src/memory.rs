//! The vault in process memory, for demo homes and tests. Gone with the process; never a fallback for anything.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

use crate::{Vault, VaultError, VaultKind, check_name, check_size};

/// Secrets in a map.
#[derive(Default)]
pub struct MemoryVault {
    items: Mutex<BTreeMap<String, SecretString>>,
}

impl Vault for MemoryVault {
    fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        check_name(name)?;
        Ok(self
            .items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned())
    }

    fn put(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        check_name(name)?;
        check_size(secret)?;
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        check_name(name)?;
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        Ok(())
    }

    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_holds() {
        crate::contract::check(&MemoryVault::default());
    }
}

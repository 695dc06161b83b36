//! The seam below the keychain vault: a platform store as raw named items. Used by the split layer and the keychain, never from outside.

use zeroize::Zeroizing;

use crate::VaultError;

/// Bytes under names, as a platform's credential store keeps them.
pub(crate) trait Items: Send + Sync {
    /// The bytes stored under `name`.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Stores `value` under `name`; one call is atomic.
    fn write(&self, name: &str, value: &[u8]) -> Result<(), VaultError>;
    /// Removes `name`; true when it was there.
    fn erase(&self, name: &str) -> Result<bool, VaultError>;
    /// The most bytes one item can hold, where the platform has such a limit.
    fn limit(&self) -> Option<usize>;
}

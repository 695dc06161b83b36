//! What can go wrong in a use case, named for what the caller can do about it.

use crate::home::HomeError;
use crate::settings::SettingsError;

/// Every text says what to do and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The home cannot be used (exit code 4 when another instance holds it).
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A setting is wrong; the old value stays.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The vault does not open or does not take a secret (exit code 5 when it is locked).
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// The database does not open or does not take a change (exit code 4 when it is newer than this program).
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// An address or header of the settings cannot be used.
    #[error(transparent)]
    Upstream(#[from] upstream::ConfigError),
    /// A file to import cannot be read as one.
    #[error(transparent)]
    Import(#[from] crate::import::ImportError),
    /// Nothing has that id or name.
    #[error("{0}")]
    NotFound(String),
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// No port could be bound.
    #[error(
        "cannot listen on {address}: {source}; choose another port with --port or the setting server.port"
    )]
    Listen {
        /// What was tried.
        address: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A provider refused or could not be reached.
    #[error("{0}")]
    Provider(String),
    /// A background task broke; its log line says more.
    #[error("an internal task ended unexpectedly")]
    Internal,
}

impl EngineError {
    /// Whether the home is locked, or newer than this program.
    pub fn is_home_locked(&self) -> bool {
        matches!(
            self,
            Self::Home(HomeError::InUse { .. }) | Self::Store(store::StoreError::Newer { .. })
        )
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NotFound(_) | Self::Settings(SettingsError::Unknown { .. })
        )
    }

    /// Whether the vault needs a person to unlock it.
    pub fn is_vault_locked(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_locked())
    }
}

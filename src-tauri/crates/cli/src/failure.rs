//! Why a command ends without having done what was asked: a text for people and an exit code for scripts.

use crate::exit::Exit;
use engine::EngineError;
use http::StatusCode;
use serde_json::Value;

/// See the module.
#[derive(Debug)]
pub(crate) struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
        }
    }

    /// An error answer of the admin API, as if it had happened here.
    pub(crate) fn from_admin(status: StatusCode, body: &Value) -> Self {
        let message = body["error"]["message"]
            .as_str()
            .unwrap_or("the instance could not do it; its log says more")
            .to_owned();
        let exit = match status {
            StatusCode::NOT_FOUND => Exit::NotFound,
            StatusCode::LOCKED => Exit::VaultLocked,
            StatusCode::CONFLICT => Exit::HomeLocked,
            _ => Exit::Failed,
        };
        Self { exit, message }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            error if error.is_not_found() => Exit::NotFound,
            error if error.is_home_locked() => Exit::HomeLocked,
            error if error.is_vault_locked() => Exit::VaultLocked,
            // A vault that does not open, for whatever reason, is what scripts ask for by this number.
            EngineError::Vault(_) => Exit::VaultLocked,
            _ => Exit::Failed,
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            exit: Exit::Failed,
            message: format!("{error:#}"),
        }
    }
}

//! Errors on their way out: a status and a code a program can act on, and a text a person can. The codes are a closed list.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use serde::Serialize;
use utoipa::ToSchema;

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    /// Nothing has that id or name.
    NotFound,
    /// The request itself is wrong; the message names the field.
    Invalid,
    /// A provider refused or could not be reached.
    Provider,
    /// The vault needs the person to unlock it.
    VaultLocked,
    /// Another instance holds the home, or it is of a newer version.
    HomeLocked,
    /// The token of the console is missing or wrong.
    Unauthorized,
    /// Not over this transport, or not from that page.
    Forbidden,
    /// This version cannot do it yet.
    NotBuilt,
    /// Something broke inside; the log says more.
    Failed,
}

/// The body of every error answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorAnswer {
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    pub code: ErrorCode,
    /// What went wrong and what to do, for people.
    pub message: String,
    /// The one thing to do about it, as a code such as `unlock_vault`.
    pub action: Option<String>,
}

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct AdminError {
    code: ErrorCode,
    message: String,
}

impl AdminError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// For what the contract names and the program cannot do yet.
    pub(crate) fn not_built(what: &str) -> Self {
        Self::new(
            ErrorCode::NotBuilt,
            format!("{what} is not there yet in this version"),
        )
    }
}

impl From<EngineError> for AdminError {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::NotFound(_) => ErrorCode::NotFound,
            EngineError::Invalid(_)
            | EngineError::Import(_)
            | EngineError::Settings(_)
            | EngineError::Upstream(_) => ErrorCode::Invalid,
            EngineError::Provider(_) => ErrorCode::Provider,
            error if error.is_vault_locked() => ErrorCode::VaultLocked,
            error if error.is_home_locked() => ErrorCode::HomeLocked,
            _ => ErrorCode::Failed,
        };
        Self::new(code, error.to_string())
    }
}

impl ErrorCode {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Provider => StatusCode::BAD_GATEWAY,
            Self::VaultLocked => StatusCode::LOCKED,
            Self::HomeLocked => StatusCode::CONFLICT,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotBuilt => StatusCode::NOT_IMPLEMENTED,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn action(self) -> Option<&'static str> {
        match self {
            Self::VaultLocked => Some("unlock_vault"),
            Self::HomeLocked => Some("close_other_instance"),
            Self::Unauthorized => Some("log_in"),
            Self::Provider => Some("try_again"),
            Self::Failed => Some("open_log"),
            Self::NotFound | Self::Invalid | Self::Forbidden | Self::NotBuilt => None,
        }
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let body = ErrorBody {
            code: self.code,
            message: self.message,
            action: self.code.action().map(str::to_owned),
        };
        (self.code.status(), Json(ErrorAnswer { error: body })).into_response()
    }
}

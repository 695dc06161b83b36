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
}

impl From<EngineError> for AdminError {
    /// What providers say may hold anything, so that the last word is the redactor's (F30).
    fn from(error: EngineError) -> Self {
        let code = match &error {
            error if error.is_not_found() => ErrorCode::NotFound,
            EngineError::Invalid(_)
            | EngineError::Import(_)
            | EngineError::Settings(_)
            | EngineError::Upstream(_) => ErrorCode::Invalid,
            EngineError::Provider(_) => ErrorCode::Provider,
            error if error.is_vault_locked() => ErrorCode::VaultLocked,
            error if error.is_home_locked() => ErrorCode::HomeLocked,
            _ => ErrorCode::Failed,
        };
        Self::new(code, engine::redact::redact(&error.to_string()))
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
            Self::NotFound | Self::Invalid | Self::Forbidden => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_code_has_one_status_and_one_shape() {
        use ErrorCode::*;
        let cases = [
            (NotFound, 404, "not_found", None),
            (Invalid, 400, "invalid", None),
            (Provider, 502, "provider", Some("try_again")),
            (VaultLocked, 423, "vault_locked", Some("unlock_vault")),
            (HomeLocked, 409, "home_locked", Some("close_other_instance")),
            (Unauthorized, 401, "unauthorized", Some("log_in")),
            (Forbidden, 403, "forbidden", None),
            (Failed, 500, "failed", Some("open_log")),
        ];
        for (code, status, word, action) in cases {
            let response = AdminError::new(code, "why").into_response();
            assert_eq!(response.status().as_u16(), status, "{word}");
            let body = axum::body::to_bytes(response.into_body(), 1 << 10)
                .await
                .unwrap();
            let expected =
                serde_json::json!({"error": {"code": word, "message": "why", "action": action}});
            assert_eq!(
                serde_json::from_slice::<serde_json::Value>(&body).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn f30_what_a_provider_said_passes_the_redactor() {
        let key = "sk-abcdefghijklmnopqrstuvwxyz0123456789";
        let error = AdminError::from(EngineError::Provider(format!("bad key {key}")));
        assert!(!error.message.contains(key), "{}", error.message);
    }
}

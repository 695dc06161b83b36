//! Engine errors as HTTP answers: a status a program can act on and a text a person can.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::EngineError;

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct AdminError(pub EngineError);

impl From<EngineError> for AdminError {
    fn from(error: EngineError) -> Self {
        Self(error)
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let (status, code) = match &self.0 {
            EngineError::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            EngineError::Invalid(_)
            | EngineError::Import(_)
            | EngineError::Settings(_)
            | EngineError::Upstream(_) => (StatusCode::BAD_REQUEST, "invalid"),
            EngineError::Provider(_) => (StatusCode::BAD_GATEWAY, "provider"),
            error if error.is_vault_locked() => (StatusCode::LOCKED, "vault_locked"),
            error if error.is_home_locked() => (StatusCode::CONFLICT, "home_locked"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
        };
        (
            status,
            Json(serde_json::json!({"error": {"code": code, "message": self.0.to_string()}})),
        )
            .into_response()
    }
}

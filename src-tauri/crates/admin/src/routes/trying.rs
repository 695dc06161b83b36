//! The test page: a prompt through the gateway's own road.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(send))
}

/// Sends a prompt and streams what comes back; it costs quota
#[utoipa::path(post, path = "/try", tag = "try", request_body = dto::TryRequest, responses((status = 200, body = dto::TryEvent, content_type = "text/event-stream")))]
async fn send(
    State(_engine): Engines,
    Json(_request): Json<dto::TryRequest>,
) -> Result<Response, AdminError> {
    Err(AdminError::not_built("the test page"))
}

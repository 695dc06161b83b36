//! What changes, as it changes.

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(events))
}

/// Events as they happen
#[utoipa::path(get, path = "/events", tag = "events", responses((status = 200, body = dto::AdminEvent, content_type = "text/event-stream")))]
async fn events(State(_engine): Engines) -> Result<Response, AdminError> {
    Err(AdminError::not_built("the event stream"))
}

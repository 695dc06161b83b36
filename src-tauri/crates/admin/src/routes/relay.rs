//! What the relay form asks before there is an account (F99, F104).

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(preview))
        .routes(routes!(models))
}

/// Where requests to a base URL will go
#[utoipa::path(post, path = "/relay/preview", tag = "relay", request_body = dto::RelayPreviewRequest, responses((status = 200, body = dto::RelayPreview)))]
async fn preview(
    State(_engine): Engines,
    Json(_request): Json<dto::RelayPreviewRequest>,
) -> Answer<dto::RelayPreview> {
    Err(AdminError::not_built("the preview"))
}

/// Lists what a relay offers; the key is used once and not kept
#[utoipa::path(post, path = "/relay/models", tag = "relay", request_body = dto::RelayModelsRequest, responses((status = 200, body = dto::RelayModels)))]
async fn models(
    State(_engine): Engines,
    Json(_request): Json<dto::RelayModelsRequest>,
) -> Answer<dto::RelayModels> {
    Err(AdminError::not_built("fetching models"))
}

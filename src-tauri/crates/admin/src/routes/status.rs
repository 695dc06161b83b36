//! The state of the whole, the first page, pause and resume.

use axum::Json;
use axum::extract::{Extension, State};
use engine::Engine;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Engines, Routes, Surface};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(status))
        .routes(routes!(overview))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

/// The gateway in one look
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = dto::Status)))]
async fn status(
    State(engine): Engines,
    Extension(surface): Extension<Surface>,
) -> Json<dto::Status> {
    Json(view(&engine, surface))
}

/// The first page in one answer
#[utoipa::path(get, path = "/overview", tag = "status", responses((status = 200, body = dto::Overview)))]
async fn overview(State(_engine): Engines) -> Answer<dto::Overview> {
    Err(AdminError::not_built("the overview"))
}

/// Refuses requests for a while, or until resumed
#[utoipa::path(post, path = "/pause", tag = "status", request_body = dto::PauseRequest, responses((status = 200, body = dto::Status)))]
async fn pause(
    State(_engine): Engines,
    Json(_request): Json<dto::PauseRequest>,
) -> Answer<dto::Status> {
    Err(AdminError::not_built("pausing"))
}

/// Serves again
#[utoipa::path(post, path = "/resume", tag = "status", responses((status = 200, body = dto::Status)))]
async fn resume(State(_engine): Engines) -> Answer<dto::Status> {
    Err(AdminError::not_built("resuming"))
}

fn view(engine: &Engine, surface: Surface) -> dto::Status {
    dto::Status::of(engine.status(), surface)
}

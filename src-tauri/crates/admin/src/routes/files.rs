//! What only the desktop window and the control socket offer: files of this machine. Still no secret in any answer.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(export))
        .routes(routes!(import_files))
}

/// Writes accounts with their secrets into a file only its owner can read
#[utoipa::path(post, path = "/accounts/export", tag = "desktop", request_body = dto::ExportRequest, responses((status = 200, body = dto::Exported)))]
async fn export(
    State(_engine): Engines,
    Json(_request): Json<dto::ExportRequest>,
) -> Answer<dto::Exported> {
    Err(AdminError::not_built("exporting from the window"))
}

/// Imports files, folders or ZIP files
#[utoipa::path(post, path = "/accounts/import/files", tag = "desktop", request_body = dto::ImportFiles, responses((status = 200, body = dto::Import)))]
async fn import_files(
    State(_engine): Engines,
    Json(_request): Json<dto::ImportFiles>,
) -> Answer<dto::Import> {
    Err(AdminError::not_built("importing files"))
}

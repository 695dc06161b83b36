//! Signing in with ChatGPT (F3).

use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(begin))
        .routes(routes!(look, cancel))
        .routes(routes!(paste))
}

/// Begins a sign-in
#[utoipa::path(post, path = "/signin", tag = "signin", request_body = dto::SignInRequest, responses((status = 200, body = dto::SignIn)))]
async fn begin(
    State(_engine): Engines,
    Json(_request): Json<dto::SignInRequest>,
) -> Answer<dto::SignIn> {
    Err(AdminError::not_built("signing in"))
}

/// Where a sign-in stands
#[utoipa::path(get, path = "/signin/{id}", tag = "signin", responses((status = 200, body = dto::SignIn)))]
async fn look(State(_engine): Engines, Path(_id): Path<String>) -> Answer<dto::SignIn> {
    Err(AdminError::not_built("signing in"))
}

/// Takes what the browser ended on
#[utoipa::path(post, path = "/signin/{id}/paste", tag = "signin", request_body = dto::PasteRequest, responses((status = 200, body = dto::SignIn)))]
async fn paste(
    State(_engine): Engines,
    Path(_id): Path<String>,
    Json(_request): Json<dto::PasteRequest>,
) -> Answer<dto::SignIn> {
    Err(AdminError::not_built("signing in"))
}

/// Gives it up
#[utoipa::path(delete, path = "/signin/{id}", tag = "signin", responses((status = 200, body = dto::SignIn)))]
async fn cancel(State(_engine): Engines, Path(_id): Path<String>) -> Answer<dto::SignIn> {
    Err(AdminError::not_built("signing in"))
}

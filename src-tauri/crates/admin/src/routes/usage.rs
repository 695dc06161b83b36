//! Usage: sums by day, and the last 24 hours (F70).

use axum::Json;
use axum::extract::{Query, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Engines, Routes};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(usage))
        .routes(routes!(today))
}

/// Sums over a span of days
#[utoipa::path(get, path = "/usage", tag = "usage", params(dto::UsageQuery), responses((status = 200, body = dto::Usage)))]
async fn usage(
    State(_engine): Engines,
    Query(_query): Query<dto::UsageQuery>,
) -> Answer<dto::Usage> {
    Err(AdminError::not_built("usage"))
}

/// The last 24 hours
#[utoipa::path(get, path = "/usage/today", tag = "usage", responses((status = 200, body = dto::Today)))]
async fn today(State(_engine): Engines) -> Answer<dto::Today> {
    Err(AdminError::not_built("usage"))
}

//! The state of the whole, the first page, pause and resume.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use engine::Engine;

use super::{Answer, Engines, Surface, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; status, overview, pause, resume)
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
async fn overview(
    State(engine): Engines,
    Extension(surface): Extension<Surface>,
) -> Answer<dto::Overview> {
    let today = engine.last_day().await?.into();
    let switches = engine.switches(5).await?;
    let switches = switches.into_iter().map(Into::into).collect();
    let status = view(&engine, surface);
    let accounts = engine.accounts();
    Ok(Json(dto::Overview {
        active: accounts
            .iter()
            .find(|account| account.active)
            .cloned()
            .map(Into::into),
        resets: dto::Reset::of(&accounts),
        attention: accounts.iter().filter_map(dto::Attention::of).collect(),
        status,
        today,
        switches,
    }))
}

/// Refuses requests for a while, or until resumed
#[utoipa::path(post, path = "/pause", tag = "status", request_body = dto::PauseRequest, responses((status = 200, body = dto::Status)))]
async fn pause(
    State(engine): Engines,
    Extension(surface): Extension<Surface>,
    Json(request): Json<dto::PauseRequest>,
) -> Json<dto::Status> {
    engine.pause(request.seconds.map(Duration::from_secs));
    Json(view(&engine, surface))
}

/// Serves again
#[utoipa::path(post, path = "/resume", tag = "status", responses((status = 200, body = dto::Status)))]
async fn resume(
    State(engine): Engines,
    Extension(surface): Extension<Surface>,
) -> Json<dto::Status> {
    engine.resume();
    Json(view(&engine, surface))
}

fn view(engine: &Engine, surface: Surface) -> dto::Status {
    dto::Status::of(engine.status(), surface)
}

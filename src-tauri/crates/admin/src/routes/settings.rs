//! Settings: list, show, change.

use axum::Json;
use axum::extract::{Path, State};

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; settings, setting, set, unset)
}

/// Every setting
#[utoipa::path(get, path = "/settings", tag = "settings", responses((status = 200, body = Vec<dto::Setting>)))]
async fn settings(State(engine): Engines) -> Json<Vec<dto::Setting>> {
    Json(engine.settings().into_iter().map(Into::into).collect())
}

/// One setting
#[utoipa::path(get, path = "/settings/{key}", tag = "settings", responses((status = 200, body = dto::Setting)))]
async fn setting(State(engine): Engines, Path(key): Path<String>) -> Answer<dto::Setting> {
    Ok(Json(engine.setting(&key)?.into()))
}

/// Changes a setting
#[utoipa::path(put, path = "/settings/{key}", tag = "settings", request_body = dto::SettingRequest, responses((status = 200, body = dto::Setting)))]
async fn set(
    State(engine): Engines,
    Path(key): Path<String>,
    Json(request): Json<dto::SettingRequest>,
) -> Answer<dto::Setting> {
    let changed = engine.change_setting(&key, Some(&request.value)).await?;
    Ok(Json(changed.into()))
}

/// Puts a setting back to its default
#[utoipa::path(delete, path = "/settings/{key}", tag = "settings", responses((status = 200, body = dto::Setting)))]
async fn unset(State(engine): Engines, Path(key): Path<String>) -> Answer<dto::Setting> {
    Ok(Json(engine.change_setting(&key, None).await?.into()))
}

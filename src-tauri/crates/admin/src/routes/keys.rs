//! Gateway keys: masked here; the desktop shell and the control socket have their own way to the key itself.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::{AdminError, ErrorCode};

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; keys, add, revoke)
}

/// All gateway keys
#[utoipa::path(get, path = "/keys", tag = "keys", responses((status = 200, body = Vec<dto::Key>)))]
async fn keys(State(engine): Engines) -> Json<Vec<dto::Key>> {
    Json(engine.keys().into_iter().map(Into::into).collect())
}

/// Makes a key; it is copied, never shown
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = dto::NewKey, responses((status = 200, body = dto::Key)))]
async fn add(State(engine): Engines, Json(new): Json<dto::NewKey>) -> Answer<dto::Key> {
    engine.add_key(&new.name).await?;
    let made = engine.keys().into_iter().find(|key| key.name == new.name);
    made.map(|key| Json(key.into()))
        .ok_or_else(|| AdminError::new(ErrorCode::NotFound, "the key was revoked at once"))
}

/// Refuses a key from the next request on
#[utoipa::path(delete, path = "/keys/{name}", tag = "keys", responses((status = 204)))]
async fn revoke(
    State(engine): Engines,
    Path(name): Path<String>,
) -> Result<StatusCode, AdminError> {
    engine.revoke_key(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

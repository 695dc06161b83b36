//! Names of models, lists of models, presets, and how an account is spoken to (F89–F92, F99–F103).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; names, set_alias, remove_alias, lists, refresh, presets, options, change_options)
}

/// Aliases, patterns, thinking levels and defaults
#[utoipa::path(get, path = "/models/names", tag = "models", responses((status = 200, body = dto::ModelNames)))]
async fn names(State(engine): Engines) -> Json<dto::ModelNames> {
    Json(engine.names().into())
}

/// Sets an alias; it acts on the next request
#[utoipa::path(put, path = "/models/aliases/{alias}", tag = "models", request_body = dto::AliasTarget, responses((status = 200, body = dto::Alias)))]
async fn set_alias(
    State(engine): Engines,
    Path(alias): Path<String>,
    Json(target): Json<dto::AliasTarget>,
) -> Answer<dto::Alias> {
    let set = engine
        .set_alias(&alias, &target.model, target.group.as_deref())
        .await?;
    Ok(Json(set.into()))
}

/// Takes an alias back
#[utoipa::path(delete, path = "/models/aliases/{alias}", tag = "models", responses((status = 204)))]
async fn remove_alias(
    State(engine): Engines,
    Path(alias): Path<String>,
) -> Result<StatusCode, AdminError> {
    engine.remove_alias(&alias).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every account's models, and where the list comes from
#[utoipa::path(get, path = "/models/lists", tag = "models", responses((status = 200, body = Vec<dto::ModelList>)))]
async fn lists(State(engine): Engines) -> Json<Vec<dto::ModelList>> {
    Json(engine.model_lists().into_iter().map(Into::into).collect())
}

/// Asks accounts for their models now; what fails keeps its old list
#[utoipa::path(post, path = "/models/refresh", tag = "models", request_body = dto::RefreshModels, responses((status = 200, body = Vec<dto::ModelList>)))]
async fn refresh(
    State(engine): Engines,
    Json(request): Json<dto::RefreshModels>,
) -> Answer<Vec<dto::ModelList>> {
    let lists = engine.refresh_models(request.account.as_deref()).await?;
    Ok(Json(lists.into_iter().map(Into::into).collect()))
}

/// Known providers, to fill the form
#[utoipa::path(get, path = "/presets", tag = "relay", responses((status = 200, body = Vec<dto::RelayPreset>)))]
async fn presets() -> Json<Vec<dto::RelayPreset>> {
    Json(engine::PRESETS.iter().map(Into::into).collect())
}

/// How an account is spoken to
#[utoipa::path(get, path = "/accounts/{id}/options", tag = "accounts", responses((status = 200, body = dto::AccountOptions)))]
async fn options(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::AccountOptions> {
    Ok(Json(engine.account_options(&id)?.into()))
}

/// Changes how an account is spoken to; absent stays, null clears
#[utoipa::path(patch, path = "/accounts/{id}/options", tag = "accounts", request_body = dto::AccountOptionsPatch, responses((status = 200, body = dto::AccountOptions)))]
async fn change_options(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(patch): Json<dto::AccountOptionsPatch>,
) -> Answer<dto::AccountOptions> {
    let changed = engine.change_account_options(&id, patch.into()).await?;
    Ok(Json(changed.into()))
}

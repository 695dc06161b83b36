//! Accounts: list, add, change, order, switch on and off, remove, test.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::{Engine, KeyAccountExtras, NewKeyAccount};
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; accounts, add, order, refresh_all, account, patch, remove, activate, enable, disable, refresh, try_now, test)
}

pub(super) fn list(engine: &Engine) -> Vec<dto::Account> {
    engine.accounts().into_iter().map(Into::into).collect()
}

/// Every account in the person's order
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Vec<dto::Account>)))]
async fn accounts(State(engine): Engines) -> Json<Vec<dto::Account>> {
    Json(list(&engine))
}

/// One account by id, label or beginning of its id
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", responses((status = 200, body = dto::Account)))]
async fn account(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.account(&id)?.into()))
}

/// Adds a relay or key account
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = dto::NewAccount, responses((status = 200, body = dto::Account)))]
async fn add(State(engine): Engines, Json(new): Json<dto::NewAccount>) -> Answer<dto::Account> {
    let new = NewKeyAccount {
        kind: new.kind,
        label: new.label,
        base_url: new.base_url,
        format: new.format,
        key: SecretString::from(new.key),
        models: new.models,
        group: new.group,
        priority: new.priority,
        proxy: new.proxy,
        extras: KeyAccountExtras {
            preset: new.preset,
            auth: new.auth,
            headers: dto::pairs(new.headers),
            reads_suffixes: new.reads_suffixes,
            effort: new.effort,
        },
    };
    Ok(Json(engine.add_key_account(new).await?.into()))
}

/// Changes what the person may change; absent stays, null clears
#[utoipa::path(patch, path = "/accounts/{id}", tag = "accounts", request_body = dto::AccountPatch, responses((status = 200, body = dto::Account)))]
async fn patch(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(patch): Json<dto::AccountPatch>,
) -> Answer<dto::Account> {
    Ok(Json(engine.change_account(&id, patch.into()).await?.into()))
}

/// Puts the named accounts first, in this order
#[utoipa::path(post, path = "/accounts/order", tag = "accounts", request_body = dto::OrderRequest, responses((status = 200, body = Vec<dto::Account>)))]
async fn order(
    State(engine): Engines,
    Json(request): Json<dto::OrderRequest>,
) -> Answer<Vec<dto::Account>> {
    engine.reorder(&request.ids).await?;
    Ok(Json(list(&engine)))
}

/// Removes an account and its credential
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts", responses((status = 204)))]
async fn remove(State(engine): Engines, Path(id): Path<String>) -> Result<StatusCode, AdminError> {
    engine.remove(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes it the active account
#[utoipa::path(post, path = "/accounts/{id}/activate", tag = "accounts", responses((status = 200, body = dto::Account)))]
async fn activate(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.activate(&id).await?.into()))
}

/// Switches it on
#[utoipa::path(post, path = "/accounts/{id}/enable", tag = "accounts", responses((status = 200, body = dto::Account)))]
async fn enable(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.set_enabled(&id, true).await?.into()))
}

/// Switches it off
#[utoipa::path(post, path = "/accounts/{id}/disable", tag = "accounts", responses((status = 200, body = dto::Account)))]
async fn disable(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.set_enabled(&id, false).await?.into()))
}

/// Renews its token now
#[utoipa::path(post, path = "/accounts/{id}/refresh", tag = "accounts", responses((status = 200, body = Vec<dto::Refreshed>)))]
async fn refresh(State(engine): Engines, Path(id): Path<String>) -> Answer<Vec<dto::Refreshed>> {
    let results = engine.refresh(Some(&id)).await?;
    Ok(Json(results.into_iter().map(Into::into).collect()))
}

/// Renews every enabled account's token now
#[utoipa::path(post, path = "/accounts/refresh", tag = "accounts", responses((status = 200, body = Vec<dto::Refreshed>)))]
async fn refresh_all(State(engine): Engines) -> Answer<Vec<dto::Refreshed>> {
    let results = engine.refresh(None).await?;
    Ok(Json(results.into_iter().map(Into::into).collect()))
}

/// Forgets cooldown and exhaustion: the next request may use it
#[utoipa::path(post, path = "/accounts/{id}/try-now", tag = "accounts", responses((status = 200, body = dto::Account)))]
async fn try_now(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.try_now(&id)?.into()))
}

/// Sends one short message through this account; it costs quota
#[utoipa::path(post, path = "/accounts/{id}/test", tag = "accounts", request_body = dto::TestRequest, responses((status = 200, body = dto::TestResult)))]
async fn test(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(request): Json<dto::TestRequest>,
) -> Answer<dto::TestResult> {
    let result = engine
        .test_account(&id, request.model, request.prompt)
        .await?;
    Ok(Json(result.into()))
}

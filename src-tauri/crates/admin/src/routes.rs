//! The table of admin routes and their handlers: each one is a use case of the engine and a conversion.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use engine::{Engine, NewKeyAccount};
use secrecy::SecretString;
use serde::Deserialize;

use crate::dto;
use crate::error::AdminError;

type Engines = State<Arc<Engine>>;
type Answer<T> = Result<Json<T>, AdminError>;

pub(crate) fn router() -> Router<Arc<Engine>> {
    Router::new()
        .route("/status", get(status))
        .route("/accounts", get(accounts).post(add))
        .route("/accounts/import", post(import))
        .route("/accounts/import-codex", post(import_codex))
        .route("/accounts/order", post(order))
        .route("/accounts/refresh", post(refresh_all))
        .route("/accounts/{id}", get(account).delete(remove))
        .route("/accounts/{id}/activate", post(activate))
        .route("/accounts/{id}/enable", post(enable))
        .route("/accounts/{id}/disable", post(disable))
        .route("/accounts/{id}/refresh", post(refresh))
        .route("/journal", get(journal))
        .route("/models", get(models))
        .route("/quota", get(quota))
        .route("/explain", get(explain))
        .route("/keys", get(keys))
        .route("/keys/{name}", delete(revoke))
        .route("/settings", get(settings))
        .route("/settings/{key}", get(setting))
        .route("/settings/{key}", put(set).delete(unset))
}

async fn status(State(engine): Engines) -> Json<dto::Status> {
    Json(engine.status().into())
}

async fn accounts(State(engine): Engines) -> Json<Vec<dto::Account>> {
    Json(engine.accounts().into_iter().map(Into::into).collect())
}

async fn account(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.account(&id)?.into()))
}

async fn add(State(engine): Engines, Json(new): Json<dto::AddRequest>) -> Answer<dto::Account> {
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
    };
    Ok(Json(engine.add_key_account(new).await?.into()))
}

async fn import(
    State(engine): Engines,
    Json(request): Json<dto::ImportRequest>,
) -> Answer<dto::Import> {
    let text = SecretString::from(request.text);
    Ok(Json(
        engine
            .import(&text, request.dry_run, request.verify)
            .await?
            .into(),
    ))
}

#[derive(Deserialize)]
struct DryRun {
    #[serde(default)]
    dry_run: bool,
}

async fn import_codex(State(engine): Engines, Query(query): Query<DryRun>) -> Answer<dto::Import> {
    Ok(Json(engine.import_codex_cli(query.dry_run).await?.into()))
}

async fn order(
    State(engine): Engines,
    Json(request): Json<dto::OrderRequest>,
) -> Answer<Vec<dto::Account>> {
    engine.reorder(&request.ids).await?;
    Ok(Json(
        engine.accounts().into_iter().map(Into::into).collect(),
    ))
}

async fn remove(State(engine): Engines, Path(id): Path<String>) -> Result<StatusCode, AdminError> {
    engine.remove(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn activate(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.activate(&id).await?.into()))
}

async fn enable(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.set_enabled(&id, true).await?.into()))
}

async fn disable(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.set_enabled(&id, false).await?.into()))
}

/// One account per line of the answer: refreshed, skipped or failed, and why (F20).
async fn refresh(State(engine): Engines, Path(id): Path<String>) -> Answer<serde_json::Value> {
    let results = engine.refresh(Some(&id)).await?;
    Ok(Json(refreshed(results)))
}

async fn refresh_all(State(engine): Engines) -> Answer<serde_json::Value> {
    Ok(Json(refreshed(engine.refresh(None).await?)))
}

fn refreshed(results: Vec<engine::RefreshView>) -> serde_json::Value {
    let line = |view: engine::RefreshView| serde_json::json!({"id": view.id.to_string(), "label": view.label, "result": view.result, "reason": view.reason});
    results.into_iter().map(line).collect()
}

#[derive(Deserialize)]
struct JournalQuery {
    #[serde(default = "twenty")]
    limit: u32,
}

fn twenty() -> u32 {
    20
}

async fn journal(
    State(engine): Engines,
    Query(query): Query<JournalQuery>,
) -> Answer<Vec<dto::Request>> {
    let requests = engine.requests(query.limit.min(2_000)).await?;
    Ok(Json(requests.into_iter().map(Into::into).collect()))
}

async fn models(State(engine): Engines) -> Json<serde_json::Value> {
    let models = engine
        .models()
        .into_iter()
        .map(|(id, owner)| serde_json::json!({"id": id, "owned_by": owner}));
    Json(models.collect())
}

#[derive(Deserialize)]
struct QuotaQuery {
    #[serde(default)]
    refresh: bool,
}

async fn quota(
    State(engine): Engines,
    Query(query): Query<QuotaQuery>,
) -> Answer<Vec<dto::Account>> {
    if query.refresh {
        engine.query_quota().await;
    }
    Ok(Json(
        engine.accounts().into_iter().map(Into::into).collect(),
    ))
}

#[derive(Deserialize)]
struct ExplainQuery {
    model: String,
}

async fn explain(
    State(engine): Engines,
    Query(query): Query<ExplainQuery>,
) -> Json<Vec<dto::Explain>> {
    Json(
        engine
            .explain(&query.model)
            .into_iter()
            .map(Into::into)
            .collect(),
    )
}

async fn keys(State(engine): Engines) -> Json<Vec<dto::Key>> {
    Json(engine.keys().into_iter().map(Into::into).collect())
}

async fn revoke(
    State(engine): Engines,
    Path(name): Path<String>,
) -> Result<StatusCode, AdminError> {
    engine.revoke_key(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn settings(State(engine): Engines) -> Json<Vec<dto::Setting>> {
    Json(engine.settings().into_iter().map(Into::into).collect())
}

async fn setting(State(engine): Engines, Path(key): Path<String>) -> Answer<dto::Setting> {
    Ok(Json(engine.setting(&key)?.into()))
}

async fn set(
    State(engine): Engines,
    Path(key): Path<String>,
    Json(request): Json<dto::SettingRequest>,
) -> Answer<dto::Setting> {
    Ok(Json(
        engine
            .change_setting(&key, Some(&request.value))
            .await?
            .into(),
    ))
}

async fn unset(State(engine): Engines, Path(key): Path<String>) -> Answer<dto::Setting> {
    Ok(Json(engine.change_setting(&key, None).await?.into()))
}

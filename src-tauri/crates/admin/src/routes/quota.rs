//! Quota: the last readings, asking for new ones, and the history (F67–F69).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use engine::Timestamp;

use super::{Answer, Engines, Table, accounts, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; quota, query_all, stop, query_one, history)
}

/// Accounts with their last readings
#[utoipa::path(get, path = "/quota", tag = "quota", params(dto::QuotaQuery), responses((status = 200, body = Vec<dto::Account>)))]
async fn quota(
    State(engine): Engines,
    Query(query): Query<dto::QuotaQuery>,
) -> Answer<Vec<dto::Account>> {
    if query.refresh {
        engine.query_quota().await;
        engine.query_balances().await;
    }
    Ok(Json(accounts::list(&engine)))
}

/// Asks every provider now; progress comes as events
#[utoipa::path(post, path = "/accounts/quota", tag = "quota", responses((status = 200, body = dto::QuotaQueried)))]
async fn query_all(State(engine): Engines) -> Json<dto::QuotaQueried> {
    Json(engine.query_quota().await.into())
}

/// Stops asking: what was read stays
#[utoipa::path(post, path = "/accounts/quota/stop", tag = "quota", responses((status = 204)))]
async fn stop(State(engine): Engines) -> StatusCode {
    engine.stop_quota_query();
    StatusCode::NO_CONTENT
}

/// Asks this account's provider now; never a model call
#[utoipa::path(post, path = "/accounts/{id}/quota", tag = "quota", responses((status = 200, body = dto::Account)))]
async fn query_one(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.query_quota_of(&id).await?.into()))
}

/// Quota over time, and where it is heading
#[utoipa::path(get, path = "/quota/history", tag = "quota", params(dto::HistoryQuery), responses((status = 200, body = dto::History)))]
async fn history(
    State(engine): Engines,
    Query(query): Query<dto::HistoryQuery>,
) -> Answer<dto::History> {
    let (from, to) = (query.from.map(Timestamp), query.to.map(Timestamp));
    let history = engine
        .quota_history(query.account.as_deref(), from, to, query.buckets)
        .await?;
    Ok(Json(history.into()))
}

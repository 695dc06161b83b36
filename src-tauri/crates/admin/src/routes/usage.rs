//! Usage: sums by day, and the last 24 hours (F70).

use axum::Json;
use axum::extract::{Query, State};
use engine::Timestamp;

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; usage, today, latency)
}

/// Sums over a span of days
#[utoipa::path(get, path = "/usage", tag = "usage", params(dto::UsageQuery), responses((status = 200, body = dto::Usage)))]
async fn usage(State(engine): Engines, Query(query): Query<dto::UsageQuery>) -> Answer<dto::Usage> {
    let mut sums = engine
        .usage(query.from.map(Timestamp), query.to.map(Timestamp))
        .await?;
    if let Some(account) = &query.account {
        sums.retain(|sum| sum.account_id == *account);
    }
    Ok(Json(dto::Usage::of(&sums, query.group)))
}

/// The last 24 hours
#[utoipa::path(get, path = "/usage/today", tag = "usage", responses((status = 200, body = dto::Today)))]
async fn today(State(engine): Engines) -> Answer<dto::Today> {
    Ok(Json(engine.last_day().await?.into()))
}

/// How fast each account has answered with each model, the busiest first
#[utoipa::path(get, path = "/usage/latency", tag = "usage", params(dto::LatencyQuery), responses((status = 200, body = Vec<dto::Latency>)))]
async fn latency(
    State(engine): Engines,
    Query(query): Query<dto::LatencyQuery>,
) -> Answer<Vec<dto::Latency>> {
    let rows = engine.latency(query.from.map(Timestamp)).await?;
    Ok(Json(rows.into_iter().map(Into::into).collect()))
}

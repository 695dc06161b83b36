//! Requests and routing: the journal, switches, models, and why an account is chosen.

use axum::Json;
use axum::extract::{Query, State};

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; journal, models, explain, switches, undo)
}

/// Finished requests, newest first
#[utoipa::path(get, path = "/journal", tag = "requests", params(dto::JournalQuery), responses((status = 200, body = Vec<dto::RequestRow>)))]
async fn journal(
    State(engine): Engines,
    Query(query): Query<dto::JournalQuery>,
) -> Answer<Vec<dto::RequestRow>> {
    let limit = query.limit.unwrap_or(20).min(2_000);
    let which = engine::RequestFilter {
        before: query.before,
        account: query.account,
        outcome: query.outcome,
        text: query.text,
    };
    let requests = engine.requests_where(limit, which).await?;
    Ok(Json(requests.into_iter().map(Into::into).collect()))
}

/// Models clients can name, and who offers them
#[utoipa::path(get, path = "/models", tag = "requests", responses((status = 200, body = Vec<dto::Model>)))]
async fn models(State(engine): Engines) -> Json<Vec<dto::Model>> {
    Json(engine.models().into_iter().map(Into::into).collect())
}

/// Which account would serve a model now, and why the others would not
#[utoipa::path(get, path = "/explain", tag = "requests", params(dto::ExplainQuery), responses((status = 200, body = Vec<dto::Explain>)))]
async fn explain(
    State(engine): Engines,
    Query(query): Query<dto::ExplainQuery>,
) -> Json<Vec<dto::Explain>> {
    let lines = engine.explain(&query.model);
    Json(lines.into_iter().map(Into::into).collect())
}

/// Changes of the active account, newest first
#[utoipa::path(get, path = "/switches", tag = "requests", params(dto::LimitQuery), responses((status = 200, body = Vec<dto::Switch>)))]
async fn switches(
    State(engine): Engines,
    Query(query): Query<dto::LimitQuery>,
) -> Answer<Vec<dto::Switch>> {
    let switches = engine.switches(query.limit.unwrap_or(5).min(500)).await?;
    Ok(Json(switches.into_iter().map(Into::into).collect()))
}

/// Takes the last switch back
#[utoipa::path(post, path = "/switches/undo", tag = "requests", responses((status = 200, body = dto::Account)))]
async fn undo(State(engine): Engines) -> Answer<dto::Account> {
    Ok(Json(engine.undo_switch().await?.into()))
}

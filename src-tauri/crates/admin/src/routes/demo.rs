//! Simulated accounts to try the program with: added and removed as one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::AdminError;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; add, remove)
}

/// Adds simulated accounts; nothing leaves this machine
#[utoipa::path(post, path = "/demo/accounts", tag = "demo", responses((status = 200, body = dto::Demo)))]
async fn add(State(engine): Engines) -> Answer<dto::Demo> {
    let accounts = engine.add_demo_accounts().await?;
    Ok(Json(dto::Demo {
        accounts: accounts.into_iter().map(Into::into).collect(),
    }))
}

/// Removes every simulated account
#[utoipa::path(delete, path = "/demo/accounts", tag = "demo", responses((status = 204)))]
async fn remove(State(engine): Engines) -> Result<StatusCode, AdminError> {
    engine.remove_demo_accounts().await?;
    Ok(StatusCode::NO_CONTENT)
}

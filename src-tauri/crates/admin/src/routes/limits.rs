//! What keeps an account from being spent: its balance and threshold (F111, F112), usage limits of the person's own (F72).

use axum::Json;
use axum::extract::{Path, State};
use engine::{KeyAccountExtras, NewKeyAccount};
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; add_many, query_balances, query_balance, change_balance, set_limits)
}

/// Adds one account for each key, one key a line, and asks for their balances
#[utoipa::path(post, path = "/accounts/many", tag = "limits", request_body = dto::NewAccounts, responses((status = 200, body = dto::AccountsAdded)))]
async fn add_many(
    State(engine): Engines,
    Json(many): Json<dto::NewAccounts>,
) -> Answer<dto::AccountsAdded> {
    let new = NewKeyAccount {
        kind: many.kind,
        label: many.label,
        base_url: many.base_url,
        format: many.format,
        key: SecretString::default(),
        models: many.models,
        group: many.group,
        priority: many.priority,
        proxy: many.proxy,
        extras: KeyAccountExtras {
            preset: many.preset,
            auth: many.auth,
            ..KeyAccountExtras::default()
        },
    };
    let keys = SecretString::from(many.keys);
    Ok(Json(engine.add_key_list(new, &keys).await?.into()))
}

/// Asks every provider that tells a balance; progress comes as events
#[utoipa::path(post, path = "/accounts/balance", tag = "limits", responses((status = 200, body = dto::BalancesQueried)))]
async fn query_balances(State(engine): Engines) -> Json<dto::BalancesQueried> {
    let (ok, failed) = engine.query_balances().await;
    Json(dto::BalancesQueried { ok, failed })
}

/// Asks this account's provider for its balance now; never a model call
#[utoipa::path(post, path = "/accounts/{id}/balance", tag = "limits", responses((status = 200, body = dto::Account)))]
async fn query_balance(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::Account> {
    Ok(Json(engine.query_balance_of(&id).await?.into()))
}

/// Changes who is asked for the balance, and below what it is too little
#[utoipa::path(patch, path = "/accounts/{id}/balance", tag = "limits", request_body = dto::BalancePatch, responses((status = 200, body = dto::Account)))]
async fn change_balance(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(patch): Json<dto::BalancePatch>,
) -> Answer<dto::Account> {
    Ok(Json(engine.change_balance(&id, patch.into()).await?.into()))
}

/// Sets the usage limits of an account in the place of all it had
#[utoipa::path(put, path = "/accounts/{id}/limits", tag = "limits", request_body = dto::Limits, responses((status = 200, body = dto::Account)))]
async fn set_limits(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(limits): Json<dto::Limits>,
) -> Answer<dto::Account> {
    let limits = limits.limits.into_iter().map(Into::into).collect();
    Ok(Json(engine.set_usage_limits(&id, limits).await?.into()))
}

//! What keeps an account from being spent: its balance and threshold (F111, F112), usage limits of the person's own (F72).

use std::collections::HashSet;

use axum::Json;
use axum::extract::{Path, State};
use secrecy::SecretString;

use super::{Answer, Engines, Table, accounts, mount};
use crate::dto;
use crate::error::{AdminError, ErrorCode};

/// Most keys of one paste.
const MOST_KEYS: usize = 1_000;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; add_many, query_balances, query_balance, change_balance, set_limits)
}

/// Adds one account for each key, one key a line, and asks for their balances
#[utoipa::path(post, path = "/accounts/many", tag = "limits", request_body = dto::NewAccounts, responses((status = 200, body = dto::AccountsAdded)))]
async fn add_many(
    State(engine): Engines,
    Json(many): Json<dto::NewAccounts>,
) -> Answer<dto::AccountsAdded> {
    let lines = (1..).zip(many.keys.lines().map(str::trim));
    let lines: Vec<(usize, &str)> = lines.filter(|(_, key)| !key.is_empty()).collect();
    if lines.is_empty() || lines.len() > MOST_KEYS {
        return Err(AdminError::new(
            ErrorCode::Invalid,
            format!("keys holds 1 to {MOST_KEYS} keys, one a line"),
        ));
    }
    let (mut seen, mut ids) = (HashSet::new(), HashSet::new());
    let mut added = dto::AccountsAdded {
        accounts: Vec::new(),
        duplicates: 0,
        failed: Vec::new(),
    };
    for (line, key) in lines {
        let secret = SecretString::from(key);
        if !seen.insert(key) || engine.knows_key(&many.base_url, &secret).await? {
            added.duplicates += 1;
            continue;
        }
        let new = serde_json::json!({
            "kind": many.kind, "label": format!("{} {}", many.label, ids.len() + 1), "base_url": many.base_url, "format": many.format,
            "key": key, "models": many.models, "group": many.group.as_ref().unwrap_or(&many.label), "priority": many.priority,
            "proxy": many.proxy,
        });
        let new = serde_json::from_value(new)
            .map_err(|_| AdminError::new(ErrorCode::Failed, "the accounts could not be made"))?;
        match accounts::add(State(engine.clone()), Json(new)).await {
            Ok(Json(account)) => {
                ids.insert(account.id);
            }
            Err(error) => added.failed.push(dto::LineFailed {
                line,
                message: error.message().to_owned(),
            }),
        }
    }
    engine.query_balances_of(|id| ids.contains(id)).await;
    added.accounts = accounts::list(&engine);
    added.accounts.retain(|account| ids.contains(&account.id));
    Ok(Json(added))
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

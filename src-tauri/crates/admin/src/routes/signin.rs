//! Signing in with ChatGPT (F3).

use axum::Json;
use axum::extract::{Path, State};
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; begin, look, cancel, paste, add)
}

/// Begins a sign-in; one under way is given up
#[utoipa::path(post, path = "/signin", tag = "signin", request_body = dto::SignInRequest, responses((status = 200, body = dto::SignIn)))]
async fn begin(
    State(engine): Engines,
    Json(request): Json<dto::SignInRequest>,
) -> Answer<dto::SignIn> {
    let again = request.account_id.as_deref();
    let view = engine.begin_sign_in(request.kind.into(), again).await?;
    Ok(Json(view.into()))
}

/// Where a sign-in stands
#[utoipa::path(get, path = "/signin/{id}", tag = "signin", responses((status = 200, body = dto::SignIn)))]
async fn look(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::SignIn> {
    Ok(Json(engine.sign_in(&id)?.into()))
}

/// Takes what the browser ended on
#[utoipa::path(post, path = "/signin/{id}/paste", tag = "signin", request_body = dto::PasteRequest, responses((status = 200, body = dto::SignIn)))]
async fn paste(
    State(engine): Engines,
    Path(id): Path<String>,
    Json(request): Json<dto::PasteRequest>,
) -> Answer<dto::SignIn> {
    let text = SecretString::from(request.text);
    Ok(Json(engine.paste_sign_in(&id, &text)?.into()))
}

/// Adds who signed in instead of the account that was to
#[utoipa::path(post, path = "/signin/{id}/add", tag = "signin", responses((status = 200, body = dto::SignIn)))]
async fn add(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::SignIn> {
    Ok(Json(engine.add_other_sign_in(&id).await?.into()))
}

/// Gives it up
#[utoipa::path(delete, path = "/signin/{id}", tag = "signin", responses((status = 200, body = dto::SignIn)))]
async fn cancel(State(engine): Engines, Path(id): Path<String>) -> Answer<dto::SignIn> {
    Ok(Json(engine.cancel_sign_in(&id).await?.into()))
}

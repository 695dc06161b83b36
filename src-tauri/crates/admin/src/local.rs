//! The few calls whose answers hold secrets: the gateway key and the export of accounts (F9). Mounted on the control socket only, whose file
//! no other user can open; never on an HTTP listener.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::middleware::map_response;
use axum::routing::{get, post};
use axum::{Json, Router};
use engine::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::dto::KeyPatch;
use crate::error::AdminError;
use crate::unshaped;

/// The router with secrets, and everything of [`crate::window`].
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/local/key/{name}", get(key).post(add_key))
        .route("/local/key-rotation", post(rotate))
        .route("/local/export", post(export))
        .with_state(engine.clone())
        .merge(crate::window(engine))
        .layer(map_response(unshaped::shape))
}

async fn key(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
) -> Result<String, AdminError> {
    Ok(engine.key(&name)?.expose_secret().to_owned())
}

async fn add_key(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
    rules: Option<Json<KeyPatch>>,
) -> Result<String, AdminError> {
    let rules = rules.map(|Json(rules)| rules).unwrap_or_default();
    let key = engine.add_key_with(&name, rules.into()).await?;
    Ok(key.expose_secret().to_owned())
}

async fn rotate(State(engine): State<Arc<Engine>>) -> Result<String, AdminError> {
    Ok(engine.rotate_key().await?.expose_secret().to_owned())
}

#[derive(Deserialize)]
struct ExportRequest {
    /// Empty exports all.
    ids: Vec<String>,
    #[serde(default)]
    passphrase: Option<String>,
}

async fn export(
    State(engine): State<Arc<Engine>>,
    Json(request): Json<ExportRequest>,
) -> Result<String, AdminError> {
    let passphrase = request.passphrase.map(SecretString::from);
    Ok(engine
        .export(&request.ids, passphrase.as_ref())
        .await?
        .expose_secret()
        .to_owned())
}

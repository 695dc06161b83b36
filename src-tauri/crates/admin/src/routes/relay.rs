//! What the relay form asks before there is an account (F99, F104).

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; preview, models)
}

/// Where requests to a base URL will go
#[utoipa::path(post, path = "/relay/preview", tag = "relay", request_body = dto::RelayPreviewRequest, responses((status = 200, body = dto::RelayPreview)))]
async fn preview(Json(request): Json<dto::RelayPreviewRequest>) -> Json<dto::RelayPreview> {
    Json(
        match engine::Engine::preview_relay(&request.base_url, &request.format) {
            Ok((base_url, request, models)) => dto::RelayPreview {
                base_url: Some(base_url),
                urls: Some(dto::RelayUrls { request, models }),
                problem: None,
            },
            Err(error) => dto::RelayPreview {
                base_url: None,
                urls: None,
                problem: Some(error.to_string()),
            },
        },
    )
}

/// Lists what a relay offers; the key is used once and not kept
#[utoipa::path(post, path = "/relay/models", tag = "relay", request_body = dto::RelayModelsRequest, responses((status = 200, body = dto::RelayModels)))]
async fn models(
    State(engine): Engines,
    Json(request): Json<dto::RelayModelsRequest>,
) -> Answer<dto::RelayModels> {
    let key = SecretString::from(request.key);
    let (models, took) = engine
        .relay_models(&request.base_url, &request.format, &key, request.proxy)
        .await?;
    Ok(Json(dto::RelayModels {
        models,
        latency_ms: dto::millis(took),
    }))
}

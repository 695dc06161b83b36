//! Importing text and the Codex CLI's own sign-in.

use axum::Json;
use axum::extract::{Query, State};
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; import, import_codex)
}

/// Imports pasted or dropped text, or says what that would do
#[utoipa::path(post, path = "/accounts/import", tag = "import", request_body = dto::ImportRequest, responses((status = 200, body = dto::Import)))]
async fn import(
    State(engine): Engines,
    Json(request): Json<dto::ImportRequest>,
) -> Answer<dto::Import> {
    let passphrase = request.passphrase.map(SecretString::from);
    let text = engine
        .unsealed(SecretString::from(request.text), passphrase)
        .await?;
    let report = engine
        .import(&text, request.dry_run, request.verify)
        .await?;
    Ok(Json(report.into()))
}

/// Imports the sign-in of the Codex CLI on this computer
#[utoipa::path(post, path = "/accounts/import-codex", tag = "import", params(dto::DryRun), responses((status = 200, body = dto::Import)))]
async fn import_codex(
    State(engine): Engines,
    Query(query): Query<dto::DryRun>,
) -> Answer<dto::Import> {
    Ok(Json(engine.import_codex_cli(query.dry_run).await?.into()))
}

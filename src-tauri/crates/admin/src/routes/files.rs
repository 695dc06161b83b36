//! What only the desktop window and the control socket offer: files of this machine. Still no secret in any answer.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::{AdminError, ErrorCode};

pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; export, import_files)
}

/// Writes accounts with their secrets into a file only its owner can read
#[utoipa::path(post, path = "/accounts/export", tag = "desktop", request_body = dto::ExportRequest, responses((status = 200, body = dto::Exported)))]
async fn export(
    State(engine): Engines,
    Json(request): Json<dto::ExportRequest>,
) -> Answer<dto::Exported> {
    let ids = match request.ids {
        None => Vec::new(),
        // Nobody chosen is a mistake, not a wish for all.
        Some(ids) if ids.is_empty() => {
            return Err(AdminError::new(
                ErrorCode::Invalid,
                "`ids` is empty: name the accounts, or leave it out for all",
            ));
        }
        Some(ids) => ids,
    };
    let passphrase = request.passphrase.map(SecretString::from);
    let path = PathBuf::from(&request.path);
    let count = engine.export_to(&ids, passphrase.as_ref(), path).await?;
    Ok(Json(dto::Exported {
        path: request.path,
        count,
    }))
}

/// Imports files, folders or ZIP files as one batch, or says what that would do
#[utoipa::path(post, path = "/accounts/import/files", tag = "desktop", request_body = dto::ImportFiles, responses((status = 200, body = dto::Import)))]
async fn import_files(
    State(engine): Engines,
    Json(request): Json<dto::ImportFiles>,
) -> Answer<dto::Import> {
    let paths = request.paths.into_iter().map(PathBuf::from).collect();
    let passphrase = request.passphrase.map(SecretString::from);
    let report = engine
        .import_files(paths, passphrase, request.dry_run, request.verify)
        .await?;
    Ok(Json(report.into()))
}

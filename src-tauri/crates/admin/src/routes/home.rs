//! The home itself: backups and what they bring back (F124, F125), clearing and resets (F74, F129), tests of the way to providers (F120), the
//! diagnostic bundle (F147).

use std::path::PathBuf;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::Noted;
use secrecy::SecretString;

use super::{Answer, Engines, Table, mount};
use crate::dto;
use crate::error::{AdminError, ErrorCode};

/// What consents to a factory reset.
const RESET_WORDS: &str = "factory reset";

/// What every transport offers.
pub(super) fn routes<T: Table>(table: T) -> T {
    mount!(table; backups, back_up, preview, restore, clear_requests, clear_usage, clear_samples, log_out, reset, test_proxy,
        test_network, diagnostics)
}

/// Files of this machine.
pub(super) fn files<T: Table>(table: T) -> T {
    mount!(table; write_backup, restore_file, save_diagnostics)
}

/// The backups of the database
#[utoipa::path(get, path = "/backups", tag = "home", responses((status = 200, body = dto::Backups)))]
async fn backups(State(engine): Engines) -> Answer<dto::Backups> {
    Ok(Json(engine.backups().await?.into()))
}

/// Makes a backup of the database now
#[utoipa::path(post, path = "/backups", tag = "home", responses((status = 200, body = dto::Backup)))]
async fn back_up(State(engine): Engines) -> Answer<dto::Backup> {
    Ok(Json(engine.back_up().await?.into()))
}

/// What is in a backup, and what it would change
#[utoipa::path(get, path = "/backups/{name}", tag = "home", responses((status = 200, body = dto::BackupPreview)))]
async fn preview(State(engine): Engines, Path(name): Path<String>) -> Answer<dto::BackupPreview> {
    Ok(Json(engine.preview_backup(&name).await?.into()))
}

/// Puts a backup in the database's place at the next start, also in read-only mode; what is there is kept beside it
#[utoipa::path(post, path = "/backups/{name}/restore", tag = "home", responses((status = 204)))]
async fn restore(
    State(engine): Engines,
    Path(name): Path<String>,
) -> Result<StatusCode, AdminError> {
    engine.restore_backup(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears the journal
#[utoipa::path(delete, path = "/journal", tag = "home", responses((status = 200, body = dto::Cleared)))]
async fn clear_requests(State(engine): Engines) -> Answer<dto::Cleared> {
    clear(engine, Noted::Requests).await
}

/// Clears the sums by day; what limits and budgets have counted stays
#[utoipa::path(delete, path = "/usage", tag = "home", responses((status = 200, body = dto::Cleared)))]
async fn clear_usage(State(engine): Engines) -> Answer<dto::Cleared> {
    clear(engine, Noted::Usage).await
}

/// Clears the history of quota
#[utoipa::path(delete, path = "/quota/history", tag = "home", responses((status = 200, body = dto::Cleared)))]
async fn clear_samples(State(engine): Engines) -> Answer<dto::Cleared> {
    clear(engine, Noted::Samples).await
}

async fn clear(engine: std::sync::Arc<engine::Engine>, what: Noted) -> Answer<dto::Cleared> {
    let count = engine.clear(what).await?;
    Ok(Json(dto::Cleared { count }))
}

/// Forgets the tokens of every sign-in; the accounts stay
#[utoipa::path(post, path = "/accounts/log-out", tag = "home", responses((status = 200, body = dto::Cleared)))]
async fn log_out(State(engine): Engines) -> Answer<dto::Cleared> {
    let count = engine.log_out_all().await?;
    Ok(Json(dto::Cleared { count }))
}

/// Back to the beginning: accounts, credentials, keys, settings, history, backups and logs go
#[utoipa::path(post, path = "/reset", tag = "home", request_body = dto::ResetRequest, responses((status = 204)))]
async fn reset(
    State(engine): Engines,
    Json(request): Json<dto::ResetRequest>,
) -> Result<StatusCode, AdminError> {
    if request.confirm != RESET_WORDS {
        return Err(AdminError::new(
            ErrorCode::Invalid,
            format!("`confirm` must be `{RESET_WORDS}`"),
        ));
    }
    engine.factory_reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reaches a host through a proxy, also one that is not saved
#[utoipa::path(post, path = "/proxy/test", tag = "home", request_body = dto::ProxyTest, responses((status = 200, body = dto::Reached)))]
async fn test_proxy(
    State(engine): Engines,
    Json(test): Json<dto::ProxyTest>,
) -> Answer<dto::Reached> {
    let reached = engine
        .test_proxy(test.url.as_deref(), test.account.as_deref())
        .await?;
    Ok(Json(reached.into()))
}

/// Reaches every host that settings and accounts name
#[utoipa::path(post, path = "/network/test", tag = "home", responses((status = 200, body = Vec<dto::Reached>)))]
async fn test_network(State(engine): Engines) -> Answer<Vec<dto::Reached>> {
    let reached = engine.test_network().await?;
    Ok(Json(reached.into_iter().map(Into::into).collect()))
}

/// The diagnostic bundle as it would be saved
#[utoipa::path(get, path = "/diagnostics", tag = "home", responses((status = 200, body = dto::Diagnostics)))]
async fn diagnostics(State(engine): Engines) -> Answer<dto::Diagnostics> {
    let text = engine.diagnostics().await?;
    Ok(Json(dto::Diagnostics { text }))
}

/// Writes settings and accounts into a file only its owner can read: without secrets, or with them under a passphrase
#[utoipa::path(post, path = "/backup/file", tag = "desktop", request_body = dto::BackupRequest, responses((status = 200, body = dto::BackupWritten)))]
async fn write_backup(
    State(engine): Engines,
    Json(request): Json<dto::BackupRequest>,
) -> Answer<dto::BackupWritten> {
    let path = PathBuf::from(&request.path);
    let passphrase = request.passphrase.map(SecretString::from);
    let written = engine.write_backup(path, passphrase).await?;
    Ok(Json(dto::BackupWritten {
        path: request.path,
        accounts: written.accounts,
        settings: written.settings,
        secrets: written.secrets,
    }))
}

/// Restores such a file, or says what that would do
#[utoipa::path(post, path = "/backup/file/restore", tag = "desktop", request_body = dto::RestoreRequest, responses((status = 200, body = dto::Restored)))]
async fn restore_file(
    State(engine): Engines,
    Json(request): Json<dto::RestoreRequest>,
) -> Answer<dto::Restored> {
    let passphrase = request.passphrase.map(SecretString::from);
    let report = engine
        .restore_file(PathBuf::from(request.path), passphrase, request.dry_run)
        .await?;
    Ok(Json(report.into()))
}

/// Writes a bundle that was shown into a file only its owner can read
#[utoipa::path(post, path = "/diagnostics/file", tag = "desktop", request_body = dto::DiagnosticsRequest, responses((status = 204)))]
async fn save_diagnostics(
    State(engine): Engines,
    Json(request): Json<dto::DiagnosticsRequest>,
) -> Result<StatusCode, AdminError> {
    engine
        .save_diagnostics(&request.text, PathBuf::from(request.path))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

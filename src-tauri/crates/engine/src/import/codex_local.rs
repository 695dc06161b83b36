//! The account that the Codex CLI on this machine is signed in with (F11). Read only: its file is never touched.
//!
//! Both programs then share one refresh token; whoever calls this must say so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{ImportBatch, ImportError, Problem, parse};
use crate::env::{self, Env};

/// Why the local Codex account cannot be imported. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CodexLocalError {
    /// `CODEX_HOME` is set to a folder that is not there, or no user home is known.
    #[error("the Codex folder {} is not there; check CODEX_HOME", .0.display())]
    NoFolder(PathBuf),
    /// There is no auth.json, and Codex is not told to keep it elsewhere.
    #[error("the Codex CLI is not signed in ({} is not there); run `codex login` first", .0.display())]
    NotSignedIn(PathBuf),
    /// The tokens live in the system's keyring.
    #[error(
        "the Codex CLI keeps its tokens in the system's keyring, which only it may read; set cli_auth_credentials_store = \"file\" in its config.toml and sign in again"
    )]
    Keyring,
    /// The tokens live in the memory of the Codex process.
    #[error(
        "the Codex CLI keeps its tokens in memory only; set cli_auth_credentials_store = \"file\" in its config.toml and sign in again"
    )]
    Ephemeral,
    /// Signed in with an API key or something else that is not a ChatGPT account.
    #[error("the file {0}")]
    NotChatGpt(Problem),
    /// auth.json is not what Codex writes.
    #[error("the Codex CLI's auth.json cannot be read: {0}")]
    Unreadable(ImportError),
    /// The file system refused.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Codex's own folder: `CODEX_HOME`, else `.codex` in the user's home.
#[must_use]
pub fn codex_home(env: &Env) -> Option<PathBuf> {
    let user_home = if cfg!(windows) {
        env.get(env::USER_PROFILE)
    } else {
        env.get(env::USER_HOME)
    };
    env.get(env::CODEX_HOME)
        .map(PathBuf::from)
        .or_else(|| user_home.map(|home| Path::new(home).join(".codex")))
}

/// Reads the account from Codex's folder.
///
/// # Errors
/// [`CodexLocalError`].
pub fn codex_local(codex_home: &Path) -> Result<ImportBatch, CodexLocalError> {
    if !codex_home.is_dir() {
        return Err(CodexLocalError::NoFolder(codex_home.to_path_buf()));
    }
    let path = codex_home.join("auth.json");
    let store = credentials_store(codex_home);
    // With "keyring" a file may be left over from before: its tokens are no longer the ones in use.
    match store.as_deref() {
        Some("keyring") => return Err(CodexLocalError::Keyring),
        Some("ephemeral") => return Err(CodexLocalError::Ephemeral),
        _ => {}
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // "auto" prefers the keyring; without a file that is where the tokens are.
            return Err(if store.as_deref() == Some("auto") {
                CodexLocalError::Keyring
            } else {
                CodexLocalError::NotSignedIn(path)
            });
        }
        Err(source) => return Err(CodexLocalError::Io { path, source }),
    };
    parse(&text).map_err(|error| match error {
        ImportError::Item {
            problem: problem @ (Problem::ApiKeyMode | Problem::OtherAuthMode(_)),
            ..
        } => CodexLocalError::NotChatGpt(problem),
        ImportError::Item {
            problem: Problem::NoToken,
            ..
        } => CodexLocalError::NotSignedIn(path),
        other => CodexLocalError::Unreadable(other),
    })
}

/// Where Codex keeps its credentials, as its config.toml says; an unreadable file says nothing.
fn credentials_store(codex_home: &Path) -> Option<String> {
    let text = fs::read_to_string(codex_home.join("config.toml")).ok()?;
    let config: toml_edit::DocumentMut = text.parse().ok()?;
    config
        .get("cli_auth_credentials_store")?
        .as_str()
        .map(str::to_owned)
}

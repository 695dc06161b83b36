//! The home on the wire: backups and restores (F124, F125), what is cleared and reset (F74, F129), tests of the way to providers (F120), the
//! diagnostic bundle (F147).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BackupSort, Kept, Kind, Reach, Restore};

/// One backup of the database in the home folder. It holds no secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Backup {
    /// By which it is asked for.
    pub name: String,
    pub made_at: i64,
    pub sort: BackupSort,
    pub bytes: u64,
}

impl From<engine::BackupView> for Backup {
    fn from(view: engine::BackupView) -> Self {
        Self {
            name: view.name,
            made_at: view.made_at.0,
            sort: view.sort.into(),
            bytes: view.bytes,
        }
    }
}

/// The backups of the home.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Backups {
    /// Newest first.
    pub backups: Vec<Backup>,
    /// Read-only mode: the newest backup that can be read, to be put in the place of the database that cannot.
    pub offered: Option<String>,
    /// A backup takes the database's place at the next start.
    pub pending: bool,
}

impl From<engine::BackupsView> for Backups {
    fn from(view: engine::BackupsView) -> Self {
        Self {
            backups: view.backups.into_iter().map(Into::into).collect(),
            offered: view.offered,
            pending: view.pending,
        }
    }
}

/// An account in a backup of the database.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupAccount {
    pub label: String,
    pub kind: Kind,
    /// Masked.
    pub email: Option<String>,
    /// It is here now, too.
    pub here: bool,
    /// Its credential is in the vault; without one it has to sign in again.
    pub credential: bool,
}

/// What putting a backup in the database's place would bring.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupPreview {
    pub backup: Backup,
    pub accounts: Vec<BackupAccount>,
    /// Labels of accounts that are here and not in it.
    pub removed: Vec<String>,
    pub last_request_at: Option<i64>,
}

impl From<engine::BackupPreview> for BackupPreview {
    fn from(view: engine::BackupPreview) -> Self {
        let account = |account: engine::BackupAccount| BackupAccount {
            label: account.label,
            kind: account.kind.as_str().into(),
            email: account.email,
            here: account.here,
            credential: account.credential,
        };
        Self {
            backup: view.backup.into(),
            accounts: view.accounts.into_iter().map(account).collect(),
            removed: view.removed,
            last_request_at: view.last_request_at.map(|at| at.0),
        }
    }
}

/// Where settings and accounts go.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BackupRequest {
    /// Whole path of the file to write.
    pub path: String,
    /// Seals the file, which then holds the secrets too; without it the file holds none.
    #[serde(default)]
    #[schema(write_only)]
    pub passphrase: Option<String>,
}

/// What was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BackupWritten {
    pub path: String,
    pub accounts: usize,
    pub settings: usize,
    /// Secrets are in it, under the passphrase.
    pub secrets: bool,
}

/// A file to restore.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RestoreRequest {
    /// Whole path of the file.
    pub path: String,
    #[serde(default)]
    #[schema(write_only)]
    pub passphrase: Option<String>,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// A setting whose value in the file is another one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoredSetting {
    pub key: String,
    pub from: serde_json::Value,
    pub to: serde_json::Value,
    /// Why it stays as it is: what locks it, or that it is unknown.
    pub kept: Option<String>,
}

/// An account of the file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RestoredAccount {
    pub label: String,
    pub kind: Kind,
    /// Masked.
    pub email: Option<String>,
    pub action: Restore,
    /// The vault's own is kept, the file's is taken, or there is none and it has to sign in.
    pub credential: Kept,
}

/// What a restore did, or would do. It removes nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Restored {
    pub settings: Vec<RestoredSetting>,
    pub accounts: Vec<RestoredAccount>,
    /// Gateway keys that are added, or replaced by the file's.
    pub keys: Vec<String>,
    /// The file was under a passphrase.
    pub secrets: bool,
}

impl From<engine::RestoreReport> for Restored {
    fn from(report: engine::RestoreReport) -> Self {
        let setting = |setting: engine::RestoredSetting| RestoredSetting {
            key: setting.key,
            from: setting.from,
            to: setting.to,
            kept: setting.kept,
        };
        let account = |account: engine::RestoredAccount| RestoredAccount {
            label: account.label,
            kind: account.kind.as_str().into(),
            email: account.email,
            action: account.action.into(),
            credential: account.credential.into(),
        };
        Self {
            settings: report.settings.into_iter().map(setting).collect(),
            accounts: report.accounts.into_iter().map(account).collect(),
            keys: report.keys,
            secrets: report.secrets,
        }
    }
}

/// How much went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cleared {
    pub count: usize,
}

/// The word that a person's consent is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResetRequest {
    /// `factory reset`, so that no call by mistake does it.
    pub confirm: String,
}

/// A proxy to test.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ProxyTest {
    /// As it would be saved, or `direct`; left out: the saved one, also while it is switched off.
    #[serde(default)]
    pub url: Option<String>,
    /// The account whose host is to be reached; left out: the ChatGPT backend's.
    #[serde(default)]
    pub account: Option<String>,
}

/// How a host was reached. Nothing of an account was sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reached {
    /// `scheme://host[:port]`.
    pub host: String,
    /// The proxy on the way, its password masked.
    pub proxy: Option<String>,
    pub standing: Reach,
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// Why there is no good answer.
    pub problem: Option<String>,
}

impl From<engine::ReachView> for Reached {
    fn from(view: engine::ReachView) -> Self {
        Self {
            host: view.host,
            proxy: view.proxy,
            standing: view.standing.into(),
            status: view.status,
            latency_ms: view.latency_ms,
            problem: view.problem,
        }
    }
}

/// The diagnostic bundle, redacted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Diagnostics {
    /// As it would be saved.
    pub text: String,
}

/// A bundle that was shown, and where it goes.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DiagnosticsRequest {
    /// Whole path of the file to write.
    pub path: String,
    /// What was shown.
    pub text: String,
}

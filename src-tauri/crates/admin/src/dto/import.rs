//! Import and export on the wire (F4–F10). Secrets only ever travel towards the program.

use engine::{ImportItemView, ImportReport};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ImportAction, Kind};

/// What an import came to, or would come to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Import {
    pub added: usize,
    pub updated: usize,
    pub failed: usize,
    /// At most 48 lines.
    pub errors: Vec<String>,
    pub items: Vec<ImportItem>,
}

/// One item of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportItem {
    /// From 1.
    pub item: usize,
    pub action: ImportAction,
    pub kind: Kind,
    pub label: String,
    /// Masked.
    pub email: Option<String>,
    pub plan: Option<String>,
    pub expires_at: Option<i64>,
    /// The account, once it is written.
    pub id: Option<String>,
}

impl From<ImportItemView> for ImportItem {
    fn from(view: ImportItemView) -> Self {
        Self {
            item: view.item,
            action: view.action.into(),
            kind: view.kind.as_str().into(),
            label: view.label,
            email: view.email,
            plan: view.plan,
            expires_at: view.expires_at.map(|at| at.0),
            id: view.id.map(|id| id.to_string()),
        }
    }
}

impl From<ImportReport> for Import {
    fn from(report: ImportReport) -> Self {
        Self {
            added: report.added,
            updated: report.updated,
            failed: report.failed,
            errors: report.errors,
            items: report.items.into_iter().map(ImportItem::from).collect(),
        }
    }
}

/// An import of pasted or dropped text.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ImportRequest {
    /// Any of the known shapes.
    #[schema(write_only)]
    pub text: String,
    /// Opens a sealed export.
    #[serde(default)]
    #[schema(write_only)]
    pub passphrase: Option<String>,
    /// Only says what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// Asks the providers afterwards; never a model call.
    #[serde(default)]
    pub verify: bool,
}

/// An import of files; desktop and command line only.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ImportFiles {
    /// Files, folders or ZIP files, with their whole paths.
    pub paths: Vec<String>,
    /// Opens a sealed export.
    #[serde(default)]
    #[schema(write_only)]
    pub passphrase: Option<String>,
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default)]
    pub verify: bool,
}

/// Whether to only look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    #[serde(default)]
    pub dry_run: bool,
}

/// An export into a file; desktop and command line only (F9).
#[derive(Deserialize, ToSchema)]
pub(crate) struct ExportRequest {
    /// Null: all.
    #[serde(default)]
    pub ids: Option<Vec<String>>,
    /// Seals the file.
    #[serde(default)]
    #[schema(write_only)]
    pub passphrase: Option<String>,
    /// The new file with its whole path; it will be readable by its owner only. A file that is there is replaced.
    pub path: String,
}

/// The file that was written.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Exported {
    pub path: String,
    pub count: usize,
}

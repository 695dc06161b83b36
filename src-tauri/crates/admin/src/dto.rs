//! The wire types of the admin API. Made from the engine's views, never the other way round by accident: no secret has a field here.

use engine::{
    AccountView, AttemptView, ExplainView, ImportItemView, ImportReport, KeyView, RequestView,
    SettingView, StatusView,
};
use engine::{QuotaSnapshot, QuotaWindow};
use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
type Millis = i64;

#[derive(Debug, Serialize)]
pub(crate) struct Window {
    used_percent: f64,
    length_s: Option<u64>,
    resets_at: Option<Millis>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Quota {
    plan: Option<String>,
    primary: Option<Window>,
    secondary: Option<Window>,
    captured_at: Millis,
    source: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Account {
    id: String,
    kind: &'static str,
    label: String,
    enabled: bool,
    active: bool,
    health: &'static str,
    reason: Option<String>,
    usable_again_at: Option<Millis>,
    format: &'static str,
    base_url: Option<String>,
    email: Option<String>,
    plan: Option<String>,
    position: u32,
    priority: u32,
    group: Option<String>,
    allowed_models: Option<Vec<String>>,
    known_models: Option<Vec<String>>,
    quota: Option<Quota>,
    remaining_percent: Option<f64>,
    expires_at: Option<Millis>,
    refreshable: bool,
    added_at: Millis,
    last_used_at: Option<Millis>,
    running: u32,
    requests: u64,
    successes: u64,
    failures: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Status {
    version: &'static str,
    url: String,
    serving: bool,
    running: usize,
    policy: &'static str,
    vault: &'static str,
    home: String,
    accounts: Vec<Account>,
    notices: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Key {
    name: String,
    masked: String,
    created_at: Millis,
    enabled: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Explain {
    id: String,
    label: String,
    rank: Option<usize>,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ImportItem {
    item: usize,
    action: &'static str,
    kind: &'static str,
    label: String,
    email: Option<String>,
    plan: Option<String>,
    expires_at: Option<Millis>,
    id: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Import {
    added: usize,
    updated: usize,
    failed: usize,
    errors: Vec<String>,
    items: Vec<ImportItem>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    key: &'static str,
    value: serde_json::Value,
    default: serde_json::Value,
    source: &'static str,
    locked_by: Option<String>,
    apply: &'static str,
    allowed: String,
    doc: &'static str,
}

#[derive(Debug, Serialize)]
pub(crate) struct Attempt {
    account: Option<String>,
    outcome: String,
    status: Option<u16>,
    duration_ms: i64,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Request {
    request_id: String,
    started_at: Millis,
    key: Option<String>,
    endpoint: String,
    model: Option<String>,
    account: Option<String>,
    status: Option<u16>,
    outcome: String,
    error_code: Option<String>,
    stream: bool,
    first_byte_ms: Option<i64>,
    duration_ms: i64,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    losses: Vec<String>,
    attempts: Vec<Attempt>,
}

impl From<AttemptView> for Attempt {
    fn from(view: AttemptView) -> Self {
        Self {
            account: view.account,
            outcome: view.outcome,
            status: view.status,
            duration_ms: view.duration_ms,
            reason: view.reason,
        }
    }
}

impl From<RequestView> for Request {
    fn from(view: RequestView) -> Self {
        Self {
            request_id: view.request_id,
            started_at: view.started_at.0,
            key: view.key,
            endpoint: view.endpoint,
            model: view.model,
            account: view.account,
            status: view.status,
            outcome: view.outcome,
            error_code: view.error_code,
            stream: view.stream,
            first_byte_ms: view.first_byte_ms,
            duration_ms: view.duration_ms,
            input_tokens: view.input_tokens,
            output_tokens: view.output_tokens,
            losses: view.losses,
            attempts: view.attempts.into_iter().map(Attempt::from).collect(),
        }
    }
}

/// `POST /accounts/import`
#[derive(Debug, Deserialize)]
pub(crate) struct ImportRequest {
    pub text: String,
    #[serde(default)]
    pub dry_run: bool,
    #[serde(default)]
    pub verify: bool,
}

/// `POST /accounts`
#[derive(Deserialize)]
pub(crate) struct AddRequest {
    pub kind: String,
    pub label: String,
    pub base_url: String,
    pub format: String,
    pub key: String,
    #[serde(default)]
    pub models: Option<Vec<String>>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub priority: Option<u32>,
    #[serde(default)]
    pub proxy: Option<String>,
}

/// `POST /accounts/order`
#[derive(Debug, Deserialize)]
pub(crate) struct OrderRequest {
    pub ids: Vec<String>,
}

/// `PUT /settings/{key}`
#[derive(Debug, Deserialize)]
pub(crate) struct SettingRequest {
    pub value: String,
}

impl From<&QuotaWindow> for Window {
    fn from(window: &QuotaWindow) -> Self {
        Self {
            used_percent: window.used_percent,
            length_s: window.length.map(|length| length.as_secs()),
            resets_at: window.resets_at.map(|at| at.0),
        }
    }
}

impl From<&QuotaSnapshot> for Quota {
    fn from(quota: &QuotaSnapshot) -> Self {
        Self {
            plan: quota.plan.clone(),
            primary: quota.primary.as_ref().map(Window::from),
            secondary: quota.secondary.as_ref().map(Window::from),
            captured_at: quota.captured_at.0,
            source: quota.source.as_str(),
        }
    }
}

impl From<AccountView> for Account {
    fn from(view: AccountView) -> Self {
        Self {
            id: view.id.to_string(),
            kind: view.kind.as_str(),
            label: view.label,
            enabled: view.enabled,
            active: view.active,
            health: view.health,
            reason: view.reason,
            usable_again_at: view.usable_again_at.map(|at| at.0),
            format: view.format.as_str(),
            base_url: view.base_url,
            email: view.email,
            plan: view.plan,
            position: view.position,
            priority: view.priority,
            group: view.group,
            allowed_models: view.allowed_models,
            known_models: view.known_models,
            quota: view.quota.as_ref().map(Quota::from),
            remaining_percent: view.remaining_percent,
            expires_at: view.expires_at.map(|at| at.0),
            refreshable: view.refreshable,
            added_at: view.added_at.0,
            last_used_at: view.last_used_at.map(|at| at.0),
            running: view.running,
            requests: view.requests,
            successes: view.successes,
            failures: view.failures,
        }
    }
}

impl From<StatusView> for Status {
    fn from(view: StatusView) -> Self {
        Self {
            version: view.version,
            url: view.url,
            serving: view.serving,
            running: view.running,
            policy: view.policy,
            vault: view.vault,
            home: view.home,
            accounts: view.accounts.into_iter().map(Account::from).collect(),
            notices: view.notices,
        }
    }
}

impl From<KeyView> for Key {
    fn from(view: KeyView) -> Self {
        Self {
            name: view.name,
            masked: view.masked,
            created_at: view.created_at.0,
            enabled: view.enabled,
        }
    }
}

impl From<ExplainView> for Explain {
    fn from(view: ExplainView) -> Self {
        Self {
            id: view.id.to_string(),
            label: view.label,
            rank: view.rank,
            reason: view.reason,
        }
    }
}

impl From<ImportItemView> for ImportItem {
    fn from(view: ImportItemView) -> Self {
        Self {
            item: view.item,
            action: view.action,
            kind: view.kind.as_str(),
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

impl From<SettingView> for Setting {
    fn from(view: SettingView) -> Self {
        Self {
            key: view.key,
            value: view.value,
            default: view.default,
            source: view.source,
            locked_by: view.locked_by,
            apply: view.apply,
            allowed: view.allowed,
            doc: view.doc,
        }
    }
}

//! The events of `GET /events` and of the window.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Account, Level, Quota, RequestRow, Status, Switch};

/// Something changed.
#[expect(
    dead_code,
    reason = "part of the contract; its call answers not_built so far"
)]
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum AdminEvent {
    /// An account is new or looks different.
    AccountChanged { account: Box<Account> },
    /// An account is gone.
    AccountRemoved { id: String },
    /// The order of the accounts changed: ids from the first to the last.
    AccountsOrdered { ids: Vec<String> },
    /// Another account is the active one.
    Switched { switch: Switch },
    /// A newer reading of an account's quota.
    Quota { account_id: String, quota: Quota },
    /// A request is being served.
    RequestStarted { request: StartedRequest },
    /// A request has ended.
    RequestFinished { request: Box<RequestRow> },
    /// The gateway's own state changed.
    Status { status: Box<Status> },
    /// A task over several accounts or items goes on. It is over when `done` is `total`.
    Progress {
        /// `import`, `quota` or `refresh`.
        task: String,
        done: usize,
        total: usize,
        /// Which one was done last.
        label: Option<String>,
    },
    /// Something to tell the person.
    Notice {
        level: Level,
        code: String,
        text: String,
    },
    /// A setting has another value.
    SettingsChanged { key: String },
    /// A sign-in goes on or has ended.
    SignIn { id: String },
    /// The reader was too slow and missed events: look at everything again.
    Lagged,
}

/// A request that runs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartedRequest {
    pub request_id: String,
    pub started_at: i64,
    /// Name of the gateway key.
    pub key: String,
    pub dialect: String,
    pub endpoint: String,
    pub model: String,
    pub stream: bool,
}

//! The events of `GET /events` and of the window.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Account, Level, Named, NoticeCode, Quota, RequestRow, Status, Switch};

/// Something changed.
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
        code: NoticeCode,
        /// In English.
        text: String,
        /// The account it is about.
        account: Option<Named>,
        /// Why, as a code; of a quota warning the window's length.
        reason: Option<String>,
        back_at: Option<i64>,
        /// Used share of the window.
        percent: Option<u8>,
        /// The port in use instead of the wanted one.
        port: Option<u16>,
    },
    /// A setting has another value.
    SettingsChanged { key: String },
    /// A sign-in goes on or has ended: ask where it stands.
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

impl From<&engine::Notice> for AdminEvent {
    fn from(notice: &engine::Notice) -> Self {
        use engine::NoticeKind::{
            AllExhausted, BalanceLow, NeedsSignIn, PortChanged, QuotaWarning, Recovered, Switched,
        };
        let level = match notice.kind {
            Switched | Recovered => "info",
            QuotaWarning | PortChanged | BalanceLow => "warning",
            AllExhausted | NeedsSignIn => "error",
        };
        let named = |(id, label): (String, String)| Named { id, label };
        Self::Notice {
            level: level.into(),
            code: notice.kind.code().into(),
            text: notice.text(),
            account: notice.account.clone().map(named),
            reason: notice.reason.clone(),
            back_at: notice.back_at.map(|at| at.0),
            percent: notice.percent,
            port: notice.port.map(|(_, used)| used),
        }
    }
}

impl From<&engine::StartedView> for StartedRequest {
    fn from(view: &engine::StartedView) -> Self {
        Self {
            request_id: view.request_id.clone(),
            started_at: view.started_at.0,
            key: view.key.clone(),
            dialect: view.dialect.to_owned(),
            endpoint: view.endpoint.to_owned(),
            model: view.model.clone(),
            stream: view.stream,
        }
    }
}

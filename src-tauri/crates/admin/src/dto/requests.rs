//! The journal, switches, models and explanations on the wire.

use engine::{AttemptView, ExplainView, RequestView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Dialect, End, ModelSource};

/// One account tried for a request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attempt {
    /// Its label then.
    pub account: Option<String>,
    pub account_id: Option<String>,
    /// The outcome's code.
    pub outcome: String,
    /// HTTP status of its answer.
    pub status: Option<u16>,
    pub duration_ms: i64,
    /// What happened, in words.
    pub reason: Option<String>,
}

/// A finished request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestRow {
    /// Place in the journal, for `before`; 0 for one that has just ended.
    pub seq: i64,
    pub request_id: String,
    pub started_at: i64,
    /// Name of the gateway key.
    pub key: Option<String>,
    pub dialect: String,
    pub endpoint: String,
    pub model: Option<String>,
    pub model_served: Option<String>,
    /// Label of the account that served or was tried last.
    pub account: Option<String>,
    pub account_id: Option<String>,
    /// Status sent to the client.
    pub status: Option<u16>,
    pub outcome: End,
    pub error_code: Option<String>,
    pub stream: bool,
    pub first_byte_ms: Option<i64>,
    pub duration_ms: i64,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cached_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    /// What of the request did not reach the upstream, or of the answer the client, as it was, with the reason.
    pub losses: Vec<String>,
    pub attempts: Vec<Attempt>,
}

impl From<AttemptView> for Attempt {
    fn from(view: AttemptView) -> Self {
        Self {
            account: view.account,
            account_id: view.account_id,
            outcome: view.outcome,
            status: view.status,
            duration_ms: view.duration_ms,
            reason: view.reason,
        }
    }
}

impl From<RequestView> for RequestRow {
    fn from(view: RequestView) -> Self {
        Self {
            seq: view.seq,
            request_id: view.request_id,
            started_at: view.started_at.0,
            key: view.key,
            dialect: view.dialect,
            endpoint: view.endpoint,
            model: view.model,
            model_served: view.model_served,
            account: view.account,
            account_id: view.account_id,
            status: view.status,
            outcome: view.outcome.into(),
            error_code: view.error_code,
            stream: view.stream,
            first_byte_ms: view.first_byte_ms,
            duration_ms: view.duration_ms,
            input_tokens: view.input_tokens,
            output_tokens: view.output_tokens,
            cached_tokens: view.cached_tokens,
            reasoning_tokens: view.reasoning_tokens,
            losses: view.losses,
            attempts: view.attempts.into_iter().map(Attempt::from).collect(),
        }
    }
}

/// Which requests; what is absent lets all through.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalQuery {
    /// At most this many, newest first; 20 when nothing is said, never more than 2000.
    pub limit: Option<u32>,
    /// Only rows before this `seq`: the next page.
    pub before: Option<i64>,
    /// Account id: requests it served or was tried for.
    pub account: Option<String>,
    /// `completed`, `failed` or `cancelled`.
    pub outcome: Option<String>,
    /// Part of a model, account label, key name, error code or request id.
    pub text: Option<String>,
}

/// A model clients can name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    pub id: String,
    pub owned_by: String,
    /// Labels of the enabled accounts that offer it.
    pub accounts: Vec<String>,
    /// Dialects those accounts speak.
    pub dialects: Vec<Dialect>,
    pub source: ModelSource,
}

impl From<engine::ModelView> for Model {
    fn from(view: engine::ModelView) -> Self {
        Self {
            id: view.id,
            owned_by: view.owned_by,
            accounts: view.accounts,
            dialects: view
                .formats
                .into_iter()
                .map(|format| format.as_str().into())
                .collect(),
            source: if view.told { "upstream" } else { "allowed" }.into(),
        }
    }
}

/// A model name to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExplainQuery {
    pub model: String,
}

/// Whether an account could serve a model now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explain {
    pub id: String,
    pub label: String,
    /// Its place among the candidates, from 1; null when it is skipped.
    pub rank: Option<usize>,
    /// Why it is skipped, in words.
    pub reason: Option<String>,
    /// The same as a code.
    pub code: Option<String>,
    /// Why it has its place, in words; null when it is skipped.
    pub because: Option<String>,
    /// When the reason it is skipped for ends by itself; null when time alone does not end it or nobody knows.
    pub until: Option<i64>,
    /// What that reason was learnt from, such as `header`, `query`, `usage_limit` or `failures`; null for what the person or the request says.
    pub source: Option<String>,
}

impl From<ExplainView> for Explain {
    fn from(view: ExplainView) -> Self {
        Self {
            id: view.id.to_string(),
            label: view.label,
            rank: view.rank,
            reason: view.reason,
            code: view.code.map(str::to_owned),
            because: view.because.map(str::to_owned),
            until: view.until.map(|at| at.0),
            source: view.source,
        }
    }
}

/// An account by its two names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Named {
    pub id: String,
    /// Its label then.
    pub label: String,
}

/// A change of the active account (F48).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Switch {
    pub at: i64,
    /// Null when there was none.
    pub from: Option<Named>,
    pub to: Named,
    /// A code such as `exhausted`, `threshold`, `refused`, `manual`, `undo`.
    pub reason: String,
    /// Nobody clicked.
    pub automatic: bool,
    /// The account that the local Codex CLI uses would have come first, and was passed over.
    pub avoided: bool,
    /// When the one left is usable again, as known then.
    pub back_at: Option<i64>,
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LimitQuery {
    /// 5 when nothing is said, at most 500.
    pub limit: Option<u32>,
}

impl From<engine::SwitchView> for Switch {
    fn from(view: engine::SwitchView) -> Self {
        let named = |(id, label)| Named { id, label };
        Self {
            at: view.at.0,
            from: view.from.map(named),
            to: named(view.to),
            reason: view.reason,
            automatic: view.automatic,
            avoided: view.avoided,
            back_at: view.back_at.map(|at| at.0),
        }
    }
}

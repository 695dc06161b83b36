//! How fast accounts answer, on the wire (F71).

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LatencyQuery {
    /// Requests that arrived then or later, as far as the journal reaches; a day ago when nothing is said.
    pub from: Option<i64>,
}

/// How fast one account has answered with one model. Only requests that ended well count.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Latency {
    pub account_id: String,
    pub account_label: String,
    /// The model that served.
    pub model: String,
    pub requests: usize,
    /// From the request's arrival to the end of its answer.
    pub average_ms: i64,
    /// 95 of 100 took no longer.
    pub p95_ms: i64,
    /// Up to the first byte of the answer; null when it is not known.
    pub first_byte_average_ms: Option<i64>,
    pub first_byte_p95_ms: Option<i64>,
    /// Tokens out, while answers came; null where providers told no usage.
    pub tokens_per_second: Option<f64>,
}

impl From<engine::LatencyView> for Latency {
    fn from(view: engine::LatencyView) -> Self {
        Self {
            account_id: view.account_id,
            account_label: view.account_label,
            model: view.model,
            requests: view.requests,
            average_ms: view.total_ms.0,
            p95_ms: view.total_ms.1,
            first_byte_average_ms: view.first_byte_ms.map(|both| both.0),
            first_byte_p95_ms: view.first_byte_ms.map(|both| both.1),
            tokens_per_second: view.tokens_per_second,
        }
    }
}

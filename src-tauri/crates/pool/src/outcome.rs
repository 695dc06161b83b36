//! What happened to one attempt, and what that allows the relay loop to do next (F50–F54).
//!
//! Not what it means for the account: that is `report`. Produced by upstream's classification, read by the gateway and the pool.

use crate::Timestamp;

/// What may follow an attempt, provided nothing has reached the client yet (F51).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The answer, good or bad, belongs to the client.
    Never,
    /// Another account may try, as often as attempts are left.
    NextAccount,
    /// Another account may try, but only one.
    NextAccountOnce,
    /// The same account may try once more with what was refused taken out.
    SameAccountOnce,
}

/// What happened to one attempt (F52).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A 2xx whose answer began.
    Success,
    /// The client went away (F56).
    Cancelled,
    /// No connection, or it broke before the head arrived.
    Network,
    /// Connect, head or total time ran out.
    Timeout,
    /// A 5xx.
    ServerError {
        /// The upstream's status.
        status: u16,
    },
    /// The upstream says that it is overloaded.
    Overloaded {
        /// When it asks to be tried again.
        retry_at: Option<Timestamp>,
    },
    /// 401.
    Unauthorized,
    /// The plan's quota is used up (F53).
    UsageLimit {
        /// When it starts afresh, if told.
        resets_at: Option<Timestamp>,
    },
    /// Any other 429.
    RateLimited {
        /// When it may be tried again, if told.
        retry_at: Option<Timestamp>,
    },
    /// 402.
    PaymentRequired,
    /// A 403 with an HTML challenge page.
    Challenge,
    /// A 403 in JSON.
    Forbidden,
    /// This account cannot serve the model.
    ModelUnsupported,
    /// The request itself was refused (400, 404, 413, 422 and the like).
    InvalidRequest {
        /// The upstream's status.
        status: u16,
    },
    /// The request carries encrypted reasoning another account made.
    InvalidEncryptedContent,
    /// A 200 with neither content nor tool call (F54).
    EmptyAnswer,
    /// The stream broke after its first byte had reached the client.
    StreamCut,
    /// The sign-in server refused to renew the token (F18).
    RefreshRefused {
        /// Seen twice, at least ten seconds apart.
        confirmed: bool,
        /// The refusal says that the account is closed.
        banned: bool,
    },
    /// The sign-in server could not be reached or failed (F18).
    RefreshUnavailable,
    /// A page for people where an API answer belongs (a wrong base URL).
    NotAnApi,
}

impl Outcome {
    /// What may be tried next while nothing has reached the client.
    pub const fn retry(&self) -> Retry {
        match self {
            Outcome::Success
            | Outcome::Cancelled
            | Outcome::InvalidRequest { .. }
            | Outcome::StreamCut => Retry::Never,
            Outcome::ModelUnsupported => Retry::NextAccountOnce,
            Outcome::InvalidEncryptedContent => Retry::SameAccountOnce,
            Outcome::Network
            | Outcome::Timeout
            | Outcome::ServerError { .. }
            | Outcome::Overloaded { .. }
            | Outcome::Unauthorized
            | Outcome::UsageLimit { .. }
            | Outcome::RateLimited { .. }
            | Outcome::PaymentRequired
            | Outcome::Challenge
            | Outcome::Forbidden
            | Outcome::EmptyAnswer
            | Outcome::RefreshRefused { .. }
            | Outcome::RefreshUnavailable
            | Outcome::NotAnApi => Retry::NextAccount,
        }
    }

    /// Whether, with no other account left, the same one may be tried once more unchanged (F54).
    pub const fn same_account_may_repeat(&self) -> bool {
        matches!(self, Outcome::Network)
    }

    /// The word for journal, log and reasons.
    pub const fn code(&self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Cancelled => "cancelled",
            Outcome::Network => "network",
            Outcome::Timeout => "timeout",
            Outcome::ServerError { .. } => "server_error",
            Outcome::Overloaded { .. } => "overloaded",
            Outcome::Unauthorized => "unauthorized",
            Outcome::UsageLimit { .. } => "usage_limit",
            Outcome::RateLimited { .. } => "rate_limited",
            Outcome::PaymentRequired => "payment_required",
            Outcome::Challenge => "challenge",
            Outcome::Forbidden => "forbidden",
            Outcome::ModelUnsupported => "model_unsupported",
            Outcome::InvalidRequest { .. } => "invalid_request",
            Outcome::InvalidEncryptedContent => "invalid_encrypted_content",
            Outcome::EmptyAnswer => "empty_answer",
            Outcome::StreamCut => "stream_cut",
            Outcome::RefreshRefused { banned: true, .. } => "account_deactivated",
            Outcome::RefreshRefused { .. } => "refresh_refused",
            Outcome::RefreshUnavailable => "refresh_unavailable",
            Outcome::NotAnApi => "not_an_api",
        }
    }
}

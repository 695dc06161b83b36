//! What the gateway tells about a finished request. Written once, last, and always, also when the client went away.
//!
//! Not the database: the engine turns an [`Entry`] into rows. No body, token or URL ever enters an entry.

use std::sync::Arc;

use pool::{AccountId, Timestamp};

/// How a request ended, as seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A whole answer reached the client.
    Completed,
    /// An error answer, before or after the commit point.
    Failed,
    /// The client went away first (F56).
    Cancelled,
}

impl End {
    /// The word the journal shows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One account tried for a request.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The account.
    pub account: AccountId,
    /// Its label at that time.
    pub label: String,
    /// [`pool::Outcome::code`].
    pub outcome: &'static str,
    /// HTTP status of the upstream's answer, if one arrived.
    pub status: Option<u16>,
    /// Milliseconds from the attempt's start to its outcome (for the serving attempt: to the end of the stream).
    pub duration_ms: u32,
    /// What happened, for people; never a secret.
    pub reason: String,
}

/// One finished request.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `x-request-id` of the answer.
    pub request_id: String,
    /// When the request arrived.
    pub started_at: Timestamp,
    /// Name of the gateway key.
    pub key: Arc<str>,
    /// Client dialect: `chat`, `responses`, `messages`; `images` for the Images API.
    pub dialect: &'static str,
    /// Path served, without query.
    pub endpoint: &'static str,
    /// Model the client asked for.
    pub model: String,
    /// Status sent to the client.
    pub status: u16,
    /// How it ended.
    pub end: End,
    /// Error code when it failed.
    pub error_code: Option<String>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// Milliseconds to the first byte sent to the client.
    pub first_byte_ms: Option<u32>,
    /// Milliseconds to the end.
    pub duration_ms: u32,
    /// Tokens as the upstream counted them; `None` = unknown (F70: never estimated).
    pub usage: Option<protocol::Usage>,
    /// Pictures made (F70).
    pub images: u32,
    /// What of the request or of the answer was not carried over: what became of what, and why.
    pub losses: Vec<String>,
    /// Every account tried, in order; the last one served unless `end` is `Failed`.
    pub attempts: Vec<Attempt>,
    /// Accounts passed over before the last attempt, with the reason code.
    pub skipped: Vec<(AccountId, &'static str)>,
}

/// Where entries and pool events go. Must not block: it is called on the request path.
pub trait Journal: Send + Sync + 'static {
    /// A request was understood and is about to be served; `entry` holds what is known so far.
    fn started(&self, entry: &Entry) {
        let _ = entry;
    }
    /// A request ended.
    fn record(&self, entry: Entry);
    /// The pool changed because of a request: an account is exhausted, recovered, needs a sign-in.
    fn pool_events(&self, events: Vec<pool::Event>);
}

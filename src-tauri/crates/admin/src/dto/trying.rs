//! The test page on the wire: a prompt through the gateway's own road, and what comes back, event by event.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which dialect to speak to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TryProtocol {
    Chat,
    Responses,
}

/// How much to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effort {
    Low,
    Medium,
    High,
}

/// A prompt to send.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TryRequest {
    pub protocol: TryProtocol,
    pub model: String,
    /// Only this account; null lets the gateway choose.
    #[serde(default)]
    pub account_id: Option<String>,
    pub prompt: String,
    /// A `data:` URL.
    #[serde(default)]
    pub image: Option<String>,
    #[serde(default)]
    pub stream: bool,
    /// Offers one harmless function, to see a tool call.
    #[serde(default)]
    pub tools: bool,
    #[serde(default)]
    pub thinking: Option<Effort>,
}

/// What comes back. Exactly one `done` or `error` ends it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum TryEvent {
    /// The answer's head, without secrets.
    Head {
        status: u16,
        headers: Vec<(String, String)>,
        /// Label of the account that serves.
        account: Option<String>,
        /// A command that sends the same, with `$SWITCHYARD_KEY` in place of the key.
        curl: String,
    },
    /// Text.
    Delta { text: String },
    /// Reasoning.
    Thinking { text: String },
    /// A whole tool call.
    Tool { name: String, arguments: String },
    /// An image, as a `data:` URL.
    Image { url: String },
    /// Tokens as the provider counted them.
    Usage {
        input_tokens: Option<u64>,
        output_tokens: Option<u64>,
        cached_tokens: Option<u64>,
        reasoning_tokens: Option<u64>,
    },
    /// One line of the answer as it came.
    Raw { line: String },
    /// The end of an answer.
    Done {
        first_byte_ms: Option<u64>,
        duration_ms: u64,
    },
    /// The end of an attempt that failed.
    Error {
        code: String,
        message: String,
        status: Option<u16>,
    },
}

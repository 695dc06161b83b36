//! The test page on the wire: a prompt through the gateway's own road, and what comes back, event by event.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which dialect to speak to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TryProtocol {
    Chat,
    Responses,
    Messages,
    Gemini,
    Images,
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

impl From<TryProtocol> for engine::TryProtocol {
    fn from(protocol: TryProtocol) -> Self {
        match protocol {
            TryProtocol::Chat => Self::Chat,
            TryProtocol::Responses => Self::Responses,
            TryProtocol::Messages => Self::Messages,
            TryProtocol::Gemini => Self::Gemini,
            TryProtocol::Images => Self::Images,
        }
    }
}

impl From<TryRequest> for engine::TryAsk {
    fn from(request: TryRequest) -> Self {
        Self {
            protocol: request.protocol.into(),
            model: request.model,
            account: request.account_id,
            prompt: request.prompt,
            image: request.image,
            stream: request.stream,
            tools: request.tools,
            thinking: request.thinking.map(|effort| match effort {
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::High => "high",
            }),
        }
    }
}

impl From<engine::TryEvent> for TryEvent {
    fn from(event: engine::TryEvent) -> Self {
        use engine::TryEvent as Event;
        match event {
            Event::Head {
                status,
                headers,
                account,
                curl,
            } => Self::Head {
                status,
                headers,
                account,
                curl,
            },
            Event::Delta(text) => Self::Delta { text },
            Event::Thinking(text) => Self::Thinking { text },
            Event::Tool { name, arguments } => Self::Tool { name, arguments },
            Event::Image(url) => Self::Image { url },
            Event::Usage {
                input,
                output,
                cached,
                reasoning,
            } => Self::Usage {
                input_tokens: input,
                output_tokens: output,
                cached_tokens: cached,
                reasoning_tokens: reasoning,
            },
            Event::Raw(line) => Self::Raw { line },
            Event::Done { first_byte, took } => Self::Done {
                first_byte_ms: first_byte.map(super::millis),
                duration_ms: super::millis(took),
            },
            Event::Error {
                code,
                message,
                status,
            } => Self::Error {
                code,
                message,
                status,
            },
        }
    }
}

//! The wire forms the simulator speaks: reading a body into a `brain::Prompt`, writing a `brain::Turn` as events or as one document.
//! Called by `codex` and `relay`. Independent of the protocol room on purpose: a shared mistake would stay unseen.

pub(crate) mod chat_in;
pub(crate) mod chat_out;
mod checks;
pub(crate) mod gemini_in;
pub(crate) mod gemini_out;
pub(crate) mod messages_in;
pub(crate) mod messages_out;
pub(crate) mod responses_in;
pub(crate) mod responses_out;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::{answer::Venue, brain::Image};

/// Why a request is refused, before it gets a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
}

impl Refusal {
    /// A 400 `invalid_request_error`.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            param: None,
            message: message.into(),
        }
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// OpenAI's shape.
    pub(crate) fn openai(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }

    /// Anthropic's shape, whose type follows the status.
    pub(crate) fn messages(&self) -> Value {
        let kind = match self.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            503 | 529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        json!({"type": "error", "error": {"type": kind, "message": self.message}, "request_id": "req_simulator"})
    }

    /// Google's shape, whose word follows the status.
    pub(crate) fn gemini(&self) -> Value {
        let word = match self.status {
            401 => "UNAUTHENTICATED",
            403 => "PERMISSION_DENIED",
            404 => "NOT_FOUND",
            429 => "RESOURCE_EXHAUSTED",
            400..=499 => "INVALID_ARGUMENT",
            503 => "UNAVAILABLE",
            _ => "INTERNAL",
        };
        json!({"error": {"code": self.status, "message": self.message, "status": word}})
    }

    /// The shape of the place where it is told.
    pub(crate) fn shaped(&self, venue: Venue) -> Value {
        match venue {
            Venue::Messages => self.messages(),
            Venue::Gemini => self.gemini(),
            Venue::Codex | Venue::Responses | Venue::Chat => self.openai(),
        }
    }

    /// The Codex backend's shape for refused requests.
    pub(crate) fn detail(&self) -> Value {
        json!({"detail": self.message})
    }
}

/// One SSE frame with an `event:` line.
pub(crate) fn named_frame(event: &Value) -> Bytes {
    let name = event["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}

/// One SSE frame without an `event:` line.
pub(crate) fn data_frame(payload: &Value) -> Bytes {
    Bytes::from(format!("data: {payload}\n\n"))
}

/// A text cut into several deltas at character borders.
pub(crate) fn pieces(text: &str) -> Vec<&str> {
    // At least two pieces, at most about 64.
    let size = (text.len() / 64).max(8).min(text.len().div_ceil(2));
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        // The border lies at least one character on, or wide characters would never end.
        let border = rest.ceil_char_boundary(size.min(rest.len()));
        let (part, tail) = rest.split_at(border);
        parts.push(part);
        rest = tail;
    }
    parts
}

/// A picture given as data URL or as link.
fn image(url: &str) -> Image {
    let inline = url
        .strip_prefix("data:")
        .and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((mime, data)) => Image {
            mime: mime.to_owned(),
            bytes: STANDARD.decode(data).map_or(0, |bytes| bytes.len()),
        },
        None => Image {
            mime: "url".to_owned(),
            bytes: 0,
        },
    }
}

/// Text of a content that is a string or a list of parts with a `text` each.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect::<Vec<_>>()
            .join("\n"),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Rough token count of what a request tells the model: a quarter of its bytes, pictures apart. Settings do not count.
fn input_tokens(body: &Value) -> u64 {
    fn weigh(value: &Value) -> usize {
        match value {
            Value::String(text) if text.starts_with("data:") => 1000,
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weigh).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| name.len() + weigh(value))
                .sum(),
            _ => 4,
        }
    }
    let told = [
        "input",
        "messages",
        "contents",
        "instructions",
        "system",
        "systemInstruction",
        "tools",
    ]
    .iter()
    .map(|name| weigh(&body[*name]));
    u64::try_from(told.sum::<usize>() / 4 + 1).unwrap_or(u64::MAX)
}

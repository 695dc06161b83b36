//! The error envelopes of providers, brought to one form: `{"error":{…}}`, `{"error":"…"}`, `{"detail":…}`,
//! `{"response":{"error":{…}}}`, `[{"error":…}]`, top-level `code` and `message` (codex-backend 3.5, T209).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use pool::Timestamp;
use serde_json::Value;

use crate::quota::instant;

/// Longest text looked at; an error's words come first.
const TEXT_LIMIT: usize = 16 << 10;

/// What an error body says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ErrorBody {
    /// `error.type`
    pub kind: Option<String>,
    /// `error.code`, also when it is a number.
    pub code: Option<String>,
    /// The words.
    pub message: Option<String>,
    /// `error.resets_at`
    pub(super) resets_at: Option<Timestamp>,
    /// `error.resets_in_seconds`
    pub(super) resets_in_secs: Option<f64>,
    /// A delay in provider-specific details, such as Google's `retryDelay`.
    pub(super) retry_in_secs: Option<f64>,
}

/// The parts of an error that are shown to people and clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorMessage {
    /// The words; never empty.
    pub message: String,
    /// The code, if any.
    pub code: Option<String>,
    /// The type, if any.
    pub kind: Option<String>,
}

/// The message, code and type of an error body in any of the known envelopes; `None` when it is none of them.
#[must_use]
pub fn error_message(body: &[u8]) -> Option<ErrorMessage> {
    let error = ErrorBody::read(body)?;
    let message = error
        .message
        .or_else(|| error.code.clone())
        .or_else(|| error.kind.clone())?;
    Some(ErrorMessage {
        message,
        code: error.code,
        kind: error.kind,
    })
}

impl ErrorBody {
    /// Reads an error body; `None` when it is not JSON or holds no error.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        Self::from_value(&value)
    }

    /// The body's error, completed from the `x-error-json` header; plain text counts as message.
    pub(super) fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let mut error = Self::read(body).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&body[..body.len().min(TEXT_LIMIT)]);
            let text = text.trim();
            Self {
                message: (!text.is_empty()).then(|| text.to_owned()),
                ..Self::default()
            }
        });
        if error.code.is_none()
            && error.kind.is_none()
            && let Some(told) = headers
                .get("x-error-json")
                .and_then(|v| STANDARD.decode(v.as_bytes()).ok())
            && let Some(told) = Self::read(&told)
        {
            error.code = told.code;
            error.kind = told.kind;
        }
        error
    }

    /// The error of a body that holds nothing else: no choices, no output.
    pub(super) fn alone(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let answer = [
            "choices",
            "output",
            "data",
            "models",
            "content",
            "candidates",
        ];
        if answer
            .iter()
            .any(|key| value.get(key).is_some_and(|v| !v.is_null()))
        {
            return None;
        }
        value
            .get("error")
            .filter(|e| e.is_object() || e.is_string())
            .map(Self::from_error)
    }

    /// The error inside a whole envelope.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        if let Some(first) = value.as_array().and_then(|a| a.first()) {
            return Self::from_value(first);
        }
        let object = value.as_object()?;
        let given = |key: &str| object.get(key).filter(|v| !v.is_null());
        if let Some(error) = given("error") {
            let mut read = Self::from_error(error);
            // `{"error":"invalid_grant","error_description":"…"}` (OAuth)
            if error.is_string()
                && let Some(words) = given("error_description")
                    .or(given("message"))
                    .and_then(Value::as_str)
            {
                read.code = read.message.replace(words.to_owned());
            }
            return Some(read);
        }
        if let Some(error) = given("response")
            .and_then(|r| r.get("error"))
            .filter(|e| !e.is_null())
        {
            return Some(Self::from_error(error));
        }
        if let Some(detail) = given("detail") {
            return Some(match detail {
                // FastAPI's list of problems.
                Value::Array(problems) => {
                    let words: Vec<_> = problems
                        .iter()
                        .filter_map(|p| p.get("msg")?.as_str())
                        .collect();
                    Self {
                        message: Some(words.join("; ")),
                        ..Self::default()
                    }
                }
                other => Self::from_error(other),
            });
        }
        (object.contains_key("message") || object.contains_key("code"))
            .then(|| Self::from_error(value))
    }

    /// One error object, or its text.
    pub(super) fn from_error(error: &Value) -> Self {
        if let Some(text) = error.as_str() {
            // A bare word is a code as much as a message.
            let word = !text.contains(' ') && text.len() <= 64;
            return Self {
                code: word.then(|| text.to_owned()),
                message: Some(text.to_owned()),
                ..Self::default()
            };
        }
        let text = |key: &str| match error.get(key) {
            Some(Value::String(s)) if !s.is_empty() => Some(s.clone()),
            Some(Value::Number(n)) => Some(n.to_string()),
            _ => None,
        };
        let number = |key: &str| match error.get(key) {
            Some(Value::Number(n)) => n.as_f64(),
            Some(Value::String(s)) => s.trim().parse::<f64>().ok(),
            _ => None,
        };
        let delay = error
            .get("details")
            .and_then(Value::as_array)
            .and_then(|details| {
                let text = details.iter().find_map(|d| d.get("retryDelay")?.as_str())?;
                text.trim_end_matches('s').parse::<f64>().ok()
            });
        Self {
            kind: text("type").or_else(|| text("status")),
            code: text("code"),
            message: text("message").or_else(|| text("msg")),
            resets_at: number("resets_at")
                .or_else(|| number("nextResetTime"))
                .filter(|n| *n > 0.0 && n.is_finite())
                .map(instant),
            resets_in_secs: number("resets_in_seconds").filter(|n| *n >= 0.0 && n.is_finite()),
            retry_in_secs: delay.filter(|n| *n >= 0.0 && n.is_finite()),
        }
    }

    /// Whether code or type is one of these.
    pub(super) fn is_one_of(&self, codes: &[&str]) -> bool {
        let any = |word: &Option<String>| {
            word.as_deref()
                .is_some_and(|w| codes.iter().any(|c| c.eq_ignore_ascii_case(w)))
        };
        any(&self.code) || any(&self.kind)
    }

    /// Whether the words contain this, in any case. `text` is lower case.
    pub(super) fn mentions(&self, text: &str) -> bool {
        self.message
            .as_deref()
            .is_some_and(|m| m.to_ascii_lowercase().contains(text))
    }

    /// A status given as code, as relays do (`{"code":502}`).
    pub(super) fn status(&self) -> Option<u16> {
        self.code
            .as_deref()?
            .parse()
            .ok()
            .filter(|s| (400..600).contains(s))
    }
}

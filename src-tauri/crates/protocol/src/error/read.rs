//! Reading the errors of upstreams, whatever shape they have (T209). Error bodies are small and rare: a tree is fine here.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    gemini::errors::{OVERFLOW as GEMINI_OVERFLOW, status_of},
    messages::errors::{OVERFLOW, OVERFLOW_CODE},
    types::{Dialect, ErrorBody},
};

/// The longest text kept of an upstream's error, in characters.
const LONGEST_TEXT: usize = 2000;

/// What an upstream's error body says. Known shapes: `{"error":{…}}`, `{"error":"…"}`, `[{"error":{…}}]`, `{"detail":…}`,
/// `{"message":…}`, HTML and plain text.
#[must_use]
pub fn read(status: u16, body: &[u8]) -> ErrorBody {
    let mut error = match serde_json::from_slice::<Value>(body) {
        Ok(value) => from_value(&value),
        Err(_) => ErrorBody {
            message: plain_text(body),
            ..ErrorBody::default()
        },
    };
    if error.message.is_empty() {
        error.message = format!("The upstream answered with status {status} and no readable text.");
    }
    if error.kind.is_empty() {
        error.kind = super::kind_for(Dialect::Chat, status).into();
    }
    error
}

/// What an error event of a stream says: `response.failed`, `error` (flat or nested), or a Chat chunk with `error`.
#[must_use]
pub fn from_event(data: &[u8]) -> ErrorBody {
    let mut error = serde_json::from_slice::<Value>(data)
        .map(|value| from_value(&value))
        .unwrap_or_default();
    if error.message.is_empty() {
        error.message =
            "The upstream ended its answer with an error and gave no reason.".to_owned();
    }
    if error.kind.is_empty() {
        let status = error
            .code
            .as_deref()
            .map_or(502, |code| status_for(code, 502));
        error.kind = super::kind_for(Dialect::Chat, status).into();
    }
    error
}

/// The status that an error code or type stands for (T184, §4.2), else `otherwise`.
#[must_use]
pub fn status_for(code: &str, otherwise: u16) -> u16 {
    match code {
        "context_length_exceeded"
        | "invalid_prompt"
        | "invalid_request_error"
        | "invalid_encrypted_content"
        | "bio_policy"
        | "cyber_policy"
        | "content_policy_violation"
        | "previous_response_not_found" => 400,
        "invalid_api_key" | "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "model_not_found" | "not_found_error" => 404,
        "rate_limit_exceeded"
        | "rate_limit_error"
        | "insufficient_quota"
        | "usage_limit_reached"
        | "usage_limit_exceeded"
        | "billing_hard_cap_reached"
        | "usage_not_included" => 429,
        "request_too_large" => 413,
        "server_error" | "internal_error" | "api_error" => 500,
        "timeout_error" => 504,
        "server_is_overloaded" | "slow_down" | "overloaded_error" => 503,
        // The words of Google's services.
        word => status_of(word).unwrap_or(otherwise),
    }
}

/// The status an error event should have had: its own number, else by code, else by type, else 502.
pub(crate) fn event_status(data: &[u8], error: &ErrorBody) -> u16 {
    let told = serde_json::from_slice::<Value>(data)
        .ok()
        .and_then(|value| {
            let number = ["/status", "/status_code", "/error/code"]
                .iter()
                .find_map(|key| value.pointer(key)?.as_u64());
            number
                .and_then(|number| u16::try_from(number).ok())
                .filter(|status| (400..600).contains(status))
        });
    told.unwrap_or_else(|| {
        let by_kind = status_for(&error.kind, 502);
        error
            .code
            .as_deref()
            .map_or(by_kind, |code| status_for(code, by_kind))
    })
}

/// Whether the body already is `{"error":{"message":"…","type"|"code":"…"}}` with nothing an OpenAI client would trip over.
pub(super) fn has_openai_shape(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let Some(error) = value.get("error").and_then(Value::as_object) else {
        return false;
    };
    let text = |key: &str| error.get(key).is_some_and(Value::is_string);
    let no_number = error
        .get("code")
        .is_none_or(|code| code.is_string() || code.is_null());
    // Anthropic's envelope has its own `type` beside the error.
    let plain = value.get("type").is_none_or(Value::is_null);
    plain && text("message") && no_number && (text("type") || text("code"))
}

fn from_value(value: &Value) -> ErrorBody {
    match value {
        Value::Array(list) => list.first().map(from_value).unwrap_or_default(),
        Value::String(text) => ErrorBody {
            message: shorten(text),
            ..ErrorBody::default()
        },
        Value::Object(object) => {
            let nested = [
                value.pointer("/response/error"),
                object.get("error"),
                object.get("detail"),
            ];
            if let Some(inner) = nested.into_iter().flatten().find(|inner| !inner.is_null()) {
                let error = from_value(inner);
                return if error.message.is_empty() {
                    ErrorBody {
                        message: shorten(&inner.to_string()),
                        ..error
                    }
                } else {
                    error
                };
            }
            let text = |key: &str| {
                object
                    .get(key)
                    .and_then(Value::as_str)
                    .filter(|text| !text.is_empty())
            };
            let message = ["message", "msg", "error_description", "title"]
                .iter()
                .find_map(|key| text(key));
            // Google's numeric code repeats the HTTP status; its word is in `status`.
            let code = text("code")
                .or_else(|| text("status"))
                .map(|code| Cow::Owned(code.to_owned()));
            // The `type` of an event or of Anthropic's envelope is not an error type.
            let kind =
                text("type").filter(|kind| *kind != "error" && !kind.starts_with("response."));
            // T211: the words are all that Anthropic says of an overflow.
            let overflow = message.is_some_and(|text| text.contains(OVERFLOW));
            let gemini_overflow = message.is_some_and(|text| text.contains(GEMINI_OVERFLOW));
            ErrorBody {
                message: message.map(shorten).unwrap_or_default(),
                kind: kind.map(str::to_owned).unwrap_or_default().into(),
                code: code
                    .filter(|_| !gemini_overflow)
                    .or((overflow || gemini_overflow).then_some(OVERFLOW_CODE.into())),
                param: text("param").map(|param| Cow::Owned(param.to_owned())),
            }
        }
        _ => ErrorBody::default(),
    }
}

/// The readable part of a body that is not JSON: the title of a page, else the text as it is.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if !text.starts_with('<') {
        return shorten(text);
    }
    // ASCII lower case keeps byte offsets, so that they fit the original.
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let start = open + lower[open..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        Some(text[start..end].trim()).filter(|title| !title.is_empty())
    });
    title.map_or_else(
        || "The upstream answered with a web page.".to_owned(),
        |title| format!("The upstream answered with a web page: {}", shorten(title)),
    )
}

fn shorten(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

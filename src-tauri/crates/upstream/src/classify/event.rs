//! Errors inside a stream of a 200: `response.failed`, `error`, `{"error":{…}}` (F53, codex-backend 4.2). Pure.
//!
//! Called for the first events, before the commit point, and by observers afterwards; ordinary events are told apart without
//! parsing them.

use http::{HeaderMap, StatusCode};
use pool::{Format, Outcome, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{ErrorBody, by_code, classify};

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    response: Option<Failed>,
    #[serde(default, alias = "status_code")]
    status: Option<Value>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
    #[serde(default)]
    detail: Option<Value>,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    error: Option<Value>,
}

/// The meaning of an event's data when it says that the answer failed; `None` for every ordinary event.
#[must_use]
pub fn classify_event(data: &[u8], now: Timestamp) -> Option<Outcome> {
    if !may_hold_error(data)
        && memchr::memmem::find(data, b"response.failed").is_none()
        && !data.starts_with(b"{\"detail\"")
    {
        return None;
    }
    let event: Event = serde_json::from_slice(data).ok()?;
    let kind = event.r#type.as_deref().unwrap_or_default();
    let failed = kind == "response.failed";
    let top = event.error.filter(|e| e.is_object() || e.is_string());
    let error = match (failed, top) {
        (true, top) => event
            .response
            .and_then(|r| r.error)
            .or(top)
            .map(|e| ErrorBody::from_error(&e))
            .unwrap_or_default(),
        (false, Some(error)) => ErrorBody::from_error(&error),
        // The Responses API's own error event holds code and message itself.
        (false, None) if kind == "error" => {
            let fields = [("code", event.code), ("message", event.message)];
            let object = fields
                .into_iter()
                .filter_map(|(k, v)| Some((k.to_owned(), v?)))
                .collect();
            ErrorBody::from_error(&Value::Object(object))
        }
        (false, None) if kind.is_empty() => ErrorBody::from_error(&event.detail?),
        (false, None) => return None,
    };
    let headers = HeaderMap::new();
    if let Some(outcome) = by_code(&error, &headers, now) {
        return Some(outcome);
    }
    let told = event
        .status
        .as_ref()
        .and_then(Value::as_u64)
        .and_then(|s| u16::try_from(s).ok());
    let status = told
        .filter(|s| (400..600).contains(s))
        .or_else(|| error.status());
    if let Some(status) = status.and_then(|s| StatusCode::from_u16(s).ok()) {
        let text = error.message.unwrap_or_default();
        return Some(classify(
            Format::Responses,
            status,
            &headers,
            text.as_bytes(),
            now,
        ));
    }
    Some(Outcome::ServerError { status: 500 })
}

/// Whether the JSON has `"error"` as a key with a value other than null, or as a value. Inside strings the quotes are
/// escaped, so text about errors does not match.
pub(super) fn may_hold_error(data: &[u8]) -> bool {
    memchr::memmem::find_iter(data, b"\"error\"").any(|at| {
        let rest = data[at + b"\"error\"".len()..].trim_ascii_start();
        match rest.split_first() {
            Some((b':', value)) => !value.trim_ascii_start().starts_with(b"null"),
            _ => true,
        }
    })
}

//! Errors in the shape of the Messages dialect (table B5). Called by the crate's `error` room.

use serde::Serialize;

/// The dialect's types of errors.
const KINDS: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
    "overloaded_error",
];

/// How clients recognise an overflow: by the words (T211).
pub(crate) const OVERFLOW: &str = "prompt is too long";

/// The code of an overflow in the other dialects.
pub(crate) const OVERFLOW_CODE: &str = "context_length_exceeded";

/// The whole body.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    r#type: &'static str,
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    r#type: &'static str,
    message: std::borrow::Cow<'a, str>,
}

/// An error's body. `kind` and `code` may be words of another dialect.
pub(crate) fn envelope<'a>(
    status: u16,
    kind: &str,
    code: Option<&str>,
    message: &'a str,
) -> Envelope<'a> {
    let overflow = code == Some(OVERFLOW_CODE) && !message.contains(OVERFLOW);
    Envelope {
        r#type: "error",
        error: Told {
            r#type: own_kind(status, kind),
            message: if overflow {
                format!("{OVERFLOW}: {message}").into()
            } else {
                message.into()
            },
        },
    }
}

fn own_kind(status: u16, kind: &str) -> &'static str {
    // A type of a wider meaning says less than the status.
    let told = KINDS.iter().find(|known| **known == kind).copied();
    told.filter(|told| *told != "invalid_request_error" || (400..500).contains(&status))
        .filter(|told| {
            *told != "invalid_request_error" || kind_for(status) == *told || status == 400
        })
        .unwrap_or_else(|| kind_for(status))
}

/// The dialect's error type for a status.
pub(crate) const fn kind_for(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        408 | 504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

/// Whether a body has the shape already.
pub(crate) fn has_shape(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return false;
    };
    value["type"] == "error"
        && value["error"]["type"].is_string()
        && value["error"]["message"].is_string()
}

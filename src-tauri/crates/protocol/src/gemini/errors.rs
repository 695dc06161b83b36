//! Errors in the shape of the Gemini dialect (table B5). Called by the crate's `error` room.

use serde::Serialize;

/// How the vendor says that the prompt is too long (T211).
pub(crate) const OVERFLOW: &str = "exceeds the maximum number of tokens";

/// The whole body.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    code: u16,
    message: &'a str,
    status: &'a str,
}

/// An error's body. `code` may be a word of the dialect itself.
pub(crate) fn envelope<'a>(status: u16, code: Option<&'a str>, message: &'a str) -> Envelope<'a> {
    let own = code.filter(|code| STATUSES.iter().any(|(_, word)| word == code));
    Envelope {
        error: Told {
            code: status,
            message,
            status: own.unwrap_or_else(|| status_word(status)),
        },
    }
}

/// The dialect's words and the HTTP status of each.
const STATUSES: [(u16, &str); 10] = [
    (400, "INVALID_ARGUMENT"),
    (400, "FAILED_PRECONDITION"),
    (401, "UNAUTHENTICATED"),
    (403, "PERMISSION_DENIED"),
    (404, "NOT_FOUND"),
    (409, "ABORTED"),
    (429, "RESOURCE_EXHAUSTED"),
    (500, "INTERNAL"),
    (503, "UNAVAILABLE"),
    (504, "DEADLINE_EXCEEDED"),
];

/// The HTTP status of one of the dialect's words.
pub(crate) fn status_of(word: &str) -> Option<u16> {
    let known = STATUSES.iter().find(|(_, known)| *known == word);
    known.map(|(status, _)| *status)
}

/// The dialect's word for a status.
pub(crate) const fn status_word(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        400..=499 => "INVALID_ARGUMENT",
        503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

/// Whether a body has the shape already.
pub(crate) fn has_shape(body: &[u8]) -> bool {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return false;
    };
    value["error"]["code"].is_u64()
        && value["error"]["message"].is_string()
        && value["error"]["status"].is_string()
}

//! Refusals that no handler wrote (an unknown path, a body that is no JSON) in the shape of every other error answer (`ErrorAnswer`).
//!
//! What a client has sent is never repeated: it may hold a key. A layer over the whole router.

use axum::Json;
use axum::body::to_bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::{ErrorAnswer, ErrorBody, ErrorCode};

/// How much of the text of such a refusal is read.
const TEXT: usize = 16 << 10;

/// Gives an error answer without our shape that shape; its status stays.
pub(crate) async fn shape(response: Response) -> Response {
    let status = response.status();
    let error = status.is_client_error() || status.is_server_error();
    if !error || is_json(response.headers()) {
        return response;
    }
    let text = to_bytes(response.into_body(), TEXT)
        .await
        .unwrap_or_default();
    let (code, message) = words(status, &String::from_utf8_lossy(&text));
    let error = ErrorBody {
        code,
        message,
        action: None,
    };
    (status, Json(ErrorAnswer { error })).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"))
}

fn words(status: StatusCode, text: &str) -> (ErrorCode, String) {
    match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is no such call".into()),
        StatusCode::METHOD_NOT_ALLOWED => (
            ErrorCode::NotFound,
            "this call does not take that method".into(),
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            ErrorCode::Invalid,
            "the request is too large; send it in parts".into(),
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            ErrorCode::Invalid,
            "send the request as application/json".into(),
        ),
        status if status.is_client_error() => (ErrorCode::Invalid, without_values(text)),
        _ => (
            ErrorCode::Failed,
            "something broke inside; the log says more".into(),
        ),
    }
}

/// What serde says of a wrong request, without the value that was sent.
fn without_values(text: &str) -> String {
    let text = text.lines().next().unwrap_or_default();
    let shown = [
        "invalid type: ",
        "invalid value: ",
        "unknown variant ",
        "unknown field ",
    ]
    .into_iter()
    .find_map(|sign| {
        let at = text.find(sign)?;
        let expected = text.get(at..)?.rfind(", expected ")?;
        Some(format!(
            "{}{}{}",
            text.get(..at)?,
            sign.trim_end_matches([':', ' ']),
            text.get(at + expected..)?
        ))
    });
    let whole = shown.unwrap_or_else(|| text.to_owned());
    let whole = engine::redact::redact(&whole).into_owned();
    if whole.is_empty() {
        return "the request is wrong".into();
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f30_what_was_sent_is_not_repeated() {
        let cases = [
            (
                "Failed to deserialize the JSON body into the target type: key: invalid type: string \"relay-secret\", expected u32 at line 1 column 9",
                "Failed to deserialize the JSON body into the target type: key: invalid type, expected u32 at line 1 column 9",
            ),
            (
                "Failed to deserialize the JSON body into the target type: protocol: unknown variant `relay-secret`, expected `chat` or `responses` at line 1",
                "Failed to deserialize the JSON body into the target type: protocol: unknown variant, expected `chat` or `responses` at line 1",
            ),
            ("", "the request is wrong"),
            ("missing field `key`", "missing field `key`"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_values(text), expected);
        }
    }
}

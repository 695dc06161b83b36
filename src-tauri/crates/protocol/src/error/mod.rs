//! Errors in the client's own dialect (F57, table B5): made by us, refused requests, upstream bodies of any shape, and errors
//! told inside a stream that is already running.
//!
//! It decides no retry and no account's fate: `upstream` classifies. Called by `gateway` for every answer that is an error.

mod read;

use bytes::{Bytes, BytesMut};
use serde::Serialize;

pub(crate) use read::event_status;
pub use read::{from_event, read, status_for};

use crate::{
    gemini,
    messages::errors,
    sse::write_event,
    types::{Dialect, ErrorBody, Failure, GatewayError, RequestError},
};

/// The type of every error the gateway makes itself (F57).
pub const GATEWAY_ERROR: &str = "gateway_error";

/// The code of a stream that ended without its terminal event (F51).
pub const STREAM_DISCONNECTED: &str = "stream_disconnected";

#[derive(Serialize)]
struct Envelope<'a> {
    error: Shape<'a>,
}

/// The error object Chat and Responses share.
#[derive(Serialize)]
struct Shape<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

impl<'a> From<&'a ErrorBody> for Shape<'a> {
    fn from(error: &'a ErrorBody) -> Self {
        Self {
            message: &error.message,
            r#type: &error.kind,
            param: error.param.as_deref(),
            code: error.code.as_deref(),
        }
    }
}

/// An error body in the dialect's shape. `status` is there for dialects whose body repeats it.
#[must_use]
pub fn render(dialect: Dialect, status: u16, error: &ErrorBody) -> Bytes {
    match dialect {
        Dialect::Chat | Dialect::Responses => json(&Envelope {
            error: error.into(),
        }),
        Dialect::Messages => message_error(status, error),
        Dialect::Gemini => json(&gemini::errors::envelope(
            status,
            error.code.as_deref(),
            &error.message,
        )),
    }
}

fn message_error(status: u16, error: &ErrorBody) -> Bytes {
    json(&errors::envelope(
        status,
        &error.kind,
        error.code.as_deref(),
        &error.message,
    ))
}

/// A refused request as the body of a 400.
#[must_use]
pub fn render_request_error(dialect: Dialect, error: &RequestError) -> Bytes {
    let error = ErrorBody {
        message: error.message.clone(),
        kind: "invalid_request_error".into(),
        code: error.code.map(Into::into),
        param: error.param.clone(),
    };
    render(dialect, 400, &error)
}

/// Any upstream's error body in the client's shape (T209): text, type and code are kept; a body that already has the shape goes
/// on unchanged, extra fields and all.
#[must_use]
pub fn rewrap(dialect: Dialect, status: u16, body: &Bytes) -> Bytes {
    match dialect {
        Dialect::Chat | Dialect::Responses if read::has_openai_shape(body) => body.clone(),
        Dialect::Messages if errors::has_shape(body) => body.clone(),
        Dialect::Gemini if gemini::errors::has_shape(body) => body.clone(),
        Dialect::Chat | Dialect::Responses | Dialect::Messages | Dialect::Gemini => {
            render(dialect, status, &read(status, body))
        }
    }
}

/// The status a client of that dialect should see (T210: 529 is Anthropic's own).
#[must_use]
pub const fn client_status(dialect: Dialect, status: u16) -> u16 {
    match (dialect, status) {
        (Dialect::Chat | Dialect::Responses | Dialect::Gemini, 529) => 503,
        _ => status,
    }
}

/// The dialect's error type for a status (table B5).
#[must_use]
pub const fn kind_for(dialect: Dialect, status: u16) -> &'static str {
    match dialect {
        Dialect::Chat | Dialect::Responses => match status {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        },
        Dialect::Messages => errors::kind_for(status),
        Dialect::Gemini => gemini::errors::status_word(status),
    }
}

impl Failure {
    /// The status and error for a client that has seen nothing yet (T184).
    #[must_use]
    pub fn to_error(&self) -> (u16, ErrorBody) {
        let own = |code: &'static str| ErrorBody {
            message: self.to_string(),
            kind: GATEWAY_ERROR.into(),
            code: Some(code.into()),
            param: None,
        };
        match self {
            Self::Upstream { error, status, .. } => (*status, (**error).clone()),
            Self::Cut { .. } => (502, own(STREAM_DISCONNECTED)),
            Self::Unreadable { .. } => (502, own("upstream_unreadable")),
        }
    }
}

impl From<&GatewayError> for ErrorBody {
    fn from(error: &GatewayError) -> Self {
        Self {
            message: error.message.clone(),
            kind: GATEWAY_ERROR.into(),
            code: Some(error.code.clone()),
            param: None,
        }
    }
}

/// What a failed Responses answer repeats of the stream it ends (T166).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamWords<'a> {
    /// The id of `response.created`.
    pub(crate) id: &'a str,
    pub(crate) model: &'a str,
    /// Unix seconds.
    pub(crate) created: i64,
    /// The next sequence number (T171).
    pub(crate) sequence: u64,
}

#[derive(Serialize)]
struct ErrorEvent<'a> {
    r#type: &'static str,
    sequence_number: u64,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    error: Shape<'a>,
}

#[derive(Serialize)]
struct FailedEvent<'a> {
    r#type: &'static str,
    sequence_number: u64,
    response: FailedResponse<'a>,
}

#[derive(Serialize)]
struct FailedResponse<'a> {
    id: &'a str,
    object: &'static str,
    created_at: i64,
    status: &'static str,
    error: FailedError<'a>,
    incomplete_details: Option<()>,
    model: &'a str,
    output: [(); 0],
    usage: Option<()>,
}

#[derive(Serialize)]
struct FailedError<'a> {
    code: &'a str,
    message: &'a str,
}

/// The error and the clean end of a running stream (T182): Chat an error frame and no `[DONE]`; Responses a nested `error`
/// event, which the openai libraries raise, and `response.failed`, which Codex reads; Messages an `error` event and no `message_stop`; Gemini an error
/// piece and no finish reason.
pub(crate) fn in_band(
    dialect: Dialect,
    error: &ErrorBody,
    words: StreamWords<'_>,
    out: &mut BytesMut,
) {
    match dialect {
        Dialect::Chat => write_event(
            out,
            None,
            &json(&Envelope {
                error: error.into(),
            }),
        ),
        Dialect::Messages => {
            let status = in_band_status(error);
            write_event(out, Some("error"), &message_error(status, error));
        }
        Dialect::Gemini => {
            let error = render(dialect, in_band_status(error), error);
            write_event(out, None, &error);
        }
        Dialect::Responses => {
            let told = ErrorEvent {
                r#type: "error",
                sequence_number: words.sequence,
                code: error.code.as_deref(),
                message: &error.message,
                param: error.param.as_deref(),
                error: error.into(),
            };
            write_event(out, Some("error"), &json(&told));
            failed_event(
                error,
                StreamWords {
                    sequence: words.sequence + 1,
                    ..words
                },
                out,
            );
        }
    }
}

/// The status that an error of a running stream stands for.
pub(crate) fn in_band_status(error: &ErrorBody) -> u16 {
    let by_kind = status_for(&error.kind, 500);
    let code = error.code.as_deref();
    code.map_or(by_kind, |code| status_for(code, by_kind))
}

/// `response.failed` alone, for a Responses stream whose upstream told its error in an `error` event and nothing else: Codex
/// reads only this one.
pub(crate) fn failed_event(error: &ErrorBody, words: StreamWords<'_>, out: &mut BytesMut) {
    let failed = FailedEvent {
        r#type: "response.failed",
        sequence_number: words.sequence,
        response: FailedResponse {
            id: words.id,
            object: "response",
            created_at: words.created,
            status: "failed",
            error: FailedError {
                code: error.code.as_deref().unwrap_or("server_error"),
                message: &error.message,
            },
            incomplete_details: None,
            model: words.model,
            output: [],
            usage: None,
        },
    };
    write_event(out, Some("response.failed"), &json(&failed));
}

/// JSON of our own plain structs: it cannot fail, and if it did the client would see an empty body instead of a panic.
fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;

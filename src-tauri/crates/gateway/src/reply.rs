//! Answers the gateway makes itself: errors in the shape of the route's dialect, health, preflight.
//!
//! Not the rewrapping of upstream errors (protocol's `error` does that); called by surface, attempt and models.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use protocol::{Dialect, ErrorBody};

use crate::body::Body;

/// The error shape of a path: also one that is not served gets an error its client can read (F57).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// That of a dialect.
    Of(Dialect),
}

/// What both OpenAI libraries read before `Retry-After` (T197).
pub(crate) const RETRY_AFTER_MS: &str = "retry-after-ms";
/// What the vendors' libraries obey before anything else (T197).
pub(crate) const SHOULD_RETRY: &str = "x-should-retry";

/// An error the gateway itself answers with.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub param: Option<String>,
    /// The error's type where a client looks for a word of its own.
    pub kind: Option<&'static str>,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u64>,
    /// The gateway has tried what helps: the client's own tries would multiply (T197).
    pub tried: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            param: None,
            kind: None,
            retry_after: None,
            tried: false,
        }
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The client is told not to try by itself (T197).
    pub(crate) fn tried(mut self) -> Self {
        self.tried = true;
        self
    }

    pub(crate) fn retry_after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// F57: what the client did wrong is an `invalid_request_error`, what the gateway could not do a `gateway_error`.
    fn kind(&self) -> &'static str {
        if let Some(kind) = self.kind {
            kind
        } else if self.status.is_client_error() {
            "invalid_request_error"
        } else {
            "gateway_error"
        }
    }

    pub(crate) fn into_response(self, shape: Shape) -> Response<Body> {
        let status = self.status.as_u16();
        let body = match shape {
            Shape::Of(dialect) => protocol::error::render(
                dialect,
                status,
                &ErrorBody {
                    message: self.message.clone(),
                    kind: self.kind().into(),
                    code: Some(self.code.into()),
                    param: self.param.clone().map(Into::into),
                },
            ),
        };
        let mut response = json(self.status, body);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.tried {
            response
                .headers_mut()
                .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::whole(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

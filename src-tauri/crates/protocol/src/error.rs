//! Errors in the client's own dialect (F57, table B5).

use bytes::Bytes;

use crate::types::{Dialect, ErrorBody, RequestError};

/// An error body in the dialect's shape.
#[must_use]
pub fn render(_dialect: Dialect, _status: u16, _error: &ErrorBody) -> Bytes {
    Bytes::new()
}

/// A refused request as a 400 body.
#[must_use]
pub fn render_request_error(_dialect: Dialect, _error: &RequestError) -> Bytes {
    Bytes::new()
}

/// Any upstream's error body, rewritten into the client's shape; text, type and code are kept (T209).
#[must_use]
pub fn rewrap(_dialect: Dialect, _status: u16, _body: &[u8]) -> Bytes {
    Bytes::new()
}

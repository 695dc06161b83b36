//! The first look at a request body: one pass, no tree. Called by `gateway` before routing.

use bytes::Bytes;

use crate::types::{Dialect, Head, RequestError};

/// Reads what routing needs of a request body, in one pass.
///
/// # Errors
/// A [`RequestError`] naming the field when the body is no JSON object or a known field has the wrong type.
pub fn peek(_dialect: Dialect, _body: &Bytes) -> Result<Head, RequestError> {
    Ok(Head::default())
}

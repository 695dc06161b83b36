//! `POST /v1/messages/count_tokens` and `…:countTokens`: an estimate of a request's tokens, made here and told as one (F79, T194).
//!
//! Not the counting itself (`protocol`). Called by the surface, which has checked the key.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use protocol::Dialect;

use crate::body::{self, Body, ClientBody};
use crate::config::Config;
use crate::reply::{Shape, json};
use crate::surface::{MESSAGE_REQUEST_ID, REQUEST_ID, request_id};

/// Names what in an answer is an estimate.
const ESTIMATED: HeaderName = HeaderName::from_static("x-switchyard-estimated");

/// Answers `count_tokens` with an estimate, and says that it is one: no upstream is asked (F79, T194).
pub(crate) async fn tokens(
    config: &Config,
    parts: &Parts,
    body: &mut ClientBody,
    dialect: Dialect,
) -> Response<Body> {
    let shape = Shape::Of(dialect);
    let body = match body::read(&parts.headers, body, config.body_limit).await {
        Ok(body) => body,
        Err(error) => return body::refusal(&error, false).into_response(shape),
    };
    if let Err(error) = protocol::peek(dialect, &body) {
        let body = protocol::error::render_request_error(dialect, &error);
        return json(StatusCode::BAD_REQUEST, body);
    }
    let counted = protocol::estimate(&body);
    let (name, counted) = match dialect {
        Dialect::Gemini => ("totalTokens", serde_json::json!({"totalTokens": counted})),
        Dialect::Messages | Dialect::Chat | Dialect::Responses => {
            ("input_tokens", serde_json::json!({"input_tokens": counted}))
        }
    };
    let mut response = json(StatusCode::OK, counted.to_string());
    let id = request_id(&parts.headers);
    let headers = response.headers_mut();
    headers.insert(ESTIMATED, HeaderValue::from_static(name));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(MESSAGE_REQUEST_ID, id.clone());
        headers.insert(REQUEST_ID, id);
    }
    response
}

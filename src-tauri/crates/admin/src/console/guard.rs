//! Who may talk to the console: by `Host`, by `Origin`, by token (F28, F29). Middleware of its router; no policy beyond that.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::pass::{Pass, bearer};
use crate::error::{AdminError, ErrorCode};

/// Lets through what was sent to this machine by a name of this machine: not by a name that somebody else's DNS turned to it.
pub(super) async fn this_machine(request: Request, next: Next) -> Response {
    if host(request.headers(), request.uri()).is_some_and(is_loopback) {
        return next.run(request).await;
    }
    let words =
        "the console answers to localhost and 127.0.0.1 only; from elsewhere use an SSH tunnel";
    AdminError::new(ErrorCode::Forbidden, words).into_response()
}

/// Lets through what comes from the console's own page, or from no page at all.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let own = match text(ORIGIN.as_str()) {
        None => true,
        Some(origin) => origin
            .strip_prefix("http://")
            .is_some_and(|origin| host(headers, request.uri()) == Some(origin)),
    };
    let here = matches!(text("sec-fetch-site"), None | Some("same-origin" | "none"));
    if own && here {
        return next.run(request).await;
    }
    let words = "the console takes calls from its own page only";
    AdminError::new(ErrorCode::Forbidden, words).into_response()
}

/// Lets through who has the console's token. A gateway key is not one.
pub(super) async fn signed_in(
    State(pass): State<Arc<Pass>>,
    request: Request,
    next: Next,
) -> Response {
    if bearer(request.headers()).is_some_and(|token| pass.admits(token)) {
        return next.run(request).await;
    }
    refused()
}

/// The answer to a missing or wrong token.
pub(super) fn refused() -> Response {
    let words = "this needs the console's token, which was printed when the console started; a gateway key does not open it";
    let mut response = AdminError::new(ErrorCode::Unauthorized, words).into_response();
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// What the request was sent to, with its port.
fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    match headers.get(HOST) {
        Some(value) => value.to_str().ok(),
        None => uri.authority().map(|authority| authority.as_str()),
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

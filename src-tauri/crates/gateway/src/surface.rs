//! The first station: which path, which key, which dialect; then the body. Here the request's context is born.
//!
//! Not the choice of an account (`attempt`). Called by the listener for every request; never fails, every refusal is an answer in the
//! shape of the path's dialect.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ALLOW, CONNECTION, EXPECT, HeaderMap, HeaderName, UPGRADE, VARY,
};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use protocol::Dialect;

use crate::body::{self, Body, ClientBody};
use crate::config::Config;
use crate::infer::infer;
use crate::inside::Inside;
use crate::models::Words;
use crate::paths::{CODEX, Place, RESPONSES, place, shape};
use crate::reply::{Refusal, Shape, empty, json};
use crate::{Caller, Gateway, count, formats, gemini, guard, images, models, usage};

/// The request id, in and out (F147).
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The same for the Messages dialect's libraries (T196).
pub(crate) const MESSAGE_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Serves one request. A panic inside becomes a 500 and leaves every other request running.
pub(crate) async fn handle(gateway: Arc<Gateway>, request: Request<ClientBody>) -> Response<Body> {
    let (parts, mut body) = request.into_parts();
    let config = match parts.extensions.get::<Inside>() {
        None => gateway.config.load_full(),
        Some(_) => Inside::config(&gateway.config.load()),
    };
    let asks_first = parts.headers.contains_key(EXPECT);
    let id = parts.headers.get(REQUEST_ID).cloned();
    let origin = guard::cors_origin(&config, &parts.headers).cloned();
    let shape = shape(&place(parts.uri.path()).0);
    let mut response = match AssertUnwindSafe(dispatch(gateway, &config, parts, &mut body))
        .catch_unwind()
        .await
    {
        Ok(response) => response,
        Err(_) => {
            tracing::error!("a request panicked");
            Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal_error",
                "The gateway failed on this request; its log says more.",
            )
            .into_response(shape)
        }
    };
    // F147: also a refusal that never became a request carries the id it came with.
    if let Some(id) = id
        && !response.headers().contains_key(REQUEST_ID)
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    // A client that asked whether it may send has not sent anything.
    if !body.is_end_stream() && !asks_first {
        body::let_pass(body);
    }
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

async fn dispatch(
    gateway: Arc<Gateway>,
    config: &Arc<Config>,
    parts: Parts,
    body: &mut ClientBody,
) -> Response<Body> {
    let path = parts.uri.path();
    let (mut place, methods) = place(path);
    let shape = shape(&place);
    if !guard::host_allowed(
        config,
        &parts.headers,
        parts.uri.authority().map(http::uri::Authority::as_str),
    ) {
        return Refusal::new(
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "This Host is not served. Use a loopback address, or add the name to the setting server.allowed_hosts.",
        )
        .into_response(shape);
    }
    if parts.method == Method::OPTIONS {
        return preflight(config, &parts.headers, shape);
    }
    match place {
        Place::Root if methods.contains(&parts.method) => return empty(StatusCode::OK),
        Place::Health if methods.contains(&parts.method) => return health(&gateway),
        _ => {}
    }
    // What no dialect knows is no secret either. Paths of a dialect ask for the key first, like every inference route (F26).
    if let Place::Unknown(Shape::Of(Dialect::Responses)) = place {
        return not_served(path, shape);
    }
    if !gateway.until_ready().await {
        return Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "starting",
            "Switchyard is still starting: it waits for its vault. Unlock the keychain if it asks, then try again.",
        )
        .retry_after(Some(5))
        .into_response(shape);
    }
    // Only this process can put an `Inside` there: the network brings no extensions.
    let inside = parts.extensions.get::<Inside>();
    let caller = match inside {
        Some(inside) => Ok(Caller {
            name: inside.name.clone(),
            rules: None,
        }),
        None => {
            let query_key = query_key(&place, parts.uri.query());
            gateway.caller(&parts.headers, query_key.as_deref())
        }
    };
    let key = match caller {
        Ok(key) => key,
        Err(why) => return unauthorized(why).into_response(shape),
    };
    if let Place::Unknown(_) = place {
        return not_served(path, shape);
    }
    if !methods.contains(&parts.method) {
        let mut response = Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("{path} does not take {}.", parts.method),
        )
        .into_response(shape);
        let allow = methods
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        if let Ok(value) = HeaderValue::from_str(&allow) {
            response.headers_mut().insert(ALLOW, value);
        }
        return response;
    }
    if matches!(place, Place::Inference(_)) && parts.method == Method::GET {
        place = Place::WebSocket;
    }
    if let Some(refusal) = gateway.refusal_while_paused() {
        return refusal.into_response(shape);
    }
    let rules = key.rules.as_deref();
    let (call, model) = match place {
        Place::Root | Place::Health | Place::Unknown(_) => return empty(StatusCode::OK),
        Place::WebSocket => return upgrade_required(shape),
        // Seldom places are boxed: their state would make every request's larger.
        Place::CountTokens(dialect) => {
            return Box::pin(count::tokens(config, &parts, body, dialect)).await;
        }
        Place::Models | Place::GeminiModels | Place::CodexModels => {
            return models::list(&gateway, list_words(&place, &parts), rules);
        }
        Place::Model(id) | Place::GeminiModel(id) => {
            return models::one(&gateway, list_words(&place, &parts), rules, id);
        }
        Place::Usage(codex_only) => {
            let call = if codex_only { &CODEX } else { &RESPONSES };
            return usage::answer(&gateway, config, formats::formats(call));
        }
        Place::Images(kind) => {
            let drawing = images::draw(gateway, config.clone(), kind, parts, body, key);
            return Box::pin(drawing).await;
        }
        Place::Inference(call) => (call, None),
        Place::Generate(call, model) => (call, Some(gemini::decoded(model))),
    };
    infer(gateway, config.clone(), call, parts, body, key, model).await
}

/// F26, F27: a key that is not, not any more or not now good.
fn unauthorized(why: guard::NoEntry) -> Refusal {
    let (code, message) = match why {
        guard::NoEntry::Unknown => (
            "invalid_api_key",
            "Missing or unknown gateway key. `switchyard key` prints the key; send it as `Authorization: Bearer KEY`.",
        ),
        guard::NoEntry::Disabled => (
            "key_disabled",
            "This gateway key is switched off. `switchyard key edit` switches it on.",
        ),
        guard::NoEntry::Expired => (
            "key_expired",
            "This gateway key has expired. `switchyard key edit` sets another date.",
        ),
    };
    Refusal::new(StatusCode::UNAUTHORIZED, code, message)
}

fn not_served(path: &str, shape: Shape) -> Response<Body> {
    let shown: String = path.chars().take(100).collect();
    let message = format!("{shown} is not served by this version of Switchyard.");
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message).into_response(shape)
}

/// The client's own request id when it is a sane one, else a fresh one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let own = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    match own {
        Some(id)
            if !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            id.to_owned()
        }
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            let mut id = String::with_capacity(28);
            id.push_str("req_");
            let mut bits = fastrand::u128(..);
            for _ in 0..24 {
                id.push(char::from(DIGITS[(bits & 15) as usize]));
                bits >>= 4;
            }
            id
        }
    }
}

/// The key in the query, on Gemini's own paths (F26): what stands in an address is kept by logs on its way.
fn query_key(place: &Place<'_>, query: Option<&str>) -> Option<String> {
    let takes = shape(place) == Shape::Of(Dialect::Gemini);
    takes.then(|| gemini::key(query)).flatten()
}

/// T202: all dialects ask for models on one path; the query tells the Codex CLI, the form of the key Gemini's libraries, a header those of
/// Messages.
fn list_words(place: &Place<'_>, parts: &Parts) -> Words {
    match place {
        Place::CodexModels => Words::Codex,
        Place::GeminiModels | Place::GeminiModel(_) => Words::Gemini,
        Place::Models if is_codex_query(parts.uri.query()) => Words::Codex,
        _ if parts.headers.contains_key("x-goog-api-key") => Words::Gemini,
        _ if parts.headers.contains_key("anthropic-version") => Words::Messages,
        _ => Words::OpenAi,
    }
}

fn is_codex_query(query: Option<&str>) -> bool {
    query.is_some_and(|query| {
        query
            .split('&')
            .any(|pair| pair.starts_with("client_version="))
    })
}

/// F135: open, and without a word about accounts.
fn health(gateway: &Gateway) -> Response<Body> {
    let started = *gateway.ready.borrow();
    let paused = gateway.paused().is_some();
    let status = match (started, paused) {
        (false, _) => "starting",
        (true, true) => "paused",
        (true, false) => "ok",
    };
    let ready = started && !paused && gateway.any_usable();
    let body =
        serde_json::json!({"status": status, "version": env!("CARGO_PKG_VERSION"), "ready": ready});
    json(StatusCode::OK, body.to_string())
}

/// F82, T192: 426 makes the Codex CLI fall back to plain HTTP at once.
fn upgrade_required(shape: Shape) -> Response<Body> {
    let mut response = Refusal::new(
        StatusCode::UPGRADE_REQUIRED,
        "upgrade_required",
        "Responses over WebSocket are not served here; POST to the same path.",
    )
    .into_response(shape);
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// F29: 204 for an origin on the list, 403 for any other.
fn preflight(config: &Config, headers: &HeaderMap, shape: Shape) -> Response<Body> {
    if guard::cors_origin(config, headers).is_none() {
        return Refusal::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "This Origin is not allowed. Add it to the setting server.cors_origins.",
        )
        .into_response(shape);
    }
    let mut response = empty(StatusCode::NO_CONTENT);
    let answer = response.headers_mut();
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, OPTIONS"),
    );
    let asked = headers
        .get(http::header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    answer.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        asked.unwrap_or(HeaderValue::from_static("authorization, content-type")),
    );
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f147_a_sane_request_id_is_kept_and_an_odd_one_replaced() {
        for (id, kept) in [
            ("abc-123", true),
            ("", false),
            ("with space", false),
            (&*"x".repeat(129), false),
        ] {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(id).unwrap())]);
            assert_eq!(request_id(&headers) == id, kept, "{id}");
        }
    }

    #[test]
    fn f82_the_codex_shape_is_asked_for_by_its_query() {
        for (query, expected) in [
            (Some("client_version=0.169.0"), true),
            (Some("a=b&client_version=1"), true),
            (Some("x=1"), false),
            (None, false),
        ] {
            assert_eq!(is_codex_query(query), expected);
        }
    }
}

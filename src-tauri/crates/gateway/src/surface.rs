//! The first station: which path, which key, which dialect; then the body. Here the request's context is born.
//!
//! Not the choice of an account (`attempt`). Called by the listener for every request; never fails, every refusal is an answer in the
//! shape of the path's dialect.

use std::fmt::Write as _;
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
use protocol::images::Kind;

use crate::body::{self, Body, BodyError, ClientBody};
use crate::config::Config;
use crate::gemini::{self, Action};
use crate::inside::Inside;
use crate::record::Record;
use crate::reply::{Refusal, Shape, empty, json};
use crate::{Caller, Gateway, attempt, count, forward, guard, images, models, naming, pin, usage};

/// The request id, in and out (F147).
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The same for the Messages dialect's libraries (T196).
pub(crate) const MESSAGE_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'p> {
    Root,
    Health,
    Inference(Inference),
    /// A Gemini call: the model stands in the path, as the client spelled it (F80).
    Generate(Inference, &'p str),
    /// `POST /v1/messages/count_tokens` and `…:countTokens` (F79).
    CountTokens(Dialect),
    /// Where the Codex CLI first tries a WebSocket (F82, T192).
    WebSocket,
    Models,
    Model(&'p str),
    CodexModels,
    /// What the Codex CLI asks before it lets a person type; true: of the Codex accounts alone.
    Usage(bool),
    /// `/v1beta/models` (F81).
    GeminiModels,
    GeminiModel(&'p str),
    /// The Images API (F95, F96).
    Images(Kind),
    /// A path of the public API that this version does not serve.
    Unknown(Shape),
}

/// One of the inference calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inference {
    pub dialect: Dialect,
    /// The path, for journal and log.
    pub path: &'static str,
    pub compact: bool,
    /// Only Codex accounts, native events (F82).
    pub codex: bool,
}

const CHAT: Inference = Inference {
    dialect: Dialect::Chat,
    path: "/v1/chat/completions",
    compact: false,
    codex: false,
};
const RESPONSES: Inference = Inference {
    dialect: Dialect::Responses,
    path: "/v1/responses",
    compact: false,
    codex: false,
};
const COMPACT: Inference = Inference {
    compact: true,
    path: "/v1/responses/compact",
    ..RESPONSES
};
const CODEX: Inference = Inference {
    codex: true,
    path: "/codex/v1/responses",
    ..RESPONSES
};
const CODEX_COMPACT: Inference = Inference {
    codex: true,
    path: "/codex/v1/responses/compact",
    ..COMPACT
};

const MESSAGES: Inference = Inference {
    dialect: Dialect::Messages,
    path: "/v1/messages",
    compact: false,
    codex: false,
};

const GENERATE: Inference = Inference {
    dialect: Dialect::Gemini,
    path: "/v1beta/models:generateContent",
    compact: false,
    codex: false,
};
const GENERATE_STREAM: Inference = Inference {
    path: "/v1beta/models:streamGenerateContent",
    ..GENERATE
};
pub(crate) const IMAGE_GENERATIONS: Inference = Inference {
    path: "/v1/images/generations",
    ..RESPONSES
};
pub(crate) const IMAGE_EDITS: Inference = Inference {
    path: "/v1/images/edits",
    ..RESPONSES
};

/// The table of paths: the place, and the methods it takes.
fn place(path: &str) -> (Place<'_>, &'static [Method]) {
    const GET: &[Method] = &[Method::GET, Method::HEAD];
    const POST: &[Method] = &[Method::POST];
    const POST_OR_UPGRADE: &[Method] = &[Method::POST, Method::GET];
    match path {
        "/" => (Place::Root, GET),
        "/health" => (Place::Health, GET),
        "/v1/chat/completions" => (Place::Inference(CHAT), POST),
        "/v1/responses" => (Place::Inference(RESPONSES), POST_OR_UPGRADE),
        "/v1/responses/compact" => (Place::Inference(COMPACT), POST),
        "/codex/v1/responses" => (Place::Inference(CODEX), POST_OR_UPGRADE),
        "/codex/v1/responses/compact" => (Place::Inference(CODEX_COMPACT), POST),
        "/v1/messages" => (Place::Inference(MESSAGES), POST),
        "/v1/messages/count_tokens" => (Place::CountTokens(Dialect::Messages), POST),
        "/v1/images/generations" => (Place::Images(Kind::Generation), POST),
        "/v1/images/edits" => (Place::Images(Kind::Edit), POST),
        "/v1/models" => (Place::Models, GET),
        "/codex/v1/models" => (Place::CodexModels, GET),
        "/v1beta/models" => (Place::GeminiModels, GET),
        _ => {
            let beta = path.strip_prefix("/v1beta/models/");
            let rest = beta.or_else(|| path.strip_prefix("/v1/models/"));
            match rest.and_then(gemini::asked) {
                Some((model, Action::Generate)) => return (Place::Generate(GENERATE, model), POST),
                Some((model, Action::Stream)) => {
                    return (Place::Generate(GENERATE_STREAM, model), POST);
                }
                Some((_, Action::Count)) => return (Place::CountTokens(Dialect::Gemini), POST),
                None => {}
            }
            if let Some(id) = beta.filter(|id| !id.is_empty() && !id.contains(':')) {
                return (Place::GeminiModel(id), GET);
            }
            if let Some(id) = path.strip_prefix("/v1/models/")
                && !id.is_empty()
                && !id.contains(':')
            {
                return (Place::Model(id), GET);
            }
            if let Some(codex_only) = usage::asked(path) {
                return (Place::Usage(codex_only), GET);
            }
            let shape = if path.starts_with("/v1beta") || path.starts_with("/v1/models/") {
                Shape::Of(Dialect::Gemini)
            } else if path.starts_with("/v1/messages") {
                Shape::Of(Dialect::Messages)
            } else if path.starts_with("/v1/chat") {
                Shape::Of(Dialect::Chat)
            } else {
                Shape::Of(Dialect::Responses)
            };
            (Place::Unknown(shape), &[])
        }
    }
}

fn shape(place: &Place<'_>) -> Shape {
    match place {
        Place::Inference(call) | Place::Generate(call, _) => Shape::Of(call.dialect),
        Place::CountTokens(dialect) => Shape::Of(*dialect),
        Place::GeminiModels | Place::GeminiModel(_) => Shape::Of(Dialect::Gemini),
        Place::Unknown(shape) => *shape,
        Place::Root
        | Place::Health
        | Place::WebSocket
        | Place::Models
        | Place::Model(_)
        | Place::Images(_)
        | Place::CodexModels
        | Place::Usage(_) => Shape::Of(Dialect::Responses),
    }
}

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
    match place {
        Place::Root | Place::Health | Place::Unknown(_) => empty(StatusCode::OK),
        Place::WebSocket => upgrade_required(shape),
        Place::Models if is_codex_query(parts.uri.query()) => models::codex(&gateway),
        Place::CountTokens(dialect) => count::tokens(config, &parts, body, dialect).await,
        Place::GeminiModels => models::gemini(&gateway),
        Place::GeminiModel(id) => models::one_gemini(&gateway, id),
        Place::Models if is_gemini_client(&parts) => models::gemini(&gateway),
        Place::Model(id) if is_gemini_client(&parts) => models::one_gemini(&gateway, id),
        Place::Models if is_messages_client(&parts.headers) => models::messages(&gateway),
        Place::Models => models::list(&gateway),
        Place::CodexModels => models::codex(&gateway),
        Place::Usage(codex_only) => {
            let call = if codex_only { &CODEX } else { &RESPONSES };
            usage::answer(&gateway, config, attempt::formats(call))
        }
        Place::Model(id) if is_messages_client(&parts.headers) => models::one_message(&gateway, id),
        Place::Model(id) => models::one(&gateway, id, shape),
        Place::Images(kind) => images::draw(gateway, config.clone(), kind, parts, body, key).await,
        Place::Inference(call) => {
            infer(gateway, config.clone(), call, parts, body, key, None).await
        }
        Place::Generate(call, model) => {
            let model = gemini::decoded(model);
            infer(gateway, config.clone(), call, parts, body, key, Some(model)).await
        }
    }
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

/// Reads body and head, then walks the road. `path_model` is the model that a Gemini path names.
async fn infer(
    gateway: Arc<Gateway>,
    config: Arc<Config>,
    call: Inference,
    parts: Parts,
    body: &mut ClientBody,
    key: Caller,
    path_model: Option<String>,
) -> Response<Body> {
    let mut record = Record::open(gateway.clone(), &call, request_id(&parts.headers), key.name);
    let shape = Shape::Of(call.dialect);
    if let Some(rules) = &key.rules {
        match rules.enter(&gateway) {
            Ok(slot) => record.key_slot(slot),
            Err(refusal) => return record.refuse(refusal, shape),
        }
    }
    let limit = if call.compact {
        config.compact_body_limit
    } else {
        config.body_limit
    };
    let body = match body::read(&parts.headers, body, limit).await {
        Ok(body) => body,
        Err(error) => return record.refuse(body_refusal(&error, call.compact), shape),
    };
    let mut head = match protocol::peek(call.dialect, &body) {
        Ok(head) => head,
        Err(error) => return record.refuse_request(&error, call.dialect),
    };
    if let Some(model) = path_model {
        head.model = Some(model);
        head.stream = call == GENERATE_STREAM;
        head.array = head.stream && !gemini::wants_events(parts.uri.query());
    }
    let default = || {
        let own = config.naming.default_model(call.dialect);
        own.or(config.default_model.as_ref()).cloned()
    };
    let Some(asked) = head.model.clone().or_else(default) else {
        let refusal = Refusal::new(
            StatusCode::BAD_REQUEST,
            "missing_required_parameter",
            "`model` is missing: name one of GET /v1/models.",
        )
        .param("model");
        return record.refuse(refusal, shape);
    };
    record.asked(&asked, head.stream);
    let inside = parts.extensions.get::<Inside>();
    let look = |step: &mut dyn FnMut(&mut pool::Pool)| gateway.pool.with(|pool| step(pool));
    let found = pin::find(look, &gateway.catalog.load(), &parts.headers, &asked);
    let (pinned, prefix) = match found {
        Ok(pin) => (pin.account, asked.len() - pin.model.len()),
        Err(refusal) => return record.refuse(refusal, shape),
    };
    if let Some(rules) = &key.rules
        && let Err(refusal) = rules.check_model(&asked[prefix..])
    {
        return record.refuse(refusal, shape);
    }
    let named = match naming::resolve(&config.naming, &gateway.catalog.load(), &asked[prefix..]) {
        Ok(named) => named,
        Err(wrong) => return record.refuse(naming::wrong_level(&wrong), shape),
    };
    attempt::serve(
        attempt::Request {
            pinned: inside.and_then(|inside| inside.account.clone()).or(pinned),
            gateway,
            config,
            call,
            drawing: None,
            query: forward::query(parts.uri.query()),
            headers: parts.headers,
            body,
            head,
            asked,
            named,
        },
        record,
    )
    .await
}

pub(crate) fn body_refusal(error: &BodyError, compact: bool) -> Refusal {
    let message = error.to_string();
    match error {
        BodyError::TooLarge { limit } => {
            let setting = if compact {
                "limits.compact_body_mib"
            } else {
                "limits.body_mib"
            };
            let message = format!(
                "The request body is larger than {} MiB. The setting {setting} raises the limit.",
                limit >> 20
            );
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
        }
        BodyError::Encoding(_) => Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_encoding",
            message,
        ),
        BodyError::Corrupt(_) => {
            Refusal::new(StatusCode::BAD_REQUEST, "invalid_content_encoding", message)
        }
        BodyError::Cut => Refusal::new(StatusCode::BAD_REQUEST, "incomplete_body", message),
    }
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
            let mut id = String::with_capacity(28);
            // Writing to a string cannot fail.
            let _ = write!(
                id,
                "req_{:016x}{:08x}",
                fastrand::u64(..),
                fastrand::u32(..)
            );
            id
        }
    }
}

/// The key in the query, on Gemini's own paths (F26): what stands in an address is kept by logs on its way.
fn query_key(place: &Place<'_>, query: Option<&str>) -> Option<String> {
    let takes = shape(place) == Shape::Of(Dialect::Gemini);
    takes.then(|| gemini::key(query)).flatten()
}

/// T202: three dialects ask on one path; the form of the key tells this one.
fn is_gemini_client(parts: &Parts) -> bool {
    parts.headers.contains_key("x-goog-api-key")
}

/// T202: both dialects ask on one path; only this header tells them apart.
fn is_messages_client(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
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
    fn paths_find_their_place_and_the_nearest_dialect() {
        let cases = [
            ("/v1/chat/completions", Place::Inference(CHAT)),
            ("/v1/responses/compact", Place::Inference(COMPACT)),
            ("/codex/v1/responses", Place::Inference(CODEX)),
            ("/v1/models/gpt-5.5", Place::Model("gpt-5.5")),
            ("/v1/models/vendor/name", Place::Model("vendor/name")),
            (
                "/v1/models/m:generateContent",
                Place::Generate(GENERATE, "m"),
            ),
            (
                "/v1beta/models/a/b:streamGenerateContent",
                Place::Generate(GENERATE_STREAM, "a/b"),
            ),
            (
                "/v1beta/models/m:countTokens",
                Place::CountTokens(Dialect::Gemini),
            ),
            ("/v1beta/models", Place::GeminiModels),
            ("/v1beta/models/m", Place::GeminiModel("m")),
            (
                "/v1beta/models/m:embedContent",
                Place::Unknown(Shape::Of(Dialect::Gemini)),
            ),
            ("/v1/messages", Place::Inference(MESSAGES)),
            (
                "/v1/messages/count_tokens",
                Place::CountTokens(Dialect::Messages),
            ),
            ("/v1/images/generations", Place::Images(Kind::Generation)),
            ("/v1/images/edits", Place::Images(Kind::Edit)),
            (
                "/v1/messages/batches",
                Place::Unknown(Shape::Of(Dialect::Messages)),
            ),
            ("/v1/chat/other", Place::Unknown(Shape::Of(Dialect::Chat))),
            ("/etc/passwd", Place::Unknown(Shape::Of(Dialect::Responses))),
        ];
        for (path, expected) in cases {
            assert_eq!(place(path).0, expected, "{path}");
        }
    }

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

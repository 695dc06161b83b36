//! The local address that the browser ends on: open only while a sign-in waits, on loopback, for one path (F3).
//!
//! It trusts nothing but the `state`: whoever knows it has the page that was opened. Not the gateway's listener. Called by the sign-in.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::DropGuard;

use super::page::{self, Language, Page};
use super::pasted::{self, Fields};
use super::session::{Session, Stage, Way};
use crate::compose::Engine;

/// The one path.
pub(super) const PATH: &str = "/auth/callback";
/// Connections at one time; a browser opens two or three.
const MOST_CONNECTIONS: usize = 16;
/// How long a connection may take to say what it wants.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last page may take to leave after the port is free again.
const LINGER: Duration = Duration::from_secs(5);

/// The first of the ports that is free, on 127.0.0.1 only.
pub(super) async fn bind(ports: [u16; 2]) -> Option<(TcpListener, u16)> {
    for port in ports {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            Ok(listener) => {
                let port = listener.local_addr().ok()?.port();
                return Some((listener, port));
            }
            Err(error) => tracing::info!(port, %error, "the port of the sign-in is busy"),
        }
    }
    tracing::warn!("no port for the sign-in is free: the address has to be pasted");
    None
}

/// Answers until the sign-in has ended. `_port_is_free` stands before the listener: of the two it is dropped last.
pub(super) async fn serve(
    engine: Arc<Engine>,
    session: Arc<Session>,
    port_is_free: DropGuard,
    listener: TcpListener,
) {
    let mut conversations = JoinSet::new();
    {
        let mut over = std::pin::pin!(session.over());
        loop {
            tokio::select! {
                () = &mut over => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if conversations.len() < MOST_CONNECTIONS => {
                        conversations.spawn(converse(engine.clone(), session.clone(), stream));
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                Some(_) = conversations.join_next() => {}
            }
        }
    }
    drop(listener);
    drop(port_is_free);
    // Whoever waits for the page of the end gets it; what idles is cut.
    let all = async { while conversations.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LINGER, all).await;
}

async fn converse(engine: Arc<Engine>, session: Arc<Session>, stream: TcpStream) {
    let service = service_fn(move |request| {
        let (engine, session) = (engine.clone(), session.clone());
        async move { Ok::<_, Infallible>(answer(&engine, &session, request).await) }
    });
    // An error is a browser that went away.
    let _ = http1::Builder::new()
        .keep_alive(false)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    engine: &Arc<Engine>,
    session: &Arc<Session>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let language = Language::of(text(request.headers(), header::ACCEPT_LANGUAGE));
    let reply = |status: StatusCode, page: &Page<'_>| respond(status, page, language);
    if request.uri().path() != PATH || !is_local(text(request.headers(), header::HOST)) {
        return reply(StatusCode::NOT_FOUND, &Page::NotFound);
    }
    if request.method() != Method::GET {
        return reply(StatusCode::METHOD_NOT_ALLOWED, &Page::NotFound);
    }
    let Way::Browser { state, .. } = &session.way else {
        return reply(StatusCode::NOT_FOUND, &Page::NotFound);
    };
    let fields = Fields::of_query(request.uri().query().unwrap_or_default());
    if !fields
        .state
        .as_deref()
        .is_some_and(|found| pasted::same(found, state))
    {
        return reply(StatusCode::BAD_REQUEST, &Page::WrongState);
    }
    match (fields.error, fields.code) {
        (Some(error), _) => {
            let words = pasted::issuer_words(&error, fields.description.as_deref());
            session.end(Stage::Failed(words));
        }
        (None, Some(code)) => engine.exchange(session, SecretString::from(code)),
        (None, None) => return reply(StatusCode::BAD_REQUEST, &Page::NoCode),
    }
    session.over().await;
    match session.stage() {
        Stage::Done(_) => reply(StatusCode::OK, &Page::Done),
        Stage::Other { .. } => reply(StatusCode::OK, &Page::Other),
        Stage::Failed(words) => reply(StatusCode::BAD_REQUEST, &Page::Failed(&words)),
        _ => reply(StatusCode::GONE, &Page::Over),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

/// Whether the browser was sent to this machine by a name of this machine (F29).
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"
}

fn respond(status: StatusCode, page: &Page<'_>, language: Language) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page::html(page, language))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&page::policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

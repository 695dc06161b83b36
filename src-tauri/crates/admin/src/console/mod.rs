//! The browser console: the window's page and [`crate::router`] over HTTP, each call under the console's own token (F28).
//!
//! Loopback alone is not trust: any program and any web page of this machine can reach a port. So the `Host` must name this machine, a
//! foreign `Origin` is refused, and nothing but the page itself is answered without the token, which is never a gateway key. Exports,
//! files of this machine and secrets are not mounted. Off unless the person asks for it; the command line opens it.

mod guard;
mod pass;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use engine::Engine;
use tokio::net::TcpListener;

use crate::error::{AdminError, ErrorCode};
use crate::serve::serve;

pub use pass::{Opens, Pass};

/// Where the console listens unless told otherwise: beside the gateway's default.
pub const DEFAULT_PORT: u16 = 8786;

/// Everything of the admin API lies below it.
const PREFIX: &str = "/admin/v1";

/// What the page may load and reach: its own files and this API.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What is shown where the page was not built into the program.
const NO_PAGE: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Switchyard</title></head><body><h1>No page in this build</h1>\
                       <p>This program was built without the console's page. Run <code>npm ci &amp;&amp; npm run build</code> in the folder <code>ui</code>, \
                       then build <code>switchyard</code> again. The admin API answers below <code>/admin/v1</code>.</p></body></html>";

/// One file of the page, as it is built into the program.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its path below `/`, without a slash in front; `index.html` is the page.
    pub path: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes, compressed with gzip: every browser takes that, also without TLS.
    pub gzip: &'static [u8],
}

/// Opens the console on loopback: `port`, or any free one when that is busy. Gives its address and the future that serves it until it is
/// dropped. Call within a runtime.
///
/// # Errors
/// When no port of 127.0.0.1 can be bound.
pub async fn open(
    engine: Arc<Engine>,
    pass: Pass,
    page: &'static [Asset],
    port: u16,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(port, %error, "the console's port is busy; it takes another one");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?
        }
    };
    let address = listener.local_addr()?;
    let router = router(engine, pass, page);
    Ok((address, serve(listener, router)))
}

/// The console as a router: the page in the open, the API under the token.
pub fn router(engine: Arc<Engine>, pass: Pass, page: &'static [Asset]) -> Router {
    let pass = Arc::new(pass);
    let calls = crate::router(engine)
        .fallback(no_such_call)
        .method_not_allowed_fallback(no_such_call)
        // Over the fallbacks too: a path that is not there tells a stranger nothing.
        .layer(middleware::from_fn_with_state(
            pass.clone(),
            guard::signed_in,
        ));
    let calls = Router::new()
        .route("/console/session", post(pass::begin).with_state(pass))
        .fallback_service(calls)
        .layer(DefaultBodyLimit::max(
            engine::import::LARGEST + engine::import::LARGEST / 4,
        ))
        .layer(middleware::from_fn(guard::same_origin));
    Router::new()
        .nest(PREFIX, calls)
        .fallback(file)
        .with_state(page)
        .layer(middleware::from_fn(guard::this_machine))
        .layer(middleware::map_response(hardened))
}

async fn no_such_call() -> AdminError {
    AdminError::new(
        ErrorCode::NotFound,
        "the console has no such call; exports, files and keys are for the command line and the desktop application",
    )
}

/// A file of the page.
async fn file(State(page): State<&'static [Asset]>, uri: Uri) -> Response {
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let Some(asset) = page.iter().find(|asset| asset.path == path) else {
        // Every browser asks for it unasked; its sign is in the page.
        if path == "favicon.ico" {
            return StatusCode::NO_CONTENT.into_response();
        }
        if path == "index.html" {
            let head = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            return (StatusCode::SERVICE_UNAVAILABLE, head, NO_PAGE).into_response();
        }
        return AdminError::new(ErrorCode::NotFound, "there is nothing here").into_response();
    };
    // Names of built files hold a hash of what is in them.
    let keeping = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let head = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CONTENT_ENCODING, "gzip"),
        (header::CACHE_CONTROL, keeping),
    ];
    (head, asset.gzip).into_response()
}

/// What every answer says to the browser.
async fn hardened(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    let mut put = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::CACHE_CONTROL, "no-store");
    put(header::REFERRER_POLICY, "no-referrer");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    put(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    response
}

#[cfg(test)]
mod tests;

//! A request from inside the process: it walks the same road as any client's, from the surface to the journal, without a socket and
//! without a key. For the test page and the test of one account.
//!
//! Not a shortcut: limits, pauses, choice, translation and journal are those of every request. Called by the engine.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use pool::AccountId;

use crate::body::{Body, ClientBody};
use crate::config::Config;
use crate::{Gateway, surface};

/// Who asks from inside, in place of a key.
#[derive(Debug, Clone)]
pub struct Inside {
    /// What the journal shows where the name of a key stands.
    pub name: Arc<str>,
    /// The only account that may serve; `None` leaves the choice to the gateway.
    pub account: Option<AccountId>,
}

impl Inside {
    /// The configuration in force, and the answer always names its account.
    pub(crate) fn config(config: &Config) -> Arc<Config> {
        Arc::new(Config {
            account_header: true,
            ..config.clone()
        })
    }
}

/// The answer to a request from inside. Dropping it is what a client's hanging up is: the upstream's request is cancelled (F56).
#[derive(Debug)]
pub struct InsideAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as a client would see them.
    pub headers: HeaderMap,
    body: Body,
}

impl InsideAnswer {
    /// Label of the account that answered.
    pub fn account(&self) -> Option<&str> {
        let label = self.headers.get("x-switchyard-account")?;
        label.to_str().ok()
    }

    /// The next piece of the body; `None` at its end, and where it was broken off.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        loop {
            let frame = self.body.frame().await?.ok()?;
            if let Ok(chunk) = frame.into_data() {
                return Some(chunk);
            }
        }
    }
}

impl Gateway {
    /// Sends a JSON body to one of the gateway's paths, with its query.
    pub async fn inside(self: &Arc<Self>, inside: Inside, path: &str, body: Bytes) -> InsideAnswer {
        let mut request = Request::new(ClientBody::Inside(Full::new(body)));
        *request.method_mut() = Method::POST;
        // A path that is none finds no place in the table, which is told like any other unknown path.
        *request.uri_mut() = path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.extensions_mut().insert(inside);
        let (parts, body) = walked(self.clone(), request).await.into_parts();
        InsideAnswer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

/// The road behind a pointer that is made here: a future that another crate polls by its type is compiled again there, with all that it
/// awaits, and for that crate's size instead of this one's speed.
fn walked(
    gateway: Arc<Gateway>,
    request: Request<ClientBody>,
) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
    Box::pin(surface::handle(gateway, request))
}

//! The page's road to the admin API: the same router as on every other transport, in process (no socket, no key).
//!
//! Not a set of commands of its own: which calls there are is the admin room's business. Called by `commands`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::AbortHandle;
use tower::{Service, ServiceExt as _};

/// An answer: the status as over HTTP, the body as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    status: u16,
    body: Box<RawValue>,
}

impl Reply {
    /// Whether the call did what it says.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One message of a streamed answer, as `ui/src/ipc/tauri.ts` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// One event, as JSON.
    Data(String),
    /// The answer did not begin, or broke off.
    Error { code: String, message: String },
    /// Nothing follows.
    End,
}

type Body = UnsyncBoxBody<Bytes, String>;
type Ask = dyn Fn(Request<Full<Bytes>>) -> BoxFuture<'static, Response<Body>> + Send + Sync;

/// The router, and the streams that run for the page.
pub(crate) struct Transport {
    ask: Box<Ask>,
    streams: Mutex<HashMap<String, AbortHandle>>,
}

impl Transport {
    /// Over this router.
    pub(crate) fn new<S, B>(router: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Display,
    {
        let ask = move |request| -> BoxFuture<'static, Response<Body>> {
            let router = router.clone();
            Box::pin(async move {
                match router.oneshot(request).await {
                    Ok(answer) => answer.map(|body| {
                        let body = body.map_err(|error| error.to_string());
                        UnsyncBoxBody::new(body)
                    }),
                    Err(never) => match never {},
                }
            })
        };
        Self {
            ask: Box::new(ask),
            streams: Mutex::default(),
        }
    }

    /// One call. An error is only what no status can say: a request that is none.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Reply, String> {
        let request = request(method, path, body)?;
        let answer = (self.ask)(request).await;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Ok(Reply {
            status: status.as_u16(),
            body: json(status, &body),
        })
    }

    /// Begins a streamed call; `tell` gets its pieces, the last one is [`Piece::End`] or [`Piece::Error`].
    pub(crate) fn stream(
        self: &Arc<Self>,
        id: String,
        path: &str,
        body: Value,
        tell: impl Fn(Piece) + Send + Sync + 'static,
    ) -> Result<(), String> {
        let request = request("POST", path, Some(body))?;
        let (this, name) = (self.clone(), id.clone());
        let answered = (self.ask)(request);
        // The task is entered before it can leave.
        let mut streams = self.streams();
        if streams.contains_key(&id) {
            return Err("this stream runs already".to_owned());
        }
        let task = tauri::async_runtime::spawn(async move {
            let answer = answered.await;
            if answer.status().is_success() {
                relay(answer.into_body(), &tell).await;
            } else {
                let body = answer.into_body().collect().await;
                let body = body.map(|body| body.to_bytes()).unwrap_or_default();
                tell(refusal(&body));
            }
            this.streams().remove(&name);
        });
        streams.insert(id, task.inner().abort_handle());
        Ok(())
    }

    /// Ends a stream; the provider sees that nobody reads any more.
    pub(crate) fn cancel(&self, id: &str) {
        if let Some(stream) = self.streams().remove(id) {
            stream.abort();
        }
    }

    /// Ends all streams: the page that reads them is gone.
    pub(crate) fn cancel_all(&self) {
        for (_, stream) in self.streams().drain() {
            stream.abort();
        }
    }

    fn streams(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(method: &str, path: &str, body: Option<Value>) -> Result<Request<Full<Bytes>>, String> {
    if !path.starts_with('/') || path.starts_with("//") {
        return Err("the path begins with one slash".to_owned());
    }
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        None | Some(Value::Null) => request.body(Full::default()),
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string())),
    };
    request.map_err(|error| error.to_string())
}

/// The body as it is where it is JSON. What the router itself refuses comes as plain text: it is put into the shape of every other error.
fn json(status: StatusCode, body: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(body);
    if text.trim().is_empty() {
        return RawValue::NULL.to_owned();
    }
    if let Ok(raw) = RawValue::from_string(text.clone().into_owned()) {
        return raw;
    }
    let code = if status.is_server_error() {
        "failed"
    } else {
        "invalid"
    };
    let error = serde_json::json!({"error": {"code": code, "message": text}});
    serde_json::value::to_raw_value(&error).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The code and message of an error answer.
fn refusal(body: &[u8]) -> Piece {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| answer["error"][name].as_str().map(str::to_owned);
    Piece::Error {
        code: field("code").unwrap_or_else(|| "failed".to_owned()),
        message: field("message").unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
    }
}

/// Hands on the `data:` lines of Server-Sent Events; the admin API uses nothing else of them.
async fn relay(mut body: Body, tell: &impl Fn(Piece)) {
    let mut waiting: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let chunk = match frame.map(|frame| frame.into_data()) {
            Ok(Ok(chunk)) => chunk,
            // Trailers say nothing here.
            Ok(Err(_)) => continue,
            Err(message) => {
                return tell(Piece::Error {
                    code: "interrupted".to_owned(),
                    message,
                });
            }
        };
        waiting.extend_from_slice(&chunk);
        let mut begin = 0;
        while let Some(length) = waiting[begin..].iter().position(|byte| *byte == b'\n') {
            let line = waiting[begin..begin + length].trim_ascii_end();
            if let Some(data) = line.strip_prefix(b"data:") {
                tell(Piece::Data(
                    String::from_utf8_lossy(data.trim_ascii_start()).into_owned(),
                ));
            }
            begin += length + 1;
        }
        waiting.drain(..begin);
    }
    tell(Piece::End);
}

#[cfg(test)]
mod tests;

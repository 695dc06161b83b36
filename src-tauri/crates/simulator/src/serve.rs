//! The sockets: accepting, one HTTP/1 connection each, decoding request bodies, routing, and ending connections the rude way when a
//! step asks for it. The only place that spawns tasks.

use std::{
    convert::Infallible,
    fmt, io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::{
    codex, oauth, relay, wallet,
    world::{Seen, Who, World},
};

/// The body of every answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;
/// An answer, or the end of the connection.
pub(crate) type Reply = Result<Response<Body>, Cut>;

/// The connection ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// TCP reset.
    Reset,
    /// Orderly close.
    Close,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("connection cut by the script")
    }
}

impl std::error::Error for Cut {}

/// The connection a request came on; remembers that it must end with a reset.
#[derive(Debug, Clone, Default)]
pub(crate) struct Link(Arc<AtomicBool>);

impl Link {
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A request with its body read.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) link: Link,
}

impl Call {
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The credential in either place: Anthropic's and Google's keys have headers of their own.
    pub(crate) fn key(&self) -> Option<&str> {
        self.header("x-api-key")
            .or(self.header("x-goog-api-key"))
            .or(self.bearer())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        oauth::form(&self.query).remove(name)
    }
}

/// Ends the accept loop, and every connection with it, when dropped.
#[derive(Debug)]
pub(crate) struct Serving(JoinHandle<()>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) async fn start(world: Arc<World>, port: u16) -> io::Result<(Serving, u16)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = listener.local_addr()?.port();
    Ok((accept(world, listener), port))
}

/// Not part of [`start`]: what an async function spawns is compiled again in every crate that awaits it.
fn accept(world: Arc<World>, listener: TcpListener) -> Serving {
    let accepting = async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    world.with(|state| state.connections += 1);
                    connections.spawn(connection(Arc::clone(&world), stream));
                },
                Some(_) = connections.join_next() => {}
            }
        }
    };
    Serving(tokio::spawn(accepting))
}

async fn connection(world: Arc<World>, stream: TcpStream) {
    // Every frame should leave at once, as from a real streaming server.
    let _ = stream.set_nodelay(true);
    let link = Link::default();
    let service = service_fn(|request: Request<Incoming>| {
        let (world, link) = (Arc::clone(&world), link.clone());
        Box::pin(async move {
            let reply = respond(world, request, link.clone()).await;
            if matches!(reply, Err(Cut::Reset)) {
                link.reset();
            }
            reply
        })
    });
    let mut serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The client may leave at any time, and steps end connections on purpose: an error here is ordinary.
    let _ = std::future::poll_fn(|context| serving.poll_without_shutdown(context)).await;
    let stream = serving.into_parts().io.into_inner();
    if link.0.load(Ordering::SeqCst) {
        let _ = stream.set_zero_linger();
    }
}

async fn respond(world: Arc<World>, request: Request<Incoming>, link: Link) -> Reply {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(Cut::Close);
    };
    let encoding = head
        .headers
        .get(header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .map(str::to_ascii_lowercase);
    let (path, query) = (
        head.uri.path().to_owned(),
        head.uri.query().unwrap_or_default().to_owned(),
    );
    let call = match decode(body.to_bytes(), encoding.as_deref()).await {
        Ok(body) => Call {
            method: head.method,
            path,
            query,
            headers: head.headers,
            body,
            link,
        },
        Err(error) => {
            return Ok(document(
                400,
                &json!({"detail": format!("cannot decode the body: {error}")}),
            ));
        }
    };
    world.see(Seen {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        headers: call.headers.clone(),
        body: call.body.clone(),
        account: identify(&world, &call).map(|who| world.label(who)),
        at: world.now(),
    });
    route(&world, call).await
}

async fn route(world: &Arc<World>, call: Call) -> Reply {
    let path = call.path.clone();
    if wallet::knows(&path) {
        return wallet::respond(world, call).await;
    }
    if let Some(rest) = path.strip_prefix("/backend-api") {
        return codex::respond(world, call, rest).await;
    }
    if let Some(rest) = path.strip_prefix("/v1beta").or(path.strip_prefix("/v1")) {
        return relay::respond(world, call, rest).await;
    }
    oauth::respond(world, call).await
}

/// Whose credential a request carries, if it is a good one.
fn identify(world: &World, call: &Call) -> Option<Who> {
    if call.path == "/oauth/token" {
        return oauth::owner(world, call).map(Who::Account);
    }
    let (bearer, now) = (call.key()?, world.now());
    world.with(|state| {
        let account = state
            .accounts
            .iter()
            .position(|account| account.access.get(bearer).is_some_and(|end| *end > now));
        account.map(Who::Account).or_else(|| {
            state
                .keys
                .iter()
                .position(|key| key.setup.key == bearer)
                .map(Who::Key)
        })
    })
}

async fn decode(body: Bytes, encoding: Option<&str>) -> io::Result<Bytes> {
    let mut plain = Vec::new();
    let packed = body.as_ref();
    match encoding {
        None | Some("identity") => return Ok(body),
        Some("zstd") => ZstdDecoder::new(packed).read_to_end(&mut plain).await?,
        Some("gzip") => GzipDecoder::new(packed).read_to_end(&mut plain).await?,
        Some("br") => BrotliDecoder::new(packed).read_to_end(&mut plain).await?,
        Some("deflate") => ZlibDecoder::new(packed).read_to_end(&mut plain).await?,
        Some(other) => {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("unknown content encoding {other}"),
            ));
        }
    };
    Ok(plain.into())
}

/// An answer of one piece.
pub(crate) fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    crate::quota::put(response.headers_mut(), "content-type", content_type);
    response
}

/// A JSON answer.
pub(crate) fn document(status: u16, body: &Value) -> Response<Body> {
    whole(status, "application/json", body.to_string())
}

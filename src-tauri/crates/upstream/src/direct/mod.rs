//! The direct road: HTTP/1.1 without TLS and without a proxy, for relays on this machine or in this network.
//!
//! A connection is driven by the request that uses it, not by a task of its own: an answer's chunks are handed over without a
//! change of task, and everything one read brought leaves as one frame. An open stream holds no buffer while it waits. All
//! other roads (TLS, HTTP/2, proxies) are reqwest's. Called by `send`.

mod body;
mod framing;
mod head;
mod idle;

use std::{
    error::Error,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Method, Response, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::{io::AsyncWrite as _, net::TcpStream};
use tower_service::Service as _;
use url::Url;

pub(crate) use body::DirectBody;
use head::Head;
use idle::Idle;

use crate::send::Failure;

/// Slices handed to one write.
const SLICES: usize = 16;

/// One host as it is reached directly: where it is, and its idle connections.
#[derive(Debug)]
pub(crate) struct Host {
    uri: Uri,
    /// As in the `Host` header.
    authority: String,
    dialer: HttpConnector,
    idle: Arc<Idle>,
}

/// No answer came.
#[derive(Debug)]
pub(crate) struct DirectError {
    pub failure: Failure,
    /// On an idle connection that may have been closed meanwhile.
    pub reused: bool,
    /// Without an address.
    pub message: String,
}

/// What is sent.
pub(crate) struct DirectCall<'c> {
    pub method: Method,
    /// Path and query, percent-encoded.
    pub path: &'c str,
    pub headers: &'c HeaderMap,
    /// `None` for a request without a body.
    pub body: Option<&'c [Bytes]>,
    /// Set when the last byte was handed to the network.
    pub sent: &'c AtomicBool,
}

impl Host {
    /// `None` when `url` does not name a host that is reached in plain text.
    pub fn new(url: &Url, connect_timeout: Duration) -> Option<Self> {
        if url.scheme() != "http" {
            return None;
        }
        let authority = authority(url)?;
        let uri = Uri::builder()
            .scheme("http")
            .authority(authority.as_str())
            .path_and_query("/")
            .build()
            .ok()?;
        let mut dialer = HttpConnector::new();
        dialer.set_connect_timeout(Some(connect_timeout));
        dialer.set_nodelay(true);
        dialer.set_keepalive(Some(Duration::from_secs(30)));
        Some(Self {
            uri,
            authority,
            dialer,
            idle: Arc::default(),
        })
    }

    /// Sends a request and waits for the answer's head. `fresh` does not use an idle connection.
    pub async fn send(
        &self,
        call: DirectCall<'_>,
        fresh: bool,
    ) -> Result<Response<DirectBody>, DirectError> {
        let idle = if fresh { None } else { self.idle.take() };
        let reused = idle.is_some();
        let mut stream = match idle {
            Some(stream) => stream,
            None => self.dial().await?,
        };
        let fail = |failure, message: String| DirectError {
            failure,
            reused,
            message,
        };
        let length = call
            .body
            .map(|body| body.iter().map(|slice| slice.len() as u64).sum());
        let head = head::request(
            &call.method,
            call.path,
            &self.authority,
            call.headers,
            length,
        );
        let mut received = BytesMut::new();
        let written = write(
            &mut stream,
            head,
            call.body.unwrap_or_default(),
            &mut received,
        )
        .await;
        let whole = match written {
            Ok(whole) => whole,
            // What the other side said before it closed may still be there to be read.
            Err(_) if !reused => false,
            Err(error) => return Err(fail(failure_of(&error), broke(&error))),
        };
        call.sent.store(whole, Ordering::Release);
        let head = loop {
            match head::answer(&received) {
                Ok(Some(head)) if head.response.status().as_u16() == 101 => {
                    return Err(fail(
                        Failure::Protocol,
                        "the upstream changed the protocol".into(),
                    ));
                }
                Ok(Some(head)) if head.response.status().is_informational() => {
                    received.advance(head.length);
                    continue;
                }
                Ok(Some(head)) => break head,
                Ok(None) => {}
                Err(error) => return Err(fail(Failure::Protocol, error.to_string())),
            }
            match poll_fn(|cx| {
                body::poll_read(&mut stream, cx, |read| received.extend_from_slice(read))
            })
            .await
            {
                Ok(0) if received.is_empty() || reused => {
                    return Err(fail(
                        Failure::Reset,
                        "the connection was closed before the answer began".into(),
                    ));
                }
                Ok(0) => {
                    return Err(fail(
                        Failure::Reset,
                        "the connection was closed inside the answer's headers".into(),
                    ));
                }
                Ok(_) => {}
                Err(error) => return Err(fail(failure_of(&error), broke(&error))),
            }
        };
        self.opened(stream, head, &received, whole)
            .map_err(|message| fail(Failure::Protocol, message))
    }

    fn opened(
        &self,
        stream: TcpStream,
        head: Head,
        received: &[u8],
        whole: bool,
    ) -> Result<Response<DirectBody>, String> {
        let home = (head.keeps_open && whole).then(|| self.idle.clone());
        let body = DirectBody::new(stream, head.framing, &received[head.length..], home)
            .map_err(|error| error.to_string())?;
        Ok(head.response.map(|()| body))
    }

    async fn dial(&self) -> Result<TcpStream, DirectError> {
        // A clone is one reference more.
        match self.dialer.clone().call(self.uri.clone()).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => {
                let cause = io_cause(&error);
                let timed_out = cause.is_some_and(|e| e.kind() == io::ErrorKind::TimedOut);
                let why = cause.map_or_else(|| error.to_string(), io::Error::to_string);
                Err(DirectError {
                    failure: if timed_out {
                        Failure::ConnectTimeout
                    } else {
                        Failure::Connect
                    },
                    reused: false,
                    message: format!("could not connect: {why}"),
                })
            }
        }
    }
}

/// Host and port as they stand in a URL; the default port is left out.
pub(crate) fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Writes head and body. Ends early, with `false`, when the other side begins to answer while it does not take more: then the
/// answer is not to the whole request, an error as a rule, and is in `received` or still to be read.
async fn write(
    stream: &mut TcpStream,
    head: Vec<u8>,
    body: &[Bytes],
    received: &mut BytesMut,
) -> io::Result<bool> {
    let mut head = Bytes::from(head);
    // The slice written next, and how much of it is gone.
    let (mut next, mut gone) = (0, 0);
    poll_fn(|cx| {
        loop {
            while next < body.len() && gone == body[next].len() {
                (next, gone) = (next + 1, 0);
            }
            if head.is_empty() && next == body.len() {
                return Poll::Ready(Ok(true));
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            slices[0] = IoSlice::new(&head);
            for (place, (index, slice)) in slices[1..]
                .iter_mut()
                .zip(body.iter().enumerate().skip(next))
            {
                *place = IoSlice::new(&slice[if index == next { gone } else { 0 }..]);
            }
            match Pin::new(&mut *stream).poll_write_vectored(cx, &slices) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(mut written)) => {
                    let of_head = written.min(head.len());
                    head.advance(of_head);
                    written -= of_head;
                    while written > 0 {
                        let of_slice = written.min(body[next].len() - gone);
                        gone += of_slice;
                        written -= of_slice;
                        if gone == body[next].len() {
                            (next, gone) = (next + 1, 0);
                        }
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    match body::poll_read(stream, cx, |read| received.extend_from_slice(read)) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(Ok(0)) => {
                            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                        }
                        Poll::Ready(Ok(_)) => match head::answer(received) {
                            // An interim answer: go on.
                            Ok(Some(head)) if head.response.status().is_informational() => {
                                received.advance(head.length);
                            }
                            Ok(None) => {}
                            _ => return Poll::Ready(Ok(false)),
                        },
                        Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    }
                }
            }
        }
    })
    .await
}

fn io_cause<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e io::Error> {
    let mut next = Some(error);
    while let Some(this) = next {
        if let Some(io) = this.downcast_ref() {
            return Some(io);
        }
        next = this.source();
    }
    None
}

/// What a broken connection means. Everything the kernel can say at this point is about the connection.
fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Failure::Protocol,
        _ => Failure::Reset,
    }
}

fn broke(error: &io::Error) -> String {
    format!("the connection broke: {error}")
}

#[cfg(test)]
mod tests;

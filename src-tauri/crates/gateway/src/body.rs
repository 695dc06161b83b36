//! Bodies: reading a client's request body under a limit and undoing its compression, and the one body type of all answers.
//!
//! Called by the surface. The stream of an answer itself is `relay`.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, BufReader};
use tokio_util::io::StreamReader;

use crate::draw::Strip;
use crate::patience::Patience;
use crate::relay::Relay;
use crate::reply::Refusal;

/// Why a request body could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Longer than the limit, as sent or after decompression (F58).
    #[error("the request body is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit that applied, in bytes of the decoded body.
        limit: usize,
    },
    /// `content-encoding` names something the gateway cannot undo.
    #[error(
        "the content-encoding {0:?} is not supported; send identity, gzip, deflate, br or zstd"
    )]
    Encoding(String),
    /// The compressed bytes do not decode.
    #[error("the request body is not valid {0} data")]
    Corrupt(&'static str),
    /// The client broke off.
    #[error("the request body ended early")]
    Cut,
}

/// The body of a request: as it arrives on a connection, or whole from inside the process.
#[derive(Debug)]
pub(crate) enum ClientBody {
    Wire(Incoming),
    Inside(Full<Bytes>),
}

impl HttpBody for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Wire(body) => Pin::new(body).poll_frame(cx),
            Self::Inside(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|next| next.map(|frame| frame.map_err(|never| match never {}))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Wire(body) => body.is_end_stream(),
            Self::Inside(body) => body.is_end_stream(),
        }
    }
}

/// Reads the whole body, decoded. `limit` counts decoded bytes, so that a small compressed body cannot unfold without end (F58, T189).
pub(crate) async fn read(
    headers: &HeaderMap,
    body: &mut ClientBody,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let encoding = match headers
        .get(CONTENT_ENCODING)
        .map(|v| v.to_str().unwrap_or("?").trim().to_ascii_lowercase())
    {
        None => return read_plain(headers, body, limit).await,
        Some(name) if name.is_empty() || name == "identity" => {
            return read_plain(headers, body, limit).await;
        }
        Some(name) => name,
    };
    let raw = BufReader::new(StreamReader::new(
        body.into_data_stream().map_err(std::io::Error::other),
    ));
    match encoding.as_str() {
        "zstd" => drain(ZstdDecoder::new(raw), limit, "zstd").await,
        "gzip" | "x-gzip" => drain(GzipDecoder::new(raw), limit, "gzip").await,
        "br" => drain(BrotliDecoder::new(raw), limit, "br").await,
        "deflate" => drain_deflate(raw, limit).await,
        _ => Err(BodyError::Encoding(encoding)),
    }
}

async fn read_plain(
    headers: &HeaderMap,
    body: &mut ClientBody,
    limit: usize,
) -> Result<Bytes, BodyError> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(BodyError::TooLarge { limit });
    }
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| BodyError::Cut)?.into_data() else {
            continue;
        };
        if whole.is_empty() && first.is_none() {
            // Most bodies arrive in one read: keep that buffer instead of copying it.
            first = Some(chunk);
        } else {
            if let Some(head) = first.take() {
                whole.reserve(announced.unwrap_or(0).max(head.len() + chunk.len()));
                whole.extend_from_slice(&head);
            }
            whole.extend_from_slice(&chunk);
        }
        if whole.len().max(first.as_ref().map_or(0, Bytes::len)) > limit {
            return Err(BodyError::TooLarge { limit });
        }
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

/// What a client is told of it; `compact` tells which limit held (F58).
pub(crate) fn refusal(error: &BodyError, compact: bool) -> Refusal {
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

/// Takes in what a refused client still sends, and drops it: closing on it would reset the connection before the client has read its
/// answer. Bounded in size and time; a client that goes on beyond that is cut.
pub(crate) fn let_pass(mut body: ClientBody) {
    const REST: usize = 128 << 20;
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
    tokio::spawn(tokio::time::timeout(PATIENCE, async move {
        let mut passed = 0;
        while passed < REST
            && let Some(Ok(frame)) = body.frame().await
        {
            passed += frame.data_ref().map_or(0, Bytes::len);
        }
    }));
}

/// `deflate` means zlib (RFC 9110 §8.4.1.2), but some clients send raw deflate: the first byte tells.
async fn drain_deflate(
    mut raw: impl AsyncBufRead + Unpin,
    limit: usize,
) -> Result<Bytes, BodyError> {
    use tokio::io::AsyncBufReadExt as _;
    let zlib =
        matches!(raw.fill_buf().await, Ok(head) if head.first().is_some_and(|b| b & 0x0f == 8));
    if zlib {
        drain(ZlibDecoder::new(raw), limit, "deflate").await
    } else {
        drain(DeflateDecoder::new(raw), limit, "deflate").await
    }
}

async fn drain(
    reader: impl AsyncRead + Unpin,
    limit: usize,
    name: &'static str,
) -> Result<Bytes, BodyError> {
    let mut reader = reader.take(limit as u64 + 1);
    let mut whole = BytesMut::with_capacity(16 << 10);
    loop {
        match reader.read_buf(&mut whole).await {
            Ok(0) => return Ok(whole.freeze()),
            Ok(_) if whole.len() > limit => return Err(BodyError::TooLarge { limit }),
            Ok(_) => {}
            Err(_) => return Err(BodyError::Corrupt(name)),
        }
    }
}

/// The body of every answer: nothing, one piece, or a relayed stream.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Option<Bytes>),
    Relay(Box<Relay>),
    Strip(Box<Strip>),
    Patience(Box<Patience>),
}

impl Body {
    pub(crate) fn empty() -> Self {
        Self(Inner::Whole(None))
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(Inner::Whole(Some(bytes)))
    }

    pub(crate) fn relay(relay: Box<Relay>) -> Self {
        Self(Inner::Relay(relay))
    }

    pub(crate) fn patience(patience: Box<Patience>) -> Self {
        Self(Inner::Patience(patience))
    }

    pub(crate) fn strip(strip: Box<Strip>) -> Self {
        Self(Inner::Strip(strip))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Inner::Relay(relay) => relay
                .poll_chunk(cx)
                .map(|next| next.map(|chunk| chunk.map(Frame::data))),
            Inner::Strip(strip) => strip
                .poll_chunk(cx)
                .map(|next| next.map(|chunk| chunk.map(Frame::data))),
            Inner::Patience(patience) => patience
                .poll_chunk(cx)
                .map(|next| next.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Inner::Relay(_) | Inner::Strip(_) | Inner::Patience(_) => SizeHint::default(),
        }
    }
}

/// The stream was broken off on purpose: no clean end may be shown to the client.
#[derive(Debug, thiserror::Error)]
#[error("the stream was broken off")]
pub struct Aborted;

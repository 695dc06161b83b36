//! Request and answer bodies on the way through: slices out, frames in, nothing copied.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pool::Outcome;

use crate::direct::DirectBody;

/// A request body of several slices, which tells when its last one was handed to the connection.
pub(crate) struct RequestBody {
    slices: VecDeque<Bytes>,
    left: u64,
    handed_over: Arc<AtomicBool>,
}

impl RequestBody {
    pub fn new(slices: &[Bytes], handed_over: Arc<AtomicBool>) -> Self {
        let slices: VecDeque<Bytes> = slices.iter().filter(|s| !s.is_empty()).cloned().collect();
        let left = slices.iter().map(|s| s.len() as u64).sum();
        Self {
            slices,
            left,
            handed_over,
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.slices.pop_front();
        self.left -= next.as_ref().map_or(0, |s| s.len() as u64);
        if self.slices.is_empty() {
            self.handed_over.store(true, Ordering::Release);
        }
        Poll::Ready(next.map(|slice| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.slices.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer's body: one frame per read of the connection, as it came. Dropping it ends the upstream request.
pub struct ResponseBody(Road);

enum Road {
    Direct(DirectBody),
    /// Whether the connection is HTTP/1, too.
    Pooled(reqwest::Body, bool),
}

impl ResponseBody {
    pub(crate) fn direct(body: DirectBody) -> Self {
        Self(Road::Direct(body))
    }

    pub(crate) fn pooled(answer: reqwest::Response) -> http::Response<Self> {
        let http1 = answer.version() < http::Version::HTTP_2;
        http::Response::from(answer).map(|body| Self(Road::Pooled(body, http1)))
    }

    /// Whether the connection is a task of its own that hands over one chunk at a time: after a frame, another one of the same
    /// read may come as soon as that task has had its turn.
    #[must_use]
    pub fn comes_in_turns(&self) -> bool {
        matches!(self.0, Road::Pooled(_, true))
    }
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseBody")
    }
}

/// The connection broke inside an answer. The text holds no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the upstream connection broke: {0}")]
pub struct BodyError(String);

impl BodyError {
    /// What to report to the pool: [`Outcome::StreamCut`] after the commit point; before it the caller may say `Network`.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::StreamCut
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let next = match &mut self.0 {
            Road::Direct(body) => ready!(body.poll_content(cx))
                .map(|content| content.map(Frame::data).map_err(|e| e.to_string())),
            Road::Pooled(body, _) => ready!(Pin::new(body).poll_frame(cx))
                .map(|frame| frame.map_err(|e| crate::send::transport_message(&e))),
        };
        Poll::Ready(next.map(|frame| frame.map_err(BodyError)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Road::Direct(body) => body.is_over(),
            Road::Pooled(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Road::Direct(body) => body.left().map_or_else(SizeHint::new, SizeHint::with_exact),
            Road::Pooled(body, _) => body.size_hint(),
        }
    }
}

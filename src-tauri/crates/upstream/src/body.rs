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
pub struct ResponseBody(reqwest::Body);

impl ResponseBody {
    pub(crate) fn new(inner: reqwest::Body) -> Self {
        Self(inner)
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
        let frame = ready!(Pin::new(&mut self.0).poll_frame(cx));
        Poll::Ready(
            frame.map(|frame| frame.map_err(|e| BodyError(crate::send::transport_message(&e)))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

//! Signs of life for a client that streams while its picture is drawn: a drawing says nothing for a minute or more, and what stands between
//! client and gateway takes that for the end (T163).
//!
//! Not the picture's own stream (`draw::strip`). After ten seconds the head leaves and comments follow, which every library skips; the road goes
//! on behind them as before, with all its tries, since nothing of an answer has been told (F51). What it comes to is told in the stream, an error
//! as the Images API's own error event. Called by `images`; polled by the client's connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Body as _;
use tokio::time::{Instant, Sleep, timeout};

use crate::body::{Aborted, Body};
use crate::draw::COMMENT;
use crate::forward;
use crate::opened::HOLD;
use crate::relay::KEEPALIVE;
use crate::surface::REQUEST_ID;

/// A road that is not at its end, as the body of its own answer.
pub(crate) struct Patience {
    state: State,
    timer: Pin<Box<Sleep>>,
}

enum State {
    /// The head has left, nothing else.
    Begun(BoxFuture<'static, Response<Body>>),
    Walking(BoxFuture<'static, Response<Body>>),
    /// The picture, or its stream.
    Told(Body),
    /// An error that came whole, for which the client gets an event.
    Failed(Body),
}

impl std::fmt::Debug for Patience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patience").finish_non_exhaustive()
    }
}

/// The road's answer where it comes soon, else a stream that waits for it.
pub(crate) async fn answer(
    mut road: BoxFuture<'static, Response<Body>>,
    id: &str,
) -> Response<Body> {
    if let Ok(response) = timeout(HOLD, &mut road).await {
        return response;
    }
    let mut response = Response::new(Body::patience(Box::new(Patience {
        state: State::Begun(road),
        timer: Box::pin(tokio::time::sleep(KEEPALIVE)),
    })));
    forward::framing(forward::Stream::Events, response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_stream(headers: &HeaderMap) -> bool {
    crate::exchange::is_event_stream(headers)
}

impl Patience {
    /// The next frame for the client; `None` is the clean end.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Aborted>>> {
        loop {
            let road = match &mut self.state {
                State::Told(body) => return next(body, cx),
                State::Failed(body) => {
                    // An error comes in one piece.
                    let piece = std::task::ready!(next(body, cx));
                    return Poll::Ready(
                        piece.map(|piece| piece.map(|whole| protocol::images::error_event(&whole))),
                    );
                }
                State::Begun(road) => {
                    let road = std::mem::replace(road, std::future::pending().boxed());
                    self.state = State::Walking(road);
                    return Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))));
                }
                State::Walking(road) => road,
            };
            if let Poll::Ready(response) = road.poll_unpin(cx) {
                let told = response.status().is_success() && is_stream(response.headers());
                let body = response.into_body();
                self.state = match told {
                    true => State::Told(body),
                    false => State::Failed(body),
                };
                continue;
            }
            std::task::ready!(self.timer.as_mut().poll(cx));
            self.timer.as_mut().reset(Instant::now() + KEEPALIVE);
            return Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))));
        }
    }
}

fn next(body: &mut Body, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
    let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
    Poll::Ready(frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default())))
}

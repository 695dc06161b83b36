//! A picture in the making, after the commit: upstream events in, the client's events out, and the journal at the end (F51, F56).
//!
//! What `relay` is for answers in words, without its care for many small frames. Polled by the client's connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;
use pool::Outcome;
use protocol::images::{Ending, Running};
use protocol::{GatewayError, Observed};
use tokio::time::{Instant, Sleep};
use upstream::{ResponseBody, Target};

use super::Turn;
use crate::body::{Aborted, Body};
use crate::exchange::Tried;
use crate::fault::Fault;
use crate::forward;
use crate::journal::End;
use crate::record::Record;
use crate::relay::{KEEPALIVE, Slot};

/// A sign of life: a comment, which every library skips.
pub(crate) const COMMENT: &[u8] = b": keep-alive\n\n";

/// One committed stream.
#[derive(Debug)]
pub(crate) struct Strip {
    upstream: Option<ResponseBody>,
    running: Running,
    /// What the client gets next.
    waiting: Bytes,
    record: Record,
    /// Freed with the stream.
    slot: Option<Arc<Slot>>,
    target: Target,
    began: Instant,
    idle_timeout: Duration,
    last_read: Instant,
    timer: Pin<Box<Sleep>>,
}

/// A stream whose first event has come.
pub(super) struct Begun {
    pub(super) headers: HeaderMap,
    pub(super) upstream: ResponseBody,
    pub(super) running: Running,
    /// What the client gets at once.
    pub(super) waiting: Bytes,
}

impl Begun {
    /// Commits: the head leaves, and no other account is tried.
    pub(super) fn commit(
        self,
        turn: Turn<'_>,
        record: &mut Option<Record>,
        slot: Arc<Slot>,
    ) -> Tried {
        let Some(mut record) = record.take() else {
            return Tried::Failed(Fault::new(Outcome::Cancelled, "the request has ended"));
        };
        let mut response = Response::new(Body::empty());
        forward::answer_headers(
            &turn.request.config,
            &self.headers,
            &turn.target,
            None,
            forward::Stream::Events,
            response.headers_mut(),
        );
        record.stamp(&mut response);
        record.committed(StatusCode::OK);
        let now = Instant::now();
        *response.body_mut() = Body::strip(Box::new(Strip {
            upstream: Some(self.upstream),
            running: self.running,
            waiting: self.waiting,
            record,
            slot: Some(slot),
            target: turn.target,
            began: turn.began,
            idle_timeout: turn.request.config.idle_timeout,
            last_read: now,
            timer: Box::pin(tokio::time::sleep_until(now + KEEPALIVE)),
        }));
        Tried::Answered(response)
    }
}

impl Strip {
    /// The next frame for the client; `None` is the clean end.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Aborted>>> {
        loop {
            if !self.waiting.is_empty() {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.waiting))));
            }
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(None);
            };
            match Pin::new(upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.waiting = self.running.push(&chunk);
                        self.last_read = Instant::now();
                    }
                    if self.running.is_over() {
                        self.close();
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => {
                    self.waiting = self.running.end();
                    self.close();
                }
                Poll::Pending => {
                    if self.timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    self.silence();
                }
            }
        }
    }

    fn silence(&mut self) {
        let now = Instant::now();
        if now >= self.last_read + self.idle_timeout {
            let seconds = self.idle_timeout.as_secs();
            self.waiting = self.running.in_band_error(&GatewayError {
                status: 504,
                code: "upstream_timeout".into(),
                message: format!("the upstream sent nothing for {seconds} s"),
            });
            self.close_as(&Outcome::Timeout, End::Failed, Some("upstream_timeout"));
            return;
        }
        if self.running.is_at_border() {
            self.waiting = Bytes::from_static(COMMENT);
        }
        self.timer.as_mut().reset(now + KEEPALIVE);
    }

    /// It is over, and how it came out is what counts.
    fn close(&mut self) {
        let now = self.record.gateway().clock.now();
        match self.running.ending() {
            Ending::Drawn => self.close_as(&Outcome::Success, End::Completed, None),
            Ending::Failed(raw) => {
                let outcome = upstream::classify_event(&raw, now);
                let outcome = outcome.unwrap_or(Outcome::ServerError { status: 502 });
                self.close_as(&outcome, End::Failed, Some("response_failed"));
            }
            Ending::Cut => {
                self.close_as(
                    &Outcome::StreamCut,
                    End::Failed,
                    Some("stream_disconnected"),
                );
            }
        }
    }

    fn close_as(&mut self, outcome: &Outcome, end: End, code: Option<&str>) {
        self.upstream = None;
        let gateway = self.record.gateway().clone();
        let seen = Observed {
            rate_limits: self.running.rate_limits().cloned(),
            ..Observed::default()
        };
        gateway.observe_event(&self.target.id, &seen);
        gateway.tell(&self.target.id, outcome);
        self.record.usage(self.running.usage());
        self.record.images(self.running.pictures());
        self.record.lost(self.running.lost());
        self.record.attempt(
            &self.target.id,
            &self.target.label,
            outcome,
            Some(200),
            self.began,
            code.unwrap_or_default().to_owned(),
        );
        self.record.close(end, code);
        self.slot = None;
    }
}

impl Drop for Strip {
    /// Dropped with the upstream still open: the client went away (F56), perhaps with all that it wanted.
    fn drop(&mut self) {
        if self.upstream.is_none() {
            return;
        }
        match self.running.ending() {
            Ending::Drawn => self.close(),
            _ => self.close_as(&Outcome::Cancelled, End::Cancelled, None),
        }
    }
}

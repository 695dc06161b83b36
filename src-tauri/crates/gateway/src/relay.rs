//! The stream after the commit: upstream frames in, client frames out, an observer on the side, and the journal at the end.
//!
//! No other account after this point (F51): an upstream failure becomes the dialect's own in-band error and a clean end. Backpressure is the
//! body itself: the upstream is read only when the client takes the next frame. Polled by the client's connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use pool::{AccountId, Outcome, QuotaSnapshot};
use protocol::{Answer, GatewayError, Out, Terminal};
use tokio::time::{Instant, Sleep};
use upstream::{ResponseBody, Target};

use crate::Gateway;
use crate::body::Aborted;
use crate::journal::End;
use crate::record::Record;

/// How much is gathered into one frame for the client before it is sent, whatever else is ready.
const GATHER: usize = 32 << 10;
/// A sign of life for clients that time silence (F86, T163).
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(15);
/// How long the end of the upstream's body is awaited after its terminal event, so that the connection can be used again.
const LINGER: Duration = Duration::from_millis(250);

/// A place on an account; given back when it is dropped, however the request ends (F114).
#[derive(Debug)]
pub(crate) struct Slot {
    gateway: Arc<Gateway>,
    id: AccountId,
}

impl Slot {
    pub(crate) fn new(gateway: Arc<Gateway>, id: AccountId) -> Self {
        Self { gateway, id }
    }

    pub(crate) fn account(&self) -> &AccountId {
        &self.id
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.gateway.pool.with(|pool| pool.release(&self.id));
        self.gateway.look_at_queue();
    }
}

impl Gateway {
    /// Tells the pool what happened on an account, and the journal what that changed.
    pub(crate) fn tell(self: &Arc<Self>, id: &AccountId, outcome: &Outcome) {
        let events = self
            .pool
            .with(|pool| pool.report(self.clock.now(), id, outcome));
        if !events.is_empty() {
            self.journal.pool_events(events);
            self.look_at_queue();
        }
    }

    /// Hands what a `codex.rate_limits` event told to the pool (F67).
    pub(crate) fn observe_event(self: &Arc<Self>, id: &AccountId, seen: &protocol::Observed) {
        let told = seen
            .rate_limits
            .as_deref()
            .and_then(|event| upstream::quota_from_event(event, self.clock.now()));
        if let Some(quota) = told {
            self.observe(id, quota);
        }
    }

    /// Hands a quota reading to the pool (F67). When it shows the active account used up, another one is switched to (F43 b, d).
    pub fn observe(self: &Arc<Self>, id: &AccountId, quota: QuotaSnapshot) {
        let now = self.clock.now();
        let events = self.pool.with(|pool| {
            let mut events = pool.observe_quota(now, id, quota);
            if !events.is_empty() && pool.active() == Some(id) {
                events.extend(pool.switch_if_needed(now));
            }
            events
        });
        if !events.is_empty() {
            self.journal.pool_events(events);
            self.look_at_queue();
        }
    }

    /// The same for a reading that a person asked for: no reason to switch by itself (F43). The next request is.
    pub fn observe_by_hand(self: &Arc<Self>, id: &AccountId, quota: QuotaSnapshot) {
        let events = self
            .pool
            .with(|pool| pool.observe_quota(self.clock.now(), id, quota));
        if !events.is_empty() {
            self.journal.pool_events(events);
            self.look_at_queue();
        }
    }
}

/// One committed stream.
#[derive(Debug)]
pub(crate) struct Relay {
    upstream: Option<ResponseBody>,
    answer: Answer,
    /// Frames waiting to be sent as one.
    waiting: Gathered,
    out: Out,
    record: Record,
    /// Freed with the stream.
    slot: Option<Arc<Slot>>,
    target: Target,
    began: Instant,
    /// The task gave way once so that frames of the same upstream read come together.
    gave_way: bool,
    timer: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    last_read: Instant,
    last_sent: Instant,
}

/// Frames of the client gathered between two sends. One frame is handed on as it is, several are copied together.
#[derive(Debug, Default)]
struct Gathered {
    first: Bytes,
    more: BytesMut,
}

impl Gathered {
    fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.more.is_empty() {
            self.more
                .reserve((self.first.len() + chunk.len()).max(1 << 10));
            self.more.extend_from_slice(&self.first);
        }
        self.more.extend_from_slice(&chunk);
    }

    fn len(&self) -> usize {
        self.more.len().max(self.first.len())
    }

    fn take(&mut self) -> Option<Bytes> {
        let first = std::mem::take(&mut self.first);
        if self.more.is_empty() {
            (!first.is_empty()).then_some(first)
        } else {
            Some(self.more.split().freeze())
        }
    }
}

impl Relay {
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one stream, named at the only place that has them"
    )]
    pub(crate) fn new(
        upstream: ResponseBody,
        answer: Answer,
        mut out: Out,
        record: Record,
        slot: Arc<Slot>,
        target: Target,
        began: Instant,
        idle_timeout: Duration,
    ) -> Self {
        let now = Instant::now();
        let mut waiting = Gathered::default();
        if let Some(chunk) = out.take() {
            waiting.push(chunk);
        }
        Self {
            upstream: Some(upstream),
            answer,
            waiting,
            out,
            record,
            slot: Some(slot),
            target,
            began,
            gave_way: false,
            timer: Box::pin(tokio::time::sleep_until(now + KEEPALIVE)),
            idle_timeout,
            last_read: now,
            last_sent: now,
        }
    }

    /// The next frame for the client; `None` is the clean end.
    pub(crate) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Aborted>>> {
        loop {
            let Some(upstream) = &mut self.upstream else {
                return Poll::Ready(self.waiting.take().map(Ok));
            };
            if self.waiting.len() >= GATHER {
                return self.send();
            }
            match Pin::new(&mut *upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.answer.push(&chunk, &mut self.out);
                        self.gather();
                        self.last_read = Instant::now();
                        self.gave_way = false;
                    }
                }
                Poll::Ready(Some(Err(_))) => self.end(protocol::End::Cut {
                    message: "the upstream connection broke".into(),
                }),
                Poll::Ready(None) => self.end(protocol::End::Clean),
                Poll::Pending => {
                    if self.waiting.len() > 0 {
                        // A connection that is a task of its own hands over one frame at a time. Giving way once lets it hand over the
                        // rest of what it has read, which then leaves in one write.
                        if !self.gave_way && upstream.comes_in_turns() {
                            self.gave_way = true;
                            cx.waker().wake_by_ref();
                            return Poll::Pending;
                        }
                        return self.send();
                    }
                    self.gave_way = false;
                    if !self.silence(cx) {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    fn send(&mut self) -> Poll<Option<Result<Bytes, Aborted>>> {
        self.gave_way = false;
        self.last_sent = self.last_read;
        Poll::Ready(self.waiting.take().map(Ok))
    }

    fn gather(&mut self) {
        if let Some(chunk) = self.out.take() {
            self.waiting.push(chunk);
        }
    }

    /// Nothing to read and nothing to send: keep-alive, idle timeout, end after the terminal event. True when there is something new.
    fn silence(&mut self, cx: &mut Context<'_>) -> bool {
        let over = self.answer.observed().terminal.is_some();
        if over && self.timer.deadline() > self.last_read + LINGER {
            self.timer.as_mut().reset(self.last_read + LINGER);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        let now = Instant::now();
        if over {
            self.end(protocol::End::Clean);
            return true;
        }
        if now >= self.last_read + self.idle_timeout {
            self.fail(
                "upstream_timeout",
                format!(
                    "the upstream sent nothing for {} s",
                    self.idle_timeout.as_secs()
                ),
                &Outcome::Timeout,
            );
            return true;
        }
        if now >= self.last_sent + KEEPALIVE {
            if let Some(sign) = self.answer.keepalive() {
                self.waiting.push(Bytes::from_static(sign));
            }
            self.last_sent = now;
        }
        // One timer for the whole stream, moved only when it fires: reads cost no timer.
        self.timer
            .as_mut()
            .reset((self.last_sent + KEEPALIVE).min(self.last_read + self.idle_timeout));
        true
    }

    /// The upstream's body is over.
    fn end(&mut self, end: protocol::End) {
        self.upstream = None;
        let seen = self.answer.observed();
        let cut = seen.terminal.is_none() && !seen.stopped;
        self.answer.finish(&mut self.out, end);
        self.gather();
        let (outcome, ending, code) = if cut {
            (Outcome::StreamCut, End::Failed, Some("stream_disconnected"))
        } else {
            self.judge()
        };
        self.close(&outcome, ending, code);
    }

    /// What the terminal event said.
    fn judge(&self) -> (Outcome, End, Option<&'static str>) {
        let seen = self.answer.observed();
        let now = self.record_gateway().clock.now();
        match seen.terminal {
            Some(Terminal::Failed) => {
                let outcome = seen
                    .failure
                    .as_deref()
                    .and_then(|event| upstream::classify_event(event, now));
                (
                    outcome.unwrap_or(Outcome::ServerError { status: 502 }),
                    End::Failed,
                    Some("response_failed"),
                )
            }
            _ => (Outcome::Success, End::Completed, None),
        }
    }

    /// The gateway itself breaks the stream off.
    fn fail(&mut self, code: &'static str, message: String, outcome: &Outcome) {
        self.upstream = None;
        let last = self.answer.in_band_error(&GatewayError {
            status: 504,
            code: code.into(),
            message,
        });
        self.waiting.push(last);
        self.close(outcome, End::Failed, Some(code));
    }

    fn close(&mut self, outcome: &Outcome, ending: End, code: Option<&str>) {
        let gateway = self.record_gateway().clone();
        gateway.observe_event(&self.target.id, self.answer.observed());
        gateway.tell(&self.target.id, outcome);
        self.record.seen(self.answer.observed());
        self.record.lost(self.answer.lost());
        self.record.attempt(
            &self.target.id,
            &self.target.label,
            outcome,
            Some(200),
            self.began,
            code.unwrap_or_default().to_owned(),
        );
        self.record.close(ending, code);
        self.slot = None;
    }

    fn record_gateway(&self) -> &Arc<Gateway> {
        self.record.gateway()
    }
}

impl Drop for Relay {
    /// Dropped with the upstream still open: the client went away (F56). Dropping the body cancels the upstream's request.
    fn drop(&mut self) {
        if self.upstream.take().is_none() {
            return;
        }
        if std::thread::panicking() {
            // Ours, not the client's doing and not the account's; what was half done is not touched again.
            return self.close(&Outcome::Cancelled, End::Failed, Some("internal_error"));
        }
        // Many clients hang up at the terminal event, before the upstream's own end: then that event is what counts.
        if self.answer.observed().stopped {
            self.answer.finish(&mut self.out, protocol::End::Clean);
        }
        let (outcome, ending, code) = match self.answer.observed().terminal {
            Some(_) => self.judge(),
            None => (Outcome::Cancelled, End::Cancelled, None),
        };
        self.close(&outcome, ending, code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_frame_is_handed_on_without_a_copy_and_several_come_as_one() {
        let mut gathered = Gathered::default();
        assert_eq!(gathered.take(), None);
        let chunk = Bytes::from(vec![b'x'; 10]);
        gathered.push(chunk.clone());
        assert_eq!(gathered.take().map(|b| b.as_ptr()), Some(chunk.as_ptr()));
        for piece in ["a", "bc", "d"] {
            gathered.push(Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!(gathered.len(), 4);
        assert_eq!(gathered.take().as_deref(), Some(&b"abcd"[..]));
        assert_eq!(gathered.take(), None);
    }
}

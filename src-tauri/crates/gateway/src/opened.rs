//! An upstream answer with status 200 whose content has not been seen yet: held until it has begun, then committed; or folded into one JSON
//! answer for a client that does not stream (T184).
//!
//! Called by `exchange`. After the commit the stream is `relay`'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use pool::{Format, Outcome};
use protocol::{Answer, Dialect, Out};
use tokio::time::{Instant, timeout_at};
use upstream::{ResponseBody, Target};

use crate::attempt::Request;
use crate::body::Body;
use crate::exchange::Tried;
use crate::fault::{Fault, empty_answer, event_fault, unreadable};
use crate::journal::End;
use crate::record::Record;
use crate::relay::{Relay, Slot};
use crate::{empty, forward};

/// How long the head is held for the first sign of an answer once the upstream has said 200. Longer, and clients that time their wait for
/// headers would give up on a model that thinks.
pub(crate) const HOLD: Duration = Duration::from_secs(10);

/// How much of an answer that is not streamed is kept in memory at most.
const WHOLE_ANSWER: usize = 256 << 20;

/// An upstream answer with status 200 whose content has not been seen yet.
pub(crate) struct Opened<'r> {
    pub(crate) serving: Serving<'r>,
    pub(crate) body: ResponseBody,
    pub(crate) answer: Answer,
}

impl Opened<'_> {
    /// Holds the head until the answer has begun, then commits and hands the rest to the relay.
    pub(crate) async fn stream(mut self, record: &mut Option<Record>) -> Tried {
        let mut out = Out::new();
        let hold = Instant::now() + HOLD;
        loop {
            let seen = self.answer.observed();
            if !seen.content_started
                && let Some(event) = seen.failure.clone()
            {
                return Tried::Failed(self.failed_event(event));
            }
            if seen.content_started || seen.terminal.is_some() {
                break;
            }
            match timeout_at(hold, self.body.frame()).await {
                Err(_) => break,
                Ok(None) => {
                    if self.answer.observed().events == 0 {
                        return Tried::Failed(Fault::new(
                            Outcome::EmptyAnswer,
                            "the stream ended before its first event",
                        ));
                    }
                    return Tried::Failed(Fault::new(
                        Outcome::Network,
                        "the stream ended before the answer began",
                    ));
                }
                Ok(Some(Err(_))) => {
                    return Tried::Failed(Fault::new(
                        Outcome::Network,
                        "the connection broke before the answer began",
                    ));
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.answer.push(&chunk, &mut out);
                    }
                }
            }
        }
        let Some(mut record) = record.take() else {
            return Tried::Failed(Fault::new(Outcome::Cancelled, "the request has ended"));
        };
        let mut response = Response::new(Body::empty());
        forward::answer_headers(
            &self.serving.request.config,
            &self.serving.headers,
            &self.serving.target,
            self.serving.models_tag(),
            forward::Stream::asked(&self.serving.request.head),
            response.headers_mut(),
        );
        record.stamp(&mut response);
        record.committed(StatusCode::OK);
        self.serving.keep_answer(self.answer.observed());
        let idle = self.serving.request.config.idle_timeout;
        *response.body_mut() = Body::relay(Box::new(Relay::new(
            self.body,
            self.answer,
            out,
            record,
            self.serving.slot,
            self.serving.target,
            self.serving.began,
            idle,
        )));
        Tried::Answered(response)
    }

    /// A client that does not stream: the upstream's stream becomes one JSON answer (T184). Nothing is committed before it is whole.
    pub(crate) async fn fold(mut self, record: &mut Option<Record>, limit: Instant) -> Tried {
        let mut out = Out::new();
        let idle = self.serving.request.config.idle_timeout;
        let mut received = 0_usize;
        let end = loop {
            let until = limit.min(Instant::now() + idle);
            match timeout_at(until, self.body.frame()).await {
                Err(_) => {
                    return Tried::Failed(Fault::new(Outcome::Timeout, "the answer took too long"));
                }
                Ok(None) => break protocol::End::Clean,
                Ok(Some(Err(_))) => {
                    break protocol::End::Cut {
                        message: "the connection broke".into(),
                    };
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        received = received.saturating_add(chunk.len());
                        if received > WHOLE_ANSWER {
                            return Tried::Failed(too_large());
                        }
                        self.answer.push(&chunk, &mut out);
                    }
                    if self.answer.observed().terminal.is_some() {
                        break protocol::End::Clean;
                    }
                }
            }
        };
        self.answer.finish(&mut out, end);
        if let Some(event) = self.answer.observed().failure.clone() {
            return Tried::Failed(self.failed_event(event));
        }
        let mut seen = self.answer.observed().clone();
        seen.lost = self.answer.lost();
        match self.answer.into_json() {
            Ok(body) if says_nothing(self.serving.request, &body, &seen) => {
                Tried::Failed(empty_answer())
            }
            Ok(body) => self.serving.commit(record, seen, body),
            Err(failure) => Tried::Failed(unreadable(failure)),
        }
    }

    /// The upstream answered with one JSON document.
    pub(crate) async fn whole(mut self, record: &mut Option<Record>, streaming: bool) -> Tried {
        let body = match read_whole(self.body).await {
            Ok(body) => body,
            Err(fault) => return Tried::Failed(fault),
        };
        if streaming {
            let mut out = Out::new();
            if let Err(failure) = self.answer.stream_json(&body, &mut out) {
                return Tried::Failed(unreadable(failure));
            }
            let seen = self.answer.observed().clone();
            let stream = out.take().unwrap_or_default();
            return self.serving.commit(record, seen, stream);
        }
        match self.answer.answer_json(&body) {
            Ok(body) => {
                let seen = self.answer.observed().clone();
                if says_nothing(self.serving.request, &body, &seen) {
                    return Tried::Failed(empty_answer());
                }
                self.serving.commit(record, seen, body)
            }
            Err(failure) => Tried::Failed(unreadable(failure)),
        }
    }

    /// A 200 stream that told of its failure before it began (F53).
    fn failed_event(&self, event: Bytes) -> Fault {
        self.serving
            .request
            .gateway
            .observe_event(&self.serving.target.id, self.answer.observed());
        let outcome = upstream::classify_event(&event, self.serving.request.gateway.clock.now())
            .unwrap_or(Outcome::ServerError { status: 502 });
        event_fault(outcome, event)
    }
}

fn says_nothing(request: &Request, body: &[u8], seen: &protocol::Observed) -> bool {
    !request.call.compact && empty::is_empty(request.call.dialect, body, seen)
}

fn too_large() -> Fault {
    Fault::new(Outcome::NotAnApi, "the answer is larger than 256 MiB")
}

pub(crate) async fn read_whole(mut body: ResponseBody) -> Result<Bytes, Fault> {
    let mut first: Option<Bytes> = None;
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Fault::new(
                Outcome::Network,
                "the connection broke inside the answer",
            ));
        };
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if whole.is_empty() && first.is_none() {
            first = Some(chunk);
            continue;
        }
        if let Some(head) = first.take() {
            whole.extend_from_slice(&head);
        }
        if whole.len() + chunk.len() > WHOLE_ANSWER {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(first.unwrap_or_else(|| Bytes::from(whole)))
}

/// What stands behind an answer: the request it answers and the account that gives it.
pub(crate) struct Serving<'r> {
    pub(crate) request: &'r Request,
    pub(crate) target: Target,
    /// When the attempt began.
    pub(crate) began: Instant,
    /// The upstream's headers.
    pub(crate) headers: HeaderMap,
    pub(crate) slot: Arc<Slot>,
}

impl Serving<'_> {
    /// F38: the next turn may name this answer, which only this account keeps.
    fn keep_answer(&self, seen: &protocol::Observed) {
        if self.request.call.dialect == Dialect::Responses
            && self.target.format == Format::Responses
            && let Some(answer) = &seen.response_id
        {
            let gateway = &self.request.gateway;
            let now = gateway.clock.now();
            gateway
                .pool
                .with(|pool| pool.seat(now, answer, &self.target.id));
        }
    }

    fn models_tag(&self) -> Option<HeaderValue> {
        let catalog = self.request.gateway.catalog.load();
        forward::models_tag(&catalog, &self.headers)
    }

    /// Commits an answer that is complete: report, journal, send.
    pub(crate) fn commit(
        self,
        record: &mut Option<Record>,
        seen: protocol::Observed,
        body: Bytes,
    ) -> Tried {
        self.keep_answer(&seen);
        let tag = self.models_tag();
        let Self {
            request,
            target,
            began,
            headers,
            slot,
        } = self;
        let gateway = &request.gateway;
        gateway.observe_event(&target.id, &seen);
        gateway.tell(&target.id, &Outcome::Success);
        drop(slot);
        let mut response = Response::new(Body::whole(body));
        forward::answer_headers(
            &request.config,
            &headers,
            &target,
            tag,
            forward::Stream::asked(&request.head),
            response.headers_mut(),
        );
        if let Some(mut record) = record.take() {
            record.stamp(&mut response);
            record.committed(StatusCode::OK);
            record.seen(&seen);
            record.lost(seen.lost);
            record.attempt(
                &target.id,
                &target.label,
                &Outcome::Success,
                Some(200),
                began,
                String::new(),
            );
            record.close(End::Completed, None);
        }
        Tried::Answered(response)
    }
}

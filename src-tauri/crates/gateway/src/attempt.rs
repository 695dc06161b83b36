//! The loop before the commit point: select an account, send, look at the first events, and either commit the answer or try the next
//! account while nothing has reached the client (F50–F56).
//!
//! Not the stream after the commit (`relay`) and not the choice itself (`pool`). Called by the surface with a body that was understood.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use pool::{AccountId, Ask, Format, NoCandidate, Outcome, Retry};
use protocol::{Answer, Failure, Head, Options, Out, Prepared};
use tokio::time::{Instant, timeout, timeout_at};
use upstream::{Access, Call, Endpoint, ResponseBody, Target};

use crate::body::Body;
use crate::config::Config;
use crate::forward;
use crate::journal::End;
use crate::record::Record;
use crate::relay::{Relay, Slot};
use crate::reply::{Refusal, Shape, json};
use crate::surface::Inference;
use crate::{Gateway, empty, models};

/// How long the head is held for the first sign of an answer once the upstream has said 200. Longer, and clients that time their wait for
/// headers would give up on a model that thinks.
const HOLD: Duration = Duration::from_secs(10);
/// How much of an error body is read for classification and for the client.
const ERROR_BODY: usize = 64 << 10;
/// How much of an answer that is not streamed is kept in memory at most.
const WHOLE_ANSWER: usize = 256 << 20;

/// A request that was understood, on its way to an account.
pub(crate) struct Request {
    pub gateway: Arc<Gateway>,
    pub config: Arc<Config>,
    pub call: Inference,
    pub headers: HeaderMap,
    /// The client's query string without a key (F99).
    pub query: Option<String>,
    pub body: Bytes,
    pub head: Head,
    /// Model asked for, or the default.
    pub model: String,
}

/// What one attempt came to.
enum Tried {
    /// An answer for the client; the commit happened.
    Answered(Response<Body>),
    /// Nothing reached the client.
    Failed(Fault),
    /// The body cannot be said in this account's dialect: a 400 for the client.
    Unsayable(protocol::RequestError),
}

/// A failed attempt.
struct Fault {
    outcome: Outcome,
    status: Option<StatusCode>,
    /// For the journal and, if nothing better is known, for the client.
    reason: String,
    /// The upstream's error body, to be shown in the client's dialect.
    body: Option<Bytes>,
    /// The upstream's `Retry-After`, unchanged.
    retry_after: Option<HeaderValue>,
}

impl Fault {
    fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            status: None,
            reason: reason.into(),
            body: None,
            retry_after: None,
        }
    }
}

/// Which formats can serve a call, best first (F101).
fn formats(call: &Inference) -> &'static [Format] {
    match (call.codex, call.compact, call.dialect) {
        (true, _, _) => &[Format::Codex],
        (_, true, _) => &[Format::Codex, Format::Responses],
        (_, _, protocol::Dialect::Chat) => &[Format::OpenAi, Format::Responses, Format::Codex],
        (_, _, protocol::Dialect::Responses) => &[Format::Responses, Format::Codex, Format::OpenAi],
    }
}

/// What a format speaks, or `None` when this version cannot speak it.
fn speaks(format: Format) -> Option<protocol::Target> {
    match format {
        Format::Codex => Some(protocol::Target::Codex),
        Format::Responses => Some(protocol::Target::Responses),
        Format::OpenAi => Some(protocol::Target::Chat),
        Format::Anthropic | Format::Gemini => None,
    }
}

/// Serves the request: an answer, or the last error in the client's dialect.
pub(crate) async fn serve(request: Request, record: Record) -> Response<Body> {
    let started = record.started();
    let mut record = Some(record);
    let mut road = Road {
        request: &request,
        tried: Vec::new(),
        last: None,
        repeated: false,
        model_moved: false,
        failures: 0,
    };
    loop {
        match road.step(&mut record, started).await {
            Step::Again => {}
            Step::Done(mut response) => {
                if let Some(record) = &record {
                    record.stamp(&mut response);
                }
                return response;
            }
        }
    }
}

struct Road<'r> {
    request: &'r Request,
    tried: Vec<AccountId>,
    last: Option<(Fault, Target)>,
    /// The same account was asked a second time already (F54).
    repeated: bool,
    /// Another account was tried because the model was unsupported (F52: once).
    model_moved: bool,
    failures: u32,
}

enum Step {
    Again,
    Done(Response<Body>),
}

impl Road<'_> {
    async fn step(&mut self, record: &mut Option<Record>, started: Instant) -> Step {
        let request = self.request;
        let gateway = &request.gateway;
        let deadline = started + request.config.deadline;
        let Some((slot, target)) = (match self.select(record) {
            Ok(found) => found,
            Err(none) => return Step::Done(self.give_up(record.take(), Some(none))),
        }) else {
            return Step::Again;
        };
        self.pause_between(&target).await;
        let began = Instant::now();
        // The deadline is for the first byte (F50). An answer that is not streamed has its first byte at its end: its own limit holds (F55).
        let limit = if request.head.stream {
            deadline
        } else {
            deadline.max(started + request.config.total_timeout)
        };
        if let Some(record) = record {
            record.attempting(target.clone(), began);
        }
        let attempt = attempt(request, record, slot, target.clone(), began, limit);
        let tried = match timeout_at(limit, attempt).await {
            Ok(tried) => tried,
            Err(_) => Tried::Failed(Fault::new(
                Outcome::Timeout,
                "no answer before the deadline",
            )),
        };
        let fault = match tried {
            Tried::Answered(response) => return Step::Done(response),
            Tried::Unsayable(error) => {
                return Step::Done(match record.take() {
                    Some(record) => record.refuse_request(&error, request.call.dialect),
                    None => json(
                        StatusCode::BAD_REQUEST,
                        protocol::error::render_request_error(request.call.dialect, &error),
                    ),
                });
            }
            Tried::Failed(fault) => fault,
        };
        gateway.tell(&target.id, &fault.outcome);
        if let Some(record) = record {
            record.attempt(
                &target.id,
                &target.label,
                &fault.outcome,
                fault.status.map(|s| s.as_u16()),
                began,
                fault.reason.clone(),
            );
        }
        tracing::debug!(account = %target.label, outcome = fault.outcome.code(), "an attempt failed");
        self.failures += 1;
        let again = match fault.outcome.retry() {
            Retry::Never => false,
            Retry::NextAccount => true,
            Retry::NextAccountOnce => !std::mem::replace(&mut self.model_moved, true),
            Retry::SameAccountOnce => {
                let first = !std::mem::replace(&mut self.repeated, true);
                if first {
                    self.tried.retain(|id| *id != target.id);
                }
                first
            }
        };
        let again =
            again && self.failures <= request.config.max_retries && Instant::now() < deadline;
        self.last = Some((fault, target));
        if again {
            Step::Again
        } else {
            Step::Done(self.give_up(record.take(), None))
        }
    }

    /// The next account with a slot taken on it; `Ok(None)` asks for another round.
    fn select(
        &mut self,
        record: &mut Option<Record>,
    ) -> Result<Option<(Slot, Target)>, NoCandidate> {
        let request = self.request;
        let gateway = &request.gateway;
        let session = forward::session(&request.headers, &request.head);
        let ask = Ask {
            model: &request.model,
            formats: formats(&request.call),
            session: session.as_deref(),
            pinned: None,
            tried: &self.tried,
            last_attempt: self.failures > 0 && self.failures == request.config.max_retries,
        };
        let chosen = match gateway
            .pool
            .with(|pool| pool.select(gateway.clock.now(), &ask))
        {
            Ok(chosen) => chosen,
            Err(none) => {
                // F54: with nobody else left, a connection that broke before any answer may be tried once more on the same account.
                let same = self
                    .last
                    .as_ref()
                    .filter(|(fault, _)| fault.outcome.same_account_may_repeat());
                if let Some(id) = same.map(|(_, target)| target.id.clone())
                    && !std::mem::replace(&mut self.repeated, true)
                {
                    self.tried.retain(|tried| *tried != id);
                    return Ok(None);
                }
                return Err(none);
            }
        };
        if let Some(record) = record {
            record.skipped(chosen.skipped.into_iter());
        }
        self.tried.push(chosen.id.clone());
        let slot = Slot::new(gateway.clone(), chosen.id.clone());
        // An account that was removed between two swaps has no target any more: the slot is freed and the next one asked.
        Ok(gateway
            .targets
            .load()
            .get(&chosen.id)
            .map(|target| (slot, target.clone())))
    }

    /// F55: a short wait before another account of a host that has just failed; none after 429 and 401.
    async fn pause_between(&self, next: &Target) {
        let Some((fault, before)) = &self.last else {
            return;
        };
        let ill = matches!(
            fault.outcome,
            Outcome::Network | Outcome::Timeout | Outcome::ServerError { .. }
        );
        if ill && before.base_url == next.base_url {
            let base = Duration::from_millis(500)
                * 2u32.saturating_pow(self.failures.saturating_sub(1)).min(60);
            let spread = 0.7 + 0.6 * fastrand::f64();
            tokio::time::sleep(base.mul_f64(spread).min(Duration::from_secs(30))).await;
        }
    }

    /// After a limit: whether every account is limited now, so that the client is told of all of them and of the earliest reset (F39).
    fn all_limited(&self, fault: &Fault) -> Option<NoCandidate> {
        let limited = matches!(
            fault.outcome,
            Outcome::UsageLimit { .. } | Outcome::RateLimited { .. } | Outcome::PaymentRequired
        );
        if !limited {
            return None;
        }
        let request = self.request;
        let ask = Ask::new(&request.model, formats(&request.call));
        let now = request.gateway.clock.now();
        request.gateway.pool.with(|pool| {
            // Looked at first: selecting would take a slot where somebody is left.
            let nobody = pool
                .explain(now, &ask)
                .iter()
                .all(|(_, verdict)| verdict.is_err());
            let none = nobody.then(|| pool.select(now, &ask).err()).flatten()?;
            (none.kind == pool::NoCandidateKind::Quota).then_some(none)
        })
    }

    /// Nobody is left, or nobody may be asked any more: the last error, or who was passed over and why (F39).
    fn give_up(&mut self, record: Option<Record>, none: Option<NoCandidate>) -> Response<Body> {
        let request = self.request;
        let shape = Shape::Of(request.call.dialect);
        let answer = match (self.last.take(), none) {
            (Some((fault, target)), _) => match self.all_limited(&fault) {
                Some(none) => Err(nobody(request, &none)),
                None => last_error(request, &fault, &target),
            },
            (None, Some(none)) => Err(nobody(request, &none)),
            (None, None) => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_account_available",
                "No account could be asked.",
            )),
        };
        match (answer, record) {
            (Ok((mut response, code)), Some(mut record)) => {
                record.stamp(&mut response);
                record.committed(response.status());
                record.close(End::Failed, Some(code));
                response
            }
            (Ok((response, _)), None) => response,
            (Err(refusal), Some(record)) => record.refuse(refusal, shape),
            (Err(refusal), None) => refusal.into_response(shape),
        }
    }
}

/// The client's view of the last failed attempt: the upstream's own status and text where it gave one (F57).
fn last_error(
    request: &Request,
    fault: &Fault,
    target: &Target,
) -> Result<(Response<Body>, &'static str), Refusal> {
    let code = fault.outcome.code();
    let now = request.gateway.clock.now();
    let wait = request
        .gateway
        .pool
        .with(|pool| pool.next_expiry(now))
        .map(|at| at.since(now).as_secs().max(1));
    match (fault.status, &fault.body) {
        // A 401 of an account must not look like a wrong gateway key: clients would throw that key away.
        (Some(status), Some(body)) if status != StatusCode::UNAUTHORIZED => {
            let shown = protocol::error::rewrap(request.call.dialect, status.as_u16(), body);
            let mut response = json(status, shown);
            forward::name_account(&request.config, target, response.headers_mut());
            if let Some(value) = fault.retry_after.clone().or_else(|| {
                retryable(status)
                    .then(|| wait.map(HeaderValue::from))
                    .flatten()
            }) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
            // The gateway has retried already where that helps; a client's own tries would multiply (T197).
            if fault.outcome.retry() != Retry::Never {
                response
                    .headers_mut()
                    .insert("x-should-retry", HeaderValue::from_static("false"));
            }
            Ok((response, code))
        }
        _ => {
            let status = match fault.outcome {
                Outcome::Timeout => StatusCode::GATEWAY_TIMEOUT,
                Outcome::UsageLimit { .. } | Outcome::RateLimited { .. } => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                Outcome::Unauthorized
                | Outcome::RefreshRefused { .. }
                | Outcome::RefreshUnavailable => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_GATEWAY,
            };
            let message = format!("account \"{}\": {}", target.label, fault.reason);
            Err(Refusal::new(status, code, message)
                .retry_after(retryable(status).then_some(wait).flatten()))
        }
    }
}

fn retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// F39: who was passed over, why, and when the first one is back.
fn nobody(request: &Request, none: &NoCandidate) -> Refusal {
    let gateway = &request.gateway;
    let now = gateway.clock.now();
    let wait = none.retry_after_secs(now);
    let reasons = none.reasons(now);
    match none.kind {
        pool::NoCandidateKind::Empty => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_account",
            "There is no account yet. `switchyard account import FILE` or `switchyard account add` adds one.",
        ),
        pool::NoCandidateKind::Model => {
            let mut refusal = models::not_found(&gateway.catalog.load(), &request.model);
            refusal.message.push_str(&format!(" ({reasons})"));
            refusal
        }
        pool::NoCandidateKind::Quota => {
            let message = format!("Every account has reached its limit. {reasons}");
            let status = StatusCode::TOO_MANY_REQUESTS;
            let refusal = Refusal::new(status, "usage_limit_reached", message);
            // The word the Codex CLI acts on (codex-backend §4.3).
            Refusal {
                kind: Some("usage_limit_reached"),
                ..refusal.retry_after(wait)
            }
        }
        _ => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_account_available",
            format!("No account can serve this now. {reasons}"),
        )
        .retry_after(wait),
    }
}

/// One attempt on one account, up to the commit.
async fn attempt(
    request: &Request,
    record: &mut Option<Record>,
    slot: Slot,
    target: Target,
    began: Instant,
    limit: Instant,
) -> Tried {
    let gateway = &request.gateway;
    let Some(speaks) = speaks(target.format) else {
        return Tried::Failed(Fault::new(
            Outcome::ModelUnsupported,
            "this version does not speak the account's format",
        ));
    };
    let prepared = match prepare(request, record, speaks) {
        Ok(prepared) => prepared,
        Err(error) => return Tried::Unsayable(error),
    };
    let access = match gateway.upstream.access(&target).await {
        Ok(access) => access,
        Err(error) => return Tried::Failed(Fault::new(error.outcome(), error.to_string())),
    };
    let response = match send(
        request,
        &target,
        &access,
        prepared.stream_upstream,
        prepared.body.into_vec(),
    )
    .await
    {
        Ok(response) => response,
        Err(error) => return Tried::Failed(Fault::new(error.outcome, error.message)),
    };
    let (parts, body) = response.into_parts();
    let now = gateway.clock.now();
    if target.format == Format::Codex
        && let Some(quota) = upstream::quota_from_headers(&parts.headers, now)
    {
        gateway.observe(&target.id, quota);
    }
    if !parts.status.is_success() {
        let fault = refused(
            gateway,
            &target,
            &access,
            parts.status,
            &parts.headers,
            body,
        )
        .await;
        return Tried::Failed(fault);
    }
    let streams = is_event_stream(&parts.headers);
    if !streams && !is_json(&parts.headers) {
        let fault = Fault::new(
            Outcome::NotAnApi,
            "the base URL answered with a page, not with an API answer; check it",
        );
        return Tried::Failed(fault);
    }
    let answer = Answer::new(
        request.call.dialect,
        speaks,
        prepared.state,
        request.head.stream,
    );
    let opened = Opened {
        request,
        target,
        began,
        headers: parts.headers,
        body,
        answer,
        slot,
    };
    match (streams, request.head.stream) {
        (true, true) => opened.stream(record).await,
        (true, false) => opened.fold(record, limit).await,
        (false, streaming) => opened.whole(record, streaming).await,
    }
}

fn prepare(
    request: &Request,
    record: &mut Option<Record>,
    speaks: protocol::Target,
) -> Result<Prepared, protocol::RequestError> {
    let replaced = request
        .head
        .model
        .is_none()
        .then_some(request.model.as_str());
    let id = record.as_ref().map_or("", |record| record.request_id());
    let options = Options {
        model: replaced,
        route: if request.call.compact {
            protocol::Route::Compact
        } else {
            protocol::Route::Answer
        },
        codex_client: request.call.codex || forward::is_codex_client(&request.headers),
        lite: request.headers.contains_key(forward::LITE),
        ask_usage: true,
        created: request.gateway.clock.now().as_secs(),
        request_id: id,
        ..Options::default()
    };
    let prepared = protocol::prepare(
        request.call.dialect,
        speaks,
        &request.body,
        &request.head,
        &options,
    )?;
    if let Some(record) = record
        && !prepared.losses.is_empty()
    {
        record.losses(&prepared.losses);
    }
    Ok(prepared)
}

async fn send(
    request: &Request,
    target: &Target,
    access: &Access,
    stream: bool,
    body: Vec<Bytes>,
) -> Result<http::Response<ResponseBody>, upstream::SendError> {
    let endpoint = match (request.call.compact, target.format) {
        (true, _) => Endpoint::Compact,
        (false, Format::OpenAi) => Endpoint::ChatCompletions,
        (false, _) => Endpoint::Responses,
    };
    let call = Call {
        headers: forward::request_headers(&request.headers, target.format),
        query: request.query.clone().filter(|_| !target.is_oauth()),
        ..Call::json(endpoint, body, stream)
    };
    request.gateway.upstream.send(target, access, call).await
}

/// An upstream that said no: what it means and what the client may see of it.
async fn refused(
    gateway: &Gateway,
    target: &Target,
    access: &Access,
    status: StatusCode,
    headers: &HeaderMap,
    body: ResponseBody,
) -> Fault {
    let text = read_some(body).await;
    let outcome = upstream::classify(target.format, status, headers, &text, gateway.clock.now());
    if matches!(outcome, Outcome::Unauthorized) {
        gateway.upstream.unauthorized(target, access);
    }
    let reason = upstream::error_message(&text).map_or_else(
        || format!("HTTP {}", status.as_u16()),
        |error| error.message,
    );
    Fault {
        outcome,
        status: Some(status),
        reason,
        body: Some(text),
        retry_after: headers.get(RETRY_AFTER).cloned(),
    }
}

/// The beginning of an error body, bounded in size and time.
async fn read_some(mut body: ResponseBody) -> Bytes {
    let mut text = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(chunk) = frame.into_data() {
                text.extend_from_slice(&chunk[..chunk.len().min(ERROR_BODY - text.len())]);
            }
            if text.len() >= ERROR_BODY {
                break;
            }
        }
    };
    // What arrived within the time is enough to tell what it is about.
    let _ = timeout(Duration::from_secs(5), reading).await;
    Bytes::from(text)
}

fn media_type(headers: &HeaderMap) -> &str {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("")
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    media_type(headers)
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/event-stream")
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    // Some relays leave the type away; a page for people never does.
    kind.is_empty() || kind.to_ascii_lowercase().contains("json")
}

/// An upstream answer with status 200 whose content has not been seen yet.
struct Opened<'r> {
    request: &'r Request,
    target: Target,
    began: Instant,
    headers: HeaderMap,
    body: ResponseBody,
    answer: Answer,
    slot: Slot,
}

impl Opened<'_> {
    /// Holds the head until the answer has begun, then commits and hands the rest to the relay.
    async fn stream(mut self, record: &mut Option<Record>) -> Tried {
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
            &self.request.config,
            &self.headers,
            &self.target,
            true,
            response.headers_mut(),
        );
        record.stamp(&mut response);
        record.committed(StatusCode::OK);
        let idle = self.request.config.idle_timeout;
        *response.body_mut() = Body::relay(Box::new(Relay::new(
            self.body,
            self.answer,
            out,
            record,
            self.slot,
            self.target,
            self.began,
            idle,
        )));
        Tried::Answered(response)
    }

    /// A client that does not stream: the upstream's stream becomes one JSON answer (T184). Nothing is committed before it is whole.
    async fn fold(mut self, record: &mut Option<Record>, limit: Instant) -> Tried {
        let mut out = Out::new();
        let idle = self.request.config.idle_timeout;
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
        let seen = self.answer.observed().clone();
        match self.answer.into_json() {
            Ok(body) if says_nothing(self.request, &body, &seen) => Tried::Failed(empty_answer()),
            Ok(body) => commit_whole(
                self.request,
                record,
                &self.headers,
                self.target,
                self.began,
                self.slot,
                seen,
                body,
            ),
            Err(failure) => Tried::Failed(unreadable(failure)),
        }
    }

    /// The upstream answered with one JSON document.
    async fn whole(mut self, record: &mut Option<Record>, streaming: bool) -> Tried {
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
            return commit_whole(
                self.request,
                record,
                &self.headers,
                self.target,
                self.began,
                self.slot,
                seen,
                stream,
            );
        }
        match self.answer.answer_json(&body) {
            Ok(body) => {
                let seen = self.answer.observed().clone();
                if says_nothing(self.request, &body, &seen) {
                    return Tried::Failed(empty_answer());
                }
                commit_whole(
                    self.request,
                    record,
                    &self.headers,
                    self.target,
                    self.began,
                    self.slot,
                    seen,
                    body,
                )
            }
            Err(failure) => Tried::Failed(unreadable(failure)),
        }
    }

    /// A 200 stream that told of its failure before it began (F53).
    fn failed_event(&self, event: Bytes) -> Fault {
        self.request
            .gateway
            .observe_event(&self.target.id, self.answer.observed());
        let outcome = upstream::classify_event(&event, self.request.gateway.clock.now())
            .unwrap_or(Outcome::ServerError { status: 502 });
        event_fault(outcome, event)
    }
}

/// The HTTP status an in-stream failure has for a client that has not seen a byte yet (T184).
fn event_fault(outcome: Outcome, event: Bytes) -> Fault {
    let status = match outcome {
        Outcome::UsageLimit { .. } | Outcome::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Outcome::InvalidRequest { status } | Outcome::ServerError { status } => {
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)
        }
        Outcome::Overloaded { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::InvalidEncryptedContent => StatusCode::BAD_REQUEST,
        _ => StatusCode::BAD_GATEWAY,
    };
    let reason = upstream::error_message(&event).map_or_else(
        || "the stream began with an error".to_owned(),
        |error| error.message,
    );
    Fault {
        outcome,
        status: Some(status),
        reason,
        body: Some(event),
        retry_after: None,
    }
}

fn says_nothing(request: &Request, body: &[u8], seen: &protocol::Observed) -> bool {
    !request.call.compact && empty::is_empty(request.call.dialect, body, seen)
}

fn empty_answer() -> Fault {
    Fault::new(
        Outcome::EmptyAnswer,
        "the answer holds neither content nor a tool call",
    )
}

fn unreadable(failure: Failure) -> Fault {
    match failure {
        Failure::Upstream { status, raw, .. } => Fault {
            outcome: Outcome::ServerError { status },
            status: StatusCode::from_u16(status).ok(),
            reason: "the upstream failed".into(),
            body: Some(raw),
            retry_after: None,
        },
        Failure::Cut { message } => Fault::new(Outcome::Network, message),
        Failure::Unreadable { message } => Fault::new(Outcome::NotAnApi, message),
    }
}

async fn read_whole(mut body: ResponseBody) -> Result<Bytes, Fault> {
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
            return Err(Fault::new(
                Outcome::NotAnApi,
                "the answer is larger than 256 MiB",
            ));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(first.unwrap_or_else(|| Bytes::from(whole)))
}

/// Commits an answer that is complete: report, journal, send.
#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one commit, named at the only two places that have them"
)]
fn commit_whole(
    request: &Request,
    record: &mut Option<Record>,
    upstream_headers: &HeaderMap,
    target: Target,
    began: Instant,
    slot: Slot,
    seen: protocol::Observed,
    body: Bytes,
) -> Tried {
    let gateway = &request.gateway;
    gateway.observe_event(&target.id, &seen);
    gateway.tell(&target.id, &Outcome::Success);
    drop(slot);
    let mut response = Response::new(Body::whole(body));
    forward::answer_headers(
        &request.config,
        upstream_headers,
        &target,
        request.head.stream,
        response.headers_mut(),
    );
    if let Some(mut record) = record.take() {
        record.stamp(&mut response);
        record.committed(StatusCode::OK);
        record.usage(seen.usage);
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

//! One attempt on one account: token, bytes, the upstream's head, and what it means. A good head goes on to `opened`.
//!
//! Called by the loop in `attempt`, once per account tried.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use pool::{AccountKind, Format, Outcome};
use protocol::{Answer, Dialect, Loss, Options, Prepared, ReasoningOutput};
use tokio::time::{Instant, timeout};
use upstream::{Access, Call, Endpoint, ResponseBody, Target};

use crate::amend::Sent;
use crate::attempt::Request;
use crate::body::Body;
use crate::fault::Fault;
use crate::opened::{Opened, Serving, read_whole};
use crate::record::Record;
use crate::relay::Slot;
use crate::reply::RETRY_AFTER_MS;
use crate::{Gateway, draw, embed, forward, gemini};

/// How much of an error body is read for classification and for the client.
const ERROR_BODY: usize = 64 << 10;

/// What one attempt came to.
pub(crate) enum Tried {
    /// An answer for the client; the commit happened.
    Answered(Response<Body>),
    /// Nothing reached the client.
    Failed(Fault),
    /// The body cannot be said in this account's dialect: a 400 for the client.
    Unsayable(protocol::RequestError),
}

/// What a format speaks.
const fn speaks(format: Format) -> protocol::Target {
    match format {
        Format::Codex => protocol::Target::Codex,
        Format::Responses => protocol::Target::Responses,
        Format::OpenAi => protocol::Target::Chat,
        Format::Anthropic => protocol::Target::Messages,
        Format::Gemini => protocol::Target::Gemini,
    }
}

/// One attempt on one account, up to the commit. `sent` is what of the client's body goes there.
pub(crate) async fn attempt(
    request: &Request,
    sent: &Sent<'_>,
    record: &mut Option<Record>,
    slot: Arc<Slot>,
    target: Target,
    began: Instant,
    limit: Instant,
) -> Tried {
    let gateway = &request.gateway;
    if let Some(drawing) = &request.drawing {
        let turn = draw::Turn {
            request,
            drawing,
            target,
            began,
            limit,
        };
        return Box::pin(turn.attempt(record, slot)).await;
    }
    if request.call.embeds {
        return Box::pin(embed::attempt(request, record, slot, target, began)).await;
    }
    let speaks = speaks(target.format);
    let prepared = match prepare(request, sent, record, &target, speaks) {
        Ok(prepared) => prepared,
        Err(error) => return Tried::Unsayable(error),
    };
    let tail = match target.format {
        Format::Gemini => {
            let action = match prepared.stream_upstream {
                true => gemini::Action::Stream,
                false => gemini::Action::Generate,
            };
            gemini::tail(prepared.model.as_deref(), action).map(Some)
        }
        Format::Codex | Format::Responses | Format::OpenAi | Format::Anthropic => Ok(None),
    };
    let tail = match tail {
        Ok(tail) => tail,
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
        tail,
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
        return Tried::Failed(not_an_api());
    }
    let answer = Answer::new(
        request.call.dialect,
        speaks,
        prepared.state,
        request.head.stream,
    );
    let serving = Serving {
        request,
        target,
        began,
        headers: parts.headers,
        slot,
    };
    let opened = Opened {
        serving,
        body,
        answer,
    };
    match (streams, request.head.stream) {
        (true, true) => opened.stream(record).await,
        (true, false) => opened.fold(record, limit).await,
        (false, streaming) => opened.whole(record, streaming).await,
    }
}

fn prepare(
    request: &Request,
    sent: &Sent<'_>,
    record: &mut Option<Record>,
    target: &Target,
    speaks: protocol::Target,
) -> Result<Prepared, protocol::RequestError> {
    let model = request.take_model(target);
    let replaced = (request.head.model.as_deref() != Some(model)).then_some(model);
    let native = request.native(target);
    let naming = &request.config.naming;
    // F109: what the setting says of Z.AI holds for every answer of such an account.
    let tags = naming.zai_think_tags && target.kind == AccountKind::Zai;
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
        effort: if sent.thoughtless {
            Some("none")
        } else {
            native.and_then(|native| native.effort.as_deref())
        },
        default_effort: default_effort(request, target),
        service_tier: native.filter(|native| native.fast).map(|_| "priority"),
        image_tool: native.is_some_and(|native| native.image),
        reasoning: if tags {
            ReasoningOutput::ThinkTags
        } else {
            naming.reasoning
        },
        retell_reasoning: tags,
        ask_usage: true,
        created: request.gateway.clock.now().as_secs(),
        request_id: id,
        ..Options::default()
    };
    let prepared = protocol::prepare(
        request.call.dialect,
        speaks,
        sent.body(),
        sent.head(),
        &options,
    )?;
    if let Some(record) = record {
        let calmed = sent.thoughtless.then(|| {
            Loss::approximated(
                "reasoning effort",
                "none, since this model's endpoint takes no tools while it thinks (T101)",
            )
        });
        record.losses(sent.losses().chain(&prepared.losses).chain(calmed.as_ref()));
    }
    Ok(prepared)
}

/// The account's own default, else for sign-ins everybody's. A native Codex client brings its own (F90).
fn default_effort<'r>(request: &'r Request, target: &'r Target) -> Option<&'r str> {
    if request.call.codex {
        return None;
    }
    let everybodys = || {
        let word = request.config.naming.default_effort.as_deref();
        word.filter(|_| target.is_oauth())
    };
    target.manner.effort.as_deref().or_else(everybodys)
}

async fn send(
    request: &Request,
    target: &Target,
    access: &Access,
    stream: bool,
    body: Vec<Bytes>,
    tail: Option<String>,
) -> Result<http::Response<ResponseBody>, upstream::SendError> {
    let endpoint = match (request.call.compact, target.format) {
        (true, _) => Endpoint::Compact,
        (false, Format::OpenAi) => Endpoint::ChatCompletions,
        (false, Format::Anthropic) => Endpoint::Messages,
        (false, Format::Gemini) => Endpoint::Generate,
        (false, _) => Endpoint::Responses,
    };
    // T195: `?beta=true` belongs to the body it came with; translated, neither goes on.
    let own_query = (request.call.dialect == Dialect::Messages)
        == (target.format == Format::Anthropic)
        && (request.call.dialect == Dialect::Gemini) == (target.format == Format::Gemini);
    let query = request
        .query
        .as_deref()
        .filter(|_| own_query && !target.is_oauth());
    let call = Call {
        headers: forward::request_headers(&request.headers, target.format),
        query: match target.format {
            Format::Gemini => gemini::query(query, stream),
            Format::Codex | Format::Responses | Format::OpenAi | Format::Anthropic => {
                query.map(str::to_owned)
            }
        },
        tail,
        ..Call::json(endpoint, body, stream)
    };
    request.gateway.upstream.send(target, access, call).await
}

/// A head that is good, and the body behind it.
pub(crate) type Asked = Result<(http::response::Parts, ResponseBody), Fault>;

/// Sends a call whose answer is not translated. Boxed, so that its many callers share one copy: such calls are seldom, and their answers slow.
pub(crate) fn ask<'a>(
    request: &'a Request,
    target: &'a Target,
    access: &'a Access,
    call: Call,
) -> BoxFuture<'a, Asked> {
    Box::pin(asked(request, target, access, call))
}

/// The same, with the whole body.
pub(crate) fn ask_whole<'a>(
    request: &'a Request,
    target: &'a Target,
    access: &'a Access,
    call: Call,
) -> BoxFuture<'a, Result<(HeaderMap, Bytes), Fault>> {
    Box::pin(async move {
        let (parts, body) = ask(request, target, access, call).await?;
        Ok((parts.headers, read_whole(body).await?))
    })
}

async fn asked(request: &Request, target: &Target, access: &Access, mut call: Call) -> Asked {
    let gateway = &request.gateway;
    let wants_events = call.stream;
    call.headers = forward::request_headers(&request.headers, target.format);
    let sent = gateway.upstream.send(target, access, call).await;
    let response = sent.map_err(|error| Fault::new(error.outcome, error.message))?;
    let (parts, body) = response.into_parts();
    if target.format == Format::Codex
        && let Some(quota) = upstream::quota_from_headers(&parts.headers, gateway.clock.now())
    {
        gateway.observe(&target.id, quota);
    }
    if !parts.status.is_success() {
        let (status, headers) = (parts.status, &parts.headers);
        return Err(refused(gateway, target, access, status, headers, body).await);
    }
    let events = wants_events && is_event_stream(&parts.headers);
    if !events && !is_json(&parts.headers) {
        return Err(not_an_api());
    }
    Ok((parts, body))
}

fn not_an_api() -> Fault {
    Fault::new(
        Outcome::NotAnApi,
        "the base URL answered with a page, not with an API answer; check it",
    )
}

/// A relay that has no such call: another one's turn, and no reason to let this one rest.
pub(crate) fn lacks_path(fault: &Fault) -> bool {
    let status = fault.status.map(|status| status.as_u16());
    matches!(status, Some(404 | 405 | 501)) || fault.outcome == Outcome::NotAnApi
}

/// An upstream that said no: what it means and what the client may see of it.
pub(crate) async fn refused(
    gateway: &Gateway,
    target: &Target,
    access: &Access,
    status: StatusCode,
    headers: &HeaderMap,
    body: ResponseBody,
) -> Fault {
    let text = access.hidden_in(read_some(body).await);
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
        retry_after_ms: headers.get(RETRY_AFTER_MS).cloned(),
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

pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    const KIND: &str = "text/event-stream";
    let told = media_type(headers).trim_start().as_bytes();
    told.get(..KIND.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(KIND.as_bytes()))
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    // Some relays leave the type away; a page for people never does.
    kind.is_empty() || kind.to_ascii_lowercase().contains("json")
}

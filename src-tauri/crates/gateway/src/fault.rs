//! A failed attempt, and what the client sees of it when nobody else can serve: the upstream's own words, or who was passed over and why
//! (F39, F57).
//!
//! Not the decision to go on (`attempt`). Pure values and conversions.

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderValue, Response, StatusCode};
use pool::{NoCandidate, Outcome, Retry};
use protocol::Failure;
use upstream::Target;

use crate::attempt::{BUSY_RETRY, Request};
use crate::body::Body;
use crate::reply::{RETRY_AFTER_MS, Refusal, SHOULD_RETRY, json};
use crate::{forward, models};

/// A failed attempt.
pub(crate) struct Fault {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<StatusCode>,
    /// For the journal and, if nothing better is known, for the client.
    pub(crate) reason: String,
    /// The upstream's error body, to be shown in the client's dialect.
    pub(crate) body: Option<Bytes>,
    /// The upstream's `Retry-After`, unchanged.
    pub(crate) retry_after: Option<HeaderValue>,
    /// Its finer sister, which both OpenAI libraries read first (T197).
    pub(crate) retry_after_ms: Option<HeaderValue>,
}

impl Fault {
    pub(crate) fn new(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            status: None,
            reason: reason.into(),
            body: None,
            retry_after: None,
            retry_after_ms: None,
        }
    }

    /// A Chat endpoint says that this model takes tools or thinks, and is asked for both (T101).
    pub(crate) fn tools_or_thoughts(&self) -> bool {
        let told = self.body.as_deref().and_then(upstream::error_message);
        told.is_some_and(|error| {
            error.message.contains("reasoning_effort") && error.message.contains("/v1/responses")
        })
    }

    /// The upstream does not know the answer that the request continues (F38, T136).
    pub(crate) fn answer_unknown(&self) -> bool {
        let told = self.body.as_deref().and_then(upstream::error_message);
        told.is_some_and(|error| error.code.as_deref() == Some("previous_response_not_found"))
    }
}

/// The HTTP status an in-stream failure has for a client that has not seen a byte yet (T184).
pub(crate) fn event_fault(outcome: Outcome, event: Bytes) -> Fault {
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
        retry_after_ms: None,
    }
}

pub(crate) fn empty_answer() -> Fault {
    Fault::new(
        Outcome::EmptyAnswer,
        "the answer holds neither content nor a tool call",
    )
}

pub(crate) fn unreadable(failure: Failure) -> Fault {
    match failure {
        Failure::Upstream { status, raw, .. } => Fault {
            outcome: Outcome::ServerError { status },
            status: StatusCode::from_u16(status).ok(),
            reason: "the upstream failed".into(),
            body: Some(raw),
            retry_after: None,
            retry_after_ms: None,
        },
        Failure::Cut { message } => Fault::new(Outcome::Network, message),
        Failure::Unreadable { message } => Fault::new(Outcome::NotAnApi, message),
    }
}

/// The client's view of the last failed attempt: the upstream's own status and text where it gave one (F57).
pub(crate) fn last_error(
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
            let dialect = request.call.dialect;
            // T210: 529 is a word of one dialect only.
            let status = protocol::error::client_status(dialect, status.as_u16());
            let shown = protocol::error::rewrap(dialect, status, body);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            let mut response = json(status, shown);
            forward::name_account(&request.config, target, response.headers_mut());
            if let Some(value) = fault.retry_after.clone().or_else(|| {
                retryable(status)
                    .then(|| wait.map(HeaderValue::from))
                    .flatten()
            }) {
                response.headers_mut().insert(RETRY_AFTER, value);
            }
            if let Some(value) = fault.retry_after_ms.clone() {
                response.headers_mut().insert(RETRY_AFTER_MS, value);
            }
            // The gateway has retried already where that helps; a client's own tries would multiply (T197).
            if fault.outcome.retry() != Retry::Never {
                response
                    .headers_mut()
                    .insert(SHOULD_RETRY, HeaderValue::from_static("false"));
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
            let wait = retryable(status).then_some(wait).flatten();
            let refusal = Refusal::new(status, code, message).retry_after(wait);
            // As above.
            Err(match fault.outcome.retry() {
                Retry::Never => refusal,
                _ => refusal.tried(),
            })
        }
    }
}

pub(crate) fn retryable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    )
}

/// Whether a model of Z.AI is asked for and no account of that kind is there.
fn lacks_zai_key(request: &Request) -> bool {
    let family = request.named.model.get(..4);
    family.is_some_and(|family| family.eq_ignore_ascii_case("glm-"))
        && request.gateway.pool.with(|pool| {
            !pool
                .accounts()
                .any(|account| account.kind == pool::AccountKind::Zai)
        })
}

/// An account that could serve such a call, but not this model.
fn is_about_the_model(skipped: &pool::Skipped) -> bool {
    matches!(
        skipped.reason,
        pool::SkipReason::ModelNotAllowed | pool::SkipReason::ModelNotOffered
    )
}

/// F39: who was passed over, why, and when the first one is back.
pub(crate) fn nobody(request: &Request, none: &NoCandidate) -> Refusal {
    let gateway = &request.gateway;
    let now = gateway.clock.now();
    let wait = none.retry_after_secs(now);
    let reasons = none.reasons(now);
    if none.worth_waiting() {
        // F115: it has waited, or nobody may wait.
        return Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "accounts_busy",
            format!("Every account that can serve this is busy. {reasons}"),
        )
        .retry_after(wait.or(Some(BUSY_RETRY)));
    }
    // F38: never a silent other one, and never a word about the others.
    if let Some(pinned) = &request.pinned
        && let Some(skipped) = none.skipped.iter().find(|skipped| skipped.id == *pinned)
    {
        let (label, reason) = (&skipped.label, skipped.reason.text(now));
        return Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "pinned_account_unavailable",
            format!("The account \"{label}\" was asked for and cannot serve this: {reason}."),
        )
        .retry_after(wait);
    }
    match none.kind {
        // F107: said before anything else, since guest tokens are what people expect in its place.
        pool::NoCandidateKind::Empty | pool::NoCandidateKind::Model if lacks_zai_key(request) => {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "no_zai_key",
                "There is no Z.AI key. `switchyard account add --preset zai --label NAME` adds one; Switchyard does not gather guest tokens.",
            )
        }
        pool::NoCandidateKind::Empty | pool::NoCandidateKind::Model
            if request.call.embeds && !none.skipped.iter().any(is_about_the_model) =>
        {
            let message = format!(
                "No key account is set up for embeddings. `switchyard account set LABEL capabilities=chat,embeddings` says of one that it has them, as its options in the window do. {reasons}"
            );
            Refusal::new(StatusCode::NOT_FOUND, "embeddings_not_set_up", message)
        }
        pool::NoCandidateKind::Empty => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_account",
            "There is no account yet. `switchyard account import FILE` or `switchyard account add` adds one.",
        ),
        pool::NoCandidateKind::Model => {
            let catalog = gateway.catalog.load();
            let mut refusal = if catalog.lists(&request.named.model) {
                models::not_on(request.call.path, &request.asked)
            } else {
                models::not_found(&catalog, &request.asked)
            };
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

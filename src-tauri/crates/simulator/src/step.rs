//! What an upstream does with one request: the steps a test writes down. Only values; `answer` and `oauth` act them out.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::watch;

/// Which queue of steps a request takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST …/responses` and `POST …/chat/completions`.
    Generate,
    /// `POST …/responses/compact`.
    Compact,
    /// `POST …/images/generations` and `POST …/images/edits`.
    Images,
    /// `POST …/embeddings`.
    Embeddings,
    /// `GET …/models`.
    Models,
    /// `GET …/wham/usage`.
    Usage,
    /// The balance pages of relays and providers.
    Balance,
}

/// One scripted reaction. Errors come in the dialect of the endpoint. "events" counts SSE frames from the first one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Step {
    /// The brain's answer.
    Ok,
    /// The brain's place taken by this text.
    Say(String),
    /// 429 `usage_limit_reached` with `resets_at` and `resets_in_seconds`; the quota headers say 100 %.
    UsageLimit {
        /// Seconds until the limit is lifted.
        resets_in_s: u64,
    },
    /// 429 `usage_limit_reached` that tells no reset time and has no quota headers.
    UsageLimitBare,
    /// 429 `rate_limit_exceeded`.
    RateLimited {
        /// `Retry-After`: seconds or an HTTP date.
        retry_after: Option<String>,
    },
    /// Any answer without a stream.
    Status {
        /// HTTP status.
        code: u16,
        /// Body, sent as it is.
        body: String,
        /// Content type.
        content_type: String,
    },
    /// 401, as for a revoked token.
    Unauthorized,
    /// 500 with a JSON error.
    Http500,
    /// 503 `server_is_overloaded`.
    Overloaded503,
    /// 402 with a JSON error.
    PaymentRequired402,
    /// 403 with a JSON error.
    Forbidden403Json,
    /// 403 with Cloudflare's challenge page and `cf-mitigated: challenge`.
    HtmlChallenge403,
    /// 200 with a web page where an answer should be.
    HtmlPage200,
    /// 400 `invalid_encrypted_content`.
    InvalidEncryptedContent,
    /// 400 with the text for a model that the plan does not have.
    ModelUnsupported,
    /// 400 `context_length_exceeded`.
    ContextOverflow,
    /// TCP reset before any byte of an answer.
    ResetBeforeHeaders,
    /// Orderly close before any byte of an answer.
    CloseBeforeHeaders,
    /// No answer at all until the client goes away.
    HangHeaders,
    /// 200 stream whose very first event is `response.failed` (chat: an error frame).
    FailedFirst {
        /// `response.error.code`.
        code: String,
    },
    /// 200 stream that fails after some good events.
    FailedAfter {
        /// Good events before.
        events: usize,
        /// `response.error.code`.
        code: String,
    },
    /// 200 stream with an `error` event after some good events (0 = at once).
    ErrorEvent {
        /// Good events before.
        events: usize,
        /// `error.code`.
        code: String,
    },
    /// The stream ends, in order, without a terminal event.
    CutAfter {
        /// Events sent.
        events: usize,
    },
    /// The connection is reset in the middle of the stream.
    ResetAfter {
        /// Events sent.
        events: usize,
    },
    /// The stream goes silent until the client goes away.
    HangAfter {
        /// Events sent.
        events: usize,
    },
    /// An answer without content and without tool call.
    EmptyAnswer,
    /// The answer is cut by the token limit (`response.incomplete`, finish reason `length`).
    Incomplete,
    /// Some events, then nothing until the gate opens, then the rest.
    Gated {
        /// Events sent before the gate; 0 = headers only.
        events: usize,
        /// Opens it.
        gate: Gate,
    },
    /// Nothing, not even headers, until the gate opens.
    GatedHeaders {
        /// Opens it.
        gate: Gate,
    },
    /// The answer at this pace.
    Slow {
        /// Pause before every event.
        per_event: Duration,
    },
    /// The answer with a `codex.rate_limits` event and a comment line between its events.
    PrivateEvents,
    /// Recorded bytes with status 200, one network write per chunk.
    Replay {
        /// Content type.
        content_type: String,
        /// Chunks of the body.
        chunks: Vec<Bytes>,
    },
}

impl Step {
    /// [`Step::FailedFirst`] with this code.
    #[must_use]
    pub fn failed_first(code: &str) -> Self {
        Self::FailedFirst {
            code: code.to_owned(),
        }
    }

    /// The step that a prompt asks for with `play:`, so that a client in any language can ask for failures: `limit[:SECONDS]`,
    /// `rate[:RETRY_AFTER]`, a status `400` `401` `402` `403` `404` `429` `500` `503`, `challenge`, `page`, `overflow`, `model`,
    /// `reset[:EVENTS]`, `close`, `hang[:EVENTS]`, `cut[:EVENTS]`, `failed[:CODE]` (first event), `broken[:CODE]` (`response.failed` after five events), `error[:CODE]` (after five events), `empty`, `incomplete`, `slow[:MS]`.
    #[must_use]
    pub fn from_hint(hint: &str) -> Option<Self> {
        let (word, more) = hint
            .split_once(':')
            .map_or((hint, None), |(word, more)| (word, Some(more)));
        let number = more.and_then(|more| more.parse::<usize>().ok());
        let code = || more.unwrap_or("server_error").to_owned();
        Some(match word {
            "limit" => Self::UsageLimit {
                resets_in_s: number.map_or(600, |seconds| seconds as u64),
            },
            "rate" | "429" => Self::RateLimited {
                retry_after: more.map(str::to_owned),
            },
            "400" => Self::json(
                400,
                r#"{"error":{"message":"Bad request, as asked.","type":"invalid_request_error","param":null,"code":null}}"#,
            ),
            "404" => Self::json(
                404,
                r#"{"error":{"message":"Not found, as asked.","type":"invalid_request_error","param":null,"code":"not_found"}}"#,
            ),
            "401" => Self::Unauthorized,
            "402" => Self::PaymentRequired402,
            "403" => Self::Forbidden403Json,
            "500" => Self::Http500,
            "503" => Self::Overloaded503,
            "challenge" => Self::HtmlChallenge403,
            "page" => Self::HtmlPage200,
            "overflow" => Self::ContextOverflow,
            "model" => Self::ModelUnsupported,
            "reset" => number.map_or(Self::ResetBeforeHeaders, |events| Self::ResetAfter {
                events,
            }),
            "close" => Self::CloseBeforeHeaders,
            "hang" => number.map_or(Self::HangHeaders, |events| Self::HangAfter { events }),
            "cut" => Self::CutAfter {
                events: number.unwrap_or(5),
            },
            "failed" => Self::FailedFirst { code: code() },
            "broken" => Self::FailedAfter {
                events: 5,
                code: code(),
            },
            "error" => Self::ErrorEvent {
                events: 5,
                code: code(),
            },
            "empty" => Self::EmptyAnswer,
            "incomplete" => Self::Incomplete,
            "slow" => Self::Slow {
                per_event: Duration::from_millis(number.unwrap_or(50) as u64),
            },
            _ => return None,
        })
    }

    /// A JSON answer with this status.
    #[must_use]
    pub fn json(code: u16, body: &str) -> Self {
        Self::Status {
            code,
            body: body.to_owned(),
            content_type: "application/json".to_owned(),
        }
    }
}

/// One scripted reaction of the token endpoint to a refresh.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RefreshStep {
    /// New tokens; the old refresh token is spent.
    Ok,
    /// A new access token alone; the refresh token stays good (every field of the answer is optional, F17).
    AccessOnly,
    /// A refusal with this code: 401 `{"error":{"code":…}}`.
    Refused {
        /// For example `refresh_token_expired`, `refresh_token_reused`, `refresh_token_invalidated`.
        code: String,
    },
    /// The refusal in the other known shape: 400 `{"error":"invalid_grant","error_description":…}`.
    InvalidGrant,
    /// Any answer.
    Status {
        /// HTTP status.
        code: u16,
        /// Body, sent as it is.
        body: String,
        /// Content type.
        content_type: String,
    },
    /// 500.
    Http500,
    /// 429.
    RateLimited {
        /// `Retry-After`: seconds or an HTTP date.
        retry_after: Option<String>,
    },
    /// 403 for an unsupported region.
    Region403,
    /// New tokens once the gate opens; the rotation itself happens only then.
    Gated(Gate),
    /// The refresh token is rotated, but the answer is lost: TCP reset.
    RotateThenReset,
    /// TCP reset, nothing rotated.
    Reset,
}

impl RefreshStep {
    /// [`RefreshStep::Refused`] with this code.
    #[must_use]
    pub fn refused(code: &str) -> Self {
        Self::Refused {
            code: code.to_owned(),
        }
    }
}

/// A door in an answer: closed at first, opened once, open for ever. Clones are the same door.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn new() -> Self {
        Self {
            open: Arc::new(watch::Sender::new(false)),
            waiting: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Opens it for everyone, now and later.
    pub fn release(&self) {
        self.open.send_replace(true);
    }

    /// Resolves once `count` answers have come to it, counted from its making.
    pub async fn wait_reached(&self, count: usize) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = waiting.wait_for(|reached| *reached >= count).await;
    }

    /// What an answer does at the gate.
    pub(crate) async fn pass(&self) {
        self.waiting.send_modify(|reached| *reached += 1);
        let mut open = self.open.subscribe();
        let _ = open.wait_for(|open| *open).await;
    }
}

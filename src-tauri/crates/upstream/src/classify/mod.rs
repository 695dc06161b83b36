//! What an upstream's answer means: status, headers and first bytes in, [`Outcome`] out (F52, F53). Pure.
//!
//! It only names what happened; cooldowns are the pool's and the client's error is the protocol's. The codes are tables,
//! because providers add to them.

mod body;
mod event;
mod when;

pub use body::{ErrorBody, ErrorMessage, error_message};
pub use event::classify_event;
pub use when::retry_after;

use http::{HeaderMap, StatusCode, header};
use pool::{Format, Outcome, Timestamp};

/// Codes that say "this plan's quota is used up", in `error.type`, `error.code` or `response.error.*` (F53).
const USAGE_LIMIT: [&str; 6] = [
    "usage_limit_reached",
    "usage_limit_exceeded",
    "billing_hard_cap_reached",
    "insufficient_quota",
    // Z.AI: the five hours, and the week or month (F110).
    "1308",
    "1310",
];
/// The same in words (F53).
const USAGE_LIMIT_TEXT: &str = "usage limit has been reached";
/// The plan lacks the service altogether.
const NOT_PAID: [&str; 3] = ["usage_not_included", "billing_not_active", "1113"];
/// The provider is busy; nobody's fault (codex-backend 4.2).
const OVERLOADED: [&str; 4] = [
    "server_is_overloaded",
    "slow_down",
    "overloaded_error",
    "engine_overloaded",
];
const RATE_LIMITED: [&str; 5] = [
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limit_reached",
    "too_many_requests",
    // Google's word, in a stream (table B5).
    "RESOURCE_EXHAUSTED",
];
/// The model is not there for this account (or not for the client version we name); says nothing about the account.
const MODEL_UNSUPPORTED: [&str; 3] = [
    "model_not_found",
    "model_not_supported",
    "unsupported_model",
];
const MODEL_UNSUPPORTED_TEXT: [&str; 5] = [
    "model is not supported",
    "model not found",
    "does not exist or you do not have access",
    "model does not exist",
    // Google's words for a model its API does not have.
    "is not found for api version",
];
/// The request itself; another account would say the same (codex-backend 4.2, T212).
const REQUEST: [&str; 7] = [
    "context_length_exceeded",
    "cyber_policy",
    "bio_policy",
    "invalid_prompt",
    "invalid_request_error",
    "content_policy_violation",
    "string_above_max_length",
];
/// Inside a stream, where no status tells.
const UNAUTHORIZED: [&str; 3] = ["authentication_error", "invalid_api_key", "token_expired"];
const ENCRYPTED: &str = "invalid_encrypted_content";

/// What an answer's status, headers and first bytes mean. `body` may be cut off; a whole error body is at most a few KiB.
///
/// A reset or retry time is `None` when the answer names none; the pool then uses its own.
#[must_use]
pub fn classify(
    format: Format,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Outcome {
    if status.is_success() {
        return success(headers, body, now);
    }
    if status.is_informational() || status.is_redirection() {
        // Redirects are not followed (F31); an API that redirects is not at this address.
        return Outcome::NotAnApi;
    }
    if headers.contains_key("cf-mitigated") {
        return Outcome::Challenge;
    }
    let html = is_html(headers, body);
    let error = if html {
        ErrorBody::default()
    } else {
        ErrorBody::of(headers, body)
    };
    let code = status.as_u16();
    match code {
        401 => return Outcome::Unauthorized,
        402 => return Outcome::PaymentRequired,
        // Google calls a wrong key a wrong argument (table B5).
        400 if format == Format::Gemini && error.mentions("api key") => {
            return Outcome::Unauthorized;
        }
        _ => {}
    }
    if let Some(outcome) = account_limit(&error, headers, now) {
        return outcome;
    }
    let retry_at = || when::retry_at(headers, &error, now);
    match code {
        403 if html => Outcome::Challenge,
        400 | 403 | 404 if says_model_unsupported(&error) => Outcome::ModelUnsupported,
        403 => Outcome::Forbidden,
        408 => Outcome::Timeout,
        429 if error.is_one_of(&OVERLOADED) => Outcome::Overloaded {
            retry_at: retry_at(),
        },
        429 => Outcome::RateLimited {
            retry_at: retry_at(),
        },
        // 529 is Anthropic's word for overloaded.
        529 => Outcome::Overloaded {
            retry_at: retry_at(),
        },
        503 if error.is_one_of(&OVERLOADED)
            || error.mentions("overloaded")
            || headers.contains_key(header::RETRY_AFTER) =>
        {
            Outcome::Overloaded {
                retry_at: retry_at(),
            }
        }
        500..=599 if error.is_one_of(&OVERLOADED) => Outcome::Overloaded {
            retry_at: retry_at(),
        },
        // 409 and 425 ask for another try (T212).
        409 | 425 | 500..=599 => Outcome::ServerError { status: code },
        _ if says_encrypted(&error) => Outcome::InvalidEncryptedContent,
        // The edge answers so now and then; it is neither the account nor the request.
        404 if format == Format::Codex && body.iter().all(u8::is_ascii_whitespace) => {
            Outcome::Challenge
        }
        _ if html => Outcome::NotAnApi,
        _ => Outcome::InvalidRequest { status: code },
    }
}

/// A 2xx may still be a web page or, from some relays, an error.
fn success(headers: &HeaderMap, body: &[u8], now: Timestamp) -> Outcome {
    if is_html(headers, body) {
        return Outcome::NotAnApi;
    }
    let start = &body[..body.len().min(4096)];
    if start.trim_ascii_start().starts_with(b"{")
        && event::may_hold_error(start)
        && let Some(error) = ErrorBody::alone(body)
    {
        return by_code(&error, headers, now).unwrap_or(Outcome::ServerError { status: 502 });
    }
    Outcome::Success
}

/// What the codes alone say, for places without a status: events, and errors in a 200.
fn by_code(error: &ErrorBody, headers: &HeaderMap, now: Timestamp) -> Option<Outcome> {
    if let Some(outcome) = account_limit(error, headers, now) {
        return Some(outcome);
    }
    let retry_at = || when::retry_at(headers, error, now);
    if error.is_one_of(&OVERLOADED) {
        Some(Outcome::Overloaded {
            retry_at: retry_at(),
        })
    } else if error.is_one_of(&RATE_LIMITED) {
        Some(Outcome::RateLimited {
            retry_at: retry_at(),
        })
    } else if says_encrypted(error) {
        Some(Outcome::InvalidEncryptedContent)
    } else if says_model_unsupported(error) {
        Some(Outcome::ModelUnsupported)
    } else if error.is_one_of(&UNAUTHORIZED) {
        Some(Outcome::Unauthorized)
    } else if error.is_one_of(&REQUEST) {
        Some(Outcome::InvalidRequest { status: 400 })
    } else {
        None
    }
}

/// Limits of the account, which beat the status: 403 and 400 with such a mark count as 429 (F52).
fn account_limit(error: &ErrorBody, headers: &HeaderMap, now: Timestamp) -> Option<Outcome> {
    if error.is_one_of(&USAGE_LIMIT) || error.mentions(USAGE_LIMIT_TEXT) {
        return Some(Outcome::UsageLimit {
            resets_at: when::resets_at(headers, error, now),
        });
    }
    error
        .is_one_of(&NOT_PAID)
        .then_some(Outcome::PaymentRequired)
}

fn says_model_unsupported(error: &ErrorBody) -> bool {
    error.is_one_of(&MODEL_UNSUPPORTED)
        || MODEL_UNSUPPORTED_TEXT.iter().any(|t| error.mentions(t))
        // "The 'X' model is not supported when using Codex with a ChatGPT account."
        || (error.mentions("model") && error.mentions("not supported when using codex"))
        // Anthropic: "model: NAME"
        || (error.is_one_of(&["not_found_error"]) && error.mentions("model: "))
}

fn says_encrypted(error: &ErrorBody) -> bool {
    error.is_one_of(&[ENCRYPTED])
        || error.mentions(ENCRYPTED)
        || error.mentions("encrypted content could not be")
        // Anthropic: "Invalid `signature` in `thinking` block" (T90)
        || (error.mentions("signature") && error.mentions("thinking"))
        // Google: "Thought signature is not valid.", "… is missing a `thought_signature`" (T108)
        || error.mentions("thought signature")
        || error.mentions("thought_signature")
}

fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let typed = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let begins = |text: &str, with: &str| {
        text.len() >= with.len()
            && text.as_bytes()[..with.len()].eq_ignore_ascii_case(with.as_bytes())
    };
    if begins(typed.trim_start(), "text/html") {
        return true;
    }
    let start = body.trim_ascii_start();
    let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    ["<!doctype html", "<html", "<head"].iter().any(|tag| {
        start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag.as_bytes())
    })
}

#[cfg(test)]
mod tests;

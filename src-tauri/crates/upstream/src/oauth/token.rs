//! What the token endpoint answers and how its refusals are told apart (codex-backend 1.4, F18).

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pool::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    classify::{self, ErrorBody},
    credential::OAuthTokens,
};

/// Token answers are small; anything larger is not one.
const BODY_LIMIT: usize = 1 << 20;

/// Why the token endpoint gave no tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The issuer will not accept this token or code again.
    #[error("the sign-in was refused ({code})")]
    Refused {
        /// The issuer's code, or our word for the text it sent.
        code: String,
        /// The account was deactivated.
        banned: bool,
    },
    /// Too many calls; says nothing about the account.
    #[error("the sign-in service asks to wait")]
    RateLimited {
        /// When to try again, if it said so.
        retry_at: Option<Timestamp>,
    },
    /// Network, proxy, 5xx, region block: may work later.
    #[error("the sign-in service could not be used: {reason}")]
    Unavailable {
        /// What went wrong, without addresses or secrets.
        reason: String,
    },
}

impl TokenError {
    pub(crate) fn from_transport(error: &reqwest::Error) -> Self {
        Self::Unavailable {
            reason: crate::send::transport_message(error),
        }
    }
}

/// Tokens of an answer; each may be absent, then the old one stays (F17).
pub(crate) struct RefreshAnswer {
    pub access: Option<SecretString>,
    pub refresh: Option<SecretString>,
    pub id_token: Option<SecretString>,
    pub expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct Raw {
    access_token: Option<String>,
    refresh_token: Option<String>,
    id_token: Option<String>,
    expires_in: Option<serde_json::Value>,
}

impl RefreshAnswer {
    /// Puts the new tokens over the old ones. The expiry is the JWT's; else what the answer said; else unknown.
    pub fn merge_into(self, tokens: &mut OAuthTokens, now: Timestamp) {
        let access_changed = self.access.is_some();
        tokens.access = self.access.or(tokens.access.take());
        tokens.refresh = self.refresh.or(tokens.refresh.take());
        tokens.id_token = self.id_token.or(tokens.id_token.take());
        if access_changed {
            tokens.expires_at = self
                .expires_in
                .map(|secs| Timestamp(now.0.saturating_add(secs.saturating_mul(1000))));
        }
        tokens.adopt_claims();
        tokens.last_refresh = Some(now);
    }
}

/// Sends a token request and reads its answer.
pub(crate) async fn answer(
    request: reqwest::RequestBuilder,
    now: Timestamp,
) -> Result<RefreshAnswer, TokenError> {
    let mut response = request
        .send()
        .await
        .map_err(|e| TokenError::from_transport(&e))?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let body = match read_limited(&mut response, BODY_LIMIT).await {
        Ok(body) => body,
        Err(e) => return Err(TokenError::from_transport(&e)),
    };
    if !status.is_success() {
        return Err(refusal(status, &headers, &body, now));
    }
    let unreadable = || TokenError::Unavailable {
        reason: "the token answer could not be read".into(),
    };
    let raw: Raw = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    let secret = |text: Option<String>| text.filter(|t| !t.is_empty()).map(SecretString::from);
    let answer = RefreshAnswer {
        access: secret(raw.access_token),
        refresh: secret(raw.refresh_token),
        id_token: secret(raw.id_token),
        expires_in: raw
            .expires_in
            .and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
            .filter(|s| *s > 0),
    };
    if answer.access.is_none() && answer.refresh.is_none() {
        return Err(unreadable());
    }
    Ok(answer)
}

/// Reads a body up to a limit; what lies beyond is cut off.
pub(crate) async fn read_limited(
    response: &mut reqwest::Response,
    limit: usize,
) -> Result<Bytes, reqwest::Error> {
    let mut whole = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        whole.extend_from_slice(&chunk[..chunk.len().min(limit - whole.len())]);
        if whole.len() >= limit {
            break;
        }
    }
    Ok(whole.into())
}

/// Codes after which the same refresh token will never work again.
const PERMANENT: [&str; 6] = [
    "invalid_grant",
    "refresh_token_expired",
    "refresh_token_reused",
    "refresh_token_invalidated",
    "token_expired",
    "token_revoked",
];

/// Texts that mean the same where the code is missing or unknown.
const PERMANENT_TEXT: [(&str, &str); 4] = [
    ("already been used", "refresh_token_reused"),
    ("has expired", "refresh_token_expired"),
    ("been revoked", "refresh_token_invalidated"),
    ("been invalidated", "refresh_token_invalidated"),
];

/// Sorts a non-2xx answer of the token endpoint (F18).
pub(crate) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> TokenError {
    if status == StatusCode::TOO_MANY_REQUESTS {
        return TokenError::RateLimited {
            retry_at: classify::retry_after(headers, now),
        };
    }
    let error = ErrorBody::read(body).unwrap_or_default();
    let code = error
        .code
        .as_deref()
        .or(error.kind.as_deref())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let text = error
        .message
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let says = |needle: &str| code.contains(needle) || text.contains(needle);
    // A block of the region is about where we are, not about the account.
    let region =
        says("unsupported_country") || says("region_territory") || says("not supported in your");
    if status.is_client_error() && !region {
        if says("deactivated") || says("account_disabled") || says("account_banned") {
            return TokenError::Refused {
                code: "account_deactivated".into(),
                banned: true,
            };
        }
        if PERMANENT.contains(&code.as_str()) {
            return TokenError::Refused {
                code,
                banned: false,
            };
        }
        if let Some((_, code)) = PERMANENT_TEXT
            .iter()
            .find(|(needle, _)| text.contains(needle))
        {
            return TokenError::Refused {
                code: (*code).into(),
                banned: false,
            };
        }
        if status == StatusCode::UNAUTHORIZED {
            let code = if code.is_empty() {
                "unauthorized".into()
            } else {
                code
            };
            return TokenError::Refused {
                code: plain(&code),
                banned: false,
            };
        }
    }
    let code = if code.is_empty() {
        String::new()
    } else {
        format!(" ({})", plain(&code))
    };
    TokenError::Unavailable {
        reason: format!("it answered {}{code}", status.as_u16()),
    }
}

/// A code as it may be shown: short, no blanks, nothing a token could hide in.
fn plain(code: &str) -> String {
    let legal = |c: char| c.is_ascii_lowercase() || c == '_' || c == '-';
    if code.len() <= 64 && code.chars().all(legal) {
        code.to_owned()
    } else {
        "unknown".into()
    }
}

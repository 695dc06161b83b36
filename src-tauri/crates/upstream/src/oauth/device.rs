//! Sign-in by device code (codex-backend 1.5): the issuer makes the PKCE pair, the person types a code in any browser.
//!
//! Single calls only: who waits between them, and for how long, is the engine's.

use std::{fmt, time::Duration};

use http::StatusCode;
use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{CLIENT_ID, Issuer, TokenError, token::read_limited};
use crate::{classify::ErrorBody, credential::OAuthTokens};

/// How long a code may be typed in.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// What the issuer registered for this flow, whatever address we reach it at.
const REDIRECT: &str = "https://auth.openai.com/deviceauth/callback";
const LIMIT: Duration = Duration::from_secs(30);

/// What to show the person.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// Identifies this attempt to the issuer.
    pub device_auth_id: String,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub verification_url: String,
    /// How often to ask.
    pub interval: Duration,
}

/// Answer to one question whether the code was typed.
#[derive(Debug)]
pub enum DeviceProgress {
    /// Not yet.
    Pending,
    /// Not yet, and the questions come too fast: wait longer between them (RFC 8628 3.5).
    SlowDown,
    /// Typed: what is to be exchanged for tokens.
    Authorized(DeviceGrant),
}

/// A code that was typed, with the issuer's own verifier. Works once; `Debug` tells nothing.
pub struct DeviceGrant {
    code: SecretString,
    verifier: SecretString,
}

impl fmt::Debug for DeviceGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceGrant")
    }
}

#[derive(Deserialize)]
struct UserCode {
    device_auth_id: String,
    #[serde(alias = "usercode")]
    user_code: String,
    interval: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Authorized {
    authorization_code: String,
    code_verifier: String,
}

impl Issuer {
    /// Asks for a code.
    pub async fn device_start(&self) -> Result<DeviceCode, TokenError> {
        let body = serde_json::json!({ "client_id": CLIENT_ID });
        let (status, body) = self
            .device_call("/api/accounts/deviceauth/usercode", &body)
            .await?;
        if status == StatusCode::NOT_FOUND {
            let reason =
                "device sign-in is not enabled; turn it on in the ChatGPT security settings";
            return Err(TokenError::Unavailable {
                reason: reason.into(),
            });
        }
        let code: UserCode = read(status, &body)?;
        // The interval is a string of seconds.
        let interval = code
            .interval
            .and_then(|v| v.as_u64().or_else(|| v.as_str()?.trim().parse().ok()));
        Ok(DeviceCode {
            device_auth_id: code.device_auth_id,
            user_code: code.user_code,
            verification_url: self.url("/codex/device").to_string(),
            interval: Duration::from_secs(interval.unwrap_or(5).clamp(1, 60)),
        })
    }

    /// Asks once whether the code was typed: 403 and 404 mean "not yet", as do the words of RFC 8628.
    pub async fn device_poll(&self, code: &DeviceCode) -> Result<DeviceProgress, TokenError> {
        let body = serde_json::json!({ "device_auth_id": code.device_auth_id, "user_code": code.user_code });
        let (status, body) = self
            .device_call("/api/accounts/deviceauth/token", &body)
            .await?;
        progress(status, &body)
    }

    /// Exchanges a typed code for tokens.
    pub async fn device_exchange(
        &self,
        grant: &DeviceGrant,
        now: Timestamp,
    ) -> Result<OAuthTokens, TokenError> {
        self.exchange(grant.code.expose_secret(), REDIRECT, &grant.verifier, now)
            .await
    }

    async fn device_call(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<(StatusCode, bytes::Bytes), TokenError> {
        let transport = |e: reqwest::Error| TokenError::from_transport(&e);
        let mut response = self
            .post_json(path, LIMIT, body)
            .send()
            .await
            .map_err(transport)?;
        let body = read_limited(&mut response, 64 << 10)
            .await
            .map_err(transport)?;
        Ok((response.status(), body))
    }
}

fn read<T: for<'de> Deserialize<'de>>(status: StatusCode, body: &[u8]) -> Result<T, TokenError> {
    if !status.is_success() {
        return Err(answered(status));
    }
    let unreadable = |_| TokenError::Unavailable {
        reason: "its answer could not be read".into(),
    };
    serde_json::from_slice(body).map_err(unreadable)
}

/// What an answer to the question means.
pub(super) fn progress(status: StatusCode, body: &[u8]) -> Result<DeviceProgress, TokenError> {
    if status.is_success() {
        let authorized: Authorized = read(status, body)?;
        return Ok(DeviceProgress::Authorized(DeviceGrant {
            code: SecretString::from(authorized.authorization_code),
            verifier: SecretString::from(authorized.code_verifier),
        }));
    }
    let word = ErrorBody::read(body).and_then(|error| error.code.or(error.message));
    match word.as_deref() {
        Some("authorization_pending") => Ok(DeviceProgress::Pending),
        Some("slow_down") => Ok(DeviceProgress::SlowDown),
        Some(code @ ("expired_token" | "access_denied")) => Err(TokenError::Refused {
            code: code.to_owned(),
            banned: false,
        }),
        _ if status == StatusCode::TOO_MANY_REQUESTS => Ok(DeviceProgress::SlowDown),
        _ if matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) => {
            Ok(DeviceProgress::Pending)
        }
        _ => Err(answered(status)),
    }
}

fn answered(status: StatusCode) -> TokenError {
    TokenError::Unavailable {
        reason: format!("it answered {}", status.as_u16()),
    }
}

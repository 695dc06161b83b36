//! Sign-in by device code (codex-backend 1.5): the issuer makes the PKCE pair, the person types a code in any browser.

use std::time::Duration;

use http::StatusCode;
use pool::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

use super::{CLIENT_ID, Issuer, TokenError, token::read_limited};
use crate::credential::OAuthTokens;

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
    /// Signed in.
    Done(Box<OAuthTokens>),
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

    /// Asks once whether the code was typed: 403 and 404 mean "not yet".
    pub async fn device_poll(
        &self,
        code: &DeviceCode,
        now: Timestamp,
    ) -> Result<DeviceProgress, TokenError> {
        let body = serde_json::json!({ "device_auth_id": code.device_auth_id, "user_code": code.user_code });
        let (status, body) = self
            .device_call("/api/accounts/deviceauth/token", &body)
            .await?;
        if matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND) {
            return Ok(DeviceProgress::Pending);
        }
        let authorized: Authorized = read(status, &body)?;
        let verifier = SecretString::from(authorized.code_verifier);
        let tokens = self
            .exchange(&authorized.authorization_code, REDIRECT, &verifier, now)
            .await?;
        Ok(DeviceProgress::Done(Box::new(tokens)))
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
        return Err(TokenError::Unavailable {
            reason: format!("it answered {}", status.as_u16()),
        });
    }
    let unreadable = |_| TokenError::Unavailable {
        reason: "its answer could not be read".into(),
    };
    serde_json::from_slice(body).map_err(unreadable)
}

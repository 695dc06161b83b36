//! The issuer's side of a ChatGPT sign-in: authorize address, code exchange, refresh, revoke and device code
//! (codex-backend 1.1–1.6).
//!
//! Only the calls. Who calls when (single flight, retry, persistence) is `tokens`' matter; the local callback listener is the
//! engine's. No body or token reaches an error text.

pub mod device;
pub mod pkce;
mod token;

pub use token::TokenError;
pub(crate) use token::{RefreshAnswer, read_limited};

use std::time::Duration;

use http::header;
use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::credential::OAuthTokens;

/// The public client id of ChatGPT/Codex sign-ins.
pub const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
/// What a sign-in asks for.
pub const SCOPE: &str =
    "openid profile email offline_access api.connectors.read api.connectors.invoke";
/// Long, because a refresh that was answered but not heard costs the sign-in; waiters have their own, shorter limit.
const TOKEN_LIMIT: Duration = Duration::from_secs(60);
/// Revoking is a courtesy (codex-backend 1.6).
const REVOKE_LIMIT: Duration = Duration::from_secs(10);

/// One way to the issuer: a connection pool and the issuer's address.
#[derive(Clone)]
pub(crate) struct Issuer {
    pub client: reqwest::Client,
    pub base: Url,
    pub user_agent: http::HeaderValue,
}

impl Issuer {
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    fn post(&self, path: &str, limit: Duration) -> reqwest::RequestBuilder {
        self.client
            .post(self.url(path))
            .header(header::USER_AGENT, self.user_agent.clone())
            .header(header::ACCEPT, "application/json")
            .timeout(limit)
    }

    fn post_json(
        &self,
        path: &str,
        limit: Duration,
        body: &serde_json::Value,
    ) -> reqwest::RequestBuilder {
        self.post(path, limit)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.to_string())
    }

    /// One refresh: JSON, single use (1.4).
    pub async fn refresh(
        &self,
        refresh: &SecretString,
        now: Timestamp,
    ) -> Result<RefreshAnswer, TokenError> {
        let body = serde_json::json!({
            "client_id": CLIENT_ID,
            "grant_type": "refresh_token",
            "refresh_token": refresh.expose_secret(),
        });
        token::answer(self.post_json("/oauth/token", TOKEN_LIMIT, &body), now).await
    }

    /// Exchanges an authorization code: form encoded, unlike the refresh (1.3).
    pub async fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &SecretString,
        now: Timestamp,
    ) -> Result<OAuthTokens, TokenError> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("client_id", CLIENT_ID)
            .append_pair("code_verifier", verifier.expose_secret())
            .finish();
        let request = self
            .post("/oauth/token", TOKEN_LIMIT)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let answer = token::answer(request, now).await?;
        if answer.access.is_none() || answer.refresh.is_none() || answer.id_token.is_none() {
            return Err(TokenError::Unavailable {
                reason: "the sign-in answer lacked a token".into(),
            });
        }
        let mut tokens = OAuthTokens::default();
        answer.merge_into(&mut tokens, now);
        Ok(tokens)
    }

    /// Ends the sign-in at the issuer: the refresh token, else the access token (1.6). The caller forgets the credential
    /// whatever this answers.
    pub async fn revoke(&self, tokens: &OAuthTokens) -> Result<(), TokenError> {
        let body = match (&tokens.refresh, &tokens.access) {
            (Some(refresh), _) => serde_json::json!({
                "token": refresh.expose_secret(), "token_type_hint": "refresh_token", "client_id": CLIENT_ID,
            }),
            (None, Some(access)) => {
                serde_json::json!({"token": access.expose_secret(), "token_type_hint": "access_token"})
            }
            (None, None) => return Ok(()),
        };
        let answer = self
            .post_json("/oauth/revoke", REVOKE_LIMIT, &body)
            .send()
            .await;
        let answer = answer.map_err(|e| TokenError::from_transport(&e))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(TokenError::Unavailable {
                reason: format!("the issuer answered {status}"),
            }),
        }
    }
}

/// The page a person opens to sign in (1.2). `redirect_uri` must be byte-equal in the exchange.
#[must_use]
pub fn authorize_url(
    auth_base: &Url,
    originator: &str,
    redirect_uri: &str,
    challenge: &str,
    state: &str,
) -> Url {
    let mut url = auth_base.clone();
    url.set_path(&format!(
        "{}/oauth/authorize",
        auth_base.path().trim_end_matches('/')
    ));
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", SCOPE)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("id_token_add_organizations", "true")
        .append_pair("codex_cli_simplified_flow", "true")
        .append_pair("state", state)
        .append_pair("originator", originator);
    url
}

#[cfg(test)]
mod tests;

//! Sign-in calls as the engine uses them: the settings' issuer, the chosen proxy, our own originator.
//!
//! The local callback listener and the wording of pages are the engine's.

use secrecy::SecretString;
use url::Url;

use crate::{
    AccessError, OAuthTokens, ProxyChoice, Upstream,
    oauth::{
        self, TokenError,
        device::{DeviceCode, DeviceGrant, DeviceProgress},
    },
    tokens::RefreshError,
};

impl Upstream {
    /// The page a person opens to sign in.
    #[must_use]
    pub fn authorize_url(&self, redirect_uri: &str, challenge: &str, state: &str) -> Url {
        let settings = self.0.settings.load();
        oauth::authorize_url(
            &settings.auth,
            &settings.config.originator,
            redirect_uri,
            challenge,
            state,
        )
    }

    /// Exchanges the code of the callback for tokens.
    ///
    /// # Errors
    /// [`AccessError::Refresh`] with the issuer's word, [`AccessError::Config`] when no connection can be made.
    pub async fn exchange_code(
        &self,
        proxy: &ProxyChoice,
        code: &str,
        redirect_uri: &str,
        verifier: &SecretString,
    ) -> Result<OAuthTokens, AccessError> {
        let issuer = self.issuer(proxy)?;
        issuer
            .exchange(code, redirect_uri, verifier, self.0.clock.now())
            .await
            .map_err(refused)
    }

    /// Ends a sign-in at the issuer. The caller deletes the credential whatever this answers.
    ///
    /// # Errors
    /// As [`Upstream::exchange_code`].
    pub async fn revoke(
        &self,
        proxy: &ProxyChoice,
        tokens: &OAuthTokens,
    ) -> Result<(), AccessError> {
        self.issuer(proxy)?.revoke(tokens).await.map_err(refused)
    }

    /// Begins a sign-in by device code.
    ///
    /// # Errors
    /// As [`Upstream::exchange_code`].
    pub async fn device_start(&self, proxy: &ProxyChoice) -> Result<DeviceCode, AccessError> {
        self.issuer(proxy)?.device_start().await.map_err(refused)
    }

    /// Asks once whether the code was typed in; the caller waits [`DeviceCode::interval`] between questions.
    ///
    /// # Errors
    /// As [`Upstream::exchange_code`].
    pub async fn device_poll(
        &self,
        proxy: &ProxyChoice,
        code: &DeviceCode,
    ) -> Result<DeviceProgress, AccessError> {
        self.issuer(proxy)?.device_poll(code).await.map_err(refused)
    }

    /// Exchanges a typed code for tokens. It works once.
    ///
    /// # Errors
    /// As [`Upstream::exchange_code`].
    pub async fn exchange_device(
        &self,
        proxy: &ProxyChoice,
        grant: &DeviceGrant,
    ) -> Result<OAuthTokens, AccessError> {
        self.issuer(proxy)?
            .device_exchange(grant, self.0.clock.now())
            .await
            .map_err(refused)
    }
}

/// A refused code is final at once: nothing is weighed.
fn refused(error: TokenError) -> AccessError {
    match RefreshError::from_token(error) {
        RefreshError::Refused { code, banned, .. } => RefreshError::Refused {
            code,
            confirmed: true,
            banned,
        }
        .into(),
        other => other.into(),
    }
}

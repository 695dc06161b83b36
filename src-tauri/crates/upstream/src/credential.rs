//! The secret side of an account: tokens of a sign-in or an API key, and the trait through which they are kept.
//!
//! This room never stores anything itself: the engine implements [`CredentialStore`] over the vault. `Debug` of every type
//! here tells only which parts exist.

use std::fmt;

use futures_util::future::BoxFuture;
use pool::{AccountId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;

/// What proves to a provider that a request may be made.
#[derive(Clone)]
pub enum Credential {
    /// A ChatGPT sign-in.
    OAuth(Box<OAuthTokens>),
    /// The API key of a relay or provider.
    Key(SecretString),
}

/// The tokens of a ChatGPT sign-in and what they said about their owner. Every part may be missing.
#[derive(Clone, Default)]
pub struct OAuthTokens {
    /// Bearer of requests; a JWT of about ten days.
    pub access: Option<SecretString>,
    /// Single use: each refresh answers with the next one.
    pub refresh: Option<SecretString>,
    /// Carries the owner's claims.
    pub id_token: Option<SecretString>,
    /// End of the access token; `None` = unreadable.
    pub expires_at: Option<Timestamp>,
    /// Last successful refresh or sign-in.
    pub last_refresh: Option<Timestamp>,
    /// Workspace id, the `ChatGPT-Account-ID` header.
    pub account_id: Option<String>,
    /// The person's id.
    pub user_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Plan as spelled by the issuer.
    pub plan: Option<String>,
}

impl OAuthTokens {
    /// Overwrites the identity fields with what the tokens say; a claim that is absent keeps the field (F4).
    pub fn adopt_claims(&mut self) -> Identity {
        let identity = Identity::from_tokens(
            self.access.as_ref().map(ExposeSecret::expose_secret),
            self.id_token.as_ref().map(ExposeSecret::expose_secret),
        );
        let take = |field: &mut Option<String>, claim: &Option<String>| {
            if claim.is_some() {
                field.clone_from(claim);
            }
        };
        take(&mut self.account_id, &identity.account_id);
        take(&mut self.user_id, &identity.user_id);
        take(&mut self.email, &identity.email);
        take(&mut self.plan, &identity.plan);
        if identity.expires_at.is_some() {
            self.expires_at = identity.expires_at;
        }
        identity
    }
}

impl fmt::Debug for OAuthTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthTokens")
            .field("access", &self.access.is_some())
            .field("refresh", &self.refresh.is_some())
            .field("id_token", &self.id_token.is_some())
            .field("expires_at", &self.expires_at)
            .field("last_refresh", &self.last_refresh)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OAuth(tokens) => tokens.fmt(f),
            Self::Key(_) => f.write_str("Key"),
        }
    }
}

/// The stored form. Versioned by its tag, so that a later kind is refused by name and not misread.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Stored<'a> {
    Oauth {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        access: Option<std::borrow::Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh: Option<std::borrow::Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id_token: Option<std::borrow::Cow<'a, str>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_refresh_ms: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<String>,
    },
    Key {
        key: std::borrow::Cow<'a, str>,
    },
}

/// A stored credential that cannot be read. Holds nothing of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stored credential has an unknown form; update Switchyard or sign in to this account again"
)]
pub struct CredentialFormatError;

impl Credential {
    /// The text the vault keeps.
    #[must_use]
    pub fn to_json(&self) -> SecretString {
        fn text(secret: Option<&SecretString>) -> Option<std::borrow::Cow<'_, str>> {
            secret.map(|s| s.expose_secret().into())
        }
        let stored = match self {
            Self::OAuth(t) => Stored::Oauth {
                access: text(t.access.as_ref()),
                refresh: text(t.refresh.as_ref()),
                id_token: text(t.id_token.as_ref()),
                expires_at_ms: t.expires_at.map(|t| t.0),
                last_refresh_ms: t.last_refresh.map(|t| t.0),
                account_id: t.account_id.clone(),
                user_id: t.user_id.clone(),
                email: t.email.clone(),
                plan: t.plan.clone(),
            },
            Self::Key(key) => Stored::Key {
                key: key.expose_secret().into(),
            },
        };
        // Strings and numbers always serialise; an empty text would be refused on reading, never misread.
        SecretString::from(serde_json::to_string(&stored).unwrap_or_default())
    }

    /// Reads what [`Credential::to_json`] wrote.
    ///
    /// # Errors
    /// [`CredentialFormatError`] when the text has another form; the caller must keep it and not overwrite it.
    pub fn from_json(text: &SecretString) -> Result<Self, CredentialFormatError> {
        let stored: Stored<'_> =
            serde_json::from_str(text.expose_secret()).map_err(|_| CredentialFormatError)?;
        let secret =
            |s: Option<std::borrow::Cow<'_, str>>| s.map(|s| SecretString::from(s.into_owned()));
        Ok(match stored {
            Stored::Key { key } => Self::Key(SecretString::from(key.into_owned())),
            Stored::Oauth {
                access,
                refresh,
                id_token,
                expires_at_ms,
                last_refresh_ms,
                account_id,
                user_id,
                email,
                plan,
            } => Self::OAuth(Box::new(OAuthTokens {
                access: secret(access),
                refresh: secret(refresh),
                id_token: secret(id_token),
                expires_at: expires_at_ms.map(Timestamp),
                last_refresh: last_refresh_ms.map(Timestamp),
                account_id,
                user_id,
                email,
                plan,
            })),
        })
    }
}

/// Why a credential could not be read or written. The text is fit for a person and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The vault needs its passphrase or the keychain is locked.
    #[error(
        "the credential vault is locked; unlock the keychain or give the passphrase, then try again"
    )]
    Locked,
    /// The vault holds something it cannot read.
    #[error("{0}")]
    Unreadable(String),
    /// The vault did not answer or refused to write.
    #[error("the credential vault failed: {0}")]
    Unavailable(String),
}

/// Where credentials are kept. The engine implements it over the vault.
pub trait CredentialStore: Send + Sync {
    /// The credential of an account, or `None` when it has none.
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>>;

    /// Keeps a credential durably: when this returns `Ok`, it survives a kill (F17).
    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>>;
}

#[cfg(test)]
mod tests;

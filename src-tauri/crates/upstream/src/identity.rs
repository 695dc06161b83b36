//! Who a token belongs to: claims read from the JWTs of a ChatGPT sign-in, without verifying the signature.
//!
//! The issuer's word is only used to label an account and to know when its token ends, never to grant anything. Called by
//! the refresh, by sign-in and by the account import (F2, F4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pool::Timestamp;
use serde_json::{Map, Value};

const AUTH: &str = "https://api.openai.com/auth";
const PROFILE: &str = "https://api.openai.com/profile";

/// What the tokens say about their owner. Every field may be missing: treat plans as an open set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The workspace, sent as `ChatGPT-Account-ID`.
    pub account_id: Option<String>,
    /// The person. `(account_id, user_id)` together identify an account (F2).
    pub user_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Plan as the issuer spells it (`plus`, `pro`, `team`, …).
    pub plan: Option<String>,
    /// When the access token ends.
    pub expires_at: Option<Timestamp>,
    /// Whether requests need the FedRAMP header.
    pub fedramp: bool,
}

impl Identity {
    /// Reads both tokens in the order of F4: account id from the access token's claim, then the ID token's
    /// (`chatgpt_account_id`, `organization_id`, `organizations[0].id`); e-mail from the access token's profile, then the ID
    /// token; expiry from the access token alone. A token that is not a JWT adds nothing.
    #[must_use]
    pub fn from_tokens(access: Option<&str>, id_token: Option<&str>) -> Self {
        let access = access.and_then(Claims::of).unwrap_or_default();
        let id = id_token.and_then(Claims::of).unwrap_or_default();
        let either = |name| access.auth(name).or_else(|| id.auth(name));
        Self {
            account_id: either("chatgpt_account_id").or_else(|| id.organization_id()),
            user_id: access.user_id().or_else(|| id.user_id()),
            email: access
                .profile_email()
                .or_else(|| text(access.0.get("email")))
                .or_else(|| text(id.0.get("email")))
                .or_else(|| id.profile_email()),
            plan: either("chatgpt_plan_type"),
            expires_at: access.expires_at(),
            fedramp: access.fedramp().or_else(|| id.fedramp()).unwrap_or(false),
        }
    }
}

/// Whether a text has the shape of a JSON Web Token, with claims in it.
#[must_use]
pub fn is_jwt(token: &str) -> bool {
    Claims::of(token).is_some()
}

/// The payload of a token. A claim of an unexpected type is not there; it does not hide the others.
#[derive(Default)]
struct Claims(Map<String, Value>);

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok().map(Self)
    }

    /// `exp` in unix seconds. Some issuers write a fraction, or a text.
    fn expires_at(&self) -> Option<Timestamp> {
        let exp = self.0.get("exp")?;
        let whole = || {
            let exp = exp.as_f64().filter(|exp| exp.abs() < 1e12);
            exp.map(|exp| exp as i64)
        };
        let written = || exp.as_str()?.parse().ok();
        let seconds = exp.as_i64().or_else(whole).or_else(written)?;
        (seconds > 0).then(|| Timestamp::from_secs(seconds))
    }

    /// The workspace as older id tokens tell it.
    fn organization_id(&self) -> Option<String> {
        let first = |claims: &Map<String, Value>| {
            text(claims.get("organizations")?.as_array()?.first()?.get("id"))
        };
        self.auth("organization_id")
            .or_else(|| first(self.inside(AUTH)?))
            .or_else(|| first(&self.0))
    }

    fn user_id(&self) -> Option<String> {
        self.auth("chatgpt_user_id")
            .or_else(|| self.auth("user_id"))
    }

    fn profile_email(&self) -> Option<String> {
        text(self.inside(PROFILE)?.get("email"))
    }

    fn fedramp(&self) -> Option<bool> {
        self.inside(AUTH)?
            .get("chatgpt_account_is_fedramp")?
            .as_bool()
    }

    /// A claim of the auth object, else of the token itself.
    fn auth(&self, name: &str) -> Option<String> {
        let inside = self.inside(AUTH).and_then(|auth| text(auth.get(name)));
        inside.or_else(|| text(self.0.get(name)))
    }

    fn inside(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }
}

/// A text that says something.
fn text(value: Option<&Value>) -> Option<String> {
    let text = value?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests;

//! What a JSON Web Token says about its owner, read without checking its signature.
//!
//! It decides nothing about trust: the upstream does. Used to name accounts and to know when a token ends (F4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pool::Timestamp;
use serde_json::{Map, Value};

const AUTH: &str = "https://api.openai.com/auth";
const PROFILE: &str = "https://api.openai.com/profile";

/// The payload of a token.
#[derive(Debug, Clone)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a token's payload; `None` where it is not a JWT.
    #[must_use]
    pub fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&bytes).ok().map(Self)
    }

    /// When the token ends (`exp`, unix seconds).
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        let exp = self.0.get("exp")?;
        // Some issuers write a fraction.
        let seconds = exp.as_i64().or_else(|| {
            exp.as_f64()
                .filter(|exp| exp.abs() < 1e12)
                .map(|exp| exp as i64)
        })?;
        Some(Timestamp::from_secs(seconds))
    }

    /// The workspace.
    #[must_use]
    pub fn account_id(&self) -> Option<String> {
        self.auth("chatgpt_account_id")
    }

    /// The workspace as older id tokens tell it: `organization_id`, else the first of `organizations` (F4).
    #[must_use]
    pub fn organization_id(&self) -> Option<String> {
        let first = || {
            let list = |claims: &Map<String, Value>| {
                text(claims.get("organizations")?.as_array()?.first()?.get("id"))
            };
            self.inside(AUTH).and_then(list).or_else(|| list(&self.0))
        };
        self.auth("organization_id").or_else(first)
    }

    /// The person.
    #[must_use]
    pub fn user_id(&self) -> Option<String> {
        self.auth("chatgpt_user_id")
            .or_else(|| self.auth("user_id"))
    }

    /// The e-mail address of the profile claim.
    #[must_use]
    pub fn profile_email(&self) -> Option<String> {
        self.inside(PROFILE)
            .and_then(|profile| text(profile.get("email")))
    }

    /// The e-mail address, of the token itself or of the profile claim.
    #[must_use]
    pub fn email(&self) -> Option<String> {
        text(self.0.get("email")).or_else(|| self.profile_email())
    }

    /// The plan as the provider writes it.
    #[must_use]
    pub fn plan(&self) -> Option<String> {
        self.auth("chatgpt_plan_type")
    }

    /// Whether the workspace needs the FedRAMP header.
    #[must_use]
    pub fn fedramp(&self) -> bool {
        self.inside(AUTH)
            .and_then(|auth| auth.get("chatgpt_account_is_fedramp"))
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    /// A claim of the auth object, else of the token itself.
    fn auth(&self, name: &str) -> Option<String> {
        self.inside(AUTH)
            .and_then(|auth| text(auth.get(name)))
            .or_else(|| text(self.0.get(name)))
    }

    fn inside(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.get(name)?.as_object()
    }
}

/// A text that says something.
fn text(value: Option<&Value>) -> Option<String> {
    value?
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

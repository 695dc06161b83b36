//! Who a token belongs to: claims read from the JWTs of a ChatGPT sign-in, without verifying the signature.
//!
//! The issuer's word is only used to label an account and to know when its token ends, never to grant anything. Called by
//! the refresh, by sign-in and by the account import (F2, F4).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pool::Timestamp;
use serde::Deserialize;

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

#[derive(Deserialize, Default)]
#[serde(default)]
struct Claims {
    exp: Option<serde_json::Number>,
    email: Option<String>,
    organization_id: Option<String>,
    organizations: Vec<Organization>,
    #[serde(rename = "https://api.openai.com/auth")]
    auth: Auth,
    #[serde(rename = "https://api.openai.com/profile")]
    profile: Profile,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Auth {
    chatgpt_account_id: Option<String>,
    chatgpt_user_id: Option<String>,
    user_id: Option<String>,
    chatgpt_plan_type: Option<String>,
    chatgpt_account_is_fedramp: Option<bool>,
    organization_id: Option<String>,
    organizations: Vec<Organization>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Organization {
    id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Profile {
    email: Option<String>,
}

impl Identity {
    /// Reads both tokens in the order of F4: account id from the access token's claim, then the ID token's
    /// (`chatgpt_account_id`, `organization_id`, `organizations[0].id`); e-mail from the access token's profile, then the ID
    /// token; expiry from the access token alone. A token that is not a JWT adds nothing.
    #[must_use]
    pub fn from_tokens(access: Option<&str>, id_token: Option<&str>) -> Self {
        let access = access.and_then(claims).unwrap_or_default();
        let id = id_token.and_then(claims).unwrap_or_default();
        let first = |list: Vec<Organization>| list.into_iter().find_map(|o| o.id);
        Self {
            account_id: filled(access.auth.chatgpt_account_id)
                .or(filled(id.auth.chatgpt_account_id))
                .or(filled(id.auth.organization_id))
                .or(filled(id.organization_id))
                .or(first(id.auth.organizations))
                .or(first(id.organizations)),
            user_id: filled(access.auth.chatgpt_user_id)
                .or(filled(access.auth.user_id))
                .or(filled(id.auth.chatgpt_user_id))
                .or(filled(id.auth.user_id)),
            email: filled(access.profile.email)
                .or(filled(access.email))
                .or(filled(id.email))
                .or(filled(id.profile.email)),
            plan: filled(access.auth.chatgpt_plan_type).or(filled(id.auth.chatgpt_plan_type)),
            expires_at: access.exp.and_then(|n| seconds(&n)),
            fedramp: access
                .auth
                .chatgpt_account_is_fedramp
                .or(id.auth.chatgpt_account_is_fedramp)
                .unwrap_or(false),
        }
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

fn seconds(number: &serde_json::Number) -> Option<Timestamp> {
    let secs = match number.as_i64() {
        Some(secs) => secs,
        // A fraction of a second does not matter; the cast saturates.
        #[expect(clippy::cast_possible_truncation, reason = "saturating by definition")]
        None => number.as_f64()? as i64,
    };
    (secs > 0).then(|| Timestamp::from_secs(secs))
}

/// The claims of one JWT, or nothing when the text is not one.
fn claims(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (_, payload) = (parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    // A claim of an unexpected type must not hide the others: fall back to reading them one at a time.
    serde_json::from_slice(&bytes)
        .ok()
        .or_else(|| tolerant(&bytes))
}

fn tolerant(bytes: &[u8]) -> Option<Claims> {
    use serde_json::Value;
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    let empty = Value::Null;
    let auth = value.get("https://api.openai.com/auth").unwrap_or(&empty);
    let profile = value
        .get("https://api.openai.com/profile")
        .unwrap_or(&empty);
    let orgs = |v: &Value| {
        let list = v.get("organizations").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .map(|o| Organization { id: text(o, "id") })
            .collect()
    };
    Some(Claims {
        exp: value.get("exp").and_then(|v| match v {
            Value::Number(n) => Some(n.clone()),
            Value::String(s) => s.parse::<i64>().ok().map(Into::into),
            _ => None,
        }),
        email: text(&value, "email"),
        organization_id: text(&value, "organization_id"),
        organizations: orgs(&value),
        auth: Auth {
            chatgpt_account_id: text(auth, "chatgpt_account_id"),
            chatgpt_user_id: text(auth, "chatgpt_user_id"),
            user_id: text(auth, "user_id"),
            chatgpt_plan_type: text(auth, "chatgpt_plan_type"),
            chatgpt_account_is_fedramp: auth
                .get("chatgpt_account_is_fedramp")
                .and_then(Value::as_bool),
            organization_id: text(auth, "organization_id"),
            organizations: orgs(auth),
        },
        profile: Profile {
            email: text(profile, "email"),
        },
    })
}

#[cfg(test)]
mod tests;

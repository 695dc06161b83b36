//! Tokens that look like the real ones: JWTs with the claims of codex-backend.md 1.7 and a signature that nobody can check.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::setup::AccountSetup;

/// The public client id of the Codex sign-in.
pub(crate) const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

/// An access token; `serial` makes it unique.
pub(crate) fn access(account: &AccountSetup, now: i64, serial: u64) -> String {
    seal(&json!({
        "aud": ["https://api.openai.com/v1"], "client_id": CLIENT_ID, "iss": "https://auth.openai.com", "sub": format!("auth0|{}", account.user_id),
        "iat": now, "nbf": now, "exp": now + account.access_ttl_s, "jti": format!("jti-{serial:016x}"), "scp": ["openid", "profile", "email", "offline_access"],
        "https://api.openai.com/auth": auth(account),
        "https://api.openai.com/profile": {"email": account.email, "email_verified": true},
    }))
}

/// An id token, valid for an hour.
pub(crate) fn id(account: &AccountSetup, now: i64, serial: u64) -> String {
    let mut auth = auth(account);
    auth["organization_id"] = json!(format!("org-{}", account.account_id));
    auth["project_id"] = json!(format!("proj-{}", account.account_id));
    auth["completed_platform_onboarding"] = json!(true);
    auth["is_org_owner"] = json!(true);
    seal(&json!({
        "aud": [CLIENT_ID], "iss": "https://auth.openai.com", "sub": format!("auth0|{}", account.user_id), "email": account.email, "email_verified": true,
        "iat": now, "exp": now + 3600, "jti": format!("jti-id-{serial:016x}"), "https://api.openai.com/auth": auth,
    }))
}

fn auth(account: &AccountSetup) -> Value {
    json!({
        "chatgpt_account_id": account.account_id, "chatgpt_plan_type": account.plan, "chatgpt_user_id": account.user_id, "user_id": account.user_id,
        "chatgpt_account_user_id": format!("{}__{}", account.user_id, account.account_id), "chatgpt_compute_residency": "no_constraint",
    })
}

fn seal(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "kid": "simulator", "typ": "JWT"});
    format!(
        "{}.{}.{}",
        part(&header),
        part(claims),
        URL_SAFE_NO_PAD.encode("signed by the simulator, good for nothing else")
    )
}

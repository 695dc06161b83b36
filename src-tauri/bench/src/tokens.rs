//! Made-up credentials for the throw-away gateway: they open nothing anywhere.
//!
//! Used by the gateway's set-up and by the mock's token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An unsigned access token that is valid until far in the future.
pub fn access_token() -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"exp": 4_000_000_000_u64, "iat": 1_800_000_000, "email": "bench@example.com",
        "https://api.openai.com/profile": {"email": "bench@example.com"},
        "https://api.openai.com/auth": {"chatgpt_account_id": "bench-account", "chatgpt_user_id": "bench-user", "chatgpt_plan_type": "pro"}});
    format!(
        "{}.{}.bench",
        part(&json!({"alg": "none", "typ": "JWT"})),
        part(&claims)
    )
}

/// An account file for `account import` whose account runs as many requests at once as the bench asks for.
pub fn account_file() -> Value {
    let token = access_token();
    json!({"type": "sub2api-data", "version": 1, "proxies": [], "accounts": [{
        "name": "bench", "platform": "openai", "type": "oauth", "concurrency": 20_000, "priority": 50,
        "credentials": {"access_token": token, "id_token": token, "refresh_token": "bench-refresh", "email": "bench@example.com",
            "plan_type": "pro", "chatgpt_account_id": "bench-account", "chatgpt_user_id": "bench-user",
            "expires_at": "2096-10-02T07:06:40Z"}}]})
}

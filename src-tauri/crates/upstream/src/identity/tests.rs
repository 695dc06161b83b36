use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use pool::Timestamp;
use serde_json::json;

use super::Identity;

fn jwt(claims: &serde_json::Value) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

const AUTH: &str = "https://api.openai.com/auth";
const PROFILE: &str = "https://api.openai.com/profile";

#[test]
fn f4_precedence() {
    let access = json!({"exp": 1_800_000_000, AUTH: {"chatgpt_account_id": "acc-a", "chatgpt_user_id": "user-a",
        "chatgpt_plan_type": "plus"}, PROFILE: {"email": "a@example.com"}});
    let id = json!({"exp": 1, "email": "b@example.com", AUTH: {"chatgpt_account_id": "acc-b", "user_id": "user-b",
        "chatgpt_plan_type": "pro", "chatgpt_account_is_fedramp": true}});
    let both = Identity::from_tokens(Some(&jwt(&access)), Some(&jwt(&id)));
    let want = Identity {
        account_id: Some("acc-a".into()),
        user_id: Some("user-a".into()),
        email: Some("a@example.com".into()),
        plan: Some("plus".into()),
        expires_at: Some(Timestamp(1_800_000_000_000)),
        fedramp: true,
    };
    assert_eq!(both, want);
    // The ID token's expiry is not the access token's.
    let only_id = Identity::from_tokens(None, Some(&jwt(&id)));
    assert_eq!(only_id.expires_at, None);
    assert_eq!(only_id.user_id.as_deref(), Some("user-b"));
    assert_eq!(only_id.email.as_deref(), Some("b@example.com"));
}

#[test]
fn f4_account_id_fallbacks() {
    for (claims, want) in [
        (
            json!({AUTH: {"chatgpt_account_id": "c", "organization_id": "o"}}),
            "c",
        ),
        (
            json!({AUTH: {"chatgpt_account_id": "", "organization_id": "o"}}),
            "o",
        ),
        (json!({"organization_id": "top"}), "top"),
        (
            json!({AUTH: {"organizations": [{"id": "first"}, {"id": "second"}]}}),
            "first",
        ),
        (json!({"organizations": [{"id": "org"}]}), "org"),
    ] {
        let found = Identity::from_tokens(Some("no-jwt"), Some(&jwt(&claims)));
        assert_eq!(found.account_id.as_deref(), Some(want), "{claims}");
    }
}

#[test]
fn odd_claims_do_not_hide_the_others() {
    let odd = json!({"exp": "1800000000", "email": 7, AUTH: {"chatgpt_account_id": "acc", "chatgpt_plan_type": ["x"]}});
    let found = Identity::from_tokens(Some(&jwt(&odd)), None);
    assert_eq!(found.account_id.as_deref(), Some("acc"));
    assert_eq!(found.expires_at, Some(Timestamp(1_800_000_000_000)));
    assert_eq!((found.email, found.plan), (None, None));
    for broken in ["", ".", "a.b.c", "e30.!!!.x", "e30.bnVsbA.x", "e30.W10.x"] {
        assert_eq!(
            Identity::from_tokens(Some(broken), Some(broken)),
            Identity::default(),
            "{broken}"
        );
    }
    let float = jwt(&json!({"exp": 1_800_000_000.5, "email": null}));
    assert_eq!(
        Identity::from_tokens(Some(&float), None).expires_at,
        Some(Timestamp(1_800_000_000_000))
    );
}

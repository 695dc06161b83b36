use pool::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Credential, OAuthTokens};

fn tokens() -> OAuthTokens {
    OAuthTokens {
        access: Some(SecretString::from("at-secret")),
        refresh: Some(SecretString::from("rt-secret")),
        expires_at: Some(Timestamp(1_800_000_000_000)),
        account_id: Some("acc".into()),
        plan: Some("plus".into()),
        ..OAuthTokens::default()
    }
}

#[test]
fn stored_form_round_trips() {
    let Credential::OAuth(back) =
        Credential::from_json(&Credential::OAuth(Box::new(tokens())).to_json()).unwrap()
    else {
        panic!("kind changed");
    };
    assert_eq!(back.access.unwrap().expose_secret(), "at-secret");
    assert_eq!(back.refresh.unwrap().expose_secret(), "rt-secret");
    assert!(back.id_token.is_none());
    assert_eq!(back.expires_at, Some(Timestamp(1_800_000_000_000)));
    assert_eq!(
        (back.account_id.as_deref(), back.plan.as_deref()),
        (Some("acc"), Some("plus"))
    );
    let key = Credential::Key(SecretString::from("sk-\"quoted\"")).to_json();
    let Credential::Key(key) = Credential::from_json(&key).unwrap() else {
        panic!("kind changed")
    };
    assert_eq!(key.expose_secret(), "sk-\"quoted\"");
}

#[test]
fn unknown_forms_are_refused_without_repeating_them() {
    for text in [
        "",
        "{}",
        "rt-secret",
        r#"{"type":"passkey","secret":"rt-secret"}"#,
        r#"{"type":"key"}"#,
    ] {
        let error = Credential::from_json(&SecretString::from(text)).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn debug_tells_nothing() {
    for credential in [
        Credential::OAuth(Box::new(tokens())),
        Credential::Key(SecretString::from("sk-secret")),
    ] {
        let text = format!("{credential:?} {credential:#?}");
        assert!(
            !text.contains("secret") && !text.contains("acc\""),
            "{text}"
        );
    }
}

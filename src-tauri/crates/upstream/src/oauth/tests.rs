use http::{HeaderMap, HeaderValue, StatusCode};
use pool::Timestamp;

use super::{
    TokenError, authorize_url,
    device::{DeviceProgress, progress},
    pkce::{Pkce, challenge_of, state},
    token::refusal,
};
use secrecy::ExposeSecret as _;

const NOW: Timestamp = Timestamp(1_789_344_000_000);

#[test]
fn f3_pkce() {
    // RFC 7636, appendix B.
    assert_eq!(
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let (one, two) = (Pkce::generate().unwrap(), Pkce::generate().unwrap());
    assert_eq!(one.verifier.expose_secret().len(), 86);
    assert_ne!(one.challenge, two.challenge);
    assert_eq!(state().unwrap().len(), 43);
}

#[test]
fn f3_authorize_address() {
    let base = "https://auth.example.com".parse().unwrap();
    let url = authorize_url(
        &base,
        "switchyard",
        "http://localhost:1455/auth/callback",
        "chal",
        "st",
    );
    let text = url.as_str();
    assert!(
        text.starts_with("https://auth.example.com/oauth/authorize?response_type=code&client_id="),
        "{text}"
    );
    assert!(
        text.contains("redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback"),
        "{text}"
    );
    assert!(text.ends_with("code_challenge=chal&code_challenge_method=S256&id_token_add_organizations=true&codex_cli_simplified_flow=true&state=st&originator=switchyard"), "{text}");
}

#[test]
fn f3_what_a_device_poll_means() {
    let authorized = r#"{"authorization_code":"ac","code_challenge":"c","code_verifier":"v"}"#;
    for (status, body, expected) in [
        (403, "", "pending"),
        (404, r#"{"detail":"not found"}"#, "pending"),
        (400, r#"{"error":"authorization_pending"}"#, "pending"),
        (400, r#"{"error":"slow_down"}"#, "slower"),
        (403, r#"{"error":{"code":"slow_down"}}"#, "slower"),
        (429, "", "slower"),
        (400, r#"{"error":"expired_token"}"#, "refused"),
        (403, r#"{"error":{"code":"access_denied"}}"#, "refused"),
        (500, "", "unavailable"),
        (200, "no json", "unavailable"),
        (200, authorized, "typed"),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        let found = match progress(status, body.as_bytes()) {
            Ok(DeviceProgress::Pending) => "pending",
            Ok(DeviceProgress::SlowDown) => "slower",
            Ok(DeviceProgress::Authorized(grant)) => {
                assert_eq!(format!("{grant:?}"), "DeviceGrant");
                "typed"
            }
            Err(TokenError::Refused { .. }) => "refused",
            Err(_) => "unavailable",
        };
        assert_eq!(found, expected, "{status} {body}");
    }
}

#[test]
fn f18_refusals_of_the_token_endpoint() {
    let refused = |code: &str, banned| Some((code.to_owned(), banned));
    type Row = (u16, &'static str, Option<(String, bool)>);
    let rows: &[Row] = &[
        (
            400,
            r#"{"error":"invalid_grant"}"#,
            refused("invalid_grant", false),
        ),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"x"}"#,
            refused("invalid_grant", false),
        ),
        (
            401,
            r#"{"error":{"code":"refresh_token_reused","message":"m"}}"#,
            refused("refresh_token_reused", false),
        ),
        (
            401,
            r#"{"error":{"code":"Refresh_Token_Expired"}}"#,
            refused("refresh_token_expired", false),
        ),
        (
            401,
            r#"{"code":"refresh_token_invalidated"}"#,
            refused("refresh_token_invalidated", false),
        ),
        (
            400,
            r#"{"error":{"message":"Your refresh token has already been used"}}"#,
            refused("refresh_token_reused", false),
        ),
        (
            400,
            r#"{"error":{"message":"The session has expired."}}"#,
            refused("refresh_token_expired", false),
        ),
        (
            400,
            r#"{"error":{"message":"Token has been revoked"}}"#,
            refused("refresh_token_invalidated", false),
        ),
        (
            403,
            r#"{"error":{"code":"account_deactivated"}}"#,
            refused("account_deactivated", true),
        ),
        (
            401,
            r#"{"error":{"message":"Your account has been deactivated"}}"#,
            refused("account_deactivated", true),
        ),
        (
            401,
            r#"{"error":{"code":"something_new"}}"#,
            refused("something_new", false),
        ),
        (401, "", refused("unauthorized", false)),
        (
            401,
            r#"{"error":{"code":"eyJhbGciOi.TOKEN 123"}}"#,
            refused("unknown", false),
        ),
        // Transient: region, challenge, odd 400s, 5xx even with a code.
        (
            403,
            r#"{"error":{"code":"unsupported_country_region_territory"}}"#,
            None,
        ),
        (
            401,
            r#"{"error":{"code":"unsupported_country_region_territory"}}"#,
            None,
        ),
        (403, "<html>Just a moment</html>", None),
        (400, r#"{"error":"invalid_request"}"#, None),
        (404, "", None),
        (500, r#"{"error":"invalid_grant"}"#, None),
        (503, "", None),
    ];
    for (status, body, want) in rows {
        let got = refusal(
            StatusCode::from_u16(*status).unwrap(),
            &HeaderMap::new(),
            body.as_bytes(),
            NOW,
        );
        let got = match got {
            TokenError::Refused { code, banned } => Some((code, banned)),
            TokenError::Unavailable { reason } => {
                assert!(
                    !reason.contains('<') && !reason.contains("TOKEN"),
                    "{reason}"
                );
                None
            }
            TokenError::RateLimited { .. } => panic!("{status} {body}"),
        };
        assert_eq!(&got, want, "{status} {body}");
    }
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("30"));
    let limited = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        &headers,
        br#"{"error":"invalid_grant"}"#,
        NOW,
    );
    assert_eq!(
        limited,
        TokenError::RateLimited {
            retry_at: Some(Timestamp(NOW.0 + 30_000))
        }
    );
}

//! The sign-in server: single-use refresh tokens, refusals, code exchange.

use crate::raw::{Answer, ask, codex, send};
use serde_json::json;
use simulator::{AccountSetup, Gate, RefreshStep, Setup, SimAccount, Simulator};

const CLIENT: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

async fn refresh(simulator: &Simulator, token: &str) -> Answer {
    let body = json!({"client_id": CLIENT, "grant_type": "refresh_token", "refresh_token": token})
        .to_string();
    send(
        &simulator.base_url(),
        "POST",
        "/oauth/token",
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
    .await
}

async fn one(ttl: i64) -> (Simulator, SimAccount) {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account =
        simulator.add_codex_account(AccountSetup::new("ada@example.com").access_ttl_s(ttl));
    (simulator, account)
}

fn claims(jwt: &str) -> serde_json::Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(jwt.split('.').nth(1).unwrap())
            .unwrap(),
    )
    .unwrap()
}

/// F17: a refresh token works once; the reuse is told apart.
#[tokio::test]
async fn refresh_tokens_are_single_use() {
    let (simulator, account) = one(3600).await;
    let fresh = refresh(&simulator, &account.refresh_token).await.json();
    let (access, next) = (
        fresh["access_token"].as_str().unwrap(),
        fresh["refresh_token"].as_str().unwrap(),
    );
    assert_ne!(next, account.refresh_token);
    assert_eq!(next, account.current_refresh_token());
    assert!(account.is_spent(&account.refresh_token));
    assert_eq!(
        claims(access)["https://api.openai.com/auth"]["chatgpt_account_id"],
        "acc-ada"
    );
    assert_eq!(
        claims(fresh["id_token"].as_str().unwrap())["email"],
        "ada@example.com"
    );
    let again = refresh(&simulator, &account.refresh_token).await;
    assert_eq!(
        (again.status, again.json()["error"]["code"].as_str()),
        (401, Some("refresh_token_reused"))
    );
    assert_eq!(refresh(&simulator, next).await.status, 200);
    assert_eq!(refresh(&simulator, "rt_unknown").await.status, 401);
    assert_eq!(simulator.token_calls(&account), 3);
}

/// F18: the classes of refusal.
#[tokio::test]
async fn refresh_scripts() {
    let (simulator, account) = one(3600).await;
    let rows = [
        (
            RefreshStep::refused("refresh_token_expired"),
            401,
            "refresh_token_expired",
        ),
        (RefreshStep::InvalidGrant, 400, "invalid_grant"),
        (RefreshStep::Http500, 500, "internal_error"),
        (
            RefreshStep::RateLimited {
                retry_after: Some("3".into()),
            },
            429,
            "rate_limit_exceeded",
        ),
        (RefreshStep::Region403, 403, "unsupported_country"),
        (
            RefreshStep::Status {
                code: 200,
                body: "<html>".into(),
                content_type: "text/html".into(),
            },
            200,
            "<html>",
        ),
    ];
    for (step, status, word) in rows {
        account.script_refresh([step.clone()]);
        let answer = refresh(&simulator, &account.refresh_token).await;
        assert_eq!(answer.status, status, "{step:?}");
        assert!(answer.text().contains(word), "{step:?}");
    }
    account.script_refresh([RefreshStep::Reset, RefreshStep::AccessOnly]);
    assert!(
        refresh(&simulator, &account.refresh_token)
            .await
            .error
            .is_some()
    );
    let partial = refresh(&simulator, &account.refresh_token).await.json();
    assert!(partial["access_token"].is_string() && partial.get("refresh_token").is_none());
    // None of these spent the token; a lost answer does.
    account.script_refresh([RefreshStep::RotateThenReset]);
    assert!(
        refresh(&simulator, &account.refresh_token)
            .await
            .error
            .is_some()
    );
    assert_eq!(
        refresh(&simulator, &account.refresh_token).await.json()["error"]["code"],
        "refresh_token_reused"
    );
}

#[tokio::test]
async fn refresh_waits_at_the_gate() {
    let (simulator, account) = one(3600).await;
    let gate = Gate::new();
    account.script_refresh([RefreshStep::Gated(gate.clone())]);
    let (answer, ()) = tokio::join!(refresh(&simulator, &account.refresh_token), async {
        gate.wait_reached(1).await;
        assert_eq!(account.current_refresh_token(), account.refresh_token);
        gate.release();
    });
    assert_eq!(answer.status, 200);
}

/// 401 for what is expired, revoked or unknown; other workspaces are refused.
#[tokio::test]
async fn access_tokens_end() {
    let (simulator, account) = one(0).await;
    let expired = codex(&simulator, &account, &ask("hi")).await;
    assert_eq!(
        (expired.status, expired.json()["error"]["code"].as_str()),
        (401, Some("token_expired"))
    );
    account.set_access_ttl(3600);
    let fresh = refresh(&simulator, &account.refresh_token).await.json();
    let mut signed_in = account.clone();
    signed_in.access_token = fresh["access_token"].as_str().unwrap().into();
    assert_eq!(codex(&simulator, &signed_in, &ask("hi")).await.status, 200);
    let mut elsewhere = signed_in.clone();
    elsewhere.account_id = "acc-other".into();
    assert_eq!(codex(&simulator, &elsewhere, &ask("hi")).await.status, 401);
    account.revoke_access();
    let revoked = codex(&simulator, &signed_in, &ask("hi")).await;
    assert_eq!(revoked.json()["error"]["code"], "token_invalidated");
    let labels: Vec<Option<String>> = simulator
        .requests_to("/responses")
        .into_iter()
        .map(|seen| seen.account)
        .collect();
    assert_eq!(
        labels,
        [
            None,
            Some("ada@example.com".into()),
            Some("ada@example.com".into()),
            None
        ]
    );
}

/// codex-backend.md 1.2 and 1.3: authorize agrees at once, the exchange is a form with the PKCE verifier, the code works once.
#[tokio::test]
async fn code_exchange() {
    let (simulator, account) = one(3600).await;
    let redirect = "http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback";
    // The S256 challenge of the verifier below.
    let challenge = {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        use sha2::Digest as _;
        URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(b"verifier-0123456789"))
    };
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={CLIENT}&redirect_uri={redirect}&code_challenge={challenge}&code_challenge_method=S256&state=st"
    );
    let page = send(&simulator.base_url(), "GET", &path, &[], b"").await;
    assert_eq!(page.status, 302);
    let location = page.headers["location"].clone();
    assert!(
        location.starts_with("http://localhost:1455/auth/callback?code=")
            && location.ends_with("&state=st")
    );
    let code = location
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let exchange = async |verifier: &str| {
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri={redirect}&client_id={CLIENT}&code_verifier={verifier}"
        );
        send(
            &simulator.base_url(),
            "POST",
            "/oauth/token",
            &[("content-type", "application/x-www-form-urlencoded")],
            form.as_bytes(),
        )
        .await
    };
    assert_eq!(exchange("verifier-0123456789").await.status, 200);
    assert_eq!(exchange("verifier-0123456789").await.status, 400);
    assert_eq!(account.token_calls(), 1);
    // A refresh as a form is refused.
    let form = format!(
        "grant_type=refresh_token&client_id={CLIENT}&refresh_token={}",
        account.current_refresh_token()
    );
    let wrong = send(
        &simulator.base_url(),
        "POST",
        "/oauth/token",
        &[("content-type", "application/x-www-form-urlencoded")],
        form.as_bytes(),
    )
    .await;
    assert_eq!(wrong.status, 400);
}

/// codex-backend.md 1.5 and 1.6: device codes are pending once, then redeemed; a revoked grant is gone.
#[tokio::test]
async fn device_codes_and_revocation() {
    let (simulator, _) = one(3600).await;
    let grace = simulator.add_codex_account(AccountSetup::new("grace@example.com"));
    grace.sign_in_next();
    let json_post = async |path: &str, body: serde_json::Value| {
        let headers = [("content-type", "application/json")];
        send(
            &simulator.base_url(),
            "POST",
            path,
            &headers,
            body.to_string().as_bytes(),
        )
        .await
    };
    let started = json_post(
        "/api/accounts/deviceauth/usercode",
        json!({"client_id": CLIENT}),
    )
    .await
    .json();
    assert_eq!(started["interval"], "5");
    let poll =
        json!({"device_auth_id": started["device_auth_id"], "user_code": started["user_code"]});
    assert_eq!(
        json_post("/api/accounts/deviceauth/token", poll.clone())
            .await
            .status,
        403
    );
    let agreed = json_post("/api/accounts/deviceauth/token", poll)
        .await
        .json();
    let form = format!(
        "grant_type=authorization_code&code={}&redirect_uri=https%3A%2F%2Fauth.example.com%2Fdeviceauth%2Fcallback&client_id={CLIENT}&code_verifier={}",
        agreed["authorization_code"].as_str().unwrap(),
        agreed["code_verifier"].as_str().unwrap()
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let tokens = send(
        &simulator.base_url(),
        "POST",
        "/oauth/token",
        &headers,
        form.as_bytes(),
    )
    .await
    .json();
    assert_eq!(
        claims(tokens["id_token"].as_str().unwrap())["email"],
        "grace@example.com"
    );

    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let revoke =
        json!({"token": refresh_token, "token_type_hint": "refresh_token", "client_id": CLIENT});
    assert_eq!(json_post("/oauth/revoke", revoke).await.status, 200);
    assert_eq!(refresh(&simulator, refresh_token).await.status, 401);
}

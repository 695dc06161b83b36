//! The rest of the Codex backend: its catalogue, compact, the usage document, and what is not there.

use serde_json::json;
use simulator::{AccountSetup, Credits, Quota, Setup, SimAccount, Simulator};

use crate::raw::{Answer, ask, codex, open, send};

async fn one() -> (Simulator, SimAccount) {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com"));
    (simulator, account)
}

async fn request(
    simulator: &Simulator,
    account: &SimAccount,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let authorization = format!("Bearer {}", account.access_token);
    let mut headers = vec![
        ("authorization", authorization.as_str()),
        ("chatgpt-account-id", account.account_id.as_str()),
    ];
    headers.extend_from_slice(more);
    send(
        &simulator.base_url(),
        method,
        &format!("/backend-api{path}"),
        &headers,
        body,
    )
    .await
}

/// codex-backend.md 3.7 and 9.3: the catalogue wants a version and filters by it; so does the answer.
#[tokio::test]
async fn models_are_gated() {
    let (simulator, account) = one().await;
    assert_eq!(
        request(&simulator, &account, "GET", "/codex/models", &[], b"")
            .await
            .status,
        400
    );
    let names = async |version: &str| -> Vec<String> {
        let answer = request(
            &simulator,
            &account,
            "GET",
            &format!("/codex/models?client_version={version}"),
            &[],
            b"",
        )
        .await;
        assert!(answer.headers.contains_key("etag"));
        answer.json()["models"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["slug"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names("0.98.0").await,
        ["gpt-5.4", "gpt-5.4-mini", "gpt-5.2"]
    );
    assert_eq!(names("0.160.0").await.len(), 6);
    let version = async |version: &str, model: &str| {
        let mut body = ask("hi");
        body["model"] = json!(model);
        request(
            &simulator,
            &account,
            "POST",
            "/codex/responses",
            &[("version", version)],
            body.to_string().as_bytes(),
        )
        .await
        .status
    };
    assert_eq!(
        (
            version("0.123.9", "gpt-5.5").await,
            version("0.124.0", "gpt-5.5").await
        ),
        (400, 200)
    );
    let free = simulator.add_codex_account(AccountSetup::new("free@example.com").plan("free"));
    let mut lite = ask("hi");
    lite["model"] = json!("gpt-5.6-sol");
    assert_eq!(codex(&simulator, &free, &lite).await.status, 400);
    assert_eq!(codex(&simulator, &account, &lite).await.status, 200);
}

#[tokio::test]
async fn other_endpoints() {
    let (simulator, account) = one().await;
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    assert_eq!(
        request(
            &simulator,
            &account,
            "GET",
            "/codex/responses",
            &upgrade,
            b""
        )
        .await
        .status,
        426
    );
    assert_eq!(
        request(&simulator, &account, "GET", "/codex/nowhere", &[], b"")
            .await
            .status,
        404
    );
    assert_eq!(
        request(&simulator, &account, "PUT", "/codex/responses", &[], b"")
            .await
            .status,
        405
    );
    let mut body = ask("hi");
    for name in ["store", "stream"] {
        body.as_object_mut().unwrap().remove(name);
    }
    let compacted = request(
        &simulator,
        &account,
        "POST",
        "/codex/responses/compact",
        &[],
        body.to_string().as_bytes(),
    )
    .await
    .json();
    assert_eq!(compacted["output"][1]["type"], "compaction");
    assert_eq!(
        request(
            &simulator,
            &account,
            "POST",
            "/codex/responses/compact",
            &[],
            ask("hi").to_string().as_bytes()
        )
        .await
        .status,
        400
    );

    let credits = Credits {
        has_credits: true,
        unlimited: false,
        balance: Some("7.50".into()),
    };
    account.set_quota(Quota {
        credits,
        ..Quota::used(42.4, 100.0)
    });
    let usage = request(&simulator, &account, "GET", "/wham/usage", &[], b"")
        .await
        .json();
    assert_eq!(usage["rate_limit"]["primary_window"]["used_percent"], 42);
    assert_eq!(
        usage["rate_limit"]["secondary_window"]["limit_window_seconds"],
        604_800
    );
    assert_eq!(usage["rate_limit"]["limit_reached"], true);
    assert_eq!(usage["credits"]["balance"], "7.50");
}

/// One connection carries several requests.
#[tokio::test]
async fn connections_are_counted() {
    let (simulator, account) = one().await;
    for _ in 0..3 {
        codex(&simulator, &account, &ask("hi")).await;
    }
    assert_eq!(
        (simulator.connections(), simulator.requests().len()),
        (3, 3)
    );
    drop(open(&simulator.base_url(), "GET", "/", &[], b"").await);
}

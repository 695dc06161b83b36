//! The web console of `switchyard serve --console` (F28, F29): its own port, its own token, and nothing of it without being asked for.

use serde_json::json;
use tests::{TestApp, codex};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_the_console_has_its_own_port_and_token() {
    let app = TestApp::new("console")
        .account(codex("first"))
        .prepare()
        .await;
    app.enter_accounts().await;
    let arguments = ["--console", "--console-port", "0", "--show-key"];
    let (mut server, told) = app.serve_telling(&arguments).await;
    let text = |name: &str| told[name].as_str().expect(name).to_owned();
    let (url, token, key) = (text("console_url"), text("console_token"), text("key"));
    app.evidence().note("console token", &token);
    assert!(url.starts_with("http://127.0.0.1:") && url != text("url"));
    let link = text("console_link");
    let (page, ticket) = link.split_once("#ticket=").expect("a ticket in the link");
    assert!(!link.contains(&token));

    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let page = http.get(page).send().await.expect("the page");
    // 503 where the front end was not built before the program.
    assert!(matches!(page.status().as_u16(), 200 | 503));
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.starts_with("default-src 'none'"));

    let status = format!("{url}/admin/v1/status");
    let with = async |credential: &str| {
        let sent = http.get(&status).bearer_auth(credential).send().await;
        sent.expect("an answer").status().as_u16()
    };
    assert_eq!(
        http.get(&status).send().await.expect("an answer").status(),
        401
    );
    assert_eq!(
        (with(&key).await, with(ticket).await, with(&token).await),
        (401, 401, 200)
    );
    let own = "0123456789abcdefghijABCDEFGHIJ-_0123456789abc";
    for expected in [204, 401] {
        let sent = http
            .post(format!("{url}/admin/v1/console/session"))
            .bearer_auth(ticket)
            .header("content-type", "application/json")
            .body(json!({ "token": own }).to_string())
            .send()
            .await;
        assert_eq!(sent.expect("an answer").status(), expected);
    }
    assert_eq!(with(own).await, 200);
    for path in ["accounts/export", "local/export", "local/key/default"] {
        let sent = http
            .post(format!("{url}/admin/v1/{path}"))
            .bearer_auth(&token)
            .header("content-type", "application/json")
            .body("{}")
            .send()
            .await;
        assert_eq!(sent.expect("an answer").status(), 404, "{path}");
    }
    let accounts = http
        .get(format!("{url}/admin/v1/accounts"))
        .bearer_auth(&token)
        .send()
        .await;
    let accounts = accounts.expect("an answer").text().await.expect("its body");
    for (kind, secret) in app.evidence().noted() {
        assert!(!accounts.contains(&secret), "an answer shows a {kind}");
    }
    // The gateway's own listener has none of it.
    for credential in [&key, &token] {
        let sent = http
            .get(format!("{}/admin/v1/status", text("url")))
            .bearer_auth(credential)
            .send()
            .await;
        assert!(matches!(
            sent.expect("an answer").status().as_u16(),
            401 | 404
        ));
    }
    server.kill().await.expect("the server ends");
    assert_eq!(app.leaks(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_the_console_is_off_unless_asked_for() {
    let app = TestApp::new("no-console")
        .account(codex("first"))
        .prepare()
        .await;
    let (mut server, told) = app.serve_telling(&[]).await;
    assert!(told["url"].is_string());
    for name in ["console_url", "console_link", "console_token"] {
        assert!(told.get(name).is_none(), "{name}");
    }
    server.kill().await.expect("the server ends");
}

//! Bad input over HTTP: a clear error in the client's dialect, nothing lost, and the next good request is served
//! (F25, F26, F29, F57, F75, F117; T189, T205, T208).

use async_compression::tokio::write::GzipEncoder;
use http::StatusCode;
use serde_json::{Value, json};
use tests::{Answer, TestApp, codex, send};
use tokio::io::AsyncWriteExt;

const MIB: usize = 1024 * 1024;
/// Every route that takes a body.
const ROUTES: [&str; 4] = [
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/responses/compact",
    "/codex/v1/responses",
];

async fn app(name: &str) -> TestApp {
    TestApp::new(name).account(codex("only")).start().await
}

/// After bad input: the account is there, the server answers, and the upstream saw nothing but this last request.
async fn expect_unharmed(app: &TestApp) {
    assert_eq!(
        app.upstream_requests().len(),
        0,
        "bad input went to the upstream"
    );
    assert_eq!(app.account_ids().await.len(), 1);
    assert_eq!(app.chat("say:still-here").await.text(), "still-here");
}

fn expect_invalid(answer: &Answer, what: &str) {
    let error = answer.expect_error(400);
    assert_eq!(error["type"], "invalid_request_error", "{what}: {error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_no_json() {
    let app = app("no-json").await;
    let deep = "[".repeat(200_000);
    let deep_value = format!("{{\"model\":\"gpt-5.4\",\"messages\":{deep}");
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"hello",
        b"{\"model\":\"gpt-5.4\",}",
        b"\xff\xfe\x00",
        b"{\"model\":\"gpt-5.4\"} {}",
        b"\0",
        deep.as_bytes(),
        deep_value.as_bytes(),
    ];
    for route in ROUTES {
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = send(app.request(route, body.to_vec())).await;
            expect_invalid(&answer, &format!("{route} {shown:?}"));
        }
    }
    expect_unharmed(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_wrong_types() {
    let app = app("wrong-types").await;
    let model = app.model();
    let user = json!([{"role": "user", "content": "say:x"}]);
    let mut cases: Vec<(&str, Value)> = Vec::new();
    for route in ROUTES {
        for body in [
            json!([]),
            json!("text"),
            json!(7),
            json!(null),
            json!({}),
            json!({"model": 7}),
            json!({"model": null}),
        ] {
            cases.push((route, body));
        }
    }
    for body in [
        json!({"model": model}),
        json!({"messages": user}),
        json!({"model": model, "messages": 7}),
        json!({"model": model, "messages": [7]}),
        json!({"model": model, "messages": [{"role": 7, "content": "x"}]}),
        json!({"model": model, "messages": [{"role": "user", "content": 7}]}),
        json!({"model": model, "messages": user, "stream": "yes"}),
        json!({"model": model, "messages": user, "tools": 7}),
        json!({"model": model, "messages": user, "tools": [7]}),
        json!({"model": model, "messages": user, "n": 2}),
        json!({"model": model, "messages": user, "n": "two"}),
        json!({"model": model, "messages": user, "response_format": 7}),
    ] {
        cases.push(("/v1/chat/completions", body));
    }
    for body in [
        json!({"model": model, "input": 7}),
        json!({"model": model, "input": [7]}),
        json!({"model": model, "input": user, "stream": "yes"}),
    ] {
        cases.push(("/v1/responses", body));
    }
    for (route, body) in cases {
        let answer = app.post(route, &body).await;
        expect_invalid(&answer, &format!("{route} {body}"));
    }
    // What passes through is judged by the upstream, so some of it may have been seen there.
    assert_eq!(app.account_ids().await.len(), 1);
    assert_eq!(app.chat("say:still-here").await.text(), "still-here");
}

/// F26: no route without the key but `/health`; no key is told from another by its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys() {
    let app = app("keys").await;
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("an HTTP client");
    let body = app.chat_body("say:x", false).to_string();
    let wrong = [
        "",
        "Bearer",
        "Bearer ",
        "Bearer sk-wrong",
        "Basic sk-wrong",
        "sk-wrong",
    ];
    for route in ROUTES {
        for value in wrong {
            let request = http
                .post(format!("{}{route}", app.url()))
                .header("authorization", value);
            let error = send(request.body(body.clone())).await.expect_error(401);
            assert_eq!(error["code"], "invalid_api_key", "{route} {value:?}");
            assert_eq!(error["type"], "invalid_request_error", "{route} {value:?}");
        }
    }
    for route in ["/v1/models", "/v1/models/gpt-5.4", "/codex/v1/models"] {
        send(http.get(format!("{}{route}", app.url())))
            .await
            .expect_error(401);
    }
    let almost = format!("{}x", app.key());
    send(
        http.get(format!("{}/v1/models", app.url()))
            .bearer_auth(almost),
    )
    .await
    .expect_error(401);
    // Not in the address, where proxies log it.
    send(http.get(format!("{}/v1/models?key={}", app.url(), app.key())))
        .await
        .expect_error(401);
    let health = send(http.get(format!("{}/health", app.url()))).await;
    assert_eq!(health.status, 200);
    assert!(health.json()["version"].is_string());

    let lower = format!("bearer {}", app.key());
    for (name, value) in [
        ("authorization", lower.as_str()),
        ("x-api-key", app.key()),
        ("api-key", app.key()),
    ] {
        let answer = send(
            http.get(format!("{}/v1/models", app.url()))
                .header(name, value),
        )
        .await;
        assert_eq!(answer.status, 200, "{name}");
    }
    expect_unharmed(&app).await;
}

/// F29.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_hosts_and_origins() {
    let app = app("hosts").await;
    for host in [
        "evil.example.com",
        "evil.example.com:80",
        "127.0.0.1.example.com",
        "10.0.0.1",
    ] {
        let answer = send(app.get_request("/v1/models").header("host", host)).await;
        answer.expect_error(403);
    }
    let port = app.url().rsplit(':').next().unwrap_or_default();
    for host in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
    ] {
        let answer = send(app.get_request("/v1/models").header("host", &host)).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    for origin in ["https://evil.example.com", "null"] {
        let answer = send(app.get_request("/v1/models").header("origin", origin)).await;
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{origin}: {}",
            answer.status
        );
    }
    expect_unharmed(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_and_paths_that_do_not_exist() {
    let app = app("unknown").await;
    app.knows_models().await;
    let before = app.upstream_requests().len();
    for stream in [false, true] {
        for (route, mut body) in [
            ("/v1/chat/completions", app.chat_body("say:x", stream)),
            ("/v1/responses", app.responses_body("say:x", stream)),
        ] {
            body["model"] = json!("no-such-model");
            let error = app.post(route, &body).await.expect_error(404);
            assert_eq!(error["code"], "model_not_found", "{route}");
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|message| message.contains("no-such-model"))
            );
        }
    }
    app.get("/v1/models/no-such-model").await.expect_error(404);
    for path in [
        "/v1",
        "/v1/nothing",
        "/index.html",
        "/v1/chat",
        "/v1/../health/x",
        "/v1/models/a/b",
    ] {
        app.get(path).await.expect_error(404);
    }
    // T192: 426 makes the Codex CLI fall back at once.
    app.get("/v1/responses").await.expect_error(426);
    app.get("/codex/v1/responses").await.expect_error(426);
    let answer = app.get("/v1/chat/completions").await;
    assert!(
        [404, 405].contains(&answer.status.as_u16()),
        "{}",
        answer.status
    );
    answer.expect_error(answer.status.as_u16());
    assert_eq!(
        app.upstream_requests().len(),
        before,
        "bad input went to the upstream"
    );
    assert_eq!(app.chat("say:still-here").await.text(), "still-here");
}

/// A body above 32 MiB, as it is or unpacked, is refused before it costs memory (T189).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_are_too_large() {
    let app = app("large").await;
    let text = "x".repeat(33 * MIB);
    let large = app.chat_body(&text, false).to_string().into_bytes();
    for route in ["/v1/chat/completions", "/v1/responses"] {
        let sent = app.request(route, large.clone()).send().await;
        // Refused while it is still being sent, the client may see the connection close instead of the answer.
        if let Ok(response) = sent {
            assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE, "{route}");
            let body: Value =
                serde_json::from_slice(&response.bytes().await.expect("a whole answer"))
                    .expect("JSON");
            assert!(body["error"]["message"].is_string(), "{body}");
        }
    }
    let bombs = [("zstd", zstd_zeros(1024)), ("gzip", gzip_zeros(48).await)];
    for (encoding, body) in bombs {
        assert!(body.len() < MIB, "{encoding}: {} bytes", body.len());
        for route in ["/v1/chat/completions", "/v1/responses"] {
            let answer = send(
                app.request(route, body.clone())
                    .header("content-encoding", encoding),
            )
            .await;
            answer.expect_error(413);
        }
    }
    expect_unharmed(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encodings() {
    let app = app("encodings").await;
    let body = app.chat_body("say:packed", false).to_string();
    let packed = gzip(body.as_bytes()).await;
    let answer = send(
        app.request("/v1/chat/completions", packed.clone())
            .header("content-encoding", "gzip"),
    )
    .await;
    assert_eq!(answer.text(), "packed");
    let before = app.upstream_requests().len();
    for encoding in ["gzip", "zstd", "br", "deflate"] {
        let request = app
            .request("/v1/chat/completions", body.clone())
            .header("content-encoding", encoding);
        expect_invalid(&send(request).await, encoding);
    }
    let cut = packed[..packed.len() / 2].to_vec();
    expect_invalid(
        &send(
            app.request("/v1/chat/completions", cut)
                .header("content-encoding", "gzip"),
        )
        .await,
        "cut gzip",
    );
    send(
        app.request("/v1/chat/completions", body)
            .header("content-encoding", "rot13"),
    )
    .await
    .expect_error(415);
    assert_eq!(app.upstream_requests().len(), before);
}

/// F117: a proxy that is not there is named as the reason, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_proxy() {
    let mut app = TestApp::new("dead-proxy")
        .account(codex("only"))
        .start()
        .await;
    assert!(app.stop().await.success());
    for (key, value) in [
        ("proxy.url", "http://127.0.0.1:1"),
        ("proxy.enabled", "true"),
        ("proxy.no_proxy", "example.com"),
    ] {
        app.set(key, value);
    }
    app.serve().await;
    for stream in [false, true] {
        let answer = app
            .post("/v1/chat/completions", &app.chat_body("say:x", stream))
            .await;
        assert!(answer.status.is_server_error(), "{}", answer.status);
        let error = answer.expect_error(answer.status.as_u16());
        let message = error["message"].as_str().unwrap_or_default().to_lowercase();
        assert!(
            message.contains("proxy") || message.contains("connect"),
            "{message}"
        );
    }
    assert!(app.stop().await.success());
    app.set("proxy.enabled", "false");
    app.serve().await;
    expect_unharmed(&app).await;
}

async fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(plain).await.expect("packing in memory");
    encoder.shutdown().await.expect("packing in memory");
    encoder.into_inner()
}

async fn gzip_zeros(mib: usize) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    let zeros = vec![0_u8; MIB];
    for _ in 0..mib {
        encoder.write_all(&zeros).await.expect("packing in memory");
    }
    encoder.shutdown().await.expect("packing in memory");
    encoder.into_inner()
}

/// A Zstandard frame of blocks that each say "131072 times this byte".
fn zstd_zeros(mib: usize) -> Vec<u8> {
    const BLOCK: u32 = 128 * 1024;
    const REPEATED: u32 = 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let blocks = mib * 8;
    for number in 1..=blocks {
        let last = u32::from(number == blocks);
        let header = last | (REPEATED << 1) | (BLOCK << 3);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame
}

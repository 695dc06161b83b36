use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use engine::env::Env;
use engine::home::Home;
use engine::{OpenOptions, VaultChoice};
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;

const PAGE: &[Asset] = &[
    Asset {
        path: "index.html",
        media_type: "text/html; charset=utf-8",
        gzip: b"the page",
    },
    Asset {
        path: "assets/index-1.js",
        media_type: "text/javascript; charset=utf-8",
        gzip: b"the script",
    },
];

struct Console {
    _folder: tempfile::TempDir,
    engine: Arc<Engine>,
    router: Router,
    opens: Opens,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Console {
    async fn open(page: &'static [Asset]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = Home::at(&folder.path().join("home"))
            .unwrap()
            .lock()
            .unwrap();
        let env = Env::from_pairs(Vec::<(String, String)>::new());
        let mut options = OpenOptions::new(lock, env).unwrap();
        options.vault = VaultChoice::Memory;
        options.flags = vec![("server.port".into(), "0".into())];
        let engine = Engine::open(options).await.unwrap();
        let (pass, opens) = Pass::generate().unwrap();
        Self {
            _folder: folder,
            router: router(engine.clone(), pass, page),
            engine,
            opens,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:8786");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.opens.token.expose_secret())
    }

    async fn call(&self, method: Method, path: &str, body: &str) -> Reply {
        let bearer = self.bearer();
        self.send(method, path, &[("authorization", &bearer)], body)
            .await
    }

    async fn end(self) {
        self.engine.shutdown(Duration::ZERO).await;
    }
}

/// F28: nothing but the page without the console's own token; a gateway key is not one.
#[tokio::test]
async fn f28_the_api_needs_the_consoles_own_token() {
    let console = Console::open(PAGE).await;
    let key = console.engine.key(engine::DEFAULT_KEY).unwrap();
    let key = format!("Bearer {}", key.expose_secret());
    let ticket = format!("Bearer {}", console.opens.ticket.expose_secret());
    let bare = console.opens.token.expose_secret();
    let wrong = format!("{}x", console.bearer());
    for headers in [
        &[][..],
        &[("authorization", key.as_str())],
        &[("authorization", ticket.as_str())],
        &[("authorization", bare)],
        &[("authorization", wrong.as_str())],
        &[("authorization", "Bearer ")],
        &[("x-api-key", bare)],
    ] {
        for path in [
            "/status",
            "/accounts",
            "/events",
            "/no/such/call",
            "/accounts/export",
            "",
        ] {
            let path = format!("/admin/v1{path}");
            let reply = console.send(Method::GET, &path, headers, "").await;
            assert_eq!(reply.status, 401, "{path}");
            let error = &reply.json()["error"];
            assert_eq!(
                (&error["code"], &error["action"]),
                (&json!("unauthorized"), &json!("log_in"))
            );
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    let path = format!("/admin/v1/status?token={bare}");
    assert_eq!(console.send(Method::GET, &path, &[], "").await.status, 401);
    let reply = console.call(Method::GET, "/admin/v1/status", "").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["desktop"], false);
    assert_eq!(reply.header("cache-control"), "no-store");
    console.end().await;
}

/// F29: neither another name for this machine nor a page from elsewhere.
#[tokio::test]
async fn f29_foreign_hosts_and_origins_are_refused() {
    let console = Console::open(PAGE).await;
    let bearer = console.bearer();
    let own = ("authorization", bearer.as_str());
    for (headers, expected) in [
        (vec![("host", "127.0.0.1:8786")], 200),
        (vec![("host", "localhost:9000")], 200),
        (vec![("host", "LOCALHOST")], 200),
        (vec![("host", "[::1]:8786")], 200),
        (vec![("host", "rebound.example.com:8786")], 403),
        (vec![("host", "127.0.0.1.example.com")], 403),
        (vec![("host", "192.168.1.5:8786")], 403),
        (vec![("host", "")], 403),
        (vec![("origin", "http://127.0.0.1:8786")], 200),
        (vec![("origin", "http://localhost:8786")], 403),
        (vec![("origin", "http://127.0.0.1:8787")], 403),
        (vec![("origin", "https://127.0.0.1:8786")], 403),
        (vec![("origin", "https://example.com")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "same-origin")], 200),
        (vec![("sec-fetch-site", "none")], 200),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
    ] {
        let mut sent = headers.clone();
        sent.push(own);
        let reply = console
            .send(Method::GET, "/admin/v1/status", &sent, "")
            .await;
        assert_eq!(reply.status, expected, "{headers:?}");
        if expected == 403 {
            assert_eq!(reply.json()["error"]["code"], "forbidden", "{headers:?}");
        }
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    let foreign = [("host", "rebound.example.com")];
    assert_eq!(
        console.send(Method::GET, "/", &foreign, "").await.status,
        403
    );
    let preflight = [
        ("origin", "https://example.com"),
        ("access-control-request-method", "POST"),
    ];
    let reply = console
        .send(Method::OPTIONS, "/admin/v1/accounts", &preflight, "")
        .await;
    assert_eq!(reply.status, 403);
    console.end().await;
}

/// F9, F28: exports, files of this machine and secrets are not there, with a token neither.
#[tokio::test]
async fn f9_exports_and_secrets_are_not_there() {
    let console = Console::open(PAGE).await;
    for (method, path) in [
        (Method::POST, "/accounts/export"),
        (Method::POST, "/accounts/import/files"),
        (Method::GET, "/local/key/default"),
        (Method::POST, "/local/key/x"),
        (Method::POST, "/local/key-rotation"),
        (Method::POST, "/local/export"),
        (Method::GET, "/keys/default/secret"),
        (Method::POST, "/clipboard/key"),
        (Method::PUT, "/status"),
    ] {
        let reply = console
            .call(method.clone(), &format!("/admin/v1{path}"), "{}")
            .await;
        assert_eq!(reply.status, 404, "{method} {path}");
        assert_eq!(
            reply.json()["error"]["code"],
            "not_found",
            "{method} {path}"
        );
    }
    let key = console.engine.key(engine::DEFAULT_KEY).unwrap();
    for path in ["/status", "/overview", "/keys", "/settings", "/accounts"] {
        let reply = console
            .call(Method::GET, &format!("/admin/v1{path}"), "")
            .await;
        assert_eq!(reply.status, 200, "{path}");
        let text = String::from_utf8(reply.body).unwrap();
        for secret in [&key, &console.opens.token, &console.opens.ticket] {
            assert!(!text.contains(secret.expose_secret()), "{path}");
        }
    }
    console.end().await;
}

/// F28: the page comes with a strict policy, and without a token: there is nothing in it.
#[tokio::test]
async fn f28_the_page_is_served_under_a_strict_policy() {
    let console = Console::open(PAGE).await;
    for (path, body, keeping) in [
        ("/", "the page", "no-store"),
        ("/index.html", "the page", "no-store"),
        (
            "/assets/index-1.js",
            "the script",
            "public, max-age=31536000, immutable",
        ),
    ] {
        let reply = console.send(Method::GET, path, &[], "").await;
        assert_eq!(
            (reply.status.as_u16(), reply.body.as_slice()),
            (200, body.as_bytes())
        );
        assert_eq!(reply.header("content-encoding"), "gzip");
        assert_eq!(reply.header("cache-control"), keeping);
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("connect-src 'self'"));
        for never in ["unsafe", "http:", "https:", "*"] {
            assert!(!policy.contains(never), "{policy}");
        }
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("x-frame-options"), "DENY");
    }
    for path in ["/assets/../secrets", "/assets/none.js", "/v1/models"] {
        let reply = console.send(Method::GET, path, &[], "").await;
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.json()["error"]["code"], "not_found", "{path}");
    }
    console.end().await;
}

#[tokio::test]
async fn a_build_without_the_page_says_how_to_get_one() {
    let console = Console::open(&[]).await;
    let reply = console.send(Method::GET, "/", &[], "").await;
    assert_eq!(reply.status, 503);
    assert!(
        String::from_utf8(reply.body)
            .unwrap()
            .contains("npm run build")
    );
    let status = console.call(Method::GET, "/admin/v1/status", "").await;
    assert_eq!(status.status, 200, "the API is there all the same");
    console.end().await;
}

/// The link's ticket is good once, for a token of the page's own making.
#[tokio::test]
async fn a_ticket_is_good_once() {
    let console = Console::open(PAGE).await;
    let ticket = format!("Bearer {}", console.opens.ticket.expose_secret());
    let path = "/admin/v1/console/session";
    let mine = "p".repeat(43);
    let body = |token: &str| json!({ "token": token }).to_string();
    for (bearer, token, origin, expected) in [
        (ticket.as_str(), "short", None, 400),
        (
            ticket.as_str(),
            "with blanks and more than forty-three characters",
            None,
            400,
        ),
        ("Bearer wrong", mine.as_str(), None, 401),
        (
            ticket.as_str(),
            mine.as_str(),
            Some("https://example.com"),
            403,
        ),
        (ticket.as_str(), mine.as_str(), None, 204),
        (ticket.as_str(), mine.as_str(), None, 401),
        (
            ticket.as_str(),
            "another-token-of-a-second-page-0123456789-0123",
            None,
            401,
        ),
    ] {
        let mut headers = vec![("authorization", bearer)];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let reply = console
            .send(Method::POST, path, &headers, &body(token))
            .await;
        assert_eq!(reply.status.as_u16(), expected, "{bearer} {token}");
        assert!(!String::from_utf8_lossy(&reply.body).contains(token));
    }
    for body in ["", "{", "[]", "{\"token\":7}"] {
        let reply = console.send(Method::POST, path, &[], body).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error"]["code"], "invalid");
    }
    for (token, expected) in [
        (mine.as_str(), 200),
        (console.opens.token.expose_secret(), 200),
        ("q", 401),
    ] {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        let reply = console
            .send(Method::GET, "/admin/v1/status", &headers, "")
            .await;
        assert_eq!(reply.status.as_u16(), expected);
    }
    let (pass, opens) = Pass::generate().unwrap();
    let shown = format!("{pass:?} {opens:?}");
    assert!(
        !shown.contains(opens.token.expose_secret())
            && !shown.contains(opens.ticket.expose_secret())
    );
    console.end().await;
}

/// The events come over the same road, and end with the engine.
#[tokio::test]
async fn events_are_streamed() {
    let console = Console::open(PAGE).await;
    let bearer = console.bearer();
    let request = Request::get("/admin/v1/events")
        .header("host", "127.0.0.1:8786")
        .header("authorization", &bearer)
        .body(Body::empty())
        .unwrap();
    let response = console.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let key = engine::NewKeyAccount {
        kind: "relay".into(),
        label: "relay".into(),
        base_url: "http://127.0.0.1:9/v1".into(),
        format: "openai".into(),
        key: SecretString::from("sk-of-the-relay"),
        models: None,
        group: None,
        priority: None,
        proxy: None,
        extras: Default::default(),
    };
    console.engine.add_key_account(key).await.unwrap();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let text = String::from_utf8(frame.to_vec()).unwrap();
    assert!(
        text.starts_with("data: {\"type\":\"account_changed\"")
            && !text.contains("sk-of-the-relay"),
        "{text}"
    );
    console.end().await;
}

/// Larger than the usual limit of JSON bodies: an account file of several MiB is pasted whole (F10).
#[tokio::test]
async fn a_large_import_fits() {
    let console = Console::open(PAGE).await;
    let text = format!("# {}\n", "x".repeat(3 << 20));
    let body = json!({ "text": text, "dry_run": true }).to_string();
    let reply = console
        .call(Method::POST, "/admin/v1/accounts/import", &body)
        .await;
    assert_eq!(reply.status, 400, "read, and found to hold nothing");
    assert_eq!(reply.json()["error"]["code"], "invalid");
    console.end().await;
}

/// F28: off unless asked for: the gateway's own listener has none of it, with any token.
#[tokio::test]
async fn f28_the_gateway_has_no_admin_routes() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let console = Console::open(PAGE).await;
    let address = console.engine.listen().await.unwrap();
    let key = console.engine.key(engine::DEFAULT_KEY).unwrap();
    for token in [key.expose_secret(), console.opens.token.expose_secret()] {
        for path in [
            "/admin/v1/status",
            "/admin/v1/accounts",
            "/admin/v1/accounts/export",
            "/index.html",
        ] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let status = answer.split(' ').nth(1).unwrap();
            assert!(matches!(status, "404" | "401"), "{path}: {status}");
        }
    }
    console.end().await;
}

/// It listens on loopback, and moves when its port is busy.
#[tokio::test]
async fn it_listens_on_loopback_only() {
    let console = Console::open(PAGE).await;
    let busy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = busy.local_addr().unwrap().port();
    let (pass, _) = Pass::generate().unwrap();
    let (address, serving) = open(console.engine.clone(), pass, PAGE, port)
        .await
        .unwrap();
    assert!(address.ip().is_loopback() && address.port() != port);
    drop(serving);
    console.end().await;
}

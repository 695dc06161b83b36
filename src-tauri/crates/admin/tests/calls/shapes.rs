//! Every refusal has one shape, whoever wrote it, and each code its status.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use simulator::{Scripted, Step};
use tower::ServiceExt;

use crate::stage::{RELAY_KEY, Stage};

#[tokio::test]
async fn each_code_has_its_status_and_action() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    account.script_at(simulator::Endpoint::Usage, [Step::Http500, Step::Http500]);
    let cases = [
        (
            Method::GET,
            "/accounts/nobody",
            None,
            404,
            "not_found",
            Value::Null,
        ),
        (
            Method::GET,
            "/no/such/call",
            None,
            404,
            "not_found",
            Value::Null,
        ),
        (
            Method::PUT,
            "/accounts",
            Some(json!({})),
            405,
            "not_found",
            Value::Null,
        ),
        (
            Method::POST,
            "/keys",
            Some(json!({"name": ""})),
            400,
            "invalid",
            Value::Null,
        ),
        (
            Method::PUT,
            "/settings/server.port",
            Some(json!({"value": "99999999"})),
            400,
            "invalid",
            Value::Null,
        ),
        (
            Method::POST,
            "/accounts/a@example.com/quota",
            None,
            502,
            "provider",
            json!("try_again"),
        ),
    ];
    for (method, path, body, status, code, action) in cases {
        let reply = stage.call(method.clone(), path, body).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code),
            "{method} {path}: {}",
            reply.text
        );
        assert_eq!(reply.json()["error"]["action"], action, "{method} {path}");
        assert_eq!(reply.headers["content-type"], "application/json");
    }
    stage.end().await;
}

/// A body that cannot be read is refused in the same shape, and what was in it is not repeated.
#[tokio::test]
async fn f30_a_body_that_cannot_be_read_is_not_repeated() {
    let stage = Stage::new().await;
    let cases = [
        ("/accounts", "application/json", "{", 400),
        ("/accounts", "application/json", r#"{"kind": "relay"}"#, 422),
        ("/accounts", "text/plain", "{}", 415),
        ("/accounts", "", "{}", 415),
        (
            "/keys",
            "application/json",
            r#"{"name": {"relay-KEY-that-nobody-may-see-8842": 1}}"#,
            422,
        ),
        (
            "/try",
            "application/json",
            r#"{"protocol": "relay-KEY-that-nobody-may-see-8842", "model": "m", "prompt": "p"}"#,
            422,
        ),
        (
            "/accounts/order",
            "application/json",
            r#"{"ids": "relay-KEY-that-nobody-may-see-8842"}"#,
            422,
        ),
        (
            "/accounts",
            "application/json",
            r#"{"kind": 5, "key": "relay-KEY-that-nobody-may-see-8842"}"#,
            422,
        ),
    ];
    for (path, kind, body, status) in cases {
        let mut request = Request::post(path);
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let response = stage
            .router
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        let text = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["error"]["code"], "invalid", "{text}");
        assert!(!text.contains(RELAY_KEY), "{text}");
    }
    stage.end().await;
}

/// The console offers every call of the document but those that touch files of this machine; the control socket offers all of them.
#[tokio::test]
async fn f28_every_documented_call_has_its_place_on_every_transport() {
    let stage = Stage::new().await;
    let (id, document) = ("nobody", admin::openapi());
    let routers = [
        ("console", admin::router(stage.engine.clone())),
        ("window", admin::window(stage.engine.clone())),
        ("control socket", admin::local::router(stage.engine.clone())),
    ];
    for (path, item) in document["paths"].as_object().unwrap() {
        // A stream without an end.
        if path == "/events" {
            continue;
        }
        for (method, call) in item.as_object().unwrap() {
            for (transport, router) in &routers {
                let uri = path
                    .replace("{id}", id)
                    .replace("{name}", id)
                    .replace("{key}", id);
                // No body fits, so that nothing happens.
                let request = Request::builder()
                    .method(method.to_uppercase().as_str())
                    .uri(uri);
                let response = router
                    .clone()
                    .oneshot(request.body(Body::empty()).unwrap())
                    .await
                    .unwrap();
                let status = response.status();
                let text = axum::body::to_bytes(response.into_body(), 1 << 20)
                    .await
                    .unwrap();
                let text = String::from_utf8(text.to_vec()).unwrap();
                let missing = text.contains("there is no such call")
                    || text.contains("does not take that method");
                let expected = call["tags"][0] == "desktop" && *transport == "console";
                assert_eq!(
                    missing, expected,
                    "{transport} {method} {path}: {status} {text}"
                );
            }
        }
    }
    for (_, router) in routers {
        let request = Request::get("/no/such/call").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
    }
    stage.end().await;
}

//! The Images API of the backend and of a relay, and the hosted tool.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use simulator::{AccountSetup, KeySetup, Setup, Simulator};

use crate::raw::{Answer, send};

const PICTURE: &str = "data:image/png;base64,iVBORw0KGgo=";

async fn draw(plan: &str, path: &str, body: &Value) -> Answer {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("ada@example.com").plan(plan));
    let authorization = format!("Bearer {}", account.access_token);
    let headers = [
        ("authorization", authorization.as_str()),
        ("chatgpt-account-id", account.account_id.as_str()),
    ];
    let path = format!("/backend-api/codex{path}");
    let body = body.to_string();
    send(
        &simulator.base_url(),
        "POST",
        &path,
        &headers,
        body.as_bytes(),
    )
    .await
}

fn is_png(base64: &Value) -> bool {
    let bytes = STANDARD.decode(base64.as_str().unwrap()).unwrap();
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xae\x42\x60\x82")
}

/// codex-backend.md 6.1.
#[tokio::test]
async fn the_native_endpoints_draw_and_refuse() {
    let good = json!({"prompt": "a", "model": "gpt-image-2", "size": "auto", "n": 1});
    let answer = draw("plus", "/images/generations", &good).await;
    assert_eq!(answer.status, 200);
    assert!(is_png(&answer.json()["data"][0]["b64_json"]));
    assert!(answer.json()["usage"]["total_tokens"].is_u64());
    let edit = json!({"prompt": "a", "model": "gpt-image-2", "images": [{"image_url": PICTURE}]});
    assert_eq!(draw("plus", "/images/edits", &edit).await.status, 200);
    for (plan, path, name, value, status) in [
        ("plus", "/images/generations", "prompt", json!(""), 400),
        (
            "plus",
            "/images/generations",
            "model",
            json!("gpt-image-1"),
            400,
        ),
        (
            "plus",
            "/images/generations",
            "moderation",
            json!("low"),
            400,
        ),
        ("plus", "/images/edits", "images", json!([]), 400),
        (
            "plus",
            "/images/edits",
            "images",
            json!([{"image_url": "https://example.com/a.png"}]),
            400,
        ),
        ("free", "/images/generations", "n", json!(1), 403),
    ] {
        let mut body = if path.ends_with("edits") {
            edit.clone()
        } else {
            good.clone()
        };
        body[name] = value;
        let answer = draw(plan, path, &body).await;
        assert_eq!(answer.status, status, "{name}");
        assert!(answer.json()["detail"].is_string(), "{name}");
    }
}

/// codex-backend.md 6.2.
#[tokio::test]
async fn the_hosted_tool_draws_where_it_is_there() {
    let mut body = json!({"model": "gpt-5.5", "instructions": "", "store": false, "stream": true,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "a"}]}],
        "tools": [{"type": "image_generation", "partial_images": 2}], "tool_choice": {"type": "image_generation"}});
    let answer = draw("plus", "/responses", &body).await;
    let text = answer.text();
    assert_eq!(
        text.matches("event: response.image_generation_call.partial_image")
            .count(),
        2
    );
    let done = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap())
        .find(|event| event["item"]["status"] == "completed")
        .unwrap();
    assert_eq!(done["item"]["type"], "image_generation_call");
    assert!(is_png(&done["item"]["result"]));
    body["tools"] = json!([]);
    let refused = draw("plus", "/responses", &body).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("not found in 'tools'"));
}

#[tokio::test]
async fn a_relay_draws_from_json_and_forms() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _ = simulator.add_relay(KeySetup::new("sk").models(&["m"]));
    let _ = simulator.add_relay(KeySetup::new("sk-words").chat_only());
    let form = "--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--x--\r\n";
    let json = r#"{"prompt":"a","model":"m"}"#;
    for (key, path, kind, body, status) in [
        ("sk", "generations", "application/json", json, 200),
        ("sk", "edits", "multipart/form-data; boundary=x", form, 200),
        ("sk", "edits", "application/json", "{}", 400),
        (
            "sk",
            "generations",
            "application/json",
            r#"{"prompt":"a","model":"n"}"#,
            404,
        ),
        ("sk-words", "generations", "application/json", json, 404),
        ("other", "generations", "application/json", json, 401),
    ] {
        let authorization = format!("Bearer {key}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", kind),
        ];
        let path = format!("/v1/images/{path}");
        let answer = send(
            &simulator.base_url(),
            "POST",
            &path,
            &headers,
            body.as_bytes(),
        )
        .await;
        assert_eq!(answer.status, status, "{key} {path} {body}");
    }
}

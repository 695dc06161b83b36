//! The Codex backend: what it refuses, what it sends, its catalogue and its usage document.

use crate::raw::{Answer, ask, codex, send};
use serde_json::{Value, json};
use simulator::{AccountSetup, Quota, Setup, SimAccount, Simulator};

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

/// codex-backend.md 3.5, row by row: change the good body, expect the refusal.
#[tokio::test]
async fn strict_refusals() {
    let rows: Vec<(&str, Value, &str)> = vec![
        ("store", json!(true), "Store must be set to false"),
        ("store", Value::Null, "Store must be set to false"),
        ("stream", json!(false), "Stream must be set to true"),
        ("input", json!("hi"), "Input must be a list"),
        (
            "input",
            json!([{"role": "system", "content": "x"}]),
            "System messages are not allowed",
        ),
        (
            "max_output_tokens",
            json!(5),
            "Unsupported parameter: max_output_tokens",
        ),
        (
            "max_completion_tokens",
            json!(5),
            "Unsupported parameter: max_completion_tokens",
        ),
        (
            "temperature",
            json!(1),
            "Unsupported parameter: temperature",
        ),
        ("top_p", json!(1), "Unsupported parameter: top_p"),
        (
            "previous_response_id",
            json!("resp_1"),
            "Unsupported parameter: previous_response_id",
        ),
        (
            "truncation",
            json!("auto"),
            "Unsupported parameter: truncation",
        ),
        ("user", json!("u"), "Unsupported parameter: user"),
        (
            "prompt_cache_retention",
            json!("24h"),
            "Unsupported parameter: prompt_cache_retention",
        ),
        (
            "safety_identifier",
            json!("s"),
            "Unsupported parameter: safety_identifier",
        ),
        (
            "context_management",
            json!([]),
            "Unsupported parameter: context_management",
        ),
        ("generate", json!(false), "Unsupported parameter: generate"),
        (
            "type",
            json!("response.create"),
            "Unsupported parameter: type",
        ),
        (
            "service_tier",
            json!("flex"),
            "Unsupported service_tier: flex",
        ),
        ("instructions", Value::Null, "Instructions are required"),
        (
            "model",
            json!("gpt-nope"),
            "The 'gpt-nope' model is not supported when using Codex with a ChatGPT account.",
        ),
    ];
    let (simulator, account) = one().await;
    for (name, value, detail) in rows {
        let mut body = ask("hi");
        body[name] = value;
        let answer = codex(&simulator, &account, &body).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(answer.json(), json!({"detail": detail}), "{name}");
    }
    let mut priority = ask("hi");
    priority["service_tier"] = json!("priority");
    assert_eq!(codex(&simulator, &account, &priority).await.status, 200);
    let broken = request(&simulator, &account, "POST", "/codex/responses", &[], b"{").await;
    assert_eq!(
        (broken.status, broken.json()["detail"].is_string()),
        (400, true)
    );
}

/// Calls and outputs belong together; encrypted reasoning belongs to its account (codex-backend.md 9.7).
#[tokio::test]
async fn refused_histories() {
    let (simulator, account) = one().await;
    let other = simulator.add_codex_account(AccountSetup::new("grace@example.com"));
    let mut body = ask("hi");
    body["input"] = json!([{"type": "function_call_output", "call_id": "call_1", "output": "x"}]);
    let answer = codex(&simulator, &account, &body).await.json();
    assert_eq!(
        answer["error"]["message"],
        "No tool call found for function call output with call_id call_1."
    );
    body["input"] =
        json!([{"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}]);
    assert_eq!(
        codex(&simulator, &account, &body).await.json()["error"]["message"],
        "No tool output found for function call call_1."
    );

    let mut thoughtful = ask("hi");
    thoughtful["reasoning"] = json!({"effort": "high", "summary": "auto"});
    thoughtful["include"] = json!(["reasoning.encrypted_content"]);
    let events = codex(&simulator, &account, &thoughtful).await.events();
    let item = events
        .iter()
        .find(|event| {
            event["type"] == "response.output_item.done" && event["item"]["type"] == "reasoning"
        })
        .unwrap()["item"]
        .clone();
    assert!(
        item["encrypted_content"]
            .as_str()
            .unwrap()
            .starts_with("gAAAAA")
    );
    assert_eq!(item["summary"][0]["text"], "Looking at the request.");
    thoughtful["input"].as_array_mut().unwrap().push(item);
    assert_eq!(codex(&simulator, &account, &thoughtful).await.status, 200);
    let refused = codex(&simulator, &other, &thoughtful).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].as_str()),
        (400, Some("invalid_encrypted_content"))
    );
}

/// codex-backend.md 3.3, 5.1 and 9.1: headers, empty values, empty final output.
#[tokio::test]
async fn answers_look_real() {
    let (simulator, account) = one().await;
    account.set_quota(Quota {
        secondary: None,
        ..Quota::used(12.5, 0.0)
    });
    let answer = codex(&simulator, &account, &ask("say:pong")).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    for (name, value) in [
        ("x-codex-primary-used-percent", "12.5"),
        ("x-codex-secondary-used-percent", ""),
        ("x-codex-credits-balance", ""),
        ("x-codex-plan-type", "plus"),
        ("openai-model", "gpt-5.4"),
    ] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
    for name in [
        "x-models-etag",
        "x-request-id",
        "cf-ray",
        "x-codex-turn-state",
        "set-cookie",
    ] {
        assert!(answer.headers.contains_key(name), "{name}");
    }
    let types = answer.types();
    assert_eq!(
        types[..4],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added"
        ]
    );
    assert_eq!(
        types[types.len() - 4..],
        [
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed"
        ]
    );
    let last = answer.events().pop().unwrap();
    assert_eq!(last["response"]["output"], json!([]));
    let usage = &last["response"]["usage"];
    assert_eq!(
        usage["total_tokens"].as_i64(),
        Some(usage["input_tokens"].as_i64().unwrap() + usage["output_tokens"].as_i64().unwrap())
    );
    let ids: std::collections::HashSet<String> = answer
        .events()
        .iter()
        .filter_map(|event| event["response"]["id"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn compressed_bodies() {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    use tokio::io::AsyncWriteExt;
    let (simulator, account) = one().await;
    let plain = ask("say:pong").to_string();
    macro_rules! pack {
        ($encoder:ident) => {{
            let mut encoder = $encoder::new(Vec::new());
            encoder.write_all(plain.as_bytes()).await.unwrap();
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    for (name, packed) in [
        ("zstd", pack!(ZstdEncoder)),
        ("gzip", pack!(GzipEncoder)),
        ("br", pack!(BrotliEncoder)),
        ("deflate", pack!(ZlibEncoder)),
    ] {
        let answer = request(
            &simulator,
            &account,
            "POST",
            "/codex/responses",
            &[("content-encoding", name)],
            &packed,
        )
        .await;
        assert!(answer.text().contains("\"text\":\"pong\""), "{name}");
        assert_eq!(simulator.requests().pop().unwrap().body, plain, "{name}");
    }
    assert_eq!(
        request(
            &simulator,
            &account,
            "POST",
            "/codex/responses",
            &[("content-encoding", "zstd")],
            b"junk"
        )
        .await
        .status,
        400
    );
}

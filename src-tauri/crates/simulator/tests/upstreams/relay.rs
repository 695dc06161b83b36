//! OpenAI-format relays: shapes, life cycles, refusals.

use crate::raw::{post, send};
use serde_json::{Value, json};
use simulator::{KeySetup, Setup, Simulator};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

async fn one(key: KeySetup) -> Simulator {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _ = simulator.add_relay(key);
    simulator
}

fn chat(text: &str, more: Value) -> Value {
    merge(
        json!({"model": "m", "messages": [{"role": "user", "content": text}]}),
        more,
    )
}

fn responses(text: &str, more: Value) -> Value {
    merge(json!({"model": "m", "input": text}), more)
}

fn merge(mut body: Value, more: Value) -> Value {
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

/// T176, T177: role first, one id, one finish reason in a chunk of its own, usage only when asked, `[DONE]` at the end.
#[tokio::test]
async fn chat_streams() {
    let simulator = one(KeySetup::new("sk")).await;
    for (usage, more) in [
        (false, json!({"stream": true})),
        (
            true,
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
    ] {
        let answer = post(&simulator, CHAT, "sk", &chat("say:\"one two three\"", more)).await;
        assert_eq!(
            answer.headers["content-type"],
            "text/event-stream; charset=utf-8"
        );
        assert!(answer.text().ends_with("data: [DONE]\n\n") && !answer.text().contains("event:"));
        let mut chunks = answer.events();
        if usage {
            let last = chunks.pop().unwrap();
            assert_eq!(last["choices"], json!([]));
            assert_eq!(
                last["usage"]["total_tokens"].as_i64(),
                Some(
                    last["usage"]["prompt_tokens"].as_i64().unwrap()
                        + last["usage"]["completion_tokens"].as_i64().unwrap()
                )
            );
        }
        assert!(
            chunks.iter().all(
                |chunk| chunk["id"] == chunks[0]["id"] && chunk.get("usage").is_some() == usage
            )
        );
        assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
        let finishes: Vec<&Value> = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0]["finish_reason"])
            .filter(|finish| !finish.is_null())
            .collect();
        assert_eq!(finishes, [&json!("stop")]);
        let text: Vec<&str> = chunks
            .iter()
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert!(text.len() > 2);
        assert_eq!(text.concat(), "one two three");
    }
}

/// The stream, put together, is the plain answer.
#[tokio::test]
async fn streams_equal_documents() {
    let tools = json!([{"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}},
        {"type": "custom", "custom": {"name": "g"}}]);
    let simulator = one(KeySetup::new("sk")).await;
    let plain = post(
        &simulator,
        CHAT,
        "sk",
        &chat("two tools", json!({"tools": tools})),
    )
    .await
    .json();
    let stream = post(
        &simulator,
        CHAT,
        "sk",
        &chat("two tools", json!({"tools": tools, "stream": true})),
    )
    .await
    .events();
    let message = &plain["choices"][0]["message"];
    assert_eq!(
        (
            plain["choices"][0]["finish_reason"].as_str(),
            message["content"].is_null()
        ),
        (Some("tool_calls"), true)
    );
    for index in 0..2 {
        let deltas: Vec<&Value> = stream
            .iter()
            .flat_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array())
            .flatten()
            .filter(|call| call["index"] == index)
            .collect();
        let kind = deltas[0]["type"].as_str().unwrap();
        assert_eq!(message["tool_calls"][index]["type"], kind);
        let field = if kind == "custom" {
            "input"
        } else {
            "arguments"
        };
        let joined: String = deltas
            .iter()
            .filter_map(|delta| delta[kind][field].as_str())
            .collect();
        assert_eq!(message["tool_calls"][index][kind][field], joined);
        assert!(deltas[0]["id"].as_str().unwrap().starts_with("call_"));
    }
    let plain = post(
        &simulator,
        RESPONSES,
        "sk",
        &responses("say:same", json!({"reasoning": {"summary": "auto"}})),
    )
    .await
    .json();
    let mut events = post(
        &simulator,
        RESPONSES,
        "sk",
        &responses(
            "say:same",
            json!({"reasoning": {"summary": "auto"}, "stream": true}),
        ),
    )
    .await
    .events();
    let last = events.pop().unwrap()["response"].clone();
    assert_eq!(plain["output"][1]["content"], last["output"][1]["content"]);
    assert_eq!(plain["usage"], last["usage"]);
    let done: Vec<Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .map(|event| event["item"].clone())
        .collect();
    assert_eq!(last["output"], json!(done));
    assert!(
        last["output"][0].get("encrypted_content").is_none(),
        "encrypted reasoning only when asked for"
    );
}

#[tokio::test]
async fn keys_choose_endpoints() {
    let rows = [
        (KeySetup::new("sk").chat_only(), [200, 404, 404]),
        (KeySetup::new("sk").responses_only(), [404, 200, 200]),
        (KeySetup::new("sk"), [200, 200, 200]),
    ];
    for (key, expected) in rows {
        let simulator = one(key).await;
        let statuses = [
            post(&simulator, CHAT, "sk", &chat("x", json!({})))
                .await
                .status,
            post(&simulator, RESPONSES, "sk", &responses("x", json!({})))
                .await
                .status,
            post(
                &simulator,
                "/v1/responses/compact",
                "sk",
                &responses("x", json!({})),
            )
            .await
            .status,
        ];
        assert_eq!(statuses, expected);
    }
    let simulator = one(KeySetup::new("sk").models(&["a", "b"])).await;
    let get = async |path: &str| {
        send(
            &simulator.base_url(),
            "GET",
            path,
            &[("authorization", "Bearer sk")],
            b"",
        )
        .await
    };
    let list = get("/v1/models").await.json();
    assert_eq!(
        (list["object"].as_str(), list["data"][1]["id"].as_str()),
        (Some("list"), Some("b"))
    );
    assert_eq!(get("/v1/models/a").await.json()["object"], "model");
    assert_eq!(get("/v1/models/c").await.status, 404);
    assert_eq!(get("/v1/responses").await.status, 426);
}

/// Two demo accounts that answer, and whose quota falls.
#[tokio::test]
async fn demo() {
    let demo = Simulator::demo().await.unwrap();
    let [ada, grace] = &demo.accounts[..] else {
        panic!("two accounts")
    };
    let before = ada.quota().primary.unwrap().used_percent;
    assert_eq!(
        crate::raw::codex(&demo.simulator, ada, &crate::raw::ask("hi"))
            .await
            .last_type(),
        "response.completed"
    );
    assert_eq!(ada.quota().primary.unwrap().used_percent, before + 10.0);
    assert!(grace.quota().primary.unwrap().used_percent < before);
    assert!(grace.auth_json().contains("refresh_token"));
}

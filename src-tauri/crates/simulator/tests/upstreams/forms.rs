//! The form of requests: what relays refuse, and that nothing recorded from real clients is refused.

use serde_json::{Value, json};
use simulator::{KeySetup, Setup, Simulator};

use crate::raw::{Answer, post};

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

fn error_of(answer: &Answer) -> (u16, Value, Value) {
    let error = &answer.json()["error"];
    assert!(error["message"].is_string() && error["type"].is_string());
    (answer.status, error["code"].clone(), error["param"].clone())
}

#[tokio::test]
async fn refusals() {
    let simulator = one(KeySetup::new("sk").models(&["m"])).await;
    let rows = [
        (
            CHAT,
            "bad",
            chat("x", json!({})),
            (401, json!("invalid_api_key"), Value::Null),
        ),
        (
            CHAT,
            "sk",
            chat("x", json!({"model": "other"})),
            (404, json!("model_not_found"), Value::Null),
        ),
        (
            CHAT,
            "sk",
            json!({"model": "m"}),
            (400, json!("missing_required_parameter"), json!("messages")),
        ),
        (CHAT, "sk", json!([]), (400, Value::Null, Value::Null)),
        (
            CHAT,
            "sk",
            json!({"model": "m", "messages": [{"role": "robot"}]}),
            (400, json!("invalid_value"), json!("messages[0].role")),
        ),
        (
            CHAT,
            "sk",
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "x", "content": ""}]}),
            (400, Value::Null, json!("messages.[0].role")),
        ),
        (
            CHAT,
            "sk",
            chat(
                "x",
                json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
            ),
            (400, Value::Null, json!("tool_choice")),
        ),
        (
            RESPONSES,
            "sk",
            json!({"model": "m"}),
            (400, json!("missing_required_parameter"), json!("input")),
        ),
        (
            RESPONSES,
            "sk",
            json!({"model": "m", "input": 5}),
            (400, json!("invalid_type"), json!("input")),
        ),
        (
            RESPONSES,
            "sk",
            responses("x", json!({"previous_response_id": "r"})),
            (
                400,
                json!("previous_response_not_found"),
                json!("previous_response_id"),
            ),
        ),
        (
            "/v1/nowhere",
            "sk",
            json!({}),
            (404, Value::Null, Value::Null),
        ),
    ];
    for (path, key, body, expected) in rows {
        let answer = post(&simulator, path, key, &body).await;
        assert_eq!(error_of(&answer), expected, "{path} {body}");
        assert!(answer.headers.contains_key("x-request-id"));
    }
}

/// What a careless translation would send.
#[tokio::test]
async fn refused_forms() {
    let simulator = one(KeySetup::new("sk")).await;
    let item = |item: Value| json!({"model": "m", "store": false, "input": [{"role": "user", "content": "x"}, item]});
    let tool = |tool: Value| responses("x", json!({"tools": [tool]}));
    let message = |message: Value| json!({"model": "m", "messages": [message]});
    let open_schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let loose_schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let rows = [
        (
            RESPONSES,
            responses("x", json!({"messages": []})),
            400,
            json!("messages"),
        ),
        (
            RESPONSES,
            responses("x", json!({"response_format": {}})),
            400,
            json!("response_format"),
        ),
        (
            RESPONSES,
            item(json!({"role": "user", "content": [{"type": "text", "text": "x"}]})),
            400,
            json!("input[1].content[0].type"),
        ),
        (
            RESPONSES,
            item(json!({"role": "assistant", "content": [{"type": "input_text", "text": "x"}]})),
            400,
            json!("input[1].content[0].type"),
        ),
        (
            RESPONSES,
            item(json!({"type": "message", "role": "user", "content": "x", "id": "item_1"})),
            400,
            json!("input[1].id"),
        ),
        (
            RESPONSES,
            item(
                json!({"type": "function_call", "call_id": "c".repeat(65), "name": "f", "arguments": "{}"}),
            ),
            400,
            json!("input[1].call_id"),
        ),
        (
            RESPONSES,
            item(json!({"type": "reasoning", "id": "rs_1", "summary": []})),
            404,
            json!("input"),
        ),
        (
            RESPONSES,
            item(json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "x"})),
            400,
            json!("input[1].summary"),
        ),
        (
            RESPONSES,
            tool(json!({"type": "function", "function": {"name": "f"}})),
            400,
            json!("tools[0].name"),
        ),
        (
            RESPONSES,
            tool(json!({"type": "function", "name": "a.b"})),
            400,
            json!("tools[0].name"),
        ),
        (
            RESPONSES,
            tool(
                json!({"type": "function", "name": "f", "strict": true, "parameters": open_schema}),
            ),
            400,
            json!("tools[0].parameters"),
        ),
        (
            RESPONSES,
            tool(
                json!({"type": "function", "name": "f", "strict": true, "parameters": loose_schema}),
            ),
            400,
            json!("tools[0].parameters"),
        ),
        (CHAT, chat("x", json!({"input": "x"})), 400, Value::Null),
        (
            CHAT,
            chat("x", json!({"tools": [{"type": "function", "name": "f"}]})),
            400,
            json!("tools[0].function.name"),
        ),
        (
            CHAT,
            message(json!({"role": "user", "content": [{"type": "input_text", "text": "x"}]})),
            400,
            json!("messages[0].content[0].type"),
        ),
        (
            CHAT,
            message(
                json!({"role": "system", "content": [{"type": "image_url", "image_url": {"url": ""}}]}),
            ),
            400,
            json!("messages[0].content[0].type"),
        ),
    ];
    // The pairing check comes first, so a lone call needs its output.
    for (path, mut body, status, param) in rows {
        if let Some(id) = body["input"][1]["call_id"].as_str().map(str::to_owned) {
            body["input"]
                .as_array_mut()
                .unwrap()
                .push(json!({"type": "function_call_output", "call_id": id, "output": ""}));
        }
        let answer = post(&simulator, path, "sk", &body).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (status, &param),
            "{path} {body}"
        );
    }
}

/// Bodies that real clients sent are understood: whatever was recorded must not be refused for its form.
#[tokio::test]
async fn recorded_requests() {
    let near = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared");
    let folder =
        std::env::var("SWITCHYARD_SHARED").unwrap_or_else(|_| near.to_owned()) + "/captures";
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("recorded requests skipped: {folder} is not there");
        return;
    };
    let simulator = one(KeySetup::new("sk")).await;
    let mut count = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let Ok(recorded) = serde_json::from_slice::<Value>(&std::fs::read(&path).unwrap()) else {
            continue;
        };
        for request in recorded.as_array().into_iter().flatten() {
            let body = &request["body"];
            let target = if body.get("messages").is_some() && request["path"] == CHAT {
                CHAT
            } else {
                RESPONSES
            };
            if request["method"] != "POST"
                || !request["path"]
                    .as_str()
                    .is_some_and(|path| path.ends_with(target.trim_start_matches("/v1")))
                || request["outcome"] != "ok"
            {
                continue;
            }
            let answer = post(&simulator, target, "sk", body).await;
            assert_eq!(answer.status, 200, "{}: {}", path.display(), answer.text());
            count += 1;
        }
    }
    println!("{count} recorded requests answered");
}

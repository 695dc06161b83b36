//! The Gemini dialect on the whole road: over every kind of account, and every other dialect over a Gemini relay (F26, F80, F81, F88, F100).

use gateway::{Catalog, Model};
use pool::Format;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::{Reply, Stage};

const FORMATS: [Format; 4] = [
    Format::OpenAi,
    Format::Responses,
    Format::Anthropic,
    Format::Gemini,
];
const WHOLE: &str = "/v1beta/models/gemini-3-pro:generateContent";
const STREAM: &str = "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse";
const ARRAY: &str = "/v1/models/gemini-3-pro:streamGenerateContent";

fn ask(words: &str) -> Value {
    json!({
        "systemInstruction": {"parts": [{"text": "Help."}]},
        "contents": [{"role": "user", "parts": [{"text": words}]}],
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}}]}],
        "generationConfig": {"maxOutputTokens": 32_000, "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "high"}},
    })
}

/// The parts of an answer, however it came, and its finish reason.
fn content(reply: &Reply) -> (Vec<Value>, String) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let pieces = match reply.headers["content-type"].to_str().unwrap() {
        "application/json" => match reply.json() {
            Value::Array(pieces) => pieces,
            whole => vec![whole],
        },
        _ => {
            // T162: nothing but data, and a blank line behind the last piece.
            assert!(reply.text.ends_with("\n\n"));
            let only = |line: &str| line.is_empty() || line.starts_with("data: {");
            assert!(reply.text.lines().all(only), "{}", reply.text);
            reply.events()
        }
    };
    let mut parts: Vec<Value> = Vec::new();
    let mut finish = String::new();
    for piece in &pieces {
        assert!(finish.is_empty(), "nothing after the end: {}", reply.text);
        let candidate = &piece["candidates"][0];
        for part in candidate["content"]["parts"].as_array().unwrap() {
            parts.push(part.clone());
        }
        if let Some(word) = candidate["finishReason"].as_str() {
            finish = word.to_owned();
            assert!(piece["usageMetadata"]["totalTokenCount"].is_u64());
        }
    }
    (parts, finish)
}

fn words(parts: &[Value], thought: bool) -> String {
    parts
        .iter()
        .filter(|part| part["thought"].as_bool().unwrap_or(false) == thought)
        .filter_map(|part| part["text"].as_str())
        .collect()
}

/// The next turn as the vendor's own tools write it: thoughts are dropped, results name the tool alone.
fn next(before: &Value, parts: &[Value]) -> Value {
    let mut body = before.clone();
    let kept: Vec<&Value> = parts
        .iter()
        .filter(|part| part["thought"] != true && part["text"] != "")
        .collect();
    let results: Vec<Value> = parts
        .iter()
        .filter_map(|part| part.get("functionCall"))
        .map(|call| json!({"functionResponse": {"name": call["name"], "response": {"result": "rain"}}}))
        .collect();
    let contents = body["contents"].as_array_mut().unwrap();
    contents.push(json!({"role": "model", "parts": kept}));
    contents.push(json!({"role": "user", "parts": results}));
    body
}

async fn round_trip(stage: &Stage, name: &str, path: &str) {
    let body = ask(r#"think:"hm" call:get_weather{"city":"Bern"}"#);
    let (parts, finish) = content(&stage.post(path, &body).await);
    assert_eq!(finish, "STOP", "{name}");
    assert_eq!(words(&parts, true), "hm", "{name}");
    let calls: Vec<_> = parts
        .iter()
        .filter_map(|part| part.get("functionCall"))
        .collect();
    assert_eq!(calls[0]["name"], "get_weather", "{name}");
    assert_eq!(calls[0]["args"], json!({"city": "Bern"}), "{name}");
    let second = next(&body, &parts);
    let (parts, finish) = content(&stage.post(path, &second).await);
    assert_eq!(finish, "STOP", "{name}");
    let text = words(&parts, false);
    assert!(text.contains("rain"), "{name}: {text}");
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(
        (entry.dialect, path.contains(entry.model.as_str())),
        ("gemini", true)
    );
    assert!(entry.usage.is_some(), "{name}");
}

#[tokio::test]
async fn f80_a_tool_round_trip_over_every_kind_of_account() {
    for path in [WHOLE, STREAM, ARRAY] {
        for format in FORMATS {
            let mut stage = Stage::set().await;
            stage.relay("relay", format);
            round_trip(&stage, format.as_str(), path).await;
            let (_, second) = stage.asked().pop().unwrap();
            if format == Format::Anthropic {
                // T89: the very thought, though the client has dropped the words of it.
                let turn = &second["messages"][1]["content"][0];
                assert_eq!(
                    (&turn["type"], &turn["thinking"]),
                    (&json!("thinking"), &json!("hm"))
                );
            }
            let tool = second["tools"][0].to_string();
            assert!(
                format == Format::Gemini || tool.contains(r#""type":"object""#),
                "{tool}"
            );
        }
        let mut stage = Stage::set().await;
        stage.codex("codex");
        round_trip(&stage, "codex", &path.replace("gemini-3-pro", "gpt-5.5")).await;
        let (_, second) = stage.asked().pop().unwrap();
        let sealed =
            |item: &Value| item["type"] == "reasoning" && item["encrypted_content"].is_string();
        assert!(
            second["input"].as_array().unwrap().iter().any(sealed),
            "T94"
        );
    }
}

#[tokio::test]
async fn f88_other_dialects_over_a_gemini_relay() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        stage.relay("gemini", Format::Gemini);
        let model = "gemini-3-pro";
        let schema = json!({"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "additionalProperties": false});
        let words = r#"call:get_weather{"city":"Bern"}"#;

        let chat = json!({"model": model, "stream": stream, "reasoning_effort": "low", "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}],
            "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": words}]});
        let reply = stage.post("/v1/chat/completions", &chat).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.text.contains("tool_calls") && reply.text.contains("Bern"));
        let mut again = chat.clone();
        again["messages"] = json!([{"role": "user", "content": words},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "rain"}]);
        let reply = stage.post("/v1/chat/completions", &again).await;
        assert!(
            reply.status == 200 && reply.text.contains("rain"),
            "T108: {}",
            reply.text
        );

        let messages = json!({"model": model, "stream": false, "max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 9_000},
            "tools": [{"name": "get_weather", "input_schema": schema}], "messages": [{"role": "user", "content": words}]});
        let reply = stage.post("/v1/messages", &messages).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let blocks = reply.json()["content"].clone();
        let mut again = messages.clone();
        again["messages"] = json!([{"role": "user", "content": words}, {"role": "assistant", "content": blocks},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": blocks.as_array().unwrap().last().unwrap()["id"], "content": "rain"}]}]);
        let reply = stage.post("/v1/messages", &again).await;
        assert!(
            reply.status == 200 && reply.text.contains("rain"),
            "{}",
            reply.text
        );
        let (_, sent) = stage.asked().pop().unwrap();
        let proof = sent["contents"][1]["parts"][0]["thoughtSignature"]
            .as_str()
            .unwrap();
        assert_ne!(
            proof, "skip_thought_signature_validator",
            "T93: the vendor's own"
        );

        let responses = json!({"model": model, "stream": stream, "reasoning": {"effort": "low", "summary": "auto"},
            "input": "think:\"hm\" say:hello"});
        let reply = stage.post("/v1/responses", &responses).await;
        assert!(
            reply.status == 200 && reply.text.contains("hello"),
            "{}",
            reply.text
        );

        let seen = stage.simulator.requests();
        let request = seen.last().unwrap();
        // F100: the key in the dialect's own header; F99: the model in the path.
        assert!(
            request.header("x-goog-api-key").is_some() && request.header("authorization").is_none()
        );
        let action = if stream {
            "streamGenerateContent"
        } else {
            "generateContent"
        };
        assert_eq!(request.path, format!("/v1/models/gemini-3-pro:{action}"));
        assert_eq!(request.query, if stream { "alt=sse" } else { "" });
    }
}

#[tokio::test]
async fn f87_the_own_dialect_passes_byte_for_byte() {
    let mut stage = Stage::set().await;
    stage.relay("gemini", Format::Gemini);
    let body = ask("say:hi")
        .to_string()
        .replace(",\"tools\"", " ,\n\"tools\"");
    let path =
        "/v1beta/models/gemini-3-pro:streamGenerateContent?key=sk-sw-test&alt=sse&quotaUser=a";
    let url = format!("http://{}{path}", stage.address());
    let reply = stage
        .http
        .post(url)
        .body(body.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
    let request = stage.simulator.requests().pop().unwrap();
    assert_eq!(request.body, body);
    assert_eq!(request.query, "alt=sse&quotaUser=a", "F99: without the key");
    // Several answers are the vendor's to give; elsewhere they are refused by name.
    let mut several = ask("say:hi");
    several["generationConfig"]["candidateCount"] = json!(2);
    assert_eq!(stage.post(WHOLE, &several).await.status, 200);
    let mut stage = Stage::set().await;
    stage.relay("chat", Format::OpenAi);
    let reply = stage.post(WHOLE, &several).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
    assert!(reply.text.contains("candidateCount"), "{}", reply.text);
}

#[tokio::test]
async fn t181_a_cut_answer_ends_with_an_error_and_no_finish_reason() {
    for (format, path) in FORMATS
        .iter()
        .flat_map(|format| [(*format, STREAM), (*format, ARRAY)])
    {
        let mut stage = Stage::set().await;
        let relay = stage.relay("relay", format);
        for step in [
            Step::CutAfter { events: 6 },
            Step::ResetAfter { events: 6 },
            Step::FailedAfter {
                events: 6,
                code: "server_error".to_owned(),
            },
        ] {
            relay.script([step.clone()]);
            let reply = stage.post(path, &ask("long:40")).await;
            assert_eq!(reply.status, 200);
            let pieces = match path {
                ARRAY => reply.json().as_array().unwrap().clone(),
                _ => reply.events(),
            };
            let (last, before) = pieces.split_last().unwrap();
            assert!(
                last["error"]["code"].is_u64(),
                "{format:?} {step:?}: {}",
                reply.text
            );
            assert!(last["error"]["status"].is_string() && !before.is_empty());
            assert!(
                !reply.text.contains("finishReason"),
                "{format:?} {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn b5_errors_have_the_shape_of_the_dialect() {
    for format in FORMATS {
        let mut stage = Stage::set().await;
        let relay = stage.relay("relay", format);
        for (step, status, word) in [
            (Step::ContextOverflow, 400, "INVALID_ARGUMENT"),
            (Step::Forbidden403Json, 403, "PERMISSION_DENIED"),
        ] {
            relay.script([step.clone()]);
            let reply = stage.post(STREAM, &ask("say:hi")).await;
            let error = reply.json()["error"].clone();
            assert_eq!(
                (reply.status, &error["code"], &error["status"]),
                (status, &json!(status), &json!(word)),
                "{format:?} {}",
                reply.text
            );
        }
    }
    let stage = Stage::set().await;
    let reply = stage.post(WHOLE, &json!({"contents": 5})).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["code"]),
        (400, &json!(400))
    );
    let reply = stage
        .post("/v1beta/models/m:embedContent", &json!({}))
        .await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["status"]),
        (404, &json!("NOT_FOUND"))
    );
    // A name that climbs is no name.
    let mut stage = Stage::set().await;
    stage.relay("gemini", Format::Gemini);
    let reply = stage
        .post("/v1beta/models/..%2F..%2Fadmin:generateContent", &ask("hi"))
        .await;
    assert!(
        reply.status >= 400 && stage.asked().is_empty(),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn t210_the_delay_in_googles_details_reaches_other_clients() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("gemini", Format::Gemini);
    relay.script([Step::RateLimited {
        retry_after: Some("34.4".to_owned()),
    }]);
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let reply = stage.post("/v1/chat/completions", &chat).await;
    assert_eq!(reply.status, 429);
    let wait: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((34..=35).contains(&wait), "{wait}");
}

#[tokio::test]
async fn t90_a_proof_from_elsewhere_is_left_out_and_asked_once_more() {
    let mut stage = Stage::set().await;
    stage.relay("gemini", Format::Gemini);
    let mut body = ask("say:one");
    body["contents"] = json!([
        {"role": "user", "parts": [{"text": "say:one"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {}}, "thoughtSignature": "AAAA"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"result": "rain"}}}]},
    ]);
    let (parts, _) = content(&stage.post(WHOLE, &body).await);
    assert!(!words(&parts, false).is_empty());
    let asked = stage.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[1].1["contents"][1]["parts"][0]["thoughtSignature"],
        "skip_thought_signature_validator",
        "T108"
    );
}

#[tokio::test]
async fn f80_count_tokens_is_an_estimate_that_says_so() {
    let mut stage = Stage::set().await;
    stage.relay("gemini", Format::Gemini);
    let path = "/v1beta/models/gemini-3-pro:countTokens";
    let reply = stage.post(path, &ask("hi")).await;
    assert_eq!(reply.headers["x-switchyard-estimated"], "totalTokens");
    let bare = json!({"contents": [{"parts": [{"text": "hi"}]}]});
    let bare = stage.post(path, &bare).await;
    let count = |reply: &Reply| reply.json()["totalTokens"].as_u64().unwrap();
    assert!(count(&reply) > count(&bare) + 10, "system and tools count");
    assert!(stage.asked().is_empty(), "no upstream is asked");
}

#[tokio::test]
async fn f26_f81_t201_t202_keys_and_model_lists() {
    let mut stage = Stage::set().await;
    stage.relay("gemini", Format::Gemini);
    stage.gateway.set_catalog(Catalog {
        models: vec![Model {
            id: "vendor/a".into(),
            owned_by: "x".into(),
            created: 1,
            codex: None,
        }],
        codex_etag: None,
        ..Catalog::default()
    });
    let url = |path: &str| format!("http://{}{path}", stage.address());
    let json_of = |reply: reqwest::Response| async move {
        let status = reply.status().as_u16();
        let text = reply.text().await.unwrap();
        assert!(!text.contains("sk-sw"), "no key is repeated: {text}");
        (status, serde_json::from_str::<Value>(&text).unwrap())
    };
    // In the query on this dialect's routes alone.
    for (path, status) in [
        ("/v1beta/models?key=sk-sw-test", 200),
        ("/v1beta/models?key=sk-sw-wrong", 401),
        ("/v1beta/models", 401),
    ] {
        let (got, list) = json_of(stage.http.get(url(path)).send().await.unwrap()).await;
        assert_eq!(got, status, "{path}");
        match status {
            200 => assert_eq!(list["models"][0]["name"], "models/vendor/a", "{path}"),
            _ => assert_eq!(list["error"]["status"], "UNAUTHENTICATED", "{path}"),
        }
    }
    let shared = stage.http.get(url("/v1/models?key=sk-sw-test"));
    assert_eq!(shared.send().await.unwrap().status(), 401);
    for path in [
        "/v1/chat/completions?key=sk-sw-test",
        "/v1/messages?key=sk-sw-test",
    ] {
        let reply = stage.http.post(url(path)).body("{}").send().await.unwrap();
        assert_eq!(reply.status(), 401, "{path}");
    }
    let with_header = |path: &str| {
        stage
            .http
            .get(url(path))
            .header("x-goog-api-key", "sk-sw-test")
            .send()
    };
    for path in ["/v1/models", "/v1beta/models"] {
        let (_, list) = json_of(with_header(path).await.unwrap()).await;
        assert!(
            list["models"][0]["supportedGenerationMethods"].is_array(),
            "{path}"
        );
    }
    for (path, status) in [
        ("/v1beta/models/vendor/a", 200),
        ("/v1/models/vendor%2Fa", 200),
        ("/v1beta/models/unknown", 404),
    ] {
        let (got, one) = json_of(with_header(path).await.unwrap()).await;
        assert_eq!(got, status, "{path}");
        match status {
            200 => assert_eq!(one["name"], "models/vendor/a"),
            _ => assert_eq!(one["error"]["status"], "NOT_FOUND"),
        }
    }
    // The others see their own shapes still.
    assert_eq!(stage.get("/v1/models").await.json()["object"], "list");
}

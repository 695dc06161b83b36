//! The Messages dialect on the whole road: over every kind of account, and every other dialect over an Anthropic relay (F79, F88, F100).

use gateway::{Catalog, Model};
use pool::Format;
use serde_json::{Value, json};
use simulator::{Scripted, Step};

use crate::stage::{Reply, Stage};

const FORMATS: [Format; 3] = [Format::OpenAi, Format::Responses, Format::Anthropic];

fn ask(stream: bool, words: &str) -> Value {
    json!({
        "model": "gpt-5.5", "max_tokens": 32_000, "stream": stream,
        "thinking": {"type": "enabled", "budget_tokens": 31_999},
        "system": [{"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"}, {"type": "text", "text": "Help.", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "get_weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}],
        "messages": [{"role": "user", "content": words}],
    })
}

/// The content blocks of an answer, streamed or not, and its stop reason. Checks the order of a stream's events on the way.
fn content(reply: &Reply) -> (Vec<Value>, String) {
    assert_eq!(reply.status, 200, "{}", reply.text);
    if reply.headers["content-type"] == "application/json" {
        let answer = reply.json();
        assert_eq!(answer["type"], "message");
        let stop = answer["stop_reason"].as_str().unwrap().to_owned();
        return (answer["content"].as_array().unwrap().clone(), stop);
    }
    let mut blocks: Vec<Value> = Vec::new();
    let mut stop = String::new();
    let events = reply.events();
    assert_eq!(events.first().unwrap()["type"], "message_start");
    assert_eq!(
        events.last().unwrap()["type"],
        "message_stop",
        "{}",
        reply.text
    );
    for event in &events {
        let delta = &event["delta"];
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(event["index"], blocks.len());
                let mut block = event["content_block"].clone();
                if block["type"] == "tool_use" {
                    block["input"] = "".into();
                }
                blocks.push(block);
            }
            "content_block_delta" => {
                let (from, to) = match delta["type"].as_str().unwrap() {
                    "text_delta" => ("text", "text"),
                    "thinking_delta" => ("thinking", "thinking"),
                    "signature_delta" => ("signature", "signature"),
                    _ => ("partial_json", "input"),
                };
                let block = blocks.last_mut().unwrap();
                let all = format!(
                    "{}{}",
                    block[to].as_str().unwrap_or_default(),
                    delta[from].as_str().unwrap()
                );
                block[to] = all.into();
            }
            "message_delta" => delta["stop_reason"].as_str().unwrap().clone_into(&mut stop),
            _ => {}
        }
    }
    for block in &mut blocks {
        if block["type"] == "tool_use" {
            let input: Value = serde_json::from_str(block["input"].as_str().unwrap()).unwrap();
            block["input"] = input;
        }
    }
    (blocks, stop)
}

fn of_type<'b>(blocks: &'b [Value], kind: &str) -> Vec<&'b Value> {
    blocks
        .iter()
        .filter(|block| block["type"] == kind)
        .collect()
}

/// The next turn: what came, and the results of its calls.
fn next(before: &Value, blocks: &[Value]) -> Value {
    let mut body = before.clone();
    let results: Vec<Value> = of_type(blocks, "tool_use")
        .iter()
        .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "rain"}))
        .collect();
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": blocks}));
    turns.push(json!({"role": "user", "content": results}));
    body
}

async fn round_trip(stage: &Stage, name: &str, stream: bool) {
    let body = ask(stream, r#"think:"hm" call:get_weather{"city":"Bern"}"#);
    let reply = stage.post("/v1/messages?beta=true", &body).await;
    let (blocks, stop) = content(&reply);
    assert_eq!(stop, "tool_use", "{name}");
    assert_eq!(of_type(&blocks, "thinking")[0]["thinking"], "hm", "{name}");
    let calls = of_type(&blocks, "tool_use");
    assert_eq!(
        (&calls[0]["name"], &calls[0]["input"]),
        (&json!("get_weather"), &json!({"city": "Bern"})),
        "{name}"
    );
    assert!(reply.headers.contains_key("request-id"), "{name}: T196");
    let second = next(&body, &blocks);
    let reply = stage.post("/v1/messages?beta=true", &second).await;
    let (blocks, stop) = content(&reply);
    assert_eq!(stop, "end_turn", "{name}");
    let text = of_type(&blocks, "text")[0]["text"].as_str().unwrap();
    assert!(text.contains("rain"), "{name}: {text}");
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.dialect, "messages");
    assert!(entry.usage.is_some(), "{name}");
}

#[tokio::test]
async fn f79_a_tool_round_trip_over_every_kind_of_account() {
    for stream in [true, false] {
        for format in FORMATS {
            let mut stage = Stage::set().await;
            stage.relay("relay", format);
            round_trip(&stage, format.as_str(), stream).await;
        }
        let mut stage = Stage::set().await;
        stage.codex("codex");
        round_trip(&stage, "codex", stream).await;
        // T94: the account's own reasoning came back to it through the client's thinking block; T17: without the attribution line.
        let (_, second) = stage.asked().pop().unwrap();
        let input = second["input"].as_array().unwrap();
        assert!(
            input
                .iter()
                .any(|item| item["type"] == "reasoning" && item["encrypted_content"].is_string())
        );
        assert!(!second.to_string().contains("billing"));
    }
}

#[tokio::test]
async fn f88_other_dialects_over_an_anthropic_relay() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        stage.relay("claude", Format::Anthropic);
        let chat = json!({"model": "claude-sonnet-4-5", "stream": stream, "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "say:hello"}]});
        let reply = stage.post("/v1/chat/completions", &chat).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        if stream {
            let events = reply.events();
            let text: String = events
                .iter()
                .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
                .collect();
            assert_eq!(text, "hello");
            assert!(reply.text.ends_with("data: [DONE]\n\n"));
        } else {
            assert_eq!(reply.json()["choices"][0]["message"]["content"], "hello");
        }
        let responses = json!({"model": "claude-sonnet-4-5", "stream": stream, "reasoning": {"effort": "low"}, "input": "think:\"hm\" say:hello"});
        let reply = stage.post("/v1/responses", &responses).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let answer = if stream {
            let last = reply.events().pop().unwrap();
            assert_eq!(last["type"], "response.completed");
            last["response"].clone()
        } else {
            reply.json()
        };
        assert_eq!(answer["output"][1]["content"][0]["text"], "hello");
        // T93: the vendor's signature, kept for it by the client.
        let seal = answer["output"][0]["encrypted_content"].as_str().unwrap();
        assert!(seal.starts_with("switchyard.1.messages."), "{seal}");
        let mut again = responses.clone();
        again["input"] = json!([{"role": "user", "content": "say:one"}, answer["output"][0], answer["output"][1], {"role": "user", "content": "say:two"}]);
        assert_eq!(stage.post("/v1/responses", &again).await.status, 200);
        let (_, sent) = stage.asked().pop().unwrap();
        assert_eq!(sent["messages"][1]["content"][0]["type"], "thinking");
        let seen = stage.simulator.requests();
        let request = seen.last().unwrap();
        // F100: the key in the dialect's own header, and the version the dialect insists on.
        assert!(request.header("x-api-key").is_some() && request.header("authorization").is_none());
        assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
        assert_eq!(request.path, "/v1/messages");
    }
}

#[tokio::test]
async fn t195_flags_in_headers_and_query_go_with_the_body_or_not_at_all() {
    for (format, goes) in [(Format::Anthropic, true), (Format::OpenAi, false)] {
        let mut stage = Stage::set().await;
        stage.relay("relay", format);
        let sent = stage
            .request("/v1/messages?beta=true")
            .header("anthropic-beta", "interleaved-thinking-2025-05-14")
            .header("anthropic-version", "2026-10-21")
            .body(ask(false, "say:hi").to_string())
            .send();
        assert_eq!(sent.await.unwrap().status(), 200);
        let seen = stage.simulator.requests();
        let request = seen.last().unwrap();
        assert_eq!(
            request.header("anthropic-beta").is_some(),
            goes,
            "{format:?}"
        );
        assert_eq!(
            request.header("anthropic-version"),
            goes.then_some("2026-10-21")
        );
        assert_eq!(request.query.contains("beta=true"), goes, "{format:?}");
        if goes {
            // T207: byte for byte.
            assert_eq!(request.body, ask(false, "say:hi").to_string());
        }
    }
}

#[tokio::test]
async fn t181_a_cut_answer_ends_with_an_error_and_no_stop() {
    for format in FORMATS {
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
            relay.script([step]);
            let reply = stage.post("/v1/messages", &ask(true, "long:40")).await;
            assert_eq!(reply.status, 200);
            let events = reply.events();
            let kinds: Vec<_> = events
                .iter()
                .map(|event| event["type"].as_str().unwrap())
                .collect();
            assert_eq!(
                kinds.iter().filter(|kind| **kind == "error").count(),
                1,
                "{format:?} {kinds:?}"
            );
            assert!(!kinds.contains(&"message_stop"), "{format:?}");
            assert_eq!(kinds.last(), Some(&"error"), "{format:?}");
        }
    }
}

#[tokio::test]
async fn b5_errors_have_the_shape_of_the_dialect() {
    for format in FORMATS {
        let mut stage = Stage::set().await;
        let relay = stage.relay("relay", format);
        for (step, status, kind) in [
            (Step::ContextOverflow, 400, "invalid_request_error"),
            (Step::Forbidden403Json, 403, "permission_error"),
        ] {
            relay.script([step.clone()]);
            let reply = stage.post("/v1/messages", &ask(true, "say:hi")).await;
            assert_eq!(reply.status, status, "{format:?} {}", reply.text);
            let error = reply.json();
            assert_eq!(
                (&error["type"], &error["error"]["type"]),
                (&json!("error"), &json!(kind)),
                "{format:?}"
            );
            if status == 400 && format != Format::Anthropic {
                let message = error["error"]["message"].as_str().unwrap();
                assert!(message.starts_with("prompt is too long"), "T211: {message}");
            }
        }
    }
    let stage = Stage::set().await;
    let body = json!({"model": "m", "max_tokens": 9, "messages": "hi"});
    let reply = stage.post("/v1/messages", &body).await;
    assert_eq!(
        (reply.status, &reply.json()["type"]),
        (400, &json!("error"))
    );
    let reply = stage.post("/v1/messages/batches", &body).await;
    assert_eq!(
        (reply.status, &reply.json()["error"]["type"]),
        (404, &json!("not_found_error"))
    );
}

#[tokio::test]
async fn t210_529_is_a_word_of_one_dialect() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("claude", Format::Anthropic);
    relay.script([Step::Overloaded503]);
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(stage.post("/v1/chat/completions", &chat).await.status, 503);
}

#[tokio::test]
async fn t90_thoughts_of_another_provider_are_left_out_and_asked_once_more() {
    let mut stage = Stage::set().await;
    stage.relay("claude", Format::Anthropic);
    let mut body = ask(false, "say:one");
    body["messages"] = json!([
        {"role": "user", "content": "say:one"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "h", "signature": "from-elsewhere"}, {"type": "text", "text": "one"}]},
        {"role": "user", "content": "say:two"},
    ]);
    let (blocks, _) = content(&stage.post("/v1/messages", &body).await);
    assert_eq!(of_type(&blocks, "text")[0]["text"], "two");
    let asked = stage.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[1].1["messages"][1]["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // What was refused once is not sent there again.
    content(&stage.post("/v1/messages", &body).await);
    assert_eq!(stage.asked().len(), 3);
}

#[tokio::test]
async fn t101_tools_come_before_thinking_where_an_endpoint_takes_one_of_both() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::OpenAi);
    let refusal = r#"{"error":{"message":"Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. Please use /v1/responses instead.","type":"invalid_request_error","param":null,"code":null}}"#;
    relay.script([Step::json(400, refusal)]);
    let (blocks, _) = content(&stage.post("/v1/messages", &ask(true, "say:one")).await);
    assert_eq!(of_type(&blocks, "text")[0]["text"], "one");
    let efforts: Vec<Value> = stage
        .asked()
        .iter()
        .map(|(_, body)| body["reasoning_effort"].clone())
        .collect();
    assert_eq!(efforts, ["high", "none"]);
    let entry = stage.journal(1).await.pop().unwrap();
    assert!(
        entry.losses.iter().any(|loss| loss.contains("effort")),
        "{:?}",
        entry.losses
    );
    // Asked in its own dialect too; a second refusal is the client's.
    let chat = json!({"model": "gpt-5.5", "reasoning_effort": "low", "messages": [{"role": "user", "content": "say:two"}],
        "tools": [{"type": "function", "function": {"name": "f"}}]});
    relay.script([Step::json(400, refusal), Step::json(400, refusal)]);
    let told = stage.post("/v1/chat/completions", &chat).await;
    assert_eq!(told.status, 400);
    assert_eq!(stage.asked().len(), 4);
}

#[tokio::test]
async fn t88_a_search_of_another_provider_does_not_go_to_the_vendor() {
    let mut stage = Stage::set().await;
    stage.relay("claude", Format::Anthropic);
    let mut body = ask(false, "say:one");
    body["messages"] = json!([
        {"role": "user", "content": "say:one"},
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "srvtoolu_switchyard_ws_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_switchyard_ws_1", "content": []},
            {"type": "text", "text": "one", "citations": [{"type": "web_search_result_location", "url": "https://example.com", "title": "T", "cited_text": "", "encrypted_index": "srvtoolu_switchyard_"}]}]},
        {"role": "user", "content": "say:two"},
    ]);
    let (blocks, _) = content(&stage.post("/v1/messages", &body).await);
    assert_eq!(of_type(&blocks, "text")[0]["text"], "two");
    let asked = stage.asked();
    assert_eq!(
        (asked.len(), &asked[0].1["messages"][1]["content"]),
        (1, &json!([{"type": "text", "text": "one"}]))
    );
}

#[tokio::test]
async fn f79_t194_count_tokens_is_an_estimate_that_says_so() {
    let mut stage = Stage::set().await;
    stage.relay("claude", Format::Anthropic);
    let count = |reply: &Reply| reply.json()["input_tokens"].as_u64().unwrap();
    let whole = stage
        .post("/v1/messages/count_tokens?beta=true", &ask(false, "hi"))
        .await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.headers["x-switchyard-estimated"], "input_tokens");
    let bare = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let bare = stage.post("/v1/messages/count_tokens", &bare).await;
    assert!(count(&whole) > count(&bare) + 20, "system and tools count");
    assert!(stage.asked().is_empty(), "no upstream is asked");
    let junk = stage.post("/v1/messages/count_tokens", &json!([1])).await;
    assert_eq!((junk.status, &junk.json()["type"]), (400, &json!("error")));
}

#[tokio::test]
async fn f26_t202_the_key_header_the_model_list_and_the_first_knock() {
    let stage = Stage::set().await;
    let model = |id: &str| Model {
        id: id.into(),
        owned_by: "x".into(),
        created: 1_789_344_000,
        codex: None,
    };
    stage.gateway.set_catalog(Catalog {
        models: vec![model("a"), model("b")],
        ..Catalog::default()
    });
    let url = |path: &str| format!("http://{}{path}", stage.address());
    let list = stage
        .http
        .get(url("/v1/models"))
        .header("x-api-key", "sk-sw-test")
        .header("anthropic-version", "2023-06-01");
    let list: Value =
        serde_json::from_str(&list.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(
        list["data"][0],
        json!({"type": "model", "id": "a", "display_name": "a", "created_at": "2026-09-14T00:00:00Z"})
    );
    assert_eq!(
        (&list["has_more"], &list["last_id"]),
        (&json!(false), &json!("b"))
    );
    assert_eq!(stage.get("/v1/models").await.json()["object"], "list");
    let wrong = stage
        .http
        .post(url("/v1/messages"))
        .header("x-api-key", "no")
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 401);
    let error: Value = serde_json::from_str(&wrong.text().await.unwrap()).unwrap();
    assert_eq!(error["error"]["type"], "authentication_error");
    assert_eq!(
        stage.http.head(url("/")).send().await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn t165_t190_t193_heads_of_streams_and_bodies_whatever_the_query() {
    for format in FORMATS {
        let mut stage = Stage::set().await;
        stage.relay("relay", format);
        for stream in [true, false] {
            let reply = stage
                .post("/v1/messages?beta=true&x=1", &ask(stream, "say:one"))
                .await;
            let head = |name: &str| reply.headers.get(name).and_then(|v| v.to_str().ok());
            assert_eq!(reply.status, 200, "{format:?}: T193");
            let (cache, buffers) = if stream {
                (Some("no-cache, no-transform"), Some("no"))
            } else {
                (None, None)
            };
            assert_eq!(head("cache-control"), cache, "{format:?}: T165");
            assert_eq!(head("x-accel-buffering"), buffers, "{format:?}: T165");
            assert_eq!(head("content-encoding"), None, "{format:?}: T190");
            let length = head("content-length").map(|length| length.parse::<usize>().unwrap());
            assert!(
                length.is_none_or(|length| length == reply.text.len()),
                "{format:?}: T190"
            );
        }
    }
}

/// What a Responses server streams of an answer with a search.
fn searched() -> Step {
    let item = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "https://example.com/a"}]}});
    let source = json!({"type": "url_citation", "url": "https://example.com/a", "title": "A", "start_index": 0, "end_index": 3});
    let message = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "one", "annotations": [source]}]});
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "up"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "one"}),
        json!({"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 0, "annotation_index": 0, "annotation": source}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": message}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [item, message]}}),
    ];
    let text: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    Step::Replay {
        content_type: "text/event-stream".to_owned(),
        chunks: vec![text.into()],
    }
}

#[tokio::test]
async fn t55_a_search_of_a_messages_client_runs_at_another_provider_and_comes_back_whole() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        let relay = stage.relay("relay", Format::Responses);
        relay.script([searched()]);
        let mut body = ask(stream, "search");
        body["tools"] =
            json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}]);
        body["tool_choice"] = json!({"type": "tool", "name": "web_search"});
        body.as_object_mut().unwrap().remove("thinking");
        let reply = stage.post("/v1/messages", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let asked = stage.asked().pop().unwrap().1;
        assert_eq!(asked["tools"], json!([{"type": "web_search"}]));
        assert_eq!(asked["tool_choice"], "required");
        for word in [
            "server_tool_use",
            "web_search_tool_result",
            "https://example.com/a",
            "web_search_result_location",
            "end_turn",
        ] {
            assert!(reply.text.contains(word), "{word}: {}", reply.text);
        }
        let entry = stage.journal(1).await.pop().unwrap();
        assert!(
            entry.losses.iter().any(|loss| loss.contains("max_uses")),
            "{:?}",
            entry.losses
        );
    }
}

//! The test page and the test of one account: through the gateway's own road, in process (F62, F104, F132).

use axum::http::Method;
use futures_util::StreamExt;
use serde_json::{Value, json};
use simulator::{Gate, Scripted, Step};

use crate::stage::{RELAY_KEY, Stage};

fn sorts(events: &[Value]) -> Vec<&str> {
    let mut sorts: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    sorts.retain(|sort| !["raw", "thinking"].contains(sort));
    sorts.dedup();
    sorts
}

fn text(events: &[Value]) -> String {
    let pieces = events.iter().filter(|event| event["event"] == "delta");
    pieces
        .map(|event| event["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn f132_a_prompt_goes_the_gateways_own_road_in_every_protocol() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let relay = stage.relay("b\u{fc}ro", &["m"]).await;
    for (protocol, path) in [
        ("chat", "/v1/chat/completions"),
        ("responses", "/v1/responses"),
        ("messages", "/v1/messages"),
        ("gemini", "/v1beta/models/"),
    ] {
        for model in ["gpt-5.5", "m"] {
            for stream in [true, false] {
                let body = json!({"protocol": protocol, "model": model, "prompt": "say:\"hello there\"", "stream": stream});
                let events = stage.post("/try", body).await.events();
                let case = format!("{protocol} {model} {stream}");
                let head = &events[0];
                assert_eq!(
                    (&head["event"], &head["status"]),
                    (&json!("head"), &json!(200)),
                    "{case}: {events:?}"
                );
                let account = if model == "m" {
                    &relay.label
                } else {
                    "a@example.com"
                };
                assert_eq!(head["account"], json!(account), "{case}");
                let curl = head["curl"].as_str().unwrap();
                assert!(
                    curl.contains(path) && curl.contains("$SWITCHYARD_KEY"),
                    "{curl}"
                );
                assert_eq!(text(&events), "hello there", "{case}: {events:?}");
                assert_eq!(sorts(&events), ["head", "delta", "usage", "done"], "{case}");
                assert!(events.iter().any(|event| event["event"] == "raw"), "{case}");
                let done = events.last().unwrap();
                assert!(
                    done["duration_ms"].is_u64() && done["first_byte_ms"].is_u64(),
                    "{case}"
                );
            }
        }
    }
    // F132: it stands in the journal like any request, and says whose it is.
    let rows = stage.get("/journal").await.ok();
    assert_eq!(rows.as_array().unwrap().len(), 16);
    assert_eq!(
        (&rows[0]["key"], &rows[0]["outcome"]),
        (&json!("(test)"), &json!("completed"))
    );
    stage.end().await;
}

#[tokio::test]
async fn f132_thinking_and_tools_are_shown() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    for protocol in ["chat", "responses", "messages", "gemini"] {
        let body = json!({"protocol": protocol, "model": "gpt-5.5", "prompt": "think:\"let me see\" call:current_time{\"timezone\":\"UTC\"}", "stream": true, "tools": true, "thinking": "low"});
        let events = stage.post("/try", body).await.events();
        let tool = events.iter().find(|event| event["event"] == "tool");
        let tool = tool.unwrap_or_else(|| panic!("{protocol}: {events:?}"));
        assert_eq!(tool["name"], "current_time");
        assert_eq!(
            serde_json::from_str::<Value>(tool["arguments"].as_str().unwrap()).unwrap(),
            json!({"timezone": "UTC"})
        );
        let thought: String = events
            .iter()
            .filter(|event| event["event"] == "thinking")
            .map(|event| event["text"].as_str().unwrap())
            .collect();
        assert!(thought.contains("let me see"), "{protocol}: {events:?}");
    }
    stage.end().await;
}

#[tokio::test]
async fn f132_an_image_larger_than_the_usual_body_goes_along() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let image = format!("data:image/png;base64,{}", "A".repeat(4 << 20));
    let body = json!({"protocol": "chat", "model": "gpt-5.5", "prompt": "say:seen", "image": image, "stream": true});
    let events = stage.post("/try", body).await.events();
    assert!(
        text(&events).contains("image/png 3145728 bytes"),
        "{:?}",
        sorts(&events)
    );
    assert!(
        events[0]["curl"]
            .as_str()
            .unwrap()
            .contains("$SWITCHYARD_IMAGE")
    );
    let sent = stage.simulator.requests_to("/responses").pop().unwrap();
    assert!(sent.body.len() > 4 << 20);
    stage.end().await;
}

#[tokio::test]
async fn f132_f95_pictures_are_drawn_and_changed() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    stage.engine.discover_models().await;
    let mut body = json!({"protocol": "images", "model": "gpt-image-2", "prompt": "a lighthouse"});
    let mut drawn = None;
    for path in ["/v1/images/generations", "/v1/images/edits"] {
        // The picture of the first round is what the second one changes.
        if let Some(picture) = &drawn {
            body["image"] = json!(picture);
        }
        let events = stage.post("/try", body.clone()).await.events();
        assert_eq!(events[0]["status"], 200, "{events:?}");
        assert_eq!(events[0]["account"], "a@example.com");
        assert!(events[0]["curl"].as_str().unwrap().contains(path));
        assert_eq!(sorts(&events), ["head", "image", "usage", "done"]);
        let image = events.iter().find(|event| event["event"] == "image");
        let url = image.unwrap()["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with("data:image/png;base64,iVBOR"), "{url}");
        drawn = Some(url);
    }
    body["image"] = json!("data:image/png;base64,AAAA");
    body["model"] = json!("dall-e-3");
    let events = stage.post("/try", body).await.events();
    assert_eq!(sorts(&events), ["head", "error"]);
    assert_eq!(events.last().unwrap()["status"], 404);
    let rows = stage.get("/journal").await.ok();
    let told: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["dialect"])
        .collect();
    assert_eq!(told, [&json!("images"); 3]);
    stage.end().await;
}

#[tokio::test]
async fn f132_a_chosen_account_serves_alone() {
    let stage = Stage::new().await;
    let a = stage.sign_in("a@example.com").await;
    stage.sign_in("b@example.com").await;
    let ask = |account: &str| {
        let body = json!({"protocol": "responses", "model": "gpt-5.5", "prompt": "say:hello", "account_id": account, "stream": true});
        stage.post("/try", body)
    };
    for label in ["b@example.com", "a@example.com"] {
        let events = ask(&stage.id(label)).await.events();
        assert_eq!(events[0]["account"], label);
    }
    // The first one fails: without a choice the second would have served.
    a.script([Step::Forbidden403Json]);
    let events = ask(&stage.id("a@example.com")).await.events();
    assert_eq!(sorts(&events), ["head", "error"]);
    let error = events.last().unwrap();
    assert_eq!(
        (&events[0]["status"], &error["status"]),
        (&json!(403), &json!(403))
    );
    assert_eq!(events[0]["account"], "a@example.com");
    let served: Vec<_> = stage
        .simulator
        .requests_to("/responses")
        .iter()
        .map(|seen| seen.account.clone().unwrap())
        .collect();
    assert_eq!(served, ["b@example.com", "a@example.com", "a@example.com"]);
    assert_eq!(ask("nobody").await.code(), "not_found");
    stage.end().await;
}

#[tokio::test]
async fn f132_what_goes_wrong_is_the_last_event() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    stage.engine.discover_models().await;
    let ask = |body: Value| stage.post("/try", body);
    let good =
        |model: &str| json!({"protocol": "chat", "model": model, "prompt": "hi", "stream": true});
    let last = |events: Vec<Value>| events.last().unwrap().clone();

    let unknown = last(ask(good("no-such-model")).await.events());
    assert_eq!(
        (&unknown["event"], &unknown["status"]),
        (&json!("error"), &json!(404)),
        "{unknown}"
    );
    account.script([Step::CutAfter { events: 6 }]);
    let cut = ask(good("gpt-5.5")).await.events();
    assert_eq!(cut[0]["status"], 200);
    assert_eq!(last(cut)["event"], "error");
    for body in [
        json!({"protocol": "chat", "model": "", "prompt": "hi"}),
        json!({"protocol": "chat", "model": "m", "prompt": " "}),
        json!({"protocol": "smoke", "model": "m", "prompt": "hi"}),
        json!({"protocol": "chat", "model": "m", "prompt": "hi", "image": "https://example.com/a.png"}),
    ] {
        assert_eq!(ask(body.clone()).await.code(), "invalid", "{body}");
    }
    stage.end().await;
}

/// F56: a reader that goes away cancels the request at the provider, before the answer's head and after it.
#[tokio::test]
async fn f56_f132_hanging_up_cancels_it_upstream() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    let body =
        json!({"protocol": "responses", "model": "gpt-5.5", "prompt": "long:200", "stream": true});
    for (round, events) in [(1, 8), (2, 0)] {
        account.script([Step::Gated {
            events,
            gate: Gate::new(),
        }]);
        let response = stage
            .response(Method::POST, "/try", Some(body.clone()))
            .await;
        let mut frames = response.into_body().into_data_stream();
        if events > 0 {
            let first = frames.next().await.unwrap().unwrap();
            assert!(String::from_utf8_lossy(&first).contains("\"head\""));
        } else {
            let requests = stage.simulator.requests_to("/responses").len() + 1;
            tokio::select! {
                frame = frames.next() => panic!("{frame:?}"),
                () = async {
                    while stage.simulator.requests_to("/responses").len() < requests {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
        }
        drop(frames);
        stage.simulator.wait_disconnects(round).await;
    }
    let rows = stage.get("/journal?outcome=cancelled").await.ok();
    assert_eq!(rows.as_array().unwrap().len(), 2, "{rows}");
    assert_eq!(stage.engine.running(), 0);
    stage.end().await;
}

#[tokio::test]
async fn f62_f104_one_account_is_tested_with_one_short_message() {
    let stage = Stage::new().await;
    stage.sign_in("a@example.com").await;
    let relay = stage.relay("office", &["m", "n"]).await;
    stage.engine.discover_models().await;
    let test =
        async |name: &str, body: Value| stage.post(&format!("/accounts/{name}/test"), body).await;
    for (name, body, model) in [
        (
            "a@example.com",
            json!({"prompt": "say:hello"}),
            "gpt-6-astra",
        ),
        (
            "a@example.com",
            json!({"model": "gpt-5.5", "prompt": "say:hello"}),
            "gpt-5.5",
        ),
        ("office", json!({"prompt": "say:hello"}), "m"),
    ] {
        let result = test(name, body).await.ok();
        assert_eq!(
            (&result["ok"], &result["model"], &result["text"]),
            (&json!(true), &json!(model), &json!("hello")),
            "{result}"
        );
        assert_eq!(
            (&result["status"], &result["error"]),
            (&json!(200), &Value::Null)
        );
        assert!(result["latency_ms"].is_u64() && result["first_byte_ms"].is_u64());
    }
    // A relay that repeats its key does not bring it to the page.
    relay.script([Step::json(400, &json!({"error": {"message": format!("what is {RELAY_KEY} good for?"), "type": "invalid_request_error"}}).to_string())]);
    let failed = test("office", json!({})).await;
    assert!(!failed.text.contains(RELAY_KEY), "{}", failed.text);
    let failed = failed.ok();
    assert_eq!(
        (&failed["ok"], &failed["status"], &failed["text"]),
        (&json!(false), &json!(400), &Value::Null)
    );
    assert!(
        failed["error"]
            .as_str()
            .unwrap()
            .contains("what is ••• good for?"),
        "{failed}"
    );
    let journal = stage.get("/journal").await;
    assert!(!journal.text.contains(RELAY_KEY), "{}", journal.text);
    assert_eq!(test("nobody", json!({})).await.code(), "not_found");
    stage.end().await;
}

/// The test page and the list of requests read the same row: what of the request and of the answer was not carried over, and why.
#[tokio::test]
async fn f132_what_an_answer_lost_is_shown_with_its_reason() {
    let stage = Stage::new().await;
    let account = stage.sign_in("a@example.com").await;
    let page = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "open_page", "url": "https://example.com"}});
    let said = json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "hello", "annotations": []}]});
    let events = [
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5.5"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": page}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": said}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": []}}),
    ];
    let frames = events
        .iter()
        .map(|event| format!("data: {event}\n\n").into());
    for stream in [true, false] {
        account.script([Step::Replay {
            content_type: "text/event-stream".into(),
            chunks: frames.clone().collect(),
        }]);
        let body =
            json!({"protocol": "messages", "model": "gpt-5.5", "prompt": "hi", "stream": stream});
        let events = stage.post("/try", body).await.events();
        assert_eq!(text(&events), "hello", "{events:?}");
        let rows = stage.get("/journal?limit=1").await.ok();
        let losses: Vec<&str> = rows[0]["losses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|loss| loss.as_str().unwrap())
            .collect();
        let told = "Dropped: answer.open_page (a page that was read at the provider has no place in the client's dialect (T55))";
        assert!(losses.contains(&told), "{stream}: {losses:?}");
    }
    stage.end().await;
}

//! The Images API on the whole road: over a ChatGPT account in both its ways, over relays, and what goes wrong (F95–F98).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway::{Alias, Config, Naming};
use pool::{AccountKind, Format};
use serde_json::{Value, json};
use simulator::{Endpoint, Gate, Scripted, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use upstream::{Manner, Turns};

use crate::clock::Hand;
use crate::stage::{Reply, Stage};

const GENERATIONS: &str = "/v1/images/generations";
const EDITS: &str = "/v1/images/edits";

/// The first bytes of a PNG of one pixel, enough to tell what it is.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
const PNG_BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAAA=";

fn ask(more: &Value) -> Value {
    let mut body = json!({"model": "gpt-image-1", "prompt": "a lighthouse"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The account's list is known, and has no image model on it: none ever has.
fn lists(stage: &Stage, name: &str, format: Format, models: &[&str]) {
    stage.pool.with(|pool| {
        let mut account = pool
            .accounts()
            .find(|account| account.id.as_str() == name)
            .unwrap()
            .clone();
        assert_eq!(account.format, format);
        account.known_models = Some(models.iter().map(ToString::to_string).collect());
        pool.upsert(account);
    });
}

async fn codex() -> (Stage, simulator::SimAccount) {
    let mut stage = Stage::set().await;
    let account = stage.codex("first");
    lists(&stage, "first", Format::Codex, &["gpt-5.5", "gpt-5.4-mini"]);
    (stage, account)
}

fn picture(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let answer = reply.json();
    let content = answer["data"][0]["b64_json"].as_str().unwrap();
    assert!(content.starts_with("iVBORw0KGgo"), "{content}");
    answer
}

fn last(stage: &Stage, path: &str) -> Value {
    let seen = stage.simulator.requests_to(path);
    seen.last().expect("a request").json()
}

#[tokio::test]
async fn f95_a_chatgpt_account_draws_at_its_native_endpoint() {
    let (stage, _account) = codex().await;
    let asked = json!({"size": "1024x1536", "quality": "low", "n": 1, "response_format": "b64_json", "user": "me"});
    let reply = stage.post(GENERATIONS, &ask(&asked)).await;
    let answer = picture(&reply);
    assert_eq!(reply.headers["x-switchyard-account"], "first");
    assert_eq!(reply.headers["content-type"], "application/json");
    // What was drawn, not what was asked for.
    assert_eq!(answer["size"], "48x48");
    assert_eq!(answer["output_format"], "png");
    assert!(answer["created"].is_u64());
    assert_eq!(answer["usage"]["output_tokens"], 1372);
    let sent = last(&stage, "/backend-api/codex/images/generations");
    let expected = json!({"prompt": "a lighthouse", "model": "gpt-image-2", "background": "auto", "quality": "low", "size": "1024x1536", "n": 1});
    assert_eq!(sent, expected);
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!((entry.dialect, entry.endpoint), ("images", GENERATIONS));
    assert_eq!((&*entry.model, entry.status), ("gpt-image-1", 200));
    assert_eq!(entry.usage.unwrap().output, 1372);
    assert_eq!(
        entry.losses,
        [
            "Dropped: user (the Codex backend draws without it)",
            "Approximated: model (ChatGPT accounts draw with one model of this family)"
        ],
        "nothing is lost in silence"
    );
}

#[tokio::test]
async fn f95_without_a_model_the_usual_one_draws_and_a_stream_is_one_completed_event() {
    let (stage, _account) = codex().await;
    for (path, body, kind) in [
        (
            GENERATIONS,
            json!({"prompt": "a", "stream": true}),
            "image_generation.completed",
        ),
        (
            EDITS,
            json!({"prompt": "a", "stream": true, "image": format!("data:image/png;base64,{PNG_BASE64}")}),
            "image_edit.completed",
        ),
    ] {
        let reply = stage.post(path, &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.headers["content-type"], "text/event-stream");
        let events = reply.events();
        assert_eq!(events.len(), 1, "{}", reply.text);
        assert_eq!(events[0]["type"], kind);
        assert!(reply.text.starts_with(&format!("event: {kind}\n")));
        assert_eq!(events[0]["size"], "48x48");
        assert!(events[0]["b64_json"].is_string() && events[0]["usage"].is_object());
    }
}

#[tokio::test]
async fn f96_references_come_in_every_form_and_go_as_data_urls() {
    let (stage, _account) = codex().await;
    let url = format!("data:image/png;base64,{PNG_BASE64}");
    let forms = [
        json!({"images": [{"image_url": url}]}),
        json!({"image": url}),
        json!({"image": [PNG_BASE64]}),
        json!({"images": [{"b64_json": PNG_BASE64}]}),
        json!({"images": [{"image_url": {"url": url}}]}),
    ];
    for form in forms {
        picture(&stage.post(EDITS, &ask(&form)).await);
        let sent = last(&stage, "/codex/images/edits");
        assert_eq!(sent["images"], json!([{"image_url": url}]), "{form}");
        assert_eq!(sent["prompt"], "a lighthouse");
    }
    // Some clients spell every slash with a backslash.
    let body = ask(&json!({"image": url})).to_string().replace('/', "\\/");
    let sent = stage.request(EDITS).body(body).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(
        last(&stage, "/codex/images/edits")["images"][0]["image_url"],
        url
    );
}

fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Bytes {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"{}\r\n\r\n",
            file.unwrap_or_default()
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    body.into()
}

async fn post_form(stage: &Stage, body: Bytes) -> reqwest::Response {
    let kind = "multipart/form-data; boundary=edge";
    let sent = stage.request(EDITS).header("content-type", kind).body(body);
    sent.send().await.unwrap()
}

/// As the openai library sends it: one file as `image`, several as `image[]` (captures/py-images.json).
#[tokio::test]
async fn f96_a_form_with_files_is_read() {
    let (stage, _account) = codex().await;
    let url = format!("data:image/png;base64,{PNG_BASE64}");
    for (name, count) in [("image", 1), ("image[]", 2)] {
        let file = (name, Some("a.png"), PNG);
        let mut parts: Vec<(&str, Option<&str>, &[u8])> = vec![
            ("prompt", None, b"a \"lighthouse\""),
            ("model", None, b"gpt-image-1"),
            ("n", None, b"1"),
            ("quality", None, b"high"),
        ];
        parts.extend(vec![file; count]);
        let reply = post_form(&stage, form(&parts)).await;
        assert_eq!(reply.status(), 200, "{}", reply.text().await.unwrap());
        let sent = last(&stage, "/codex/images/edits");
        assert_eq!(
            sent["images"],
            json!(vec![json!({"image_url": url}); count])
        );
        assert_eq!(sent["prompt"], "a \"lighthouse\"");
        assert_eq!(sent["quality"], "high");
    }
    for (parts, field) in [
        (vec![("prompt", None, &b"x"[..])], "image"),
        (vec![("image", Some("a.png"), PNG)], "prompt"),
        (
            vec![
                ("prompt", None, b"x"),
                ("image", Some("a.txt"), b"no picture"),
            ],
            "image[0]",
        ),
        (
            vec![
                ("prompt", None, b"x"),
                ("n", None, b"two"),
                ("image", Some("a.png"), PNG),
            ],
            "n",
        ),
    ] {
        let reply = post_form(&stage, form(&parts)).await;
        assert_eq!(reply.status(), 400);
        let error = reply.text().await.unwrap();
        let error: Value = serde_json::from_str(&error).unwrap();
        assert_eq!(error["error"]["param"], field);
    }
    let cut = form(&[("prompt", None, b"x"), ("image", Some("a.png"), PNG)]);
    assert_eq!(
        post_form(&stage, cut.slice(..cut.len() - 20))
            .await
            .status(),
        400
    );
}

#[tokio::test]
async fn f95_f96_what_cannot_be_drawn_is_a_400_that_names_the_field() {
    let (stage, _account) = codex().await;
    let url = format!("data:image/png;base64,{PNG_BASE64}");
    let generations = [
        (json!({"n": 2}), "n"),
        (json!({"n": 0}), "n"),
        (json!({"prompt": ""}), "prompt"),
        (json!({"prompt": null}), "prompt"),
        (json!({"prompt": 5}), "prompt"),
        (json!({"prompt": "a".repeat(32_001)}), "prompt"),
        (json!({"response_format": "url"}), "response_format"),
        (
            json!({"background": "transparent", "output_format": "jpeg"}),
            "background",
        ),
        (json!({"output_compression": 50}), "output_compression"),
        (
            json!({"output_compression": 50, "output_format": "png"}),
            "output_compression",
        ),
        (
            json!({"output_compression": 101, "output_format": "jpeg"}),
            "output_compression",
        ),
        (json!({"output_format": "tiff"}), "output_format"),
        (json!({"size": "large"}), "size"),
        (json!({"quality": "ultra"}), "quality"),
        (json!({"moderation": "none"}), "moderation"),
        (json!({"partial_images": 9}), "partial_images"),
        (json!({"stream": "yes"}), "stream"),
    ];
    let edits = [
        (json!({}), "image"),
        (json!({"images": []}), "image"),
        (json!({"images": vec![url.clone(); 17]}), "image"),
        (
            json!({"images": [{"file_id": "file-1"}]}),
            "images[0].file_id",
        ),
        (
            json!({"image": url, "mask": {"file_id": "file-1"}}),
            "mask.file_id",
        ),
        (json!({"image": "http://example.com/a.png"}), "image"),
        (json!({"image": "data:text/html;base64,AAAA"}), "image"),
        (json!({"image": "data:image/png,AAAA"}), "image"),
        (json!({"image": "no picture at all"}), "image"),
        (json!({"image": {"other": 1}}), "image"),
        (json!({"image": 5}), "image"),
        (
            json!({"image": url, "background": "transparent", "output_format": "jpeg"}),
            "background",
        ),
        (
            json!({"image": url, "output_compression": 5}),
            "output_compression",
        ),
    ];
    let cases = generations.iter().map(|case| (GENERATIONS, case));
    for (path, (more, field)) in cases.chain(edits.iter().map(|case| (EDITS, case))) {
        let reply = stage.post(path, &ask(more)).await;
        let case = format!("{path} {field}: {}", reply.text);
        assert_eq!(reply.status, 400, "{case}");
        let error = &reply.json()["error"];
        assert_eq!(error["param"], *field, "{case}");
        assert_eq!(error["type"], "invalid_request_error", "{case}");
        assert!(error["message"].as_str().unwrap().len() > 10, "{case}");
    }
    let hint = stage
        .post(GENERATIONS, &ask(&json!({"response_format": "url"})))
        .await;
    assert!(hint.text.contains("b64_json"), "{}", hint.text);
    for body in ["", "[]", "{", "{\"prompt\":\"a\"} x"] {
        let reply = stage.request(GENERATIONS).body(body).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{body}");
    }
    assert!(stage.asked().is_empty(), "no account was asked");
    // A model of another family is nobody's here.
    let reply = stage
        .post(GENERATIONS, &ask(&json!({"model": "dall-e-3"})))
        .await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    assert_eq!(stage.get(GENERATIONS).await.status, 405);
}

#[tokio::test]
async fn f95_what_the_native_endpoint_is_not_told_goes_through_the_tool() {
    let (stage, _account) = codex().await;
    let url = format!("data:image/png;base64,{PNG_BASE64}");
    let asked = json!({"output_format": "webp", "output_compression": 40, "background": "transparent", "moderation": "low", "partial_images": 2});
    let answer = picture(&stage.post(GENERATIONS, &ask(&asked)).await);
    assert_eq!(
        answer["data"][0]["revised_prompt"],
        "A picture: a lighthouse"
    );
    assert_eq!(answer["output_format"], "webp");
    let sent = last(&stage, "/codex/responses");
    let tool = json!({"type": "image_generation", "action": "generate", "model": "gpt-image-2", "background": "transparent",
        "output_format": "webp", "output_compression": 40, "moderation": "low", "partial_images": 2});
    assert_eq!(sent["tools"], json!([tool]));
    assert_eq!(sent["tool_choice"], json!({"type": "image_generation"}));
    assert_eq!(sent["model"], "gpt-5.4-mini", "one that the account has");
    assert_eq!(
        (&sent["store"], &sent["stream"]),
        (&json!(false), &json!(true))
    );

    let masked = ask(&json!({"image": url, "mask": {"image_url": url}}));
    picture(&stage.post(EDITS, &masked).await);
    let sent = last(&stage, "/codex/responses");
    assert_eq!(
        sent["tools"][0]["input_image_mask"],
        json!({"image_url": url})
    );
    assert_eq!(sent["tools"][0]["action"], "edit");
    let parts = sent["input"][0]["content"].as_array().unwrap();
    assert_eq!(parts[1], json!({"type": "input_image", "image_url": url}));
    assert!(
        stage
            .simulator
            .requests_to("/codex/images/generations")
            .is_empty()
    );
    assert!(
        stage
            .simulator
            .requests_to("/codex/images/edits")
            .is_empty()
    );
}

#[tokio::test]
async fn f95_where_the_native_endpoint_does_not_serve_the_tool_does() {
    let (stage, account) = codex().await;
    for step in [
        Step::Forbidden403Json,
        Step::json(404, r#"{"detail":"Not Found"}"#),
        Step::json(400, r#"{"detail":"Unsupported parameter: size"}"#),
        Step::ModelUnsupported,
    ] {
        account.script_at(Endpoint::Images, [step]);
        picture(&stage.post(GENERATIONS, &ask(&json!({}))).await);
    }
    assert_eq!(stage.simulator.requests_to("/codex/responses").len(), 4);
    // A judgement of the prompt stands.
    let judged = r#"{"error":{"message":"Your request was rejected by the safety system.","type":"image_generation_user_error","param":null,"code":"moderation_blocked"}}"#;
    account.script_at(Endpoint::Images, [Step::json(400, judged)]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    assert_eq!((reply.status, reply.text.as_str()), (400, judged));
    assert_eq!(stage.simulator.requests_to("/codex/responses").len(), 4);
    // Neither way: the tool's own words.
    account.script_at(Endpoint::Images, [Step::Forbidden403Json]);
    let none = r#"{"error":{"message":"Tool choice 'image_generation' not found in 'tools' parameter.","type":"invalid_request_error","param":"tool_choice","code":null}}"#;
    account.script([Step::json(400, none)]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("Tool choice"), "{}", reply.text);
}

/// A plan that may not draw is no reason to let the account rest: it still answers in words.
#[tokio::test]
async fn f95_an_account_that_may_not_draw_still_answers() {
    let (mut stage, account) = codex().await;
    let relay = stage.relay("office", Format::OpenAi);
    account.script_at(Endpoint::Images, [Step::Forbidden403Json]);
    account.script([Step::Forbidden403Json]);
    relay.script_at(Endpoint::Images, [Step::HtmlPage200]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    assert_eq!(reply.status, 502, "{}", reply.text);
    for name in ["first", "office"] {
        stage.activate(name);
        let body =
            json!({"model": "gpt-5.5", "messages": [{"role": "user", "content": "say:hello"}]});
        let reply = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(reply.headers["x-switchyard-account"], name);
    }
}

#[tokio::test]
async fn f97_an_answer_without_a_picture_is_a_502_with_what_was_said() {
    let (mut stage, account) = codex().await;
    stage.codex("second");
    account.script_at(Endpoint::Images, [Step::EmptyAnswer]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    assert_eq!(reply.status, 502, "{}", reply.text);
    let words = "say:\"I would rather not.\"";
    let reply = stage
        .post(
            GENERATIONS,
            &ask(&json!({"prompt": words, "moderation": "low"})),
        )
        .await;
    assert_eq!(reply.status, 502, "{}", reply.text);
    assert!(reply.text.contains("I would rather not."), "{}", reply.text);
    assert_eq!(reply.json()["error"]["type"], "gateway_error");
    assert_eq!(stage.asked().len(), 2, "nobody else is asked the same");
    let entries = stage.journal(2).await;
    assert_eq!(entries[1].error_code.as_deref(), Some("empty_answer"));
}

#[tokio::test]
async fn f97_what_passes_is_tried_three_times() {
    tried([Step::Http500, Step::Overloaded503, Step::Ok], 200).await;
}

#[tokio::test]
async fn f97_what_does_not_pass_is_a_503_in_the_end() {
    tried(
        [Step::ResetBeforeHeaders, Step::Http500, Step::Overloaded503],
        503,
    )
    .await;
}

async fn tried(steps: [Step; 3], expected: u16) {
    let (stage, account) = codex().await;
    account.script_at(Endpoint::Images, steps);
    let asking = stage.request(GENERATIONS).body(ask(&json!({})).to_string());
    let hand = Hand::take();
    let asking = tokio::spawn(asking.send());
    let began = tokio::time::Instant::now();
    let mut times = Vec::new();
    for tries in 1..=3 {
        while stage.simulator.requests_to("/images/generations").len() < tries {
            hand.forward(Duration::from_millis(100)).await;
        }
        times.push(began.elapsed());
    }
    // The waits before the second and the third try, less the step in which the try before was seen.
    let waits = [times[1] - times[0], times[2] - times[1]];
    assert!(waits[0] >= Duration::from_millis(1_400), "{waits:?}");
    assert!(waits[1] >= Duration::from_millis(3_900), "{waits:?}");
    let reply = asking.await.unwrap().unwrap();
    assert_eq!(reply.status(), expected);
    let error = reply.text().await.unwrap();
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!(entry.attempts.len(), 3, "{error}");
    drop(hand);
}

#[tokio::test]
async fn f96_t21_addresses_in_the_private_network_are_not_fetched() {
    let (stage, _account) = codex().await;
    for address in [
        "https://127.0.0.1/a.png",
        "https://localhost:8787/a.png",
        "https://[::1]/a.png",
    ] {
        let reply = stage.post(EDITS, &ask(&json!({"image": address}))).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert_eq!(reply.json()["error"]["param"], "image");
        assert!(reply.text.contains("data URL"), "{}", reply.text);
    }
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn f97_a_used_up_quota_is_the_next_accounts_turn_at_once() {
    let (mut stage, account) = codex().await;
    let second = stage.codex("second");
    account.script_at(Endpoint::Images, [Step::UsageLimit { resets_in_s: 600 }]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    picture(&reply);
    assert_eq!(reply.headers["x-switchyard-account"], "second");
    second.script_at(Endpoint::Images, [Step::UsageLimit { resets_in_s: 60 }]);
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
    assert_eq!(reply.headers["retry-after"], "60");
}

#[tokio::test]
async fn f98_a_relay_gets_and_gives_the_very_bytes() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("office", Format::OpenAi);
    lists(
        &stage,
        "office",
        Format::OpenAi,
        &["dall-e-3", "gpt-image-1"],
    );
    stage.codex("first");
    // Spacing, order and unknown members stay; so do wishes no ChatGPT account could meet.
    let body = r#"{ "size":"1x1", "model":"dall-e-3","n":4, "style":"vivid","prompt":"a","response_format":"url" }"#;
    let canned = r#"{ "created": 1, "data": [ {"url":"https://example.com/a.png"} ],"more":true }"#;
    relay.script_at(Endpoint::Images, [Step::json(200, canned)]);
    let reply = stage.request(GENERATIONS).body(body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.text().await.unwrap(), canned);
    let seen = stage
        .simulator
        .requests_to("/v1/images/generations")
        .pop()
        .unwrap();
    assert_eq!(seen.body, body);
    // A form as well, with its boundary.
    let body = form(&[
        ("prompt", None, b"a"),
        ("model", None, b"gpt-image-1"),
        ("image", Some("a.png"), PNG),
    ]);
    assert_eq!(post_form(&stage, body.clone()).await.status(), 200);
    let seen = stage
        .simulator
        .requests_to("/v1/images/edits")
        .pop()
        .unwrap();
    assert_eq!(seen.body, body);
    assert_eq!(
        seen.header("content-type"),
        Some("multipart/form-data; boundary=edge")
    );
    // And a stream.
    let streamed = stage
        .post(GENERATIONS, &ask(&json!({"stream": true})))
        .await;
    assert_eq!(streamed.headers["content-type"], "text/event-stream");
    assert_eq!(streamed.events()[0]["type"], "image_generation.completed");
}

#[tokio::test]
async fn f98_f101_a_relay_without_pictures_leaves_them_to_others() {
    let mut stage = Stage::set().await;
    stage.relay("words", Format::OpenAi);
    lists(&stage, "words", Format::OpenAi, &["gpt-4.1"]);
    let unknown = stage.relay("unknown", Format::OpenAi);
    unknown.script_at(
        Endpoint::Images,
        [Step::json(
            404,
            r#"{"error":{"message":"Invalid URL","type":"invalid_request_error"}}"#,
        )],
    );
    stage.relay("claude", Format::Anthropic);
    stage.codex("first");
    let reply = stage.post(GENERATIONS, &ask(&json!({}))).await;
    picture(&reply);
    assert_eq!(reply.headers["x-switchyard-account"], "first");
    let asked: Vec<String> = stage.asked().into_iter().map(|(name, _)| name).collect();
    assert_eq!(asked, ["unknown", "first"]);
}

#[tokio::test]
async fn f38_an_account_that_is_named_draws_alone() {
    let (mut stage, _first) = codex().await;
    stage.codex("second");
    let named = |name: &'static str| {
        let asking = stage
            .request(GENERATIONS)
            .header("x-switchyard-account", name);
        asking.body(ask(&json!({})).to_string()).send()
    };
    let reply = named("second").await.unwrap();
    assert_eq!(reply.headers()["x-switchyard-account"], "second");
    assert_eq!(named("nobody").await.unwrap().status(), 400);
}

#[tokio::test]
async fn f92_f38_names_of_drawing_models_mean_what_they_mean_elsewhere() {
    let mut stage = Stage::with(Config {
        naming: Arc::new(Naming {
            aliases: [
                ("paint", "dall-e-3"),
                ("sketch", "gpt-image-2-low"),
                ("quo\"te", "other"),
            ]
            .map(|(alias, model)| {
                let alias_of = Alias {
                    model: model.to_owned(),
                    group: None,
                };
                (alias.to_owned(), alias_of)
            })
            .into(),
            ..Naming::default()
        }),
        ..Config::default()
    })
    .await;
    stage.codex("first");
    lists(&stage, "first", Format::Codex, &["gpt-5.5"]);
    let turns = Manner {
        turns: Some(Arc::new(Turns::new(vec!["t1".into(), "t2".into()], 1, 0))),
        ..Manner::default()
    };
    stage.key("office", AccountKind::Relay, Format::OpenAi, turns);
    lists(
        &stage,
        "office",
        Format::OpenAi,
        &["dall-e-3", "other", "t1", "t2"],
    );
    // To a relay: the very bytes around the name.
    for (asked, sent) in [
        ("paint", "dall-e-3"),
        ("Office/dall-e-3", "dall-e-3"),
        ("office/paint", "dall-e-3"),
        ("dall-e-3", "dall-e-3"),
        ("quo\\\"te", "other"),
        ("t2", "t1"),
        ("t2", "t2"),
    ] {
        let body = |name: &str| format!(r#"{{ "n":4, "model" : "{name}" ,"prompt":"a" }}"#);
        let reply = stage.request(GENERATIONS).body(body(asked)).send();
        assert_eq!(reply.await.unwrap().status(), 200, "{asked}");
        let seen = stage.simulator.requests_to("/images/generations");
        assert_eq!(seen.last().unwrap().body, body(sent), "{asked}");
    }
    let parts = |model: &'static [u8]| {
        form(&[
            ("model", None, model),
            ("prompt", None, b"a"),
            ("image", Some("a.png"), PNG),
        ])
    };
    assert_eq!(
        post_form(&stage, parts(b"Office/paint")).await.status(),
        200
    );
    let seen = stage.simulator.requests_to("/v1/images/edits");
    assert_eq!(seen.last().unwrap().body, parts(b"dall-e-3"));
    // To a ChatGPT account: the level behind the name is the picture's quality, before what the body says.
    for (asked, quality) in [
        ("gpt-image-2", "auto"),
        ("sketch", "low"),
        ("first/sketch", "low"),
        ("gpt-image-1-high", "high"),
        ("chatgpt-image-latest", "auto"),
    ] {
        let body = json!({"prompt": "a", "model": asked});
        picture(&stage.post(GENERATIONS, &body).await);
        let sent = last(&stage, "/backend-api/codex/images/generations");
        assert_eq!(
            (&sent["model"], &sent["quality"]),
            (&json!("gpt-image-2"), &json!(quality)),
            "{asked}"
        );
    }
    // Nobody there answers in words by such a name.
    for model in ["gpt-image-2", "sketch"] {
        let body = json!({"model": model, "messages": [{"role": "user", "content": "say:hello"}]});
        let refused = stage.post("/v1/chat/completions", &body).await;
        assert_eq!(refused.status, 404, "{}", refused.text);
        assert!(refused.text.contains("model_not_"), "{}", refused.text);
    }
    let body = json!({"prompt": "a", "model": "gpt-image-2-xhigh"});
    let refused = stage.post(GENERATIONS, &body).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.contains("low, medium, high"),
        "{}",
        refused.text
    );
}

/// 20 MiB of pictures, as JSON and as a form, over the account that changes the form and the one that does not.
#[tokio::test]
async fn f58_f96_twenty_mebibytes_go_through() {
    let large = 20 << 20;
    let mut file = PNG.to_vec();
    file.resize(large, 7);
    let data = format!("{PNG_BASE64}{}", "A".repeat(large)).replace('=', "A");
    let url = format!("data:image/png;base64,{data}");
    let (mut stage, _account) = codex().await;
    stage.relay("office", Format::OpenAi);
    for name in ["first", "office"] {
        stage.activate(name);
        picture(&stage.post(EDITS, &ask(&json!({"image": url}))).await);
        let seen = stage.simulator.requests_to("/images/edits").pop().unwrap();
        assert!(seen.body.len() > large);
        let parts = form(&[("prompt", None, b"a"), ("image", Some("a.png"), &file)]);
        assert_eq!(post_form(&stage, parts).await.status(), 200, "{name}");
    }
}

fn kinds(text: &str) -> Vec<String> {
    let names = text.lines().filter_map(|line| line.strip_prefix("event: "));
    names.map(str::to_owned).collect()
}

fn streamed() -> Value {
    ask(&json!({"stream": true, "partial_images": 1}))
}

/// The unfinished picture is there before the upstream has finished it.
#[tokio::test]
async fn f95_unfinished_pictures_reach_a_client_that_streams() {
    let (stage, account) = codex().await;
    let gate = Gate::new();
    account.script([Step::Gated {
        events: 6,
        gate: gate.clone(),
    }]);
    let asking = stage.request(GENERATIONS).body(streamed().to_string());
    let mut response = asking.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-switchyard-account"], "first");
    let first = response.chunk().await.unwrap().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert_eq!(kinds(&first), ["image_generation.partial_image"]);
    gate.release();
    let mut rest = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        rest.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert_eq!(kinds(&rest), ["image_generation.completed"]);
    let entry = stage.journal(1).await.pop().unwrap();
    assert_eq!((entry.end, entry.images), (gateway::End::Completed, 1));
}

#[tokio::test]
async fn f51_a_picture_that_is_cut_never_looks_like_one() {
    let (stage, account) = codex().await;
    // After the first unfinished picture, and in the middle of the frame that finishes it.
    account.script([Step::CutAfter { events: 6 }, Step::ResetAfter { events: 6 }]);
    for entries in 1..=2 {
        let reply = stage.post(GENERATIONS, &streamed()).await;
        let expected = ["image_generation.partial_image", "error"];
        assert_eq!(kinds(&reply.text), expected, "{}", reply.text);
        let error = &reply.events()[1]["error"];
        assert_eq!(error["code"], "stream_disconnected");
        let entry = stage.journal(entries).await.pop().unwrap();
        assert_eq!((entry.end, entry.images), (gateway::End::Failed, 0));
    }
    // Nothing was told yet: another try is.
    account.script([Step::FailedFirst {
        code: "usage_limit_reached".into(),
    }]);
    let reply = stage.post(GENERATIONS, &streamed()).await;
    assert_eq!(reply.status, 429, "{}", reply.text);
}

#[tokio::test]
async fn f98_a_relays_stream_goes_through_as_it_comes() {
    let mut stage = Stage::set().await;
    let relay = stage.relay("office", Format::OpenAi);
    stage.relay("other", Format::OpenAi);
    let partial = "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"AA\"}\n\n";
    let completed = "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"AB\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}\n\n";
    let failed = "data: {\"type\":\"error\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"later\"}}\n\n";
    let play = |chunks: &[&str]| Step::Replay {
        content_type: "text/event-stream".into(),
        chunks: chunks
            .iter()
            .map(|chunk| Bytes::copy_from_slice(chunk.as_bytes()))
            .collect(),
    };
    let (head, tail) = completed.split_at(40);
    let steps = [
        play(&[partial, head, tail]),
        play(&[partial, head]),
        play(&[failed]),
    ];
    relay.script_at(Endpoint::Images, steps);
    let whole = stage.post(GENERATIONS, &streamed()).await;
    assert_eq!(whole.text, [partial, completed].concat());
    let cut = stage.post(GENERATIONS, &streamed()).await;
    assert!(
        cut.text.starts_with(&[partial, head].concat()),
        "{}",
        cut.text
    );
    assert_eq!(kinds(&cut.text), ["error"]);
    let other = stage.post(GENERATIONS, &streamed()).await;
    assert_eq!(other.headers["x-switchyard-account"], "other");
    let entries = stage.journal(3).await;
    let ends: Vec<_> = entries
        .iter()
        .map(|entry| (entry.end, entry.images))
        .collect();
    use gateway::End::{Completed, Failed};
    assert_eq!(ends, [(Completed, 1), (Failed, 0), (Completed, 1)]);
    assert_eq!(entries[0].usage.unwrap().output, 2);
}

#[tokio::test]
async fn f56_a_client_that_goes_away_ends_the_drawing() {
    let (stage, account) = codex().await;
    for events in [6, 0] {
        let gate = Gate::new();
        account.script([Step::Gated {
            events,
            gate: gate.clone(),
        }]);
        let asking = stage.request(GENERATIONS).body(streamed().to_string());
        let asking = tokio::spawn(async move {
            let mut response = asking.send().await.unwrap();
            let _ = response.chunk().await;
            std::future::pending::<()>().await;
        });
        gate.wait_reached(1).await;
        asking.abort();
        stage.simulator.wait_disconnect().await;
    }
    for entry in stage.journal(2).await {
        assert_eq!(entry.end, gateway::End::Cancelled);
    }
}

/// T163: a drawing says nothing for long. The head and comments reach a client that streams; behind them the road goes on, over the next
/// account too, and an error in the end is an event.
#[tokio::test]
async fn t163_f97_a_client_that_streams_sees_signs_of_life_while_the_road_goes_on() {
    for healthy in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stage = Stage::set().await;
        let base = format!("http://{}/v1", listener.local_addr().unwrap());
        stage.relay_at("slow", Format::OpenAi, &base);
        if healthy {
            stage.codex("healthy");
        }
        let body = ask(&json!({"stream": true})).to_string();
        let asking = tokio::spawn(stage.request(GENERATIONS).body(body).send());
        let (mut upstream, _) = listener.accept().await.unwrap();
        let mut seen = vec![0; 1 << 16];
        let read = upstream.read(&mut seen).await.unwrap();
        assert!(read > 0);
        let hand = Hand::take();
        hand.forward(Duration::from_secs(11)).await;
        let mut response = asking.await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().contains_key("x-request-id"));
        let first = response.chunk().await.unwrap().unwrap();
        assert_eq!(first, ": keep-alive\n\n");
        hand.forward(Duration::from_secs(16)).await;
        let second = response.chunk().await.unwrap().unwrap();
        assert_eq!(second, first);
        drop(hand);
        tokio::time::resume();
        let answer = match healthy {
            true => {
                "HTTP/1.1 429 x\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
            }
            false => {
                "HTTP/1.1 400 x\r\ncontent-type: application/json\r\ncontent-length: 29\r\nconnection: close\r\n\r\n{\"error\":{\"message\":\"not so\"}}"
            }
        };
        upstream.write_all(answer.as_bytes()).await.unwrap();
        drop(upstream);
        let rest = response.text().await.unwrap();
        let entry = stage.journal(1).await.pop().unwrap();
        if healthy {
            assert_eq!(kinds(&rest), ["image_generation.completed"]);
            assert_eq!((entry.status, entry.attempts.len()), (200, 2));
        } else {
            assert_eq!(kinds(&rest), ["error"]);
            assert!(
                rest.contains(r#"data: {"type":"error","error":{"#),
                "{rest}"
            );
            assert!(rest.contains("not so"), "{rest}");
            assert_eq!(entry.status, 400);
        }
    }
}

/// F70: pictures count wherever they stand, in answers that pass as they are and in translated ones.
#[tokio::test]
async fn f70_pictures_inside_answers_are_counted() {
    let mut stage = Stage::set().await;
    let _codex = stage.codex("codex");
    let draw = |stream: bool| {
        json!({
            "model": "gpt-5.5", "stream": stream, "input": [{"role": "user", "content": "a cat"}],
            "tools": [{"type": "image_generation"}], "tool_choice": {"type": "image_generation"},
        })
    };
    for stream in [true, false] {
        let reply = stage.post("/v1/responses", &draw(stream)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert!(reply.text.contains("image_generation_call"));
    }
    let counts = |entries: Vec<gateway::Entry>| -> Vec<u32> {
        entries.iter().map(|entry| entry.images).collect()
    };
    assert_eq!(counts(stage.journal(2).await), [1, 1]);

    let mut stage = Stage::set().await;
    let relay = stage.relay("relay", Format::Gemini);
    let drawn = json!({
        "candidates": [{"content": {"role": "model", "parts": [{"text": "two"}, inline(), inline()]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}, "modelVersion": "m", "responseId": "r",
    });
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "draw"}]});
    let own = json!({"contents": [{"parts": [{"text": "draw"}]}]});
    for (path, body) in [
        ("/v1beta/models/m:generateContent", &own),
        ("/v1/chat/completions", &chat),
    ] {
        relay.script([Step::json(200, &drawn.to_string())]);
        let reply = stage.post(path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(counts(stage.journal(2).await), [2, 2]);
}

fn inline() -> Value {
    json!({"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"}})
}

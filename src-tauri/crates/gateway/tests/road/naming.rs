//! Names of models on the road: suffixes, aliases, patterns and defaults reach the account, and the answer keeps the name that was asked
//! for (F88, F90–F92, F101, F109).

use std::sync::Arc;

use gateway::{Alias, Catalog, Config, Model, Naming};
use pool::{AccountKind, Format};
use protocol::Dialect;
use protocol::suffix::Levels;
use serde_json::{Value, json};
use simulator::{Scripted, Step};
use upstream::Manner;

use crate::stage::Stage;

fn naming() -> Naming {
    let alias = |model: &str| Alias {
        model: model.to_owned(),
        group: None,
    };
    Naming {
        aliases: [("quick", "gpt-5.4-low"), ("best", "gpt-5.5")]
            .map(|(name, model)| (name.to_owned(), alias(model)))
            .into(),
        patterns: vec![("claude-*opus*".to_owned(), "gpt-5.5".to_owned())],
        default_models: vec![(Dialect::Messages, "gpt-5.4".to_owned())],
        ..Naming::default()
    }
}

async fn stage(naming: Naming) -> Stage {
    let config = Config {
        naming: Arc::new(naming),
        default_model: Some("gpt-5.5".to_owned()),
        ..Config::default()
    };
    let stage = Stage::with(config).await;
    stage.gateway.set_catalog(Catalog {
        models: ["gpt-5.4", "gpt-5.5"]
            .map(|id| Model {
                id: id.to_owned(),
                owned_by: "openai".into(),
                created: 0,
                codex: None,
            })
            .into(),
        levels: Levels::built_in(),
        ..Catalog::default()
    });
    stage
}

fn body(path: &str, model: &Value, stream: bool) -> Value {
    let mut body = match path {
        "/v1/responses" => json!({"input": "say:hello"}),
        "/v1/messages" => {
            json!({"max_tokens": 99, "messages": [{"role": "user", "content": "say:hello"}]})
        }
        _ => json!({"messages": [{"role": "user", "content": "say:hello"}]}),
    };
    body["stream"] = json!(stream);
    if !model.is_null() {
        body["model"] = model.clone();
    }
    body
}

const PATHS: [&str; 3] = ["/v1/chat/completions", "/v1/responses", "/v1/messages"];

/// Every name the answer gives its model.
fn models_in(text: &str) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(model) = map.get("model").and_then(Value::as_str) {
                    found.push(model.to_owned());
                }
                map.values().for_each(|value| walk(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for line in text.lines() {
        let json = line.strip_prefix("data: ").unwrap_or(line);
        if let Ok(value) = serde_json::from_str::<Value>(json) {
            walk(&value, &mut found);
        }
    }
    found
}

#[tokio::test]
async fn f90_f92_names_reach_a_sign_in_and_the_answer_echoes_what_was_asked() {
    let mut stage = stage(naming()).await;
    let _codex = stage.codex("codex");
    for (asked, model, effort, tier) in [
        ("gpt-5.5", "gpt-5.5", Value::Null, Value::Null),
        ("gpt-5.5-high", "gpt-5.5", json!("high"), Value::Null),
        (
            "GPT-5.5-Fast-XHIGH",
            "gpt-5.5",
            json!("xhigh"),
            json!("priority"),
        ),
        ("gpt-5.5-16000", "gpt-5.5", json!("high"), Value::Null),
        ("quick", "gpt-5.4", json!("low"), Value::Null),
        ("best-none", "gpt-5.5", json!("none"), Value::Null),
        ("claude-opus-4-7", "gpt-5.5", Value::Null, Value::Null),
    ] {
        for path in PATHS {
            for stream in [true, false] {
                let before = stage.asked().len();
                let reply = stage.post(path, &body(path, &json!(asked), stream)).await;
                assert_eq!(reply.status, 200, "{asked} {path}: {}", reply.text);
                let (_, sent) = stage.asked().remove(before);
                assert_eq!(sent["model"], model, "{asked} {path}");
                assert_eq!(sent["reasoning"]["effort"], effort, "{asked} {path}");
                assert_eq!(sent["service_tier"], tier, "{asked} {path}");
                let told = models_in(&reply.text);
                assert!(!told.is_empty(), "{asked} {path}");
                assert!(
                    told.iter().all(|told| told == asked),
                    "{asked} {path}: {told:?}"
                );
            }
        }
    }
    // The journal keeps the asked name.
    let entries = stage.journal(1).await;
    assert_eq!(entries[0].model, "gpt-5.5");
}

#[tokio::test]
async fn f90_a_level_the_model_does_not_take_is_a_400_that_lists_them() {
    let mut stage = stage(naming()).await;
    let _codex = stage.codex("codex");
    for path in PATHS {
        let reply = stage
            .post(path, &body(path, &json!("gpt-5.5-max"), false))
            .await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        let error = &reply.json()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("low, medium, high, xhigh, none, auto"),
            "{message}"
        );
    }
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn f91_a_key_account_gets_the_name_as_it_is_unless_it_reads_suffixes() {
    let mut stage = stage(naming()).await;
    let reads = Manner {
        reads_suffixes: true,
        effort: Some("low".to_owned()),
        ..Manner::default()
    };
    let _plain = stage.relay("plain", Format::OpenAi);
    let _reads = stage.key("reads", AccountKind::Relay, Format::OpenAi, reads);
    for (account, asked, model, effort) in [
        ("plain", "gpt-5.5-high", "gpt-5.5-high", Value::Null),
        ("plain", "best", "gpt-5.5", Value::Null),
        ("reads", "gpt-5.5-high", "gpt-5.5", json!("high")),
        // The account's own default, which is never everybody's.
        ("reads", "gpt-5.5", "gpt-5.5", json!("low")),
    ] {
        stage.activate(account);
        let before = stage.asked().len();
        let path = PATHS[0];
        let reply = stage.post(path, &body(path, &json!(asked), false)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let (who, sent) = stage.asked().remove(before);
        assert_eq!(who, account);
        assert_eq!(
            (&sent["model"], &sent["reasoning_effort"]),
            (&json!(model), &effort)
        );
        assert_eq!(reply.json()["model"], asked);
    }
}

#[tokio::test]
async fn f92_a_missing_model_is_the_default_of_its_route() {
    let mut names = naming();
    names
        .default_models
        .push((Dialect::Gemini, "gpt-5.4-high".to_owned()));
    let mut stage = stage(names).await;
    let _codex = stage.codex("codex");
    for (path, model, expected) in [
        (PATHS[0], Value::Null, "gpt-5.5"),
        (PATHS[1], json!(""), "gpt-5.5"),
        (PATHS[2], Value::Null, "gpt-5.4"),
    ] {
        let before = stage.asked().len();
        let reply = stage.post(path, &body(path, &model, false)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(stage.asked()[before].1["model"], expected, "{path}");
    }
    // A Gemini client names its model in the path.
    let words = json!({"contents": [{"parts": [{"text": "say:hello"}]}]});
    for path in [
        "/v1beta/models/:generateContent",
        "/v1/models/:streamGenerateContent",
    ] {
        let before = stage.asked().len();
        let reply = stage.post(path, &words).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let asked = &stage.asked()[before].1;
        assert_eq!(asked["model"], "gpt-5.4", "{path}");
        assert_eq!(asked["reasoning"]["effort"], "high", "{path}");
    }
}

#[tokio::test]
async fn f107_without_a_key_of_zai_its_models_are_a_clear_503() {
    let mut stage = stage(naming()).await;
    for accounts in 0..2 {
        for path in PATHS {
            let reply = stage
                .post(path, &body(path, &json!("glm-4.5"), false))
                .await;
            assert_eq!(reply.status, 503, "{accounts}: {}", reply.text);
            assert!(reply.text.contains("no Z.AI key"), "{}", reply.text);
        }
        let sign_in = stage.codex("codex");
        stage.pool.with(|pool| {
            let mut account = pool.accounts().next().unwrap().clone();
            account.known_models = Some(vec!["gpt-5.5".to_owned()]);
            pool.upsert(account);
        });
        drop(sign_in);
    }
    // A relay may serve such a model, and a key of Z.AI that does not know it says 404 (F109).
    let _zai = stage.key("zai", AccountKind::Zai, Format::OpenAi, Manner::default());
    stage.pool.with(|pool| {
        let id = pool::AccountId::from("zai");
        let mut account = pool.account(&id).unwrap().clone();
        account.known_models = Some(vec!["glm-4.5".to_owned()]);
        pool.upsert(account);
    });
    let reply = stage
        .post(PATHS[0], &body(PATHS[0], &json!("glm-9"), false))
        .await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    let reply = stage
        .post(PATHS[0], &body(PATHS[0], &json!("glm-4.5"), false))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn f92_the_group_of_an_alias_serves_alone() {
    let team = Alias {
        model: "glm-4.5".to_owned(),
        group: Some("team".to_owned()),
    };
    let mut stage = stage(Naming {
        aliases: [("ours".to_owned(), team)].into(),
        ..naming()
    })
    .await;
    for name in ["a", "b"] {
        let _key = stage.relay(name, Format::OpenAi);
    }
    stage.pool.with(|pool| {
        let mut account = pool.account(&pool::AccountId::from("b")).unwrap().clone();
        account.group = Some("team".to_owned());
        pool.upsert(account);
    });
    for (model, served) in [("glm-4.5", "a"), ("ours", "b")] {
        let reply = stage
            .post(PATHS[0], &body(PATHS[0], &json!(model), false))
            .await;
        assert_eq!(
            reply.headers["x-switchyard-account"], served,
            "{}",
            reply.text
        );
        assert_eq!(reply.json()["model"], model);
    }
}

#[tokio::test]
async fn f88_f101_direct_only_leaves_key_accounts_of_other_formats_out() {
    let mut stage = stage(Naming {
        direct_only: true,
        ..naming()
    })
    .await;
    let _messages = stage.relay("messages", Format::Anthropic);
    let _codex_relay = stage.relay("codex-relay", Format::Codex);
    let path = PATHS[0];
    let ask = body(path, &json!("gpt-5.5"), false);
    let reply = stage.post(path, &ask).await;
    assert_eq!(reply.status, 404, "{}", reply.text);
    assert!(
        reply.text.contains("its format cannot serve this route"),
        "{}",
        reply.text
    );
    // F105: a sign-in is translated for all the same.
    let _codex = stage.codex("codex");
    let reply = stage.post(path, &ask).await;
    assert_eq!(
        reply.headers["x-switchyard-account"], "codex",
        "{}",
        reply.text
    );
    let _chat = stage.relay("chat", Format::OpenAi);
    stage.activate("chat");
    let reply = stage.post(path, &ask).await;
    assert_eq!(
        reply.headers["x-switchyard-account"], "chat",
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn f109_the_think_tags_of_zai_are_really_effective() {
    for on in [false, true] {
        let mut stage = stage(Naming {
            zai_think_tags: on,
            ..naming()
        })
        .await;
        let zai = stage.key("zai", AccountKind::Zai, Format::OpenAi, Manner::default());
        let relay = stage.relay("relay", Format::OpenAi);
        for (account, key, tagged) in [("zai", &zai, on), ("relay", &relay, false)] {
            stage.activate(account);
            for stream in [true, false] {
                let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "glm-4.5",
                    "choices": [{"index": 0, "finish_reason": "stop",
                        "message": {"role": "assistant", "reasoning_content": "hm", "content": "yes"}}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}});
                let chunk = |delta: Value, end: Value| {
                    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "glm-4.5",
                        "choices": [{"index": 0, "delta": delta, "finish_reason": end}]});
                    format!("data: {chunk}\n\n")
                };
                let events = [
                    chunk(
                        json!({"role": "assistant", "reasoning_content": "hm"}),
                        Value::Null,
                    ),
                    chunk(json!({"content": "yes"}), Value::Null),
                    chunk(json!({}), json!("stop")),
                    "data: [DONE]\n\n".to_owned(),
                ];
                key.script([if stream {
                    Step::Status {
                        code: 200,
                        body: events.concat(),
                        content_type: "text/event-stream".into(),
                    }
                } else {
                    Step::json(200, &answer.to_string())
                }]);
                let path = PATHS[0];
                let reply = stage
                    .post(path, &body(path, &json!("glm-4.5"), stream))
                    .await;
                assert_eq!(reply.status, 200, "{}", reply.text);
                assert_eq!(reply.text.contains("<think>hm"), tagged, "{}", reply.text);
                assert_eq!(
                    reply.text.contains("reasoning_content"),
                    !tagged,
                    "{}",
                    reply.text
                );
            }
        }
    }
}

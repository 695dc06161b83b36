//! The Codex shape of the model list (F82, codex-backend §3.7) and its tag.

use bytes::Bytes;
use gateway::{Catalog, Model};
use serde_json::{Value, json};
use simulator::SimAccount;

use crate::stage::Stage;

/// What the Codex CLI cannot read an entry without.
const REQUIRED: &[&str] = &[
    "slug",
    "display_name",
    "description",
    "supported_reasoning_levels",
    "shell_type",
    "visibility",
    "supported_in_api",
    "priority",
    "availability_nux",
    "upgrade",
    "base_instructions",
    "supports_reasoning_summaries",
    "support_verbosity",
    "default_verbosity",
    "apply_patch_tool_type",
    "truncation_policy",
    "supports_parallel_tool_calls",
    "experimental_supported_tools",
];

/// The backend's own entries, as the account's list gave them.
async fn entries(stage: &Stage, account: &SimAccount) -> Vec<Model> {
    let url = format!(
        "{}/models?client_version=0.153.0",
        stage.simulator.codex_base_url()
    );
    let answer = stage
        .http
        .get(url)
        .bearer_auth(&account.access_token)
        .header("chatgpt-account-id", &account.account_id)
        .send()
        .await
        .unwrap();
    let list: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let list = list["models"].as_array().unwrap();
    list.iter()
        .map(|entry| Model {
            id: entry["slug"].as_str().unwrap().to_owned(),
            owned_by: "openai".into(),
            created: 0,
            codex: Some(Bytes::from(entry.to_string())),
        })
        .collect()
}

#[tokio::test]
async fn f82_codex_keeps_its_list_while_the_tag_is_the_same() {
    let mut stage = Stage::set().await;
    let account = stage.codex("codex");
    let mut models = entries(&stage, &account).await;
    let set = |models: &[Model]| {
        stage.gateway.set_catalog(Catalog {
            models: models.to_vec(),
            ..Catalog::default()
        });
    };
    set(&models);
    let list = stage.get("/v1/models?client_version=0.153.0").await;
    let tag = list.headers["etag"].clone();
    for entry in list.json()["models"].as_array().unwrap() {
        for key in REQUIRED {
            assert!(entry.get(key).is_some(), "{key} of {}", entry["slug"]);
        }
    }
    // Every answer repeats the tag of the list as it is served here, not the backend's own.
    let body = json!({"model": "gpt-5.5", "stream": true, "input": "say:hello"});
    for stream in [true, false] {
        let mut body = body.clone();
        body["stream"] = stream.into();
        let answer = stage.post("/v1/responses", &body).await;
        assert_eq!(answer.headers["x-models-etag"], tag, "{}", answer.text);
    }
    models.pop();
    set(&models);
    let changed = stage.get("/codex/v1/models").await;
    assert_ne!(changed.headers["etag"], tag);
    set(&[]);
    let none = stage.get("/codex/v1/models").await;
    assert!(!none.headers.contains_key("etag"));
}

#[tokio::test]
async fn f77_a_model_that_cannot_serve_a_path_is_not_called_unknown() {
    let mut stage = Stage::set().await;
    stage.relay("office", pool::Format::OpenAi);
    stage.gateway.set_catalog(Catalog {
        models: vec![Model {
            id: "m".into(),
            owned_by: "office".into(),
            created: 1,
            codex: None,
        }],
        ..Catalog::default()
    });
    for (model, code) in [("m", "model_not_supported"), ("x", "model_not_found")] {
        let body = json!({"model": model, "input": "hi"});
        let refused = stage.post("/v1/responses/compact", &body).await;
        let error = refused.json()["error"].clone();
        assert_eq!(
            (refused.status, &error["code"]),
            (404, &json!(code)),
            "{error}"
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("office"), "{message}");
    }
}

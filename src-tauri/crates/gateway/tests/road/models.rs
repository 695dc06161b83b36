//! The Codex shape of the model list (F82, codex-backend §3.7) and its tag.

use std::sync::Arc;

use bytes::Bytes;
use gateway::{Catalog, ClientKey, KeyRules, Keys, Model};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator::SimAccount;

use crate::stage::{KEY, Stage};

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

/// What a list or an entry names, in any of the shapes.
fn named(list: &Value) -> Vec<String> {
    let entries = list["data"].as_array().or(list["models"].as_array());
    let id = |entry: &Value| {
        let id = entry["id"].as_str().or(entry["slug"].as_str());
        id.or(entry["name"].as_str()).unwrap().to_owned()
    };
    entries.map_or_else(
        || vec![id(list)],
        |entries| entries.iter().map(id).collect(),
    )
}

#[tokio::test]
async fn f27_f81_a_key_sees_the_models_it_may_use() {
    let stage = Stage::set().await;
    let model = |id: &str, codex: bool| Model {
        id: id.into(),
        owned_by: "office".into(),
        created: 1,
        codex: codex.then(|| json!({"slug": id}).to_string().into()),
    };
    stage.gateway.set_catalog(Catalog {
        models: vec![
            model("glm-4.5", false),
            model("gpt-5.4", true),
            model("gpt-5.5", true),
            model("gpt-image-2", false),
        ],
        ..Catalog::default()
    });
    let get = |path: &'static str, header: &'static str| {
        let url = format!("http://{}{path}", stage.address());
        let mut asking = stage.http.get(url).bearer_auth(KEY);
        if !header.is_empty() {
            asking = asking.header(header, KEY);
        }
        async {
            let answer = asking.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str::<Value>(&text).unwrap())
        }
    };
    // What only draws is listed where pictures are asked for by a call of their own.
    let lists: [(&str, &str, &[&str], &[&str]); 5] = [
        (
            "/v1/models",
            "",
            &["glm-4.5", "gpt-5.4", "gpt-5.5", "gpt-image-2"],
            &["gpt-5.4", "gpt-image-2"],
        ),
        (
            "/v1/models",
            "anthropic-version",
            &["glm-4.5", "gpt-5.4", "gpt-5.5"],
            &["gpt-5.4"],
        ),
        (
            "/v1/models",
            "x-goog-api-key",
            &["models/glm-4.5", "models/gpt-5.4", "models/gpt-5.5"],
            &["models/gpt-5.4"],
        ),
        (
            "/v1beta/models",
            "",
            &["models/glm-4.5", "models/gpt-5.4", "models/gpt-5.5"],
            &["models/gpt-5.4"],
        ),
        (
            "/codex/v1/models",
            "",
            &["gpt-5.4", "gpt-5.5"],
            &["gpt-5.4"],
        ),
    ];
    for (path, header, all, _) in lists {
        assert_eq!(named(&get(path, header).await.1), all, "{path} {header}");
    }
    let whole = stage.get("/codex/v1/models").await.headers["etag"].clone();
    stage.gateway.set_keys(Keys(vec![ClientKey {
        name: "one".into(),
        digest: Sha256::digest(KEY).into(),
        enabled: true,
        expires_at: None,
        rules: Some(Arc::new(KeyRules {
            allowed_models: Some(vec!["gpt-5.4*".into(), "gpt-image-2".into()]),
            ..KeyRules::default()
        })),
    }]));
    for (path, header, _, mine) in lists {
        assert_eq!(named(&get(path, header).await.1), mine, "{path} {header}");
    }
    // Every answer repeats one tag: a part of the list goes by it too, or the client would ask without end.
    assert_eq!(stage.get("/codex/v1/models").await.headers["etag"], whole);
    for (path, header, status) in [
        ("/v1/models/gpt-5.4", "", 200),
        ("/v1/models/gpt-5.4-high", "", 200),
        ("/v1/models/gpt-5.5", "", 403),
        ("/v1/models/gpt-5.5", "anthropic-version", 403),
        ("/v1beta/models/gpt-5.5", "", 403),
        ("/v1beta/models/gpt-5.4", "", 200),
        ("/v1/models/gpt-5.4x", "", 404),
    ] {
        let (found, answer) = get(path, header).await;
        assert_eq!(found, status, "{path} {header}: {answer}");
        assert_eq!(answer["error"].is_object(), status != 200, "{answer}");
        if status != 200 && header == "anthropic-version" {
            assert_eq!(answer["type"], "error");
        }
    }
}

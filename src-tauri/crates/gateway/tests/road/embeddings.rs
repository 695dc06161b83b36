//! Vectors of texts (F78): over key accounts that say they have them, and nobody else.

use std::sync::Arc;

use gateway::{Alias, Config, Naming};
use pool::{AccountId, Capability, Format};
use serde_json::json;
use simulator::{Endpoint, Scripted, Step};

use crate::stage::Stage;

const PATH: &str = "/v1/embeddings";

fn says(stage: &Stage, name: &str, capabilities: &[Capability], models: Option<&[&str]>) {
    stage.pool.with(|pool| {
        let id = AccountId::from(name);
        let known = pool.accounts().find(|account| account.id == id);
        let mut account = known.unwrap().clone();
        account.capabilities = Some(capabilities.to_vec());
        account.allowed_models = models.map(|all| all.iter().map(|m| (*m).to_owned()).collect());
        pool.upsert(account);
    });
}

async fn stage() -> Stage {
    let mini = Alias {
        model: "text-embedding-3-small".into(),
        group: None,
    };
    let naming = Naming {
        aliases: [("mini".to_owned(), mini)].into(),
        ..Naming::default()
    };
    Stage::with(Config {
        naming: Arc::new(naming),
        ..Config::default()
    })
    .await
}

#[tokio::test]
async fn f78_f103_the_very_bytes_go_to_an_account_that_has_the_capability() {
    let mut stage = stage().await;
    stage.codex("codex");
    stage.relay("words", Format::OpenAi);
    stage.relay("claude", Format::Anthropic);
    stage.relay("vectors", Format::OpenAi);
    says(&stage, "vectors", &[Capability::Embeddings], None);
    let body = |model: &str| {
        format!(
            r#"{{ "input":["a","b"],"model":"{model}", "encoding_format":"base64","stream":true }}"#
        )
    };
    for (asked, sent) in [
        ("text-embedding-3-small", "text-embedding-3-small"),
        ("mini", "text-embedding-3-small"),
        ("vectors/mini", "text-embedding-3-small"),
    ] {
        let answer = stage.request(PATH).body(body(asked)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{asked}");
        assert_eq!(answer.headers()["x-switchyard-account"], "vectors");
        assert_eq!(answer.headers()["content-type"], "application/json");
        let answer: serde_json::Value =
            serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        // F92: the name that was asked.
        assert_eq!(answer["model"], asked);
        assert_eq!(answer["data"][1]["embedding"], json!([0.25, -0.5]));
        let seen = stage.simulator.requests_to("/v1/embeddings");
        assert_eq!(seen.last().unwrap().body, body(sent));
    }
    let entry = stage.journal(3).await.pop().unwrap();
    assert_eq!((entry.endpoint, entry.usage.unwrap().input), (PATH, 8));
    // It answers nobody in words, and draws nothing.
    stage.activate("vectors");
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "say:hello"}]});
    for (path, body) in [
        ("/v1/chat/completions", chat),
        (
            "/v1/images/generations",
            json!({"model": "m", "prompt": "a"}),
        ),
    ] {
        let reply = stage.post(path, &body).await;
        assert_eq!(reply.headers["x-switchyard-account"], "words", "{path}");
    }
    let pinned = json!({"model": "vectors/m", "messages": [{"role": "user", "content": "hi"}]});
    let refused = stage.post("/v1/chat/completions", &pinned).await;
    assert_eq!(refused.status, 503);
    assert!(
        refused.text.contains("not set up for this kind"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn f78_without_such_an_account_the_answer_says_what_to_do() {
    let mut stage = stage().await;
    let ask = json!({"model": "text-embedding-3-small", "input": "a"});
    for add in ["nobody", "codex", "words"] {
        match add {
            "codex" => drop(stage.codex("codex")),
            "words" => drop(stage.relay("words", Format::OpenAi)),
            _ => {}
        }
        let refused = stage.post(PATH, &ask).await;
        assert_eq!(refused.status, 404, "{add}: {}", refused.text);
        let error = &refused.json()["error"];
        assert_eq!(error["code"], "embeddings_not_set_up", "{error}");
        assert!(error["message"].as_str().unwrap().contains("options"));
    }
    // Set up, but not for this model.
    says(&stage, "words", &[Capability::Embeddings], Some(&["other"]));
    let refused = stage.post(PATH, &ask).await;
    assert_eq!(refused.json()["error"]["code"], "model_not_found");
    assert_eq!(refused.status, 404);
    let nothing = stage.post(PATH, &json!({"input": "a"})).await;
    assert_eq!(nothing.status, 400, "{}", nothing.text);
}

#[tokio::test]
async fn f78_f102_an_account_without_the_path_leaves_it_to_another() {
    let mut stage = stage().await;
    let keys = ["a", "b"].map(|name| {
        let key = stage.relay(name, Format::OpenAi);
        says(&stage, name, &[Capability::Embeddings], None);
        key
    });
    let ask = json!({"model": "m", "input": "a"});
    for step in [
        Step::json(404, r#"{"error":{"message":"Invalid URL"}}"#),
        Step::HtmlPage200,
        Step::json(200, r#"{"object":"list","data":[]}"#),
        Step::Http500,
    ] {
        keys[0].script_at(Endpoint::Embeddings, [step]);
        let reply = stage.post(PATH, &ask).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.headers["x-switchyard-account"], "b");
    }
    let judged = Step::json(400, r#"{"error":{"message":"too long","code":"context"}}"#);
    keys[0].script_at(Endpoint::Embeddings, [judged]);
    let reply = stage.post(PATH, &ask).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("too long"), "{}", reply.text);
}

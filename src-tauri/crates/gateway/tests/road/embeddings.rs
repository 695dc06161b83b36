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
        assert_eq!(answer["data"][1]["embedding"], "AACAPgAAAL8=");
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

const GEMINI: &str = "/v1beta/models/";

/// A relay that can embed and nothing else.
fn vectors(stage: &mut Stage, format: Format) {
    stage.relay("vectors", format);
    says(stage, "vectors", &[Capability::Embeddings], None);
}

#[tokio::test]
async fn f78_f80_a_gemini_account_gets_the_very_bytes_of_a_gemini_client() {
    let mut stage = stage().await;
    vectors(&mut stage, Format::Gemini);
    let one = |model: &str| {
        format!(
            r#"{{ "content":{{"parts":[{{"text":"a"}}]}},"model":"models/{model}", "taskType":"RETRIEVAL_QUERY" }}"#
        )
    };
    let several = |model: &str| format!(r#"{{"requests":[{}, {}]}}"#, one(model), one(model));
    let real = "text-embedding-3-small";
    for (asked, inner) in [(real, real), ("mini", "mini"), ("vectors/mini", "mini")] {
        for (action, body, sent, answer) in [
            (
                "embedContent",
                one(inner),
                one(real),
                json!({"embedding": {"values": [0.25, -0.5]}}),
            ),
            (
                "batchEmbedContents",
                several(inner),
                several(real),
                json!({"embeddings": [{"values": [0.25, -0.5]}, {"values": [0.25, -0.5]}]}),
            ),
        ] {
            let path = format!("{GEMINI}{asked}:{action}?x=1&key=");
            let reply = stage.request(&path).body(body).send().await.unwrap();
            assert_eq!(reply.status(), 200, "{asked} {action}");
            assert_eq!(reply.headers()["x-switchyard-account"], "vectors");
            let told: serde_json::Value =
                serde_json::from_str(&reply.text().await.unwrap()).unwrap();
            assert_eq!(told, answer);
            let seen = stage.simulator.requests();
            let seen = seen.last().unwrap();
            assert_eq!(seen.path, format!("/v1/models/{real}:{action}"));
            assert_eq!(seen.query, "x=1");
            assert_eq!(seen.body, sent);
        }
    }
    let entry = stage.journal(6).await.pop().unwrap();
    assert_eq!(entry.endpoint, "/v1beta/models:batchEmbedContents");
    assert_eq!(entry.usage, None);
}

#[tokio::test]
async fn f78_f88_vectors_cross_between_the_dialects() {
    // A client of the Embeddings API, an account that speaks Gemini.
    let mut stage = stage().await;
    vectors(&mut stage, Format::Gemini);
    for (format, vector) in [
        ("float", json!([0.25, -0.5])),
        // 0.25 and -0.5 as 32-bit floats, the least byte first.
        ("base64", json!("AACAPgAAAL8=")),
    ] {
        let ask = json!({"model": "mini", "input": ["a", "b"], "encoding_format": format, "dimensions": 2, "odd": 1});
        let reply = stage.post(PATH, &ask).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let answer = reply.json();
        assert_eq!(answer["model"], "mini");
        assert_eq!(answer["data"][1]["index"], 1);
        assert_eq!(answer["data"][1]["embedding"], vector);
        let (seen, sent) = stage.asked().pop().unwrap();
        assert_eq!(seen, "vectors");
        assert_eq!(
            sent["requests"][1],
            json!({"model": "models/text-embedding-3-small", "content": {"parts": [{"text": "b"}]}, "outputDimensionality": 2})
        );
    }
    assert_eq!(
        stage.journal(2).await.pop().unwrap().losses,
        ["Dropped: odd (the Gemini dialect has no such field for embeddings)"]
    );
    let refused = stage
        .post(PATH, &json!({"model": "mini", "input": [[1]]}))
        .await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(refused.json()["error"]["param"], "input");

    // The other way.
    for format in [Format::OpenAi, Format::Responses] {
        let mut stage = self::stage().await;
        vectors(&mut stage, format);
        let content = json!({"parts": [{"text": "a"}]});
        let path = |action: &str| format!("{GEMINI}mini:{action}");
        let one = json!({"content": content, "taskType": "RETRIEVAL_QUERY"});
        let reply = stage.post(&path("embedContent"), &one).await;
        assert_eq!(reply.status, 200, "{format:?} {}", reply.text);
        assert_eq!(reply.json(), json!({"embedding": {"values": [0.25, -0.5]}}));
        let (_, sent) = stage.asked().pop().unwrap();
        assert_eq!(
            sent,
            json!({"model": "text-embedding-3-small", "input": ["a"]})
        );
        let batch = json!({"requests": [{"content": content}, {"content": content}]});
        let reply = stage.post(&path("batchEmbedContents"), &batch).await;
        assert_eq!(reply.json()["embeddings"][1]["values"], json!([0.25, -0.5]));
        let entries = stage.journal(2).await;
        assert_eq!(entries[0].losses, ["Dropped: taskType"]);
        assert_eq!(entries[1].usage.unwrap().input, 8);
        let picture = json!({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}});
        let refused = stage.post(&path("embedContent"), &picture).await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["error"]["status"], "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn f78_b5_gemini_clients_read_errors_in_their_own_shape() {
    let mut stage = stage().await;
    let ask = json!({"content": {"parts": [{"text": "a"}]}});
    let path = format!("{GEMINI}m:embedContent");
    let refused = stage.post(&path, &ask).await;
    assert_eq!(refused.status, 404, "{}", refused.text);
    let error = &refused.json()["error"];
    assert_eq!(
        (&error["code"], &error["status"]),
        (&json!(404), &json!("NOT_FOUND"))
    );
    assert!(
        error["message"].as_str().unwrap().contains("options"),
        "{error}"
    );

    let first = stage.relay("first", Format::OpenAi);
    says(&stage, "first", &[Capability::Embeddings], None);
    let judged = Step::json(400, r#"{"error":{"message":"too long","code":"context"}}"#);
    first.script_at(Endpoint::Embeddings, [judged]);
    let refused = stage.post(&path, &ask).await;
    assert_eq!(refused.status, 400);
    let error = &refused.json()["error"];
    assert_eq!(error["status"], "INVALID_ARGUMENT");
    assert!(error["message"].as_str().unwrap().contains("too long"));

    // Without the path, or without a vector, another account is asked; one of the own dialect first.
    let own = stage.relay("own", Format::Gemini);
    says(&stage, "own", &[Capability::Embeddings], None);
    for step in [
        Step::json(
            404,
            r#"{"error":{"code":404,"message":"no","status":"NOT_FOUND"}}"#,
        ),
        Step::json(200, r#"{"embedding":{}}"#),
    ] {
        own.script_at(Endpoint::Embeddings, [step]);
        let reply = stage.post(&path, &ask).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.headers["x-switchyard-account"], "first");
        assert_eq!(reply.json()["embedding"]["values"], json!([0.25, -0.5]));
    }
}

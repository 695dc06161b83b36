//! Names and lists of models, presets, and how accounts are spoken to, through the engine's use cases (F89–F93, F99–F103, F106). The
//! providers are simulated.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::{
    Engine, EngineError, KeyAccountExtras, ModelSource, NewKeyAccount, OpenOptions, OptionsChange,
    VaultChoice,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulator::{AccountSetup, Endpoint, KeySetup, Scripted, Setup, SimAccount, Simulator, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn open(folder: &Path, simulator: &Simulator, codex_home: Option<&Path>) -> Arc<Engine> {
    let lock = Home::at(folder).unwrap().lock().unwrap();
    let codex = codex_home.map(|home| ("CODEX_HOME", home.display().to_string()));
    let env = Env::from_pairs(codex);
    let mut options = OpenOptions::new(lock, env).unwrap();
    options.vault = VaultChoice::File;
    options.passphrase = Some(SecretString::from("correct horse"));
    options.flags = vec![
        ("codex.base_url".into(), simulator.codex_base_url()),
        ("codex.usage_url".into(), simulator.usage_url()),
        ("codex.auth_url".into(), simulator.auth_url()),
        ("server.port".into(), "0".into()),
    ];
    Engine::open(options).await.unwrap()
}

async fn sign_in(engine: &Arc<Engine>, account: &SimAccount) {
    let file = json!({"type": "codex", "access_token": account.access_token,
        "refresh_token": account.refresh_token, "id_token": account.id_token});
    let text = SecretString::from(file.to_string());
    engine.import(&text, false, false).await.unwrap();
}

/// A request to the engine's own listener: its status and its JSON.
async fn call(engine: &Engine, method: &str, path: &str, body: &str) -> (u16, Value) {
    let key = engine.key(engine::DEFAULT_KEY).unwrap();
    let mut stream = tokio::net::TcpStream::connect(engine.address().unwrap())
        .await
        .unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        key.expose_secret(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let json = answer.find('{').and_then(|at| {
        let json = &answer[at..=answer.rfind('}').unwrap()];
        serde_json::from_str(json).ok()
    });
    (status, json.unwrap_or(Value::Null))
}

async fn listed(engine: &Engine) -> Vec<String> {
    let (_, list) = call(engine, "GET", "/v1/models", "").await;
    let ids = list["data"].as_array().unwrap().iter();
    ids.map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

fn new_key(label: &str, extras: KeyAccountExtras) -> NewKeyAccount {
    NewKeyAccount {
        kind: String::new(),
        label: label.into(),
        base_url: String::new(),
        format: String::new(),
        key: SecretString::from(format!("sk-{label}")),
        models: None,
        group: None,
        priority: None,
        // Nobody is there: what is not simulated is not reached.
        proxy: Some("http://127.0.0.1:9".into()),
        extras,
    }
}

fn preset(name: &str) -> KeyAccountExtras {
    KeyAccountExtras {
        preset: Some(name.into()),
        ..KeyAccountExtras::default()
    }
}

#[tokio::test]
async fn f89_where_a_model_list_comes_from() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("a@example.com"));
    let folder = tempfile::tempdir().unwrap();
    let codex = tempfile::tempdir().unwrap();
    let outage = || Step::json(503, "{}");
    account.script_at(Endpoint::Models, std::iter::repeat_with(outage).take(3));

    let engine = open(folder.path(), &simulator, Some(codex.path())).await;
    sign_in(&engine, &account).await;
    let only = |mut lists: Vec<engine::ModelListView>| lists.remove(0);
    let ask = || async { only(engine.refresh_models(Some("a@example.com")).await.unwrap()) };
    // Nobody has told anything: this version's own names.
    let list = ask().await;
    assert_eq!(list.source, ModelSource::BuiltIn);
    assert!(list.models.iter().any(|model| model == "gpt-5.5"));
    assert!(list.problem.unwrap().contains("503"));
    engine.listen().await.unwrap();
    assert!(
        listed(&engine)
            .await
            .contains(&"gpt-5.1-codex-max".to_owned())
    );
    // The upstream's word counts, and stays when it fails later.
    while ask().await.source != ModelSource::Upstream {}
    let told = ask().await;
    assert!(told.at.is_some() && told.models.contains(&"gpt-6-astra".to_owned()));
    // F95: what draws stands on no list of the upstream's.
    let drawing = "gpt-image-2".to_owned();
    assert!(listed(&engine).await.contains(&drawing) && !told.models.contains(&drawing));
    assert!(
        !listed(&engine)
            .await
            .contains(&"gpt-5.1-codex-max".to_owned())
    );
    account.script_at(Endpoint::Models, std::iter::repeat_with(outage).take(3));
    let kept = ask().await;
    assert_eq!(
        (kept.source, &kept.models),
        (ModelSource::Stored, &told.models)
    );
    assert!(kept.problem.is_some());
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f89_the_codex_clis_list_stands_in() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("a@example.com"));
    account.script_at(
        Endpoint::Models,
        std::iter::repeat_with(|| Step::json(503, "{}")).take(20),
    );
    let folder = tempfile::tempdir().unwrap();
    let codex = tempfile::tempdir().unwrap();
    let cache = json!({"fetched_at": "2026-11-01T00:00:00Z", "client_version": "0.1.0", "models": [
        {"slug": "gpt-9", "visibility": "list"}, {"slug": "gpt-9-hidden", "visibility": "hide"}]});
    let file = codex.path().join("models_cache.json");
    std::fs::write(&file, cache.to_string()).unwrap();
    let engine = open(folder.path(), &simulator, Some(codex.path())).await;
    sign_in(&engine, &account).await;
    engine.refresh_models(None).await.unwrap();
    let list = engine.model_lists().remove(0);
    assert_eq!(list.source, ModelSource::CodexCli);
    assert_eq!(list.models, ["gpt-9"]);
    assert!(list.at.is_some());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), cache.to_string());
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f91_f92_aliases_and_suffixed_names_are_listed_and_served() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let account = simulator.add_codex_account(AccountSetup::new("a@example.com"));
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, None).await;
    sign_in(&engine, &account).await;
    engine.refresh_models(None).await.unwrap();
    engine.listen().await.unwrap();

    engine
        .set_alias("quick", "gpt-5.4-low-fast", None)
        .await
        .unwrap();
    let chained = engine.set_alias("fast-one", "quick", None).await.unwrap();
    assert_eq!(chained.leads_to, "gpt-5.4-low-fast");
    assert_eq!(chained.accounts, ["a@example.com"]);
    engine.set_alias("nobody", "glm-9", None).await.unwrap();
    let refused = engine.set_alias("quick", "fast-one", None).await;
    assert!(
        matches!(&refused, Err(error) if error.to_string().contains("circle")),
        "{refused:?}"
    );
    assert_eq!(engine.names().aliases.len(), 3);
    let names = listed(&engine).await;
    assert!(names.contains(&"quick".to_owned()) && names.contains(&"fast-one".to_owned()));
    assert!(!names.contains(&"nobody".to_owned()), "nobody serves it");
    assert!(
        !names.contains(&"gpt-5.5-high".to_owned()),
        "off by default"
    );
    let ask = |model: &str| {
        json!({"model": model, "messages": [{"role": "user", "content": "say:hello"}]}).to_string()
    };
    let path = "/v1/chat/completions";
    let (status, answer) = call(&engine, "POST", path, &ask("fast-one")).await;
    assert_eq!(
        (status, &answer["model"]),
        (200, &json!("fast-one")),
        "{answer}"
    );
    let sent = simulator.requests_to("/responses").pop().unwrap().json();
    assert_eq!(sent["model"], "gpt-5.4");
    assert_eq!(sent["reasoning"]["effort"], "low");
    assert_eq!(sent["service_tier"], "priority");
    // What the upstream lists wins over the table: it has no max for this model, and none is no level of it.
    let (status, answer) = call(&engine, "POST", path, &ask("gpt-5.6-sol-max")).await;
    assert_eq!(status, 400, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("medium, low, high, xhigh, auto"),
        "{message}"
    );
    // F92: nobody has the model.
    let (status, answer) = call(&engine, "POST", path, &ask("gpt-5.7-nope")).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("model_not_found"))
    );

    engine
        .change_setting("models.list_suffixes", Some("true"))
        .await
        .unwrap();
    let names = listed(&engine).await;
    for name in ["gpt-5.5-high", "gpt-5.5-xhigh", "gpt-5.5-fast"] {
        assert!(names.contains(&name.to_owned()), "{name}");
    }
    let (status, one) = call(&engine, "GET", "/v1/models/gpt-5.5-high-fast", "").await;
    assert_eq!((status, &one["id"]), (200, &json!("gpt-5.5-high-fast")));

    engine.remove_alias("fast-one").await.unwrap();
    assert!(matches!(
        engine.remove_alias("fast-one").await,
        Err(EngineError::NotFound(_))
    ));
    engine
        .change_setting("thinking.default_effort", Some("high"))
        .await
        .unwrap();
    call(&engine, "POST", path, &ask("gpt-5.5")).await;
    let sent = simulator.requests_to("/responses").pop().unwrap().json();
    assert_eq!(sent["reasoning"]["effort"], "high");
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f103_f106_presets_fill_in_what_is_left_out() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, None).await;
    let zai = engine
        .add_key_account(new_key("zai", preset("zai-coding")))
        .await
        .unwrap();
    assert_eq!(zai.kind.as_str(), "zai");
    assert_eq!(zai.format.as_str(), "openai");
    assert_eq!(
        zai.base_url.as_deref(),
        Some("https://api.z.ai/api/coding/paas/v4")
    );
    assert_eq!(zai.group.as_deref(), Some("zai"));
    let options = engine.account_options("zai").unwrap();
    assert!(options.notice.unwrap().contains("coding tools only"));
    assert_eq!(
        options.request_url.as_deref(),
        Some("https://api.z.ai/api/coding/paas/v4/chat/completions")
    );
    // What is said counts more than the preset, and one on this machine needs no key.
    let local = NewKeyAccount {
        key: SecretString::from(""),
        base_url: simulator.relay_base_url(),
        group: Some("home".into()),
        ..new_key("local", preset("ollama"))
    };
    let local = engine.add_key_account(local).await.unwrap();
    assert_eq!(local.base_url, Some(simulator.relay_base_url()));
    assert_eq!(local.group.as_deref(), Some("home"));
    let wrong = engine.add_key_account(new_key("x", preset("smoke"))).await;
    assert!(wrong.unwrap_err().to_string().contains("openrouter"));
    let nothing = engine
        .add_key_account(new_key("x", KeyAccountExtras::default()))
        .await;
    assert!(nothing.is_err());
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f100_how_an_account_is_spoken_to_can_be_changed_and_is_kept() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _key = simulator.add_relay(KeySetup::new("sk-relay").label("relay"));
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, None).await;
    engine.listen().await.unwrap();
    let new = NewKeyAccount {
        kind: "relay".into(),
        base_url: simulator.relay_base_url(),
        format: "openai".into(),
        proxy: None,
        ..new_key("relay", KeyAccountExtras::default())
    };
    engine.add_key_account(new).await.unwrap();
    let ask = json!({"model": "m-high", "messages": [{"role": "user", "content": "say:hello"}]});
    let seen = || async {
        let (status, answer) =
            call(&engine, "POST", "/v1/chat/completions", &ask.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        simulator.requests_to("/chat/completions").pop().unwrap()
    };
    let before = seen().await;
    assert_eq!(before.headers["authorization"], "Bearer sk-relay");
    assert_eq!(before.json()["model"], "m-high");
    let change = OptionsChange {
        auth: Some(Some("x-api-key".into())),
        reads_suffixes: Some(true),
        effort: None,
        headers: Some(vec![("x-team".into(), "blue".into())]),
        turns: None,
        wires: None,
        capabilities: None,
    };
    engine
        .change_account_options("relay", change)
        .await
        .unwrap();
    let after = seen().await;
    assert!(!after.headers.contains_key("authorization"));
    assert_eq!(after.headers["x-api-key"], "sk-relay");
    assert_eq!(after.headers["x-team"], "blue");
    assert_eq!(after.json()["model"], "m");
    assert_eq!(after.json()["reasoning_effort"], "high");
    for wrong in [
        OptionsChange {
            auth: Some(Some("cookie".into())),
            ..OptionsChange::default()
        },
        OptionsChange {
            effort: Some(Some("auto".into())),
            ..OptionsChange::default()
        },
        OptionsChange {
            headers: Some(vec![("authorization".into(), "x".into())]),
            ..OptionsChange::default()
        },
        OptionsChange {
            headers: Some(vec![("a b".into(), "x".into())]),
            ..OptionsChange::default()
        },
    ] {
        assert!(engine.change_account_options("relay", wrong).await.is_err());
    }
    engine.shutdown(Duration::ZERO).await;
    drop(engine);
    let engine = open(folder.path(), &simulator, None).await;
    let kept = engine.account_options("relay").unwrap();
    assert_eq!(kept.auth, Some(engine::AuthForm::XApiKey));
    assert!(kept.options.reads_suffixes);
    assert_eq!(kept.headers.len(), 1);
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f94_models_take_turns_and_a_restart_goes_on_where_it_was() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _key = simulator.add_relay(KeySetup::new("sk-relay").label("relay"));
    let folder = tempfile::tempdir().unwrap();
    let mut sent = Vec::new();
    for start in 0..3 {
        let engine = open(folder.path(), &simulator, None).await;
        engine.listen().await.unwrap();
        if start == 0 {
            let new = NewKeyAccount {
                kind: "relay".into(),
                base_url: simulator.relay_base_url(),
                format: "openai".into(),
                proxy: None,
                ..new_key("relay", KeyAccountExtras::default())
            };
            engine.add_key_account(new).await.unwrap();
            let turns = |models: &[&str], every| OptionsChange {
                turns: Some(Some(engine::ModelTurns {
                    models: models.iter().map(|model| (*model).to_owned()).collect(),
                    every,
                })),
                ..OptionsChange::default()
            };
            for (models, every) in [
                (&["a"][..], 2),
                (&["a", "a"], 2),
                (&["a", "b*"], 2),
                (&["a", "b"], 0),
            ] {
                let wrong = engine
                    .change_account_options("relay", turns(models, every))
                    .await;
                assert!(wrong.is_err(), "{models:?} {every}");
            }
            engine
                .change_account_options("relay", turns(&["a", "b", "c"], 2))
                .await
                .unwrap();
        }
        // A request for any of them takes the turn; one for another model does not.
        for model in ["b", "other", "a", "c"] {
            let ask =
                json!({"model": model, "messages": [{"role": "user", "content": "say:hello"}]});
            let (status, answer) =
                call(&engine, "POST", "/v1/chat/completions", &ask.to_string()).await;
            assert_eq!((status, &answer["model"]), (200, &json!(model)), "{answer}");
            let body = simulator
                .requests_to("/chat/completions")
                .pop()
                .unwrap()
                .json();
            sent.push(body["model"].as_str().unwrap().to_owned());
        }
        engine.shutdown(Duration::ZERO).await;
        drop(engine);
    }
    assert_eq!(
        sent,
        [
            "a", "other", "a", "b", "b", "other", "c", "c", "a", "other", "a", "b"
        ]
    );
}

#[tokio::test]
async fn f94_keys_take_turns_of_several_requests_over_a_restart() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut served = String::new();
    for start in 0..2 {
        let engine = open(folder.path(), &simulator, None).await;
        engine.listen().await.unwrap();
        if start == 0 {
            for name in ["a", "b"] {
                let key = format!("sk-{name}");
                let _key = simulator.add_relay(KeySetup::new(&key).label(name));
                let new = NewKeyAccount {
                    kind: "relay".into(),
                    base_url: simulator.relay_base_url(),
                    format: "openai".into(),
                    proxy: None,
                    ..new_key(name, KeyAccountExtras::default())
                };
                engine.add_key_account(new).await.unwrap();
            }
            for (name, value) in [
                ("rotation.mode", "round_robin"),
                ("rotation.turn_requests", "3"),
            ] {
                engine.change_setting(name, Some(value)).await.unwrap();
            }
        }
        for _ in 0..5 {
            let ask = json!({"model": "m", "messages": [{"role": "user", "content": "say:hello"}]});
            let (status, answer) =
                call(&engine, "POST", "/v1/chat/completions", &ask.to_string()).await;
            assert_eq!(status, 200, "{answer}");
            let seen = simulator.requests_to("/chat/completions").pop().unwrap();
            served.push_str(seen.account.as_deref().unwrap());
        }
        engine.shutdown(Duration::ZERO).await;
        drop(engine);
    }
    assert_eq!(served, "aaabbbaaab");
}

#[tokio::test]
async fn f103_f78_what_an_account_is_said_to_serve_counts() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _key = simulator.add_relay(KeySetup::new("sk-relay").label("relay"));
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, None).await;
    engine.listen().await.unwrap();
    let new = NewKeyAccount {
        kind: "relay".into(),
        base_url: simulator.relay_base_url(),
        format: "openai".into(),
        proxy: None,
        ..new_key("relay", KeyAccountExtras::default())
    };
    engine.add_key_account(new).await.unwrap();
    let texts = json!({"model": "m", "input": "a"}).to_string();
    let ask = json!({"model": "m", "messages": [{"role": "user", "content": "say:hello"}]});
    let ask = ask.to_string();
    let embed = || async { call(&engine, "POST", "/v1/embeddings", &texts).await.0 };
    let chat = || async { call(&engine, "POST", "/v1/chat/completions", &ask).await.0 };
    let say = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let change = OptionsChange {
            capabilities: Some(words),
            ..OptionsChange::default()
        };
        engine.change_account_options("relay", change)
    };
    assert_eq!((chat().await, embed().await), (200, 404));
    assert!(say(&["chat", "sing"]).await.is_err());
    say(&["embeddings", "embeddings"]).await.unwrap();
    assert_eq!((chat().await, embed().await), (404, 200));
    let view = say(&["chat", "embeddings"]).await.unwrap();
    assert_eq!(view.options.capabilities.len(), 2);
    assert_eq!((chat().await, embed().await), (200, 200));
    say(&[]).await.unwrap();
    assert_eq!((chat().await, embed().await), (200, 404));
    // A provider that is known to have them says so by itself.
    let local = engine
        .add_key_account(new_key("lmstudio", preset("lmstudio")))
        .await
        .unwrap();
    let options = engine.account_options(local.id.as_str()).unwrap().options;
    assert_eq!(options.capabilities.len(), 3);
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f103_one_relay_speaks_several_formats() {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let _key = simulator.add_relay(KeySetup::new("sk-relay").label("relay"));
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path(), &simulator, None).await;
    engine.listen().await.unwrap();
    engine
        .change_setting("models.direct_only", Some("true"))
        .await
        .unwrap();
    let new = NewKeyAccount {
        kind: "relay".into(),
        base_url: simulator.relay_base_url(),
        format: "openai".into(),
        proxy: None,
        ..new_key("relay", KeyAccountExtras::default())
    };
    engine.add_key_account(new).await.unwrap();
    let ask = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "say:hello"}]}).to_string();
    let messages = || call(&engine, "POST", "/v1/messages", &ask);
    let chat = || call(&engine, "POST", "/v1/chat/completions", &ask);
    assert_eq!(messages().await.0, 404, "nothing is translated for it");
    let wires = |wires: &[(&str, Option<&str>)]| OptionsChange {
        wires: Some(
            wires
                .iter()
                .map(|(format, base_url)| engine::WireOption {
                    format: (*format).to_owned(),
                    base_url: base_url.map(str::to_owned),
                })
                .collect(),
        ),
        ..OptionsChange::default()
    };
    for wrong in [
        &[("openai", None)][..],
        &[("smoke", None)],
        &[("anthropic", None), ("anthropic", None)],
        &[("anthropic", Some("ftp://relay.example.com"))],
    ] {
        let refused = engine.change_account_options("relay", wires(wrong)).await;
        assert!(refused.is_err(), "{wrong:?}");
    }
    engine
        .change_account_options("relay", wires(&[("anthropic", None)]))
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(messages().await.0, 200);
        let seen = simulator.requests_to("/v1/messages").pop().unwrap();
        assert_eq!(seen.headers["x-api-key"], "sk-relay");
        assert_eq!(chat().await.0, 200);
        let seen = simulator.requests_to("/chat/completions").pop().unwrap();
        assert_eq!(seen.headers["authorization"], "Bearer sk-relay");
    }
    engine.shutdown(Duration::ZERO).await;
}

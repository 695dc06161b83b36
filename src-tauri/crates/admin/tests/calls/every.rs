//! Every call of the OpenAPI document is made once, on an engine full of recognisable secrets: each is answered, and no answer and no event
//! holds a secret (house invariant 3, F30).

use std::collections::BTreeSet;

use axum::http::Method;
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulator::AccountSetup;

use crate::stage::{RELAY_KEY, Reply, Stage};

const PROXY_PASSWORD: &str = "proxy-WORD-that-nobody-may-see-3310";
const MANY_KEY: &str = "many-KEY-that-nobody-may-see-2207";
const PASSPHRASE: &str = "export WORDS that nobody may see 7731";

/// One call: the document's name for it, the path, and a body.
type Sample = (&'static str, String, Option<Value>);

/// The calls in an order in which each finds what it needs; the first account is `{a}`, the relay `{r}`, the last one goes.
fn samples(stage: &Stage, extra: &str) -> Vec<Sample> {
    let (a, r, last) = (
        stage.id("a@example.com"),
        stage.id("office"),
        stage.id("b@example.com"),
    );
    let file = |name: &str| stage.folder.path().join(name).display().to_string();
    let relay = json!({"kind": "relay", "label": "another", "base_url": stage.simulator.relay_base_url(), "format": "openai", "key": extra});
    let prompt = json!({"protocol": "chat", "model": "m", "prompt": "say:hello", "stream": true});
    vec![
        ("get /status", "/status".into(), None),
        ("get /overview", "/overview".into(), None),
        ("get /accounts", "/accounts".into(), None),
        ("post /accounts", "/accounts".into(), Some(relay)),
        ("get /accounts/{id}", format!("/accounts/{a}"), None),
        (
            "patch /accounts/{id}",
            format!("/accounts/{a}"),
            Some(json!({"notes": "a note"})),
        ),
        (
            "post /accounts/order",
            "/accounts/order".into(),
            Some(json!({"ids": [r]})),
        ),
        (
            "post /accounts/{id}/activate",
            format!("/accounts/{r}/activate"),
            None,
        ),
        ("post /switches/undo", "/switches/undo".into(), None),
        (
            "post /accounts/{id}/disable",
            format!("/accounts/{last}/disable"),
            None,
        ),
        (
            "post /accounts/{id}/enable",
            format!("/accounts/{last}/enable"),
            None,
        ),
        (
            "post /accounts/{id}/refresh",
            format!("/accounts/{a}/refresh"),
            None,
        ),
        ("post /accounts/refresh", "/accounts/refresh".into(), None),
        (
            "post /accounts/{id}/try-now",
            format!("/accounts/{a}/try-now"),
            None,
        ),
        (
            "post /accounts/{id}/test",
            format!("/accounts/{r}/test"),
            Some(json!({"prompt": "say:hello"})),
        ),
        (
            "post /accounts/{id}/quota",
            format!("/accounts/{a}/quota"),
            None,
        ),
        ("post /accounts/quota", "/accounts/quota".into(), None),
        (
            "post /accounts/quota/stop",
            "/accounts/quota/stop".into(),
            None,
        ),
        ("get /quota", "/quota?refresh=true".into(), None),
        ("get /quota/history", "/quota/history".into(), None),
        (
            "post /accounts/export",
            "/accounts/export".into(),
            Some(json!({"passphrase": PASSPHRASE, "path": file("sealed.json")})),
        ),
        (
            "post /accounts/import/files",
            "/accounts/import/files".into(),
            Some(json!({"paths": [file("sealed.json")], "passphrase": PASSPHRASE, "verify": true})),
        ),
        (
            "post /accounts/import",
            "/accounts/import".into(),
            Some(
                json!({"text": std::fs::read_to_string(file("codex/auth.json")).unwrap(), "dry_run": true}),
            ),
        ),
        (
            "post /accounts/import-codex",
            "/accounts/import-codex?dry_run=false".into(),
            None,
        ),
        (
            "post /relay/preview",
            "/relay/preview".into(),
            Some(json!({"base_url": "https://relay.example.com", "format": "openai"})),
        ),
        (
            "post /relay/models",
            "/relay/models".into(),
            Some(
                json!({"base_url": stage.simulator.relay_base_url(), "format": "openai", "key": RELAY_KEY}),
            ),
        ),
        ("get /presets", "/presets".into(), None),
        (
            "get /accounts/{id}/options",
            format!("/accounts/{r}/options"),
            None,
        ),
        (
            "patch /accounts/{id}/options",
            format!("/accounts/{r}/options"),
            Some(
                json!({"auth": "bearer", "effort": "low", "reads_suffixes": true, "turns": {"models": ["a", "b"]}, "wires": [{"format": "anthropic"}], "capabilities": ["chat", "images"], "headers": [{"name": "x-team", "value": "blue"}]}),
            ),
        ),
        (
            "put /models/aliases/{alias}",
            "/models/aliases/quick".into(),
            Some(json!({"model": "gpt-5.5-low"})),
        ),
        ("get /models/names", "/models/names".into(), None),
        (
            "delete /models/aliases/{alias}",
            "/models/aliases/quick".into(),
            None,
        ),
        ("get /models/lists", "/models/lists".into(), None),
        (
            "post /models/refresh",
            "/models/refresh".into(),
            Some(json!({})),
        ),
        ("post /try", "/try".into(), Some(prompt)),
        ("get /journal", "/journal".into(), None),
        ("get /models", "/models".into(), None),
        ("get /explain", "/explain?model=gpt-5.5".into(), None),
        ("get /switches", "/switches".into(), None),
        ("get /usage", "/usage".into(), None),
        ("get /usage/today", "/usage/today".into(), None),
        (
            "post /keys",
            "/keys".into(),
            Some(json!({"name": "editor"})),
        ),
        ("get /keys", "/keys".into(), None),
        (
            "patch /keys/{name}",
            "/keys/editor".into(),
            Some(json!({"max_concurrency": 2, "budget": {"tokens": 1_000, "usd": "5.00"}})),
        ),
        (
            "patch /accounts/{id}/balance",
            format!("/accounts/{r}/balance"),
            Some(json!({"adapter": "deepseek", "threshold": "0.50"})),
        ),
        (
            "post /accounts/{id}/balance",
            format!("/accounts/{r}/balance"),
            None,
        ),
        ("post /accounts/balance", "/accounts/balance".into(), None),
        (
            "post /accounts/many",
            "/accounts/many".into(),
            Some(
                json!({"kind": "relay", "label": "pool", "base_url": stage.simulator.relay_base_url(), "format": "openai",
                "keys": format!("{MANY_KEY}\n\n{MANY_KEY}")}),
            ),
        ),
        (
            "put /accounts/{id}/limits",
            format!("/accounts/{r}/limits"),
            Some(json!({"limits": [{"model": "m", "requests": 500, "period_days": 1}]})),
        ),
        ("delete /keys/{name}", "/keys/editor".into(), None),
        (
            "put /settings/{key}",
            "/settings/proxy.url".into(),
            Some(json!({"value": format!("http://me:{PROXY_PASSWORD}@127.0.0.1:9")})),
        ),
        ("get /settings/{key}", "/settings/proxy.url".into(), None),
        ("get /settings", "/settings".into(), None),
        ("delete /settings/{key}", "/settings/proxy.url".into(), None),
        ("post /pause", "/pause".into(), Some(json!({"seconds": 60}))),
        ("post /resume", "/resume".into(), None),
        (
            "post /signin",
            "/signin".into(),
            Some(json!({"kind": "device"})),
        ),
        ("get /signin/{id}", "/signin/{signin}".into(), None),
        (
            "post /signin/{id}/paste",
            "/signin/{signin}/paste".into(),
            Some(json!({"text": "code"})),
        ),
        ("post /signin/{id}/add", "/signin/{signin}/add".into(), None),
        ("delete /signin/{id}", "/signin/{signin}".into(), None),
        ("post /demo/accounts", "/demo/accounts".into(), None),
        ("delete /demo/accounts", "/demo/accounts".into(), None),
        ("delete /accounts/{id}", format!("/accounts/{last}"), None),
        (
            "put /settings/{key}",
            "/settings/proxy.url".into(),
            Some(json!({"value": format!("http://me:{PROXY_PASSWORD}@127.0.0.1:9")})),
        ),
        ("post /proxy/test", "/proxy/test".into(), Some(json!({}))),
        ("post /network/test", "/network/test".into(), None),
        ("post /backups", "/backups".into(), None),
        ("get /backups", "/backups".into(), None),
        ("get /backups/{name}", "/backups/{backup}".into(), None),
        (
            "post /backups/{name}/restore",
            "/backups/{backup}/restore".into(),
            None,
        ),
        (
            "post /backup/file",
            "/backup/file".into(),
            Some(json!({"path": file("backup.json"), "passphrase": PASSPHRASE})),
        ),
        (
            "post /backup/file/restore",
            "/backup/file/restore".into(),
            Some(json!({"path": file("backup.json"), "passphrase": PASSPHRASE})),
        ),
        ("get /diagnostics", "/diagnostics".into(), None),
        (
            "post /diagnostics/file",
            "/diagnostics/file".into(),
            Some(json!({"path": file("bundle.txt"), "text": "as it was shown"})),
        ),
        ("delete /journal", "/journal".into(), None),
        ("delete /usage", "/usage".into(), None),
        ("delete /quota/history", "/quota/history".into(), None),
        ("post /accounts/log-out", "/accounts/log-out".into(), None),
        (
            "post /reset",
            "/reset".into(),
            Some(json!({"confirm": "factory reset"})),
        ),
    ]
}

fn documented() -> BTreeSet<String> {
    let document = admin::openapi();
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .keys()
                .map(move |method| format!("{method} {path}"))
        })
        .collect()
}

#[tokio::test]
async fn f30_every_call_is_answered_and_no_answer_holds_a_secret() {
    let stage = Stage::new().await;
    let mut accounts = Vec::new();
    for email in ["a@example.com", "b@example.com"] {
        accounts.push(stage.sign_in_as(AccountSetup::new(email)).await);
    }
    stage.relay("office", &["m"]).await;
    let another = "another-KEY-that-nobody-may-see-5519";
    let _another = stage.simulator.add_relay_key(another);
    let codex = stage
        .simulator
        .add_codex_account(AccountSetup::new("c@example.com"));
    std::fs::write(
        stage.folder.path().join("codex/auth.json"),
        codex.auth_json(),
    )
    .unwrap();
    stage.engine.discover_models().await;
    accounts.push(codex);

    let mut secrets: Vec<(String, String)> = vec![
        ("relay key".into(), RELAY_KEY.into()),
        ("another relay key".into(), another.into()),
        ("one of many keys".into(), MANY_KEY.into()),
        ("proxy password".into(), PROXY_PASSWORD.into()),
        ("passphrase".into(), PASSPHRASE.into()),
    ];
    let mut note = |name: &str, secret: &SecretString| {
        secrets.push((name.to_owned(), secret.expose_secret().to_owned()));
    };
    note(
        "gateway key",
        &stage.engine.key(engine::DEFAULT_KEY).unwrap(),
    );
    for account in &accounts {
        for (name, token) in [
            ("access", &account.access_token),
            ("refresh", &account.refresh_token),
            ("id", &account.id_token),
        ] {
            note(
                &format!("{name} token of {}", account.email),
                &SecretString::from(token.clone()),
            );
        }
    }

    let mut told = std::pin::pin!(admin::events(stage.engine.clone()));
    let mut seen: Vec<(String, String)> = Vec::new();
    let mut called = BTreeSet::from(["get /events".to_owned()]);
    let mut signin = "none".to_owned();
    let mut backup = "none".to_owned();
    // Where a bundle would find them.
    let logs = stage.folder.path().join("home/logs");
    std::fs::create_dir_all(&logs).unwrap();
    let planted = secrets.iter().filter(|(name, _)| name != "passphrase");
    let planted: Vec<&str> = planted.map(|(_, secret)| secret.as_str()).collect();
    std::fs::write(logs.join("switchyard.log"), planted.join("\n")).unwrap();
    for (name, path, body) in samples(&stage, another) {
        let path = path
            .replace("{signin}", &signin)
            .replace("{backup}", &backup);
        let method: Method = name
            .split(' ')
            .next()
            .unwrap()
            .to_uppercase()
            .parse()
            .unwrap();
        let reply = stage.call(method, &path, body).await;
        check(name, &reply);
        if let ("post /signin", Some(id)) = (name, reply.json()["id"].as_str()) {
            signin = id.to_owned();
        }
        if name == "post /backups" {
            backup = reply.json()["name"].as_str().unwrap().to_owned();
        }
        if name == "post /keys" {
            let made = stage.engine.key("editor").unwrap();
            secrets.push(("second gateway key".into(), made.expose_secret().to_owned()));
        }
        let headers: String = reply
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}\n"))
            .collect();
        seen.push((name.to_owned(), format!("{headers}{}", reply.text)));
        called.insert(name.to_owned());
    }
    assert_eq!(
        documented().difference(&called).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "add a sample for each new call"
    );
    while let Some(Some(event)) = futures_util::FutureExt::now_or_never(told.next()) {
        seen.push((format!("event {}", event["type"]), event.to_string()));
    }
    assert!(seen.iter().any(|(name, _)| name.starts_with("event ")));
    // Tokens were renewed meanwhile: the new ones are secrets as well.
    for account in &accounts {
        secrets.push((
            format!("new refresh token of {}", account.email),
            account.current_refresh_token(),
        ));
    }
    for (name, text) in &seen {
        for (what, secret) in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} holds the {what}");
        }
    }
    stage.end().await;
}

fn check(name: &str, reply: &Reply) {
    let status = reply.status.as_u16();
    let signin = name.contains("/signin");
    match status {
        // There is no such sign-in.
        400 | 404 if signin => assert!(!reply.code().is_empty()),
        _ => assert!(reply.status.is_success(), "{name}: {status} {}", reply.text),
    }
}

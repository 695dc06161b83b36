//! Accounts through the engine's use cases: import, export, order, removal, keys, and what a restart keeps. The providers are simulated.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::{AccountView, Engine, EngineError, NewKeyAccount, OpenOptions, VaultChoice};
use secrecy::{ExposeSecret, SecretString};
use simulator::{AccountSetup, Setup, SimAccount, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn open_with(folder: &Path, simulator: &Simulator, vault: VaultChoice) -> Arc<Engine> {
    let lock = Home::at(folder).unwrap().lock().unwrap();
    let env = Env::from_pairs(Vec::<(String, String)>::new());
    let mut options = OpenOptions::new(lock, env).unwrap();
    options.vault = vault;
    options.passphrase = Some(SecretString::from("correct horse"));
    options.flags = vec![
        ("codex.base_url".into(), simulator.codex_base_url()),
        ("codex.usage_url".into(), simulator.usage_url()),
        ("codex.auth_url".into(), simulator.auth_url()),
        ("server.port".into(), "0".into()),
    ];
    Engine::open(options).await.unwrap()
}

async fn open(folder: &Path, simulator: &Simulator) -> Arc<Engine> {
    open_with(folder, simulator, VaultChoice::Memory).await
}

fn file(accounts: &[&SimAccount]) -> SecretString {
    let one = |account: &&SimAccount| {
        serde_json::json!({
            "type": "codex",
            "access_token": account.access_token,
            "refresh_token": account.refresh_token,
            "id_token": account.id_token,
        })
    };
    let profiles: Vec<_> = accounts.iter().map(one).collect();
    SecretString::from(
        serde_json::json!({"type": "codex_profiles", "profiles": profiles}).to_string(),
    )
}

fn labels(engine: &Engine) -> Vec<String> {
    engine
        .accounts()
        .into_iter()
        .map(|account| account.label)
        .collect()
}

fn active(engine: &Engine) -> Option<String> {
    let is_active = |account: &AccountView| account.active;
    engine
        .accounts()
        .into_iter()
        .find(is_active)
        .map(|account| account.label)
}

/// Status of a request with this key.
async fn status_with(engine: &Engine, key: &SecretString) -> u16 {
    let mut stream = tokio::net::TcpStream::connect(engine.address().unwrap())
        .await
        .unwrap();
    let head = format!(
        "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        key.expose_secret()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

struct Scene {
    folder: tempfile::TempDir,
    simulator: Simulator,
    a: SimAccount,
    b: SimAccount,
    c: SimAccount,
}

async fn scene() -> Scene {
    let simulator = Simulator::start(Setup::default()).await.unwrap();
    let add = |email: &str| simulator.add_codex_account(AccountSetup::new(email));
    let (a, b, c) = (
        add("a@example.com"),
        add("b@example.com"),
        add("c@example.com"),
    );
    Scene {
        folder: tempfile::tempdir().unwrap(),
        simulator,
        a,
        b,
        c,
    }
}

#[tokio::test]
async fn f2_f5_importing_twice_updates_and_leaves_the_active_account() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    let preview = engine
        .import(&file(&[&s.a, &s.b, &s.a]), true, false)
        .await
        .unwrap();
    let actions: Vec<_> = preview.items.iter().map(|item| item.action).collect();
    assert_eq!(actions, ["new", "new", "duplicate_in_file"]);
    assert!(engine.accounts().is_empty(), "a preview writes nothing");

    let first = engine
        .import(&file(&[&s.a, &s.b]), false, false)
        .await
        .unwrap();
    assert_eq!((first.added, first.updated, first.failed), (2, 0, 0));
    assert_eq!(active(&engine).as_deref(), Some("a@example.com"));
    engine.activate("b@example.com").await.unwrap();
    let again = engine
        .import(&file(&[&s.c, &s.a, &s.b]), false, false)
        .await
        .unwrap();
    assert_eq!((again.added, again.updated, again.failed), (1, 2, 0));
    assert_eq!(
        labels(&engine),
        ["a@example.com", "b@example.com", "c@example.com"]
    );
    assert_eq!(active(&engine).as_deref(), Some("b@example.com"));
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f2_two_members_of_one_team_stay_two_accounts() {
    let s = scene().await;
    let member = |name: &str| {
        let mut setup = AccountSetup::new(name);
        setup.account_id = "acc-team".into();
        s.simulator.add_codex_account(setup)
    };
    let (one, other) = (member("one@example.com"), member("other@example.com"));
    let engine = open(s.folder.path(), &s.simulator).await;
    for _ in 0..2 {
        engine
            .import(&file(&[&one, &other]), false, false)
            .await
            .unwrap();
        assert_eq!(labels(&engine), ["one@example.com", "other@example.com"]);
    }
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f5_a_wrong_item_writes_nothing() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    for text in ["", "{", "[1]", r#"[{"access_token": 5}]"#] {
        let refused = engine.import(&SecretString::from(text), false, false).await;
        let nothing = match &refused {
            Err(_) => true,
            Ok(report) => report.added == 0,
        };
        assert!(nothing && engine.accounts().is_empty(), "{text}");
    }
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f13_f14_order_switches_and_removal() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    engine
        .import(&file(&[&s.a, &s.b, &s.c]), false, false)
        .await
        .unwrap();
    engine
        .reorder(&["c@example.com".into(), "a@example.com".into()])
        .await
        .unwrap();
    assert_eq!(
        labels(&engine),
        ["c@example.com", "a@example.com", "b@example.com"]
    );
    let twice = engine
        .reorder(&["a@example.com".into(), "a@example.com".into()])
        .await;
    assert!(matches!(twice, Err(EngineError::Invalid(_))), "{twice:?}");

    let off = engine.set_enabled("b@example.com", false).await.unwrap();
    assert_eq!((off.enabled, off.health), (false, "disabled"));
    assert!(engine.activate("b@example.com").await.is_err());
    engine.set_enabled("b@example.com", true).await.unwrap();

    // The next usable one in the order takes over, not the first of all.
    engine.activate("a@example.com").await.unwrap();
    engine.remove("a@example.com").await.unwrap();
    assert_eq!(active(&engine).as_deref(), Some("b@example.com"));
    engine.remove("b@example.com").await.unwrap();
    assert_eq!(active(&engine).as_deref(), Some("c@example.com"));
    engine.remove("c@example.com").await.unwrap();
    assert_eq!(active(&engine), None);
    assert!(matches!(
        engine.remove("c@example.com").await,
        Err(EngineError::NotFound(_))
    ));
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn changes_of_one_account_at_the_same_time_all_last() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    engine
        .import(&file(&[&s.a, &s.b]), false, false)
        .await
        .unwrap();
    let (a, b) = (["a@example.com".to_owned()], ["b@example.com".to_owned()]);
    for round in 0..10 {
        let enabled = round % 2 == 1;
        let (off, exported, models, order) = tokio::join!(
            engine.set_enabled("a@example.com", enabled),
            engine.export(&a, None),
            engine.discover_models(),
            engine.reorder(&b),
        );
        let ((), ()) = (models, order.unwrap());
        exported.unwrap();
        off.unwrap();
        assert_eq!(engine.account("a@example.com").unwrap().enabled, enabled);
        assert_eq!(labels(&engine), ["b@example.com", "a@example.com"]);
    }
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f8_an_export_imports_again_as_the_same_accounts() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    engine
        .import(&file(&[&s.a, &s.b]), false, false)
        .await
        .unwrap();
    let text = engine.export(&[], None).await.unwrap();
    let back = engine.import(&text, false, false).await.unwrap();
    assert_eq!((back.added, back.updated), (0, 2));
    let sealed = engine
        .export(&[], Some(&SecretString::from("words")))
        .await
        .unwrap();
    assert!(!sealed.expose_secret().contains(&s.a.refresh_token));
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f2_the_same_key_and_address_are_one_account() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    let new = |label: &str, base_url: &str, key: &str| NewKeyAccount {
        kind: "relay".into(),
        label: label.into(),
        base_url: base_url.into(),
        format: "openai".into(),
        key: SecretString::from(key),
        models: None,
        group: None,
        priority: None,
        proxy: None,
        extras: Default::default(),
    };
    let first = engine
        .add_key_account(new("one", "http://127.0.0.1:9/v1/", "k1"))
        .await
        .unwrap();
    let same = engine
        .add_key_account(new("two", "http://127.0.0.1:9", "k1"))
        .await
        .unwrap();
    let other = engine
        .add_key_account(new("three", "http://127.0.0.1:9", "k2"))
        .await
        .unwrap();
    assert_eq!(first.id, same.id);
    assert_ne!(first.id, other.id);
    assert_eq!(labels(&engine), ["two", "three"]);
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f26_a_changed_key_acts_on_the_next_request() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    engine.listen().await.unwrap();
    let old = engine.key(engine::DEFAULT_KEY).unwrap();
    assert_eq!(status_with(&engine, &old).await, 200);
    // At the same time, so that a lost change would show.
    let (rotated, first, second) = tokio::join!(
        engine.rotate_key(),
        engine.add_key("x"),
        engine.add_key("y")
    );
    for key in [rotated.unwrap(), first.unwrap(), second.unwrap()] {
        assert_eq!(status_with(&engine, &key).await, 200);
    }
    assert_eq!(status_with(&engine, &old).await, 401);
    let x = engine.key("x").unwrap();
    engine.revoke_key("x").await.unwrap();
    assert_eq!(status_with(&engine, &x).await, 401);
    assert!(matches!(
        engine.revoke_key("x").await,
        Err(EngineError::NotFound(_))
    ));
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn a_restart_keeps_accounts_order_choice_and_keys() {
    let s = scene().await;
    let engine = open_with(s.folder.path(), &s.simulator, VaultChoice::File).await;
    engine
        .import(&file(&[&s.a, &s.b, &s.c]), false, false)
        .await
        .unwrap();
    engine.reorder(&["c@example.com".into()]).await.unwrap();
    engine.set_enabled("b@example.com", false).await.unwrap();
    engine.activate("c@example.com").await.unwrap();
    let key = engine.key(engine::DEFAULT_KEY).unwrap();
    engine.shutdown(Duration::from_secs(1)).await;
    drop(engine);

    let engine = open_with(s.folder.path(), &s.simulator, VaultChoice::File).await;
    assert_eq!(
        labels(&engine),
        ["c@example.com", "a@example.com", "b@example.com"]
    );
    assert_eq!(active(&engine).as_deref(), Some("c@example.com"));
    assert!(!engine.account("b@example.com").unwrap().enabled);
    assert_eq!(
        engine.key(engine::DEFAULT_KEY).unwrap().expose_secret(),
        key.expose_secret()
    );
    let refreshed = engine.refresh(Some("a@example.com")).await.unwrap();
    assert_eq!(refreshed[0].result, "ok", "the credential is there too");
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f126_a_setting_of_the_command_line_is_locked() {
    let s = scene().await;
    let engine = open_with(s.folder.path(), &s.simulator, VaultChoice::Memory).await;
    engine.listen().await.unwrap();
    let locked = engine.change_setting("server.port", Some("8080")).await;
    assert!(locked.is_err(), "the command line holds it");
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f124_a_home_that_does_not_open_is_left_as_it_is() {
    let s = scene().await;
    let cases: [(&str, &[u8]); 2] = [
        ("settings.toml", b"[server\nport"),
        ("vault.sealed", b"no vault at all"),
    ];
    for (name, bytes) in cases {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let lock = Home::at(&home).unwrap().lock().unwrap();
        std::fs::write(home.join(name), bytes).unwrap();
        let mut options =
            OpenOptions::new(lock, Env::from_pairs(Vec::<(String, String)>::new())).unwrap();
        options.vault = VaultChoice::File;
        options.passphrase = Some(SecretString::from("correct horse"));
        let error = Engine::open(options).await.expect_err(name);
        assert!(!error.to_string().is_empty());
        let kept = std::fs::read_dir(&home)
            .unwrap()
            .filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
            .any(|found| found == bytes);
        assert!(kept, "{name}: {error}");
    }
    drop(s);
}

/// F6: a refresh-only file imported twice before its first refresh is one account.
#[tokio::test]
async fn f6_a_refresh_token_imported_twice_is_one_account() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    let text = SecretString::from("rt_only_this_and_nothing_else");
    for (added, updated) in [(1, 0), (0, 1)] {
        let report = engine.import(&text, false, false).await.unwrap();
        assert_eq!((report.added, report.updated), (added, updated));
    }
    assert_eq!(engine.accounts().len(), 1);
    engine.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn f7_a_thousand_items_are_imported_soon() {
    let s = scene().await;
    let engine = open(s.folder.path(), &s.simulator).await;
    let items: Vec<_> = (0..1_000)
        .map(|n| serde_json::json!({"type": "codex", "refresh_token": format!("rt_large_import_{n}"), "account_id": format!("acc-{n}"), "email": format!("p{n}@example.com")}))
        .collect();
    let text = SecretString::from(serde_json::Value::from(items).to_string());
    let began = tokio::time::Instant::now();
    let report = engine.import(&text, false, false).await.unwrap();
    println!("1000 items in {:?} (goal: 10 s)", began.elapsed());
    assert_eq!((report.added, engine.accounts().len()), (1_000, 1_000));
    assert!(began.elapsed() < Duration::from_secs(60));
    engine.shutdown(Duration::ZERO).await;
}

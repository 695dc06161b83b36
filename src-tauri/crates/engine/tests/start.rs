//! How a home starts: clients that come early, a vault that does not open, a database that must not be touched, and a move to another port.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: a failed unwrap is a failed test"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::{Engine, NewKeyAccount, OpenOptions, Opening, VaultChoice};
use secrecy::{ExposeSecret, SecretString};
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn options(home: &Path, passphrase: &str) -> OpenOptions {
    let lock = Home::at(home).unwrap().lock().unwrap();
    let env = Env::from_pairs(Vec::<(String, String)>::new());
    let mut options = OpenOptions::new(lock, env).unwrap();
    options.vault = VaultChoice::File;
    options.passphrase = Some(SecretString::from(passphrase.to_owned()));
    options
}

/// A home with one relay account, on any port. Gives the gateway key.
async fn home_with_an_account(home: &Path) -> SecretString {
    std::fs::create_dir_all(home).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(home, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    std::fs::write(home.join("settings.toml"), "[server]\nport = 0\n").unwrap();
    let engine = Engine::open(options(home, "right")).await.unwrap();
    engine.add_key_account(relay("first")).await.unwrap();
    let key = engine.key("default").unwrap();
    engine.shutdown(Duration::ZERO).await;
    key
}

fn relay(label: &str) -> NewKeyAccount {
    NewKeyAccount {
        kind: "relay".into(),
        label: label.into(),
        base_url: format!("http://127.0.0.1:9/{label}"),
        format: "openai".into(),
        key: SecretString::from("sk-of-the-relay"),
        models: Some(vec!["m".into()]),
        group: None,
        priority: None,
        proxy: None,
        extras: Default::default(),
    }
}

/// A whole answer, as text.
async fn get(address: SocketAddr, path: &str, key: &SecretString) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        key.expose_secret()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The lasting files of a home.
fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let passing = |name: &str| {
        ["lock", "instance.json", "logs"].contains(&name)
            || name.ends_with("-wal")
            || name.ends_with("-shm")
    };
    std::fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| !passing(&entry.file_name().to_string_lossy()))
        .map(|entry| (entry.path(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

/// F140: the port answers while the vault still opens; what needs the vault waits for it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_come_early_wait() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let key = home_with_an_account(&home).await;
    // A pipe in the vault file's place: reading it takes until somebody writes.
    let (vault, kept) = (home.join("vault.sealed"), home.join("vault.kept"));
    std::fs::rename(&vault, &kept).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&vault).status();
    assert!(made.unwrap().success());

    let mut opening = Opening::begin(options(&home, "right")).unwrap();
    let address = opening.listen().await.unwrap();
    let health = get(address, "/health", &key).await;
    assert!(health.contains("\"status\":\"starting\""), "{health}");
    assert!(health.contains("\"ready\":false"), "{health}");
    let early = tokio::spawn(async move { get(address, "/v1/models", &key).await });
    tokio::task::yield_now().await;
    assert!(!early.is_finished());
    assert!(!home.join("instance.json").exists(), "not ready, not told");

    let written = tokio::task::spawn_blocking(move || {
        std::fs::write(vault, std::fs::read(kept).unwrap()).unwrap();
    });
    let engine = opening.finish().await.unwrap();
    written.await.unwrap();
    let answer = early.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(engine.listen().await.unwrap(), address);
    assert!(home.join("instance.json").exists());
    let none = SecretString::from("none");
    let health = get(address, "/health", &none).await;
    assert!(health.contains("\"status\":\"ok\""), "{health}");
    engine.shutdown(Duration::ZERO).await;
}

/// F24: a wrong passphrase ends the start as it always did, and the port is free again.
#[tokio::test]
async fn a_wrong_passphrase_frees_the_port() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    home_with_an_account(&home).await;
    let before = files(&home);
    let mut opening = Opening::begin(options(&home, "wrong")).unwrap();
    let address = opening.listen().await.unwrap();
    let error = opening.finish().await.unwrap_err();
    assert!(error.is_vault_locked(), "{error}");
    assert_eq!(files(&home), before);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

async fn refused(engine: &Arc<Engine>) {
    let add = engine.add_key_account(relay("second")).await.unwrap_err();
    assert!(add.to_string().contains("reading only"), "{add}");
    assert!(engine.activate("first").await.is_err());
    assert!(engine.set_enabled("first", false).await.is_err());
    assert!(engine.remove("first").await.is_err());
    assert!(engine.reorder(&["first".into()]).await.is_err());
    assert!(engine.change_setting("retry.max", Some("1")).await.is_err());
    assert!(engine.rotate_key().await.is_err());
    let file = SecretString::from("rt_one");
    assert!(engine.import(&file, false, false).await.is_err());
}

/// F124: an unreadable database is copied, not touched, and the last good backup is served.
#[tokio::test]
async fn f124_an_unreadable_database_is_served_from_its_backup() {
    for with_backup in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let key = home_with_an_account(&home).await;
        if with_backup {
            Store::open(&home, 1).unwrap().backup(7).unwrap();
        }
        let database = home.join("switchyard.db");
        std::fs::write(&database, b"no database at all".repeat(40)).unwrap();
        let mut before = files(&home);

        let engine = Engine::open(options(&home, "right")).await.unwrap();
        let address = engine.listen().await.unwrap();
        let notice = engine.status().notices.join("\n");
        assert!(notice.starts_with("Read-only mode"), "{notice}");
        assert!(notice.contains(".corrupt-"), "{notice}");
        assert_eq!(notice.contains("backup-7"), with_backup, "{notice}");
        assert!(engine.welcome(false).unwrap().notes[0].contains("Read-only"));
        assert_eq!(engine.accounts().len(), usize::from(with_backup));
        let answer = get(address, "/v1/models", &key).await;
        assert_eq!(answer.contains("\"m\""), with_backup, "{answer}");
        refused(&engine).await;
        engine.shutdown(Duration::ZERO).await;

        let after = files(&home);
        let copy = after
            .keys()
            .find(|path| path.to_string_lossy().contains(".corrupt-"));
        before.insert(copy.unwrap().clone(), std::fs::read(&database).unwrap());
        assert_eq!(after, before);
    }
}

/// F125: a newer database is refused, or served without a write where the surface asks for that.
#[tokio::test]
async fn f125_a_newer_database_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    home_with_an_account(&home).await;
    let database = home.join("switchyard.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // SQLite keeps the user version big-endian at offset 60 of its first page.
    bytes[60..64].copy_from_slice(&999_999_u32.to_be_bytes());
    std::fs::write(&database, bytes).unwrap();
    let before = files(&home);
    let error = Engine::open(options(&home, "right")).await.unwrap_err();
    assert!(error.is_home_locked(), "{error}");
    let mut accepting = options(&home, "right");
    accepting.accept_newer = true;
    let engine = Engine::open(accepting).await.unwrap();
    assert_eq!(engine.accounts().len(), 1);
    let notice = engine.status().notices.join("\n");
    assert!(notice.contains("newer Switchyard"), "{notice}");
    refused(&engine).await;
    engine.shutdown(Duration::ZERO).await;
    assert_eq!(files(&home), before);
}

/// F127: another port is served at once, and what runs on the old one goes on.
#[tokio::test]
async fn f127_a_move_to_another_port_loses_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let key = home_with_an_account(&home).await;
    let engine = Engine::open(options(&home, "right")).await.unwrap();
    let old = engine.listen().await.unwrap();
    // A request that has begun: its body comes after the move.
    let mut running = TcpStream::connect(old).await.unwrap();
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        key.expose_secret(),
        body.len()
    );
    running.write_all(head.as_bytes()).await.unwrap();
    let mut proceed = [0; 12];
    running.read_exact(&mut proceed).await.unwrap();
    assert_eq!(&proceed, b"HTTP/1.1 100");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let port = port.to_string();
    engine
        .change_setting("server.port", Some(&port))
        .await
        .unwrap();
    let new = engine.address().unwrap();
    assert_ne!(new, old);
    let told = std::fs::read_to_string(home.join("instance.json")).unwrap();
    assert!(told.contains(&format!("http://{new}")), "{told}");
    assert!(get(new, "/v1/models", &key).await.contains("200 OK"));
    while TcpStream::connect(old).await.is_ok() {
        tokio::task::yield_now().await;
    }
    running.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    running.read_to_string(&mut answer).await.unwrap();
    // Nobody answers at the account's address: the gateway says so, and that is an answer.
    assert!(answer.contains("HTTP/1.1 50"), "{answer}");

    // The same port on another address, and an address that cannot be: the good one stays.
    engine
        .change_setting("server.host", Some("0.0.0.0"))
        .await
        .unwrap();
    let everywhere = engine.address().unwrap();
    assert!(everywhere.ip().is_unspecified());
    let here = SocketAddr::from(([127, 0, 0, 1], everywhere.port()));
    assert!(get(here, "/v1/models", &key).await.contains("200 OK"));
    let nowhere = engine
        .change_setting("server.host", Some("192.0.2.1"))
        .await;
    assert!(nowhere.unwrap_err().to_string().contains("192.0.2.1"));
    assert_eq!(engine.address(), Some(everywhere));
    assert_eq!(engine.setting("server.host").unwrap().value, "0.0.0.0");
    assert!(get(here, "/v1/models", &key).await.contains("200 OK"));
    engine.shutdown(Duration::ZERO).await;
}

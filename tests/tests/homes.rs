//! Homes that cannot be used: a wrong passphrase, a newer database, a lock, a bad setting. Each is refused with an exit code and
//! a word of advice; a broken database is served read-only. Nothing on disk is changed or lost (cli.md; F24, F123 to F128).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tests::{Run, TestApp, codex};

const FAILED: i32 = 1;
const WRONG_USAGE: i32 = 2;
const HOME_LOCKED_OR_NEWER: i32 = 4;
const VAULT_LOCKED: i32 = 5;

/// The files of the home that hold something, with their bytes.
fn kept_files(app: &TestApp) -> BTreeMap<PathBuf, Vec<u8>> {
    let home = app.home();
    let files = app
        .evidence()
        .files()
        .into_iter()
        .filter(|path| path.starts_with(&home));
    let lasting = files.filter(|path| !is_passing(path));
    lasting
        .map(|path| (path.clone(), fs::read(path).unwrap_or_default()))
        .collect()
}

/// Locks, logs and the like may change when nothing is lost; a copy put aside is an addition.
fn is_passing(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let in_logs = path.components().any(|part| part.as_os_str() == "logs");
    in_logs
        || name == "lock"
        || name == "instance.json"
        || name.ends_with("-wal")
        || name.ends_with("-shm")
}

fn expect_unchanged(app: &TestApp, before: &BTreeMap<PathBuf, Vec<u8>>) {
    let after = kept_files(app);
    for (path, bytes) in before {
        assert!(
            after.get(path) == Some(bytes),
            "{} was changed",
            path.display()
        );
    }
}

fn expect_refusal(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code(), code, "{}", run.stderr);
    let said = run.stderr.to_lowercase();
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {}", run.stderr);
    }
    assert!(!said.contains("panicked"), "{}", run.stderr);
}

fn database(app: &TestApp) -> PathBuf {
    let files = app.evidence().files();
    let found = files
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "db"));
    found.expect("a database in the home")
}

async fn stopped(name: &str) -> TestApp {
    let app = TestApp::new(name).account(codex("only"));
    // No backup comes by itself while a test looks at the files.
    let mut app = app.setting("backup.keep", "0").start().await;
    assert_eq!(app.chat("say:hello").await.text(), "hello");
    assert!(app.stop().await.success(), "a clean end is exit code 0");
    app
}

async fn expect_recovery(mut app: TestApp) {
    app.serve().await;
    assert_eq!(app.account_ids().await.len(), 1);
    assert_eq!(app.chat("say:again").await.text(), "again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_passphrase() {
    let mut app = stopped("passphrase").await;
    let before = kept_files(&app);
    let right = app.set_passphrase("not the one it was sealed with");
    expect_refusal(&app.serve_refused().await, VAULT_LOCKED, &["passphrase"]);
    expect_unchanged(&app, &before);
    app.set_passphrase(&right);
    expect_recovery(app).await;
}

/// F124: read-only mode. It starts, says so, serves what it can (nothing here: there is no backup), and touches nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupt_database() {
    let mut app = stopped("corrupt").await;
    let path = database(&app);
    let good = fs::read(&path).expect("the database");
    let mut broken = good.clone();
    let length = broken.len().min(4096);
    broken[..length].fill(0x5a);
    for content in [broken, b"no database".to_vec()] {
        fs::write(&path, &content).expect("breaking it");
        let before = kept_files(&app);
        app.serve().await;
        let said = app.stderr();
        for word in ["Read-only mode", "switchyard.db", "backup"] {
            assert!(said.contains(word), "no {word:?} in: {said}");
        }
        let status = app.cli(&["status"]).await.expect_success("the status");
        assert!(
            status.stdout.contains("Read-only mode"),
            "{}",
            status.stdout
        );
        let refused = app.cli(&["settings", "set", "retry.max", "1"]).await;
        expect_refusal(&refused, FAILED, &["reading only"]);
        let answer = app
            .post("/v1/chat/completions", &app.chat_body("say:x", false))
            .await;
        assert!(answer.status.is_server_error() || answer.status == 404);
        assert!(app.stop().await.success());
        expect_unchanged(&app, &before);
        let alone = app.cli(&["key", "rotate"]).await;
        expect_refusal(&alone, FAILED, &["read-only mode", "reading only"]);
        expect_unchanged(&app, &before);
    }
    fs::write(&path, good).expect("putting it back");
    expect_recovery(app).await;
}

/// F124, F125: the last good backup is offered by name, serves meanwhile, and one command puts it in place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrupt_database_is_restored() {
    let mut app = stopped("restored").await;
    let made = app
        .cli(&["--json", "backup"])
        .await
        .expect_success("a backup");
    let name = made.json()["name"].as_str().expect("its name").to_owned();
    let path = database(&app);
    fs::write(&path, b"no database").expect("breaking it");
    app.serve().await;
    assert_eq!(app.chat("say:meanwhile").await.text(), "meanwhile");
    let list = app
        .cli(&["backup", "list"])
        .await
        .expect_success("the list");
    assert!(
        list.stdout.contains(&format!("switchyard restore {name}")),
        "{}",
        list.stdout
    );
    let look = app
        .cli(&["restore", "--dry-run"])
        .await
        .expect_success("a look");
    assert!(
        look.stdout.contains(&name) && look.stdout.contains("only"),
        "{}",
        look.stdout
    );
    assert_eq!(app.cli(&["restore"]).await.code(), WRONG_USAGE, "it asks");
    app.cli(&["restore", "--yes"])
        .await
        .expect_success("the restore");
    assert_eq!(
        fs::read(&path).expect("the database"),
        b"no database",
        "not before the next start"
    );
    assert!(app.stop().await.success());
    app.serve().await;
    assert_eq!(app.chat("say:again").await.text(), "again");
    let status = app.cli(&["status"]).await.expect_success("the status");
    assert!(!status.stdout.contains("Read-only"), "{}", status.stdout);
    assert_eq!(app.leaks(), Vec::<String>::new());
}

/// F129: each reset is one command, asks, and does its own only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets() {
    let app = TestApp::new("resets").account(codex("only")).start().await;
    assert_eq!(app.chat("say:hello").await.text(), "hello");
    let requests = async || {
        let run = app
            .cli(&["--json", "journal"])
            .await
            .expect_success("the journal");
        run.json().as_array().map_or(0, Vec::len)
    };
    for command in [
        ["clear", "journal"],
        ["clear", "samples"],
        ["reset", "usage"],
        ["reset", "sign-ins"],
        ["reset", "factory"],
    ] {
        assert_eq!(
            app.cli(&command).await.code(),
            WRONG_USAGE,
            "{command:?} asks"
        );
    }
    assert_eq!(requests().await, 1);
    app.cli(&["reset", "usage", "--yes"])
        .await
        .expect_success("usage");
    app.cli(&["clear", "samples", "--yes"])
        .await
        .expect_success("samples");
    assert_eq!(requests().await, 1, "another sort");
    app.cli(&["clear", "journal", "--yes"])
        .await
        .expect_success("journal");
    assert_eq!(requests().await, 0);
    assert_eq!(app.chat("say:still").await.text(), "still");
    app.cli(&["reset", "sign-ins", "--yes"])
        .await
        .expect_success("sign-ins");
    assert_eq!(app.account_ids().await.len(), 1);
    assert!(app.chat("say:gone").await.status.is_server_error());
    app.cli(&["reset", "factory", "--yes"])
        .await
        .expect_success("factory");
    assert_eq!(
        app.cli(&["account", "list"]).await.code(),
        3,
        "nothing found"
    );
    assert_eq!(app.chat("say:gone").await.status, 401, "the old key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_database() {
    let app = stopped("newer").await;
    let path = database(&app);
    let good = fs::read(&path).expect("the database");
    let mut newer = good.clone();
    // SQLite keeps the user version big-endian at offset 60 of its first page.
    newer[60..64].copy_from_slice(&999_999_u32.to_be_bytes());
    fs::write(&path, &newer).expect("making it newer");
    let before = kept_files(&app);
    expect_refusal(&app.serve_refused().await, HOME_LOCKED_OR_NEWER, &["newer"]);
    expect_unchanged(&app, &before);
    fs::write(&path, good).expect("putting it back");
    expect_recovery(app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_home() {
    let app = TestApp::new("locked").account(codex("only")).start().await;
    expect_refusal(
        &app.serve_refused().await,
        HOME_LOCKED_OR_NEWER,
        &["in use"],
    );
    assert_eq!(
        app.chat("say:hello").await.text(),
        "hello",
        "the one that runs goes on"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_settings() {
    let mut app = TestApp::new("settings")
        .account(codex("only"))
        .start()
        .await;
    for (key, value) in [
        ("server.port", "99999"),
        ("retry.max", "many"),
        ("rotation.mode", "sometimes"),
        ("proxy.enabled", "true"),
    ] {
        let run = app.cli(&["settings", "set", key, value]).await;
        assert!(
            [FAILED, WRONG_USAGE].contains(&run.code()),
            "{key}={value}: {}",
            run.stderr
        );
        assert!(
            run.stderr.contains(key) || run.stderr.contains("proxy.url"),
            "{key}: {}",
            run.stderr
        );
    }
    let run = app.cli(&["settings", "set", "no.such.key", "1"]).await;
    assert_ne!(run.code(), 0, "{}", run.stderr);
    assert_eq!(
        app.chat("say:hello").await.text(),
        "hello",
        "the good state stays"
    );
    assert!(app.stop().await.success());
    app.set("retry.max", "many");
    let run = app.serve_refused().await;
    assert!(
        run.stderr.contains("retry.max") || run.stderr.contains("SWITCHYARD_RETRY_MAX"),
        "{}",
        run.stderr
    );
}

/// F5: an import is taken whole or not at all, and says which item was wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_imports() {
    let app = TestApp::new("imports").account(codex("only")).start().await;
    for text in [
        "",
        "not an account",
        "{",
        "[]",
        "{\"tokens\":7}",
        "[{\"apiKey\":\"sk-abc\",\"baseUrl\":7}]",
    ] {
        let run = app.cli_with_input(&["account", "import", "-"], text).await;
        assert_ne!(run.code(), 0, "{text:?}: {}", run.stdout);
        assert!(!run.stderr.trim().is_empty(), "{text:?}");
        assert_eq!(app.account_ids().await.len(), 1, "{text:?}");
    }
    for arguments in [
        &["account", "show", "no-such-id"][..],
        &["account", "remove", "--yes", "no-such-id"],
    ] {
        assert_eq!(
            app.cli(arguments).await.code(),
            3,
            "{arguments:?}: nothing found"
        );
    }
    assert_eq!(app.cli(&["no-such-command"]).await.code(), WRONG_USAGE);
}

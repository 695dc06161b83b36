//! The desktop application as a person has it: started in a session with a display, a bus, a keyring and a panel, and used by its tray menu.
//!
//! It is started as a process, so that no test links a webview. Linux only.
#![cfg(target_os = "linux")]

mod session;
mod tray;

use std::fs::{self, File};

use session::{Session, eventually};
use tests::{LIMIT, TestApp, codex};
use tokio::process::Command;
use tokio::time::timeout;
use tray::{Item, Panel};

/// The items between the first two lines: the accounts.
fn accounts(items: &[Item]) -> Vec<(&str, bool)> {
    let after = items.iter().skip_while(|item| !item.separator).skip(1);
    after
        .take_while(|item| !item.separator)
        .map(|item| (item.label.as_str(), item.checked == Some(true)))
        .collect()
}

/// Whether the accounts are these, in this order, and only the one is marked.
fn marked(items: &[Item], names: [&str; 2], active: usize) -> bool {
    let shown = accounts(items);
    shown.len() == names.len()
        && shown
            .iter()
            .enumerate()
            .all(|(n, (label, checked))| label.starts_with(names[n]) && *checked == (n == active))
}

async fn ended(mut command: Command) -> (i32, String) {
    let output = timeout(LIMIT, command.output())
        .await
        .expect("it ends in time")
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), said)
}

/// Which account the next request goes to.
async fn served_by(app: &TestApp) -> String {
    let answer = app.chat("say:hello").await;
    assert_eq!(answer.text(), "hello");
    answer.header("x-switchyard-account").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tray_menu_switches_accounts() {
    // A name with the characters that menus give a meaning.
    let mut app = TestApp::new("desktop-tray")
        .account(codex("first_one"))
        .account(codex("second&other"))
        .prepare()
        .await;
    let names = ["first_one@example.com", "second&other@example.com"];
    let mut session = Session::start(&app).await;
    session.unlock_keyring().await;
    let mut panel = Panel::start(&session).await;
    app.serve_with(session.desktop(&app, &[])).await;
    let process = app.process_id();
    let tray = panel.icon_of(process).await;

    let address = app.url().trim_start_matches("http://").to_owned();
    let items = tray
        .until("the menu without accounts", |items| {
            items.iter().any(|item| item.label == "Quit")
        })
        .await;
    let words: Vec<&str> = items
        .iter()
        .filter(|item| !item.separator)
        .map(|item| item.label.as_str())
        .collect();
    let status = format!("No account · {address}");
    assert_eq!(words, [status.as_str(), "Copy URL", "Quit"]);
    assert!(!items[0].enabled, "the status line is no button");

    // Accounts taken in over the command line, which finds this instance, show up without a restart.
    app.enter_accounts().await;
    let items = tray
        .until("both accounts, the first one active", |items| {
            marked(items, names, 0)
        })
        .await;
    assert_eq!(items[0].label, format!("Running · {address}"));
    assert!(
        items.iter().all(|item| item.label.chars().count() <= 40),
        "{items:?}"
    );
    assert_eq!(served_by(&app).await, names[0]);

    tray.click(names[1]).await;
    tray.until("the mark moves to the clicked account", |items| {
        marked(items, names, 1)
    })
    .await;
    assert_eq!(served_by(&app).await, names[1]);
    let seen = app.upstream_requests();
    let tokens: Vec<_> = seen
        .iter()
        .map(|seen| seen.headers["authorization"].clone())
        .collect();
    assert_eq!(tokens.len(), 2);
    assert_ne!(tokens[0], tokens[1], "the same account was asked twice");
    let listed = app.cli(&["--json", "account", "list"]).await;
    assert!(
        listed
            .expect_success("the accounts")
            .stdout
            .contains("second&other")
    );

    // A panel toggles the mark of what is clicked, also of the active account; after that the menu is true again.
    tray.click(names[1]).await;
    tray.click("Copy URL").await;
    let copied = eventually("the URL is in the clipboard", async || {
        session.clipboard().await
    })
    .await;
    assert_eq!(copied, format!("{}/v1", app.url()));
    tray.until("the active account stays marked", |items| {
        marked(items, names, 1)
    })
    .await;
    assert_eq!(served_by(&app).await, names[1]);

    // Without a window there is no webview: the application is one process.
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    assert_eq!(children.expect("its children").trim(), "");
    println!("memory without a window: {}", memory(process));

    tray.click("Quit").await;
    assert_eq!(app.ended().await.code(), Some(0), "{}", app.stderr());
    let lock = File::open(app.home().join("lock")).expect("the home's lock file");
    lock.try_lock().expect("nobody holds the home");
    drop(lock);
    assert!(!app.home().join("instance.json").exists());
    assert_eq!(app.leaks(), Vec::<String>::new());

    // What was chosen by a click is kept, and the keyring has kept the sign-ins.
    app.serve_with(session.desktop(&app, &[])).await;
    let tray = panel.icon_of(app.process_id()).await;
    tray.until("the choice after a restart", |items| {
        marked(items, names, 1)
    })
    .await;
    assert_eq!(served_by(&app).await, names[1]);
    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_tray_host_it_serves_until_a_signal() {
    let mut app = TestApp::new("desktop-no-host")
        .account(codex("only"))
        .prepare()
        .await;
    let session = Session::start(&app).await;
    app.serve_with(session.desktop(&app, &["--show-key"])).await;
    app.enter_accounts().await;
    assert_eq!(served_by(&app).await, "only@example.com");
    const SAID: &str = "no tray host answers";
    eventually("it says that no tray host answers", async || {
        app.stderr().contains(SAID).then_some(())
    })
    .await;
    assert_eq!(app.stderr().matches(SAID).count(), 1, "it is said once");
    let printed = fs::read_to_string(app.evidence().folder().join("stdout.txt"));
    let printed = printed.expect("what it printed");
    assert!(
        printed.contains("Key: ") && printed.contains("curl"),
        "{printed}"
    );

    // The home has one owner, and a second start says so.
    let (code, said) = ended(session.desktop(&app, &[])).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("in use"), "{said}");

    // Streams may end, then the process does.
    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());

    let right = app.set_passphrase("another one");
    let (code, said) = ended(session.desktop(&app, &[])).await;
    assert_eq!(code, 5, "{said}");
    app.set_passphrase(&right);

    let mut nowhere = session.desktop(&app, &[]);
    nowhere.env_remove("DISPLAY");
    let mut dead = session.desktop(&app, &[]);
    dead.env("DISPLAY", ":4242");
    for command in [nowhere, dead] {
        let (code, said) = ended(command).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("switchyard serve"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let (code, said) = ended(session.command_line(&app, &["status"])).await;
    assert_eq!(code, 0, "the home is as it was: {said}");
    assert_eq!(app.leaks(), Vec::<String>::new());
}

/// Proportional set size of a process.
fn memory(process: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:"));
    line.unwrap_or("unknown").to_owned()
}

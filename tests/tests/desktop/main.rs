//! The desktop application as a person has it: started in a session with a display, a bus, a keyring and a panel, and used by its tray menu.
//!
//! It is started as a process, so that no test links a webview. Linux only.
#![cfg(target_os = "linux")]

mod logs;
mod notified;
mod page;
mod power;
mod session;
mod tray;
mod windows;

use std::fs::{self, File};

use session::{Session, eventually};
use tests::{LIMIT, TestApp, codex};
use tokio::process::Command;
use tokio::time::timeout;
use tray::{Item, Panel};

/// The items between the first two lines, after "Automatic": the accounts.
fn accounts(items: &[Item]) -> Vec<(&str, bool)> {
    let after = items.iter().skip_while(|item| !item.separator).skip(2);
    after
        .take_while(|item| !item.separator)
        .map(|item| (item.label.as_str(), item.checked == Some(true)))
        .collect()
}

/// Whether the accounts are these, in this order, and only the one is marked.
fn marked(items: &[Item], names: [&str; 2], active: usize) -> bool {
    let shown = accounts(items);
    shown.len() == names.len()
        && shown.iter().enumerate().all(|(n, (label, checked))| {
            label.starts_with(begin(names[n])) && *checked == (n == active)
        })
}

/// What of a name a label shows even when there is more to say.
fn begin(name: &str) -> &str {
    &name[..16]
}

async fn ended(mut command: Command) -> (i32, String) {
    let output = timeout(LIMIT, command.output())
        .await
        .expect("it ends in time")
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), said)
}

/// A start that fails says why on the screen, and ends when that was read.
async fn explained(session: &Session, command: Command) -> (i32, String) {
    let read = session.close_window("Switchyard cannot start");
    tokio::join!(ended(command), read).0
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
    app.serve_with(session.desktop(&app, &["--hidden"])).await;
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
    let rest = [
        "Auto-switch when exhausted",
        "Copy",
        "Refresh quota",
        "Pause",
        "Open Switchyard…",
        "Start at login",
        "Quit",
    ];
    assert_eq!(words[0], status);
    assert_eq!(words[1..], rest);
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

    tray.click(begin(names[1])).await;
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
    tray.click(begin(names[1])).await;
    tray.click("OpenAI URL").await;
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

    // The sign-ins are in the Secret Service, and nowhere else: `leaks` below searches every file.
    let kept = session.secrets().await;
    for upstream in app.upstreams() {
        for (what, secret) in upstream.secrets() {
            let is_token = what == "refresh token" || what == "access token";
            let found = kept.iter().any(|item| item.contains(&secret));
            assert!(
                found || !is_token,
                "the {what} is not in the Secret Service"
            );
        }
    }
    assert!(!app.home().join("vault.sealed").exists());

    // A pause is seen in the icon and felt by clients; running it again takes one click.
    let picture = tray.icon().await;
    tray.click("Until resumed").await;
    tray.until("the menu offers to resume", |items| {
        items.iter().any(|item| item.label == "Resume") && items[0].label.starts_with("Paused")
    })
    .await;
    eventually("another icon", async || {
        (tray.icon().await != picture).then_some(())
    })
    .await;
    assert_eq!(app.chat("say:hello").await.status, 503);
    tray.click("Resume").await;
    tray.until("it runs again", |items| {
        items[0].label.starts_with("Running")
    })
    .await;
    assert_eq!(served_by(&app).await, names[1]);

    // Without a window there is no webview: the application is one process.
    assert_eq!(children(process), Vec::<String>::new());
    println!("memory without a window: {} kB", memory(process));

    tray.click("Quit").await;
    assert_eq!(app.ended().await.code(), Some(0), "{}", app.stderr());
    let lock = File::open(app.home().join("lock")).expect("the home's lock file");
    lock.try_lock().expect("nobody holds the home");
    drop(lock);
    assert!(!app.home().join("instance.json").exists());
    assert_eq!(app.leaks(), Vec::<String>::new());

    // What was chosen by a click is kept, and the keyring has kept the sign-ins.
    app.serve_with(session.desktop(&app, &["--hidden"])).await;
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
    let mut session = Session::start(&app).await;
    session.start_window_manager();
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

    // The home has one owner. A second start in this session shows the window of the first; one that cannot reach it says why not.
    let (code, said) = ended(session.desktop(&app, &["--hidden"])).await;
    assert_eq!(code, 0, "{said}");
    let mut elsewhere = session.desktop(&app, &[]);
    elsewhere.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere");
    let (code, said) = explained(&session, elsewhere).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("in use"), "{said}");

    // Streams may end, then the process does.
    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());

    let right = app.set_passphrase("another one");
    let (code, said) = explained(&session, session.desktop(&app, &[])).await;
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

/// Proportional set size of a process and its children, in kB.
fn memory(process: u32) -> u64 {
    let of_one = |id: u32| {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("Pss:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|number| number.parse::<u64>().ok())
            .unwrap_or(0)
    };
    of_one(process) + child_ids(process).into_iter().map(of_one).sum::<u64>()
}

/// The names of a process's children; those that have ended and wait for their parent do not count.
fn children(process: u32) -> Vec<String> {
    let alive = |id: u32| {
        let state = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        if state.contains(") Z ") {
            return None;
        }
        let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
        Some(name.trim().to_owned())
    };
    child_ids(process).into_iter().filter_map(alive).collect()
}

/// Children of every thread.
fn child_ids(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let lists = threads
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let ids: Vec<String> = lists.collect();
    ids.iter()
        .flat_map(|list| list.split_whitespace())
        .filter_map(|id| id.parse().ok())
        .collect()
}

//! The window's life, seen from outside: its processes, its X window, its files.

use std::fs;

use simulator::{Gate, Step};
use tests::{TestApp, codex};

use crate::session::{Session, eventually};
use crate::tray::Panel;
use crate::{children, ended, memory};

/// How often it is opened and closed.
const CYCLES: usize = 50;
/// Most memory after a window was closed, in kB (performance.md: the gate of the release build).
const AT_REST: u64 = 100_000;
/// Growth of the application's own memory that counts as none, in kB.
const GROWTH: u64 = 20_000;

/// Waits until the window and its webview are there, or gone.
async fn window(session: &Session, process: u32, there: bool) {
    let what = format!("a window: {there}");
    eventually(&what, async || {
        let shown = session.window("Switchyard").await.is_some();
        let page = children(process)
            .iter()
            .any(|name| name.starts_with("WebKitWeb"));
        (shown == there && page == there).then_some(())
    })
    .await;
}

/// R1, R11, F144, F145: the window comes and goes, the application stays; a second launch shows it; it starts at login when asked to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_comes_and_goes() {
    let mut app = TestApp::new("desktop-window")
        .account(codex("only"))
        .prepare()
        .await;
    let mut session = Session::start(&app).await;
    session.start_window_manager();
    let mut panel = Panel::start(&session).await;
    let mut command = session.desktop(&app, &["--hidden"]);
    command.env("SWITCHYARD_WINDOW_LINGER_MS", "0");
    app.serve_with(command).await;
    let process = app.process_id();
    let tray = panel.icon_of(process).await;
    app.enter_accounts().await;
    assert!(
        children(process).is_empty(),
        "started hidden, it has a window"
    );

    // Start at login: read back from the file.
    let entry = app
        .evidence()
        .folder()
        .join("person/.config/autostart/switchyard-desktop.desktop");
    assert!(!entry.exists(), "it is off at first");
    for on in [true, false] {
        tray.click("Start at login").await;
        tray.until("its mark follows", |items| {
            let item = items.iter().find(|item| item.label == "Start at login");
            item.is_some_and(|item| item.checked == Some(on))
        })
        .await;
        assert_eq!(entry.exists(), on);
        if on {
            let text = fs::read_to_string(&entry).expect("the entry");
            let program = crate::session::desktop_path();
            let line = format!("Exec=\"{}\" --hidden", program.display());
            assert!(text.lines().any(|one| one == line), "{text}");
        }
    }

    let (code, said) = ended(session.desktop(&app, &["--hidden"])).await;
    assert_eq!(code, 0, "{said}");
    window(&session, process, true).await;
    session.close_window("Switchyard").await;
    window(&session, process, false).await;

    let mut after_few = 0;
    for cycle in 0..CYCLES {
        tray.click("Open Switchyard").await;
        window(&session, process, true).await;
        session.close_window("Switchyard").await;
        window(&session, process, false).await;
        let left = children(process);
        assert!(left.len() <= 1, "after {cycle} cycles: {left:?}");
        if cycle == 9 {
            after_few = own_memory(process);
        }
    }
    let after_all = own_memory(process);
    println!("own memory after 10 cycles {after_few} kB, after {CYCLES} {after_all} kB");
    assert!(
        after_all < after_few + GROWTH,
        "{after_few} kB, then {after_all} kB"
    );

    // After a window that was open for longer than it takes to start, nothing is left, and the next one comes as the first one did.
    for _ in 0..2 {
        tray.click("Open Switchyard").await;
        window(&session, process, true).await;
        eventually("the webview's processes are no longer new", async || {
            let ids = crate::child_ids(process);
            ids.into_iter().all(|id| age(id) > 6.0).then_some(())
        })
        .await;
        session.close_window("Switchyard").await;
        eventually("no process is left", async || {
            children(process).is_empty().then_some(())
        })
        .await;
    }
    eventually("what a window needs is given back", async || {
        (memory(process) < AT_REST).then_some(())
    })
    .await;
    println!("memory after a window {} kB", memory(process));

    // The gateway has not noticed any of it.
    assert_eq!(app.chat("say:hello").await.text(), "hello");
    assert!(app.home().join("window.json").exists());
    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());
    assert_eq!(app.leaks(), Vec::<String>::new());
}

/// F145: "Quit" asks while requests run; asked twice, it does not wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quit_asks_while_requests_run() {
    let gate = Gate::new();
    let held = Step::Gated {
        events: 6,
        gate: gate.clone(),
    };
    let mut app = TestApp::new("desktop-quit")
        .account(codex("only").script([held]))
        .prepare()
        .await;
    let session = Session::start(&app).await;
    let mut panel = Panel::start(&session).await;
    app.serve_with(session.desktop(&app, &["--hidden"])).await;
    let tray = panel.icon_of(app.process_id()).await;
    app.enter_accounts().await;
    let mut stream = app.chat_stream("say:hello").await;
    stream.next().await.expect("it has begun");
    tray.click("Quit").await;
    eventually("a question", async || {
        session.window("Quit Switchyard\\?").await
    })
    .await;
    assert_eq!(app.get("/health").await.status, 200, "it has not left yet");
    tray.click("Quit").await;
    assert_eq!(app.ended().await.code(), Some(0), "{}", app.stderr());
    gate.release();
}

/// What the process has written itself, in kB: unlike the pages of files it is not given back and read again.
fn own_memory(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Seconds since a process was started.
fn age(process: u32) -> f64 {
    let made = fs::metadata(format!("/proc/{process}")).and_then(|folder| folder.modified());
    made.ok()
        .and_then(|made| made.elapsed().ok())
        .map_or(f64::MAX, |age| age.as_secs_f64())
}

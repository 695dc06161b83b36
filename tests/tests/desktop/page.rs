//! The window's page, driven as a person would: through WebKit's own WebDriver.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use simulator::{Gate, Step};
use tests::{LIMIT, TestApp, codex, relay_chat};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::children;
use crate::session::{Session, desktop_path, eventually};
use crate::tray::Panel;

/// A page under WebDriver.
struct Page {
    http: reqwest::Client,
    url: String,
}

impl Page {
    /// Starts the application under the driver on this port.
    async fn open(port: u16) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let driver = format!("http://127.0.0.1:{port}");
        eventually("WebKitWebDriver answers", async || {
            http.get(format!("{driver}/status"))
                .send()
                .await
                .ok()
                .map(drop)
        })
        .await;
        let mut page = Self { http, url: driver };
        let options = json!({"binary": desktop_path(), "args": []});
        let wanted =
            json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let session = page.post("/session", wanted).await;
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        page.url = format!("{}/session/{id}", page.url);
        page
    }

    async fn ask(&self, path: &str, body: &Value) -> Result<Value, Value> {
        let request = self
            .http
            .post(format!("{}{path}", self.url))
            .body(body.to_string());
        let answer = timeout(LIMIT, request.send())
            .await
            .expect("in time")
            .expect("an answer");
        let good = answer.status().is_success();
        let text = answer.text().await.expect("its text");
        let mut value: Value = serde_json::from_str(&text).expect("JSON");
        let value = value["value"].take();
        if good { Ok(value) } else { Err(value) }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.ask(path, &body).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Runs a script whose last word is a promise or a value.
    async fn run(&self, script: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; (async () => {{ {script} }})().then(done, (e) => done({{failed: String(e)}}));"
        );
        self.post("/execute/async", json!({"script": script, "args": []}))
            .await
    }

    /// A command of the shell, as the page calls it.
    async fn command(&self, name: &str, arguments: Value) -> Value {
        self.run(&format!(
            "return await window.__TAURI_INTERNALS__.invoke('{name}', {arguments})"
        ))
        .await
    }

    /// Waits until a script that is a condition holds.
    async fn until(&self, what: &str, condition: &str) {
        let script = format!("return Boolean({condition})");
        eventually(what, async || {
            (self.run(&script).await == true).then_some(())
        })
        .await;
    }

    /// Clicks on the last visible link or button whose text begins like this: a sheet stands after the page below it.
    async fn press(&self, text: &str) {
        let script = format!(
            "[...document.querySelectorAll('a, button')].filter((e) => !e.disabled && e.getClientRects().length && e.textContent.trim().startsWith({})).at(-1)",
            json!(text)
        );
        self.until(text, &script).await;
        self.run(&format!("({script}).click()")).await;
    }

    /// Types into the control that belongs to this selector.
    async fn fill(&self, selector: &str, text: &str) {
        let found = format!("document.querySelector({})", json!(selector));
        self.until(selector, &found).await;
        let (text, event) = (json!(text), "new Event('input', {bubbles: true})");
        self.run(&format!(
            "const e = {found}; e.focus(); e.value = {text}; e.dispatchEvent({event})"
        ))
        .await;
    }

    /// Waits until the page shows this text.
    async fn shows(&self, text: &str) {
        self.until(
            text,
            &format!("document.body.textContent.includes({})", json!(text)),
        )
        .await;
    }

    async fn close(self) {
        let ended = self.http.delete(&self.url).send().await;
        ended.expect("the driver answers");
    }
}

/// The driver as the program that serves: it starts the application, which says on the same output where it listens.
async fn opened(app: &mut TestApp, session: &Session) -> Page {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = free.local_addr().expect("its number").port();
    drop(free);
    let mut driver = session.program(app, Path::new("WebKitWebDriver"), &[]);
    driver
        .arg(format!("--port={port}"))
        .env("TAURI_WEBVIEW_AUTOMATION", "true")
        .env("LANG", "en_US.UTF-8");
    let ((), page) = tokio::join!(app.serve_with(driver), Page::open(port));
    page
}

/// The application's process id.
fn instance(app: &TestApp) -> u32 {
    let text = fs::read_to_string(app.home().join("instance.json")).expect("the discovery file");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    value["pid"]
        .as_u64()
        .and_then(|pid| pid.try_into().ok())
        .expect("a process id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_uses_the_window() {
    let mut app = TestApp::new("desktop-page")
        .account(codex("from-the-page"))
        .account(relay_chat("office"))
        .prepare()
        .await;
    let session = Session::start(&app).await;
    let _panel = Panel::start(&session).await;
    let page = opened(&mut app, &session).await;
    let process = instance(&app);

    // The real page, not the one that stands in for it.
    page.shows("Add an account").await;

    // Import by pasting: a preview first, then the result.
    page.press("Import").await;
    let file = app.codex_account(0).auth_json();
    page.fill("textarea", &file).await;
    page.press("Preview").await;
    page.shows("1 account found").await;
    let listed = app.cli(&["--json", "account", "list"]).await.stdout;
    assert_eq!(
        listed.trim(),
        "[]",
        "something is written before it is wanted"
    );
    page.press("Import ").await;
    page.press("Done").await;
    assert_eq!(app.account_ids().await.len(), 1);

    // A relay by its form: the key goes in and never comes back.
    let relay = &app.upstreams()[1];
    page.run("location.hash = '#/accounts/add:relay'").await;
    page.fill("form input[maxlength='64']", "office").await;
    page.fill("form input[type=url]", &app.simulator().relay_base_url())
        .await;
    for (_, key) in relay.secrets() {
        page.fill("form input[type=password]", &key).await;
    }
    page.press("Add").await;
    page.until(
        "the form closes",
        "!document.querySelector('form input[type=password]')",
    )
    .await;
    page.shows("office").await;
    assert_eq!(app.account_ids().await.len(), 2);

    // A prompt through the gateway's own road, streamed; its reading of the quota then stands in the account's chart.
    page.run("location.hash = '#/test'").await;
    page.fill("main textarea", "say:from_the_window").await;
    page.press("Send").await;
    page.shows("from_the_window").await;
    page.shows("HTTP 200").await;
    let id = &app.account_ids().await[0];
    page.run(&format!("location.hash = '#/accounts/{id}'"))
        .await;
    page.until("the quota's chart", "document.querySelector('canvas')")
        .await;

    // What it cannot do: leave, load, run foreign code, open windows.
    let kept = page
        .run("location.href = 'https://example.com/'; await new Promise((go) => setTimeout(go, 200)); return location.href")
        .await;
    assert!(
        kept.as_str()
            .is_some_and(|at| at.starts_with("tauri://localhost")),
        "{kept}"
    );
    let refused = [
        "return await fetch('https://example.com/').then(() => 'loaded', () => 'refused')",
        "return await fetch('http://127.0.0.1:9/').then(() => 'loaded', () => 'refused')",
        "try { new Function('return 1')(); return 'run' } catch { return 'refused' }",
        "return window.open('https://example.com/') ? 'opened' : 'refused'",
        "const s = document.createElement('script'); s.textContent = 'window.stained = 1'; document.body.append(s); return window.stained ? 'run' : 'refused'",
        "return await window.__TAURI_INTERNALS__.invoke('open_external', {url: 'https://example.com/'}).then(() => 'opened', () => 'refused')",
        "return await window.__TAURI_INTERNALS__.invoke('plugin:dialog|open', {options: {}}).then(() => 'opened', () => 'refused')",
        "return await window.__TAURI_INTERNALS__.invoke('plugin:clipboard-manager|read_text').then(() => 'read', () => 'refused')",
        "return await window.__TAURI_INTERNALS__.invoke('plugin:window|close').then(() => 'closed', () => 'refused')",
    ];
    for script in refused {
        assert_eq!(page.run(script).await, "refused", "{script}");
    }

    // The key goes to the clipboard, not to the page.
    assert_eq!(
        page.command("copy_text", json!({"what": "key:default"}))
            .await,
        Value::Null
    );
    let copied = eventually("the key is in the clipboard", async || {
        session.clipboard().await
    })
    .await;
    assert_eq!(copied, app.key());
    let state = page.command("desktop_state", json!({})).await;
    assert_eq!(
        state,
        json!({"autostart": false, "tray": true, "notifications": false, "platform": "linux"})
    );
    let seen = page.run("return document.documentElement.outerHTML").await;
    assert!(
        !seen.to_string().contains(app.key()),
        "the page holds the key"
    );

    // A crash of the page's process: streams go on, the page comes back.
    let gate = Gate::new();
    let held = Step::Gated {
        events: 6,
        gate: gate.clone(),
    };
    app.upstreams()[0].script(vec![held]);
    let mut stream = app.chat_stream("say:still_here").await;
    stream.next().await.expect("it has begun");
    let web = crate::child_ids(process).into_iter().find(|id| {
        fs::read_to_string(format!("/proc/{id}/comm"))
            .is_ok_and(|name| name.starts_with("WebKitWeb"))
    });
    let web = web.expect("the page's process").to_string();
    let killed = tokio::process::Command::new("kill")
        .args(["-KILL", &web])
        .status()
        .await;
    assert!(killed.is_ok_and(|status| status.success()));
    eventually("the page has a process again", async || {
        let again = children(process)
            .iter()
            .any(|name| name.starts_with("WebKitWeb"));
        let gone = fs::metadata(format!("/proc/{web}")).is_err();
        (again && gone).then_some(())
    })
    .await;
    gate.release();
    let rest = stream.all().await;
    let done = |event: &Value| event["choices"][0]["finish_reason"] == "stop";
    assert!(rest.iter().any(done), "the stream broke off: {rest:?}");
    page.close().await;
    assert_eq!(app.leaks(), Vec::<String>::new());
}

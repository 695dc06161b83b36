//! Notifications, seen by what stands in for the desktop's daemon.

use std::collections::HashMap;

use tests::{LIMIT, TestApp, codex};
use tokio::sync::mpsc;
use tokio::time::timeout;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use crate::session::{Session, eventually};
use crate::tray::Panel;
use crate::{children, ended};
use simulator::Step;

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// A notification as it arrived.
#[derive(Debug)]
struct Told {
    id: u32,
    summary: String,
    body: String,
    /// Key and label, one after the other.
    actions: Vec<String>,
}

struct Daemon {
    told: mpsc::UnboundedSender<Told>,
    count: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"].map(str::to_owned).into()
    }

    #[expect(clippy::too_many_arguments, reason = "the specification has them")]
    fn notify(
        &mut self,
        _application: String,
        replaces: u32,
        _icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        self.count += 1;
        let id = if replaces == 0 { self.count } else { replaces };
        let told = Told {
            id,
            summary,
            body,
            actions,
        };
        self.told.send(told).ok();
        id
    }
}

/// What stands in for the daemon.
struct Screen {
    bus: Connection,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Screen {
    async fn start(session: &Session) -> Self {
        let (send, told) = mpsc::unbounded_channel();
        let daemon = Daemon {
            told: send,
            count: 0,
        };
        let bus = session.connecting().serve_at(PATH, daemon);
        let bus = bus.and_then(|bus| bus.name(NAME)).expect("a name");
        let bus = bus.build().await.expect("the private bus answers");
        Self { bus, told }
    }

    async fn next(&mut self, what: &str) -> Told {
        timeout(LIMIT, self.told.recv())
            .await
            .unwrap_or_else(|_| panic!("no notification in time: {what}"))
            .expect("a daemon")
    }

    /// A click on a button, or with `default` on the notification itself.
    async fn click(&self, told: &Told, action: &str) {
        let said = (told.id, action);
        let sent = self
            .bus
            .emit_signal(None::<&str>, PATH, NAME, "ActionInvoked", &said);
        sent.await.expect("a signal");
    }
}

/// The active account's label.
async fn active(app: &TestApp) -> Option<String> {
    let listed = app.cli(&["--json", "account", "list"]).await.json();
    let accounts = if listed.is_array() {
        &listed
    } else {
        &listed["accounts"]
    };
    let active = accounts
        .as_array()?
        .iter()
        .find(|row| row["active"] == true)?;
    active["label"].as_str().map(str::to_owned)
}

/// F46, F143, R9: the switch is told with both names, why, and can be taken back from there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_is_told_and_can_be_taken_back() {
    let mut app = TestApp::new("desktop-notified")
        .account(codex("first").script([Step::UsageLimit { resets_in_s: 600 }]))
        .account(codex("second"))
        .setting("auto_switch.enabled", "true")
        .prepare()
        .await;
    let session = Session::start(&app).await;
    let mut panel = Panel::start(&session).await;
    let mut screen = Screen::start(&session).await;
    app.serve_with(session.desktop(&app, &["--hidden"])).await;
    let tray = panel.icon_of(app.process_id()).await;
    app.enter_accounts().await;

    let answer = app.chat("say:hello").await;
    assert_eq!(answer.text(), "hello");
    assert!(answer.header("x-switchyard-account").contains("second"));
    let told = screen.next("the switch").await;
    assert_eq!(told.summary, "Switched to second@example.com");
    for word in ["first@example.com", "quota is used up", "back at"] {
        assert!(told.body.contains(word), "{word}: {told:?}");
    }
    let labels: Vec<_> = told
        .actions
        .chunks(2)
        .map(|pair| pair[1].as_str())
        .collect();
    assert_eq!(labels, ["", "Undo", "Pin"]);
    assert_eq!(active(&app).await.as_deref(), Some("second@example.com"));
    tray.until("the mark follows the switch", |items| {
        let row = items.iter().find(|item| item.label.starts_with("second"));
        row.is_some_and(|row| row.checked == Some(true))
    })
    .await;

    screen.click(&told, "button-0").await;
    eventually("Undo makes the first account active again", async || {
        (active(&app).await.as_deref() == Some("first@example.com")).then_some(())
    })
    .await;

    // A click on the notification itself opens the window at the account.
    assert!(children(app.process_id()).is_empty(), "there was a window");
    screen.click(&told, "default").await;
    eventually("the window opens", async || {
        let children = children(app.process_id());
        children
            .iter()
            .any(|name| name.starts_with("WebKitWeb"))
            .then_some(())
    })
    .await;

    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());
    assert_eq!(app.leaks(), Vec::<String>::new());
}

/// F143: without a daemon the log says so, once, and everything else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_desktop_without_notifications_is_no_error() {
    let mut app = TestApp::new("desktop-silent")
        .account(codex("first").script([Step::UsageLimit { resets_in_s: 600 }]))
        .account(codex("second"))
        .setting("auto_switch.enabled", "true")
        .prepare()
        .await;
    let session = Session::start(&app).await;
    let _panel = Panel::start(&session).await;
    app.serve_with(session.desktop(&app, &["--hidden"])).await;
    app.enter_accounts().await;
    assert_eq!(app.chat("say:hello").await.text(), "hello");
    const SAID: &str = "shows no notifications";
    eventually("it says that there are none", async || {
        app.stderr().contains(SAID).then_some(())
    })
    .await;
    let (code, said) = ended(session.desktop(&app, &[])).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(app.stop().await.code(), Some(0), "{}", app.stderr());
    assert_eq!(app.stderr().matches(SAID).count(), 1, "it is said once");
}

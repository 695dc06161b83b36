//! Signing in from the command line (F3, F138): on a home that nobody uses and against a running instance, by pasting what the browser
//! ended on; and a device code that is given up.

use std::process::Stdio;
use tests::{LIMIT, TestApp, codex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};
use tokio::time::timeout;

/// A sign-in at the terminal.
struct Login {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Login {
    fn begin(app: &TestApp, arguments: &[&str]) -> Self {
        let mut all = vec!["--json", "account", "login"];
        all.extend(arguments);
        let mut child = app
            .command(&all)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the command starts");
        let said = BufReader::new(child.stderr.take().expect("its words")).lines();
        Self { child, said }
    }

    /// The next line for people that holds `part`.
    async fn line_with(&mut self, part: &str) -> String {
        let looking = async {
            while let Some(line) = self.said.next_line().await.expect("its words") {
                if line.contains(part) {
                    return line;
                }
            }
            panic!("it ended without saying {part}");
        };
        timeout(LIMIT, looking).await.expect("a word in time")
    }

    async fn paste(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("its input");
        input
            .write_all(format!("{text}\n").as_bytes())
            .await
            .expect("it reads");
    }

    /// What it printed, if it went well.
    async fn ended(self) -> Result<serde_json::Value, String> {
        let ended = timeout(LIMIT, self.child.wait_with_output());
        let ended = ended.await.expect("it ends").expect("its end");
        let printed = String::from_utf8(ended.stdout).expect("text");
        if ended.status.success() {
            Ok(serde_json::from_str(&printed).expect("one JSON document"))
        } else {
            Err(printed)
        }
    }
}

/// Signs in at the issuer's page, and gives the address the browser is sent to.
async fn agree(url: &str) -> String {
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client");
    let page = http.get(url).send().await.expect("the issuer answers");
    let location = page.headers().get("location").expect("it sends back");
    location.to_str().expect("an address").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_f138_login_by_pasting() {
    let mut app = TestApp::new("login")
        .account(codex("ada"))
        .account(codex("bob"))
        .prepare()
        .await;
    // First on a home that nobody uses, then at the running instance.
    for (place, running) in [(0, false), (1, true)] {
        if running {
            app.serve().await;
        }
        app.codex_account(place).sign_in_next();
        let mut login = Login::begin(&app, &[]);
        if running {
            login.line_with("another ChatGPT account").await;
        }
        let url = login.line_with("/oauth/authorize?").await;
        let address = agree(url.trim()).await;
        login.paste("this is no code").await;
        login.line_with("code").await;
        login.paste(&format!("{address}x")).await;
        login.line_with("state mismatch").await;
        login.paste(&address).await;
        let account = login.ended().await.expect("signed in");
        assert_eq!(account["kind"], "codex_oauth");
        assert_eq!(app.account_ids().await.len(), place + 1);
    }
    // In place: the same account stays one, another one is refused and named.
    let ids = app.account_ids().await;
    for (place, fits) in [(0, true), (1, false)] {
        app.codex_account(place).sign_in_next();
        let mut login = Login::begin(&app, &["--account", &ids[0]]);
        let url = login.line_with("/oauth/authorize?").await;
        login.paste(&agree(url.trim()).await).await;
        if !fits {
            login.line_with("not as").await;
        }
        assert_eq!(login.ended().await.is_ok(), fits);
        assert_eq!(app.account_ids().await, ids);
    }
    let answer = app.chat("say:signed-in").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    #[cfg(unix)]
    app.stop().await;
    assert_eq!(app.leaks(), Vec::<String>::new());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_a_device_code_is_shown_and_given_up() {
    let app = TestApp::new("device").account(codex("ada")).start().await;
    let mut login = Login::begin(&app, &["--device"]);
    login.line_with("/codex/device").await;
    login.line_with("SIM1-2345").await;
    login.line_with("Waiting").await;
    let id = login.child.id().expect("it runs").to_string();
    let asked = tokio::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .await;
    assert!(asked.is_ok_and(|status| status.success()));
    login.line_with("given up").await;
    assert!(login.ended().await.is_err());
}

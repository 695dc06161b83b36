//! The application under test: the real program in a throw-away home, started and stopped, asked over HTTP and over
//! its command line.

use crate::LIMIT;
use crate::account::{Account, CODEX_MODEL, SimUpstream};
use crate::answer::{Answer, Stream};
use crate::binary::{self, Run};
use crate::evidence::Evidence;
use serde_json::{Value, json};
use simulator::{Seen, Setup, Simulator};
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Once;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A test application to be started.
pub struct TestAppBuilder {
    name: String,
    accounts: Vec<Account>,
    settings: Vec<(String, String)>,
    made_up: bool,
}

/// A running application with its upstream.
pub struct TestApp {
    simulator: Simulator,
    upstreams: Vec<SimUpstream>,
    evidence: Evidence,
    settings: Vec<(String, String)>,
    made_up: bool,
    passphrase: String,
    /// In every prompt of this test, and searched for in its files.
    mark: String,
    model: String,
    http: reqwest::Client,
    server: Option<Child>,
    url: String,
    key: String,
}

impl TestApp {
    /// An application without accounts; the name shows up in paths and reports.
    #[expect(
        clippy::new_ret_no_self,
        reason = "it reads as one sentence up to `start`"
    )]
    #[must_use]
    pub fn new(name: &str) -> TestAppBuilder {
        TestAppBuilder {
            name: name.to_owned(),
            accounts: Vec::new(),
            settings: Vec::new(),
            made_up: false,
        }
    }
}

impl TestAppBuilder {
    /// With this account; the first one becomes the active one.
    #[must_use]
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// With a setting, by its key.
    #[must_use]
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }

    /// For a client that makes up credentials, even out of names that stand in the application's files: only real ones count as secrets.
    #[must_use]
    pub fn credentials_are_made_up(mut self) -> Self {
        self.made_up = true;
        self
    }

    /// Starts the upstream and the application and takes the accounts in.
    ///
    /// # Panics
    /// When anything of it fails.
    pub async fn start(self) -> TestApp {
        let mut app = self.prepare().await;
        app.serve().await;
        app.enter_accounts().await;
        app
    }

    /// Starts the upstream and creates the accounts there; the application is not started.
    ///
    /// # Panics
    /// When anything of it fails.
    pub async fn prepare(self) -> TestApp {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            // The HTTP client wants a provider even where it never encrypts.
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
        });
        let simulator = Simulator::start(Setup::default())
            .await
            .expect("the simulated upstream starts");
        let model = self
            .accounts
            .first()
            .map_or(CODEX_MODEL, Account::model)
            .to_owned();
        let upstreams: Vec<SimUpstream> = self
            .accounts
            .into_iter()
            .map(|account| account.create(&simulator))
            .collect();
        let evidence = Evidence::new(&self.name);
        let passphrase = format!("pass phrase {:016x}", fastrand::u64(..));
        let mark = format!(
            "prompt-mark-{:016x}{:016x}",
            fastrand::u64(..),
            fastrand::u64(..)
        );
        evidence.note("passphrase", &passphrase);
        evidence.note("prompt", &mark);
        for (kind, secret) in upstreams.iter().flat_map(SimUpstream::secrets) {
            evidence.note(kind, &secret);
        }
        fs::create_dir(evidence.folder().join("person")).expect("a throw-away HOME");
        TestApp {
            simulator,
            upstreams,
            evidence,
            settings: self.settings,
            made_up: self.made_up,
            passphrase,
            mark,
            model,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("an HTTP client"),
            server: None,
            url: String::new(),
            key: String::new(),
        }
    }
}

impl TestApp {
    /// The application's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its gateway key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A model that its accounts serve.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The text in every prompt of this test.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The simulated upstream.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// What it leaves behind.
    #[must_use]
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Its data folder.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.evidence.folder().join("home")
    }

    /// The accounts in the simulated upstream, in the order of the builder.
    #[must_use]
    pub fn upstreams(&self) -> &[SimUpstream] {
        &self.upstreams
    }

    /// The ChatGPT account at this place of the builder.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn codex_account(&self, index: usize) -> &simulator::SimAccount {
        match self.upstreams.get(index) {
            Some(SimUpstream::Codex(account)) => account,
            _ => panic!("account {index} is no ChatGPT account"),
        }
    }

    /// Model requests that have reached the upstream, oldest first.
    #[must_use]
    pub fn upstream_requests(&self) -> Vec<Seen> {
        let mut seen = self.simulator.requests();
        seen.retain(|seen| {
            [
                "/responses",
                "/chat/completions",
                "/messages",
                "enerateContent",
            ]
            .iter()
            .any(|end| seen.path.ends_with(end))
        });
        seen.retain(|seen| seen.method == http::Method::POST);
        seen
    }

    /// Replaces all accounts by these: no cooldown and no script of the old ones is left. The first becomes active.
    ///
    /// # Panics
    /// When the application refuses.
    pub async fn replace_accounts(&mut self, accounts: Vec<Account>) {
        let old = self.account_ids().await;
        let new: Vec<SimUpstream> = accounts
            .into_iter()
            .map(|account| account.create(&self.simulator))
            .collect();
        for (kind, secret) in new.iter().flat_map(SimUpstream::secrets) {
            self.evidence.note(kind, &secret);
        }
        for (place, upstream) in new.iter().enumerate() {
            upstream.enter(self).await;
            if place == 0
                && let Some(id) = self.account_ids().await.iter().find(|id| !old.contains(id))
            {
                self.cli(&["account", "activate", id])
                    .await
                    .expect_success("an account is made active");
            }
        }
        for id in old {
            self.cli(&["account", "remove", "--yes", &id])
                .await
                .expect_success("an account is removed");
        }
        self.upstreams = new;
    }

    /// Waits until the application knows which models its accounts serve: it asks the upstream beside everything else.
    ///
    /// # Panics
    /// When it does not learn them.
    pub async fn knows_models(&self) {
        for _ in 0..500 {
            let body =
                json!({"model": "no-such-model", "messages": [{"role": "user", "content": "x"}]});
            if self.post("/v1/chat/completions", &body).await.status == 404 {
                return;
            }
        }
        panic!("the application does not learn its accounts' models");
    }

    /// The ids of its accounts, as its command line lists them.
    pub async fn account_ids(&self) -> Vec<String> {
        let list = self
            .cli(&["--json", "account", "list"])
            .await
            .expect_success("the accounts are listed")
            .json();
        let accounts = if list.is_array() {
            &list
        } else {
            &list["accounts"]
        };
        let ids = accounts
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|account| account["id"].as_str());
        ids.map(str::to_owned).collect()
    }

    /// A command of the program in this application's surroundings.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let person = self.evidence.folder().join("person");
        let mut command = Command::new(binary::binary_path());
        command
            .args(arguments)
            .env("HOME", &person)
            .env("XDG_RUNTIME_DIR", &person)
            .env("SWITCHYARD_HOME", self.home())
            .env("SWITCHYARD_VAULT", "file")
            .env("SWITCHYARD_PASSPHRASE", &self.passphrase)
            .env("SWITCHYARD_LOG_LEVEL", "debug")
            .env("RUST_BACKTRACE", "1")
            .current_dir(&person);
        // Nothing of the person who runs the tests gets in: no bus, no proxy, no folders.
        for name in [
            "DBUS_SESSION_BUS_ADDRESS",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "XDG_STATE_HOME",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "CODEX_HOME",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        let upstream = [
            ("codex.base_url", self.simulator.codex_base_url()),
            ("codex.usage_url", self.simulator.usage_url()),
            ("codex.auth_url", self.simulator.auth_url()),
        ];
        let given = self
            .settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()));
        for (key, value) in upstream.into_iter().chain(given) {
            command.env(variable(key), value);
        }
        command
    }

    /// Runs the command line to its end, with nothing on its standard input.
    pub async fn cli(&self, arguments: &[&str]) -> Run {
        self.cli_with_input(arguments, "").await
    }

    /// Runs the command line to its end, with this on its standard input.
    pub async fn cli_with_input(&self, arguments: &[&str], input: &str) -> Run {
        binary::run(self.command(arguments), input).await
    }

    /// The same surroundings with another passphrase, for the commands that follow.
    pub fn set_passphrase(&mut self, passphrase: &str) -> String {
        self.evidence.note("passphrase", passphrase);
        std::mem::replace(&mut self.passphrase, passphrase.to_owned())
    }

    /// The same surroundings with another setting, for the commands that follow.
    pub fn set(&mut self, key: &str, value: &str) {
        self.settings.push((key.to_owned(), value.to_owned()));
    }

    /// Starts the server and waits until it says where it listens.
    ///
    /// # Panics
    /// When it does not.
    pub async fn serve(&mut self) {
        let command = self.command(&["serve", "--host", "127.0.0.1", "--port", "0"]);
        self.serve_with(command).await;
    }

    /// The same with another command that serves this home, such as the desktop application.
    ///
    /// # Panics
    /// When it does not.
    pub async fn serve_with(&mut self, mut command: Command) {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(self.evidence.folder().join("stderr.txt"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.expect("a file for its standard error"))
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let (said, hear) = oneshot::channel();
        let lines = BufReader::new(child.stdout.take().expect("its standard output"));
        let kept = self.evidence.folder().join("stdout.txt");
        tokio::spawn(async move {
            let (mut lines, mut said) = (lines.lines(), Some(said));
            let mut kept = File::options()
                .create(true)
                .append(true)
                .open(kept)
                .expect("a file for its output");
            while let Ok(Some(line)) = lines.next_line().await {
                if let (Some(url), true) = (url_in(&line), said.is_some())
                    && let Some(said) = said.take()
                {
                    said.send(url).ok();
                }
                // The key is printed for the person on purpose, and only there.
                writeln!(kept, "{}", without_key(&line)).expect("a line of output is kept");
            }
        });
        self.server = Some(child);
        match timeout(LIMIT, hear).await {
            Ok(Ok(url)) => self.url = url,
            _ => panic!(
                "the server did not say where it listens:\n{}",
                self.stderr()
            ),
        }
        let key = self
            .cli(&["key"])
            .await
            .expect_success("the key is shown")
            .stdout
            .trim()
            .to_owned();
        self.evidence.note("gateway key", &key);
        self.key = key;
    }

    /// Starts a server with these arguments and reads what it prints about itself as one JSON document.
    ///
    /// # Panics
    /// When it does not.
    pub async fn serve_telling(&self, arguments: &[&str]) -> (Child, Value) {
        let mut all = vec!["--json", "serve", "--port", "0"];
        all.extend(arguments);
        let mut child = self
            .command(&all)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let reading = async {
            let mut printed = String::new();
            while let Some(line) = lines.next_line().await.expect("its output") {
                printed.push_str(&line);
                if line == "}" {
                    break;
                }
            }
            serde_json::from_str(&printed).expect("one JSON document")
        };
        let told = timeout(LIMIT, reading).await.expect("its words in time");
        tokio::spawn(async move {
            let mut rest = Vec::new();
            lines.into_inner().read_to_end(&mut rest).await.ok();
        });
        (child, told)
    }

    /// Starts the server where it must refuse to, and returns how it ended.
    pub async fn serve_refused(&self) -> Run {
        let run = self
            .cli(&["serve", "--host", "127.0.0.1", "--port", "0"])
            .await;
        assert!(!run.status.success(), "the server started:\n{}", run.stdout);
        run
    }

    /// Takes the builder's accounts in, over the command line.
    ///
    /// # Panics
    /// When the application refuses one.
    pub async fn enter_accounts(&self) {
        for upstream in &self.upstreams {
            upstream.enter(self).await;
        }
    }

    /// The server's process id.
    ///
    /// # Panics
    /// When it is not running.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        let server = self.server.as_ref().expect("a running server");
        server.id().expect("its process id")
    }

    /// Waits until the server has ended by itself.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        let mut server = self.server.take().expect("a running server");
        timeout(LIMIT, server.wait())
            .await
            .expect("the server ends")
            .expect("the server's exit code")
    }

    /// What the server has written to its standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.evidence.folder().join("stderr.txt")).unwrap_or_default()
    }

    /// Ends the server at once, as a crash would.
    ///
    /// # Panics
    /// When it is not running.
    pub async fn kill(&mut self) {
        let mut server = self.server.take().expect("a running server");
        server.kill().await.expect("the server is killed");
    }

    /// Asks the server to end, and waits for it.
    ///
    /// # Panics
    /// When it is not running or does not end.
    #[cfg(unix)]
    pub async fn stop(&mut self) -> std::process::ExitStatus {
        let id = self.process_id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(
            asked.is_ok_and(|status| status.success()),
            "the server can be asked to end"
        );
        self.ended().await
    }

    /// A request to the application with its key; the body is sent as it is.
    pub fn request(&self, path: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}{path}", self.url))
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .body(body)
    }

    /// A GET request with its key.
    pub fn get_request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}{path}", self.url))
            .bearer_auth(&self.key)
    }

    /// Sends a JSON body and reads the whole answer.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(path, body.to_string())).await
    }

    /// Asks for a path.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.get_request(path)).await
    }

    /// Sends a JSON body and reads the answer as it comes.
    ///
    /// # Panics
    /// When the application does not answer.
    pub async fn stream(&self, path: &str, body: &Value) -> Stream {
        let sent = timeout(LIMIT, self.request(path, body.to_string()).send()).await;
        Stream::new(
            sent.expect("an answer begins")
                .expect("the application answers"),
        )
    }

    /// Chat Completions, whole.
    pub async fn chat(&self, text: &str) -> Answer {
        self.post("/v1/chat/completions", &self.chat_body(text, false))
            .await
    }

    /// Chat Completions, streamed.
    pub async fn chat_stream(&self, text: &str) -> Stream {
        self.stream("/v1/chat/completions", &self.chat_body(text, true))
            .await
    }

    /// Responses, whole.
    pub async fn responses(&self, text: &str) -> Answer {
        self.post("/v1/responses", &self.responses_body(text, false))
            .await
    }

    /// Responses, streamed.
    pub async fn responses_stream(&self, text: &str) -> Stream {
        self.stream("/v1/responses", &self.responses_body(text, true))
            .await
    }

    /// A Chat request whose prompt carries the mark.
    #[must_use]
    pub fn chat_body(&self, text: &str, stream: bool) -> Value {
        let prompt = format!("{text} ({})", self.mark);
        json!({"model": self.model, "stream": stream, "messages": [{"role": "user", "content": prompt}]})
    }

    /// A Responses request whose prompt carries the mark.
    #[must_use]
    pub fn responses_body(&self, text: &str, stream: bool) -> Value {
        json!({"model": self.model, "stream": stream, "input": format!("{text} ({})", self.mark)})
    }

    /// Notes every credential that has reached the upstream, rotated ones too.
    fn note_credentials(&self) {
        let seen = self.simulator.requests();
        for seen in seen.iter().filter(|_| !self.made_up) {
            let header = seen
                .headers
                .get("authorization")
                .and_then(|value| value.to_str().ok());
            if let Some(token) = header.and_then(|value| value.strip_prefix("Bearer ")) {
                self.evidence.note("credential", token);
            }
        }
        for (kind, secret) in self.upstreams.iter().flat_map(SimUpstream::secrets) {
            self.evidence.note(kind, &secret);
        }
    }

    /// Places where a secret or a prompt stands in what the application has written.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        self.note_credentials();
        self.evidence.leaks()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.note_credentials();
    }
}

/// Sends a request and reads the whole answer.
///
/// # Panics
/// When there is none.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let sent = timeout(LIMIT, request.send()).await;
    Answer::read(
        sent.expect("an answer begins")
            .expect("the application answers"),
    )
    .await
}

/// The environment variable of a setting (cli.md).
fn variable(key: &str) -> String {
    format!("SWITCHYARD_{}", key.to_uppercase().replace('.', "_"))
}

/// The loopback address in a line of output, up to its port.
fn url_in(line: &str) -> Option<String> {
    const START: &str = "http://127.0.0.1:";
    let rest = &line[line.find(START)? + START.len()..];
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("{START}{port}"))
}

/// A line of output without long words of key characters.
fn without_key(line: &str) -> String {
    let is_key = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let mut kept = String::new();
    let mut word = String::new();
    for c in line.chars().chain(['\n']) {
        if is_key(c) {
            word.push(c);
            continue;
        }
        kept.push_str(if word.len() >= 32 { "KEY" } else { &word });
        word.clear();
        kept.push(c);
    }
    kept.trim_end().to_owned()
}

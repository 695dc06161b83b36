//! What is measured: the gateway in a throw-away home, nginx as plain reverse proxy, and a bare proxy of our own as floor.
//!
//! Each is a recipe that can be started many times on a free port. Measuring itself is in `rows`.

use crate::answers::Dialect;
use crate::procs::{Nursery, Process};
use crate::tokens;
use crate::wire::Connection;
use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;

/// No start may take longer.
const START: Duration = Duration::from_secs(20);
/// No set-up command may take longer.
const SET_UP: Duration = Duration::from_secs(30);

/// The kind of account behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account {
    /// A relay that speaks this dialect.
    Relay(Dialect),
    /// A ChatGPT account.
    Codex,
}

impl Account {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Relay(Dialect::Chat),
        Self::Relay(Dialect::Responses),
        Self::Codex,
        Self::Relay(Dialect::Messages),
        Self::Relay(Dialect::Gemini),
    ];

    /// How reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Relay(dialect) => dialect.name(),
        }
    }

    const fn dialect(self) -> Dialect {
        match self {
            Self::Codex => Dialect::Responses,
            Self::Relay(dialect) => dialect,
        }
    }
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Responses, Self::Messages, Self::Gemini];

    /// How reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "messages",
            Self::Gemini => "gemini",
        }
    }

    /// Where it is called, at the gateway and at a relay. One dialect says there whether it streams.
    pub const fn path(self, stream: bool) -> &'static str {
        match (self, stream) {
            (Self::Chat, _) => "/v1/chat/completions",
            (Self::Responses, _) => "/v1/responses",
            (Self::Messages, _) => "/v1/messages",
            (Self::Gemini, true) => "/v1/models/bench:streamGenerateContent?alt=sse",
            (Self::Gemini, false) => "/v1/models/bench:generateContent",
        }
    }
}

/// A way through the gateway: the client's dialect and the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Route {
    /// What the client speaks.
    pub client: Dialect,
    /// Who answers.
    pub account: Account,
}

impl Route {
    /// Chat Completions on both sides.
    pub const CHAT_CHAT: Self = Self::new(Dialect::Chat, Account::Relay(Dialect::Chat));
    /// Responses on both sides.
    pub const RESPONSES: Self = Self::new(Dialect::Responses, Account::Relay(Dialect::Responses));
    /// Chat Completions to a Codex account.
    pub const CHAT_CODEX: Self = Self::new(Dialect::Chat, Account::Codex);

    /// From a client to an account.
    pub const fn new(client: Dialect, account: Account) -> Self {
        Self { client, account }
    }

    /// How reports name it.
    pub fn name(self) -> String {
        format!("{}>{}", self.client.name(), self.account.name())
    }

    /// Where the client calls the gateway: one dialect names the model there.
    pub fn client_path(self, stream: bool) -> String {
        self.client.path(stream).replace("bench", self.model())
    }

    /// A model that the account serves.
    pub const fn model(self) -> &'static str {
        match self.account {
            Account::Codex => "gpt-5",
            Account::Relay(_) => "bench",
        }
    }

    /// The client's dialect on both sides: what a proxy that does not translate has to carry for the client to see the same answer.
    pub const fn plain(self) -> Self {
        Self::new(self.client, Account::Relay(self.client))
    }

    /// Whether the two sides speak different dialects.
    pub fn is_translated(self) -> bool {
        self.client != self.account.dialect()
    }

    /// Where a direct client calls the mock as the gateway would.
    pub const fn upstream_path(self, stream: bool) -> &'static str {
        match self.account {
            Account::Codex => "/backend-api/codex/responses",
            Account::Relay(dialect) => dialect.path(stream),
        }
    }
}

/// One thing under measurement.
pub struct Subject {
    /// For the table.
    pub name: String,
    home: TempDir,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// The client key it wants.
    pub key: Option<String>,
}

/// A started subject.
pub struct Running {
    /// Where it listens.
    pub port: u16,
    /// The process.
    pub process: Process,
    /// From exec to the end of its first answer.
    pub first_answer: Duration,
}

impl Subject {
    /// nginx with one worker as plain reverse proxy, unbuffered, with kept connections. An error says that it is missing.
    pub fn nginx(mock: u16) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let conf = home.path().join("nginx.conf");
        let program = find_program("nginx").context(
            "nginx is not installed (Debian: apt-get install nginx-light): its ratios are left out",
        )?;
        let temp = |name: &str| format!("{name}_temp_path {}/{name};", home.path().display());
        let temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(temp)
            .join("\n  ");
        // The port is filled in at each start.
        let text = format!(
            "daemon off; master_process off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/out.log warn;\n\
             events {{ worker_connections 16384; accept_mutex off; }}\n\
             http {{\n  access_log off; tcp_nodelay on; keepalive_requests 1000000; keepalive_timeout 300s;\n  {temps}\n  \
             upstream mock {{ server 127.0.0.1:{mock}; keepalive 512; keepalive_requests 1000000; }}\n  \
             server {{\n    listen 127.0.0.1:@PORT@ backlog=8192; client_max_body_size 0;\n    location / {{\n      \
             proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_buffering off;\n      \
             proxy_request_buffering off; proxy_read_timeout 300s;\n    }}\n  }}\n}}\n",
            home = home.path().display()
        );
        std::fs::write(&conf, text)?;
        let arguments = ["-c", "{home}/nginx-{port}.conf", "-p", "{home}"]
            .map(str::to_owned)
            .to_vec();
        Ok(Self {
            name: "nginx".into(),
            home,
            program,
            arguments,
            environment: vec![],
            key: None,
        })
    }

    /// The bare proxy of this binary.
    pub fn floor(mock: u16) -> Result<Self> {
        let program = std::env::current_exe()?;
        let arguments = ["proxy", "--port", "{port}", "--upstream", &mock.to_string()]
            .map(str::to_owned)
            .to_vec();
        Ok(Self {
            name: "floor".into(),
            home: tempfile::tempdir()?,
            program,
            arguments,
            environment: vec![],
            key: None,
        })
    }

    /// Any command that listens on `{port}` and has its upstream at `{mock}`.
    pub fn command(template: &str, mock: u16, key: Option<String>) -> Result<Self> {
        let mut words = template
            .split_whitespace()
            .map(|word| word.replace("{mock}", &mock.to_string()));
        let program = words.next().context("the gateway command is empty")?;
        let program = find_program(&program).with_context(|| format!("no program {program}"))?;
        Ok(Self {
            name: "gateway".into(),
            home: tempfile::tempdir()?,
            program,
            arguments: words.collect(),
            environment: vec![],
            key,
        })
    }

    /// The headless gateway with one account, set up through its command line in a throw-away home.
    ///
    /// # Errors
    /// When a set-up command fails; its message is part of the error.
    pub async fn switchyard(binary: &Path, account: Account, mock: u16) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let at = format!("http://127.0.0.1:{mock}");
        let environment: Vec<(String, String)> = [
            (
                "SWITCHYARD_HOME",
                home.path().join("home").to_string_lossy().into_owned(),
            ),
            ("SWITCHYARD_VAULT", "file".into()),
            ("SWITCHYARD_PASSPHRASE", "bench passphrase".into()),
            (
                "SWITCHYARD_CODEX_BASE_URL",
                format!("{at}/backend-api/codex"),
            ),
            ("SWITCHYARD_CODEX_AUTH_URL", at.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        let mut subject = Self {
            name: "switchyard".into(),
            home,
            program: binary.to_path_buf(),
            arguments: ["serve", "--host", "127.0.0.1", "--port", "{port}"]
                .map(str::to_owned)
                .to_vec(),
            environment,
            key: None,
        };
        let base = format!("{at}/v1");
        let add = |format: &'static str| {
            [
                "account",
                "add",
                "--kind",
                "relay",
                "--label",
                "bench",
                "--base-url",
                &base,
                "--format",
                format,
            ]
            .map(str::to_owned)
        };
        let key = "sk-bench-upstream\n";
        match account {
            Account::Codex => {
                let import = ["account", "import", "-"].map(str::to_owned);
                let file = tokens::account_file().to_string();
                subject.set_up(&import, &file).await?
            }
            Account::Relay(Dialect::Chat) => subject.set_up(&add("openai"), key).await?,
            Account::Relay(Dialect::Responses) => subject.set_up(&add("responses"), key).await?,
            Account::Relay(Dialect::Messages) => subject.set_up(&add("anthropic"), key).await?,
            Account::Relay(Dialect::Gemini) => subject.set_up(&add("gemini"), key).await?,
        };
        subject.key = Some(
            subject
                .set_up(&["key".to_owned()], "")
                .await?
                .trim()
                .to_owned(),
        );
        Ok(subject)
    }

    /// Runs one set-up command to its end and gives its standard output.
    async fn set_up(&self, arguments: &[String], input: &str) -> Result<String> {
        let shown = format!("{} {}", self.program.display(), arguments.join(" "));
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(arguments)
            .envs(self.environment.iter().cloned())
            .kill_on_drop(true);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| {
            format!("{shown} does not start: build it with `cargo build --release -p switchyard`")
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing closes its input early; what it says then counts.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = tokio::time::timeout(SET_UP, child.wait_with_output())
            .await
            .with_context(|| format!("{shown} takes more than 30 s"))??;
        if !output.status.success() {
            bail!(
                "{shown} failed ({}): {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts it on a free port and waits for the first good answer to `probe`.
    ///
    /// # Errors
    /// When it does not start, ends, or gives no good answer in time; what it said last is part of the error.
    pub async fn start(
        &self,
        nursery: &Nursery,
        probe: impl Fn(Option<&str>) -> Vec<Bytes>,
    ) -> Result<Running> {
        let port = free_port()?;
        let home = self.home.path().display().to_string();
        let fill = |text: &String| {
            text.replace("{port}", &port.to_string())
                .replace("{home}", &home)
        };
        if let Ok(conf) = std::fs::read_to_string(self.home.path().join("nginx.conf")) {
            std::fs::write(
                self.home.path().join(format!("nginx-{port}.conf")),
                conf.replace("@PORT@", &port.to_string()),
            )?;
        }
        let log = std::fs::File::create(self.home.path().join("out.log"))?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments.iter().map(fill))
            .envs(self.environment.iter().cloned());
        command.stdout(log.try_clone()?).stderr(log);
        let request = probe(self.key.as_deref());
        let start = Instant::now();
        let mut process = nursery.start(command)?;
        let mut last = String::from("nobody listens");
        let mut refusals = 0;
        while start.elapsed() < START && refusals < 20 {
            if !process.alive() {
                bail!("{} ended at once: {}", self.name, self.log_end());
            }
            match Connection::open(port).await {
                Ok(mut connection) => {
                    let mut body = Vec::new();
                    match connection
                        .ask(&request, |piece| body.extend_from_slice(piece))
                        .await
                    {
                        Ok(answer) if answer.status == 200 => {
                            return Ok(Running {
                                port,
                                process,
                                first_answer: start.elapsed(),
                            });
                        }
                        Ok(answer) => {
                            // A refusal of the request itself does not get better by waiting.
                            refusals += u32::from((400..429).contains(&answer.status));
                            last = format!(
                                "{} {}",
                                answer.status,
                                String::from_utf8_lossy(&body[..body.len().min(400)])
                            )
                        }
                        Err(error) => last = error.to_string(),
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(_) => tokio::time::sleep(Duration::from_micros(300)).await,
            }
        }
        let waited = start.elapsed().as_secs_f64();
        bail!(
            "{} gives no good answer within {waited:.1} s: {last}",
            self.name
        )
    }

    /// Size of the program file in bytes.
    pub fn size(&self) -> Result<u64> {
        Ok(std::fs::metadata(&self.program)?.len())
    }

    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(self.home.path().join("out.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Path::new(name).canonicalize().ok();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let beyond = [PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")];
    std::env::split_paths(&path)
        .chain(beyond)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

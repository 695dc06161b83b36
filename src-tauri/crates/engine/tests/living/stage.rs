//! An engine that serves, its simulated accounts, and a client of few words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::env::Env;
use engine::home::Home;
use engine::{DEFAULT_KEY, Engine, EngineEvent, Notice, NoticeKind, OpenOptions, VaultChoice};
use secrecy::{ExposeSecret, SecretString};
use simulator::{AccountSetup, Quota, QuotaWindow, Setup, SimAccount, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast;

/// Longest wait for something that is to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Stage {
    pub folder: tempfile::TempDir,
    pub simulator: Simulator,
    pub engine: Arc<Engine>,
    pub events: broadcast::Receiver<EngineEvent>,
    pub accounts: Vec<SimAccount>,
}

/// Quota that falls by `cost` percent with each request; a full window answers 429.
pub fn falling(used: f64, cost: f64) -> Quota {
    Quota {
        percent_per_request: cost,
        enforced: true,
        ..Quota::used(used, 1.0)
    }
}

/// The same with a window that is fresh again after so many seconds.
pub fn short(used: f64, cost: f64, period_s: i64) -> Quota {
    Quota {
        primary: Some(QuotaWindow {
            period_s,
            ..QuotaWindow::new(used, 18_000)
        }),
        ..falling(used, cost)
    }
}

pub async fn open(
    folder: &Path,
    flags: &[(&str, &str)],
    simulator: Option<&Simulator>,
) -> Arc<Engine> {
    let lock = Home::at(folder).unwrap().lock().unwrap();
    // No Codex CLI of the machine, but perhaps one of the test's.
    let codex = folder.join("codex").display().to_string();
    let env = Env::from_pairs([("CODEX_HOME".to_owned(), codex)]);
    let mut options = OpenOptions::new(lock, env).unwrap();
    options.vault = VaultChoice::File;
    options.passphrase = Some(SecretString::from("correct horse"));
    if let Some(simulator) = simulator {
        options.flags = vec![
            ("codex.base_url".into(), simulator.codex_base_url()),
            ("codex.usage_url".into(), simulator.usage_url()),
            ("codex.auth_url".into(), simulator.auth_url()),
        ];
    }
    let flags = flags.iter();
    options
        .flags
        .extend(flags.map(|(key, value)| ((*key).into(), (*value).into())));
    Engine::open(options).await.unwrap()
}

impl Stage {
    /// Accounts `a`, `b`, … with these quotas, the first one active, and these settings.
    pub async fn set(quotas: impl IntoIterator<Item = Quota>, flags: &[(&str, &str)]) -> Self {
        let simulator = Simulator::start(Setup::default()).await.unwrap();
        let named = ('a'..).zip(quotas);
        let accounts: Vec<SimAccount> = named
            .map(|(name, quota)| {
                let mut setup = AccountSetup::new(&format!("{name}@example.com"));
                setup.quota = quota;
                simulator.add_codex_account(setup)
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![("server.port", "0")];
        all.extend(flags);
        let engine = open(folder.path(), &all, Some(&simulator)).await;
        let events = engine.events();
        engine.listen().await.unwrap();
        let stage = Self {
            folder,
            simulator,
            engine,
            events,
            accounts,
        };
        if !stage.accounts.is_empty() {
            stage.import().await;
        }
        stage
    }

    /// Brings the accounts in.
    pub async fn import(&self) {
        let one = |account: &SimAccount| {
            serde_json::json!({
                "type": "codex",
                "access_token": account.access_token,
                "refresh_token": account.refresh_token,
                "id_token": account.id_token,
            })
        };
        let profiles: Vec<_> = self.accounts.iter().map(one).collect();
        let file = serde_json::json!({"type": "codex_profiles", "profiles": profiles}).to_string();
        let report = self
            .engine
            .import(&SecretString::from(file), false, false)
            .await
            .unwrap();
        assert_eq!(report.added, self.accounts.len(), "{:?}", report.errors);
    }

    pub fn active(&self) -> String {
        let accounts = self.engine.accounts();
        let active = accounts.into_iter().find(|account| account.active);
        active.map_or("-".into(), |account| account.label)
    }

    /// One chat request; `stream` keeps the connection for the caller.
    pub async fn ask(&self) -> Answer {
        send(&self.engine, "POST", "/v1/chat/completions", &prompt(false)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(&self.engine, "GET", path, "").await
    }

    /// The next notice of this kind; notices of others are passed over.
    pub async fn notice(&mut self, kind: NoticeKind) -> Notice {
        let wanted = |event: &EngineEvent| match event {
            EngineEvent::Notice(notice) if notice.kind == kind => Some((**notice).clone()),
            _ => None,
        };
        self.event(&format!("a notice {}", kind.code()), wanted)
            .await
    }

    /// What of the next event is wanted; others are passed over.
    pub async fn event<T>(&mut self, what: &str, wanted: impl Fn(&EngineEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                match self.events.recv().await {
                    Ok(event) => {
                        if let Some(found) = wanted(&event) {
                            return found;
                        }
                    }
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("{what} did not come"))
    }

    /// Every notice told so far, as codes.
    pub fn told(&mut self) -> Vec<&'static str> {
        let mut codes = Vec::new();
        loop {
            match self.events.try_recv() {
                Ok(EngineEvent::Notice(notice)) => codes.push(notice.kind.code()),
                Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return codes,
            }
        }
    }

    pub async fn end(self) {
        self.engine.shutdown(Duration::ZERO).await;
    }
}

pub fn prompt(stream: bool) -> String {
    serde_json::json!({
        "model": "gpt-5.4",
        "stream": stream,
        "messages": [{"role": "user", "content": "Say hello."}],
    })
    .to_string()
}

/// An answer of the gateway.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            (key == name).then_some(value)
        })
    }

    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

pub async fn connect(engine: &Engine, method: &str, path: &str, body: &str) -> TcpStream {
    let key = engine.key(DEFAULT_KEY).unwrap();
    connect_as(engine, key.expose_secret(), method, path, body).await
}

async fn connect_as(engine: &Engine, key: &str, method: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(engine.address().unwrap()).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream
}

pub async fn send(engine: &Engine, method: &str, path: &str, body: &str) -> Answer {
    let key = engine.key(DEFAULT_KEY).unwrap();
    send_as(engine, key.expose_secret(), method, path, body).await
}

/// The same with another key.
pub async fn send_as(engine: &Engine, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let mut stream = connect_as(engine, key, method, path, body).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Answer::read(&answer)
}

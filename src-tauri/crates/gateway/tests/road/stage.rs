//! The gateway in process, between a client and the simulated upstream: accounts, keys and a journal in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use futures_util::future::BoxFuture;
use gateway::{ClientKey, Config, Entry, Gateway, Journal, Keys, Server, SharedPool, Targets};
use pool::{Account, AccountId, AccountKind, Clock, Format, Policy, Pool, Timestamp};
use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest, Sha256};
use simulator::{AccountSetup, KeySetup, Now, RelayKey, Seen, Setup, SimAccount, Simulator};
use tokio::net::TcpListener;
use tokio::sync::watch;
use upstream::{
    Credential, CredentialError, CredentialStore, Manner, OAuthTokens, ProxyChoice, Target,
    TargetSpec, Upstream,
};

/// The second everybody lives at.
pub const NOW: i64 = 1_789_344_000;
pub const KEY: &str = "sk-sw-test";

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }
}

#[derive(Default)]
struct Memory(Mutex<HashMap<AccountId, Credential>>);

/// Lit, it panics the next time it is passed, and never again.
#[derive(Default)]
pub struct Fuse(AtomicBool);

impl Fuse {
    pub fn light(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn pass(&self) {
        assert!(!self.0.swap(false, Ordering::SeqCst), "a lit fuse");
    }
}

impl Memory {
    fn keep(&self, id: &AccountId, credential: Credential) {
        self.0.lock().unwrap().insert(id.clone(), credential);
    }
}

impl CredentialStore for Memory {
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        let found = self.0.lock().unwrap().get(id).cloned();
        Box::pin(async { Ok(found) })
    }
    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        self.keep(id, credential.clone());
        Box::pin(async { Ok(()) })
    }
}

struct Written {
    entries: watch::Sender<Vec<Entry>>,
    at_events: Fuse,
    at_the_end: Fuse,
}

impl Journal for Written {
    fn record(&self, entry: Entry) {
        self.entries.send_modify(|entries| entries.push(entry));
        self.at_the_end.pass();
    }
    fn pool_events(&self, _events: Vec<pool::Event>) {
        self.at_events.pass();
    }
}

/// A running gateway with its upstream.
pub struct Stage {
    pub simulator: Simulator,
    pub pool: Arc<SharedPool>,
    pub gateway: Arc<Gateway>,
    pub http: reqwest::Client,
    memory: Arc<Memory>,
    journal: Arc<Written>,
    targets: Targets,
    server: Server,
}

impl Stage {
    pub async fn set() -> Self {
        Self::with(Config::default()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::of(config, gateway::MOST_CONNECTIONS).await
    }

    /// With a bound on connections.
    pub async fn at_most(connections: usize) -> Self {
        Self::of(Config::default(), connections).await
    }

    async fn of(config: Config, connections: usize) -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
        });
        let setup = Setup {
            now: Now::new(|| NOW),
            ..Setup::default()
        };
        let simulator = Simulator::start(setup).await.unwrap();
        let memory = Arc::new(Memory::default());
        let settings = upstream::Config {
            codex_base_url: simulator.codex_base_url(),
            auth_url: simulator.auth_url(),
            ..upstream::Config::default()
        };
        let clock: Arc<dyn Clock> = Arc::new(Fixed);
        let upstream = Upstream::new(settings, memory.clone(), clock.clone()).unwrap();
        let pool = Arc::new(SharedPool::new(Pool::new(Policy::ActiveAccount)));
        let journal = Arc::new(Written {
            entries: watch::Sender::default(),
            at_events: Fuse::default(),
            at_the_end: Fuse::default(),
        });
        let gateway = Gateway::new(pool.clone(), upstream, journal.clone(), clock);
        gateway.set_config(config);
        gateway.set_keys(Keys(vec![ClientKey {
            rules: None,
            name: "default".into(),
            digest: Sha256::digest(KEY).into(),
            enabled: true,
            expires_at: None,
        }]));
        gateway.set_ready();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = gateway::serve_at_most(connections, gateway.clone(), listener).unwrap();
        Self {
            simulator,
            pool,
            gateway,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            memory,
            journal,
            targets: Targets::new(),
            server,
        }
    }

    /// A ChatGPT account; the first account of a stage is the active one.
    pub fn codex(&mut self, name: &str) -> SimAccount {
        let email = format!("{name}@example.com");
        let account = self.simulator.add_codex_account(AccountSetup::new(&email));
        let mut tokens = OAuthTokens {
            access: Some(SecretString::from(account.access_token.clone())),
            refresh: Some(SecretString::from(account.refresh_token.clone())),
            id_token: Some(SecretString::from(account.id_token.clone())),
            ..OAuthTokens::default()
        };
        tokens.adopt_claims();
        let credential = Credential::OAuth(Box::new(tokens));
        self.enter(name, AccountKind::CodexOauth, Format::Codex, "", credential);
        account
    }

    /// A relay key that speaks `format`.
    pub fn relay(&mut self, name: &str, format: Format) -> RelayKey {
        self.key(name, AccountKind::Relay, format, Manner::default())
    }

    /// A key account of any kind, spoken to in a manner of its own.
    pub fn key(
        &mut self,
        name: &str,
        kind: AccountKind,
        format: Format,
        manner: Manner,
    ) -> RelayKey {
        let key = self
            .simulator
            .add_relay(KeySetup::new(&format!("sk-{name}")).label(name));
        let base = self.simulator.relay_base_url();
        let credential = Credential::Key(SecretString::from(key.key.clone()));
        self.enter_as(name, kind, format, &base, credential, manner);
        key
    }

    /// A relay key at any address.
    pub fn relay_at(&mut self, name: &str, format: Format, base_url: &str) {
        let credential = Credential::Key(SecretString::from("sk-anywhere"));
        self.enter(name, AccountKind::Relay, format, base_url, credential);
    }

    fn enter(
        &mut self,
        name: &str,
        kind: AccountKind,
        format: Format,
        base_url: &str,
        credential: Credential,
    ) {
        self.enter_as(name, kind, format, base_url, credential, Manner::default());
    }

    fn enter_as(
        &mut self,
        name: &str,
        kind: AccountKind,
        format: Format,
        base_url: &str,
        credential: Credential,
        manner: Manner,
    ) {
        let id = AccountId::from(name);
        self.memory.keep(&id, credential);
        let target = Target::new(TargetSpec {
            id: id.clone(),
            label: name.into(),
            kind,
            format,
            base_url: base_url.into(),
            proxy: ProxyChoice::Direct,
            headers: Vec::new(),
            provider_account_id: None,
            fedramp: false,
            manner,
        })
        .unwrap();
        self.targets.insert(id.clone(), target);
        self.gateway.set_targets(self.targets.clone());
        let place = self.targets.len();
        self.pool.with(|pool| {
            let mut account = Account::new(name, kind, format);
            account.reads_suffixes = self.targets[&id].reads_suffixes();
            account.position = u32::try_from(place).unwrap();
            pool.upsert(account);
            if place == 1 {
                pool.activate(&id).unwrap();
            }
        });
    }

    /// Makes an account the active one.
    pub fn activate(&self, name: &str) {
        self.pool
            .with(|pool| pool.activate(&AccountId::from(name)))
            .unwrap();
    }

    /// Panics when a request next changes what the pool knows, while it holds its account.
    pub fn at_pool_events(&self) -> &Fuse {
        &self.journal.at_events
    }

    /// Panics when the next request has ended.
    pub fn at_the_end(&self) -> &Fuse {
        &self.journal.at_the_end
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("http://{}{path}", self.address()))
            .bearer_auth(KEY)
    }

    /// A POST and its whole answer; a stream comes as text.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        let sent = self.request(path).body(body.to_string()).send();
        Reply::of(sent.await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        let url = format!("http://{}{path}", self.address());
        Reply::of(self.http.get(url).bearer_auth(KEY).send().await.unwrap()).await
    }

    /// Model requests that reached the upstream, oldest first: who was asked, and the body.
    pub fn asked(&self) -> Vec<(String, Value)> {
        let seen = self.simulator.requests();
        let posts = seen.iter().filter(|seen| seen.method == http::Method::POST);
        posts.map(|seen| (account(seen), seen.json())).collect()
    }

    /// Journal entries, once there are `count`.
    pub async fn journal(&self, count: usize) -> Vec<Entry> {
        let mut entries = self.journal.entries.subscribe();
        let waiting = entries.wait_for(|entries| entries.len() >= count);
        let entries = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        entries.expect("the journal").unwrap().clone()
    }
}

fn account(seen: &Seen) -> String {
    let label = seen.account.clone().unwrap_or_default();
    label.split('@').next().unwrap_or_default().to_owned()
}

/// An answer of the gateway, whole.
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Reply {
    async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The data of every event of a stream.
    pub fn events(&self) -> Vec<Value> {
        let data = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }
}

//! Puts the rooms together: home, settings, vault, database, pool, upstream and gateway become one [`Engine`].
//!
//! Use cases live beside it, one file per subject; this file holds what they share, and the life cycle: open, listen, shut down.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gateway::{Gateway, Server, SharedPool};
use pool::{Clock, Pool};
use secrecy::SecretString;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use upstream::Upstream;
use vault::{Vault, VaultChoice};

use crate::clock::SystemClock;
use crate::credentials::VaultCredentials;
use crate::env::{self, Env};
use crate::error::EngineError;
use crate::home::{Home, HomeLock, Instance};
use crate::journal::Gathering;
use crate::keys::{self, StoredKey};
use crate::records::Records;
use crate::settings::SettingsFile;
use crate::tasks::Tasks;
use crate::{convert, schedule};

/// How many ports after the configured one are tried when it is busy (F127).
const PORTS_TRIED: u16 = 20;

/// What an engine is opened with.
#[derive(Debug)]
pub struct OpenOptions {
    /// Where its state is, already under our lock.
    pub home: HomeLock,
    /// The environment.
    pub env: Env,
    /// Where secrets are kept.
    pub vault: VaultChoice,
    /// Opens the file vault.
    pub passphrase: Option<SecretString>,
    /// Settings given on the command line: they beat environment and file.
    pub flags: Vec<(String, String)>,
}

impl OpenOptions {
    /// The options of a process without a command line of its own (the desktop application): home, vault and passphrase from the
    /// environment.
    ///
    /// # Errors
    /// When the home is in use or the vault's name is unknown.
    pub fn from_process() -> Result<Self, EngineError> {
        let env = Env::from_process();
        let home = Home::locate(None, &env)?.lock()?;
        Self::new(home, env)
    }

    /// The options for a home that is already locked.
    ///
    /// # Errors
    /// When `SWITCHYARD_VAULT` names no vault.
    pub fn new(home: HomeLock, env: Env) -> Result<Self, EngineError> {
        let vault = match env.get(env::VAULT) {
            None => VaultChoice::Keychain,
            // "memory" would lose every sign-in at the end: only demo homes ask for it, and not by this road.
            Some("memory") => {
                return Err(EngineError::Invalid(
                    "SWITCHYARD_VAULT must be keychain or file".into(),
                ));
            }
            Some(word) => word.parse().map_err(|_| {
                EngineError::Invalid("SWITCHYARD_VAULT must be keychain or file".into())
            })?,
        };
        let passphrase = env.passphrase().cloned();
        Ok(Self {
            home,
            env,
            vault,
            passphrase,
            flags: Vec::new(),
        })
    }
}

/// The program behind every surface: desktop, headless server and command line.
pub struct Engine {
    pub(crate) home: HomeLock,
    pub(crate) env: Env,
    pub(crate) settings: SettingsFile,
    pub(crate) store: Arc<Mutex<Store>>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) pool: Arc<SharedPool>,
    pub(crate) upstream: Upstream,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) journal: Arc<Gathering>,
    pub(crate) records: Records,
    pub(crate) keys: Mutex<Vec<StoredKey>>,
    /// Held while the keys are changed.
    pub(crate) changing_keys: tokio::sync::Mutex<()>,
    /// The Codex backend's own model entries, for Codex clients.
    pub(crate) codex_entries: Mutex<HashMap<String, Bytes>>,
    server: Mutex<Option<Server>>,
    address: Mutex<Option<SocketAddr>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens everything a home holds. Nothing is served yet.
    ///
    /// # Errors
    /// Every way in which a home cannot be used; nothing of it is changed then.
    pub async fn open(options: OpenOptions) -> Result<Arc<Self>, EngineError> {
        let OpenOptions {
            home,
            env,
            vault: choice,
            passphrase,
            flags,
        } = options;
        let tasks = Tasks::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let root = home.home().root().to_path_buf();
        // Opening the vault may take a key derivation or a question to the keychain: it runs beside the rest.
        let opening = {
            let (tasks, root) = (tasks.clone(), root.clone());
            async move {
                tasks
                    .blocking(move || {
                        let vault: Arc<dyn Vault> =
                            Arc::from(vault::open(choice, &root, passphrase)?);
                        let keys = keys::load(&*vault)?;
                        Ok::<_, EngineError>((vault, keys))
                    })
                    .await?
            }
        };
        let opened = tokio::spawn(opening);
        let flags: Vec<(&str, String)> = flags
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        let settings = SettingsFile::open(home.home().settings(), env.clone(), &flags)?;
        let store = Store::open(&root, clock.now().0)?;
        let (vault, keys) = opened.await.map_err(|_| EngineError::Internal)??;

        // Only a home that opens whole gets a key.
        let keys = match keys {
            Some(keys) => keys,
            None => {
                let (vault, now) = (vault.clone(), clock.now());
                tasks.blocking(move || keys::make(&*vault, now)).await??
            }
        };
        let resolved = settings.current();
        let mut pool = Pool::new(convert::policy(&resolved.settings));
        let records = Records::load(&store, &mut pool)?;
        let pool = Arc::new(SharedPool::new(pool));
        let credentials = VaultCredentials {
            vault: vault.clone(),
            tasks: tasks.clone(),
        };
        let proxy_password = convert::proxy_password(&*vault)?;
        let upstream = Upstream::new(
            convert::upstream_config(&resolved.settings, proxy_password.as_ref())?,
            Arc::new(credentials),
            clock.clone(),
        )?;
        let journal = Arc::new(Gathering::new());
        let gateway = Gateway::new(
            pool.clone(),
            upstream.clone(),
            journal.clone(),
            clock.clone(),
        );
        gateway.set_config(convert::gateway_config(&resolved.settings));
        gateway.set_keys(keys::digests(&keys));
        let engine = Arc::new(Self {
            home,
            env,
            settings,
            store: Arc::new(Mutex::new(store)),
            vault,
            pool,
            upstream,
            gateway,
            clock,
            tasks,
            journal,
            records,
            keys: Mutex::new(keys),
            changing_keys: tokio::sync::Mutex::default(),
            codex_entries: Mutex::default(),
            server: Mutex::new(None),
            address: Mutex::new(None),
        });
        engine.republish();
        engine.gateway.set_ready();
        schedule::start(&engine);
        Ok(engine)
    }

    /// Serves on the configured address, or on the next free port after it (F127), and tells others where.
    ///
    /// # Errors
    /// [`EngineError::Listen`] when none of the ports can be bound.
    pub async fn listen(&self) -> Result<SocketAddr, EngineError> {
        let resolved = self.settings.current();
        let server = &resolved.settings.server;
        let listener = bind(&server.host, u16::try_from(server.port).unwrap_or(0)).await?;
        let listen_error = |source| EngineError::Listen {
            address: server.host.clone(),
            source,
        };
        let serving = gateway::serve(self.gateway.clone(), listener).map_err(listen_error)?;
        let address = serving.address();
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        self.home.publish(&Instance {
            pid: std::process::id(),
            url: self.base_url(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            control: self.control_socket(),
        })?;
        Ok(address)
    }

    /// Where the control socket of this home is.
    pub fn control_socket(&self) -> std::path::PathBuf {
        self.home.home().control_socket(&self.env)
    }

    /// The home, for whoever prepares files in it.
    pub fn home(&self) -> &Home {
        self.home.home()
    }

    /// The gateway's address for clients, without a path. Before [`Engine::listen`] the configured one.
    pub fn base_url(&self) -> String {
        let address = *self.address.lock().unwrap_or_else(PoisonError::into_inner);
        match address {
            // "Every address" is no address a client could use.
            Some(address) if address.ip().is_unspecified() => {
                format!("http://127.0.0.1:{}", address.port())
            }
            Some(address) => format!("http://{address}"),
            None => {
                let resolved = self.settings.current();
                let (host, port) = (
                    &resolved.settings.server.host,
                    resolved.settings.server.port,
                );
                match host.parse() {
                    Ok(std::net::IpAddr::V6(host)) => format!("http://[{host}]:{port}"),
                    _ => format!("http://{host}:{port}"),
                }
            }
        }
    }

    /// The address that is served, once it is.
    pub fn address(&self) -> Option<SocketAddr> {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests being served now.
    pub fn running(&self) -> usize {
        self.gateway.running()
    }

    /// Changes its value whenever accounts, quota or the active account look different.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.journal.changes()
    }

    /// Tells everyone who listens to look again.
    pub fn announce(&self) {
        self.journal.announce();
    }

    /// Stops accepting, lets streams end for at most `patience`, writes the journal, and lets go of the home.
    pub async fn shutdown(&self, patience: Duration) {
        // First, so that no command is sent to an instance that is going away.
        self.home.withdraw();
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            let cut = server.drain(patience).await;
            if cut > 0 {
                tracing::warn!(cut, "connections were cut at the end");
            }
        }
        if !self.upstream.settle(Duration::from_secs(10)).await {
            tracing::warn!("a token refresh was still under way at the end");
        }
        self.tasks.end(Duration::from_secs(10)).await;
        self.flush();
    }
}

/// Binds `port`, or the next free one of the following ports.
async fn bind(host: &str, port: u16) -> Result<TcpListener, EngineError> {
    let mut first: Option<std::io::Error> = None;
    let last = if port == 0 {
        0
    } else {
        port.saturating_add(PORTS_TRIED)
    };
    for candidate in port..=last {
        match TcpListener::bind((host, candidate)).await {
            Ok(listener) => {
                if first.is_some() {
                    tracing::warn!(
                        wanted = port,
                        port = candidate,
                        "the port is busy; clients must use the other one"
                    );
                }
                return Ok(listener);
            }
            Err(error) => {
                let busy = error.kind() == std::io::ErrorKind::AddrInUse;
                first.get_or_insert(error);
                if !busy {
                    break;
                }
            }
        }
    }
    let source = first.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into());
    Err(EngineError::Listen {
        address: format!("{host}:{port}"),
        source,
    })
}

//! From a locked home to a running [`Engine`]: what has to happen, and in which order, until the first request is answered.
//!
//! Opening the vault takes longest by far: a passphrase is slow to derive on purpose, and a keychain may ask a person. So it begins first,
//! on a thread of its own, and the listener is bound meanwhile: clients that come early wait for their answer instead of being refused.
//! Called by [`Engine::open`], the headless server and the desktop application.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use gateway::{Gateway, Server, SharedPool};
use pool::{Clock, Pool};
use tokio::task::JoinHandle;
use upstream::Upstream;
use vault::Vault;

use crate::clock::SystemClock;
use crate::compose::{Engine, OpenOptions};
use crate::credentials::{LateVault, VaultCredentials};
use crate::env::Env;
use crate::error::EngineError;
use crate::home::HomeLock;
use crate::journal::Gathering;
use crate::keys::{self, StoredKey};
use crate::limits::Ledger;
use crate::listening::{self, Listening};
use crate::records::Records;
use crate::settings::SettingsFile;
use crate::signin::SignIns;
use crate::tasks::Tasks;
use crate::{convert, read_only, schedule};

/// The vault, and the gateway keys in it if there are any yet.
type Opened = Result<(Arc<dyn Vault>, Option<Vec<StoredKey>>), EngineError>;

/// An engine that is being opened. Dropped before [`Opening::finish`], nothing has been changed.
pub struct Opening {
    home: HomeLock,
    env: Env,
    settings: SettingsFile,
    accept_newer: bool,
    callback_ports: [u16; 2],
    vault: JoinHandle<Opened>,
    late_vault: LateVault,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    pool: Arc<SharedPool>,
    upstream: Upstream,
    journal: Arc<Gathering>,
    gateway: Arc<Gateway>,
    server: Option<Server>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Opening {
    /// Reads the settings and begins to open the vault. Call within a runtime.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub fn begin(options: OpenOptions) -> Result<Self, EngineError> {
        let OpenOptions {
            home,
            env,
            vault: choice,
            passphrase,
            flags,
            settings,
            accept_newer,
            callback_ports,
        } = options;
        let tasks = Tasks::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let root = home.home().root().to_path_buf();
        let vault = {
            let tasks = tasks.clone();
            tokio::spawn(async move {
                tasks
                    .blocking(move || {
                        let vault: Arc<dyn Vault> =
                            Arc::from(vault::open(choice, &root, passphrase)?);
                        let keys = keys::load(&*vault)?;
                        Ok((vault, keys))
                    })
                    .await?
            })
        };
        let flags: Vec<(&str, String)> = flags
            .iter()
            .map(|(key, value)| (key.as_str(), value.clone()))
            .collect();
        let file = settings.unwrap_or_else(|| home.home().settings());
        let settings = SettingsFile::open(file, env.clone(), &flags)?;
        let resolved = settings.current();
        let mut pool = Pool::new(pool::Policy::default());
        convert::put_routing(&resolved.settings, &mut pool);
        let pool = Arc::new(SharedPool::new(pool));
        let late_vault: LateVault = Arc::new(OnceLock::new());
        // The proxy's password comes with the vault; nothing is sent before that.
        let upstream = Upstream::new(
            convert::upstream_config(&resolved.settings, None)?,
            Arc::new(VaultCredentials::new(
                late_vault.clone(),
                tasks.clone(),
                &env,
            )),
            clock.clone(),
        )?;
        let ledger = Arc::new(Ledger::new(
            pool.clone(),
            clock.clone(),
            &resolved.settings.usage,
        ));
        let journal = Arc::new(Gathering::new(ledger));
        let gateway = Gateway::new(
            pool.clone(),
            upstream.clone(),
            journal.clone(),
            clock.clone(),
        );
        gateway.set_config(convert::gateway_config(&resolved.settings));
        Ok(Self {
            home,
            env,
            settings,
            accept_newer,
            callback_ports,
            vault,
            late_vault,
            tasks,
            clock,
            pool,
            upstream,
            journal,
            gateway,
            server: None,
        })
    }

    /// Accepts connections from now on: `/health` answers that it is starting, everything else waits until it has started. The
    /// address is not published before [`Engine::listen`].
    ///
    /// # Errors
    /// [`EngineError::Listen`] when none of the ports can be bound.
    pub async fn listen(&mut self) -> Result<SocketAddr, EngineError> {
        let resolved = self.settings.current();
        let server = listening::serve(self.gateway.clone(), &resolved.settings.server).await?;
        let address = server.address();
        self.server = Some(server);
        Ok(address)
    }

    /// Opens the rest, and lets requests through.
    ///
    /// # Errors
    /// Every way in which a home cannot be used; nothing of it is changed then.
    pub async fn finish(self) -> Result<Arc<Engine>, EngineError> {
        let Self {
            home,
            env,
            settings,
            accept_newer,
            callback_ports,
            vault,
            late_vault,
            tasks,
            clock,
            pool,
            upstream,
            journal,
            gateway,
            server,
        } = self;
        let root = home.home().root();
        let (store, read_only) = read_only::open(root, clock.now().0, accept_newer)?;
        let (vault, keys) = vault.await.map_err(|_| EngineError::Internal)??;
        // Only a home that opens whole gets a key.
        let keys = match keys {
            Some(keys) => keys,
            None if read_only.is_some() => Vec::new(),
            None => {
                let (vault, now) = (vault.clone(), clock.now());
                tasks.blocking(move || keys::make(&*vault, now)).await??
            }
        };
        let mut keys = keys;
        if let Some(key) = env.server_key() {
            keys::hold(&mut keys, key, clock.now())?;
        }
        let records = pool.with(|pool| Records::load(&store, pool))?;
        let turns = pool.with(|pool| crate::turns::AllTurns::load(&store, pool))?;
        // Set once, here: a second opening has a cell of its own.
        let _ = late_vault.set(vault.clone());
        if let Some(password) = convert::proxy_password(&*vault)? {
            let resolved = settings.current();
            upstream.set_config(convert::upstream_config(
                &resolved.settings,
                Some(&password),
            )?)?;
        }
        let ledger = journal.ledger.clone();
        gateway.set_keys(keys::digests(&keys, &ledger));
        let engine = Arc::new(Engine {
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
            sign_ins: SignIns::new(callback_ports),
            keys: Mutex::new(keys),
            changing_keys: tokio::sync::Mutex::default(),
            asking_quota: tokio::sync::Mutex::default(),
            codex_entries: Mutex::default(),
            turns,
            discovery: crate::discovery::Discovery::default(),
            balances: crate::balance::Balances::default(),
            ledger,
            listening: Listening::new(server),
            codex_cli: Mutex::default(),
            demo: crate::demo::Demo::default(),
            pausing: crate::pause::Pausing::default(),
            upkeep: crate::upkeep::Upkeep::default(),
            watched: crate::watched::Watched::default(),
            read_only,
        });
        engine.sweep_demo().await;
        engine.republish();
        engine.load_balances().await;
        engine.reload_limits().await?;
        engine.restore_preferred().await;
        engine.gateway.set_ready();
        engine.look_at_codex_cli().await;
        schedule::start(&engine);
        Ok(engine)
    }
}

impl Engine {
    /// Opens everything a home holds. Nothing is served yet.
    ///
    /// # Errors
    /// As [`Opening::begin`] and [`Opening::finish`].
    pub async fn open(options: OpenOptions) -> Result<Arc<Self>, EngineError> {
        Opening::begin(options)?.finish().await
    }
}

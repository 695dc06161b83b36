//! Puts the rooms together: home, settings, vault, database, pool, upstream and gateway become one [`Engine`].
//!
//! Use cases live beside it, one file per subject; this file holds what they share. Its life has files of its own: `opening`, `listening`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gateway::{Gateway, SharedPool};
use pool::Clock;
use secrecy::SecretString;
use store::Store;
use tokio::sync::watch;
use upstream::Upstream;
use vault::{Vault, VaultChoice};

use crate::env::{self, Env};
use crate::error::EngineError;
use crate::home::{Home, HomeLock};
use crate::import::Identity;
use crate::journal::Gathering;
use crate::keys::StoredKey;
use crate::listening::Listening;
use crate::read_only::ReadOnly;
use crate::records::Records;
use crate::settings::SettingsFile;
use crate::signin::{CALLBACK_PORTS, SignIns};
use crate::tasks::Tasks;

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
    /// Another settings file than the home's (F137).
    pub settings: Option<std::path::PathBuf>,
    /// Serve a home whose database a newer version has written, read-only (F124, F125); otherwise it is refused.
    pub accept_newer: bool,
    /// Where the local address of a sign-in may listen, in this order (0 is any free port). Only [`CALLBACK_PORTS`] are registered with
    /// the issuer: others are for simulated ones.
    pub callback_ports: [u16; 2],
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
            settings: None,
            accept_newer: false,
            callback_ports: CALLBACK_PORTS,
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
    pub(crate) sign_ins: SignIns,
    pub(crate) keys: Mutex<Vec<StoredKey>>,
    /// Held while the keys are changed.
    pub(crate) changing_keys: tokio::sync::Mutex<()>,
    /// Held while all providers are asked for quota.
    pub(crate) asking_quota: tokio::sync::Mutex<()>,
    /// The Codex backend's own model entries, for Codex clients.
    pub(crate) codex_entries: Mutex<HashMap<String, Bytes>>,
    /// Models that take turns.
    pub(crate) turns: crate::turns::AllTurns,
    /// What accounts told of their models since this start.
    pub(crate) discovery: crate::discovery::Discovery,
    /// What is left of key accounts' money.
    pub(crate) balances: crate::balance::Balances,
    /// What limits and budgets have counted.
    pub(crate) ledger: Arc<crate::limits::Ledger>,
    pub(crate) listening: Listening,
    /// Who the local Codex CLI is signed in as, as last read (F44).
    pub(crate) codex_cli: Mutex<Option<Identity>>,
    /// Simulated accounts' upstreams.
    pub(crate) demo: crate::demo::Demo,
    /// Ends a pause in time.
    pub(crate) pausing: crate::pause::Pausing,
    /// Wakes the rounds that keep the knowledge of accounts fresh.
    pub(crate) upkeep: crate::upkeep::Upkeep,
    /// Wakes the look at the watched folder.
    pub(crate) watched: crate::watched::Watched,
    /// Why nothing may be changed, when nothing may (F124).
    pub(crate) read_only: Option<ReadOnly>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Where the control socket of this home is.
    pub fn control_socket(&self) -> std::path::PathBuf {
        self.home.home().control_socket(&self.env)
    }

    /// The home, for whoever prepares files in it.
    pub fn home(&self) -> &Home {
        self.home.home()
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
}

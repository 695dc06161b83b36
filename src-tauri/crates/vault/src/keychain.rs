//! Credentials in the operating system's keychain (F23): one item per name, service "switchyard", account "HOMEMARK:name".
//!
//! Three duties beside calling the platform: a time limit on every call (a locked Secret Service waits on its prompt for ever), a fresh
//! connection after a failure (so that "start the keyring and try again" works without a restart), and large values in parts where the
//! platform's items are small (`split`). Not a cache: every get asks the keychain.

mod mark;
mod platform;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::items::Items;
use crate::{Vault, VaultError, VaultKind, check_name, check_size, split};

pub use mark::HOME_MARK_FILE;

/// The service name every item carries.
pub const SERVICE: &str = "switchyard";

/// How to reach the platform's keychain; the tests put a slow or failing one here.
pub(crate) trait Platform: Send + Sync {
    /// Connects anew and checks that items can be stored. May not prompt.
    fn connect(&self) -> Result<Arc<dyn Items>, VaultError>;
    /// Whether the keychain is locked, asked without a prompt. `None` where the platform cannot tell.
    fn locked(&self) -> Option<bool>;
    /// Which keychain this is.
    fn kind(&self) -> VaultKind;
}

/// The vault in the operating system's keychain.
pub struct KeychainVault {
    platform: Arc<dyn Platform>,
    /// Prefix of item names, so that two homes of one person do not share items.
    home_mark: String,
    time_limit: Duration,
    connection: Mutex<Connection>,
}

#[derive(Default)]
struct Connection {
    items: Option<Arc<dyn Items>>,
    /// A call that outlived its time limit, most likely at a prompt; true once it has ended.
    overdue: Option<Arc<AtomicBool>>,
}

/// How one bounded call ended.
enum Ended<T> {
    InTime(T),
    Overdue(Arc<AtomicBool>),
}

impl KeychainVault {
    /// Opens the keychain for the home folder (which gets a mark file, see [`HOME_MARK_FILE`]) and asks whether it answers.
    ///
    /// `time_limit` bounds every later call; a call that takes longer ends as [`VaultError::Locked`].
    pub fn open(home: &Path, time_limit: Duration) -> Result<Self, VaultError> {
        Self::with_platform(home, time_limit, Arc::new(platform::Native))
    }

    pub(crate) fn with_platform(
        home: &Path,
        time_limit: Duration,
        platform: Arc<dyn Platform>,
    ) -> Result<Self, VaultError> {
        let vault = Self {
            platform,
            home_mark: mark::read_or_create(home)?,
            time_limit,
            connection: Mutex::new(Connection::default()),
        };
        vault.call(|_| Ok(()))?;
        Ok(vault)
    }

    fn item_name(&self, name: &str) -> Result<String, VaultError> {
        check_name(name)?;
        Ok(format!("{}:{name}", self.home_mark))
    }

    /// Runs `work` against the keychain within the time limit. An existing connection that fails is replaced once: the keyring daemon may
    /// have been restarted since.
    fn call<T: Send + 'static>(
        &self,
        work: impl Fn(&dyn Items) -> Result<T, VaultError> + Send + Sync + 'static,
    ) -> Result<T, VaultError> {
        let mut connection = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.wait_for_overdue(&mut connection)?;
        let work = Arc::new(work);
        let reused = connection.items.is_some();
        let first = self.attempt(&mut connection, Arc::clone(&work));
        match first {
            Err(VaultError::Unavailable { .. }) if reused => self.attempt(&mut connection, work),
            other => other,
        }
    }

    /// While an earlier call still hangs at a prompt, no second prompt is opened and no second thread is left hanging.
    fn wait_for_overdue(&self, connection: &mut Connection) -> Result<(), VaultError> {
        let Some(ended) = &connection.overdue else {
            return Ok(());
        };
        if !ended.load(Ordering::Acquire) {
            let platform = Arc::clone(&self.platform);
            match bounded(self.time_limit, move || platform.locked())? {
                // Unlocked by other means: the hanging call may hang, new ones go through.
                Ended::InTime(Some(false)) => {}
                Ended::InTime(Some(true) | None) | Ended::Overdue(_) => {
                    return Err(VaultError::Locked);
                }
            }
        }
        connection.overdue = None;
        Ok(())
    }

    fn attempt<T: Send + 'static>(
        &self,
        connection: &mut Connection,
        work: Arc<impl Fn(&dyn Items) -> Result<T, VaultError> + Send + Sync + 'static>,
    ) -> Result<T, VaultError> {
        let platform = Arc::clone(&self.platform);
        let items = connection.items.take();
        let ended = bounded(self.time_limit, move || {
            let items = match items {
                Some(items) => items,
                None => platform.connect()?,
            };
            work(items.as_ref()).map(|answer| (answer, items))
        })?;
        match ended {
            Ended::InTime(Ok((answer, items))) => {
                connection.items = Some(items);
                Ok(answer)
            }
            // The connection is dropped with the error; the next call makes a new one.
            Ended::InTime(Err(error)) => Err(error),
            Ended::Overdue(ended) => {
                connection.overdue = Some(ended);
                Err(VaultError::Locked)
            }
        }
    }
}

impl Vault for KeychainVault {
    fn get(&self, name: &str) -> Result<Option<SecretString>, VaultError> {
        let item = self.item_name(name)?;
        let bytes = self.call(move |items| split::read(items, &item))?;
        let Some(bytes) = bytes else { return Ok(None) };
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(SecretString::from(text))),
            Err(_) => Err(VaultError::Corrupt {
                what: format!("the keychain item {name}"),
                why: "it is not text".to_owned(),
            }),
        }
    }

    fn put(&self, name: &str, secret: &SecretString) -> Result<(), VaultError> {
        let item = self.item_name(name)?;
        check_size(secret)?;
        let value = Zeroizing::new(secret.expose_secret().as_bytes().to_vec());
        self.call(move |items| split::write(items, &item, &value))
    }

    fn delete(&self, name: &str) -> Result<(), VaultError> {
        let item = self.item_name(name)?;
        self.call(move |items| split::erase(items, &item).map(|_| ()))
    }

    fn kind(&self) -> VaultKind {
        self.platform.kind()
    }
}

/// Runs `work` on a thread of its own and waits at most `limit`. An overdue thread cannot be stopped; it is left to end by itself.
fn bounded<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Ended<T>, VaultError> {
    let ended = Arc::new(AtomicBool::new(false));
    let (answer, waiting) = mpsc::sync_channel(1);
    let mark = Arc::clone(&ended);
    std::thread::Builder::new()
        .name("vault-keychain".to_owned())
        .spawn(move || {
            let _ = answer.send(work());
            mark.store(true, Ordering::Release);
        })
        .map_err(|_| VaultError::System {
            doing: "start a thread for the keychain",
        })?;
    match waiting.recv_timeout(limit) {
        Ok(value) => Ok(Ended::InTime(value)),
        Err(RecvTimeoutError::Timeout) => Ok(Ended::Overdue(ended)),
        // The work panicked inside a platform library.
        Err(RecvTimeoutError::Disconnected) => Err(VaultError::Unavailable {
            why: "the keychain library failed".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;

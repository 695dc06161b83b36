//! One writer per home (F128): the lock, and the discovery file that tells others how to reach its holder.
//!
//! It is not the control connection itself; the discovery file only says where that is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::atomic::{PRIVATE, remove_unfinished, write_atomic};
use super::{Home, HomeError};

/// How long [`Home::enter`] waits between two looks at a lock whose holder serves nobody.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How another process reaches the instance that holds a home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its process id.
    pub pid: u32,
    /// The gateway's base URL, for instance `http://127.0.0.1:8787`.
    pub url: String,
    /// Its version.
    pub version: String,
    /// Its control socket (a named pipe on Windows).
    pub control: PathBuf,
}

/// What entering a home came to.
#[derive(Debug)]
pub enum Entry {
    /// The home is ours until the lock is dropped.
    Locked(HomeLock),
    /// An instance is using it: talk to that one.
    Running(Instance),
}

/// Holding it is holding the home. Dropping it withdraws the discovery file and unlocks.
#[derive(Debug)]
pub struct HomeLock {
    home: Home,
    // Held for its lock alone, which ends when the file is closed, a kill included.
    _file: File,
}

impl Home {
    /// Creates the folder and takes its exclusive lock.
    ///
    /// # Errors
    /// [`HomeError::InUse`] at once where another process holds it; else as [`Home::create`].
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        self.create()?;
        let path = self.lock_file();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
        let mut file = options.open(&path).map_err(HomeError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(HomeError::InUse {
                    home: self.root().to_path_buf(),
                    pid: self.holder(file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(HomeError::io("lock", &path)(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        written.map_err(HomeError::io("write", &path))?;
        // Whoever wrote it is gone: the lock is ours.
        let _ = fs::remove_file(self.discovery_file());
        remove_unfinished(self.root());
        Ok(HomeLock {
            home: self.clone(),
            _file: file,
        })
    }

    /// Takes the lock, or finds the instance that holds it. A holder that serves nobody (another command at work)
    /// is waited for, at most about `patience`.
    ///
    /// # Errors
    /// [`HomeError::InUse`] where a holder neither serves nor ends in time; else as [`Home::lock`].
    pub fn enter(&self, patience: Duration) -> Result<Entry, HomeError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.lock() {
                Ok(lock) => return Ok(Entry::Locked(lock)),
                Err(error @ HomeError::InUse { .. }) => {
                    if let Some(instance) = self.discovered() {
                        return Ok(Entry::Running(instance));
                    }
                    if waited >= patience {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
            std::thread::sleep(LOOK_AGAIN);
            waited += LOOK_AGAIN;
        }
    }

    /// What the discovery file says, true or stale. [`Home::enter`] tells which: it believes the file only
    /// while the lock is held.
    #[must_use]
    pub fn discovered(&self) -> Option<Instance> {
        let bytes = fs::read(self.discovery_file()).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The process that holds the lock: from the lock file, or, where the platform does not let others read a
    /// locked file (Windows), from the discovery file.
    fn holder(&self, mut file: File) -> Option<u32> {
        let mut text = String::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_string(&mut text));
        let pid = read.ok().and_then(|_| text.trim().parse().ok());
        pid.or_else(|| self.discovered().map(|instance| instance.pid))
    }
}

impl HomeLock {
    /// The home that is held.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Tells others how to reach this instance (F127: clients find the port in use here).
    ///
    /// # Errors
    /// [`HomeError::Io`].
    pub fn publish(&self, instance: &Instance) -> Result<(), HomeError> {
        let path = self.home.discovery_file();
        let mut text = serde_json::to_vec_pretty(instance)
            .map_err(|error| HomeError::io("write", &path)(error.into()))?;
        text.push(b'\n');
        write_atomic(&path, &text, PRIVATE).map_err(HomeError::io("write", &path))
    }

    /// Takes the discovery file back: from now on nobody is sent here.
    pub fn withdraw(&self) {
        // Not there is what was wanted.
        let _ = fs::remove_file(self.home.discovery_file());
    }
}

impl Drop for HomeLock {
    fn drop(&mut self) {
        self.withdraw();
    }
}

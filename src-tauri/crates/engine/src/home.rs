//! The home folder: where it is, who may write in it, and how others find the instance that does.
//!
//! It is not the store or the vault: it hands out their paths. The shell and the command line locate a home,
//! [`Home::enter`] it, and either hold its lock (nobody else writes) or learn which instance does.

mod atomic;
mod lock;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::env::{self, Env};

pub use atomic::{PRIVATE, write_atomic};
pub use lock::{Entry, HomeLock, Instance};

/// The longest path a Unix socket may have on every platform, less the terminating zero (macOS: 104).
const SOCKET_PATH_LIMIT: usize = 103;

/// What Switchyard itself writes in a home; one of these marks a folder as a home.
#[cfg(unix)]
const OURS: &[&str] = &[
    "settings.toml",
    "lock",
    "instance.json",
    "switchyard.db",
    "vault.sealed",
    "logs",
    "control.sock",
];

/// Why a home cannot be used. Every text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The platform names no application-data folder.
    #[error(
        "no application-data folder is known for this user; name one with --home or SWITCHYARD_HOME"
    )]
    NoFolder,
    /// Another process holds the lock (exit code 4, F128).
    #[error("the home {home} is in use by another instance{}; stop it, or choose another home with --home", pid_text(*.pid))]
    InUse {
        /// The home folder.
        home: PathBuf,
        /// The process that holds the lock, where it can be read.
        pid: Option<u32>,
    },
    /// Others can read the folder and it holds files that are not ours, so it is left as it is.
    #[error(
        "{home} can be read by other users and holds other files; make it private (chmod 700) or choose an empty folder"
    )]
    TooOpen {
        /// The folder.
        home: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {path}: {source}; check the folder's owner and free space")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

impl HomeError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// A home folder that has been located; it need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Finds the home: the flag, else `SWITCHYARD_HOME`, else the platform's application-data folder (F123).
    ///
    /// # Errors
    /// [`HomeError::NoFolder`] where none of these is known.
    pub fn locate(flag: Option<&Path>, env: &Env) -> Result<Self, HomeError> {
        match flag.or_else(|| env.get(env::HOME).map(Path::new)) {
            Some(path) => Self::at(path),
            None => Self::at(
                &platform_folder(env)
                    .ok_or(HomeError::NoFolder)?
                    .join("switchyard"),
            ),
        }
    }

    /// The home at `path`; a relative path is taken from the working directory.
    ///
    /// # Errors
    /// [`HomeError::Io`] where the path is empty or the working directory is gone.
    pub fn at(path: &Path) -> Result<Self, HomeError> {
        let root = std::path::absolute(path).map_err(HomeError::io("find", path))?;
        Ok(Self { root })
    }

    /// Whether this is the home that a command finds without being told.
    #[must_use]
    pub fn is_default(&self, env: &Env) -> bool {
        platform_folder(env).is_some_and(|folder| folder.join("switchyard") == self.root)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The SQLite database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("switchyard.db")
    }

    /// The settings that differ from the defaults.
    #[must_use]
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.toml")
    }

    /// The passphrase-encrypted vault, where the user chose it.
    #[must_use]
    pub fn vault_file(&self) -> PathBuf {
        self.root.join("vault.sealed")
    }

    /// The folder of the log files.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The file whose lock says that an instance runs.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The discovery file that says how to reach the running instance.
    #[must_use]
    pub fn discovery_file(&self) -> PathBuf {
        self.root.join("instance.json")
    }

    /// A short name that two homes do not share: 16 hex digits of the path's hash.
    #[must_use]
    pub fn tag(&self) -> String {
        let digest = Sha256::digest(self.root.as_os_str().as_encoded_bytes());
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Where the control socket of this home stands: a named pipe on Windows, else a Unix socket in the home,
    /// or in a private folder of the runtime directory where the home's path is too long for a socket.
    #[must_use]
    pub fn control_socket(&self, env: &Env) -> PathBuf {
        if cfg!(windows) {
            return PathBuf::from(format!(r"\\.\pipe\switchyard-{}", self.tag()));
        }
        let inside = self.root.join("control.sock");
        if inside.as_os_str().len() <= SOCKET_PATH_LIMIT {
            return inside;
        }
        let base = env
            .get(env::XDG_RUNTIME_DIR)
            .map_or_else(std::env::temp_dir, PathBuf::from);
        base.join(format!("switchyard-{}", self.tag()))
            .join("control.sock")
    }

    /// Makes sure that the control socket's folder exists, is private and belongs to the home's owner, and that
    /// no dead socket is in the way. Call it with the lock held, before binding.
    ///
    /// # Errors
    /// [`HomeError::TooOpen`] where somebody else owns the folder, [`HomeError::Io`] otherwise.
    pub fn prepare_control_socket(&self, socket: &Path) -> Result<(), HomeError> {
        if cfg!(windows) {
            return Ok(());
        }
        if let Some(folder) = socket.parent().filter(|folder| *folder != self.root) {
            create_private(folder)?;
            if !same_owner(folder, &self.root) {
                return Err(HomeError::TooOpen {
                    home: folder.to_path_buf(),
                });
            }
        }
        match fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(HomeError::io("remove", socket)(error))
            }
            _ => Ok(()),
        }
    }

    /// Creates the folder with mode 0700 (F123). An existing home is made private; a folder with other people's
    /// files that others can read is refused rather than changed. On Windows the folder inherits the access
    /// list of the user's profile.
    ///
    /// # Errors
    /// [`HomeError::TooOpen`], [`HomeError::Io`].
    pub fn create(&self) -> Result<(), HomeError> {
        create_private(&self.root)
    }
}

/// The platform's application-data folder (F123).
fn platform_folder(env: &Env) -> Option<PathBuf> {
    // Not the roaming folder of Windows: a database in use must not be synchronised.
    if cfg!(windows) {
        let profile = || {
            env.get(env::USER_PROFILE)
                .map(|home| Path::new(home).join("AppData").join("Local"))
        };
        return env
            .get(env::LOCAL_APP_DATA)
            .map(PathBuf::from)
            .or_else(profile);
    }
    let home = env.get(env::USER_HOME).map(Path::new);
    if cfg!(target_os = "macos") {
        return home.map(|home| home.join("Library").join("Application Support"));
    }
    // The XDG rules say that a relative path is to be ignored.
    let xdg = env
        .get(env::XDG_DATA_HOME)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    xdg.or_else(|| home.map(|home| home.join(".local").join("share")))
}

#[cfg(unix)]
fn create_private(folder: &Path) -> Result<(), HomeError> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => {
            if found.permissions().mode() & 0o077 == 0 {
                return Ok(());
            }
            if !is_ours_or_empty(folder)? {
                return Err(HomeError::TooOpen {
                    home: folder.to_path_buf(),
                });
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
                .map_err(HomeError::io("make private", folder))
        }
        Ok(_) => Err(HomeError::io("use", folder)(
            io::ErrorKind::NotADirectory.into(),
        )),
        Err(_) => {
            if let Some(parent) = folder.parent() {
                fs::create_dir_all(parent).map_err(HomeError::io("create", parent))?;
            }
            // Two processes may start at once: the folder that the other one has just made is as good.
            match fs::DirBuilder::new().mode(0o700).create(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    Err(HomeError::io("create", folder)(error))
                }
                _ => Ok(()),
            }
        }
    }
}

#[cfg(not(unix))]
fn create_private(folder: &Path) -> Result<(), HomeError> {
    fs::create_dir_all(folder).map_err(HomeError::io("create", folder))
}

#[cfg(unix)]
fn is_ours_or_empty(folder: &Path) -> Result<bool, HomeError> {
    let mut empty = true;
    for entry in fs::read_dir(folder).map_err(HomeError::io("read", folder))? {
        let name = entry.map_err(HomeError::io("read", folder))?.file_name();
        if OURS.iter().any(|ours| name == *ours) {
            return Ok(true);
        }
        empty = false;
    }
    Ok(empty)
}

#[cfg(unix)]
fn same_owner(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::symlink_metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.is_dir() && one.uid() == other.uid(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn same_owner(_: &Path, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests;

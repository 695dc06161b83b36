//! Every environment variable Switchyard reads, in one place.
//!
//! It is not a settings file: what a value means is decided by its reader (`home`, `settings`, the vault's
//! opener). The shell and the command line take one [`Env`] at start and hand it down, so that tests can
//! give their own.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

/// The home folder; beaten only by `--home`.
pub const HOME: &str = "SWITCHYARD_HOME";
/// Where credentials live: `keychain` (default) or `file`.
pub const VAULT: &str = "SWITCHYARD_VAULT";
/// The passphrase of the vault file.
pub const PASSPHRASE: &str = "SWITCHYARD_PASSPHRASE";
/// The default gateway key, in the place of the kept one (F126).
pub const SERVER_KEY: &str = "SWITCHYARD_SERVER_KEY";
/// The Codex CLI's own folder (default `~/.codex`), read by the import from a local Codex.
pub const CODEX_HOME: &str = "CODEX_HOME";
/// The user's home folder on Unix.
pub const USER_HOME: &str = "HOME";
/// The user's home folder on Windows.
pub const USER_PROFILE: &str = "USERPROFILE";
/// Where applications keep their state on Linux (default `~/.local/share`).
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// Where short-lived sockets live on Linux.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where applications keep their state on Windows.
pub const LOCAL_APP_DATA: &str = "LOCALAPPDATA";
/// What the name of every variable that overrides a setting begins with.
pub const PREFIX: &str = "SWITCHYARD_";

/// One documented variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// The variables that are not settings. A setting's variable is [`setting_variable`] of its key.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: HOME,
        doc: "Home folder; --home beats it.",
    },
    Variable {
        name: VAULT,
        doc: "Where credentials live: keychain (default) or file.",
    },
    Variable {
        name: PASSPHRASE,
        doc: "Passphrase of the vault file (SWITCHYARD_VAULT=file).",
    },
    Variable {
        name: SERVER_KEY,
        doc: "Default gateway key, at least 20 characters, in the place of the one the vault keeps.",
    },
    Variable {
        name: CODEX_HOME,
        doc: "Folder of the Codex CLI (default ~/.codex), for the import from it.",
    },
    Variable {
        name: USER_HOME,
        doc: "The user's home folder (Unix).",
    },
    Variable {
        name: USER_PROFILE,
        doc: "The user's home folder (Windows).",
    },
    Variable {
        name: XDG_DATA_HOME,
        doc: "Application-data folder (Linux, default ~/.local/share).",
    },
    Variable {
        name: XDG_RUNTIME_DIR,
        doc: "Folder for the control socket where the home's path is too long (Linux).",
    },
    Variable {
        name: LOCAL_APP_DATA,
        doc: "Application-data folder (Windows).",
    },
];

/// The variable that overrides the setting `key`: `server.port` → `SWITCHYARD_SERVER_PORT`.
#[must_use]
pub fn setting_variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "_"))
}

/// A snapshot of the variables above. An empty value counts as not set.
#[derive(Clone, Default)]
pub struct Env {
    values: BTreeMap<String, String>,
    passphrase: Option<SecretString>,
    server_key: Option<SecretString>,
}

impl Env {
    /// Takes the process's variables. Values that are not UTF-8 are left out.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            Some((name, value))
        }))
    }

    /// Takes the given pairs; names that Switchyard does not read are left out.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut env = Self::default();
        for (name, value) in pairs {
            let (name, value): (String, String) = (name.into(), value.into());
            if value.is_empty() {
                continue;
            }
            if name == PASSPHRASE {
                env.passphrase = Some(SecretString::from(value));
            } else if name == SERVER_KEY {
                env.server_key = Some(SecretString::from(value));
            } else if name.starts_with(PREFIX) || VARIABLES.iter().any(|known| known.name == name) {
                env.values.insert(name, value);
            }
        }
        env
    }

    /// The value of `name`, never empty. The passphrase is not here: see [`Env::passphrase`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The default gateway key, when it was given this way.
    #[must_use]
    pub fn server_key(&self) -> Option<&SecretString> {
        self.server_key.as_ref()
    }

    /// The vault's passphrase, when it was given this way.
    #[must_use]
    pub fn passphrase(&self) -> Option<&SecretString> {
        self.passphrase.as_ref()
    }

    /// Names that begin like ours but are neither declared here nor a setting's: most likely typing mistakes.
    #[must_use]
    pub fn unknown(&self, setting_keys: &[&str]) -> Vec<&str> {
        self.values
            .keys()
            .filter(|name| name.starts_with(PREFIX))
            .filter(|name| !VARIABLES.iter().any(|known| known.name == name.as_str()))
            .filter(|name| {
                !setting_keys
                    .iter()
                    .any(|key| setting_variable(key) == **name)
            })
            .map(String::as_str)
            .collect()
    }
}

impl fmt::Debug for Env {
    /// Names only: a value may be a secret (a proxy's password, for one).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_setting_has_one_variable() {
        for (key, expected) in [
            ("server.port", "SWITCHYARD_SERVER_PORT"),
            ("codex.base_url", "SWITCHYARD_CODEX_BASE_URL"),
            ("auto_switch.enabled", "SWITCHYARD_AUTO_SWITCH_ENABLED"),
        ] {
            assert_eq!(setting_variable(key), expected);
        }
    }

    #[test]
    fn values_are_kept_but_never_shown() {
        let env = Env::from_pairs([
            ("SWITCHYARD_HOME", "/h"),
            ("SWITCHYARD_PASSPHRASE", "open sesame"),
            ("SWITCHYARD_PROXY_URL", "http://u:hunter2@example.com"),
            ("SWITCHYARD_SERVER_HOST", ""),
            ("PATH", "/bin"),
        ]);
        assert_eq!(env.get(HOME), Some("/h"));
        assert_eq!(env.get("SWITCHYARD_SERVER_HOST"), None, "empty is not set");
        assert_eq!(env.get("PATH"), None);
        assert_eq!(env.get(PASSPHRASE), None);
        assert_eq!(env.passphrase().unwrap().expose_secret(), "open sesame");
        let shown = format!("{env:?}");
        assert!(
            !shown.contains("sesame") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    #[test]
    fn a_mistyped_variable_is_noticed() {
        let env = Env::from_pairs([
            ("SWITCHYARD_SERVER_PROT", "1"),
            ("SWITCHYARD_SERVER_PORT", "1"),
            ("SWITCHYARD_VAULT", "file"),
        ]);
        assert_eq!(env.unknown(&["server.port"]), ["SWITCHYARD_SERVER_PROT"]);
    }
}

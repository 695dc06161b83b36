//! The settings file: read, change one key at a time, and swap the whole only when all of it is right (F126).
//!
//! Only differences stand in it; comments and keys that are not ours are kept. Blocking: call it off the request path.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use secrecy::SecretString;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::resolve::{find, invalid, nearest, resolve};
use super::table::{KEYS, key};
use super::{Apply, Field, Key, Resolved, SettingValue, Settings, SettingsError, Source};
use crate::env::{Env, setting_variable};
use crate::home::{PRIVATE, write_atomic};

const HEADER: &str = "# Switchyard settings. Only what differs from the defaults stands here; `switchyard settings list` shows every key.\n";

/// One setting as it is shown.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The row of the table.
    pub key: &'static Key,
    /// The value in force.
    pub value: SettingValue,
    /// What it would be if nobody had said anything.
    pub default: SettingValue,
    /// Who says so.
    pub source: Source,
    /// What locks it against changes: a variable's name, or "the command line" (F126).
    pub locked_by: Option<String>,
}

impl Entry {
    /// The entry as JSON: key, value, default, source, locked_by, allowed, apply, doc.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "key": self.key.name,
            "value": self.value.to_json(),
            "default": self.default.to_json(),
            "source": self.source.as_str(),
            "locked_by": self.locked_by,
            "allowed": self.key.field.allowed(),
            "apply": self.key.apply.as_str(),
            "doc": self.key.doc,
        })
    }
}

/// What a change came to.
#[must_use = "a proxy's password must go into the vault"]
#[derive(Debug, Default)]
pub struct Change {
    /// The keys whose value is another now.
    pub changed: Vec<&'static str>,
    /// When the slowest of them takes effect; `None` where nothing changed.
    pub apply: Option<Apply>,
    /// What is to be done with the proxy's password in the vault. The file does not hold it.
    pub proxy_password: PasswordChange,
}

/// What is to be done with the password of `proxy.url`, which the vault keeps as
/// [`ProxyAddress::PASSWORD_NAME`](super::ProxyAddress::PASSWORD_NAME).
#[derive(Debug, Default)]
pub enum PasswordChange {
    /// Nothing: `proxy.url` was not touched.
    #[default]
    None,
    /// Keep this one; it stood in the new URL, percent-encoded.
    Keep(SecretString),
    /// Remove it: the new URL has none, or there is no URL any more.
    Forget,
}

/// The settings of a home, and their file.
#[derive(Debug)]
pub struct SettingsFile {
    path: PathBuf,
    env: Env,
    flags: Vec<(&'static str, String)>,
    resolved: ArcSwap<Resolved>,
    // Held while the file is changed, so that two changes do not undo each other.
    writing: Mutex<()>,
}

impl SettingsFile {
    /// Reads the file at `path`, which need not exist. `flags` are keys given on the command line of this process.
    ///
    /// # Errors
    /// [`SettingsError::Syntax`], [`SettingsError::Invalid`], [`SettingsError::Unknown`] (a flag), [`SettingsError::Io`].
    pub fn open(path: PathBuf, env: Env, flags: &[(&str, String)]) -> Result<Self, SettingsError> {
        let flags: Result<Vec<_>, _> = flags
            .iter()
            .map(|(name, value)| Ok((known(name)?.name, value.clone())))
            .collect();
        let flags = flags?;
        let resolved = resolve(&read(&path)?, &env, &flags, &[])?;
        Ok(Self {
            path,
            env,
            flags,
            resolved: ArcSwap::from_pointee(resolved),
            writing: Mutex::new(()),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The settings in force, with where they come from.
    #[must_use]
    pub fn current(&self) -> Arc<Resolved> {
        self.resolved.load_full()
    }

    /// Every setting in the table's order.
    #[must_use]
    pub fn list(&self) -> Vec<Entry> {
        KEYS.iter().map(|key| self.entry(key)).collect()
    }

    /// One setting.
    ///
    /// # Errors
    /// [`SettingsError::Unknown`].
    pub fn get(&self, name: &str) -> Result<Entry, SettingsError> {
        Ok(self.entry(known(name)?))
    }

    /// Changes one setting; `value` is text as a person writes it (lists with commas).
    ///
    /// # Errors
    /// Any; the file and the settings in force are then as before.
    pub fn set(&self, name: &str, value: &str) -> Result<Change, SettingsError> {
        self.change(&[(name, Some(value))])
    }

    /// Gives one setting back to its default.
    ///
    /// # Errors
    /// Any; the file and the settings in force are then as before.
    pub fn unset(&self, name: &str) -> Result<Change, SettingsError> {
        self.change(&[(name, None)])
    }

    /// Changes several settings at once, all or none; `None` is back to the default.
    ///
    /// # Errors
    /// Any; the file and the settings in force are then as before.
    pub fn change(&self, changes: &[(&str, Option<&str>)]) -> Result<Change, SettingsError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // From the file, not from memory: somebody may have edited it meanwhile.
        let mut document = read(&self.path)?;
        let before = document.to_string();
        let mut just_set = Vec::new();
        let mut proxy_password = PasswordChange::None;
        for (name, value) in changes {
            let key = known(name)?;
            if let Some(by) = self.locked_by(key.name) {
                return Err(SettingsError::Locked { key: key.name, by });
            }
            just_set.push(key.name);
            match value {
                // F117: an empty no_proxy means "as it was".
                Some(text) if key.name == "proxy.no_proxy" && text.trim().is_empty() => {}
                Some(text) => {
                    let mut scratch = Settings::defaults();
                    key.field
                        .put_text(&mut scratch, text)
                        .map_err(|problem| invalid(key, problem, Source::Default))?;
                    write_key(&mut document, key, &mut scratch);
                    if let Field::Proxy { at } = &key.field {
                        let password = at(&mut scratch).as_ref().and_then(|url| url.password());
                        proxy_password = password
                            .cloned()
                            .map_or(PasswordChange::Forget, PasswordChange::Keep);
                    }
                }
                None => {
                    remove_key(&mut document, key.name);
                    if matches!(key.field, Field::Proxy { .. }) {
                        proxy_password = PasswordChange::Forget;
                    }
                }
            }
        }
        let resolved = resolve(&document, &self.env, &self.flags, &just_set)?;
        let text = document.to_string();
        if text != before {
            let text = if before.is_empty() {
                format!(
                    "{HEADER}{}{text}",
                    if text.starts_with('\n') { "" } else { "\n" }
                )
            } else {
                text
            };
            write_atomic(&self.path, text.as_bytes(), PRIVATE)
                .map_err(|source| self.io("write", source))?;
        }
        Ok(Change {
            proxy_password,
            ..self.swap(resolved)
        })
    }

    /// Reads the file again, after somebody else has changed it.
    ///
    /// # Errors
    /// Any; the settings in force are then as before.
    pub fn reload(&self) -> Result<Change, SettingsError> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let resolved = resolve(&read(&self.path)?, &self.env, &self.flags, &[])?;
        Ok(self.swap(resolved))
    }

    fn swap(&self, resolved: Resolved) -> Change {
        let old = self.current();
        let (mut before, mut after) = (old.settings.clone(), resolved.settings.clone());
        let changed: Vec<&Key> = KEYS
            .iter()
            .filter(|key| key.field.get(&mut before) != key.field.get(&mut after))
            .collect();
        let slowest = |apply: &Apply| match apply {
            Apply::Live => 0,
            Apply::Rebind => 1,
            Apply::Restart => 2,
        };
        self.resolved.store(Arc::new(resolved));
        Change {
            apply: changed.iter().map(|key| key.apply).max_by_key(slowest),
            changed: changed.iter().map(|key| key.name).collect(),
            proxy_password: PasswordChange::None,
        }
    }

    fn entry(&self, key: &'static Key) -> Entry {
        let resolved = self.current();
        Entry {
            key,
            value: key.field.get(&mut resolved.settings.clone()),
            default: key.field.get(&mut Settings::defaults()),
            source: resolved
                .sources
                .get(key.name)
                .copied()
                .unwrap_or(Source::Default),
            locked_by: self.locked_by(key.name),
        }
    }

    fn locked_by(&self, name: &str) -> Option<String> {
        if self.flags.iter().any(|(flag, _)| *flag == name) {
            return Some("the command line".to_owned());
        }
        let variable = setting_variable(name);
        self.env.get(&variable).is_some().then_some(variable)
    }

    fn io(&self, action: &'static str, source: io::Error) -> SettingsError {
        SettingsError::Io {
            action,
            path: self.path.display().to_string(),
            source,
        }
    }
}

fn known(name: &str) -> Result<&'static Key, SettingsError> {
    key(name).ok_or_else(|| SettingsError::Unknown {
        key: name.to_owned(),
        near: nearest(name),
    })
}

fn read(path: &std::path::Path) -> Result<DocumentMut, SettingsError> {
    let shown = || path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(SettingsError::Io {
                action: "read",
                path: shown(),
                source,
            });
        }
    };
    text.parse().map_err(|error: toml_edit::TomlError| {
        // The error's own text quotes the line, which may hold a password.
        let line = error.span().map_or(0, |span| {
            text.get(..span.start)
                .map_or(0, |before| before.matches('\n').count() + 1)
        });
        SettingsError::Syntax {
            path: shown(),
            line,
            message: error.message().to_owned(),
        }
    })
}

/// Writes the value that `scratch` holds. A value equal to the default is not written, unless the key stands
/// there already: then the user's own line (and its comment) stays, with the new value.
fn write_key(document: &mut DocumentMut, key: &Key, scratch: &mut Settings) {
    let is_default = key.field.get(scratch) == key.field.get(&mut Settings::defaults());
    let Some(value) = key.field.to_toml(scratch) else {
        return remove_key(document, key.name);
    };
    if is_default && find(document, key.name).is_none() {
        return;
    }
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut parts: Vec<&str> = key.name.split('.').collect();
    let leaf = parts.pop().unwrap_or(key.name);
    for part in parts {
        let item = table
            .entry(part)
            .or_insert_with(|| Item::Table(Table::new()));
        if !item.is_table_like() {
            // Somebody wrote a plain value where a table belongs: it could not be obeyed anyway.
            *item = Item::Table(Table::new());
        }
        match item.as_table_like_mut() {
            Some(inner) => table = inner,
            None => return,
        }
    }
    match table.get_mut(leaf).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = value;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(leaf, Item::Value(value));
        }
    }
}

fn remove_key(document: &mut DocumentMut, name: &str) {
    let mut table: &mut dyn TableLike = document.as_table_mut();
    let mut parts: Vec<&str> = name.split('.').collect();
    let leaf = parts.pop().unwrap_or(name);
    for part in parts {
        match table.get_mut(part).and_then(Item::as_table_like_mut) {
            Some(inner) => table = inner,
            None => return,
        }
    }
    table.remove(leaf);
}

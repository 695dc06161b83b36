//! From flags, environment and file to one whole, checked [`Settings`]: all of it is right, or nothing changes (F126).
//!
//! It reads no file and no process state itself.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, TableLike};

use super::models::Names;
use super::table::KEYS;
use super::{Key, Settings, SettingsError};
use crate::env::{Env, setting_variable};

/// Where a value comes from; the later beats the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Nobody has said anything.
    Default,
    /// The settings file.
    File,
    /// The environment.
    Env,
    /// The command line of this process.
    Flag,
}

impl Source {
    /// The word shown to people and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Env => "env",
            Self::Flag => "flag",
        }
    }

    /// " (in the settings file)" and the like; empty where the person has just typed the value.
    pub(super) fn suffix(self, key: &str) -> String {
        match self {
            Self::Default => String::new(),
            Self::File => " (in the settings file)".to_owned(),
            Self::Env => format!(" (in {})", setting_variable(key)),
            Self::Flag => " (on the command line)".to_owned(),
        }
    }
}

/// A checked whole.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The values.
    pub settings: Settings,
    /// Where each value comes from; keys that are not in it have their default.
    pub sources: BTreeMap<&'static str, Source>,
    /// Keys of the file that are not settings: kept, not obeyed.
    pub unknown: Vec<String>,
}

/// Puts the sources together. `given` is how an error names the origin of a file value: [`Source::File`] for what
/// stands there, [`Source::Default`] for what the person has just asked for.
pub(super) fn resolve(
    document: &DocumentMut,
    env: &Env,
    flags: &[(&'static str, String)],
    just_set: &[&'static str],
) -> Result<Resolved, SettingsError> {
    let mut settings = Settings::defaults();
    let mut sources = BTreeMap::new();
    for key in KEYS {
        let invalid = |origin: Source| move |problem: String| invalid(key, problem, origin);
        if let Some(item) = find(document, key.name) {
            let origin = if just_set.contains(&key.name) {
                Source::Default
            } else {
                Source::File
            };
            key.field
                .put_toml(&mut settings, item)
                .map_err(invalid(origin))?;
            sources.insert(key.name, Source::File);
        }
        if let Some(text) = env.get(&setting_variable(key.name)) {
            key.field
                .put_text(&mut settings, text)
                .map_err(invalid(Source::Env))?;
            sources.insert(key.name, Source::Env);
        }
        for (_, text) in flags.iter().filter(|(name, _)| *name == key.name) {
            key.field
                .put_text(&mut settings, text)
                .map_err(invalid(Source::Flag))?;
            sources.insert(key.name, Source::Flag);
        }
    }
    check_together(&settings)?;
    let mut unknown = Vec::new();
    collect_unknown(document.as_table(), "", &mut unknown);
    Ok(Resolved {
        settings,
        sources,
        unknown,
    })
}

/// The rules that bind several keys.
fn check_together(settings: &Settings) -> Result<(), SettingsError> {
    // F117: a switch without a proxy behind it would send everything the direct way, unseen.
    if settings.proxy.enabled && settings.proxy.url.is_none() {
        return Err(SettingsError::Invalid {
            key: "proxy.enabled",
            problem: "cannot be true while proxy.url is empty".to_owned(),
            allowed: "set proxy.url first, or leave it false".to_owned(),
            origin: Source::Default,
        });
    }
    // F92: an alias that leads nowhere would be found by the first request only.
    if let Err(problem) = Names::of(settings).followed() {
        return Err(SettingsError::Invalid {
            key: "models.aliases",
            problem,
            allowed: "chains of at most 20 that end at a model".to_owned(),
            origin: Source::Default,
        });
    }
    Ok(())
}

pub(super) fn invalid(key: &'static Key, problem: String, origin: Source) -> SettingsError {
    SettingsError::Invalid {
        key: key.name,
        problem,
        allowed: key.field.allowed(),
        origin,
    }
}

/// The item at the dotted `name`, whether written as a table, a dotted key or an inline table.
pub(super) fn find<'a>(document: &'a DocumentMut, name: &str) -> Option<&'a Item> {
    let mut parts = name.split('.');
    let mut item = document.get(parts.next()?)?;
    for part in parts {
        item = item.as_table_like()?.get(part)?;
    }
    (!item.is_none()).then_some(item)
}

fn collect_unknown(table: &dyn TableLike, before: &str, unknown: &mut Vec<String>) {
    for (name, item) in table.iter() {
        let name = if before.is_empty() {
            name.to_owned()
        } else {
            format!("{before}.{name}")
        };
        if KEYS.iter().any(|key| key.name == name) {
            continue;
        }
        match item.as_table_like() {
            Some(inner) => collect_unknown(inner, &name, unknown),
            None => unknown.push(name),
        }
    }
}

/// The key that looks most like `name`, if one is near enough to be a typing mistake.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let leaf = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let by_distance = KEYS
        .iter()
        .map(|key| (distance(name, key.name), key.name))
        .min();
    let close = by_distance
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| name);
    close.or_else(|| {
        KEYS.iter()
            .map(|key| key.name)
            .find(|known| leaf(known) == leaf(name))
    })
}

/// Levenshtein distance in characters.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

//! What a setting is: its type, default and range, and where in [`Settings`] it lives.
//!
//! Not which settings exist (`table`) nor where values come from (`resolve`).

use std::fmt;

use super::{ProxyAddress, Settings};

/// A rule for one text: the accepted (perhaps normalised) form, or what is wrong with it.
pub type Check = fn(&str) -> Result<String, String>;

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apply {
    /// With the next request.
    Live,
    /// The listener is opened anew; running streams end on the old one (F127). No setting can do this yet.
    Rebind,
    /// With the next start.
    Restart,
}

impl Apply {
    /// The word shown to people and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Rebind => "rebind",
            Self::Restart => "restart",
        }
    }
}

/// One documented setting.
#[derive(Debug)]
pub struct Key {
    /// Its dotted name.
    pub name: &'static str,
    /// What it does, in a line.
    pub doc: &'static str,
    /// When a change takes effect.
    pub apply: Apply,
    /// Its type, default, range and place.
    pub field: Field,
}

/// The type of a setting, with its default, its range and its place in [`Settings`].
#[derive(Debug)]
pub enum Field {
    /// true or false.
    Bool {
        /// Default.
        default: bool,
        /// Place.
        at: fn(&mut Settings) -> &mut bool,
    },
    /// A whole number of `unit`s.
    Number {
        /// Default.
        default: u64,
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
        /// What is counted; empty for a bare number.
        unit: &'static str,
        /// Place.
        at: fn(&mut Settings) -> &mut u64,
    },
    /// One word of a closed list.
    Choice {
        /// Default.
        default: &'static str,
        /// All of them.
        options: &'static [&'static str],
        /// Place.
        at: fn(&mut Settings) -> &mut &'static str,
    },
    /// A text.
    Text {
        /// Default.
        default: &'static str,
        /// Rule.
        check: Check,
        /// The rule in words.
        allowed: &'static str,
        /// Place.
        at: fn(&mut Settings) -> &mut String,
    },
    /// A text that may be absent; the empty text is absent.
    Optional {
        /// Rule.
        check: Check,
        /// The rule in words.
        allowed: &'static str,
        /// Place.
        at: fn(&mut Settings) -> &mut Option<String>,
    },
    /// Several texts; on one line they are separated by commas.
    List {
        /// Rule of one of them.
        check: Check,
        /// The rule in words.
        allowed: &'static str,
        /// Place.
        at: fn(&mut Settings) -> &mut Vec<String>,
    },
    /// A proxy's URL that may be absent.
    Proxy {
        /// Place.
        at: fn(&mut Settings) -> &mut Option<ProxyAddress>,
    },
}

/// A value as it is shown. A proxy's password is masked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingValue {
    /// Nothing is set.
    None,
    /// true or false.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
            Self::List(values) => f.write_str(&values.join(",")),
        }
    }
}

impl SettingValue {
    /// The value as JSON: null, boolean, number, text or array.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::None => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Number(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::List(values) => values.clone().into(),
        }
    }
}

impl Field {
    /// Puts the default in its place.
    pub(super) fn reset(&self, settings: &mut Settings) {
        match self {
            Self::Bool { default, at } => *at(settings) = *default,
            Self::Number { default, at, .. } => *at(settings) = *default,
            Self::Choice { default, at, .. } => *at(settings) = default,
            Self::Text { default, at, .. } => *at(settings) = (*default).to_owned(),
            Self::Optional { at, .. } => *at(settings) = None,
            Self::List { at, .. } => at(settings).clear(),
            Self::Proxy { at } => *at(settings) = None,
        }
    }

    /// Reads a value written as text (command line, environment) into its place.
    pub(super) fn put_text(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        let text = text.trim();
        match self {
            Self::Bool { at, .. } => *at(settings) = read_bool(text)?,
            Self::Number { at, .. } => {
                let number = text
                    .parse()
                    .map_err(|_| format!("is not a whole number: {}", quoted(text)))?;
                *at(settings) = self.in_range(number)?;
            }
            Self::Choice { options, at, .. } => {
                let found = options
                    .iter()
                    .find(|option| option.eq_ignore_ascii_case(text));
                *at(settings) = found.ok_or_else(|| format!("cannot be {}", quoted(text)))?;
            }
            Self::Text {
                default, check, at, ..
            } => {
                // An empty text says nothing: the default speaks.
                *at(settings) = check(if text.is_empty() { default } else { text })?;
            }
            Self::Optional { check, at, .. } => {
                *at(settings) = if text.is_empty() {
                    None
                } else {
                    Some(check(text)?)
                }
            }
            Self::List { at, .. } => {
                let parts = text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty());
                *at(settings) = self.checked_list(parts)?;
            }
            Self::Proxy { at } => {
                *at(settings) = if text.is_empty() {
                    None
                } else {
                    Some(ProxyAddress::parse(text)?)
                }
            }
        }
        Ok(())
    }

    /// Reads a value of the settings file into its place.
    pub(super) fn put_toml(
        &self,
        settings: &mut Settings,
        item: &toml_edit::Item,
    ) -> Result<(), String> {
        let wrong = || format!("is a {}", item.type_name());
        match self {
            Self::Bool { at, .. } => *at(settings) = item.as_bool().ok_or_else(wrong)?,
            Self::Number { at, .. } => {
                let number = item.as_integer().ok_or_else(wrong)?;
                *at(settings) = self.in_range(number)?;
            }
            Self::List { at, .. } if item.is_array() => {
                let array = item.as_array().ok_or_else(wrong)?;
                let texts: Option<Vec<&str>> = array.iter().map(toml_edit::Value::as_str).collect();
                *at(settings) = self.checked_list(
                    texts
                        .ok_or("holds something that is not a text")?
                        .into_iter(),
                )?;
            }
            _ => self.put_text(settings, item.as_str().ok_or_else(wrong)?)?,
        }
        Ok(())
    }

    /// The value in its place, as it is shown.
    pub(super) fn get(&self, settings: &mut Settings) -> SettingValue {
        match self {
            Self::Bool { at, .. } => SettingValue::Bool(*at(settings)),
            Self::Number { at, .. } => SettingValue::Number(*at(settings)),
            Self::Choice { at, .. } => SettingValue::Text((*at(settings)).to_owned()),
            Self::Text { at, .. } => SettingValue::Text(at(settings).clone()),
            Self::Optional { at, .. } => at(settings)
                .clone()
                .map_or(SettingValue::None, SettingValue::Text),
            Self::List { at, .. } => SettingValue::List(at(settings).clone()),
            Self::Proxy { at } => at(settings)
                .as_ref()
                .map_or(SettingValue::None, |url| SettingValue::Text(url.masked())),
        }
    }

    /// The value in its place, as the settings file holds it: a proxy's password is left out. `None` is absent.
    pub(super) fn to_toml(&self, settings: &mut Settings) -> Option<toml_edit::Value> {
        if let Self::Proxy { at } = self {
            return at(settings)
                .as_ref()
                .map(|url| url.without_password().into());
        }
        match self.get(settings) {
            SettingValue::None => None,
            SettingValue::Bool(value) => Some(value.into()),
            SettingValue::Number(value) => Some(i64::try_from(value).unwrap_or(i64::MAX).into()),
            SettingValue::Text(value) => Some(value.into()),
            SettingValue::List(values) => {
                Some(toml_edit::Value::Array(values.into_iter().collect()))
            }
        }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self {
            Self::Bool { .. } => "true or false".to_owned(),
            Self::Number {
                min, max, unit: "", ..
            } => format!("{min} to {max}"),
            Self::Number { min, max, unit, .. } => format!("{min} to {max} {unit}"),
            Self::Choice { options, .. } => options.join(", "),
            Self::Text { allowed, .. } | Self::Optional { allowed, .. } => (*allowed).to_owned(),
            Self::List { allowed, .. } => format!("a list of: {allowed}"),
            Self::Proxy { .. } => ProxyAddress::ALLOWED.to_owned(),
        }
    }

    fn in_range(&self, number: i64) -> Result<u64, String> {
        let Self::Number { min, max, .. } = self else {
            return Err("is not a number".to_owned());
        };
        u64::try_from(number)
            .ok()
            .filter(|number| (min..=max).contains(&number))
            .ok_or_else(|| format!("cannot be {number}"))
    }

    fn checked_list<'a>(
        &self,
        parts: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<String>, String> {
        let Self::List { check, .. } = self else {
            return Err("is not a list".to_owned());
        };
        let mut list = Vec::new();
        for part in parts {
            let part = check(part.trim())?;
            if !list.contains(&part) {
                list.push(part);
            }
        }
        Ok(list)
    }
}

fn read_bool(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err(format!("cannot be {}", quoted(text))),
    }
}

/// The text in quotation marks, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

//! What only some accounts have, kept as a JSON object in the record's `options`: how the key is carried, what model names mean to it, its
//! preset. Members other parts of the program keep there stay as they are.
//!
//! Never a secret. Read by `records` for each target, changed by `change` and `accounts`.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use pool::{AccountId, Capability, Format};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::AccountRow;
use upstream::{AuthForm, Manner, Turns, Wire};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::presets::notice_of;
use crate::records;
use crate::settings::models;

/// The options this file knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountOptions {
    /// How its key is carried, of [`AuthForm::ALL`]; `None` = as its format does (F100).
    pub auth: Option<AuthForm>,
    /// A key account whose model names may end in thinking suffixes (F91).
    pub reads_suffixes: bool,
    /// Its own default effort (F90).
    pub effort: Option<String>,
    /// The preset it was added from (F103).
    pub preset: Option<String>,
    /// Its models that take turns (F94).
    pub turns: Option<ModelTurns>,
    /// Further formats of the same key (F103).
    pub wires: Vec<WireOption>,
    /// What it can serve, in words of [`Capability`]; empty = what its format and kind let expect (F103).
    pub capabilities: Vec<Capability>,
}

/// A further format of a key account (F103).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireOption {
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`.
    pub format: String,
    /// Where it is spoken; nothing said = the account's own base URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
}

impl WireOption {
    /// As the pool knows it; a word of another version is left out.
    pub(crate) fn format(&self) -> Option<Format> {
        self.format.parse().ok()
    }
}

/// Models of a key account that stand for one another: each serves some requests in a row (F94).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTurns {
    /// The models, in their order; two or more.
    pub models: Vec<String>,
    /// Requests in a row.
    #[serde(default = "usual_turn")]
    pub every: u32,
}

/// Requests each model serves where nobody says how many (F94).
pub const USUAL_TURN: u32 = 5;

const fn usual_turn() -> u32 {
    USUAL_TURN
}

const WIRES: &str = "wires";
const CAPABILITIES: &str = "capabilities";
const TURNS: &str = "turns";
const AUTH: &str = "auth";
const READS_SUFFIXES: &str = "reads_suffixes";
const EFFORT: &str = "effort";
const PRESET: &str = "preset";

fn object(row: &AccountRow) -> Map<String, Value> {
    let text = row.options.as_deref().unwrap_or("{}");
    serde_json::from_str(text).unwrap_or_default()
}

impl AccountOptions {
    /// Reads a record. What an older or newer version wrote otherwise counts as nothing said (F1).
    pub(crate) fn of(row: &AccountRow) -> Self {
        if row.options.is_none() {
            return Self::default();
        }
        let object = object(row);
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        Self {
            auth: text(AUTH).and_then(AuthForm::from_word),
            reads_suffixes: object
                .get(READS_SUFFIXES)
                .and_then(Value::as_bool)
                .unwrap_or(false),
            effort: text(EFFORT).map(str::to_owned),
            preset: text(PRESET).map(str::to_owned),
            turns: object
                .get(TURNS)
                .and_then(|value| ModelTurns::deserialize(value).ok()),
            wires: object
                .get(WIRES)
                .and_then(|value| Vec::deserialize(value).ok())
                .unwrap_or_default(),
            capabilities: object
                .get(CAPABILITIES)
                .and_then(Value::as_array)
                .map(|words| {
                    let word = |word: &Value| word.as_str()?.parse().ok();
                    words.iter().filter_map(word).collect()
                })
                .unwrap_or_default(),
        }
    }

    /// Writes them into a record.
    pub(crate) fn write(&self, row: &mut AccountRow) {
        let mut object = object(row);
        let mut put = |key: &str, value: Option<Value>| match value {
            Some(value) => {
                object.insert(key.to_owned(), value);
            }
            None => {
                object.remove(key);
            }
        };
        put(AUTH, self.auth.map(|form| form.as_str().into()));
        put(READS_SUFFIXES, self.reads_suffixes.then_some(true.into()));
        put(EFFORT, self.effort.clone().map(Value::from));
        put(PRESET, self.preset.clone().map(Value::from));
        let wires = (!self.wires.is_empty()).then_some(&self.wires);
        put(
            WIRES,
            wires.and_then(|wires| serde_json::to_value(wires).ok()),
        );
        let able = &self.capabilities;
        let able: Vec<&str> = able.iter().map(|one| one.as_str()).collect();
        put(CAPABILITIES, (!able.is_empty()).then(|| able.into()));
        let turns = self.turns.as_ref();
        put(
            TURNS,
            turns.and_then(|turns| serde_json::to_value(turns).ok()),
        );
        row.options = (!object.is_empty()).then(|| Value::Object(object).to_string());
    }

    /// The part that sending needs; `turns` is its list of models, as far as it has come.
    pub(crate) fn manner(self, turns: Option<Arc<Turns>>) -> Manner {
        let wire = |wire: WireOption| {
            Some(Wire {
                format: wire.format()?,
                base_url: wire.base_url.unwrap_or_default(),
            })
        };
        Manner {
            turns,
            wires: self.wires.into_iter().filter_map(wire).collect(),
            auth: self.auth,
            reads_suffixes: self.reads_suffixes,
            effort: self.effort,
        }
    }
}

/// The way one account is spoken to, as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsView {
    /// Whose.
    pub id: AccountId,
    /// What was said; nothing said is the default of kind and format.
    pub options: AccountOptions,
    /// How the key is carried in the end; `None` for a sign-in.
    pub auth: Option<AuthForm>,
    /// Headers sent along.
    pub headers: Vec<(String, String)>,
    /// Where a request goes; `None` when the base URL cannot be used.
    pub request_url: Option<String>,
    /// What the person should know of it (F110).
    pub notice: Option<&'static str>,
}

/// A change; the outer `None` keeps what is there, the inner one clears it.
#[derive(Debug, Clone, Default)]
pub struct OptionsChange {
    /// A word of [`AuthForm::ALL`].
    pub auth: Option<Option<String>>,
    /// Thinking suffixes are read (F91).
    pub reads_suffixes: Option<bool>,
    /// Default effort (F90).
    pub effort: Option<Option<String>>,
    /// Headers sent along, in place of all that are there. Never a secret.
    pub headers: Option<Vec<(String, String)>>,
    /// Models that take turns (F94).
    pub turns: Option<Option<ModelTurns>>,
    /// Further formats, in place of all that are there (F103).
    pub wires: Option<Vec<WireOption>>,
    /// What it can serve, in place of all that was said; empty is nothing said (F103).
    pub capabilities: Option<Vec<String>>,
}

/// Words there are, each once.
fn check_capabilities(words: &[String]) -> Result<Vec<Capability>, EngineError> {
    let mut all = Vec::new();
    for word in words {
        let one = word
            .parse()
            .map_err(|error: pool::UnknownWord| EngineError::Invalid(error.to_string()))?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    Ok(all)
}

/// Formats there are, each once, none of them the account's own. What is wrong with an address the target says.
fn check_wires(own: Format, wires: &[WireOption]) -> Result<(), EngineError> {
    let mut seen = vec![own];
    for wire in wires {
        let format = wire.format().ok_or_else(|| {
            EngineError::Invalid(format!(
                "format {:?} is not one of openai, responses, anthropic, gemini, codex",
                wire.format
            ))
        })?;
        if seen.contains(&format) {
            return Err(EngineError::Invalid(format!(
                "the account has the format {format} already"
            )));
        }
        seen.push(format);
    }
    Ok(())
}

/// A list that can take turns: two models or more, each one once.
fn check_turns(turns: &ModelTurns) -> Result<(), EngineError> {
    let models = &turns.models;
    let good = |model: &String| !model.trim().is_empty() && !model.contains('*');
    let twice = (1..models.len()).any(|at| models[..at].contains(&models[at]));
    if models.len() < 2 || twice || !models.iter().all(good) {
        return Err(EngineError::Invalid(
            "turns are taken by two or more models, each named once and in full".into(),
        ));
    }
    if !(1..=10_000).contains(&turns.every) {
        return Err(EngineError::Invalid(
            "a model's turn is 1 to 10000 requests".into(),
        ));
    }
    Ok(())
}

/// The form of that word.
pub(crate) fn check_auth(word: &str) -> Result<AuthForm, EngineError> {
    AuthForm::from_word(word).ok_or_else(|| {
        let words = AuthForm::ALL.map(|(_, word)| word).join(", ");
        EngineError::Invalid(format!("auth {word:?} is not one of {words}"))
    })
}

/// An effort by its wire word.
pub(crate) fn check_effort(word: &str) -> Result<String, EngineError> {
    models::effort(word).map_err(|problem| EngineError::Invalid(format!("effort {problem}")))
}

/// Headers that can be sent; the target refuses those that are the program's own.
pub(crate) fn check_headers(headers: &[(String, String)]) -> Result<(), EngineError> {
    for (name, value) in headers {
        if name.parse::<HeaderName>().is_err() || value.parse::<HeaderValue>().is_err() {
            return Err(EngineError::Invalid(format!(
                "the header {name:?} or its value cannot be sent"
            )));
        }
    }
    Ok(())
}

impl Engine {
    /// How an account is spoken to.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn account_options(&self, name: &str) -> Result<OptionsView, EngineError> {
        Ok(view(&self.find(name)?))
    }

    /// Changes how a key account is spoken to; of a sign-in, its default effort. Acts on the next request.
    ///
    /// # Errors
    /// Names the field that is wrong; then nothing changes.
    pub async fn change_account_options(
        &self,
        name: &str,
        change: OptionsChange,
    ) -> Result<OptionsView, EngineError> {
        self.changeable()?;
        let row = self.find(name)?;
        let key = records::kind(&row).is_key();
        let for_keys = change.auth.is_some() || change.reads_suffixes.is_some();
        if !key
            && (for_keys
                || change.turns.is_some()
                || change.wires.is_some()
                || change.capabilities.is_some())
        {
            return Err(EngineError::Invalid(
                "auth, reads_suffixes, turns, wires and capabilities are for key accounts; a sign-in has its own ways"
                    .into(),
            ));
        }
        let mut options = AccountOptions::of(&row);
        if let Some(auth) = &change.auth {
            options.auth = auth.as_deref().map(check_auth).transpose()?;
        }
        if let Some(effort) = &change.effort {
            options.effort = effort.as_deref().map(check_effort).transpose()?;
        }
        if let Some(turns) = &change.turns {
            turns.as_ref().map(check_turns).transpose()?;
            options.turns.clone_from(turns);
        }
        if let Some(wires) = &change.wires {
            check_wires(records::format(&row), wires)?;
            options.wires.clone_from(wires);
        }
        if let Some(words) = &change.capabilities {
            options.capabilities = check_capabilities(words)?;
        }
        options.reads_suffixes = change.reads_suffixes.unwrap_or(options.reads_suffixes);
        let put = |row: &mut AccountRow| {
            options.write(row);
            if let Some(headers) = &change.headers {
                row.extra_headers.clone_from(headers);
            }
        };
        check_headers(change.headers.as_deref().unwrap_or_default())?;
        let mut tried = row.clone();
        put(&mut tried);
        records::target(&tried)?;
        if !self.edit(&row.id, put).await? {
            return Err(EngineError::NotFound("the account is gone".into()));
        }
        if key {
            // What is kept for the next request carries the key as before.
            self.upstream.forget(&AccountId::from(row.id.as_str()));
        }
        self.account_options(&row.id)
    }
}

fn view(row: &AccountRow) -> OptionsView {
    let options = AccountOptions::of(row);
    let kind = records::kind(row);
    let format = records::format(row);
    let base = row.base_url.as_deref().unwrap_or_default();
    OptionsView {
        id: AccountId::from(row.id.as_str()),
        auth: kind
            .is_key()
            .then(|| options.auth.unwrap_or(AuthForm::of(format))),
        options,
        headers: row.extra_headers.clone(),
        request_url: upstream::preview(format, base)
            .ok()
            .filter(|_| kind.is_key()),
        notice: notice_of(kind, base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f100_options_come_back_and_others_members_stay() {
        let mut row = AccountRow::new("id", "relay", "label");
        assert_eq!(AccountOptions::of(&row), AccountOptions::default());
        row.options = Some(r#"{"other":{"kept":1},"auth":"smoke","effort":7}"#.to_owned());
        assert_eq!(AccountOptions::of(&row), AccountOptions::default());
        let options = AccountOptions {
            auth: Some(AuthForm::Bearer),
            reads_suffixes: true,
            effort: Some("low".to_owned()),
            preset: Some("anthropic".to_owned()),
            turns: Some(ModelTurns {
                models: vec!["a".to_owned(), "b".to_owned()],
                every: 3,
            }),
            wires: vec![WireOption {
                format: "anthropic".to_owned(),
                base_url: None,
            }],
            capabilities: vec![Capability::Chat, Capability::Embeddings],
        };
        options.write(&mut row);
        assert_eq!(AccountOptions::of(&row), options);
        AccountOptions::default().write(&mut row);
        assert_eq!(row.options.as_deref(), Some(r#"{"other":{"kept":1}}"#));
        row.options = Some("[]".to_owned());
        AccountOptions::default().write(&mut row);
        assert_eq!(row.options, None);
    }
}

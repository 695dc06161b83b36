//! Asking accounts for their models (F89): daily, by hand, and for a relay that is no account yet (F104). What an account told stays with it
//! until it tells something else.
//!
//! The order of what is believed: what the upstream has just told, what it told before, the Codex CLI's own list, the names this version was
//! built with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use pool::{AccountId, AccountKind, Format, Timestamp};
use protocol::suffix::Levels;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::AccountRow;
use tokio::time::Instant;

use crate::account_options::{AccountOptions, check_auth};
use crate::catalog::cached;
use crate::change::check_proxy;
use crate::compose::Engine;
use crate::error::EngineError;
use crate::records;

/// A stored list is asked for again when it is older than this (F89: daily).
const STALE_MS: i64 = 24 * 3600 * 1000;

/// How long a relay may take to tell its models while a person waits.
const ASKING: Duration = Duration::from_secs(20);

/// Largest model list of the Codex CLI that is read.
const LARGEST_CACHE: u64 = 8 << 20;

/// Where a list of models comes from (F89).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelSource {
    /// The upstream told it since this start.
    Upstream,
    /// The upstream told it before.
    Stored,
    /// The Codex CLI's list on this machine.
    CodexCli,
    /// This version's own names.
    BuiltIn,
    /// Nobody has told any.
    None,
}

impl ModelSource {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Stored => "stored",
            Self::CodexCli => "codex_cli",
            Self::BuiltIn => "built_in",
            Self::None => "none",
        }
    }
}

/// The list of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelListView {
    /// Whose.
    pub id: AccountId,
    /// Its label.
    pub label: String,
    /// Where it comes from.
    pub source: ModelSource,
    /// When it was told, as far as known.
    pub at: Option<Timestamp>,
    /// The names in it.
    pub models: Vec<String>,
    /// Why the last question had no answer, if it had none; the list is then the one before.
    pub problem: Option<String>,
}

/// What is known of the questions asked since this start.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// By account id: nothing, or why there was no answer.
    asked: Mutex<HashMap<String, Option<String>>>,
    /// What stands in for a sign-in's list: the Codex CLI's, with its age.
    codex_cli: Mutex<Option<(Vec<String>, Option<Timestamp>)>>,
}

impl Discovery {
    /// The list for a sign-in that has told none, and where it comes from.
    pub(crate) fn stand_in(&self) -> (Vec<String>, ModelSource, Option<Timestamp>) {
        let cli = self
            .codex_cli
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*cli {
            Some((models, at)) => (models.clone(), ModelSource::CodexCli, *at),
            None => {
                let names = Levels::built_in();
                let names = names.iter().map(|(name, _)| name.to_owned()).collect();
                (names, ModelSource::BuiltIn, None)
            }
        }
    }

    fn note(&self, id: &str, problem: Option<String>) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(id.to_owned(), problem);
    }

    fn asked(&self, id: &str) -> Option<Option<String>> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(id).cloned()
    }
}

/// Reads the list the Codex CLI keeps for itself (codex-backend §7). Never written.
fn read_codex_cli(folder: &std::path::Path) -> Option<(Vec<String>, Option<Timestamp>)> {
    #[derive(Deserialize)]
    struct Entry {
        slug: String,
        #[serde(default)]
        visibility: Option<String>,
    }
    #[derive(Deserialize)]
    struct Cache {
        models: Vec<Entry>,
    }
    let path = folder.join("models_cache.json");
    let facts = std::fs::metadata(&path).ok()?;
    if facts.len() > LARGEST_CACHE {
        return None;
    }
    let cache: Cache = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
    let listed = cache.models.into_iter().filter(|entry| {
        entry
            .visibility
            .as_deref()
            .is_none_or(|word| word == "list")
    });
    let names: Vec<String> = listed.map(|entry| entry.slug).collect();
    let written = facts.modified().ok()?;
    let written = written.duration_since(std::time::UNIX_EPOCH).ok()?;
    let at = i64::try_from(written.as_millis()).ok().map(Timestamp);
    (!names.is_empty()).then_some((names, at))
}

impl Engine {
    /// The list of every account, and where it comes from (F89).
    pub fn model_lists(&self) -> Vec<ModelListView> {
        self.records.with(|rows| {
            let lists = rows.iter().map(|row| self.model_list(row));
            lists.collect()
        })
    }

    fn model_list(&self, row: &AccountRow) -> ModelListView {
        let asked = self.discovery.asked(&row.id);
        let at = row.known_models_at.map(Timestamp);
        let (models, source, at) = match (cached(row), records::kind(row)) {
            ([], AccountKind::CodexOauth) => self.discovery.stand_in(),
            ([], AccountKind::Zai) => {
                let names = crate::presets::ZAI_MODELS.iter();
                let names = names.map(|name| (*name).to_owned()).collect();
                (names, ModelSource::BuiltIn, None)
            }
            ([], _) => (Vec::new(), ModelSource::None, at),
            (told, _) if asked == Some(None) => (told.to_vec(), ModelSource::Upstream, at),
            (told, _) => (told.to_vec(), ModelSource::Stored, at),
        };
        ModelListView {
            id: AccountId::from(row.id.as_str()),
            label: row.label.clone(),
            source,
            at,
            models,
            problem: asked.flatten(),
        }
    }

    /// Asks one account, or every enabled one, for its models now, and tells what is known then. What fails keeps its old list (F89).
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn refresh_models(
        self: &Arc<Self>,
        name: Option<&str>,
    ) -> Result<Vec<ModelListView>, EngineError> {
        self.look_at_codex_cli_models().await;
        let Some(name) = name else {
            self.discover_models().await;
            return Ok(self.model_lists());
        };
        let row = self.find(name)?;
        self.discover(&row).await;
        let row = self.find(&row.id)?;
        Ok(vec![self.model_list(&row)])
    }

    /// Asks every enabled account for its models now. What fails keeps its old list.
    pub async fn discover_models(self: &Arc<Self>) {
        let rows: Vec<AccountRow> = self
            .records
            .with(|rows| rows.iter().filter(|row| row.enabled).cloned().collect());
        for row in rows {
            self.discover(&row).await;
        }
    }

    /// Asks accounts whose list is unknown or a day old (F89).
    pub(crate) async fn discover_stale(self: &Arc<Self>) {
        self.look_at_codex_cli_models().await;
        let now = self.clock.now().0;
        let stale = |row: &&AccountRow| {
            let asked = row.known_models_at.is_some_and(|at| now - at < STALE_MS);
            // A Codex client needs the backend's own entries, which are not kept across starts.
            row.enabled && (!asked || !records::kind(row).is_key())
        };
        let rows: Vec<AccountRow> = self
            .records
            .with(|rows| rows.iter().filter(stale).cloned().collect());
        for row in rows {
            self.discover(&row).await;
        }
    }

    /// Asks accounts in the background, two at a time: an import of many must not become a burst of questions (F7).
    pub(crate) fn discover_later(self: &Arc<Self>, rows: Vec<AccountRow>) {
        use futures_util::StreamExt;
        let engine = self.clone();
        self.tasks.run(async move {
            futures_util::stream::iter(rows)
                .for_each_concurrent(2, |row| {
                    let engine = engine.clone();
                    async move { engine.discover(&row).await }
                })
                .await;
        });
    }

    /// What the Codex CLI on this machine keeps as its list stands in where a sign-in has none.
    async fn look_at_codex_cli_models(&self) {
        let Some(folder) = crate::import::codex_home(&self.env) else {
            return;
        };
        let read = self.tasks.blocking(move || read_codex_cli(&folder)).await;
        let read = read.unwrap_or_default();
        let changed = {
            let mut kept = self
                .discovery
                .codex_cli
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let changed = *kept != read;
            *kept = read;
            changed
        };
        if changed {
            self.gateway.set_catalog(self.catalog());
        }
    }

    pub(crate) async fn discover(&self, row: &AccountRow) {
        let Ok(target) = records::target(row) else {
            return;
        };
        let models = match self.upstream.list_models(&target).await {
            Ok(models) => models,
            Err(error) => {
                tracing::info!(account = %row.label, %error, "the model list could not be read; the old one stays");
                let problem = crate::redact::redact(&error.to_string()).into_owned();
                self.discovery.note(&row.id, Some(problem));
                return;
            }
        };
        // Before the list is in force, so that nobody sees the new one called an old one.
        self.discovery.note(&row.id, None);
        let sign_in = !records::kind(row).is_key();
        if sign_in {
            let mut raw = self
                .codex_entries
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            for model in &models {
                raw.insert(
                    model.id.clone(),
                    Bytes::copy_from_slice(model.raw.get().as_bytes()),
                );
            }
        }
        let names: Vec<String> = models.into_iter().map(|model| model.id).collect();
        // The record may have changed while the provider was asked: only the list is replaced.
        let now = self.clock.now().0;
        let kept = self.edit(&row.id, |fresh| {
            fresh.known_models = Some(names);
            fresh.known_models_at = Some(now);
        });
        if let Err(error) = kept.await {
            tracing::warn!(account = %row.label, %error, "the model list could not be kept");
        }
    }

    /// Where requests to a base URL will go: the normalised base, the request's address and the model list's.
    ///
    /// # Errors
    /// Says what is wrong with the URL or the format.
    pub fn preview_relay(
        base_url: &str,
        format: &str,
    ) -> Result<(String, String, String), EngineError> {
        let invalid = |error: upstream::BaseUrlError| EngineError::Invalid(error.to_string());
        let format: Format = format
            .parse()
            .map_err(|error: pool::UnknownWord| EngineError::Invalid(error.to_string()))?;
        let base = upstream::normalise_base(format, base_url).map_err(invalid)?;
        let request = upstream::preview(format, base_url).map_err(invalid)?;
        let models = upstream::preview_models(format, base_url).map_err(invalid)?;
        Ok((base.to_string(), request, models))
    }

    /// What a relay offers that is no account yet, and how long it took; the key is used once and kept nowhere (F104).
    ///
    /// # Errors
    /// Names the field that is wrong, or says what the relay answered.
    pub async fn relay_models(
        &self,
        base_url: &str,
        format: &str,
        key: &SecretString,
        proxy: Option<String>,
        auth: Option<&str>,
    ) -> Result<(Vec<String>, Duration), EngineError> {
        let format: Format = format
            .parse()
            .map_err(|error: pool::UnknownWord| EngineError::Invalid(error.to_string()))?;
        let base = upstream::normalise_base(format, base_url)
            .map_err(|error| EngineError::Invalid(error.to_string()))?;
        if key.expose_secret().trim().is_empty() {
            return Err(EngineError::Invalid("the key is empty".into()));
        }
        let proxy = proxy.filter(|proxy| !proxy.is_empty());
        check_proxy(proxy.as_deref())?;
        let options = AccountOptions {
            auth: auth.map(check_auth).transpose()?,
            ..AccountOptions::default()
        };
        let mut row = AccountRow {
            format: Some(format.as_str().to_owned()),
            base_url: Some(base.to_string()),
            proxy,
            ..self.blank(AccountKind::Relay, "relay".to_owned())
        };
        options.write(&mut row);
        let target = records::target(&row)?;
        let began = Instant::now();
        let asked = self.upstream.list_models_with(&target, key);
        let words = |text: String| EngineError::Provider(crate::redact::redact(&text).into_owned());
        let models = tokio::time::timeout(ASKING, asked)
            .await
            .map_err(|_| words("the relay did not answer in time".into()))?
            .map_err(|error| words(error.to_string()))?;
        let names = models.into_iter().map(|model| model.id).collect();
        Ok((names, began.elapsed()))
    }
}

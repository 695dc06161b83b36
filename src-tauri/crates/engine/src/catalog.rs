//! Which models there are (F81, F89): asked of each account, kept with it, and put together into the list clients see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway::{Catalog, Model};
use pool::{AccountKind, Format};
use secrecy::{ExposeSecret, SecretString};
use store::AccountRow;
use tokio::time::Instant;

use crate::change::check_proxy;
use crate::compose::Engine;
use crate::demo::is_demo;
use crate::error::EngineError;
use crate::records;

/// A stored list is asked for again when it is older than this (F89: daily).
const STALE_MS: i64 = 24 * 3600 * 1000;

/// How long a relay may take to tell its models while a person waits.
const ASKING: Duration = Duration::from_secs(20);

/// A model of one account as the record keeps it.
pub(crate) struct Cached {
    pub id: String,
}

/// The models an account was found to offer.
pub(crate) fn cached(row: &AccountRow) -> Vec<Cached> {
    row.known_models
        .iter()
        .flatten()
        .map(|id| Cached { id: id.clone() })
        .collect()
}

/// Whether a list of exact names and prefixes with `*` names the model (F93).
fn allows(rules: &[String], model: &str) -> bool {
    rules.iter().any(|rule| {
        rule.strip_suffix('*')
            .map_or(rule == model, |prefix| model.starts_with(prefix))
    })
}

/// What one account offers, and whether its upstream told of it. A relay's own list may be long; what the person allowed is what counts.
fn offered(row: &AccountRow) -> Vec<(String, bool)> {
    let told: Vec<String> = cached(row).into_iter().map(|model| model.id).collect();
    let Some(rules) = &row.allowed_models else {
        return told.into_iter().map(|id| (id, true)).collect();
    };
    // A wildcard is no name.
    let named = rules.iter().filter(|rule| !rule.contains('*'));
    let mut offered: Vec<(String, bool)> = named
        .map(|rule| (rule.clone(), told.contains(rule)))
        .collect();
    let more = told
        .iter()
        .filter(|id| allows(rules, id) && !rules.contains(id));
    offered.extend(more.map(|id| (id.clone(), true)));
    offered
}

/// Whose models these are, as the OpenAI shape wants to know.
fn owner(row: &AccountRow) -> &str {
    if records::kind(row).is_key() {
        &row.label
    } else {
        "openai"
    }
}

/// A model clients can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelView {
    /// Its name.
    pub id: String,
    /// The provider, or the label of the first relay that offers it.
    pub owned_by: String,
    /// Labels of the enabled accounts that offer it, in the person's order.
    pub accounts: Vec<String>,
    /// What those accounts speak.
    pub formats: Vec<Format>,
    /// An upstream told of it; otherwise only the person allowed it.
    pub told: bool,
}

impl Engine {
    /// The union of what enabled accounts can serve, by name. Of simulated accounts while these serve, else of the others.
    pub(crate) fn catalog(&self) -> Catalog {
        let simulated = self.pool.with(|pool| pool.simulated());
        let raw = self
            .codex_entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut models: BTreeMap<String, Model> = BTreeMap::new();
        self.records.with(|rows| {
            let serves = |row: &&AccountRow| row.enabled && is_demo(row) == simulated;
            for row in rows.iter().filter(serves) {
                let sign_in = !records::kind(row).is_key();
                for (id, _) in offered(row) {
                    let entry = models.entry(id.clone()).or_insert_with(|| Model {
                        id,
                        owned_by: owner(row).to_owned(),
                        created: 0,
                        codex: None,
                    });
                    if sign_in && entry.codex.is_none() {
                        entry.codex = raw.get(&entry.id).cloned();
                    }
                }
            }
        });
        Catalog {
            models: models.into_values().collect(),
            codex_etag: None,
        }
    }

    /// All models clients can name, and who offers them.
    pub fn models(&self) -> Vec<ModelView> {
        let mut models: BTreeMap<String, ModelView> = BTreeMap::new();
        self.records.with(|rows| {
            for row in rows.iter().filter(|row| row.enabled) {
                let format = records::format(row);
                for (id, told) in offered(row) {
                    let model = models.entry(id.clone()).or_insert_with(|| ModelView {
                        id,
                        owned_by: owner(row).to_owned(),
                        accounts: Vec::new(),
                        formats: Vec::new(),
                        told: false,
                    });
                    // A relay may list a model twice.
                    if model.accounts.last() != Some(&row.label) {
                        model.accounts.push(row.label.clone());
                    }
                    if !model.formats.contains(&format) {
                        model.formats.push(format);
                    }
                    model.told |= told;
                }
            }
        });
        models.into_values().collect()
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

    pub(crate) async fn discover(&self, row: &AccountRow) {
        let Ok(target) = records::target(row) else {
            return;
        };
        let models = match self.upstream.list_models(&target).await {
            Ok(models) => models,
            Err(error) => {
                tracing::info!(account = %row.label, %error, "the model list could not be read; the old one stays");
                return;
            }
        };
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
        let row = AccountRow {
            format: Some(format.as_str().to_owned()),
            base_url: Some(base.to_string()),
            proxy,
            ..self.blank(AccountKind::Relay, "relay".to_owned())
        };
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

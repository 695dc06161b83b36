//! Which models there are (F81, F89): asked of each account, kept with it, and put together into the list clients see.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gateway::{Catalog, Model};
use pool::AccountId;
use store::AccountRow;

use crate::compose::Engine;
use crate::demo::is_demo;
use crate::error::EngineError;
use crate::records;

/// A stored list is asked for again when it is older than this (F89: daily).
const STALE_MS: i64 = 24 * 3600 * 1000;

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
                let owner = if sign_in {
                    "openai"
                } else {
                    row.label.as_str()
                };
                let offered = cached(row).into_iter().map(|model| model.id);
                // A relay's own list may be long; what the person allowed is what counts. A wildcard is no name.
                let allowed = row
                    .allowed_models
                    .iter()
                    .flatten()
                    .filter(|model| !model.contains('*'))
                    .cloned();
                let names: Vec<String> = match &row.allowed_models {
                    None => offered.collect(),
                    Some(rules) => allowed
                        .chain(offered.filter(|id| allows(rules, id)))
                        .collect(),
                };
                for id in names {
                    let entry = models.entry(id.clone()).or_insert_with(|| Model {
                        id,
                        owned_by: owner.to_owned(),
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

    /// Names of all models and who offers them.
    pub fn models(&self) -> Vec<(String, String)> {
        self.catalog()
            .models
            .into_iter()
            .map(|model| (model.id, model.owned_by))
            .collect()
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

    /// The quota of one sign-in, asked now; no model call (F68).
    ///
    /// # Errors
    /// When there is no such account, it uses a key, or its provider does not tell.
    pub async fn query_quota_of(
        &self,
        name: &str,
    ) -> Result<crate::views::AccountView, EngineError> {
        let row = self.find(name)?;
        if records::kind(&row).is_key() {
            return Err(EngineError::Invalid(format!(
                "{} uses a key; its provider tells no quota",
                row.label
            )));
        }
        let quota = self
            .upstream
            .query_usage(&records::target(&row)?)
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        self.gateway
            .observe(&AccountId::from(row.id.as_str()), quota);
        self.account(&row.id)
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
        let format: pool::Format = format
            .parse()
            .map_err(|error: pool::UnknownWord| EngineError::Invalid(error.to_string()))?;
        let base = upstream::normalise_base(format, base_url).map_err(invalid)?;
        let request = upstream::preview(format, base_url).map_err(invalid)?;
        let models = format!("{}/models", base.as_str().trim_end_matches('/'));
        Ok((base.to_string(), request, models))
    }

    /// Quota of every sign-in, asked now; no model call (F68). Three at a time.
    pub async fn query_quota(&self) {
        use futures_util::StreamExt;
        let rows: Vec<AccountRow> = self.records.with(|rows| {
            rows.iter()
                .filter(|row| row.enabled && !records::kind(row).is_key())
                .cloned()
                .collect()
        });
        futures_util::stream::iter(rows)
            .for_each_concurrent(3, |row| async move {
                let Ok(target) = records::target(&row) else {
                    return;
                };
                let id = AccountId::from(row.id.as_str());
                match self.upstream.query_usage(&target).await {
                    Ok(quota) => self.gateway.observe(&id, quota),
                    Err(error) => {
                        tracing::info!(account = %row.label, %error, "the quota could not be read")
                    }
                }
            })
            .await;
    }
}

//! The list of models clients see (F81, F91, F92): what enabled accounts offer, put together with aliases and, where the person wants them,
//! suffixed names. How accounts are asked is `discovery`'s business.

use std::collections::BTreeMap;

use bytes::Bytes;
use gateway::{Catalog, Model};
use pool::{AccountKind, Format};
use protocol::suffix::Levels;
use serde::Deserialize;
use store::AccountRow;

use crate::compose::Engine;
use crate::demo::is_demo;
use crate::discovery::Discovery;
use crate::presets::ZAI_MODELS;
use crate::records;
use crate::settings::models::Names;

/// The models an account was found to offer.
pub(crate) fn cached(row: &AccountRow) -> &[String] {
    row.known_models.as_deref().unwrap_or_default()
}

/// Whether a list of exact names and prefixes with `*` names the model (F93).
fn allows(rules: &[String], model: &str) -> bool {
    rules.iter().any(|rule| {
        rule.strip_suffix('*')
            .map_or(rule == model, |prefix| model.starts_with(prefix))
    })
}

/// What one account offers, and whether its upstream told of it. A relay's own list may be long; what the person allowed is what counts.
fn offered(row: &AccountRow, discovery: &Discovery) -> Vec<(String, bool)> {
    let told = cached(row);
    let kind = records::kind(row);
    let mut names: Vec<(String, bool)> = told.iter().map(|id| (id.clone(), true)).collect();
    let more = match kind {
        // F109: these are always there.
        AccountKind::Zai => ZAI_MODELS.iter().map(|id| (*id).to_owned()).collect(),
        AccountKind::CodexOauth if told.is_empty() => discovery.stand_in().0,
        _ => Vec::new(),
    };
    for id in more {
        if !told.contains(&id) {
            names.push((id, false));
        }
    }
    let Some(rules) = &row.allowed_models else {
        return names;
    };
    // A wildcard is no name.
    let named = rules.iter().filter(|rule| !rule.contains('*'));
    let mut offered: Vec<(String, bool)> = named
        .map(|rule| (rule.clone(), told.contains(rule)))
        .collect();
    names.retain(|(id, _)| allows(rules, id) && !rules.contains(id));
    offered.extend(names);
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

fn listed(id: String, owned_by: &str) -> Model {
    Model {
        id,
        owned_by: owned_by.to_owned(),
        created: 0,
        codex: None,
    }
}

/// Whether a sign-in may draw: its provider offers that to every account and puts the model on no list (F95).
fn draws(row: &AccountRow) -> bool {
    let rules = row.allowed_models.as_ref();
    rules.is_none_or(|rules| allows(rules, protocol::images::MODEL))
}

/// The thinking levels the Codex backend names in a model's own entry.
fn told_levels(entry: &Bytes) -> Vec<String> {
    #[derive(Deserialize)]
    struct Level {
        effort: String,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        supported_reasoning_levels: Vec<Level>,
    }
    serde_json::from_slice::<Entry>(entry).map_or_else(
        |_| Vec::new(),
        |entry| {
            let levels = entry.supported_reasoning_levels.into_iter();
            levels.map(|level| level.effort).collect()
        },
    )
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
        let names = Names::of(&self.settings.current().settings);
        let list_suffixes = self.settings.current().settings.models.list_suffixes;
        let raw = self
            .codex_entries
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut models: BTreeMap<String, Model> = BTreeMap::new();
        let mut levels = Levels::built_in();
        for (model, words) in &names.levels {
            levels.put(model, words.clone());
        }
        let mut native = Vec::new();
        // A key account without any list may serve whatever name it is asked for.
        let mut anything = false;
        self.records.with(|rows| {
            let serves = |row: &&AccountRow| row.enabled && is_demo(row) == simulated;
            for row in rows.iter().filter(serves) {
                let sign_in = !records::kind(row).is_key();
                if sign_in && draws(row) {
                    let id = protocol::images::MODEL.to_owned();
                    let entry = models.entry(id.clone());
                    entry.or_insert_with(|| listed(id, owner(row)));
                }
                anything |= !sign_in && row.allowed_models.is_none() && cached(row).is_empty();
                for (id, _) in offered(row, &self.discovery) {
                    if sign_in {
                        native.push(id.clone());
                    }
                    let entry = models.entry(id.clone());
                    let entry = entry.or_insert_with(|| listed(id, owner(row)));
                    if sign_in && entry.codex.is_none() {
                        entry.codex = raw.get(&entry.id).cloned();
                    }
                }
            }
        });
        for id in &native {
            let words = raw.get(id).map(told_levels).unwrap_or_default();
            levels.told(id, &words);
        }
        drop(raw);
        add_aliases(&names, &levels, anything, &mut models);
        if list_suffixes {
            add_suffixed(&native, &levels, &mut models);
        }
        Catalog {
            models: models.into_values().collect(),
            levels,
            codex_etag: None,
        }
    }

    /// All models clients can name, and who offers them.
    pub fn models(&self) -> Vec<ModelView> {
        let mut models: BTreeMap<String, ModelView> = BTreeMap::new();
        self.records.with(|rows| {
            for row in rows.iter().filter(|row| row.enabled) {
                let format = records::format(row);
                let also = records::account(row).also;
                for (id, told) in offered(row, &self.discovery) {
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
                    for format in std::iter::once(format).chain(also.iter().copied()) {
                        if !model.formats.contains(&format) {
                            model.formats.push(format);
                        }
                    }
                    model.told |= told;
                }
            }
        });
        models.into_values().collect()
    }
}

/// Aliases whose model somebody offers, or may offer (F81, F92).
fn add_aliases(
    names: &Names,
    levels: &Levels,
    anything: bool,
    models: &mut BTreeMap<String, Model>,
) {
    for (alias, target) in names.followed().unwrap_or_default() {
        let base = protocol::suffix::read(&target.model, levels);
        let found = models.get(&target.model).or_else(|| {
            let base = base.as_ref().ok()?;
            models.get(&*base.model)
        });
        let owned_by = match found {
            Some(model) => model.owned_by.clone(),
            None if anything => "alias".to_owned(),
            None => continue,
        };
        let entry = models.entry(alias.clone());
        entry.or_insert_with(|| listed(alias, &owned_by));
    }
}

/// Sign-ins' models with each level behind them, and at the fast tier (F91).
fn add_suffixed(native: &[String], levels: &Levels, models: &mut BTreeMap<String, Model>) {
    for id in native {
        let words = levels.of(id).iter().map(String::as_str);
        for word in words.chain(["fast"]) {
            let name = format!("{id}-{word}");
            let entry = models.entry(name.clone());
            entry.or_insert_with(|| listed(name, "openai"));
        }
    }
}

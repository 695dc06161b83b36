//! Names of models, lists of models and presets on the wire (F89–F92, F99–F103).

use std::collections::BTreeMap;

use engine::{AliasView, ModelListView, NamesView, OptionsView, Preset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::told;

/// An alias as it was set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alias {
    /// The name clients write.
    pub alias: String,
    /// The name it stands for, which may be an alias too.
    pub model: String,
    /// The only group that serves it; null: everybody.
    pub group: Option<String>,
    /// The model at the end of the chain.
    pub leads_to: String,
    /// Labels of the accounts that would serve it now, best first.
    pub accounts: Vec<String>,
}

impl From<AliasView> for Alias {
    fn from(view: AliasView) -> Self {
        Self {
            alias: view.alias,
            model: view.model,
            group: view.group,
            leads_to: view.leads_to,
            accounts: view.accounts,
        }
    }
}

/// A name pattern and the model that stands for it on sign-ins.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pattern {
    pub pattern: String,
    pub model: String,
}

/// What names of models mean now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelNames {
    pub aliases: Vec<Alias>,
    /// The first match counts.
    pub patterns: Vec<Pattern>,
    /// The thinking levels that may stand behind a model's name.
    pub levels: BTreeMap<String, Vec<String>>,
    /// The effort of sign-ins where nothing else says one.
    pub default_effort: Option<String>,
    /// The model of requests that name none.
    pub default_model: Option<String>,
}

impl From<NamesView> for ModelNames {
    fn from(view: NamesView) -> Self {
        let pattern = |(pattern, model)| Pattern { pattern, model };
        Self {
            aliases: view.aliases.into_iter().map(Into::into).collect(),
            patterns: view.patterns.into_iter().map(pattern).collect(),
            levels: view
                .levels
                .into_iter()
                .map(|view| (view.model, view.levels))
                .collect(),
            default_effort: view.default_effort,
            default_model: view.default_model,
        }
    }
}

/// Where an alias is to lead.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AliasTarget {
    /// A model, or another alias.
    pub model: String,
    /// The only group that serves it.
    #[serde(default)]
    pub group: Option<String>,
}

/// The models of one account, and where the list comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// The account.
    pub id: String,
    pub label: String,
    /// `upstream` (told since this start), `stored`, `codex_cli`, `built_in` or `none`.
    pub source: &'static str,
    /// When it was told, as far as known.
    pub at: Option<i64>,
    pub models: Vec<String>,
    /// Why the last question had no answer; the list is then the one before.
    pub problem: Option<String>,
}

impl From<ModelListView> for ModelList {
    fn from(view: ModelListView) -> Self {
        Self {
            id: view.id.to_string(),
            label: view.label,
            source: view.source.as_str(),
            at: view.at.map(|at| at.0),
            models: view.models,
            problem: view.problem,
        }
    }
}

/// Which accounts are asked for their models.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct RefreshModels {
    /// One by id or label; null: every enabled one.
    #[serde(default)]
    pub account: Option<String>,
}

/// A known provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RelayPreset {
    /// The word it is chosen by.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// `relay`, `zai` or `provider_key`.
    pub kind: &'static str,
    pub format: &'static str,
    pub base_url: &'static str,
    /// `bearer`, `x-api-key`, `x-goog-api-key` or `query`.
    pub auth: &'static str,
    /// How its balance or quota is asked; null: it cannot be asked.
    pub balance: Option<&'static str>,
    /// The group its accounts share.
    pub group: Option<&'static str>,
    pub models: &'static [&'static str],
    /// It runs on this machine and needs no key.
    pub local: bool,
    /// What to know before using it.
    pub notice: Option<&'static str>,
}

impl From<&Preset> for RelayPreset {
    fn from(preset: &Preset) -> Self {
        Self {
            name: preset.name,
            title: preset.title,
            kind: preset.kind.as_str(),
            format: preset.format.as_str(),
            base_url: preset.base_url,
            auth: preset.auth.as_str(),
            balance: preset.balance,
            group: preset.group,
            models: preset.models,
            local: preset.local,
            notice: preset.notice,
        }
    }
}

/// How an account is spoken to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountOptions {
    pub id: String,
    /// The preset it was added from.
    pub preset: Option<String>,
    /// How its key is carried; null for a sign-in.
    pub auth: Option<&'static str>,
    /// Whether that was chosen; otherwise it is the format's own form.
    pub auth_chosen: bool,
    /// Thinking suffixes of model names are read.
    pub reads_suffixes: bool,
    /// Its own default effort.
    pub effort: Option<String>,
    /// Headers sent along.
    pub headers: Vec<HeaderLine>,
    /// Models that take turns.
    pub turns: Option<ModelTurns>,
    /// Further formats of the same key.
    pub wires: Vec<Wire>,
    /// What it was said to serve: chat, embeddings, images; empty: what its format lets expect.
    pub capabilities: Vec<&'static str>,
    /// Where its requests go.
    pub request_url: Option<String>,
    /// What to know of it.
    pub notice: Option<&'static str>,
}

/// Models that stand for one another: each serves some requests in a row.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ModelTurns {
    /// Two or more, each named in full.
    pub models: Vec<String>,
    /// Requests in a row; 5 unless you say otherwise.
    #[serde(default = "usual_turn")]
    pub every: u32,
}

fn usual_turn() -> u32 {
    engine::USUAL_TURN
}

/// A further format of an account.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Wire {
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`.
    pub format: String,
    /// Where it is spoken; null: the account's own base URL.
    #[serde(default)]
    pub base_url: Option<String>,
}

/// A header sent along. Never a secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct HeaderLine {
    pub name: String,
    pub value: String,
}

impl From<OptionsView> for AccountOptions {
    fn from(view: OptionsView) -> Self {
        let line = |(name, value)| HeaderLine { name, value };
        Self {
            id: view.id.to_string(),
            preset: view.options.preset,
            auth: view.auth.map(engine::AuthForm::as_str),
            auth_chosen: view.options.auth.is_some(),
            reads_suffixes: view.options.reads_suffixes || view.auth.is_none(),
            effort: view.options.effort,
            headers: view.headers.into_iter().map(line).collect(),
            wires: view
                .options
                .wires
                .into_iter()
                .map(|wire| Wire {
                    format: wire.format,
                    base_url: wire.base_url,
                })
                .collect(),
            capabilities: view
                .options
                .capabilities
                .iter()
                .map(|one| one.as_str())
                .collect(),
            turns: view.options.turns.map(|turns| ModelTurns {
                models: turns.models,
                every: turns.every,
            }),
            request_url: view.request_url,
            notice: view.notice,
        }
    }
}

/// What to change of it; a field that is absent stays, null clears it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountOptionsPatch {
    /// `bearer`, `x-api-key`, `x-goog-api-key` or `query`; cleared: the format's own form.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub auth: Option<Option<String>>,
    #[serde(default)]
    pub reads_suffixes: Option<bool>,
    /// none, minimal, low, medium, high, xhigh or max.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub effort: Option<Option<String>>,
    /// In place of all that are there.
    #[serde(default)]
    pub headers: Option<Vec<HeaderLine>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<ModelTurns>)]
    pub turns: Option<Option<ModelTurns>>,
    /// In place of all that are there.
    #[serde(default)]
    pub wires: Option<Vec<Wire>>,
    /// chat, embeddings, images; in place of all that was said, empty is nothing said.
    #[serde(default)]
    pub capabilities: Option<Vec<String>>,
}

impl From<AccountOptionsPatch> for engine::OptionsChange {
    fn from(patch: AccountOptionsPatch) -> Self {
        Self {
            auth: patch.auth,
            reads_suffixes: patch.reads_suffixes,
            effort: patch.effort,
            headers: patch.headers.map(pairs),
            wires: patch.wires.map(|wires| {
                let wire = |wire: Wire| engine::WireOption {
                    format: wire.format,
                    base_url: wire.base_url,
                };
                wires.into_iter().map(wire).collect()
            }),
            capabilities: patch.capabilities,
            turns: patch.turns.map(|turns| {
                turns.map(|turns| engine::ModelTurns {
                    models: turns.models,
                    every: turns.every,
                })
            }),
        }
    }
}

/// Headers as the engine takes them.
pub(crate) fn pairs(lines: Vec<HeaderLine>) -> Vec<(String, String)> {
    lines
        .into_iter()
        .map(|line| (line.name, line.value))
        .collect()
}

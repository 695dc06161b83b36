//! Names of models as use cases: aliases are set and taken back one by one, and everything that is known of names is shown in one look
//! (F90–F92). The settings hold them; `convert` hands them to the gateway.

use gateway::Alias;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::settings::models::{Names, write_alias};

/// The setting that holds the aliases.
const ALIASES: &str = "models.aliases";

/// An alias as it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasView {
    /// The name clients write.
    pub alias: String,
    /// The name it stands for, which may be an alias too.
    pub model: String,
    /// The only group that serves it.
    pub group: Option<String>,
    /// The model at the end of the chain.
    pub leads_to: String,
    /// Labels of the enabled accounts that would serve it now, best first.
    pub accounts: Vec<String>,
}

/// A model and the levels that may stand behind its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelsView {
    /// The model.
    pub model: String,
    /// Its levels.
    pub levels: Vec<String>,
}

/// Everything that decides what a model's name means.
#[derive(Debug, Clone)]
pub struct NamesView {
    /// Aliases by name.
    pub aliases: Vec<AliasView>,
    /// Patterns and the models that stand for them, in order.
    pub patterns: Vec<(String, String)>,
    /// Thinking levels by model: what the upstream listed, else the person's, else the built-in ones.
    pub levels: Vec<LevelsView>,
    /// The effort of sign-ins where nothing else says one.
    pub default_effort: Option<String>,
    /// The model of requests that name none.
    pub default_model: Option<String>,
}

impl Engine {
    /// What names of models mean now.
    pub fn names(&self) -> NamesView {
        let settings = &self.settings.current().settings;
        let names = Names::of(settings);
        let followed = names.followed().unwrap_or_default();
        let view = |(alias, target): &(String, Alias)| AliasView {
            alias: alias.clone(),
            model: target.model.clone(),
            group: target.group.clone(),
            leads_to: followed
                .get(alias)
                .map_or_else(|| target.model.clone(), |end| end.model.clone()),
            accounts: self
                .explain(alias)
                .into_iter()
                .filter(|line| line.rank.is_some())
                .map(|line| line.label)
                .collect(),
        };
        let mut aliases: Vec<AliasView> = names.aliases.iter().map(view).collect();
        aliases.sort_by(|a, b| a.alias.cmp(&b.alias));
        let levels = self.catalog().levels;
        NamesView {
            aliases,
            patterns: names.patterns,
            levels: levels
                .iter()
                .map(|(model, words)| LevelsView {
                    model: model.to_owned(),
                    levels: words.to_vec(),
                })
                .collect(),
            default_effort: settings.thinking.default_effort.clone(),
            default_model: settings.models.default.clone(),
        }
    }

    /// Sets an alias, in place of one of that name.
    ///
    /// # Errors
    /// Says what is wrong with it, also with the chain it would make; then nothing changes.
    pub async fn set_alias(
        self: &std::sync::Arc<Self>,
        alias: &str,
        model: &str,
        group: Option<&str>,
    ) -> Result<AliasView, EngineError> {
        if let Some(sign) = [alias, model].iter().find(|text| text.contains([',', '='])) {
            return Err(EngineError::Invalid(format!(
                "a name in an alias cannot hold , or = : {sign:?}"
            )));
        }
        let target = Alias {
            model: model.trim().to_owned(),
            group: group
                .map(str::trim)
                .filter(|group| !group.is_empty())
                .map(str::to_owned),
        };
        let alias = alias.trim();
        self.change_aliases(alias, Some(write_alias(alias, &target)))
            .await?;
        let found = self
            .names()
            .aliases
            .into_iter()
            .find(|view| view.alias == alias);
        found.ok_or(EngineError::Internal)
    }

    /// Takes an alias back.
    ///
    /// # Errors
    /// When there is no such alias.
    pub async fn remove_alias(self: &std::sync::Arc<Self>, alias: &str) -> Result<(), EngineError> {
        let names = Names::of(&self.settings.current().settings);
        if !names.aliases.iter().any(|(name, _)| name == alias) {
            return Err(EngineError::NotFound(format!(
                "there is no alias {alias:?}"
            )));
        }
        self.change_aliases(alias, None).await
    }

    /// Writes the list without `alias` and with `text` in its place.
    async fn change_aliases(
        self: &std::sync::Arc<Self>,
        alias: &str,
        text: Option<String>,
    ) -> Result<(), EngineError> {
        let names = Names::of(&self.settings.current().settings);
        let mut texts: Vec<String> = names
            .aliases
            .iter()
            .filter(|(name, _)| name != alias)
            .map(|(name, target)| write_alias(name, target))
            .collect();
        texts.extend(text);
        let value = (!texts.is_empty()).then(|| texts.join(","));
        self.change_setting(ALIASES, value.as_deref()).await?;
        Ok(())
    }
}

//! From the name a client asked for to the names accounts know: aliases, thinking suffixes, name patterns, defaults (F90–F92).
//!
//! Pure lookups; the rules are the engine's settings, swapped as a whole with [`crate::Config`]. It chooses no account: which of the two
//! names counts is the account's own nature (F91). Called by the surface once per request, and by whoever explains a choice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::StatusCode;
use protocol::suffix::{self, Suffixed, WrongLevel};
use protocol::{Dialect, ReasoningOutput};

use crate::config::Catalog;
use crate::reply::Refusal;

/// What the person has decided about names, thinking and translation.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// Models by alias, each chain already followed to its end (F92).
    pub aliases: BTreeMap<String, Alias>,
    /// Names of other vendors' models and the model that stands for them on accounts that read suffixes; the first match counts (F92).
    pub patterns: Vec<(String, String)>,
    /// Where a client names no model: by dialect, before [`crate::Config::default_model`] (F92).
    pub default_models: Vec<(Dialect, String)>,
    /// The effort for sign-ins where neither name nor body say one; key accounts have their own (F90).
    pub default_effort: Option<String>,
    /// Key accounts serve in their own dialect alone (F88).
    pub direct_only: bool,
    /// How translated Chat answers show reasoning (F85).
    pub reasoning: ReasoningOutput,
    /// Z.AI accounts' reasoning stands inside the text, translated or not (F109).
    pub zai_think_tags: bool,
}

/// Where an alias leads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alias {
    /// The model.
    pub model: String,
    /// The only group whose accounts may serve it.
    pub group: Option<String>,
}

impl Naming {
    /// The model for a client of this dialect that named none, if one is set.
    pub(crate) fn default_model(&self, dialect: Dialect) -> Option<&String> {
        let found = self.default_models.iter().find(|(of, _)| *of == dialect);
        found.map(|(_, model)| model)
    }
}

/// A model by the names accounts know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Its name as it stands, for accounts that take names as they are.
    pub model: String,
    /// The only group whose accounts may serve it.
    pub group: Option<String>,
    /// For accounts that read suffixes and patterns, where that is something else.
    pub native: Option<Box<Native>>,
}

/// A model and what its name asked for besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Native {
    /// The model alone.
    pub model: String,
    /// The level.
    pub effort: Option<Cow<'static, str>>,
    /// The priority service tier.
    pub fast: bool,
    /// The provider's image generation as a tool.
    pub image: bool,
}

impl Named {
    /// The name for accounts that read suffixes, where it is another one.
    #[must_use]
    pub fn native_model(&self) -> Option<&str> {
        self.native.as_deref().map(|native| native.model.as_str())
    }
}

/// Finds the names of a model a client asked for.
///
/// # Errors
/// When a known model does not take the level behind its name.
pub(crate) fn resolve(
    naming: &Naming,
    catalog: &Catalog,
    asked: &str,
) -> Result<Named, WrongLevel> {
    let (model, group) = behind_alias(naming, catalog, asked);
    let mut read = match suffix::read(&model, &catalog.levels) {
        Ok(read) => read,
        // A key account may have a real model of that name (F91).
        Err(_) if catalog.lists(&model) => Suffixed::plain(&model),
        Err(wrong) => return Err(wrong),
    };
    if let Some(stand_in) = pattern(naming, catalog, &read.model) {
        let own = suffix::read(stand_in, &catalog.levels)?;
        read = Suffixed {
            model: own.model,
            effort: read.effort.or(own.effort),
            fast: read.fast || own.fast,
            image: read.image || own.image,
        };
    }
    let native = (read != Suffixed::plain(&model)).then(|| {
        Box::new(Native {
            model: read.model.into_owned(),
            effort: read.effort,
            fast: read.fast,
            image: read.image,
        })
    });
    Ok(Named {
        native,
        model: model.into_owned(),
        group,
    })
}

/// The model an alias stands for; a suffix behind an alias goes with it.
fn behind_alias<'n>(
    naming: &Naming,
    catalog: &Catalog,
    asked: &'n str,
) -> (Cow<'n, str>, Option<String>) {
    if naming.aliases.is_empty() {
        return (Cow::Borrowed(asked), None);
    }
    if let Some(alias) = naming.aliases.get(asked) {
        return (Cow::Owned(alias.model.clone()), alias.group.clone());
    }
    let parts = asked.rmatch_indices('-').map(|(at, _)| at);
    for at in parts.filter(|_| !catalog.lists(asked)) {
        let (name, tail) = asked.split_at(at);
        if let Some(alias) = naming.aliases.get(name)
            && suffix::is_suffix(tail)
        {
            let model = format!("{}{tail}", alias.model);
            return (Cow::Owned(model), alias.group.clone());
        }
    }
    (Cow::Borrowed(asked), None)
}

/// The model that stands for a name no sign-in knows, where the person has set one.
fn pattern<'n>(naming: &'n Naming, catalog: &Catalog, model: &str) -> Option<&'n str> {
    if naming.patterns.is_empty() || catalog.levels.knows(model) {
        return None;
    }
    let found = naming
        .patterns
        .iter()
        .find(|(pattern, _)| matches(pattern.as_bytes(), model.as_bytes()));
    found.map(|(_, stand_in)| stand_in.as_str())
}

/// Whether a name fits a pattern in which `*` stands for anything; the case of letters does not count.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last `*` was, and how much of the name it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern
            .get(p)
            .is_some_and(|byte| byte.eq_ignore_ascii_case(&name[n]))
        {
            p += 1;
            n += 1;
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            p = at + 1;
            n = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// F90: 400 that names the levels the model takes.
pub(crate) fn wrong_level(wrong: &WrongLevel) -> Refusal {
    let message = format!("The model {wrong}");
    Refusal::new(StatusCode::BAD_REQUEST, "unsupported_value", message).param("model")
}

impl crate::Gateway {
    /// The names a model has for accounts, as a request for it would find them now.
    ///
    /// # Errors
    /// Says which levels the model takes, where its name asks for another one.
    pub fn named(&self, asked: &str) -> Result<Named, WrongLevel> {
        resolve(&self.config.load().naming, &self.catalog.load(), asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Model;
    use protocol::suffix::Levels;

    fn stage() -> (Naming, Catalog) {
        let alias = |model: &str, group: Option<&str>| Alias {
            model: model.to_owned(),
            group: group.map(str::to_owned),
        };
        let naming = Naming {
            aliases: [
                ("quick", alias("gpt-5.4-mini-low", None)),
                ("team", alias("glm-4.5", Some("work"))),
                ("my-best", alias("gpt-5.5", None)),
            ]
            .into_iter()
            .map(|(name, alias)| (name.to_owned(), alias))
            .collect(),
            patterns: vec![
                ("claude-*haiku*".to_owned(), "gpt-5.4-mini-low".to_owned()),
                ("claude-*".to_owned(), "gpt-5.5".to_owned()),
            ],
            ..Naming::default()
        };
        let mut levels = Levels::built_in();
        levels.told("claude-native", &[]);
        let model = |id: &str| Model {
            id: id.to_owned(),
            owned_by: "x".into(),
            created: 0,
            codex: None,
        };
        let catalog = Catalog {
            models: ["gpt-5.4", "gpt-5.5", "gpt-5.5-max", "my-best-low"]
                .map(model)
                .into(),
            levels,
            ..Catalog::default()
        };
        (naming, catalog)
    }

    fn told(asked: &str) -> String {
        let (naming, catalog) = stage();
        let named = match resolve(&naming, &catalog, asked) {
            Ok(named) => named,
            Err(wrong) => return format!("wrong {}", wrong.level),
        };
        let mut text = named.model.clone();
        if let Some(group) = &named.group {
            text.push_str(&format!(" in {group}"));
        }
        if let Some(native) = &named.native {
            text.push_str(&format!(" / {}", native.model));
            if let Some(effort) = &native.effort {
                text.push_str(&format!(" {effort}"));
            }
            if native.fast {
                text.push_str(" fast");
            }
        }
        text
    }

    #[test]
    fn f90_f92_a_name_becomes_what_accounts_know() {
        for (asked, expected) in [
            ("gpt-5.5", "gpt-5.5"),
            ("gpt-5.5-high", "gpt-5.5-high / gpt-5.5 high"),
            ("GPT-5.5", "GPT-5.5 / gpt-5.5"),
            ("glm-4.5", "glm-4.5"),
            // Aliases, with what their target says and with a suffix of their own.
            ("quick", "gpt-5.4-mini-low / gpt-5.4-mini low"),
            ("team", "glm-4.5 in work"),
            ("my-best", "gpt-5.5"),
            ("my-best-high-fast", "gpt-5.5-high-fast / gpt-5.5 high fast"),
            // A listed name is no alias with a suffix.
            ("my-best-low", "my-best-low / my-best low"),
            ("my-best-friend", "my-best-friend"),
            // Other vendors' names, on sign-ins alone.
            ("claude-haiku-4-5", "claude-haiku-4-5 / gpt-5.4-mini low"),
            ("claude-opus-4-7", "claude-opus-4-7 / gpt-5.5"),
            (
                "Claude-Opus-4-7-high",
                "Claude-Opus-4-7-high / gpt-5.5 high",
            ),
            ("claude-native", "claude-native"),
            // A level that is not taken, unless somebody has a model of that name.
            ("gpt-5.4-max", "wrong max"),
            ("gpt-5.5-max", "gpt-5.5-max"),
        ] {
            assert_eq!(told(asked), expected, "{asked}");
        }
    }

    #[test]
    fn patterns_know_stars_anywhere() {
        for (pattern, name, expected) in [
            ("claude-*opus*", "claude-3-opus-latest", true),
            ("claude-*opus*", "claude-opus", true),
            ("claude-*opus*", "claude-sonnet", false),
            ("*", "", true),
            ("", "x", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("gemini-2.5-pro", "Gemini-2.5-Pro", true),
            ("gemini", "gemini-2", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }
}

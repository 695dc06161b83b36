//! The rows of the table about names of models, thinking and Z.AI, and the rules their texts keep. `table` lists the rows; `convert` reads
//! the texts through [`Names`].

use std::collections::{BTreeMap, BTreeSet};

use gateway::Alias;
use protocol::suffix;

use super::Settings;
use super::checks::model;
use super::field::{Apply, Field, Key, quoted};

/// Longest chain of aliases (F92).
const LONGEST_CHAIN: usize = 20;

const fn flag(name: &'static str, doc: &'static str, at: fn(&mut Settings) -> &mut bool) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Bool { default: false, at },
    }
}

const fn optional_model(
    name: &'static str,
    doc: &'static str,
    at: fn(&mut Settings) -> &mut Option<String>,
) -> Key {
    Key {
        name,
        doc,
        apply: Apply::Live,
        field: Field::Optional {
            check: model,
            allowed: "a model name",
            at,
        },
    }
}

pub(super) const DEFAULT: Key =
    optional_model("models.default", "Model of requests that name none.", |s| {
        &mut s.models.default
    });
pub(super) const DEFAULT_CHAT: Key = optional_model(
    "models.default_chat",
    "The same on /v1/chat/completions, before models.default.",
    |s| &mut s.models.default_chat,
);
pub(super) const DEFAULT_RESPONSES: Key = optional_model(
    "models.default_responses",
    "The same on /v1/responses, before models.default.",
    |s| &mut s.models.default_responses,
);
pub(super) const DEFAULT_MESSAGES: Key = optional_model(
    "models.default_messages",
    "The same on /v1/messages, before models.default.",
    |s| &mut s.models.default_messages,
);
pub(super) const DEFAULT_GEMINI: Key = optional_model(
    "models.default_gemini",
    "The same on Gemini paths that name no model, before models.default.",
    |s| &mut s.models.default_gemini,
);
pub(super) const ALIASES: Key = Key {
    name: "models.aliases",
    doc: "Further names for models. Clients see the alias; a group limits who serves it.",
    apply: Apply::Live,
    field: Field::List {
        check: alias,
        allowed: "alias=model or alias=model;group=NAME",
        at: |s| &mut s.models.aliases,
    },
};
pub(super) const PATTERNS: Key = Key {
    name: "models.patterns",
    doc: "Names of other vendors' models that sign-ins serve with a model of theirs; the first match counts.",
    apply: Apply::Live,
    field: Field::List {
        check: pattern,
        allowed: "pattern=model, where * in the pattern stands for anything",
        at: |s| &mut s.models.patterns,
    },
};
pub(super) const LIST_SUFFIXES: Key = flag(
    "models.list_suffixes",
    "The model list also names sign-ins' models with every thinking suffix.",
    |s| &mut s.models.list_suffixes,
);
pub(super) const DIRECT_ONLY: Key = flag(
    "models.direct_only",
    "Key accounts serve requests of their own format only; nothing is translated for them.",
    |s| &mut s.models.direct_only,
);
pub(super) const DEFAULT_EFFORT: Key = Key {
    name: "thinking.default_effort",
    doc: "Reasoning effort of sign-ins where neither the model's name nor the request says one.",
    apply: Apply::Live,
    field: Field::Optional {
        check: effort,
        allowed: "none, minimal, low, medium, high, xhigh or max",
        at: |s| &mut s.thinking.default_effort,
    },
};
pub(super) const LEVELS: Key = Key {
    name: "thinking.levels",
    doc: "Thinking levels of models, in place of the built-in table. What the provider lists wins.",
    apply: Apply::Live,
    field: Field::List {
        check: levels,
        allowed: "model=level level …, of minimal, low, medium, high, xhigh, max, ultra, none and auto",
        at: |s| &mut s.thinking.levels,
    },
};
pub(super) const OUTPUT: Key = Key {
    name: "thinking.output",
    doc: "How translated Chat answers show reasoning: in a field of its own, in <think> tags, or not.",
    apply: Apply::Live,
    field: Field::Choice {
        default: "field",
        options: &["field", "think_tags", "off"],
        at: |s| &mut s.thinking.output,
    },
};
pub(super) const ZAI_THINK_TAGS: Key = flag(
    "zai.show_think_tags",
    "Chat answers of Z.AI accounts tell their reasoning in <think> tags inside the text.",
    |s| &mut s.zai.show_think_tags,
);

/// An effort by its wire word.
pub(crate) fn effort(text: &str) -> Result<String, String> {
    let word = text.to_ascii_lowercase();
    if suffix::WORDS.contains(&word.as_str()) && !matches!(word.as_str(), "auto" | "ultra") {
        Ok(word)
    } else {
        Err(format!("cannot be {}", quoted(text)))
    }
}

fn name(text: &str, what: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("lacks {what}"));
    }
    if text.contains(';') {
        return Err(format!("holds a name with a semicolon: {}", quoted(text)));
    }
    model(text)
}

fn alias(text: &str) -> Result<String, String> {
    let (alias, target) = read_alias(text)?;
    Ok(write_alias(&alias, &target))
}

/// `alias=model` or `alias=model;group=NAME`, taken apart.
fn read_alias(text: &str) -> Result<(String, Alias), String> {
    let (alias, rest) = text
        .split_once('=')
        .ok_or_else(|| format!("lacks an = : {}", quoted(text)))?;
    let (target, group) = match rest.split_once(';') {
        None => (rest, None),
        Some((target, group)) => {
            let group = group
                .trim()
                .strip_prefix("group=")
                .map(str::trim)
                .filter(|group| !group.is_empty() && !group.contains([';', ',']))
                .ok_or_else(|| format!("has something else than a group: {}", quoted(text)))?;
            (target, Some(group.to_owned()))
        }
    };
    let alias = name(alias, "the alias")?;
    if alias.contains('*') {
        return Err(format!(
            "holds an alias with *, which belongs into models.patterns: {}",
            quoted(&alias)
        ));
    }
    let model = name(target, "the model")?;
    Ok((alias, Alias { model, group }))
}

/// The text that [`read_alias`] reads.
pub(crate) fn write_alias(alias: &str, target: &Alias) -> String {
    match &target.group {
        None => format!("{alias}={}", target.model),
        Some(group) => format!("{alias}={};group={group}", target.model),
    }
}

fn pattern(text: &str) -> Result<String, String> {
    let (pattern, target) = read_pattern(text)?;
    Ok(format!("{pattern}={target}"))
}

fn read_pattern(text: &str) -> Result<(String, String), String> {
    let (pattern, target) = text
        .split_once('=')
        .ok_or_else(|| format!("lacks an = : {}", quoted(text)))?;
    let target = name(target, "the model")?;
    if target.contains('*') {
        return Err(format!("maps to a name with *: {}", quoted(&target)));
    }
    Ok((name(pattern, "the pattern")?, target))
}

fn levels(text: &str) -> Result<String, String> {
    let (model, words) = read_levels(text)?;
    Ok(format!("{model}={}", words.join(" ")))
}

fn read_levels(text: &str) -> Result<(String, Vec<String>), String> {
    let (model, words) = text
        .split_once('=')
        .ok_or_else(|| format!("lacks an = : {}", quoted(text)))?;
    let words: Vec<String> = words
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    match words
        .iter()
        .find(|word| !suffix::WORDS.contains(&word.as_str()))
    {
        Some(word) => Err(format!("holds a level nobody knows: {}", quoted(word))),
        None => Ok((name(model, "the model")?, words)),
    }
}

/// The texts of the settings, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// As they are written: each alias and where it leads.
    pub aliases: Vec<(String, Alias)>,
    /// Patterns and their models, in order.
    pub patterns: Vec<(String, String)>,
    /// Models with the person's own levels.
    pub levels: Vec<(String, Vec<String>)>,
}

impl Names {
    /// Reads texts the table has accepted; what it would not accept is left out.
    pub(crate) fn of(settings: &Settings) -> Self {
        let models = &settings.models;
        Self {
            aliases: read_all(&models.aliases, read_alias),
            patterns: read_all(&models.patterns, read_pattern),
            levels: read_all(&settings.thinking.levels, read_levels),
        }
    }

    /// Every alias with the model at the end of its chain (F92). The last group named on the way counts.
    ///
    /// # Errors
    /// What is wrong with the aliases together: one that is named twice, a circle, a chain that is too long.
    pub(crate) fn followed(&self) -> Result<BTreeMap<String, Alias>, String> {
        let mut direct = BTreeMap::new();
        for (alias, target) in &self.aliases {
            if direct.insert(alias.as_str(), target).is_some() {
                return Err(format!("names {} twice", quoted(alias)));
            }
        }
        let mut followed = BTreeMap::new();
        for (alias, target) in &direct {
            let mut way = vec![*alias];
            let mut seen = BTreeSet::from([*alias]);
            let mut end = *target;
            let mut group = end.group.clone();
            while let Some(next) = direct.get(end.model.as_str()) {
                way.push(&end.model);
                if !seen.insert(end.model.as_str()) {
                    return Err(format!("goes in a circle: {}", way.join(" → ")));
                }
                if way.len() > LONGEST_CHAIN {
                    return Err(format!(
                        "has a chain of more than {LONGEST_CHAIN} that begins with {}",
                        quoted(alias)
                    ));
                }
                end = next;
                group = end.group.clone().or(group);
            }
            let model = end.model.clone();
            followed.insert((*alias).to_owned(), Alias { model, group });
        }
        Ok(followed)
    }
}

fn read_all<T>(texts: &[String], read: fn(&str) -> Result<T, String>) -> Vec<T> {
    texts.iter().filter_map(|text| read(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(aliases: &[&str]) -> Names {
        Names {
            aliases: aliases
                .iter()
                .map(|text| read_alias(text).unwrap())
                .collect(),
            ..Names::default()
        }
    }

    #[test]
    fn f92_texts_are_brought_to_one_form_or_refused() {
        for (text, expected) in [
            (" a = b ", Some("a=b")),
            ("a=b;group=work", Some("a=b;group=work")),
            ("a=b; group= work ", Some("a=b;group=work")),
            ("vendor/a=b:free", Some("vendor/a=b:free")),
            ("a", None),
            ("=b", None),
            ("a=", None),
            ("a b=c", None),
            ("a*=b", None),
            ("a=b;grp=x", None),
            ("a=b;group=", None),
        ] {
            assert_eq!(alias(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(
            pattern("claude-* = gpt-5.5").as_deref(),
            Ok("claude-*=gpt-5.5")
        );
        assert!(pattern("claude-*=gpt-*").is_err());
        assert_eq!(levels("m = Low  high").as_deref(), Ok("m=low high"));
        assert_eq!(levels("m=").as_deref(), Ok("m="));
        assert!(levels("m=low loud").is_err());
        assert!(effort("Max").is_ok() && effort("auto").is_err() && effort("loud").is_err());
    }

    #[test]
    fn f92_chains_are_followed_and_circles_refused() {
        let followed = names(&["a=b", "b=c;group=work", "c=gpt-5.5-high", "d=a;group=home"])
            .followed()
            .unwrap();
        let told = |alias: &str| {
            let end = &followed[alias];
            (end.model.as_str(), end.group.as_deref())
        };
        assert_eq!(told("a"), ("gpt-5.5-high", Some("work")));
        assert_eq!(told("c"), ("gpt-5.5-high", None));
        assert_eq!(told("d"), ("gpt-5.5-high", Some("work")));
        for (aliases, word) in [
            (&["a=a"][..], "circle"),
            (&["a=b", "b=c", "c=a"], "a → b → c → a"),
            (&["a=b", "a=c"], "twice"),
        ] {
            let problem = names(aliases).followed().unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
        let chain = |length: usize| {
            let texts: Vec<String> = (0..length).map(|n| format!("m{n}=m{}", n + 1)).collect();
            names(&texts.iter().map(String::as_str).collect::<Vec<_>>()).followed()
        };
        assert!(chain(20).is_ok());
        assert!(chain(21).unwrap_err().contains("more than 20"));
    }
}

//! Thinking suffixes: what clients that know no reasoning setting write behind a model's name, as in `gpt-5.5-high-fast` (F90, appendix A).
//!
//! The levels of each model are data ([`Levels`]): a built-in table, which settings override and the upstream's own list beats. It knows no
//! account and asks for nothing; whether a name is read at all is the caller's decision (F91). Called by the gateway once per request.

use std::borrow::Cow;

/// The built-in table: base names and the levels that may stand behind them.
const BUILT_IN: &[(&[&str], &str)] = &[
    (
        &[
            "gpt-5",
            "gpt-5-codex",
            "gpt-5-codex-mini",
            "gpt-5.1-codex-mini",
        ],
        "low medium high auto",
    ),
    (&["gpt-5.1"], "low medium high none auto"),
    (&["gpt-5.1-codex"], "low medium high max auto"),
    (&["gpt-5.1-codex-max"], "low medium high xhigh auto"),
    (&["gpt-5.2"], "low medium high xhigh none auto"),
    (&["gpt-5.2-codex"], "low medium high xhigh auto"),
    (
        &["gpt-5.3-codex", "gpt-5.4", "gpt-5.4-mini"],
        "low medium high xhigh none auto",
    ),
    (&["gpt-5.3-codex-spark"], "low medium high xhigh"),
    (&["gpt-5.5"], "low medium high xhigh none auto"),
    (
        &["gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"],
        "low medium high xhigh max ultra auto",
    ),
];

/// Every word that is a level.
pub const WORDS: &[&str] = &[
    "minimal", "low", "medium", "high", "xhigh", "max", "ultra", "none", "auto",
];

/// What a model nobody knows takes: the upstream judges.
const UNKNOWN: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];

/// The levels a budget can come to, lowest first.
const LADDER: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// The smallest number that is a budget of tokens and not part of a name.
const LEAST_BUDGET: u64 = 101;

/// Which models there are and which levels they take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    /// In the order of their names in lower case.
    models: Vec<Model>,
}

/// A model whose levels are known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    /// Its name in lower case.
    key: String,
    /// Its name as it is sent.
    name: String,
    /// What it takes; none = not known.
    words: Vec<String>,
}

impl Levels {
    /// The table of this version.
    #[must_use]
    pub fn built_in() -> Self {
        let mut levels = Self::default();
        for (names, words) in BUILT_IN {
            for name in *names {
                levels.put(name, words.split(' ').map(str::to_owned).collect());
            }
        }
        levels
    }

    /// Gives a model these levels, whatever was known before. No levels: any name may stand, and the upstream judges the level.
    pub fn put(&mut self, model: &str, words: Vec<String>) {
        let known = self.model(model);
        model.clone_into(&mut known.name);
        known.words = words;
    }

    /// Adds what an upstream says of a model: its levels win where it names some (row 90), and the name is known in any case.
    pub fn told(&mut self, model: &str, words: &[String]) {
        let known = self.model(model);
        model.clone_into(&mut known.name);
        if words.is_empty() {
            return;
        }
        let has = |list: &[String], word: &str| list.iter().any(|known| known == word);
        let mut levels = words.to_vec();
        // No levels in an upstream's eyes, which lists how hard a model can think: not at all, and the middle one under another name.
        if has(&known.words, "none") && !has(&levels, "none") {
            levels.push("none".to_owned());
        }
        if has(&levels, "medium") && !has(&levels, "auto") {
            levels.push("auto".to_owned());
        }
        known.words = levels;
    }

    /// The levels of a model, in the order of the table; empty when not known.
    #[must_use]
    pub fn of(&self, model: &str) -> &[String] {
        self.get(model).map_or(&[], |known| &known.words)
    }

    /// Whether the model is known, in any case of letters.
    #[must_use]
    pub fn knows(&self, model: &str) -> bool {
        self.get(model).is_some()
    }

    /// Every known model with its levels, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.models
            .iter()
            .map(|known| (known.name.as_str(), known.words.as_slice()))
    }

    fn get(&self, model: &str) -> Option<&Model> {
        let at = if model.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.place(&model.to_ascii_lowercase())
        } else {
            self.place(model)
        };
        at.ok().map(|at| &self.models[at])
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        let by_name = |known: &Model| known.key.as_str().cmp(key);
        self.models.binary_search_by(by_name)
    }

    /// The model's entry, made where there is none.
    fn model(&mut self, model: &str) -> &mut Model {
        let key = model.to_ascii_lowercase();
        let at = self.place(&key).unwrap_or_else(|at| {
            let new = Model {
                key,
                name: String::new(),
                words: Vec::new(),
            };
            self.models.insert(at, new);
            at
        });
        &mut self.models[at]
    }
}

/// A name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suffixed<'n> {
    /// The model, as the upstream knows it.
    pub model: Cow<'n, str>,
    /// The level to send, if the name says one.
    pub effort: Option<Cow<'static, str>>,
    /// `-fast`: the priority service tier.
    pub fast: bool,
    /// `-image`: the provider's image generation is offered as a tool.
    pub image: bool,
}

impl<'n> Suffixed<'n> {
    /// A name that asks for nothing besides the model.
    #[must_use]
    pub const fn plain(name: &'n str) -> Self {
        Self {
            model: Cow::Borrowed(name),
            effort: None,
            fast: false,
            image: false,
        }
    }
}

/// A level that the model does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{model} has no level {level:?}. Ask for {model} without a level, or with one of these: {}.", .allowed.join(", "))]
pub struct WrongLevel {
    /// The model without its suffix.
    pub model: String,
    /// The level asked for.
    pub level: String,
    /// What may stand in its place.
    pub allowed: Vec<String>,
}

/// What the last dash part of a name can be.
enum Part {
    Fast,
    Image,
    Level(&'static str),
    Budget(u64),
    Other,
}

impl Part {
    fn of(text: &str) -> Self {
        if text.eq_ignore_ascii_case("fast") {
            return Self::Fast;
        }
        if text.eq_ignore_ascii_case("image") {
            return Self::Image;
        }
        if let Some(word) = WORDS.iter().find(|word| word.eq_ignore_ascii_case(text)) {
            return Self::Level(word);
        }
        // Eight digits are a date: models are named so.
        let digits = text.len() < 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(tokens) if digits && tokens >= LEAST_BUDGET => Self::Budget(tokens),
            _ => Self::Other,
        }
    }
}

/// Whether a text such as `-high-fast` is nothing but suffixes.
#[must_use]
pub fn is_suffix(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next() == Some("") && parts.all(|part| !matches!(Part::of(part), Part::Other))
}

/// Takes a name apart. The longest known model wins: `gpt-5.1-codex-max` is a model, never `gpt-5.1-codex` at its highest level.
///
/// # Errors
/// [`WrongLevel`] when a known model does not take the level.
pub fn read<'n>(name: &'n str, levels: &Levels) -> Result<Suffixed<'n>, WrongLevel> {
    let mut found = Suffixed::plain(name);
    let mut rest = name;
    let mut level: Option<Part> = None;
    loop {
        if let Some(Model {
            name: model, words, ..
        }) = levels.get(rest)
        {
            found.model = if model == rest {
                Cow::Borrowed(rest)
            } else {
                Cow::Owned(model.clone())
            };
            found.effort = match &level {
                None => None,
                Some(part) => Some(effort(part, model, words)?),
            };
            return Ok(found);
        }
        let Some((before, last)) = rest.rsplit_once('-').filter(|(head, _)| !head.is_empty())
        else {
            break;
        };
        match Part::of(last) {
            Part::Fast => found.fast = true,
            Part::Image => found.image = true,
            part @ (Part::Level(_) | Part::Budget(_)) if level.is_none() => level = Some(part),
            Part::Level(_) | Part::Budget(_) | Part::Other => break,
        }
        rest = before;
    }
    // Nobody knows the model. What can be nothing but a suffix is one; else the name is a name.
    match level {
        None => {}
        Some(Part::Level(word)) if UNKNOWN.contains(&word) => {
            found.effort = Some(Cow::Borrowed(word))
        }
        Some(_) => {
            (found.fast, found.image) = (false, false);
            return Ok(found);
        }
    }
    found.model = Cow::Borrowed(rest);
    Ok(found)
}

/// The level to send to a known model.
fn effort(part: &Part, model: &str, takes: &[String]) -> Result<Cow<'static, str>, WrongLevel> {
    let allowed: Vec<&str> = if takes.is_empty() {
        UNKNOWN.to_vec()
    } else {
        takes.iter().map(String::as_str).collect()
    };
    match part {
        Part::Level(word) if allowed.contains(word) => Ok(wire(word)),
        Part::Level(word) => Err(WrongLevel {
            model: model.to_owned(),
            level: (*word).to_owned(),
            allowed: allowed.into_iter().map(str::to_owned).collect(),
        }),
        Part::Budget(tokens) => Ok(wire(nearest(of_budget(*tokens), &allowed))),
        Part::Fast | Part::Image | Part::Other => Ok(wire("auto")),
    }
}

/// The word as it goes out: `auto` is the middle.
fn wire(word: &str) -> Cow<'static, str> {
    let known = WORDS.iter().find(|known| **known == word);
    match known {
        Some(&"auto") => Cow::Borrowed("medium"),
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(word.to_owned()),
    }
}

/// The level that stands for a budget of tokens.
#[must_use]
pub fn of_budget(tokens: u64) -> &'static str {
    match tokens {
        0 => "none",
        1..=512 => "auto",
        513..=1024 => "low",
        1025..=8192 => "medium",
        8193..=24_576 => "high",
        24_577..=32_768 => "xhigh",
        _ => "max",
    }
}

/// A number names no level: the next lower one the model takes stands for it, else its lowest.
fn nearest<'w>(word: &'w str, allowed: &[&'w str]) -> &'w str {
    if allowed.contains(&word) {
        return word;
    }
    let word = if word == "auto" { "medium" } else { word };
    let at = LADDER.iter().position(|step| *step == word).unwrap_or(0);
    let takes = |step: &&&str| allowed.contains(*step);
    let lower = LADDER[..=at].iter().rev().find(takes);
    let found = lower.or_else(|| LADDER.iter().find(takes)).copied();
    found.unwrap_or(word)
}

#[cfg(test)]
mod tests;

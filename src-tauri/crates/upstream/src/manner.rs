//! The way one account is spoken to, where it is not the default of its kind and format: the form of its key, further formats, models that
//! take turns. Plain values; `target` and the gateway act on them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use pool::Format;

/// How an account carries its key (F100).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthForm {
    /// `Authorization: Bearer KEY`
    Bearer,
    /// `x-api-key: KEY`
    XApiKey,
    /// `x-goog-api-key: KEY`
    XGoogApiKey,
    /// `?key=KEY`
    Query,
}

impl AuthForm {
    /// Every form with the word it is stored and shown under.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Bearer, "bearer"),
        (Self::XApiKey, "x-api-key"),
        (Self::XGoogApiKey, "x-goog-api-key"),
        (Self::Query, "query"),
    ];

    /// The dialect's own form.
    #[must_use]
    pub const fn of(format: Format) -> Self {
        match format {
            Format::OpenAi | Format::Codex | Format::Responses => Self::Bearer,
            Format::Anthropic => Self::XApiKey,
            Format::Gemini => Self::XGoogApiKey,
        }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(form, _)| *form == self);
        found.map_or("bearer", |(_, word)| word)
    }

    /// The form of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word);
        found.map(|(form, _)| *form)
    }
}

/// What a person or a preset says of the way one account is spoken to. Nothing said is the default of its kind and format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// How its key is carried; `None` = as its dialect does.
    pub auth: Option<AuthForm>,
    /// Thinking suffixes of model names are read for this key account too (F91). Sign-ins always read them.
    pub reads_suffixes: bool,
    /// The effort where neither the name nor the body says one (F90).
    pub effort: Option<String>,
    /// Models that stand for one another and take turns (F94).
    pub turns: Option<Arc<Turns>>,
    /// Further formats the same key speaks (F103).
    pub wires: Vec<Wire>,
}

/// A further format of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The dialect.
    pub format: Format,
    /// Where it is spoken; empty = the account's own base URL.
    pub base_url: String,
}

/// Models of a key account that take turns: a request for any of them is served by the one whose turn it is (F94).
#[derive(Debug)]
pub struct Turns {
    models: Vec<String>,
    every: u64,
    used: AtomicU64,
}

impl Turns {
    /// Each model serves `every` requests in a row; `used` requests have been served before.
    #[must_use]
    pub fn new(models: Vec<String>, every: u32, used: u64) -> Self {
        Self {
            models,
            every: u64::from(every.max(1)),
            used: AtomicU64::new(used),
        }
    }

    /// Takes a turn: the model to send in place of `asked`, or `None` when that is no model of the list.
    pub fn take(&self, asked: &str) -> Option<&str> {
        if !self.models.iter().any(|model| model == asked) {
            return None;
        }
        let turn = self.used.fetch_add(1, Ordering::Relaxed) / self.every;
        let at = usize::try_from(turn % self.models.len() as u64).unwrap_or(0);
        self.models.get(at).map(String::as_str)
    }

    /// Turns taken so far.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether this is such a list.
    #[must_use]
    pub fn is(&self, models: &[String], every: u32) -> bool {
        self.models == models && self.every == u64::from(every.max(1))
    }
}

/// Two lists are the same when they name the same models; how far they have come is not what they are.
impl PartialEq for Turns {
    fn eq(&self, other: &Self) -> bool {
        self.models == other.models && self.every == other.every
    }
}

impl Eq for Turns {}

//! Which accounts may serve a model (F93): answered once per model name and kept as bits, so that selection compares no strings.
//!
//! Knows only the two model lists of an account; the memory is dropped whenever an account changes.

use crate::{Account, Ask, Format};
use std::borrow::Cow;
use std::collections::HashMap;

/// Most model names remembered. Names come from clients, so the memory is bounded and simply starts afresh when full.
const MODEL_ENTRIES: usize = 256;

/// Whether a model is one that ChatGPT accounts draw with: their provider offers them and puts them on no list (F95).
fn is_unlisted(model: &str) -> bool {
    model.starts_with("gpt-image-") || model == "chatgpt-image-latest"
}

/// One model against every account, by place.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matches {
    allowed: Vec<u64>,
    offered: Vec<u64>,
}

/// What the two lists of one account say about a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Match {
    Serves,
    NotAllowed,
    NotOffered,
}

impl Matches {
    pub(crate) fn of(&self, index: usize) -> Match {
        let bit = |bits: &[u64]| {
            bits.get(index / 64)
                .is_some_and(|word| word >> (index % 64) & 1 == 1)
        };
        match (bit(&self.allowed), bit(&self.offered)) {
            (false, _) => Match::NotAllowed,
            (true, false) => Match::NotOffered,
            (true, true) => Match::Serves,
        }
    }
}

/// What is asked of the lists: the model by its two names, and the group (F90–F92).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    model: &'a str,
    native: Option<&'a str>,
    group: Option<&'a str>,
}

impl<'a> From<&Ask<'a>> for Wanted<'a> {
    fn from(ask: &Ask<'a>) -> Self {
        Self {
            model: ask.model,
            native: ask.native.filter(|native| *native != ask.model),
            group: ask.group,
        }
    }
}

impl<'a> Wanted<'a> {
    /// The name under which it is remembered: the model itself for nearly every request.
    fn key(&self) -> Cow<'a, str> {
        match (self.native, self.group) {
            (None, None) => Cow::Borrowed(self.model),
            (native, group) => Cow::Owned(format!(
                "{}\n{}\n{}",
                self.model,
                native.unwrap_or_default(),
                group.unwrap_or_default()
            )),
        }
    }

    fn is_plain(&self) -> bool {
        self.native.is_none() && self.group.is_none()
    }
}

/// The memory of answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelMemory {
    answers: HashMap<Box<str>, Matches>,
    /// No account has any list, so every model is served by all.
    unrestricted: bool,
}

impl ModelMemory {
    /// Forgets everything; called whenever the accounts change.
    pub(crate) fn reset<'a>(&mut self, mut accounts: impl Iterator<Item = &'a Account>) {
        self.answers.clear();
        self.unrestricted =
            accounts.all(|a| a.allowed_models.is_none() && a.known_models.is_none());
    }

    /// Works the answer out if it is not there yet.
    pub(crate) fn prepare<'a>(
        &mut self,
        wanted: Wanted<'_>,
        accounts: impl ExactSizeIterator<Item = &'a Account>,
    ) {
        if self.unrestricted && wanted.is_plain() {
            return;
        }
        let key = wanted.key();
        if self.answers.contains_key(&*key) {
            return;
        }
        if self.answers.len() >= MODEL_ENTRIES {
            self.answers.clear();
        }
        let matches = match_all(wanted, accounts);
        self.answers.insert(key.into(), matches);
    }

    /// The prepared answer; `None` means that every account serves it.
    pub(crate) fn get(&self, wanted: Wanted<'_>) -> Option<&Matches> {
        self.answers.get(&*wanted.key())
    }
}

/// One model against every account.
pub(crate) fn match_all<'a>(
    wanted: Wanted<'_>,
    accounts: impl ExactSizeIterator<Item = &'a Account>,
) -> Matches {
    let words = accounts.len().div_ceil(64);
    let mut matches = Matches {
        allowed: vec![0; words],
        offered: vec![0; words],
    };
    for (index, account) in accounts.enumerate() {
        let (word, bit) = (index / 64, 1_u64 << (index % 64));
        let (allowed, offered) = lists(wanted, account);
        if allowed {
            matches.allowed[word] |= bit;
        }
        if offered {
            matches.offered[word] |= bit;
        }
    }
    matches
}

/// What the two lists of one account say.
fn lists(wanted: Wanted<'_>, account: &Account) -> (bool, bool) {
    let model = match wanted.native {
        Some(native) if account.reads_suffixes => native,
        _ => wanted.model,
    };
    let names = |list: &[String]| list.iter().any(|known| known == model);
    let mut named = false;
    let allowed = account.allowed_models.as_ref().is_none_or(|list| {
        named = names(list);
        named
            || list.iter().any(|pattern| {
                pattern
                    .strip_suffix('*')
                    .is_some_and(|prefix| model.starts_with(prefix))
            })
    });
    // A name that means something else to others: a key account that has told its models and not this one does not have it.
    let read_otherwise = wanted.native.is_some() && !account.reads_suffixes;
    let told = account.told_models.as_ref().filter(|_| read_otherwise);
    // A model the person listed by its full name is offered, whatever discovery found.
    let offered = named
        || (account.format == Format::Codex && is_unlisted(model))
        || account
            .known_models
            .as_ref()
            .or(told)
            .is_none_or(|list| names(list));
    let in_group = wanted
        .group
        .is_none_or(|group| account.group.as_deref() == Some(group));
    (allowed && in_group, offered)
}

//! What an account is to the pool: its name, kind, limits and standing. No credential, no base URL, no usage.
//!
//! Called by every room; the store and the engine convert their own rows to these types at their boundary.

use crate::Timestamp;
use crate::words::words;
use std::fmt;
use std::sync::Arc;

/// The random, stable name of an account (F1). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for AccountId {
    fn from(id: &str) -> Self {
        Self(Arc::from(id))
    }
}

impl From<String> for AccountId {
    fn from(id: String) -> Self {
        Self(Arc::from(id))
    }
}

impl std::borrow::Borrow<str> for AccountId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for AccountId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

words! {
    /// What kind of account it is (F1).
    pub enum AccountKind ("account kind") {
        /// A ChatGPT/Codex sign-in.
        CodexOauth = "codex_oauth",
        /// A third-party base URL and key.
        Relay = "relay",
        /// A Z.AI key.
        Zai = "zai",
        /// A key of a model provider.
        ProviderKey = "provider_key",
    }
}

impl AccountKind {
    /// Whether the account is a key (relay, Z.AI or provider) rather than a sign-in.
    pub const fn is_key(self) -> bool {
        !matches!(self, AccountKind::CodexOauth)
    }
}

words! {
    /// The dialect an account speaks upstream.
    pub enum Format ("format") {
        /// The Codex profile of Responses.
        Codex = "codex",
        /// OpenAI Responses.
        Responses = "responses",
        /// OpenAI Chat Completions.
        OpenAi = "openai",
        /// Anthropic Messages.
        Anthropic = "anthropic",
        /// Google Gemini.
        Gemini = "gemini",
    }
}

impl Format {
    /// How many formats there are.
    pub(crate) const COUNT: usize = Self::ALL.len();
}

words! {
    /// A kind of call that an account can serve beside the question of formats (F103).
    pub enum Capability ("capability") {
        /// Answers in words.
        Chat = "chat",
        /// Vectors of texts (F78).
        Embeddings = "embeddings",
        /// The Images API (F98).
        Images = "images",
    }
}

words! {
    /// The stored standing of an account (F59). Cooling, exhausted and disabled are views over time and the record: see [`crate::Health`].
    pub enum Status ("status") {
        /// Never answered yet.
        Unknown = "unknown",
        /// The last word from upstream was good.
        Active = "active",
        /// The sign-in is over; only a new sign-in helps.
        NeedsLogin = "needs_login",
        /// Usable, but the person should look at it.
        Attention = "attention",
        /// The provider closed the account.
        Banned = "banned",
    }
}

/// How far the account's credential carries at present, as told by whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Token {
    /// There is one and nothing speaks against it.
    #[default]
    Usable,
    /// It works until then; after that it must be refreshed.
    Until(Timestamp),
    /// There is none in the vault.
    Missing,
}

/// The part of an account record that selection needs (F1, F14, F32).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Stable name.
    pub id: AccountId,
    /// What it is.
    pub kind: AccountKind,
    /// The person's name for it, shown in answers and reasons.
    pub label: String,
    /// Switched on by the person (F14).
    pub enabled: bool,
    /// Place in the person's order, which is the ring order (F14).
    pub position: u32,
    /// Lower is used first (F37): free 0, consumable 20, normal 50, expensive 80, precious 100.
    pub priority: u32,
    /// Accounts of one group may share a limit on running requests.
    pub group: Option<String>,
    /// The dialect it speaks upstream.
    pub format: Format,
    /// Further dialects of the same key (F103).
    pub also: Vec<Format>,
    /// What it can serve; `None` is what nobody has to say: words, and pictures where its format has a call for them. Vectors are said (F78,
    /// F103).
    pub capabilities: Option<Vec<Capability>>,
    /// Models it may serve: exact names or a prefix followed by `*`; `None` is all (F93).
    pub allowed_models: Option<Vec<String>>,
    /// Models its upstream was found to offer; `None` is not known, which excludes nothing.
    pub known_models: Option<Vec<String>>,
    /// Models a key account's upstream told of, which serves more than it tells: a hint where a name can be read in two ways (F91).
    pub told_models: Option<Vec<String>>,
    /// Model names may end in thinking suffixes or follow name patterns (F91, F92): sign-ins, and key accounts that say so.
    pub reads_suffixes: bool,
    /// The plan its provider names, if any.
    pub plan: Option<String>,
    /// Neither leaves nor becomes the active account automatically (F45). Says nothing about serving a request.
    pub excluded: bool,
    /// Share of each quota window in percent that requests leave alone.
    pub reserve_percent: Option<u32>,
    /// Simulated: serves only beside other simulated accounts.
    pub demo: bool,
    /// Requests it may run at once (F114); `None` is unlimited.
    pub slots: Option<u32>,
    /// Whether an expired credential can be renewed without the person.
    pub refreshable: bool,
}

impl Account {
    /// The priority of an account nobody set one for (F37).
    pub const DEFAULT_PRIORITY: u32 = 50;
    /// The slots of a sign-in nobody set a number for (F114).
    pub const DEFAULT_OAUTH_SLOTS: u32 = 3;

    /// An enabled account with every default: priority 50, all models, three slots for a sign-in and no limit for a key, position 0.
    pub fn new(id: impl Into<AccountId>, kind: AccountKind, format: Format) -> Self {
        let id = id.into();
        Self {
            label: id.as_str().to_owned(),
            id,
            kind,
            enabled: true,
            position: 0,
            priority: Self::DEFAULT_PRIORITY,
            group: None,
            format,
            also: Vec::new(),
            capabilities: None,
            allowed_models: None,
            known_models: None,
            told_models: None,
            reads_suffixes: !kind.is_key(),
            plan: None,
            excluded: false,
            reserve_percent: None,
            demo: false,
            slots: (!kind.is_key()).then_some(Self::DEFAULT_OAUTH_SLOTS),
            refreshable: !kind.is_key(),
        }
    }
}

//! Account files of all shapes (features appendix B) become [`ImportItem`]s: recognised, checked and told apart.
//!
//! It writes nothing and asks nobody: the engine compares the items with the accounts there are, shows the preview and
//! stores them. No error repeats anything of the file but a field's name.

mod codex_local;
mod fields;
mod item;
mod preview;
mod several;
mod shapes;

use std::fmt;

use pool::{AccountKind, Format};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

pub use codex_local::{CodexLocalError, codex_home, codex_local};
pub use item::normalise_base_url;
pub use preview::{PreviewRow, Verdict, preview};
pub(crate) use several::account_files;
pub use several::{MOST_ENTRIES, SeveralError, gather, gather_all};
pub use shapes::parse;
pub use upstream::identity::Identity;

/// The largest text that is read, in bytes (F10).
pub const LARGEST: usize = 16 * 1024 * 1024;
/// The longest label, in characters (F1).
pub const LONGEST_LABEL: usize = 64;

/// Everything a text held.
#[derive(Debug, Default)]
pub struct ImportBatch {
    /// What can be imported, in the text's order.
    pub items: Vec<ImportItem>,
    /// Well-formed items that are not ours to import, such as another platform's account in a mixed backup: they count
    /// as failed (F5), the others go on.
    pub refused: Vec<Refused>,
}

/// A well-formed item that is not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which one, 1-based, counted over the whole text.
    pub item: usize,
    /// Why.
    pub problem: Problem,
}

/// One account as a file tells it.
#[derive(Debug, Clone)]
pub struct ImportItem {
    /// Which one, 1-based, counted over the whole text.
    pub item: usize,
    /// What it becomes.
    pub kind: AccountKind,
    /// The name the file gives it, at most 64 characters; `None` leaves the name to the engine.
    pub label: Option<String>,
    /// What the upstream is shown.
    pub credential: Credential,
    /// Who it is, as far as tokens and fields tell; empty for key accounts.
    pub identity: Identity,
    /// Where a key account's upstream is; `None` for sign-ins.
    pub relay: Option<Relay>,
    /// Lower is used first (F37), where the file says it.
    pub priority: Option<u32>,
    /// Requests at the same time (F114), where the file says it.
    pub slots: Option<u32>,
    /// The shape it was found in.
    pub source: Shape,
}

/// The secrets of one item. `Debug` shows none.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A ChatGPT/Codex sign-in; access or refresh token, or both (F6).
    Codex(CodexTokens),
    /// An API key.
    Key(SecretString),
}

/// The tokens of a ChatGPT/Codex sign-in.
#[derive(Debug, Clone, Default)]
pub struct CodexTokens {
    /// What requests carry.
    pub access: Option<SecretString>,
    /// What buys the next access token.
    pub refresh: Option<SecretString>,
    /// Who signed in.
    pub id_token: Option<SecretString>,
}

/// Where a key account's upstream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Base URL: http or https, no trailing slash.
    pub base_url: String,
    /// The dialect it speaks.
    pub format: Format,
    /// Whether the file named no format, so that the one of old data (codex, F99) was taken.
    pub format_assumed: bool,
    /// Models it may serve; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// Its group.
    pub group: Option<String>,
}

/// The shape an item was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The Codex CLI's auth.json.
    CodexAuth,
    /// An object of type "codex": CPA, AI Zero Token, cockpit-tools, our own export.
    CodexFile,
    /// An item of an accounts list, full or minimal.
    Accounts,
    /// An item of a sub2api backup.
    Sub2Api,
    /// A base URL and a key.
    Relay,
    /// A bare token on a line.
    Line,
}

impl Shape {
    /// The word shown to people and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CodexAuth => "codex_auth",
            Self::CodexFile => "codex_file",
            Self::Accounts => "accounts",
            Self::Sub2Api => "sub2api",
            Self::Relay => "relay",
            Self::Line => "line",
        }
    }
}

/// What the tokens of an item allow (F6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Nothing is missing.
    Whole,
    /// An access token alone: usable until it ends.
    NoRefresh,
    /// A refresh token alone: refresh at once, then the identity is known.
    RefreshFirst,
}

impl ImportItem {
    /// What the tokens allow (F6).
    #[must_use]
    pub fn completeness(&self) -> Completeness {
        match &self.credential {
            Credential::Codex(CodexTokens { refresh: None, .. }) => Completeness::NoRefresh,
            Credential::Codex(CodexTokens { access: None, .. }) => Completeness::RefreshFirst,
            _ => Completeness::Whole,
        }
    }

    /// What makes two items, or an item and an account, the same (F2).
    #[must_use]
    pub fn duplicate_key(&self) -> DuplicateKey {
        match (&self.credential, &self.relay) {
            (Credential::Key(key), Some(relay)) => DuplicateKey::of_key(&relay.base_url, key),
            (Credential::Key(key), None) => DuplicateKey::of_key("", key),
            (Credential::Codex(tokens), _) => DuplicateKey::of_identity(&self.identity)
                .or_else(|| self.token_key())
                .unwrap_or_else(|| {
                    let access = tokens.access.as_ref();
                    DuplicateKey(format!("token:{}", access.map(digest).unwrap_or_default()))
                }),
        }
    }

    /// What makes it the same as an account of which only the refresh token is known yet (F6).
    #[must_use]
    pub fn token_key(&self) -> Option<DuplicateKey> {
        match &self.credential {
            Credential::Codex(tokens) => tokens.refresh.as_ref().map(DuplicateKey::of_refresh),
            Credential::Key(_) => None,
        }
    }
}

/// What makes two accounts the same (F2). It holds no secret, only the hash of one where nothing else tells.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DuplicateKey(String);

impl DuplicateKey {
    /// Of a sign-in: workspace and person, so that two members of a team stay two accounts. Where a file does not name the
    /// person the e-mail address stands for them. `None` where that is unknown too.
    #[must_use]
    pub fn of_identity(identity: &Identity) -> Option<Self> {
        let account = identity.account_id.as_deref()?;
        match (&identity.user_id, &identity.email) {
            (Some(user), _) => Some(Self(format!("codex:{account}:{user}"))),
            (None, Some(email)) => Some(Self(format!("codex:{account}:{}", email.to_lowercase()))),
            (None, None) => None,
        }
    }

    /// Of a sign-in whose owner is not known before its first refresh: the hash of its refresh token (F6).
    #[must_use]
    pub fn of_refresh(token: &SecretString) -> Self {
        Self(format!("token:{}", digest(token)))
    }

    /// Of a key account: normalised base URL (with or without `/v1`) and key.
    #[must_use]
    pub fn of_key(base_url: &str, key: &SecretString) -> Self {
        Self(format!("key:{}:{}", comparable(base_url), digest(key)))
    }
}

impl fmt::Debug for DuplicateKey {
    /// Without the hash: it would let a guessed key be checked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if self.0.starts_with("codex:") {
            &self.0
        } else {
            self.0.rsplit_once(':').map_or("", |(kind, _)| kind)
        };
        write!(f, "DuplicateKey({shown})")
    }
}

fn digest(secret: &SecretString) -> String {
    Sha256::digest(secret.expose_secret().as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Why nothing of a text is imported (F5): syntax and shape are all or nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// There is nothing in it.
    #[error("there is no account in it")]
    Empty,
    /// It is larger than [`LARGEST`].
    #[error("it is larger than {} MiB; import it in parts", LARGEST / (1024 * 1024))]
    TooLarge,
    /// It is one of our own encrypted exports.
    #[error("it is an encrypted export; give its passphrase")]
    Encrypted,
    /// It is not JSON.
    #[error("item {item} is not valid JSON (line {line}, column {column}); nothing was imported")]
    Syntax {
        /// Which item, 1-based, as far as the text can be counted.
        item: usize,
        /// 1-based.
        line: usize,
        /// 1-based.
        column: usize,
    },
    /// An item has a wrong shape.
    #[error("item {item} {problem}; nothing was imported")]
    Item {
        /// Which one, 1-based.
        item: usize,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with one item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// None of the known shapes.
    #[error("is not an account file of a known shape")]
    NotRecognised,
    /// Not even an object or a token.
    #[error("is neither an object nor a token")]
    NotAnObject,
    /// Neither access nor refresh token (F6).
    #[error("holds neither an access token nor a refresh token")]
    NoToken,
    /// A field has the wrong type.
    #[error("has a field {field} that is not {expected}")]
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A key without a base URL.
    #[error("has an API key but no base URL; add one as baseUrl, or use `switchyard account add`")]
    NoBaseUrl,
    /// The base URL cannot be used.
    #[error("has a base URL that is not a plain http or https URL")]
    BadBaseUrl,
    /// The format is none of ours.
    #[error("has an unknown format; use openai, responses, anthropic, gemini or codex")]
    BadFormat,
    /// A text that looks like a token but is damaged.
    #[error("is a damaged token")]
    DamagedToken,
    /// Codex signed in with an API key.
    #[error(
        "is of a Codex CLI in API-key mode: there is no ChatGPT sign-in in it; add the key with `switchyard account add --kind provider`"
    )]
    ApiKeyMode,
    /// Codex signed in with something that cannot be refreshed or shared.
    #[error("is of a Codex CLI signed in with {0}, which cannot be imported; sign in with ChatGPT")]
    OtherAuthMode(&'static str),
    /// Another provider's sign-in.
    #[error("is an account of another platform ({0})")]
    OtherPlatform(String),
    /// Objects within objects without end.
    #[error("is nested too deeply")]
    TooDeep,
}

/// A base URL as it is compared: with and without `/v1` it is the same place (F2, F99).
pub(crate) fn comparable(base_url: &str) -> &str {
    let base = base_url.trim_end_matches('/');
    base.strip_suffix("/v1").unwrap_or(base)
}

#[cfg(test)]
pub(crate) mod tests;

//! What surfaces may show of an account: plain values without secrets, made fresh from the record and the pool.

use crate::balance::BalanceView;
use crate::limits::UsageLimitView;
use pool::{AccountId, AccountKind, Format, HoldSource, QuotaSnapshot, Timestamp};

/// Every word of [`AccountView::health`]: those of [`pool::Health::code`].
pub const HEALTH_WORDS: &[&str] = &[
    "unknown",
    "active",
    "cooling",
    "exhausted",
    "needs_login",
    "attention",
    "banned",
    "disabled",
];

/// Every word of [`StatusView::icon`], the loudest first.
pub const ICON_WORDS: &[&str] = &[
    "stopped",
    "offline",
    "attention",
    "low",
    "working",
    "running",
];

/// What keeps an account from serving until a known time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldView {
    /// Why.
    pub source: HoldSource,
    /// First instant at which it may serve again.
    pub until: Timestamp,
    /// A cooldown is guessed, a used-up quota is known.
    pub guessed: bool,
}

/// One account as lists and the tray show it.
#[derive(Debug, Clone)]
pub struct AccountView {
    /// Stable id.
    pub id: AccountId,
    /// What it is.
    pub kind: AccountKind,
    /// The person's name for it.
    pub label: String,
    /// Switched on by the person.
    pub enabled: bool,
    /// The one that the active-account policy uses first.
    pub active: bool,
    /// [`pool::Health::code`].
    pub health: &'static str,
    /// Why it is not simply healthy, for people.
    pub reason: Option<String>,
    /// What time alone will end, if that is what keeps it from serving.
    pub hold: Option<HoldView>,
    /// When time alone makes it usable again.
    pub usable_again_at: Option<Timestamp>,
    /// Dialect it speaks.
    pub format: Format,
    /// Base URL of a key account.
    pub base_url: Option<String>,
    /// E-mail of a sign-in, masked (F30).
    pub email: Option<String>,
    /// Plan its provider names.
    pub plan: Option<String>,
    /// Place in the person's order.
    pub position: u32,
    /// Lower is used first (F37).
    pub priority: u32,
    /// Its group.
    pub group: Option<String>,
    /// Models it may serve; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// Models its upstream offers, as far as known.
    pub known_models: Option<Vec<String>>,
    /// Its own proxy without a password, or `direct`.
    pub proxy: Option<String>,
    /// Neither leaves nor becomes the active account by itself (F45).
    pub excluded: bool,
    /// Share of each quota window that requests leave alone, in percent.
    pub reserve_percent: Option<u32>,
    /// Requests it may run at once, where it has a number of its own (F114).
    pub slots: Option<u32>,
    /// Its health score, 0 to 100 (F63).
    pub score: u8,
    /// The person's own words.
    pub notes: Option<String>,
    /// Last quota reading (F67).
    pub quota: Option<QuotaSnapshot>,
    /// What is left of its money, where somebody tells (F111).
    pub balance: Option<BalanceView>,
    /// Usage limits of the person's, with what was used of them (F72).
    pub limits: Vec<UsageLimitView>,
    /// What is left of the tightest known window, in percent.
    pub remaining_percent: Option<f64>,
    /// End of its access token.
    pub expires_at: Option<Timestamp>,
    /// Whether an expired token can be renewed without the person.
    pub refreshable: bool,
    /// When it was added.
    pub added_at: Timestamp,
    /// Last selection.
    pub last_used_at: Option<Timestamp>,
    /// Last good answer.
    pub last_success_at: Option<Timestamp>,
    /// Last failure, with its outcome's code.
    pub last_error: Option<(String, Timestamp)>,
    /// Requests running on it.
    pub running: u32,
    /// Times selected.
    pub requests: u64,
    /// Answers.
    pub successes: u64,
    /// Failures laid to it.
    pub failures: u64,
    /// Clients that went away.
    pub cancelled: u64,
    /// When its credential was last exported (F9).
    pub exported_at: Option<Timestamp>,
    /// How often it was exported.
    pub export_count: u32,
    /// A simulated account.
    pub demo: bool,
}

/// The engine in one look.
#[derive(Debug, Clone)]
pub struct StatusView {
    /// Version of this program.
    pub version: &'static str,
    /// Address for clients.
    pub url: String,
    /// Whether a listener runs.
    pub serving: bool,
    /// Requests running.
    pub running: usize,
    /// Of these, those that wait for a busy account (F115).
    pub waiting: usize,
    /// Groups with a limit: name, requests running, limit (F115).
    pub groups: Vec<(String, u32, u32)>,
    /// Rotation policy.
    pub policy: &'static str,
    /// Every request may go to another account; false: the active account goes first.
    pub automatic: bool,
    /// The active account changes by itself when it is used up (F41).
    pub auto_switch: bool,
    /// Requests are refused: until then, or until the person resumes.
    pub paused: Option<Option<Timestamp>>,
    /// No account reaches the network (F66).
    pub offline: bool,
    /// The machine saves its battery: quota is not asked by itself (F68).
    pub saving_power: bool,
    /// What the icon shows, of [`ICON_WORDS`].
    pub icon: &'static str,
    /// The default gateway key, masked (F30).
    pub key_masked: Option<String>,
    /// Where secrets are kept.
    pub vault: &'static str,
    /// The home folder.
    pub home: String,
    /// Accounts, in the person's order.
    pub accounts: Vec<AccountView>,
    /// Settings that deserve a warning, as sentences.
    pub notices: Vec<String>,
}

/// One account tried for a request.
#[derive(Debug, Clone)]
pub struct AttemptView {
    /// The account's id.
    pub account_id: Option<String>,
    /// Its label then.
    pub account: Option<String>,
    /// [`pool::Outcome::code`].
    pub outcome: String,
    /// HTTP status of its answer.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What happened, in words.
    pub reason: Option<String>,
}

/// One request that has begun to be served.
#[derive(Debug, Clone)]
pub struct StartedView {
    /// `x-request-id` of its answer.
    pub request_id: String,
    /// When it arrived.
    pub started_at: Timestamp,
    /// Name of the gateway key.
    pub key: String,
    /// The client's dialect.
    pub dialect: &'static str,
    /// Path.
    pub endpoint: &'static str,
    /// Model asked for.
    pub model: String,
    /// Whether it is to be streamed.
    pub stream: bool,
}

/// One finished request, as the journal holds it.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// Place in the journal; 0 before it is written.
    pub seq: i64,
    /// `x-request-id` of its answer.
    pub request_id: String,
    /// When it arrived.
    pub started_at: Timestamp,
    /// Name of the gateway key.
    pub key: Option<String>,
    /// The client's dialect.
    pub dialect: String,
    /// Path.
    pub endpoint: String,
    /// Model asked for.
    pub model: Option<String>,
    /// Model the upstream was asked for, where it differs.
    pub model_served: Option<String>,
    /// Label of the account that was tried last.
    pub account: Option<String>,
    /// Its id.
    pub account_id: Option<String>,
    /// Status sent to the client.
    pub status: Option<u16>,
    /// `completed`, `failed` or `cancelled`.
    pub outcome: String,
    /// Error code.
    pub error_code: Option<String>,
    /// Whether it was streamed.
    pub stream: bool,
    /// Milliseconds to the first byte.
    pub first_byte_ms: Option<i64>,
    /// Milliseconds to the end.
    pub duration_ms: i64,
    /// Input tokens, where the upstream told.
    pub input_tokens: Option<i64>,
    /// Output tokens, where the upstream told.
    pub output_tokens: Option<i64>,
    /// Of the input, what the provider's cache served.
    pub cached_tokens: Option<i64>,
    /// Of the output, what was reasoning.
    pub reasoning_tokens: Option<i64>,
    /// What of the request did not reach the upstream, or of the answer the client, as it was, with the reason.
    pub losses: Vec<String>,
    /// Every account tried, in order.
    pub attempts: Vec<AttemptView>,
}

/// One line of `explain MODEL`.
#[derive(Debug, Clone)]
pub struct ExplainView {
    /// The account.
    pub id: AccountId,
    /// Its label.
    pub label: String,
    /// Its place among the candidates, from 1; `None` when it is skipped.
    pub rank: Option<usize>,
    /// Why it is skipped, in words.
    pub reason: Option<String>,
    /// The same as [`pool::SkipReason::code`].
    pub code: Option<&'static str>,
    /// Why it has this place, in words; for a candidate.
    pub because: Option<&'static str>,
    /// When time alone ends the reason it is skipped for.
    pub until: Option<Timestamp>,
    /// What that reason was learnt from: a refusal, a reading, a guess.
    pub source: Option<String>,
}

/// Which requests of the journal; what is `None` lets all through.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// Only rows before this place in the journal.
    pub before: Option<i64>,
    /// Id of an account that served or was tried.
    pub account: Option<String>,
    /// `completed`, `failed` or `cancelled`.
    pub outcome: Option<String>,
    /// Part of a model, label, key name, error code or request id.
    pub text: Option<String>,
}

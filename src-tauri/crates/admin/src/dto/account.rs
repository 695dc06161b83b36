//! Accounts on the wire: the record, its standing, and what changes it.

use engine::AccountView;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Balance, Dialect, Health, Hold, Kind, LimitState, Quota, TaskResult};

/// One account as lists and the drawer show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    /// Stable id.
    pub id: String,
    pub kind: Kind,
    /// The person's name for it.
    pub label: String,
    /// Switched on by the person.
    pub enabled: bool,
    /// The one that the active-account policy uses first.
    pub active: bool,
    pub health: Health,
    /// Why it is not simply healthy, for people.
    pub reason: Option<String>,
    /// What keeps it from serving now and until when; nothing when only a person can help.
    pub hold: Option<AccountHold>,
    /// When time alone makes it usable again.
    pub usable_again_at: Option<i64>,
    pub format: Dialect,
    /// Base URL of a key account.
    pub base_url: Option<String>,
    /// E-mail of a sign-in, masked.
    pub email: Option<String>,
    /// Plan its provider names.
    pub plan: Option<String>,
    /// Place in the person's order, from 0.
    pub position: u32,
    /// Lower is used first; 50 unless the person says otherwise.
    pub priority: u32,
    pub group: Option<String>,
    /// Exact names or prefixes with `*`; null is all.
    pub allowed_models: Option<Vec<String>>,
    /// What its upstream offers, as far as known.
    pub known_models: Option<Vec<String>>,
    /// Its own proxy without a password, `direct`, or null for the general one.
    pub proxy: Option<String>,
    /// Neither leaves nor becomes the active account by itself.
    pub excluded: bool,
    /// Share of each quota window that requests leave alone, in percent.
    pub reserve_percent: Option<u32>,
    /// Requests it may run at once; null: what `rotation.account_slots` says.
    pub slots: Option<u32>,
    /// Health score, 0 to 100: the lowest of what is known about its limits; 0 is not selectable.
    pub score: u8,
    /// The person's own words.
    pub notes: Option<String>,
    pub quota: Option<Quota>,
    /// What is left of its money, where somebody tells.
    pub balance: Option<Balance>,
    /// Usage limits of the person's own, with what was used of them.
    pub limits: Vec<LimitState>,
    /// What is left of the tightest known window, in percent.
    pub remaining_percent: Option<f64>,
    /// End of its access token.
    pub expires_at: Option<i64>,
    /// Whether an expired token can be renewed without the person.
    pub refreshable: bool,
    pub added_at: i64,
    pub last_used_at: Option<i64>,
    pub last_success_at: Option<i64>,
    pub last_error: Option<LastError>,
    /// Requests running on it.
    pub running: u32,
    pub requests: u64,
    pub successes: u64,
    pub failures: u64,
    pub cancelled: u64,
    /// When its credential was last exported.
    pub exported_at: Option<i64>,
    pub export_count: u32,
    /// Simulated; goes away with the demo accounts.
    pub demo: bool,
}

/// A rest of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountHold {
    pub source: Hold,
    pub until: i64,
    /// A cooldown is guessed; an exhausted quota is known.
    pub guessed: bool,
}

/// The last failure laid to an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastError {
    /// The outcome's code.
    pub code: String,
    pub at: i64,
}

impl From<AccountView> for Account {
    fn from(view: AccountView) -> Self {
        let hold = view.hold.map(|hold| AccountHold {
            source: hold.source.as_str().into(),
            until: hold.until.0,
            guessed: hold.guessed,
        });
        let last_error = view
            .last_error
            .map(|(code, at)| LastError { code, at: at.0 });
        Self {
            id: view.id.to_string(),
            kind: view.kind.as_str().into(),
            label: view.label,
            enabled: view.enabled,
            active: view.active,
            health: view.health.into(),
            reason: view.reason,
            hold,
            usable_again_at: view.usable_again_at.map(|at| at.0),
            format: view.format.as_str().into(),
            base_url: view.base_url,
            email: view.email,
            plan: view.plan,
            position: view.position,
            priority: view.priority,
            group: view.group,
            allowed_models: view.allowed_models,
            known_models: view.known_models,
            proxy: view.proxy,
            excluded: view.excluded,
            reserve_percent: view.reserve_percent,
            slots: view.slots,
            score: view.score,
            notes: view.notes,
            quota: view.quota.as_ref().map(Quota::from),
            balance: view.balance.map(Into::into),
            limits: view.limits.into_iter().map(Into::into).collect(),
            remaining_percent: view.remaining_percent,
            expires_at: view.expires_at.map(|at| at.0),
            refreshable: view.refreshable,
            added_at: view.added_at.0,
            last_used_at: view.last_used_at.map(|at| at.0),
            last_success_at: view.last_success_at.map(|at| at.0),
            last_error,
            running: view.running,
            requests: view.requests,
            successes: view.successes,
            failures: view.failures,
            cancelled: view.cancelled,
            exported_at: view.exported_at.map(|at| at.0),
            export_count: view.export_count,
            demo: view.demo,
        }
    }
}

/// A relay or key account to add. The same base URL and key update the account that is there (F2).
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewAccount {
    /// `relay`, `zai` or `provider`; a preset may say it.
    #[serde(default)]
    pub kind: String,
    /// 1 to 64 characters.
    pub label: String,
    /// A preset may say it.
    #[serde(default)]
    pub base_url: String,
    /// `openai`, `responses`, `anthropic`, `gemini` or `codex`; a preset may say it.
    #[serde(default)]
    pub format: String,
    /// Write-only: no answer shows it again.
    #[schema(write_only)]
    pub key: String,
    /// Models it may serve; null is all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub priority: Option<u32>,
    /// Its own proxy without a password, or `direct`.
    #[serde(default)]
    pub proxy: Option<String>,
    /// A preset's name: it says what is left out.
    #[serde(default)]
    pub preset: Option<String>,
    /// How the key is carried; null: as the format does.
    #[serde(default)]
    pub auth: Option<String>,
    /// Headers sent along. Never a secret.
    #[serde(default)]
    pub headers: Vec<super::HeaderLine>,
    /// Thinking suffixes of model names are read.
    #[serde(default)]
    pub reads_suffixes: bool,
    /// Its own default effort.
    #[serde(default)]
    pub effort: Option<String>,
}

/// What to change of an account; a field that is absent stays, null clears it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountPatch {
    /// 1 to 64 characters; cannot be cleared.
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<Vec<String>>)]
    pub allowed_models: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub group: Option<Option<String>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<u32>)]
    pub priority: Option<Option<u32>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub proxy: Option<Option<String>>,
    #[serde(default)]
    pub excluded: Option<bool>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<u32>)]
    pub reserve_percent: Option<Option<u32>>,
    /// 1 to 1000 requests at once; null: the general setting.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<u32>)]
    pub slots: Option<Option<u32>>,
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Option<String>>,
}

/// Tells null (`Some(None)`) from absent (`None`).
pub(crate) fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The new order.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct OrderRequest {
    /// These first; the rest follow as they were.
    pub ids: Vec<String>,
}

/// What a refresh came to for one account (F20).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refreshed {
    pub id: String,
    pub label: String,
    pub result: TaskResult,
    pub reason: Option<String>,
}

impl From<engine::RefreshView> for Refreshed {
    fn from(view: engine::RefreshView) -> Self {
        Self {
            id: view.id.to_string(),
            label: view.label,
            result: view.result.into(),
            reason: view.reason,
        }
    }
}

/// A live test (F62, F104): it costs quota.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct TestRequest {
    /// The account's first model when nothing is said.
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub prompt: Option<String>,
}

/// How the test ended.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestResult {
    pub ok: bool,
    pub model: Option<String>,
    pub status: Option<u16>,
    pub latency_ms: u64,
    pub first_byte_ms: Option<u64>,
    pub text: Option<String>,
    pub error: Option<String>,
}

impl From<engine::TestView> for TestResult {
    fn from(view: engine::TestView) -> Self {
        Self {
            ok: view.ok,
            model: Some(view.model),
            status: view.status,
            latency_ms: super::millis(view.took),
            first_byte_ms: view.first_byte.map(super::millis),
            text: view.text,
            error: view.error,
        }
    }
}

impl From<AccountPatch> for engine::AccountChange {
    fn from(patch: AccountPatch) -> Self {
        Self {
            label: patch.label,
            allowed_models: patch.allowed_models,
            group: patch.group,
            priority: patch.priority,
            proxy: patch.proxy,
            excluded: patch.excluded,
            reserve_percent: patch.reserve_percent,
            slots: patch.slots,
            notes: patch.notes,
        }
    }
}

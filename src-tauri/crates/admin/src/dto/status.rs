//! The whole in one look: the state of the gateway, and the answer of the first page.

use engine::AccountView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Account, Icon, Rotation, Switch, Today, WindowName};

/// The gateway in one look.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    pub version: String,
    /// Address for clients, without a path.
    pub url: String,
    /// Base URLs as clients want them.
    pub urls: Urls,
    /// Whether a listener runs.
    pub serving: bool,
    /// Requests running.
    pub running: usize,
    /// Of these, those that wait for a busy account.
    pub waiting: usize,
    /// Groups of accounts that have a limit.
    pub groups: Vec<GroupUse>,
    /// Requests are refused until the person resumes, or until `paused_until`.
    pub paused: bool,
    pub paused_until: Option<i64>,
    pub policy: Rotation,
    /// The gateway chooses the account for each request; false: the active account goes first.
    pub automatic: bool,
    /// The active account changes by itself when it is used up.
    pub auto_switch: bool,
    pub icon_state: Icon,
    /// No account reaches the network.
    pub offline: bool,
    /// The machine saves its battery: quota is not asked by itself meanwhile.
    pub saving_power: bool,
    /// Where secrets are kept.
    pub vault: String,
    /// The home folder.
    pub home: String,
    /// The default gateway key, first and last characters only.
    pub key_masked: Option<String>,
    /// The answer goes to the desktop window.
    pub desktop: bool,
    /// There are demo accounts.
    pub demo: bool,
    pub accounts: Vec<Account>,
    /// What deserves a warning, as sentences.
    pub notices: Vec<String>,
}

/// How much of a group's limit is in use.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupUse {
    pub name: String,
    /// Requests running on its accounts.
    pub running: u32,
    /// Most at once.
    pub limit: u32,
}

/// Base URLs for the kinds of client libraries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Urls {
    pub openai: String,
    pub anthropic: String,
    pub gemini: String,
}

/// The first page in one answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    pub status: Status,
    pub active: Option<Account>,
    /// The next reset of every known window, soonest first.
    pub resets: Vec<Reset>,
    pub attention: Vec<Attention>,
    pub today: Today,
    /// The last five.
    pub switches: Vec<Switch>,
}

/// A window that will begin afresh.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reset {
    pub account_id: String,
    pub label: String,
    pub window: WindowName,
    pub length_s: Option<u64>,
    pub resets_at: i64,
    pub used_percent: f64,
}

/// An account that needs the person, with the one thing to do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Attention {
    pub account_id: String,
    pub label: String,
    pub problem: Problem,
    /// In words, when there are any.
    pub detail: Option<String>,
    pub action: AttentionAction,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    /// Only a new sign-in helps.
    NeedsLogin,
    /// The provider closed the account.
    Banned,
    /// It answers with errors.
    Failing,
}

/// The one thing to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AttentionAction {
    /// Sign in again, in place.
    SignIn,
    /// Forget what is held against it and try.
    TryNow,
    /// Look at it: remove it or switch it off.
    Open,
}

/// How long to refuse requests.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct PauseRequest {
    /// Null: until resumed.
    pub seconds: Option<u64>,
}

/// Which simulated accounts were added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Demo {
    pub accounts: Vec<Account>,
}

impl Status {
    /// The engine's view as one surface sees it.
    pub(crate) fn of(view: engine::StatusView, surface: crate::routes::Surface) -> Self {
        Self {
            version: view.version.to_owned(),
            urls: Urls {
                openai: format!("{}/v1", view.url),
                anthropic: view.url.clone(),
                gemini: view.url.clone(),
            },
            url: view.url,
            serving: view.serving,
            running: view.running,
            paused: view.paused.is_some(),
            paused_until: view.paused.flatten().map(|at| at.0),
            policy: view.policy.into(),
            automatic: view.automatic,
            waiting: view.waiting,
            groups: view
                .groups
                .into_iter()
                .map(|(name, running, limit)| GroupUse {
                    name,
                    running,
                    limit,
                })
                .collect(),
            auto_switch: view.auto_switch,
            icon_state: view.icon.into(),
            offline: view.offline,
            saving_power: view.saving_power,
            vault: view.vault.to_owned(),
            home: view.home,
            key_masked: view.key_masked,
            desktop: surface == crate::routes::Surface::Window,
            demo: view.accounts.iter().any(|account| account.demo),
            accounts: view.accounts.into_iter().map(Account::from).collect(),
            notices: view.notices,
        }
    }
}

impl Reset {
    /// The windows of enabled accounts that will begin afresh, soonest first.
    pub(crate) fn of(accounts: &[AccountView]) -> Vec<Self> {
        let mut resets = Vec::new();
        for account in accounts.iter().filter(|account| account.enabled) {
            let Some(quota) = &account.quota else {
                continue;
            };
            for (name, window) in [("primary", &quota.primary), ("secondary", &quota.secondary)] {
                if let Some(window) = window
                    && let Some(at) = window.resets_at
                {
                    resets.push(Self {
                        account_id: account.id.to_string(),
                        label: account.label.clone(),
                        window: name.into(),
                        length_s: window.length.map(|length| length.as_secs()),
                        resets_at: at.0,
                        used_percent: window.used_percent,
                    });
                }
            }
        }
        resets.sort_by_key(|reset| reset.resets_at);
        resets
    }
}

impl Attention {
    /// What an account needs the person for, if anything.
    pub(crate) fn of(account: &AccountView) -> Option<Self> {
        let (problem, action) = match account.health {
            "needs_login" => (Problem::NeedsLogin, AttentionAction::SignIn),
            "banned" => (Problem::Banned, AttentionAction::Open),
            "attention" => (Problem::Failing, AttentionAction::TryNow),
            _ => return None,
        };
        Some(Self {
            account_id: account.id.to_string(),
            label: account.label.clone(),
            problem,
            detail: account.reason.clone(),
            action,
        })
    }
}

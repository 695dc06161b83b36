//! What tests hold: one handle per account or relay key, to script it and to ask what happened to it.

use std::{collections::HashSet, fmt, sync::Arc};

use crate::{
    quota::Quota,
    setup::{AccountSetup, KeySetup},
    step::{Endpoint, RefreshStep, Step},
    wallet::Wallet,
    world::{Account, Key, Script, Who, World},
};

/// Something that has a script: an account or a relay key.
pub trait Scripted {
    /// Appends steps for the next requests to an endpoint.
    fn script_at(&self, endpoint: Endpoint, steps: impl IntoIterator<Item = Step>);

    /// What every generation request gets once the appended steps are used up (instead of [`Step::Ok`]).
    fn always(&self, step: Step);

    /// Appends steps for the next generation requests.
    fn script(&self, steps: impl IntoIterator<Item = Step>) {
        self.script_at(Endpoint::Generate, steps);
    }
}

/// A simulated ChatGPT account and the tokens of its first sign-in.
#[derive(Clone)]
pub struct SimAccount {
    world: Arc<World>,
    index: usize,
    /// Sign-in address and label.
    pub email: String,
    /// Workspace id.
    pub account_id: String,
    /// Person id.
    pub user_id: String,
    /// Plan word.
    pub plan: String,
    /// Access token of the first sign-in.
    pub access_token: String,
    /// Refresh token of the first sign-in; good for one refresh.
    pub refresh_token: String,
    /// Id token of the first sign-in.
    pub id_token: String,
}

impl fmt::Debug for SimAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimAccount")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

pub(crate) fn add_account(world: &Arc<World>, setup: AccountSetup) -> SimAccount {
    let (email, account_id, user_id, plan) = (
        setup.email.clone(),
        setup.account_id.clone(),
        setup.user_id.clone(),
        setup.plan.clone(),
    );
    let index = world.with(|state| {
        state.accounts.push(Account {
            setup,
            script: Script::default(),
            refreshes: Default::default(),
            token_calls: 0,
            access: Default::default(),
            refresh: String::new(),
            spent_refresh: HashSet::new(),
        });
        state.accounts.len() - 1
    });
    let (access_token, refresh_token, id_token) =
        world.grant(index).map_or_else(Default::default, |grant| {
            (grant.access, grant.refresh, grant.id)
        });
    SimAccount {
        world: Arc::clone(world),
        index,
        email,
        account_id,
        user_id,
        plan,
        access_token,
        refresh_token,
        id_token,
    }
}

impl SimAccount {
    /// An `auth.json` of the Codex CLI with the first sign-in's tokens.
    #[must_use]
    pub fn auth_json(&self) -> String {
        let tokens = serde_json::json!({"id_token": self.id_token, "access_token": self.access_token,
            "refresh_token": self.refresh_token, "account_id": self.account_id});
        let file = serde_json::json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": tokens, "last_refresh": "2026-07-27T10:00:00Z"});
        format!("{file:#}")
    }

    /// Appends reactions to the next refreshes; after them every refresh succeeds.
    pub fn script_refresh(&self, steps: impl IntoIterator<Item = RefreshStep>) {
        self.change(|account| account.refreshes.extend(steps));
    }

    /// Token calls made for this account, refused ones included.
    #[must_use]
    pub fn token_calls(&self) -> usize {
        self.change(|account| account.token_calls)
            .unwrap_or_default()
    }

    /// The refresh token that is good now.
    #[must_use]
    pub fn current_refresh_token(&self) -> String {
        self.change(|account| account.refresh.clone())
            .unwrap_or_default()
    }

    /// Whether this refresh token was used up.
    #[must_use]
    pub fn is_spent(&self, refresh_token: &str) -> bool {
        self.change(|account| account.spent_refresh.contains(refresh_token))
            .unwrap_or_default()
    }

    /// Makes every access token given out so far answer 401.
    pub fn revoke_access(&self) {
        self.change(|account| account.access.clear());
    }

    /// Lifetime of the access tokens given out from now on, in seconds.
    pub fn set_access_ttl(&self, seconds: i64) {
        self.change(|account| account.setup.access_ttl_s = seconds);
    }

    /// What the quota headers and the usage endpoint tell from now on.
    pub fn set_quota(&self, quota: Quota) {
        self.change(|account| account.setup.quota = quota);
    }

    /// The quota as it stands.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.world.quota(self.index).0
    }

    /// Makes this account the one who signs in at the authorize page and agrees to device codes.
    pub fn sign_in_next(&self) {
        self.world.with(|state| state.sign_in_as = self.index);
    }

    fn change<T>(&self, act: impl FnOnce(&mut Account) -> T) -> Option<T> {
        self.world
            .with(|state| state.accounts.get_mut(self.index).map(act))
    }
}

impl Scripted for SimAccount {
    fn script_at(&self, endpoint: Endpoint, steps: impl IntoIterator<Item = Step>) {
        self.change(|account| account.script.append(endpoint, steps));
    }

    fn always(&self, step: Step) {
        self.change(|account| account.script.set_always(Endpoint::Generate, step));
    }
}

/// A relay key.
#[derive(Clone)]
pub struct RelayKey {
    world: Arc<World>,
    index: usize,
    /// The bearer key.
    pub key: String,
    /// Its label in answers and in [`crate::Seen::account`].
    pub label: String,
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayKey")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

pub(crate) fn add_key(world: &Arc<World>, setup: KeySetup) -> RelayKey {
    let (key, label) = (setup.key.clone(), setup.label.clone());
    let index = world.with(|state| {
        state.keys.push(Key {
            setup,
            wallet: Wallet::default(),
            script: Script::default(),
        });
        state.keys.len() - 1
    });
    RelayKey {
        world: Arc::clone(world),
        index,
        key,
        label,
    }
}

impl RelayKey {
    /// What the balance pages tell from now on.
    pub fn set_wallet(&self, wallet: Wallet) {
        self.world.with(|state| {
            if let Some(key) = state.keys.get_mut(self.index) {
                key.wallet = wallet;
            }
        });
    }

    fn change<T>(&self, act: impl FnOnce(&mut Script) -> T) -> Option<T> {
        self.world
            .with(|state| state.script(Who::Key(self.index)).map(act))
    }
}

impl Scripted for RelayKey {
    fn script_at(&self, endpoint: Endpoint, steps: impl IntoIterator<Item = Step>) {
        self.change(|script| script.append(endpoint, steps));
    }

    fn always(&self, step: Step) {
        self.change(|script| script.set_always(Endpoint::Generate, step));
    }
}

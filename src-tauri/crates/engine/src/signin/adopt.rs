//! The tokens of a sign-in become an account: the one that is there (F2), the one that was to sign in again (F20), or a new one.
//!
//! The vault is written before anything can use the tokens (F17).

use std::sync::Arc;

use pool::{AccountId, AccountKind};
use store::AccountRow;
use upstream::{Credential, CredentialStore, OAuthTokens};

use crate::compose::Engine;
use crate::error::EngineError;
use crate::import;
use crate::records;
use crate::redact::mask_email;

/// What the record of an account that signed in names as its source.
const SOURCE: &str = "sign_in";

/// Why tokens were not kept.
#[derive(Debug)]
pub(super) enum NotKept {
    /// Another account than the expected one signed in (R7); nothing was changed.
    Other { who: String, words: String },
    /// They could not be written.
    Failed(EngineError),
}

impl NotKept {
    pub(super) fn into_error(self) -> EngineError {
        match self {
            Self::Other { words, .. } => EngineError::Invalid(words),
            Self::Failed(error) => error,
        }
    }
}

impl From<EngineError> for NotKept {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl Engine {
    /// Keeps the tokens of a sign-in. `again` is the account they are expected to belong to.
    pub(super) async fn keep_tokens(
        self: &Arc<Self>,
        again: Option<&AccountId>,
        tokens: &OAuthTokens,
    ) -> Result<AccountId, NotKept> {
        self.changeable()?;
        let turn = self.records.turn().await;
        let known = self.records.with(Vec::clone);
        let mut row = match again {
            Some(id) => expected(&known, id, tokens)?,
            None => already_there(&known, tokens)
                .cloned()
                .unwrap_or_else(|| self.new_row(&known, tokens)),
        };
        row.format = Some(pool::Format::Codex.as_str().to_owned());
        row.provider_account_id = tokens.account_id.clone().or(row.provider_account_id);
        row.provider_user_id = tokens.user_id.clone().or(row.provider_user_id);
        row.email = tokens.email.clone().or(row.email);
        row.plan = tokens.plan.clone().or(row.plan);
        // F4: no readable expiry counts as expired, so that the first use refreshes.
        row.expires_at = Some(tokens.expires_at.map_or(0, |at| at.0));
        row.refreshable = tokens.refresh.is_some();
        records::target(&row)?;

        let id = AccountId::from(row.id.as_str());
        // Before, so that a refresh under way does not write over the new tokens; after, so that nobody goes on with the old ones.
        self.upstream.forget(&id);
        self.credentials()
            .persist(&id, &Credential::OAuth(Box::new(tokens.clone())))
            .await
            .map_err(|error| EngineError::Provider(error.to_string()))?;
        self.upstream.forget(&id);
        self.save(row.clone()).await?;
        drop(turn);
        // F2: used-up quota stays what it is; what the old credential was refused for does not.
        let refused = self.pool.with(|pool| {
            pool.state(&id).is_some_and(|state| {
                !matches!(state.status, pool::Status::Active | pool::Status::Unknown)
                    || state.cooldown.is_some()
            })
        });
        if refused {
            self.clear_state(&id);
        }
        self.activate_first_usable_if_none().await?;
        tracing::info!(account = %row.label, "signed in");
        self.discover_later(vec![row]);
        let (engine, asked) = (self.clone(), id.clone());
        self.tasks.run(async move {
            if let Err(error) = engine.query_quota_of(asked.as_str()).await {
                tracing::info!(%error, "the quota of the new sign-in could not be read yet");
            }
        });
        Ok(id)
    }

    fn new_row(&self, known: &[AccountRow], tokens: &OAuthTokens) -> AccountRow {
        let mut label = tokens.email.clone().unwrap_or_else(|| "ChatGPT".to_owned());
        // One person in several workspaces: the plan tells them apart.
        if let Some(plan) = &tokens.plan
            && known.iter().any(|row| row.label == label)
        {
            label = format!("{label} ({plan})");
        }
        let label = label.chars().take(import::LONGEST_LABEL).collect();
        let mut row = self.blank(AccountKind::CodexOauth, label);
        row.source = SOURCE.to_owned();
        row
    }
}

/// Whether the tokens belong to this account; `None` where too little is known to tell. R7: workspace and person together.
fn belongs(row: &AccountRow, tokens: &OAuthTokens) -> Option<bool> {
    let equal = |a: &Option<String>, b: &Option<String>| Some(a.as_ref()? == b.as_ref()?);
    let workspace = equal(&row.provider_account_id, &tokens.account_id);
    let person = equal(&row.provider_user_id, &tokens.user_id).or_else(|| {
        let (a, b) = (row.email.as_ref()?, tokens.email.as_ref()?);
        Some(a.eq_ignore_ascii_case(b))
    });
    match (workspace, person) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// The account that these tokens certainly belong to (F2).
fn already_there<'r>(known: &'r [AccountRow], tokens: &OAuthTokens) -> Option<&'r AccountRow> {
    known
        .iter()
        .filter(|row| !records::kind(row).is_key())
        .find(|row| belongs(row, tokens) == Some(true))
}

/// The account that was to sign in again, when it is the one that did.
fn expected(
    known: &[AccountRow],
    id: &AccountId,
    tokens: &OAuthTokens,
) -> Result<AccountRow, NotKept> {
    let row = known
        .iter()
        .find(|row| row.id == id.as_str())
        .ok_or_else(|| EngineError::NotFound("the account was removed meanwhile".into()))?;
    let there = already_there(known, tokens);
    let is_another_one = there.is_some_and(|other| other.id != row.id);
    if belongs(row, tokens) != Some(false) && !is_another_one {
        return Ok(row.clone());
    }
    let shown = tokens.email.as_deref().map(mask_email);
    let same_person = tokens.email.is_some() && tokens.email == row.email;
    let who = match (there, shown) {
        (Some(other), _) => other.label.clone(),
        (None, Some(email)) if same_person => format!("{email} in another workspace"),
        (None, Some(email)) => email,
        (None, None) => "another ChatGPT account".to_owned(),
    };
    let offer = match there {
        Some(_) => "which is here already: its own sign-in can be renewed with it",
        None => "which can be added as an account of its own",
    };
    let words = format!(
        "you signed in as {who}, not as {}, which was not changed. Sign in again as {0}, or use {who}, {offer}.",
        row.label
    );
    Err(NotKept::Other { who, words })
}

//! Upstream's credential store over the vault: one item per account, written before the new token is used (F17).

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use pool::AccountId;
use upstream::{Credential, CredentialError, CredentialStore, OAuthTokens};
use vault::Vault;

use crate::env::Env;
use crate::error::EngineError;
use crate::import;
use crate::tasks::Tasks;

/// Vault items of accounts carry this prefix, so that they never meet the other items.
pub(crate) fn item(id: &AccountId) -> String {
    format!("account-{id}")
}

/// A vault that may still be opening. Until it is open it counts as locked.
pub(crate) type LateVault = Arc<OnceLock<Arc<dyn Vault>>>;

/// See the module.
pub(crate) struct VaultCredentials {
    vault: LateVault,
    tasks: Tasks,
    /// Folder of the local Codex CLI, whose tokens may be the same account's.
    codex: Option<PathBuf>,
}

impl VaultCredentials {
    pub(crate) fn new(vault: LateVault, tasks: Tasks, env: &Env) -> Self {
        Self {
            vault,
            tasks,
            codex: import::codex_home(env),
        }
    }

    fn opened(&self) -> Result<Arc<dyn Vault>, CredentialError> {
        self.vault.get().cloned().ok_or(CredentialError::Locked)
    }
}

impl CredentialStore for VaultCredentials {
    fn load(&self, id: &AccountId) -> BoxFuture<'_, Result<Option<Credential>, CredentialError>> {
        let name = item(id);
        Box::pin(async move {
            let (vault, codex) = (self.opened()?, self.codex.clone());
            self.tasks
                .blocking(move || load(&*vault, &name, codex.as_deref()))
                .await
                .map_err(broken)?
        })
    }

    fn persist(
        &self,
        id: &AccountId,
        credential: &Credential,
    ) -> BoxFuture<'_, Result<(), CredentialError>> {
        let name = item(id);
        let secret = credential.to_json();
        Box::pin(async move {
            let vault = self.opened()?;
            self.tasks
                .blocking(move || vault.put(&name, &secret))
                .await
                .map_err(broken)?
                .map_err(refused)
        })
    }
}

fn load(
    vault: &dyn Vault,
    name: &str,
    codex: Option<&Path>,
) -> Result<Option<Credential>, CredentialError> {
    let Some(secret) = vault.get(name).map_err(refused)? else {
        return Ok(None);
    };
    let held = Credential::from_json(&secret)
        .map_err(|error| CredentialError::Unreadable(error.to_string()))?;
    let Credential::OAuth(ours) = &held else {
        return Ok(Some(held));
    };
    let Some(theirs) = codex.and_then(|folder| newer_in_codex(ours, folder)) else {
        return Ok(Some(held));
    };
    tracing::info!("the Codex CLI holds newer tokens of this account: they are adopted");
    let adopted = Credential::OAuth(Box::new(theirs));
    vault.put(name, &adopted.to_json()).map_err(refused)?;
    Ok(Some(adopted))
}

/// F21: the Codex CLI may have refreshed the account that both are signed in to. Our refresh token is spent then, and using it would end
/// both sign-ins. Its file is read, never written.
fn newer_in_codex(ours: &OAuthTokens, folder: &Path) -> Option<OAuthTokens> {
    let (account, user) = (ours.account_id.as_ref()?, ours.user_id.as_ref()?);
    let item = import::codex_local(folder).ok()?.items.into_iter().next()?;
    let import::Credential::Codex(tokens) = item.credential else {
        return None;
    };
    let same = item.identity.account_id.as_ref() == Some(account)
        && item.identity.user_id.as_ref() == Some(user);
    let newer = item.identity.expires_at > ours.expires_at;
    if !same || !newer || tokens.access.is_none() || tokens.refresh.is_none() {
        return None;
    }
    let mut adopted = OAuthTokens {
        access: tokens.access,
        refresh: tokens.refresh,
        id_token: tokens.id_token.or_else(|| ours.id_token.clone()),
        expires_at: item.identity.expires_at,
        last_refresh: None,
        ..ours.clone()
    };
    adopted.adopt_claims();
    Some(adopted)
}

fn broken(error: EngineError) -> CredentialError {
    CredentialError::Unavailable(error.to_string())
}

fn refused(error: vault::VaultError) -> CredentialError {
    if error.is_locked() {
        CredentialError::Locked
    } else {
        CredentialError::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use secrecy::{ExposeSecret, SecretString};

    fn token(account: &str, user: &str, exp: i64) -> String {
        let claims = serde_json::json!({"exp": exp, "https://api.openai.com/auth": {"chatgpt_account_id": account, "chatgpt_user_id": user}});
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("eyJhbGciOiJub25lIn0.{claims}.c2ln")
    }

    /// F21: only newer tokens, and only of the same account and person; what is adopted is kept.
    #[test]
    fn f21_newer_tokens_of_the_same_account_are_adopted() {
        const OURS: i64 = 2_000_000_000;
        for (account, user, exp, adopted) in [
            ("acc", "me", OURS + 60, true),
            ("acc", "me", OURS, false),
            ("acc", "me", OURS - 60, false),
            ("acc", "colleague", OURS + 60, false),
            ("other", "me", OURS + 60, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let auth = serde_json::json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": {
                "access_token": token(account, user, exp), "refresh_token": "rt_theirs", "account_id": account}});
            let file = folder.path().join("auth.json");
            std::fs::write(&file, auth.to_string()).unwrap();
            let vault = vault::MemoryVault::default();
            let mut ours = OAuthTokens {
                access: Some(SecretString::from(token("acc", "me", OURS))),
                refresh: Some(SecretString::from("rt_ours")),
                ..OAuthTokens::default()
            };
            ours.expires_at = ours.adopt_claims().expires_at;
            vault
                .put("a", &Credential::OAuth(Box::new(ours)).to_json())
                .unwrap();
            for _ in 0..2 {
                let Ok(Some(Credential::OAuth(found))) = load(&vault, "a", Some(folder.path()))
                else {
                    unreachable!("a sign-in was kept");
                };
                let refresh = found.refresh.unwrap();
                let expected = if adopted { "rt_theirs" } else { "rt_ours" };
                assert_eq!(refresh.expose_secret(), expected, "{account} {user} {exp}");
                std::fs::write(&file, "{}").unwrap();
            }
        }
    }
}

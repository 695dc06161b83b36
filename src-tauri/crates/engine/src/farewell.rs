//! Ending a sign-in at its provider when the account is removed here, if the person wants that (F21, codex-backend 1.6).
//!
//! Best effort: the account is gone here whatever the provider answers.

use std::future::Future;
use std::sync::PoisonError;

use pool::AccountId;
use store::AccountRow;
use upstream::Credential;

use crate::compose::Engine;
use crate::credentials::item;
use crate::records;

impl Engine {
    /// The call that ends this sign-in, prepared before its credential is deleted. None for keys, for simulated accounts, where it is not
    /// wanted, and where the Codex CLI lives on the same sign-in: it would be signed out as well.
    pub(crate) async fn farewell(
        &self,
        row: &AccountRow,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        let wanted = self.settings.current().settings.codex.revoke_on_removal;
        if !wanted || records::kind(row).is_key() || crate::demo::is_demo(row) {
            return None;
        }
        // It may have signed in since the last look.
        self.look_at_codex_cli().await;
        if self.is_of_codex_cli(row) {
            tracing::info!(account = %row.label, "not ended at the provider: the Codex CLI is signed in with the same account");
            return None;
        }
        let target = records::target(row).ok()?;
        let vault = self.vault.clone();
        let name = item(&AccountId::from(row.id.as_str()));
        let kept = self.tasks.blocking(move || vault.get(&name)).await;
        let Ok(Credential::OAuth(tokens)) = Credential::from_json(&kept.ok()?.ok()??) else {
            return None;
        };
        let (upstream, label) = (self.upstream.clone(), row.label.clone());
        Some(async move {
            match upstream.revoke(&target.proxy, &tokens).await {
                Ok(()) => tracing::info!(account = %label, "the sign-in was ended at the provider"),
                Err(error) => {
                    tracing::warn!(account = %label, %error, "the sign-in could not be ended at the provider")
                }
            }
        })
    }

    fn is_of_codex_cli(&self, row: &AccountRow) -> bool {
        let theirs = self
            .codex_cli
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        theirs.as_ref().is_some_and(|theirs| {
            theirs.account_id.is_some() && theirs.account_id == row.provider_account_id
        })
    }
}

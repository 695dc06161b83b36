//! Keeping what an import brings: credentials into the vault, many with one write, and a line of the report for each item.
//!
//! A passphrase vault is written whole each time, so a thousand single writes would take minutes (F7). Should a write of many fail, each of
//! them is tried alone, so that the report blames the right ones (F5).

use pool::AccountId;
use secrecy::SecretString;
use store::AccountRow;
use upstream::{Credential, CredentialStore, OAuthTokens};

use super::{ERRORS, ImportItemView, ImportReport};
use crate::compose::Engine;
use crate::credentials::item;
use crate::error::EngineError;
use crate::import::{self, CodexTokens, ImportItem};
use crate::records;

/// Credentials of one write. Their records come after all of them, so a kill in between leaves no account without one.
const TOGETHER: usize = 1024;

/// One item on its way.
struct Waiting {
    line: ImportItemView,
    row: AccountRow,
    /// What is to be kept; none for an item that is in the file twice, and in a dry run.
    credential: Option<SecretString>,
}

/// Items that wait for their write, and what was kept so far.
pub(super) struct Keeping<'r> {
    report: &'r mut ImportReport,
    dry_run: bool,
    waiting: Vec<Waiting>,
    rows: Vec<AccountRow>,
}

impl<'r> Keeping<'r> {
    pub(super) fn new(report: &'r mut ImportReport, dry_run: bool) -> Self {
        Self {
            report,
            dry_run,
            waiting: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Accounts taken in so far: where the next one stands in the order.
    pub(super) fn new_rows(&self) -> usize {
        let waiting = self.waiting.iter();
        self.rows.len() + waiting.filter(|one| one.credential.is_some()).count()
    }

    fn count(&mut self, line: ImportItemView) {
        match line.action {
            "new" => self.report.added += 1,
            "update" => self.report.updated += 1,
            _ => {}
        }
        self.report.items.push(line);
    }

    fn refuse(&mut self, line: ImportItemView, error: &EngineError) {
        self.report.failed += 1;
        if self.report.errors.len() < ERRORS {
            let text = format!("item {}: {error}", line.item);
            self.report.errors.push(text);
        }
        self.report.items.push(line);
    }
}

impl Engine {
    /// Takes one item in; what waits is written when it is enough for one write.
    pub(super) async fn take_in(
        &self,
        keeping: &mut Keeping<'_>,
        line: ImportItemView,
        row: AccountRow,
        entry: ImportItem,
    ) {
        let wanted = line.action != "duplicate_in_file" && !keeping.dry_run;
        let credential = if wanted {
            match self.credential_of(&row, entry).await {
                Ok(credential) => Some(credential.to_json()),
                Err(error) => {
                    // In the order of the file.
                    self.write(keeping).await;
                    return keeping.refuse(line, &error);
                }
            }
        } else {
            None
        };
        keeping.waiting.push(Waiting {
            line,
            row,
            credential,
        });
        if keeping.waiting.len() >= TOGETHER {
            self.write(keeping).await;
        }
    }

    /// Writes what still waits; the records whose credentials are kept.
    pub(super) async fn keep_rest(&self, mut keeping: Keeping<'_>) -> Vec<AccountRow> {
        self.write(&mut keeping).await;
        keeping.rows
    }

    /// The credentials first: a record without one would be an account that cannot serve.
    async fn write(&self, keeping: &mut Keeping<'_>) {
        let waiting = std::mem::take(&mut keeping.waiting);
        let secrets: Vec<(String, SecretString)> = waiting
            .iter()
            .filter_map(|one| {
                let credential = one.credential.clone()?;
                let id = AccountId::from(one.row.id.as_str());
                // So that a refresh under way does not write over the new tokens.
                self.upstream.forget(&id);
                Some((item(&id), credential))
            })
            .collect();
        let together = secrets.is_empty() || self.keep_secrets(secrets).await.is_ok();
        for Waiting {
            mut line,
            row,
            credential,
        } in waiting
        {
            let Some(credential) = credential else {
                keeping.count(line);
                continue;
            };
            let id = AccountId::from(row.id.as_str());
            if !together && let Err(error) = self.keep_secrets(vec![(item(&id), credential)]).await
            {
                keeping.refuse(line, &error);
                continue;
            }
            self.put_in_force(&id);
            line.id = Some(id);
            keeping.count(line);
            keeping.rows.push(row);
        }
    }

    async fn keep_secrets(&self, secrets: Vec<(String, SecretString)>) -> Result<(), EngineError> {
        let vault = self.vault.clone();
        let kept = self.tasks.blocking(move || vault.put_all(&secrets)).await?;
        Ok(kept?)
    }

    /// Nobody goes on with the old credential, and what it was refused for is forgotten. Used-up quota stays what it is (F2).
    fn put_in_force(&self, id: &AccountId) {
        self.upstream.forget(id);
        let refused = self.pool.with(|pool| {
            pool.state(id).is_some_and(|state| {
                !matches!(state.status, pool::Status::Active | pool::Status::Unknown)
                    || state.cooldown.is_some()
            })
        });
        if refused {
            self.clear_state(id);
        }
    }

    /// What is kept for an item. An id token that is missing stays the old one.
    async fn credential_of(
        &self,
        row: &AccountRow,
        entry: ImportItem,
    ) -> Result<Credential, EngineError> {
        records::target(row)?;
        let (access, refresh, id_token) = match entry.credential {
            import::Credential::Key(key) => return Ok(Credential::Key(key)),
            import::Credential::Codex(CodexTokens {
                access,
                refresh,
                id_token,
            }) => (access, refresh, id_token),
        };
        let id_token = match id_token {
            Some(id_token) => Some(id_token),
            None => {
                let id = AccountId::from(row.id.as_str());
                match self.credentials().load(&id).await {
                    Ok(Some(Credential::OAuth(old))) => old.id_token,
                    _ => None,
                }
            }
        };
        let mut tokens = OAuthTokens {
            access,
            refresh,
            id_token,
            expires_at: entry.identity.expires_at,
            account_id: entry.identity.account_id,
            user_id: entry.identity.user_id,
            email: entry.identity.email,
            plan: entry.identity.plan,
            last_refresh: None,
        };
        tokens.adopt_claims();
        Ok(Credential::OAuth(Box::new(tokens)))
    }
}

//! The diagnostic bundle (F147): one text with versions, settings, accounts' standing, the last 500 requests and the last 500 log lines, for
//! whoever is asked for help. It is shown before it is saved, and what is saved is what was shown.
//!
//! No secret is put into it in the first place; then every secret that the vault holds is looked for as it stands, the redactor looks for
//! what has the looks of one, and e-mail addresses and the person's own folder are masked.

use std::path::PathBuf;
use std::sync::Arc;

use pool::{AccountId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use upstream::{Credential, CredentialStore};

use crate::compose::Engine;
use crate::env;
use crate::error::EngineError;
use crate::handing_out::check_place;
use crate::home::{PRIVATE, write_atomic};
use crate::keys::KeyView;
use crate::logs;
use crate::redact::Redactor;
use crate::settings::Source;

/// Requests and log lines shown.
const LAST: usize = 500;
/// Longest text that is saved, in bytes.
const LARGEST: usize = 8 << 20;
/// Shorter secrets are not looked for as they stand: they would be found in plain words.
const SHORTEST: usize = 6;
/// What stands for a secret.
const HIDDEN: &str = "•••";

impl Engine {
    /// The bundle as it would be saved.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn diagnostics(self: &Arc<Self>) -> Result<String, EngineError> {
        let mut text = self.facts();
        text.push_str(&format!("\n== Last {LAST} requests ==\n"));
        for request in self.requests(LAST as u32).await?.iter().rev() {
            let mut line = format!(
                "{} {} {} {} account={} model={} client={} {} ms",
                time(request.started_at),
                request.endpoint,
                request
                    .status
                    .map_or("-".to_owned(), |status| status.to_string()),
                request.outcome,
                request.account.as_deref().unwrap_or("-"),
                request.model.as_deref().unwrap_or("-"),
                request.key.as_deref().unwrap_or("-"),
                request.duration_ms,
            );
            if let Some(code) = &request.error_code {
                line.push_str(&format!(" error={code}"));
            }
            for attempt in &request.attempts {
                line.push_str(&format!(
                    " [{} {} {}{}]",
                    attempt.account.as_deref().unwrap_or("-"),
                    attempt.outcome,
                    attempt.duration_ms,
                    attempt
                        .reason
                        .as_ref()
                        .map(|why| format!(": {why}"))
                        .unwrap_or_default(),
                ));
            }
            text.push_str(&line);
            text.push('\n');
        }
        let folder = self.home().logs();
        let lines = self
            .tasks
            .blocking(move || logs::last_lines(&folder, LAST))
            .await?;
        text.push_str(&format!("\n== Last {LAST} log lines ==\n"));
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        Ok(self.without_secrets(text).await)
    }

    /// Writes a bundle that was shown into a file only its owner can read.
    ///
    /// # Errors
    /// When the file cannot stand there, or the text is no bundle.
    pub async fn save_diagnostics(
        self: &Arc<Self>,
        text: &str,
        path: PathBuf,
    ) -> Result<(), EngineError> {
        if text.is_empty() || text.len() > LARGEST {
            return Err(EngineError::Invalid(
                "`text` is the bundle as it was shown".into(),
            ));
        }
        // Whatever was pasted into it meanwhile.
        let text = self.without_secrets(text.to_owned()).await;
        let root = self.home().root().to_path_buf();
        self.tasks
            .blocking(move || {
                check_place(&path, &root).map_err(str::to_owned)?;
                write_atomic(&path, text.as_bytes(), PRIVATE)
                    .map_err(|error| format!("the file cannot be written: {error}"))
            })
            .await?
            .map_err(EngineError::Invalid)
    }

    fn facts(&self) -> String {
        let status = self.status();
        let mut text = format!(
            "Switchyard {} on {} {}, database schema {}\nmade at {}\nhome {}, secrets in {}, policy {}, auto-switch {}, {} requests running\n",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            store::SCHEMA_VERSION,
            time(self.clock.now()),
            self.home().root().display(),
            status.vault,
            status.policy,
            status.auto_switch,
            self.running(),
        );
        for notice in &status.notices {
            text.push_str(&format!("notice: {notice}\n"));
        }
        text.push_str("\n== Settings that are not as they come ==\n");
        for entry in self.settings.list() {
            if entry.source != Source::Default {
                text.push_str(&format!(
                    "{} = {} ({})\n",
                    entry.key.name,
                    entry.value.to_json(),
                    entry.source.as_str()
                ));
            }
        }
        text.push_str("\n== Accounts ==\n");
        for account in self.accounts() {
            text.push_str(&format!(
                "{} {} {} plan={} enabled={} active={} {}{}\n",
                account.id,
                account.kind.as_str(),
                account.label,
                account.plan.as_deref().unwrap_or("-"),
                account.enabled,
                account.active,
                account.health,
                account
                    .reason
                    .map(|why| format!(": {why}"))
                    .unwrap_or_default(),
            ));
        }
        text.push_str("\n== Gateway keys ==\n");
        for KeyView {
            name,
            enabled,
            expired,
            ..
        } in self.keys()
        {
            text.push_str(&format!("{name} enabled={enabled} expired={expired}\n"));
        }
        text
    }

    /// See the module.
    async fn without_secrets(&self, mut text: String) -> String {
        for secret in self.every_secret().await {
            let secret = secret.expose_secret();
            if secret.len() >= SHORTEST && text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        let person = [env::USER_HOME, env::USER_PROFILE];
        for folder in person.iter().filter_map(|name| self.env.get(name)) {
            if folder.len() > 1 {
                text = text.replace(folder, "~");
            }
        }
        Redactor { emails: true }.apply(&text).into_owned()
    }

    /// What the vault holds, as far as it answers.
    async fn every_secret(&self) -> Vec<SecretString> {
        let mut secrets: Vec<SecretString> = Vec::new();
        let ids: Vec<AccountId> = self.records.with(|rows| {
            let ids = rows.iter().map(|row| AccountId::from(row.id.as_str()));
            ids.collect()
        });
        let store = self.credentials();
        for id in ids {
            match store.load(&id).await {
                Ok(Some(Credential::Key(key))) => secrets.push(key),
                Ok(Some(Credential::OAuth(tokens))) => {
                    secrets.extend(
                        [tokens.access, tokens.refresh, tokens.id_token]
                            .into_iter()
                            .flatten(),
                    );
                }
                Ok(None) | Err(_) => {}
            }
        }
        secrets.extend(
            self.keys()
                .iter()
                .filter_map(|key| self.key(&key.name).ok()),
        );
        let vault = self.vault.clone();
        let password = self
            .tasks
            .blocking(move || crate::convert::proxy_password(&*vault))
            .await;
        secrets.extend(password.ok().and_then(Result::ok).flatten());
        let settings = self.settings.current();
        let inline = settings.settings.proxy.url.as_ref();
        secrets.extend(inline.and_then(|url| url.password().cloned()));
        let passphrase = self.env.passphrase().cloned();
        secrets.extend(passphrase);
        secrets
    }
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map_or_else(|_| at.0.to_string(), |at| format!("{at:.0}"))
}

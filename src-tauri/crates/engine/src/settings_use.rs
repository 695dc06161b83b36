//! Settings as use cases: list, show, change; a change acts on the next request (F127).

use std::sync::Arc;

use secrecy::SecretString;

use crate::compose::Engine;
use crate::convert;
use crate::error::EngineError;
use crate::events::EngineEvent;
use crate::settings::{Apply, Change, Entry, PasswordChange, ProxyAddress};

/// One setting as it may be shown.
#[derive(Debug, Clone)]
pub struct SettingView {
    /// Its name.
    pub key: &'static str,
    /// The value in force; a proxy's password is masked.
    pub value: serde_json::Value,
    /// What it is when nobody says anything.
    pub default: serde_json::Value,
    /// `default`, `file`, `env` or `flag`.
    pub source: &'static str,
    /// The variable or flag that holds it, if it cannot be changed here (F126).
    pub locked_by: Option<String>,
    /// When a change acts.
    pub apply: &'static str,
    /// Allowed values, in words.
    pub allowed: String,
    /// What it is for.
    pub doc: &'static str,
}

impl From<Entry> for SettingView {
    fn from(entry: Entry) -> Self {
        Self {
            key: entry.key.name,
            value: entry.value.to_json(),
            default: entry.default.to_json(),
            source: entry.source.as_str(),
            locked_by: entry.locked_by,
            apply: entry.key.apply.as_str(),
            allowed: entry.key.field.allowed(),
            doc: entry.key.doc,
        }
    }
}

impl Engine {
    /// Every setting.
    pub fn settings(&self) -> Vec<SettingView> {
        self.settings
            .list()
            .into_iter()
            .map(SettingView::from)
            .collect()
    }

    /// One setting.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn setting(&self, key: &str) -> Result<SettingView, EngineError> {
        Ok(self.settings.get(key)?.into())
    }

    /// Changes a setting (`None`: back to its default) and puts it in force.
    ///
    /// # Errors
    /// Names the key and what is allowed; the old value stays.
    pub async fn change_setting(
        self: &Arc<Self>,
        key: &str,
        value: Option<&str>,
    ) -> Result<SettingView, EngineError> {
        self.changeable()?;
        let before = self.setting(key)?;
        let change = self.write_setting(key, value)?;
        let moves = change.apply == Some(Apply::Rebind);
        match change.proxy_password {
            PasswordChange::Keep(password) => self.keep_proxy_password(Some(password)).await?,
            PasswordChange::Forget => self.keep_proxy_password(None).await?,
            PasswordChange::None => {}
        }
        self.apply_settings().await?;
        if key.starts_with("usage.") {
            self.ledger
                .set_terms(&self.settings.current().settings.usage);
            self.reload_limits().await?;
        }
        if moves && let Err(error) = self.rebind().await {
            // A bad change never replaces a good state: the file says again what is served.
            let old = (before.source == "file").then(|| text(&before.value));
            let _ = self.write_setting(key, old.as_deref())?;
            self.apply_settings().await?;
            return Err(error);
        }
        self.settings_changed(key);
        self.setting(key)
    }

    /// Tells whoever waits for a setting, inside and outside.
    pub(crate) fn settings_changed(&self, key: &str) {
        self.upkeep_settings_changed(key);
        if key == "import.folder" {
            self.watched.wake();
        }
        self.journal
            .bus
            .tell(EngineEvent::SettingsChanged(key.to_owned()));
        self.journal.bus.tell(EngineEvent::Status);
    }

    fn write_setting(&self, key: &str, value: Option<&str>) -> Result<Change, EngineError> {
        Ok(match value {
            Some(value) => self.settings.set(key, value)?,
            None => self.settings.unset(key)?,
        })
    }

    async fn keep_proxy_password(&self, password: Option<SecretString>) -> Result<(), EngineError> {
        let vault = self.vault.clone();
        let kept = self.tasks.blocking(move || match password {
            Some(password) => vault.put(ProxyAddress::PASSWORD_NAME, &password),
            None => vault.delete(ProxyAddress::PASSWORD_NAME),
        });
        Ok(kept.await??)
    }

    /// Hands the settings in force to every room.
    pub(crate) async fn apply_settings(&self) -> Result<(), EngineError> {
        let resolved = self.settings.current();
        let vault = self.vault.clone();
        let password = self
            .tasks
            .blocking(move || convert::proxy_password(&*vault))
            .await??;
        self.upstream.set_config(convert::upstream_config(
            &resolved.settings,
            password.as_ref(),
        )?)?;
        self.gateway
            .set_config(convert::gateway_config(&resolved.settings));
        self.gateway.set_catalog(self.catalog());
        self.pool
            .with(|pool| convert::put_routing(&resolved.settings, pool));
        self.gateway.look_at_queue();
        self.put_switch_rule();
        self.announce();
        Ok(())
    }
}

/// A setting's value as it is written: what `settings set` takes.
fn text(value: &serde_json::Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

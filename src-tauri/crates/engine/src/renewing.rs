//! Renewing tokens because the person asked (F20); the schedule's own renewals are `upstream`'s.

use pool::AccountId;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::progress::Progress;
use crate::records;

/// What a refresh of one account came to (F20).
#[derive(Debug, Clone)]
pub struct RefreshView {
    /// Which account.
    pub id: AccountId,
    /// Its label.
    pub label: String,
    /// `ok`, `skipped` or `failed`.
    pub result: &'static str,
    /// Why not.
    pub reason: Option<String>,
}

impl Engine {
    /// Refreshes one account or all enabled ones, by hand (F20).
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn refresh(&self, name: Option<&str>) -> Result<Vec<RefreshView>, EngineError> {
        let rows = match name {
            Some(name) => vec![self.find(name)?],
            None => self
                .records
                .with(|rows| rows.iter().filter(|row| row.enabled).cloned().collect()),
        };
        let progress = name
            .is_none()
            .then(|| Progress::begin(&self.journal.bus, "refresh", rows.len()));
        let mut results = Vec::new();
        for row in rows {
            let (result, reason) = match records::target(&row) {
                Err(error) => ("failed", Some(error.to_string())),
                Ok(_) if crate::demo::is_demo(&row) => (
                    "skipped",
                    Some("is simulated: there is nothing to renew".to_owned()),
                ),
                Ok(target) if target.is_oauth() => match self.upstream.refresh(&target, true).await
                {
                    Ok(_) => ("ok", None),
                    Err(error) => ("failed", Some(error.to_string())),
                },
                Ok(_) => (
                    "skipped",
                    Some("uses a key, which is never refreshed".to_owned()),
                ),
            };
            if let Some(progress) = &progress {
                progress.step(&row.label);
            }
            results.push(RefreshView {
                id: AccountId::from(row.id.as_str()),
                label: row.label,
                result,
                reason,
            });
        }
        Ok(results)
    }
}

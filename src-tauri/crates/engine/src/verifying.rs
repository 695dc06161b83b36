//! Whether imported accounts work, asked where no model has to be called (F7): a sign-in for its quota, a key account for its models.

use pool::AccountId;
use store::AccountRow;

use crate::compose::Engine;
use crate::progress::Progress;
use crate::records;
use crate::transfer::{ERRORS, ImportReport};

impl Engine {
    /// F7: by refresh or usage query, two at a time, never a model call. A failure keeps the account.
    pub(crate) async fn verify(&self, ids: &[AccountId], report: &mut ImportReport) {
        use futures_util::StreamExt;
        let rows: Vec<AccountRow> = ids
            .iter()
            .filter_map(|id| self.find(id.as_str()).ok())
            .collect();
        let progress = Progress::begin(&self.journal.bus, "import", rows.len());
        let checks = rows.into_iter().map(|row| {
            let progress = &progress;
            async move {
                let problem = self.check(&row).await;
                progress.step(&row.label);
                Some((row.label, problem?))
            }
        });
        let problems: Vec<_> = futures_util::stream::iter(checks)
            .buffer_unordered(2)
            .filter_map(std::future::ready)
            .collect()
            .await;
        for (label, problem) in problems {
            if report.errors.len() < ERRORS {
                report.errors.push(format!("{label}: {problem}"));
            }
        }
    }

    /// What is wrong with an account, if anything.
    async fn check(&self, row: &AccountRow) -> Option<String> {
        let target = records::target(row).ok()?;
        if records::kind(row).is_key() {
            return self
                .upstream
                .list_models(&target)
                .await
                .err()
                .map(|error| error.to_string());
        }
        match self.upstream.query_usage(&target).await {
            Ok(quota) => {
                self.gateway
                    .observe_by_hand(&AccountId::from(row.id.as_str()), quota);
                None
            }
            Err(error) => Some(error.to_string()),
        }
    }
}

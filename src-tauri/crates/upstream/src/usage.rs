//! Asking an account for its quota: one GET that spends no tokens (F68). Never a model call.

use std::time::Duration;

use http::header;
use pool::{Format, QuotaSnapshot};

use crate::{
    QueryError, Upstream, classify,
    oauth::read_limited,
    quota::quota_from_usage,
    send::{Failure, SendError, transport_message},
    target::{ACCOUNT_HEADER, Target},
};

const LIMIT: Duration = Duration::from_secs(20);
const BODY_LIMIT: usize = 1 << 20;

impl Upstream {
    /// The quota of a ChatGPT account as its usage endpoint tells it.
    ///
    /// # Errors
    /// [`QueryError::NotApplicable`] for key accounts (F102); otherwise why there was no answer.
    pub async fn query_usage(&self, target: &Target) -> Result<QuotaSnapshot, QueryError> {
        if !target.is_oauth() {
            return Err(QueryError::NotApplicable(
                "a key account has no ChatGPT quota",
            ));
        }
        let access = self.access(target).await?;
        let settings = self.0.settings.load_full();
        let prepared = target
            .prepared(&settings)
            .map_err(crate::AccessError::from)?;
        let Some((url, client)) = prepared.usage.clone() else {
            return Err(QueryError::NotApplicable(
                "a key account has no ChatGPT quota",
            ));
        };
        let mut headers = prepared.headers.clone();
        headers.insert(access.name.clone(), access.value.clone());
        if let Some(account) = &access.account {
            headers.insert(ACCOUNT_HEADER, account.clone());
        }
        headers.insert(
            header::ACCEPT,
            http::HeaderValue::from_static("application/json"),
        );
        let failed = |e: reqwest::Error| SendError {
            outcome: pool::Outcome::Network,
            failure: Failure::Connect,
            sent: false,
            message: transport_message(&e),
        };
        let mut response = client
            .get(url)
            .headers(headers)
            .timeout(LIMIT)
            .send()
            .await
            .map_err(failed)?;
        let body = read_limited(&mut response, BODY_LIMIT)
            .await
            .map_err(failed)?;
        let (status, now) = (response.status(), self.0.clock.now());
        let outcome = classify::classify(Format::Codex, status, response.headers(), &body, now);
        if outcome != pool::Outcome::Success {
            if outcome == pool::Outcome::Unauthorized {
                self.unauthorized(target, &access);
            }
            return Err(refused(outcome, status, &access.hidden_in(body)));
        }
        quota_from_usage(&body, now).ok_or(QueryError::Unreadable)
    }
}

pub(crate) fn refused(outcome: pool::Outcome, status: http::StatusCode, body: &[u8]) -> QueryError {
    let message =
        classify::error_message(body).map_or_else(|| "no reason given".to_owned(), |m| m.message);
    QueryError::Refused {
        outcome,
        status: status.as_u16(),
        message: message.chars().take(200).collect(),
    }
}

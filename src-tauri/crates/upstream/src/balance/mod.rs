//! Asking a provider what is left of an account's money or plan (F110, F111, appendix C): one or two GETs that spend nothing.
//!
//! What the answer means for selection is the engine's and the pool's. Where a provider is asked, and how its answer is read, stands in
//! `read` and `zai`. Never a model call.

mod decimal;
mod read;
mod rule;
mod zai;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pool::{Format, Outcome, QuotaSnapshot, Timestamp};
use url::Url;

use crate::{
    Access, QueryError, Upstream, classify,
    oauth::read_limited,
    send::{Failure, SendError, transport_message},
    target::Target,
    usage::refused,
};

pub use decimal::{Decimal, NotDecimal};
pub use rule::BalanceRule;

/// Longest wait for one answer (F111).
const LIMIT: Duration = Duration::from_secs(10);
const BODY_LIMIT: usize = 1 << 20;
/// Days of spending that an OpenAI-style relay is asked for.
const SPENDING_DAYS: i64 = 99;

/// A way to ask for a balance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BalanceAdapter {
    /// SiliconFlow.
    SiliconFlow,
    /// DeepSeek.
    DeepSeek,
    /// Moonshot.
    Moonshot,
    /// OpenRouter.
    OpenRouter,
    /// Z.AI and BigModel: quota windows of a plan instead of money (F110).
    Zai,
    /// `/dashboard/billing`, as many relays copy it from OpenAI.
    OpenAiBilling,
    /// As the person says.
    Rule(Arc<BalanceRule>),
}

impl BalanceAdapter {
    /// All of them that have a word of their own.
    pub const ALL: [Self; 6] = [
        Self::SiliconFlow,
        Self::DeepSeek,
        Self::Moonshot,
        Self::OpenRouter,
        Self::Zai,
        Self::OpenAiBilling,
    ];

    /// The stored and displayed word; a rule is its own text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SiliconFlow => "siliconflow",
            Self::DeepSeek => "deepseek",
            Self::Moonshot => "moonshot",
            Self::OpenRouter => "openrouter",
            Self::Zai => "zai",
            Self::OpenAiBilling => "openai_billing",
            Self::Rule(rule) => &rule.text,
        }
    }

    /// The adapter of that word, or of a rule's text.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        if word.contains('#') {
            let rule = BalanceRule::parse(word).ok()?;
            return Some(Self::Rule(Arc::new(rule)));
        }
        Self::ALL
            .into_iter()
            .find(|adapter| adapter.as_str() == word)
    }

    /// The adapter that an account's host calls for. A relay's billing page is asked only when a person says so.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Self> {
        const HOSTS: [(&str, BalanceAdapter); 8] = [
            ("siliconflow.cn", BalanceAdapter::SiliconFlow),
            ("siliconflow.com", BalanceAdapter::SiliconFlow),
            ("deepseek.com", BalanceAdapter::DeepSeek),
            ("moonshot.ai", BalanceAdapter::Moonshot),
            ("moonshot.cn", BalanceAdapter::Moonshot),
            ("openrouter.ai", BalanceAdapter::OpenRouter),
            ("z.ai", BalanceAdapter::Zai),
            ("bigmodel.cn", BalanceAdapter::Zai),
        ];
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        HOSTS
            .into_iter()
            .find_map(|(domain, adapter)| below(domain).then_some(adapter))
    }

    /// The same for a base URL.
    #[must_use]
    pub fn of_base_url(base: &str) -> Option<Self> {
        Self::of_host(Url::parse(base.trim()).ok()?.host_str()?)
    }
}

/// An amount in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    /// `USD`, `CNY`.
    pub currency: String,
    /// What is left.
    pub total: Decimal,
    /// Of it, what was given.
    pub granted: Option<Decimal>,
    /// Of it, what was paid for.
    pub topped_up: Option<Decimal>,
}

/// What a provider told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BalanceReading {
    /// One for each currency; none where money does not limit the key.
    pub amounts: Vec<Amount>,
    /// The provider says outright that the account cannot be used.
    pub unavailable: bool,
    /// Windows of a plan (F110).
    pub quota: Option<QuotaSnapshot>,
}

/// What one question is about.
struct Question<'q> {
    target: &'q Target,
    access: Access,
    now: Timestamp,
    upstream: &'q Upstream,
}

impl Upstream {
    /// What is left of a key account, as the adapter's provider tells it. Through the account's proxy, ten seconds at most for an answer.
    ///
    /// # Errors
    /// [`QueryError::NotApplicable`] for sign-ins; otherwise why there was no answer. Errors in an HTTP 200 are errors.
    pub async fn query_balance(
        &self,
        target: &Target,
        adapter: &BalanceAdapter,
    ) -> Result<BalanceReading, QueryError> {
        if target.is_oauth() {
            return Err(QueryError::NotApplicable(
                "a sign-in has a quota, not a balance",
            ));
        }
        let question = Question {
            target,
            access: self.access(target).await?,
            now: self.0.clock.now(),
            upstream: self,
        };
        match adapter {
            BalanceAdapter::SiliconFlow => {
                let global = question.host().ends_with("siliconflow.com");
                let currency = if global { "USD" } else { "CNY" };
                read::siliconflow(&question.at_host("/v1/user/info").await?, currency)
            }
            BalanceAdapter::DeepSeek => read::deepseek(&question.at_host("/user/balance").await?),
            BalanceAdapter::Moonshot => {
                let china = question.host().ends_with(".cn");
                let currency = if china { "CNY" } else { "USD" };
                read::moonshot(&question.at_host("/v1/users/me/balance").await?, currency)
            }
            BalanceAdapter::OpenRouter => match question.at_host("/api/v1/credits").await {
                Ok(body) => read::openrouter_credits(&body),
                // Only a management key may read the credits; every key may read its own limit.
                Err(QueryError::Refused {
                    status: 401 | 403, ..
                }) => read::openrouter_key(&question.at_host("/api/v1/key").await?),
                Err(error) => Err(error),
            },
            BalanceAdapter::Zai => zai::read(
                &question.at_host("/api/monitor/usage/quota/limit").await?,
                question.now,
            ),
            BalanceAdapter::OpenAiBilling => {
                let limit = question
                    .at_base("/dashboard/billing/subscription", None)
                    .await?;
                let days = format!(
                    "start_date={}&end_date={}",
                    date(question.now, -SPENDING_DAYS),
                    date(question.now, 1)
                );
                let spent = question
                    .at_base("/dashboard/billing/usage", Some(&days))
                    .await?;
                read::openai_billing(&limit, &spent)
            }
            BalanceAdapter::Rule(rule) => {
                let place = rule.place(&question.base()?);
                let (url, own) = place.map_err(QueryError::NotApplicable)?;
                rule.read(&question.get(url, own).await?)
            }
        }
    }
}

impl Question<'_> {
    fn base(&self) -> Result<Url, QueryError> {
        Url::parse(&self.target.base_url)
            .map_err(|_| QueryError::NotApplicable("the account has no base URL"))
    }

    fn host(&self) -> String {
        let base = self.base().ok();
        base.as_ref()
            .and_then(Url::host_str)
            .unwrap_or_default()
            .to_ascii_lowercase()
    }

    /// A path of the account's host.
    async fn at_host(&self, path: &str) -> Result<Bytes, QueryError> {
        let mut url = self.base()?;
        url.set_path(path);
        url.set_query(None);
        self.get(url, true).await
    }

    /// A path below the account's base URL, which ends in a version for these.
    async fn at_base(&self, path: &str, query: Option<&str>) -> Result<Bytes, QueryError> {
        let mut url = self.base()?;
        let base = url.path().trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let path = format!("{base}/v1{path}");
        url.set_path(&path);
        url.set_query(query);
        self.get(url, true).await
    }

    /// `own`: it is the account's own host, which gets the headers that go along with its requests.
    async fn get(&self, url: Url, own: bool) -> Result<Bytes, QueryError> {
        let settings = self.upstream.0.settings.load_full();
        let client = settings
            .client(&self.target.proxy, &url)
            .map_err(crate::AccessError::from)?;
        let prepared = self
            .target
            .prepared(&settings)
            .map_err(crate::AccessError::from)?;
        let mut headers = if own {
            prepared.headers.clone()
        } else {
            HeaderMap::new()
        };
        headers.insert(header::AUTHORIZATION, self.bearer()?);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let failed = |error: reqwest::Error| SendError {
            outcome: if error.is_timeout() {
                Outcome::Timeout
            } else {
                Outcome::Network
            },
            failure: Failure::Connect,
            sent: false,
            message: transport_message(&error),
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
        let (status, body) = (response.status(), self.access.hidden_in(body));
        let outcome =
            classify::classify(Format::OpenAi, status, response.headers(), &body, self.now);
        match (status, outcome) {
            (StatusCode::OK, Outcome::Success | Outcome::ServerError { .. }) => Ok(body),
            (status, outcome) => Err(refused(outcome, status, &body)),
        }
    }

    /// These pages take a bearer token, whatever header the account's dialect uses.
    fn bearer(&self) -> Result<HeaderValue, QueryError> {
        if self.access.name == header::AUTHORIZATION {
            return Ok(self.access.value.clone());
        }
        let mut value = b"Bearer ".to_vec();
        value.extend_from_slice(self.access.value.as_bytes());
        let mut value = HeaderValue::from_maybe_shared(Bytes::from(value))
            .map_err(|_| QueryError::NotApplicable("the key cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// The calendar date (UTC) some days from an instant, as `2026-01-31`.
fn date(now: Timestamp, days: i64) -> String {
    // Days since 0000-03-01, so that leap days come last in their year.
    let day = now.as_secs().div_euclid(86_400) + days + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (month, day) = (
        if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        },
        of_year - (153 * shifted + 2) / 5 + 1,
    );
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests;

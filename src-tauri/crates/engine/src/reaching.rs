//! Tests of the way to providers (F120): of a proxy, also one that is not saved, and of every host that is in use. Only the head of a host's
//! first page is asked for; no account's name or credential goes along, and nobody else is asked about addresses.

use std::collections::HashSet;

use futures_util::StreamExt;
use upstream::proxy::ProxyUrl;
use upstream::{ProxyChoice, Reached};
use url::Url;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::records;
use crate::settings::ProxyAddress;

/// Every word of [`ReachView::standing`].
pub const REACH_WORDS: &[&str] = &["ok", "limited", "down"];
/// Hosts asked at the same time.
const AT_ONCE: usize = 8;
/// What a masked password looks like: a form that shows one gives it back.
const MASKED: &str = "•••";

/// How one host was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachView {
    /// `scheme://host[:port]`.
    pub host: String,
    /// The proxy on the way, its password masked; `None` is the direct way.
    pub proxy: Option<String>,
    /// One of [`REACH_WORDS`]: 2xx and 3xx, 4xx, anything else.
    pub standing: &'static str,
    /// What was answered.
    pub status: Option<u16>,
    /// Milliseconds until the answer, or until it was known that none comes.
    pub latency_ms: u64,
    /// Why there is no good answer, for people.
    pub problem: Option<String>,
}

impl ReachView {
    fn of(url: &Url, proxy: Option<&ProxyUrl>, reached: Reached) -> Self {
        let problem = match reached.status {
            Some(407) => Some("the proxy wants another user name or password".to_owned()),
            Some(status @ (502..=504)) if proxy.is_some() => Some(format!(
                "the proxy, or the host behind it, answered {status}"
            )),
            _ => reached.problem,
        };
        Self {
            host: url.origin().ascii_serialization(),
            proxy: proxy.map(ToString::to_string),
            standing: match reached.status {
                Some(200..=399) => REACH_WORDS[0],
                Some(400..=499) => REACH_WORDS[1],
                _ => REACH_WORDS[2],
            },
            status: reached.status,
            latency_ms: u64::try_from(reached.took.as_millis()).unwrap_or(u64::MAX),
            problem,
        }
    }
}

impl Engine {
    /// Reaches the host of `account`, else of the ChatGPT backend, through a proxy: `proxy` as it would be saved (`direct` is none), else
    /// the saved one, also while it is switched off. The no-proxy list does not count here.
    ///
    /// # Errors
    /// When there is no proxy to test, or it is none.
    pub async fn test_proxy(
        &self,
        proxy: Option<&str>,
        account: Option<&str>,
    ) -> Result<ReachView, EngineError> {
        let host = match account {
            Some(name) => self.find(name)?.base_url,
            None => None,
        };
        let settings = self.settings.current();
        let host = host.unwrap_or_else(|| settings.settings.codex.base_url.clone());
        let url = url(&host)?;
        let proxy = match proxy.map(str::trim).filter(|text| !text.is_empty()) {
            Some("direct") => None,
            Some(text) => Some(self.whole_proxy(text).await?),
            None => match &settings.settings.proxy.url {
                Some(saved) => Some(self.whole_proxy(&saved.masked()).await?),
                None => {
                    return Err(EngineError::Invalid(
                        "there is no proxy to test: name one, or set proxy.url".into(),
                    ));
                }
            },
        };
        self.reach(&url, proxy.as_ref()).await
    }

    /// Reaches every host that settings and accounts name, each once for each way to it, as requests would.
    ///
    /// # Errors
    /// None but a proxy that cannot be used at all.
    pub async fn test_network(&self) -> Result<Vec<ReachView>, EngineError> {
        let settings = self.settings.current();
        let codex = &settings.settings.codex;
        let mut places = vec![
            (codex.base_url.clone(), ProxyChoice::Global),
            (codex.auth_url.clone(), ProxyChoice::Global),
        ];
        self.records.with(|rows| {
            for row in rows.iter().filter(|row| row.enabled) {
                let Ok(target) = records::target(row) else {
                    continue;
                };
                let base = row.base_url.as_ref().unwrap_or(&codex.base_url);
                places.push((base.clone(), target.proxy.clone()));
            }
        });
        let mut seen = HashSet::new();
        let mut ways = Vec::new();
        for (base, choice) in places {
            let Ok(url) = url(&base) else { continue };
            let proxy = self.upstream.way_to(&choice, &url);
            if seen.insert((url.origin(), proxy.clone())) {
                ways.push((url, proxy));
            }
        }
        let asked = ways
            .into_iter()
            .map(|(url, proxy)| async move { self.reach(&url, proxy.as_ref()).await });
        let views: Vec<_> = futures_util::stream::iter(asked)
            .buffered(AT_ONCE)
            .collect()
            .await;
        views.into_iter().collect()
    }

    async fn reach(&self, url: &Url, proxy: Option<&ProxyUrl>) -> Result<ReachView, EngineError> {
        let reached = self.upstream.reach(url, proxy).await?;
        Ok(ReachView::of(url, proxy, reached))
    }

    /// A proxy's address with its password: the one in it, or the kept one where a mask stands for it or it is the saved address.
    async fn whole_proxy(&self, text: &str) -> Result<ProxyUrl, EngineError> {
        let wrong = |problem: String| EngineError::Invalid(format!("the proxy {problem}"));
        let mut address = ProxyAddress::parse(&text.replace(MASKED, "")).map_err(wrong)?;
        let settings = self.settings.current();
        let saved = settings.settings.proxy.url.as_ref();
        let is_saved =
            saved.is_some_and(|saved| saved.without_password() == address.without_password());
        if is_saved && (address.password().is_none() || text.contains(MASKED)) {
            let vault = self.vault.clone();
            let kept = self
                .tasks
                .blocking(move || crate::convert::proxy_password(&*vault));
            let inline = saved.and_then(|saved| saved.password().cloned());
            let kept = match inline {
                Some(password) => Some(password),
                None => kept.await??,
            };
            address = address.with_password(kept);
        }
        use secrecy::ExposeSecret as _;
        ProxyUrl::parse(address.whole().expose_secret())
            .map_err(|error| EngineError::Invalid(format!("the proxy: {error}")))
    }
}

fn url(text: &str) -> Result<Url, EngineError> {
    Url::parse(text).map_err(|_| EngineError::Invalid("the host's address cannot be read".into()))
}

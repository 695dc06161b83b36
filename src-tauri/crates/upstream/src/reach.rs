//! Whether a host can be reached, and by which way (F120): one request without any account's name or credential. Not a model call and not a
//! quota query. The engine asks when a person tests a proxy or the network.

use std::time::Duration;

use http::header::USER_AGENT;
use tokio::time::Instant;
use url::Url;

use crate::{Upstream, config::ConfigError, proxy::ProxyUrl, send::transport_message};

/// Longest wait for the head of the answer.
const LIMIT: Duration = Duration::from_secs(10);

/// What the one request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The status that the host, or the proxy in its place, answered.
    pub status: Option<u16>,
    /// How long the connection and the head of the answer took.
    pub took: Duration,
    /// Why there was no answer, in words.
    pub problem: Option<String>,
}

impl Upstream {
    /// Asks for the head of `url`'s first page over a connection of its own; `proxy` is used whatever the no-proxy list says, `None` is the
    /// direct way.
    ///
    /// # Errors
    /// [`ConfigError`] when the proxy cannot be used at all.
    pub async fn reach(&self, url: &Url, proxy: Option<&ProxyUrl>) -> Result<Reached, ConfigError> {
        let settings = self.0.settings.load_full();
        let client = settings.fresh_client(proxy)?;
        let mut page = url.clone();
        page.set_path("/");
        page.set_query(None);
        let asked = client
            .head(page)
            .header(USER_AGENT, settings.user_agent.clone())
            .timeout(LIMIT);
        let began = Instant::now();
        let answer = asked.send().await;
        let took = began.elapsed();
        Ok(match answer {
            Ok(answer) => Reached {
                status: Some(answer.status().as_u16()),
                took,
                problem: None,
            },
            Err(error) => Reached {
                status: None,
                took,
                problem: Some(transport_message(&error)),
            },
        })
    }

    /// The proxy on the way to `url` as the settings say it: none where the no-proxy list names the host (F118).
    #[must_use]
    pub fn way_to(&self, choice: &crate::ProxyChoice, url: &Url) -> Option<ProxyUrl> {
        self.0.settings.load().way(choice, url)
    }
}

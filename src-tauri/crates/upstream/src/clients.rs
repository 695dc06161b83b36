//! Connection pools: one reqwest client per proxy, all with the same TLS configuration, one direct host per plain-text address,
//! and the parsed form of a [`Config`].
//!
//! A client keeps its idle connections, so changing a setting that does not touch the network keeps the clients. Called when
//! a configuration is set and when a target is prepared, never per request.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::HeaderValue;
use reqwest::{
    Client,
    dns::{Addrs, Name, Resolve, Resolving},
};
use rustls::ClientConfig;
use url::Url;

use crate::{
    config::{Config, ConfigError},
    dial::DialMark,
    direct::{self, Host},
    proxy::ProxyUrl,
    target::{ProxyChoice, header_value},
    tls,
};

/// Idle connections are dropped before common servers and NAT boxes forget them (F122).
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(90);

static EPOCHS: AtomicU64 = AtomicU64::new(1);

/// A configuration with everything parsed.
pub(crate) struct Settings {
    /// Never the same twice in a process; prepared targets compare it.
    pub epoch: u64,
    pub config: Config,
    pub codex_base: Url,
    pub usage: Option<Url>,
    pub auth: Url,
    pub originator: HeaderValue,
    pub client_version: HeaderValue,
    pub user_agent: HeaderValue,
    clients: Arc<Clients>,
}

impl Settings {
    pub fn new(config: Config, before: Option<&Self>) -> Result<Self, ConfigError> {
        let clients = match before {
            Some(old)
                if old.config.extra_ca == config.extra_ca
                    && old.config.connect_timeout == config.connect_timeout =>
            {
                old.clients.clone()
            }
            _ => Arc::new(Clients::new(&config)?),
        };
        Ok(Self {
            epoch: EPOCHS.fetch_add(1, Ordering::Relaxed),
            codex_base: Config::address("codex.base_url", &config.codex_base_url)?,
            usage: config
                .usage_url
                .as_deref()
                .map(|u| Config::address("codex.usage_url", u))
                .transpose()?,
            auth: Config::address("auth.url", &config.auth_url)?,
            originator: header_value("codex.originator", &config.originator)?,
            client_version: header_value("codex.client_version", &config.client_version)?,
            user_agent: header_value("codex.user_agent", &config.user_agent)?,
            clients,
            config,
        })
    }

    /// The connection pool for an account's requests to `url`: its proxy, unless the no-proxy list names the host (F118).
    pub fn client(&self, choice: &ProxyChoice, url: &Url) -> Result<Client, ConfigError> {
        self.clients.get(self.proxy(choice, url))
    }

    /// The direct road to `url`, where there is one: plain text and no proxy on the way.
    pub fn direct(&self, choice: &ProxyChoice, url: &Url) -> Option<Arc<Host>> {
        match self.proxy(choice, url) {
            Some(_) => None,
            None => self.clients.direct(url),
        }
    }

    /// Whether a proxy stands on the way to `url`.
    pub fn goes_through_proxy(&self, choice: &ProxyChoice, url: &Url) -> bool {
        self.proxy(choice, url).is_some()
    }

    /// The proxy on the way to `url`, if one stands there.
    pub fn way(&self, choice: &ProxyChoice, url: &Url) -> Option<ProxyUrl> {
        self.proxy(choice, url).cloned()
    }

    /// A client without connections, which is not kept.
    pub fn fresh_client(&self, proxy: Option<&ProxyUrl>) -> Result<Client, ConfigError> {
        self.clients.build(proxy)
    }

    fn proxy<'s>(&'s self, choice: &'s ProxyChoice, url: &Url) -> Option<&'s ProxyUrl> {
        let proxy = match choice {
            ProxyChoice::Global => self.config.proxy.as_ref(),
            ProxyChoice::Direct => None,
            ProxyChoice::Own(own) => Some(own),
        };
        proxy.filter(|_| {
            let host = url.host_str().unwrap_or_default();
            !self
                .config
                .no_proxy
                .matches(host, url.port_or_known_default().unwrap_or(0))
        })
    }

    /// Drops idle connections, for example after the machine slept (F122).
    pub fn without_connections(&self) -> Result<Self, ConfigError> {
        let clients = Arc::new(Clients::new(&self.config)?);
        let mut fresh = Self::new(self.config.clone(), Some(self))?;
        fresh.clients = clients;
        Ok(fresh)
    }
}

/// The clients made so far.
struct Clients {
    tls: ClientConfig,
    connect_timeout: Duration,
    made: Mutex<HashMap<Option<ProxyUrl>, Client>>,
    direct: Mutex<HashMap<String, Arc<Host>>>,
}

impl Clients {
    fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            tls: tls::client_config(config.extra_ca.as_deref())?,
            connect_timeout: config.connect_timeout,
            made: Mutex::default(),
            direct: Mutex::default(),
        })
    }

    fn direct(&self, url: &Url) -> Option<Arc<Host>> {
        let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        let authority = direct::authority(url)?;
        if let Some(host) = direct.get(&authority) {
            return Some(host.clone());
        }
        let host = Arc::new(Host::new(url, self.connect_timeout)?);
        direct.insert(authority, host.clone());
        Some(host)
    }

    fn get(&self, proxy: Option<&ProxyUrl>) -> Result<Client, ConfigError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(&proxy.cloned()) {
            return Ok(client.clone());
        }
        let client = self.build(proxy)?;
        made.insert(proxy.cloned(), client.clone());
        Ok(client)
    }

    fn build(&self, proxy: Option<&ProxyUrl>) -> Result<Client, ConfigError> {
        let fail = |e: reqwest::Error| ConfigError::Client(e.without_url().to_string());
        let mut builder = Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            // The environment's proxies are not ours to follow unasked.
            .no_proxy()
            // A redirect could carry the authorization to another host (F31): it is answered to the caller instead.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Retrying is decided where the outcome is known.
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(IDLE_LIMIT)
            // Notices a dead HTTP/2 connection under open streams; idle ones are left to the idle limit.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(15))
            .connector_layer(DialMark);
        if let Some(proxy) = proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.expose()).map_err(fail)?);
            if proxy.scheme() == "socks4" {
                // SOCKS4 carries IPv4 only.
                builder = builder.dns_resolver(Ipv4First);
            }
        }
        builder.build().map_err(fail)
    }
}

/// The system's resolver with IPv4 answers first.
struct Ipv4First;

impl Resolve for Ipv4First {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let mut found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            found.sort_by_key(SocketAddr::is_ipv6);
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

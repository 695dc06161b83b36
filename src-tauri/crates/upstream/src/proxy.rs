//! Upstream proxies: which address a proxy has (F116) and which hosts go without one (F118).
//!
//! Only parsing and matching. Nothing here connects; `clients` builds one connection pool per [`ProxyUrl`], and the
//! settings and account forms call [`ProxyUrl::parse`] to refuse a bad value before it is stored.

use std::{fmt, net::IpAddr};

use ipnet::IpNet;
use url::Url;

/// The schemes a proxy may have (F116), exactly these.
pub const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Hosts that never go through a proxy when the setting is empty (F117).
pub const DEFAULT_NO_PROXY: &str = "localhost,127.0.0.1,::1";

/// A validated proxy address. It may hold a password: `Debug` and `Display` mask it, [`ProxyUrl::expose`] does not.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUrl(Url);

/// Why a proxy address was refused. The text is fit for a form field and never repeats the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// The scheme is not one of [`SCHEMES`].
    #[error(
        "proxy scheme \"{0}\" is not supported; use one of http, https, socks4, socks4a, socks5, socks5h"
    )]
    Scheme(String),
    /// There is no scheme at all.
    #[error("a proxy needs a scheme, for example socks5h://proxy.example.com:1080")]
    NoScheme,
    /// Not an address.
    #[error(
        "this is not a proxy address; write it like http://user:password@proxy.example.com:8080"
    )]
    Malformed,
    /// A path, query or fragment follows the host.
    #[error("a proxy address ends after the port; remove what follows it")]
    Trailing,
    /// The user name or password cannot be carried by the SOCKS protocol.
    #[error("a SOCKS5 user name or password is at most 255 bytes long")]
    CredentialTooLong,
}

impl ProxyUrl {
    /// Reads `scheme://[user[:password]@]host[:port]`.
    ///
    /// # Errors
    /// [`ProxyUrlError`] names what to change.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(ProxyUrlError::NoScheme);
        };
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.contains(&scheme.as_str()) {
            // A colon-laden password may stand before the first "://"; show only what looks like a scheme.
            let shown = scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
                && scheme.len() <= 16;
            return Err(if shown {
                ProxyUrlError::Scheme(scheme)
            } else {
                ProxyUrlError::Malformed
            });
        }
        let mut url = Url::parse(text).map_err(|_| ProxyUrlError::Malformed)?;
        if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return Err(ProxyUrlError::Malformed);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyUrlError::Trailing);
        }
        if scheme.starts_with("socks") {
            url.set_path("");
            if url.port().is_none() {
                url.set_port(Some(1080))
                    .map_err(|()| ProxyUrlError::Malformed)?;
            }
            let too_long = |s: &str| percent_encoding::percent_decode_str(s).count() > 255;
            if too_long(url.username()) || url.password().is_some_and(too_long) {
                return Err(ProxyUrlError::CredentialTooLong);
            }
        }
        Ok(Self(url))
    }

    /// The whole address with the password, for the connector and the vault only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// One of [`SCHEMES`].
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.scheme()
    }

    /// Whether a name is resolved here (`socks4`, `socks5`) instead of at the proxy (F116).
    #[must_use]
    pub fn resolves_locally(&self) -> bool {
        matches!(self.scheme(), "socks4" | "socks5")
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.0.scheme())?;
        if !self.0.username().is_empty() || self.0.password().is_some() {
            write!(f, "{}:***@", self.0.username())?;
        }
        f.write_str(self.0.host_str().unwrap_or_default())?;
        match self.0.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyUrl({self})")
    }
}

/// One rule of the no-proxy list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Everything,
    /// A host, and every name below it when `below` is set (`.suffix`, `*.suffix`).
    Host {
        name: String,
        below: bool,
        port: Option<u16>,
    },
    Net {
        net: IpNet,
        port: Option<u16>,
    },
}

/// The no-proxy list (F118): comma separated `host`, `.suffix`, `*.suffix`, IP, CIDR, `host:port` and `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Rule>);

/// An entry of the no-proxy list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{entry}\" is not a no-proxy rule; use host, .suffix, *.suffix, an IP, a CIDR, host:port or *"
)]
pub struct NoProxyError {
    /// The entry as written.
    pub entry: String,
}

impl NoProxy {
    /// Reads the list; blanks around entries and empty entries are ignored.
    ///
    /// # Errors
    /// Names the first entry that is no rule.
    pub fn parse(text: &str) -> Result<Self, NoProxyError> {
        text.split(',')
            .map(str::trim)
            .filter(|e| !e.is_empty())
            .map(rule)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `host` (a name, an IPv4 or an IPv6 address with or without brackets) at `port` goes direct.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let bare = bare.strip_suffix('.').unwrap_or(bare);
        let ip = bare.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        self.0.iter().any(|rule| match rule {
            Rule::Everything => true,
            Rule::Net { net, port: p } => {
                p.is_none_or(|p| p == port) && ip.is_some_and(|ip| net.contains(&ip))
            }
            Rule::Host {
                name,
                below,
                port: p,
            } => {
                p.is_none_or(|p| p == port)
                    && ip.is_none()
                    && (if *below {
                        is_below(bare, name)
                    } else {
                        bare.eq_ignore_ascii_case(name)
                    })
            }
        })
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    let (h, s) = (host.as_bytes(), suffix.as_bytes());
    h.len() > s.len() + 1
        && h[h.len() - s.len() - 1] == b'.'
        && h[h.len() - s.len()..].eq_ignore_ascii_case(s)
}

fn rule(entry: &str) -> Result<Rule, NoProxyError> {
    let bad = || NoProxyError {
        entry: entry.to_owned(),
    };
    if entry == "*" {
        return Ok(Rule::Everything);
    }
    if let Some(net) = address(entry) {
        return Ok(Rule::Net { net, port: None });
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => {
            (host, Some(port.parse::<u16>().map_err(|_| bad())?))
        }
        _ => (entry, None),
    };
    if let Some(net) = address(host) {
        return Ok(Rule::Net { net, port });
    }
    let (name, below) = match host.strip_prefix("*.").or_else(|| host.strip_prefix('.')) {
        Some(suffix) => (suffix, true),
        None => (host, false),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let legal = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || name.contains("..") || !name.chars().all(legal) {
        return Err(bad());
    }
    // Names with letters beyond ASCII are compared as they travel: in their ASCII form.
    let name = match url::Host::parse(name) {
        Ok(url::Host::Domain(ascii)) => ascii,
        _ => return Err(bad()),
    };
    Ok(Rule::Host { name, below, port })
}

/// An IP or CIDR, brackets allowed around IPv6.
fn address(text: &str) -> Option<IpNet> {
    let text = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(IpNet::from(ip.to_canonical()));
    }
    text.parse::<IpNet>().ok().map(|net| net.trunc())
}

#[cfg(test)]
mod tests;

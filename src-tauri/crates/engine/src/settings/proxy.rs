//! A proxy's URL as a setting: its password is kept apart, because the settings file holds no secret.
//!
//! It is not the connection through the proxy, which is the upstream room's.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The schemes, exactly these (F116).
const SCHEMES: &[&str] = &["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Where the upstream proxy is. `Debug` and [`ProxyAddress::masked`] never show the password.
#[derive(Clone)]
pub struct ProxyAddress {
    /// Without the password.
    url: Url,
    password: Option<SecretString>,
}

impl ProxyAddress {
    /// The name under which the vault keeps the password of `proxy.url`.
    pub const PASSWORD_NAME: &'static str = "proxy-password";
    pub(super) const ALLOWED: &'static str =
        "http, https, socks4, socks4a, socks5 or socks5h://[user:password@]host[:port]";

    /// Reads a URL of one of the six schemes.
    ///
    /// # Errors
    /// What is wrong, without the URL itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text.trim()).map_err(|error| format!("is not a URL ({error})"))?;
        if !SCHEMES.contains(&url.scheme()) {
            // A missing scheme looks like one: "proxy.example.com:8080". Hence the rule rather than the guess.
            return Err("has none of the proxy schemes".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("names no host".to_owned());
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err("must end after host and port".to_owned());
        }
        let password = url
            .password()
            .map(|password| SecretString::from(password.to_owned()));
        url.set_password(None)
            .map_err(|()| "cannot hold a password".to_owned())?;
        Ok(Self { url, password })
    }

    /// The password, percent-encoded as it stood in the URL.
    #[must_use]
    pub fn password(&self) -> Option<&SecretString> {
        self.password.as_ref()
    }

    /// The same address with this password (percent-encoded), which the vault kept.
    #[must_use]
    pub fn with_password(mut self, password: Option<SecretString>) -> Self {
        self.password = password;
        self
    }

    /// The URL without the password: what the settings file holds.
    #[must_use]
    pub fn without_password(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    /// The URL with `•••` for the password: what people see.
    #[must_use]
    pub fn masked(&self) -> String {
        let plain = self.without_password();
        match (&self.password, plain.split_once('@')) {
            (Some(_), Some((before, after))) => format!("{before}:•••@{after}"),
            (Some(_), None) => plain.replacen("://", "://:•••@", 1),
            (None, _) => plain,
        }
    }

    /// The whole URL, for the connection only.
    #[must_use]
    pub fn whole(&self) -> SecretString {
        let mut url = self.url.clone();
        if let Some(password) = &self.password {
            // Already percent-encoded, which setting it leaves as it is; it cannot fail, for the URL has a host.
            let _ = url.set_password(Some(password.expose_secret()));
        }
        SecretString::from(url.as_str().trim_end_matches('/').to_owned())
    }
}

impl PartialEq for ProxyAddress {
    fn eq(&self, other: &Self) -> bool {
        let password = |address: &Self| {
            address
                .password
                .as_ref()
                .map(|password| password.expose_secret().to_owned())
        };
        self.url == other.url && password(self) == password(other)
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

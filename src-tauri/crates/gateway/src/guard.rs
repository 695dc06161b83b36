//! Who may talk to the gateway: the key, the `Host` and the `Origin` (F26, F29). Called by the surface before any body is read.
//!
//! Not a policy store: keys and hosts come from the live configuration.

use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use pool::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::{ClientKey, Config, Keys};

/// The key a client presented, wherever it put it.
fn presented<'a>(headers: &'a HeaderMap, query_key: Option<&'a str>) -> Option<&'a [u8]> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let value = value.as_bytes();
        // The scheme is case-insensitive (RFC 9110 §11.1).
        if value.len() > 7 && value[..7].eq_ignore_ascii_case(b"bearer ") {
            return Some(value[7..].trim_ascii());
        }
    }
    for name in ["x-api-key", "x-goog-api-key", "api-key"] {
        if let Some(value) = headers.get(name) {
            return Some(value.as_bytes().trim_ascii());
        }
    }
    query_key.map(str::as_bytes)
}

/// Why a request is not let in (F26, F27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// No key, or none of ours.
    Unknown,
    /// Switched off by the person.
    Disabled,
    /// Its time is over.
    Expired,
}

/// The key entry that matches what the client presented (F26).
///
/// Every entry is compared, in constant time, so that the answer's timing tells nothing about where a guess failed.
pub(crate) fn authenticate<'k>(
    keys: &'k Keys,
    headers: &HeaderMap,
    query_key: Option<&str>,
    now: Timestamp,
) -> Result<&'k ClientKey, NoEntry> {
    let presented = presented(headers, query_key).ok_or(NoEntry::Unknown)?;
    let digest: [u8; 32] = Sha256::digest(presented).into();
    let mut found = None;
    for key in &keys.0 {
        if bool::from(key.digest.ct_eq(&digest)) {
            found = Some(key);
        }
    }
    match found {
        None => Err(NoEntry::Unknown),
        Some(key) if !key.enabled => Err(NoEntry::Disabled),
        Some(key) if key.expires_at.is_some_and(|end| end <= now) => Err(NoEntry::Expired),
        Some(key) => Ok(key),
    }
}

/// Whether the `Host` header (or the request target's authority) names this machine or a configured host (F29, DNS rebinding).
pub(crate) fn host_allowed(config: &Config, headers: &HeaderMap, authority: Option<&str>) -> bool {
    let host = match headers.get(HOST) {
        Some(value) => value.to_str().ok(),
        None => authority,
    };
    let Some(host) = host else { return false };
    let name = without_port(host);
    is_loopback_name(name)
        || config
            .allowed_hosts
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// `host:port` or `[v6]:port` without the port and the brackets.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => {
            name
        }
        _ => host,
    }
}

fn is_loopback_name(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The request's origin when it is on the list and may therefore receive CORS headers (F29). `null` never is.
pub(crate) fn cors_origin<'a>(
    config: &Config,
    headers: &'a HeaderMap,
) -> Option<&'a http::HeaderValue> {
    if config.cors_origins.is_empty() {
        return None;
    }
    let origin = headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    (text != "null" && config.cors_origins.iter().any(|allowed| allowed == text)).then_some(origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap()))
            .collect()
    }

    fn keys() -> Keys {
        let key = |name: &str, secret: &str, enabled, expires_at| ClientKey {
            name: name.into(),
            digest: Sha256::digest(secret).into(),
            enabled,
            expires_at,
            rules: None,
        };
        Keys(vec![
            key("main", "sw-good", true, None),
            key("off", "sw-off", false, None),
            key("old", "sw-old", true, Some(Timestamp(1_000))),
        ])
    }

    #[test]
    fn f26_every_key_form_is_accepted_and_nothing_else() {
        type Case<'c> = (
            &'c [(&'static str, &'c str)],
            Option<&'c str>,
            Result<&'c str, NoEntry>,
        );
        let cases: &[Case<'_>] = &[
            (&[("authorization", "Bearer sw-good")], None, Ok("main")),
            (&[("authorization", "bEaReR sw-good")], None, Ok("main")),
            (&[("x-api-key", "sw-good")], None, Ok("main")),
            (&[("x-goog-api-key", "sw-good")], None, Ok("main")),
            (&[("api-key", "sw-good")], None, Ok("main")),
            (&[], Some("sw-good"), Ok("main")),
            (&[], None, Err(NoEntry::Unknown)),
            (
                &[("authorization", "Basic sw-good")],
                None,
                Err(NoEntry::Unknown),
            ),
            (
                &[("authorization", "Bearer sw-goo")],
                None,
                Err(NoEntry::Unknown),
            ),
            (&[("authorization", "Bearer ")], None, Err(NoEntry::Unknown)),
            (
                &[("authorization", "Bearer sw-off")],
                None,
                Err(NoEntry::Disabled),
            ),
            (
                &[("authorization", "Bearer sw-old")],
                None,
                Err(NoEntry::Expired),
            ),
        ];
        for (pairs, query, expected) in cases {
            let keys = keys();
            let found = authenticate(&keys, &headers(pairs), *query, Timestamp(2_000));
            assert_eq!(found.map(|k| &*k.name), *expected, "{pairs:?} {query:?}");
        }
    }

    #[test]
    fn f26_no_keys_refuse_everything() {
        assert!(
            authenticate(
                &Keys::default(),
                &headers(&[("x-api-key", "")]),
                None,
                Timestamp(0)
            )
            .is_err()
        );
    }

    #[test]
    fn f29_only_loopback_and_configured_hosts() {
        let config = Config {
            allowed_hosts: vec!["gateway.example.com".into()],
            ..Config::default()
        };
        let cases = [
            ("localhost:8787", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8787", true),
            ("127.9.9.9", true),
            ("[::1]:8787", true),
            ("gateway.example.com:8787", true),
            ("evil.example.com", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com:80", false),
            ("10.0.0.1", false),
            ("", false),
        ];
        for (host, expected) in cases {
            assert_eq!(
                host_allowed(&config, &headers(&[("host", host)]), None),
                expected,
                "{host}"
            );
        }
        assert!(!host_allowed(&config, &HeaderMap::new(), None));
        assert!(host_allowed(
            &config,
            &HeaderMap::new(),
            Some("localhost:1")
        ));
    }

    #[test]
    fn f29_origins_are_exact_and_null_is_refused() {
        let config = Config {
            cors_origins: vec!["http://localhost:3000".into(), "null".into()],
            ..Config::default()
        };
        for (origin, expected) in [
            ("http://localhost:3000", true),
            ("http://localhost:3001", false),
            ("null", false),
        ] {
            assert_eq!(
                cors_origin(&config, &headers(&[("origin", origin)])).is_some(),
                expected,
                "{origin}"
            );
        }
    }
}

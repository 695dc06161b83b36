//! The rules that single texts must keep. Each gives back the accepted form, or what is wrong.
//!
//! Only the table names them.

use super::field::quoted;

/// An IP address or a host name to listen on.
pub(super) fn host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<std::net::IpAddr>().is_ok() || is_host_name(bare) {
        Ok(bare.to_ascii_lowercase())
    } else {
        Err(format!(
            "is not an address or a host name: {}",
            quoted(text)
        ))
    }
}

fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // All digits and dots would be an address that failed to parse.
    text.len() <= 253
        && text.split('.').all(label)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The whole path of a folder. It need not be there yet: it may be on a disk that comes and goes.
pub(super) fn folder(text: &str) -> Result<String, String> {
    if std::path::Path::new(text).is_absolute() && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err(format!("is not a whole path: {}", quoted(text)))
    }
}

/// An http(s) URL without credentials, query or fragment; the trailing slash goes.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("is not an http or https URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not hold a query or fragment".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An exact browser origin (F29): `*` and `null` are refused.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" || text.eq_ignore_ascii_case("null") {
        return Err(format!(
            "cannot hold {}: origins are named one by one",
            quoted(text)
        ));
    }
    let url = url::Url::parse(text)
        .map_err(|_| format!("holds something that is not an origin: {}", quoted(text)))?;
    let bare = url.path().trim_matches('/').is_empty()
        && url.query().is_none()
        && url.fragment().is_none();
    // Application windows have origins of their own schemes (tauri://localhost); their URL type calls them opaque.
    let named = url.host_str().filter(|host| !host.is_empty());
    match named {
        Some(host) if bare && url.username().is_empty() && url.password().is_none() => {
            let port = url
                .port()
                .map(|port| format!(":{port}"))
                .unwrap_or_default();
            Ok(format!("{}://{host}{port}", url.scheme()))
        }
        _ => Err(format!(
            "holds something that is not an origin: {}",
            quoted(text)
        )),
    }
}

/// The value of one request header: visible ASCII and single spaces.
pub(super) fn header_text(text: &str) -> Result<String, String> {
    let plain = text
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if plain && !text.is_empty() && text.len() <= 256 {
        Ok(text.to_owned())
    } else {
        Err("does not fit into a request header".to_owned())
    }
}

/// A client version such as `1.2.3`.
pub(super) fn version(text: &str) -> Result<String, String> {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let numbers = parts.iter().all(|part| {
        !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    if parts.len() == 3 && numbers {
        header_text(text)
    } else {
        Err(format!("is not a version: {}", quoted(text)))
    }
}

/// A model's name.
pub(super) fn model(text: &str) -> Result<String, String> {
    let plain = text.len() <= 200 && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if plain {
        Ok(text.to_owned())
    } else {
        Err("is not a model name".to_owned())
    }
}

/// What is reached without the proxy (F118): host, .suffix, *.suffix, IP, CIDR, host:port or `*`, with commas.
pub(super) fn no_proxy(text: &str) -> Result<String, String> {
    let mut rules = Vec::new();
    for rule in text
        .split(',')
        .map(str::trim)
        .filter(|rule| !rule.is_empty())
    {
        if !is_no_proxy_rule(rule) {
            return Err(format!(
                "holds something that is not a rule: {}",
                quoted(rule)
            ));
        }
        rules.push(rule);
    }
    if rules.is_empty() {
        Err("is empty".to_owned())
    } else {
        Ok(rules.join(","))
    }
}

fn is_no_proxy_rule(rule: &str) -> bool {
    if rule == "*" || rule.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    if let Some((address, bits)) = rule.split_once('/') {
        let width = match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => 32,
            Ok(std::net::IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        return bits.parse::<u8>().is_ok_and(|bits| bits <= width);
    }
    let (host, port) = match rule.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (rule, None),
    };
    let host = host
        .strip_prefix("*.")
        .or_else(|| host.strip_prefix('.'))
        .unwrap_or(host);
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let good_host = bare.parse::<std::net::IpAddr>().is_ok() || is_host_name(bare);
    good_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

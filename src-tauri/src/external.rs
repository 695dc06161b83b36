//! Pages outside: they open in the person's browser, never in the window, and only where the application itself sends people (F28).

use engine::Engine;
use url::Url;

/// Hosts whose pages the window links to.
const HOSTS: &[&str] = &[
    "auth.openai.com",
    "chatgpt.com",
    "github.com",
    "openai.com",
    "platform.openai.com",
    "z.ai",
];

/// Opens an address in the browser.
pub(crate) fn open(engine: &Engine, address: &str) -> Result<(), String> {
    let sign_in = engine.setting("codex.auth_url").ok();
    let sign_in = sign_in.as_ref().and_then(|setting| setting.value.as_str());
    let url = allowed(address, sign_in)
        .ok_or("this address is none that Switchyard opens; copy it into your browser")?;
    open::that_detached(url.as_str())
        .map_err(|error| format!("no browser could be started: {error}"))
}

/// The address, if it is one of ours: https on a known host, or the sign-in server of the settings.
fn allowed(address: &str, sign_in: Option<&str>) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let known = url.scheme() == "https"
        && url.port().is_none()
        && url.host_str().is_some_and(|host| HOSTS.contains(&host));
    let sign_in = sign_in.and_then(|text| Url::parse(text).ok());
    let of_sign_in = sign_in.is_some_and(|ours| {
        matches!(ours.scheme(), "http" | "https") && ours.origin() == url.origin()
    });
    (known || of_sign_in).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_addresses_open() {
        let sign_in = Some("http://127.0.0.1:4000/auth");
        let cases = [
            ("https://auth.openai.com/oauth/authorize?x=1", true),
            ("https://github.com/", true),
            ("http://127.0.0.1:4000/oauth/authorize", true),
            ("http://127.0.0.1:4001/oauth/authorize", false),
            ("http://auth.openai.com/", false),
            ("https://auth.openai.com:8443/", false),
            ("https://auth.openai.com@example.com/", false),
            ("https://user:word@auth.openai.com/", false),
            ("https://auth.openai.com.example.com/", false),
            ("https://example.com/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("--help", false),
            ("", false),
        ];
        for (address, expected) in cases {
            assert_eq!(allowed(address, sign_in).is_some(), expected, "{address}");
        }
        assert!(allowed("file:///x", Some("file:///x")).is_none());
    }
}

use super::{NoProxy, ProxyUrl, ProxyUrlError};

#[test]
fn f116_schemes_exactly() {
    for text in [
        "http://proxy.example.com:8080",
        "https://proxy.example.com",
        "socks4://127.0.0.1:1080",
        "socks4a://127.0.0.1",
        "socks5://user:pass@127.0.0.1:1080",
        "SOCKS5H://user:p%40ss@[::1]:1080/",
    ] {
        assert!(ProxyUrl::parse(text).is_ok(), "{text}");
    }
    for (text, want) in [
        (
            "ftp://proxy.example.com",
            ProxyUrlError::Scheme("ftp".into()),
        ),
        (
            "socks://proxy.example.com",
            ProxyUrlError::Scheme("socks".into()),
        ),
        ("proxy.example.com:8080", ProxyUrlError::NoScheme),
        ("", ProxyUrlError::NoScheme),
        ("http://", ProxyUrlError::Malformed),
        ("http://proxy.example.com:0", ProxyUrlError::Malformed),
        ("http://proxy.example.com:99999", ProxyUrlError::Malformed),
        ("http://proxy.example.com/path", ProxyUrlError::Trailing),
        ("socks5://proxy.example.com/path", ProxyUrlError::Trailing),
        ("http://proxy.example.com/?a", ProxyUrlError::Trailing),
    ] {
        assert_eq!(ProxyUrl::parse(text), Err(want), "{text}");
    }
    let long = format!("socks5://u:{}@proxy.example.com", "x".repeat(256));
    assert_eq!(
        ProxyUrl::parse(&long),
        Err(ProxyUrlError::CredentialTooLong)
    );
}

#[test]
fn f116_the_password_is_never_shown() {
    let proxy = ProxyUrl::parse("http://alice:hunter2@proxy.example.com:8080").unwrap();
    assert_eq!(proxy.to_string(), "http://alice:***@proxy.example.com:8080");
    assert_eq!(
        format!("{proxy:?}"),
        "ProxyUrl(http://alice:***@proxy.example.com:8080)"
    );
    assert!(proxy.expose().contains("hunter2"));
    let odd = ProxyUrl::parse("alice:hunter2@proxy.example.com://").unwrap_err();
    assert!(!odd.to_string().contains("hunter2"), "{odd}");
}

#[test]
fn f116_who_resolves_names() {
    for (scheme, local) in [
        ("socks4", true),
        ("socks5", true),
        ("socks4a", false),
        ("socks5h", false),
    ] {
        assert_eq!(
            ProxyUrl::parse(&format!("{scheme}://127.0.0.1"))
                .unwrap()
                .resolves_locally(),
            local
        );
    }
}

#[test]
fn f118_rules() {
    // (list, host, port, direct?)
    let rows: &[(&str, &str, u16, bool)] = &[
        ("", "example.com", 443, false),
        ("*", "example.com", 443, true),
        ("example.com", "example.com", 443, true),
        ("example.com", "EXAMPLE.com.", 443, true),
        ("example.com", "api.example.com", 443, false),
        ("example.com", "notexample.com", 443, false),
        (".example.com", "api.example.com", 443, true),
        (".example.com", "a.b.example.com", 443, true),
        (".example.com", "example.com", 443, false),
        (".example.com", "notexample.com", 443, false),
        ("*.example.com", "api.example.com", 443, true),
        ("*.example.com", "example.com", 443, false),
        ("example.com:8443", "example.com", 8443, true),
        ("example.com:8443", "example.com", 443, false),
        (".example.com:8443", "api.example.com", 8443, true),
        ("127.0.0.1", "127.0.0.1", 80, true),
        ("127.0.0.1", "127.0.0.2", 80, false),
        ("127.0.0.1:80", "127.0.0.1", 80, true),
        ("127.0.0.1:80", "127.0.0.1", 81, false),
        ("10.0.0.0/8", "10.2.3.4", 443, true),
        ("10.1.2.3/8", "10.2.3.4", 443, true),
        ("10.0.0.0/8", "11.2.3.4", 443, false),
        ("10.0.0.0/8", "10.example.com", 443, false),
        ("::1", "::1", 80, true),
        ("::1", "[::1]", 80, true),
        ("[::1]:80", "[::1]", 80, true),
        ("[::1]:80", "[::1]", 81, false),
        ("fd00::/8", "fd12::1", 80, true),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, true),
        (" a.example , .b.example ,", "x.b.example", 1, true),
        ("localhost,127.0.0.1,::1", "localhost", 1, true),
    ];
    for (list, host, port, direct) in rows {
        let rules = NoProxy::parse(list).unwrap();
        assert_eq!(
            rules.matches(host, *port),
            *direct,
            "{list} / {host}:{port}"
        );
    }
}

#[test]
fn f118_bad_rules_are_named() {
    for text in [
        "exa mple.com",
        "a,b:notaport",
        "http://example.com",
        "10.0.0.0/99",
        ".",
        "*.",
        "a..b",
        ":80",
    ] {
        assert!(NoProxy::parse(text).is_err(), "{text}");
    }
    assert!(
        NoProxy::parse("ok.example, ba d")
            .unwrap_err()
            .to_string()
            .contains("\"ba d\"")
    );
}

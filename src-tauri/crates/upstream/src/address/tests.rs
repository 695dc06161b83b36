use pool::Format::{self, Anthropic, Codex, Gemini, OpenAi, Responses};

use super::{BaseUrlError, normalise_base, preview, usage_url};

#[test]
fn f99_where_each_format_goes() {
    let rows: &[(Format, &str, &str)] = &[
        (
            OpenAi,
            "https://relay.example.com",
            "https://relay.example.com/v1/chat/completions",
        ),
        (
            OpenAi,
            "https://relay.example.com/",
            "https://relay.example.com/v1/chat/completions",
        ),
        (
            OpenAi,
            "https://relay.example.com/v1",
            "https://relay.example.com/v1/chat/completions",
        ),
        (
            OpenAi,
            " https://relay.example.com/v1// ",
            "https://relay.example.com/v1/chat/completions",
        ),
        (
            OpenAi,
            "https://relay.example.com/v1/chat/completions",
            "https://relay.example.com/v1/chat/completions",
        ),
        (
            OpenAi,
            "https://relay.example.com/api/v1",
            "https://relay.example.com/api/v1/chat/completions",
        ),
        (
            OpenAi,
            "https://relay.example.com/api/paas/v4",
            "https://relay.example.com/api/paas/v4/chat/completions",
        ),
        (
            Anthropic,
            "https://relay.example.com/api/anthropic/",
            "https://relay.example.com/api/anthropic/v1/messages",
        ),
        (
            Anthropic,
            "https://relay.example.com/api/anthropic/v1",
            "https://relay.example.com/api/anthropic/v1/messages",
        ),
        (
            OpenAi,
            "http://127.0.0.1:8080/v1",
            "http://127.0.0.1:8080/v1/chat/completions",
        ),
        (
            OpenAi,
            "http://[::1]:8080",
            "http://[::1]:8080/v1/chat/completions",
        ),
        (
            Responses,
            "https://relay.example.com/v1/responses",
            "https://relay.example.com/v1/responses",
        ),
        (
            Responses,
            "https://relay.example.com/",
            "https://relay.example.com/v1/responses",
        ),
        (
            Codex,
            "https://relay.example.com",
            "https://relay.example.com/codex/responses",
        ),
        (
            Codex,
            "https://relay.example.com/v1/",
            "https://relay.example.com/codex/responses",
        ),
        (
            Codex,
            "https://relay.example.com/codex/responses",
            "https://relay.example.com/codex/responses",
        ),
        (
            Codex,
            "https://relay.example.com/backend-api/codex",
            "https://relay.example.com/backend-api/codex/responses",
        ),
        (
            Anthropic,
            "https://relay.example.com",
            "https://relay.example.com/v1/messages",
        ),
        (
            Gemini,
            "https://relay.example.com",
            "https://relay.example.com/v1beta/models/{model}:generateContent",
        ),
        (
            Gemini,
            "https://relay.example.com/v1/models/gemini-2.5-pro:generateContent",
            "https://relay.example.com/v1/models/{model}:generateContent",
        ),
    ];
    for (format, base, want) in rows {
        assert_eq!(
            preview(*format, base).as_deref(),
            Ok(*want),
            "{format:?} {base}"
        );
    }
}

#[test]
fn f2_equal_addresses_are_equal_after_normalising() {
    let one = normalise_base(OpenAi, "https://Relay.Example.com:443/v1/").unwrap();
    assert_eq!(
        one,
        normalise_base(OpenAi, "https://relay.example.com").unwrap()
    );
}

#[test]
fn f99_what_is_no_base_url() {
    for (text, want) in [
        ("relay.example.com", BaseUrlError::Malformed),
        ("", BaseUrlError::Malformed),
        ("ftp://relay.example.com", BaseUrlError::Scheme),
        ("file:///etc/hosts", BaseUrlError::Scheme),
        (
            "https://me:secret@relay.example.com",
            BaseUrlError::Credentials,
        ),
        ("https://relay.example.com/v1?key=1", BaseUrlError::Trailing),
        ("https://relay.example.com/#x", BaseUrlError::Trailing),
    ] {
        assert_eq!(normalise_base(OpenAi, text), Err(want), "{text}");
    }
}

#[test]
fn f68_usage_address_follows_the_backend() {
    for (base, want) in [
        (
            "https://chatgpt.com/backend-api/codex",
            "https://chatgpt.com/backend-api/wham/usage",
        ),
        (
            "http://127.0.0.1:9/x/backend-api/codex/",
            "http://127.0.0.1:9/x/backend-api/wham/usage",
        ),
        (
            "https://codex.example.com",
            "https://codex.example.com/api/codex/usage",
        ),
    ] {
        assert_eq!(usage_url(&base.parse().unwrap()).as_str(), want);
    }
}

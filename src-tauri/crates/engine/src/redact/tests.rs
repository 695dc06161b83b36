use super::*;

const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJlLW9mLXRlc3Q";

#[test]
fn f30_first_eight_last_six() {
    for (secret, shown) in [
        ("sk-abcdefghijklmnopqrstuvwxyz", "sk-abcde…uvwxyz"),
        (JWT, "eyJhbGci…XRlc3Q"),
        ("short", HIDDEN),
        ("12345678901234567890123", HIDDEN),
        ("", HIDDEN),
    ] {
        assert_eq!(mask_secret(secret), shown);
    }
}

#[test]
fn f30_email_masking() {
    for (email, shown) in [
        ("jane.doe@example.com", "j•••@example.com"),
        ("j@example.com", "•••@example.com"),
        ("nonsense", HIDDEN),
    ] {
        assert_eq!(mask_email(email), shown);
    }
    let text = "label jane.doe+x@mail.example.com, root@localhost and @name";
    assert_eq!(redact(text), text);
    assert_eq!(
        Redactor { emails: true }.apply(text),
        "label j•••@mail.example.com, root@localhost and @name"
    );
}

#[test]
fn f30_no_secret_passes() {
    // Each line holds SECRET in some dress; the middle of it must be gone.
    let secrets = [
        (JWT, "eyJzdWIiOiJhYmMifQ"),
        ("sk-proj-abcdefghijklmnop0123456789", "ijklmnop012"),
        ("rt_abcdefghijklmnop0123456789", "ijklmnop012"),
        ("oaistb_rt_abcdefghijklmnop0123456789", "ijklmnop012"),
        ("AIzaSyabcdefghijklmnop0123456789", "ijklmnop012"),
    ];
    for (secret, middle) in secrets {
        for line in [
            secret.to_owned(),
            format!("the token was {secret}."),
            format!("({secret})"),
            format!("Authorization: Bearer {secret}"),
            format!("\"authorization\": \"Bearer {secret}\""),
            format!("authorization=bearer {secret}"),
            format!("x-api-key: {secret}"),
            format!("https://example.com/v1beta/models?key={secret}&alt=sse"),
            format!("{{\"access_token\":\"{secret}\",\"n\":1}}"),
            format!("{{\\\"refresh_token\\\":\\\"{secret}\\\"}}"),
            format!("Some(\"{secret}\")"),
            format!("a\n{secret}\nb"),
            format!("token={secret}"),
            format!("tokens: [{secret}, {secret}]"),
        ] {
            let shown = redact(&line).into_owned();
            assert!(!shown.contains(middle), "{line} → {shown}");
        }
    }
}

#[test]
fn f30_opaque_values_are_known_by_their_name() {
    for (line, expected) in [
        ("Bearer abc123", "Bearer •••"),
        ("bearer   abc123, then", "bearer   •••, then"),
        (
            "Authorization: Basic dXNlcjpwYXNz",
            "Authorization: Basic •••",
        ),
        ("?key=abc&alt=sse", "?key=•••&alt=sse"),
        ("key=abc", "key=•••"),
        ("api_key = \"abc\"", "api_key = \"•••\""),
        ("apiKey: 'abc'", "apiKey: '•••'"),
        ("x-goog-api-key: abc", "x-goog-api-key: •••"),
        (
            "\"password\":\"a b c\",\"n\":1",
            "\"password\":\"•••\",\"n\":1",
        ),
        ("SWITCHYARD_PASSPHRASE=open", "SWITCHYARD_PASSPHRASE=•••"),
        ("\"refresh_token\": \"abc\"", "\"refresh_token\": \"•••\""),
        ("refreshToken=abc", "refreshToken=•••"),
        ("cookie: a=1; b=2", "cookie: •••"),
        (
            "/auth/callback?code=abc&state=x",
            "/auth/callback?code=•••&state=x",
        ),
        (
            "http://user:pa:ss@example.com:80/x",
            "http://user:•••@example.com:80/x",
        ),
        ("socks5h://:pw@example.com", "socks5h://:•••@example.com"),
        ("token: 0123456789abcdef0123", "token: •••"),
    ] {
        assert_eq!(redact(line), expected, "{line}");
    }
}

#[test]
fn plain_speech_passes_untouched() {
    for line in [
        "request finished status=200 input_tokens=12 output_tokens=3",
        "\"code\":\"invalid_api_key\"",
        "error code: 429",
        "missing Bearer token",
        "the Bearer authentication scheme",
        "token: expired",
        "\"access_token\":null",
        "key server.port is locked",
        "https://example.com/a@b?x=1",
        "risk-free task-runner rt_x sk-",
        "max_output_tokens: 4096, cached_tokens: 0",
        "ünïcödé …",
        "",
    ] {
        assert!(
            matches!(redact(line), Cow::Borrowed(_)),
            "{line} → {}",
            redact(line)
        );
    }
}

#[test]
fn f30_the_log_writer_redacts() {
    let mut writer = RedactingWriter::new(Vec::new(), Redactor::default());
    writeln!(writer, "no secret here").unwrap();
    let line = format!("INFO account=work auth=\"Bearer {JWT}\"\n");
    assert_eq!(writer.write(line.as_bytes()).unwrap(), line.len());
    writer.flush().unwrap();
    let text = String::from_utf8(writer.inner).unwrap();
    assert!(
        text.starts_with("no secret here\nINFO account=work auth=\"Bearer eyJhbGci…")
            && !text.contains(JWT),
        "{text}"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// No text makes it panic, and what it has redacted stays as it is.
    #[test]
    fn any_text_passes_once(text in r#"(Bearer |key=|"|\\|://|@|:|eyJ|sk-|token|password=|[a-z0-9.é ]{0,9}){0,12}"#) {
        let once = Redactor { emails: true }.apply(&text).into_owned();
        let twice = Redactor { emails: true }.apply(&once).into_owned();
        let third = Redactor { emails: true }.apply(&twice).into_owned();
        proptest::prop_assert_eq!(twice, third);
    }
}

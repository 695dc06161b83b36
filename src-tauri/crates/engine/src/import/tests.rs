use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pool::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::env::Env;
use crate::export::ExportAccount;

/// An unsigned token with that payload.
pub(crate) fn jwt(payload: Value) -> String {
    let part = |value: &str| URL_SAFE_NO_PAD.encode(value);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"none"}"#),
        part(&payload.to_string()),
        part("signature")
    )
}

/// Everything of an account, secrets in plain, to compare.
pub(crate) fn plain(account: &ExportAccount) -> String {
    let secret = |secret: &Option<SecretString>| {
        secret
            .as_ref()
            .map(|secret| secret.expose_secret().to_owned())
    };
    let secrets = match &account.credential {
        Credential::Codex(tokens) => vec![
            secret(&tokens.access),
            secret(&tokens.refresh),
            secret(&tokens.id_token),
        ],
        Credential::Key(key) => vec![Some(key.expose_secret().to_owned())],
    };
    let relay = account.relay.as_ref().map(|relay| Relay {
        format_assumed: false,
        ..relay.clone()
    });
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        account.kind, account.label, account.identity, relay, account.priority, secrets
    )
}

fn access(account: &str, user: &str) -> String {
    jwt(
        json!({"exp": 1_800_000_000, "https://api.openai.com/auth": {"chatgpt_account_id": account, "chatgpt_user_id": user}}),
    )
}

fn codex(item: &ImportItem) -> (Option<&str>, Option<&str>, Option<&str>) {
    let Credential::Codex(tokens) = &item.credential else {
        panic!("not a sign-in: {item:?}")
    };
    let show = |token: &Option<SecretString>| {
        token
            .as_ref()
            .map(|token| token.expose_secret().to_owned().leak() as &str)
    };
    (
        show(&tokens.access),
        show(&tokens.refresh),
        show(&tokens.id_token),
    )
}

fn only(text: &str) -> ImportItem {
    let mut batch = parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((batch.items.len(), batch.refused.len()), (1, 0), "{text}");
    batch.items.remove(0)
}

#[test]
fn f4_every_row_of_appendix_b() {
    let at = Some(Timestamp(1_785_146_400_000));
    for (name, text, tokens, account, expires, label, source) in [
        (
            "Codex CLI auth.json",
            json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "tokens": {"access_token": "A", "refresh_token": "R", "id_token": "I", "account_id": "acc"}, "last_refresh": "2026-07-27T10:00:00Z"}),
            (Some("A"), Some("R"), Some("I")),
            Some("acc"),
            None,
            None,
            Shape::CodexAuth,
        ),
        (
            "Codex CLI auth.json, legacy",
            json!({"tokens": {"access_token": "A", "refresh_token": "R", "id_token": "I", "account_id": null}, "OPENAI_API_KEY": "sk-x"}),
            (Some("A"), Some("R"), Some("I")),
            None,
            None,
            None,
            Shape::CodexAuth,
        ),
        (
            "CPA",
            json!({"type": "codex", "access_token": "A", "refresh_token": "R", "id_token": "I", "account_id": "acc", "expired": "2026-07-27T10:00:00Z", "email": "e@example.com", "last_refresh": "x", "plan_type": "plus", "websockets": true}),
            (Some("A"), Some("R"), Some("I")),
            Some("acc"),
            at,
            None,
            Shape::CodexFile,
        ),
        (
            "codex-proxy",
            json!({"type": "codex", "access_token": "A", "rk": "R", "expired": "2026-07-27T12:00:00+02:00"}),
            (Some("A"), Some("R"), None),
            None,
            at,
            None,
            Shape::CodexFile,
        ),
        (
            "AI Zero Token single",
            json!({"type": "codex", "access": "A", "refresh": "R", "idToken": "I", "accountId": "acc", "expires": 1_785_146_400_000_i64, "profile_id": "p", "exported_at": "x"}),
            (Some("A"), Some("R"), Some("I")),
            Some("acc"),
            at,
            None,
            Shape::CodexFile,
        ),
        (
            "AI Zero Token bundle",
            json!({"type": "codex_profiles", "profiles": [{"access_token": "A", "refresh_token": "R", "expires_at": 1_785_146_400}]}),
            (Some("A"), Some("R"), None),
            None,
            at,
            None,
            Shape::CodexFile,
        ),
        (
            "a bundle without its type",
            json!({"profiles": [{"access": "A", "expiresAt": "2026-07-27T10:00:00.000Z"}]}),
            (Some("A"), None, None),
            None,
            at,
            None,
            Shape::CodexFile,
        ),
        (
            "accounts list, full",
            json!({"accounts": [{"token": "A", "refreshToken": "R", "accountId": "acc", "userId": "u", "label": "work", "planType": "team"}]}),
            (Some("A"), Some("R"), None),
            Some("acc"),
            None,
            Some("work"),
            Shape::Accounts,
        ),
        (
            "accounts list, minimal",
            json!({"accounts": [{"refreshToken": "R", "label": "work"}]}),
            (None, Some("R"), None),
            None,
            None,
            Some("work"),
            Shape::Accounts,
        ),
        (
            "accounts list, other spelling",
            json!({"accounts": [{"accessToken": "A"}]}),
            (Some("A"), None, None),
            None,
            None,
            None,
            Shape::Accounts,
        ),
        (
            "sub2api",
            json!({"type": "sub2api-data", "version": 1, "accounts": [{"platform": "openai", "type": "oauth", "name": "work", "concurrency": 4, "priority": 20,
            "credentials": {"access_token": "A", "refresh_token": "R", "chatgpt_account_id": "acc", "chatgpt_user_id": "u", "email": "e@example.com", "expires_at": "2026-07-27T10:00:00Z", "plan_type": "plus"}}]}),
            (Some("A"), Some("R"), None),
            Some("acc"),
            at,
            Some("work"),
            Shape::Sub2Api,
        ),
        (
            "cockpit-tools",
            json!([{"type": "codex", "access_token": "A", "refresh_token": "R", "account_id": "acc", "expired": "2026-07-27T10:00:00", "email": "e@example.com"}]),
            (Some("A"), Some("R"), None),
            Some("acc"),
            at,
            None,
            Shape::CodexFile,
        ),
    ] {
        let item = only(&text.to_string());
        assert_eq!(codex(&item), tokens, "{name}");
        assert_eq!(item.identity.account_id.as_deref(), account, "{name}");
        assert_eq!(item.identity.expires_at, expires, "{name}");
        assert_eq!(
            (item.label.as_deref(), item.source, item.kind),
            (label, source, AccountKind::CodexOauth),
            "{name}"
        );
        // Pretty-printed, with a byte order mark and blank lines it is the same file.
        assert_eq!(
            codex(&only(&format!("\u{feff}\n{text:#}\n\n"))),
            tokens,
            "{name}"
        );
    }
}

#[test]
fn f4_sub2api_extras() {
    let text = json!({"type": "sub2api-data", "version": 1, "accounts": [
        {"platform": "anthropic", "type": "oauth", "credentials": {"access_token": "X"}},
        {"platform": "openai", "type": "oauth", "name": "n", "concurrency": 4, "priority": 20, "credentials": {"access_token": "A", "email": "e@example.com", "plan_type": "plus", "chatgpt_user_id": "u"}},
        {"platform": "openai", "type": "apikey", "credentials": {"api_key": "sk-x", "base_url": "https://example.com"}},
        {"platform": "anthropic", "type": "apikey", "credentials": {"api_key": "sk-x", "base_url": "https://example.com"}},
    ]});
    let batch = parse(&text.to_string()).unwrap();
    let item = &batch.items[0];
    assert_eq!(
        (item.item, item.priority, item.slots),
        (2, Some(20), Some(4))
    );
    assert_eq!(
        (
            item.identity.email.as_deref(),
            item.identity.plan.as_deref(),
            item.identity.user_id.as_deref()
        ),
        (Some("e@example.com"), Some("plus"), Some("u"))
    );
    // Other platforms' accounts of a mixed backup fail one by one; the rest goes on.
    assert_eq!(
        batch
            .refused
            .iter()
            .map(|refused| refused.item)
            .collect::<Vec<_>>(),
        [1, 3, 4]
    );
    assert!(batch.refused[0].problem.to_string().contains("anthropic"));
}

#[test]
fn f4_relays() {
    for (text, base, format, assumed, kind) in [
        (
            json!({"apiKey": "sk-k", "baseUrl": "https://Relay.Example.com/v1/", "format": "openai", "label": "r"}),
            "https://relay.example.com/v1",
            Format::OpenAi,
            false,
            AccountKind::Relay,
        ),
        (
            json!({"apiKey": "sk-k", "baseUrl": "http://127.0.0.1:9"}),
            "http://127.0.0.1:9",
            Format::Codex,
            true,
            AccountKind::Relay,
        ),
        (
            json!({"api_key": "sk-k", "base_url": "https://example.com/api/anthropic", "format": "Anthropic", "kind": "zai"}),
            "https://example.com/api/anthropic",
            Format::Anthropic,
            false,
            AccountKind::Zai,
        ),
    ] {
        let item = only(&text.to_string());
        let relay = item.relay.as_ref().unwrap();
        assert_eq!(
            (
                relay.base_url.as_str(),
                relay.format,
                relay.format_assumed,
                item.kind
            ),
            (base, format, assumed, kind)
        );
        assert!(matches!(&item.credential, Credential::Key(key) if key.expose_secret() == "sk-k"));
    }
    let listed = only(
        &json!({"apiKey": "k", "baseUrl": "https://example.com", "allowedModels": ["a", "b-*"]})
            .to_string(),
    );
    assert_eq!(listed.relay.unwrap().allowed_models.unwrap(), ["a", "b-*"]);
}

#[test]
fn f4_plain_lines_and_ndjson() {
    let token = access("acc", "u");
    let text = format!(
        "# my accounts\n\nBearer opaque-token\r\n{token}\nbearer {token} # second\nrt_abc\noaistb_rt_abc\n{{\"type\":\"codex\",\"refresh_token\":\"R\"}}\n[{{\"access\":\"A\"}},\"rt_in_list\"]\n  # the end"
    );
    let batch = parse(&text).unwrap();
    let got: Vec<_> = batch
        .items
        .iter()
        .map(|item| (item.item, codex(item).0, codex(item).1))
        .collect();
    assert_eq!(
        got,
        [
            (1, Some("opaque-token"), None),
            (2, Some(token.as_str()), None),
            (3, Some(token.as_str()), None),
            (4, None, Some("rt_abc")),
            (5, None, Some("oaistb_rt_abc")),
            (6, None, Some("R")),
            (7, Some("A"), None),
            (8, None, Some("rt_in_list")),
        ]
    );
    assert_eq!(batch.items[1].identity.account_id.as_deref(), Some("acc"));
    // NDJSON that begins with an object, comments between.
    let batch = parse("{\"access\":\"A\"}\n# and\n{\"access\":\"B\"}\n").unwrap();
    assert_eq!(
        batch
            .items
            .iter()
            .map(|item| codex(item).0)
            .collect::<Vec<_>>(),
        [Some("A"), Some("B")]
    );
}

#[test]
fn f4_field_precedence() {
    let auth = |value: Value| jwt(json!({"https://api.openai.com/auth": value}));
    let org = |payload: Value| jwt(payload);
    for (name, text, account) in [
        (
            "access claim first",
            json!({"access": auth(json!({"chatgpt_account_id": "a"})), "id_token": auth(json!({"chatgpt_account_id": "i"})), "account_id": "f"}),
            "a",
        ),
        (
            "then the id token's",
            json!({"access": "opaque", "id_token": auth(json!({"chatgpt_account_id": "i", "organization_id": "o"})), "account_id": "f"}),
            "i",
        ),
        (
            "its organization",
            json!({"access": "opaque", "id_token": auth(json!({"organization_id": "o", "organizations": [{"id": "l"}]})), "account_id": "f"}),
            "o",
        ),
        (
            "its first organization",
            json!({"access": "opaque", "id_token": org(json!({"organizations": [{"id": "l"}, {"id": "m"}]})), "account_id": "f"}),
            "l",
        ),
        (
            "then the field",
            json!({"access": auth(json!({})), "id_token": "opaque", "account_id": "f"}),
            "f",
        ),
    ] {
        assert_eq!(
            only(&text.to_string()).identity.account_id.as_deref(),
            Some(account),
            "{name}"
        );
    }
    let profile = jwt(
        json!({"email": "top@example.com", "https://api.openai.com/profile": {"email": "a@example.com"}}),
    );
    for (name, text, email) in [
        (
            "access profile first",
            json!({"access": profile, "id_token": jwt(json!({"email": "i@example.com"})), "email": "f@example.com"}),
            "a@example.com",
        ),
        (
            "then the id token",
            json!({"access": "x", "id_token": jwt(json!({"email": "i@example.com"})), "email": "f@example.com"}),
            "i@example.com",
        ),
        (
            "then the field",
            json!({"access": "x", "email": "f@example.com"}),
            "f@example.com",
        ),
    ] {
        assert_eq!(
            only(&text.to_string()).identity.email.as_deref(),
            Some(email),
            "{name}"
        );
    }
    let exp = jwt(json!({"exp": 1_800_000_000}));
    for (text, expires) in [
        (
            json!({"access": exp, "expires": 1}),
            Some(1_800_000_000_000),
        ),
        (
            json!({"access": "x", "expires": 1_700_000_000, "expires_at": 1_600_000_000}),
            Some(1_700_000_000_000),
        ),
        (
            json!({"access": "x", "expires": 9_999_999_999_i64}),
            Some(9_999_999_999_000),
        ),
        (
            json!({"access": "x", "expires": 10_000_000_000_i64}),
            Some(10_000_000_000),
        ),
        (
            json!({"access": "x", "expires": "1700000000"}),
            Some(1_700_000_000_000),
        ),
        (
            json!({"access": "x", "expires": 1_700_000_000.5}),
            Some(1_700_000_000_000),
        ),
        (
            json!({"access": "x", "expires_at": 1_600_000_000, "expired": "2026-07-27T10:00:00Z"}),
            Some(1_600_000_000_000),
        ),
        (
            json!({"access": "x", "expires": 0, "expired": "2026-07-27T10:00:00Z"}),
            Some(1_785_146_400_000),
        ),
        (
            json!({"access": "x", "expiresAt": "2026-07-27 10:00:00"}),
            Some(1_785_146_400_000),
        ),
        (json!({"access": "x", "expired": "soon"}), None),
        (json!({"access": "x", "expired": false}), None),
        (json!({"access": "x"}), None),
        // Without an access token nothing can have an end.
        (json!({"refresh": "x", "expires": 1_700_000_000}), None),
    ] {
        assert_eq!(
            only(&text.to_string()).identity.expires_at,
            expires.map(Timestamp),
            "{text}"
        );
    }
}

#[test]
fn f6_incomplete_credentials() {
    for (text, expected) in [
        (json!({"access": "a", "refresh": "r"}), Completeness::Whole),
        (
            json!({"access": "a", "refresh": ""}),
            Completeness::NoRefresh,
        ),
        (
            json!({"refresh": "r", "access": null}),
            Completeness::RefreshFirst,
        ),
        (
            json!({"apiKey": "k", "baseUrl": "https://example.com"}),
            Completeness::Whole,
        ),
    ] {
        assert_eq!(only(&text.to_string()).completeness(), expected, "{text}");
    }
}

#[test]
fn f5_an_error_names_the_item_and_nothing_is_imported() {
    for (text, item, needle) in [
        (
            r#"[{"access":"A"},{"type":"codex","email":"secret@example.com"}]"#,
            2,
            "neither an access token",
        ),
        (
            r#"{"profiles":[{"access":"A"},{"access":"B"},{"hello":1}]}"#,
            3,
            "known shape",
        ),
        (
            r#"{"accounts":[{"token":"A"},{"token":5}]}"#,
            2,
            "field token",
        ),
        (r#"[{"access":"A"},7]"#, 2, "neither an object"),
        (r#"{"accounts":{"a":1}}"#, 1, "field accounts"),
        (r#"{"type":"codex_profiles"}"#, 1, "field profiles"),
        (r#"{"tokens":"x"}"#, 1, "field tokens"),
        (r#"{"apiKey":"sk-secretsecret"}"#, 1, "no base URL"),
        (
            r#"{"apiKey":"k","baseUrl":"ftp://example.com"}"#,
            1,
            "base URL",
        ),
        (
            r#"{"apiKey":"k","baseUrl":"https://u:p@example.com"}"#,
            1,
            "base URL",
        ),
        (
            r#"{"apiKey":"k","baseUrl":"https://example.com","format":"cobol"}"#,
            1,
            "unknown format",
        ),
        (
            r#"{"apiKey":"k","baseUrl":"https://example.com","allowedModels":"all"}"#,
            1,
            "allowedModels",
        ),
        (r#"{"baseUrl":"https://example.com"}"#, 1, "neither"),
        (
            r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-secretsecret","tokens":{"access_token":"A"}}"#,
            1,
            "API-key mode",
        ),
        (r#"{"OPENAI_API_KEY":"sk-secretsecret"}"#, 1, "API-key mode"),
        (
            r#"{"personal_access_token":"at-secretsecret","OPENAI_API_KEY":null}"#,
            1,
            "personal access token",
        ),
        ("rt_a\neyJdamaged.secret.token", 2, "damaged"),
        ("rt_a\nrt_b\nsk-secretsecret", 3, "no base URL"),
        ("rt_a\nhello secret", 2, "known shape"),
        ("[[[[[[]]]]]]", 1, "too deeply"),
        // Syntax, in single texts, lists, bundles and lines.
        (r#"{"access":"secret""#, 1, "valid JSON"),
        (
            r#"[{"access":"A"},{"access":"secret]"},{"access":}]"#,
            3,
            "valid JSON (line 1, column",
        ),
        (
            "{\"type\":\"codex_profiles\",\n\"profiles\":[{\"access\":\"A\",\"x\":[1,2]},\n{\"access\"}]}",
            2,
            "line 3",
        ),
        ("{\"access\":\"A\"}\n{\"access\":\"secret\"", 2, "line 2"),
    ] {
        let error = parse(text).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains(&format!("item {item} "))
                && shown.contains(needle)
                && shown.contains("nothing was imported"),
            "{text}: {shown}"
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
    for (text, expected) in [
        ("", ImportError::Empty),
        (" \n# only a comment\n", ImportError::Empty),
        ("[]", ImportError::Empty),
        (r#"{"profiles":[]}"#, ImportError::Empty),
        (&" ".repeat(LARGEST + 1), ImportError::TooLarge),
    ] {
        assert_eq!(parse(text).unwrap_err(), expected);
    }
}

#[test]
fn other_platforms_are_refused_one_by_one() {
    let batch =
        parse(r#"[{"type":"claude","access_token":"X"},{"type":"codex","access_token":"A"}]"#)
            .unwrap();
    assert_eq!((batch.items.len(), batch.refused.len()), (1, 1));
    assert_eq!(
        batch.refused[0].problem,
        Problem::OtherPlatform("claude".to_owned())
    );
}

#[test]
fn f2_what_makes_two_accounts_the_same() {
    let key = |text: &Value| only(&text.to_string()).duplicate_key();
    let (a, b) = (access("acc", "user-1"), access("acc", "user-2"));
    let same = [
        (json!({"access": a}), json!({"access": a, "refresh": "r"})),
        (
            json!({"access": a}),
            json!({"access": "x", "account_id": "acc", "user_id": "user-1"}),
        ),
        (
            json!({"access": "x", "account_id": "acc", "email": "E@example.com"}),
            json!({"access": "y", "account_id": "acc", "email": "e@example.com"}),
        ),
        (
            json!({"refresh": "r"}),
            json!({"refresh": "r", "access": "opaque"}),
        ),
        (
            json!({"apiKey": "k", "baseUrl": "https://example.com/v1/"}),
            json!({"apiKey": "k", "baseUrl": "https://EXAMPLE.com"}),
        ),
    ];
    let different = [
        // Two members of one team stay two accounts.
        (json!({"access": a}), json!({"access": b})),
        (json!({"refresh": "r"}), json!({"refresh": "s"})),
        (
            json!({"apiKey": "k", "baseUrl": "https://example.com"}),
            json!({"apiKey": "l", "baseUrl": "https://example.com"}),
        ),
        (
            json!({"apiKey": "k", "baseUrl": "https://example.com"}),
            json!({"apiKey": "k", "baseUrl": "https://example.org"}),
        ),
        (
            json!({"access": "x", "account_id": "acc"}),
            json!({"access": "y", "account_id": "acc"}),
        ),
    ];
    for (one, other) in &same {
        assert_eq!(key(one), key(other), "{one} {other}");
    }
    for (one, other) in &different {
        assert_ne!(key(one), key(other), "{one} {other}");
    }
    assert_eq!(
        format!(
            "{:?}",
            key(&json!({"apiKey": "k", "baseUrl": "https://example.com"}))
        ),
        "DuplicateKey(key:https://example.com)"
    );
}

#[test]
fn f5_the_preview_masks_and_judges() {
    let (a, b) = (access("acc", "user-1"), access("acc", "user-2"));
    let text = json!([
        {"access": a, "email": "jane@example.com", "plan_type": "plus", "label": "jane@example.com"},
        {"access": b, "refresh": "r"},
        {"access": a},
        {"apiKey": "k", "baseUrl": "https://example.com", "label": "relay"},
    ]);
    let batch = parse(&text.to_string()).unwrap();
    let known = batch.items[1].duplicate_key();
    let rows = preview(&batch, |key| *key == known);
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict).collect();
    assert_eq!(
        verdicts,
        [
            Verdict::New,
            Verdict::Update,
            Verdict::DuplicateInFile { of: 1 },
            Verdict::New
        ]
    );
    assert_eq!(
        (rows[0].email.as_deref(), rows[0].label.as_deref()),
        (Some("j•••@example.com"), Some("j•••@example.com"))
    );
    assert_eq!(
        (rows[0].expires_at, rows[0].completeness),
        (
            Some(Timestamp::from_secs(1_800_000_000)),
            Completeness::NoRefresh
        )
    );
    assert_eq!(
        (rows[3].label.as_deref(), rows[3].format),
        (Some("relay"), Some((Format::Codex, true)))
    );
}

#[test]
fn f11_the_local_codex() {
    for (name, auth, config, expected) in [
        (
            "file",
            Some(
                r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"access_token":"A","refresh_token":"R"}}"#,
            ),
            None,
            Ok(()),
        ),
        (
            "file, said so",
            Some(r#"{"tokens":{"access_token":"A"}}"#),
            Some("cli_auth_credentials_store = \"file\"\nmodel = \"m\"\n"),
            Ok(()),
        ),
        (
            "auto with a file",
            Some(r#"{"tokens":{"access_token":"A"}}"#),
            Some("cli_auth_credentials_store = \"auto\"\n"),
            Ok(()),
        ),
        (
            "API key",
            Some(r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-secret"}"#),
            None,
            Err("API-key mode"),
        ),
        (
            "keyring",
            None,
            Some("cli_auth_credentials_store = \"keyring\"\n"),
            Err("keyring"),
        ),
        (
            "keyring with a stale file",
            Some(r#"{"tokens":{"access_token":"A"}}"#),
            Some("cli_auth_credentials_store = \"keyring\"\n"),
            Err("keyring"),
        ),
        (
            "auto without a file",
            None,
            Some("cli_auth_credentials_store = \"auto\"\n"),
            Err("keyring"),
        ),
        (
            "ephemeral",
            None,
            Some("cli_auth_credentials_store = \"ephemeral\"\n"),
            Err("memory"),
        ),
        ("signed out", None, None, Err("codex login")),
        (
            "signed out, empty file",
            Some(r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":null}"#),
            None,
            Err("codex login"),
        ),
        ("broken", Some("{"), None, Err("cannot be read")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        if let Some(auth) = auth {
            fs::write(dir.path().join("auth.json"), auth).unwrap();
        }
        if let Some(config) = config {
            fs::write(dir.path().join("config.toml"), config).unwrap();
        }
        match (codex_local(dir.path()), expected) {
            (Ok(batch), Ok(())) => assert_eq!(
                (codex(&batch.items[0]).0, batch.items[0].source),
                (Some("A"), Shape::CodexAuth),
                "{name}"
            ),
            (Err(error), Err(needle)) => assert!(
                error.to_string().contains(needle) && !error.to_string().contains("secret"),
                "{name}: {error}"
            ),
            (got, _) => panic!("{name}: {got:?}"),
        }
    }
    let error = codex_local(std::path::Path::new("/nowhere/at/all"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("CODEX_HOME"), "{error}");
}

#[test]
#[cfg(unix)]
fn f11_where_codex_lives() {
    let home = |pairs: &[(&str, &str)]| codex_home(&Env::from_pairs(pairs.iter().copied()));
    assert_eq!(
        home(&[("HOME", "/u")]).unwrap(),
        std::path::Path::new("/u/.codex")
    );
    assert_eq!(
        home(&[("HOME", "/u"), ("CODEX_HOME", "/c")]).unwrap(),
        std::path::Path::new("/c")
    );
    assert_eq!(home(&[]), None);
}

#[test]
fn f7_a_thousand_items_are_no_burden() {
    let items: Vec<Value> = (0..1000).map(|n| json!({"access": access("acc", &format!("user-{n}")), "refresh": format!("rt_{n}")})).collect();
    let batch = parse(&Value::from(items).to_string()).unwrap();
    assert_eq!(batch.items.len(), 1000);
    assert!(
        preview(&batch, |_| false)
            .iter()
            .all(|row| row.verdict == Verdict::New)
    );
}

#[test]
fn f1_labels_are_bounded() {
    let item =
        only(&json!({"access": "a", "label": format!("a\nb{}", "é".repeat(100))}).to_string());
    assert_eq!(item.label.unwrap(), format!("ab{}", "é".repeat(62)));
}

#[test]
fn no_input_panics() {
    for text in [
        "{",
        "[",
        "\"",
        "[\"\"]",
        "null",
        "[null]",
        "{\"tokens\":{}}",
        "Bearer",
        "Bearer ",
        "eyJ",
        "eyJ..",
        "a.b.c",
        "[\"Bearer \"]",
        "{\"expires\":1e400}",
        "{\"access\":\"a\",\"expires\":1e300}",
        "é",
        "{\"a\":\"\\u0000\"}",
    ] {
        let _ = parse(text);
    }
    for token in ["", ".", "..", "...", "a.!.c", "a.e30.c", "é.é.é"] {
        let _ = upstream::identity::is_jwt(token);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever the text, an error or items; an error never repeats it.
    #[test]
    fn any_text_is_read_or_refused(text in r#"([\[\]{}:,"\n# ]|rt_|eyJ|"access":|"profiles":|"SECRET"|[a-z0-9.é]{0,6}){0,24}"#) {
        if let Err(error) = parse(&text) {
            proptest::prop_assert!(!error.to_string().contains("SECRET"));
        }
    }
}

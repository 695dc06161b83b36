use std::fs;

use super::*;
use crate::import::tests::{jwt, plain};
use crate::import::{ImportError, parse};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

/// Accounts of every kind, as files of other origins give them.
fn accounts() -> Vec<ExportAccount> {
    let access = jwt(serde_json::json!({
        "exp": 1_800_000_000, "https://api.openai.com/auth": {"chatgpt_account_id": "acc-1", "chatgpt_user_id": "user-1", "chatgpt_plan_type": "plus"},
        "https://api.openai.com/profile": {"email": "one@example.com"}
    }));
    let text = serde_json::json!([
        {"type": "codex", "access_token": access, "refresh_token": "rt_one", "id_token": jwt(serde_json::json!({"email": "x@example.com"})), "label": "work"},
        {"type": "codex", "access_token": "opaque", "account_id": "acc-2", "user_id": "user-2", "email": "two@example.com", "plan_type": "team", "expires": 1_800_000_000},
        {"refresh_token": "rt_three"},
        {"apiKey": "sk-four", "baseUrl": "https://Relay.example.com/v1/", "format": "openai", "allowedModels": ["a", "b*"], "label": "relay", "group": "g", "priority": 20},
        {"apiKey": "sk-five", "baseUrl": "https://zai.example.com/api", "kind": "zai", "format": "anthropic"},
    ]);
    parse(&text.to_string())
        .unwrap()
        .items
        .into_iter()
        .map(ExportAccount::from)
        .collect()
}

#[test]
fn f8_the_shapes() {
    let all = accounts();
    let single: Value = serde_json::from_str(export(&all[..1], NOW).expose_secret()).unwrap();
    for field in [
        "type",
        "access_token",
        "refresh_token",
        "id_token",
        "expired",
        "email",
        "account_id",
        "exported_at",
    ] {
        assert!(single[field].is_string(), "{field}: {single}");
    }
    assert_eq!(
        (single["type"].as_str(), single["expired"].as_str()),
        (Some("codex"), Some("2027-01-15T08:00:00Z"))
    );
    assert_eq!(single["exported_at"], "2026-09-21T14:13:20Z");

    let bundle: Value = serde_json::from_str(export(&all, NOW).expose_secret()).unwrap();
    assert_eq!(
        (
            bundle["type"].as_str(),
            bundle["profiles"].as_array().unwrap().len()
        ),
        (Some("codex_profiles"), 5)
    );
    let none: Value = serde_json::from_str(export(&[], NOW).expose_secret()).unwrap();
    assert_eq!(none["profiles"], serde_json::json!([]));
}

#[test]
fn f8_an_export_imports_as_the_same_accounts() {
    let all = accounts();
    let mut sets: Vec<&[ExportAccount]> = all.chunks(1).collect();
    sets.push(&all);
    for set in sets {
        let text = export(set, NOW);
        let again: Vec<ExportAccount> = parse(text.expose_secret())
            .unwrap()
            .items
            .into_iter()
            .map(ExportAccount::from)
            .collect();
        assert_eq!(
            again.iter().map(plain).collect::<Vec<_>>(),
            set.iter().map(plain).collect::<Vec<_>>()
        );
        assert_eq!(export(&again, NOW).expose_secret(), text.expose_secret());
    }
}

#[test]
fn f9_a_passphrase_seals_the_export() {
    let text = export(&accounts(), NOW);
    let passphrase = SecretString::from("correct horse".to_owned());
    let sealed = seal(&text, &passphrase).unwrap();
    assert!(
        !sealed.expose_secret().contains("rt_one")
            && !sealed.expose_secret().contains("example.com")
    );
    assert_eq!(
        unseal(sealed.expose_secret(), &passphrase)
            .unwrap()
            .expose_secret(),
        text.expose_secret()
    );
    assert_eq!(
        parse(sealed.expose_secret()).unwrap_err(),
        ImportError::Encrypted
    );
    assert_ne!(
        seal(&text, &passphrase).unwrap().expose_secret(),
        sealed.expose_secret(),
        "salt and nonce are new every time"
    );

    let mut file: Value = serde_json::from_str(sealed.expose_secret()).unwrap();
    let cipher_text = file["sealed"].as_str().unwrap().to_owned();
    let damaged = cipher_text.replacen(
        &cipher_text[8..9],
        if &cipher_text[8..9] == "A" { "B" } else { "A" },
        1,
    );
    for (field, value, expected) in [
        ("sealed", Value::from(damaged), SealError::WrongPassphrase),
        ("sealed", "???".into(), SealError::WrongPassphrase),
        ("nonce", "AAAA".into(), SealError::WrongPassphrase),
        (
            "cost",
            serde_json::json!({"m_kib": u32::MAX, "t": 1, "p": 1}),
            SealError::WrongPassphrase,
        ),
        (
            "cost",
            serde_json::json!({"m_kib": 65_536, "t": 2, "p": 1}),
            SealError::WrongPassphrase,
        ),
        (
            "cost",
            serde_json::json!({"m_kib": 0, "t": 0, "p": 0}),
            SealError::WrongPassphrase,
        ),
        ("version", 2.into(), SealError::Newer),
        ("type", "codex".into(), SealError::NotSealed),
    ] {
        let old = std::mem::replace(&mut file[field], value);
        assert_eq!(
            unseal(&file.to_string(), &passphrase).unwrap_err(),
            expected,
            "{field}"
        );
        file[field] = old;
    }
    assert_eq!(
        unseal(sealed.expose_secret(), &"wrong".to_owned().into()).unwrap_err(),
        SealError::WrongPassphrase
    );
    assert_eq!(
        unseal(sealed.expose_secret(), &String::new().into()).unwrap_err(),
        SealError::EmptyPassphrase
    );
    assert_eq!(
        seal(&text, &String::new().into()).unwrap_err(),
        SealError::EmptyPassphrase
    );
    assert_eq!(unseal("{}", &passphrase).unwrap_err(), SealError::NotSealed);
    assert_eq!(
        unseal("nothing", &passphrase).unwrap_err(),
        SealError::NotSealed
    );
}

#[test]
fn f9_the_file_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("accounts.json");
    fs::write(&path, "old").unwrap();
    let text = export(&accounts(), NOW);
    write_export(&path, &text).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text.expose_secret());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", accounts());
    for secret in ["rt_one", "rt_three", "sk-four", "opaque", "eyJ"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

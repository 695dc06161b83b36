//! What every vault must do, run over every kind: by the unit tests here and by `tests/secret_service.rs`, which includes this file.

use secrecy::{ExposeSecret, SecretString};

use super::{MAX_SECRET_BYTES, Vault, VaultError};

/// What `get` gives, as text for comparing.
pub(crate) fn read(vault: &dyn Vault, name: &str) -> Option<String> {
    vault
        .get(name)
        .unwrap()
        .map(|secret| secret.expose_secret().to_owned())
}

/// A secret of `bytes` bytes whose every piece differs from every other.
pub(crate) fn long_secret(bytes: usize) -> String {
    (0..)
        .flat_map(|n: u32| format!("{n}é.").into_bytes())
        .take(bytes)
        .collect::<Vec<u8>>()
        .utf8_chunks()
        .map(|c| c.valid().to_owned())
        .collect()
}

/// F23: the whole contract, on a vault that holds none of these names.
pub(crate) fn check(vault: &dyn Vault) {
    let put = |name: &str, secret: &str| vault.put(name, &SecretString::from(secret)).unwrap();

    // Absent.
    assert_eq!(read(vault, "acc_1"), None);
    vault.delete("acc_1").unwrap();

    // Put, get, replace by shorter, longer, much longer and shorter again.
    for size in [10, 3, 2560, 2561, 6000, 40_000, 5121, 1, 2559] {
        let secret = long_secret(size);
        put("acc_1", &secret);
        assert_eq!(read(vault, "acc_1"), Some(secret), "size {size}");
    }
    // Several at once, of which one is there already.
    let both = ["acc_1", "acc_2"].map(|name| (name.to_owned(), SecretString::from(name)));
    vault.put_all(&both).unwrap();
    assert_eq!(read(vault, "acc_1").as_deref(), Some("acc_1"));
    assert_eq!(read(vault, "acc_2").as_deref(), Some("acc_2"));
    vault.delete("acc_2").unwrap();
    vault.put_all(&[]).unwrap();

    // The same value again, an empty one, and text that looks like our own index.
    put("acc_1", "same");
    put("acc_1", "same");
    assert_eq!(read(vault, "acc_1").as_deref(), Some("same"));
    put("empty", "");
    assert_eq!(read(vault, "empty").as_deref(), Some(""));
    for trap in [
        "switchyard-parts/1 ",
        "switchyard-parts/1 a 1 5 00",
        "line\nbreak \u{0} and 漢字 🎈",
    ] {
        put("trap", trap);
        assert_eq!(read(vault, "trap").as_deref(), Some(trap));
    }

    // Names are apart, also when one is the beginning of another.
    for name in ["a", "a.0", "a:0", "A", "gateway-keys", "user@example.com"] {
        put(name, &format!("secret of {name}"));
    }
    vault.delete("a").unwrap();
    assert_eq!(read(vault, "a"), None);
    for name in ["a.0", "a:0", "A", "gateway-keys", "user@example.com"] {
        assert_eq!(read(vault, name), Some(format!("secret of {name}")));
    }

    // Refusals leave what was there.
    let too_large = SecretString::from("x".repeat(MAX_SECRET_BYTES + 1));
    assert!(matches!(
        vault.put("acc_1", &too_large),
        Err(VaultError::TooLarge { .. })
    ));
    assert_eq!(read(vault, "acc_1").as_deref(), Some("same"));
    for name in ["", "a b", "a#a.0", "ä", "a/b", "x".repeat(129).as_str()] {
        assert!(
            matches!(vault.get(name), Err(VaultError::BadName)),
            "{name}"
        );
        assert!(
            matches!(
                vault.put(name, &SecretString::from("s")),
                Err(VaultError::BadName)
            ),
            "{name}"
        );
        assert!(
            matches!(vault.delete(name), Err(VaultError::BadName)),
            "{name}"
        );
    }

    // Delete, twice, and again usable.
    for name in [
        "acc_1",
        "acc_1",
        "empty",
        "trap",
        "a.0",
        "a:0",
        "A",
        "gateway-keys",
        "user@example.com",
    ] {
        vault.delete(name).unwrap();
        assert_eq!(read(vault, name), None);
    }
    put("acc_1", "back");
    assert_eq!(read(vault, "acc_1").as_deref(), Some("back"));
    vault.delete("acc_1").unwrap();
}

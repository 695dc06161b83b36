//! The vault file: contract, wrong passphrases against damage, versions, permissions, other writers.

use std::fs;

use super::*;
use crate::contract;

/// Argon2's smallest cost: what is tested here does not depend on it, and a debug build is slow.
const CHEAP: format::Cost = format::Cost {
    memory_kib: 8,
    passes: 1,
    lanes: 1,
};

fn open(home: &Path, passphrase: &str) -> Result<FileVault, VaultError> {
    FileVault::open_with(home, &SecretString::from(passphrase), CHEAP)
}

/// A home with a vault file of two items; gives the file's bytes.
fn filled(home: &Path) -> Vec<u8> {
    let vault = open(home, "correct horse").unwrap();
    vault
        .put("acc_1", &SecretString::from("refresh-token-of-one"))
        .unwrap();
    vault
        .put(
            "gateway-keys",
            &SecretString::from(contract::long_secret(9000)),
        )
        .unwrap();
    fs::read(home.join(FILE_NAME)).unwrap()
}

#[test]
fn the_contract_holds_and_everything_is_there_after_reopening() {
    let home = tempfile::tempdir().unwrap();
    contract::check(&open(home.path(), "p").unwrap());
    open(home.path(), "p")
        .unwrap()
        .put("a", &SecretString::from("1"))
        .unwrap();
    open(home.path(), "p")
        .unwrap()
        .put("b", &SecretString::from("2"))
        .unwrap();
    let vault = open(home.path(), "p").unwrap();
    assert_eq!(contract::read(&vault, "a").as_deref(), Some("1"));
    assert_eq!(contract::read(&vault, "b").as_deref(), Some("2"));
    assert_eq!(vault.kind(), VaultKind::File);
}

/// F24: the cost of a new file is OWASP's, and it is the file's header that is believed afterwards.
#[test]
fn a_new_file_has_the_standard_cost() {
    let home = tempfile::tempdir().unwrap();
    let passphrase = SecretString::from("p");
    FileVault::open(home.path(), &passphrase)
        .unwrap()
        .put("a", &SecretString::from("1"))
        .unwrap();
    let bytes = fs::read(home.path().join(FILE_NAME)).unwrap();
    assert_eq!(
        bytes[12..24],
        [0, 0x1c, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0],
        "7168 KiB, 5 passes, 1 lane"
    );
    let again = open(home.path(), "p").unwrap();
    assert_eq!(contract::read(&again, "a").as_deref(), Some("1"));
}

/// F24, F123: no plain text in the folder, only the one file, private.
#[test]
fn nothing_readable_is_written() {
    let home = tempfile::tempdir().unwrap();
    let bytes = filled(home.path());
    for word in [
        "refresh-token-of-one",
        "acc_1",
        "gateway-keys",
        "correct horse",
    ] {
        assert!(
            !bytes
                .windows(word.len())
                .any(|window| window == word.as_bytes()),
            "{word} in plain text"
        );
    }
    let names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [FILE_NAME]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = home.path().join(FILE_NAME);
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        open(home.path(), "correct horse").unwrap();
        assert_eq!(mode(), 0o600, "a file restored too openly is closed again");
    }
}

/// Bad input of issue 2: a wrong passphrase is told from a damaged file, and neither changes the file.
#[test]
fn wrong_passphrases_and_damage_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let good = filled(home.path());
    let path = home.path().join(FILE_NAME);
    let check = |bytes: &[u8], passphrase: &str, expected: fn(&VaultError) -> bool, what: &str| {
        fs::write(&path, bytes).unwrap();
        let error = open(home.path(), passphrase)
            .err()
            .unwrap_or_else(|| panic!("{what}: opened"));
        assert!(expected(&error), "{what}: {error}");
        assert_eq!(
            fs::read(&path).unwrap(),
            bytes,
            "{what}: the file was changed"
        );
    };
    let wrong = |error: &VaultError| {
        matches!(error, VaultError::WrongPassphrase { .. }) && error.is_locked()
    };
    let corrupt = |error: &VaultError| matches!(error, VaultError::Corrupt { .. });

    check(&good, "correct horse ", wrong, "wrong passphrase");
    check(
        &good,
        "",
        |error| matches!(error, VaultError::NoPassphrase),
        "no passphrase",
    );
    // Every byte of the header, and some of the content, flipped.
    for at in (0..format::HEADER_LEN).chain([90, good.len() / 2, good.len() - 1]) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        let newer = |error: &VaultError| matches!(error, VaultError::Newer { .. });
        check(
            &bytes,
            "correct horse",
            if at == 8 || at == 9 { newer } else { corrupt },
            &format!("byte {at}"),
        );
    }
    for length in [0, 1, 8, 9, 87, 88, 90, good.len() - 1] {
        check(
            &good[..length],
            "correct horse",
            corrupt,
            &format!("cut to {length}"),
        );
    }
    check(b"{\"tokens\":{}}", "correct horse", corrupt, "another file");

    fs::write(&path, &good).unwrap();
    assert!(open(home.path(), "correct horse").is_ok());
}

#[test]
fn absurd_costs_in_a_header_are_refused_before_they_are_paid() {
    let home = tempfile::tempdir().unwrap();
    let mut bytes = filled(home.path());
    bytes[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&bytes[..80]);
    bytes[80..88].copy_from_slice(&digest[..8]);
    fs::write(home.path().join(FILE_NAME), bytes).unwrap();
    assert!(matches!(
        open(home.path(), "correct horse").err(),
        Some(VaultError::Corrupt { .. })
    ));
}

/// F128: should a second process have written all the same, it is not written over.
#[test]
fn another_writer_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    filled(home.path());
    let (ours, theirs) = (
        open(home.path(), "correct horse").unwrap(),
        open(home.path(), "correct horse").unwrap(),
    );
    theirs.put("new", &SecretString::from("theirs")).unwrap();
    assert!(matches!(
        ours.put("new", &SecretString::from("ours")),
        Err(VaultError::ChangedElsewhere { .. })
    ));
    assert!(matches!(
        ours.delete("acc_1"),
        Err(VaultError::ChangedElsewhere { .. })
    ));
    let after = open(home.path(), "correct horse").unwrap();
    assert_eq!(contract::read(&after, "new").as_deref(), Some("theirs"));
    assert!(contract::read(&after, "acc_1").is_some());

    // A vanished file is written again from what is in memory: nothing is lost.
    fs::remove_file(home.path().join(FILE_NAME)).unwrap();
    after.put("more", &SecretString::from("m")).unwrap();
    assert_eq!(
        contract::read(&open(home.path(), "correct horse").unwrap(), "new").as_deref(),
        Some("theirs")
    );
}

/// F123: a write that cannot reach the disk fails, and neither file nor memory has changed.
#[test]
fn a_failed_write_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let before = filled(home.path());
    let vault = open(home.path(), "correct horse").unwrap();
    // A folder where the temporary file should go.
    fs::create_dir_all(home.path().join("vault.tmp/occupied")).unwrap();
    let error = vault
        .put("acc_1", &SecretString::from("never"))
        .unwrap_err();
    assert!(matches!(error, VaultError::Io { .. }), "{error}");
    assert_eq!(
        contract::read(&vault, "acc_1").as_deref(),
        Some("refresh-token-of-one")
    );
    assert_eq!(fs::read(home.path().join(FILE_NAME)).unwrap(), before);
}

//! The keychain vault against a real Secret Service: gnome-keyring on a private D-Bus, in a home of its own (F23, F24).
//!
//! The bus address is an environment variable, and an environment belongs to a process: each case runs this test binary once more as a child
//! (`SWITCHYARD_VAULT_TEST_ROLE`), inside the private session. Programs that are missing fail the test with the package to install.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program: its helpers fail by panicking and its two halves talk over stdout"
)]

#[path = "../src/contract.rs"]
mod contract;
mod session;

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use session::{Bus, Session};
use vault::{
    HOME_MARK_FILE, KeychainVault, MAX_SECRET_BYTES, SERVICE, Vault, VaultError, VaultKind,
};

/// Set in the child only: which part it plays.
const ROLE: &str = "SWITCHYARD_VAULT_TEST_ROLE";
/// The child's Switchyard home.
const HOME: &str = "SWITCHYARD_VAULT_TEST_HOME";

/// Long enough for a loaded machine, where no call is expected to hang.
const PATIENT: Duration = Duration::from_secs(60);

/// Not a test of its own: the other half of every test below.
#[test]
fn child_half() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let home = PathBuf::from(std::env::var(HOME).unwrap());
    match role.as_str() {
        "contract" => {
            let vault = KeychainVault::open(&home, PATIENT).unwrap();
            assert_eq!(vault.kind(), VaultKind::SecretService);
            contract::check(&vault);
        }
        "put" => KeychainVault::open(&home, PATIENT)
            .unwrap()
            .put("acc_1", &SecretString::from(secret()))
            .unwrap(),
        "get" => {
            assert_eq!(
                contract::read(&KeychainVault::open(&home, PATIENT).unwrap(), "acc_1"),
                Some(secret())
            );
        }
        "delete" => KeychainVault::open(&home, PATIENT)
            .unwrap()
            .delete("acc_1")
            .unwrap(),
        "stay" => {
            let vault = KeychainVault::open(&home, PATIENT).unwrap();
            vault.put("acc_1", &SecretString::from(secret())).unwrap();
            session::tell_parent("stored");
            session::wait_for_parent();
            assert_eq!(contract::read(&vault, "acc_1"), Some(secret()));
            vault
                .put("acc_1", &SecretString::from("after the restart"))
                .unwrap();
        }
        "unavailable" => {
            let error = KeychainVault::open(&home, PATIENT).err().unwrap();
            assert!(matches!(error, VaultError::Unavailable { .. }), "{error:?}");
            session::tell_parent(&error.to_string());
        }
        "locked" => {
            let vault = KeychainVault::open(&home, Duration::from_secs(1)).unwrap();
            for call in 0..3 {
                let error = vault.get("acc_1").err();
                assert!(
                    matches!(error, Some(VaultError::Locked)),
                    "call {call}: {error:?}"
                );
            }
            let error = vault.put("acc_1", &SecretString::from("never")).err();
            assert!(matches!(error, Some(VaultError::Locked)), "{error:?}");
            session::tell_parent("locked");
            session::wait_for_parent();
            assert_eq!(contract::read(&vault, "acc_1"), Some(secret()));
        }
        other => panic!("no such role: {other}"),
    }
}

/// A credential larger than Windows would take in one item.
fn secret() -> String {
    contract::long_secret(6000)
}

fn child(session: &Session, role: &str) -> session::Child {
    session.run_test_again(
        "child_half",
        &[(ROLE, role), (HOME, session.home().to_str().unwrap())],
    )
}

/// The account attribute of the item `name`, by which other programs find it.
fn account(home: &Path, name: &str) -> String {
    let mark = std::fs::read_to_string(home.join(HOME_MARK_FILE)).unwrap();
    format!("{}:{name}", mark.trim())
}

#[test]
fn the_contract_holds_on_a_real_secret_service() {
    let mut session = Session::new(Bus::Plain);
    session.start_unlocked_keyring();
    child(&session, "contract").succeed();
}

/// One item per account, where the person's own tools see it; nothing of it in any file in plain text; gone when deleted.
#[test]
fn items_are_visible_to_other_programs_and_outlive_the_process() {
    let mut session = Session::new(Bus::Plain);
    session.start_unlocked_keyring();
    child(&session, "put").succeed();
    let name = account(session.home(), "acc_1");
    let seen = session.secret_tool(&["lookup", "service", SERVICE, "username", &name]);
    assert_eq!(seen.as_deref(), Some(secret().as_str()));
    session.assert_no_file_holds(&secret()[..40]);
    child(&session, "get").succeed();
    session.stop_keyring();
    session.start_unlocked_keyring();
    child(&session, "get").succeed();
    child(&session, "delete").succeed();
    assert_eq!(
        session.secret_tool(&["lookup", "service", SERVICE, "username", &name]),
        None
    );
}

/// The keyring may be restarted under a running instance: the next call connects anew.
#[test]
fn a_restarted_keyring_is_found_again() {
    let mut session = Session::new(Bus::Plain);
    session.start_unlocked_keyring();
    let mut child = child(&session, "stay");
    assert_eq!(child.hear(), "stored");
    session.stop_keyring();
    session.start_unlocked_keyring();
    child.tell();
    child.succeed();
    let name = account(session.home(), "acc_1");
    assert_eq!(
        session
            .secret_tool(&["lookup", "service", SERVICE, "username", &name])
            .as_deref(),
        Some("after the restart")
    );
}

/// F24: nothing answers: a clear error that names both ways out, never another place to store.
#[test]
fn no_provider_and_no_bus_name_both_ways_out() {
    let session = Session::new(Bus::Plain);
    let mut without_bus = Session::new(Bus::Plain);
    without_bus.stop_bus();
    for session in [&session, &without_bus] {
        let mut child = child(session, "unavailable");
        let message = child.hear();
        for words in [
            "no keychain answers",
            "gnome-keyring",
            "SWITCHYARD_VAULT=file",
            "SWITCHYARD_PASSPHRASE",
        ] {
            assert!(message.contains(words), "{message}");
        }
        child.succeed();
        let files: Vec<_> = std::fs::read_dir(session.home())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(files, [HOME_MARK_FILE]);
    }
}

#[test]
fn a_secret_service_without_a_default_keyring_is_named() {
    let mut session = Session::new(Bus::Plain);
    session.start_keyring_as_found();
    let mut child = child(&session, "unavailable");
    let message = child.hear();
    assert!(message.contains("no default keyring"), "{message}");
    child.succeed();
}

/// A locked keyring ends in Locked, whether its prompt cannot be shown or hangs, and after an unlock the same vault works.
#[test]
fn a_locked_keyring_is_locked_in_time_and_recovers() {
    for bus in [Bus::Plain, Bus::HangingPrompter] {
        let mut session = Session::new(bus);
        session.start_unlocked_keyring();
        child(&session, "put").succeed();
        session.stop_keyring();
        session.start_keyring_as_found();
        let mut child = child(&session, "locked");
        assert_eq!(child.hear(), "locked");
        session.stop_keyring();
        session.start_unlocked_keyring();
        child.tell();
        child.succeed();
    }
}

//! Backups of the home's database: made, listed, kept in number, put back (F124, F125).
#![expect(
    clippy::unwrap_used,
    reason = "a test program: its helpers fail by panicking"
)]

use std::fs;
use std::path::Path;

use store::{
    AccountRow, BackupFile, BackupSort, FILE_NAME, Store, StoreError, pending_restore,
    stage_restore,
};

fn with_accounts(home: &Path, labels: &[&str]) -> Store {
    let store = Store::open(home, 1).unwrap();
    for label in labels {
        store
            .insert_account(&AccountRow::new(label, "relay", label))
            .unwrap();
    }
    store
}

fn labels(store: &Store) -> Vec<String> {
    let rows = store.accounts().unwrap();
    rows.into_iter().map(|row| row.label).collect()
}

#[test]
fn f125_daily_backups_are_private_whole_and_few() {
    let home = tempfile::tempdir().unwrap();
    let store = with_accounts(home.path(), &["a"]);
    store.backup(5).unwrap();
    for day in 10..20 {
        store::back_up_daily(home.path(), day, 3).unwrap();
    }
    let all = BackupFile::all(home.path());
    let seen: Vec<(i64, BackupSort)> = all.iter().map(|file| (file.at, file.sort)).collect();
    use BackupSort::{ByHand, Daily};
    assert_eq!(seen, [(19, Daily), (18, Daily), (17, Daily), (5, ByHand)]);
    for file in &all {
        assert_eq!(labels(&Store::open_backup(&file.path).unwrap()), ["a"]);
        assert!(file.bytes > 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&file.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    // The last one stays, whatever is asked for.
    store::back_up_daily(home.path(), 20, 0).unwrap();
    assert_eq!(BackupFile::all(home.path()).len(), 2);
}

/// A backup does not wait for a writer, nor a writer for it: it has the state of the last commit.
#[test]
fn a_backup_holds_what_was_committed() {
    let home = tempfile::tempdir().unwrap();
    let store = with_accounts(home.path(), &["a"]);
    // As a killed process may have left them.
    for left in ["db-copying", "db-copying-journal"] {
        fs::write(home.path().join(FILE_NAME).with_extension(left), "half").unwrap();
    }
    let other = rusqlite::Connection::open(home.path().join(FILE_NAME)).unwrap();
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE accounts SET label = 'changed'")
        .unwrap();
    let path = store.backup(3).unwrap().unwrap();
    assert_eq!(labels(&Store::open_backup(&path).unwrap()), ["a"]);
    other.execute_batch("COMMIT").unwrap();
}

#[test]
fn f124_a_backup_takes_the_place_of_a_database_however_it_is() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 4] = [
        ("unreadable", |path| {
            fs::write(path, "no database at all".repeat(40)).unwrap()
        }),
        ("gone", |path| fs::remove_file(path).unwrap()),
        ("gone but for its log", |path| {
            fs::remove_file(path).unwrap();
            fs::write(path.with_extension("db-wal"), "a log").unwrap();
        }),
        ("well", |_| {}),
    ];
    for (what, damage) in damage {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        let store = with_accounts(home.path(), &["a"]);
        store.backup(7).unwrap();
        store
            .insert_account(&AccountRow::new("b", "relay", "b"))
            .unwrap();
        drop(store);
        damage(&path);
        let before = fs::read(&path).ok();
        let _ = Store::open(home.path(), 50);

        stage_restore(home.path(), "switchyard.db.backup-7").unwrap();
        assert!(pending_restore(home.path()), "{what}");
        let store = Store::open(home.path(), 60).unwrap();
        assert_eq!(labels(&store), ["a"], "{what}");
        assert!(!pending_restore(home.path()), "{what}");
        // What was there is still there, under another name, once.
        let kept: Vec<Vec<u8>> = fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let name = path.to_string_lossy();
                (name.contains(".corrupt-") || name.contains(".replaced-"))
                    && !name.ends_with("-wal")
            })
            .map(|path| fs::read(path).unwrap())
            .collect();
        match before {
            Some(before) if what != "well" => assert_eq!(kept, [before], "{what}"),
            _ => assert!(kept.len() <= 1, "{what}"),
        }
    }
}

#[test]
fn what_is_no_whole_backup_is_not_laid_ready() {
    let home = tempfile::tempdir().unwrap();
    let store = with_accounts(home.path(), &["a"]);
    let path = store.backup(7).unwrap().unwrap();
    drop(store);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = stage_restore(home.path(), "switchyard.db.backup-7");
    assert!(
        matches!(damaged, Err(StoreError::Corrupt { .. })),
        "{damaged:?}"
    );
    for name in ["switchyard.db.backup-8", "../x", FILE_NAME, ""] {
        let absent = stage_restore(home.path(), name);
        assert!(matches!(absent, Err(StoreError::Absent { .. })), "{name}");
    }
    assert!(!pending_restore(home.path()));
    assert_eq!(labels(&Store::open(home.path(), 9).unwrap()), ["a"]);
}

//! Databases that are newer, damaged, foreign or half there: never written over, always told apart (F123–F125).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test program: its helpers fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use store::{
    AccountRow, FILE_NAME, JournalFilter, JournalRow, SCHEMA_VERSION, Store, StoreError, backups,
};

/// A closed home with some accounts and a journal of several pages.
fn filled() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), 1).unwrap();
    for n in 0..20 {
        store
            .insert_account(&AccountRow::new(
                &format!("acc_{n}"),
                "relay",
                &"label ".repeat(10),
            ))
            .unwrap();
    }
    let rows: Vec<JournalRow> = (0..200)
        .map(|n| JournalRow {
            request_id: format!("req_{n}"),
            started_at: n,
            outcome: "success".into(),
            ..JournalRow::default()
        })
        .collect();
    store.add_requests(&rows).unwrap();
    store.set_meta("active_account", Some("acc_1")).unwrap();
    home
}

/// The home as a crash would leave it: the database and a log that was never folded in, holding `sql`.
fn with_log(sql: &str) -> tempfile::TempDir {
    let home = filled();
    let crashed = tempfile::tempdir().unwrap();
    let connection = Connection::open(home.path().join(FILE_NAME)).unwrap();
    connection
        .execute_batch("PRAGMA wal_autocheckpoint = 0")
        .unwrap();
    connection.execute_batch(sql).unwrap();
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
        fs::copy(home.path().join(&name), crashed.path().join(&name)).unwrap();
    }
    crashed
}

/// Every file of the folder but the index of the log, which is no state.
fn files(home: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(home)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .filter(|(name, _)| !name.ends_with("-shm"))
        .collect()
}

/// Opening fails as corrupt, changes nothing, and makes one copy however often it is tried.
fn check_corrupt(home: &Path, what: &str) {
    let before = files(home);
    for now in [1000, 2000] {
        let error = Store::open(home, now)
            .err()
            .unwrap_or_else(|| panic!("{what}: opened"));
        let StoreError::Corrupt {
            quarantine: Some(copy),
            ..
        } = &error
        else {
            panic!("{what}: {error:?}")
        };
        assert_eq!(
            copy.file_name().unwrap().to_str().unwrap(),
            "switchyard.db.corrupt-1000",
            "{what}"
        );
        let mut after = files(home);
        for (name, bytes) in &before {
            assert_eq!(
                after.remove(name).as_ref(),
                Some(bytes),
                "{what}: {name} was changed"
            );
            assert_eq!(
                after
                    .remove(&name.replacen(FILE_NAME, "switchyard.db.corrupt-1000", 1))
                    .as_ref(),
                Some(bytes),
                "{what}"
            );
        }
        assert!(after.is_empty(), "{what}: {:?}", after.keys());
        let message = error.to_string();
        for word in ["left untouched", "corrupt-1000", "backup"] {
            assert!(message.contains(word), "{message}");
        }
    }
}

#[test]
fn a_new_home_gets_a_private_database_and_keeps_it() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), 1).unwrap();
    store
        .insert_account(&AccountRow::new("a", "relay", "a"))
        .unwrap();
    assert_eq!(
        (store.is_read_only(), store.schema_version()),
        (false, SCHEMA_VERSION)
    );
    #[cfg(unix)]
    for entry in fs::read_dir(home.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.file_name()
        );
    }
    drop(store);
    assert_eq!(
        files(home.path()).keys().collect::<Vec<_>>(),
        [FILE_NAME],
        "a clean end leaves one file"
    );
    assert_eq!(
        Store::open(home.path(), 2)
            .unwrap()
            .accounts()
            .unwrap()
            .len(),
        1
    );

    // A first start that was killed right after it made the file.
    let killed = tempfile::tempdir().unwrap();
    fs::write(killed.path().join(FILE_NAME), b"").unwrap();
    assert!(
        Store::open(killed.path(), 1)
            .unwrap()
            .accounts()
            .unwrap()
            .is_empty()
    );
}

/// F125: a newer version is refused unchanged, also when only the log knows that it is newer; reading it is allowed.
#[test]
fn a_newer_database_is_refused_and_unchanged() {
    let bump = format!("PRAGMA user_version = {}", SCHEMA_VERSION + 1);
    let closed = filled();
    Connection::open(closed.path().join(FILE_NAME))
        .unwrap()
        .execute_batch(&bump)
        .unwrap();
    for home in [closed, with_log(&bump)] {
        let before = files(home.path());
        let error = Store::open(home.path(), 5).err().unwrap();
        assert!(
            matches!(error, StoreError::Newer { found, known, .. } if found == SCHEMA_VERSION + 1 && known == SCHEMA_VERSION),
            "{error:?}"
        );
        assert_eq!(files(home.path()), before);

        let reader = Store::open_read_only(home.path()).unwrap();
        assert_eq!(reader.schema_version(), SCHEMA_VERSION + 1);
        assert_eq!(reader.accounts().unwrap().len(), 20);
        assert!(matches!(
            reader.set_meta("a", None),
            Err(StoreError::ReadOnly)
        ));
        drop(reader);
        assert_eq!(files(home.path())[FILE_NAME], before[FILE_NAME]);
    }
}

/// F124: what is no database, or not ours.
#[test]
fn garbage_and_foreign_files_are_refused_and_copied() {
    let put = |bytes: &[u8]| {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE_NAME), bytes).unwrap();
        home
    };
    check_corrupt(put(b"{\"accounts\":[]}").path(), "a JSON file");
    check_corrupt(put(&[0xA5; 40_000]).path(), "noise");
    check_corrupt(put(b"SQLite format 3\0").path(), "a magic alone");
    let mut magic = b"SQLite format 3\0".to_vec();
    magic.resize(8192, 0x5A);
    check_corrupt(put(&magic).path(), "a magic and noise");

    let foreign = tempfile::tempdir().unwrap();
    let connection = Connection::open(foreign.path().join(FILE_NAME)).unwrap();
    connection
        .execute_batch("CREATE TABLE diary (day TEXT)")
        .unwrap();
    drop(connection);
    check_corrupt(foreign.path(), "another program's database");
    let connection = Connection::open(foreign.path().join(FILE_NAME)).unwrap();
    connection.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(connection);
    let fresh = tempfile::tempdir().unwrap();
    fs::copy(foreign.path().join(FILE_NAME), fresh.path().join(FILE_NAME)).unwrap();
    check_corrupt(fresh.path(), "another program's database with a version");

    let orphan = with_log("UPDATE accounts SET label = 'in the log'");
    fs::remove_file(orphan.path().join(FILE_NAME)).unwrap();
    let error = Store::open(orphan.path(), 1).err().unwrap();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(
        orphan.path().join(format!("{FILE_NAME}-wal")).exists()
            && !orphan.path().join(FILE_NAME).exists()
    );
}

#[test]
fn a_database_cut_short_is_refused_at_any_length() {
    let whole = fs::read(filled().path().join(FILE_NAME)).unwrap();
    for length in (1..whole.len())
        .step_by(1777)
        .chain([99, 100, 512, whole.len() - 1])
    {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE_NAME), &whole[..length]).unwrap();
        check_corrupt(home.path(), &format!("cut to {length} of {}", whole.len()));
    }
}

/// Pages overwritten with noise: opening either refuses without a change, or the damage is where it does not matter at once and is then met
/// as an error, never as a panic.
#[test]
fn damaged_pages_never_panic_and_never_lose_the_original() {
    let whole = fs::read(filled().path().join(FILE_NAME)).unwrap();
    let mut refused = 0;
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..4096].fill(0xEE);
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE_NAME), &bytes).unwrap();
        match Store::open(home.path(), 1000) {
            Err(StoreError::Corrupt { .. }) => {
                refused += 1;
                assert_eq!(files(home.path())[FILE_NAME], bytes);
            }
            Err(other) => panic!("page {page}: {other:?}"),
            Ok(store) => {
                // The accounts were read through at opening.
                assert_eq!(store.accounts().unwrap().len(), 20, "page {page}");
                let journal = store.recent_requests(1000, &JournalFilter::default());
                assert!(
                    matches!(journal, Ok(_) | Err(StoreError::Damaged { .. })),
                    "page {page}: {journal:?}"
                );
            }
        }
    }
    assert!(
        refused >= 4,
        "the schema and the pages of accounts, state and meta"
    );
}

/// A log left by a kill is taken up; a log that is noise is passed over by SQLite, and the database before it opens.
#[test]
fn a_log_left_behind_is_taken_up() {
    let crashed = with_log("UPDATE accounts SET label = 'in the log'");
    let store = Store::open(crashed.path(), 1).unwrap();
    assert!(
        store
            .accounts()
            .unwrap()
            .iter()
            .all(|row| row.label == "in the log")
    );
    drop(store);
    assert_eq!(
        files(crashed.path()).keys().collect::<Vec<_>>(),
        [FILE_NAME]
    );

    let torn = with_log("UPDATE accounts SET label = 'in the log'");
    let log = torn.path().join(format!("{FILE_NAME}-wal"));
    let length = fs::metadata(&log).unwrap().len();
    fs::OpenOptions::new()
        .write(true)
        .open(&log)
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    let store = Store::open(torn.path(), 1).unwrap();
    assert!(
        store
            .accounts()
            .unwrap()
            .iter()
            .all(|row| row.label.starts_with("label")),
        "all or nothing"
    );
}

/// A damage that only the log brings is found too, because an unclean end is followed by a whole check.
#[test]
fn damage_after_an_unclean_end_is_found() {
    let crashed = with_log("UPDATE meta SET value = 'x'");
    let path = crashed.path().join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    // The journal's last pages, which a clean opening does not read.
    let end = bytes.len();
    bytes[end - 3 * 4096..].fill(0xEE);
    fs::write(&path, &bytes).unwrap();
    check_corrupt(crashed.path(), "pages lost in a crash");
}

#[test]
fn backups_are_whole_private_and_listed_newest_first() {
    let home = filled();
    let store = Store::open(home.path(), 1).unwrap();
    for now in [900, 1000, 20] {
        store.backup(now).unwrap().unwrap();
    }
    assert!(
        matches!(store.backup(20), Err(StoreError::Io { .. })),
        "a backup is never written over"
    );
    let names: Vec<String> = backups(home.path())
        .iter()
        .map(|path| path.extension().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["backup-1000", "backup-900", "backup-20"]);
    let restored = tempfile::tempdir().unwrap();
    fs::copy(&backups(home.path())[0], restored.path().join(FILE_NAME)).unwrap();
    assert_eq!(
        Store::open(restored.path(), 1)
            .unwrap()
            .accounts()
            .unwrap()
            .len(),
        20
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&backups(home.path())[0])
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
    assert_eq!(Store::in_memory().unwrap().backup(1).unwrap(), None);
}

#[test]
fn reading_needs_something_to_read() {
    let home = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open_read_only(home.path()).err(),
        Some(StoreError::Absent { .. })
    ));
    assert!(files(home.path()).is_empty());
    let missing = Store::open(&home.path().join("no/such/folder"), 1).err();
    assert!(
        matches!(missing, Some(StoreError::Io { .. })),
        "{missing:?}"
    );
}

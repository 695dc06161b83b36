//! kill -9 at any point leaves a loadable state (F123): a child writes as fast as it can and is killed after a random number of its own
//! acknowledgements; what it acknowledged must be there, and nothing may be there by half.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: its helpers fail by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use store::{
    AccountRow, AccountStateRow, AttemptRow, BackupFile, BackupSort, FILE_NAME, JournalFilter,
    JournalRow, QuotaSampleRow, Store, UsageRow,
};

/// Set in the child only: the home to write to.
const HOME: &str = "SWITCHYARD_STORE_TEST_HOME";
/// First number the child writes.
const FROM: &str = "SWITCHYARD_STORE_TEST_FROM";

const SEED: u64 = 0x5eed_0123;
const ROUNDS: usize = 20;
/// Requests per journal batch: all or none of them.
const BATCH: i64 = 5;

/// Not a test of its own: the process that gets killed.
#[test]
fn child_half() {
    let (Ok(home), Ok(from)) = (std::env::var(HOME), std::env::var(FROM)) else {
        return;
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "\nstarted").unwrap();
    output.flush().unwrap();
    let store = Store::open(Path::new(&home), 1).unwrap();
    for n in from.parse::<i64>().unwrap().. {
        write_once(Path::new(&home), &store, n);
        writeln!(output, "wrote {n}").unwrap();
        output.flush().unwrap();
    }
}

/// One of everything under the number `n`. The account changes come first: they are what an acknowledgement promises.
fn write_once(home: &Path, store: &Store, n: i64) {
    let id = format!("acc_{n:08}");
    let account = AccountRow {
        notes: Some("x".repeat(500)),
        added_at: n,
        ..AccountRow::new(&id, "relay", "label")
    };
    store.insert_account(&account).unwrap();
    store.set_meta("last", Some(&n.to_string())).unwrap();
    let state = AccountStateRow {
        account_id: id.clone(),
        status: "active".into(),
        requests: n,
        ..AccountStateRow::default()
    };
    store.save_account_states(&[state]).unwrap();
    let requests: Vec<JournalRow> = (0..BATCH)
        .map(|_| JournalRow {
            request_id: format!("req_{n}"),
            started_at: n,
            outcome: "success".into(),
            attempts: vec![
                AttemptRow {
                    n: 1,
                    ..AttemptRow::default()
                },
                AttemptRow {
                    n: 2,
                    ..AttemptRow::default()
                },
            ],
            ..JournalRow::default()
        })
        .collect();
    store.add_requests(&requests).unwrap();
    let sample = QuotaSampleRow {
        account_id: id,
        window: "primary".into(),
        captured_at: n,
        used_percent: Some(1.0),
        resets_at: None,
        source: "header".into(),
    };
    store.add_quota_samples(&[sample]).unwrap();
    store
        .add_usage(&[UsageRow {
            day: 1,
            requests: 1,
            ..UsageRow::default()
        }])
        .unwrap();
    store.prune_requests(200, 0).unwrap();
    if n % 4 == 0 {
        store::back_up_daily(home, n, 3).unwrap();
    }
}

/// Starts the child, reads `lines` lines of it, gives away its own turn `turns` times, kills it, and gives the last number it acknowledged.
fn run_and_kill(home: &Path, from: i64, lines: u64, turns: u64) -> Option<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child_half", "--exact", "--nocapture", "--test-threads=1"])
        .env(HOME, home)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(output.any(|line| line == "started"), "the child starts");
    let mut last = None;
    for _ in 0..lines {
        last = Some(output.next().expect("the child goes on writing"));
    }
    for _ in 0..turns {
        std::thread::yield_now();
    }
    // SIGKILL; what it wrote until then is still in the pipe.
    child.kill().unwrap();
    child.wait().unwrap();
    let last = output.last().or(last);
    last.map(|line| line.strip_prefix("wrote ").unwrap().parse().unwrap())
}

/// Everything acknowledged is there and whole; gives the next number to write.
fn check(home: &Path, acknowledged: Option<i64>) -> i64 {
    let store = Store::open(home, 2).unwrap();
    let accounts = store.accounts().unwrap();
    if let Some(last) = acknowledged {
        assert!(
            accounts.len() as i64 > last,
            "{} accounts after {last} was acknowledged",
            accounts.len()
        );
        assert!(store.meta("last").unwrap().unwrap().parse::<i64>().unwrap() >= last);
        assert!(store.usage(1, 1).unwrap()[0].requests > last);
        assert!(
            store
                .account_state(&format!("acc_{last:08}"))
                .unwrap()
                .is_some()
        );
    }
    for (n, account) in accounts.iter().enumerate() {
        assert_eq!(account.id, format!("acc_{n:08}"), "no gap");
        assert_eq!(account.notes.as_ref().map(String::len), Some(500));
    }
    let requests = store
        .recent_requests(10_000, &JournalFilter::default())
        .unwrap();
    assert!(
        requests.len() as i64 % BATCH == 0,
        "{} requests",
        requests.len()
    );
    assert!(requests.iter().all(|request| request.attempts.len() == 2));
    drop(store);
    let backups = BackupFile::all(home);
    // Three are kept; a kill may come between the new one and the end of the oldest.
    let daily = backups
        .iter()
        .filter(|backup| backup.sort == BackupSort::Daily);
    assert!(daily.count() <= 4, "{backups:?}");
    for backup in &backups {
        let whole = Store::open_backup(&backup.path).unwrap();
        assert_eq!(whole.accounts().unwrap().len() as i64, backup.at + 1);
    }
    let connection = rusqlite::Connection::open(home.join(FILE_NAME)).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    assert!(
        !connection
            .prepare("PRAGMA foreign_key_check")
            .unwrap()
            .exists([])
            .unwrap()
    );
    accounts.len() as i64
}

/// A small generator (xorshift), so that a failure can be repeated.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn a_killed_writer_leaves_all_it_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let mut seed = SEED;
    let mut from = 0;
    for _ in 0..ROUNDS {
        let acknowledged = run_and_kill(
            home.path(),
            from,
            next(&mut seed) % 30,
            next(&mut seed) % 500,
        );
        from = check(home.path(), acknowledged);
        // The killed process may have stopped between the account and the rest of its number: finish it, so that counts agree.
        let store = Store::open(home.path(), 3).unwrap();
        let done = store
            .usage(1, 1)
            .unwrap()
            .first()
            .map_or(0, |row| row.requests);
        store
            .add_usage(&[UsageRow {
                day: 1,
                requests: from - done,
                ..UsageRow::default()
            }])
            .unwrap();
    }
    assert!(from > 100, "{from} numbers were written");
}

/// A kill between laying a backup ready and the end of the start that puts it in place leaves the one state or the other (F124).
#[test]
fn a_killed_restore_is_carried_on() {
    let mut seed = SEED;
    for _ in 0..ROUNDS {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path(), 1).unwrap();
        write_once(home.path(), &store, 0);
        store.backup(0).unwrap();
        for n in 1..4 {
            write_once(home.path(), &store, n);
        }
        drop(store);
        store::stage_restore(home.path(), "switchyard.db.backup-0").unwrap();
        // The child opens the home, which restores, and goes on from there.
        let acknowledged = run_and_kill(home.path(), 1, 0, next(&mut seed) % 3000);
        let from = check(home.path(), acknowledged);
        assert!(from >= 1 && !store::pending_restore(home.path()));
        let mut aside = std::fs::read_dir(home.path()).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains(".replaced-")
        });
        let aside = aside.next().unwrap().unwrap().path();
        assert_eq!(
            Store::open_backup(&aside)
                .unwrap()
                .accounts()
                .unwrap()
                .len(),
            4
        );
    }
}

/// The first start is killed somewhere between making the file and the first account.
#[test]
fn a_killed_first_start_can_be_started_again() {
    let mut seed = SEED;
    for _ in 0..ROUNDS {
        let home = tempfile::tempdir().unwrap();
        let acknowledged = run_and_kill(home.path(), 0, 0, next(&mut seed) % 3000);
        check(home.path(), acknowledged);
    }
}

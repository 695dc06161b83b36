//! kill -9 while the vault file is being rewritten (F17, F123): the file opens afterwards, and holds everything that was acknowledged.
#![expect(
    clippy::unwrap_used,
    reason = "a test program: its helpers fail by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secrecy::{ExposeSecret, SecretString};
use vault::{FILE_NAME, FileVault, Vault};

/// Set in the child only: the home to write to.
const HOME: &str = "SWITCHYARD_VAULT_KILL_HOME";
/// Every open pays for Argon2 in a debug build, so the rounds are few.
const ROUNDS: u64 = 6;

fn open(home: &Path) -> FileVault {
    FileVault::open(home, &SecretString::from("correct horse")).unwrap()
}

/// The value of one put: large enough that a write takes several blocks.
fn value(n: u64) -> String {
    format!("{n} {}", "x".repeat(20_000))
}

/// Not a test of its own: the process that gets killed.
#[test]
fn child_half() {
    let Ok(home) = std::env::var(HOME) else {
        return;
    };
    let vault = open(&PathBuf::from(home));
    let from = number(&vault);
    let mut output = std::io::stdout().lock();
    writeln!(output).unwrap();
    for n in from + 1.. {
        vault.put("acc_1", &SecretString::from(value(n))).unwrap();
        writeln!(output, "wrote {n}").unwrap();
        output.flush().unwrap();
    }
}

/// The number last put, 0 in a new vault; the value must be whole.
fn number(vault: &FileVault) -> u64 {
    let Some(secret) = vault.get("acc_1").unwrap() else {
        return 0;
    };
    let text = secret.expose_secret();
    let n = text.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(text, value(n));
    n
}

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_half", "--exact", "--nocapture", "--test-threads=1"])
            .env(HOME, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let mut written = lines.filter_map(|line| {
            line.strip_prefix("wrote ")
                .map(|n| n.parse::<u64>().unwrap())
        });
        let mut last = 0;
        for _ in 0..=round * 7 {
            last = written.next().expect("the child goes on writing");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        last = written.last().unwrap_or(last);

        let found = number(&open(home.path()));
        assert!(
            found == last || found == last + 1,
            "{found} after {last} was acknowledged"
        );
        let names: Vec<_> = std::fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(
            names.iter().any(|name| name == FILE_NAME) && names.len() <= 2,
            "{names:?}"
        );
    }
    // A half-written file of a kill is gone with the next write.
    open(home.path())
        .put("acc_2", &SecretString::from("s"))
        .unwrap();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}

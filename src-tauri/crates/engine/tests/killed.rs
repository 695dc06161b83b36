//! A killed process leaves a home that the next one can use at once (F123, F128).
//!
//! The test starts itself as a child that holds a home and changes its settings without end, and kills it at seeded
//! points: after a number of acknowledged changes, wherever the next one then is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::env::Env;
use engine::home::{Entry, Home, Instance};
use engine::settings::{SettingsError, SettingsFile};

const CHILD_HOME: &str = "ENGINE_TEST_CHILD_HOME";
const ROUNDS: u64 = 12;

fn settings(home: &Home) -> Result<SettingsFile, SettingsError> {
    SettingsFile::open(home.settings(), Env::default(), &[])
}

/// The child's body; does nothing when the suite runs it.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD_HOME) else {
        return;
    };
    let home = Home::at(Path::new(&path)).unwrap();
    let lock = home.lock().unwrap();
    let control = home.control_socket(&Env::default());
    let me = Instance {
        pid: std::process::id(),
        url: "http://127.0.0.1:1".into(),
        version: "0".into(),
        control,
    };
    lock.publish(&me).unwrap();
    let file = settings(&home).unwrap();
    let first = file.current().settings.journal.rows;
    let mut out = std::io::stdout();
    for rows in first + 1..first + 100_000 {
        let _ = file.set("journal.rows", &rows.to_string()).unwrap();
        writeln!(out, "rows {rows}").unwrap();
        out.flush().unwrap();
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Dead already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn f123_f128_a_kill_at_any_point_leaves_a_usable_home() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::at(&dir.path().join("home")).unwrap();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..ROUNDS {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let changes = 1 + (seed >> 33) % 20;
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_writes_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD_HOME, home.root())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let mut acknowledged = 0;
        let lines = BufReader::new(child.0.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        // libtest writes its own words in front of the first line.
        let told = lines.filter_map(|line| {
            line.split_once("rows ")
                .and_then(|(_, rows)| rows.parse::<u64>().ok())
        });
        for rows in told.take(usize::try_from(changes).unwrap()) {
            acknowledged = rows;
        }
        assert!(
            acknowledged > 0,
            "round {round}: the child has done nothing"
        );

        // While it lives it holds the home, and is found.
        let Entry::Running(found) = home.enter(Duration::ZERO).unwrap() else {
            panic!("round {round}: not held")
        };
        assert_eq!(found.pid, child.0.id());
        drop(child);

        let Entry::Locked(lock) = home.enter(Duration::ZERO).unwrap() else {
            panic!("round {round}: still held")
        };
        let rows = settings(&home).unwrap().current().settings.journal.rows;
        assert!(
            rows >= acknowledged,
            "round {round}: {rows} is older than {acknowledged}"
        );
        let mut left: Vec<_> = std::fs::read_dir(home.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["lock", "settings.toml"], "round {round}");
        drop(lock);
    }
}

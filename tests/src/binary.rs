//! The `switchyard` program under test: where it is, and how it is run to its end.

use crate::LIMIT;
use std::env;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// The built program: `SWITCHYARD_BIN`, else beside the tests in the target folder.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn binary_path() -> PathBuf {
    let path = env::var_os("SWITCHYARD_BIN").map_or_else(beside_the_tests, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is missing: build it with `cargo build -p switchyard`",
        path.display()
    );
    path
}

fn beside_the_tests() -> PathBuf {
    let this = env::current_exe().expect("the path of this test");
    let profile = this.ancestors().nth(2).expect("a target folder");
    profile.join(format!("switchyard{}", env::consts::EXE_SUFFIX))
}

/// A program that has ended.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Run {
    /// Its exit code; -1 when a signal ended it.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// Itself, if the exit code was 0.
    ///
    /// # Panics
    /// Otherwise, with its standard error.
    pub fn expect_success(self, what: &str) -> Self {
        assert!(
            self.status.success(),
            "{what}: {}\n{}\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Its standard output as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "no single JSON document ({error}): {}\n{}",
                self.stdout, self.stderr
            )
        })
    }
}

/// Runs a command to its end within the time limit, with this on its standard input.
pub(crate) async fn run(mut command: Command, input: &str) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input closes it: no fault of the test.
        stdin.write_all(input.as_bytes()).await.ok();
    }
    let output = timeout(LIMIT, child.wait_with_output())
        .await
        .unwrap_or_else(|_| panic!("{command:?} did not end"))
        .expect("the program's output");
    Run {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

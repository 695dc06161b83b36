//! Starting other programs: in the foreground, or quietly into a log file with a time limit.
//!
//! Not a shell: arguments are passed as they are. Called by every task.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Time since some start, for progress lines.
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts counting.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the task runner measures how long a step took"
    )]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// How a quiet program ended.
pub enum Ended {
    /// By itself.
    With(ExitStatus),
    /// Stopped after its time limit.
    TimedOut,
}

impl Ended {
    /// Exit code 0 within the time limit.
    pub fn well(&self) -> bool {
        matches!(self, Self::With(status) if status.success())
    }
}

/// Runs a program with its output on this terminal; anything but exit code 0 is an error.
pub fn foreground(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// Runs a program to its end and returns its standard output; a failure quotes its standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed: {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
}

/// Whether a program can be started at all.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// How often a long quiet program gives a sign of life.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Runs a program with all its output in `log`, and ends it and its children when `limit` has passed.
pub fn quiet(command: &mut Command, log: &Path, limit: Duration) -> Result<Ended> {
    let file = append_to(log)?;
    command.stdout(file.try_clone()?).stderr(file);
    wait(command, log, limit)
}

/// The same, with its standard output in a file of its own.
pub fn quiet_with_output(
    command: &mut Command,
    log: &Path,
    output: &Path,
    limit: Duration,
) -> Result<Ended> {
    let file =
        File::create(output).with_context(|| format!("cannot write {}", output.display()))?;
    command.stdout(file).stderr(append_to(log)?);
    wait(command, log, limit)
}

fn append_to(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))
}

fn wait(command: &mut Command, log: &Path, limit: Duration) -> Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start `{}`", show(command)))?;
    let clock = Stopwatch::start();
    let mut next_sign = SIGN_OF_LIFE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::With(status));
        }
        if clock.elapsed() > limit {
            end_tree(&mut child);
            return Ok(Ended::TimedOut);
        }
        if clock.elapsed() > next_sign {
            next_sign += SIGN_OF_LIFE;
            println!("  … {} s, {}", clock.elapsed().as_secs(), last_line(log));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last line of a log, shortened, to show where a long step is.
fn last_line(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    line.unwrap_or("nothing said yet")
        .trim()
        .chars()
        .take(100)
        .collect()
}

/// Ends a child and, on Linux, everything it started.
fn end_tree(child: &mut Child) {
    let mut family = Vec::new();
    gather_children(child.id(), &mut family);
    for id in family {
        answers("kill", &["-KILL", &id.to_string()]);
    }
    // Failing to end it means that it has ended by itself.
    child.kill().ok();
    child.wait().ok();
}

fn gather_children(id: u32, family: &mut Vec<u32>) {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    for child in listed
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
    {
        family.push(child);
        gather_children(child, family);
    }
}

/// A command as a person would type it, for messages.
pub fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

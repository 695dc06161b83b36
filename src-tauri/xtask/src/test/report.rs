//! What the steps brought: progress lines while they run, one summary at the end.

use crate::process::{self, Ended, Stopwatch};
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// How many lines of a failed step's log are shown.
const TAIL: usize = 60;

/// Tests counted in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

/// Collects the outcome of every step.
pub struct Report {
    logs: PathBuf,
    total: Count,
    failures: Vec<String>,
    clock: Stopwatch,
}

impl Report {
    /// An empty report that keeps its logs in a folder.
    pub fn new(logs: PathBuf) -> Self {
        Self {
            logs,
            total: Count::default(),
            failures: Vec::new(),
            clock: Stopwatch::start(),
        }
    }

    /// Where the log of a step is.
    pub fn log(&self, step: &str) -> PathBuf {
        self.logs.join(format!("{step}.log"))
    }

    /// Runs a command as a step that passes or fails as a whole, and tells whether it passed.
    pub fn command(&mut self, step: &str, command: &mut Command, limit: Duration) -> bool {
        self.check(step, |log| {
            let ended = process::quiet(command, log, limit)?;
            Ok(verdict(&ended, limit))
        })
    }

    /// Runs a check as a step; it answers with what is wrong, if anything.
    pub fn check(
        &mut self,
        step: &str,
        check: impl FnOnce(&Path) -> Result<Option<String>>,
    ) -> bool {
        let log = self.log(step);
        let clock = start(step);
        let wrong = check(&log).unwrap_or_else(|error| Some(format!("{error:#}")));
        match wrong {
            None => {
                self.total.passed += 1;
                println!("  ok, {}", seconds(clock.elapsed()));
                true
            }
            Some(wrong) => {
                self.total.failed += 1;
                self.fail(step, &wrong, &log);
                println!("  FAILED, {}", seconds(clock.elapsed()));
                false
            }
        }
    }

    /// Runs one test program as part of a step, and adds the tests it counted.
    pub fn test_program(&mut self, name: &str, command: &mut Command, limit: Duration) {
        let log = self.log(&name.replace([' ', '/', ':'], "-"));
        let clock = start(name);
        let ended = process::quiet(command, &log, limit);
        let mut count = counted(&fs::read_to_string(&log).unwrap_or_default());
        let well = ended.as_ref().is_ok_and(Ended::well);
        if !well {
            // A program that died before its last line has at least one failure.
            count.failed = count.failed.max(1);
            let wrong = match &ended {
                Ok(ended) => verdict(ended, limit).unwrap_or_default(),
                Err(error) => format!("{error:#}"),
            };
            self.fail(name, &wrong, &log);
        }
        self.total.passed += count.passed;
        self.total.failed += count.failed;
        println!(
            "  {} passed, {} failed, {}",
            count.passed,
            count.failed,
            seconds(clock.elapsed())
        );
    }

    /// Notes a failure that has no log of its own.
    pub fn broken(&mut self, step: &str, why: &str) {
        println!("▶ {step}\n  FAILED: {why}");
        self.total.failed += 1;
        self.failures.push(format!("{step}: {why}"));
    }

    /// Notes that a step cannot be done on this system.
    pub fn left_out(&self, step: &str, why: &str) {
        println!("▶ {step}\n  left out: {why}");
    }

    fn fail(&mut self, step: &str, wrong: &str, log: &Path) {
        println!("  {wrong}; the end of {}:", log.display());
        for line in tail(&fs::read_to_string(log).unwrap_or_default()) {
            println!("  | {line}");
        }
        self.failures
            .push(format!("{step}: {wrong} ({})", log.display()));
    }

    /// Prints the summary.
    pub fn close(self) -> ExitCode {
        println!();
        if !self.failures.is_empty() {
            println!("Failed:");
            for failure in &self.failures {
                println!("  {failure}");
            }
        }
        println!("All steps took {}.", seconds(self.clock.elapsed()));
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        let well = self.failures.is_empty() && self.total.failed == 0 && self.total.passed > 0;
        if well {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn start(step: &str) -> Stopwatch {
    println!("▶ {step}");
    Stopwatch::start()
}

fn verdict(ended: &Ended, limit: Duration) -> Option<String> {
    match ended {
        Ended::With(status) if status.success() => None,
        Ended::With(status) => Some(status.to_string()),
        Ended::TimedOut => Some(format!("ended after its time limit of {}", seconds(limit))),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn tail(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].to_vec()
}

/// Sums the closing lines of Rust's test harness.
fn counted(log: &str) -> Count {
    let mut count = Count::default();
    for line in log.lines() {
        let Some((_, rest)) = line.split_once("test result: ") else {
            continue;
        };
        for part in rest.split([';', '.']) {
            let mut words = part.split_whitespace();
            match (words.next().map(str::parse::<u64>), words.next()) {
                (Some(Ok(number)), Some("passed")) => count.passed += number,
                (Some(Ok(number)), Some("failed")) => count.failed += number,
                _ => {}
            }
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed() {
        let log = "running 3 tests\n\
                   test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                   test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(
            counted(log),
            Count {
                passed: 4,
                failed: 2
            }
        );
        assert_eq!(counted("thread panicked"), Count::default());
    }
}

//! `cargo xtask test`: every check and test of the repository, in order, each step with its own log.
//!
//! A failed step does not stop the others, unless they need what it builds. `steps` names the steps, `executables`
//! builds and runs test programs, `evidence` searches what the suite left behind, `report` counts and prints.

mod evidence;
mod executables;
mod report;
mod steps;

use crate::repo;
use crate::setup::{self, Need};
use anyhow::{Context, Result, bail};
use clap::Args;
use report::Report;
use std::fs;
use std::process::ExitCode;

/// Arguments of `cargo xtask test`.
#[derive(Args)]
pub struct TestArguments {
    /// Only the steps of these names (and the builds they need)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Arguments for the test programs, after `--`, for example part of a test's name
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Runs the steps and tells how many of them and of their tests passed.
pub fn test(arguments: &TestArguments) -> Result<ExitCode> {
    for name in &arguments.only {
        if !steps::NAMES.contains(&name.as_str()) {
            bail!(
                "there is no step `{name}`; the steps are {}",
                steps::NAMES.join(", ")
            );
        }
    }
    setup::ensure(Need::Tests)?;
    let logs = repo::target().join("xtask-logs");
    for folder in [&logs, &evidence::folder()] {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(folder)?;
    }
    let mut report = Report::new(logs);
    steps::run(&arguments.only, &arguments.rest, &mut report);
    Ok(report.close())
}

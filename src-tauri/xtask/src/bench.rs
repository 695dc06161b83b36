//! `cargo xtask bench`: builds the gateway and the load client in release mode and starts the load client.
//!
//! What is measured and how is the `bench` package's business.

use crate::setup::{self, Need};
use crate::{process, repo};
use anyhow::Result;
use std::process::{Command, ExitCode};

/// Builds and runs `switchyard-bench`.
pub fn bench(arguments: &[String]) -> Result<ExitCode> {
    setup::ensure(Need::Bench)?;
    println!("Building in release mode: the first time takes minutes");
    process::foreground(Command::new(repo::cargo()).current_dir(repo::root()).args([
        "build",
        "--release",
        "-p",
        "switchyard",
        "-p",
        "bench",
    ]))?;
    process::foreground(
        Command::new(repo::program("release", "switchyard-bench"))
            .current_dir(repo::root())
            .args(arguments),
    )?;
    Ok(ExitCode::SUCCESS)
}

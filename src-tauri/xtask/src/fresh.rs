//! `cargo xtask ci`: what CI will see. A fresh clone of the last commit, its `.ci/run`, nothing from this checkout.

use crate::{process, repo};
use anyhow::{Context, Result};
use std::env;
use std::fs;
use std::process::{Command, ExitCode, Stdio};

/// Clones the last commit below the target folder and runs its `.ci/run` there.
pub fn run_ci() -> Result<ExitCode> {
    let clone = repo::target().join("fresh-clone");
    if clone.exists() {
        fs::remove_dir_all(&clone).with_context(|| format!("cannot remove {}", clone.display()))?;
    }
    process::foreground(
        Command::new("git")
            .args(["clone", "--quiet", "--no-hardlinks"])
            .arg(repo::root())
            .arg(&clone),
    )?;
    let mut command = Command::new("bash");
    command
        .arg(".ci/run")
        .current_dir(&clone)
        .stdin(Stdio::null())
        .env("CI", "true")
        // The clone builds for itself, or nothing would be proved.
        .env_remove("CARGO_TARGET_DIR");
    if env::var_os("SWITCHYARD_SHARED").is_none()
        && let Some(shared) = repo::root().parent().map(|folder| folder.join("shared"))
        && shared.is_dir()
    {
        command.env("SWITCHYARD_SHARED", shared);
    }
    process::foreground(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

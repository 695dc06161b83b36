//! The client programs of the client tests: the real ones, pinned, installed below the target folder.
//!
//! The pins are `tests/clients/python/requirements.txt` and `tests/clients/node/package-lock.json`. An
//! installation is kept as long as its pin files are unchanged.

use crate::{process, repo};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the installed clients stand.
pub struct Clients {
    /// The Python interpreter that has the libraries and pytest.
    pub python: PathBuf,
    /// The folder that holds `node_modules`.
    pub node: PathBuf,
}

/// The name of the system's Python.
pub fn python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

/// Installs what is missing or differs from the pins.
pub fn install() -> Result<Clients> {
    let pins = repo::root().join("tests/clients");
    let installed = repo::target().join("clients");
    Ok(Clients {
        python: install_python(&pins.join("python"), &installed.join("venv"))?,
        node: install_node(&pins.join("node"), &installed.join("node"))?,
    })
}

fn install_python(pins: &Path, folder: &Path) -> Result<PathBuf> {
    let interpreter = if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    };
    let requirements = pins.join("requirements.txt");
    let pinned = fs::read_to_string(&requirements).context("the Python pins cannot be read")?;
    if is_current(folder, &pinned) && interpreter.exists() {
        return Ok(interpreter);
    }
    println!("Set-up: Python client libraries");
    remove(folder)?;
    process::foreground(Command::new(python()).args(["-m", "venv"]).arg(folder))?;
    process::foreground(
        Command::new(&interpreter)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&requirements),
    )?;
    remember(folder, &pinned)?;
    Ok(interpreter)
}

fn install_node(pins: &Path, folder: &Path) -> Result<PathBuf> {
    let lock = fs::read_to_string(pins.join("package-lock.json"))
        .context("the Node pins cannot be read")?;
    if is_current(folder, &lock) && folder.join("node_modules").is_dir() {
        return Ok(folder.to_path_buf());
    }
    println!("Set-up: Node client libraries and the Codex CLI");
    remove(folder)?;
    fs::create_dir_all(folder)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(pins.join(name), folder.join(name))?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    process::foreground(
        Command::new(npm)
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )?;
    remember(folder, &lock)?;
    Ok(folder.to_path_buf())
}

fn stamp(folder: &Path) -> PathBuf {
    folder.join("installed-pins")
}

fn is_current(folder: &Path, pinned: &str) -> bool {
    fs::read_to_string(stamp(folder)).is_ok_and(|installed| installed == pinned)
}

fn remember(folder: &Path, pinned: &str) -> Result<()> {
    fs::write(stamp(folder), pinned).context("cannot note what was installed")
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

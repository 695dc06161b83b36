//! The window's front end: its packages, checks, tests and build. Called by `test` and `run`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, repo};

/// The npm scripts that `cargo xtask test` runs, in order; a failed one does not stop the others.
pub const SCRIPTS: [&str; 4] = ["check", "test", "build", "size"];

/// The views that `cargo xtask test` opens in a browser: each page in each theme and language once, and again at its narrowest with the
/// largest text. `npm run screens` alone opens all sizes.
pub const SCREENS: [&str; 3] = ["light-en-normal", "dark-zh-normal", "en-both"];

fn folder() -> PathBuf {
    repo::root().join("ui")
}

fn npm() -> Command {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder());
    npm
}

/// One script of `ui/package.json`.
pub fn script(name: &str) -> Command {
    let mut command = npm();
    command.args(["run", name]);
    command
}

/// Whether the built page is the real one of these sources: the application's build script leaves a page of its own where there is none.
pub fn is_built() -> bool {
    let page = folder().join("dist").join("index.html");
    fs::read_to_string(page).is_ok_and(|page| !page.contains("content=\"placeholder\""))
}

/// Builds the page, which the application embeds.
pub fn build() -> Result<()> {
    install()?;
    process::foreground(&mut script("build"))
}

/// Opens [`SCREENS`] in a headless browser and looks for overflow, console errors and what keeps people out.
pub fn screens() -> Command {
    let mut command = npm();
    command.args(["run", "screens", "--"]).args(SCREENS);
    command
}

/// Installs the pinned packages when the lock file is another one than last time.
pub fn install() -> Result<()> {
    let lock = fs::read(folder().join("package-lock.json")).context("the pins cannot be read")?;
    let installed = folder().join("node_modules").join(".installed-pins");
    if fs::read(&installed).is_ok_and(|before| before == lock) {
        return Ok(());
    }
    println!("Set-up: packages of the window");
    process::foreground(npm().args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    fs::write(installed, lock).context("cannot note what was installed")
}

//! `cargo xtask codegen`: writes the files that are made from the admin API's own description: `ui/src/ipc/openapi.json` and, from it,
//! the TypeScript types `ui/src/ipc/api.ts`. Both are committed, so that the window builds without Rust; `cargo xtask tidy` finds drift.

mod typescript;

use crate::{process, repo};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// A generated file and what it should hold.
struct Generated {
    /// Relative to the top of the checkout.
    path: &'static str,
    text: String,
}

impl Generated {
    fn place(&self) -> PathBuf {
        repo::root().join(self.path)
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(self.place()).is_ok_and(|found| found == self.text)
    }
}

/// Writes what has changed.
pub fn codegen() -> Result<ExitCode> {
    for file in generate()? {
        if file.is_current() {
            println!("{}: as it was", file.path);
            continue;
        }
        let place = file.place();
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&place, &file.text).with_context(|| format!("{} not written", file.path))?;
        println!("{}: written", file.path);
    }
    Ok(ExitCode::SUCCESS)
}

/// The generated files that are not what they should be.
pub fn drifted() -> Result<Vec<&'static str>> {
    let files = generate()?;
    Ok(files
        .into_iter()
        .filter(|file| !file.is_current())
        .map(|file| file.path)
        .collect())
}

fn generate() -> Result<Vec<Generated>> {
    let openapi = process::output(Command::new(repo::cargo()).current_dir(repo::root()).args([
        "run",
        "--quiet",
        "-p",
        "admin",
        "--example",
        "openapi",
    ]))
    .context("the admin API could not be asked for its description")?;
    let document = serde_json::from_str(&openapi).context("the description is not JSON")?;
    Ok(vec![
        Generated {
            path: "ui/src/ipc/api.ts",
            text: typescript::types(&document)?,
        },
        Generated {
            path: "ui/src/ipc/openapi.json",
            text: openapi,
        },
    ])
}

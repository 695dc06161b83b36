//! `cargo xtask tidy`: the house rules that a compiler does not check.
//!
//! `imports` holds the import table of the rooms, `sources` the rules about single files, `modules` finds files
//! that no module declares, `codegen` the generated files that have drifted. Each of them returns findings; only this file prints.

mod imports;
mod modules;
mod sources;

use crate::{codegen, process, repo};
use anyhow::{Context, Result};
use std::fmt::{self, Display};
use std::fs;
use std::process::{Command, ExitCode};

/// One rule broken in one place.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    place: String,
    what: String,
    weight: Weight,
}

/// Whether a finding fails the task.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Weight {
    /// It does.
    Error,
    /// It is only said.
    Advice,
}

impl Finding {
    fn error(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            weight: Weight::Error,
        }
    }

    fn advice(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            weight: Weight::Advice,
        }
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Error => "error",
            Weight::Advice => "advice",
        };
        write!(f, "{weight}: {}: {}", self.place, self.what)
    }
}

/// Checks everything, prints the findings and fails on errors.
pub fn tidy() -> Result<ExitCode> {
    let files = listed_files()?;
    let mut findings = imports::check(&repo::root())?;
    findings.extend(modules::check(&files));
    for file in &files {
        findings.extend(sources::check(file));
    }
    for path in codegen::drifted()? {
        findings.push(Finding::error(
            path,
            "is not what the admin API says now; run `cargo xtask codegen`",
        ));
    }
    findings.sort_by(|a, b| (a.weight as u8, &a.place).cmp(&(b.weight as u8, &b.place)));
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.weight == Weight::Error)
        .count();
    println!(
        "tidy: {} files, {errors} errors, {} pieces of advice",
        files.len(),
        findings.len() - errors
    );
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A text file of the repository, its path relative to the top with `/`.
pub struct SourceFile {
    path: String,
    text: String,
}

/// The files git knows or would add; binary ones are left out.
fn listed_files() -> Result<Vec<SourceFile>> {
    let root = repo::root();
    let listed = process::output(Command::new("git").current_dir(&root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))
    .context("tidy needs git to list the files")?;
    let mut files = Vec::new();
    for path in listed.lines() {
        // A path that git still lists but that is gone, or that is no text, is no source file.
        if let Ok(text) = fs::read_to_string(root.join(path)) {
            files.push(SourceFile {
                path: path.to_owned(),
                text,
            });
        }
    }
    Ok(files)
}

//! What the suite leaves behind: homes, logs and crash output, searched for every secret that was used.
//!
//! The test harness puts each application's home and output below `kept/` and writes the secrets, keys and prompts
//! it used to a file below `secrets/`, one a line. Nothing below `kept/` may contain one of them. Not a redactor:
//! it only finds.

use crate::repo;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Tells the test harness where to leave its evidence.
pub const VARIABLE: &str = "SWITCHYARD_EVIDENCE";

/// A shorter text could stand in a file by chance.
const SHORTEST: usize = 12;

/// The folder of the evidence.
pub fn folder() -> PathBuf {
    repo::target().join("xtask-evidence")
}

/// Searches the evidence, and says how many leaks there are.
pub fn search(log: &Path) -> Result<Option<String>> {
    let mut log = File::options().create(true).append(true).open(log)?;
    let (mut leaks, mut searched) = (0_usize, 0_usize);
    let mut everything = BTreeSet::new();
    for entry in read_folder(&folder().join("secrets"))? {
        let secrets = read_secrets(&entry)?;
        let name = entry.file_stem().unwrap_or_default();
        let mut files = Vec::new();
        list(&folder().join("kept").join(name), &mut files)?;
        searched += files.len();
        for path in &files {
            leaks += report_leaks(path, &secrets, &mut log)?;
        }
        everything.extend(secrets);
    }
    // Here is what was written outside of every application's own folder: nothing, one hopes.
    let mut outside = Vec::new();
    list(&folder().join("home-of-the-tests"), &mut outside)?;
    for path in &outside {
        leaks += report_leaks(path, &everything, &mut log)?;
    }
    writeln!(
        log,
        "{} secrets and prompts, {} files",
        everything.len(),
        searched + outside.len()
    )?;
    if everything.is_empty() || searched == 0 {
        return Ok(Some(
            "there is no evidence to search: run it together with `behaviour` or `clients`"
                .to_owned(),
        ));
    }
    Ok((leaks > 0).then(|| format!("{leaks} secrets or prompts were left behind")))
}

fn report_leaks(path: &Path, secrets: &BTreeSet<Secret>, log: &mut File) -> Result<usize> {
    // A socket or a file that has gone holds nothing.
    let Ok(bytes) = fs::read(path) else {
        return Ok(0);
    };
    let leaks = leaks_in(&bytes, secrets);
    for leak in &leaks {
        writeln!(log, "{}: {leak}", path.display())?;
    }
    Ok(leaks.len())
}

/// A text that must not be found, and what it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Secret {
    kind: String,
    text: String,
}

/// Reads lines of `kind<TAB>text`.
fn read_secrets(path: &Path) -> Result<BTreeSet<Secret>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let pairs = text.lines().filter_map(|line| line.split_once('\t'));
    let long = pairs.filter(|(_, text)| text.len() >= SHORTEST);
    Ok(long
        .map(|(kind, text)| Secret {
            kind: kind.to_owned(),
            text: text.to_owned(),
        })
        .collect())
}

/// What leaks in one file, described without repeating the secret.
fn leaks_in(bytes: &[u8], secrets: &BTreeSet<Secret>) -> Vec<String> {
    let mut leaks = Vec::new();
    for secret in secrets {
        if contains(bytes, secret.text.as_bytes()) {
            leaks.push(format!(
                "a {} ({} characters)",
                secret.kind,
                secret.text.len()
            ));
        } else if secret.text.len() >= 4 * SHORTEST && contains(bytes, middle(&secret.text)) {
            leaks.push(format!(
                "the middle of a {} ({} characters)",
                secret.kind,
                secret.text.len()
            ));
        }
    }
    if has_token_shape(bytes) {
        leaks.push("something that has the shape of a JSON web token".to_owned());
    }
    leaks
}

/// The part of a long secret that masking (first and last characters) must hide.
fn middle(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    let third = bytes.len() / 3;
    &bytes[third..third * 2]
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// `eyJ….eyJ…`, with a payload long enough to be one.
fn has_token_shape(bytes: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
    memchr::memmem::find_iter(bytes, b"eyJ").any(|at| {
        let rest = &bytes[at..];
        let head = rest.iter().take_while(|byte| is_part(byte)).count();
        let Some(payload) = rest[head..].strip_prefix(b".") else {
            return false;
        };
        payload.starts_with(b"eyJ") && payload.iter().take_while(|byte| is_part(byte)).count() >= 40
    })
}

fn read_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    Ok(files)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(text: &str) -> usize {
        let secrets = BTreeSet::from([
            Secret {
                kind: "key".to_owned(),
                text: "sk-0123456789abcdef".to_owned(),
            },
            Secret {
                kind: "token".to_owned(),
                text: "0123456789".repeat(8),
            },
        ]);
        leaks_in(text.as_bytes(), &secrets).len()
    }

    #[test]
    fn planted_secrets_are_found() {
        let payload = "a".repeat(40);
        let cases = [
            ("nothing here".to_owned(), 0),
            ("key=sk-0123456789abcdef.".to_owned(), 1),
            ("sk-01234…abcdef".to_owned(), 0),
            (format!("…{}…", &"0123456789".repeat(8)[20..60]), 1),
            (format!("eyJhbGciOiJub25lIn0.eyJ{payload}.x"), 1),
            ("eyJhbGciOiJub25lIn0.eyJ".to_owned(), 0),
        ];
        for (text, expected) in cases {
            assert_eq!(leaks(&text), expected, "{text}");
        }
    }
}

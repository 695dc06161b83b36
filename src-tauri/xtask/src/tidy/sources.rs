//! Rules about single files: size, the module's own words, unfinished marks, paths of one machine, blanket allowances.
//!
//! Works on text lines, not on syntax: cheap, and good enough for what it looks for.

use super::{Finding, SourceFile};

/// Above this many lines of code a file should be split.
const SOFT_LIMIT: usize = 400;
/// Above this many it must be.
const HARD_LIMIT: usize = 600;

/// Checks one file.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.path.ends_with(".rs") {
        check_size(file, &mut findings);
        check_module_words(file, &mut findings);
        check_allowances(file, &mut findings);
    }
    if is_ours(&file.path) {
        check_marks(file, &mut findings);
        check_machine_paths(file, &mut findings);
    }
    findings
}

/// Written by hand, so not a lock file or recorded traffic.
fn is_ours(path: &str) -> bool {
    !path.ends_with(".lock") && !path.ends_with("-lock.json") && !path.contains("/fixtures/")
}

/// Files that only hold tests.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn check_size(file: &SourceFile, findings: &mut Vec<Finding>) {
    if is_test(&file.path) {
        return;
    }
    let lines = code_lines(&file.text);
    if lines > HARD_LIMIT {
        findings.push(Finding::error(
            &file.path,
            format!("{lines} lines of code; split it (limit {HARD_LIMIT})"),
        ));
    } else if lines > SOFT_LIMIT {
        findings.push(Finding::advice(
            &file.path,
            format!("{lines} lines of code; think of splitting it (above {SOFT_LIMIT})"),
        ));
    }
}

/// Lines that are neither blank nor comment, up to the file's own tests.
fn code_lines(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|next| opens_test_module(next)) {
            break;
        }
        if !line.is_empty() && !line.starts_with("//") {
            count += 1;
        }
    }
    count
}

fn opens_test_module(line: &str) -> bool {
    line.starts_with("mod ") && line.ends_with('{')
}

fn check_module_words(file: &SourceFile, findings: &mut Vec<Finding>) {
    // A module of tests that stands beside its module is explained by that one.
    let beside = file.path.contains("/src/") && is_test(&file.path);
    if !beside && !file.text.trim_start().starts_with("//!") {
        findings.push(Finding::error(
            &file.path,
            "begins without `//!`: say what it is, what it is not and who calls it",
        ));
    }
}

fn check_allowances(file: &SourceFile, findings: &mut Vec<Finding>) {
    for (number, line) in numbered(&file.text) {
        let line = line.trim_start();
        let attribute = line.starts_with("#[allow(") || line.starts_with("#![allow(");
        if attribute && !line.contains("reason") && !multi_line_reason(&file.text, number) {
            findings.push(Finding::error(
                format!("{}:{number}", file.path),
                "an allowance without a reason; prefer a narrow `#[expect(…, reason = \"…\")]`",
            ));
        }
    }
}

/// Whether an attribute that goes on over several lines names its reason there.
fn multi_line_reason(text: &str, number: usize) -> bool {
    text.lines()
        .skip(number)
        .take_while(|line| !line.trim_start().starts_with(")]"))
        .take(6)
        .any(|line| line.trim_start().starts_with("reason ="))
}

fn check_marks(file: &SourceFile, findings: &mut Vec<Finding>) {
    // Put together here so that this file does not find itself.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    for (number, line) in numbered(&file.text) {
        if let Some(mark) = marks.iter().find(|mark| has_word(line, mark)) {
            findings.push(Finding::error(
                format!("{}:{number}", file.path),
                format!("an unfinished mark ({mark}): finish it or file an issue"),
            ));
        }
    }
}

fn check_machine_paths(file: &SourceFile, findings: &mut Vec<Finding>) {
    for (number, line) in numbered(&file.text) {
        if let Some(path) = machine_path(line) {
            findings.push(Finding::error(
                format!("{}:{number}", file.path),
                format!("a path of one machine: {path}"),
            ));
        }
    }
}

/// A path that exists for one person only.
fn machine_path(line: &str) -> Option<&str> {
    let homes = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("C:\\", "Users\\"),
    ];
    for home in homes {
        for (at, _) in line.match_indices(home) {
            let rest = &line[at + home.len()..];
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '-')
                .next()
                .unwrap_or_default();
            let example = ["me", "you", "user", "someone", "alice", "dev", "example"];
            if !name.is_empty() && !example.contains(&name) {
                return Some(&line[at..at + home.len() + name.len()]);
            }
        }
    }
    let roots = [
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/tmp/", "wt/"),
    ];
    roots.into_iter().find_map(|root| {
        let at = line.find(root)?;
        // `/network/` or a URL's path is no path of a machine.
        let before = line[..at].chars().next_back();
        let starts = before.is_none_or(|c| c.is_whitespace() || "\"'`(=:".contains(c));
        starts.then(|| &line[at..at + root.len()])
    })
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        outside(before) && outside(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        check(&file).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn size_counts_code_only() {
        let comments = "// a\n\n".repeat(700);
        let cases = [
            (format!("//! x\n{comments}{}", "a();\n".repeat(400)), None),
            (format!("//! x\n{}", "a();\n".repeat(401)), Some("advice")),
            (format!("//! x\n{}", "a();\n".repeat(601)), Some("error")),
            (
                format!(
                    "//! x\na();\n#[cfg(test)]\nmod tests {{\n{}}}\n",
                    "a();\n".repeat(601)
                ),
                None,
            ),
        ];
        for (text, expected) in cases {
            let found = found("src-tauri/crates/pool/src/a.rs", &text);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
            assert!(
                expected.is_none_or(|weight| found[0].starts_with(weight)),
                "{found:?}"
            );
        }
        let long_test = format!("//! x\n{}", "a();\n".repeat(900));
        assert!(found("tests/tests/a.rs", &long_test).is_empty());
    }

    #[test]
    fn every_module_speaks() {
        assert_eq!(
            found("src-tauri/crates/pool/src/a.rs", "fn a() {}\n").len(),
            1
        );
        assert_eq!(found("tests/tests/a.rs", "fn a() {}\n").len(), 1);
        assert!(found("src-tauri/crates/pool/src/a/tests.rs", "fn a() {}\n").is_empty());
    }

    #[test]
    fn unfinished_marks_are_found() {
        let mark = concat!("TO", "DO");
        assert_eq!(found("README.md", &format!("x {mark}: y")).len(), 1);
        assert!(found("README.md", "mastodon, TODOS").is_empty());
    }

    #[test]
    fn machine_paths_are_found() {
        let cases = [
            (concat!("/ho", "me/erika/x"), true),
            (concat!("/ho", "me/me/x"), false),
            (concat!("see /ro", "ot/x"), true),
            (concat!("a/ro", "ot/x"), false),
            (concat!("net", "/wo", "rk/"), false),
        ];
        for (line, expected) in cases {
            assert_eq!(machine_path(line).is_some(), expected, "{line}");
        }
    }

    #[test]
    fn allowances_need_a_reason() {
        let bare = concat!("//! x\n#[al", "low(dead_code)]\nfn a() {}\n");
        let told = concat!(
            "//! x\n#[al",
            "low(dead_code, reason = \"y\")]\nfn a() {}\n"
        );
        assert_eq!(found("src-tauri/crates/pool/src/a.rs", bare).len(), 1);
        assert!(found("src-tauri/crates/pool/src/a.rs", told).is_empty());
    }
}

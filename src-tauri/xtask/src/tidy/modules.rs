//! Finds `.rs` files that no module declares: the compiler never reads them, so they rot unseen.

use super::{Finding, SourceFile};
use std::collections::{BTreeMap, BTreeSet};

/// Checks every `src` folder of the repository.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let sources: BTreeMap<&str, &str> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs") && file.path.contains("src/"))
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let mut reached = BTreeSet::new();
    for path in sources.keys() {
        if is_entry(path) {
            walk(path, &sources, &mut reached);
        }
    }
    sources
        .keys()
        .filter(|path| in_source_folder(path) && !reached.contains(**path))
        .map(|path| {
            Finding::error(
                *path,
                "no module declares this file, so nothing compiles it",
            )
        })
        .collect()
}

/// Crate roots, which nothing declares.
fn is_entry(path: &str) -> bool {
    let Some(folder) = source_folder(path) else {
        return false;
    };
    let inside = &path[folder.len()..];
    matches!(inside, "lib.rs" | "main.rs")
        || inside
            .strip_prefix("bin/")
            .is_some_and(|name| !name.contains('/'))
}

fn in_source_folder(path: &str) -> bool {
    source_folder(path).is_some()
}

/// The part of a path up to and with its `src/`.
fn source_folder(path: &str) -> Option<&str> {
    let at = if path.starts_with("src/") {
        0
    } else {
        path.find("/src/")? + 1
    };
    Some(&path[..at + "src/".len()])
}

fn walk<'a>(path: &'a str, sources: &BTreeMap<&'a str, &'a str>, reached: &mut BTreeSet<&'a str>) {
    if !reached.insert(path) {
        return;
    }
    let Some(text) = sources.get(path) else {
        return;
    };
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let entry = is_entry(path) || stem == "mod";
    for declared in declarations(text) {
        let candidates = match declared {
            Declared::Named(module) => {
                let base = if entry {
                    folder.to_owned()
                } else {
                    format!("{folder}/{stem}")
                };
                vec![
                    format!("{base}/{module}.rs"),
                    format!("{base}/{module}/mod.rs"),
                ]
            }
            Declared::At(file) => vec![format!("{folder}/{file}")],
        };
        for candidate in candidates {
            if let Some((known, _)) = sources.get_key_value(candidate.as_str()) {
                walk(known, sources, reached);
            }
        }
    }
}

enum Declared<'a> {
    Named(&'a str),
    At(&'a str),
}

/// The modules which a file declares without their bodies.
fn declarations(text: &str) -> Vec<Declared<'_>> {
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.split('"').next();
            continue;
        }
        let line = line.strip_prefix("#[cfg(test)] ").unwrap_or(line);
        let bare = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                rest.split_once(')').map_or(rest, |(_, rest)| rest).trim()
            }
            Some(rest) => rest.trim(),
            None => line,
        };
        if let Some(name) = bare
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        {
            found.push(
                path.take()
                    .map_or(Declared::Named(name.trim()), Declared::At),
            );
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            path = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_files_are_found() {
        let files = [
            (
                "a/src/lib.rs",
                "mod one;\npub(crate) mod two;\n#[cfg(test)]\nmod tests;\n",
            ),
            (
                "a/src/one.rs",
                "pub mod deep;\n#[path = \"far.rs\"]\nmod near;\n",
            ),
            ("a/src/one/deep.rs", ""),
            ("a/src/far.rs", ""),
            ("a/src/two/mod.rs", "mod inner;"),
            ("a/src/two/inner.rs", ""),
            ("a/src/tests.rs", ""),
            ("a/src/bin/tool.rs", ""),
            ("a/src/lost.rs", ""),
            ("a/src/one/lost.rs", ""),
            ("a/tests/free.rs", ""),
        ]
        .map(|(path, text)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        });
        let lost: Vec<String> = check(&files)
            .into_iter()
            .map(|finding| finding.place)
            .collect();
        assert_eq!(lost, ["a/src/lost.rs", "a/src/one/lost.rs"]);
    }
}

//! The import table: what each room may and must not depend on, checked against `cargo metadata`.
//!
//! The table is the one of `src-tauri/ARCHITECTURE.md`. Only what ends up in the product counts, so
//! dev-dependencies are free.

use super::Finding;
use crate::{process, repo};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// What one room may import.
struct Room {
    name: &'static str,
    /// The only rooms it may import.
    rooms: &'static [&'static str],
    /// Where given, the only outside crates it may import directly.
    only: Option<&'static [&'static str]>,
    /// Outside crates it must not import directly (a trailing `*` stands for any ending).
    never: &'static [&'static str],
    /// Outside crates that must not appear even behind other crates.
    never_behind: &'static [&'static str],
}

const CLOCKS_AND_CHANCE: &[&str] = &["rand", "fastrand", "getrandom", "jiff", "chrono", "time"];
const IO: &[&str] = &[
    "tokio", "reqwest", "hyper", "axum", "rusqlite", "zbus", "mio", "tauri",
];
const NO_NETWORK: &[&str] = &["reqwest", "hyper", "axum", "tauri", "rustls"];

const ROOMS: &[Room] = &[
    Room {
        name: "protocol",
        rooms: &[],
        only: Some(&["serde", "serde_json", "bytes", "thiserror", "memchr"]),
        never: CLOCKS_AND_CHANCE,
        never_behind: IO,
    },
    Room {
        name: "pool",
        rooms: &[],
        only: Some(&["thiserror"]),
        never: CLOCKS_AND_CHANCE,
        never_behind: IO,
    },
    Room {
        name: "upstream",
        rooms: &["protocol", "pool"],
        only: None,
        never: &["axum", "rusqlite", "keyring*"],
        never_behind: &["tauri", "axum", "rusqlite", "keyring-core"],
    },
    Room {
        name: "vault",
        rooms: &["pool"],
        only: None,
        never: &["rusqlite"],
        never_behind: NO_NETWORK,
    },
    Room {
        name: "store",
        rooms: &["pool"],
        only: None,
        never: &["keyring*", "tokio"],
        never_behind: NO_NETWORK,
    },
    Room {
        name: "gateway",
        rooms: &["protocol", "pool", "upstream"],
        only: None,
        never: &["reqwest"],
        never_behind: &["tauri", "rusqlite", "keyring-core"],
    },
    Room {
        name: "engine",
        rooms: &[
            "protocol",
            "pool",
            "upstream",
            "vault",
            "store",
            "gateway",
            // Its demo accounts.
            "simulator",
        ],
        only: None,
        never: &["axum", "clap"],
        never_behind: &["tauri"],
    },
    Room {
        name: "admin",
        rooms: &["engine"],
        only: None,
        never: &["rusqlite", "keyring*", "reqwest"],
        never_behind: &["tauri"],
    },
    Room {
        name: "cli",
        rooms: &["engine", "admin"],
        only: None,
        never: &["rusqlite", "keyring*"],
        never_behind: &["tauri"],
    },
    Room {
        name: "switchyard",
        rooms: &["cli"],
        only: Some(&[]),
        never: &[],
        never_behind: &["tauri"],
    },
    Room {
        name: "simulator",
        rooms: &[],
        only: None,
        never: &["rusqlite", "keyring*"],
        never_behind: &["tauri"],
    },
    Room {
        name: "switchyard-desktop",
        rooms: &["engine", "admin"],
        only: None,
        never: &["rusqlite", "keyring*", "reqwest", "axum"],
        never_behind: &[],
    },
];

/// What `cargo metadata` says of one package.
#[derive(Default)]
struct Package {
    name: String,
    /// Direct dependencies that end up in the product, by package name.
    direct: BTreeSet<String>,
    /// All of them, by package id.
    resolved: Vec<String>,
}

/// Checks every room of the workspace.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let text = process::output(Command::new(repo::cargo()).current_dir(root).args([
        "metadata",
        "--format-version",
        "1",
    ]))?;
    let metadata =
        serde_json::from_str(&text).context("cargo metadata printed something unexpected")?;
    Ok(judge(&read(&metadata)))
}

/// The packages of the graph by id. Dependencies for tests only are left out.
fn read(metadata: &Value) -> BTreeMap<String, Package> {
    let mut graph: BTreeMap<String, Package> = BTreeMap::new();
    for package in array(&metadata["packages"]) {
        let direct = array(&package["dependencies"])
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect();
        let entry = graph.entry(text(&package["id"])).or_default();
        entry.name = text(&package["name"]);
        entry.direct = direct;
    }
    for node in array(&metadata["resolve"]["nodes"]) {
        let resolved = array(&node["deps"])
            .filter(|dependency| array(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null()))
            .map(|dependency| text(&dependency["pkg"]))
            .collect();
        graph.entry(text(&node["id"])).or_default().resolved = resolved;
    }
    graph
}

fn judge(graph: &BTreeMap<String, Package>) -> Vec<Finding> {
    let all_rooms: BTreeSet<&str> = ROOMS.iter().map(|room| room.name).collect();
    let mut findings = Vec::new();
    for room in ROOMS {
        // The desktop application is the only room that may be absent.
        let Some((id, package)) = graph
            .iter()
            .find(|(_, package)| package.name == room.name && !package.resolved.is_empty())
        else {
            continue;
        };
        for name in &package.direct {
            let known_room = all_rooms.contains(name.as_str());
            let allowed = if known_room {
                room.rooms.contains(&name.as_str())
            } else {
                !matches_any(name, room.never)
                    && !matches_any(name, room.never_behind)
                    && room.only.is_none_or(|only| only.contains(&name.as_str()))
            };
            if !allowed {
                findings.push(Finding::error(
                    room.name,
                    format!("must not import `{name}` (import table)"),
                ));
            }
        }
        for (name, road) in behind(graph, id) {
            if matches_any(&name, room.never_behind) && !package.direct.contains(&name) {
                findings.push(Finding::error(
                    room.name,
                    format!("must not reach `{name}`, which comes in through {road}"),
                ));
            }
        }
    }
    findings
}

fn matches_any(name: &str, patterns: &[&str]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
}

/// Every package reached from `start`, with the direct dependency it first came in through.
fn behind(graph: &BTreeMap<String, Package>, start: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::from([start]);
    let mut queue: Vec<(&str, String)> = Vec::new();
    for id in graph
        .get(start)
        .map(|package| package.resolved.as_slice())
        .unwrap_or_default()
    {
        queue.push((
            id,
            graph
                .get(id)
                .map(|package| package.name.clone())
                .unwrap_or_default(),
        ));
    }
    while let Some((id, road)) = queue.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(package) = graph.get(id) else {
            continue;
        };
        found
            .entry(package.name.clone())
            .or_insert_with(|| road.clone());
        queue.extend(
            package
                .resolved
                .iter()
                .map(|next| (next.as_str(), road.clone())),
        );
    }
    found
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph from `name: direct dependencies`.
    fn graph(packages: &[(&str, &[&str])]) -> BTreeMap<String, Package> {
        packages
            .iter()
            .map(|(name, dependencies)| {
                let names: Vec<String> =
                    dependencies.iter().map(|name| (*name).to_owned()).collect();
                let package = Package {
                    name: (*name).to_owned(),
                    direct: names.iter().cloned().collect(),
                    resolved: names,
                };
                ((*name).to_owned(), package)
            })
            .collect()
    }

    fn places(packages: &[(&str, &[&str])]) -> Vec<String> {
        judge(&graph(packages))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn allowed_imports_pass() {
        let found = places(&[
            ("protocol", &["serde", "bytes"]),
            ("pool", &["thiserror"]),
            ("gateway", &["protocol", "pool", "upstream", "axum"]),
            ("upstream", &["protocol", "pool", "reqwest"]),
        ]);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn forbidden_imports_are_named() {
        let cases: &[(&str, &str)] = &[
            ("protocol", "tokio"),
            ("protocol", "pool"),
            ("protocol", "regex"),
            ("pool", "serde"),
            ("pool", "fastrand"),
            ("upstream", "axum"),
            ("upstream", "store"),
            ("vault", "store"),
            ("store", "vault"),
            ("store", "reqwest"),
            ("gateway", "vault"),
            ("gateway", "tauri"),
            ("engine", "axum"),
            ("engine", "tauri"),
            ("admin", "gateway"),
            ("cli", "upstream"),
            ("switchyard-desktop", "gateway"),
        ];
        for (room, name) in cases {
            let found = places(&[(room, &[name])]);
            assert_eq!(found.len(), 1, "{room} -> {name}: {found:?}");
            assert!(found[0].contains(&format!("`{name}`")), "{found:?}");
        }
    }

    #[test]
    fn what_comes_in_behind_another_crate_is_seen() {
        let found = places(&[
            ("engine", &["helpful"]),
            ("helpful", &["tauri"]),
            ("tauri", &[]),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("comes in through helpful"), "{found:?}");
    }

    #[test]
    fn dependencies_for_tests_are_free() {
        let metadata = serde_json::json!({
            "packages": [{"id": "p", "name": "protocol", "dependencies": [
                {"name": "serde", "kind": null}, {"name": "tokio", "kind": "dev"}]}],
            "resolve": {"nodes": [{"id": "p", "deps": [
                {"pkg": "s", "dep_kinds": [{"kind": null}]}, {"pkg": "t", "dep_kinds": [{"kind": "dev"}]}]}]}
        });
        assert_eq!(judge(&read(&metadata)), Vec::new());
    }
}

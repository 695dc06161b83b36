//! Test programs: built once with one set of features, then started one by one, so that each step has its own
//! log, time limit and surroundings.

use crate::clients::Clients;
use crate::process::{self, Ended};
use crate::{repo, test::evidence};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Left out of the common build: the one needs a webview, the other is running.
pub const APART: [&str; 4] = ["--exclude", "switchyard-desktop", "--exclude", "xtask"];

/// A built test program.
pub struct TestProgram {
    /// The package, which is also its folder's name.
    pub package: String,
    /// `lib`, `bin` or the name of an integration test.
    pub target: String,
    executable: PathBuf,
    folder: PathBuf,
}

/// Builds every program and every test, and lists the tests.
pub fn build(log: &Path, limit: Duration) -> Result<Vec<TestProgram>> {
    let mut found = Vec::new();
    let sets: [&[&str]; 2] = [
        &[
            "--workspace",
            "--all-targets",
            APART[0],
            APART[1],
            APART[2],
            APART[3],
        ],
        // Its binary is this very program: only its tests are built.
        &["--package", "xtask", "--tests"],
    ];
    for (number, set) in sets.iter().enumerate() {
        let messages = log.with_extension(format!("{number}.json"));
        let mut command = Command::new(repo::cargo());
        command
            .current_dir(repo::root())
            .args(["build", "--message-format=json-render-diagnostics"])
            .args(*set);
        let ended = process::quiet_with_output(&mut command, log, &messages, limit)?;
        if !ended.well() {
            bail!(
                "{}",
                if matches!(ended, Ended::TimedOut) {
                    "took too long"
                } else {
                    "does not build"
                }
            );
        }
        let text = fs::read_to_string(&messages)
            .with_context(|| format!("cannot read {}", messages.display()))?;
        found.extend(
            text.lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .filter_map(|m| read(&m)),
        );
    }
    found.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    Ok(found)
}

/// A test program in one of cargo's messages.
fn read(message: &Value) -> Option<TestProgram> {
    if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
        return None;
    }
    let executable = PathBuf::from(message["executable"].as_str()?);
    let folder = Path::new(message["manifest_path"].as_str()?)
        .parent()?
        .to_path_buf();
    let kind = message["target"]["kind"][0].as_str()?;
    let name = message["target"]["name"].as_str()?;
    let target = if kind == "test" { name } else { kind };
    Some(TestProgram {
        package: folder.file_name()?.to_str()?.to_owned(),
        target: target.to_owned(),
        executable,
        folder,
    })
}

impl TestProgram {
    /// The command that runs it, in surroundings of its own: a throw-away HOME, no display, no session bus.
    pub fn command(&self, clients: Option<&Clients>, rest: &[String]) -> Result<Command> {
        let home = evidence::folder().join("home-of-the-tests");
        fs::create_dir_all(&home)?;
        let mut command = Command::new(&self.executable);
        command
            .current_dir(&self.folder)
            .args(rest)
            .env("CARGO", repo::cargo())
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("RUST_BACKTRACE", "1")
            .env("INSTA_WORKSPACE_ROOT", repo::root())
            .env("INSTA_UPDATE", "no")
            .env("SWITCHYARD_BIN", repo::program("debug", "switchyard"))
            .env(
                "SWITCHYARD_DESKTOP_BIN",
                repo::program("debug", "switchyard-desktop"),
            )
            .env(evidence::VARIABLE, evidence::folder());
        // The toolchain stays where it is when HOME moves.
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if env::var_os(name).is_none()
                && let Some(real) = env::home_dir()
            {
                command.env(name, real.join(folder));
            }
        }
        command.env("HOME", &home);
        for name in [
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "XDG_RUNTIME_DIR",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_CACHE_HOME",
            "XDG_STATE_HOME",
            "SWITCHYARD_HOME",
            "SWITCHYARD_VAULT",
            "SWITCHYARD_PASSPHRASE",
        ] {
            command.env_remove(name);
        }
        if env::var_os("SWITCHYARD_SHARED").is_none()
            && let Some(shared) = repo::root().parent().map(|folder| folder.join("shared"))
            && shared.is_dir()
        {
            command.env("SWITCHYARD_SHARED", shared);
        }
        if let Some(clients) = clients {
            command
                .env("SWITCHYARD_CLIENTS_PYTHON", &clients.python)
                .env("SWITCHYARD_CLIENTS_NODE", &clients.node);
        }
        Ok(command)
    }

    /// Package and target, for people.
    pub fn name(&self) -> String {
        format!("{} {}", self.package, self.target)
    }
}

/// Makes an empty file, so that a step that prints nothing has a log too.
pub fn touch(log: &Path) -> Result<()> {
    File::options().create(true).append(true).open(log)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_programs_are_read_from_cargos_messages() {
        let message = |kind: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact", "profile": {"test": test}, "executable": "/t/x-1",
                "manifest_path": "/r/src-tauri/crates/pool/Cargo.toml", "target": {"kind": [kind], "name": "x"},
            })
        };
        let cases = [
            ("lib", true, Some("pool lib")),
            ("test", true, Some("pool x")),
            ("bin", false, None),
        ];
        for (kind, test, expected) in cases {
            let name = read(&message(kind, test)).map(|program| program.name());
            assert_eq!(name.as_deref(), expected, "{kind}");
        }
    }
}

//! System packages: what a task needs from the operating system, checked and, on Debian and its kin, installed.
//!
//! Elsewhere it says what is missing and the task goes on. Not for language packages: those are in `clients`.

use crate::process;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::process::Command;

/// What a task is about to do, which decides what must be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Build and run the headless server.
    Headless,
    /// Build and run the desktop application as well.
    Desktop,
    /// Run all tests.
    Tests,
    /// Run the benchmarks next to nginx.
    Bench,
}

const COMPILER: &[&str] = &["build-essential", "pkg-config"];
const DESKTOP: &[&str] = &[
    "libwebkit2gtk-4.1-dev",
    "libdbus-1-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
];
const TESTS: &[&str] = &[
    "xvfb",
    "xauth",
    "xclip",
    "dbus",
    "gnome-keyring",
    "libsecret-tools",
    "openbox",
    "procps",
    "webkit2gtk-driver",
    "xdotool",
];

/// The Debian packages of a need, without those that stand in for a program already there by other means.
fn packages(need: Need) -> Vec<&'static str> {
    let mut packages = COMPILER.to_vec();
    match need {
        Need::Headless => {}
        // The window's page is built with Node.
        Need::Desktop => {
            packages.extend(DESKTOP);
            packages.extend(node());
        }
        Need::Bench => {
            if !process::answers("nginx", &["-v"]) {
                packages.push("nginx-light");
            }
        }
        Need::Tests => {
            packages.extend(DESKTOP);
            packages.extend(TESTS);
            if !process::answers("chromium", &["--version"]) {
                packages.push("chromium");
            }
            // Any Python with venv will do, wherever it comes from.
            packages.extend(node());
            if !process::answers("python3", &["-c", "import venv, ensurepip"]) {
                packages.extend(["python3", "python3-venv"]);
            }
        }
    }
    packages
}

/// Node and its package installer, where none of any origin answers.
fn node() -> Vec<&'static str> {
    let mut packages = Vec::new();
    if !process::answers("node", &["--version"]) {
        packages.push("nodejs");
    }
    if !process::answers("npm", &["--version"]) {
        packages.push("npm");
    }
    packages
}

/// Installs what is missing, or says what it is.
pub fn ensure(need: Need) -> Result<()> {
    if cfg!(target_os = "linux") && process::answers("dpkg-query", &["--version"]) {
        let missing = missing_packages(&packages(need))?;
        if !missing.is_empty() {
            install(&missing)?;
        }
    } else {
        advise(need);
    }
    Ok(())
}

fn missing_packages(wanted: &[&str]) -> Result<Vec<String>> {
    let output = Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status} ${Package}\n"])
        .args(wanted)
        .output()
        .context("cannot ask dpkg-query what is installed")?;
    // Its exit code is 1 when any package is unknown: the list is what counts.
    Ok(not_installed(
        wanted,
        &String::from_utf8_lossy(&output.stdout),
    ))
}

/// The wanted packages which `dpkg-query` does not list as installed.
fn not_installed(wanted: &[&str], listed: &str) -> Vec<String> {
    let installed: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::trim)
        .collect();
    wanted
        .iter()
        .filter(|name| !installed.contains(*name))
        .map(|name| (*name).to_owned())
        .collect()
}

fn install(missing: &[String]) -> Result<()> {
    println!("Set-up: installing {}", missing.join(" "));
    apt(&["update", "-qq"])?;
    let mut arguments = vec![
        "install",
        "-y",
        "-qq",
        "--no-install-recommends",
        "-o",
        "Dpkg::Use-Pty=0",
    ];
    arguments.extend(missing.iter().map(String::as_str));
    apt(&arguments).with_context(|| {
        format!(
            "install these packages yourself and start again: {}",
            missing.join(" ")
        )
    })
}

fn apt(arguments: &[&str]) -> Result<()> {
    let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = if root {
        Command::new("apt-get")
    } else {
        println!("Set-up: apt-get needs administrator rights, so sudo may ask for your password");
        let mut command = Command::new("sudo");
        command.args(["--preserve-env=DEBIAN_FRONTEND", "apt-get"]);
        command
    };
    process::foreground(
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Names what this system lacks, without changing it.
fn advise(need: Need) {
    let mut missing = Vec::new();
    if cfg!(target_os = "linux") && !process::answers("cc", &["--version"]) {
        missing.push("a C compiler");
    }
    if cfg!(target_os = "macos") && !process::answers("cc", &["--version"]) {
        missing.push("the Xcode command line tools (xcode-select --install)");
    }
    if cfg!(target_os = "linux") && matches!(need, Need::Desktop | Need::Tests) {
        for (module, name) in [
            ("webkit2gtk-4.1", "WebKitGTK 4.1 with its headers"),
            ("dbus-1", "libdbus with its headers"),
        ] {
            if !process::answers("pkg-config", &["--exists", module]) {
                missing.push(name);
            }
        }
    }
    if need == Need::Tests {
        if !process::answers("node", &["--version"]) {
            missing.push("Node.js with npm, for the client tests");
        }
        if !process::answers(crate::clients::python(), &["-c", "import venv, ensurepip"]) {
            missing.push("Python 3 with venv, for the client tests");
        }
    }
    if !missing.is_empty() {
        println!(
            "Set-up: this system seems to lack {}. Going on; what needs it will fail.",
            missing.join("; ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_installed_packages_count() {
        let listed = "installed xvfb\nconfig-files dbus\nnot-installed gnome-keyring\n";
        assert_eq!(
            not_installed(&["xvfb", "dbus", "gnome-keyring", "xauth"], listed),
            ["dbus", "gnome-keyring", "xauth"]
        );
        assert!(not_installed(&["xvfb"], listed).is_empty());
    }
}

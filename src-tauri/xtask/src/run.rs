//! `cargo xtask run`: set up, build and start Switchyard.
//!
//! It decides only which program to start and where the credentials live when nobody said; the endpoint, the key
//! and the curl line are printed by the program itself.

use crate::setup::{self, Need};
use crate::{process, repo, ui};
use anyhow::{Context, Result};
use clap::Args;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Arguments of `cargo xtask run`.
#[derive(Args)]
pub struct RunArguments {
    /// Start the server without a window, even where a display answers
    #[arg(long)]
    headless: bool,
    /// Two simulated accounts in a throw-away home: no sign-in, no network
    #[arg(long)]
    demo: bool,
    /// Build in release mode (slower to build, faster to run)
    #[arg(long)]
    release: bool,
    /// Further arguments for the program, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Starts it and stays until it ends.
pub fn run(arguments: &RunArguments) -> Result<ExitCode> {
    let desktop =
        !arguments.headless && !arguments.demo && repo::has_desktop() && display_answers();
    setup::ensure(if desktop {
        Need::Desktop
    } else {
        Need::Headless
    })?;

    let profile = if arguments.release {
        "release"
    } else {
        "debug"
    };
    let (package, name) = if desktop {
        ("switchyard-desktop", "switchyard-desktop")
    } else {
        ("switchyard", "switchyard")
    };
    if desktop {
        ui::build()?;
    }
    println!("Building {name}: the first time takes minutes");
    let mut build = Command::new(repo::cargo());
    build
        .current_dir(repo::root())
        .args(["build", "--package", package, "--bin", name]);
    if arguments.release {
        build.arg("--release");
    }
    process::foreground(&mut build)?;

    let mut command = Command::new(repo::program(profile, name));
    // This terminal is the person's own, and the last line should work as it stands.
    let how: &[&str] = match (desktop, arguments.demo) {
        (true, _) => &["--show-key"],
        (false, true) => &["demo"],
        (false, false) => &["serve", "--show-key"],
    };
    command.args(how);
    command.args(&arguments.rest);
    if !arguments.demo {
        choose_vault(&mut command)?;
    }
    println!("Starting {}", process::show(&command));
    become_program(&mut command)
}

/// Puts the program in this one's place, so that signals reach it and nothing is left behind.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", process::show(command)))
}

/// Waits for the program; its own exit code says what happened, so it is passed on.
#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    let status = command
        .status()
        .with_context(|| format!("cannot start `{}`", process::show(command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Whether a display can be drawn on now: a variable alone may be left over from a session that has ended.
fn display_answers() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    x_answers() || wayland_answers()
}

#[cfg(unix)]
fn wayland_answers() -> bool {
    let (Some(name), Some(folder)) = (
        env::var_os("WAYLAND_DISPLAY"),
        env::var_os("XDG_RUNTIME_DIR"),
    ) else {
        return false;
    };
    std::os::unix::net::UnixStream::connect(Path::new(&folder).join(name)).is_ok()
}

#[cfg(unix)]
fn x_answers() -> bool {
    use std::net::{TcpStream, ToSocketAddrs};
    use std::time::Duration;
    let Some((host, number)) = env::var("DISPLAY").ok().and_then(|text| x_address(&text)) else {
        return false;
    };
    if host.is_empty() || host == "unix" {
        return std::os::unix::net::UnixStream::connect(format!("/tmp/.X11-unix/X{number}"))
            .is_ok();
    }
    let Ok(mut addresses) = (host.as_str(), number.saturating_add(6000)).to_socket_addrs() else {
        return false;
    };
    addresses.any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(3)).is_ok())
}

#[cfg(not(unix))]
fn wayland_answers() -> bool {
    false
}

#[cfg(not(unix))]
fn x_answers() -> bool {
    false
}

/// Host and display number of a `DISPLAY` value.
fn x_address(display: &str) -> Option<(String, u16)> {
    let (host, rest) = display.rsplit_once(':')?;
    let number = rest.split('.').next()?.parse().ok()?;
    Some((host.to_owned(), number))
}

/// Where credentials go when nobody said: the keychain if one answers, else a development home of its own with
/// an encrypted file. A person's own home is never given a passphrase that they did not choose.
fn choose_vault(command: &mut Command) -> Result<()> {
    if env::var_os("SWITCHYARD_VAULT").is_some() || keychain_answers() {
        return Ok(());
    }
    command.env("SWITCHYARD_VAULT", "file");
    if env::var_os("SWITCHYARD_PASSPHRASE").is_some() {
        return Ok(());
    }
    let folder = repo::target().join("run");
    let passphrase = folder.join("passphrase");
    fs::create_dir_all(&folder)?;
    if !passphrase.exists() {
        write_private(&passphrase, &random_text()?)?;
    }
    println!(
        "No keychain answers here, so this run uses a development home in {} with an encrypted vault file, whose \
         passphrase stands in the file `passphrase` beside it.\nFor accounts of your own choose: start a Secret \
         Service (for example gnome-keyring), or set SWITCHYARD_VAULT=file and SWITCHYARD_PASSPHRASE.",
        folder.display()
    );
    command.env(
        "SWITCHYARD_PASSPHRASE",
        fs::read_to_string(&passphrase)?.trim(),
    );
    if env::var_os("SWITCHYARD_HOME").is_none() {
        command.env("SWITCHYARD_HOME", folder.join("home"));
    }
    Ok(())
}

/// Whether a Secret Service has an unlocked default collection; elsewhere the platform always has a keychain.
fn keychain_answers() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let asked = process::output(Command::new("dbus-send").args([
        "--session",
        "--print-reply=literal",
        "--reply-timeout=3000",
        "--dest=org.freedesktop.secrets",
        "/org/freedesktop/secrets/aliases/default",
        "org.freedesktop.DBus.Properties.Get",
        "string:org.freedesktop.Secret.Collection",
        "string:Locked",
    ]));
    asked.is_ok_and(|answer| answer.contains("false"))
}

/// 32 random bytes in hexadecimal.
fn random_text() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0_u8; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_values_are_read() {
        let cases = [
            (":0", Some(("", 0))),
            (":99.0", Some(("", 99))),
            ("localhost:10.0", Some(("localhost", 10))),
            ("unix:1", Some(("unix", 1))),
            ("", None),
            (":x", None),
        ];
        for (display, expected) in cases {
            let expected = expected.map(|(host, number)| (host.to_owned(), number));
            assert_eq!(x_address(display), expected, "{display}");
        }
    }
}

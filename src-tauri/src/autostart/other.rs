//! Windows (the registry's Run key) and macOS (a launch agent).

use std::io;

use auto_launch::{AutoLaunch, AutoLaunchBuilder};

fn entry() -> io::Result<AutoLaunch> {
    let program = std::env::current_exe()?;
    let path = program.to_string_lossy();
    // Windows runs the text as a command line: a path with spaces needs its quotes.
    let path = if cfg!(windows) {
        format!("\"{path}\"")
    } else {
        path.into_owned()
    };
    AutoLaunchBuilder::new()
        .set_app_name("Switchyard")
        .set_app_path(&path)
        .set_args(&[super::ARGUMENT])
        .build()
        .map_err(io::Error::other)
}

pub(super) fn is_on() -> bool {
    entry().is_ok_and(|entry| entry.is_enabled().unwrap_or(false))
}

pub(super) fn set(on: bool) -> io::Result<()> {
    let entry = entry()?;
    let done = match (on, entry.is_enabled().unwrap_or(false)) {
        (true, _) => entry.enable(),
        (false, true) => entry.disable(),
        (false, false) => Ok(()),
    };
    done.map_err(io::Error::other)
}

//! Starting at login (F144): off until the person says otherwise, quietly in the tray, and always read back from the system.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as platform;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// What the program is started with at login.
const ARGUMENT: &str = "--hidden";

/// Whether the system starts this program at login.
pub(crate) fn is_on() -> bool {
    platform::is_on()
}

/// Switches it.
pub(crate) fn set(on: bool) -> std::io::Result<()> {
    platform::set(on)
}

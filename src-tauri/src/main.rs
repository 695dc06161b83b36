//! The desktop application's entry point; everything is in the library beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

/// As in the headless server: the gateway's small allocations are its hottest calls, and freed memory goes back soon.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    switchyard_desktop::run()
}

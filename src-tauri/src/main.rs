//! The desktop application's entry point; everything is in the library beside it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    engine::memory::give_back_early();
    switchyard_desktop::spare_the_graphics();
    switchyard_desktop::run()
}

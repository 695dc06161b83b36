//! The shell.
/// Runs.
pub fn run() -> std::process::ExitCode {
    let _ = tauri::Builder::default().run(tauri::generate_context!());
    std::process::ExitCode::SUCCESS
}

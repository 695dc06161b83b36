//! Build script of the desktop application: resources and the Tauri context.

fn main() {
    tauri_build::build();
}

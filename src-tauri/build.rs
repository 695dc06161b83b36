//! Build script of the desktop application: resources and the Tauri context.
//!
//! The context embeds the built page of `ui/dist`. A checkout that has not built it yet gets a page that says so, so that the workspace
//! compiles without Node; `cargo xtask run` and `cargo xtask test` build the real one first.

use std::path::Path;
use std::{fs, io};

fn main() {
    println!("cargo:rerun-if-changed=ui/dist");
    println!("cargo:rerun-if-changed=tauri.conf.json");
    if let Err(error) = placeholder(Path::new("ui/dist")) {
        println!("cargo:warning=ui/dist could not be prepared: {error}");
    }
    tauri_build::build();
}

fn placeholder(folder: &Path) -> io::Result<()> {
    let page = folder.join("index.html");
    if page.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::write(
        page,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"switchyard\" content=\"placeholder\"><title>Switchyard</title></head>\
         <body><p>The window's page has not been built: run <code>npm run build</code> in <code>ui</code> and build again.</p></body></html>\n",
    )
}

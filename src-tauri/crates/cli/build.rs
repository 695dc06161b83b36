//! Build script of the command line: takes the console's page from `ui/dist`, compressed, where it has been built. It builds no page itself:
//! `switchyard` compiles without npm, and its console then says how to get the page.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::{Compression, write::GzEncoder};

fn main() -> io::Result<()> {
    let place = |name: &str| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let dist = place("CARGO_MANIFEST_DIR").join("../../../ui/dist");
    let out = place("OUT_DIR");
    // Cargo watches a folder that is there; for one that is missing it would run this again and again.
    let _ = fs::create_dir_all(&dist);
    writeln!(io::stdout(), "cargo::rerun-if-changed={}", dist.display())?;

    let mut files = Vec::new();
    gather(&dist, "", &mut files)?;
    files.sort();
    // A page without a script is a placeholder that only lets the desktop application compile.
    if !files.iter().any(|file| file.ends_with(".js")) {
        files.clear();
    }
    let mut table = String::from("pub(crate) const PAGE: &[admin::console::Asset] = &[\n");
    for (number, file) in files.iter().enumerate() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&fs::read(dist.join(file))?)?;
        fs::write(out.join(format!("{number}.gz")), packed.finish()?)?;
        let media_type = media_type(file);
        table += &format!(
            "    admin::console::Asset {{ path: {file:?}, media_type: {media_type:?}, gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{number}.gz\")) }},\n"
        );
    }
    table += "];\n";
    fs::write(out.join("page.rs"), table)
}

/// The files below a folder by their path in it, with `/` between.
fn gather(folder: &Path, before: &str, files: &mut Vec<String>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}

fn media_type(file: &str) -> &'static str {
    match file.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

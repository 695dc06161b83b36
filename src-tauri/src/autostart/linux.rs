//! Linux: a desktop entry in the person's `autostart` folder, as the Desktop Application Autostart Specification has it.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The file's name; fixed, so that a moved program finds the entry of the old place and replaces it.
const FILE: &str = "switchyard-desktop.desktop";

pub(super) fn is_on() -> bool {
    entry().is_ok_and(|entry| fs::read_to_string(entry).is_ok_and(|text| starts(&text)))
}

pub(super) fn set(on: bool) -> io::Result<()> {
    let entry = entry()?;
    if on {
        if let Some(folder) = entry.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::write(&entry, text(&program()?));
    }
    match fs::remove_file(entry) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn entry() -> io::Result<PathBuf> {
    let given = |name| env::var_os(name).map(PathBuf::from);
    let folder = given("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| given("HOME").map(|home| home.join(".config")))
        .ok_or_else(|| io::Error::other("HOME is not set, so there is no autostart folder"))?;
    Ok(folder.join("autostart").join(FILE))
}

/// What to start: the file of an AppImage stays, what it unpacks does not.
fn program() -> io::Result<PathBuf> {
    match env::var_os("APPIMAGE") {
        Some(image) => Ok(image.into()),
        None => env::current_exe(),
    }
}

fn text(program: &Path) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nVersion=1.0\nName=Switchyard\nComment=One local address in front of all your AI accounts\n\
         Exec={} {}\nIcon=switchyard-desktop\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
        quoted(&program.to_string_lossy()),
        super::ARGUMENT
    )
}

/// A path as an argument of `Exec`: quoted, as the Desktop Entry Specification wants, and escaped once more because it is a string value.
fn quoted(path: &str) -> String {
    let mut text = String::from("\"");
    for c in path.chars() {
        match c {
            '"' | '`' | '$' => text.extend(["\\\\", &c.to_string()]),
            '\\' => text.push_str("\\\\\\\\"),
            '%' => text.push_str("%%"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Whether the entry is in force: desktops switch entries off with a line of their own.
fn starts(text: &str) -> bool {
    let says = |line: &str| {
        text.lines()
            .any(|one| one.trim().eq_ignore_ascii_case(line))
    };
    text.lines().any(|line| line.starts_with("Exec="))
        && !says("Hidden=true")
        && !says("X-GNOME-Autostart-enabled=false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_argument() {
        for (path, expected) in [
            (
                "/usr/bin/switchyard-desktop",
                "\"/usr/bin/switchyard-desktop\"",
            ),
            ("/opt/a b/switchyard", "\"/opt/a b/switchyard\""),
            ("/50%/x", "\"/50%%/x\""),
            ("/a$b\"c`d", "\"/a\\\\$b\\\\\"c\\\\`d\""),
            ("/a\\b", "\"/a\\\\\\\\b\""),
        ] {
            assert_eq!(quoted(path), expected);
        }
    }

    #[test]
    fn an_entry_can_be_switched_off_by_the_desktop() {
        let ours = text(Path::new("/opt/x y/switchyard-desktop"));
        assert!(
            ours.contains("Exec=\"/opt/x y/switchyard-desktop\" --hidden\n"),
            "{ours}"
        );
        assert!(starts(&ours));
        assert!(!starts(&format!("{ours}Hidden=true\n")));
        assert!(!starts(&ours.replace("enabled=true", "enabled=false")));
        assert!(!starts(""));
    }
}

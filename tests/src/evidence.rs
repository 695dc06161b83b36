//! What a test leaves behind for the search for secrets: the application's folder, and a list of what must not be
//! in it.
//!
//! Under `cargo xtask test` both stay until the search at its end; otherwise the folder goes with the test.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Set by `cargo xtask test`: where evidence is kept.
const VARIABLE: &str = "SWITCHYARD_EVIDENCE";

/// One application's evidence.
pub struct Evidence {
    folder: PathBuf,
    secrets: PathBuf,
    _temporary: Option<TempDir>,
}

impl Evidence {
    /// A new empty folder; the name shows up in paths and reports.
    ///
    /// # Panics
    /// When the disk refuses.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let unique = format!("{name}-{:08x}", fastrand::u32(..));
        let (root, temporary) = match std::env::var_os(VARIABLE) {
            Some(root) => (PathBuf::from(root), None),
            None => {
                let temporary = TempDir::with_prefix("switchyard-").expect("a temporary folder");
                (temporary.path().to_path_buf(), Some(temporary))
            }
        };
        let folder = root.join("kept").join(&unique);
        let secrets = root.join("secrets").join(format!("{unique}.tsv"));
        for path in [&folder, &root.join("secrets")] {
            fs::create_dir_all(path).expect("a folder for evidence");
        }
        Self {
            folder,
            secrets,
            _temporary: temporary,
        }
    }

    /// The folder of the application's home and output.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes a text that must not be found in the folder.
    pub fn note(&self, kind: &str, text: &str) {
        note_secret(&self.secrets, kind, text);
    }

    /// The noted texts with their kinds, each text once.
    #[must_use]
    pub fn noted(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(&self.secrets).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once('\t'));
        let by_text: BTreeMap<&str, &str> = pairs.map(|(kind, text)| (text, kind)).collect();
        by_text
            .into_iter()
            .map(|(text, kind)| (kind.to_owned(), text.to_owned()))
            .collect()
    }

    /// The files in the folder, whatever they are.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        list(&self.folder, &mut files);
        files
    }

    /// Every place where a noted text stands in a file, described without repeating it.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let noted = self.noted();
        let mut leaks = Vec::new();
        for path in self.files() {
            // A socket holds nothing.
            let Ok(bytes) = fs::read(&path) else { continue };
            for (kind, text) in &noted {
                if memchr::memmem::find(&bytes, text.as_bytes()).is_some() {
                    leaks.push(format!("{}: a {kind}", path.display()));
                }
            }
        }
        leaks
    }
}

/// Adds a line to a list of secrets.
pub fn note_secret(list: &Path, kind: &str, text: &str) {
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(list)
        .expect("the list of secrets");
    writeln!(file, "{kind}\t{text}").expect("the list of secrets");
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => list(&entry.path(), files),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
}

//! Several account files as one batch (F10): those of a folder, or of a ZIP archive, become one text that is imported like any other.
//!
//! Nothing is unpacked to the disk and no file is changed. Called by the command line and by the import of files; blocking.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{ImportError, LARGEST, parse};

/// The most entries of a folder or archive (F10).
pub const MOST_ENTRIES: usize = 1_000;

/// Endings of files that may hold accounts; others are passed over.
const ENDINGS: &[&str] = &["json", "jsonl", "ndjson", "txt"];

/// Why files are not imported. Nothing of any of them is, then.
#[derive(Debug, thiserror::Error)]
pub enum SeveralError {
    /// More than [`MOST_ENTRIES`].
    #[error("{} holds more than {MOST_ENTRIES} entries; import it in parts", .0.display())]
    TooMany(PathBuf),
    /// Together larger than [`LARGEST`], unpacked.
    #[error(
        "the files in {} are together larger than {} MiB; import them in parts",
        .0.display(),
        LARGEST / (1024 * 1024)
    )]
    TooLarge(PathBuf),
    /// No file with one of the known endings.
    #[error("there is no account file (.json, .jsonl, .ndjson, .txt) in {}", .0.display())]
    Nothing(PathBuf),
    /// An entry's name leads out of the archive, or it is no plain file.
    #[error("{} holds an entry that is no plain file inside it; nothing was imported", .0.display())]
    Outside(PathBuf),
    /// Not a ZIP archive, a damaged or an encrypted one.
    #[error("{} cannot be read as a ZIP archive: {why}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// One file is no account file.
    #[error("{file}: {source}")]
    File {
        /// Its name.
        file: String,
        /// What is wrong.
        source: ImportError,
    },
    /// The file system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// The accounts of a file, of the files of a folder (not of folders in it), or of a ZIP archive, as one text.
///
/// # Errors
/// [`SeveralError`]; one wrong file refuses all (F5).
pub fn gather(path: &Path) -> Result<SecretString, SeveralError> {
    gather_all(&[path])
}

/// The same for several of them together, within the same limits.
///
/// # Errors
/// As [`gather`].
pub fn gather_all(paths: &[impl AsRef<Path>]) -> Result<SecretString, SeveralError> {
    let mut joined = Joined::new();
    for path in paths {
        let path = path.as_ref();
        joined.origin = path.to_path_buf();
        if path.is_dir() {
            joined.folder(path)?;
            continue;
        }
        let failed = |source| SeveralError::Io {
            path: path.to_path_buf(),
            source,
        };
        let mut file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        // One more, so that the reader of the text can tell that it is too large.
        (&mut file)
            .take(LARGEST as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            joined.archive(bytes)?;
        } else if paths.len() == 1 {
            // As it is: line and column of an error are then the file's own, and it may be a sealed export.
            let text = String::from_utf8(bytes).map_err(|_| failed(not_text()))?;
            return Ok(SecretString::from(text));
        } else {
            joined.entry()?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            joined.add(&name, bytes.as_slice())?;
        }
    }
    joined.finish()
}

fn not_text() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not text")
}

fn is_account_file(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let known = path.extension().is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    });
    known && !hidden
}

/// The files of a folder that may hold accounts, and ZIP archives; not those of folders in it.
///
/// # Errors
/// [`SeveralError::TooMany`], and what the file system says.
pub(crate) fn account_files(folder: &Path) -> Result<Vec<PathBuf>, SeveralError> {
    let failed = |source| SeveralError::Io {
        path: folder.to_path_buf(),
        source,
    };
    let mut paths = Vec::new();
    for (n, entry) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        if n >= MOST_ENTRIES {
            return Err(SeveralError::TooMany(folder.to_path_buf()));
        }
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let archive = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
        if entry.file_type().map_err(failed)?.is_file() && (archive || is_account_file(&path)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// One JSON value or token per line.
struct Joined {
    /// What is being read.
    origin: PathBuf,
    text: String,
    /// What may still be read.
    left: usize,
    entries: usize,
}

impl Joined {
    fn new() -> Self {
        Self {
            origin: PathBuf::new(),
            text: String::new(),
            left: LARGEST,
            entries: 0,
        }
    }

    /// One more entry of a folder or archive, whatever it is.
    fn entry(&mut self) -> Result<(), SeveralError> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(SeveralError::TooMany(self.origin.clone()));
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> Result<(), SeveralError> {
        let failed = |source| SeveralError::Io {
            path: folder.to_path_buf(),
            source,
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            self.entry()?;
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_file() && is_account_file(&entry.path()) {
                paths.push(entry.path());
            }
        }
        // The same order wherever it is done.
        paths.sort();
        for path in paths {
            let file = File::open(&path).map_err(|source| SeveralError::Io {
                path: path.clone(),
                source,
            })?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.add(&name, file)?;
        }
        Ok(())
    }

    fn archive(&mut self, bytes: Vec<u8>) -> Result<(), SeveralError> {
        let path = self.origin.clone();
        let broken = |error: zip::result::ZipError| SeveralError::Archive {
            path: path.clone(),
            why: error.to_string(),
        };
        if bytes.len() > LARGEST {
            return Err(SeveralError::TooLarge(path));
        }
        let mut archive = zip::ZipArchive::new(io::Cursor::new(bytes)).map_err(broken)?;
        if archive.len() > MOST_ENTRIES {
            return Err(SeveralError::TooMany(path));
        }
        for index in 0..archive.len() {
            self.entry()?;
            let entry = archive.by_index(index).map_err(broken)?;
            // Nothing is unpacked, but an archive that tries is none to trust.
            let name = entry
                .enclosed_name()
                .filter(|_| !entry.is_symlink())
                .ok_or_else(|| SeveralError::Outside(path.clone()))?;
            if entry.is_file() && is_account_file(&name) {
                self.add(&name.to_string_lossy(), entry)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, file: impl Read) -> Result<(), SeveralError> {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let failed = |source| SeveralError::Io {
            path: self.origin.join(&shown),
            source,
        };
        let mut bytes = Vec::new();
        // What an entry says about its size is not believed: a bomb ends here.
        file.take(self.left as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() > self.left {
            return Err(SeveralError::TooLarge(self.origin.clone()));
        }
        self.left -= bytes.len();
        let text = String::from_utf8(bytes).map_err(|_| failed(not_text()))?;
        // Here, so that the message can name the file.
        parse(&text).map_err(|source| SeveralError::File {
            file: shown,
            source,
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).trim();
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(value) => self.text.push_str(&value.to_string()),
            Err(_) => self.text.push_str(text),
        }
        self.text.push('\n');
        Ok(())
    }

    fn finish(self) -> Result<SecretString, SeveralError> {
        if self.text.is_empty() {
            return Err(SeveralError::Nothing(self.origin));
        }
        Ok(SecretString::from(self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use std::io::Write;

    const ACCOUNT: &str = "{\n  \"type\": \"codex\",\n  \"refresh_token\": \"rt_one\"\n}";

    fn archive(entries: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, bytes) in entries {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        file
    }

    #[test]
    fn f10_files_of_a_folder_or_an_archive_are_one_batch() {
        let list = r#"{"accounts":[{"refresh_token":"rt_two"},{"refresh_token":"rt_three"}]}"#;
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.json", ACCOUNT),
            ("b.JSON", list),
            ("c.txt", "# x\nrt_four\n"),
            ("d.md", "{"),
            (".e.json", "{"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::create_dir(folder.path().join("f.json")).unwrap();
        let file = archive(&[
            ("in/a.json", ACCOUNT.as_bytes()),
            ("b.json", list.as_bytes()),
            ("c.txt", b"rt_four"),
            ("photo.png", b"\xff"),
        ]);
        for path in [folder.path(), file.path()] {
            let text = gather(path).unwrap();
            let batch = parse(text.expose_secret()).unwrap();
            assert_eq!(batch.items.len(), 4, "{}", path.display());
        }
    }

    #[test]
    fn f10_several_paths_are_one_batch_within_the_same_limits() {
        let list = r#"{"accounts":[{"refresh_token":"rt_two"},{"refresh_token":"rt_three"}]}"#;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("one.json"), ACCOUNT).unwrap();
        std::fs::create_dir(at("more")).unwrap();
        std::fs::write(at("more/two.json"), list).unwrap();
        let file = archive(&[("four.txt", b"rt_four")]);
        let text = gather_all(&[at("one.json"), at("more"), file.path().to_path_buf()]).unwrap();
        assert_eq!(parse(text.expose_secret()).unwrap().items.len(), 4);
        let half = vec![b' '; LARGEST / 2];
        let large = archive(&[("a.json", &[&half[..], ACCOUNT.as_bytes()].concat())]);
        let twice = [large.path(), large.path()];
        let error = gather_all(&twice).unwrap_err();
        assert!(matches!(error, SeveralError::TooLarge(_)), "{error}");
        let error = gather_all(&[at("one.json"), at("gone.json")]).unwrap_err();
        assert!(error.to_string().contains("gone.json"), "{error}");
    }

    #[test]
    fn f10_what_is_not_safe_is_refused_whole() {
        let check = |entries: &[(&str, &[u8])], words: &str| {
            let error = gather(archive(entries).path()).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        };
        let account = ACCOUNT.as_bytes();
        check(
            &[("ok.json", account), ("../out.json", account)],
            "no plain file",
        );
        check(
            &[("/etc/out.json", account), ("../../x", b"")],
            "no plain file",
        );
        check(&[("a.json", account), ("b.json", b"{")], "b.json: ");
        check(&[("a.md", account)], "no account file");
        // A bomb: 17 MiB in a few kilobytes.
        let zeros = vec![b' '; LARGEST + (1 << 20)];
        check(&[("a.json", &zeros)], "larger than 16 MiB");
        let names: Vec<String> = (0..=MOST_ENTRIES).map(|n| format!("{n}.json")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), account)).collect();
        check(&many, "more than 1000");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"PK\x03\x04 and no more").unwrap();
        assert!(gather(file.path()).unwrap_err().to_string().contains("ZIP"));
    }
}

//! The log files of a home (F147): `logs/switchyard.log` and up to four older ones of 10 MB, private to the user, everything redacted.
//!
//! Not the subscriber: the command line and the shell hand a [`LogFile`] to theirs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::home::PRIVATE;
use crate::redact::Redactor;

/// A file that has grown to this many bytes makes room for a new one.
const LARGEST: u64 = 10_000_000;
/// Files kept, the one being written included.
const KEPT: usize = 5;

/// A place for log lines. Clones write to the same file.
#[derive(Debug, Clone)]
pub struct LogFile(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    folder: PathBuf,
    file: File,
    written: u64,
    largest: u64,
}

impl LogFile {
    /// Opens the newest file of `folder`, which is made if need be.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_limit(folder, LARGEST)
    }

    fn with_limit(folder: &Path, largest: u64) -> io::Result<Self> {
        let mut private = fs::DirBuilder::new();
        private.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
        private.create(folder)?;
        let file = append(&path(folder, 0))?;
        let written = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(State {
            folder: folder.to_path_buf(),
            file,
            written,
            largest,
        }))))
    }
}

/// Every call of `write` holds whole lines, as log formatters give them.
impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let shown = Redactor::default().apply(&text);
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.written > 0 && state.written + shown.len() as u64 > state.largest {
            state.rotate()?;
        }
        state.file.write_all(shown.as_bytes())?;
        state.written += shown.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    /// Each file takes the next one's name; the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        for n in (1..KEPT).rev() {
            match fs::rename(path(&self.folder, n - 1), path(&self.folder, n)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = append(&path(&self.folder, 0))?;
        self.written = 0;
        Ok(())
    }
}

fn path(folder: &Path, n: usize) -> PathBuf {
    match n {
        0 => folder.join("switchyard.log"),
        n => folder.join(format!("switchyard.{n}.log")),
    }
}

fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f147_files_rotate_and_hold_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        for start in 0..2 {
            let mut log = LogFile::with_limit(&logs, 100).unwrap();
            for n in 0..20 {
                writeln!(log, "line {start} {n:03} key=sk-{}", "s".repeat(40)).unwrap();
            }
        }
        let mut names: Vec<_> = fs::read_dir(&logs)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        assert_eq!(names.len(), KEPT);
        for name in &names {
            let text = fs::read_to_string(name).unwrap();
            assert!(
                text.len() <= 120 && !text.contains(&"s".repeat(20)),
                "{text}"
            );
        }
        assert!(
            fs::read_to_string(path(&logs, 0))
                .unwrap()
                .contains("line 1 019")
        );
    }
}

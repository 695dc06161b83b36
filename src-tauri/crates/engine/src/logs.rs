//! The log files of a home (F147): `logs/switchyard.log` and up to four older ones of 10 MB, private to the user, everything redacted, no
//! line older than seven days.
//!
//! Not the subscriber, which is [`crate::logging`]'s.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pool::Timestamp;

use crate::compose::Engine;
use crate::home::{PRIVATE, write_atomic};
use crate::redact::Redactor;

/// A file that has grown to this many bytes makes room for a new one.
const LARGEST: u64 = 10_000_000;
/// Files kept, the one being written included.
const KEPT: usize = 5;

/// Most bytes of one file that are read to show its end.
const LAST_READ: u64 = 1 << 20;

/// Lines are kept this long.
const AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Old lines are looked for this often, and once shortly after the start.
const UPKEEP: Duration = Duration::from_secs(3600);
/// The first look waits this long, so that starting is not slowed.
const AFTER_START: Duration = Duration::from_secs(2);

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

impl LogFile {
    /// Takes out the lines that are older than seven days. Blocks.
    ///
    /// # Errors
    /// When a file cannot be read or replaced; it stays as it is.
    pub fn forget_old(&self, now: Timestamp) -> io::Result<()> {
        // As the lines begin: RFC 3339 in UTC, which sorts as text.
        let oldest = now.0.saturating_sub(AGE.as_millis() as i64);
        let Ok(oldest) = jiff::Timestamp::from_millisecond(oldest) else {
            return Ok(());
        };
        let oldest = format!("{oldest:.0}");
        // No line is written while files change places.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for n in 0..KEPT {
            let path = path(&state.folder, n);
            match first_line(&path) {
                Ok(line) if is_old(&line, &oldest) => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            let text = fs::read(&path)?;
            let text = String::from_utf8_lossy(&text);
            let recent = recent(&text, &oldest);
            if n > 0 && recent.is_empty() {
                fs::remove_file(&path)?;
                continue;
            }
            write_atomic(&path, recent.as_bytes(), PRIVATE)?;
            if n == 0 {
                state.file = append(&path)?;
                state.written = recent.len() as u64;
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Keeps the log files within their age as long as the engine runs (F147).
    pub(crate) fn keep_logs(&self, file: LogFile) {
        let (tasks, clock) = (self.tasks.clone(), self.clock.clone());
        self.tasks.run(async move {
            tokio::time::sleep(AFTER_START).await;
            loop {
                let (file, now) = (file.clone(), clock.now());
                let done = tasks.blocking(move || file.forget_old(now)).await;
                if let Ok(Err(error)) = done {
                    tracing::warn!(%error, "old log lines could not be taken out");
                }
                tokio::time::sleep(UPKEEP).await;
            }
        });
    }
}

fn first_line(path: &Path) -> io::Result<String> {
    use io::BufRead as _;
    let mut line = Vec::new();
    io::BufReader::new(File::open(path)?).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Whether a line begins with a time before `oldest`. One that begins with none belongs to the line above it.
fn is_old(line: &str, oldest: &str) -> bool {
    dated(line) && line.as_bytes().get(..19) < oldest.as_bytes().get(..19)
}

fn dated(line: &str) -> bool {
    let shape = b"0000-00-00T00:00:00";
    line.len() > shape.len()
        && line.bytes().zip(shape).all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            like => byte == *like,
        })
}

/// The rest of `text` from its first line on that is not old.
fn recent<'t>(text: &'t str, oldest: &str) -> &'t str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if dated(line) && !is_old(line, oldest) {
            break;
        }
        at += line.len();
    }
    &text[at..]
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

/// Takes every line out of the files of `folder`; the newest goes on being written to. Blocks.
pub(crate) fn forget_all(folder: &Path) -> io::Result<()> {
    for n in 0..KEPT {
        let done = match n {
            // Whoever writes to it has it open at its end.
            0 => OpenOptions::new()
                .write(true)
                .open(path(folder, 0))
                .and_then(|file| file.set_len(0)),
            n => fs::remove_file(path(folder, n)),
        };
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The last `count` lines of the files of `folder`, oldest first; of each file at most its last megabyte is read. Blocks.
pub(crate) fn last_lines(folder: &Path, count: usize) -> Vec<String> {
    use io::{Read as _, Seek as _};
    let mut lines: Vec<String> = Vec::new();
    for n in 0..KEPT {
        let read = File::open(path(folder, n)).and_then(|mut file| {
            let from = file.metadata()?.len().saturating_sub(LAST_READ);
            file.seek(io::SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.take(LAST_READ).read_to_end(&mut bytes)?;
            Ok((String::from_utf8_lossy(&bytes).into_owned(), from > 0))
        });
        let Ok((text, cut)) = read else {
            break;
        };
        // The first line of a cut file is half a line.
        let mut older: Vec<String> = text
            .lines()
            .skip(usize::from(cut))
            .map(str::to_owned)
            .collect();
        older.append(&mut lines);
        lines = older;
        if lines.len() >= count {
            break;
        }
    }
    lines.split_off(lines.len().saturating_sub(count))
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
    fn f147_no_line_is_kept_longer_than_seven_days() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let mut log = LogFile::open(&logs).unwrap();
        let day = |day: u32| format!("2026-11-{day:02}T12:00:00.123456Z  INFO engine: on {day}\n");
        log.write_all(day(1).as_bytes()).unwrap();
        log.write_all(b"more of the line above\n").unwrap();
        log.write_all(day(9).as_bytes()).unwrap();
        fs::write(path(&logs, 1), day(1)).unwrap();
        fs::write(path(&logs, 2), "no time at all\n").unwrap();
        let now: jiff::Timestamp = "2026-11-15T00:00:00Z".parse().unwrap();
        for _ in 0..2 {
            log.forget_old(Timestamp(now.as_millisecond())).unwrap();
            assert_eq!(fs::read_to_string(path(&logs, 0)).unwrap(), day(9));
        }
        assert!(!path(&logs, 1).exists());
        assert!(path(&logs, 2).exists(), "what is not ours to date stays");
        log.write_all(day(15).as_bytes()).unwrap();
        let whole = fs::read_to_string(path(&logs, 0)).unwrap();
        assert_eq!(whole, day(9) + &day(15), "the file is still written to");
    }

    #[test]
    fn f147_files_rotate_and_hold_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        for start in 0..2 {
            let mut log = LogFile::with_limit(&logs, 100).unwrap();
            for n in 0..20 {
                let line = format!("line {start} {n:03} key=sk-{}\n", "s".repeat(40));
                log.write_all(line.as_bytes()).unwrap();
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

//! Writing a small file so that a crash at any point leaves either the old or the new content (F123). Used by the file vault and the home mark.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::VaultError;

/// Replaces `path` with `content`: a private temporary file beside it, flushed to disk, renamed over it, and the folder flushed too.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), VaultError> {
    let temporary = path.with_extension("tmp");
    let failed = |doing, at: &Path| {
        let path = at.to_owned();
        move |source| VaultError::Io {
            doing,
            path,
            source,
        }
    };
    // A leftover from a crash may have other permissions: start from nothing.
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed("replacing", &temporary)(e));
        }
        _ => {}
    }
    let written = write_new(&temporary, content);
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failed("writing", &temporary)(error));
    }
    fs::rename(&temporary, path).map_err(failed("replacing", path))?;
    sync_folder(path).map_err(failed("flushing the folder of", path))
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// The rename itself is durable only when the folder is. Windows has no such call and needs none.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Fills `N` random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::System {
        doing: "give random bytes",
    })?;
    Ok(bytes)
}

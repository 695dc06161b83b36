//! The watched folder (F10): account files that appear in it are imported by themselves. Its files are read and never changed.
//!
//! What was taken in once is remembered by its content, also over a restart: the same file later may hold a refresh token that is spent by
//! then, and must not replace the newer one. Not the import itself (`transfer`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::compose::Engine;
use crate::error::EngineError;
use crate::import;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_secs(30);
/// A file that changed within so many milliseconds may not be whole yet.
const SETTLED_MS: i64 = 2_000;
/// The `meta` key of what was taken in: SHA-256 of contents in hex, oldest first, with blanks between.
const TAKEN: &str = "watched_folder_taken";
/// Most contents remembered.
const MOST_TAKEN: usize = 4_096;

/// Wakes the look at the folder when another one is set.
#[derive(Debug, Default)]
pub(crate) struct Watched(Notify);

impl Watched {
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// How a file looked from outside: length, and milliseconds of its last change.
type Looks = (u64, i64);

/// A file that has not been looked into as it is now.
struct Fresh {
    path: PathBuf,
    looks: Looks,
    /// Its text and the text's hash; or why it cannot be read.
    content: Result<(SecretString, String), String>,
}

impl Engine {
    /// Looks at the folder as long as the engine runs.
    pub(crate) async fn watch_folder(self: Arc<Self>) {
        let mut seen: HashMap<PathBuf, Looks> = HashMap::new();
        loop {
            let folder = self.settings.current().settings.import.folder.clone();
            let Some(folder) = folder.filter(|_| self.read_only.is_none()) else {
                seen.clear();
                self.watched.0.notified().await;
                continue;
            };
            if let Err(error) = self.take_in_folder(PathBuf::from(folder), &mut seen).await {
                tracing::warn!(%error, "the watched folder could not be taken in; trying again");
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = self.watched.0.notified() => {}
            }
        }
    }

    async fn take_in_folder(
        self: &Arc<Self>,
        folder: PathBuf,
        seen: &mut HashMap<PathBuf, Looks>,
    ) -> Result<(), EngineError> {
        let (known, now) = (std::mem::take(seen), self.clock.now().0);
        let looked = self.tasks.blocking(move || {
            let fresh = look(&folder, &known, now);
            (known, fresh)
        });
        let (known, fresh) = looked.await?;
        *seen = known;
        if fresh.is_empty() {
            return Ok(());
        }
        let taken = self.stored(|store| store.meta(TAKEN)).await?;
        let mut taken: Vec<String> = taken
            .iter()
            .flat_map(|text| text.split(' '))
            .map(str::to_owned)
            .collect();
        for file in fresh {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            match file.content {
                Err(problem) => {
                    tracing::warn!(file = %name, problem, "a file of the watched folder cannot be imported");
                }
                Ok((_, hash)) if taken.contains(&hash) => {}
                Ok((text, hash)) => match self.import(&text, false, false).await {
                    Ok(report) => {
                        tracing::info!(
                            file = %name,
                            added = report.added,
                            updated = report.updated,
                            failed = report.failed,
                            "imported from the watched folder"
                        );
                        taken.push(hash);
                        let from = taken.len().saturating_sub(MOST_TAKEN);
                        let text = taken[from..].join(" ");
                        self.stored(move |store| store.set_meta(TAKEN, Some(&text)))
                            .await?;
                    }
                    // Another try helps only when the file is another one.
                    Err(error @ (EngineError::Import(_) | EngineError::Invalid(_))) => {
                        tracing::warn!(file = %name, %error, "a file of the watched folder cannot be imported");
                    }
                    Err(error) => return Err(error),
                },
            }
            seen.insert(file.path.clone(), file.looks);
        }
        Ok(())
    }
}

/// The account files of `folder` that are not as they were seen last. One that is still being written waits for the next look.
fn look(folder: &Path, seen: &HashMap<PathBuf, Looks>, now: i64) -> Vec<Fresh> {
    let paths = match import::account_files(folder) {
        Ok(paths) => paths,
        Err(error) => {
            // It may be on a disk that is not there now.
            tracing::debug!(%error, "the watched folder cannot be read");
            return Vec::new();
        }
    };
    let fresh = |path: PathBuf| {
        let facts = std::fs::metadata(&path).ok()?;
        let changed = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let changed = i64::try_from(changed.as_millis()).ok()?;
        let looks = (facts.len(), changed);
        if seen.get(&path) == Some(&looks) || (0..SETTLED_MS).contains(&(now - changed)) {
            return None;
        }
        let content = import::gather(&path).map_err(|error| error.to_string());
        let content = content.map(|text| {
            let hash = Sha256::digest(text.expose_secret());
            let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            (text, hash)
        });
        Some(Fresh {
            path,
            looks,
            content,
        })
    };
    paths.into_iter().filter_map(fresh).collect()
}

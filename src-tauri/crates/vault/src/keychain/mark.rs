//! The home's mark: a random word in a file of the home folder that goes before item names, so that two homes of one person (a demo, a second
//! profile) never read or replace each other's items. A moved home keeps its items. The mark is not secret.

use std::path::Path;

use crate::{VaultError, durable};

/// File in the home folder that holds the mark: 16 lower-case hexadecimal digits.
pub const HOME_MARK_FILE: &str = "keychain-home";

const DIGITS: usize = 16;

/// The home's mark; made at the first call. An unreadable mark is an error, not a new mark: a new one would lose sight of every item.
pub(super) fn read_or_create(home: &Path) -> Result<String, VaultError> {
    let path = home.join(HOME_MARK_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let mark = text.trim();
            if mark.len() == DIGITS
                && mark
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            {
                Ok(mark.to_owned())
            } else {
                Err(VaultError::Corrupt {
                    what: path.display().to_string(),
                    why: "it is not a keychain mark".to_owned(),
                })
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mark: String = durable::random::<{ DIGITS / 2 }>()?
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            durable::replace(&path, format!("{mark}\n").as_bytes())?;
            Ok(mark)
        }
        Err(source) => Err(VaultError::Io {
            doing: "reading",
            path,
            source,
        }),
    }
}

//! Values larger than one platform item (F23: Windows holds 2560 bytes, less than one Codex JWT), kept as an index item and parts.
//!
//! Layout for item `name`: a value that fits is stored as it is. A larger one is cut into parts `name#a.0`, `name#a.1`, … or `name#b.0`, …,
//! and `name` holds the index: which of the two generations counts, how many parts, length and digest. A write fills the generation that the
//! index does *not* name and then replaces the index in one step, so a crash anywhere leaves the old value or the new one, never a mix.
//! Two fixed generations, because a platform store cannot be listed portably: leftovers of a crash are found again by their names.
//!
//! Not encryption, and not used where the platform has no limit.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::items::Items;

/// First bytes of an index item. A value that happens to start like this is stored in parts, whatever its size.
const INDEX_MARK: &str = "switchyard-parts/1 ";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    A,
    B,
}

impl Generation {
    fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Index {
    generation: Generation,
    parts: usize,
    length: usize,
    digest: String,
}

impl Index {
    fn text(&self) -> String {
        format!(
            "{INDEX_MARK}{} {} {} {}",
            self.generation.letter(),
            self.parts,
            self.length,
            self.digest
        )
    }

    /// `None` when the bytes are a plain value; an error when they start as an index and are none.
    fn parse(name: &str, bytes: &[u8]) -> Result<Option<Self>, VaultError> {
        let Some(rest) = bytes.strip_prefix(INDEX_MARK.as_bytes()) else {
            return Ok(None);
        };
        let broken = || corrupt(name, "its index is malformed");
        let text = std::str::from_utf8(rest).map_err(|_| broken())?;
        let fields: Vec<&str> = text.split(' ').collect();
        let [generation, parts, length, digest] = fields.as_slice() else {
            return Err(broken());
        };
        let generation = match *generation {
            "a" => Generation::A,
            "b" => Generation::B,
            _ => return Err(broken()),
        };
        let parts: usize = parts.parse().map_err(|_| broken())?;
        let length: usize = length.parse().map_err(|_| broken())?;
        if length > crate::MAX_SECRET_BYTES || parts > length.max(1) {
            return Err(broken());
        }
        Ok(Some(Self {
            generation,
            parts,
            length,
            digest: (*digest).to_owned(),
        }))
    }
}

/// Reads the value of `name`, joining parts where there are any.
pub(crate) fn read(
    items: &dyn Items,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
    let Some(first) = items.read(name)? else {
        return Ok(None);
    };
    if items.limit().is_none() {
        return Ok(Some(first));
    }
    let Some(index) = Index::parse(name, &first)? else {
        return Ok(Some(first));
    };
    // Reserved whole, so that growing leaves no copy of the secret behind.
    let mut value = Zeroizing::new(Vec::with_capacity(index.length));
    for number in 0..index.parts {
        let part = items
            .read(&part_name(name, index.generation, number))?
            .ok_or_else(|| corrupt(name, "a part of it is missing"))?;
        if value.len() + part.len() > index.length {
            return Err(corrupt(name, "its parts do not fit together"));
        }
        value.extend_from_slice(&part);
    }
    if value.len() != index.length || digest(&value) != index.digest {
        return Err(corrupt(name, "its parts do not fit together"));
    }
    Ok(Some(value))
}

/// Stores `value` under `name`; until the last step the old value stays readable.
pub(crate) fn write(items: &dyn Items, name: &str, value: &[u8]) -> Result<(), VaultError> {
    let Some(limit) = items.limit() else {
        return items.write(name, value);
    };
    if value.len() <= limit && !value.starts_with(INDEX_MARK.as_bytes()) {
        items.write(name, value)?;
        sweep_after_write(items, name, [(Generation::A, 0), (Generation::B, 0)]);
        return Ok(());
    }
    let before = items.read(name)?.map(|bytes| Index::parse(name, &bytes));
    // A malformed index means the old value is lost already; a new sign-in may replace it.
    let old_generation = match before {
        Some(Ok(Some(index))) => Some(index.generation),
        Some(Ok(None) | Err(_)) | None => None,
    };
    let generation = old_generation.map_or(Generation::A, Generation::other);
    let mut parts = 0;
    for part in cut(value, limit) {
        items.write(&part_name(name, generation, parts), part)?;
        parts += 1;
    }
    let index = Index {
        generation,
        parts,
        length: value.len(),
        digest: digest(value),
    };
    items.write(name, index.text().as_bytes())?;
    sweep_after_write(items, name, [(generation, parts), (generation.other(), 0)]);
    Ok(())
}

/// Removes `name` and every part of it, also those a crash left behind.
pub(crate) fn erase(items: &dyn Items, name: &str) -> Result<bool, VaultError> {
    let there = items.erase(name)?;
    if items.limit().is_some() {
        sweep(items, name, Generation::A, 0)?;
        sweep(items, name, Generation::B, 0)?;
    }
    Ok(there)
}

/// Tidies after the new value counts. A failure here is not a failure of the write: the leftovers are swept by the next write or delete.
fn sweep_after_write(items: &dyn Items, name: &str, leftovers: [(Generation, usize); 2]) {
    for (generation, from) in leftovers {
        let _ = sweep(items, name, generation, from);
    }
}

/// Removes the parts `from..` of one generation, highest first, so that a crash leaves no gap behind which a part would never be found again.
fn sweep(
    items: &dyn Items,
    name: &str,
    generation: Generation,
    from: usize,
) -> Result<(), VaultError> {
    let mut end = from;
    while items.read(&part_name(name, generation, end))?.is_some() {
        end += 1;
    }
    for number in (from..end).rev() {
        items.erase(&part_name(name, generation, number))?;
    }
    Ok(())
}

fn part_name(name: &str, generation: Generation, number: usize) -> String {
    format!("{name}#{}.{number}", generation.letter())
}

/// Cuts at most `limit` bytes at a time, at character boundaries where the bytes are text: some stores (KWallet) hold text only.
fn cut(value: &[u8], limit: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len().min(limit.max(4));
        while end < rest.len() && end > 1 && (rest[end] & 0xC0) == 0x80 {
            end -= 1;
        }
        let (part, tail) = rest.split_at(end);
        rest = tail;
        Some(part)
    })
}

fn digest(value: &[u8]) -> String {
    Sha256::digest(value)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn corrupt(name: &str, why: &str) -> VaultError {
    VaultError::Corrupt {
        what: format!("the keychain item {name}"),
        why: why.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests;

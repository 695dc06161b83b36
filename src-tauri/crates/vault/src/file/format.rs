//! The vault file's bytes: a plain header, then the sealed items. Pure but for random nonces and one read; called by the file vault only.
//!
//! ```text
//! 0   8  "SWVAULT\0"        24  16  salt
//! 8   2  format, 1          40  16  passphrase check
//! 10  1  KDF, 1 = Argon2id  56  24  nonce
//! 11  1  AEAD, 1 = XChaCha20-Poly1305
//! 12  4  memory KiB         80   8  SHA-256 of bytes 0..80, first 8
//! 16  4  passes             88   …  sealed items and 16 bytes of tag
//! 20  4  lanes              (numbers little endian; the whole header is authenticated with the items)
//! ```
//! Argon2id gives 48 bytes: 32 are the key, 16 are the passphrase check, by which a wrong passphrase is told from a damaged file. The check
//! lets nobody test a guess faster than the tag of the sealed items does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::blocks::Blocks;
use crate::{VaultError, durable};

const MAGIC: &[u8; 8] = b"SWVAULT\0";
const FORMAT: u16 = 1;
const ARGON2ID: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;
const DIGEST_AT: usize = 80;

/// Length of the header in bytes.
pub(super) const HEADER_LEN: usize = 88;

/// What deriving a key costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// OWASP Password Storage Cheat Sheet, Argon2id: of the five settings it gives as equally strong, 7 MiB with five passes and one lane.
    /// It is the one that fits a processor's cache, so that a start waits for it half as long as for 19 MiB with two passes.
    pub(super) const STANDARD: Self = Self {
        memory_kib: 7 * 1024,
        passes: 5,
        lanes: 1,
    };

    /// A file may ask for more than the standard, but not for so much that opening it stops the machine.
    fn bearable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 64 && self.lanes <= 16
    }
}

/// The plain first part of the file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    cost: Cost,
    salt: [u8; 16],
    check: [u8; 16],
    nonce: [u8; 24],
}

impl Header {
    /// Reads the header and gives the sealed rest.
    pub(super) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Self, &'a [u8]), VaultError> {
        let corrupt = |why: &str| corrupt(path, why);
        let (magic, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| corrupt("it is too short"))?;
        if magic != MAGIC {
            return Err(corrupt("it is not a vault file"));
        }
        let (version, _) = rest
            .split_first_chunk::<2>()
            .ok_or_else(|| corrupt("it is too short"))?;
        let found = u16::from_le_bytes(*version);
        if found > FORMAT {
            return Err(VaultError::Newer {
                path: path.to_owned(),
                found,
                known: FORMAT,
            });
        }
        let (head, sealed) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or_else(|| corrupt("it is too short"))?;
        if Sha256::digest(&head[..DIGEST_AT])[..8] != head[DIGEST_AT..] {
            return Err(corrupt("its header is damaged"));
        }
        if found != FORMAT || head[10] != ARGON2ID || head[11] != XCHACHA20_POLY1305 {
            return Err(corrupt("its header names an unknown cipher"));
        }
        let cost = Cost {
            memory_kib: number(head, 12),
            passes: number(head, 16),
            lanes: number(head, 20),
        };
        if !cost.bearable() {
            return Err(corrupt("its header asks for too much memory or time"));
        }
        Ok((
            Self {
                cost,
                salt: piece(head, 24),
                check: piece(head, 40),
                nonce: piece(head, 56),
            },
            sealed,
        ))
    }

    /// The header as it stands in the file.
    pub(super) fn bytes(&self) -> [u8; HEADER_LEN] {
        let mut head = [0; HEADER_LEN];
        head[..8].copy_from_slice(MAGIC);
        head[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        head[10] = ARGON2ID;
        head[11] = XCHACHA20_POLY1305;
        head[12..16].copy_from_slice(&self.cost.memory_kib.to_le_bytes());
        head[16..20].copy_from_slice(&self.cost.passes.to_le_bytes());
        head[20..24].copy_from_slice(&self.cost.lanes.to_le_bytes());
        head[24..40].copy_from_slice(&self.salt);
        head[40..56].copy_from_slice(&self.check);
        head[56..80].copy_from_slice(&self.nonce);
        let digest = Sha256::digest(&head[..DIGEST_AT]);
        head[DIGEST_AT..].copy_from_slice(&digest[..8]);
        head
    }
}

/// The derived key and what a header needs to name it.
pub(super) struct Sealer {
    key: Zeroizing<[u8; 32]>,
    cost: Cost,
    salt: [u8; 16],
    check: [u8; 16],
}

impl Sealer {
    /// A key for a new file.
    pub(super) fn new(passphrase: &SecretString, cost: Cost) -> Result<Self, VaultError> {
        let salt = durable::random()?;
        let (key, check) = derive(passphrase, cost, &salt).ok_or(VaultError::System {
            doing: "derive the vault key",
        })?;
        Ok(Self {
            key,
            cost,
            salt,
            check,
        })
    }

    /// The key of an existing file, when the passphrase is the right one.
    pub(super) fn for_file(
        path: &Path,
        passphrase: &SecretString,
        header: &Header,
    ) -> Result<Self, VaultError> {
        let Header {
            cost,
            salt,
            check: expected,
            ..
        } = header.clone();
        let (key, check) = derive(passphrase, cost, &salt)
            .ok_or_else(|| corrupt(path, "its header names an impossible cost"))?;
        if check != expected {
            return Err(VaultError::WrongPassphrase {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            key,
            cost,
            salt,
            check,
        })
    }

    /// Decrypts the items.
    pub(super) fn unseal(
        &self,
        path: &Path,
        header: &Header,
        sealed: &[u8],
    ) -> Result<BTreeMap<String, SecretString>, VaultError> {
        let payload = Payload {
            msg: sealed,
            aad: &header.bytes(),
        };
        let plain = self
            .cipher()
            .decrypt(&XNonce::from(header.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| corrupt(path, "its content is damaged or cut short"))?;
        decode(&plain).ok_or_else(|| corrupt(path, "its items are malformed"))
    }

    /// Encrypts the items under a new nonce; gives the header and the whole file.
    pub(super) fn seal(
        &self,
        items: &BTreeMap<String, SecretString>,
    ) -> Result<(Header, Vec<u8>), VaultError> {
        let header = Header {
            cost: self.cost,
            salt: self.salt,
            check: self.check,
            nonce: durable::random()?,
        };
        let plain = encode(items);
        let head = header.bytes();
        let sealed = self
            .cipher()
            .encrypt(
                &XNonce::from(header.nonce),
                Payload {
                    msg: &plain,
                    aad: &head,
                },
            )
            .map_err(|_| VaultError::System {
                doing: "encrypt the vault",
            })?;
        Ok((header, [head.as_slice(), &sealed].concat()))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key).into())
    }
}

/// The header's bytes of the file as it is now, fewer when the file is shorter.
pub(super) fn read_header_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEADER_LEN);
    File::open(path)?
        .take(HEADER_LEN as u64)
        .read_to_end(&mut head)?;
    Ok(head)
}

/// Key and passphrase check; `None` for costs that Argon2 does not know.
fn derive(
    passphrase: &SecretString,
    cost: Cost,
    salt: &[u8; 16],
) -> Option<(Zeroizing<[u8; 32]>, [u8; 16])> {
    let mut output = Zeroizing::new([0u8; 48]);
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(output.len())).ok()?;
    let mut blocks = Blocks::new(params.block_count())?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.expose_secret().as_bytes(),
            salt,
            output.as_mut_slice(),
            &mut blocks,
        )
        .ok()?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&output[..32]);
    Some((key, piece(output.as_slice(), 32)))
}

/// Items as length-prefixed names and values: nothing to escape, so no stray copies of secrets.
fn encode(items: &BTreeMap<String, SecretString>) -> Zeroizing<Vec<u8>> {
    let size = items
        .iter()
        .map(|(name, secret)| 8 + name.len() + secret.expose_secret().len())
        .sum();
    let mut plain = Zeroizing::new(Vec::with_capacity(size));
    for (name, secret) in items {
        for text in [name.as_str(), secret.expose_secret()] {
            // Names and secrets were checked against limits far below 4 GiB.
            plain.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            plain.extend_from_slice(text.as_bytes());
        }
    }
    plain
}

fn decode(mut plain: &[u8]) -> Option<BTreeMap<String, SecretString>> {
    let mut items = BTreeMap::new();
    while !plain.is_empty() {
        let name = take_text(&mut plain)?;
        let secret = take_text(&mut plain)?;
        items.insert(name.to_owned(), SecretString::from(secret));
    }
    Some(items)
}

fn take_text<'a>(plain: &mut &'a [u8]) -> Option<&'a str> {
    let (length, rest) = plain.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *plain = rest;
    std::str::from_utf8(text).ok()
}

fn number(head: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(piece(head, at))
}

/// `N` bytes from `at` on; only called for places inside fixed-size arrays.
fn piece<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut piece = [0; N];
    piece.copy_from_slice(&bytes[at..at + N]);
    piece
}

fn corrupt(path: &Path, why: &str) -> VaultError {
    VaultError::Corrupt {
        what: path.display().to_string(),
        why: why.to_owned(),
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.check.zeroize();
    }
}

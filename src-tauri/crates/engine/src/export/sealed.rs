//! An export under a passphrase: Argon2id makes the key, XChaCha20-Poly1305 seals the text (F9).
//!
//! It is not the vault's file, whose room this one does not know the inside of: an export is one text, written once and
//! carried to other machines, so it is JSON that says what it is.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// The `type` of a sealed export.
pub const ENCRYPTED_TYPE: &str = "switchyard_encrypted_export";
const VERSION: u32 = 1;
/// Above OWASP's least (19 MiB, 2 passes): an export may be copied and attacked at leisure.
const COST: Cost = Cost {
    m_kib: 64 * 1024,
    t: 3,
    p: 1,
};
/// What a foreign file may ask of this machine.
const HIGHEST_COST: Cost = Cost {
    m_kib: 1024 * 1024,
    t: 16,
    p: 16,
};

/// Why an export cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The passphrase is empty.
    #[error("the passphrase is empty; give one of several words")]
    EmptyPassphrase,
    /// The text is not a sealed export.
    #[error("this is not an encrypted export")]
    NotSealed,
    /// Sealed by a later version.
    #[error("this encrypted export was written by a newer version; update Switchyard")]
    Newer,
    /// The cipher tells these two apart from nothing.
    #[error("wrong passphrase, or the file is damaged")]
    WrongPassphrase,
    /// The system gave no random bytes or no memory.
    #[error("the system has too little memory, or no random numbers")]
    System,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Cost {
    m_kib: u32,
    t: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
    kdf: String,
    cost: Cost,
    cipher: String,
    salt: String,
    nonce: String,
    sealed: String,
}

const KDF: &str = "argon2id";
const CIPHER: &str = "xchacha20poly1305";

/// The text under a passphrase. Takes about a fifth of a second of work and 64 MiB, on purpose.
///
/// # Errors
/// [`SealError::EmptyPassphrase`], [`SealError::System`].
pub fn seal(text: &SecretString, passphrase: &SecretString) -> Result<SecretString, SealError> {
    let (mut salt, mut nonce) = ([0_u8; 16], [0_u8; 24]);
    getrandom::fill(&mut salt)
        .and_then(|()| getrandom::fill(&mut nonce))
        .map_err(|_| SealError::System)?;
    let cipher = cipher(passphrase, &salt, COST)?;
    let head = head(VERSION, COST, &salt);
    let payload = Payload {
        msg: text.expose_secret().as_bytes(),
        aad: head.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SealError::System)?;
    let file = Sealed {
        kind: ENCRYPTED_TYPE.to_owned(),
        version: VERSION,
        kdf: KDF.to_owned(),
        cost: COST,
        cipher: CIPHER.to_owned(),
        salt: STANDARD.encode(salt),
        nonce: STANDARD.encode(nonce),
        sealed: STANDARD.encode(sealed),
    };
    let text = serde_json::to_string_pretty(&file).map_err(|_| SealError::System)?;
    Ok(SecretString::from(text + "\n"))
}

/// The text behind the passphrase.
///
/// # Errors
/// [`SealError`].
pub fn unseal(text: &str, passphrase: &SecretString) -> Result<SecretString, SealError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| SealError::NotSealed)?;
    if value.get("type").and_then(serde_json::Value::as_str) != Some(ENCRYPTED_TYPE) {
        return Err(SealError::NotSealed);
    }
    if value
        .get("version")
        .and_then(serde_json::Value::as_u64)
        .is_some_and(|version| version > u64::from(VERSION))
    {
        return Err(SealError::Newer);
    }
    let file: Sealed = serde_json::from_value(value).map_err(|_| SealError::WrongPassphrase)?;
    let cost = file.cost;
    let bearable =
        cost.m_kib <= HIGHEST_COST.m_kib && cost.t <= HIGHEST_COST.t && cost.p <= HIGHEST_COST.p;
    if file.kdf != KDF || file.cipher != CIPHER || !bearable {
        return Err(SealError::WrongPassphrase);
    }
    let bytes = |text: &str| {
        STANDARD
            .decode(text)
            .map_err(|_| SealError::WrongPassphrase)
    };
    let salt = bytes(&file.salt)?;
    let nonce: [u8; 24] = bytes(&file.nonce)?
        .try_into()
        .map_err(|_| SealError::WrongPassphrase)?;
    let sealed = bytes(&file.sealed)?;
    let head = head(file.version, cost, &salt);
    let payload = Payload {
        msg: &sealed,
        aad: head.as_bytes(),
    };
    let plain = cipher(passphrase, &salt, cost)?.decrypt(&XNonce::from(nonce), payload);
    let plain = plain.map_err(|_| SealError::WrongPassphrase)?;
    String::from_utf8(plain)
        .map(SecretString::from)
        .map_err(|error| {
            error.into_bytes().zeroize();
            SealError::WrongPassphrase
        })
}

fn cipher(
    passphrase: &SecretString,
    salt: &[u8],
    cost: Cost,
) -> Result<XChaCha20Poly1305, SealError> {
    if passphrase.expose_secret().is_empty() {
        return Err(SealError::EmptyPassphrase);
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    let params = Params::new(cost.m_kib, cost.t, cost.p, Some(key.len()))
        .map_err(|_| SealError::WrongPassphrase)?;
    let kdf = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    kdf.hash_password_into(
        passphrase.expose_secret().as_bytes(),
        salt,
        key.as_mut_slice(),
    )
    .map_err(|error| match error {
        argon2::Error::OutOfMemory => SealError::System,
        _ => SealError::WrongPassphrase,
    })?;
    XChaCha20Poly1305::new_from_slice(key.as_slice()).map_err(|_| SealError::System)
}

/// What is not secret but must not be changed: sealed in as associated data.
fn head(version: u32, cost: Cost, salt: &[u8]) -> String {
    format!(
        "{ENCRYPTED_TYPE}:{version}:{KDF}:{}:{}:{}:{CIPHER}:{}",
        cost.m_kib,
        cost.t,
        cost.p,
        STANDARD.encode(salt)
    )
}

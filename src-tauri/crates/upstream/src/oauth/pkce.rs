//! PKCE (S256) and the `state` of a sign-in (codex-backend 1.2). Pure besides the system's random source.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A verifier and the challenge made from it. The verifier is secret until the exchange.
#[derive(Clone)]
pub struct Pkce {
    /// Sent with the code exchange.
    pub verifier: SecretString,
    /// Sent with the authorize request.
    pub challenge: String,
}

impl std::fmt::Debug for Pkce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pkce")
    }
}

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source failed; try again")]
pub struct RandomError;

impl Pkce {
    /// 64 random bytes, as the upstream client does.
    ///
    /// # Errors
    /// [`RandomError`] when the system has no randomness.
    pub fn generate() -> Result<Self, RandomError> {
        let verifier = SecretString::from(URL_SAFE_NO_PAD.encode(random::<64>()?));
        let challenge = challenge_of(verifier.expose_secret());
        Ok(Self {
            verifier,
            challenge,
        })
    }
}

/// `base64url(SHA256(verifier))` without padding (RFC 7636).
#[must_use]
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// A `state` of 32 random bytes (F3 asks for at least 16).
///
/// # Errors
/// [`RandomError`] when the system has no randomness.
pub fn state() -> Result<String, RandomError> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| RandomError)?;
    Ok(bytes)
}

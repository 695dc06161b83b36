//! The console's token, and the ticket that opens it once.
//!
//! A link on a terminal ends in a browser's history, so it carries no token but a ticket that is good for one exchange: the page makes a
//! token of its own and hands it in with the ticket. The server keeps digests only, in memory only: with the process all of it ends, and no
//! answer ever holds a token.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::guard;
use crate::error::{AdminError, ErrorCode};

/// Shortest token a page may bring, in characters: 32 random bytes have 43.
const SHORTEST: usize = 43;
/// Longest one.
const LONGEST: usize = 128;

type Digested = [u8; 32];

/// What opens the console. Made once per start.
pub struct Pass {
    /// Of the tokens that are good: the printed one, and one for the page that used the ticket.
    tokens: Mutex<Vec<Digested>>,
    ticket: Mutex<Option<Digested>>,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pass")
    }
}

/// What the person is told once.
#[derive(Debug)]
pub struct Opens {
    /// The token, for the page's own question and for programs.
    pub token: SecretString,
    /// What the link carries (`#ticket=…`); good once.
    pub ticket: SecretString,
}

impl Pass {
    /// A fresh token and ticket.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> std::io::Result<(Self, Opens)> {
        let opens = Opens {
            token: random()?,
            ticket: random()?,
        };
        let pass = Self {
            tokens: Mutex::new(vec![digest(opens.token.expose_secret())]),
            ticket: Mutex::new(Some(digest(opens.ticket.expose_secret()))),
        };
        Ok((pass, opens))
    }

    /// Whether this token is good. All are compared, in constant time.
    pub(super) fn admits(&self, token: &str) -> bool {
        let wanted = digest(token);
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let mut good = false;
        for token in tokens.iter() {
            good |= bool::from(token.ct_eq(&wanted));
        }
        good
    }

    /// Takes the ticket for this token, once.
    fn exchange(&self, ticket: &str, token: &str) -> bool {
        let wanted = digest(ticket);
        let mut held = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = held.is_some_and(|held| bool::from(held.ct_eq(&wanted)));
        if fits {
            *held = None;
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.push(digest(token));
        }
        fits
    }
}

/// The token of a page that used the ticket.
#[derive(Deserialize)]
pub(super) struct Session {
    token: String,
}

/// `POST /console/session`: the ticket as bearer, the page's own token in the body.
pub(super) async fn begin(
    State(pass): State<Arc<Pass>>,
    headers: HeaderMap,
    session: Result<Json<Session>, JsonRejection>,
) -> Response {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let token = session.map_or_else(|_| String::new(), |Json(session)| session.token);
    if !(SHORTEST..=LONGEST).contains(&token.len()) || !token.chars().all(legal) {
        let words = "the token is 43 to 128 letters, digits, - and _";
        return AdminError::new(ErrorCode::Invalid, words).into_response();
    }
    match bearer(&headers) {
        Some(ticket) if pass.exchange(ticket, &token) => StatusCode::NO_CONTENT.into_response(),
        _ => guard::refused(),
    }
}

/// The credential of an `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(credential.trim())
}

fn digest(text: &str) -> Digested {
    Sha256::digest(text.as_bytes()).into()
}

fn random() -> std::io::Result<SecretString> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|_| std::io::Error::other("the system's random source failed; try again"))?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

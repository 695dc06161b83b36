//! What a person pastes after signing in: the whole address, `code#state`, a query string or the bare code (F3).
//!
//! Pure. The same reading serves the local address, whose query it is. No error repeats what was pasted: it may hold a code.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::redact::redact;

/// Longest text looked at, in bytes; an address with a code has a few hundred.
const LONGEST: usize = 16 * 1024;
/// Longest word of the issuer that is shown, in characters.
const SHOWN: usize = 200;

/// What was in it.
#[derive(Debug)]
pub(super) enum Pasted {
    /// The authorization code, of this sign-in as far as it can be told.
    Code(SecretString),
    /// The issuer's refusal, in words for the person.
    Error(String),
}

/// What is said where the `state` is another sign-in's.
pub(super) const MISMATCH: &str =
    "state mismatch: this belongs to another sign-in; paste what the newest page ended on";

/// Reads what was pasted for the sign-in with this `state`. Where the text has a state, it must be that one; `Err` says what is wrong.
pub(super) fn read(text: &SecretString, state: &str) -> Result<Pasted, &'static str> {
    let text = text.expose_secret().trim();
    let text = text
        .trim_matches(|c| matches!(c, '"' | '\'' | '`' | '<' | '>'))
        .trim();
    if text.is_empty() {
        return Err("there is nothing to read; paste the address that the browser ended on");
    }
    if text.len() > LONGEST {
        return Err("that is too long; paste the address that the browser ended on, nothing else");
    }
    let fields = Fields::of(text);
    if fields
        .state
        .as_deref()
        .is_some_and(|found| !same(found, state))
    {
        return Err(MISMATCH);
    }
    if let Some(error) = &fields.error {
        return Ok(Pasted::Error(issuer_words(
            error,
            fields.description.as_deref(),
        )));
    }
    match fields.code {
        Some(code) if is_code(&code) => Ok(Pasted::Code(SecretString::from(code))),
        Some(_) => Err("that is no code; paste the whole address that the browser ended on"),
        None if fields.is_sign_in_page => Err(
            "this is the address of the sign-in page; sign in there and paste the address it ends on",
        ),
        None => Err("there is no code in it; paste the address that the browser ended on"),
    }
}

/// The fields that a redirect can carry.
#[derive(Default)]
pub(super) struct Fields {
    pub code: Option<String>,
    pub state: Option<String>,
    pub error: Option<String>,
    pub description: Option<String>,
    /// It is the page before, not the one after.
    is_sign_in_page: bool,
}

impl Fields {
    /// Of a query string without its question mark.
    pub(super) fn of_query(query: &str) -> Self {
        let mut fields = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "code" => &mut fields.code,
                "state" => &mut fields.state,
                "error" => &mut fields.error,
                "error_description" => &mut fields.description,
                "response_type" => {
                    fields.is_sign_in_page = true;
                    continue;
                }
                _ => continue,
            };
            if !value.is_empty() {
                slot.get_or_insert(value.into_owned());
            }
        }
        fields
    }

    fn of(text: &str) -> Self {
        const NAMES: [&str; 4] = ["code=", "state=", "error=", "response_type="];
        let address =
            text.contains("://") || text.starts_with("localhost") || text.starts_with('/');
        let query = match text.split_once('?') {
            Some((_, query)) => Some(query),
            None if address => text.split_once('#').map(|(_, fragment)| fragment),
            None => NAMES
                .iter()
                .any(|name| text.starts_with(name))
                .then_some(text),
        };
        match query {
            Some(query) => {
                let (query, fragment) = query.split_once('#').unwrap_or((query, ""));
                let fields = Self::of_query(query);
                if fields.code.is_none() && fields.error.is_none() {
                    let behind = Self::of_query(fragment);
                    if behind.code.is_some() || behind.error.is_some() {
                        return behind;
                    }
                }
                fields
            }
            None if address => Self::default(),
            None => {
                let (code, state) = match text.split_once('#') {
                    Some((code, state)) => (code, Some(state.to_owned())),
                    None => (text, None),
                };
                Self {
                    code: Some(code.trim().to_owned()),
                    state: state.filter(|state| !state.is_empty()),
                    ..Self::default()
                }
            }
        }
    }
}

/// Whether two states are equal, without telling by the time it takes where they differ.
pub(super) fn same(found: &str, state: &str) -> bool {
    Sha256::digest(found.as_bytes()) == Sha256::digest(state.as_bytes())
}

/// What the issuer's refusal means (codex-backend 1.2). Its own words are cut and redacted: they come from outside.
pub(super) fn issuer_words(error: &str, description: Option<&str>) -> String {
    let description = description.unwrap_or_default();
    if description.contains("missing_codex_entitlement") {
        return "this workspace may not use Codex: choose another workspace on the sign-in page, or ask its administrator".to_owned();
    }
    if error == "access_denied" {
        return "the sign-in was declined on its page".to_owned();
    }
    let shown = |text: &str| -> String {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(SHOWN)
            .collect();
        redact(text.trim()).into_owned()
    };
    match shown(description) {
        text if text.is_empty() => format!("the provider refused the sign-in ({})", shown(error)),
        text => format!(
            "the provider refused the sign-in ({}): {text}",
            shown(error)
        ),
    }
}

/// Codes are short words of URL characters.
fn is_code(code: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.~%+/=|:".contains(c);
    (4..=4096).contains(&code.len()) && code.chars().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match read(&SecretString::from(text), "st-1") {
            Ok(Pasted::Code(code)) => code.expose_secret().to_owned(),
            Ok(Pasted::Error(words)) => format!("refused: {words}"),
            Err(problem) => {
                assert!(!problem.contains("ac-1"));
                let word = problem.split([' ', ';', ':']).nth(2).unwrap();
                format!("no: {word}")
            }
        }
    }

    #[test]
    fn f3_every_form_of_a_pasted_code() {
        for (text, expected) in [
            (
                "http://localhost:1455/auth/callback?code=ac-1&state=st-1",
                "ac-1",
            ),
            (
                "  http://localhost:1457/auth/callback?state=st-1&code=ac-1#  ",
                "ac-1",
            ),
            (
                "<http://127.0.0.1:1455/auth/callback?code=ac-1&state=st-1>",
                "ac-1",
            ),
            ("localhost:1455/auth/callback?code=ac-1&state=st-1", "ac-1"),
            ("/auth/callback?code=ac-1&state=st-1", "ac-1"),
            (
                "http://localhost:1455/auth/callback#code=ac-1&state=st-1",
                "ac-1",
            ),
            ("http://localhost:1455/auth/callback?code=ac%2D1", "ac-1"),
            ("?code=ac-1&state=st-1", "ac-1"),
            ("code=ac-1&state=st-1&scope=openid", "ac-1"),
            ("state=st-1&code=ac-1", "ac-1"),
            ("ac-1#st-1", "ac-1"),
            ("ac-1#", "ac-1"),
            ("ac-1", "ac-1"),
            ("\"ac-1\"\n", "ac-1"),
            ("a%c+/=|:x~y", "a%c+/=|:x~y"),
        ] {
            assert_eq!(check(text), expected, "{text}");
        }
    }

    #[test]
    fn f3_another_state_is_a_mismatch() {
        for text in [
            "http://localhost:1455/auth/callback?code=ac-1&state=st-2",
            "code=ac-1&state=st-2",
            "ac-1#st-2",
            "?error=access_denied&state=st-2",
        ] {
            let problem = read(&SecretString::from(text), "st-1").unwrap_err();
            assert!(problem.contains("state mismatch"), "{text}: {problem}");
        }
    }

    #[test]
    fn what_holds_no_code_says_what_to_paste() {
        let long = "x".repeat(LONGEST + 1);
        for text in [
            "",
            " \n",
            "http://localhost:1455/auth/callback",
            "http://localhost:1455/auth/callback?state=st-1",
            "https://auth.example.com/oauth/authorize?response_type=code&state=st-1",
            "I signed in, what now?",
            "code=&state=st-1",
            "abc",
            &long,
        ] {
            assert!(check(text).starts_with("no: "), "{text}: {}", check(text));
        }
        let page = "https://auth.example.com/oauth/authorize?response_type=code&state=st-1";
        let problem = read(&SecretString::from(page), "st-1").unwrap_err();
        assert!(problem.contains("address of the sign-in page"), "{problem}");
    }

    #[test]
    fn f3_the_issuers_refusal_is_told() {
        for (query, expected) in [
            ("error=access_denied", "declined"),
            (
                "error=x&error_description=missing_codex_entitlement",
                "another workspace",
            ),
            ("error=server_error", "(server_error)"),
            (
                "error=server_error&error_description=Try+later%0A",
                "(server_error): Try later",
            ),
        ] {
            let text = format!("http://localhost:1455/auth/callback?{query}&state=st-1");
            let said = check(&text);
            assert!(
                said.starts_with("refused: ") && said.contains(expected),
                "{said}"
            );
        }
        let secret = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwZXJzb24ifQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw";
        assert!(!issuer_words("x", Some(secret)).contains(secret));
        assert!(issuer_words("x", Some(&"y".repeat(5000))).len() < 400);
    }
}

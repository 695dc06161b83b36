//! The one redactor: whatever is logged, shown as an error or put into a report goes through it (F30).
//!
//! It is the last line, not the first: code must not hand secrets to a log at all. The log writer of the shell and of
//! the command line is a [`RedactingWriter`]; messages from outside go through [`redact`].

use std::borrow::Cow;
use std::io::{self, Write};

/// What stands for a part that is not shown.
const HIDDEN: &str = "•••";
/// Below this many characters a secret is hidden whole: first and last parts would tell most of it.
const SHOWN_FROM: usize = 24;

/// What secrets begin with, and how many characters must follow for one to be believed.
const PREFIXES: &[(&str, usize)] = &[
    ("oaistb_rt_", 4),
    ("eyJ", 24),
    ("sk-", 8),
    ("sk_", 8),
    ("rt_", 8),
    ("rt.", 16),
    ("at-", 20),
    ("AIza", 20),
    ("gsk_", 8),
    ("xai-", 8),
    ("hf_", 16),
];

/// Names whose value is always a secret.
const SECRET_NAMES: &[&str] = &[
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "sessiontoken",
    "authtoken",
    "apikey",
    "xapikey",
    "xgoogapikey",
    "openaiapikey",
    "clientsecret",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "switchyardpassphrase",
    "codeverifier",
    "authorization",
    "proxyauthorization",
    "cookie",
    "setcookie",
    "rk",
];
/// Names whose value is a secret after `=`, and after `:` only where it looks like one.
const LIKELY_NAMES: &[&str] = &["key", "token", "access", "refresh"];
/// Words after "Bearer" that are plain speech.
const SPEECH: &[&str] = &[
    "token",
    "tokens",
    "auth",
    "authentication",
    "authorization",
    "scheme",
    "header",
    "key",
    "realm",
    "error",
    "or",
];

/// A token as it may be shown: first 8…last 6, short ones hidden whole (F30).
#[must_use]
pub fn mask_secret(secret: &str) -> String {
    let count = secret.chars().count();
    if count < SHOWN_FROM {
        return HIDDEN.to_owned();
    }
    let first: String = secret.chars().take(8).collect();
    let last: String = secret.chars().skip(count - 6).collect();
    format!("{first}…{last}")
}

/// An e-mail address as it may be shown: `a•••@example.com`.
#[must_use]
pub fn mask_email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) if local.chars().count() > 1 => {
            format!(
                "{}{HIDDEN}@{domain}",
                local.chars().take(1).collect::<String>()
            )
        }
        Some((_, domain)) => format!("{HIDDEN}@{domain}"),
        None => HIDDEN.to_owned(),
    }
}

/// The text without its secrets; e-mail addresses stay.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    Redactor::default().apply(text)
}

/// The redactor with its switch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redactor {
    /// Whether e-mail addresses are masked too (F30).
    pub emails: bool,
}

impl Redactor {
    /// The text without its secrets. Borrowed where there was none.
    #[must_use]
    pub fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut out: Option<String> = None;
        let mut copied = 0;
        let mut at = 0;
        while at < text.len() {
            let Some(found) = self.find_at(text, at) else {
                at += text
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8);
                continue;
            };
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(text.get(copied..found.start).unwrap_or_default());
            out.push_str(&found.shown);
            copied = found.end;
            at = found.end.max(at + 1);
        }
        match out {
            None => Cow::Borrowed(text),
            Some(mut out) => {
                out.push_str(text.get(copied..).unwrap_or_default());
                Cow::Owned(out)
            }
        }
    }

    /// The secret whose sign (prefix, name, scheme) begins exactly at `at`.
    fn find_at(&self, text: &str, at: usize) -> Option<Found> {
        let rest = text.get(at..)?;
        if rest.starts_with("://") {
            return user_password(text, at + 3);
        }
        let before = text.get(..at)?.chars().next_back();
        if before.is_some_and(is_name_char) || !rest.starts_with(is_name_char) {
            return None;
        }
        let name_end = at + rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        let name = text.get(at..name_end)?;
        prefixed(text, at)
            .or_else(|| after_scheme(text, name, name_end))
            .or_else(|| after_name(text, name, name_end, before))
            .or_else(|| if self.emails { email(text, at) } else { None })
    }
}

/// A part to replace.
struct Found {
    start: usize,
    end: usize,
    shown: String,
}

impl Found {
    fn masked(text: &str, start: usize, end: usize) -> Option<Self> {
        let secret = text.get(start..end).filter(|secret| !secret.is_empty())?;
        Some(Self {
            start,
            end,
            shown: mask_secret(secret),
        })
    }

    fn hidden(start: usize, end: usize) -> Option<Self> {
        (start < end).then(|| Self {
            start,
            end,
            shown: HIDDEN.to_owned(),
        })
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_secret_char(c: char) -> bool {
    is_name_char(c) || matches!(c, '.' | '~' | '+' | '/' | '%' | '=')
}

/// Where the run of secret characters that begins at `start` ends; a full stop behind it is the sentence's.
fn run_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let run = rest
        .get(..rest.find(|c| !is_secret_char(c)).unwrap_or(rest.len()))
        .unwrap_or_default();
    start + run.trim_end_matches('.').len()
}

/// `sk-…`, `rt_…`, a JWT and their like.
fn prefixed(text: &str, at: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    let (prefix, least) = PREFIXES
        .iter()
        .find(|(prefix, _)| rest.starts_with(prefix))?;
    let end = run_end(text, at);
    if end - at < prefix.len() + least {
        None
    } else {
        Found::masked(text, at, end)
    }
}

/// `Bearer …` and `Basic …`.
fn after_scheme(text: &str, name: &str, name_end: usize) -> Option<Found> {
    if !name.eq_ignore_ascii_case("bearer") && !name.eq_ignore_ascii_case("basic") {
        return None;
    }
    let rest = text.get(name_end..)?;
    let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    // In a URL a blank is written %20 or +.
    let gap = if gap > 0 {
        gap
    } else if rest.starts_with("%20") {
        3
    } else if rest.starts_with('+') {
        1
    } else {
        return None;
    };
    let start = name_end + gap;
    let end = run_end(text, start);
    let word = text.get(start..end)?;
    if SPEECH
        .iter()
        .any(|speech| word.eq_ignore_ascii_case(speech))
    {
        None
    } else {
        Found::masked(text, start, end)
    }
}

/// `name=value`, `name: value`, `"name":"value"`, also with the quotation marks escaped.
fn after_name(text: &str, name: &str, name_end: usize, before: Option<char>) -> Option<Found> {
    let plain: String = name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let sure = SECRET_NAMES.contains(&plain.as_str());
    let likely = LIKELY_NAMES.contains(&plain.as_str());
    // An authorization code is one only in a query: everywhere else "code" is an error's name.
    let code = plain == "code" && matches!(before, Some('?' | '&'));
    if !(sure || likely || code) {
        return None;
    }
    let is_mark = |c: char| matches!(c, '"' | '\'' | '\\' | '`');
    let rest = text.get(name_end..)?;
    let after_quote = rest.trim_start_matches(is_mark).trim_start_matches(' ');
    let sign = after_quote
        .chars()
        .next()
        .filter(|sign| matches!(sign, '=' | ':'))?;
    let value = after_quote.get(1..)?.trim_start_matches([' ', '\t']);
    let opened = value.trim_start_matches(is_mark);
    let quote = value.get(..value.len() - opened.len())?.chars().next_back();
    let start = text.len() - opened.len();
    let end = start + value_len(opened, quote, plain.ends_with("cookie"));
    let value = text.get(start..end)?;
    let looks_secret = value.len() >= 16 && value.bytes().any(|byte| byte.is_ascii_digit());
    if matches!(value, "" | "null" | "true" | "false" | "None")
        || (sign == ':' && likely && !looks_secret)
    {
        return None;
    }
    if plain.ends_with("authorization")
        && let Some((scheme, _)) = value.split_once(' ')
    {
        return Found::masked(text, start + scheme.len() + 1, end);
    }
    if plain.contains("pass") {
        Found::hidden(start, end)
    } else {
        Found::masked(text, start, end)
    }
}

/// How long the value at the start of `text` is: up to its quotation mark, else to where a bare value ends.
fn value_len(text: &str, quote: Option<char>, whole_line: bool) -> usize {
    let end = match quote {
        Some(quote) => text.find([quote, '\\', '\n']),
        None if whole_line => text.find('\n'),
        None => {
            let scheme = ["Bearer ", "bearer ", "Basic ", "basic "]
                .iter()
                .find(|scheme| text.starts_with(**scheme));
            let from = scheme.map_or(0, |scheme| scheme.len());
            let ends = |c: char| {
                c.is_whitespace()
                    || matches!(
                        c,
                        '&' | ',' | ';' | '"' | '\'' | ')' | ']' | '}' | '<' | '>' | '#'
                    )
            };
            text.get(from..)
                .and_then(|rest| rest.find(ends))
                .map(|end| from + end)
        }
    };
    end.unwrap_or(text.len())
}

/// The password in `scheme://user:password@host`; `start` is behind the slashes.
fn user_password(text: &str, start: usize) -> Option<Found> {
    let rest = text.get(start..)?;
    let authority = rest.get(
        ..rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '<' | '>')
            })
            .unwrap_or(rest.len()),
    )?;
    let (user, _) = authority.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    let from = start + name.len() + 1;
    Found::hidden(from, from + password.len())
}

/// An e-mail address; `at` is where a word begins.
fn email(text: &str, at: usize) -> Option<Found> {
    let before = text.get(..at)?.chars().next_back();
    let rest = text.get(at..)?;
    let is_local = |c: char| is_name_char(c) || matches!(c, '.' | '+' | '%');
    if before.is_some_and(|c| is_local(c) || c == '@') {
        return None;
    }
    let local = rest.get(..rest.find(|c| !is_local(c))?)?;
    let behind = rest.get(local.len()..)?.strip_prefix('@')?;
    let domain = behind.get(
        ..behind
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.'))
            .unwrap_or(behind.len()),
    )?;
    let domain = domain.trim_end_matches('.');
    if local.is_empty() || !domain.contains('.') {
        return None;
    }
    let end = at + local.len() + 1 + domain.len();
    Some(Found {
        start: at,
        end,
        shown: mask_email(text.get(at..end)?),
    })
}

/// A writer that redacts. Every call of `write` must hold whole lines, as log formatters give them; a secret that is
/// cut in two by the caller may pass.
#[derive(Debug)]
pub struct RedactingWriter<W> {
    inner: W,
    redactor: Redactor,
}

impl<W: Write> RedactingWriter<W> {
    /// Redacts what goes to `inner`.
    pub fn new(inner: W, redactor: Redactor) -> Self {
        Self { inner, redactor }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.inner
            .write_all(self.redactor.apply(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;

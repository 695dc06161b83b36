//! One JSON object under several names: the field synonyms of appendix B, and instants in all their spellings.
//!
//! Which field means what for an account is `item`'s.

use pool::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::Problem;

/// Numbers below this are unix seconds, others milliseconds (F4).
const SECONDS_BELOW: i64 = 10_000_000_000;

/// An object, and the object inside it that holds the tokens (`tokens`, `credentials`), which is asked first.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) inner: Option<&'a Map<String, Value>>,
    pub(super) outer: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The first of `names` that is there and not null.
    pub(super) fn find(&self, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
        let look = |map: &'a Map<String, Value>| {
            names.iter().find_map(|name| {
                map.get(*name)
                    .filter(|value| !value.is_null())
                    .map(|value| (*name, value))
            })
        };
        self.inner.and_then(look).or_else(|| look(self.outer))
    }

    /// The first of `names` that says something.
    pub(super) fn text(&self, names: &[&'static str]) -> Result<Option<String>, Problem> {
        for name in names {
            match self.find(&[name]) {
                Some((_, Value::String(text))) if text.trim().is_empty() => {}
                Some((_, Value::String(text))) => return Ok(Some(text.trim().to_owned())),
                Some((field, _)) => {
                    return Err(Problem::WrongType {
                        field,
                        expected: "a text",
                    });
                }
                None => {}
            }
        }
        Ok(None)
    }

    /// The same, as a secret; a "Bearer " in front is taken away.
    pub(super) fn secret(&self, names: &[&'static str]) -> Result<Option<SecretString>, Problem> {
        Ok(self
            .text(names)?
            .map(|text| SecretString::from(without_scheme(&text).to_owned()))
            .filter(|secret| {
                use secrecy::ExposeSecret;
                !secret.expose_secret().is_empty()
            }))
    }

    /// A list of texts; `None` where there is none.
    pub(super) fn list(&self, names: &[&'static str]) -> Result<Option<Vec<String>>, Problem> {
        let Some((field, value)) = self.find(names) else {
            return Ok(None);
        };
        let wrong = Problem::WrongType {
            field,
            expected: "a list of texts",
        };
        let Some(array) = value.as_array() else {
            return Err(wrong);
        };
        let texts: Option<Vec<String>> = array
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect();
        texts.map(Some).ok_or(wrong)
    }

    /// A small whole number; other things are passed over, for they are extras.
    pub(super) fn number(&self, name: &'static str) -> Option<u32> {
        self.find(&[name])
            .and_then(|(_, value)| value.as_u64())
            .and_then(|number| u32::try_from(number).ok())
    }

    /// When the access token ends, by its fields alone: `expires`, `expires_at`, then `expired`/`expiresAt` (F4).
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        ["expires", "expires_at", "expired", "expiresAt"]
            .iter()
            .find_map(|name| instant(self.find(&[name])?.1))
    }
}

/// The token behind an optional "Bearer ".
pub(super) fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked(6) {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("bearer") && rest.starts_with([' ', '\t']) =>
        {
            rest.trim()
        }
        _ => text,
    }
}

/// An instant written as a number (seconds or milliseconds), as such a number in a text, or as ISO 8601 (UTC where it
/// names no offset).
pub(super) fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().or_else(|| {
                number
                    .as_f64()
                    .filter(|number| number.abs() < 1e15)
                    .map(|number| number as i64)
            })?;
            from_number(whole)
        }
        Value::String(text) => {
            let text = text.trim();
            if let Ok(whole) = text.parse::<i64>() {
                return from_number(whole);
            }
            let with_offset = text
                .parse::<jiff::Timestamp>()
                .ok()
                .map(jiff::Timestamp::as_millisecond);
            let in_utc = || {
                let civil: jiff::civil::DateTime = text.parse().ok()?;
                Some(
                    civil
                        .to_zoned(jiff::tz::TimeZone::UTC)
                        .ok()?
                        .timestamp()
                        .as_millisecond(),
                )
            };
            with_offset.or_else(in_utc).map(Timestamp)
        }
        _ => None,
    }
}

fn from_number(whole: i64) -> Option<Timestamp> {
    match whole {
        ..=0 => None,
        seconds if seconds < SECONDS_BELOW => Some(Timestamp::from_secs(seconds)),
        millis => Some(Timestamp(millis)),
    }
}

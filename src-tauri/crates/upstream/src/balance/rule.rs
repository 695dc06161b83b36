//! A balance rule of the person's own (F111), for relays that no adapter knows: where to ask, and where in the answer the amounts stand.
//!
//! One line of text: a path or URL, `#`, and what to read, as `NAME=VALUE` joined by `&`. Values are percent-decoded.
//!
//! - `total`: a JSON pointer to what is left, or to everything there was when `used` is told as well. Required.
//! - `used`: a JSON pointer to what was used of it.
//! - `per`: how many of the answer's units are one unit of the currency; 1.
//! - `currency`: its name; USD.
//! - `send_key=yes`: the key may go to another host than the account's own.
//!
//! For instance `/api/user/self#total=/data/quota&per=500000`. Numbers are read by their letters and never pass through a float.

use std::collections::HashMap;

use serde_json::value::RawValue;
use url::Url;

use super::{Amount, BalanceReading, Decimal};
use crate::QueryError;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BalanceRule {
    /// As it was written.
    pub(super) text: String,
    place: String,
    total: String,
    used: Option<String>,
    per: u64,
    currency: String,
    elsewhere: bool,
}

impl BalanceRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let (place, what) = text
            .split_once('#')
            .ok_or("a balance rule is a path or URL, `#`, and total=/json/pointer")?;
        let mut rule = Self {
            text: text.to_owned(),
            place: place.to_owned(),
            total: String::new(),
            used: None,
            per: 1,
            currency: "USD".to_owned(),
            elsewhere: false,
        };
        for (name, value) in url::form_urlencoded::parse(what.as_bytes()) {
            let value = value.into_owned();
            match name.as_ref() {
                "total" if value.starts_with('/') => rule.total = value,
                "used" if value.starts_with('/') => rule.used = Some(value),
                "total" | "used" => {
                    return Err("total and used are JSON pointers such as /data/0/balance");
                }
                "per" => {
                    let per = value.parse().ok().filter(|per| *per > 0);
                    rule.per = per.ok_or("per is a whole number above 0")?;
                }
                "currency" if (1..=8).contains(&value.len()) => rule.currency = value,
                "send_key" => rule.elsewhere = value == "yes",
                _ => {
                    return Err(
                        "a balance rule has total, used, per, currency (a short name) and send_key",
                    );
                }
            }
        }
        if place.is_empty() || rule.total.is_empty() {
            return Err("a balance rule names a path or URL, and total=/json/pointer");
        }
        Ok(rule)
    }

    /// Where it asks for an account with this base URL, and whether that is the account's own host.
    ///
    /// # Errors
    /// In words, when the key must not go there: only to the account's own scheme, host and port unless the person says otherwise, and never
    /// unencrypted to another host.
    pub fn place(&self, base: &Url) -> Result<(Url, bool), &'static str> {
        let url = base
            .join(&self.place)
            .map_err(|_| "the balance rule's URL cannot be read")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the balance rule's URL holds a user name or password; it is no place for secrets",
            );
        }
        if url.origin() == base.origin() {
            return Ok((url, true));
        }
        if url.scheme() != "https" {
            return Err("another host than the account's own is asked over https only");
        }
        if !self.elsewhere {
            return Err(
                "the balance rule would send the key to another host than the account's own; add &send_key=yes if it may",
            );
        }
        Ok((url, false))
    }

    pub(super) fn read(&self, body: &[u8]) -> Result<BalanceReading, QueryError> {
        let body = std::str::from_utf8(body).map_err(|_| QueryError::Unreadable)?;
        let number = |pointer: &str| at(body, pointer).ok_or(QueryError::Unreadable);
        let mut total = number(&self.total)?;
        if let Some(used) = &self.used {
            total = total.minus(number(used)?);
        }
        Ok(BalanceReading {
            amounts: vec![Amount {
                currency: self.currency.clone(),
                total: total.times(1, self.per),
                granted: None,
                topped_up: None,
            }],
            ..BalanceReading::default()
        })
    }
}

/// The number at a JSON pointer (RFC 6901).
fn at(body: &str, pointer: &str) -> Option<Decimal> {
    let mut here = body.trim_start();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        here = match here.as_bytes().first()? {
            b'{' => serde_json::from_str::<HashMap<String, &RawValue>>(here)
                .ok()?
                .remove(&step)?
                .get(),
            b'[' => serde_json::from_str::<Vec<&RawValue>>(here)
                .ok()?
                .get(step.parse::<usize>().ok()?)?
                .get(),
            _ => return None,
        };
    }
    serde_json::from_str(here).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f111_a_rule_reads_exact_amounts() {
        const BODY: &str = r#" {"data": {"quota": 1234567, "used": "0.000000000000000001", "a/b": [{"m~n": 12345678901234.123456}]}, "none": null}"#;
        let cases = [
            ("/p#total=/data/quota", Some("USD 1234567.00")),
            (
                "/p#total=/data/quota&per=500000&currency=EUR",
                Some("EUR 2.469134"),
            ),
            // A float would make another number of either.
            (
                "/p#total=/data/a~1b/0/m~0n",
                Some("USD 12345678901234.123456"),
            ),
            (
                "/p#total=/data/quota&used=/data/used",
                Some("USD 1234566.999999999999999999"),
            ),
            ("/p#total=%2Fdata%2Fquota", Some("USD 1234567.00")),
            ("/p#total=/data/missing", None),
            ("/p#total=/data/a~1b/1", None),
            ("/p#total=/data/a~1b/x", None),
            ("/p#total=/data", None),
            ("/p#total=/none", None),
            ("/p#total=/data/quota/deeper", None),
        ];
        for (text, expected) in cases {
            let rule = BalanceRule::parse(text).unwrap();
            let told = rule.read(BODY.as_bytes()).ok();
            let told =
                told.map(|told| format!("{} {}", told.amounts[0].currency, told.amounts[0].total));
            assert_eq!(told.as_deref(), expected, "{text}");
        }
        assert!(
            BalanceRule::parse("/p#total=/a")
                .unwrap()
                .read(b"<html>")
                .is_err()
        );
    }

    #[test]
    fn f111_a_rule_that_says_nonsense_is_refused() {
        for text in [
            "",
            "deepseek",
            "#total=/a",
            "/p#",
            "/p#used=/a",
            "/p#total=a",
            "/p#total=/a&used=b",
            "/p#total=/a&per=0",
            "/p#total=/a&per=x",
            "/p#total=/a&colour=red",
            "/p#total=/a&currency=",
        ] {
            assert!(BalanceRule::parse(text).is_err(), "{text}");
        }
    }

    /// The key goes to the account's own scheme, host and port, and elsewhere only when the person says so.
    #[test]
    fn f111_the_key_stays_at_home_unless_the_person_says_otherwise() {
        let cases = [
            (
                "https://relay.example.com/v1",
                "/api/self",
                "",
                Some(("https://relay.example.com/api/self", true)),
            ),
            (
                "https://relay.example.com/v1",
                "https://relay.example.com/x?y=1",
                "",
                Some(("https://relay.example.com/x?y=1", true)),
            ),
            (
                "http://127.0.0.1:3000/v1",
                "/api",
                "",
                Some(("http://127.0.0.1:3000/api", true)),
            ),
            (
                "https://relay.example.com/v1",
                "https://bank.example.com/b",
                "",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "https://bank.example.com/b",
                "&send_key=yes",
                Some(("https://bank.example.com/b", false)),
            ),
            (
                "https://relay.example.com/v1",
                "//bank.example.com/b",
                "",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "\\\\bank.example.com/b",
                "",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "https://relay.example.com:8443/b",
                "",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "http://relay.example.com/b",
                "&send_key=yes",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "http://bank.example.com/b",
                "&send_key=yes",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "file:///etc/passwd",
                "&send_key=yes",
                None,
            ),
            (
                "https://relay.example.com/v1",
                "https://me:pw@relay.example.com/b",
                "",
                None,
            ),
        ];
        for (base, place, more, expected) in cases {
            let rule = BalanceRule::parse(&format!("{place}#total=/a{more}")).unwrap();
            let told = rule.place(&base.parse().unwrap());
            let told = told.as_ref().map(|(url, own)| (url.as_str(), *own)).ok();
            assert_eq!(told, expected, "{place} {more}");
        }
    }
}

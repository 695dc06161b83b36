//! Until when a key is good: read from people's words and from the vault. What cannot be read has passed (F27).

use pool::Timestamp;
use serde::{Deserialize, Deserializer};

/// The instant of a date that cannot be read: long ago.
const UNREADABLE: i64 = i64::MIN;

/// A date (good until its end, in this machine's time zone), or an instant such as `2026-12-31T18:00:00Z`.
pub fn read_expiry(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(instant.as_millisecond()));
    }
    let day: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
    let end = day.tomorrow().ok()?;
    let end = end.to_zoned(jiff::tz::TimeZone::system()).ok()?;
    Some(Timestamp(end.timestamp().as_millisecond()))
}

/// As it is kept: unix milliseconds, or a text an earlier hand wrote.
pub(super) fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => None,
        serde_json::Value::Number(at) => Some(at.as_i64().unwrap_or(UNREADABLE)),
        serde_json::Value::String(text) => Some(read_expiry(&text).map_or(UNREADABLE, |at| at.0)),
        _ => Some(UNREADABLE),
    })
}

#[cfg(test)]
mod tests {
    use super::super::StoredKey;
    use super::*;

    #[test]
    fn f27_an_unreadable_date_has_passed() {
        let cases = [
            ("null", None),
            ("1789344000000", Some(1_789_344_000_000)),
            ("\"2026-09-14T00:00:00Z\"", Some(1_789_344_000_000)),
            ("\"soon\"", Some(UNREADABLE)),
            ("\"\"", Some(UNREADABLE)),
            ("1.5", Some(UNREADABLE)),
            ("{}", Some(UNREADABLE)),
        ];
        for (text, expected) in cases {
            let json = format!(r#"{{"name":"k","key":"secret","expires_at":{text}}}"#);
            let key: StoredKey = serde_json::from_str(&json).unwrap();
            assert_eq!(key.expires_at, expected, "{text}");
        }
        let old: StoredKey = serde_json::from_str(r#"{"name":"k","key":"secret"}"#).unwrap();
        assert!(
            old.enabled && old.expires_at.is_none(),
            "keys of earlier versions"
        );
    }

    #[test]
    fn f27_a_date_is_good_until_its_end() {
        let day = read_expiry("2026-09-14").unwrap();
        let next = read_expiry("2026-09-15").unwrap();
        assert!(next.0 - day.0 >= 23 * 3_600_000);
        for text in ["", "tomorrow", "2026-13-01", "2026-09-14 junk"] {
            assert_eq!(read_expiry(text), None, "{text}");
        }
    }
}

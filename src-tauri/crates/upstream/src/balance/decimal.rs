//! Amounts of money, exactly: fixed-point decimals, never a binary float (F111).
//!
//! Not a currency: which one it is stands beside the amount. Used by the readers of provider answers, and by the engine for thresholds,
//! prices and budgets.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Decimal places kept; what a provider writes beyond them is cut off.
const PLACES: u32 = 18;
const ONE: i128 = 1_000_000_000_000_000_000;
/// Places of a stored sum of money: a billionth.
const NANO: i128 = ONE / 1_000_000_000;

/// An exact decimal number of up to twenty digits before the point and eighteen behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal(i128);

/// A text that is no decimal number, or one too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number such as 12.50")]
pub struct NotDecimal;

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The threshold of an account nobody set one for (F112).
    pub const DEFAULT_THRESHOLD: Self = Self(ONE / 5);

    /// A sum kept in billionths.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos as i128 * NANO)
    }

    /// In billionths, rounded half up; a sum beyond nine billion is nine billion.
    #[must_use]
    pub fn to_nanos(self) -> i64 {
        let rounded = self.0.saturating_add(NANO / 2).div_euclid(NANO);
        i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
    }

    /// The difference; as far as numbers go.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum; as far as numbers go.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `self × count / per`, cut off behind the last place: tokens at a price per million.
    #[must_use]
    pub fn times(self, count: u64, per: u64) -> Self {
        let (per, count) = (i128::from(per.max(1)), i128::from(count));
        let (whole, rest) = (self.0 / per, self.0 % per);
        Self(
            whole
                .saturating_mul(count)
                .saturating_add(rest.saturating_mul(count) / per),
        )
    }

    /// How many thousandths of `other` it is, for estimates of time; `None` when `other` is not above zero.
    #[must_use]
    pub fn per_mille_of(self, other: Self) -> Option<i128> {
        (other.0 > 0).then(|| self.0.saturating_mul(1_000) / other.0)
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    /// Digits with an optional sign, point and power of ten, as providers write them.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let text = text.trim();
        let (text, negative) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text.strip_prefix('+').unwrap_or(text), false),
        };
        let (digits, power) = match text.split_once(['e', 'E']) {
            Some((digits, power)) => (digits, power.parse::<i32>().map_err(|_| NotDecimal)?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() || !(-60..=60).contains(&power) {
            return Err(NotDecimal);
        }
        let mut value: i128 = 0;
        // The place of the next digit: 0 is that of the ones, -1 that of the tenths.
        let mut place = i32::try_from(whole.len()).map_err(|_| NotDecimal)? - 1 + power;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return Err(NotDecimal);
            }
            let digit = i128::from(digit - b'0');
            let shift = place + PLACES as i32;
            if let Ok(shift) = u32::try_from(shift)
                && digit != 0
            {
                let worth = 10_i128.checked_pow(shift).ok_or(NotDecimal)?;
                value = digit
                    .checked_mul(worth)
                    .and_then(|worth| value.checked_add(worth))
                    .ok_or(NotDecimal)?;
            }
            place -= 1;
        }
        Ok(Self(if negative { -value } else { value }))
    }
}

impl fmt::Display for Decimal {
    /// At least two places, as money is written; no more than needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let fraction = format!("{:018}", size % one);
        let shown = fraction.trim_end_matches('0').len().max(2);
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{}", size / one, &fraction[..shown])
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// A JSON number or string, read by its letters: a number never passes through a float.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Decimal>().ok().map(|n| n.to_string())
    }

    #[test]
    fn f111_decimals_are_read_and_written_exactly() {
        let cases = [
            ("110.00", Some("110.00")),
            ("0.1", Some("0.10")),
            ("-0.5", Some("-0.50")),
            ("49.58894", Some("49.58894")),
            ("1e-7", Some("0.0000001")),
            ("1.5E3", Some("1500.00")),
            (".25", Some("0.25")),
            ("7.", Some("7.00")),
            ("+3", Some("3.00")),
            // A float would make 12345678901234.123456 out of neither.
            ("12345678901234.123456", Some("12345678901234.123456")),
            ("0.1234567890123456789", Some("0.123456789012345678")),
            ("100000000000000000000000", None),
            ("1e61", None),
            ("1e", None),
            ("", None),
            (".", None),
            ("1,5", None),
            ("NaN", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn f111_sums_have_no_rounding_of_their_own() {
        let one = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(one("0.1").plus(one("0.2")), one("0.3"));
        assert_eq!(one("10").minus(one("9.99")).to_string(), "0.01");
        // 1,234,567 tokens at 1.25 for a million.
        assert_eq!(
            one("1.25").times(1_234_567, 1_000_000).to_string(),
            "1.54320875"
        );
        assert_eq!(one("0.0000000005").to_nanos(), 1);
        assert_eq!(Decimal::from_nanos(1_500_000_000), one("1.5"));
        assert_eq!(one("1").per_mille_of(one("4")), Some(250));
        assert_eq!(one("1").per_mille_of(one("0")), None);
    }

    #[test]
    fn f111_json_numbers_and_strings_are_the_same() {
        for text in ["\"0.88\"", "0.88", "8.8e-1"] {
            let read: Decimal = serde_json::from_str(text).unwrap();
            assert_eq!(read.to_string(), "0.88");
        }
    }
}

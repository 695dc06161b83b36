//! A pull reader over one JSON text that hands out slices of it.
//!
//! It is the hub's only way of looking at JSON: strings stay in their escaped spelling ([`Text`]), so that a piece of text travels from one body
//! into another without being decoded, and large values are skipped at the speed of `memchr`. It is not a validator of everything it skips
//! (numbers and literals are taken by their alphabet) and it builds no tree. Called by the dialects' request, stream and answer decoders.

use std::borrow::Cow;

use super::text::{Text, hex4};

/// The text is not the JSON it should be; holds the byte offset where reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) usize);

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// A number, by its first byte.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

/// Containers nested deeper than this are refused, so that no input can exhaust the stack.
const MAX_DEPTH: u32 = 512;

/// Reads one JSON text from front to back.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the front of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }

    fn fail<T>(&self) -> Result<T, Malformed> {
        Err(Malformed(self.pos))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.pos += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Result<(), Malformed> {
        self.space();
        if self.peek() == Some(byte) {
            self.pos += 1;
            Ok(())
        } else {
            self.fail()
        }
    }

    /// The kind of the next value, which is not consumed.
    pub(crate) fn kind(&mut self) -> Result<Kind, Malformed> {
        self.space();
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => self.fail(),
        }
    }

    /// How many bytes were read.
    pub(crate) fn position(&self) -> usize {
        self.pos
    }

    /// Nothing but white space may be left.
    pub(crate) fn end(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.pos == self.text.len() {
            Ok(())
        } else {
            self.fail()
        }
    }

    /// Walks the members of an object; `each` consumes exactly the member's value.
    pub(crate) fn members<E: From<Malformed>>(
        &mut self,
        mut each: impl FnMut(&str, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.eat(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.pos += 1;
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.eat(b':')?;
            if key.escaped() {
                each(&key.decode(), self)?;
            } else {
                each(key.raw(), self)?;
            }
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b'}') => {
                    self.pos += 1;
                    return Ok(());
                }
                _ => return Ok(self.fail()?),
            }
        }
    }

    /// Walks the elements of an array; `each` consumes exactly one value.
    pub(crate) fn elements<E: From<Malformed>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.eat(b'[')?;
        self.space();
        if self.peek() == Some(b']') {
            self.pos += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            self.space();
            match self.peek() {
                Some(b',') => self.pos += 1,
                Some(b']') => {
                    self.pos += 1;
                    return Ok(());
                }
                _ => return Ok(self.fail()?),
            }
        }
    }

    /// The next value must be a string.
    pub(crate) fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.fail();
        }
        let start = self.pos + 1;
        let escaped = self.skip_string()?;
        Ok(Text::token(
            Cow::Borrowed(&self.text[start..self.pos - 1]),
            escaped,
        ))
    }

    /// Moves behind the string that starts here; true when it holds an escape.
    fn skip_string(&mut self) -> Result<bool, Malformed> {
        let bytes = self.text.as_bytes();
        let mut at = self.pos + 1;
        let mut escaped = false;
        loop {
            // Short strings are the common case of streams; memchr pays from a few dozen bytes on.
            let found = match near_special(bytes, at) {
                Near::Found(hit) => Some(hit),
                Near::NotBefore(from) => {
                    memchr::memchr3(b'"', b'\\', b'\n', &bytes[from..]).map(|offset| from + offset)
                }
            };
            match found {
                Some(hit) if bytes[hit] == b'"' => {
                    // A bare control character is no JSON either, and this text is spliced into ours as it is spelled. One pass without
                    // a branch costs little beside the search.
                    if bytes[self.pos + 1..hit]
                        .iter()
                        .fold(false, |bad, byte| bad | (*byte < 0x20))
                    {
                        return self.fail();
                    }
                    self.pos = hit + 1;
                    return Ok(escaped);
                }
                Some(hit) if bytes[hit] == b'\\' => {
                    escaped = true;
                    at = match bytes.get(hit + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => hit + 2,
                        Some(b'u') if self.text.get(hit + 2..).and_then(hex4).is_some() => hit + 6,
                        _ => return self.fail(),
                    };
                }
                // A bare line feed is no JSON, and would break the frames it is written into.
                _ => {
                    self.pos = bytes.len();
                    return self.fail();
                }
            }
        }
    }

    /// Consumes the next value whatever it is and returns its text.
    pub(crate) fn raw(&mut self) -> Result<&'a str, Malformed> {
        self.space();
        let start = self.pos;
        let bytes = self.text.as_bytes();
        let mut depth = 0u32;
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => {
                    self.skip_string()?;
                }
                Some(b'{' | b'[') => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return self.fail();
                    }
                    self.pos += 1;
                    continue;
                }
                Some(b'}' | b']') => {
                    if depth == 0 {
                        return self.fail();
                    }
                    depth -= 1;
                    self.pos += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.pos += 1;
                    continue;
                }
                Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') => {
                    while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') =
                        bytes.get(self.pos)
                    {
                        self.pos += 1;
                    }
                }
                _ => return self.fail(),
            }
            if depth == 0 {
                return Ok(&self.text[start..self.pos]);
            }
        }
    }

    /// Consumes the next value and forgets it.
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        self.raw().map(drop)
    }

    /// Consumes the next value when it is `null`.
    pub(crate) fn null(&mut self) -> Result<bool, Malformed> {
        if self.kind()? == Kind::Null {
            self.skip()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// A string, or nothing when the value is of another kind (which is consumed).
    pub(crate) fn string_or_skip(&mut self) -> Result<Option<Text<'a>>, Malformed> {
        if self.kind()? == Kind::String {
            return self.string().map(Some);
        }
        self.skip()?;
        Ok(None)
    }

    /// A whole number that fits, or nothing when the value is of another kind (which is consumed).
    pub(crate) fn unsigned_or_skip(&mut self) -> Result<Option<u64>, Malformed> {
        let raw = self.raw()?;
        Ok(raw.parse::<u64>().ok().or_else(|| {
            // `12.0` is what some servers count with.
            let whole = raw.parse::<f64>().ok()?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to lie in the range just here"
            )]
            (0.0..9.0e15).contains(&whole).then_some(whole as u64)
        }))
    }

    /// A boolean, or nothing when the value is of another kind (which is consumed).
    pub(crate) fn bool_or_skip(&mut self) -> Result<Option<bool>, Malformed> {
        Ok(match self.raw()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }
}

enum Near {
    Found(usize),
    /// Nothing before this offset.
    NotBefore(usize),
}

/// Looks for a quote, a backslash or a control character in the next few words of eight bytes.
fn near_special(bytes: &[u8], from: usize) -> Near {
    const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Sets the high bit of every zero byte; bits above the lowest set one may be wrong and are not looked at.
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let mut at = from;
    for _ in 0..6 {
        let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else {
            break;
        };
        let word = u64::from_le_bytes(*chunk);
        let hit = zero(word ^ (LOW * u64::from(b'"')))
            | zero(word ^ (LOW * u64::from(b'\\')))
            | (word.wrapping_sub(LOW * 0x20) & !word & HIGH);
        if hit != 0 {
            return Near::Found(at + hit.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    Near::NotBefore(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_come_back_as_they_are_spelled() {
        let text = r#" {"a" : "x\"y" , "b":[1, {"c":[]} , "é"],"\u0063": -1.5e+3,"d":null} "#;
        let mut seen = Vec::new();
        let mut reader = Reader::new(text);
        reader
            .members(|key, value| {
                seen.push((key.to_owned(), value.raw()?.to_owned()));
                Ok::<(), Malformed>(())
            })
            .unwrap();
        reader.end().unwrap();
        let seen: Vec<_> = seen.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("a", r#""x\"y""#),
                ("b", r#"[1, {"c":[]} , "é"]"#),
                ("c", "-1.5e+3"),
                ("d", "null")
            ]
        );
    }

    #[test]
    fn a_bare_control_character_is_refused_wherever_it_stands_t205() {
        for text in [
            "\"a\u{0}b\"",
            "\"a\u{1f}\"",
            &format!("\"{}\u{1}{}\"", "x".repeat(70), "y".repeat(9)),
        ] {
            assert!(Reader::new(text).string().is_err(), "{text:?}");
        }
    }

    #[test]
    fn junk_is_an_error_and_never_a_panic() {
        for text in [
            "",
            "{",
            "{\"a\"",
            "[1,",
            "\"\\",
            "\"abc",
            "]",
            "{]",
            "tru\u{e9}",
            &"[".repeat(100_000),
        ] {
            let mut reader = Reader::new(text);
            let outcome = reader.raw().and_then(|_| reader.end());
            assert!(outcome.is_err() || text == "{]", "{text:.20}");
        }
    }
}

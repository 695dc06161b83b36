//! A pull reader over one JSON text that hands out slices of it.
//!
//! It is the hub's only way of looking at JSON: strings stay in their escaped spelling ([`Text`]), so that a piece of text travels from one body
//! into another without being decoded, and large values are skipped at the speed of `memchr`. It checks the grammar of whatever it passes, since
//! values are written into other bodies as they are spelled; half a surrogate pair may stand in a string (T205). It builds no tree. Called by the dialects' request, stream and answer decoders.

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

/// Containers nested deeper than this are refused: what is handed on is read by others, which have such limits. The same as the fast lane's.
const MAX_DEPTH: u32 = super::scan::MAX_DEPTH;

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
        // Made anew for every closure: whatever needs no closure is called.
        let mut more = self.enter(b'{', b'}')?;
        while more {
            let key = self.member()?;
            each(&key, self)?;
            more = self.goes_on(b'}')?;
        }
        Ok(())
    }

    /// Walks the elements of an array; `each` consumes exactly one value.
    pub(crate) fn elements<E: From<Malformed>>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut more = self.enter(b'[', b']')?;
        while more {
            each(self)?;
            more = self.goes_on(b']')?;
        }
        Ok(())
    }

    /// Moves into a container; true when it is not empty.
    #[inline(never)]
    fn enter(&mut self, open: u8, close: u8) -> Result<bool, Malformed> {
        self.eat(open)?;
        self.space();
        let empty = self.peek() == Some(close);
        self.pos += usize::from(empty);
        Ok(!empty)
    }

    /// Moves behind a comma, or behind the container's end; true when something follows.
    fn goes_on(&mut self, close: u8) -> Result<bool, Malformed> {
        self.space();
        let next = self.peek();
        if next != Some(b',') && next != Some(close) {
            return self.fail();
        }
        self.pos += 1;
        Ok(next == Some(b','))
    }

    /// A member's name; moves to its value.
    #[inline(never)]
    fn member(&mut self) -> Result<Cow<'a, str>, Malformed> {
        self.space();
        let bytes = self.text.as_bytes();
        // Half of all strings of a stream are names: short, without an escape, and with the colon right behind.
        if self.peek() == Some(b'"')
            && let Near::Found(end) = near_special(bytes, self.pos + 1)
            && bytes[end..].starts_with(b"\":")
        {
            let key = &self.text[self.pos + 1..end];
            self.pos = end + 2;
            return Ok(Cow::Borrowed(key));
        }
        let key = self.string()?;
        self.eat(b':')?;
        Ok(key.into_decoded())
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
    #[inline(never)]
    fn skip_string(&mut self) -> Result<bool, Malformed> {
        let bytes = self.text.as_bytes();
        let mut at = self.pos + 1;
        let mut escaped = false;
        loop {
            // Short strings are the common case of streams; memchr pays from a few dozen bytes on.
            let hit = match near_special(bytes, at) {
                Near::Found(hit) => hit,
                Near::NotBefore(from) => {
                    let far = memchr::memchr3(b'"', b'\\', b'\n', &bytes[from..]);
                    let hit = far.map_or(bytes.len(), |offset| from + offset);
                    // A bare control character is no JSON either, and this text is spliced into ours as it is spelled. One pass without
                    // a branch costs little beside the search; the near one has looked already.
                    if bytes[from..hit]
                        .iter()
                        .fold(false, |bad, byte| bad | (*byte < 0x20))
                    {
                        return self.fail();
                    }
                    hit
                }
            };
            match bytes.get(hit) {
                Some(b'"') => {
                    self.pos = hit + 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
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

    /// Consumes the next value whatever it is and returns its text, which is whole and valid JSON: it is handed on as it stands.
    /// Iterative: one bit per open container, so depth costs no stack.
    #[inline(never)]
    pub(crate) fn raw(&mut self) -> Result<&'a str, Malformed> {
        self.space();
        let start = self.pos;
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            self.space();
            match self.peek() {
                Some(b'"') => drop(self.skip_string()?),
                Some(open @ (b'{' | b'[')) => {
                    self.pos += 1;
                    self.space();
                    // '}' and ']' follow their opening partner at the same distance in ASCII.
                    if self.peek() == Some(open + 2) {
                        self.pos += 1;
                    } else {
                        if depth == MAX_DEPTH {
                            return self.fail();
                        }
                        depth += 1;
                        objects = objects << 1 | u128::from(open == b'{');
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => self.word()?,
            }
            loop {
                if depth == 0 {
                    return Ok(&self.text[start..self.pos]);
                }
                self.space();
                let object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.pos += 1;
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(close @ (b'}' | b']')) if object == (close == b'}') => self.pos += 1,
                    _ => return self.fail(),
                }
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// Moves behind a member's name and its colon.
    fn key(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.peek() != Some(b'"') {
            return self.fail();
        }
        self.skip_string()?;
        self.eat(b':')
    }

    /// Moves behind `null`, `true` or `false`.
    fn word(&mut self) -> Result<(), Malformed> {
        let word: &[u8] = match self.peek() {
            Some(b'n') => b"null",
            Some(b't') => b"true",
            _ => b"false",
        };
        if !self.text.as_bytes()[self.pos..].starts_with(word) {
            return self.fail();
        }
        self.pos += word.len();
        Ok(())
    }

    /// Moves behind a number.
    fn number(&mut self) -> Result<(), Malformed> {
        self.pos += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.pos += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.pos += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.pos += 1;
            self.pos += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.pos;
        while let Some(b'0'..=b'9') = self.peek() {
            self.pos += 1;
        }
        if self.pos == start {
            return self.fail();
        }
        Ok(())
    }

    /// Consumes the next value and forgets it.
    #[inline(never)]
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        self.space();
        match self.peek() {
            Some(b'"') => self.skip_string().map(drop),
            Some(b'{' | b'[') => self.raw().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    /// Consumes the next value when it is `null`.
    #[inline(never)]
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
    #[inline(never)]
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
    #[inline(never)]
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
            "tru",
            "truefalse",
            "nul",
            "-",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "--1",
            "1 2",
            "[1 2]",
            "[1,]",
            "[,1]",
            "[}",
            "[1:2]",
            "{1:2}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{\"a\",\"b\"}",
            "{\"a\":[1}]",
            "{\"a\":\"\\x\"}",
            &"[".repeat(100_000),
            &format!("{}{}", "[".repeat(129), "]".repeat(129)),
        ] {
            let mut reader = Reader::new(text);
            let outcome = reader.raw().and_then(|_| reader.end());
            assert!(outcome.is_err(), "{text:.20}");
        }
    }

    #[test]
    fn whatever_is_json_is_passed_whole() {
        for text in [
            "null",
            "true",
            "false",
            "0",
            "-0.5E-7",
            "1e999",
            "[]",
            "{}",
            "[ ]",
            "{ }",
            r#"[[],{},[{"a":[]}],"\ud800",-1]"#,
            " { \"a\" : [ 1 , { \"b\" : null } ] , \"c\" : \"\" } ",
            &format!("{}{}", "[".repeat(127), "]".repeat(127)),
        ] {
            let mut reader = Reader::new(text);
            assert_eq!(reader.raw(), Ok(text.trim()));
            assert_eq!(reader.end(), Ok(()));
        }
    }
}

//! Finding and skipping JSON values by byte offsets, without building anything.
//!
//! It checks the grammar while it walks (structure, literals, numbers, escapes) but is lenient about raw control characters
//! inside strings and about lone surrogates (T205): the bytes go on as they are and the upstream judges them.
//! It is not a parser: values are ranges into the caller's bytes. Called by `peek`, `patch`, `codex` and `passthrough`.

use std::{borrow::Cow, ops::Range};

use memchr::memchr2;

/// Deeper nesting is refused; the same limit as `serde_json`, so that both lanes refuse the same bodies.
pub const MAX_DEPTH: u32 = 127;

/// Where a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct ScanError {
    /// Byte offset.
    pub at: usize,
    /// What was met or missed there.
    pub what: &'static str,
}

/// One member of an object: where its key and its value lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key without its quotes, raw.
    pub key: Range<usize>,
    /// The value alone.
    pub value: Range<usize>,
    /// The key as text when it was written with escapes.
    pub escaped: Option<Box<str>>,
}

impl Member {
    /// The key as text.
    pub fn name<'a>(&'a self, text: &'a [u8]) -> &'a [u8] {
        self.escaped
            .as_ref()
            .map_or_else(|| &text[self.key.clone()], |key| key.as_bytes())
    }

    /// From the key's opening quote to the end of the value.
    pub const fn whole(&self) -> Range<usize> {
        self.key.start - 1..self.value.end
    }
}

/// The members of the object that begins at `at` (white space allowed before it), and the offset behind its brace.
pub fn members(text: &[u8], at: usize) -> Result<(Vec<Member>, usize), ScanError> {
    let mut found = Vec::with_capacity(16);
    let end = each_member(text, at, |member| found.push(member))?;
    Ok((found, end))
}

/// Calls `each` for every member of the object that begins at `at`; answers the offset behind its brace.
pub fn each_member(
    text: &[u8],
    at: usize,
    mut each: impl FnMut(Member),
) -> Result<usize, ScanError> {
    let mut scan = Scan { text, at };
    scan.space();
    scan.expect(b'{', "an object was expected")?;
    scan.space();
    if scan.take(b'}') {
        return Ok(scan.at);
    }
    loop {
        scan.space();
        let quoted = scan.at;
        let plain = scan.string()?;
        let key = quoted + 1..scan.at - 1;
        let escaped = if plain {
            None
        } else {
            decode(&text[quoted..scan.at])
                .map(Cow::into_owned)
                .map(Into::into)
        };
        scan.space();
        scan.expect(b':', "a colon was expected")?;
        let value = scan.value()?;
        each(Member {
            key,
            value,
            escaped,
        });
        scan.space();
        if scan.take(b'}') {
            return Ok(scan.at);
        }
        scan.expect(b',', "a comma or a closing brace was expected")?;
    }
}

/// The elements of the array that begins at `at`; answers the offset behind its bracket.
pub fn each_element(
    text: &[u8],
    at: usize,
    mut each: impl FnMut(Range<usize>),
) -> Result<usize, ScanError> {
    let mut scan = Scan { text, at };
    scan.space();
    scan.expect(b'[', "an array was expected")?;
    scan.space();
    if scan.take(b']') {
        return Ok(scan.at);
    }
    loop {
        each(scan.value()?);
        scan.space();
        if scan.take(b']') {
            return Ok(scan.at);
        }
        scan.expect(b',', "a comma or a closing bracket was expected")?;
    }
}

/// The value of the last member `name` of the object in `text[within]`; `None` when it is no object or has no such member.
pub fn member_value(text: &[u8], within: Range<usize>, name: &str) -> Option<Range<usize>> {
    if text.get(within.start) != Some(&b'{') {
        return None;
    }
    let mut found = None;
    each_member(text, within.start, |member| {
        if member.name(text) == name.as_bytes() {
            found = Some(member.value);
        }
    })
    .ok()?;
    found
}

/// Whether nothing but white space follows `at`.
pub fn ends(text: &[u8], at: usize) -> Result<(), ScanError> {
    let mut scan = Scan { text, at };
    scan.space();
    if scan.at == text.len() {
        Ok(())
    } else {
        Err(scan.fail("text after the end of the value"))
    }
}

/// A JSON string token (with its quotes) as text; `None` when it is not one. Lone surrogates read as U+FFFD (T205).
pub fn decode(token: &[u8]) -> Option<Cow<'_, str>> {
    let inner = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let inner = std::str::from_utf8(inner).ok()?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        text.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = hex(rest)?;
                rest = &rest[4..];
                let low = rest
                    .strip_prefix("\\u")
                    .and_then(hex)
                    .filter(|low| (0xDC00..0xE000).contains(low));
                match (high, low) {
                    (0xD800..0xDC00, Some(low)) => {
                        rest = &rest[6..];
                        char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))?
                    }
                    (high, _) => char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            plain @ (b'"' | b'\\' | b'/') => char::from(plain),
            _ => return None,
        });
    }
    text.push_str(rest);
    Some(Cow::Owned(text))
}

fn hex(text: &str) -> Option<u32> {
    let digits = text
        .get(..4)
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    const fn fail(&self, what: &'static str) -> ScanError {
        ScanError { at: self.at, what }
    }

    fn here(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.here() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let met = self.here() == Some(byte);
        self.at += usize::from(met);
        met
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), ScanError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.fail(what))
        }
    }

    /// Skips a string token; answers whether it had no escapes.
    fn string(&mut self) -> Result<bool, ScanError> {
        self.expect(b'"', "a string was expected")?;
        let mut plain = true;
        loop {
            let Some(step) = memchr2(b'"', b'\\', &self.text[self.at..]) else {
                self.at = self.text.len();
                return Err(self.fail("the text ends inside a string"));
            };
            self.at += step + 1;
            if self.text[self.at - 1] == b'"' {
                return Ok(plain);
            }
            plain = false;
            match self.here() {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                Some(b'u') => {
                    let digits = self.text.get(self.at + 1..self.at + 5);
                    if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                        return Err(self.fail("an escape needs four hexadecimal digits"));
                    }
                    self.at += 5;
                }
                _ => return Err(self.fail("an unknown escape")),
            }
        }
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), ScanError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.fail("a value was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ScanError> {
        let start = self.at;
        while self.here().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fail("a digit was expected"))
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), ScanError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), ScanError> {
        self.space();
        self.string()?;
        self.space();
        self.expect(b':', "a colon was expected")
    }

    /// Skips any value and answers where it lies. Iterative: one bit per open container, so depth costs no stack.
    fn value(&mut self) -> Result<Range<usize>, ScanError> {
        self.space();
        let start = self.at;
        let (mut objects, mut depth) = (0_u128, 0_u32);
        loop {
            self.space();
            match self.here() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.space();
                    // '}' and ']' follow their opening partner at the same distance in ASCII.
                    if !self.take(open + 2) {
                        if depth == MAX_DEPTH {
                            return Err(self.fail("nested too deeply"));
                        }
                        depth += 1;
                        objects = objects << 1 | u128::from(open == b'{');
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.fail("a value was expected")),
            }
            loop {
                if depth == 0 {
                    return Ok(start..self.at);
                }
                self.space();
                let object = objects & 1 == 1;
                if self.take(b',') {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                self.expect(
                    if object { b'}' } else { b']' },
                    "a comma or a closing bracket was expected",
                )?;
                depth -= 1;
                objects >>= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;

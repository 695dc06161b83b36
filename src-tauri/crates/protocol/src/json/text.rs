//! Text in its JSON spelling: what stands between the quotes of a string token.
//!
//! The hub works in this spelling throughout, because the text of one body then becomes the text of another by copying or slicing alone, and two
//! pieces join by standing next to each other. It is not a decoded string; [`Text::decode`] makes one where a rule has to read the words.

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem;

/// The inside of a JSON string token, still escaped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text<'a> {
    inner: Cow<'a, str>,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The inside of a token whose spelling is known to be valid.
    pub(crate) fn token(inner: Cow<'a, str>, escaped: bool) -> Self {
        Self { inner, escaped }
    }

    /// Spells plain text as JSON.
    pub(crate) fn spell(plain: &str) -> Text<'static> {
        let mut inner = String::with_capacity(plain.len() + 2);
        escape_into(plain, &mut inner);
        Text {
            escaped: inner.len() != plain.len(),
            inner: Cow::Owned(inner),
        }
    }

    /// The JSON spelling, without quotes.
    pub(crate) fn raw(&self) -> &str {
        &self.inner
    }

    /// Whether the spelling holds an escape.
    pub(crate) fn escaped(&self) -> bool {
        self.escaped
    }

    /// No characters at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Nothing but white space (T12, T76).
    pub(crate) fn is_blank(&self) -> bool {
        if self.escaped {
            self.decode().trim().is_empty()
        } else {
            self.inner.trim().is_empty()
        }
    }

    /// The plain text equals `plain`.
    pub(crate) fn is(&self, plain: &str) -> bool {
        if self.escaped {
            self.decode() == plain
        } else {
            self.inner == plain
        }
    }

    /// The plain text. A lone surrogate becomes U+FFFD (T205).
    pub(crate) fn decode(&self) -> Cow<'_, str> {
        if self.escaped {
            Cow::Owned(unescape(&self.inner))
        } else {
            Cow::Borrowed(&self.inner)
        }
    }

    /// The plain text, giving this one away.
    pub(crate) fn into_decoded(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(&self.inner))
        } else {
            self.inner
        }
    }

    /// The same text, borrowed from this one.
    pub(crate) fn borrowed(&self) -> Text<'_> {
        Text {
            inner: Cow::Borrowed(&self.inner),
            escaped: self.escaped,
        }
    }

    /// The same text, owning its bytes.
    pub(crate) fn into_owned(self) -> Text<'static> {
        Text {
            inner: Cow::Owned(self.inner.into_owned()),
            escaped: self.escaped,
        }
    }

    /// Appends another text.
    pub(crate) fn join(&mut self, other: &Text<'_>) {
        if other.is_empty() {
            return;
        }
        self.escaped |= other.escaped;
        self.inner.to_mut().push_str(&other.inner);
    }
}

/// JSON in one line: the ends of lines between its tokens would end the frame it is written into. In its strings there are none.
pub(crate) fn one_line(json: &str) -> Cow<'_, str> {
    match memchr::memchr2(b'\n', b'\r', json.as_bytes()) {
        None => Cow::Borrowed(json),
        Some(_) => Cow::Owned(json.replace(['\n', '\r'], " ")),
    }
}

/// The body with every half of a surrogate pair spelled as U+FFFD, as most JSON readers refuse the whole body for one (T205). Offsets stay
/// the same; nearly always it is the very body that came in.
pub(crate) fn whole_surrogates(body: &Bytes) -> Bytes {
    let mut lone = Vec::new();
    for prefix in [br"\ud".as_slice(), br"\uD"] {
        lone.extend(memmem::find_iter(body, prefix).filter(|at| is_lone(body, *at)));
    }
    if lone.is_empty() {
        return body.clone();
    }
    let mut text = body.to_vec();
    for at in lone {
        text[at + 2..at + 6].copy_from_slice(b"fffd");
    }
    text.into()
}

/// Whether the escape at `at` is half a pair without its other half.
fn is_lone(text: &[u8], at: usize) -> bool {
    let unit = |at: usize| {
        let digits = std::str::from_utf8(text.get(at..at + 6)?.strip_prefix(br"\u")?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    // A backslash that is itself escaped begins no escape.
    let escape = |at: usize| {
        let before = text[..at].iter().rev().take_while(|byte| **byte == b'\\');
        before.count() % 2 == 0
    };
    if !escape(at) {
        return false;
    }
    match unit(at) {
        Some(0xD800..0xDC00) => !unit(at + 6).is_some_and(|low| (0xDC00..0xE000).contains(&low)),
        Some(0xDC00..0xE000) => {
            let high = at
                .checked_sub(6)
                .filter(|high| escape(*high))
                .and_then(unit);
            !high.is_some_and(|high| (0xD800..0xDC00).contains(&high))
        }
        _ => false,
    }
}

/// Whether the JSON spelling of `plain` is another one.
pub(crate) fn needs_escapes(plain: &str) -> bool {
    plain
        .bytes()
        .any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// Appends `plain` to `out` in JSON spelling: quotes, backslashes and control characters escaped, everything else as it is.
pub(crate) fn escape_into(plain: &str, out: &mut String) {
    let mut from = 0;
    for (at, byte) in plain.bytes().enumerate() {
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&plain[from..at]);
        if short.is_empty() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        } else {
            out.push_str(short);
        }
        from = at + 1;
    }
    out.push_str(&plain[from..]);
}

/// Reads a JSON spelling. Unknown escapes stay as they are; a lone surrogate becomes U+FFFD (T205).
pub(crate) fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        let Some(letter) = tail.chars().next() else {
            return out;
        };
        rest = &tail[letter.len_utf8()..];
        match letter {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let (read, used) = code_point(rest);
                out.push(read);
                rest = &rest[used..];
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

/// The character behind `\u`, and how many bytes of `rest` it takes.
fn code_point(rest: &str) -> (char, usize) {
    let Some(first) = hex4(rest) else {
        return (char::REPLACEMENT_CHARACTER, 0);
    };
    if let Some(read) = char::from_u32(first) {
        return (read, 4);
    }
    if (0xd800..0xdc00).contains(&first)
        && rest.get(4..6) == Some("\\u")
        && let Some(second) = rest.get(6..).and_then(hex4)
        && (0xdc00..0xe000).contains(&second)
    {
        let joined = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (
            char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER),
            10,
        );
    }
    (char::REPLACEMENT_CHARACTER, 4)
}

/// Four hexadecimal digits at the front of `rest`.
pub(crate) fn hex4(rest: &str) -> Option<u32> {
    let digits = rest.get(..4)?;
    digits
        .bytes()
        .all(|b| b.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_and_reading_are_inverse() {
        for plain in [
            "",
            "abc",
            "a\"b\\c\n\r\t\u{8}\u{c}\u{1}\u{1f}",
            "北京 😀 \u{2028}",
            "\\u0041",
        ] {
            let text = Text::spell(plain);
            assert_eq!(text.decode(), plain);
            let token = format!("\"{}\"", text.raw());
            assert_eq!(serde_json::from_str::<String>(&token).unwrap(), plain);
        }
    }

    #[test]
    fn escapes_of_any_kind_are_read_t205() {
        for (inner, plain) in [
            (r"\u00e9\/", "é/"),
            (r"\ud83d\ude00!", "😀!"),
            (r"\ud83d!", "\u{fffd}!"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\u12", "\u{fffd}12"),
            (r"\", ""),
        ] {
            assert_eq!(unescape(inner), plain, "{inner}");
        }
    }
}

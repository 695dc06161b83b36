//! A picture inside an answer in words (F98, T34): an item of its own, with a place in Responses and Gemini. For the other dialects it is words that
//! clients show as one.
//!
//! Not the Images API (`images`). Made by the stream decoders, written by the encoders.

use crate::json::text::Text;

const BEFORE: &str = "![image](data:";
const BETWEEN: &str = ";base64,";
/// Where nobody says what it is, or not in words that may stand in an address.
const USUAL: &str = "image/png";

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture<'e> {
    /// Its media type, plain.
    pub(crate) kind: String,
    /// Base64 in JSON spelling.
    pub(crate) data: Text<'e>,
}

impl<'e> Picture<'e> {
    pub(crate) fn new(kind: &str, data: Text<'e>) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte);
        let fits = kind.starts_with("image/") && kind.len() < 40 && kind.bytes().all(plain);
        Self {
            kind: if fits { kind } else { USUAL }.to_owned(),
            data,
        }
    }

    /// The picture as words, in JSON spelling.
    pub(crate) fn words(&self) -> String {
        [BEFORE, &self.kind, BETWEEN, self.data.raw(), ")"].concat()
    }

    /// The same to be kept.
    pub(crate) fn fold(&self) -> Folded {
        let from = BEFORE.len() + self.kind.len() + BETWEEN.len();
        Folded {
            words: self.words(),
            data: (from, from + self.data.raw().len()),
        }
    }
}

/// A picture that is kept, once for all dialects.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Folded {
    words: String,
    data: (usize, usize),
}

impl Folded {
    /// As words.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// Base64 in JSON spelling; empty before it is there.
    pub(crate) fn data(&self) -> &str {
        self.words.get(self.data.0..self.data.1).unwrap_or("")
    }

    /// Its media type.
    pub(crate) fn kind(&self) -> &str {
        let end = self.data.0.saturating_sub(BETWEEN.len());
        self.words.get(BEFORE.len()..end).unwrap_or(USUAL)
    }
}

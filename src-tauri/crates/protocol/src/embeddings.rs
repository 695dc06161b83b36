//! The Embeddings API: within it all there is to read is the model's name, which may be an alias, and what was counted (F78). Where client and
//! account spell it differently, [`gemini`] translates.
//!
//! Pure; called by `gateway`, which sends a key account the client's own bytes and the client the account's.

pub mod gemini;

use std::ops::Range;

use bytes::Bytes;

use crate::chat::usage;
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::escape_into,
};
use crate::types::Usage;

/// What an answer holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Whether there are vectors.
    pub any: bool,
    /// What the upstream counted.
    pub usage: Option<Usage>,
}

/// Reads an answer without building it; `None` when it is no JSON object.
#[must_use]
pub fn look(answer: &[u8]) -> Option<Looked> {
    let mut looked = Looked::default();
    let text = std::str::from_utf8(answer).ok()?;
    let walked: Result<(), Malformed> = Reader::new(text).members(|name, value| {
        match (name, value.kind()?) {
            ("usage", Kind::Object) => looked.usage = usage::read(value)?,
            ("data", Kind::Array) => value.elements(|one| {
                looked.any = true;
                one.skip()
            })?,
            _ => value.skip()?,
        }
        Ok(())
    });
    walked.ok().map(|()| looked)
}

/// A request or an answer with another model's name in place of its own; everything else stays in slices of it. Without a name it stays whole.
#[must_use]
pub fn naming(body: &Bytes, model: &str) -> Vec<Bytes> {
    let whole = || vec![body.clone()];
    let Ok(text) = std::str::from_utf8(body) else {
        return whole();
    };
    let mut at = None;
    let walked: Result<(), Malformed> = Reader::new(text).members(|name, value| {
        if name == "model" && value.kind()? == Kind::String {
            at = place(text, value.string()?.raw());
            return Ok(());
        }
        value.skip()
    });
    match (walked, at) {
        (Ok(()), Some(at)) => {
            let mut name = String::with_capacity(model.len());
            escape_into(model, &mut name);
            replaced(body, &[at], &name.into())
        }
        _ => whole(),
    }
}

/// Where a slice of a text lies in it.
fn place(text: &str, slice: &str) -> Option<Range<usize>> {
    let start = slice.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let at = start..start.checked_add(slice.len())?;
    text.get(at.clone()).is_some().then_some(at)
}

/// The body with a name in those places, which are in order and inside it.
fn replaced(body: &Bytes, places: &[Range<usize>], name: &Bytes) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(2 * places.len() + 1);
    let mut from = 0;
    for place in places {
        pieces.push(body.slice(from..place.start));
        pieces.push(name.clone());
        from = place.end;
    }
    pieces.push(body.slice(from..));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f78_names_are_replaced_and_vectors_looked_at() {
        for (body, expected) in [
            (
                r#"{ "input":"model","model" : "a\/b","x":{"model":"c"} }"#,
                r#"{ "input":"model","model" : "q\"t","x":{"model":"c"} }"#,
            ),
            (r#"{"model":null}"#, r#"{"model":null}"#),
            ("[1]", "[1]"),
            ("{", "{"),
        ] {
            let pieces = naming(&Bytes::from_static(body.as_bytes()), "q\"t");
            assert_eq!(pieces.concat(), expected.as_bytes(), "{body}");
        }
        let answer = br#"{"object":"list","data":[{"embedding":[0.1,-2]}],"model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        let looked = look(answer).unwrap();
        assert!(looked.any);
        assert_eq!(looked.usage.unwrap().input, 5);
        assert_eq!(look(br#"{"data":[]}"#), Some(Looked::default()));
        assert_eq!(look(b"<html>"), None);
    }
}

//! The raw input of a freeform tool out of the JSON arguments it had to travel in (T51, T52).
//!
//! The upstream streams `{"input":"…"}` as text, the client wants what stands between the inner quotes, as it comes. That inside already is JSON spelling,
//! so it becomes the client's delta as it is; only whole escapes leave. Called by `restore`.

use crate::json::{
    read::{Kind, Malformed, Reader},
    text::{Text, hex4},
};

/// Unwraps the arguments of one call.
#[derive(Debug, Default)]
pub(crate) struct CustomInput {
    state: State,
    /// Arguments not given out yet, decoded once: the text of a JSON object.
    held: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the opening quote of the input.
    #[default]
    Before,
    /// Between the quotes.
    Inside,
    /// Behind the closing quote.
    After,
    /// Not the expected form: all is held until the end.
    Other,
}

impl CustomInput {
    /// The next piece of the arguments; returns the piece of the input it completes, in JSON spelling.
    pub(crate) fn push(&mut self, delta: &Text<'_>) -> Option<String> {
        self.held.push_str(&delta.decode());
        if self.state == State::Before {
            match opening(&self.held) {
                Opening::Found(at) => {
                    self.held.drain(..at);
                    self.state = State::Inside;
                }
                Opening::Never => self.state = State::Other,
                Opening::NotYet => {}
            }
        }
        match self.state {
            State::Inside => self.inside(),
            State::After => {
                self.held.clear();
                None
            }
            State::Before | State::Other => None,
        }
    }

    /// The arguments are whole; returns what was held back.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Inside | State::After => None,
            State::Before | State::Other if held.trim().is_empty() => None,
            State::Before | State::Other => {
                Some(lone_input(&held).unwrap_or_else(|| Text::spell(&held).raw().to_owned()))
            }
        }
    }

    fn inside(&mut self) -> Option<String> {
        let (whole, closed) = whole_escapes(&self.held);
        let piece: String = self.held.drain(..whole).collect();
        if closed {
            self.state = State::After;
            self.held.clear();
        }
        (!piece.is_empty()).then(|| {
            if piece.bytes().any(|byte| byte < 0x20) {
                respell_controls(&piece)
            } else {
                piece
            }
        })
    }
}

enum Opening {
    Found(usize),
    NotYet,
    Never,
}

/// Looks for `{"input":"` with any white space.
fn opening(text: &str) -> Opening {
    let mut rest = text;
    for part in ["{", "\"input\"", ":", "\""] {
        rest = rest.trim_start();
        match rest.strip_prefix(part) {
            Some(behind) => rest = behind,
            None if part.starts_with(rest) => return Opening::NotYet,
            None => return Opening::Never,
        }
    }
    Opening::Found(text.len() - rest.len())
}

/// How many bytes of the inside hold whole escapes only, and whether the closing quote follows.
fn whole_escapes(text: &str) -> (usize, bool) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(hit) = memchr::memchr2(b'"', b'\\', &bytes[at..]).map(|offset| at + offset) {
        if bytes[hit] == b'"' {
            return (hit, true);
        }
        match bytes.get(hit + 1) {
            None => return (hit, false),
            Some(b'u') => {
                let Some(tail) = text.get(hit + 2..) else {
                    return (hit, false);
                };
                let Some(unit) = hex4(tail) else {
                    return (hit, false);
                };
                if (0xd800..0xdc00).contains(&unit)
                    && tail.len() < 10
                    && "\\u".starts_with(&tail[4..tail.len().min(6)])
                {
                    // Half a character: the other half is still to come.
                    return (hit, false);
                }
                at = hit + 6;
            }
            Some(_) => {
                let letter = text[hit + 1..].chars().next().map_or(1, char::len_utf8);
                at = hit + 1 + letter;
            }
        }
    }
    (text.len(), false)
}

/// Control characters that a careless model left bare inside the quotes.
fn respell_controls(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len() + 8);
    for c in piece.chars() {
        if u32::from(c) < 0x20 {
            out.push_str(Text::spell(c.encode_utf8(&mut [0; 4])).raw());
        } else {
            out.push(c);
        }
    }
    out
}

/// The one string in an object whose order or other members we did not expect.
fn lone_input(held: &str) -> Option<String> {
    let mut found = None;
    let mut reader = Reader::new(held);
    reader
        .members(|key, value| {
            if key == "input" && value.kind()? == Kind::String {
                found = Some(value.string()?.raw().to_owned());
                return Ok::<(), Malformed>(());
            }
            value.skip()
        })
        .ok()?;
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unwrapped(arguments: &str, size: usize) -> String {
        let mut input = CustomInput::default();
        let mut all = String::new();
        let chars: Vec<char> = arguments.chars().collect();
        for piece in chars.chunks(size) {
            let piece: String = piece.iter().collect();
            all.extend(input.push(&Text::spell(&piece)));
        }
        all.extend(input.finish());
        Text::token(all.into(), true).decode().into_owned()
    }

    #[test]
    fn the_raw_input_comes_out_however_it_is_split_t52() {
        for (arguments, plain) in [
            (
                r#"{"input":"*** Begin\n+\"a\\b\"\t\u00e9\ud83d\ude00"}"#,
                "*** Begin\n+\"a\\b\"\té😀",
            ),
            (r#" { "input" : "x" } "#, "x"),
            (r#"{"input":""}"#, ""),
            // Not the form that was asked for.
            (r#"{"note":1,"input":"y\n"}"#, "y\n"),
            ("*** Begin\nfree text", "*** Begin\nfree text"),
            (r#"{"patch":"z"}"#, r#"{"patch":"z"}"#),
            // Cut at the token limit (T79), and bare control characters.
            (r#"{"input":"cut \n\u00"#, "cut \n"),
            ("{\"input\":\"bare\nline\"}", "bare\nline"),
            ("", ""),
        ] {
            for size in [1, 2, 3, 7, 100] {
                assert_eq!(unwrapped(arguments, size), plain, "{arguments} by {size}");
            }
        }
    }
}

//! The arguments of a call that come piece by piece: `partialArgs`, each a value or a piece of a string at a JSON path, until a part of the call
//! says no more that it goes on (`willContinue`).
//!
//! A path may come back to an object that others have followed, so the arguments are told when they are whole. Not for `args`, which is an object at
//! once. Called by the decoders.

use super::part::{RawCall, members};
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
    write::{Commas, Sink},
};

/// Paths that go deeper are passed over; no schema a model is given does.
const DEEPEST: usize = 64;

/// A call that goes on.
#[derive(Debug)]
pub(super) struct Pieces {
    /// Where the call is in the answer.
    pub(super) slot: usize,
    arguments: Value,
    /// Some piece could not be read or placed.
    pub(super) incomplete: bool,
}

#[derive(Debug)]
enum Value {
    /// The inside of a string, spelled; more of it may follow.
    Words(String),
    /// JSON.
    Plain(String),
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
}

enum Step {
    Name(String),
    At(usize),
}

impl Pieces {
    pub(super) fn new(slot: usize) -> Self {
        Self {
            slot,
            arguments: Value::Object(Vec::new()),
            incomplete: false,
        }
    }

    /// The arguments of a call that says all at once.
    pub(super) fn of(call: &RawCall<'_>) -> String {
        let mut pieces = Self::new(0);
        pieces.add(call);
        pieces.into_json(false)
    }

    /// What another part says of the call. A piece that cannot be read is left out.
    pub(super) fn add(&mut self, call: &RawCall<'_>) {
        if let Some(args) = call.args {
            let read = Reader::new(args).members(|name, value| {
                let steps = [Step::Name(name.to_owned())];
                self.arguments
                    .put(&steps, Value::Plain(value.raw()?.to_owned()));
                Ok::<(), Malformed>(())
            });
            self.incomplete |= read.is_err();
        }
        if let Some(mut pieces) = call.pieces.clone() {
            let read = pieces.elements(|piece| self.piece(piece));
            self.incomplete |= read.is_err();
        }
    }

    fn piece(&mut self, piece: &mut Reader<'_>) -> Result<(), Malformed> {
        let (mut path, mut told) = (None, None);
        members(piece, |key, value| {
            match (key, value.kind()?) {
                ("jsonPath", Kind::String) => path = Some(value.string()?),
                ("stringValue", Kind::String) => {
                    told = Some(Value::Words(value.string()?.raw().to_owned()));
                }
                ("numberValue", Kind::Number) | ("boolValue", Kind::Bool) => {
                    told = Some(Value::Plain(value.raw()?.to_owned()));
                }
                ("nullValue", _) => {
                    told = Some(Value::Plain("null".to_owned()));
                    value.skip()?;
                }
                _ => value.skip()?,
            }
            Ok(())
        })?;
        let Some(told) = told else { return Ok(()) };
        match path.and_then(|path| steps(&path.decode())) {
            Some(steps) => self.arguments.put(&steps, told),
            None => self.incomplete = true,
        }
        Ok(())
    }

    /// The arguments as JSON. Those of a call that was cut stay without their last brace: nobody is to run it (T79).
    pub(super) fn into_json(self, cut: bool) -> String {
        let mut json = String::new();
        self.arguments.write(&mut json);
        if cut {
            json.pop();
        }
        json
    }
}

impl Value {
    /// Puts a value where the path leads, making what is not there yet; words go behind those that are there.
    fn put(&mut self, steps: &[Step], told: Self) {
        let Some((first, rest)) = steps.split_first() else {
            match (&mut *self, told) {
                (Self::Words(words), Self::Words(more)) => words.push_str(&more),
                (_, told) => *self = told,
            }
            return;
        };
        let inner = match first {
            Step::Name(name) => self.member(name),
            Step::At(at) => self.element(*at),
        };
        if let Some(inner) = inner {
            inner.put(rest, told);
        }
    }

    fn member(&mut self, name: &str) -> Option<&mut Self> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(all) = self else { return None };
        let at = all.iter().position(|(known, _)| known == name);
        let at = at.unwrap_or_else(|| {
            all.push((name.to_owned(), Self::Plain("null".to_owned())));
            all.len() - 1
        });
        all.get_mut(at).map(|(_, value)| value)
    }

    /// Elements come in order: one that is further away is the next one.
    fn element(&mut self, at: usize) -> Option<&mut Self> {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(Vec::new());
        }
        let Self::List(all) = self else { return None };
        if at >= all.len() {
            all.push(Self::Plain("null".to_owned()));
        }
        let at = at.min(all.len() - 1);
        all.get_mut(at)
    }

    fn write(&self, out: &mut String) {
        let mut commas = Commas::default();
        match self {
            Self::Words(words) => out.text(&Text::token(words.as_str().into(), true)),
            Self::Plain(json) => out.raw(json),
            Self::Object(all) => {
                out.raw("{");
                for (name, value) in all {
                    commas.next(out);
                    out.string(name);
                    out.raw(":");
                    value.write(out);
                }
                out.raw("}");
            }
            Self::List(all) => {
                out.raw("[");
                for value in all {
                    commas.next(out);
                    value.write(out);
                }
                out.raw("]");
            }
        }
    }
}

/// The steps of a path that names one place: `$.a.b[0]`, `$['a b']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let step;
        if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            step = Step::Name(named.get(..end).filter(|name| !name.is_empty())?.to_owned());
            rest = &named[end..];
        } else {
            let inner = rest.strip_prefix('[')?;
            match inner.chars().next()? {
                quote @ ('\'' | '"') => {
                    let (name, after) = quoted(&inner[1..], quote)?;
                    step = Step::Name(name);
                    rest = after.strip_prefix(']')?;
                }
                _ => {
                    let (at, after) = inner.split_once(']')?;
                    step = Step::At(at.parse().ok()?);
                    rest = after;
                }
            }
        }
        if steps.len() == DEEPEST {
            return None;
        }
        steps.push(step);
    }
    // The arguments themselves are an object.
    matches!(steps.first(), Some(Step::Name(_))).then_some(steps)
}

/// A name between quotes and what follows; a backslash keeps the character behind it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.push(letters.next()?.1),
            letter if letter == quote => return Some((name, &text[at + letter.len_utf8()..])),
            letter => name.push(letter),
        }
    }
    None
}

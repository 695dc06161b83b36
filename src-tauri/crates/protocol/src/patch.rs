//! Ordered byte patches on a JSON body, leaving every other byte alone (F87, T207).
//!
//! [`Edits`] collects replacements by offset, [`ObjectPatch`] knows about commas and duplicate keys of one object. Neither
//! parses: offsets come from `json::scan`. Called by `prepare` and `codex` on requests, by `passthrough` on answers.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::{
    json::scan::{self, Member},
    rope::Rope,
};

/// Bodies up to this size become one piece again after patching: one small copy is cheaper than many small writes.
const ONE_PIECE: usize = 32 << 10;

/// Replacements by offset, made in any order, never overlapping.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    /// By where they begin.
    edits: Vec<(Range<usize>, Bytes)>,
}

impl Edits {
    pub(crate) fn replace(&mut self, range: Range<usize>, by: impl Into<Bytes>) {
        // Made nearly in their order; edits of one place keep the order in which they were made.
        let at = self
            .edits
            .partition_point(|(known, _)| known.start <= range.start);
        self.edits.insert(at, (range, by.into()));
    }

    pub(crate) fn insert(&mut self, at: usize, text: impl Into<Bytes>) {
        self.replace(at..at, text);
    }

    pub(crate) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, Bytes::new());
    }

    /// The patched body; without edits the very bytes that came in.
    pub(crate) fn apply(self, body: &Bytes) -> Rope {
        if self.edits.is_empty() {
            return body.clone().into();
        }
        let mut rope = Rope::with_capacity(2 * self.edits.len() + 1);
        let mut at = 0;
        for (range, by) in self.edits {
            debug_assert!(range.start >= at, "edits overlap");
            if range.start >= at {
                rope.push(body.slice(at..range.start));
                rope.push(by);
                at = range.end;
            }
        }
        rope.push(body.slice(at..));
        if rope.len() <= ONE_PIECE {
            rope.to_bytes().into()
        } else {
            rope
        }
    }
}

/// Changes to the members of one object.
#[derive(Debug)]
pub(crate) struct ObjectPatch<'a> {
    pub(crate) body: &'a [u8],
    members: &'a [Member],
    /// The offset behind the opening brace.
    open: usize,
    /// Which members go.
    gone: Vec<bool>,
    /// `"key":value` texts to add at the end.
    added: Vec<Bytes>,
    edits: &'a mut Edits,
}

impl<'a> ObjectPatch<'a> {
    /// Changes to the object whose brace stands at `start` (white space allowed before it).
    pub(crate) fn new(
        body: &'a [u8],
        start: usize,
        members: &'a [Member],
        edits: &'a mut Edits,
    ) -> Self {
        let open = start + memchr::memchr(b'{', &body[start..]).map_or(0, |step| step + 1);
        Self {
            body,
            members,
            open,
            gone: vec![false; members.len()],
            added: Vec::new(),
            edits,
        }
    }

    /// The changes elsewhere in the same body. Must not touch members that this object sets or removes.
    pub(crate) const fn edits(&mut self) -> &mut Edits {
        self.edits
    }

    /// The value of the last member of that name that is still there and not null.
    pub(crate) fn value(&self, name: &str) -> Option<Range<usize>> {
        let at = self.last(name)?;
        let value = self.members[at].value.clone();
        (!self.gone[at] && &self.body[value.clone()] != b"null").then_some(value)
    }

    /// Its bytes.
    pub(crate) fn token(&self, name: &str) -> Option<&'a [u8]> {
        self.value(name).map(|value| &self.body[value])
    }

    /// All members, for lists of what may stay.
    pub(crate) const fn members(&self) -> &'a [Member] {
        self.members
    }

    /// Gives the member this value, once: earlier duplicates go, an absent one is added at the end.
    pub(crate) fn set(&mut self, name: &str, json: &[u8]) {
        let Some(last) = self.last(name) else {
            let mut text = BytesMut::with_capacity(name.len() + json.len() + 3);
            for part in [b"\"", name.as_bytes(), b"\":", json] {
                text.extend_from_slice(part);
            }
            self.added.push(text.freeze());
            return;
        };
        for at in 0..last {
            self.gone[at] |= self.is(at, name);
        }
        let value = self.members[last].value.clone();
        if &self.body[value.clone()] != json {
            self.edits.replace(value, Bytes::copy_from_slice(json));
        }
    }

    /// Takes the member out; answers whether it was there with a value other than null.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let had_value = self.value(name).is_some();
        for at in 0..self.members.len() {
            self.gone[at] |= self.is(at, name);
        }
        had_value
    }

    /// Turns removals and additions into edits.
    pub(crate) fn finish(self) {
        let end = self.members.last().map_or(self.open, |last| last.value.end);
        let (mut kept_end, mut at) = (None, 0);
        while at < self.members.len() {
            if !self.gone[at] {
                kept_end = Some(self.members[at].value.end);
                at += 1;
                continue;
            }
            let first = at;
            while at < self.members.len() && self.gone[at] {
                at += 1;
            }
            let run_end = self.members[at - 1].value.end;
            let range = match (kept_end, self.members.get(at)) {
                (Some(kept), _) => kept..run_end,
                (None, Some(next)) => self.members[first].whole().start..next.whole().start,
                (None, None) => self.members[first].whole().start..run_end,
            };
            self.edits.remove(range);
        }
        for (position, text) in self.added.into_iter().enumerate() {
            if kept_end.is_some() || position > 0 {
                self.edits.insert(end, Bytes::from_static(b","));
            }
            self.edits.insert(end, text);
        }
    }

    fn last(&self, name: &str) -> Option<usize> {
        (0..self.members.len()).rev().find(|at| self.is(*at, name))
    }

    fn is(&self, at: usize, name: &str) -> bool {
        self.members[at].name(self.body) == name.as_bytes()
    }
}

/// Sets one member of the nested object that is the member `outer`; makes the object when it is absent, null or no object.
pub(crate) fn set_nested(object: &mut ObjectPatch<'_>, outer: &str, inner: &str, json: &[u8]) {
    let body = object.body;
    if let Some(value) = object.value(outer)
        && let Ok((members, _)) = scan::members(body, value.start)
    {
        let mut nested = ObjectPatch::new(body, value.start, &members, object.edits());
        nested.set(inner, json);
        nested.finish();
        return;
    }
    let text = [b"{\"", inner.as_bytes(), b"\":", json, b"}"].concat();
    object.set(outer, &text);
}

/// A text as a JSON string token.
pub(crate) fn quoted(text: &str) -> Vec<u8> {
    // A string always serialises.
    serde_json::to_vec(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(body: &'static str, change: impl FnOnce(&mut ObjectPatch<'_>)) -> String {
        let bytes = Bytes::from_static(body.as_bytes());
        let (members, _) = scan::members(&bytes, 0).expect(body);
        let mut edits = Edits::default();
        let mut object = ObjectPatch::new(&bytes, 0, &members, &mut edits);
        change(&mut object);
        object.finish();
        String::from_utf8(edits.apply(&bytes).to_bytes().to_vec()).expect("UTF-8")
    }

    #[test]
    fn t207_only_the_patched_bytes_change() {
        for (body, expected) in [
            (r#"{}"#, r#"{"m":1}"#),
            (r#" { } "#, r#" {"m":1 } "#),
            (r#"{"a":1}"#, r#"{"a":1,"m":1}"#),
            ("{ \"a\" : 1 \n}", "{ \"a\" : 1,\"m\":1 \n}"),
            (r#"{"m" : 22, "a":1}"#, r#"{"m" : 1, "a":1}"#),
            (r#"{"m":null}"#, r#"{"m":1}"#),
            (r#"{"m":5,"a":{"m":7},"m":6}"#, r#"{"a":{"m":7},"m":1}"#),
            (r#"{"\u006d":5}"#, r#"{"\u006d":1}"#),
        ] {
            assert_eq!(
                patched(body, |object| object.set("m", b"1")),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn removals_keep_the_commas_right() {
        for (body, expected) in [
            (r#"{"x":1}"#, r#"{}"#),
            (r#"{ "x" : 1 }"#, r#"{  }"#),
            (r#"{"x":1, "a":2}"#, r#"{"a":2}"#),
            (r#"{"a":2 ,"x":1}"#, r#"{"a":2}"#),
            (r#"{"a":2,"x":1,"b":3}"#, r#"{"a":2,"b":3}"#),
            (
                r#"{"x":1,"y":2,"a":3,"x":4,"y":5,"b":6,"y":7}"#,
                r#"{"a":3,"b":6}"#,
            ),
            (r#"{"x":[1,{"x":2}],"y":0}"#, r#"{}"#),
            (r#"{"a":1}"#, r#"{"a":1}"#),
        ] {
            let removed = patched(body, |object| {
                object.remove("x");
                object.remove("y");
            });
            assert_eq!(removed, expected, "{body}");
        }
    }

    #[test]
    fn removals_and_additions_together() {
        let change = |object: &mut ObjectPatch<'_>| {
            object.remove("x");
            object.set("m", b"1");
            object.set("n", b"2");
        };
        assert_eq!(patched(r#"{"x":0}"#, change), r#"{"m":1,"n":2}"#);
        assert_eq!(
            patched(r#"{"a":0,"x":0}"#, change),
            r#"{"a":0,"m":1,"n":2}"#
        );
        assert_eq!(
            patched(r#"{"x":0,"a":0}"#, change),
            r#"{"a":0,"m":1,"n":2}"#
        );
    }

    #[test]
    fn nested_members() {
        let change = |object: &mut ObjectPatch<'_>| set_nested(object, "o", "k", b"true");
        assert_eq!(
            patched(r#"{"o":{"k":false,"l":1}}"#, change),
            r#"{"o":{"k":true,"l":1}}"#
        );
        assert_eq!(patched(r#"{"o": {}}"#, change), r#"{"o": {"k":true}}"#);
        assert_eq!(patched(r#"{"o":null}"#, change), r#"{"o":{"k":true}}"#);
        assert_eq!(patched(r#"{}"#, change), r#"{"o":{"k":true}}"#);
    }

    #[test]
    fn no_edit_gives_the_same_bytes_and_large_bodies_stay_slices() {
        let small = Bytes::from(vec![b' '; 10]);
        assert_eq!(
            Edits::default().apply(&small).to_bytes().as_ptr(),
            small.as_ptr()
        );
        let large = Bytes::from(vec![b' '; 1 << 20]);
        let mut edits = Edits::default();
        edits.insert(5, Bytes::from_static(b"x"));
        let rope = edits.apply(&large);
        assert_eq!(rope.segments().len(), 3);
        assert_eq!(rope.segments()[2].as_ptr(), large[5..].as_ptr());
    }
}

//! Writing JSON by hand: bytes go straight to where they are needed, and no tree is built.
//!
//! [`Sink`] is the little that an encoder asks of its destination; [`BytesMut`] takes stream frames and answers, [`RopeWriter`] takes request bodies
//! and keeps large pieces of the client's body as slices of it. Callers are responsible for commas and brackets; nothing is checked here.

use bytes::{BufMut, Bytes, BytesMut};

use super::text::{Text, escape_into, needs_escapes};
use crate::Rope;

/// Where an encoder writes.
pub(crate) trait Sink {
    /// Appends text that is already JSON.
    fn raw(&mut self, json: &str);

    /// Appends a string token whose inside is already spelled.
    fn text(&mut self, text: &Text<'_>) {
        self.raw("\"");
        self.raw(text.raw());
        self.raw("\"");
    }

    /// Appends one string token for a text that is in two pieces.
    fn text_in_two(&mut self, head: &Text<'_>, tail: &Text<'_>) {
        self.raw("\"");
        self.raw(head.raw());
        self.raw(tail.raw());
        self.raw("\"");
    }

    /// Appends a string token for plain text.
    fn string(&mut self, plain: &str) {
        self.raw("\"");
        if needs_escapes(plain) {
            let mut spelled = String::with_capacity(plain.len() + 8);
            escape_into(plain, &mut spelled);
            self.raw(&spelled);
        } else {
            self.raw(plain);
        }
        self.raw("\"");
    }

    /// Appends a whole number.
    fn number(&mut self, value: u64) {
        let mut digits = [0u8; 20];
        self.raw(spelled(value, &mut digits));
    }

    /// Appends `null` or the string token.
    fn text_or_null(&mut self, text: Option<&Text<'_>>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }
}

/// The decimal spelling of a number.
#[inline(never)]
fn spelled(value: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or("0")
}

impl Sink for BytesMut {
    fn raw(&mut self, json: &str) {
        self.put_slice(json.as_bytes());
    }
}

impl Sink for String {
    fn raw(&mut self, json: &str) {
        self.push_str(json);
    }
}

/// Pieces at least this long stay slices of the client's body; shorter ones cost less copied.
const SLICE_FROM: usize = 4096;

/// Writes a request body as a rope over the client's own bytes.
#[derive(Debug)]
pub(crate) struct RopeWriter {
    body: Bytes,
    pending: BytesMut,
    rope: Rope,
}

impl RopeWriter {
    /// Writes a body whose large pieces may be slices of `body`.
    pub(crate) fn new(body: &Bytes) -> Self {
        Self {
            body: body.clone(),
            pending: BytesMut::with_capacity((body.len() + 512).min(64 * 1024)),
            rope: Rope::default(),
        }
    }

    /// The finished body.
    pub(crate) fn finish(mut self) -> Rope {
        self.flush();
        self.rope
    }

    /// Appends bytes that are already JSON and are kept as they are: no copy where they are large.
    pub(crate) fn piece(&mut self, piece: Bytes) {
        if piece.len() < SLICE_FROM {
            self.pending.put_slice(&piece);
        } else {
            self.flush();
            self.rope.push(piece);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.rope.push(self.pending.split().freeze());
        }
    }

    /// The same bytes as a slice of the client's body, when they lie in it.
    fn slice(&self, piece: &str) -> Option<Bytes> {
        let start = (piece.as_ptr() as usize).checked_sub(self.body.as_ptr() as usize)?;
        let end = start.checked_add(piece.len())?;
        (end <= self.body.len()).then(|| self.body.slice(start..end))
    }
}

impl Sink for RopeWriter {
    /// Request encoders call it at hundreds of places, once per request each: it is not copied into them.
    #[inline(never)]
    fn raw(&mut self, json: &str) {
        if json.len() >= SLICE_FROM
            && let Some(slice) = self.slice(json)
        {
            self.flush();
            self.rope.push(slice);
            return;
        }
        self.pending.put_slice(json.as_bytes());
    }
}

/// Writes the commas between the members of one object or the elements of one array.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Commas(bool);

impl Commas {
    /// Call before each member or element.
    pub(crate) fn next<S: Sink + ?Sized>(&mut self, out: &mut S) {
        if self.0 {
            out.raw(",");
        }
        self.0 = true;
    }

    /// A comma if needed, then `"key":`. The key is one of ours and needs no escaping.
    pub(crate) fn key<S: Sink + ?Sized>(&mut self, out: &mut S, key: &str) {
        self.next(out);
        out.raw("\"");
        out.raw(key);
        out.raw("\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pieces_are_slices_of_the_body_and_small_ones_copies() {
        let big = "x".repeat(SLICE_FROM);
        let body = Bytes::from(format!("[\"{big}\",\"small\"]"));
        let text = std::str::from_utf8(&body).unwrap();
        let mut writer = RopeWriter::new(&body);
        writer.raw("{\"a\":\"");
        writer.raw(&text[2..2 + SLICE_FROM]);
        writer.raw("\",\"b\":");
        writer.raw(&text[2 + SLICE_FROM + 2..text.len() - 1]);
        writer.raw("}");
        let segments = writer.finish().into_vec();
        assert_eq!(segments.len(), 3);
        assert_eq!(segments[1].as_ptr(), body[2..].as_ptr());
        assert_eq!(
            segments.concat(),
            format!("{{\"a\":\"{big}\",\"b\":\"small\"}}").as_bytes()
        );
    }

    #[test]
    fn numbers_are_written_in_full() {
        let mut out = String::new();
        for n in [0, 7, 10, 1_765_547_809, u64::MAX] {
            out.number(n);
            out.raw(" ");
        }
        assert_eq!(out, "0 7 10 1765547809 18446744073709551615 ");
    }
}

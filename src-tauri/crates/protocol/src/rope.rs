//! A request body as an ordered list of byte slices, mostly slices of the client's own body.
//!
//! It is not a text editor: segments are appended, never changed. `patch` and the translators build it, `upstream` sends it.

use std::fmt;

use bytes::{Bytes, BytesMut};

/// A body in pieces. Empty segments are never stored.
#[derive(Clone, Default)]
pub struct Rope {
    segments: Vec<Bytes>,
    len: usize,
}

impl Rope {
    /// An empty body.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            segments: Vec::new(),
            len: 0,
        }
    }

    /// An empty body with room for `segments` pieces.
    #[must_use]
    pub fn with_capacity(segments: usize) -> Self {
        Self {
            segments: Vec::with_capacity(segments),
            len: 0,
        }
    }

    /// Appends a piece without copying its bytes.
    pub fn push(&mut self, segment: Bytes) {
        if !segment.is_empty() {
            self.len += segment.len();
            self.segments.push(segment);
        }
    }

    /// Length of the whole body in bytes (the `content-length`).
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the body holds no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The pieces in order.
    #[must_use]
    pub fn segments(&self) -> &[Bytes] {
        &self.segments
    }

    /// The pieces in order, given away.
    #[must_use]
    pub fn into_vec(self) -> Vec<Bytes> {
        self.segments
    }

    /// One contiguous body: free when it is one piece, else a copy. For small bodies, tests and compression.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self.segments.as_slice() {
            [] => Bytes::new(),
            [only] => only.clone(),
            many => {
                let mut whole = BytesMut::with_capacity(self.len);
                for segment in many {
                    whole.extend_from_slice(segment);
                }
                whole.freeze()
            }
        }
    }
}

/// Sizes only: a body is a prompt and belongs in no log.
impl fmt::Debug for Rope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Rope({} bytes in {})", self.len, self.segments.len())
    }
}

impl From<Bytes> for Rope {
    fn from(body: Bytes) -> Self {
        let mut rope = Self::with_capacity(1);
        rope.push(body);
        rope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_the_sum_and_empty_pieces_vanish() {
        let mut rope = Rope::new();
        assert!(rope.is_empty());
        for piece in ["ab", "", "cde"] {
            rope.push(Bytes::from_static(piece.as_bytes()));
        }
        assert_eq!((rope.len(), rope.segments().len()), (5, 2));
        assert_eq!(rope.to_bytes(), "abcde");
        assert_eq!(format!("{rope:?}"), "Rope(5 bytes in 2)");
        assert_eq!(rope.into_vec().len(), 2);
    }

    #[test]
    fn one_piece_is_not_copied() {
        let body = Bytes::from(vec![b'x'; 64]);
        assert_eq!(Rope::from(body.clone()).to_bytes().as_ptr(), body.as_ptr());
    }
}

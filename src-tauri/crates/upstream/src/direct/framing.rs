//! Where an HTTP/1.1 answer's body ends, and its bytes without the framing (RFC 9112 §6 and §7). Pure: bytes in, bytes out.
//!
//! Everything that one read brought comes out as one piece, however many chunks it held: that is what keeps a stream of small
//! chunks cheap.

use bytes::{Bytes, BytesMut};

/// Chunk extensions and trailers carry nothing we use; longer than this they are an attack or a fault.
const SURPLUS: usize = 16 << 10;
/// Hexadecimal digits of a chunk size that fit in a `u64`.
const DIGITS: u8 = 16;

/// How far the body has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes are still to come.
    Length(u64),
    /// `transfer-encoding: chunked`.
    Chunked(Chunk),
    /// Until the other side closes.
    UntilClose,
}

/// A place inside the chunked coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// In the size line: value and digits so far.
    Size(u64, u8),
    /// After the size, up to the end of its line; bytes skipped so far.
    Extension(u64, usize),
    /// In the content.
    Content(u64),
    /// Before the line end that follows the content; whether its CR was seen.
    ContentEnd(bool),
    /// In the trailer section: bytes skipped, and whether the present line is empty so far.
    Trailer(usize, bool),
    /// Behind everything.
    Over,
}

/// The framing is broken; the connection cannot be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer's transfer coding is broken")]
pub(crate) struct BrokenFraming;

impl Framing {
    pub const CHUNKED: Self = Self::Chunked(Chunk::Size(0, 0));

    /// Whether the body is complete without another byte.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunked(Chunk::Over))
    }

    /// Whether the end of the connection is the end of the body, or a cut.
    pub fn may_end_here(self) -> bool {
        self.is_over() || self == Self::UntilClose
    }

    /// Takes in what was read; gives the content in it and how many bytes belong to this body.
    pub fn decode(&mut self, read: &[u8]) -> Result<(Bytes, usize), BrokenFraming> {
        match self {
            Self::UntilClose => Ok((Bytes::copy_from_slice(read), read.len())),
            Self::Length(left) => {
                let take = usize::try_from(*left).map_or(read.len(), |left| left.min(read.len()));
                *left -= take as u64;
                Ok((Bytes::copy_from_slice(&read[..take]), take))
            }
            Self::Chunked(chunk) => {
                let mut content = BytesMut::new();
                let mut at = 0;
                while at < read.len() && *chunk != Chunk::Over {
                    at += chunk.step(&read[at..], &mut content)?;
                }
                Ok((content.freeze(), at))
            }
        }
    }
}

impl Chunk {
    /// Takes in at least one byte of `rest`, which is not empty; returns how many.
    fn step(&mut self, rest: &[u8], content: &mut BytesMut) -> Result<usize, BrokenFraming> {
        let byte = rest[0];
        match *self {
            Self::Size(mut size, mut digits) => {
                let mut used = 0;
                while let Some(digit) = rest.get(used).and_then(|b| (*b as char).to_digit(16)) {
                    if digits == DIGITS {
                        return Err(BrokenFraming);
                    }
                    size = size << 4 | u64::from(digit);
                    digits += 1;
                    used += 1;
                }
                *self = match rest.get(used..).unwrap_or_default() {
                    [] => Self::Size(size, digits),
                    _ if digits == 0 => return Err(BrokenFraming),
                    [b'\n', ..] => {
                        used += 1;
                        Self::begin(size)
                    }
                    [b'\r', b'\n', ..] => {
                        used += 2;
                        Self::begin(size)
                    }
                    [b';' | b' ' | b'\t' | b'\r', ..] => {
                        used += 1;
                        Self::Extension(size, 1)
                    }
                    _ => return Err(BrokenFraming),
                };
                Ok(used)
            }
            Self::Extension(size, skipped) => match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    *self = Self::begin(size);
                    Ok(end + 1)
                }
                None if skipped + rest.len() > SURPLUS => Err(BrokenFraming),
                None => {
                    *self = Self::Extension(size, skipped + rest.len());
                    Ok(rest.len())
                }
            },
            Self::Content(left) => {
                let take = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                if content.is_empty() {
                    // The rest of this read is at most content: one allocation for all its chunks.
                    content.reserve(rest.len());
                }
                content.extend_from_slice(&rest[..take]);
                *self = match left - take as u64 {
                    0 => Self::ContentEnd(false),
                    left => Self::Content(left),
                };
                Ok(take)
            }
            Self::ContentEnd(false) if rest.starts_with(b"\r\n") => {
                *self = Self::Size(0, 0);
                Ok(2)
            }
            Self::ContentEnd(cr) => match byte {
                b'\r' if !cr => {
                    *self = Self::ContentEnd(true);
                    Ok(1)
                }
                b'\n' => {
                    *self = Self::Size(0, 0);
                    Ok(1)
                }
                _ => Err(BrokenFraming),
            },
            Self::Trailer(skipped, _) if skipped >= SURPLUS => Err(BrokenFraming),
            Self::Trailer(skipped, empty) => {
                *self = match byte {
                    b'\n' if empty => Self::Over,
                    b'\n' => Self::Trailer(skipped + 1, true),
                    b'\r' => Self::Trailer(skipped + 1, empty),
                    _ => Self::Trailer(skipped + 1, false),
                };
                Ok(1)
            }
            Self::Over => Ok(0),
        }
    }

    fn begin(size: u64) -> Self {
        match size {
            0 => Self::Trailer(0, true),
            size => Self::Content(size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The content and what is left over, with the body given in pieces that end at `cuts`.
    fn decoded(
        mut framing: Framing,
        body: &[u8],
        cuts: &[usize],
    ) -> Result<(Vec<u8>, usize, bool), BrokenFraming> {
        let mut content = Vec::new();
        let (mut begin, mut used) = (0, 0);
        for end in cuts.iter().copied().chain([body.len()]) {
            let end = end.clamp(begin, body.len());
            let (piece, taken) = framing.decode(&body[begin..end])?;
            content.extend_from_slice(&piece);
            used += taken;
            begin = end;
        }
        Ok((content, body.len() - used, framing.is_over()))
    }

    #[test]
    fn bodies() {
        for (framing, body, want) in [
            (Framing::Length(3), "abcd", Ok(("abc", 1, true))),
            (Framing::Length(0), "", Ok(("", 0, true))),
            (Framing::Length(9), "abc", Ok(("abc", 0, false))),
            (Framing::UntilClose, "abc", Ok(("abc", 0, false))),
            (
                Framing::CHUNKED,
                "3\r\nabc\r\n0\r\n\r\nX",
                Ok(("abc", 1, true)),
            ),
            (
                Framing::CHUNKED,
                "3\r\nabc\r\n2\r\nde\r\n",
                Ok(("abcde", 0, false)),
            ),
            (
                Framing::CHUNKED,
                "00A;name=\"v\"\r\n0123456789\r\n0;x\r\nx-trailer: 1\r\nb: 2\r\n\r\n",
                Ok(("0123456789", 0, true)),
            ),
            // Some servers end their lines with LF alone.
            (Framing::CHUNKED, "1\na\n0\n\n", Ok(("a", 0, true))),
            (Framing::CHUNKED, "1 \r\na\r\n0\r\n\r\n", Ok(("a", 0, true))),
            (Framing::CHUNKED, "\r\n", Err(BrokenFraming)),
            (Framing::CHUNKED, "x\r\n", Err(BrokenFraming)),
            (Framing::CHUNKED, "-1\r\n", Err(BrokenFraming)),
            (Framing::CHUNKED, "1\r\nab", Err(BrokenFraming)),
            (Framing::CHUNKED, "1\r\na\r\r", Err(BrokenFraming)),
            (
                Framing::CHUNKED,
                "10000000000000000\r\n",
                Err(BrokenFraming),
            ),
        ] {
            let want = want.map(|(content, left, over)| (content.as_bytes().to_vec(), left, over));
            assert_eq!(decoded(framing, body.as_bytes(), &[]), want, "{body:?}");
            let every: Vec<usize> = (0..body.len()).collect();
            assert_eq!(
                decoded(framing, body.as_bytes(), &every),
                want,
                "{body:?} bytewise"
            );
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let extension = format!("1;{}", "e".repeat(SURPLUS + 1));
        let trailer = format!("0\r\n{}", "t: v\r\n".repeat(SURPLUS / 4));
        for body in [extension, trailer] {
            assert_eq!(
                decoded(Framing::CHUNKED, body.as_bytes(), &[1, 5, 100]),
                Err(BrokenFraming)
            );
        }
    }

    #[test]
    fn all_chunks_of_one_read_are_one_piece() {
        let read: String = (0..20).map(|n| format!("8\r\ndata: {n:02}\r\n")).collect();
        let mut framing = Framing::CHUNKED;
        let (piece, used) = framing.decode(read.as_bytes()).unwrap();
        assert_eq!((piece.len(), used), (160, read.len()));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_content(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            mut cuts in proptest::collection::vec(0_usize..400, 0..12),
            surplus in 0_usize..3,
        ) {
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                body.extend_from_slice(piece);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            body.extend(std::iter::repeat_n(b'!', surplus));
            cuts.sort_unstable();
            prop_assert_eq!(
                decoded(Framing::CHUNKED, &body, &cuts),
                Ok((pieces.concat(), surplus, true))
            );
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
            let _ = decoded(Framing::CHUNKED, &bytes, &[cut]);
        }
    }
}

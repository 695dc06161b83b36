//! Event-stream bytes to events, incrementally.
//!
//! Works on bytes alone: a character, a line end or a byte-order mark may be cut anywhere (T158-T160). Every byte is looked at
//! once, so a line of any length costs linear time. Events that lie whole in one chunk are slices of it; only the tail of a
//! chunk is copied.

use std::{collections::VecDeque, fmt, ops::Range};

use memchr::memchr2;

use super::{Event, EventTooLong, MAX_EVENT};

/// A buffer that grew beyond this is given back after its event.
const KEEP_BUFFER: usize = 16 << 10;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Incremental decoder of one event stream.
///
/// [`Decoder::for_each`] is the fast way; [`Decoder::push`] and [`Decoder::next`] serve callers that want to pull.
#[derive(Default)]
pub struct Decoder {
    /// The unfinished event, from its first byte. Empty between events.
    pub(super) pending: Vec<u8>,
    /// Where its unfinished line begins in `pending`.
    line: usize,
    fields: Fields,
    /// Whether the last chunk ended with CR, so that a leading LF belongs to it.
    after_cr: bool,
    /// Whether the first line has been read.
    begun: bool,
    /// Whether an event was too long.
    dead: bool,
    ready: Ready,
}

/// The fields of an unfinished event, as ranges of the block it lies in.
#[derive(Default)]
struct Fields {
    event: Option<Range<usize>>,
    data: Option<Range<usize>>,
    /// All data lines, once there is more than one.
    joined: Vec<u8>,
}

/// Events read but not pulled yet.
#[derive(Default)]
struct Ready {
    bytes: Vec<u8>,
    events: VecDeque<(Option<Range<usize>>, Range<usize>)>,
}

/// The size of what waits only: the text of a stream belongs in no log.
impl fmt::Debug for Decoder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Decoder({} bytes waiting)", self.pending.len())
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `chunk` and calls `each` for every event it completes.
    ///
    /// # Errors
    /// [`EventTooLong`]; the stream is unusable from then on.
    pub fn for_each(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Event<'_>),
    ) -> Result<(), EventTooLong> {
        self.scan(chunk, |event, _| each(event)).map(|_| ())
    }

    /// As [`Decoder::for_each`], telling where in `chunk` each event ends. Answers the offset behind the last blank line, the
    /// frame border, if `chunk` holds one.
    pub(crate) fn scan(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(Event<'_>, usize),
    ) -> Result<Option<usize>, EventTooLong> {
        if self.dead {
            return Err(EventTooLong);
        }
        let (mut at, mut border) = (0, None);
        if std::mem::take(&mut self.after_cr) {
            if chunk.is_empty() {
                self.after_cr = true;
            } else if chunk[0] == b'\n' {
                at = 1;
                border = self.pending.is_empty().then_some(1);
            }
        }
        while !self.pending.is_empty() {
            let Some(step) = memchr2(b'\n', b'\r', &chunk[at..]) else {
                self.keep(&chunk[at..])?;
                return Ok(border);
            };
            self.keep(&chunk[at..at + step])?;
            at = self.behind_line_end(chunk, at + step);
            let line = self.line..self.pending.len();
            if Self::read(&mut self.fields, &mut self.begun, &self.pending, line) {
                self.pending.push(b'\n');
                self.line = self.pending.len();
            } else {
                self.fields.dispatch(&self.pending, |event| each(event, at));
                self.pending.clear();
                self.pending.shrink_to(KEEP_BUFFER);
                self.line = 0;
                border = Some(at);
            }
        }
        let (mut start, mut line) = (at, at);
        while let Some(step) = memchr2(b'\n', b'\r', &chunk[line..]) {
            let end = line + step;
            if end - start > MAX_EVENT {
                self.dead = true;
                return Err(EventTooLong);
            }
            let next = self.behind_line_end(chunk, end);
            if !Self::read(&mut self.fields, &mut self.begun, chunk, line..end) {
                self.fields.dispatch(chunk, |event| each(event, next));
                border = Some(next);
                start = next;
            }
            line = next;
        }
        if start < chunk.len() {
            self.keep(&chunk[start..])?;
            self.line = line - start;
            self.fields.rebase(start);
        }
        Ok(border)
    }

    /// Reads `chunk`; its events wait for [`Decoder::next`].
    ///
    /// # Errors
    /// [`EventTooLong`]; the stream is unusable from then on.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), EventTooLong> {
        let mut ready = std::mem::take(&mut self.ready);
        let result = self.for_each(chunk, |event| ready.keep(event));
        self.ready = ready;
        result
    }

    /// The next waiting event.
    #[expect(
        clippy::should_implement_trait,
        reason = "a lending iterator: the event borrows the decoder"
    )]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let Some((event, data)) = self.ready.events.pop_front() else {
            self.ready.bytes.clear();
            return None;
        };
        let bytes = &self.ready.bytes;
        Some(Event {
            event: event.map(|range| &bytes[range]),
            data: &bytes[data],
        })
    }

    /// The stream ended: an event without its closing blank line counts all the same (T159).
    pub fn finish(&mut self, each: impl FnOnce(Event<'_>)) {
        if !self.pending.is_empty() && !self.dead {
            let line = self.line..self.pending.len();
            if !line.is_empty() {
                Self::read(&mut self.fields, &mut self.begun, &self.pending, line);
            }
            self.fields.dispatch(&self.pending, each);
        }
        self.pending = Vec::new();
        self.line = 0;
    }

    /// Whether the bytes so far end at a frame border: nothing of an event is open (T164).
    #[must_use]
    pub const fn at_border(&self) -> bool {
        self.pending.is_empty()
    }

    /// The data of the unfinished event as far as it has come, its first line only. Empty where there is none yet.
    pub(crate) fn data_so_far(&self) -> &[u8] {
        if let Some(first) = &self.fields.data {
            return &self.pending[first.clone()];
        }
        let line = &self.pending[self.line..];
        value(line, b"data").map_or(&[], |at| &line[at..])
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), EventTooLong> {
        if self.pending.len() + bytes.len() > MAX_EVENT {
            self.dead = true;
            return Err(EventTooLong);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// The offset behind the line end at `end`; CR and LF together are one (T159).
    fn behind_line_end(&mut self, chunk: &[u8], end: usize) -> usize {
        if chunk[end] == b'\r' {
            match chunk.get(end + 1) {
                Some(b'\n') => return end + 2,
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        end + 1
    }

    /// Reads one line of the block; answers false for a blank one, which ends the event.
    fn read(fields: &mut Fields, begun: &mut bool, block: &[u8], mut line: Range<usize>) -> bool {
        if !std::mem::replace(begun, true) && block[line.clone()].starts_with(BYTE_ORDER_MARK) {
            line.start += BYTE_ORDER_MARK.len();
        }
        if line.is_empty() {
            return false;
        }
        let text = &block[line.clone()];
        if let Some(at) = value(text, b"data") {
            fields.data_line(block, line.start + at..line.end);
        } else if let Some(at) = value(text, b"event") {
            fields.event = Some(line.start + at..line.end);
        }
        true
    }
}

/// Where the value of `field` begins in `line`, if the line is that field. One space after the colon is not part of it.
pub(super) fn value(line: &[u8], field: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(field)?;
    let skipped = match rest {
        [] => 0,
        [b':', b' ', ..] => 2,
        [b':', ..] => 1,
        _ => return None,
    };
    Some(field.len() + skipped)
}

impl Fields {
    fn data_line(&mut self, block: &[u8], line: Range<usize>) {
        let Some(first) = &self.data else {
            self.data = Some(line);
            return;
        };
        if self.joined.is_empty() {
            self.joined.extend_from_slice(&block[first.clone()]);
        }
        self.joined.push(b'\n');
        self.joined.extend_from_slice(&block[line]);
    }

    /// Hands over the event, if there is one, and forgets it. Empty data is no event.
    fn dispatch(&mut self, block: &[u8], each: impl FnOnce(Event<'_>)) {
        let event = self
            .event
            .take()
            .map(|range| &block[range])
            .filter(|name| !name.is_empty());
        if let Some(first) = self.data.take() {
            let data = if self.joined.is_empty() {
                &block[first]
            } else {
                self.joined.as_slice()
            };
            if !data.is_empty() {
                each(Event { event, data });
            }
            self.joined.clear();
            self.joined.shrink_to(KEEP_BUFFER);
        }
    }

    /// The block moved to the front by `by` bytes.
    fn rebase(&mut self, by: usize) {
        for range in [&mut self.event, &mut self.data].into_iter().flatten() {
            *range = range.start - by..range.end - by;
        }
    }
}

impl Ready {
    fn keep(&mut self, event: Event<'_>) {
        let mut put = |part: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(part);
            start..self.bytes.len()
        };
        let name = event.event.map(&mut put);
        let data = put(event.data);
        self.events.push_back((name, data));
    }
}

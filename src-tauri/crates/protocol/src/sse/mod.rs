//! The event-stream codec: bytes to events and back.
//!
//! [`Decoder`] reads what upstreams send (T158-T161), [`write_event`] writes what clients read (T162). It knows no dialect and
//! no JSON. Called by `answer` for every stream and by `upstream` where it reads first events itself.

mod decode;
mod place;

pub use decode::Decoder;
pub(crate) use place::place_of;

use bytes::{BufMut, BytesMut};

/// One event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event:` field, if there was one.
    pub event: Option<&'a [u8]>,
    /// The `data:` field; several lines are joined with a line feed.
    pub data: &'a [u8],
}

/// An event longer than [`MAX_EVENT`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upstream sent an event longer than 64 MiB")]
pub struct EventTooLong;

/// The longest event accepted, in bytes: single lines of images reach megabytes (T35).
pub const MAX_EVENT: usize = 64 << 20;

/// The last event of a Chat stream (T162).
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// Writes one event: `event: ` only where the dialect has names, `data: ` with its space (T162). Line feeds in `data` become
/// further data lines.
pub fn write_event(out: &mut BytesMut, event: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + event.map_or(0, str::len) + 24);
    if let Some(name) = event {
        out.put_slice(b"event: ");
        out.put_slice(name.as_bytes());
        out.put_u8(b'\n');
    }
    for line in data.split(|byte| *byte == b'\n') {
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
    }
    out.put_u8(b'\n');
}

#[cfg(test)]
mod tests;

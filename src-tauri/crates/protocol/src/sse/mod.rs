//! The event-stream codec: bytes to events and back.

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

/// The longest event accepted, in bytes (T35).
pub const MAX_EVENT: usize = 64 << 20;

/// Incremental decoder.
#[derive(Debug, Default)]
pub struct Decoder {}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self {}
    }

    /// Reads `chunk` and calls `each` for every event it completes.
    ///
    /// # Errors
    /// [`EventTooLong`]; the stream is unusable from then on.
    pub fn for_each(
        &mut self,
        _chunk: &[u8],
        _each: impl FnMut(Event<'_>),
    ) -> Result<(), EventTooLong> {
        Ok(())
    }
}

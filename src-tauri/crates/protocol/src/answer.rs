//! The answer's way back, per request: bytes of the upstream in, bytes for the client out. Called by `gateway`'s relay loop.

use bytes::{Bytes, BytesMut};

use crate::types::{Dialect, End, Failure, GatewayError, Observed, RequestState, Target};

/// Where an [`Answer`] puts bytes for the client: at most one frame per push, however many events it holds.
#[derive(Debug, Default)]
pub struct Out {
    frame: Bytes,
}

impl Out {
    /// An empty place.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frame: Bytes::new(),
        }
    }

    /// Takes the frame to send, if there is one.
    pub fn take(&mut self) -> Option<Bytes> {
        if self.frame.is_empty() {
            None
        } else {
            Some(std::mem::take(&mut self.frame))
        }
    }

    /// Adds bytes; joined with what was not taken yet.
    pub fn push(&mut self, bytes: Bytes) {
        if self.frame.is_empty() {
            self.frame = bytes;
        } else if !bytes.is_empty() {
            let mut joined = BytesMut::with_capacity(self.frame.len() + bytes.len());
            joined.extend_from_slice(&self.frame);
            joined.extend_from_slice(&bytes);
            self.frame = joined.freeze();
        }
    }
}

/// One answer on its way back.
#[derive(Debug)]
pub struct Answer {
    observed: Observed,
}

impl Answer {
    /// For the request that `state` came from; `client_streams` says what the client asked for.
    #[must_use]
    pub fn new(
        _client: Dialect,
        _upstream: Target,
        _state: RequestState,
        _client_streams: bool,
    ) -> Self {
        Self {
            observed: Observed::default(),
        }
    }

    /// A chunk of the upstream's event stream. For a client that does not stream nothing comes out until
    /// [`Answer::into_json`].
    pub fn push(&mut self, _chunk: &Bytes, _out: &mut Out) {}

    /// The upstream's event stream ended. A missing terminal event becomes the dialect's own error (T181, T182).
    pub fn finish(&mut self, _out: &mut Out, _end: End) {}

    /// What was seen of the answer so far.
    #[must_use]
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// The streamed answer as one JSON body, for a client that does not stream (T184). Call after [`Answer::finish`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer failed, was cut or cannot be read.
    pub fn into_json(self) -> Result<Bytes, Failure> {
        Err(Failure::Unreadable {
            message: String::new(),
        })
    }

    /// A whole JSON answer of the upstream, for a client that does not stream. Fills [`Answer::observed`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer is not readable and had to be read.
    pub fn answer_json(&mut self, body: &Bytes) -> Result<Bytes, Failure> {
        Ok(body.clone())
    }

    /// A whole JSON answer of the upstream, for a client that streams (T185). Fills [`Answer::observed`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer is not readable.
    pub fn stream_json(&mut self, _body: &Bytes, _out: &mut Out) -> Result<(), Failure> {
        Ok(())
    }

    /// After the commit: the error and the clean end of the stream in the client's dialect (T182). Empty when the stream
    /// has had its terminal event: nothing follows that.
    pub fn in_band_error(&mut self, _error: &GatewayError) -> Bytes {
        Bytes::new()
    }

    /// A keep-alive for the client (T163), or `None` inside a half-sent frame (T164) and after the end.
    #[must_use]
    pub fn keepalive(&self) -> Option<&'static [u8]> {
        None
    }
}

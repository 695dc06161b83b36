//! How a streamed answer is framed: as events, or as the elements of one JSON array for clients that stream without `alt=sse` (T162, T203).
//!
//! Also the pass-through of such an array: the upstream is always asked for events, whose data become the elements. Called by `stream_encode` and
//! `answer`.

use bytes::{Bytes, BytesMut};

use crate::{
    answer::Out,
    error::{self, STREAM_DISCONNECTED},
    json::{scan, write::Sink},
    observe::Observer,
    passthrough::PassState,
    sse::Decoder,
    types::{Dialect, End, ErrorBody, GatewayError, Terminal},
};

/// Writes what stands around the pieces of one stream.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    array: bool,
    begun: bool,
}

impl Framing {
    pub(crate) const fn new(array: bool) -> Self {
        Self {
            array,
            begun: false,
        }
    }

    /// Before a piece.
    pub(super) fn open<S: Sink>(&mut self, out: &mut S) {
        let first = !std::mem::replace(&mut self.begun, true);
        out.raw(match (self.array, first) {
            (false, _) => "data: ",
            (true, true) => "[",
            (true, false) => ",\r\n",
        });
    }

    /// Behind a piece.
    pub(super) fn close<S: Sink>(&self, out: &mut S) {
        if !self.array {
            out.raw("\n\n");
        }
    }

    /// Behind the last piece.
    pub(super) fn end<S: Sink>(&mut self, out: &mut S) {
        if self.array {
            out.raw(if self.begun { "]" } else { "[]" });
        }
    }

    /// An error, which ends the stream (T182).
    pub(super) fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        self.open(out);
        out.extend_from_slice(&error::render(
            Dialect::Gemini,
            error::in_band_status(error),
            error,
        ));
        self.close(out);
        self.end(out);
    }
}

/// Events of a Gemini upstream for a Gemini client that wants an array.
pub(crate) struct ArrayPass {
    state: PassState,
    decoder: Decoder,
    framing: Framing,
    pub(crate) observer: Observer,
    ended: bool,
}

impl ArrayPass {
    pub(crate) fn new(state: PassState) -> Self {
        Self {
            state,
            decoder: Decoder::new(),
            framing: Framing::new(true),
            observer: Observer::new(Dialect::Gemini),
            ended: false,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8], out: &mut Out) {
        if self.ended {
            return;
        }
        let mut frame = BytesMut::new();
        let (decoder, framing) = (&mut self.decoder, &mut self.framing);
        let (observer, state) = (&mut self.observer, &self.state);
        let read = decoder.for_each(chunk, |event| {
            element(observer, state, framing, event.data, &mut frame);
        });
        out.push(frame.freeze());
        if let Err(error) = read {
            out.push(self.fail(&disconnected(error.to_string())));
        }
    }

    pub(crate) fn finish(&mut self, out: &mut Out, end: &End) {
        if self.ended {
            return;
        }
        let mut frame = BytesMut::new();
        if *end == End::Clean {
            let (decoder, framing) = (&mut self.decoder, &mut self.framing);
            let (observer, state) = (&mut self.observer, &self.state);
            decoder.finish(|event| {
                if scan::each_member(event.data, 0, |_| ()).is_ok() {
                    element(observer, state, framing, event.data, &mut frame);
                }
            });
        }
        out.push(frame.split().freeze());
        if self.observer.close() {
            self.framing.end(&mut frame);
            self.ended = true;
            return out.push(frame.freeze());
        }
        let message = match end {
            End::Clean => "the upstream closed the stream before the answer was finished",
            End::Cut { message } => message,
        };
        out.push(self.fail(&disconnected(message.to_owned())));
    }

    /// An error of ours, and the end of the array.
    pub(crate) fn fail(&mut self, error: &GatewayError) -> Bytes {
        if std::mem::replace(&mut self.ended, true) {
            return Bytes::new();
        }
        let mut frame = BytesMut::new();
        if self.observer.seen.terminal == Some(Terminal::Failed) {
            // The upstream told it already.
            self.framing.end(&mut frame);
        } else {
            self.framing.fail(&error.into(), &mut frame);
            self.observer.seen.terminal = Some(Terminal::Failed);
        }
        frame.freeze()
    }

    pub(crate) const fn is_open(&self) -> bool {
        !self.ended
    }
}

fn disconnected(message: String) -> GatewayError {
    GatewayError {
        status: 502,
        code: STREAM_DISCONNECTED.into(),
        message,
    }
}

fn element(
    observer: &mut Observer,
    state: &PassState,
    framing: &mut Framing,
    data: &[u8],
    out: &mut BytesMut,
) {
    // What is no object is no piece, and would break the array.
    if scan::members(data, 0).is_err() {
        return;
    }
    observer.event(None, data);
    let data = Bytes::copy_from_slice(data);
    framing.open(out);
    out.extend_from_slice(&state.named(Dialect::Gemini, &data));
    framing.close(out);
}

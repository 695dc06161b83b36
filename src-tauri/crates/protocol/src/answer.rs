//! The answer's way back, per request: bytes of the upstream in, bytes for the client out. Called by `gateway`'s relay loop.
//!
//! It chooses the lane (pass-through, fold, hub) and owns the decoder of the translated one. It does no IO and knows no time:
//! keep-alives are written when the caller says so.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::{
    gemini::array::ArrayPass,
    hub::{self, HubState, StreamTranslator},
    lost::Lost,
    passthrough::{self, Folding, PassState, PassThrough},
    sse::Decoder,
    types::{Dialect, End, Failure, GatewayError, Lane, Observed, RequestState, Target},
};

/// A comment: keeps connections open, and every client skips it unseen (T163).
const COMMENT: &[u8] = b": keep-alive\n\n";

/// Codex resets its idle timer on events only, and ignores one it does not know (T163). It has no number: the upstream counts its own events
/// from 0 without gaps, and a number of ours would stand there twice (T171). For the same reason no other client gets it.
const KEEPALIVE_EVENT: &[u8] = b"event: keepalive\ndata: {\"type\":\"keepalive\"}\n\n";

/// The dialect's own keep-alive: Claude Code counts events and tells the person of a silence (T163).
const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";

/// Nothing a Gemini client reads: comments and events of other names break its libraries. Between the elements of an array it is space (T162, T163).
const BLANK_LINE: &[u8] = b"\n";

/// Where an [`Answer`] puts bytes for the client: at most one frame per push, however many events it holds.
#[derive(Default)]
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

/// The size only: an answer's text belongs in no log.
impl fmt::Debug for Out {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Out({} bytes)", self.frame.len())
    }
}

/// One answer on its way back.
///
/// For an event stream of the upstream: [`Answer::push`] for every chunk, then [`Answer::finish`], then for a client that does
/// not stream [`Answer::into_json`]. For a JSON body of the upstream: [`Answer::answer_json`] or [`Answer::stream_json`].
pub struct Answer {
    client: Dialect,
    upstream: Target,
    client_streams: bool,
    codex_client: bool,
    way: Way,
}

/// What has come of the answer.
enum Way {
    /// Nothing yet.
    Waiting(Lane),
    /// A stream, passed through.
    Pass(Box<PassThrough>),
    /// A Responses stream for a Responses client that wants JSON.
    Fold(Box<Folding>),
    /// A Gemini stream for a Gemini client that wants an array.
    Array(Box<ArrayPass>),
    /// A stream, translated.
    Hub(Box<Translation>),
    /// A JSON body; it has been given to the client.
    Whole(Box<Observed>),
}

/// What is seen of an answer before its first byte.
static NOTHING: Observed = Observed {
    usage: None,
    content_started: false,
    terminal: None,
    stopped: false,
    failure: None,
    rate_limits: None,
    model: None,
    response_id: None,
    events: 0,
    pictures: 0,
    lost: Lost::NONE,
};

struct Translation {
    decoder: Decoder,
    translator: StreamTranslator,
    frame: BytesMut,
    ended: bool,
    broken: Option<Failure>,
}

impl Translation {
    fn begin(from: Target, to: Dialect, state: HubState, client_streams: bool) -> Way {
        let translator = if client_streams {
            StreamTranslator::new(from, to, state)
        } else {
            StreamTranslator::folding(from, to, state)
        };
        Way::Hub(Box::new(Self {
            decoder: Decoder::new(),
            translator,
            frame: BytesMut::new(),
            ended: false,
            broken: None,
        }))
    }

    fn push(&mut self, chunk: &[u8]) {
        if self.ended {
            return;
        }
        let (translator, frame) = (&mut self.translator, &mut self.frame);
        let read = self.decoder.for_each(chunk, |event| {
            translator.event(event.event, event.data, frame)
        });
        if let Err(error) = read {
            let message = error.to_string();
            translator.finish(
                &End::Cut {
                    message: message.clone(),
                },
                frame,
            );
            self.ended = true;
            self.broken = Some(Failure::Unreadable { message });
        }
    }

    fn finish(&mut self, end: &End) {
        if self.ended {
            return;
        }
        let (translator, frame) = (&mut self.translator, &mut self.frame);
        if *end == End::Clean {
            self.decoder
                .finish(|event| translator.event(event.event, event.data, frame));
        }
        translator.finish(end, frame);
        self.ended = true;
    }

    /// Hands over what the translator wrote; a client that does not stream gets nothing of it.
    fn give(&mut self, client_streams: bool, out: &mut Out) {
        if client_streams {
            out.push(self.frame.split().freeze());
        } else {
            self.frame.clear();
        }
    }
}

/// The pair only: what passes through belongs in no log.
impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Answer({:?} > {:?})", self.upstream, self.client)
    }
}

impl Answer {
    /// For the request that `state` came from; `client_streams` says what the client asked for.
    #[must_use]
    pub fn new(
        client: Dialect,
        upstream: Target,
        state: RequestState,
        client_streams: bool,
    ) -> Self {
        let codex_client = match &state.lane {
            Lane::Pass(state) => state.codex_client,
            Lane::Hub(state) => state.codex_client,
        };
        Self {
            client,
            upstream,
            client_streams,
            codex_client,
            way: Way::Waiting(state.lane),
        }
    }

    /// Chooses the lane once the upstream streams.
    fn start(&mut self) {
        let Way::Waiting(lane) = &mut self.way else {
            return;
        };
        let lane = std::mem::replace(lane, Lane::Pass(PassState::default()));
        self.way = match lane {
            Lane::Pass(state) if self.client_streams && state.array => {
                Way::Array(Box::new(ArrayPass::new(state)))
            }
            Lane::Pass(state) if self.client_streams => {
                Way::Pass(Box::new(PassThrough::new(self.client, state)))
            }
            Lane::Pass(state) => match self.client {
                Dialect::Responses => Way::Fold(Box::new(Folding::new(state))),
                Dialect::Chat | Dialect::Messages | Dialect::Gemini => Translation::begin(
                    self.upstream,
                    self.client,
                    HubState::same_dialect(state.echo_model, state.array),
                    self.client_streams,
                ),
            },
            Lane::Hub(state) => {
                Translation::begin(self.upstream, self.client, *state, self.client_streams)
            }
        };
    }

    /// A chunk of the upstream's event stream. For a client that does not stream nothing comes out until
    /// [`Answer::into_json`].
    pub fn push(&mut self, chunk: &Bytes, out: &mut Out) {
        self.start();
        match &mut self.way {
            Way::Pass(pass) => pass.push(chunk, out),
            Way::Fold(fold) => fold.push(chunk),
            Way::Array(array) => array.push(chunk, out),
            Way::Hub(hub) => {
                if self.client_streams {
                    // One allocation in place of growing by halves; the buffer comes back once the client has its bytes.
                    hub.frame.reserve(chunk.len() + 512);
                }
                hub.push(chunk);
                hub.give(self.client_streams, out);
            }
            Way::Waiting(_) | Way::Whole(_) => {}
        }
    }

    /// The upstream's event stream ended. A missing terminal event becomes the dialect's own error (T181, T182).
    pub fn finish(&mut self, out: &mut Out, end: End) {
        self.start();
        match &mut self.way {
            Way::Pass(pass) => pass.finish(out, &end),
            Way::Fold(fold) => fold.finish(&end),
            Way::Array(array) => array.finish(out, &end),
            Way::Hub(hub) => {
                hub.finish(&end);
                hub.give(self.client_streams, out);
            }
            Way::Waiting(_) | Way::Whole(_) => {}
        }
    }

    /// What was seen of the answer so far.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        match &self.way {
            Way::Waiting(_) => &NOTHING,
            Way::Pass(pass) => &pass.observer.seen,
            Way::Fold(fold) => &fold.observer.seen,
            Way::Array(array) => &array.observer.seen,
            Way::Hub(hub) => hub.translator.observed(),
            Way::Whole(observed) => observed,
        }
    }

    /// What of the answer the client did not get as it was told, so far; nothing where it passes through.
    #[must_use]
    pub fn lost(&self) -> Lost {
        match &self.way {
            Way::Hub(hub) => hub.translator.lost(),
            _ => self.observed().lost,
        }
    }

    /// The streamed answer as one JSON body, for a client that does not stream (T184). Call after [`Answer::finish`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer failed, was cut or cannot be read.
    pub fn into_json(self) -> Result<Bytes, Failure> {
        match self.way {
            Way::Fold(fold) => fold.into_json(),
            Way::Hub(hub) => match hub.broken {
                Some(failure) => Err(failure),
                None => hub.translator.into_json(),
            },
            Way::Waiting(_) | Way::Pass(_) | Way::Array(_) | Way::Whole(_) => {
                Err(Failure::Unreadable {
                    message: "there is no streamed answer to fold".to_owned(),
                })
            }
        }
    }

    /// A whole JSON answer of the upstream, for a client that does not stream. Fills [`Answer::observed`].
    ///
    /// In one dialect the very bytes that came, unless the model has an alias.
    ///
    /// # Errors
    /// A [`Failure`] when the answer is an error or cannot be read.
    pub fn answer_json(&mut self, body: &Bytes) -> Result<Bytes, Failure> {
        match self.take_lane() {
            Lane::Pass(state) => {
                let (observed, json) = passthrough::whole_json(self.client, &state, body);
                self.way = Way::Whole(Box::new(observed));
                json
            }
            Lane::Hub(state) => {
                let (json, observed) =
                    hub::translate_json(self.upstream, self.client, *state, body)?;
                self.way = Way::Whole(Box::new(observed));
                Ok(json)
            }
        }
    }

    /// A whole JSON answer of the upstream, for a client that streams (T185). Fills [`Answer::observed`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer is an error or cannot be read.
    pub fn stream_json(&mut self, body: &Bytes, out: &mut Out) -> Result<(), Failure> {
        let state = match self.take_lane() {
            Lane::Pass(state) => HubState::same_dialect(state.echo_model, state.array),
            Lane::Hub(state) => *state,
        };
        let mut frames = BytesMut::new();
        let observed = hub::json_to_stream(self.upstream, self.client, state, body, &mut frames)?;
        self.way = Way::Whole(Box::new(observed));
        out.push(frames.freeze());
        Ok(())
    }

    /// The request's state, for a body that is no stream. After a stream has begun there is none left.
    fn take_lane(&mut self) -> Lane {
        match &mut self.way {
            Way::Waiting(lane) => std::mem::replace(lane, Lane::Pass(PassState::default())),
            Way::Pass(_) | Way::Fold(_) | Way::Array(_) | Way::Hub(_) | Way::Whole(_) => {
                Lane::Pass(PassState::default())
            }
        }
    }

    /// After the commit: the error and the clean end of the stream in the client's dialect (T182). Empty when the stream
    /// has had its terminal event: nothing follows that.
    pub fn in_band_error(&mut self, error: &GatewayError) -> Bytes {
        if !self.client_streams {
            return Bytes::new();
        }
        self.start();
        match &mut self.way {
            Way::Pass(pass) => pass.in_band_error(error),
            Way::Array(array) => array.fail(error),
            Way::Hub(hub) if !hub.ended => {
                hub.ended = true;
                hub.translator.in_band_error(error, &mut hub.frame);
                hub.frame.split().freeze()
            }
            Way::Waiting(_) | Way::Hub(_) | Way::Fold(_) | Way::Whole(_) => Bytes::new(),
        }
    }

    /// A keep-alive for the client (T163), or `None` inside a half-sent frame (T164), after the end and for a client that does
    /// not stream.
    #[must_use]
    pub fn keepalive(&self) -> Option<&'static [u8]> {
        let open = match &self.way {
            Way::Waiting(_) => true,
            Way::Pass(pass) => pass.at_border(),
            Way::Array(array) => array.is_open(),
            Way::Hub(hub) => !hub.ended && hub.translator.observed().terminal.is_none(),
            Way::Fold(_) | Way::Whole(_) => false,
        };
        // `response.created` comes before any other event.
        let begun = self.observed().response_id.is_some();
        (open && self.client_streams).then_some(match self.client {
            Dialect::Responses if begun && self.codex_client => KEEPALIVE_EVENT,
            Dialect::Messages => PING,
            Dialect::Gemini => BLANK_LINE,
            Dialect::Responses | Dialect::Chat => COMMENT,
        })
    }
}

#[cfg(test)]
mod tests;

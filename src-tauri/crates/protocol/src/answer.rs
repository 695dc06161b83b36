//! The answer's way back, per request: bytes of the upstream in, bytes for the client out. Called by `gateway`'s relay loop.
//!
//! It chooses the lane (pass-through, fold, hub) and owns the decoder of the translated one. It does no IO and knows no time:
//! keep-alives are written when the caller says so.

use bytes::{Bytes, BytesMut};

use crate::{
    hub::{self, HubState, StreamTranslator},
    observe::Observer,
    passthrough::{self, Folding, PassState, PassThrough},
    sse::Decoder,
    types::{Dialect, End, Failure, GatewayError, Lane, Observed, RequestState, Target},
};

/// A comment: keeps connections open, and every client but Codex skips it unseen (T163).
const COMMENT: &[u8] = b": keep-alive\n\n";

/// Codex resets its idle timer on events only, and openai-node knows this one (T163).
const KEEPALIVE_EVENT: &[u8] =
    b"event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":0}\n\n";

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
///
/// For an event stream of the upstream: [`Answer::push`] for every chunk, then [`Answer::finish`], then for a client that does
/// not stream [`Answer::into_json`]. For a JSON body of the upstream: [`Answer::answer_json`] or [`Answer::stream_json`].
#[derive(Debug)]
pub struct Answer {
    client: Dialect,
    upstream: Target,
    client_streams: bool,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Pass(Box<PassThrough>),
    Fold(Box<Folding>),
    Hub(Box<Translation>),
    /// A JSON body was read in the same dialect.
    Whole(Box<Observer>),
}

#[derive(Debug)]
struct Translation {
    decoder: Decoder,
    translator: StreamTranslator,
    frame: BytesMut,
    ended: bool,
    broken: Option<Failure>,
    /// What a JSON body was seen to hold; it goes without the translator.
    json: Option<Observed>,
    state: HubState,
}

impl Translation {
    fn new(from: Target, to: Dialect, state: HubState, streams: bool) -> Box<Self> {
        let translator = if streams {
            StreamTranslator::new(from, to, state.clone())
        } else {
            StreamTranslator::folding(from, to, state.clone())
        };
        Box::new(Self {
            decoder: Decoder::new(),
            translator,
            frame: BytesMut::new(),
            ended: false,
            broken: None,
            json: None,
            state,
        })
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
        let way = match state.lane {
            Lane::Pass(state) if client_streams => {
                Way::Pass(Box::new(PassThrough::new(client, state)))
            }
            Lane::Pass(state) if client == Dialect::Responses => {
                Way::Fold(Box::new(Folding::new(state)))
            }
            Lane::Pass(state) => Way::Hub(Translation::new(
                upstream,
                client,
                HubState::same_dialect(state.echo_model),
                client_streams,
            )),
            Lane::Hub(state) => {
                Way::Hub(Translation::new(upstream, client, *state, client_streams))
            }
        };
        Self {
            client,
            upstream,
            client_streams,
            way,
        }
    }

    /// A chunk of the upstream's event stream. For a client that does not stream nothing comes out until
    /// [`Answer::into_json`].
    pub fn push(&mut self, chunk: &Bytes, out: &mut Out) {
        match &mut self.way {
            Way::Pass(pass) => pass.push(chunk, out),
            Way::Fold(fold) => fold.push(chunk),
            Way::Hub(hub) => {
                if hub.ended {
                    return;
                }
                let (translator, frame) = (&mut hub.translator, &mut hub.frame);
                let read = hub.decoder.for_each(chunk, |event| {
                    translator.event(event.event, event.data, frame)
                });
                if let Err(error) = read {
                    let end = End::Cut {
                        message: error.to_string(),
                    };
                    translator.finish(&end, frame);
                    hub.ended = true;
                    hub.broken = Some(Failure::Unreadable {
                        message: error.to_string(),
                    });
                }
                give(frame, self.client_streams, out);
            }
            Way::Whole(_) => {}
        }
    }

    /// The upstream's event stream ended. A missing terminal event becomes the dialect's own error (T181, T182).
    pub fn finish(&mut self, out: &mut Out, end: End) {
        match &mut self.way {
            Way::Pass(pass) => pass.finish(out, &end),
            Way::Fold(fold) => fold.finish(&end),
            Way::Hub(hub) => {
                if hub.ended {
                    return;
                }
                let (translator, frame) = (&mut hub.translator, &mut hub.frame);
                if end == End::Clean {
                    hub.decoder
                        .finish(|event| translator.event(event.event, event.data, frame));
                }
                translator.finish(&end, frame);
                hub.ended = true;
                give(frame, self.client_streams, out);
            }
            Way::Whole(_) => {}
        }
    }

    /// What was seen of the answer so far.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        match &self.way {
            Way::Pass(pass) => &pass.observer.seen,
            Way::Fold(fold) => &fold.observer.seen,
            Way::Hub(hub) => hub
                .json
                .as_ref()
                .unwrap_or_else(|| hub.translator.observed()),
            Way::Whole(observer) => &observer.seen,
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
            Way::Pass(_) | Way::Whole(_) => Err(Failure::Unreadable {
                message: "the answer was streamed to the client".to_owned(),
            }),
        }
    }

    /// A whole JSON answer of the upstream, for a client that does not stream. Fills [`Answer::observed`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer is an error or cannot be read.
    pub fn answer_json(&mut self, body: &Bytes) -> Result<Bytes, Failure> {
        let same = self.upstream.dialect() == self.client;
        match &mut self.way {
            Way::Hub(hub) if !same => {
                let state = std::mem::take(&mut hub.state);
                let (json, observed) =
                    hub::translate_json(self.upstream, self.client, state, body)?;
                hub.json = Some(observed);
                Ok(json)
            }
            way => {
                let state = match way {
                    Way::Pass(pass) => pass.state().clone(),
                    Way::Fold(fold) => fold.state().clone(),
                    Way::Hub(hub) => PassState {
                        echo_model: hub.state.echo_model(),
                        ..PassState::default()
                    },
                    Way::Whole(_) => PassState::default(),
                };
                let mut observer = Box::new(Observer::new(self.client));
                let json = passthrough::whole_json(&mut observer, &state, body);
                *way = Way::Whole(observer);
                json
            }
        }
    }

    /// A whole JSON answer of the upstream, for a client that streams (T185). Fills [`Answer::observed`].
    ///
    /// # Errors
    /// A [`Failure`] when the answer is an error or cannot be read.
    pub fn stream_json(&mut self, body: &Bytes, out: &mut Out) -> Result<(), Failure> {
        let state = match &mut self.way {
            Way::Hub(hub) => std::mem::take(&mut hub.state),
            Way::Pass(pass) => HubState::same_dialect(pass.state().echo_model.clone()),
            Way::Fold(_) | Way::Whole(_) => HubState::default(),
        };
        let mut frame = BytesMut::new();
        let observed = hub::json_to_stream(self.upstream, self.client, state, body, &mut frame)?;
        let mut observer = Box::new(Observer::new(self.client));
        observer.seen = observed;
        self.way = Way::Whole(observer);
        out.push(frame.freeze());
        Ok(())
    }

    /// After the commit: the error and the clean end of the stream in the client's dialect (T182). Empty when the stream
    /// has had its terminal event: nothing follows that.
    pub fn in_band_error(&mut self, error: &GatewayError) -> Bytes {
        match &mut self.way {
            Way::Pass(pass) => pass.in_band_error(error),
            Way::Hub(hub) if !hub.ended => {
                hub.ended = true;
                hub.translator.in_band_error(error, &mut hub.frame);
                hub.frame.split().freeze()
            }
            Way::Hub(_) | Way::Fold(_) | Way::Whole(_) => Bytes::new(),
        }
    }

    /// A keep-alive for the client (T163), or `None` inside a half-sent frame (T164), after the end and for a client that does
    /// not stream.
    #[must_use]
    pub fn keepalive(&self) -> Option<&'static [u8]> {
        let open = match &self.way {
            Way::Pass(pass) => pass.at_border(),
            Way::Hub(hub) => {
                self.client_streams && !hub.ended && hub.translator.observed().terminal.is_none()
            }
            Way::Fold(_) | Way::Whole(_) => false,
        };
        // Responses clients expect `response.created` before any other event.
        let begun = self.observed().events > 0;
        open.then_some(match self.client {
            Dialect::Responses if begun => KEEPALIVE_EVENT,
            Dialect::Responses | Dialect::Chat => COMMENT,
        })
    }
}

/// Hands over what the translator wrote; a client that does not stream gets nothing of it.
fn give(frame: &mut BytesMut, client_streams: bool, out: &mut Out) {
    if client_streams {
        out.push(frame.split().freeze());
    } else {
        frame.clear();
    }
}

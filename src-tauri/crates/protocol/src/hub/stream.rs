//! The way of an answer: upstream events or JSON in, the client's stream or JSON out.
//!
//! It owns the decoder of the upstream's dialect, the restorer of names and the encoder of the client's dialect. Called by `answer`.

use bytes::{Bytes, BytesMut};

use super::HubState;
use crate::{
    canonical::{
        event::{Event, Receiver},
        fold::Fold,
        parallel::Unwrapper,
        restore::Restorer,
        ruler::Ruler,
        stops::Stops,
        untold::Untold,
    },
    chat,
    error::{event_status, from_event},
    gemini,
    json::{scan, text::one_line},
    lost::Lost,
    messages, responses,
    types::{
        Dialect, End, ErrorBody, Failure, GatewayError, Observed, ReasoningOutput, Target, Terminal,
    },
};

/// Reads what the upstream sends.
#[derive(Debug)]
enum Decoder {
    Chat(chat::stream_decode::Decoder),
    Responses(responses::stream_decode::Decoder),
    Messages(Box<messages::stream_decode::Decoder>),
    Gemini(Box<gemini::stream_decode::Decoder>),
}

impl Decoder {
    fn new(from: Target, state: &HubState) -> Self {
        match from {
            Target::Chat => Self::Chat(chat::stream_decode::Decoder::new(&state.request_id)),
            Target::Responses | Target::Codex => {
                Self::Responses(responses::stream_decode::Decoder::default())
            }
            Target::Messages => Self::Messages(Box::default()),
            Target::Gemini => Self::Gemini(Box::new(gemini::stream_decode::Decoder::new(
                &state.request_id,
            ))),
        }
    }

    fn observed(&self) -> &Observed {
        match self {
            Self::Chat(decoder) => &decoder.watch.observed,
            Self::Responses(decoder) => decoder.observed(),
            Self::Messages(decoder) => &decoder.watch.observed,
            Self::Gemini(decoder) => &decoder.watch.observed,
        }
    }

    fn observed_mut(&mut self) -> &mut Observed {
        match self {
            Self::Chat(decoder) => &mut decoder.watch.observed,
            Self::Responses(decoder) => &mut decoder.watch.observed,
            Self::Messages(decoder) => &mut decoder.watch.observed,
            Self::Gemini(decoder) => &mut decoder.watch.observed,
        }
    }

    fn push(&mut self, name: Option<&[u8]>, data: &str, to: &mut impl Receiver) {
        self.observed_mut().events += 1;
        match self {
            Self::Chat(decoder) => {
                decoder.push(data, to);
            }
            Self::Responses(decoder) => {
                decoder.push(name, data, to);
            }
            Self::Messages(decoder) => decoder.push(data, to),
            Self::Gemini(decoder) => decoder.push(data, to),
        }
    }

    fn finish(&mut self, end: &End, to: &mut impl Receiver) {
        match self {
            Self::Chat(decoder) => decoder.finish(end, to),
            Self::Responses(decoder) => decoder.finish(end, to),
            Self::Messages(decoder) => decoder.finish(end, to),
            Self::Gemini(decoder) => decoder.finish(end, to),
        }
    }

    /// A whole answer at once.
    fn whole(&mut self, body: &Bytes, to: &mut impl Receiver) -> Result<(), Failure> {
        let unreadable = || Failure::Unreadable {
            message: "the upstream's body is not a JSON object".to_owned(),
        };
        // Strict, because slices of the body become parts of frames.
        let (_, end) = scan::members(body, 0).map_err(|_| unreadable())?;
        scan::ends(body, end).map_err(|_| unreadable())?;
        let text = std::str::from_utf8(body).map_err(|_| unreadable())?;
        // Some servers print their answers over many lines, and parts of them become frames.
        let text = &one_line(text);
        let read = match self {
            Self::Chat(decoder) => decoder.whole(text, to),
            Self::Responses(decoder) => decoder.whole(text, to),
            Self::Messages(decoder) => decoder.whole(text, to),
            Self::Gemini(decoder) => decoder.whole(text, to),
        };
        read.map_err(|_| unreadable())
    }
}

/// Writes what the client reads.
#[derive(Debug)]
enum Encoder {
    Chat(Box<chat::stream_encode::Encoder>),
    Responses(Box<responses::stream_encode::Encoder>),
    Messages(Box<messages::stream_encode::Encoder>),
    Gemini(Box<gemini::stream_encode::Encoder>),
    /// The client does not stream: the answer is gathered.
    Fold(Box<Fold>),
}

impl Encoder {
    fn streaming(to: Dialect, state: &HubState) -> Self {
        match to {
            Dialect::Chat => Self::Chat(Box::new(chat::stream_encode::Encoder::new(
                minted_id("chatcmpl-", state),
                state.model.clone(),
                state.created,
                state.include_usage,
                state.reasoning,
            ))),
            Dialect::Responses => Self::Responses(Box::new(
                responses::stream_encode::Encoder::new(response_words(state)),
            )),
            Dialect::Messages => Self::Messages(Box::new(messages::stream_encode::Encoder::new(
                message_words(state),
            ))),
            Dialect::Gemini => Self::Gemini(Box::new(gemini::stream_encode::Encoder::new(
                gemini_words(state),
            ))),
        }
    }

    fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        match self {
            Self::Chat(encoder) => encoder.event(event, out),
            Self::Responses(encoder) => encoder.event(event, out),
            Self::Messages(encoder) => encoder.event(event, out),
            Self::Gemini(encoder) => encoder.event(event, out),
            Self::Fold(fold) => fold.add(&event),
        }
    }

    fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        match self {
            Self::Chat(encoder) => encoder.fail(error, out),
            Self::Responses(encoder) => encoder.fail(error, out),
            Self::Messages(encoder) => encoder.fail(error, out),
            Self::Gemini(encoder) => encoder.fail(error, out),
            Self::Fold(_) => {}
        }
    }
}

/// Minted once per answer (T166, T177); empty for the upstream's own.
fn minted_id(prefix: &str, state: &HubState) -> String {
    if state.request_id.is_empty() {
        String::new()
    } else {
        [prefix, &state.request_id].concat()
    }
}

fn response_words(state: &HubState) -> responses::answer::Words {
    responses::answer::Words {
        id: minted_id("resp_", state),
        seed: state.request_id.clone(),
        model: state.model.clone(),
        created: state.created,
        echo: state.echo.clone(),
    }
}

fn message_words(state: &HubState) -> messages::answer::Words {
    messages::answer::Words {
        id: minted_id("msg_", state),
        model: state.model.clone(),
        estimate: state.estimate,
        thoughts: state.reasoning != ReasoningOutput::Off,
    }
}

fn gemini_words(state: &HubState) -> gemini::answer::Words {
    gemini::answer::Words {
        id: minted_id("", state),
        model: state.model.clone(),
        thoughts: state.reasoning != ReasoningOutput::Off,
        array: state.array,
    }
}

/// What changes events between decoder and encoder.
#[derive(Debug)]
struct Stages {
    unwrapper: Unwrapper,
    restorer: Restorer,
    /// Where the answer may name its sources (T31).
    ruler: Option<Box<Ruler>>,
    stops: Option<Stops>,
    untold: Untold,
}

/// The way of an event from the decoder to the client's bytes.
struct Road<'r> {
    stages: &'r mut Stages,
    encoder: &'r mut Encoder,
    out: &'r mut BytesMut,
}

impl Receiver for Road<'_> {
    fn take(&mut self, event: Event<'_>) {
        let (encoder, out) = (&mut *self.encoder, &mut *self.out);
        let Stages {
            unwrapper,
            restorer,
            ruler,
            stops,
            untold,
        } = &mut *self.stages;
        let mut tell = |event: Event<'_>| {
            untold.look(&event);
            encoder.event(event, out);
        };
        unwrapper.pass(event, |event| {
            restorer.pass(event, |mut event| {
                if let Some(ruler) = ruler {
                    ruler.look(&mut event);
                }
                match stops {
                    None => tell(event),
                    Some(stops) => stops.pass(event, &mut tell),
                }
            });
        });
    }
}

/// Upstream events → the client's stream, or one JSON answer.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    decoder: Decoder,
    stages: Stages,
    encoder: Encoder,
    from: Target,
    to: Dialect,
    state: HubState,
    /// An error of ours ended the client's stream; nothing follows it.
    closed: bool,
}

impl StreamTranslator {
    /// For a client that streams.
    pub(crate) fn new(from: Target, to: Dialect, state: HubState) -> Self {
        let encoder = Encoder::streaming(to, &state);
        Self::with(from, to, state, encoder)
    }

    /// For a client that wants one JSON answer: nothing is written before [`StreamTranslator::into_json`].
    pub(crate) fn folding(from: Target, to: Dialect, state: HubState) -> Self {
        Self::with(from, to, state, Encoder::Fold(Box::default()))
    }

    fn with(from: Target, to: Dialect, mut state: HubState, encoder: Encoder) -> Self {
        // A client that does not stream gets the count of tokens with its answer.
        let waits = state.include_usage || matches!(encoder, Encoder::Fold(_));
        let mut names = std::mem::take(&mut state.names);
        let stages = Stages {
            unwrapper: Unwrapper::new(names.take_declared()),
            restorer: Restorer::new(names),
            ruler: if state.cites {
                Ruler::new(from, to, matches!(encoder, Encoder::Fold(_)))
            } else {
                None
            },
            stops: Stops::new(std::mem::take(&mut state.stops), waits),
            untold: Untold::new(to, state.reasoning, matches!(encoder, Encoder::Fold(_))),
        };
        Self {
            decoder: Decoder::new(from, &state),
            stages,
            encoder,
            from,
            to,
            state,
            closed: false,
        }
    }

    /// One upstream event; client frames are appended to `out`.
    pub(crate) fn event(&mut self, name: Option<&[u8]>, data: &[u8], out: &mut BytesMut) {
        if self.closed {
            return;
        }
        let mut road = Road {
            stages: &mut self.stages,
            encoder: &mut self.encoder,
            out,
        };
        match std::str::from_utf8(data) {
            Ok(text) => self.decoder.push(name, &one_line(text), &mut road),
            Err(_) => {
                let text = String::from_utf8_lossy(data);
                self.decoder.push(name, &one_line(&text), &mut road);
            }
        }
        // The client's answer is over: what the upstream still says is nobody's.
        if self.stages.stops.as_ref().is_some_and(Stops::over) {
            let terminal = &mut self.decoder.observed_mut().terminal;
            terminal.get_or_insert(Terminal::Completed);
        }
    }

    /// The upstream's body ended; closes the client's stream in its dialect.
    pub(crate) fn finish(&mut self, end: &End, out: &mut BytesMut) {
        if self.closed {
            return;
        }
        let mut road = Road {
            stages: &mut self.stages,
            encoder: &mut self.encoder,
            out,
        };
        self.decoder.finish(end, &mut road);
        self.closed = true;
    }

    /// What was seen of the answer so far.
    pub(crate) fn observed(&self) -> &Observed {
        self.decoder.observed()
    }

    /// What the client did not get of it so far.
    pub(crate) fn lost(&self) -> Lost {
        let mut lost = self.decoder.observed().lost;
        lost.join(self.stages.untold.lost);
        lost
    }

    /// The answer folded to one JSON body, after `finish`.
    pub(crate) fn into_json(self) -> Result<Bytes, Failure> {
        let Self {
            decoder,
            encoder,
            to,
            state,
            ..
        } = self;
        let Encoder::Fold(fold) = encoder else {
            return Err(Failure::Unreadable {
                message: "the answer was streamed, not gathered".to_owned(),
            });
        };
        render(&fold, to, &state, decoder.observed())
    }

    /// An error told inside the client's stream, with its clean end; nothing follows it.
    pub(crate) fn in_band_error(&mut self, error: &GatewayError, out: &mut BytesMut) {
        if self.closed || self.decoder.observed().terminal.is_some() {
            return;
        }
        self.closed = true;
        self.decoder.observed_mut().terminal = Some(Terminal::Failed);
        self.encoder.fail(&error.into(), out);
    }
}

/// A gathered answer as the client's JSON, or the failure it ended in.
fn render(
    fold: &Fold,
    to: Dialect,
    state: &HubState,
    observed: &Observed,
) -> Result<Bytes, Failure> {
    if let Some(fault) = &fold.fault {
        return Err(match &observed.failure {
            Some(raw) => Failure::Upstream {
                error: Box::new(fault.error.clone()),
                status: fault.status,
                raw: raw.clone(),
            },
            None => Failure::Cut {
                message: fault.error.message.clone(),
            },
        });
    }
    let Some(finish) = fold.finish else {
        return Err(Failure::Cut {
            message: "The upstream ended its answer without finishing it.".to_owned(),
        });
    };
    let mut out = BytesMut::with_capacity(1024);
    match to {
        Dialect::Chat => {
            let words = chat::answer::Words {
                id: minted_id("chatcmpl-", state),
                model: state.model.clone(),
                created: state.created,
                reasoning: state.reasoning,
            };
            chat::answer::write(fold, &words, &mut out);
        }
        Dialect::Responses => {
            responses::answer::write(fold, &response_words(state), Some(finish), &mut out)
        }
        Dialect::Messages => messages::answer::write(fold, &message_words(state), &mut out),
        Dialect::Gemini => gemini::answer::write(fold, &gemini_words(state), &mut out),
    }
    Ok(out.freeze())
}

/// Whole upstream JSON → whole client JSON (also within one dialect, for callers that need the common form).
pub(crate) fn translate_json(
    upstream: Target,
    client: Dialect,
    state: HubState,
    body: &Bytes,
) -> Result<(Bytes, Observed), Failure> {
    let mut translator = StreamTranslator::folding(upstream, client, state);
    let observed = translator.whole(body, &mut BytesMut::new())?;
    Ok((translator.into_json()?, observed))
}

/// Whole upstream JSON → the client's stream with its full life cycle (T185). Also within one dialect.
pub(crate) fn json_to_stream(
    upstream: Target,
    client: Dialect,
    state: HubState,
    body: &Bytes,
    out: &mut BytesMut,
) -> Result<Observed, Failure> {
    StreamTranslator::new(upstream, client, state).whole(body, out)
}

impl StreamTranslator {
    fn whole(&mut self, body: &Bytes, out: &mut BytesMut) -> Result<Observed, Failure> {
        if self.stages.ruler.is_none() {
            // Some name sources unasked; of an answer that is here as a whole they can be measured.
            let folded = matches!(self.encoder, Encoder::Fold(_));
            self.stages.ruler = Ruler::new(self.from, self.to, folded);
        }
        let mut road = Road {
            stages: &mut self.stages,
            encoder: &mut self.encoder,
            out,
        };
        self.decoder.whole(body, &mut road)?;
        let observed = self.decoder.observed();
        if let Some(raw) = &observed.failure {
            // Nothing was sent yet: the client gets the status that the error stands for (T184).
            let error = from_event(raw);
            let status = event_status(raw, &error);
            return Err(Failure::Upstream {
                error: Box::new(error),
                status,
                raw: raw.clone(),
            });
        }
        Ok(Observed {
            lost: self.lost(),
            ..observed.clone()
        })
    }
}

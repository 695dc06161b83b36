//! The fast lane's way back: the upstream's bytes go on as they are, an observer reads along (F87).
//!
//! A chunk that ends at a frame border is handed on as it came, without a copy. The beginning of an unfinished frame waits for
//! its end, so that a break never leaves half a frame at the client and an in-band error always stands alone; only a frame
//! longer than [`HOLD`] goes out in parts. Events change only where they must: the asked model name (T204), the usage chunk
//! nobody asked for (T154), private events (T188), the empty `output` at the end (T173). Called by `answer`.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::{
    answer::Out,
    error::{self, STREAM_DISCONNECTED, StreamWords},
    finished::{FinishedItems, Missing},
    fold::{self, Fold},
    json::scan,
    observe::{Kind, Observer},
    patch::{Edits, ObjectPatch, quoted},
    sse::{Decoder, EventTooLong, write_event},
    types::{Dialect, End, ErrorBody, Failure, GatewayError, Head, Observed, Options, Target},
};

/// The last event of a Messages stream.
const MESSAGE_STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// How much of an unfinished frame is held back, in bytes.
const HOLD: usize = 64 << 10;

/// What a passed-through answer needs to know of its request.
#[derive(Debug, Clone, Default)]
pub(crate) struct PassState {
    /// The name the client asked for, where another was sent (T204, F92).
    pub(crate) echo_model: Option<Box<str>>,
    /// A Gemini client that wants its stream as one JSON array (T203).
    pub(crate) array: bool,
    /// The client did not ask for the usage chunk (T154).
    pub(crate) hide_usage: bool,
    /// The client would trip over the backend's private events (T188).
    pub(crate) hide_private: bool,
    /// The client reads the terminal event's `output` and nothing else, so an empty one is filled (T173, F76).
    pub(crate) fill_output: bool,
    /// The client is a native Codex client.
    pub(crate) codex_client: bool,
    /// Unix seconds, for an error that must be told before the upstream said when.
    pub(crate) created: i64,
    /// The id told in such an error.
    pub(crate) fallback_id: Box<str>,
}

impl PassState {
    pub(crate) fn new(to: Target, head: &Head, options: &Options<'_>) -> Self {
        let asked = head
            .model
            .as_deref()
            .filter(|asked| options.model.is_some_and(|sent| sent != *asked));
        Self {
            echo_model: asked.map(Into::into),
            array: head.array,
            hide_usage: false,
            hide_private: to == Target::Codex && !options.codex_client,
            fill_output: to.dialect() == Dialect::Responses && !options.codex_client,
            codex_client: options.codex_client,
            created: options.created,
            fallback_id: format!("resp_{}", options.request_id).into(),
        }
    }

    /// Whether frames may have to change.
    const fn edits(&self) -> bool {
        self.echo_model.is_some() || self.hide_usage || self.hide_private || self.fill_output
    }

    /// Whether long frames may have to change, so that none may leave in parts. What is hidden is short.
    const fn holds_all(&self) -> bool {
        self.echo_model.is_some()
    }

    /// How the client should see the event: `None` for unchanged.
    fn edited(
        &self,
        dialect: Dialect,
        kind: Kind,
        name: Option<&[u8]>,
        data: &[u8],
        items: &mut FinishedItems,
    ) -> Option<Change> {
        if (kind == Kind::Private && self.hide_private)
            || (kind == Kind::UsageOnly && self.hide_usage)
        {
            return Some(Change::Frame(Bytes::new()));
        }
        let missing_from = |data: &[u8]| {
            let fills = self.fill_output && kind == Kind::Lifecycle;
            fills.then(|| items.missing_from(name, data))?
        };
        let Some(changed) = self.renamed(dialect, kind, data) else {
            return missing_from(data).map(Change::Fill);
        };
        let filled = missing_from(&changed).map(|missing| missing.into_data(&changed));
        let mut frame = BytesMut::new();
        write_event(
            &mut frame,
            name.and_then(|name| std::str::from_utf8(name).ok()),
            filled.as_deref().unwrap_or(&changed),
        );
        Some(Change::Frame(frame.freeze()))
    }

    /// The event's data with the asked model name; `None` when it has no other.
    fn renamed(&self, dialect: Dialect, kind: Kind, data: &[u8]) -> Option<Bytes> {
        let model = self.echo_model.as_deref()?;
        let start = match (dialect, kind) {
            (Dialect::Chat | Dialect::Gemini, _) => 0,
            (Dialect::Messages, Kind::Lifecycle) => {
                scan::member_value(data, 0..data.len(), "message")?.start
            }
            (Dialect::Responses, Kind::Lifecycle) => {
                scan::member_value(data, 0..data.len(), "response")?.start
            }
            (Dialect::Responses | Dialect::Messages, _) => return None,
        };
        with_model(
            &Bytes::copy_from_slice(data),
            start,
            model_field(dialect),
            model,
        )
    }

    /// A whole JSON answer with the asked model name.
    pub(crate) fn named(&self, dialect: Dialect, body: &Bytes) -> Bytes {
        self.echo_model
            .as_deref()
            .and_then(|model| with_model(body, 0, model_field(dialect), model))
            .unwrap_or_else(|| body.clone())
    }
}

/// What becomes of a frame.
enum Change {
    /// Another one goes in its place; none when it is empty.
    Frame(Bytes),
    /// Items go into its data.
    Fill(Missing),
}

impl Change {
    fn write(&self, frame: &[u8], out: &mut BytesMut) {
        match self {
            Self::Frame(by) => out.extend_from_slice(by),
            Self::Fill(missing) => missing.write(frame, out),
        }
    }
}

/// Where an answer of the dialect names its model.
const fn model_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat | Dialect::Responses | Dialect::Messages => "model",
        Dialect::Gemini => "modelVersion",
    }
}

/// `text` with the model of the object at `start` replaced; `None` when it has none.
fn with_model(text: &Bytes, start: usize, field: &str, model: &str) -> Option<Bytes> {
    let (members, _) = scan::members(text, start).ok()?;
    let mut edits = Edits::default();
    let mut object = ObjectPatch::new(text, start, &members, &mut edits);
    object.token(field)?;
    object.set(field, &quoted(model));
    object.finish();
    Some(edits.apply(text).to_bytes())
}

/// One passed-through stream.
pub(crate) struct PassThrough {
    dialect: Dialect,
    state: PassState,
    decoder: Decoder,
    pub(crate) observer: Observer,
    /// Kept only where they may have to fill the end.
    items: FinishedItems,
    /// The unfinished frame, not sent yet.
    held: BytesMut,
    /// Whether a part of the unfinished frame was sent.
    mid_frame: bool,
    /// Whether the client's stream has ended.
    ended: bool,
}

impl PassThrough {
    pub(crate) fn new(dialect: Dialect, state: PassState) -> Self {
        Self {
            dialect,
            state,
            decoder: Decoder::new(),
            observer: Observer::new(dialect),
            items: FinishedItems::default(),
            held: BytesMut::new(),
            mid_frame: false,
            ended: false,
        }
    }

    pub(crate) fn push(&mut self, chunk: &Bytes, out: &mut Out) {
        if self.ended || chunk.is_empty() {
            return;
        }
        let before = self.held.len();
        let edits = self.state.edits();
        let mut changes: Vec<(Range<usize>, Change)> = Vec::new();
        let mut from = 0;
        // A frame that has partly left cannot change any more.
        let mut sealed = self.mid_frame;
        let (observer, state, dialect) = (&mut self.observer, &self.state, self.dialect);
        let items = &mut self.items;
        let border = self.decoder.scan(chunk, |event, end| {
            let kind = observer.event(event.event, event.data);
            if edits {
                if kind == Kind::ItemDone && state.fill_output {
                    items.keep(event.data);
                }
                let end = before + end;
                let sealed = std::mem::take(&mut sealed);
                if !sealed
                    && let Some(change) =
                        state.edited(dialect, kind, event.event, event.data, items)
                {
                    changes.push((from..end, change));
                }
                from = end;
            }
        });
        match border {
            Err(EventTooLong) => {
                let message = EventTooLong.to_string();
                self.end_with(&message, out);
            }
            Ok(Some(border)) => {
                out.push(self.frames(chunk, border, changes));
                self.mid_frame = false;
                self.held.extend_from_slice(&chunk[border..]);
            }
            Ok(None) if self.mid_frame => out.push(chunk.clone()),
            Ok(None) => {
                self.held.extend_from_slice(chunk);
                if self.held.len() > HOLD && !self.holds() {
                    out.push(self.held.split().freeze());
                    self.mid_frame = true;
                }
            }
        }
    }

    /// Whether the unfinished frame may have to change, so that no part of it may leave.
    fn holds(&self) -> bool {
        self.state.holds_all() || self.items.may_be_missing_from(self.decoder.data_so_far())
    }

    /// Everything up to the border, changed where it must be.
    fn frames(
        &mut self,
        chunk: &Bytes,
        border: usize,
        changes: Vec<(Range<usize>, Change)>,
    ) -> Bytes {
        if self.held.is_empty() && changes.is_empty() {
            return if border == chunk.len() {
                chunk.clone()
            } else {
                chunk.slice(..border)
            };
        }
        self.held.extend_from_slice(&chunk[..border]);
        let frames = std::mem::take(&mut self.held).freeze();
        if changes.is_empty() {
            return frames;
        }
        let mut whole = BytesMut::with_capacity(frames.len() + 256);
        let mut at = 0;
        for (range, change) in changes {
            whole.extend_from_slice(&frames[at..range.start]);
            change.write(&frames[range.clone()], &mut whole);
            at = range.end;
        }
        whole.extend_from_slice(&frames[at..]);
        whole.freeze()
    }

    pub(crate) fn finish(&mut self, out: &mut Out, end: &End) {
        if self.ended {
            return;
        }
        if *end == End::Clean {
            self.last_frame(out);
        }
        if self.dialect == Dialect::Gemini && self.observer.close() {
            // The last piece told it all.
            if *end == End::Clean {
                out.push(self.held.split().freeze());
            }
        } else if self.observer.stopped && self.observer.seen.terminal.is_none() {
            // The upstream said why it stopped and closed without the last event; the client libraries wait for that one.
            let stop = self.observer.stop();
            self.observer.seen.terminal = Some(stop);
            out.push(Bytes::from_static(MESSAGE_STOP));
        } else if self.observer.seen.terminal.is_none() {
            let message = match end {
                End::Clean => "the upstream closed the stream before the answer was finished",
                End::Cut { message } => message,
            };
            self.end_with(message, out);
        } else if self.dialect == Dialect::Responses && !self.observer.ended {
            // The upstream told its error in an `error` event alone.
            let failure = self.observer.seen.failure.as_deref().unwrap_or_default();
            let mut frame = BytesMut::new();
            error::failed_event(&error::from_event(failure), self.words(), &mut frame);
            out.push(frame.freeze());
        }
        self.ended = true;
    }

    /// What an error told by us repeats of the stream.
    fn words(&self) -> StreamWords<'_> {
        let seen = &self.observer.seen;
        let model = self.state.echo_model.as_deref().or(seen.model.as_deref());
        StreamWords {
            id: seen
                .response_id
                .as_deref()
                .unwrap_or(&self.state.fallback_id),
            model: model.unwrap_or_default(),
            created: self.observer.created.unwrap_or(self.state.created),
            sequence: self.observer.sequence,
        }
    }

    /// A last event without its blank line (T159): it counts when it is whole, and gets the blank line.
    fn last_frame(&mut self, out: &mut Out) {
        let (observer, state, dialect) = (&mut self.observer, &self.state, self.dialect);
        let items = &mut self.items;
        let mut last = None;
        self.decoder.finish(|event| {
            let whole = event.data == b"[DONE]" || scan::each_member(event.data, 0, |_| ()).is_ok();
            if whole {
                let kind = observer.event(event.event, event.data);
                last = Some(state.edited(dialect, kind, event.event, event.data, items));
            }
        });
        match last {
            Some(Some(Change::Frame(by))) => out.push(by),
            Some(Some(Change::Fill(missing))) => {
                let mut frame = BytesMut::new();
                missing.write(&self.held, &mut frame);
                frame.extend_from_slice(b"\n\n");
                out.push(frame.freeze());
            }
            Some(None) => {
                out.push(self.held.split().freeze());
                out.push(Bytes::from_static(b"\n\n"));
                self.mid_frame = false;
            }
            // Half an event is nothing; what stands outside of any event is for a Gemini client to judge.
            None if self.dialect == Dialect::Gemini
                && !self.held.trim_ascii_start().starts_with(b"data") =>
            {
                return;
            }
            None => {}
        }
        self.held.clear();
    }

    fn end_with(&mut self, message: &str, out: &mut Out) {
        let error = GatewayError {
            status: 502,
            code: STREAM_DISCONNECTED.into(),
            message: message.to_owned(),
        };
        out.push(self.in_band_error(&error));
    }

    pub(crate) fn in_band_error(&mut self, error: &GatewayError) -> Bytes {
        let over = self.ended || self.observer.seen.terminal.is_some();
        self.ended = true;
        if over {
            return Bytes::new();
        }
        let mut frame = BytesMut::new();
        if self.mid_frame {
            frame.extend_from_slice(b"\n\n");
        }
        let words = self.words();
        error::in_band(self.dialect, &ErrorBody::from(error), words, &mut frame);
        self.observer.seen.terminal = Some(crate::types::Terminal::Failed);
        self.held.clear();
        frame.freeze()
    }

    /// Whether a keep-alive may stand here (T164).
    pub(crate) const fn at_border(&self) -> bool {
        !self.mid_frame && !self.ended && self.observer.seen.terminal.is_none()
    }
}

/// A stream of the upstream for a client that wants one JSON body, both speaking Responses.
pub(crate) struct Folding {
    state: PassState,
    decoder: Decoder,
    pub(crate) observer: Observer,
    fold: Fold,
    broken: Option<Failure>,
}

impl Folding {
    pub(crate) fn new(state: PassState) -> Self {
        let observer = Observer::new(Dialect::Responses);
        Self {
            state,
            decoder: Decoder::new(),
            observer,
            fold: Fold::default(),
            broken: None,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let (observer, fold) = (&mut self.observer, &mut self.fold);
        let read = self.decoder.for_each(chunk, |event| {
            let kind = observer.event(event.event, event.data);
            fold.event(kind, event.data, observer);
        });
        if let Err(error) = read {
            self.broken.get_or_insert(Failure::Unreadable {
                message: error.to_string(),
            });
        }
    }

    pub(crate) fn finish(&mut self, end: &End) {
        match end {
            End::Clean => {
                let (observer, fold) = (&mut self.observer, &mut self.fold);
                self.decoder.finish(|event| {
                    if scan::each_member(event.data, 0, |_| ()).is_ok() {
                        let kind = observer.event(event.event, event.data);
                        fold.event(kind, event.data, observer);
                    }
                });
            }
            End::Cut { message } if self.observer.seen.terminal.is_none() => {
                self.broken.get_or_insert(Failure::Cut {
                    message: message.clone(),
                });
            }
            End::Cut { .. } => {}
        }
    }

    pub(crate) fn into_json(self) -> Result<Bytes, Failure> {
        match self.broken {
            Some(failure) => Err(failure),
            None => self
                .fold
                .into_json(&self.observer, self.state.echo_model.as_deref()),
        }
    }
}

/// A whole JSON answer for a client of the same dialect: observed, and the very bytes that came unless the model has an alias.
pub(crate) fn whole_json(
    dialect: Dialect,
    state: &PassState,
    body: &Bytes,
) -> (Observed, Result<Bytes, Failure>) {
    let mut observer = Observer::new(dialect);
    let json = if !observer.whole(body) {
        Err(Failure::Unreadable {
            message: "the answer is not a JSON object".to_owned(),
        })
    } else if observer.seen.failure.is_some() && observer.seen.response_id.is_none() {
        // An error object in a 200 is an error all the same; a failed answer with an id is an answer, and says so itself.
        Err(fold::failed(&observer))
    } else {
        Ok(state.named(dialect, body))
    };
    (observer.seen, json)
}

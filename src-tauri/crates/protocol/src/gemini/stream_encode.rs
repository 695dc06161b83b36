//! The events of the common form → pieces of a Gemini answer.
//!
//! A call is one piece, written when its arguments are whole; what proves thoughts stands beside the part that follows them. The last piece holds
//! the finish reason and the count of tokens. Called by the hub.

use bytes::BytesMut;

use super::{
    answer::{OPEN, Words, call, close, counts, picture, tail, text, thought},
    array::Framing,
    cite,
    seal::spelled,
};
use crate::{
    canonical::{
        cite::Citation,
        event::{Event, Finish, Start},
        request::Seal,
    },
    json::{text::Text, write::Sink},
    types::{ErrorBody, Usage},
};

/// Writes the pieces of one answer.
#[derive(Debug)]
pub(crate) struct Encoder {
    words: Words,
    framing: Framing,
    /// What stands behind the candidate of every piece.
    tail: String,
    open: Vec<Open>,
    /// The proof of thoughts that waits for its part.
    pending: Option<String>,
    /// Some words refused.
    refused: bool,
    /// Tools are called.
    called: bool,
    /// What was searched, and the sources of the words.
    queries: Vec<Text<'static>>,
    sources: Vec<(usize, Citation<'static>)>,
}

/// An item whose whole is needed.
#[derive(Debug)]
struct Open {
    slot: usize,
    kind: Kind,
    /// Arguments, or thoughts, in JSON spelling.
    held: String,
}

#[derive(Debug)]
enum Kind {
    Thought(Option<Seal<'static>>),
    Call {
        id: Text<'static>,
        name: Text<'static>,
        custom: bool,
    },
}

impl Encoder {
    /// For one answer.
    pub(crate) fn new(words: Words) -> Self {
        let mut tail = String::new();
        self::tail(&words, "", "", &mut tail);
        Self {
            framing: Framing::new(words.array),
            tail,
            words,
            open: Vec::new(),
            pending: None,
            refused: false,
            called: false,
            queries: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// Writes what the event means for the client.
    pub(crate) fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        self.refused |= matches!(event, Event::Refusal { .. });
        match event {
            Event::Started { id, model, .. } => {
                let plain = |text: Option<Text<'_>>| {
                    text.map(|text| text.decode().into_owned())
                        .unwrap_or_default()
                };
                self.tail.clear();
                tail(&self.words, &plain(id), &plain(model), &mut self.tail);
            }
            Event::ItemStart { slot, start } => self.start(slot, start),
            Event::Text { delta, .. } | Event::Refusal { delta, .. } => {
                // A proof beside one piece of the words would part it from the others: it waits for a call or the end, as the vendor's does.
                if !delta.is_empty() {
                    self.piece(out, |out| text(delta.raw(), None, out));
                }
            }
            // Told at the end (T31).
            Event::Citation { citation, .. } => self.sources.push((0, citation.into_owned())),
            Event::Picture { picture: drawn, .. } => {
                self.piece(out, |out| picture(&drawn.kind, drawn.data.raw(), out));
            }
            Event::Search { search, .. } => {
                self.queries.extend(search.query.map(Text::into_owned));
            }
            Event::Reasoning { slot, delta } => self.think(slot, delta.raw(), out),
            Event::ReasoningBreak { slot } => self.think(slot, "\\n\\n", out),
            Event::Seal {
                slot,
                origin,
                seal,
                redacted,
            } => {
                if let Some(Open {
                    kind: Kind::Thought(kept),
                    ..
                }) = self.open.iter_mut().find(|open| open.slot == slot)
                {
                    *kept = Some(Seal {
                        origin,
                        text: seal.into_owned(),
                        redacted,
                    });
                }
            }
            Event::Input { slot, delta } => {
                if let Some(open) = self.open.iter_mut().find(|open| open.slot == slot) {
                    open.held.push_str(delta.raw());
                }
            }
            Event::ItemEnd { slot } => self.end(slot, out),
            Event::Done { finish, usage } => self.done(finish, usage, out),
            Event::Failed(fault) => self.fail(&fault.error, out),
        }
    }

    /// An error, which ends the stream (T182).
    pub(crate) fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        self.framing.fail(error, out);
    }

    fn start(&mut self, slot: usize, start: Start<'_>) {
        let kind = match start {
            Start::Message { .. } | Start::Search | Start::Picture => return,
            Start::Reasoning => Kind::Thought(None),
            Start::Call {
                call_id,
                name,
                custom,
                ..
            } => {
                self.called = true;
                Kind::Call {
                    id: call_id.into_owned(),
                    name: name.into_owned(),
                    custom,
                }
            }
        };
        self.open.push(Open {
            slot,
            kind,
            held: String::new(),
        });
    }

    fn think(&mut self, slot: usize, delta: &str, out: &mut BytesMut) {
        if delta.is_empty() {
            return;
        }
        if let Some(open) = self.open.iter_mut().find(|open| open.slot == slot) {
            open.held.push_str(delta);
        }
        if self.words.thoughts {
            self.piece(out, |out| thought(delta, out));
        }
    }

    fn end(&mut self, slot: usize, out: &mut BytesMut) {
        let Some(at) = self.open.iter().position(|open| open.slot == slot) else {
            return;
        };
        let Open { kind, held, .. } = self.open.remove(at);
        match kind {
            Kind::Thought(seal) => {
                if seal.is_none() && held.is_empty() {
                    return;
                }
                if let Some(signature) = self.pending.take() {
                    self.piece(out, |out| text("", Some(&signature), out));
                }
                self.pending = Some(spelled(seal.as_ref(), &held).into_owned());
            }
            Kind::Call { id, name, custom } => {
                let signature = self.pending.take();
                self.piece(out, |out| {
                    call(&id, &name, &held, custom, signature.as_deref(), out);
                });
            }
        }
    }

    fn done(&mut self, finish: Finish, usage: Option<Usage>, out: &mut BytesMut) {
        // Who shows no thoughts takes a proof behind mere words for another text.
        let signature = self.pending.take().filter(|_| self.words.thoughts);
        self.framing.open(out);
        out.raw(OPEN);
        text("", signature.as_deref(), out);
        let mut grounding = String::new();
        cite::write(&self.queries, &self.sources, &mut grounding);
        close(
            Some(finish.refused(self.refused && !self.called)),
            &grounding,
            out,
        );
        counts(usage, out);
        out.raw(&self.tail);
        self.framing.close(out);
        self.framing.end(out);
    }

    fn piece(&mut self, out: &mut BytesMut, part: impl FnOnce(&mut BytesMut)) {
        self.framing.open(out);
        out.raw(OPEN);
        part(out);
        close(None, "", out);
        out.raw(&self.tail);
        self.framing.close(out);
    }
}

//! What a decoder notes of an answer while it reads it: the public [`Observed`], and the slots of the items it opened.
//!
//! Called by the stream decoders of the dialects.

use bytes::Bytes;

use super::event::{Event, Fault, Finish, Receiver, Start};
use crate::{
    error::{GATEWAY_ERROR, STREAM_DISCONNECTED, event_status, from_event},
    json::text::Text,
    lost::Gone,
    types::{End, ErrorBody, Observed, Terminal, Usage},
};

const DAMAGED: &str = r#"{"type":"error","error":{"type":"api_error","message":"The upstream sent an event that cannot be read in the middle of a tool call. Ask again."}}"#;

/// The book of one answer.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) observed: Observed,
    slots: usize,
    started: bool,
}

impl Watch {
    /// Whether the terminal was given; nothing may follow it.
    pub(crate) fn ended(&self) -> bool {
        self.observed.terminal.is_some()
    }

    /// Whether another event of the answer's beginning could tell nothing new.
    pub(crate) fn is_introduced(&self) -> bool {
        self.started && self.observed.response_id.is_some() && self.observed.model.is_some()
    }

    /// Tells of the answer's existence, once.
    pub(crate) fn start(
        &mut self,
        id: Option<&Text<'_>>,
        model: Option<&Text<'_>>,
        created: Option<u64>,
        to: &mut impl Receiver,
    ) {
        if self.observed.response_id.is_none() {
            self.observed.response_id = id
                .filter(|id| !id.is_empty())
                .map(|id| id.decode().into_owned());
        }
        if self.observed.model.is_none() {
            self.observed.model = model
                .filter(|model| !model.is_empty())
                .map(|model| model.decode().into_owned());
        }
        if !self.started {
            self.started = true;
            to.take(Event::Started {
                id: id.map(Text::borrowed),
                model: model.map(Text::borrowed),
                created: created.filter(|seconds| *seconds > 0),
            });
        }
    }

    /// Opens an item in the next slot.
    pub(crate) fn open(&mut self, start: Start<'_>, to: &mut impl Receiver) -> usize {
        self.start(None, None, None, to);
        self.observed.content_started = true;
        self.observed.pictures += u32::from(matches!(start, Start::Picture));
        let slot = self.slots;
        self.slots += 1;
        to.take(Event::ItemStart { slot, start });
        slot
    }

    /// The last usage wins (T155).
    pub(crate) fn usage(&mut self, usage: Option<Usage>) {
        if usage.is_some() {
            self.observed.usage = usage;
        }
    }

    /// The answer ended by itself; its items are closed.
    pub(crate) fn done(&mut self, finish: Finish, to: &mut impl Receiver) {
        self.start(None, None, None, to);
        self.observed.terminal = Some(if finish == Finish::Stop {
            Terminal::Completed
        } else {
            Terminal::Incomplete
        });
        to.take(Event::Done {
            finish,
            usage: self.observed.usage,
        });
    }

    /// The upstream told of an error; what is open stays so.
    pub(crate) fn failed(&mut self, data: &str, to: &mut impl Receiver) {
        self.observed.terminal = Some(Terminal::Failed);
        self.observed.failure = Some(Bytes::copy_from_slice(data.as_bytes()));
        let error = from_event(data.as_bytes());
        let status = event_status(data.as_bytes(), &error);
        to.take(Event::Failed(Fault { error, status }));
    }

    /// A piece of the answer could not be read and is left out; what is no event at all is nothing lost.
    #[cold]
    pub(crate) fn unreadable(&mut self, data: &str) {
        let event = data.trim_start().starts_with('{');
        self.observed.lost.add_if(event, Gone::Unreadable);
    }

    /// An event inside a call could not be read. Without it the call would be another one, which nobody asked for; what is no event at all
    /// (some servers send words to keep the connection) is passed over.
    #[cold]
    pub(crate) fn damaged(&mut self, data: &str, to: &mut impl Receiver) {
        if data.trim_start().starts_with('{') {
            self.broken_call(to);
        }
    }

    /// A piece of a call is missing.
    #[cold]
    pub(crate) fn broken_call(&mut self, to: &mut impl Receiver) {
        if !self.ended() {
            self.failed(DAMAGED, to);
        }
    }

    /// The upstream's body ended before its terminal (T181); what is open stays so.
    pub(crate) fn cut(&mut self, end: &End, to: &mut impl Receiver) {
        let message = match end {
            End::Clean => "The upstream ended its answer without finishing it.".to_owned(),
            End::Cut { message } => message.clone(),
        };
        self.observed.terminal = Some(Terminal::Failed);
        let error = ErrorBody {
            message,
            kind: GATEWAY_ERROR.into(),
            code: Some(STREAM_DISCONNECTED.into()),
            param: None,
        };
        to.take(Event::Failed(Fault { error, status: 502 }));
    }
}

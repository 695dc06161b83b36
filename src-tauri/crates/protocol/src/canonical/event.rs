//! The events of an answer in the common form.
//!
//! Laws every decoder keeps: slots count up from 0 in the order their items start; every start has exactly one end before [`Event::Done`]; there is
//! exactly one terminal (it or [`Event::Failed`]) and nothing after it. Encoders rely on them and check nothing. A failure ends nothing that is
//! open: clients run a call as soon as they see its end, and what was cut off of its arguments nobody knows.

use super::{
    cite::{Citation, Search},
    picture::Picture,
};
use crate::{
    json::text::Text,
    types::{Dialect, ErrorBody, Usage},
};

/// What kind of item starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Start<'e> {
    /// Words for the person. `phase` is Codex's `commentary` or `final_answer` (T18).
    Message { phase: Option<Text<'e>> },
    /// Reasoning.
    Reasoning,
    /// A tool call, by the name the upstream knows.
    Call {
        call_id: Text<'e>,
        name: Text<'e>,
        namespace: Option<Text<'e>>,
        custom: bool,
    },
    /// A search that ran at the provider: one [`Event::Search`], then the end.
    Search,
    /// A picture: one [`Event::Picture`], then the end.
    Picture,
}

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event<'e> {
    /// The answer exists; id, model and Unix seconds are the upstream's own.
    Started {
        id: Option<Text<'e>>,
        model: Option<Text<'e>>,
        created: Option<u64>,
    },
    /// An item opens.
    ItemStart { slot: usize, start: Start<'e> },
    /// Words. `logprobs` is a raw array of token records.
    Text {
        slot: usize,
        delta: Text<'e>,
        logprobs: Option<&'e str>,
    },
    /// Words of a refusal.
    Refusal { slot: usize, delta: Text<'e> },
    /// A source of the message's words. It comes behind them and before the message ends.
    Citation {
        slot: usize,
        citation: Box<Citation<'e>>,
    },
    /// A search that ran at the provider, in an item of its own.
    Search {
        slot: usize,
        search: Box<Search<'e>>,
    },
    /// A picture, in an item of its own.
    Picture {
        slot: usize,
        picture: Box<Picture<'e>>,
    },
    /// Words of reasoning.
    Reasoning { slot: usize, delta: Text<'e> },
    /// The next reasoning words are a new paragraph.
    ReasoningBreak { slot: usize },
    /// What proves an item of reasoning to whoever thought it: a signature, or the sealed thoughts themselves (T89, T104). The last one
    /// counts (T92). `redacted` says that there is nothing to show beside it (T95).
    Seal {
        slot: usize,
        origin: Dialect,
        seal: Text<'e>,
        redacted: bool,
    },
    /// Arguments of a call, or the raw input of a custom call.
    Input { slot: usize, delta: Text<'e> },
    /// The item is whole.
    ItemEnd { slot: usize },
    /// The answer ended by itself.
    Done {
        finish: Finish,
        usage: Option<Usage>,
    },
    /// The answer failed or was cut.
    Failed(Fault),
}

/// Why the answer ended; whether calls were made is read from the items (T141–T143).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Whole.
    Stop,
    /// Cut at the token limit.
    Length,
    /// Cut by a content filter.
    Filter,
}

impl Finish {
    /// A whole answer that refused ends as one that was kept back; one that calls tools goes on.
    pub(crate) fn refused(self, refused: bool) -> Self {
        match self {
            Self::Stop if refused => Self::Filter,
            other => other,
        }
    }
}

/// An error that ends an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// In the words of the client's dialects.
    pub(crate) error: ErrorBody,
    /// The HTTP status it stands for.
    pub(crate) status: u16,
}

/// Takes the events of one answer in order.
pub(crate) trait Receiver {
    /// The next event.
    fn take(&mut self, event: Event<'_>);
}

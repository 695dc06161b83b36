//! What an answer's events hold and the client's dialect has no word for: one place for all four encoders, streaming and folded, so that what they leave
//! out is on the record. The last station before the encoder; it changes nothing. Called by the hub.

use super::{
    cite::{Citation, Search, Unit},
    event::{Event, Start},
};
use crate::{
    chat,
    lost::{Gone, Lost},
    messages, responses,
    types::{Dialect, ReasoningOutput},
};

/// Looks at the events of one answer.
#[derive(Debug)]
pub(crate) struct Untold {
    pub(crate) lost: Lost,
    to: Dialect,
    reasoning: ReasoningOutput,
    /// The client gets one JSON answer.
    folded: bool,
    /// A proof of thoughts waits for the part it stands beside.
    waiting: bool,
    /// The item of reasoning that is open has no words so far.
    wordless: bool,
    /// Something was told before that item.
    begun: bool,
}

impl Untold {
    pub(crate) fn new(to: Dialect, reasoning: ReasoningOutput, folded: bool) -> Self {
        Self {
            lost: Lost::NONE,
            to,
            reasoning,
            folded,
            waiting: false,
            wordless: false,
            begun: false,
        }
    }

    /// Looks at an event on its way to the encoder. The frequent ones cost a comparison.
    #[inline]
    pub(crate) fn look(&mut self, event: &Event<'_>) {
        match event {
            Event::Text { logprobs: None, .. }
            | Event::Input { .. }
            | Event::ReasoningBreak { .. }
            | Event::Started { .. }
            | Event::ItemEnd { .. }
            | Event::Failed(_) => {}
            Event::Reasoning { .. } => self.wordless = false,
            _ => self.look_closely(event),
        }
    }

    fn look_closely(&mut self, event: &Event<'_>) {
        let to = self.to;
        // Words, blocks and parts are all that these two have.
        let plain = matches!(to, Dialect::Messages | Dialect::Gemini);
        match event {
            Event::ItemStart { start, .. } => self.start(start),
            Event::Text { logprobs, .. } => {
                self.lost
                    .add_if(plain && logprobs.is_some(), Gone::Logprobs);
            }
            Event::Refusal { .. } => self.lost.add_if(plain, Gone::Refusal),
            Event::Citation { citation, .. } => self.citation(citation),
            Event::Search { search, .. } => self.search(search),
            Event::Picture { .. } => {
                let words = matches!(to, Dialect::Chat | Dialect::Messages);
                self.lost.add_if(words, Gone::Picture);
            }
            Event::Seal { origin, .. } => self.seal(*origin),
            Event::Done { .. } => {
                let gone = match to {
                    Dialect::Chat => self.waiting,
                    // As the last block it would pass for the answer.
                    Dialect::Messages => self.waiting && self.begun,
                    // Without thoughts it would pass for another text.
                    Dialect::Gemini => {
                        self.waiting && !self.folded && self.reasoning == ReasoningOutput::Off
                    }
                    Dialect::Responses => false,
                };
                self.lost.add_if(gone, Gone::Seal);
            }
            _ => {}
        }
    }

    fn start(&mut self, start: &Start<'_>) {
        let bare = self.waiting && self.to == Dialect::Messages;
        match start {
            Start::Reasoning => {
                self.wordless = true;
                // What waited stands before it and is told.
                self.begun |= bare;
                self.waiting &= !bare;
                return;
            }
            Start::Message { phase } => {
                let aside = phase.as_ref().is_some_and(|phase| phase.is("commentary"));
                self.lost
                    .add_if(aside && self.to != Dialect::Responses, Gone::Phase);
                self.waiting &= !bare;
            }
            Start::Call {
                namespace, custom, ..
            } => {
                let framed = matches!(self.to, Dialect::Messages | Dialect::Gemini);
                self.lost.add_if(*custom && framed, Gone::CustomInput);
                let unnamed = namespace.is_some() && self.to != Dialect::Responses;
                self.lost.add_if(unnamed, Gone::Namespace);
                self.waiting = false;
            }
            Start::Search | Start::Picture => self.waiting &= !bare,
        }
        self.begun = true;
    }

    /// A proof of thoughts: Chat keeps one of Gemini's before a call, the others keep it where they show thoughts.
    fn seal(&mut self, origin: Dialect) {
        match self.to {
            Dialect::Responses => {}
            Dialect::Chat => {
                let kept = origin == Dialect::Gemini;
                self.lost.add_if(self.waiting || !kept, Gone::Seal);
                self.waiting = kept;
            }
            Dialect::Messages => {
                let shown = self.reasoning != ReasoningOutput::Off;
                self.lost.add_if(!shown, Gone::Seal);
                let bare = self.wordless && origin != Dialect::Messages;
                self.waiting = shown && bare;
                self.begun |= shown && !bare;
            }
            Dialect::Gemini => self.waiting = true,
        }
    }

    fn citation(&mut self, citation: &Citation<'_>) {
        let (told, whole) = match self.to {
            Dialect::Chat => (
                chat::answer::annotation(citation, self.reasoning).is_some(),
                citation.quoted.is_none() && citation.file.is_none(),
            ),
            Dialect::Responses => (
                responses::cite::is_told(citation),
                citation.quoted.is_none() && (citation.url.is_none() || citation.file.is_none()),
            ),
            Dialect::Messages => (
                messages::cite::citation(citation).is_some(),
                citation.file.is_none() && citation.place.is_none(),
            ),
            Dialect::Gemini => (
                citation.url.is_some() || citation.file.is_some() || citation.quoted.is_some(),
                (citation.quoted.is_none() || citation.url.is_none() || citation.file.is_some())
                    && (citation.place.is_none() || citation.at(Unit::Bytes).is_some()),
            ),
        };
        self.lost.add_if(!told, Gone::Citation);
        let own = citation.native_of(self.to).is_some();
        self.lost
            .add_if(told && !own && !whole, Gone::CitationDetails);
    }

    fn search(&mut self, search: &Search<'_>) {
        let opened = search.query.is_none();
        let pages = &search.pages;
        let (gone, part) = match self.to {
            Dialect::Chat => (true, false),
            Dialect::Messages => (opened, false),
            Dialect::Gemini => (opened, !pages.is_empty()),
            Dialect::Responses => (
                false,
                (opened && pages.len() > 1) || pages.iter().any(|page| page.title.is_some()),
            ),
        };
        match (gone, opened) {
            (true, true) => self.lost.add(Gone::OpenedPage),
            (true, false) => self.lost.add(Gone::Search),
            _ => self.lost.add_if(part, Gone::FoundPages),
        }
    }
}

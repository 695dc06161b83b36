//! The events of the common form → Messages events.
//!
//! Blocks are numbered from 0 without gaps and stand strictly one behind the other (T179): what belongs to a later block while an earlier one is
//! open waits for its turn (T82). A block's stop is written when the next thing comes, so that an answer that breaks inside a block ends with
//! its error, as the vendor's own do: the client libraries read a stop of half a tool call as broken JSON, not as our error. Called by the hub.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::{
    answer::{Words, head, is_foreign, is_own_redacted, signature},
    cite::{self, Blocks},
    usage,
    wire::{call_id, stop_word},
};
use crate::{
    canonical::{
        event::{Event, Finish, Start},
        request::Seal,
    },
    error::{StreamWords, in_band},
    json::{text::escape_into, write::Sink},
    types::{Dialect, ErrorBody, Usage},
};

/// Writes the events of one answer.
#[derive(Debug)]
pub(crate) struct Encoder {
    words: Words,
    index: u64,
    calls: bool,
    /// Some words refused.
    refused: bool,
    /// The block being written, and those that wait for it.
    blocks: VecDeque<Block>,
}

#[derive(Debug)]
struct Block {
    slot: usize,
    kind: Kind,
    /// Its start was written.
    begun: bool,
    ended: bool,
    /// What came while it waited, in JSON spelling.
    held: String,
    seal: Option<Seal<'static>>,
    /// Sources that came while it waited, as JSON.
    sources: Vec<String>,
    /// The object around a custom tool's input was begun.
    framed: bool,
}

/// What stands before the raw input of a custom tool, as JSON inside JSON.
const FRAME: &str = "{\\\"input\\\":\\\"";

#[derive(Debug)]
enum Kind {
    Text,
    Thinking,
    /// A search that ran elsewhere: two blocks, written at once.
    Search(Option<Blocks>),
    Call {
        id: String,
        name: String,
        custom: bool,
    },
}

impl Kind {
    const fn is_custom(&self) -> bool {
        matches!(self, Self::Call { custom: true, .. })
    }

    /// The delta's type and the member that holds its text.
    const fn delta(&self) -> &'static str {
        match self {
            Self::Text | Self::Search(_) => "{\"type\":\"text_delta\",\"text\":\"",
            Self::Thinking => "{\"type\":\"thinking_delta\",\"thinking\":\"",
            Self::Call { .. } => "{\"type\":\"input_json_delta\",\"partial_json\":\"",
        }
    }
}

impl Encoder {
    /// For one answer.
    pub(crate) fn new(words: Words) -> Self {
        Self {
            words,
            index: 0,
            calls: false,
            refused: false,
            blocks: VecDeque::new(),
        }
    }

    /// Writes what the event means for the client.
    pub(crate) fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        if matches!(event, Event::Done { .. }) {
            self.leave_out_last_proof();
        }
        if !matches!(event, Event::ItemEnd { .. } | Event::Failed(_)) {
            self.settle(out);
        }
        self.refused |= matches!(event, Event::Refusal { .. });
        match event {
            Event::Started { id, model, .. } => {
                out.raw("event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
                let plain = |text: Option<crate::json::text::Text<'_>>| {
                    text.map(|text| text.decode().into_owned())
                        .unwrap_or_default()
                };
                head(&self.words, &plain(id), &plain(model), out);
                out.raw(",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":");
                let estimate = Usage {
                    input: self.words.estimate,
                    ..Usage::default()
                };
                usage::write(&estimate, out);
                out.raw("}}\n\n");
            }
            Event::ItemStart { slot, start } => self.start(slot, &start, out),
            Event::Text { slot, delta, .. }
            | Event::Refusal { slot, delta }
            | Event::Reasoning { slot, delta } => self.delta(slot, delta.raw(), out),
            Event::Picture { slot, picture } => self.delta(slot, &picture.words(), out),
            Event::ReasoningBreak { slot } => self.delta(slot, "\\n\\n", out),
            Event::Citation { slot, citation } => {
                if let Some(told) = cite::citation(&citation) {
                    self.source(slot, told, out);
                }
            }
            Event::Search { slot, search } => {
                if let Some(block) = self.blocks.iter_mut().find(|block| block.slot == slot) {
                    block.kind = Kind::Search(cite::blocks(&search, &self.words.id));
                }
            }
            Event::Seal {
                slot,
                origin,
                seal,
                redacted,
            } => {
                if let Some(block) = self.blocks.iter_mut().find(|block| block.slot == slot) {
                    block.seal = Some(Seal {
                        origin,
                        text: seal.into_owned(),
                        redacted,
                    });
                }
            }
            Event::Input { slot, delta } => self.input(slot, delta.raw(), out),
            Event::ItemEnd { slot } => {
                if let Some(block) = self.blocks.iter_mut().find(|block| block.slot == slot) {
                    block.ended = true;
                }
            }
            Event::Done { finish, usage } => self.done(finish, usage, out),
            Event::Failed(fault) => self.fail(&fault.error, out),
        }
    }

    /// A proof without thoughts that comes after everything else is not told: clients take the last block for the answer.
    fn leave_out_last_proof(&mut self) {
        let bare = |block: &mut Block| {
            matches!(block.kind, Kind::Thinking)
                && !block.begun
                && block.held.is_empty()
                && block.seal.as_ref().is_some_and(is_foreign)
        };
        if self.index > 0 {
            self.blocks.pop_back_if(bare);
        }
    }

    /// An error, which ends the stream (T182).
    pub(crate) fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        in_band(Dialect::Messages, error, StreamWords::default(), out);
    }

    fn start(&mut self, slot: usize, start: &Start<'_>, out: &mut BytesMut) {
        let kind = match start {
            Start::Message { .. } | Start::Picture => Kind::Text,
            // What has no block has no deltas.
            Start::Reasoning if !self.words.thoughts => return,
            Start::Reasoning => Kind::Thinking,
            Start::Search => Kind::Search(None),
            Start::Call {
                call_id: id,
                name,
                custom,
                ..
            } => {
                self.calls = true;
                Kind::Call {
                    id: call_id(id).into_owned(),
                    name: name.raw().to_owned(),
                    custom: *custom,
                }
            }
        };
        self.blocks.push_back(Block {
            slot,
            kind,
            begun: false,
            ended: false,
            held: String::new(),
            seal: None,
            sources: Vec::new(),
            framed: false,
        });
        if self.blocks.len() == 1 {
            self.wake(out);
        }
    }

    /// Words of a block: written when it is its turn, else kept.
    fn delta(&mut self, slot: usize, delta: &str, out: &mut BytesMut) {
        if delta.is_empty() {
            return;
        }
        let Some(at) = self.blocks.iter().position(|block| block.slot == slot) else {
            return;
        };
        if at > 0 {
            return self.blocks[at].held.push_str(delta);
        }
        let index = self.index;
        let block = &mut self.blocks[at];
        begin(block, index, out);
        write_delta(block, index, delta, out);
        write_sources(block, index, out);
    }

    /// Arguments. The raw input of a custom tool becomes the one member of an object (T51).
    fn input(&mut self, slot: usize, delta: &str, out: &mut BytesMut) {
        let open = self.blocks.iter_mut().find(|block| block.slot == slot);
        let Some(block) = open.filter(|block| block.kind.is_custom()) else {
            return self.delta(slot, delta, out);
        };
        let mut spelled = String::with_capacity(delta.len() + 16);
        // The frame is closed at the end of the block.
        if !std::mem::replace(&mut block.framed, true) {
            spelled.push_str(FRAME);
        }
        escape_into(delta, &mut spelled);
        self.delta(slot, &spelled, out);
    }

    /// Ends the blocks whose end has come, and gives the next one its turn.
    fn settle(&mut self, out: &mut BytesMut) {
        while self.blocks.front().is_some_and(|block| block.ended) {
            let Some(mut block) = self.blocks.pop_front() else {
                return;
            };
            self.end(&mut block, out);
            self.wake(out);
        }
    }

    /// The front block's turn has come: what it kept is written.
    fn wake(&mut self, out: &mut BytesMut) {
        let index = self.index;
        let Some(block) = self.blocks.front_mut() else {
            return;
        };
        // Words and thoughts begin with their first delta: an empty block is none (T12).
        if matches!(block.kind, Kind::Call { .. }) || !block.held.is_empty() {
            begin(block, index, out);
        }
        let held = std::mem::take(&mut block.held);
        if !held.is_empty() {
            write_delta(block, index, &held, out);
        }
        write_sources(block, index, out);
    }

    /// A source of a block's words (T31): written when it is its turn and there are words, else kept.
    fn source(&mut self, slot: usize, told: String, out: &mut BytesMut) {
        let index = self.index;
        let at = self.blocks.iter().position(|block| block.slot == slot);
        if let Some((at, block)) = at.and_then(|at| Some((at, self.blocks.get_mut(at)?))) {
            block.sources.push(told);
            if at == 0 {
                write_sources(block, index, out);
            }
        }
    }

    fn end(&mut self, block: &mut Block, out: &mut BytesMut) {
        let index = self.index;
        match &block.kind {
            Kind::Text => {}
            Kind::Search(told) => {
                if let Some(told) = told {
                    search(told, index, out);
                    self.index += 2;
                }
                return;
            }
            Kind::Thinking => {
                if !block.begun && block.seal.is_none() {
                    return;
                }
                if !block.begun && block.seal.as_ref().is_some_and(is_own_redacted) {
                    redacted(block, index, out);
                } else {
                    begin(block, index, out);
                    // T92: one, with the whole value, before the stop.
                    open_delta(index, out);
                    out.raw("{\"type\":\"signature_delta\",\"signature\":\"");
                    signature(block.seal.as_ref(), out);
                    out.raw("\"}}\n\n");
                }
            }
            Kind::Call { custom: true, .. } => {
                if !block.framed {
                    write_delta(block, index, FRAME, out);
                }
                write_delta(block, index, "\\\"}", out);
            }
            Kind::Call { .. } => {}
        }
        if block.begun {
            close_block(index, out);
            self.index += 1;
        }
    }

    fn done(&mut self, finish: Finish, usage: Option<Usage>, out: &mut BytesMut) {
        out.raw(
            "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"",
        );
        out.raw(stop_word(
            finish.refused(self.refused && !self.calls),
            self.calls,
        ));
        out.raw("\",\"stop_sequence\":null},\"usage\":");
        match usage {
            Some(counts) => usage::write(&counts, out),
            // T150: there has to be one; the estimate of the input stays what it was.
            None => out.raw("{\"output_tokens\":0}"),
        }
        out.raw("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}

/// Sources go behind the words they stand for; a block without any has none.
fn write_sources(block: &mut Block, index: u64, out: &mut BytesMut) {
    if !block.begun {
        return;
    }
    for told in block.sources.drain(..) {
        open_delta(index, out);
        out.raw("{\"type\":\"citations_delta\",\"citation\":");
        out.raw(&told);
        out.raw("}}\n\n");
    }
}

/// The call and its result, each with its whole life.
fn search(told: &Blocks, index: u64, out: &mut BytesMut) {
    open_block(index, out);
    out.raw(&told.call);
    out.raw("{}}}\n\n");
    open_delta(index, out);
    out.raw("{\"type\":\"input_json_delta\",\"partial_json\":");
    out.string(&told.input);
    out.raw("}}\n\n");
    close_block(index, out);
    open_block(index + 1, out);
    out.raw(&told.result);
    out.raw("}\n\n");
    close_block(index + 1, out);
}

fn open_block(index: u64, out: &mut BytesMut) {
    out.raw("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":");
    out.number(index);
    out.raw(",\"content_block\":");
}

fn close_block(index: u64, out: &mut BytesMut) {
    out.raw("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":");
    out.number(index);
    out.raw("}\n\n");
}

fn begin(block: &mut Block, index: u64, out: &mut BytesMut) {
    if std::mem::replace(&mut block.begun, true) {
        return;
    }
    open_block(index, out);
    match &block.kind {
        Kind::Text | Kind::Search(_) => out.raw("{\"type\":\"text\",\"text\":\"\"}"),
        Kind::Thinking => {
            out.raw("{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
        }
        Kind::Call { id, name, .. } => {
            out.raw("{\"type\":\"tool_use\",\"id\":\"");
            out.raw(id);
            out.raw("\",\"name\":\"");
            out.raw(name);
            out.raw("\",\"input\":{}}");
        }
    }
    out.raw("}\n\n");
}

fn redacted(block: &mut Block, index: u64, out: &mut BytesMut) {
    block.begun = true;
    open_block(index, out);
    out.raw("{\"type\":\"redacted_thinking\",\"data\":\"");
    if let Some(seal) = &block.seal {
        out.raw(seal.text.raw());
    }
    out.raw("\"}}\n\n");
}

fn open_delta(index: u64, out: &mut BytesMut) {
    out.raw("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
    out.number(index);
    out.raw(",\"delta\":");
}

fn write_delta(block: &Block, index: u64, delta: &str, out: &mut BytesMut) {
    open_delta(index, out);
    out.raw(block.kind.delta());
    out.raw(delta);
    out.raw("\"}}\n\n");
}

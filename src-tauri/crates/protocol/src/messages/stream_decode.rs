//! Messages events → the events of the common form.
//!
//! Goes by the `type` in the data. Neighbouring blocks of text are one message; blocks of tools that ran at the vendor have no place and are
//! passed over (T88), but for what was searched and found. Deltas are slices of the event. Called by the hub, also for whole answers.

use super::{
    cite::{self, Asked},
    event::read_event,
    usage::Counts,
    wire::read_stop,
};
use crate::{
    canonical::{
        event::{Event, Finish, Receiver, Start},
        watch::Watch,
    },
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
    },
    lost::Gone,
    types::{Dialect, End},
};

/// What is told of an answer that asks to be continued (T146).
const PAUSED: &str = r#"{"type":"error","error":{"type":"api_error","message":"The upstream paused its answer to be continued later, which this client's dialect cannot say. Ask again, or use a client that speaks Anthropic Messages."}}"#;

/// What is told of an answer that begins anew in the middle (T180).
const SPLICED: &str = r#"{"type":"error","error":{"type":"api_error","message":"The upstream began another answer in the middle of this one."}}"#;

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) watch: Watch,
    counts: Counts,
    id: Option<String>,
    /// The message that neighbouring blocks of text share.
    message: Option<usize>,
    pub(super) block: Option<Block>,
    stop: Option<Stop>,
    /// How much was said, in bytes of its spelling.
    pub(super) said: usize,
    /// What the vendor was asked to search and has not found yet.
    pub(super) searching: Vec<Asked>,
}

/// The block that is open.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) index: u64,
    pub(super) kind: BlockKind,
}

#[derive(Debug)]
pub(super) enum BlockKind {
    Text {
        slot: usize,
        /// What was said before it.
        start: usize,
        /// Its sources, raw.
        sources: Vec<String>,
    },
    Thinking {
        slot: usize,
        seal: String,
    },
    Call {
        slot: usize,
        told: bool,
        input: String,
    },
    /// A call of a tool that runs at the vendor, by its place among those.
    Hosted(Asked),
    /// Has no place in the common form.
    Other,
}

#[derive(Debug)]
enum Stop {
    End(Finish),
    Paused,
}

impl Decoder {
    /// One event's data. Data that is not JSON, and events nobody knows, are skipped; not so what may have been a piece of a call.
    pub(crate) fn push(&mut self, data: &str, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        // An event that cannot be read is left out; the rest of the answer still counts.
        if self.read(data, to).is_err() {
            self.watch.unreadable(data);
            if let Some(BlockKind::Call { .. }) = self.block.as_ref().map(|block| &block.kind) {
                self.watch.damaged(data, to);
            }
        }
    }

    /// A whole answer: its blocks, then its end.
    pub(crate) fn whole(&mut self, body: &str, to: &mut impl Receiver) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        let (mut content, mut failed) = (None, false);
        let message = reader.clone();
        reader.members(|key, value| {
            match (key, value.kind()?) {
                ("content", Kind::Array) => content = Some(value.clone()),
                ("error", Kind::Object) => failed = true,
                _ => {}
            }
            value.skip()
        })?;
        if failed {
            self.watch.failed(body, to);
            return Ok(());
        }
        self.begin(message.clone(), to)?;
        let mut index = 0;
        if let Some(mut content) = content {
            content.elements(|block| {
                self.open(index, block.clone(), to)?;
                block.skip()?;
                self.close(to);
                index += 1;
                Ok::<(), Malformed>(())
            })?;
        }
        self.delta_of_message(message, to)?;
        self.end(to);
        Ok(())
    }

    /// The upstream's body ended (T181): without a word of its own that is a cut.
    pub(crate) fn finish(&mut self, end: &End, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        if self.stop.is_some() {
            return self.end(to);
        }
        self.watch.cut(end, to);
    }

    fn read(&mut self, data: &str, to: &mut impl Receiver) -> Result<(), Malformed> {
        let fields = read_event(data)?;
        let kind = fields.kind.as_ref().map(Text::raw).unwrap_or_default();
        match (kind, fields.nested) {
            ("message_start", Some(message)) => self.begin(message, to)?,
            ("content_block_start", Some(block)) => {
                self.close(to);
                self.open(fields.index.unwrap_or(0), block, to)?;
            }
            ("content_block_delta", Some(delta)) => {
                self.delta(fields.index.unwrap_or(0), delta, to)?;
            }
            ("content_block_stop", _) => self.close(to),
            ("message_delta", delta) => {
                if let Some(mut usage) = fields.usage {
                    self.counts.read(&mut usage)?;
                    self.watch.usage(self.counts.usage());
                }
                if let Some(delta) = delta {
                    self.delta_of_message(delta, to)?;
                }
            }
            ("message_stop", _) => self.end(to),
            ("error", _) => {
                self.watch.failed(data, to);
            }
            ("ping", _) => {}
            _ => self.watch.observed.lost.add(Gone::Event),
        }
        Ok(())
    }

    /// `message_start`, or the head of a whole answer.
    fn begin(&mut self, mut message: Reader<'_>, to: &mut impl Receiver) -> Result<(), Malformed> {
        let (mut id, mut model) = (None, None);
        let mut usage = None;
        message.members(|key, value| {
            match key {
                "id" => id = value.string_or_skip()?,
                "model" => model = value.string_or_skip()?,
                "usage" => {
                    usage = Some(value.clone());
                    value.skip()?;
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let name = id.as_ref().map(|id| id.decode().into_owned());
        if let Some(known) = &self.id {
            // T180: the same again is nothing new; another one before any word replaces it unseen.
            if self.watch.observed.content_started && name.as_ref() != Some(known) {
                self.watch.failed(SPLICED, to);
            }
            return Ok(());
        }
        self.id = Some(name.unwrap_or_default());
        if let Some(mut usage) = usage {
            self.counts.read(&mut usage)?;
            self.watch.usage(self.counts.usage());
        }
        self.watch.start(id.as_ref(), model.as_ref(), None, to);
        Ok(())
    }

    fn delta(
        &mut self,
        index: u64,
        mut delta: Reader<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let (mut kind, mut words, mut source) = (None, None, None);
        delta.members(|key, value| {
            match key {
                "citation" => source = Some(value.raw()?),
                "type" => kind = value.string_or_skip()?,
                "text" | "thinking" | "signature" | "partial_json" => {
                    words = value.string_or_skip()?
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        if let (Some(source), Some(block)) = (source, &mut self.block) {
            if let BlockKind::Text { sources, .. } = &mut block.kind
                && block.index == index
            {
                sources.push(source.to_owned());
            } else {
                self.watch.observed.lost.add(Gone::Citation);
            }
            return Ok(());
        }
        let known = |kind: &Text<'_>| {
            matches!(
                kind.raw(),
                "text_delta"
                    | "thinking_delta"
                    | "signature_delta"
                    | "input_json_delta"
                    | "citations_delta"
            )
        };
        let (Some(kind), Some(delta)) = (&kind, words.filter(|words| !words.is_empty())) else {
            // A block without a place was noted as it began.
            let other =
                matches!(&self.block, Some(block) if matches!(block.kind, BlockKind::Other));
            let unknown = !other && kind.as_ref().is_none_or(|kind| !known(kind));
            self.watch.observed.lost.add_if(unknown, Gone::Event);
            return Ok(());
        };
        if self.block.as_ref().is_none_or(|block| block.index != index) {
            // A delta without its start opens the block it implies.
            self.close(to);
            let kind = match kind.raw() {
                "text_delta" => BlockKind::Text {
                    slot: self.open_message(to),
                    start: self.said,
                    sources: Vec::new(),
                },
                "thinking_delta" => BlockKind::Thinking {
                    slot: self.open_other(Start::Reasoning, to),
                    seal: String::new(),
                },
                _ => {
                    self.watch.observed.lost.add(Gone::Item);
                    BlockKind::Other
                }
            };
            self.block = Some(Block { index, kind });
        }
        let Some(block) = &mut self.block else {
            return Ok(());
        };
        match (&mut block.kind, kind.raw()) {
            (BlockKind::Text { slot, .. }, "text_delta") => {
                self.said += delta.raw().len();
                to.take(Event::Text {
                    slot: *slot,
                    delta,
                    logprobs: None,
                });
            }
            (BlockKind::Thinking { slot, .. }, "thinking_delta") => {
                to.take(Event::Reasoning { slot: *slot, delta });
            }
            // The last one counts.
            (BlockKind::Thinking { seal, .. }, "signature_delta") => {
                delta.raw().clone_into(seal);
            }
            (BlockKind::Call { slot, told, .. }, "input_json_delta") => {
                *told = true;
                to.take(Event::Input { slot: *slot, delta });
            }
            (BlockKind::Hosted(asked), "input_json_delta") => asked.input.push_str(delta.raw()),
            // The block itself was noted as it began.
            (BlockKind::Other, _) => {}
            _ => self.watch.observed.lost.add(Gone::Event),
        }
        Ok(())
    }

    /// `message_delta`, or the foot of a whole answer.
    fn delta_of_message(
        &mut self,
        mut delta: Reader<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let (mut reason, mut why) = (None, None);
        delta.members(|key, value| {
            match (key, value.kind()?) {
                ("stop_reason", _) => reason = value.string_or_skip()?,
                ("stop_details", Kind::Object) => value.members(|key, value| {
                    if key == "explanation" {
                        why = value.string_or_skip()?;
                        return Ok(());
                    }
                    let told = key == "category" && value.kind()? == Kind::String;
                    self.watch.observed.lost.add_if(told, Gone::StopDetails);
                    value.skip()
                })?,
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let Some(reason) = reason else {
            return Ok(());
        };
        let lost = &mut self.watch.observed.lost;
        match reason.decode().as_ref() {
            "end_turn" | "max_tokens" | "tool_use" | "refusal" | "pause_turn" => {}
            "stop_sequence" => lost.add(Gone::StopSequence),
            _ => lost.add(Gone::StopReason),
        }
        self.stop = Some(match read_stop(&reason.decode()) {
            Some(finish) => Stop::End(finish),
            None => Stop::Paused,
        });
        // T32: why it was refused is told as words and as the reason.
        if reason.is("refusal")
            && let Some(delta) = why.filter(|why| !why.is_empty())
        {
            self.close(to);
            let slot = self.open_message(to);
            to.take(Event::Refusal { slot, delta });
        }
        Ok(())
    }

    fn end(&mut self, to: &mut impl Receiver) {
        self.close_all(to);
        // Calls without a result.
        let open = !self.searching.is_empty();
        self.watch.observed.lost.add_if(open, Gone::Hosted);
        match self.stop {
            Some(Stop::Paused) => self.watch.failed(PAUSED, to),
            Some(Stop::End(finish)) => self.watch.done(finish, to),
            None => self.watch.done(Finish::Stop, to),
        }
    }

    pub(super) fn open_message(&mut self, to: &mut impl Receiver) -> usize {
        match self.message {
            Some(slot) => slot,
            None => {
                let slot = self.watch.open(Start::Message { phase: None }, to);
                self.message = Some(slot);
                slot
            }
        }
    }

    /// Opens an item that is no message; the message before it ends (T169).
    pub(super) fn open_other(&mut self, start: Start<'_>, to: &mut impl Receiver) -> usize {
        if let Some(slot) = self.message.take() {
            to.take(Event::ItemEnd { slot });
        }
        self.watch.open(start, to)
    }

    /// The open block ends. A message stays open for the text that may follow.
    fn close(&mut self, to: &mut impl Receiver) {
        let Some(block) = self.block.take() else {
            return;
        };
        match block.kind {
            BlockKind::Text {
                slot,
                start,
                sources,
            } => {
                // T31: they stand for the words of their block.
                for source in &sources {
                    let told = cite::tell(slot, source, (start, self.said), to);
                    self.watch.observed.lost.add_if(!told, Gone::Citation);
                }
            }
            BlockKind::Hosted(asked) => self.searching.push(asked),
            BlockKind::Other => {}
            BlockKind::Thinking { slot, seal } => {
                if !seal.is_empty() {
                    to.take(Event::Seal {
                        slot,
                        origin: Dialect::Messages,
                        seal: Text::token(seal.into(), true),
                        redacted: false,
                    });
                }
                to.take(Event::ItemEnd { slot });
            }
            BlockKind::Call { slot, told, input } => {
                if !told && !input.is_empty() {
                    to.take(Event::Input {
                        slot,
                        delta: Text::spell(&input),
                    });
                }
                to.take(Event::ItemEnd { slot });
            }
        }
    }

    fn close_all(&mut self, to: &mut impl Receiver) {
        self.close(to);
        if let Some(slot) = self.message.take() {
            to.take(Event::ItemEnd { slot });
        }
    }
}

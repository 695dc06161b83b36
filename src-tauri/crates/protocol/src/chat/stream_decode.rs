//! Chat Completions chunks → the events of the common form.
//!
//! Takes the dialects of the dialect: reasoning under several names (T107), calls without an index or with a wrong one (T80), ids and names in every
//! delta (T81), chunks without choices (T178). Deltas are slices of the chunk. Called by the hub, also for whole answers (`json_decode`).

use super::{
    chunk::{CallPart, Chunk, Delta, read_call, read_chunk, read_function},
    wire::{has_finish, read_finish},
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
    responses::cite,
    types::{Dialect, End},
};

/// Reads the chunks of one answer.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) watch: Watch,
    message: Option<usize>,
    reasoning: Option<usize>,
    calls: Vec<OpenCall>,
    finish: Option<Finish>,
    /// Ids for calls that come without one derive from it.
    seed: String,
}

/// A call that is not closed yet.
#[derive(Debug)]
struct OpenCall {
    index: Option<u64>,
    id: String,
    name: String,
    custom: bool,
    /// `None` while the name has not come.
    slot: Option<usize>,
    /// Arguments that came before the name.
    early: String,
}

impl Decoder {
    /// For one answer; `seed` makes minted ids unique.
    pub(crate) fn new(seed: &str) -> Self {
        Self {
            watch: Watch::default(),
            message: None,
            reasoning: None,
            calls: Vec::new(),
            finish: None,
            seed: seed.to_owned(),
        }
    }

    /// One event's data. Data that is not JSON is skipped, unless it may have been a piece of a call.
    pub(crate) fn push(&mut self, data: &str, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        if data.trim() == "[DONE]" {
            return self.end(to);
        }
        match read_chunk(data) {
            Ok(chunk) => self.chunk(&chunk, data, to),
            Err(_) if !self.calls.is_empty() => self.watch.damaged(data, to),
            Err(_) => self.watch.unreadable(data),
        }
    }

    /// A whole answer: one chunk whose delta is the message. The terminal follows at once.
    pub(crate) fn whole(&mut self, body: &str, to: &mut impl Receiver) -> Result<(), Malformed> {
        let chunk = read_chunk(body)?;
        self.chunk(&chunk, body, to);
        if !self.watch.ended() {
            self.end(to);
        }
        Ok(())
    }

    /// The upstream's body ended (T181): without a word of its own that is a cut.
    pub(crate) fn finish(&mut self, end: &End, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        if self.finish.is_some() {
            return self.end(to);
        }
        self.watch.cut(end, to);
    }

    fn end(&mut self, to: &mut impl Receiver) {
        self.close_all(to);
        self.watch.done(self.finish.unwrap_or(Finish::Stop), to);
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, data: &str, to: &mut impl Receiver) {
        self.watch
            .start(chunk.id.as_ref(), chunk.model.as_ref(), chunk.created, to);
        self.watch.usage(chunk.usage);
        // What cannot be read of a delta is left out; the rest of the answer still counts.
        if self.delta(&chunk.delta, chunk.logprobs, to).is_err() {
            self.watch.unreadable(data);
        }
        self.watch.observed.lost.join(chunk.lost);
        if chunk.failed {
            return self.watch.failed(data, to);
        }
        if let Some(word) = &chunk.finish {
            if word.is("error") {
                return self.watch.failed(data, to);
            }
            let word = word.decode();
            let lost = &mut self.watch.observed.lost;
            lost.add_if(!has_finish(&word), Gone::StopReason);
            self.finish = Some(read_finish(&word));
            self.close_all(to);
        }
    }

    fn delta(
        &mut self,
        delta: &Delta<'_>,
        logprobs: Option<&str>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        match (&delta.reasoning, &delta.details) {
            (Some(text), _) => self.reason(text, to),
            (None, Some(details)) => self.details(details.clone(), to)?,
            (None, None) => {}
        }
        let told = match &delta.content {
            Some(content) => self.content(content.clone(), logprobs, to)?,
            None => false,
        };
        let probable = logprobs.is_some_and(|raw| raw.starts_with("[{"));
        self.watch
            .observed
            .lost
            .add_if(probable && !told, Gone::Logprobs);
        if let Some(text) = delta.refusal.as_ref().filter(|text| !text.is_empty()) {
            let slot = self.open_message(to);
            to.take(Event::Refusal {
                slot,
                delta: text.borrowed(),
            });
        }
        if let Some(mut annotations) = delta.annotations.clone() {
            annotations.elements(|value| {
                let native = value.raw()?;
                let told = native.starts_with('{') && {
                    let slot = self.open_message(to);
                    cite::tell(Dialect::Chat, slot, native, to)
                };
                self.watch.observed.lost.add_if(!told, Gone::Citation);
                Ok::<(), Malformed>(())
            })?;
        }
        if let Some(mut calls) = delta.calls.clone() {
            calls.elements(|value| {
                let part = read_call(value)?;
                self.call(&part, to);
                Ok::<(), Malformed>(())
            })?;
        }
        if let Some(mut legacy) = delta.legacy.clone() {
            let mut part = CallPart {
                index: Some(0),
                ..CallPart::default()
            };
            read_function(&mut legacy, &mut part)?;
            self.call(&part, to);
        }
        Ok(())
    }

    /// `content`: a string, or the array of typed parts that some servers stream. Whether `logprobs` was told with it.
    fn content(
        &mut self,
        mut content: Reader<'_>,
        logprobs: Option<&str>,
        to: &mut impl Receiver,
    ) -> Result<bool, Malformed> {
        if content.kind()? == Kind::String {
            let text = content.string()?;
            self.say(&text, logprobs, to);
            return Ok(!text.is_empty());
        }
        content.elements(|part| {
            let (mut text, mut thinking) = (None, None);
            if part.kind()? != Kind::Object {
                self.watch.observed.lost.add(Gone::Item);
                return part.skip();
            }
            part.members(|key, value| {
                match key {
                    "text" => text = value.string_or_skip()?,
                    "thinking" => thinking = Some(value.clone()),
                    _ => {}
                }
                if key != "text" { value.skip() } else { Ok(()) }
            })?;
            let known = text.is_some() || thinking.is_some();
            self.watch.observed.lost.add_if(!known, Gone::Item);
            if let Some(thinking) = thinking {
                self.details(thinking, to)?;
            }
            if let Some(text) = text {
                self.say(&text, None, to);
            }
            Ok::<(), Malformed>(())
        })?;
        Ok(false)
    }

    /// `reasoning_details` and the like: a string, or a list of objects with `text` or `summary`.
    fn details(
        &mut self,
        mut details: Reader<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        match details.kind()? {
            Kind::String => {
                let text = details.string()?;
                self.reason(&text, to);
                Ok(())
            }
            Kind::Array => details.elements(|value| {
                if value.kind()? != Kind::Object {
                    return value.skip();
                }
                value.members(|key, value| {
                    if matches!(key, "text" | "summary" | "thinking") {
                        if let Some(text) = value.string_or_skip()? {
                            self.reason(&text, to);
                        }
                        return Ok(());
                    }
                    // A proof, or thoughts that are sealed.
                    let sealed = matches!(key, "signature" | "data" | "encrypted_content")
                        && value.kind()? == Kind::String;
                    self.watch.observed.lost.add_if(sealed, Gone::Seal);
                    value.skip()
                })
            }),
            _ => details.skip(),
        }
    }

    fn say(&mut self, text: &Text<'_>, logprobs: Option<&str>, to: &mut impl Receiver) {
        if text.is_empty() {
            return;
        }
        let slot = self.open_message(to);
        to.take(Event::Text {
            slot,
            delta: text.borrowed(),
            logprobs,
        });
    }

    fn reason(&mut self, text: &Text<'_>, to: &mut impl Receiver) {
        if text.is_empty() {
            return;
        }
        let slot = match self.reasoning {
            Some(slot) => slot,
            None => {
                self.close_message(to);
                let slot = self.watch.open(Start::Reasoning, to);
                self.reasoning = Some(slot);
                slot
            }
        };
        to.take(Event::Reasoning {
            slot,
            delta: text.borrowed(),
        });
    }

    fn open_message(&mut self, to: &mut impl Receiver) -> usize {
        self.close_reasoning(to);
        match self.message {
            Some(slot) => slot,
            None => {
                let slot = self.watch.open(Start::Message { phase: None }, to);
                self.message = Some(slot);
                slot
            }
        }
    }

    /// Finds the call a part belongs to, by its id, then by its index (T80), or opens a new one.
    fn call(&mut self, part: &CallPart<'_>, to: &mut impl Receiver) {
        let id = part
            .id
            .as_ref()
            .map(Text::decode)
            .filter(|id| !id.is_empty());
        let name = part
            .name
            .as_ref()
            .map(Text::decode)
            .filter(|name| !name.is_empty());
        let same_index = |call: &OpenCall| part.index.is_some() && call.index == part.index;
        let known = match &id {
            Some(id) => self
                .calls
                .iter()
                .rposition(|call| call.id == id.as_ref())
                // A new id without a name continues a call: only its id rotates.
                .or_else(|| {
                    self.calls
                        .iter()
                        .rposition(same_index)
                        .filter(|_| name.is_none())
                })
                .or_else(|| {
                    self.calls
                        .iter()
                        .rposition(|call| same_index(call) && call.id.is_empty())
                }),
            None if part.index.is_some() => self.calls.iter().rposition(same_index),
            None if name.is_some() => None,
            None => self.calls.len().checked_sub(1),
        };
        let at = known.unwrap_or_else(|| {
            self.calls.push(OpenCall {
                index: part.index,
                id: id.as_deref().unwrap_or_default().to_owned(),
                name: String::new(),
                custom: part.custom,
                slot: None,
                early: String::new(),
            });
            self.calls.len() - 1
        });
        if self.calls[at].slot.is_none() {
            if let Some(id) = &id {
                self.calls[at].id = id.as_ref().to_owned();
            }
            // T81: a name is taken once.
            if let Some(name) = name {
                self.calls[at].name = name.into_owned();
                self.prove(part.proof.as_ref(), to);
                self.open_call(at, to);
            }
        }
        let Some(input) = part.input.as_ref().filter(|input| !input.is_empty()) else {
            return;
        };
        match self.calls[at].slot {
            Some(slot) => to.take(Event::Input {
                slot,
                delta: input.borrowed(),
            }),
            None => self.calls[at].early.push_str(input.raw()),
        }
    }

    /// What proves a call stands before it, as an item of its own (T108).
    fn prove(&mut self, proof: Option<&Text<'_>>, to: &mut impl Receiver) {
        let Some(proof) = proof else { return };
        self.close_message(to);
        let slot = match self.reasoning {
            Some(slot) => slot,
            None => {
                let slot = self.watch.open(Start::Reasoning, to);
                self.reasoning = Some(slot);
                slot
            }
        };
        to.take(Event::Seal {
            slot,
            origin: Dialect::Gemini,
            seal: proof.borrowed(),
            redacted: false,
        });
    }

    fn open_call(&mut self, at: usize, to: &mut impl Receiver) {
        // T169: words end before the first call begins.
        self.close_reasoning(to);
        self.close_message(to);
        let minted;
        let call = &self.calls[at];
        let id = if call.id.is_empty() {
            // T70: unique in the conversation, since the seed is the request's own.
            minted = format!("call_{}_{at}", self.seed);
            &minted
        } else {
            &call.id
        };
        let start = Start::Call {
            call_id: Text::spell(id),
            name: Text::spell(&call.name),
            namespace: None,
            custom: call.custom,
        };
        let slot = self.watch.open(start, to);
        let call = &mut self.calls[at];
        call.slot = Some(slot);
        let early = std::mem::take(&mut call.early);
        if !early.is_empty() {
            let delta = Text::token(early.into(), true);
            to.take(Event::Input { slot, delta });
        }
    }

    fn close_reasoning(&mut self, to: &mut impl Receiver) {
        if let Some(slot) = self.reasoning.take() {
            to.take(Event::ItemEnd { slot });
        }
    }

    fn close_message(&mut self, to: &mut impl Receiver) {
        if let Some(slot) = self.message.take() {
            to.take(Event::ItemEnd { slot });
        }
    }

    /// Closes what is open in the order of its slots (T169).
    fn close_all(&mut self, to: &mut impl Receiver) {
        let nameless = self.calls.iter().any(|call| call.slot.is_none());
        self.watch.observed.lost.add_if(nameless, Gone::Item);
        let mut open: Vec<usize> = self.calls.drain(..).filter_map(|call| call.slot).collect();
        open.extend(self.message.take());
        open.extend(self.reasoning.take());
        open.sort_unstable();
        for slot in open {
            to.take(Event::ItemEnd { slot });
        }
    }
}

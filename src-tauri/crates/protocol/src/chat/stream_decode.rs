//! Chat Completions chunks → the events of the common form.
//!
//! Takes the dialects of the dialect: reasoning under several names (T107), calls without an index or with a wrong one (T80), ids and names in every
//! delta (T81), chunks without choices (T178). Deltas are slices of the chunk. Called by the hub, also for whole answers (`json_decode`).

use super::{usage, wire::read_finish};
use crate::{
    canonical::{
        event::{Event, Finish, Receiver, Start},
        watch::Watch,
    },
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
    },
    types::{End, Usage},
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

/// One chunk, or the `message` of a whole answer.
#[derive(Default)]
struct Chunk<'a> {
    id: Option<Text<'a>>,
    model: Option<Text<'a>>,
    created: Option<u64>,
    usage: Option<Usage>,
    failed: bool,
    delta: Delta<'a>,
    finish: Option<Text<'a>>,
    logprobs: Option<&'a str>,
}

#[derive(Default)]
struct Delta<'a> {
    content: Option<Reader<'a>>,
    refusal: Option<Text<'a>>,
    reasoning: Option<Text<'a>>,
    details: Option<Reader<'a>>,
    calls: Option<Reader<'a>>,
    legacy: Option<Reader<'a>>,
    annotations: Option<Reader<'a>>,
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

    /// One event's data. Data that is not JSON is skipped.
    pub(crate) fn push(&mut self, data: &str, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        if data.trim() == "[DONE]" {
            return self.end(to);
        }
        if let Ok(chunk) = read_chunk(data) {
            self.chunk(&chunk, data, to);
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
        self.close_all(to);
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
        let _ = self.delta(&chunk.delta, chunk.logprobs, to);
        if chunk.failed {
            self.close_all(to);
            return self.watch.failed(data, to);
        }
        if let Some(word) = &chunk.finish {
            if word.is("error") {
                self.close_all(to);
                return self.watch.failed(data, to);
            }
            self.finish = Some(read_finish(&word.decode()));
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
        if let Some(content) = &delta.content {
            self.content(content.clone(), logprobs, to)?;
        }
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
                if let Some(flat) = flat_annotation(native) {
                    let slot = self.open_message(to);
                    to.take(Event::Annotation {
                        slot,
                        native: &flat,
                    });
                }
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

    /// `content`: a string, or the array of typed parts that some servers stream.
    fn content(
        &mut self,
        mut content: Reader<'_>,
        logprobs: Option<&str>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        if content.kind()? == Kind::String {
            let text = content.string()?;
            self.say(&text, logprobs, to);
            return Ok(());
        }
        content.elements(|part| {
            let (mut text, mut thinking) = (None, None);
            if part.kind()? != Kind::Object {
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
            if let Some(thinking) = thinking {
                self.details(thinking, to)?;
            }
            if let Some(text) = text {
                self.say(&text, None, to);
            }
            Ok::<(), Malformed>(())
        })
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
        let mut open: Vec<usize> = self.calls.drain(..).filter_map(|call| call.slot).collect();
        open.extend(self.message.take());
        open.extend(self.reasoning.take());
        open.sort_unstable();
        for slot in open {
            to.take(Event::ItemEnd { slot });
        }
    }
}

fn read_chunk(data: &str) -> Result<Chunk<'_>, Malformed> {
    let mut chunk = Chunk::default();
    let mut reader = Reader::new(data);
    reader.members(|key, value| {
        match key {
            "id" => chunk.id = value.string_or_skip()?,
            "model" => chunk.model = value.string_or_skip()?,
            "created" => chunk.created = value.unsigned_or_skip()?,
            "usage" => chunk.usage = usage::read(value)?.or(chunk.usage),
            "error" => chunk.failed |= !value.null()? && value.skip().map(|()| true)?,
            // Groq counts in its own corner.
            "x_groq" if value.kind()? == Kind::Object => value.members(|key, value| {
                if key == "usage" {
                    chunk.usage = usage::read(value)?.or(chunk.usage);
                    return Ok(());
                }
                value.skip()
            })?,
            "choices" if value.kind()? == Kind::Array => {
                value.elements(|choice| read_choice(choice, &mut chunk))?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(chunk)
}

/// Only the first choice counts: more are never asked for (F75).
fn read_choice<'a>(choice: &mut Reader<'a>, chunk: &mut Chunk<'a>) -> Result<(), Malformed> {
    if choice.kind()? != Kind::Object {
        return choice.skip();
    }
    let mut index = 0;
    let (mut delta, mut finish, mut logprobs) = (None, None, None);
    choice.members(|key, value| {
        match key {
            "index" => index = value.unsigned_or_skip()?.unwrap_or(0),
            "delta" | "message" if value.kind()? == Kind::Object => {
                delta = Some(read_delta(value)?)
            }
            "finish_reason" => finish = value.string_or_skip()?.filter(|word| !word.is_empty()),
            "logprobs" if value.kind()? == Kind::Object => value.members(|key, value| {
                if key == "content" {
                    logprobs = Some(value.raw()?).filter(|raw| raw.starts_with('['));
                    return Ok(());
                }
                value.skip()
            })?,
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    if index == 0 {
        chunk.delta = delta.unwrap_or_default();
        chunk.finish = finish.or(chunk.finish.take());
        chunk.logprobs = logprobs;
    }
    Ok(())
}

fn read_delta<'a>(value: &mut Reader<'a>) -> Result<Delta<'a>, Malformed> {
    let mut delta = Delta::default();
    value.members(|key, value| {
        match (key, value.kind()?) {
            ("content", Kind::String | Kind::Array) => delta.content = Some(value.clone()),
            ("refusal", Kind::String) => delta.refusal = Some(value.clone().string()?),
            ("reasoning_content" | "reasoning", Kind::String) => {
                let text = value.clone().string()?;
                if !text.is_empty() {
                    delta.reasoning = Some(text);
                }
            }
            ("reasoning_details" | "thinking", Kind::Array | Kind::String) => {
                delta.details = Some(value.clone())
            }
            ("tool_calls", Kind::Array) => delta.calls = Some(value.clone()),
            ("function_call", Kind::Object) => delta.legacy = Some(value.clone()),
            ("annotations", Kind::Array) => delta.annotations = Some(value.clone()),
            _ => {}
        }
        value.skip()
    })?;
    Ok(delta)
}

/// One element of `tool_calls`.
#[derive(Default)]
struct CallPart<'a> {
    index: Option<u64>,
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    input: Option<Text<'a>>,
    custom: bool,
}

fn read_call<'a>(value: &mut Reader<'a>) -> Result<CallPart<'a>, Malformed> {
    let mut part = CallPart::default();
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(part);
    }
    value.members(|key, value| {
        match key {
            "index" => part.index = value.unsigned_or_skip()?,
            "id" => part.id = value.string_or_skip()?,
            "function" => read_function(value, &mut part)?,
            "custom" => {
                part.custom = true;
                read_function(value, &mut part)?;
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })?;
    Ok(part)
}

fn read_function<'a>(value: &mut Reader<'a>, part: &mut CallPart<'a>) -> Result<(), Malformed> {
    if value.kind()? != Kind::Object {
        return value.skip();
    }
    value.members(|key, value| {
        match key {
            "name" => part.name = value.string_or_skip()?,
            "arguments" | "input" => {
                part.input = match value.kind()? {
                    Kind::String => Some(value.string()?),
                    // T78: an object instead of its text.
                    Kind::Object | Kind::Array => Some(Text::spell(value.raw()?)),
                    _ => value.skip().map(|()| None)?,
                };
            }
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })
}

/// A Chat annotation, `{type, url_citation:{…}}`, in the flat form of Responses (T31).
fn flat_annotation(native: &str) -> Option<String> {
    let mut inner = None;
    Reader::new(native)
        .members(|key, value| {
            let raw = value.raw()?;
            if key == "url_citation" {
                inner = Some(raw);
            }
            Ok::<(), Malformed>(())
        })
        .ok()?;
    let rest = inner?.strip_prefix('{')?;
    let comma = if rest.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    Some(format!("{{\"type\":\"url_citation\"{comma}{rest}"))
}

//! What comes back for a prompt, read as any client of that dialect would: a stream or one JSON answer becomes events. Pure.
//!
//! Not the gateway's own observer (`protocol`): this reads what the client is shown, after all translation.

use std::collections::{BTreeMap, VecDeque};

use protocol::sse::Decoder;
use serde_json::Value;

use super::dialects::{chat, gemini, images, messages, responses};
use super::{TryEvent, TryProtocol};
use crate::redact::redact;

/// How much of one line is shown as it came.
const LONGEST_LINE: usize = 8_000;
/// How much of an answer that is not streamed is kept.
const LONGEST_ANSWER: usize = 64 << 20;

/// How an answer ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    Failed { code: String, message: String },
}

/// What a dialect's reader has learned of an answer so far.
#[derive(Default)]
pub(super) struct Notes {
    events: VecDeque<TryEvent>,
    /// Tool calls by their place, name and arguments, until they are whole.
    calls: BTreeMap<u64, (String, String)>,
    ending: Option<Ending>,
    /// A reason to end was told; some upstreams say nothing after it.
    pub(super) finished: bool,
    /// Tokens, for dialects that tell them in pieces.
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) reasoning: Option<u64>,
}

impl Notes {
    pub(super) fn tell(&mut self, event: TryEvent) {
        self.events.push_back(event);
    }

    pub(super) fn tell_all(&mut self, events: impl IntoIterator<Item = TryEvent>) {
        self.events.extend(events);
    }

    /// A piece of a tool call.
    pub(super) fn call(&mut self, place: u64, name: &str, arguments: &str) {
        let known = self.calls.entry(place).or_default();
        known.0.push_str(name);
        known.1.push_str(arguments);
    }

    /// The tool calls are whole.
    pub(super) fn tell_calls(&mut self) {
        for (name, arguments) in std::mem::take(&mut self.calls).into_values() {
            self.tell(TryEvent::Tool { name, arguments });
        }
    }

    /// The tokens as they are known now.
    pub(super) fn tell_usage(&mut self) {
        self.tell(TryEvent::Usage {
            input: self.input,
            output: self.output,
            cached: self.cached,
            reasoning: self.reasoning,
        });
    }

    /// The answer has told its end.
    pub(super) fn end(&mut self) {
        self.ending.get_or_insert(Ending::Whole);
    }

    /// The answer has told its failure.
    pub(super) fn fail(&mut self, error: &Value) {
        self.ending.get_or_insert(failed(error));
    }
}

/// Reads one answer.
pub(super) struct Reader {
    protocol: TryProtocol,
    stream: bool,
    decoder: Decoder,
    /// The unfinished line; of an answer that is not streamed, all of it.
    rest: Vec<u8>,
    notes: Notes,
}

impl Reader {
    pub(super) fn new(protocol: TryProtocol, stream: bool) -> Self {
        Self {
            protocol,
            stream,
            decoder: Decoder::new(),
            rest: Vec::new(),
            notes: Notes::default(),
        }
    }

    /// Takes a piece of the body.
    pub(super) fn push(&mut self, chunk: &[u8], out: &mut VecDeque<TryEvent>) {
        if !self.stream {
            let room = LONGEST_ANSWER.saturating_sub(self.rest.len());
            self.rest.extend_from_slice(&chunk[..chunk.len().min(room)]);
            return;
        }
        self.lines(chunk, out);
        let (protocol, notes) = (self.protocol, &mut self.notes);
        let read = self.decoder.for_each(chunk, |event| {
            if event.data == b"[DONE]" {
                notes.end();
            } else if let Ok(value) = serde_json::from_slice::<Value>(event.data) {
                read_event(protocol, &value, notes);
            }
        });
        if let Err(error) = read {
            self.notes.ending.get_or_insert(Ending::Failed {
                code: "unreadable".into(),
                message: error.to_string(),
            });
        }
        out.append(&mut self.notes.events);
    }

    /// The body is over.
    pub(super) fn finish(&mut self, out: &mut VecDeque<TryEvent>) -> Ending {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            out.push_back(raw(&rest));
        }
        let notes = &mut self.notes;
        if !self.stream {
            match serde_json::from_slice::<Value>(&rest) {
                Ok(answer) => {
                    read_whole(self.protocol, &answer, notes);
                    notes.end();
                }
                Err(_) => notes.ending = Some(unreadable()),
            }
        }
        notes.tell_calls();
        out.append(&mut notes.events);
        let told = notes
            .ending
            .take()
            .or(notes.finished.then_some(Ending::Whole));
        told.unwrap_or_else(|| Ending::Failed {
            code: "stream_disconnected".into(),
            message: "the answer ended before its end was told".into(),
        })
    }

    fn lines(&mut self, chunk: &[u8], out: &mut VecDeque<TryEvent>) {
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.rest.len() < LONGEST_LINE {
                self.rest.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.rest);
                let line = line.trim_ascii_end();
                if !line.is_empty() {
                    out.push_back(raw(line));
                }
            }
        }
    }
}

fn read_event(protocol: TryProtocol, event: &Value, notes: &mut Notes) {
    match protocol {
        TryProtocol::Chat => chat::event(event, notes),
        TryProtocol::Responses => responses::event(event, notes),
        TryProtocol::Messages => messages::event(event, notes),
        TryProtocol::Gemini => gemini::event(event, notes),
        TryProtocol::Images => images::event(event, notes),
    }
}

fn read_whole(protocol: TryProtocol, answer: &Value, notes: &mut Notes) {
    match protocol {
        TryProtocol::Chat => chat::whole(answer, notes),
        TryProtocol::Responses => responses::whole(answer, notes),
        TryProtocol::Messages => messages::whole(answer, notes),
        TryProtocol::Gemini => gemini::whole(answer, notes),
        TryProtocol::Images => images::whole(answer, notes),
    }
}

/// The error of an answer whose status was no success.
pub(super) fn refusal(body: &str) -> Ending {
    match serde_json::from_str::<Value>(body) {
        Ok(answer) if answer["error"].is_object() => failed(&answer["error"]),
        _ => unreadable(),
    }
}

fn failed(error: &Value) -> Ending {
    let word = |name: &str| said(&error[name]);
    Ending::Failed {
        code: word("code")
            .or_else(|| word("status"))
            .or_else(|| word("type"))
            .unwrap_or_else(|| "failed".into()),
        message: word("message").unwrap_or_else(|| "no reason given".into()),
    }
}

fn unreadable() -> Ending {
    Ending::Failed {
        code: "unreadable".into(),
        message: "the answer could not be read".into(),
    }
}

/// The text, unless there is none or it is empty.
pub(super) fn said(text: &Value) -> Option<String> {
    let text = text.as_str().filter(|text| !text.is_empty())?;
    Some(text.to_owned())
}

fn raw(line: &[u8]) -> TryEvent {
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
    let mut text = redact(&text).into_owned();
    if line.len() > LONGEST_LINE {
        text.push('…');
    }
    TryEvent::Raw(text)
}

#[cfg(test)]
mod tests;

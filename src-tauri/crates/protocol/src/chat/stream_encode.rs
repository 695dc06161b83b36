//! The events of the common form → Chat Completions chunks.
//!
//! Every chunk carries the same id, time and model (T177), the first one the role (T176); the finish reason has its own chunk, usage its own only when
//! asked for (T153), and `[DONE]` ends it. Called by the hub.

use bytes::BytesMut;

use super::{
    answer::annotation,
    proof, usage,
    wire::{DONE, finish_word},
};
use crate::{
    canonical::event::{Event, Finish, Start},
    error::{StreamWords, in_band},
    json::write::Sink,
    types::{Dialect, ErrorBody, ReasoningOutput, Usage},
};

/// Writes the chunks of one answer.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Everything up to the inside of `delta`.
    prefix: String,
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    reasoning: ReasoningOutput,
    role_sent: bool,
    thinking: bool,
    slots: Vec<Slot>,
    calls: u64,
    /// What proves the next call to a Gemini model (T108).
    proof: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Words,
    Thoughts,
    Call {
        index: u64,
        custom: bool,
        told: bool,
    },
}

impl Encoder {
    /// For one answer. `created` in Unix seconds, for upstreams that name none.
    pub(crate) fn new(
        id: String,
        model: String,
        created: u64,
        include_usage: bool,
        reasoning: ReasoningOutput,
    ) -> Self {
        Self {
            prefix: String::new(),
            id,
            model,
            created,
            include_usage,
            reasoning,
            role_sent: false,
            thinking: false,
            slots: Vec::new(),
            calls: 0,
            proof: None,
        }
    }

    /// Writes what the event means for the client.
    pub(crate) fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        match event {
            Event::Started { id, model, created } => {
                if self.id.is_empty() {
                    self.id = id.map(|id| id.decode().into_owned()).unwrap_or_default();
                }
                if self.model.is_empty() {
                    self.model = model
                        .map(|model| model.decode().into_owned())
                        .unwrap_or_default();
                }
                if let Some(created) = created {
                    self.created = created;
                }
                self.prefix.clear();
            }
            Event::ItemStart { start, .. } => self.start(start, out),
            Event::Text {
                delta, logprobs, ..
            } => {
                self.stop_thinking(out);
                self.open(out);
                out.raw("\"content\":");
                out.text(&delta);
                match logprobs {
                    Some(list) => {
                        out.raw("},\"logprobs\":{\"content\":");
                        out.raw(list);
                        out.raw(",\"refusal\":null}");
                        self.tail(out);
                    }
                    None => self.close(out),
                }
            }
            Event::Picture { picture, .. } => {
                self.stop_thinking(out);
                self.open(out);
                out.raw("\"content\":\"");
                out.raw(&picture.words());
                out.raw("\"");
                self.close(out);
            }
            Event::Refusal { delta, .. } => {
                self.stop_thinking(out);
                self.open(out);
                out.raw("\"refusal\":");
                out.text(&delta);
                self.close(out);
            }
            Event::Citation { citation, .. } => {
                if let Some(told) = annotation(&citation, self.reasoning) {
                    self.open(out);
                    out.raw("\"annotations\":[");
                    out.raw(&told);
                    out.raw("]");
                    self.close(out);
                }
            }
            Event::Reasoning { delta, .. } => self.think(delta.raw(), out),
            Event::ReasoningBreak { .. } => self.think("\\n\\n", out),
            // The dialect has no place for a search that ran elsewhere; what it found is told with the words (T56).
            Event::Search { .. } => {}
            // A seal is for whoever made it, and Chat has a place for one kind alone.
            Event::Seal { origin, seal, .. } => {
                self.proof = (origin == Dialect::Gemini).then(|| seal.raw().to_owned());
            }
            Event::Input { slot, delta } => self.input(slot, delta.raw(), out),
            Event::ItemEnd { slot } => {
                // T76: clients cannot read empty arguments.
                if let Some(Slot::Call {
                    told: false,
                    custom: false,
                    ..
                }) = self.slots.get(slot)
                {
                    self.input(slot, "{}", out);
                }
            }
            Event::Done { finish, usage } => self.done(finish, usage, out),
            Event::Failed(fault) => self.fail(&fault.error, out),
        }
    }

    /// An error and the end of the stream (T182).
    pub(crate) fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        in_band(Dialect::Chat, error, StreamWords::default(), out);
    }

    fn start(&mut self, start: Start<'_>, out: &mut BytesMut) {
        match start {
            Start::Message { .. } | Start::Picture => self.slots.push(Slot::Words),
            Start::Reasoning | Start::Search => self.slots.push(Slot::Thoughts),
            Start::Call {
                call_id,
                name,
                custom,
                ..
            } => {
                self.stop_thinking(out);
                let index = self.calls;
                self.calls += 1;
                self.slots.push(Slot::Call {
                    index,
                    custom,
                    told: false,
                });
                self.open(out);
                out.raw("\"tool_calls\":[{\"index\":");
                out.number(index);
                out.raw(",\"id\":");
                out.text(&call_id);
                out.raw(if custom {
                    ",\"type\":\"custom\",\"custom\":{\"name\":"
                } else {
                    ",\"type\":\"function\",\"function\":{\"name\":"
                });
                out.text(&name);
                out.raw(if custom {
                    ",\"input\":\"\"}"
                } else {
                    ",\"arguments\":\"\"}"
                });
                proof::write(self.proof.take().as_deref(), out);
                out.raw("}]");
                self.close(out);
            }
        }
    }

    fn input(&mut self, slot: usize, delta: &str, out: &mut BytesMut) {
        let Some(Slot::Call {
            index,
            custom,
            told,
        }) = self.slots.get_mut(slot)
        else {
            return;
        };
        *told = true;
        let (index, custom) = (*index, *custom);
        self.open(out);
        out.raw("\"tool_calls\":[{\"index\":");
        out.number(index);
        out.raw(if custom {
            ",\"custom\":{\"input\":\""
        } else {
            ",\"function\":{\"arguments\":\""
        });
        out.raw(delta);
        out.raw("\"}}]");
        self.close(out);
    }

    /// Reasoning as the setting says (F85).
    fn think(&mut self, delta: &str, out: &mut BytesMut) {
        match self.reasoning {
            ReasoningOutput::Off => return,
            ReasoningOutput::Field => {
                self.open(out);
                out.raw("\"reasoning_content\":\"");
            }
            ReasoningOutput::ThinkTags => {
                self.open(out);
                out.raw(if self.thinking {
                    "\"content\":\""
                } else {
                    "\"content\":\"<think>"
                });
                self.thinking = true;
            }
        }
        out.raw(delta);
        out.raw("\"");
        self.close(out);
    }

    fn stop_thinking(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.thinking) {
            self.open(out);
            out.raw("\"content\":\"</think>\"");
            self.close(out);
        }
    }

    fn done(&mut self, finish: Finish, usage: Option<Usage>, out: &mut BytesMut) {
        self.stop_thinking(out);
        if !self.role_sent {
            self.open(out);
            out.raw("\"content\":\"\"");
            self.close(out);
        }
        self.open(out);
        out.raw("},\"finish_reason\":\"");
        out.raw(finish_word(finish, self.calls > 0));
        out.raw(if self.include_usage {
            "\"}],\"usage\":null}\n\n"
        } else {
            "\"}]}\n\n"
        });
        if self.include_usage
            && let Some(counts) = usage
        {
            let head = self.prefix.len() - DELTA.len();
            out.raw(&self.prefix[..head]);
            out.raw("\"choices\":[],\"usage\":");
            usage::write(&counts, out);
            out.raw("}\n\n");
        }
        out.raw(DONE);
    }

    /// Begins a chunk, up to the inside of its delta; the first one tells the role.
    fn open(&mut self, out: &mut BytesMut) {
        if self.prefix.is_empty() {
            let prefix = &mut self.prefix;
            prefix.reserve(192);
            prefix.raw("data: {\"id\":");
            prefix.string(&self.id);
            prefix.raw(",\"object\":\"chat.completion.chunk\",\"created\":");
            prefix.number(self.created);
            prefix.raw(",\"model\":");
            prefix.string(&self.model);
            prefix.raw(",");
            prefix.raw(DELTA);
        }
        out.raw(&self.prefix);
        if !self.role_sent {
            self.role_sent = true;
            out.raw("\"role\":\"assistant\",");
        }
    }

    fn close(&self, out: &mut BytesMut) {
        out.raw("}");
        self.tail(out);
    }

    fn tail(&self, out: &mut BytesMut) {
        out.raw(if self.include_usage {
            ",\"finish_reason\":null}],\"usage\":null}\n\n"
        } else {
            ",\"finish_reason\":null}]}\n\n"
        });
    }
}

const DELTA: &str = "\"choices\":[{\"index\":0,\"delta\":{";

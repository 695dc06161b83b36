//! The events of the common form → Responses events with their full life cycle (T170).
//!
//! One id per answer and per item (T166, T167), one sequence without gaps (T171), slots as output indexes (T168). The closing events repeat whole texts, so the
//! answer is folded along the way. Called by the hub.

use bytes::BytesMut;

use super::{
    answer::{
        Words, write, write_id, write_item, write_refusal_part, write_summary_part, write_text_part,
    },
    cite,
};
use crate::{
    canonical::{
        cite::Citation,
        event::{Event, Finish},
        fold::{Fold, FoldedKind, inside_array},
    },
    chat::answer::own,
    error::{StreamWords, in_band},
    json::{text::Text, write::Sink},
    types::{Dialect, ErrorBody},
};

/// Writes the events of one answer.
#[derive(Debug)]
pub(crate) struct Encoder {
    words: Words,
    sequence: u64,
    fold: Fold,
    slots: Vec<Parts>,
}

/// Which parts of an item were opened, by their index.
#[derive(Debug, Default, Clone, Copy)]
struct Parts {
    text: Option<u64>,
    refusal: Option<u64>,
    next: u64,
    annotations: u64,
    paragraph_open: bool,
}

impl Encoder {
    /// For one answer.
    pub(crate) fn new(words: Words) -> Self {
        Self {
            words,
            sequence: 0,
            fold: Fold::default(),
            slots: Vec::new(),
        }
    }

    /// Writes what the event means for the client.
    pub(crate) fn event(&mut self, event: Event<'_>, out: &mut BytesMut) {
        // Ends repeat what was told, so everything is remembered first; breaks and ends need the state before.
        match &event {
            Event::ReasoningBreak { slot } => {
                self.close_paragraph(*slot, out);
                self.fold.add(&event);
            }
            _ => self.fold.add(&event),
        }
        match event {
            Event::Started { .. } => {
                for name in ["response.created", "response.in_progress"] {
                    self.begin(name, out);
                    out.raw(",\"response\":");
                    write(&self.fold, &self.words, None, out);
                    out.raw("}\n\n");
                }
            }
            Event::ItemStart { slot, .. } => {
                self.slots.push(Parts::default());
                self.item("response.output_item.added", slot, out);
            }
            Event::Text {
                slot,
                delta,
                logprobs,
            } => self.text(slot, &delta, logprobs, out),
            Event::Refusal { slot, delta } => self.refusal(slot, &delta, out),
            Event::Citation { slot, citation } => self.annotation(slot, &citation, out),
            // Told as a whole at the end of its item.
            Event::Search { .. } | Event::Picture { .. } => {}
            Event::Reasoning { slot, delta } => self.reasoning(slot, &delta, out),
            // Kept in the item, which is told at its end.
            Event::ReasoningBreak { .. } | Event::Seal { .. } => {}
            Event::Input { slot, delta } => {
                let custom = matches!(
                    self.fold.kind(slot),
                    Some(FoldedKind::Call { custom: true, .. })
                );
                self.part(
                    if custom {
                        "response.custom_tool_call_input.delta"
                    } else {
                        "response.function_call_arguments.delta"
                    },
                    slot,
                    out,
                );
                out.raw(",\"delta\":");
                out.text(&delta);
                out.raw("}\n\n");
            }
            Event::ItemEnd { slot } => self.end(slot, out),
            Event::Done { finish, .. } => {
                self.begin(
                    if finish == Finish::Stop {
                        "response.completed"
                    } else {
                        "response.incomplete"
                    },
                    out,
                );
                out.raw(",\"response\":");
                write(&self.fold, &self.words, Some(finish), out);
                out.raw("}\n\n");
            }
            Event::Failed(fault) => self.fail(&fault.error, out),
        }
    }

    /// An error and the end of the stream (T182).
    pub(crate) fn fail(&mut self, error: &ErrorBody, out: &mut BytesMut) {
        let created = self.fold.created.unwrap_or(self.words.created);
        let words = StreamWords {
            id: own(&self.words.id, &self.fold.id),
            model: own(&self.words.model, &self.fold.model),
            created: i64::try_from(created).unwrap_or(0),
            sequence: self.sequence,
        };
        in_band(Dialect::Responses, error, words, out);
    }

    /// `event: …` and the data up to the first member of its own.
    fn begin(&mut self, name: &str, out: &mut BytesMut) {
        out.raw("event: ");
        out.raw(name);
        out.raw("\ndata: {\"type\":\"");
        out.raw(name);
        out.raw("\",\"sequence_number\":");
        out.number(self.sequence);
        self.sequence += 1;
    }

    /// An event about a part of an item.
    fn part(&mut self, name: &str, slot: usize, out: &mut BytesMut) {
        self.begin(name, out);
        out.raw(",\"item_id\":\"");
        if let Some(kind) = self.fold.kind(slot) {
            write_id(kind, &self.words.seed, slot, out);
        }
        out.raw("\",\"output_index\":");
        out.number(slot as u64);
    }

    /// An event that holds the item as it stands.
    fn item(&mut self, name: &str, slot: usize, out: &mut BytesMut) {
        self.begin(name, out);
        out.raw(",\"output_index\":");
        out.number(slot as u64);
        out.raw(",\"item\":");
        if let Some(item) = self.fold.items.get(slot) {
            write_item(item, slot, &self.words.seed, out);
        }
        out.raw("}\n\n");
    }

    fn text(&mut self, slot: usize, delta: &Text<'_>, logprobs: Option<&str>, out: &mut BytesMut) {
        let index = self.open_text(slot, out);
        self.part("response.output_text.delta", slot, out);
        out.raw(",\"content_index\":");
        out.number(index);
        out.raw(",\"delta\":");
        out.text(delta);
        out.raw(",\"logprobs\":[");
        out.raw(logprobs.and_then(inside_array).unwrap_or(""));
        out.raw("]}\n\n");
    }

    fn open_text(&mut self, slot: usize, out: &mut BytesMut) -> u64 {
        let Some(parts) = self.slots.get_mut(slot) else {
            return 0;
        };
        if let Some(index) = parts.text {
            return index;
        }
        let index = parts.next;
        parts.next += 1;
        parts.text = Some(index);
        self.part("response.content_part.added", slot, out);
        out.raw(",\"content_index\":");
        out.number(index);
        out.raw(",\"part\":");
        write_text_part("", "", "", out);
        out.raw("}\n\n");
        index
    }

    fn refusal(&mut self, slot: usize, delta: &Text<'_>, out: &mut BytesMut) {
        let Some(parts) = self.slots.get_mut(slot) else {
            return;
        };
        let index = match parts.refusal {
            Some(index) => index,
            None => {
                let index = parts.next;
                parts.next += 1;
                parts.refusal = Some(index);
                self.part("response.content_part.added", slot, out);
                out.raw(",\"content_index\":");
                out.number(index);
                out.raw(",\"part\":");
                write_refusal_part("", out);
                out.raw("}\n\n");
                index
            }
        };
        self.part("response.refusal.delta", slot, out);
        out.raw(",\"content_index\":");
        out.number(index);
        out.raw(",\"delta\":");
        out.text(delta);
        out.raw("}\n\n");
    }

    fn annotation(&mut self, slot: usize, citation: &Citation<'_>, out: &mut BytesMut) {
        let mut told = String::new();
        if !cite::write(citation, &mut told) {
            return;
        }
        let index = self.open_text(slot, out);
        let Some(parts) = self.slots.get_mut(slot) else {
            return;
        };
        let number = parts.annotations;
        parts.annotations += 1;
        self.part("response.output_text.annotation.added", slot, out);
        out.raw(",\"content_index\":");
        out.number(index);
        out.raw(",\"annotation_index\":");
        out.number(number);
        out.raw(",\"annotation\":");
        out.raw(&told);
        out.raw("}\n\n");
    }

    /// Reasoning as a summary, which every client shows; Codex asks for `summary_index` (T112).
    fn reasoning(&mut self, slot: usize, delta: &Text<'_>, out: &mut BytesMut) {
        let index = self.paragraph(slot);
        if let Some(parts) = self.slots.get_mut(slot)
            && !std::mem::replace(&mut parts.paragraph_open, true)
        {
            self.part("response.reasoning_summary_part.added", slot, out);
            out.raw(",\"summary_index\":");
            out.number(index);
            out.raw(",\"part\":");
            write_summary_part("", out);
            out.raw("}\n\n");
        }
        self.part("response.reasoning_summary_text.delta", slot, out);
        out.raw(",\"summary_index\":");
        out.number(index);
        out.raw(",\"delta\":");
        out.text(delta);
        out.raw("}\n\n");
    }

    /// The number of the paragraph that is being told.
    fn paragraph(&self, slot: usize) -> u64 {
        match self.fold.kind(slot) {
            Some(FoldedKind::Reasoning { paragraphs, .. }) => {
                paragraphs.len().saturating_sub(1) as u64
            }
            _ => 0,
        }
    }

    fn close_paragraph(&mut self, slot: usize, out: &mut BytesMut) {
        let index = self.paragraph(slot);
        let open = self
            .slots
            .get_mut(slot)
            .is_some_and(|parts| std::mem::take(&mut parts.paragraph_open));
        if !open {
            return;
        }
        for (name, part) in [
            ("response.reasoning_summary_text.done", false),
            ("response.reasoning_summary_part.done", true),
        ] {
            self.part(name, slot, out);
            out.raw(",\"summary_index\":");
            out.number(index);
            let text = match self.fold.kind(slot) {
                Some(FoldedKind::Reasoning { paragraphs, .. }) => {
                    paragraphs.last().map_or("", String::as_str)
                }
                _ => "",
            };
            if part {
                out.raw(",\"part\":");
                write_summary_part(text, out);
            } else {
                out.raw(",\"text\":\"");
                out.raw(text);
                out.raw("\"");
            }
            out.raw("}\n\n");
        }
    }

    /// Closes the parts of an item in their order, then the item.
    fn end(&mut self, slot: usize, out: &mut BytesMut) {
        self.close_paragraph(slot, out);
        if matches!(self.fold.kind(slot), Some(FoldedKind::Message { .. })) {
            self.end_message(slot, out);
        }
        if let Some(FoldedKind::Call { custom, .. }) = self.fold.kind(slot) {
            let custom = *custom;
            self.part(
                if custom {
                    "response.custom_tool_call_input.done"
                } else {
                    "response.function_call_arguments.done"
                },
                slot,
                out,
            );
            if let Some(FoldedKind::Call { name, input, .. }) = self.fold.kind(slot) {
                if !custom {
                    out.raw(",\"name\":");
                    out.text(name);
                }
                out.raw(if custom {
                    ",\"input\":\""
                } else {
                    ",\"arguments\":\""
                });
                out.raw(input);
                out.raw("\"}\n\n");
            }
        }
        let steps: &[&str] = match self.fold.kind(slot) {
            Some(FoldedKind::Search(_)) => &[
                "response.web_search_call.in_progress",
                "response.web_search_call.searching",
                "response.web_search_call.completed",
            ],
            Some(FoldedKind::Picture(_)) => &[
                "response.image_generation_call.in_progress",
                "response.image_generation_call.generating",
                "response.image_generation_call.completed",
            ],
            _ => &[],
        };
        for step in steps {
            self.part(step, slot, out);
            out.raw("}\n\n");
        }
        self.item("response.output_item.done", slot, out);
    }

    fn end_message(&mut self, slot: usize, out: &mut BytesMut) {
        // A message without words still is one (T118).
        if self.slots.get(slot).is_some_and(|parts| parts.next == 0) {
            self.open_text(slot, out);
        }
        let Some(parts) = self.slots.get(slot).copied() else {
            return;
        };
        let mut order = [(parts.text, true), (parts.refusal, false)];
        order.sort_unstable();
        for (index, is_text) in order {
            let Some(index) = index else { continue };
            self.part(
                if is_text {
                    "response.output_text.done"
                } else {
                    "response.refusal.done"
                },
                slot,
                out,
            );
            out.raw(",\"content_index\":");
            out.number(index);
            let Some(FoldedKind::Message {
                text,
                refusal,
                citations,
                logprobs,
                ..
            }) = self.fold.kind(slot)
            else {
                return;
            };
            if is_text {
                out.raw(",\"text\":\"");
                out.raw(text);
                out.raw("\",\"logprobs\":[");
                out.raw(logprobs);
                out.raw("]}\n\n");
            } else {
                out.raw(",\"refusal\":\"");
                out.raw(refusal);
                out.raw("\"}\n\n");
            }
            let mut part = String::with_capacity(text.len() + refusal.len() + 96);
            if is_text {
                write_text_part(text, &cite::list(citations), logprobs, &mut part);
            } else {
                write_refusal_part(refusal, &mut part);
            }
            self.part("response.content_part.done", slot, out);
            out.raw(",\"content_index\":");
            out.number(index);
            out.raw(",\"part\":");
            out.raw(&part);
            out.raw("}\n\n");
        }
    }
}

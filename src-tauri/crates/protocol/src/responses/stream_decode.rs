//! Responses events → the events of the common form.
//!
//! Goes by the `type` in the data, keys items by `output_index` because ids may rotate (T172), and makes up from an item's closing event or from the final
//! answer whatever the deltas left out (T173). Deltas are slices of the event. Called by the hub, also for whole answers.

use super::{
    cite,
    event::{
        self, Piece, RawItem, Told, kind_of, read_answer, read_item, read_piece, read_placed,
        read_response,
    },
    tell::{code, picture, tell, tell_sources},
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
    types::{Dialect, End, Observed},
};
use bytes::Bytes;

/// Reads the events of one answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pub(crate) watch: Watch,
    items: Vec<Known>,
    /// Something was searched, so words may name their sources.
    searched: bool,
}

/// An item of the answer that was seen.
#[derive(Debug)]
struct Known {
    index: u64,
    /// `None` for items that have no place in the common form.
    slot: Option<usize>,
    /// Some delta of it was told.
    told: bool,
    open: bool,
    /// Some source of it was told.
    cited: bool,
    /// How many paragraphs of reasoning were begun.
    paragraph: u64,
}

impl Decoder {
    /// One event's data. Data that is not JSON, and events nobody knows, are skipped; not so a piece of a call.
    pub(crate) fn push(&mut self, name: Option<&[u8]>, data: &str, to: &mut impl Receiver) {
        if self.watch.ended() {
            return;
        }
        let mut reader = Reader::new(data);
        // Nothing else is read of events that do not matter.
        let named = || name.and_then(|name| std::str::from_utf8(name).ok());
        let Some(kind) = kind_of(data).or_else(named) else {
            return self.watch.unreadable(data);
        };
        let known = match kind.strip_prefix("response.") {
            Some(kind) => self.response_event(kind, &mut reader, data, to),
            None => match kind {
                "error" => {
                    self.fail(data, to);
                    Ok(())
                }
                "codex.rate_limits" => {
                    self.watch.observed.rate_limits = Some(Bytes::copy_from_slice(data.as_bytes()));
                    Ok(())
                }
                // The backend's own business, and signs of life.
                kind if kind.starts_with("codex.") || kind == "keepalive" || kind == "ping" => {
                    Ok(())
                }
                _ => {
                    self.watch.observed.lost.add(Gone::Event);
                    Ok(())
                }
            },
        };
        // An event that cannot be read is left out; the rest of the answer still counts.
        if known.is_err() {
            self.watch.unreadable(data);
            if let "response.function_call_arguments.delta"
            | "response.custom_tool_call_input.delta" = kind
            {
                self.watch.damaged(data, to);
            }
        }
    }

    /// A whole answer: its items, then its terminal.
    pub(crate) fn whole(&mut self, body: &str, to: &mut impl Receiver) -> Result<(), Malformed> {
        let mut reader = Reader::new(body);
        if reader.kind()? != Kind::Object {
            return Err(Malformed(0));
        }
        reader.clone().raw()?;
        let answer = read_answer(&mut reader)?;
        self.terminal("completed", answer, body, to)
    }

    /// The upstream's body ended (T181): without a terminal that is a cut.
    pub(crate) fn finish(&mut self, end: &End, to: &mut impl Receiver) {
        if !self.watch.ended() {
            self.watch.cut(end, to);
        }
    }

    /// What was seen of the answer.
    pub(crate) fn observed(&self) -> &Observed {
        &self.watch.observed
    }

    fn response_event(
        &mut self,
        kind: &str,
        reader: &mut Reader<'_>,
        data: &str,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        match kind {
            "output_text.delta"
            | "refusal.delta"
            | "reasoning_summary_text.delta"
            | "reasoning_text.delta"
            | "function_call_arguments.delta"
            | "custom_tool_call_input.delta" => {
                let piece = read_piece(reader)?;
                let Some(delta) = piece.delta.as_ref().filter(|delta| !delta.is_empty()) else {
                    return Ok(());
                };
                let Some(at) = self.place(kind, piece.index, to) else {
                    return Ok(());
                };
                self.delta(kind, at, delta, &piece, to);
            }
            "output_item.added" => {
                let placed = read_placed(reader)?;
                if let Some(item) = placed.item {
                    let index = placed.index.unwrap_or(self.items.len() as u64);
                    self.open(index, &item, to);
                }
            }
            "output_item.done" => {
                let placed = read_placed(reader)?;
                if let Some(item) = placed.item {
                    let index = placed.index.or_else(|| {
                        self.items
                            .iter()
                            .rev()
                            .find(|known| known.open)
                            .map(|known| known.index)
                    });
                    self.done(index.unwrap_or(self.items.len() as u64), &item, to)?;
                }
            }
            "output_text.annotation.added" => {
                let placed = read_placed(reader)?;
                if let Some(native) = placed.annotation
                    && let Some(at) = self.place("output_text.delta", placed.index, to)
                    && let Some(slot) = self.items[at].slot
                {
                    self.items[at].cited = true;
                    let told = cite::tell(Dialect::Responses, slot, native, to);
                    self.watch.observed.lost.add_if(!told, Gone::Citation);
                } else {
                    self.watch.observed.lost.add(Gone::Citation);
                }
            }
            "in_progress" | "queued" if self.watch.is_introduced() => {}
            "created" | "in_progress" | "queued" => {
                if let Some((head, _)) = read_response(reader)? {
                    self.watch
                        .start(head.id.as_ref(), head.model.as_ref(), head.created, to);
                }
            }
            "completed" | "done" | "incomplete" | "failed" | "cancelled" => {
                match read_response(reader)? {
                    Some(response) => self.terminal(kind, response, data, to)?,
                    None if kind == "failed" || kind == "cancelled" => self.fail(data, to),
                    None => {
                        self.close_all(to);
                        self.watch.done(
                            if kind == "incomplete" {
                                Finish::Length
                            } else {
                                Finish::Stop
                            },
                            to,
                        );
                    }
                }
            }
            "content_part.added" => self.part(reader)?,
            kind => {
                if let Some(gone) = event::gone(kind) {
                    self.watch.observed.lost.add(gone);
                }
            }
        }
        Ok(())
    }

    /// A part of a message that has no place in the common form is told by its beginning.
    fn part(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        reader.members(|key, value| {
            let part = value.raw()?;
            if key == "part"
                && let Some(gone) = kind_of(part).and_then(event::gone_part)
            {
                self.watch.observed.lost.add(gone);
            }
            Ok(())
        })
    }

    fn delta(
        &mut self,
        kind: &str,
        at: usize,
        delta: &Text<'_>,
        piece: &Piece<'_>,
        to: &mut impl Receiver,
    ) {
        let known = &mut self.items[at];
        let Some(slot) = known.slot else { return };
        let delta = delta.borrowed();
        let event = match kind {
            "output_text.delta" => Event::Text {
                slot,
                delta,
                logprobs: piece.logprobs,
            },
            "refusal.delta" => Event::Refusal { slot, delta },
            "reasoning_summary_text.delta" | "reasoning_text.delta" => {
                if known.told && piece.paragraph > known.paragraph {
                    to.take(Event::ReasoningBreak { slot });
                }
                known.paragraph = piece.paragraph;
                Event::Reasoning { slot, delta }
            }
            _ => Event::Input { slot, delta },
        };
        known.told = true;
        to.take(event);
    }

    /// The open item a delta belongs to. Deltas without an item open the message or the reasoning they imply.
    fn place(&mut self, kind: &str, index: Option<u64>, to: &mut impl Receiver) -> Option<usize> {
        let found = match index {
            Some(index) => self.items.iter().rposition(|known| known.index == index),
            None => self.items.iter().rposition(|known| known.open),
        };
        if let Some(at) = found {
            return self.items[at].open.then_some(at);
        }
        let implied = match kind {
            "output_text.delta" | "refusal.delta" => Start::Message { phase: None },
            "reasoning_summary_text.delta" | "reasoning_text.delta" => Start::Reasoning,
            _ => return None,
        };
        let slot = self.watch.open(implied, to);
        self.remember(index.unwrap_or(self.items.len() as u64), Some(slot));
        Some(self.items.len() - 1)
    }

    fn remember(&mut self, index: u64, slot: Option<usize>) {
        self.items.push(Known {
            index,
            slot,
            told: false,
            open: true,
            cited: false,
            paragraph: 0,
        });
    }

    fn open(&mut self, index: u64, item: &RawItem<'_>, to: &mut impl Receiver) -> usize {
        if let Some(at) = self.items.iter().rposition(|known| known.index == index) {
            return at;
        }
        let start = match item.kind.as_ref().map(Text::raw).unwrap_or_default() {
            "message" => Some(Start::Message {
                phase: item.phase.clone(),
            }),
            "reasoning" => Some(Start::Reasoning),
            "function_call" | "custom_tool_call" => item.name.clone().map(|name| Start::Call {
                call_id: item.call_id.clone().or(item.id.clone()).unwrap_or_default(),
                name,
                namespace: item.namespace.clone(),
                custom: item.is_custom(),
            }),
            // Hosted calls run at their provider; their results are told in the message.
            kind => {
                self.searched |= kind.ends_with("_call");
                None
            }
        };
        self.watch.observed.content_started = true;
        let slot = start.map(|start| self.watch.open(start, to));
        self.remember(index, slot);
        self.items.len() - 1
    }

    /// Closes an item; whatever its deltas did not tell is told now.
    fn done(
        &mut self,
        index: u64,
        item: &RawItem<'_>,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        let at = self.open(index, item, to);
        let known = &mut self.items[at];
        if !std::mem::take(&mut known.open) {
            return Ok(());
        }
        let Some(slot) = known.slot else {
            self.watch.observed.lost.join(item.lost());
            if item.is_picture() {
                // Its place among the items is known only now, when it is whole.
                let slot = self.watch.open(Start::Picture, to);
                picture(slot, item, to);
                to.take(Event::ItemEnd { slot });
            } else if item.is_code() {
                let slot = self.watch.open(Start::Message { phase: None }, to);
                code(slot, item, to);
                to.take(Event::ItemEnd { slot });
            } else if let Some(search) = item.search() {
                let slot = self.watch.open(Start::Search, to);
                to.take(Event::Search {
                    slot,
                    search: Box::new(search),
                });
                to.take(Event::ItemEnd { slot });
            }
            return Ok(());
        };
        if !known.told {
            self.watch.observed.lost.join(tell(slot, item, to)?);
        } else if self.searched && !known.cited {
            self.watch.observed.lost.join(tell_sources(slot, item, to)?);
        }
        if let (Some(seal), true) = (&item.seal, item.is_reasoning()) {
            to.take(Event::Seal {
                slot,
                origin: Dialect::Responses,
                seal: seal.borrowed(),
                redacted: false,
            });
        }
        to.take(Event::ItemEnd { slot });
        Ok(())
    }

    fn terminal(
        &mut self,
        kind: &str,
        (head, output): Told<'_>,
        data: &str,
        to: &mut impl Receiver,
    ) -> Result<(), Malformed> {
        self.watch
            .start(head.id.as_ref(), head.model.as_ref(), head.created, to);
        self.watch.usage(head.usage);
        let status = head.status.as_ref().map(Text::decode);
        let failed = matches!(kind, "failed" | "cancelled")
            || matches!(status.as_deref(), Some("failed" | "cancelled"))
            || head.failed;
        if failed {
            self.fail(data, to);
            return Ok(());
        }
        if let Some(mut output) = output {
            // T173 the other way round: the final answer fills in what the stream left out. Its indexes need not be the stream's, so it
            // never adds items to a stream that told of some.
            let mut index = 0;
            let nothing_seen = self.items.is_empty();
            let waiting: Vec<u64> = self
                .items
                .iter()
                .filter(|known| known.open && !known.told)
                .map(|known| known.index)
                .collect();
            output.elements(|value| {
                if nothing_seen || waiting.contains(&index) {
                    let item = read_item(value)?;
                    self.done(index, &item, to)?;
                } else {
                    value.skip()?;
                }
                index += 1;
                Ok::<(), Malformed>(())
            })?;
        }
        self.close_all(to);
        let incomplete = kind == "incomplete" || status.as_deref() == Some("incomplete");
        let reason = head.reason.as_ref().map(Text::decode);
        let known = matches!(
            reason.as_deref(),
            Some("max_output_tokens" | "content_filter")
        );
        let told = reason.is_some() || incomplete;
        self.watch
            .observed
            .lost
            .add_if(told && !known, Gone::StopReason);
        let finish = match reason.as_deref() {
            Some("content_filter") => Finish::Filter,
            Some(_) => Finish::Length,
            None if incomplete => Finish::Length,
            None => Finish::Stop,
        };
        self.watch.done(finish, to);
        Ok(())
    }

    fn fail(&mut self, data: &str, to: &mut impl Receiver) {
        self.watch.failed(data, to);
    }

    fn close_all(&mut self, to: &mut impl Receiver) {
        let mut open: Vec<usize> = self
            .items
            .iter_mut()
            .filter_map(|known| {
                std::mem::take(&mut known.open)
                    .then_some(known.slot)
                    .flatten()
            })
            .collect();
        open.sort_unstable();
        for slot in open {
            to.take(Event::ItemEnd { slot });
        }
    }
}

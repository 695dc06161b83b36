//! One call that wraps several (T84): some models call `parallel` or `multi_tool_use.parallel` with a list of the calls they mean.
//!
//! It is opened when every tool in the list is one that the request offers; anything else goes on as it is. Stands first behind a
//! decoder, where tools have the upstream's names. Called by the hub.

use super::event::{Event, Start};
use crate::json::{scan, text::Text};

/// The names such calls come under.
const WRAPPERS: &[&str] = &["parallel", "multi_tool_use.parallel"];
/// How the wrapped tools may be named.
const SPACE: &str = "functions.";

/// Opens the wrapped calls of one answer.
#[derive(Debug, Default)]
pub(crate) struct Unwrapper {
    /// The tools on offer by the upstream's names, one a line. Empty: nothing is opened.
    declared: String,
    /// Where the items of the upstream stand for the client, since one may become several.
    slots: Vec<usize>,
    next: usize,
    held: Vec<Held>,
}

/// A wrapping call, gathered until it is whole.
#[derive(Debug)]
struct Held {
    slot: usize,
    call_id: Text<'static>,
    name: Text<'static>,
    input: Text<'static>,
}

impl Unwrapper {
    pub(crate) fn new(declared: String) -> Self {
        Self {
            declared,
            ..Self::default()
        }
    }

    fn offers(&self, name: &str) -> bool {
        self.declared.lines().any(|tool| tool == name)
    }

    /// Passes an event on, as the client should see it.
    pub(crate) fn pass(&mut self, event: Event<'_>, mut to: impl FnMut(Event<'_>)) {
        match event {
            Event::ItemStart { slot, start } => {
                self.slots.push(self.next);
                match start {
                    Start::Call {
                        call_id,
                        name,
                        namespace: None,
                        custom: false,
                    } if self.wraps(&name) => self.held.push(Held {
                        slot,
                        call_id: call_id.into_owned(),
                        name: name.into_owned(),
                        input: Text::default(),
                    }),
                    start => self.start(slot, start, &mut to),
                }
            }
            Event::Input { slot, delta } => match self.held.iter_mut().find(|h| h.slot == slot) {
                Some(held) => held.input.join(&delta),
                None => to(Event::Input {
                    slot: self.place(slot),
                    delta,
                }),
            },
            Event::ItemEnd { slot } => match self.held.iter().position(|h| h.slot == slot) {
                Some(at) => {
                    let held = self.held.swap_remove(at);
                    self.open(held, &mut to);
                }
                None => to(Event::ItemEnd {
                    slot: self.place(slot),
                }),
            },
            Event::Text {
                slot,
                delta,
                logprobs,
            } => to(Event::Text {
                slot: self.place(slot),
                delta,
                logprobs,
            }),
            Event::Refusal { slot, delta } => to(Event::Refusal {
                slot: self.place(slot),
                delta,
            }),
            Event::Citation { slot, citation } => to(Event::Citation {
                slot: self.place(slot),
                citation,
            }),
            Event::Search { slot, search } => to(Event::Search {
                slot: self.place(slot),
                search,
            }),
            Event::Picture { slot, picture } => to(Event::Picture {
                slot: self.place(slot),
                picture,
            }),
            Event::Reasoning { slot, delta } => to(Event::Reasoning {
                slot: self.place(slot),
                delta,
            }),
            Event::ReasoningBreak { slot } => to(Event::ReasoningBreak {
                slot: self.place(slot),
            }),
            Event::Seal {
                slot,
                origin,
                seal,
                redacted,
            } => to(Event::Seal {
                slot: self.place(slot),
                origin,
                seal,
                redacted,
            }),
            other => to(other),
        }
    }

    fn wraps(&self, name: &Text<'_>) -> bool {
        !self.declared.is_empty() && WRAPPERS.contains(&name.raw()) && !self.offers(name.raw())
    }

    fn place(&self, slot: usize) -> usize {
        self.slots.get(slot).copied().unwrap_or(slot)
    }

    fn start(&mut self, slot: usize, start: Start<'_>, to: &mut impl FnMut(Event<'_>)) {
        let place = self.next;
        self.next += 1;
        if let Some(at) = self.slots.get_mut(slot) {
            *at = place;
        }
        to(Event::ItemStart { slot: place, start });
    }

    fn call(
        &mut self,
        slot: usize,
        call_id: Text<'_>,
        name: Text<'_>,
        input: Text<'_>,
        to: &mut impl FnMut(Event<'_>),
    ) {
        let start = Start::Call {
            call_id,
            name,
            namespace: None,
            custom: false,
        };
        self.start(slot, start, to);
        let slot = self.place(slot);
        to(Event::Input { slot, delta: input });
        to(Event::ItemEnd { slot });
    }

    fn open(&mut self, held: Held, to: &mut impl FnMut(Event<'_>)) {
        let calls = wrapped(&held.input.decode())
            .filter(|calls| calls.iter().all(|(name, _)| self.offers(name)));
        let Some(calls) = calls else {
            return self.call(held.slot, held.call_id, held.name, held.input, to);
        };
        let id = held.call_id.decode().into_owned();
        for (number, (name, input)) in calls.iter().enumerate() {
            let call_id = Text::spell(&format!("{id}_{number}"));
            self.call(
                held.slot,
                call_id,
                Text::spell(name),
                Text::spell(input),
                to,
            );
        }
    }
}

/// Names and arguments of the calls in a wrapper's arguments; `None` when they are not of that form.
fn wrapped(arguments: &str) -> Option<Vec<(String, String)>> {
    let text = arguments.as_bytes();
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let list = scan::member_value(text, start..text.len(), "tool_uses")?;
    let mut calls = Some(Vec::new());
    scan::each_element(text, list.start, |call| {
        let name = scan::member_value(text, call.clone(), "recipient_name")
            .and_then(|name| scan::decode(&text[name]));
        let input =
            scan::member_value(text, call, "parameters").filter(|input| text[input.start] == b'{');
        match (name, input, &mut calls) {
            (Some(name), Some(input), Some(calls)) => {
                let name = name.strip_prefix(SPACE).unwrap_or(&name).to_owned();
                calls.push((name, arguments[input].to_owned()));
            }
            _ => calls = None,
        }
    })
    .ok()?;
    calls.filter(|calls| !calls.is_empty())
}

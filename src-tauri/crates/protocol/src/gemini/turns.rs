//! A conversation as the vendor wants it: turns that alternate and begin with the user, all results of a turn in one content in the order of its
//! calls, proofs beside the parts they belong to (T2, T7–T9, T12, T68, T108).
//!
//! Arranges references only and writes nothing. Called by the request encoder, after calls and results were paired.

use std::collections::HashMap;

use super::{models::Model, wire::NO_CONTENT};
use crate::{
    canonical::request::{Call, Item, Losses, Part, Role, Seal},
    json::text::Text,
    types::Dialect,
};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    /// Results of tools; the user as well, but in a content of their own.
    Tools,
    Model,
}

/// A part of a turn.
pub(super) enum Block<'i, 'a> {
    /// Words, and the proof of the thoughts before them.
    Text(&'i Text<'a>, Option<&'i Seal<'a>>),
    /// A system message told by the user (T2).
    Told(&'i Text<'a>),
    Own(&'static str),
    Media(&'i Part<'a>),
    /// A proof without words (T109).
    Proof(&'i Seal<'a>),
    Call(&'i Call<'a>, Proof<'i, 'a>),
    /// A result of the call.
    Result(&'i Call<'a>, &'i [Part<'a>]),
}

/// What proves a call.
pub(super) enum Proof<'i, 'a> {
    /// Nothing has to.
    None,
    Own(&'i Seal<'a>),
    /// The call was made by another model (T108).
    Foreign,
}

/// One content of the request.
pub(super) struct Turn<'i, 'a> {
    pub(super) speaker: Speaker,
    pub(super) blocks: Vec<Block<'i, 'a>>,
}

/// The whole conversation.
pub(super) struct Conversation<'i, 'a> {
    /// The words before the first turn.
    pub(super) system: Vec<&'i Text<'a>>,
    pub(super) turns: Vec<Turn<'i, 'a>>,
}

/// Arranges the items.
pub(super) fn arrange<'i, 'a>(
    items: &'i [Item<'a>],
    model: &Model,
    losses: &mut Losses,
) -> Conversation<'i, 'a> {
    let mut arranging = Arranging {
        proves: model.proves_calls,
        losses,
        system: Vec::new(),
        turns: Vec::new(),
        calls: HashMap::new(),
        pending: None,
        media: Vec::new(),
        guessed: false,
    };
    for (at, item) in items.iter().enumerate() {
        arranging.item(at, item);
    }
    arranging.finish()
}

struct Arranging<'l, 'i, 'a> {
    proves: bool,
    losses: &'l mut Losses,
    system: Vec<&'i Text<'a>>,
    turns: Vec<Turn<'i, 'a>>,
    /// The call that an id belongs to: results need its name (T69).
    calls: HashMap<&'i str, &'i Call<'a>>,
    /// The proof of thoughts that waits for its part.
    pending: Option<&'i Seal<'a>>,
    /// Media of results, which follow all of them (T27).
    media: Vec<&'i Part<'a>>,
    guessed: bool,
}

impl<'i, 'a> Arranging<'_, 'i, 'a> {
    fn item(&mut self, at: usize, item: &'i Item<'a>) {
        if !matches!(item, Item::Output { .. }) {
            self.media();
        }
        match item {
            Item::Message {
                role: Role::Assistant,
                parts,
                ..
            } => {
                for part in parts {
                    match part {
                        Part::Text(text) | Part::Refusal(text) if text.is_blank() => {}
                        Part::Text(text) | Part::Refusal(text) => {
                            let proof = self.pending.take();
                            self.put(Speaker::Model, Block::Text(text, proof));
                        }
                        media => self.put(Speaker::Model, Block::Media(media)),
                    }
                }
            }
            Item::Message { role, parts, .. } => {
                self.proof();
                self.message(at, *role, parts);
            }
            Item::Reasoning { seal, .. } => match seal {
                Some(seal) if seal.origin == Dialect::Gemini => {
                    self.proof();
                    self.pending = Some(seal);
                }
                _ => self.losses.dropped(
                    format!("reasoning {at}"),
                    "reasoning without this provider's proof cannot be replayed (T90)",
                ),
            },
            Item::Call(call) => {
                self.calls.insert(call.call_id.raw(), call);
                let proof = match self.pending.take() {
                    Some(seal) => Proof::Own(seal),
                    None if self.proves && self.first_call() => {
                        self.guessed = true;
                        Proof::Foreign
                    }
                    None => Proof::None,
                };
                self.put(Speaker::Model, Block::Call(call, proof));
            }
            Item::Output { call_id, parts } => {
                self.proof();
                // Paired before: every result has its call.
                if let Some(call) = self.calls.get(call_id.raw()) {
                    self.put(Speaker::Tools, Block::Result(call, parts));
                }
                self.media.extend(
                    parts
                        .iter()
                        .filter(|part| !matches!(part, Part::Text(_) | Part::Refusal(_))),
                );
            }
            Item::Opaque {
                origin,
                kind,
                place,
                ..
            } => self.losses.dropped(
                format!("{}[{place}] ({})", origin.list_of_items(), kind.decode()),
                "only its own provider knows this item",
            ),
        }
    }

    fn message(&mut self, at: usize, role: Role, parts: &'i [Part<'a>]) {
        for part in parts {
            match (role, part) {
                (_, Part::Text(text) | Part::Refusal(text)) if text.is_blank() => {}
                (Role::System | Role::Developer, Part::Text(text) | Part::Refusal(text)) => {
                    if self.turns.is_empty() {
                        self.system.push(text);
                    } else {
                        self.put(Speaker::User, Block::Told(text));
                        self.losses.approximated(
                            format!("system message {at}"),
                            "told by the user in its place, marked as system: the dialect has none inside the conversation (T2)",
                        );
                    }
                }
                (_, Part::Text(text) | Part::Refusal(text)) => {
                    self.put(Speaker::User, Block::Text(text, None));
                }
                (_, media) => self.put(Speaker::User, Block::Media(media)),
            }
        }
    }

    /// Whether no call of this turn was made before: one proof stands for all of them.
    fn first_call(&self) -> bool {
        self.turns.last().is_none_or(|turn| {
            turn.speaker != Speaker::Model
                || !turn
                    .blocks
                    .iter()
                    .any(|block| matches!(block, Block::Call(..)))
        })
    }

    /// A proof whose part has not come stands alone.
    fn proof(&mut self) {
        if let Some(seal) = self.pending.take() {
            self.put(Speaker::Model, Block::Proof(seal));
        }
    }

    fn media(&mut self) {
        if self.media.is_empty() {
            return;
        }
        self.put(
            Speaker::User,
            Block::Own("Attached content of the tool results:"),
        );
        for part in std::mem::take(&mut self.media) {
            self.put(Speaker::User, Block::Media(part));
        }
        self.losses.approximated(
            "tool output",
            "media of tool results follow as the user's (T27)",
        );
    }

    /// Adds to the last turn when it is the same speaker's (T8).
    fn put(&mut self, speaker: Speaker, block: Block<'i, 'a>) {
        match self.turns.last_mut() {
            Some(turn) if turn.speaker == speaker => turn.blocks.push(block),
            _ => self.turns.push(Turn {
                speaker,
                blocks: vec![block],
            }),
        }
    }

    fn finish(mut self) -> Conversation<'i, 'a> {
        self.proof();
        self.media();
        // T7, T9: the conversation begins with the user.
        if self
            .turns
            .first()
            .is_none_or(|turn| turn.speaker == Speaker::Model)
        {
            self.turns.insert(
                0,
                Turn {
                    speaker: Speaker::User,
                    blocks: vec![Block::Own(NO_CONTENT)],
                },
            );
        }
        if self.guessed {
            self.losses.approximated(
                "tool calls",
                "calls without this provider's proof carry the value that the provider documents for them (T108)",
            );
        }
        Conversation {
            system: self.system,
            turns: self.turns,
        }
    }
}

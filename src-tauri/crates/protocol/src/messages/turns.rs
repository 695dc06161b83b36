//! A conversation as the vendor wants it: turns that alternate, results before words, thoughts before words before calls, nothing blank, ids that are
//! unique (T7–T10, T12, T71, T72, T85).
//!
//! Arranges references only and writes nothing. Called by the request encoder, after calls and results were paired.

use std::collections::HashMap;

use super::{
    models::Model,
    wire::{NO_CONTENT, call_id},
};
use crate::{
    canonical::request::{Call, Item, Losses, Part, Role, Seal},
    json::text::Text,
    types::Dialect,
};

/// Who speaks in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    User,
    Assistant,
    /// Inside the conversation, for models that take it there (T2).
    System,
}

/// A block of a turn.
pub(super) enum Block<'i, 'a> {
    Text(&'i Text<'a>),
    /// A system message told by the user (T2).
    Told(&'i Text<'a>),
    Own(Text<'static>),
    Media(&'i Part<'a>),
    Thinking(&'i Text<'a>, &'i Seal<'a>),
    Call(String, &'i Call<'a>),
    Result(String, &'i [Part<'a>]),
}

impl Block<'_, '_> {
    /// Results first in a user's turn; thoughts, words, calls in the model's (T85).
    const fn rank(&self) -> u8 {
        match self {
            Self::Result(..) | Self::Thinking(..) => 0,
            Self::Text(_) | Self::Told(_) | Self::Own(_) | Self::Media(_) => 1,
            Self::Call(..) => 2,
        }
    }
}

/// One message of the request.
pub(super) struct Turn<'i, 'a> {
    pub(super) speaker: Speaker,
    pub(super) blocks: Vec<Block<'i, 'a>>,
}

/// The whole conversation.
pub(super) struct Conversation<'i, 'a> {
    /// The blocks before the first turn (T1).
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
        model,
        losses,
        system: Vec::new(),
        turns: Vec::new(),
        ids: HashMap::new(),
    };
    for (at, item) in items.iter().enumerate() {
        arranging.item(at, item);
    }
    arranging.finish()
}

struct Arranging<'m, 'i, 'a> {
    model: &'m Model,
    losses: &'m mut Losses,
    system: Vec<&'i Text<'a>>,
    turns: Vec<Turn<'i, 'a>>,
    /// How often an id was a call's before (T72).
    ids: HashMap<String, usize>,
}

impl<'i, 'a> Arranging<'_, 'i, 'a> {
    fn item(&mut self, at: usize, item: &'i Item<'a>) {
        match item {
            Item::Message { role, parts, .. } => self.message(at, *role, parts),
            Item::Reasoning { text, seal } => match seal {
                Some(seal) if seal.origin == Dialect::Messages => {
                    self.put(Speaker::Assistant, Block::Thinking(text, seal));
                }
                _ => self.losses.dropped(
                    format!("reasoning {at}"),
                    "reasoning without this provider's signature cannot be replayed (T90)",
                ),
            },
            Item::Call(call) => {
                let id = call_id(&call.call_id).into_owned();
                let seen = self.ids.entry(id.clone()).or_insert(0);
                *seen += 1;
                let id = numbered(id, *seen);
                self.put(Speaker::Assistant, Block::Call(id, call));
            }
            Item::Output { call_id: id, parts } => {
                let id = call_id(id).into_owned();
                let seen = self.ids.get(&id).copied().unwrap_or(1);
                self.put(Speaker::User, Block::Result(numbered(id, seen), parts));
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
                // T12: blank blocks are refused.
                (_, Part::Text(text) | Part::Refusal(text)) if text.is_blank() => {}
                (Role::User, Part::Text(text) | Part::Refusal(text)) => {
                    self.put(Speaker::User, Block::Text(text));
                }
                (Role::Assistant, Part::Text(text) | Part::Refusal(text)) => {
                    self.put(Speaker::Assistant, Block::Text(text));
                }
                (Role::System | Role::Developer, Part::Text(text) | Part::Refusal(text)) => {
                    if self.turns.is_empty() {
                        self.system.push(text);
                    } else if self.model.inline_system {
                        self.put(Speaker::System, Block::Text(text));
                    } else {
                        self.put(Speaker::User, Block::Told(text));
                        self.losses.approximated(
                            format!("system message {at}"),
                            "told by the user in its place, marked as system: the model takes none inside the conversation (T2)",
                        );
                    }
                }
                (Role::User, media) => self.put(Speaker::User, Block::Media(media)),
                (Role::Assistant | Role::System | Role::Developer, _) => self.losses.dropped(
                    format!("message {at}"),
                    "only the user's messages may hold pictures and files",
                ),
            }
        }
    }

    /// Adds to the last turn when it is the same speaker's (T8). A system message stands alone.
    fn put(&mut self, speaker: Speaker, block: Block<'i, 'a>) {
        match self.turns.last_mut() {
            Some(turn) if turn.speaker == speaker && speaker != Speaker::System => {
                turn.blocks.push(block);
            }
            _ => self.turns.push(Turn {
                speaker,
                blocks: vec![block],
            }),
        }
    }

    fn finish(mut self) -> Conversation<'i, 'a> {
        for turn in &mut self.turns {
            if !turn.blocks.is_sorted_by_key(Block::rank) {
                let mut ranks: [Vec<_>; 3] = Default::default();
                for block in std::mem::take(&mut turn.blocks) {
                    ranks[usize::from(block.rank())].push(block);
                }
                turn.blocks = ranks.into_iter().flatten().collect();
            }
        }
        // T7, T9: the conversation begins with the user.
        if self
            .turns
            .first()
            .is_none_or(|turn| turn.speaker != Speaker::User)
        {
            self.turns.insert(
                0,
                Turn {
                    speaker: Speaker::User,
                    blocks: vec![Block::Own(Text::spell(NO_CONTENT))],
                },
            );
        }
        let ends_with_own = self
            .turns
            .last()
            .is_some_and(|turn| turn.speaker == Speaker::Assistant);
        if ends_with_own && !self.model.prefill {
            // T10
            self.losses.approximated(
                "messages",
                "the model takes no beginning of its own answer: a short turn of the user was added (T10)",
            );
            self.turns.push(Turn {
                speaker: Speaker::User,
                blocks: vec![Block::Own(Text::spell("Continue."))],
            });
        }
        Conversation {
            system: self.system,
            turns: self.turns,
        }
    }
}

fn numbered(id: String, seen: usize) -> String {
    if seen > 1 { format!("{id}_{seen}") } else { id }
}

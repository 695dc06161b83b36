//! An answer held as a whole: what its events add up to.
//!
//! Used for clients that do not stream, and by the Responses stream encoder, whose closing events repeat the whole text (T170).

use super::{
    cite::{Citation, Search},
    event::{Event, Fault, Finish, Start},
    picture,
};
use crate::{canonical::request::Seal, json::text::Text, types::Usage};

/// One finished or growing item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Folded {
    pub(crate) kind: FoldedKind,
    pub(crate) done: bool,
}

/// What an item holds. Texts are in JSON spelling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FoldedKind {
    /// A message with its text, its refusal and its sources, and its phase.
    Message {
        text: String,
        refusal: String,
        citations: Vec<Citation<'static>>,
        logprobs: String,
        phase: Option<Text<'static>>,
    },
    /// Reasoning, one entry per paragraph.
    Reasoning {
        paragraphs: Vec<String>,
        seal: Option<Seal<'static>>,
    },
    /// A tool call by the client's own name.
    Call {
        call_id: Text<'static>,
        name: Text<'static>,
        namespace: Option<Text<'static>>,
        custom: bool,
        input: String,
    },
    /// A search that ran at the provider.
    Search(Search<'static>),
    /// A picture.
    Picture(picture::Folded),
}

/// The whole answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fold {
    /// The upstream's own id and model, plain.
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) created: Option<u64>,
    pub(crate) items: Vec<Folded>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
    pub(crate) fault: Option<Fault>,
}

impl Fold {
    /// Whether a tool call was made.
    pub(crate) fn has_calls(&self) -> bool {
        self.items
            .iter()
            .any(|item| matches!(item.kind, FoldedKind::Call { .. }))
    }

    /// How it ended, for clients whose dialect tells a refusal by the end and has no words for it apart (T32).
    pub(crate) fn ended(&self) -> Finish {
        let refused = |item: &Folded| matches!(&item.kind, FoldedKind::Message { refusal, .. } if !refusal.is_empty());
        self.finish
            .unwrap_or(Finish::Stop)
            .refused(!self.has_calls() && self.items.iter().any(refused))
    }

    /// The item in that slot.
    pub(crate) fn kind(&self, slot: usize) -> Option<&FoldedKind> {
        self.items.get(slot).map(|item| &item.kind)
    }

    /// Adds one event.
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { id, model, created } => {
                self.id = id
                    .as_ref()
                    .map(|id| id.decode().into_owned())
                    .unwrap_or_default();
                self.model = model
                    .as_ref()
                    .map(|model| model.decode().into_owned())
                    .unwrap_or_default();
                self.created = *created;
            }
            Event::ItemStart { start, .. } => self.items.push(Folded {
                kind: opened(start),
                done: false,
            }),
            Event::Text {
                slot,
                delta,
                logprobs,
            } => {
                if let Some(FoldedKind::Message {
                    text,
                    logprobs: all,
                    ..
                }) = self.open(*slot)
                {
                    text.push_str(delta.raw());
                    if let Some(inside) = logprobs.and_then(inside_array) {
                        push_joined(all, inside);
                    }
                }
            }
            Event::Refusal { slot, delta } => {
                if let Some(FoldedKind::Message { refusal, .. }) = self.open(*slot) {
                    refusal.push_str(delta.raw());
                }
            }
            Event::Citation { slot, citation } => {
                if let Some(FoldedKind::Message { citations, .. }) = self.open(*slot) {
                    citations.push(Citation::clone(citation).into_owned());
                }
            }
            Event::Search { slot, search: told } => {
                if let Some(FoldedKind::Search(search)) = self.open(*slot) {
                    *search = Search::clone(told).into_owned();
                }
            }
            Event::Picture { slot, picture } => {
                if let Some(FoldedKind::Picture(kept)) = self.open(*slot) {
                    *kept = picture.fold();
                }
            }
            Event::Reasoning { slot, delta } => {
                if let Some(FoldedKind::Reasoning { paragraphs, .. }) = self.open(*slot) {
                    match paragraphs.last_mut() {
                        Some(last) => last.push_str(delta.raw()),
                        None => paragraphs.push(delta.raw().to_owned()),
                    }
                }
            }
            Event::ReasoningBreak { slot } => {
                if let Some(FoldedKind::Reasoning { paragraphs, .. }) = self.open(*slot) {
                    paragraphs.push(String::new());
                }
            }
            Event::Seal {
                slot,
                origin,
                seal: text,
                redacted,
            } => {
                if let Some(FoldedKind::Reasoning { seal, .. }) = self.open(*slot) {
                    *seal = Some(Seal {
                        origin: *origin,
                        text: text.clone().into_owned(),
                        redacted: *redacted,
                    });
                }
            }
            Event::Input { slot, delta } => {
                if let Some(FoldedKind::Call { input, .. }) = self.open(*slot) {
                    input.push_str(delta.raw());
                }
            }
            Event::ItemEnd { slot } => {
                if let Some(item) = self.items.get_mut(*slot) {
                    item.done = true;
                    // T76: a call without arguments carries an empty object.
                    if let FoldedKind::Call {
                        custom: false,
                        input,
                        ..
                    } = &mut item.kind
                        && input.trim().is_empty()
                    {
                        "{}".clone_into(input);
                    }
                }
            }
            Event::Done { finish, usage } => {
                self.finish = Some(*finish);
                self.usage = *usage;
            }
            Event::Failed(fault) => self.fault = Some(fault.clone()),
        }
    }

    fn open(&mut self, slot: usize) -> Option<&mut FoldedKind> {
        self.items.get_mut(slot).map(|item| &mut item.kind)
    }
}

fn opened(start: &Start<'_>) -> FoldedKind {
    match start {
        Start::Message { phase } => FoldedKind::Message {
            text: String::new(),
            refusal: String::new(),
            citations: Vec::new(),
            logprobs: String::new(),
            phase: phase.clone().map(Text::into_owned),
        },
        Start::Reasoning => FoldedKind::Reasoning {
            paragraphs: Vec::new(),
            seal: None,
        },
        Start::Call {
            call_id,
            name,
            namespace,
            custom,
        } => FoldedKind::Call {
            call_id: call_id.clone().into_owned(),
            name: name.clone().into_owned(),
            namespace: namespace.clone().map(Text::into_owned),
            custom: *custom,
            input: String::new(),
        },
        Start::Search => FoldedKind::Search(Search::default()),
        Start::Picture => FoldedKind::Picture(picture::Folded::default()),
    }
}

/// What stands between the brackets of a raw array.
pub(crate) fn inside_array(raw: &str) -> Option<&str> {
    let inside = raw.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    (!inside.is_empty()).then_some(inside)
}

fn push_joined(list: &mut String, raw: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(raw);
}

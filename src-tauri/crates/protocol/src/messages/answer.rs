//! A whole answer in the words of Messages. Called by the hub.

use super::{
    cite, usage,
    wire::{call_id, stop_word},
};
use crate::{
    canonical::{
        fold::{Fold, Folded, FoldedKind},
        request::Seal,
        seal::{spelled, unsealed},
    },
    chat::answer::own,
    json::{
        read::{Kind, Reader},
        text::{one_line, unescape},
        write::{Commas, Sink},
    },
    types::Dialect,
};

/// What an answer says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// Empty for the upstream's own.
    pub(crate) id: String,
    /// The name the client asked for (T204), plain; empty for the upstream's own.
    pub(crate) model: String,
    /// The estimate of input tokens told before the upstream has counted (T151).
    pub(crate) estimate: u64,
    /// Whether the client asked for thoughts; without, it is not shown any (F85).
    pub(crate) thoughts: bool,
}

/// Writes everything up to the content of a message object.
pub(super) fn head<S: Sink>(words: &Words, id: &str, model: &str, out: &mut S) {
    out.raw("{\"id\":");
    out.string(own(&words.id, id));
    out.raw(",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    out.string(own(&words.model, model));
}

/// Writes the whole message.
pub(crate) fn write<S: Sink>(fold: &Fold, words: &Words, out: &mut S) {
    head(words, &fold.id, &fold.model, out);
    out.raw(",\"content\":[");
    let mut commas = Commas::default();
    let shown =
        |item: &&Folded| words.thoughts || !matches!(item.kind, FoldedKind::Reasoning { .. });
    let items = match fold.items.as_slice() {
        [told @ .., last] if !told.is_empty() && is_bare_proof(last) => told,
        all => all,
    };
    for item in items.iter().filter(shown) {
        block(item, words, &mut commas, out);
    }
    out.raw("],\"stop_reason\":\"");
    out.raw(stop_word(fold.ended(), fold.has_calls()));
    out.raw("\",\"stop_sequence\":null,\"usage\":");
    // T150: clients read the counts without asking whether there are any.
    usage::write(&fold.usage.unwrap_or_default(), out);
    out.raw("}");
}

fn block<S: Sink>(item: &Folded, words: &Words, commas: &mut Commas, out: &mut S) {
    match &item.kind {
        FoldedKind::Message {
            text,
            refusal,
            citations,
            ..
        } => {
            // T12: an empty block would be refused when it comes back.
            if text.is_empty() && refusal.is_empty() {
                return;
            }
            commas.next(out);
            out.raw("{\"type\":\"text\",\"text\":\"");
            out.raw(text);
            out.raw(refusal);
            out.raw("\"");
            let told: Vec<String> = citations.iter().filter_map(cite::citation).collect();
            if !told.is_empty() {
                out.raw(",\"citations\":[");
                out.raw(&told.join(","));
                out.raw("]");
            }
            out.raw("}");
        }
        FoldedKind::Picture(picture) => {
            commas.next(out);
            out.raw("{\"type\":\"text\",\"text\":\"");
            out.raw(picture.words());
            out.raw("\"}");
        }
        FoldedKind::Search(search) => {
            if let Some(told) = cite::blocks(search, &words.id) {
                commas.next(out);
                for piece in [&told.call, &told.input, "},", &told.result] {
                    out.raw(piece);
                }
            }
        }
        FoldedKind::Reasoning { paragraphs, seal } => {
            if paragraphs.is_empty() && seal.is_none() {
                return;
            }
            commas.next(out);
            if let Some(seal) = seal.as_ref().filter(|seal| is_own_redacted(seal)) {
                out.raw("{\"type\":\"redacted_thinking\",\"data\":\"");
                out.raw(seal.text.raw());
                return out.raw("\"}");
            }
            out.raw("{\"type\":\"thinking\",\"thinking\":\"");
            for (at, paragraph) in paragraphs.iter().enumerate() {
                if at > 0 {
                    out.raw("\\n\\n");
                }
                out.raw(paragraph);
            }
            out.raw("\",\"signature\":\"");
            signature(seal.as_ref(), out);
            out.raw("\"}");
        }
        FoldedKind::Call {
            call_id: id,
            name,
            custom,
            input,
            ..
        } => {
            commas.next(out);
            out.raw("{\"type\":\"tool_use\",\"id\":\"");
            out.raw(&call_id(id));
            out.raw("\",\"name\":");
            out.text(name);
            out.raw(",\"input\":");
            arguments(input, *custom, out);
            out.raw("}");
        }
    }
}

/// A proof without thoughts. At the end of an answer it is not told: clients take the last block for the answer.
fn is_bare_proof(item: &Folded) -> bool {
    matches!(&item.kind, FoldedKind::Reasoning { paragraphs, seal: Some(seal) } if paragraphs.is_empty() && is_foreign(seal))
}

/// Whether another vendor's accounts asked for it to be kept; this dialect's own is never left out (T95).
pub(super) fn is_foreign(seal: &Seal<'_>) -> bool {
    seal.origin != Dialect::Messages
}

/// Whether it is the vendor's own redacted thinking, in an answer that stays in its dialect (T95).
pub(super) fn is_own_redacted(seal: &Seal<'_>) -> bool {
    seal.redacted && seal.origin == Dialect::Messages
}

/// The signature of a thinking block, also where the upstream has none (T92, T94).
pub(super) fn signature<S: Sink>(seal: Option<&Seal<'_>>, out: &mut S) {
    match seal {
        Some(seal) => out.raw(&spelled(Dialect::Messages, seal)),
        None => out.raw(unsealed()),
    }
}

/// The arguments of a call, which have to be an object here (T77). Text that is none, such as arguments cut at the token limit, is kept as it
/// is under a name that says so; it is not repaired into something that would run (T79).
pub(crate) fn arguments<S: Sink>(input: &str, custom: bool, out: &mut S) {
    let plain = unescape(input);
    if !custom {
        if plain.trim().is_empty() {
            return out.raw("{}");
        }
        if is_object(&plain) {
            return out.raw(&one_line(plain.trim()));
        }
    }
    out.raw(if custom {
        "{\"input\":\""
    } else {
        "{\"INVALID_JSON\":\""
    });
    out.raw(input);
    out.raw("\"}");
}

/// Whether the text is one JSON object and nothing else.
pub(crate) fn is_object(text: &str) -> bool {
    let mut reader = Reader::new(text);
    matches!(reader.kind(), Ok(Kind::Object))
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

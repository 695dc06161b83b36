//! A whole answer in the words of Gemini, and the parts that streamed answers are made of as well. Called by the hub and by `stream_encode`.

use super::{cite, seal::spelled, usage, wire::finish_word};
use crate::{
    canonical::{
        event::Finish,
        fold::{Fold, FoldedKind},
    },
    chat::answer::own,
    json::{
        text::Text,
        write::{Commas, Sink},
    },
    messages::answer::arguments,
    types::Usage,
};

/// What an answer says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// Empty for the upstream's own.
    pub(crate) id: String,
    /// The name the client asked for (T204), plain; empty for the upstream's own.
    pub(crate) model: String,
    /// Whether the client asked for thoughts (T111).
    pub(crate) thoughts: bool,
    /// A stream is one JSON array instead of events (T203).
    pub(crate) array: bool,
}

/// How an answer, or a piece of one, begins; parts follow.
pub(super) const OPEN: &str = "{\"candidates\":[{\"content\":{\"parts\":[";

/// Closes the parts and the candidate.
pub(super) fn close<S: Sink>(finish: Option<Finish>, grounding: &str, out: &mut S) {
    out.raw("],\"role\":\"model\"}");
    if let Some(finish) = finish {
        out.raw(",\"finishReason\":\"");
        out.raw(finish_word(finish));
        out.raw("\"");
    }
    out.raw(",\"index\":0");
    out.raw(grounding);
    out.raw("}]");
}

/// What stands behind the candidate of every answer.
pub(super) fn tail<S: Sink>(words: &Words, id: &str, model: &str, out: &mut S) {
    out.raw(",\"modelVersion\":");
    out.string(own(&words.model, model));
    out.raw(",\"responseId\":");
    out.string(own(&words.id, id));
    out.raw("}");
}

pub(super) fn counts<S: Sink>(usage: Option<Usage>, out: &mut S) {
    if let Some(usage) = usage {
        out.raw(",\"usageMetadata\":");
        usage::write(&usage, out);
    }
}

/// Words for the person. `text` in JSON spelling.
pub(super) fn text<S: Sink>(text: &str, signature: Option<&str>, out: &mut S) {
    out.raw("{\"text\":\"");
    out.raw(text);
    out.raw("\"");
    signed(signature, out);
    out.raw("}");
}

/// A picture (T34). `data` in JSON spelling.
pub(super) fn picture<S: Sink>(kind: &str, data: &str, out: &mut S) {
    out.raw("{\"inlineData\":{\"mimeType\":\"");
    out.raw(kind);
    out.raw("\",\"data\":\"");
    out.raw(data);
    out.raw("\"}}");
}

/// Words of a thought.
pub(super) fn thought<S: Sink>(text: &str, out: &mut S) {
    out.raw("{\"text\":\"");
    out.raw(text);
    out.raw("\",\"thought\":true}");
}

/// A whole call; its arguments are an object always (T77).
pub(super) fn call<S: Sink>(
    id: &Text<'_>,
    name: &Text<'_>,
    input: &str,
    custom: bool,
    signature: Option<&str>,
    out: &mut S,
) {
    out.raw("{\"functionCall\":{");
    if !id.is_empty() {
        out.raw("\"id\":");
        out.text(id);
        out.raw(",");
    }
    out.raw("\"name\":");
    out.text(name);
    out.raw(",\"args\":");
    arguments(input, custom, out);
    out.raw("}");
    signed(signature, out);
    out.raw("}");
}

fn signed<S: Sink>(signature: Option<&str>, out: &mut S) {
    if let Some(signature) = signature {
        out.raw(",\"thoughtSignature\":\"");
        out.raw(signature);
        out.raw("\"");
    }
}

/// Writes the whole answer.
pub(crate) fn write<S: Sink>(fold: &Fold, words: &Words, out: &mut S) {
    out.raw(OPEN);
    let mut commas = Commas::default();
    // The proof of thoughts stands beside the part that follows them.
    let mut pending: Option<String> = None;
    let (mut parts, mut queries, mut sources) = (0, Vec::new(), Vec::new());
    for item in &fold.items {
        match &item.kind {
            FoldedKind::Reasoning { paragraphs, seal } => {
                let all = paragraphs.join("\\n\\n");
                if let Some(signature) = pending.take() {
                    commas.next(out);
                    parts += 1;
                    text("", Some(&signature), out);
                }
                if words.thoughts && !all.is_empty() {
                    commas.next(out);
                    parts += 1;
                    thought(&all, out);
                }
                if seal.is_some() || !all.is_empty() {
                    pending = Some(spelled(seal.as_ref(), &all).into_owned());
                }
            }
            FoldedKind::Message {
                text: said,
                refusal,
                citations,
                ..
            } => {
                sources.extend(citations.iter().map(|one| (parts, one.clone())));
                for said in [said, refusal] {
                    if !said.is_empty() {
                        commas.next(out);
                        parts += 1;
                        text(said, pending.take().as_deref(), out);
                    }
                }
            }
            FoldedKind::Call {
                call_id,
                name,
                custom,
                input,
                ..
            } => {
                commas.next(out);
                parts += 1;
                let signature = pending.take();
                call(call_id, name, input, *custom, signature.as_deref(), out);
            }
            FoldedKind::Picture(drawn) => {
                commas.next(out);
                parts += 1;
                picture(drawn.kind(), drawn.data(), out);
            }
            FoldedKind::Search(search) => queries.extend(search.query.clone()),
        }
    }
    if let Some(signature) = pending {
        commas.next(out);
        text("", Some(&signature), out);
    }
    let mut grounding = String::new();
    cite::write(&queries, &sources, &mut grounding);
    close(Some(fold.ended()), &grounding, out);
    counts(fold.usage, out);
    tail(words, &fold.id, &fold.model, out);
}

//! A whole answer in the words of Chat Completions. Called by the hub.

use super::{proof, usage, wire::finish_word};
use crate::{
    canonical::{
        cite::{Citation, Unit},
        event::Finish,
        fold::{Fold, FoldedKind},
    },
    json::write::{Commas, Sink},
    responses::cite::link,
    types::{Dialect, ReasoningOutput},
};

/// What a chat answer says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// Empty for the upstream's own.
    pub(crate) id: String,
    /// The name the client asked for (T204), plain; empty for the upstream's own.
    pub(crate) model: String,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) reasoning: ReasoningOutput,
}

/// Writes the whole `chat.completion`.
pub(crate) fn write<S: Sink>(fold: &Fold, words: &Words, out: &mut S) {
    out.raw("{\"id\":");
    out.string(own(&words.id, &fold.id));
    out.raw(",\"object\":\"chat.completion\",\"created\":");
    out.number(fold.created.unwrap_or(words.created));
    out.raw(",\"model\":");
    out.string(own(&words.model, &fold.model));
    out.raw(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\"");
    message(fold, words.reasoning, out);
    out.raw("},\"logprobs\":");
    let all = joined(fold, ",", |kind| match kind {
        FoldedKind::Message { logprobs, .. } => Some(logprobs.as_str()),
        _ => None,
    });
    if all.is_empty() {
        out.raw("null");
    } else {
        out.raw("{\"content\":[");
        out.raw(&all);
        out.raw("],\"refusal\":null}");
    }
    out.raw(",\"finish_reason\":\"");
    out.raw(finish_word(
        fold.finish.unwrap_or(Finish::Stop),
        fold.has_calls(),
    ));
    out.raw("\"}]");
    if let Some(counts) = &fold.usage {
        out.raw(",\"usage\":");
        usage::write(counts, out);
    }
    out.raw("}");
}

/// The gateway's word, or the upstream's where the gateway has none.
pub(crate) fn own<'w>(ours: &'w str, theirs: &'w str) -> &'w str {
    if ours.is_empty() { theirs } else { ours }
}

fn message<S: Sink>(fold: &Fold, reasoning: ReasoningOutput, out: &mut S) {
    let mut content = joined(fold, "", |kind| match kind {
        FoldedKind::Message { text, .. } => Some(text.as_str()),
        FoldedKind::Picture(picture) => Some(picture.words()),
        _ => None,
    });
    let refusal = joined(fold, "", |kind| match kind {
        FoldedKind::Message { refusal, .. } => Some(refusal.as_str()),
        _ => None,
    });
    let thoughts = thoughts(fold);
    if reasoning == ReasoningOutput::ThinkTags && !thoughts.is_empty() {
        content = format!("<think>{thoughts}</think>{content}");
    }
    out.raw(",\"content\":");
    if content.is_empty() && (fold.has_calls() || !refusal.is_empty()) {
        out.raw("null");
    } else {
        quoted(&content, out);
    }
    out.raw(",\"refusal\":");
    if refusal.is_empty() {
        out.raw("null");
    } else {
        quoted(&refusal, out);
    }
    if reasoning == ReasoningOutput::Field && !thoughts.is_empty() {
        out.raw(",\"reasoning_content\":");
        quoted(&thoughts, out);
    }
    annotations(fold, reasoning, out);
    if fold.has_calls() {
        out.raw(",\"tool_calls\":[");
        let mut commas = Commas::default();
        let mut kept = None;
        for item in &fold.items {
            if let FoldedKind::Reasoning { seal, .. } = &item.kind {
                let own = seal.as_ref().filter(|seal| seal.origin == Dialect::Gemini);
                kept = own.map(|seal| seal.text.raw());
            }
            let FoldedKind::Call {
                call_id,
                name,
                custom,
                input,
                ..
            } = &item.kind
            else {
                continue;
            };
            commas.next(out);
            out.raw("{\"id\":");
            out.text(call_id);
            out.raw(if *custom {
                ",\"type\":\"custom\",\"custom\":{\"name\":"
            } else {
                ",\"type\":\"function\",\"function\":{\"name\":"
            });
            out.text(name);
            out.raw(if *custom {
                ",\"input\":"
            } else {
                ",\"arguments\":"
            });
            quoted(input, out);
            out.raw("}");
            proof::write(kept.take(), out);
            out.raw("}");
        }
        out.raw("]");
    }
}

/// All reasoning, paragraph by paragraph.
fn thoughts(fold: &Fold) -> String {
    let mut all = String::new();
    for item in &fold.items {
        let FoldedKind::Reasoning { paragraphs, .. } = &item.kind else {
            continue;
        };
        for (at, paragraph) in paragraphs.iter().enumerate() {
            if at > 0 {
                all.push_str("\\n\\n");
            }
            all.push_str(paragraph);
        }
    }
    all
}

fn annotations<S: Sink>(fold: &Fold, reasoning: ReasoningOutput, out: &mut S) {
    let mut all = String::new();
    for item in &fold.items {
        let FoldedKind::Message { citations, .. } = &item.kind else {
            continue;
        };
        for one in citations
            .iter()
            .filter_map(|one| annotation(one, reasoning))
        {
            if !all.is_empty() {
                all.push(',');
            }
            all.push_str(&one);
        }
    }
    if !all.is_empty() {
        out.raw(",\"annotations\":[");
        out.raw(&all);
        out.raw("]");
    }
}

/// A link as an annotation of Chat, which knows no other sources and asks for a place (T31).
pub(crate) fn annotation(citation: &Citation<'_>, reasoning: ReasoningOutput) -> Option<String> {
    // Thoughts in the text move everything behind them.
    if reasoning == ReasoningOutput::ThinkTags {
        return None;
    }
    if let Some(native) = citation.native_of(Dialect::Chat) {
        return Some(native.to_owned());
    }
    let (url, (start, end)) = citation.url.as_ref().zip(citation.at(Unit::Chars))?;
    let mut inside = String::new();
    link(url, citation.title.as_ref(), start, end, &mut inside);
    // Without the comma that parts them from a type.
    Some(format!(
        "{{\"type\":\"url_citation\",\"url_citation\":{{{}}}}}",
        inside.trim_start_matches(',')
    ))
}

fn joined<'f>(
    fold: &'f Fold,
    between: &str,
    pick: impl Fn(&'f FoldedKind) -> Option<&'f str>,
) -> String {
    let mut all = String::new();
    for piece in fold
        .items
        .iter()
        .filter_map(|item| pick(&item.kind))
        .filter(|piece| !piece.is_empty())
    {
        if !all.is_empty() {
            all.push_str(between);
        }
        all.push_str(piece);
    }
    all
}

fn quoted<S: Sink>(inner: &str, out: &mut S) {
    out.raw("\"");
    out.raw(inner);
    out.raw("\"");
}

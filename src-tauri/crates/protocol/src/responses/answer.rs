//! A whole answer in the words of Responses: its items, and the response object around them.
//!
//! Called by the hub for whole answers and by the stream encoder, whose events hold the same objects.

use super::{
    cite::{list, write_action},
    usage,
};
use crate::{
    canonical::{
        event::Finish,
        fold::{Fold, Folded, FoldedKind},
        request::{Format, Request, ToolChoice},
        seal::spelled,
    },
    chat::answer::own,
    json::{
        text::one_line,
        write::{Commas, Sink},
    },
    types::Dialect,
};

/// What the response object repeats of the request.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    /// The answer's id, minted once (T166).
    pub(crate) id: String,
    /// Ids of items derive from it (T167).
    pub(crate) seed: String,
    /// The name the client asked for (T204), plain.
    pub(crate) model: String,
    /// Unix seconds.
    pub(crate) created: u64,
    /// The members that echo the request, comma first.
    pub(crate) echo: String,
}

/// The members of a response object that echo the request; `store` is false, because nothing is kept (T137).
pub(crate) fn echo(request: &Request<'_>) -> String {
    let settings = &request.settings;
    let mut out = String::with_capacity(512);
    out.raw(",\"instructions\":null,\"max_output_tokens\":");
    match settings.max_output_tokens {
        Some(limit) => out.number(limit),
        None => out.raw("null"),
    }
    out.raw(",\"metadata\":");
    out.raw(
        settings
            .metadata
            .filter(|raw| raw.len() < 2048)
            .unwrap_or("{}"),
    );
    out.raw(if settings.parallel_tool_calls == Some(false) {
        ",\"parallel_tool_calls\":false"
    } else {
        ",\"parallel_tool_calls\":true"
    });
    out.raw(",\"previous_response_id\":null,\"reasoning\":{\"effort\":");
    out.text_or_null(settings.effort.as_ref());
    out.raw(",\"summary\":");
    out.text_or_null(settings.summary.as_ref());
    out.raw("},\"store\":false,\"temperature\":");
    out.raw(settings.temperature.unwrap_or("1.0"));
    out.raw(",\"text\":{\"format\":{\"type\":\"");
    match &settings.format {
        None => out.raw("text\"}"),
        Some(Format::JsonObject) => out.raw("json_object\"}"),
        Some(Format::JsonSchema { name, schema, .. }) => {
            out.raw("json_schema\",\"name\":");
            out.text_or_null(name.as_ref());
            out.raw(",\"schema\":");
            out.raw(
                schema
                    .as_deref()
                    .filter(|raw| raw.len() < 8192)
                    .unwrap_or("{}"),
            );
            out.raw("}");
        }
    }
    out.raw("},\"tool_choice\":");
    out.raw(match &request.tool_choice {
        Some(ToolChoice::None) => "\"none\"",
        Some(ToolChoice::Required | ToolChoice::Named(_) | ToolChoice::Hosted(_)) => "\"required\"",
        Some(ToolChoice::Auto | ToolChoice::Allowed { .. }) | None => "\"auto\"",
    });
    // The tools themselves would make every answer as long as its request.
    out.raw(",\"tools\":[],\"top_p\":");
    out.raw(settings.top_p.unwrap_or("1.0"));
    out.raw(",\"truncation\":\"disabled\"");
    // A person's body may stand in many lines, a frame may not.
    match one_line(&out) {
        std::borrow::Cow::Owned(told) => told,
        std::borrow::Cow::Borrowed(_) => out,
    }
}

/// Writes the response object. `finish` is none while the answer runs.
pub(crate) fn write<S: Sink>(fold: &Fold, words: &Words, finish: Option<Finish>, out: &mut S) {
    out.raw("{\"id\":\"");
    out.raw(own(&words.id, &fold.id));
    out.raw("\",\"object\":\"response\",\"created_at\":");
    out.number(fold.created.unwrap_or(words.created));
    out.raw(",\"status\":\"");
    out.raw(match finish {
        None => "in_progress",
        Some(Finish::Stop) => "completed",
        Some(Finish::Length | Finish::Filter) => "incomplete",
    });
    out.raw("\",\"background\":false,\"error\":null,\"incomplete_details\":");
    out.raw(match finish {
        Some(Finish::Length) => "{\"reason\":\"max_output_tokens\"}",
        Some(Finish::Filter) => "{\"reason\":\"content_filter\"}",
        None | Some(Finish::Stop) => "null",
    });
    out.raw(&words.echo);
    out.raw(",\"model\":");
    out.string(own(&words.model, &fold.model));
    out.raw(",\"output\":[");
    if finish.is_some() {
        let mut commas = Commas::default();
        for (slot, item) in fold.items.iter().enumerate() {
            commas.next(out);
            write_item(item, slot, &words.seed, out);
        }
    }
    out.raw("],\"usage\":");
    match &fold.usage {
        Some(counts) if finish.is_some() => usage::write(counts, out),
        _ => out.raw("null"),
    }
    out.raw("}");
}

/// Writes an item's id: its type's prefix (T74), the answer's seed and its slot.
pub(crate) fn write_id<S: Sink>(kind: &FoldedKind, seed: &str, slot: usize, out: &mut S) {
    out.raw(match kind {
        FoldedKind::Message { .. } => "msg_",
        FoldedKind::Reasoning { .. } => "rs_",
        FoldedKind::Search(_) => "ws_",
        FoldedKind::Picture(_) => "ig_",
        FoldedKind::Call { custom: true, .. } => "ctc_",
        FoldedKind::Call { custom: false, .. } => "fc_",
    });
    out.raw(seed);
    out.raw("_");
    out.number(slot as u64);
}

/// Writes an item as it stands: with what it holds so far, open or done.
pub(crate) fn write_item<S: Sink>(item: &Folded, slot: usize, seed: &str, out: &mut S) {
    let status = if item.done {
        "\"completed\""
    } else {
        "\"in_progress\""
    };
    out.raw("{\"id\":\"");
    write_id(&item.kind, seed, slot, out);
    match &item.kind {
        FoldedKind::Message {
            text,
            refusal,
            citations,
            logprobs,
            phase,
        } => {
            out.raw("\",\"type\":\"message\",\"status\":");
            out.raw(status);
            out.raw(",\"role\":\"assistant\"");
            if let Some(phase) = phase {
                out.raw(",\"phase\":");
                out.text(phase);
            }
            out.raw(",\"content\":[");
            let mut commas = Commas::default();
            if !text.is_empty() || (item.done && refusal.is_empty()) {
                commas.next(out);
                write_text_part(text, &list(citations), logprobs, out);
            }
            if !refusal.is_empty() {
                commas.next(out);
                write_refusal_part(refusal, out);
            }
            out.raw("]}");
        }
        FoldedKind::Reasoning { paragraphs, seal } => {
            out.raw("\",\"type\":\"reasoning\",\"summary\":[");
            let mut commas = Commas::default();
            for paragraph in paragraphs {
                commas.next(out);
                write_summary_part(paragraph, out);
            }
            out.raw("]");
            // T93, T105: what the client has to send back.
            if let Some(seal) = seal {
                out.raw(",\"encrypted_content\":\"");
                out.raw(&spelled(Dialect::Responses, seal));
                out.raw("\"");
            }
            out.raw("}");
        }
        FoldedKind::Call {
            call_id,
            name,
            namespace,
            custom,
            input,
        } => {
            out.raw(if *custom {
                "\",\"type\":\"custom_tool_call\",\"status\":"
            } else {
                "\",\"type\":\"function_call\",\"status\":"
            });
            out.raw(status);
            out.raw(",\"call_id\":");
            out.text(call_id);
            out.raw(",\"name\":");
            out.text(name);
            if let Some(namespace) = namespace {
                out.raw(",\"namespace\":");
                out.text(namespace);
            }
            out.raw(if *custom {
                ",\"input\":\""
            } else {
                ",\"arguments\":\""
            });
            out.raw(input);
            out.raw("\"}");
        }
        FoldedKind::Picture(picture) => {
            out.raw("\",\"type\":\"image_generation_call\",\"status\":");
            out.raw(status);
            if !item.done {
                return out.raw(",\"result\":null}");
            }
            out.raw(",\"output_format\":\"");
            out.raw(picture.kind().trim_start_matches("image/"));
            out.raw("\",\"result\":\"");
            out.raw(picture.data());
            out.raw("\"}");
        }
        FoldedKind::Search(search) => {
            out.raw("\",\"type\":\"web_search_call\",\"status\":");
            out.raw(status);
            if item.done {
                out.raw(",\"action\":");
                write_action(search, out);
            }
            out.raw("}");
        }
    }
}

/// T30: annotations and logprobs are always there.
pub(crate) fn write_text_part<S: Sink>(text: &str, annotations: &str, logprobs: &str, out: &mut S) {
    out.raw("{\"type\":\"output_text\",\"text\":\"");
    out.raw(text);
    out.raw("\",\"annotations\":[");
    out.raw(annotations);
    out.raw("],\"logprobs\":[");
    out.raw(logprobs);
    out.raw("]}");
}

/// A refusal as a part of a message.
pub(crate) fn write_refusal_part<S: Sink>(refusal: &str, out: &mut S) {
    out.raw("{\"type\":\"refusal\",\"refusal\":\"");
    out.raw(refusal);
    out.raw("\"}");
}

/// One paragraph of reasoning.
pub(crate) fn write_summary_part<S: Sink>(text: &str, out: &mut S) {
    out.raw("{\"type\":\"summary_text\",\"text\":\"");
    out.raw(text);
    out.raw("\"}");
}

//! What a dialect has no word for: settings that are left out, forms of the answer that are asked for in words, instructions that all stand in
//! front.
//!
//! Called by the request encoders of Messages and Gemini.

use super::request::{Format, Losses, Part, Request, Settings};
use crate::json::{
    read::{Kind, Malformed, Reader},
    text::Text,
    write::{Commas, Sink},
};

/// Tells which of these settings the client has set and the dialect does not know (T123).
pub(crate) fn gone(settings: &Settings<'_>, keys: &[&'static str], losses: &mut Losses) {
    for key in keys {
        let present = match *key {
            "frequency_penalty" => settings.frequency_penalty.is_some(),
            "presence_penalty" => settings.presence_penalty.is_some(),
            "seed" => settings.seed.is_some(),
            "logit_bias" => settings.logit_bias.is_some(),
            "logprobs" => settings.logprobs,
            "verbosity" => settings.verbosity.is_some(),
            "store" => settings.store == Some(true),
            "metadata" => settings.metadata.is_some(),
            "user" => settings.user.is_some(),
            "safety_identifier" => settings.safety_identifier.is_some(),
            "prompt_cache_key" => settings.prompt_cache_key.is_some(),
            "prompt_cache_retention" => settings.prompt_cache_retention.is_some(),
            "service_tier" => settings
                .service_tier
                .as_ref()
                .is_some_and(|tier| !tier.is("auto") && !tier.is("default")),
            _ => false,
        };
        if present {
            losses.dropped(*key, "the account's dialect has no such field (T123)");
        }
    }
}

/// The most stop strings that Chat takes (T119).
pub(crate) const CHAT_STOPS: usize = 4;
/// The most that Gemini takes.
pub(crate) const GEMINI_STOPS: usize = 5;

/// The first stop strings with something in them, as the inside of an array; where there are more, the answer is cut here.
pub(crate) fn first_stops(raw: &str, most: usize) -> String {
    let mut count = 0;
    stop_list(raw, &mut |word| {
        count += usize::from(!word.is_empty());
        !word.is_empty() && count <= most
    })
}

/// The stop strings that `takes` lets through, as the inside of an array; none where they cannot be read (T119).
pub(crate) fn stop_list(raw: &str, takes: &mut dyn FnMut(&Text<'_>) -> bool) -> String {
    let mut list = String::new();
    let mut commas = Commas::default();
    let mut add = |value: &mut Reader<'_>| {
        if let Some(word) = value.string_or_skip()?.filter(|word| takes(word)) {
            commas.next(&mut list);
            list.text(&word);
        }
        Ok::<(), Malformed>(())
    };
    let mut reader = Reader::new(raw);
    let read = match reader.kind() {
        Ok(Kind::Array) => reader.elements(&mut add),
        Ok(Kind::String) => add(&mut reader),
        _ => Ok(()),
    };
    match read {
        Ok(()) => list,
        Err(_) => String::new(),
    }
}

/// Tells what of a picture or a file the dialect has no field for: how closely to look, and the name where it takes none.
pub(crate) fn of_media(part: &Part<'_>, names: bool, losses: &mut Losses) {
    match part {
        Part::Image {
            detail: Some(detail),
            ..
        } if !detail.is("auto") => losses.unknown_key("image", "detail"),
        Part::File { name: Some(_), .. } if !names => losses.unknown_key("file", "filename"),
        _ => {}
    }
}

/// What a form is called and described as has no field in the dialect; a description may say what the schema does not.
pub(crate) fn of_form(format: Option<&Format<'_>>, losses: &mut Losses) {
    if let Some(Format::JsonSchema {
        description: Some(words),
        ..
    }) = format
        && !words.is_blank()
    {
        losses.unknown_key("response_format", "description");
    }
}

/// The form of the answer, asked for in words: any object, or what follows the schema (T125, T128, T129).
pub(crate) fn form_in_words(schema: Option<&str>) -> Text<'static> {
    let line = match schema {
        None => {
            "Answer with one valid JSON object and nothing else: no other words, no code fence."
                .to_owned()
        }
        Some(schema) => format!(
            "Answer with one valid JSON value that follows this JSON schema, and nothing else: no other words, no code fence.\n{schema}"
        ),
    };
    Text::spell(&line)
}

/// The instructions, the system's words before the first turn and a last line, without the blank ones (T1, T6, T12).
pub(crate) fn in_front<'r, 'a>(
    request: &'r Request<'a>,
    system: &[&'r Text<'a>],
    line: Option<&'r Text<'a>>,
) -> Vec<&'r Text<'a>> {
    let words = request.instructions.iter().chain(system.iter().copied());
    let told = words.filter(|text| !text.is_blank());
    told.chain(line).collect()
}

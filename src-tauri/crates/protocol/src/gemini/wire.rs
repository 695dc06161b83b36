//! The words of the Gemini dialect: names of fields and values that both directions share.
//!
//! Called by the other files of this folder and by the observer.

use std::borrow::Cow;

use crate::{
    canonical::event::Finish,
    json::read::{Kind, Reader},
    types::RequestError,
};

/// What stands for words in a turn that has to have some (T7, T9).
pub(super) const NO_CONTENT: &str = "(no content)";

/// The value the vendor documents for calls that another model made: it asks for no proof of them (T108).
pub(crate) const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// What a finish reason says (table C1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// An end of the answer.
    End(Finish),
    /// The model made something that is no answer: an error, never a clean stop (T145).
    Broken,
}

/// Reads a `finishReason`; words nobody knows count as a whole answer.
pub(crate) fn read_finish(word: &str) -> Read {
    match word {
        "MAX_TOKENS" => Read::End(Finish::Length),
        "SAFETY"
        | "PROHIBITED_CONTENT"
        | "BLOCKLIST"
        | "SPII"
        | "RECITATION"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR" => Read::End(Finish::Filter),
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "NO_IMAGE"
        | "LANGUAGE"
        | "OTHER"
        | "IMAGE_OTHER" => Read::Broken,
        _ => Read::End(Finish::Stop),
    }
}

/// The `finishReason` of an answer, whether it called tools or not (table C1).
pub(super) const fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filter => "SAFETY",
    }
}

/// The effort a thinking budget stands for (F90); `None` where the model is to decide.
pub(super) fn effort(budget: i64) -> Option<&'static str> {
    Some(match budget {
        ..0 => return None,
        0 => "none",
        1..=512 => "minimal",
        513..=1_024 => "low",
        1_025..=8_192 => "medium",
        8_193..=24_576 => "high",
        _ => "xhigh",
    })
}

/// The budget an effort stands for (table C3).
pub(super) fn budget(effort: &str) -> Option<u64> {
    Some(match effort {
        "none" => 0,
        "minimal" => 512,
        "low" => 1_024,
        "medium" => 8_192,
        "high" => 24_576,
        "xhigh" | "max" => 32_768,
        _ => return None,
    })
}

/// The name of a field in the dialect's own spelling: clients write `snake_case` as well (T16).
pub(super) fn camel(key: &str) -> Cow<'_, str> {
    if !key.contains('_') {
        return Cow::Borrowed(key);
    }
    let mut name = String::with_capacity(key.len());
    let mut upper = false;
    for letter in key.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            name.push(letter.to_ascii_uppercase());
        } else {
            name.push(letter);
        }
    }
    Cow::Owned(name)
}

/// Walks a list that may be written as its only element, as in the vendor's own examples.
pub(super) fn each<'a>(
    value: &mut Reader<'a>,
    param: &dyn std::fmt::Display,
    mut one: impl FnMut(usize, &mut Reader<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    match value.kind()? {
        Kind::Null => Ok(value.skip()?),
        Kind::Object | Kind::String => one(0, value),
        _ => crate::canonical::fields::array(value, param, one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name_t16() {
        for (given, name) in [
            ("functionCall", "functionCall"),
            ("function_call", "functionCall"),
            ("parameters_json_schema", "parametersJsonSchema"),
            ("include_thoughts", "includeThoughts"),
            ("text", "text"),
        ] {
            assert_eq!(camel(given), name);
        }
    }

    #[test]
    fn budgets_and_efforts_follow_the_table_f90_t110() {
        for word in ["none", "minimal", "low", "medium", "high", "xhigh"] {
            let tokens = i64::try_from(budget(word).unwrap()).unwrap();
            assert_eq!(effort(tokens), Some(word));
        }
        assert_eq!((effort(-1), effort(2_048)), (None, Some("medium")));
    }

    #[test]
    fn a_broken_call_is_no_clean_stop_t145() {
        for (word, expected) in [
            ("STOP", Read::End(Finish::Stop)),
            ("CONTINUATION", Read::End(Finish::Stop)),
            ("MAX_TOKENS", Read::End(Finish::Length)),
            ("SPII", Read::End(Finish::Filter)),
            ("MALFORMED_FUNCTION_CALL", Read::Broken),
        ] {
            assert_eq!(read_finish(word), expected, "{word}");
        }
    }
}

//! Pictures in an answer that is read along (F70): how many there are. Called by the observer, and only for events that are long enough to hold
//! one.

use std::{ops::Range, sync::LazyLock};

use memchr::memmem::Finder;

use crate::{json::scan, types::Dialect};

/// No event with a picture is shorter.
const SHORTEST: usize = 128;

static CALL: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(b"\"image_generation_call\""));
static CAMEL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"inlineData\""));
static SNAKE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"inline_data\""));
static LIST: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"images\""));

/// The pictures of one event, or of a whole answer.
pub(super) fn count(dialect: Dialect, text: &[u8]) -> u32 {
    if text.len() < SHORTEST {
        return 0;
    }
    let has = |finder: &Finder<'_>| finder.find(text).is_some();
    let any = match dialect {
        Dialect::Chat => has(&LIST),
        Dialect::Responses => has(&CALL),
        Dialect::Gemini => has(&CAMEL) || has(&SNAKE),
        // A Messages answer holds none.
        Dialect::Messages => false,
    };
    if any { found(dialect, text) } else { 0 }
}

#[cold]
fn found(dialect: Dialect, text: &[u8]) -> u32 {
    let whole = text
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or(0)..text.len();
    let of = |range: &Range<usize>, name: &str| scan::member_value(text, range.clone(), name);
    let mut pictures = 0;
    match dialect {
        Dialect::Responses => {
            let mut one = |item: Range<usize>| {
                let drawn =
                    of(&item, "type").is_some_and(|at| &text[at] == b"\"image_generation_call\"");
                pictures += u32::from(
                    drawn && of(&item, "result").is_some_and(|at| text[at.start] == b'"'),
                );
            };
            match (of(&whole, "item"), of(&whole, "output")) {
                (Some(item), _) => one(item),
                (None, Some(output)) => each(text, &output, one),
                (None, None) => {}
            }
        }
        Dialect::Chat => {
            let Some(choices) = of(&whole, "choices") else {
                return 0;
            };
            each(text, &choices, |choice| {
                let said = of(&choice, "delta").or_else(|| of(&choice, "message"));
                if let Some(images) = said.and_then(|said| of(&said, "images")) {
                    each(text, &images, |_| pictures += 1);
                }
            });
        }
        Dialect::Gemini => {
            let Some(candidates) = of(&whole, "candidates") else {
                return 0;
            };
            each(text, &candidates, |candidate| {
                let parts = of(&candidate, "content").and_then(|content| of(&content, "parts"));
                let Some(parts) = parts else { return };
                each(text, &parts, |part| {
                    let media = of(&part, "inlineData").or_else(|| of(&part, "inline_data"));
                    let kind = media.and_then(|media| {
                        of(&media, "mimeType").or_else(|| of(&media, "mime_type"))
                    });
                    pictures += u32::from(kind.is_some_and(|at| text[at].starts_with(b"\"image/")));
                });
            });
        }
        Dialect::Messages => {}
    }
    pictures
}

fn each(text: &[u8], list: &Range<usize>, one: impl FnMut(Range<usize>)) {
    if text.get(list.start) == Some(&b'[') {
        // What cannot be read holds no picture.
        let _ = scan::each_element(text, list.start, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f70_pictures_are_counted_in_every_dialect_that_has_them() {
        let long = "A".repeat(SHORTEST);
        let call =
            format!(r#"{{"type":"image_generation_call","status":"completed","result":"{long}"}}"#);
        let inline = format!(r#"{{"inlineData":{{"mimeType":"image/png","data":"{long}"}}}}"#);
        let image = format!(
            r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{long}"}}}}"#
        );
        for (dialect, text, expected) in [
            (
                Dialect::Responses,
                format!(r#"{{"type":"response.output_item.done","item":{call}}}"#),
                1,
            ),
            (
                Dialect::Responses,
                format!(r#" {{"output":[{call},{{"type":"message"}},{call}]}}"#),
                2,
            ),
            (
                Dialect::Responses,
                format!(
                    r#"{{"item":{{"type":"image_generation_call","result":null,"x":"{long}"}}}}"#
                ),
                0,
            ),
            (
                Dialect::Responses,
                format!(
                    r#"{{"item":{{"type":"message","text":"\"image_generation_call\" {long}"}}}}"#
                ),
                0,
            ),
            (
                Dialect::Gemini,
                format!(
                    r#"{{"candidates":[{{"content":{{"parts":[{inline},{{"text":"a"}},{inline}]}}}}]}}"#
                ),
                2,
            ),
            (
                Dialect::Gemini,
                format!(
                    r#"{{"candidates":[{{"content":{{"parts":[{{"inline_data":{{"mime_type":"audio/wav","data":"{long}"}}}}]}}}}]}}"#
                ),
                0,
            ),
            (
                Dialect::Chat,
                format!(r#"{{"choices":[{{"delta":{{"images":[{image}]}}}}]}}"#),
                1,
            ),
            (
                Dialect::Chat,
                format!(r#"{{"choices":[{{"message":{{"images":[{image},{image}]}}}}]}}"#),
                2,
            ),
            (
                Dialect::Chat,
                format!(r#"{{"choices":[{{"delta":{{"content":"\"images\" {long}"}}}}]}}"#),
                0,
            ),
            (Dialect::Messages, format!(r#"{{"images":[{image}]}}"#), 0),
            (
                Dialect::Gemini,
                format!(r#"{{"candidates":[{{"inlineData" {long}"#),
                0,
            ),
        ] {
            assert_eq!(count(dialect, text.as_bytes()), expected, "{text:.120}");
        }
    }
}

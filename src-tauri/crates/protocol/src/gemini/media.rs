//! Pictures, files and sound in the words of Gemini: bytes go inline, and only addresses that the vendor reads itself may stay addresses (T19–T21, T23,
//! T24). Called by the request encoder.

use crate::{canonical::request::Part, json::write::Sink, types::RequestError};

/// Writes a part.
pub(super) fn write<S: Sink>(part: &Part<'_>, out: &mut S) -> Result<(), RequestError> {
    match part {
        Part::Image { url, tail, .. } => match split(url.raw()) {
            Some((kind, first)) => {
                inline(
                    if kind == "image/jpg" {
                        "image/jpeg"
                    } else {
                        kind
                    },
                    out,
                );
                out.raw(first);
                out.raw(tail.raw());
                out.raw("\"}}");
                Ok(())
            }
            None => address(&url.decode(), "image_url", out),
        },
        Part::File {
            data: Some(data), ..
        } => {
            let Some((kind, first)) = split(data.raw()) else {
                return Err(RequestError::field(
                    "file_data",
                    "A file has to be a data URL with base64 (T23).",
                ));
            };
            inline(kind, out);
            out.raw(first);
            out.raw("\"}}");
            Ok(())
        }
        Part::File { url: Some(url), .. } => address(&url.decode(), "file_url", out),
        Part::Audio { data, format } => {
            inline(
                if format.is("mp3") {
                    "audio/mp3"
                } else {
                    "audio/wav"
                },
                out,
            );
            out.raw(data.raw());
            out.raw("\"}}");
            Ok(())
        }
        Part::File { .. } | Part::Text(_) | Part::Refusal(_) => Err(RequestError::field(
            "file",
            "A file needs its content as file_data or an address.",
        )),
    }
}

fn inline<S: Sink>(kind: &str, out: &mut S) {
    out.raw("{\"inlineData\":{\"mimeType\":\"");
    out.raw(kind);
    out.raw("\",\"data\":\"");
}

/// T21: the dialect takes bytes; nothing is fetched here, and nothing is dropped in silence.
fn address<S: Sink>(url: &str, param: &'static str, out: &mut S) -> Result<(), RequestError> {
    let theirs = [
        "gs://",
        "https://www.youtube.com/",
        "https://youtu.be/",
        "https://generativelanguage.googleapis.com/",
    ];
    if !theirs.iter().any(|head| url.starts_with(head)) {
        return Err(RequestError::field(
            param,
            "This account takes no addresses of pictures and files: send the content itself as a data URL with base64 (T21).",
        ));
    }
    out.raw("{\"fileData\":{\"fileUri\":");
    out.string(url);
    out.raw("}}");
    Ok(())
}

/// The type and the base64 of a data URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    Some((kind.split(';').next().unwrap_or(kind), data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::text::Text;

    #[test]
    fn bytes_go_inline_and_foreign_addresses_are_refused_t19_t21_t24() {
        let image = |url: &str, tail: &str| Part::Image {
            url: Text::spell(url),
            tail: Text::spell(tail),
            detail: None,
        };
        for (part, expected) in [
            (
                image("data:image/jpg;base64,", "AAAA"),
                Some(r#"{"inlineData":{"mimeType":"image/jpeg","data":"AAAA"}}"#),
            ),
            (
                image("https://youtu.be/x", ""),
                Some(r#"{"fileData":{"fileUri":"https://youtu.be/x"}}"#),
            ),
            (image("https://example.com/a.png", ""), None),
            (
                Part::Audio {
                    data: Text::spell("AA"),
                    format: Text::spell("wav"),
                },
                Some(r#"{"inlineData":{"mimeType":"audio/wav","data":"AA"}}"#),
            ),
            (
                Part::File {
                    data: Some(Text::spell("data:application/pdf;base64,JVBERi0=")),
                    url: None,
                    name: None,
                },
                Some(r#"{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0="}}"#),
            ),
        ] {
            let mut out = String::new();
            let written = write(&part, &mut out);
            assert_eq!(
                written.is_ok().then_some(out.as_str()),
                expected,
                "{part:?}"
            );
        }
    }
}

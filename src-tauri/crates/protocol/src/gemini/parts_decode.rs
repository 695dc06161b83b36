//! Media and results of tools of a Gemini request → the common form. Called by `request_decode`.

use super::{
    part::{self, Media},
    wire::each,
};
use crate::{
    canonical::request::Part,
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
    },
    types::RequestError,
};

/// Members of a result that hold the words of it; beside them stands at most the tool's name.
const WORDS: [&str; 3] = ["result", "output", "content"];

/// The words of a result: those of its only member, or the whole object as JSON (T27).
pub(super) fn response_text(response: Option<&str>) -> Text<'_> {
    let Some(raw) = response else {
        return Text::default();
    };
    let (mut words, mut others) = (None, false);
    let mut reader = Reader::new(raw);
    if !matches!(reader.kind(), Ok(Kind::Object)) {
        return match reader.string_or_skip() {
            Ok(Some(text)) => text,
            _ => Text::spell(raw),
        };
    }
    let read = reader.members(|key, value| {
        if WORDS.contains(&key) && value.kind()? == Kind::String {
            words = Some(value.string()?);
        } else {
            others |= key != "name";
            value.skip()?;
        }
        Ok::<(), Malformed>(())
    });
    match (read, words, others) {
        (Ok(()), Some(words), false) => words,
        _ => Text::spell(raw),
    }
}

/// The media of a result.
pub(super) fn response_words<'a>(
    parts: Option<Reader<'a>>,
    param: &str,
    to: &mut Vec<Part<'a>>,
) -> Result<(), RequestError> {
    let Some(mut parts) = parts else {
        return Ok(());
    };
    each(&mut parts, &param, |_, value| {
        let raw = part::read(value)?;
        if let Some(media) = raw.inline {
            to.push(inline(media, param)?);
        }
        if let Some(media) = raw.file {
            to.push(file(media, param)?);
        }
        if let Some(text) = raw.text {
            to.push(Part::Text(text));
        }
        Ok(())
    })
}

/// `inlineData`: pictures and sound by their type, everything else is a file.
pub(super) fn inline<'a>(media: Media<'a>, param: &str) -> Result<Part<'a>, RequestError> {
    if media.kind.is_empty() || media.data.is_empty() {
        return Err(RequestError::field(
            format!("{param}.inlineData"),
            "inlineData needs mimeType and data.",
        ));
    }
    let kind = media.kind.decode().to_ascii_lowercase();
    let data = standard(media.data);
    if kind.starts_with("image/") {
        let mut url = Text::spell("data:");
        url.join(&media.kind);
        url.join(&Text::spell(";base64,"));
        return Ok(Part::Image {
            url,
            tail: data,
            detail: None,
        });
    }
    let sound = match kind.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => Some("wav"),
        "audio/mp3" | "audio/mpeg" => Some("mp3"),
        _ => None,
    };
    if let Some(format) = sound {
        return Ok(Part::Audio {
            data,
            format: Text::spell(format),
        });
    }
    if kind.starts_with("audio/") || kind.starts_with("video/") {
        return Err(RequestError::field(
            format!("{param}.inlineData"),
            "This account takes no such sound or film: use an account that speaks Gemini (T24).",
        ));
    }
    let mut url = Text::spell("data:");
    url.join(&media.kind);
    url.join(&Text::spell(";base64,"));
    url.join(&data);
    Ok(Part::File {
        data: Some(url),
        url: None,
        name: media.name,
    })
}

/// `fileData`: an address that anybody can read. A file that lies at the vendor belongs to one account (T23).
pub(super) fn file<'a>(media: Media<'a>, param: &str) -> Result<Part<'a>, RequestError> {
    let address = media.data.decode();
    let theirs = address.contains("generativelanguage.googleapis.com/");
    if !address.starts_with("http") || theirs {
        return Err(RequestError::field(
            format!("{param}.fileData"),
            "Uploaded files belong to one provider's account: send the file itself as inlineData (T23).",
        ));
    }
    drop(address);
    Ok(if media.kind.raw().starts_with("image/") {
        Part::Image {
            url: media.data,
            tail: Text::default(),
            detail: None,
        }
    } else {
        Part::File {
            data: None,
            url: Some(media.data),
            name: media.name,
        }
    })
}

/// Base64 in the alphabet every provider reads: one of the vendor's libraries writes the other one.
fn standard(data: Text<'_>) -> Text<'_> {
    if memchr::memchr2(b'-', b'_', data.raw().as_bytes()).is_none() {
        return data;
    }
    let other = data.raw().replace('-', "+").replace('_', "/");
    Text::token(other.into(), data.escaped())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_give_their_words_t27() {
        for (response, words) in [
            (Some(r#"{"result":"sunny"}"#), "sunny"),
            (Some(r#"{"output":"ok"}"#), "ok"),
            (Some(r#"{"name":"f","content":"w"}"#), "w"),
            (Some(r#"{"error":"no"}"#), r#"{"error":"no"}"#),
            (
                Some(r#"{"output":"a","code":1}"#),
                r#"{"output":"a","code":1}"#,
            ),
            (Some(r#"{"result":{"t":20}}"#), r#"{"result":{"t":20}}"#),
            (Some("{}"), "{}"),
            (Some(r#""bare""#), "bare"),
            (None, ""),
        ] {
            assert_eq!(response_text(response).decode(), words, "{response:?}");
        }
    }

    #[test]
    fn media_go_by_their_type_and_in_the_usual_alphabet_t23_t24() {
        let media = |kind: &str, data: &str| Media {
            kind: Text::spell(kind),
            data: Text::spell(data),
            name: None,
        };
        let Ok(Part::Image { url, tail, .. }) = inline(media("image/png", "a-b_"), "p") else {
            panic!("a picture");
        };
        assert_eq!((url.raw(), tail.raw()), ("data:image/png;base64,", "a+b/"));
        assert!(matches!(
            inline(media("audio/mpeg", "AA"), "p"),
            Ok(Part::Audio { format, .. }) if format.is("mp3")
        ));
        assert!(matches!(
            inline(media("application/pdf", "AA"), "p"),
            Ok(Part::File { data: Some(data), .. }) if data.is("data:application/pdf;base64,AA")
        ));
        assert!(inline(media("video/mp4", "AA"), "p").is_err());
        assert!(inline(media("", "AA"), "p").is_err());
        for (address, good) in [
            ("https://example.com/a.png", true),
            ("gs://bucket/a.png", false),
            (
                "https://generativelanguage.googleapis.com/v1beta/files/x",
                false,
            ),
        ] {
            assert_eq!(file(media("image/png", address), "p").is_ok(), good);
        }
    }
}

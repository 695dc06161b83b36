//! Pictures and files in the words of Messages: a data URL is split, the type is read from the bytes, and what the vendor refuses is refused here
//! with its reason (T19, T20, T23). Called by the request encoder.

use crate::{
    canonical::request::Part,
    json::{text::Text, write::Sink},
    types::RequestError,
};

/// Writes a picture or a file as a block.
pub(super) fn write<S: Sink>(part: &Part<'_>, out: &mut S) -> Result<(), RequestError> {
    match part {
        Part::Image { url, tail, .. } => image(url, tail, out),
        Part::File {
            data: Some(data),
            name,
            ..
        } => document(data, name.as_ref(), out),
        Part::File { url: Some(url), .. } => {
            out.raw("{\"type\":\"document\",\"source\":{\"type\":\"url\",\"url\":");
            out.text(url);
            out.raw("}}");
            Ok(())
        }
        // T24: said, not dropped.
        Part::Audio { .. } => Err(RequestError::field(
            "input_audio",
            "This account's dialect takes no sound: send text, or use an account that does.",
        )),
        Part::File { .. } | Part::Text(_) | Part::Refusal(_) => Err(RequestError::field(
            "file",
            "A file needs its content as file_data or an address.",
        )),
    }
}

fn image<S: Sink>(url: &Text<'_>, tail: &Text<'_>, out: &mut S) -> Result<(), RequestError> {
    let head = url.raw();
    let Some((kind, first)) = split(head) else {
        // T19: an address has no media type beside it.
        if !head.starts_with("http") {
            return Err(RequestError::field(
                "image_url",
                "A picture has to be a data URL with base64, or an http address.",
            ));
        }
        out.raw("{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":");
        out.text(url);
        out.raw("}}");
        return Ok(());
    };
    let probe = if first.is_empty() { tail.raw() } else { first };
    let kind = sniff(probe).or(declared(kind)).ok_or_else(|| {
        RequestError::field(
            "image_url",
            "This account takes JPEG, PNG, GIF and WebP pictures: convert this one first (T20).",
        )
    })?;
    out.raw("{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"");
    out.raw(kind);
    out.raw("\",\"data\":\"");
    out.raw(first);
    out.raw(tail.raw());
    out.raw("\"}}");
    Ok(())
}

fn document<S: Sink>(
    data: &Text<'_>,
    name: Option<&Text<'_>>,
    out: &mut S,
) -> Result<(), RequestError> {
    let Some((kind, content)) = split(data.raw()) else {
        return Err(RequestError::field(
            "file_data",
            "A file has to be a data URL with base64 (T23).",
        ));
    };
    if kind == "application/pdf" {
        out.raw("{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"");
        out.raw(content);
    } else if kind.starts_with("text/") || kind == "application/json" {
        let bytes = decode(content);
        let text = bytes
            .as_deref()
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let Some(text) = text else {
            return Err(RequestError::field(
                "file_data",
                "The file says it is text, but its bytes are not UTF-8.",
            ));
        };
        out.raw("{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"");
        out.raw(Text::spell(text).raw());
    } else {
        return Err(RequestError::field(
            "file_data",
            "This account takes PDF and plain text files only (T23).",
        ));
    }
    out.raw("\"}");
    if let Some(name) = name {
        out.raw(",\"title\":");
        out.text(name);
    }
    out.raw("}");
    Ok(())
}

/// The type and the base64 of a data URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    Some((kind.split(';').next().unwrap_or(kind), data))
}

fn declared(kind: &str) -> Option<&'static str> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "image/jpeg" | "image/jpg" => "image/jpeg",
        "image/png" => "image/png",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        _ => return None,
    })
}

/// The type by the first bytes (T20); `None` for others.
pub(crate) fn sniff(base64: &str) -> Option<&'static str> {
    sniff_bytes(&decode(base64.get(..16).unwrap_or(base64))?)
}

/// The type by the first bytes themselves.
pub(crate) fn sniff_bytes(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        _ => return None,
    })
}

/// Base64 in its usual alphabet. Slow and small: only short texts come here.
pub(crate) fn decode(base64: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(base64.len() * 3 / 4);
    let (mut bits, mut have) = (0u32, 0u32);
    for byte in base64.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            // A line break or a slash that JSON spelled with a backslash.
            b'\\' | b'\n' | b'\r' => continue,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from((bits >> have) & 0xFF).unwrap_or(0));
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(url: &str, tail: &str) -> Result<String, RequestError> {
        let part = Part::Image {
            url: Text::spell(url),
            tail: Text::spell(tail),
            detail: None,
        };
        let mut out = String::new();
        write(&part, &mut out).map(|()| out)
    }

    #[test]
    fn pictures_are_split_and_their_type_is_read_from_the_bytes_t19_t20() {
        for (url, tail, expected) in [
            (
                "https://example.com/a.png",
                "",
                r#"{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}"#,
            ),
            (
                "data:image/jpg;base64,AAAA",
                "",
                r#"{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAAA"}}"#,
            ),
            // A PNG that is declared as something else.
            (
                "data:image/jpeg;base64,iVBORw0KGgo=",
                "",
                r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}"#,
            ),
            (
                "data:image/png;base64,",
                "AAAA",
                r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#,
            ),
        ] {
            assert_eq!(picture(url, tail).unwrap(), expected);
        }
        for url in [
            "data:image/svg+xml;base64,PHN2Zz4=",
            "file:///etc/passwd",
            "data:image/png,abc",
        ] {
            assert!(picture(url, "").is_err(), "{url}");
        }
    }

    #[test]
    fn files_are_pdf_or_text_t23() {
        let file = |data: &str| {
            let part = Part::File {
                data: Some(Text::spell(data)),
                url: None,
                name: Some(Text::spell("a")),
            };
            let mut out = String::new();
            write(&part, &mut out).map(|()| out)
        };
        assert_eq!(
            file("data:text/plain;base64,aGkiCg==").unwrap(),
            r#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hi\"\n"},"title":"a"}"#
        );
        assert!(
            file("data:application/pdf;base64,JVBERi0=")
                .unwrap()
                .contains("application/pdf")
        );
        assert!(file("data:application/zip;base64,AAAA").is_err());
        assert!(file("bare").is_err());
    }
}

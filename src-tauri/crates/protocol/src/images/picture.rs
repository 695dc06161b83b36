//! One reference picture, however the client gave it: data URL, address, bare base64 or uploaded file (F96).

use std::fmt;

use bytes::Bytes;

use super::base64;
use crate::{
    json::{text::Text, write::RopeWriter},
    messages::media,
    types::RequestError,
};

/// How much of a JSON string is looked at to tell what it is.
const HEAD: usize = 200;

/// See the module. The content is a slice of the client's own body.
#[derive(Clone)]
pub struct Picture(Source);

#[derive(Clone)]
enum Source {
    /// A data URL as spelled inside its JSON string.
    DataUrl(Bytes),
    /// An address to be fetched.
    Address(String),
    /// Base64 as spelled inside its JSON string.
    Base64 { kind: &'static str, data: Bytes },
    /// The bytes of a file.
    File { kind: &'static str, data: Bytes },
}

impl Picture {
    /// A picture from its own bytes; `None` when they are none that is known (JPEG, PNG, GIF, WebP: T20).
    #[must_use]
    pub fn of_file(data: Bytes) -> Option<Self> {
        let kind = media::sniff_bytes(&data)?;
        Some(Self(Source::File { kind, data }))
    }

    /// Where its content has to be fetched, if it is only an address.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        match &self.0 {
            Source::Address(address) => Some(address),
            _ => None,
        }
    }

    /// A picture in a JSON string: `inner` is what stands between the quotes, a slice of the body.
    pub(super) fn of_text(
        inner: Bytes,
        text: &Text<'_>,
        field: &str,
    ) -> Result<Self, RequestError> {
        let wrong = |message: &str| Err(RequestError::field(field.to_owned(), message));
        let raw = text.raw();
        let head = &raw[..raw.floor_char_boundary(HEAD)];
        // Some clients spell a slash with a backslash before it.
        let head = head.replace("\\/", "/");
        if let Some(rest) = head.strip_prefix("data:") {
            let Some((kind, _)) = rest.split_once(";base64,") else {
                return wrong(
                    "The picture is no data URL with base64. Send `data:image/png;base64,…`.",
                );
            };
            if !kind.starts_with("image/") {
                return wrong("The data URL is no picture. Send a PNG, JPEG or WebP.");
            }
            return Ok(Self(Source::DataUrl(inner)));
        }
        if head.starts_with("https://") {
            return Ok(Self(Source::Address(text.decode().into_owned())));
        }
        if head.contains("://") {
            return wrong("A picture is taken from an https:// address, or comes as a data URL.");
        }
        let Some(kind) = media::sniff(&head) else {
            return wrong(
                "The picture is neither a data URL, nor an https:// address, nor the base64 of a PNG, JPEG or WebP.",
            );
        };
        Ok(Self(Source::Base64 { kind, data: inner }))
    }

    /// Writes it as a JSON string: a data URL, or the address where nobody fetched it.
    pub(super) fn write(&self, out: &mut RopeWriter) {
        use crate::json::write::Sink as _;
        let begin = |out: &mut RopeWriter, kind: &str| {
            out.raw("\"data:");
            out.raw(kind);
            out.raw(";base64,");
        };
        match &self.0 {
            Source::DataUrl(inner) => {
                out.raw("\"");
                out.piece(inner.clone());
            }
            Source::Address(address) => return out.string(address),
            Source::Base64 { kind, data } => {
                begin(out, kind);
                out.piece(data.clone());
            }
            Source::File { kind, data } => {
                begin(out, kind);
                let mut encoded = Vec::new();
                base64::encode(data, &mut encoded);
                out.piece(encoded.into());
            }
        }
        out.raw("\"");
    }
}

/// Its kind alone: a picture belongs in no log.
impl fmt::Debug for Picture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match &self.0 {
            Source::DataUrl(_) => "Picture(data URL)",
            Source::Address(_) => "Picture(address)",
            Source::Base64 { .. } => "Picture(base64)",
            Source::File { .. } => "Picture(file)",
        })
    }
}

//! The answer of the Images API as a whole: whether it holds a picture, what it counted, and the same as a stream. Called by `gateway`.

use bytes::{Bytes, BytesMut};

use super::Kind;
use crate::{
    json::{
        read::{Kind as Token, Malformed, Reader},
        scan,
    },
    patch::{Edits, ObjectPatch, quoted},
    responses::usage,
    sse::write_event,
    types::Usage,
};

/// How much base64 is decoded to find the size of a picture.
const HEAD: usize = 64;

/// What a whole answer holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Whole {
    /// How many pictures: entries of `data` with content or an address.
    pub pictures: usize,
    /// What the upstream counted.
    pub usage: Option<Usage>,
    /// Width and height in pixels of the first picture, where its bytes tell (PNG).
    pub pixels: Option<(u32, u32)>,
}

/// Looks at a whole answer; `None` when it is not JSON of that shape.
#[must_use]
pub fn look(body: &[u8]) -> Option<Whole> {
    let mut whole = Whole::default();
    let mut reader = Reader::new(std::str::from_utf8(body).ok()?);
    let walked: Result<(), Malformed> = reader.members(|name, value| {
        match (name, value.kind()?) {
            ("data", Token::Array) => value.elements(|entry| entry_of_data(entry, &mut whole))?,
            ("usage", _) => whole.usage = usage::read(value)?,
            _ => value.skip()?,
        }
        Ok(())
    });
    walked.ok()?;
    Some(whole)
}

fn entry_of_data(entry: &mut Reader<'_>, whole: &mut Whole) -> Result<(), Malformed> {
    if entry.kind()? != Token::Object {
        return entry.skip();
    }
    let mut found = false;
    entry.members(|name, value| {
        match (name, value.kind()?) {
            ("b64_json" | "url", Token::String) => {
                let text = value.string()?;
                found |= !text.is_empty();
                if name == "b64_json" && whole.pixels.is_none() {
                    whole.pixels = pixels(text.raw());
                }
            }
            _ => value.skip()?,
        }
        Ok(())
    })?;
    whole.pictures += usize::from(found);
    Ok(())
}

/// Width and height of a PNG in base64.
pub(super) fn pixels(base64: &str) -> Option<(u32, u32)> {
    let head = crate::messages::media::decode(base64.get(..HEAD)?)?;
    let side = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk()?));
    (head.get(..4)? == b"\x89PNG" && head.get(12..16)? == b"IHDR")
        .then(|| Some((side(16)?, side(20)?)))?
}

/// The same answer with the size that the picture really has: the backend often draws another one than it was asked for, and says
/// otherwise (codex-backend 6.1). The very bytes that came in, where it told the truth.
#[must_use]
pub fn with_real_size(body: &Bytes, whole: &Whole) -> Bytes {
    let Some((width, height)) = whole.pixels else {
        return body.clone();
    };
    let Ok((members, _)) = scan::members(body, 0) else {
        return body.clone();
    };
    let size = quoted(&format!("{width}x{height}"));
    let mut edits = Edits::default();
    let mut object = ObjectPatch::new(body, 0, &members, &mut edits);
    object.set("size", &size);
    object.finish();
    edits.apply(body).to_bytes()
}

/// A whole answer as the events of a client that streams: one `completed` event for each picture (codex-backend 6.3).
#[must_use]
pub fn as_stream(kind: Kind, body: &[u8]) -> Bytes {
    let name = match kind {
        Kind::Generation => "image_generation.completed",
        Kind::Edit => "image_edit.completed",
    };
    let mut out = BytesMut::new();
    let Ok((members, _)) = scan::members(body, 0) else {
        return out.freeze();
    };
    let value = |wanted: &str| {
        let found = members
            .iter()
            .find(|member| member.name(body) == wanted.as_bytes());
        found.map(|member| member.value.clone())
    };
    let Some(data) = value("data") else {
        return out.freeze();
    };
    let mut entries = Vec::new();
    if scan::each_element(body, data.start, |entry| entries.push(entry)).is_err() {
        return out.freeze();
    }
    for entry in entries {
        let mut event = Vec::with_capacity(entry.len() + 512);
        event.extend_from_slice(b"{\"type\":\"");
        event.extend_from_slice(name.as_bytes());
        event.push(b'"');
        let mut member = |name: &str, token: &[u8]| {
            event.extend_from_slice(b",\"");
            event.extend_from_slice(name.as_bytes());
            event.extend_from_slice(b"\":");
            event.extend_from_slice(token);
        };
        for name in ["b64_json", "revised_prompt", "url"] {
            if let Some(token) = scan::member_value(body, entry.clone(), name) {
                member(name, &body[token]);
            }
        }
        if let Some(created) = value("created") {
            member("created_at", &body[created]);
        }
        for name in ["size", "quality", "background", "output_format", "usage"] {
            if let Some(token) = value(name) {
                member(name, &body[token]);
            }
        }
        event.push(b'}');
        write_event(&mut out, Some(name), &event);
    }
    out.freeze()
}

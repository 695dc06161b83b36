//! The proof of a Gemini model's call beside the call, where Google's own OpenAI endpoint has it: `extra_content.google.thought_signature` (T108).
//!
//! Clients that keep whole messages send it back. Called by the decoders and encoders of this folder.

use crate::{
    canonical::request::Seal,
    json::{
        read::{Kind, Malformed, Reader},
        text::Text,
        write::Sink,
    },
    types::Dialect,
};

/// Reads an `extra_content` value.
pub(super) fn read<'a>(value: &mut Reader<'a>) -> Result<Option<Text<'a>>, Malformed> {
    let mut proof = None;
    if value.kind()? != Kind::Object {
        value.skip()?;
        return Ok(None);
    }
    value.members(|key, value| {
        if key != "google" || value.kind()? != Kind::Object {
            return value.skip();
        }
        value.members(|key, value| {
            if key != "thought_signature" {
                return value.skip();
            }
            proof = value.string_or_skip()?.filter(|proof| !proof.is_empty());
            Ok::<(), Malformed>(())
        })
    })?;
    Ok(proof)
}

/// The proof as the common form has it.
pub(super) fn seal(text: Text<'_>) -> Seal<'_> {
    Seal {
        origin: Dialect::Gemini,
        text,
        redacted: false,
    }
}

/// Writes the member, with its comma before it; `proof` in JSON spelling.
pub(super) fn write<S: Sink>(proof: Option<&str>, out: &mut S) {
    if let Some(proof) = proof {
        out.raw(",\"extra_content\":{\"google\":{\"thought_signature\":\"");
        out.raw(proof);
        out.raw("\"}}");
    }
}

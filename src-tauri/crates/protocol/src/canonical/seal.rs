//! Seals of reasoning in the hands of clients that speak another dialect: tagged with their origin, and replayed only there (T90, T93, T94).
//!
//! A client keeps whatever stands in `signature` or `encrypted_content` and sends it back untouched. A seal that was made by a provider of
//! another dialect is stored there behind our own prefix, which names the version and the origin. Called by decoders and encoders.

use std::borrow::Cow;

use super::request::Seal;
use crate::{json::text::Text, types::Dialect};

/// Ours, in its first version. No provider's seal holds a full stop so early.
pub(crate) const PREFIX: &str = "switchyard.1.";

/// The origins by their words in a tag.
pub(crate) const ORIGINS: [(&str, Dialect, bool); 5] = [
    ("chat.", Dialect::Chat, false),
    ("responses.", Dialect::Responses, false),
    ("messages.", Dialect::Messages, false),
    ("redacted.", Dialect::Messages, true),
    ("gemini.", Dialect::Gemini, false),
];

/// Reads a seal that a client of dialect `own` has kept. Without our tag it was made by a provider of that dialect.
pub(crate) fn read(own: Dialect, kept: Text<'_>, redacted: bool) -> Seal<'_> {
    let tagged = kept.raw().strip_prefix(PREFIX).and_then(|rest| {
        ORIGINS.iter().find_map(|(word, origin, redacted)| {
            let payload = rest.strip_prefix(word)?;
            Some((*origin, *redacted, payload.to_owned()))
        })
    });
    match tagged {
        Some((origin, redacted, payload)) => Seal {
            origin,
            text: Text::token(Cow::Owned(payload), kept.escaped()),
            redacted,
        },
        None => Seal {
            origin: own,
            text: kept,
            redacted,
        },
    }
}

/// The spelling of a seal in an answer for a client of dialect `own`.
pub(crate) fn spelled<'s>(own: Dialect, seal: &'s Seal<'_>) -> Cow<'s, str> {
    if seal.origin == own {
        return Cow::Borrowed(seal.text.raw());
    }
    Cow::Owned(format!(
        "{PREFIX}{}{}",
        word(seal.origin, seal.redacted),
        seal.text.raw()
    ))
}

/// The seal of reasoning that needs none at its origin: says only whose it is.
pub(crate) const fn unsealed() -> &'static str {
    "switchyard.1.chat."
}

pub(crate) const fn word(origin: Dialect, redacted: bool) -> &'static str {
    match (origin, redacted) {
        (Dialect::Chat, _) => "chat.",
        (Dialect::Responses, _) => "responses.",
        (Dialect::Messages, false) => "messages.",
        (Dialect::Messages, true) => "redacted.",
        (Dialect::Gemini, _) => "gemini.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_comes_back_to_its_origin_and_to_no_other_t90_t93_t94() {
        for (origin, redacted) in [
            (Dialect::Chat, false),
            (Dialect::Responses, false),
            (Dialect::Messages, false),
            (Dialect::Messages, true),
            (Dialect::Gemini, false),
        ] {
            let seal = Seal {
                origin,
                text: Text::spell("gAAA+/=\"x"),
                redacted,
            };
            for own in [Dialect::Chat, Dialect::Responses, Dialect::Messages] {
                let kept = spelled(own, &seal).into_owned();
                let back = read(own, Text::token(kept.into(), true), redacted);
                assert_eq!((back.origin, back.redacted), (origin, redacted), "{own:?}");
                assert_eq!(back.text.raw(), seal.text.raw());
            }
        }
        let unknown = read(Dialect::Messages, Text::spell("switchyard.9.x"), false);
        assert_eq!(unknown.origin, Dialect::Messages);
    }
}

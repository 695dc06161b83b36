//! Proofs of reasoning in the hands of Gemini clients: `thoughtSignature` beside the part that follows the thoughts (T90, T108, T109).
//!
//! The client libraries read that field as bytes: it has to be base64, and comes back in either of its alphabets. Clients keep the field but
//! drop parts that are thoughts, so a proof of another provider is kept there together with the very words it proves (T89). Called by decoders
//! and encoders.

use std::borrow::Cow;

use crate::{
    canonical::{
        request::Seal,
        seal::{ORIGINS, PREFIX, word},
    },
    json::{read::Reader, text::Text},
    types::Dialect,
};

/// How our own values begin once they are base64: the first twelve bytes of [`PREFIX`], the same in both alphabets.
const MARK: &str = "c3dpdGNoeWFyZC4x";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Reads what a client has kept: the proof, and the words of another provider that it proves.
pub(super) fn read(kept: Text<'_>) -> (Seal<'_>, Option<Text<'static>>) {
    match foreign(&kept) {
        Some((seal, words)) => (seal, Some(words)),
        None => (
            Seal {
                origin: Dialect::Gemini,
                text: kept,
                redacted: false,
            },
            None,
        ),
    }
}

fn foreign(kept: &Text<'_>) -> Option<(Seal<'static>, Text<'static>)> {
    if !kept.raw().starts_with(MARK) {
        return None;
    }
    let plain = String::from_utf8(decode(kept.raw())?).ok()?;
    let rest = plain.strip_prefix(PREFIX)?;
    let (origin, redacted, rest) = ORIGINS.iter().find_map(|(word, origin, redacted)| {
        Some((*origin, *redacted, rest.strip_prefix(word)?))
    })?;
    let (seal, words) = rest.split_once('\n')?;
    Some((
        Seal {
            origin,
            text: spelled_text(seal)?,
            redacted,
        },
        spelled_text(words)?,
    ))
}

/// A text in JSON spelling, if it is one.
fn spelled_text(spelled: &str) -> Option<Text<'static>> {
    let token = format!("\"{spelled}\"");
    let mut reader = Reader::new(&token);
    let text = reader.string().ok()?;
    reader.end().ok()?;
    Some(text.into_owned())
}

/// The value for a client: the provider's own, or another's with the words it proves. `words` in JSON spelling.
pub(super) fn spelled<'s>(seal: Option<&'s Seal<'_>>, words: &str) -> Cow<'s, str> {
    let (word, text) = match seal {
        Some(seal) if seal.origin == Dialect::Gemini => return Cow::Borrowed(seal.text.raw()),
        Some(seal) => (word(seal.origin, seal.redacted), seal.text.raw()),
        // Reasoning that needs no proof at its origin.
        None => (word(Dialect::Chat, false), ""),
    };
    Cow::Owned(encode(format!("{PREFIX}{word}{text}\n{words}").as_bytes()))
}

fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            out.push(if n <= chunk.len() {
                let six = (bits >> (18 - 6 * n)) & 63;
                char::from(ALPHABET[six as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// Base64 in either alphabet, as JSON spells it.
fn decode(base64: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(base64.len() / 4 * 3);
    let (mut bits, mut have) = (0u32, 0u32);
    for byte in base64.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            // A slash that JSON spelled with a backslash.
            b'\\' => continue,
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

    #[test]
    fn a_foreign_proof_survives_the_client_libraries_with_its_words_t89_t90() {
        assert_eq!(&encode(PREFIX.as_bytes())[..MARK.len()], MARK);
        for (origin, redacted) in [
            (Dialect::Responses, false),
            (Dialect::Messages, false),
            (Dialect::Messages, true),
            (Dialect::Chat, false),
        ] {
            let seal = Seal {
                origin,
                text: Text::spell("gA+/=\"\u{ff}?>~"),
                redacted,
            };
            let words = Text::spell("a \"thought\"\n über 😀???>>>");
            let value = spelled(Some(&seal), words.raw()).into_owned();
            assert!(value.bytes().all(|b| ALPHABET.contains(&b) || b == b'='));
            // One library gives it back in the other alphabet.
            for value in [value.clone(), value.replace('+', "-").replace('/', "_")] {
                let (back, said) = read(Text::token(value.into(), false));
                assert_eq!(back, seal);
                assert_eq!(said.unwrap().raw(), words.raw());
            }
        }
    }

    #[test]
    fn the_providers_own_proof_stays_as_it_is_t108() {
        for own in [
            "Eqo+Cqc+Ab4+9vtg==",
            "c3dpdGNoeWFyZC4x!!",
            "c3dpdGNoeWFyZC4xAAAA",
            "",
        ] {
            let (seal, words) = read(Text::token(own.into(), false));
            assert_eq!((seal.origin, seal.text.raw()), (Dialect::Gemini, own));
            assert!(words.is_none());
            assert_eq!(spelled(Some(&seal), "x"), own);
        }
    }
}

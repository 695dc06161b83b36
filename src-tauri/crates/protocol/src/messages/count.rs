//! An estimate of a request's input tokens, for a context meter before the first real count (T151) and for `count_tokens` (T194).
//!
//! It is an estimate and is told as one: no tokenizer of the vendor is public. System, tools and messages all count, since counting messages
//! alone misses most of a coding session. Called by the hub and by `gateway`.

use memchr::{memchr, memchr2};

/// What a picture or a document costs, whatever the length of its base64.
const MEDIA: u64 = 1_600;

/// Strings of a source at least this long are media.
const MEDIA_FROM: usize = 512;

/// Estimates the tokens of a body that is valid JSON: four bytes of text to a token, and one token to every character outside ASCII.
#[must_use]
pub fn estimate(body: &[u8]) -> u64 {
    let mut tokens = 0u64;
    let mut at = 0;
    let mut key: &[u8] = b"";
    while let Some(quote) = memchr(b'"', &body[at..]) {
        let start = at + quote + 1;
        let Some(end) = closing(body, start) else {
            break;
        };
        let inside = &body[start..end];
        at = end + 1;
        let is_key = body[at..]
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .is_some_and(|byte| *byte == b':');
        if is_key {
            key = inside;
        }
        tokens += if !is_key && key == b"data" && inside.len() >= MEDIA_FROM {
            MEDIA
        } else if !is_key && matches!(key, b"type" | b"role" | b"signature" | b"model") {
            1
        } else {
            words(inside)
        };
    }
    tokens
}

fn words(inside: &[u8]) -> u64 {
    let wide = inside.iter().filter(|byte| **byte >= 0xC0).count();
    let narrow = inside.iter().filter(|byte| byte.is_ascii()).count();
    (wide + narrow.div_ceil(4)) as u64
}

/// Where the string that began before `from` ends.
fn closing(body: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let hit = at + memchr2(b'"', b'\\', body.get(at..)?)?;
        if body[hit] == b'"' {
            return Some(hit);
        }
        at = hit + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_tools_and_messages_count_and_pictures_are_flat_t194() {
        let words = "word ".repeat(400);
        let short = estimate(br#"{"messages":[{"role":"user","content":"hi"}]}"#);
        let system = format!(r#"{{"system":"{words}","messages":[]}}"#);
        assert!((1..20).contains(&short));
        assert!((480..560).contains(&estimate(system.as_bytes())));
        let picture = format!(
            r#"{{"messages":[{{"source":{{"data":"{}"}}}}]}}"#,
            "A".repeat(1 << 20)
        );
        assert!((1_600..1_700).contains(&estimate(picture.as_bytes())));
        for junk in [&b"\"abc"[..], b"\"a\\", b"", b"\"\\\""] {
            let _ = estimate(junk);
        }
    }
}

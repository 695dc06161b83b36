//! Base64 in its usual alphabet: the content of uploaded files on its way into JSON. Reading short texts is `messages::media`'s.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as base64, appended to `out`.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len().div_ceil(3) * 4);
    let mut triples = bytes.chunks_exact(3);
    for triple in &mut triples {
        out.extend_from_slice(&four(triple[0], triple[1], triple[2]));
    }
    match *triples.remainder() {
        [a] => {
            let [first, second, ..] = four(a, 0, 0);
            out.extend_from_slice(&[first, second, b'=', b'=']);
        }
        [a, b] => {
            let [first, second, third, _] = four(a, b, 0);
            out.extend_from_slice(&[first, second, third, b'=']);
        }
        _ => {}
    }
}

fn four(a: u8, b: u8, c: u8) -> [u8; 4] {
    let letter = |six: u8| ALPHABET[usize::from(six & 63)];
    [
        letter(a >> 2),
        letter((a << 4) | (b >> 4)),
        letter((b << 2) | (c >> 6)),
        letter(c),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_remainder_is_padded() {
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{ff}\u{ff}", "w7/Dvw=="),
        ] {
            let mut out = Vec::new();
            encode(plain.as_bytes(), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}

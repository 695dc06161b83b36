//! The scanner against `serde_json`: the same texts are accepted, the same strings read.

use proptest::prelude::*;

use super::*;

fn skip(text: &str) -> Result<Range<usize>, ScanError> {
    let mut scan = Scan {
        text: text.as_bytes(),
        at: 0,
    };
    let range = scan.value()?;
    ends(text.as_bytes(), scan.at)?;
    Ok(range)
}

#[test]
fn accepts_what_serde_json_accepts_and_nothing_else() {
    for text in [
        "null",
        " true ",
        "false",
        "0",
        "-0.5e+10",
        "1E5",
        "\"\"",
        r#""a\"b\\\u00e9""#,
        "[]",
        "{}",
        "[ ]",
        "{ }",
        r#"{"a":[1,{"b":null},[]],"c":{}}"#,
        "nul",
        "01",
        "1.",
        "-",
        "+1",
        "1e",
        "\"",
        r#""\x""#,
        r#""\u12g4""#,
        "[1,]",
        "[,1]",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r"{a:1}",
        "[1 2]",
        "[}",
        "{]",
        "",
        " ",
        "1 2",
        "[[[[",
        r#"{"a":1"b":2}"#,
        "tru",
        "[1}",
        r#"{"a":[1}"#,
    ] {
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(skip(text).is_ok(), theirs, "{text}");
    }
}

#[test]
fn depth_is_bounded_without_a_stack() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(skip(&deep(127)).is_ok());
    assert_eq!(
        skip(&deep(200)).map_err(|error| error.what),
        Err("nested too deeply")
    );
    assert!(skip(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn members_are_found_with_their_bytes() {
    let text = br#" { "a" : "x" ,"m\u006fdel":[1, 2], "a":{"b":3}} "#;
    let (found, end) = members(text, 0).expect("an object");
    assert_eq!(end, text.len() - 1);
    let names: Vec<_> = found
        .iter()
        .map(|member| String::from_utf8_lossy(member.name(text)).into_owned())
        .collect();
    assert_eq!(names, ["a", "model", "a"]);
    assert_eq!(&text[found[1].whole()], br#""m\u006fdel":[1, 2]"#);
    let last = member_value(text, 1..end, "a").expect("last wins");
    assert_eq!(&text[last.clone()], br#"{"b":3}"#);
    assert_eq!(
        member_value(text, last, "b").map(|range| &text[range]),
        Some(&b"3"[..])
    );
}

#[test]
fn t205_lone_surrogates_are_replaced_when_read() {
    for (token, text) in [
        (r#""\ud83d\ude00""#, "😀"),
        (r#""a\ud83d""#, "a\u{fffd}"),
        (r#""\ud83dx""#, "\u{fffd}x"),
        (r#""\ude00\n\/""#, "\u{fffd}\n/"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
    ] {
        assert_eq!(decode(token.as_bytes()).as_deref(), Some(text));
    }
    for wrong in ["abc", "\"", r#""\u12""#, r#""\q""#] {
        assert_eq!(decode(wrong.as_bytes()), None);
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json(text in r#"[\[\]{}:,"\\0-9aetrufnls .\-]{0,24}"#) {
        prop_assert_eq!(skip(&text).is_ok(), serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
    }

    #[test]
    fn reads_strings_as_serde_json_does(text in ".*") {
        let token = serde_json::to_string(&text).expect("a string");
        prop_assert_eq!(decode(token.as_bytes()), Some(Cow::Owned(text)));
    }

    #[test]
    fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = members(&bytes, 0);
        let _ = each_element(&bytes, 0, |_| ());
        let _ = decode(&bytes);
    }
}

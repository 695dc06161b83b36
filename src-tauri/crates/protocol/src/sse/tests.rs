//! The decoder against the traps of D8 and against itself: any split gives the same events.

use proptest::prelude::*;

use super::*;

type Owned = (Option<String>, String);

fn decode(chunks: &[&[u8]]) -> Vec<Owned> {
    let mut found = Vec::new();
    let mut keep = |event: Event<'_>| {
        let name = event
            .event
            .map(|name| String::from_utf8_lossy(name).into_owned());
        found.push((name, String::from_utf8_lossy(event.data).into_owned()));
    };
    let mut decoder = Decoder::new();
    for chunk in chunks {
        decoder.for_each(chunk, &mut keep).expect("short events");
    }
    decoder.finish(&mut keep);
    found
}

fn whole(text: &str) -> Vec<Owned> {
    decode(&[text.as_bytes()])
}

fn one(name: Option<&str>, data: &str) -> Vec<Owned> {
    vec![(name.map(str::to_owned), data.to_owned())]
}

#[test]
fn t159_all_line_ends_and_spellings() {
    for (text, expected) in [
        ("data: a\n\n", one(None, "a")),
        ("data:a\n\n", one(None, "a")),
        ("data:  a \n\n", one(None, " a ")),
        ("data: a\r\n\r\n", one(None, "a")),
        ("data: a\r\r", one(None, "a")),
        ("event: e\ndata: a\n\n", one(Some("e"), "a")),
        ("data: a\nevent: e\n\n", one(Some("e"), "a")),
        ("event:\ndata: a\n\n", one(None, "a")),
        ("data: a\ndata: b\n\n", one(None, "a\nb")),
        ("data: a\ndata\ndata: b\n\n", one(None, "a\n\nb")),
        ("data:\ndata: b\n\n", one(None, "\nb")),
        ("\u{feff}data: a\n\n", one(None, "a")),
        ("data: a", one(None, "a")),
        ("data: a\n", one(None, "a")),
        ("data: a\r", one(None, "a")),
        (": comment\n\nid: 7\nretry: 5\ndata: a\n\n", one(None, "a")),
        (": OPENROUTER PROCESSING\n\ndata: a\n\n", one(None, "a")),
        ("datax: a\n\n", vec![]),
        ("event: e\n\ndata: a\n\n", one(None, "a")),
        ("data:\n\n", vec![]),
        ("\n\n\r\r\n", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(whole(text), expected, "{text:?}");
    }
}

#[test]
fn t160_only_cr_and_lf_end_lines() {
    let text = "data: {\"a\":\"\u{2028}\u{2029}\u{85}\u{b}\u{c}\"}\n\n";
    assert_eq!(
        whole(text),
        one(None, "{\"a\":\"\u{2028}\u{2029}\u{85}\u{b}\u{c}\"}")
    );
}

#[test]
fn t158_any_split_gives_the_same_events() {
    let text = "\u{feff}: hi\r\n\r\nevent: é\r\ndata: \"日本\u{2028}語😀\"\r\n\r\ndata: b\ndata: c\n\ndata: d\r\rdata: e\n";
    let expected = whole(text);
    assert_eq!(expected.len(), 4);
    let bytes = text.as_bytes();
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(decode(&parts), expected, "split at {first} and {second}");
        }
    }
    let single: Vec<_> = bytes.chunks(1).collect();
    assert_eq!(decode(&single), expected);
}

#[test]
fn whole_events_are_slices_of_the_chunk() {
    let chunk = b"event: e\ndata: {\"a\":1}\n\ndata: {\"b\":2}\n\n";
    let range = chunk.as_ptr_range();
    let mut seen = 0;
    let border = Decoder::new().scan(chunk, |event, _| {
        assert!(range.contains(&event.data.as_ptr()));
        seen += 1;
    });
    assert_eq!((seen, border), (2, Ok(Some(chunk.len()))));
}

#[test]
fn t164_borders_are_known() {
    let mut decoder = Decoder::new();
    let mut ends = Vec::new();
    let mut step = |text: &str| {
        let border = decoder
            .scan(text.as_bytes(), |_, end| ends.push(end))
            .expect("short");
        (border, decoder.at_border())
    };
    assert_eq!(step("data: a\n\nda"), (Some(9), false));
    assert_eq!(step("ta: b"), (None, false));
    assert_eq!(step("\n\n: c\n\n"), (Some(7), true));
    assert_eq!(step("data: d\r\n\r"), (Some(10), true));
    assert_eq!(step("\ndata: e\n\n"), (Some(10), true));
    assert_eq!(step("data: f\r"), (None, false));
    assert_eq!(step("\n\r\n"), (Some(3), true));
    assert_eq!(ends, [9, 2, 10, 10, 3]);
}

#[test]
fn t035_a_64_mib_line_is_read_in_linear_time_and_a_longer_one_refused() {
    let chunk = vec![b'x'; 1 << 16];
    let mut decoder = Decoder::new();
    decoder.push(b"data: ").expect("short");
    for _ in 0..(MAX_EVENT >> 16) - 1 {
        decoder.push(&chunk).expect("within the limit");
    }
    decoder.push(b"\n\n").expect("within the limit");
    assert_eq!(
        decoder.next().map(|event| event.data.len()),
        Some(MAX_EVENT - (1 << 16))
    );
    assert_eq!(decoder.next(), None);
    assert!(
        decoder.pending.capacity() <= 1 << 20,
        "the buffer is given back"
    );

    decoder.push(b"data: ").expect("short");
    let refused = (0..=MAX_EVENT >> 16).find_map(|_| decoder.push(&chunk).err());
    assert_eq!(refused, Some(EventTooLong));
    assert_eq!(decoder.push(b"\n\ndata: a\n\n"), Err(EventTooLong));
    assert_eq!(decoder.next(), None);
}

#[test]
fn t162_written_events_read_back() {
    let mut out = BytesMut::new();
    write_event(&mut out, Some("response.created"), b"{}");
    write_event(&mut out, None, b"a\nb");
    out.extend_from_slice(DONE);
    assert_eq!(
        &out[..],
        b"event: response.created\ndata: {}\n\ndata: a\ndata: b\n\ndata: [DONE]\n\n"
    );
    let mut decoder = Decoder::new();
    decoder.push(&out).expect("short");
    assert_eq!(
        decoder.next(),
        Some(Event {
            event: Some(b"response.created"),
            data: b"{}"
        })
    );
    assert_eq!(
        decoder.next().map(|event| event.data.to_vec()),
        Some(b"a\nb".to_vec())
    );
    assert_eq!(
        decoder.next().map(|event| event.data.to_vec()),
        Some(b"[DONE]".to_vec())
    );
    assert_eq!(decoder.next(), None);
}

proptest! {
    #[test]
    fn random_text_splits_the_same(
        text in "(data|event|: ?|id|\u{feff}|[ab]|\r|\n|\r\n|\n\n|😀){0,40}",
        cuts in proptest::collection::vec(0_usize..200, 0..6),
    ) {
        let bytes = text.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut from = 0;
        for cut in cuts {
            parts.push(&bytes[from..cut]);
            from = cut;
        }
        prop_assert_eq!(decode(&parts), whole(&text));
    }
}

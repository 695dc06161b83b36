use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::types::Failure;

/// Long enough to stay a slice of the body it came in.
fn large() -> String {
    format!("iVBORw0KGgo{}", "A".repeat(1 << 20))
}

fn edit(body: &Value) -> (Bytes, Drawing) {
    let body = Bytes::from(body.to_string());
    let drawing = read(Kind::Edit, &body, Some("application/json")).unwrap();
    (body, drawing)
}

fn is_slice(piece: &Bytes, of: &Bytes) -> bool {
    let (piece, of) = (piece.as_ptr_range(), of.as_ptr_range());
    of.start <= piece.start && piece.end <= of.end
}

#[test]
fn f98_a_large_picture_stays_where_the_client_put_it() {
    let data = large();
    for picture in [json!(format!("data:image/png;base64,{data}")), json!(data)] {
        let (body, drawing) = edit(&json!({"prompt": "p", "image": picture, "mask": picture}));
        for written in [drawing.native(), drawing.by_tool("host")] {
            let whole: Value = serde_json::from_slice(&written.body.to_bytes()).unwrap();
            assert!(
                whole
                    .to_string()
                    .contains(&format!("data:image/png;base64,{data}"))
            );
            let copied = written
                .body
                .segments()
                .iter()
                .filter(|piece| !is_slice(piece, &body));
            assert!(copied.map(Bytes::len).sum::<usize>() < 4096);
        }
    }
}

#[test]
fn f96_a_fetched_picture_takes_the_place_of_its_address() {
    let (_, drawing) = edit(
        &json!({"prompt": "p", "image": ["https://example.com/a.png", "iVBORw0KGgoAAAA"], "mask": "https://example.com/m.png"}),
    );
    let addresses: Vec<_> = drawing.pictures().filter_map(Picture::address).collect();
    assert_eq!(
        addresses,
        ["https://example.com/a.png", "https://example.com/m.png"]
    );
    let file = |last: u8| Picture::of_file(Bytes::from(vec![0xFF, 0xD8, 0xFF, last])).unwrap();
    let whole = drawing.with_content(vec![file(1), file(2)]);
    let body = whole.by_tool("host").body.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let content = &body["input"][0]["content"];
    assert_eq!(content[1]["image_url"], "data:image/jpeg;base64,/9j/AQ==");
    assert_eq!(
        content[2]["image_url"],
        "data:image/png;base64,iVBORw0KGgoAAAA"
    );
    let mask = &body["tools"][0]["input_image_mask"]["image_url"];
    assert_eq!(mask, "data:image/jpeg;base64,/9j/Ag==");
    assert!(
        Picture::of_file(Bytes::from_static(b"<svg/>")).is_none(),
        "T20"
    );
}

#[test]
fn f96_forms_of_other_writers_are_read_too() {
    let form = |edge: &str, text: &str| {
        let kind = format!("multipart/form-data; charset=utf-8; boundary={edge}");
        read(
            Kind::Edit,
            &Bytes::from(text.replace('\n', "\r\n")),
            Some(&kind),
        )
    };
    let png = "iVBORw0KGgoAAAA";
    // A quoted border, a preamble, header names in any case, single quotes of their own, and a data URL where a file could be.
    let text = format!(
        "preamble\n--a b\ncontent-disposition: form-data; name=prompt\n\nit's \"it\"\n--a b\nContent-Type: text/plain\nContent-Disposition: form-data; filename*=x; name=\"image[0]\"\n\ndata:image/png;base64,{png}\n--a b\nContent-Disposition: form-data; name=\"size\"\n\n\n--a b--\nepilogue"
    );
    let drawing = form("\"a b\"", &text).unwrap();
    let body: Value = serde_json::from_slice(&drawing.native().body.to_bytes()).unwrap();
    assert_eq!(body["prompt"], "it's \"it\"");
    assert_eq!(
        body["images"][0]["image_url"],
        format!("data:image/png;base64,{png}")
    );
    assert_eq!(body["size"], Value::Null, "an empty field is none");
    for text in [
        "",
        "--x",
        "--x\n",
        "--x\nContent-Disposition: form-data; name=\"prompt\"\n\nno end",
        "--x\nContent-Disposition: form-data\n\nno name\n--x--",
        "--x\nno content\n--x--",
        "--x--",
    ] {
        assert!(form("x", text).is_err(), "{text}");
    }
    assert!(form("", "--\n").is_err());
    let many = "--x\nContent-Disposition: form-data; name=\"a\"\n\nb\n".repeat(100);
    assert!(form("x", &format!("{many}--x--")).is_err());
}

#[test]
fn nothing_that_is_cut_anywhere_panics() {
    let png = "\u{89}PNG";
    let text = format!(
        "--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\np\r\n--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\\\"b\"\r\n\r\n{png}\r\n--x--\r\n"
    );
    let body = Bytes::from(text);
    for end in 0..body.len() {
        let _ = read(
            Kind::Edit,
            &body.slice(..end),
            Some("multipart/form-data; boundary=x"),
        );
    }
    let body = Bytes::from(json!({"prompt": "p\u{e9}", "images": [{"image_url": {"url": "data:image/png;base64,AA"}}], "mask": null, "n": 1.0}).to_string());
    for end in 0..body.len() {
        let _ = read(Kind::Edit, &body.slice(..end), None);
    }
    assert!(read(Kind::Edit, &body, None).is_ok());
}

fn event(event: &Value) -> String {
    format!(
        "event: {}\ndata: {event}\n\n",
        event["type"].as_str().unwrap()
    )
}

fn partial(data: &str) -> String {
    event(
        &json!({"type": "response.image_generation_call.partial_image", "partial_image_b64": data, "partial_image_index": 0}),
    )
}

fn done(data: &str) -> String {
    let item = json!({"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": data, "revised_prompt": "a \"b\"", "quality": "low"});
    event(&json!({"type": "response.output_item.done", "item": item}))
}

fn said(text: &str) -> String {
    event(&json!({"type": "response.output_text.delta", "delta": text}))
}

fn completed() -> String {
    let usage = json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12});
    let drawn = json!({"image_gen": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}});
    event(
        &json!({"type": "response.completed", "response": {"output": [], "usage": usage, "tool_usage": drawn}}),
    )
}

/// What comes of a stream, whole and in every split.
fn folded(stream: &str) -> Result<Result<Value, String>, Failure> {
    let of = |parts: &[&[u8]]| {
        let mut fold = Fold::new();
        parts.iter().for_each(|part| fold.push(part));
        let read = |answer: Bytes| serde_json::from_slice::<Value>(&answer).unwrap();
        fold.finish(7).map(|answer| answer.map(read))
    };
    let bytes = stream.as_bytes();
    let whole = of(&[bytes]);
    for at in 0..bytes.len() {
        assert_eq!(of(&[&bytes[..at], &bytes[at..]]), whole, "split at {at}");
    }
    whole
}

#[test]
fn f97_the_last_complete_picture_wins_and_partials_are_the_fallback() {
    let picture = |stream: String| folded(&stream).unwrap().unwrap()["data"][0]["b64_json"].clone();
    assert_eq!(
        picture(partial("P") + &done("A") + &partial("Q") + &done("B") + &completed()),
        "B"
    );
    assert_eq!(picture(partial("P") + &partial("Q") + &completed()), "Q");
    // It came only with the end, or the end did not come at all.
    let item = json!({"type": "image_generation_call", "result": "C"});
    let last = event(
        &json!({"type": "response.completed", "response": {"output": [{"type": "message"}, item]}}),
    );
    assert_eq!(picture(last), "C");
    assert_eq!(picture(done("A")), "A");
}

#[test]
fn f95_the_folded_answer_has_the_shape_of_the_images_api() {
    let answer = folded(&(done("A") + &completed())).unwrap().unwrap();
    let expected = json!({"created": 7, "data": [{"b64_json": "A", "revised_prompt": "a \"b\""}], "quality": "low",
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}});
    assert_eq!(answer, expected);
}

#[test]
fn f97_without_a_picture_the_words_or_the_failure_are_told() {
    assert_eq!(
        folded(&(said("I ") + &said("will not.") + &completed())),
        Ok(Err("I will not.".into()))
    );
    assert_eq!(folded(&completed()), Ok(Err(String::new())));
    for cut in [String::new(), partial("P"), said("I ")] {
        assert!(matches!(folded(&cut), Err(Failure::Cut { .. })), "{cut}");
    }
    let failed = json!({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "gone"}}});
    let Err(Failure::Upstream { error, .. }) = folded(&(partial("P") + &event(&failed))) else {
        panic!("a failure");
    };
    assert_eq!(error.message, "gone");
}

#[test]
fn the_real_size_is_told_and_a_true_answer_stays_as_it_is() {
    let png = "iVBORw0KGgoAAAANSUhEUgAAADAAAAAgCAIAAAA".to_owned() + &"A".repeat(40);
    let answer = |size: &str| {
        Bytes::from(format!(
            r#"{{ "data":[{{"b64_json":"{png}"}}],"size":"{size}" }}"#
        ))
    };
    let body = answer("1024x1024");
    let whole = look(&body).unwrap();
    assert_eq!((whole.pictures, whole.pixels), (1, Some((48, 32))));
    assert_eq!(with_real_size(&body, &whole), answer("48x32"));
    let body = answer("48x32");
    assert_eq!(with_real_size(&body, &whole).as_ptr(), body.as_ptr());
    for (body, pictures) in [
        (r#"{"data":[]}"#, Some(0)),
        (
            r#"{"data":[{"b64_json":""},{"url":"u"}],"usage":null}"#,
            Some(1),
        ),
        (r#"{"data":["x"]}"#, Some(0)),
        ("[]", None),
        ("", None),
    ] {
        assert_eq!(
            look(body.as_bytes()).map(|whole| whole.pictures),
            pictures,
            "{body}"
        );
    }
}

#[test]
fn a_stream_has_one_event_for_each_picture() {
    let body = br#"{"created":5,"data":[{"b64_json":"A"},{"b64_json":"B"}],"size":"auto","usage":{"total_tokens":1}}"#;
    let stream = as_stream(Kind::Edit, body);
    let expected = "event: image_edit.completed\ndata: {\"type\":\"image_edit.completed\",\"b64_json\":\"A\",\"created_at\":5,\"size\":\"auto\",\"usage\":{\"total_tokens\":1}}\n\n";
    assert_eq!(
        stream,
        [expected, &expected.replace("\"A\"", "\"B\"")].concat()
    );
    assert!(as_stream(Kind::Generation, b"nothing").is_empty());
}

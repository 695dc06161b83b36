//! Embeddings from one spelling into the other, and what cannot be said in it.

use serde_json::{Value, json};

use super::*;

fn json_of(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn request(text: &str) -> Value {
    json!({"model": "models/m", "content": {"parts": [{"text": text}]}})
}

#[test]
fn f78_f80_requests_into_the_dialect() {
    let mut short = request("a\"\u{e9}");
    short["outputDimensionality"] = json!(8);
    for (given, wanted, base64, lost) in [
        (
            json!({"model": "x", "input": "a"}),
            json!([request("a")]),
            false,
            0,
        ),
        (
            json!({"model": "x", "input": ["a", "b"], "encoding_format": "base64", "user": "u"}),
            json!([request("a"), request("b")]),
            true,
            0,
        ),
        (
            json!({"input": ["a\"\u{e9}"], "dimensions": 8, "encoding_format": "float", "more": 1}),
            json!([short]),
            false,
            1,
        ),
    ] {
        let told = from_openai(given.to_string().as_bytes(), "m").unwrap();
        assert_eq!(json_of(&told.body), json!({"requests": wanted}), "{given}");
        assert_eq!((told.base64, told.losses.len()), (base64, lost), "{given}");
    }
    for (given, param) in [
        (r#"{"input":[1,2]}"#, "input"),
        (r#"{"input":[[1]]}"#, "input"),
        (r#"{"input":[]}"#, "input"),
        (r#"{"input":5}"#, "input"),
        ("{}", "input"),
        (r#"{"input":"a","dimensions":"8"}"#, "dimensions"),
    ] {
        let error = from_openai(given.as_bytes(), "m").unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{given}");
    }
    assert!(from_openai(b"[]", "m").is_err() && from_openai(b"{\"input\":\"a\"", "m").is_err());
}

#[test]
fn f78_f80_requests_out_of_the_dialect() {
    let content = |text: &str| json!({"role": "user", "parts": [{"text": text}]});
    for (given, batch, wanted, lost) in [
        (
            json!({"content": content("a"), "outputDimensionality": 4}),
            false,
            json!({"model": "m", "input": ["a"], "dimensions": 4}),
            0,
        ),
        (
            json!({"model": "models/x", "content": {"parts": [{"text": "a"}, {"text": "b"}]}, "task_type": "RETRIEVAL_QUERY", "title": null}),
            false,
            json!({"model": "m", "input": ["a\nb"]}),
            1,
        ),
        (
            json!({"requests": [{"content": content("a"), "output_dimensionality": 4}, {"content": content("b"), "outputDimensionality": 4}]}),
            true,
            json!({"model": "m", "input": ["a", "b"], "dimensions": 4}),
            0,
        ),
    ] {
        let told = to_openai(given.to_string().as_bytes(), "m", batch).unwrap();
        assert_eq!(json_of(&told.body), wanted, "{given}");
        assert_eq!(told.losses.len(), lost, "{given}");
    }
    for (given, batch, param) in [
        (json!({}), false, "content"),
        (json!({"content": {}}), false, "requests[0].content.parts"),
        (
            json!({"content": {"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}}),
            false,
            "content",
        ),
        (json!({}), true, "requests"),
        (json!({"requests": []}), true, "requests"),
        (json!({"requests": [5]}), true, "requests[0].content"),
        (
            json!({"requests": [{"content": content("a"), "outputDimensionality": 4}, {"content": content("b")}]}),
            true,
            "requests",
        ),
    ] {
        let error = to_openai(given.to_string().as_bytes(), "m", batch).unwrap_err();
        assert_eq!(error.param.as_deref(), Some(param), "{given}");
    }
}

#[test]
fn f78_f80_answers_both_ways() {
    let one = br#"{"embedding":{"values":[0.5,-2]}}"#;
    let several = br#"{"embeddings":[{"values":[0.5,-2]},{"values":[1e0]}],"usageMetadata":{"promptTokenCount":7}}"#;
    let (body, usage) = answer_to_openai(several, "asked", false).unwrap();
    assert_eq!(usage.unwrap().input, 7);
    assert_eq!(
        json_of(&body),
        json!({
            "object": "list", "model": "asked", "usage": {"prompt_tokens": 7, "total_tokens": 7},
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -2]}, {"object": "embedding", "index": 1, "embedding": [1.0]}],
        })
    );
    // Not counted: a place for the client, nothing for the journal.
    let (body, usage) = answer_to_openai(one, "asked", true).unwrap();
    assert_eq!(usage, None);
    // 0.5 and -2.0 as 32-bit floats: 00 00 00 3f, 00 00 00 c0.
    assert_eq!(json_of(&body)["data"][0]["embedding"], "AAAAPwAAAMA=");
    assert_eq!(json_of(&body)["usage"]["prompt_tokens"], 0);

    let list = br#"{"object":"list","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    let (body, usage) = answer_from_openai(list, true).unwrap();
    assert_eq!(
        json_of(&body),
        json!({"embeddings": [{"values": [1]}, {"values": [2]}]})
    );
    assert_eq!(usage.unwrap().input, 3);
    let (body, _) = answer_from_openai(list, false).unwrap();
    assert_eq!(json_of(&body), json!({"embedding": {"values": [1]}}));
    for empty in [
        &b"{}"[..],
        b"[]",
        b"<html>",
        br#"{"data":[]}"#,
        br#"{"embeddings":[]}"#,
    ] {
        assert!(answer_from_openai(empty, true).is_none());
        assert!(answer_to_openai(empty, "m", false).is_none());
        assert!(look(empty).is_none_or(|looked| !looked.any));
    }
    assert!(look(one).unwrap().any);
}

#[test]
fn f92_every_name_in_a_batch_is_replaced_and_nothing_else() {
    for (given, wanted) in [
        (
            r#"{ "requests":[{"model" : "models/a","content":{"model":"x"}},{"model":"a"},5] }"#,
            r#"{ "requests":[{"model" : "models/b\"","content":{"model":"x"}},{"model":"models/b\""},5] }"#,
        ),
        (
            r#"{"model":"","content":{}}"#,
            r#"{"model":"models/b\"","content":{}}"#,
        ),
        (r#"{"content":{}}"#, r#"{"content":{}}"#),
        ("[", "["),
    ] {
        let pieces = naming(&Bytes::from_static(given.as_bytes()), "b\"");
        assert_eq!(pieces.concat(), wanted.as_bytes());
    }
}

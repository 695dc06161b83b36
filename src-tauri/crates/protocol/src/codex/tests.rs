//! The Codex profile on Responses bodies: F83 and the rows of backend notes §3.5.

use bytes::Bytes;

use crate::{Dialect, Loss, Options, RequestError, Route, SystemRole, Target, peek, prepare};

fn run(body: &str, options: &Options<'_>) -> Result<(String, Vec<Loss>), RequestError> {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let head = peek(Dialect::Responses, &body)?;
    let prepared = prepare(Dialect::Responses, Target::Codex, &body, &head, options)?;
    assert!(options.route == Route::Compact || prepared.stream_upstream);
    let text = String::from_utf8(prepared.body.to_bytes().to_vec()).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON comes out");
    Ok((text, prepared.losses))
}

fn check(body: &str, expected: &str) {
    assert_eq!(
        run(body, &Options::default()).expect(body).0,
        expected,
        "{body}"
    );
}

/// The tail every answer request gains when it brings none of these.
const TAIL: &str =
    r#""store":false,"stream":true,"include":["reasoning.encrypted_content"],"instructions":"""#;

#[test]
fn f83_forced_fields_are_set_once() {
    check(r#"{"input":[]}"#, &format!(r#"{{"input":[],{TAIL}}}"#));
    check(
        r#"{"store":true,"stream":false,"include":["a"],"instructions":"i","input":[]}"#,
        r#"{"store":false,"stream":true,"include":["a","reasoning.encrypted_content"],"instructions":"i","input":[]}"#,
    );
    check(
        r#"{"store":true,"store":null,"stream":true,"include":[],"instructions":"","input":[]}"#,
        r#"{"store":false,"stream":true,"include":["reasoning.encrypted_content"],"instructions":"","input":[]}"#,
    );
}

#[test]
fn t207_a_body_that_fits_is_untouched() {
    let body = Bytes::from_static(
        br#"{ "model":"m", "instructions":"i", "input":[{"role":"user","content":"hi"}], "store":false, "stream":true,
            "include":["reasoning.encrypted_content"] , "service_tier":"priority", "reasoning":{"effort":"high"} }"#,
    );
    let head = peek(Dialect::Responses, &body).expect("fits");
    let prepared = prepare(
        Dialect::Responses,
        Target::Codex,
        &body,
        &head,
        &Options::default(),
    )
    .expect("fits");
    assert_eq!(prepared.body.to_bytes().as_ptr(), body.as_ptr());
    assert!(prepared.losses.is_empty());
}

#[test]
fn t115_refused_fields_are_dropped_and_recorded() {
    let (text, losses) = run(
        r#"{"type":"response.create","max_output_tokens":5,"temperature":null,"top_p":1,"user":"u","metadata":{},"stream_options":{},"input":[]}"#,
        &Options::default(),
    )
    .expect("dropped");
    assert_eq!(text, format!(r#"{{"input":[],{TAIL}}}"#));
    let fields: Vec<_> = losses.iter().map(|loss| &*loss.field).collect();
    assert_eq!(
        fields,
        [
            "max_output_tokens",
            "top_p",
            "user",
            "type",
            "metadata",
            "stream_options"
        ]
    );
}

#[test]
fn t116_a_codex_client_keeps_fields_we_do_not_know() {
    let options = Options {
        codex_client: true,
        ..Options::default()
    };
    let (text, losses) = run(
        r#"{"stream_options":{"x":1},"new":1,"temperature":1,"input":[]}"#,
        &options,
    )
    .expect("kept");
    assert_eq!(
        text,
        format!(r#"{{"stream_options":{{"x":1}},"new":1,"input":[],{TAIL}}}"#)
    );
    assert_eq!(losses.len(), 1);
}

#[test]
fn t136_what_needs_a_memory_is_refused() {
    for (body, param, code) in [
        (
            r#"{"previous_response_id":"resp_1","input":[]}"#,
            "previous_response_id",
            Some("previous_response_not_found"),
        ),
        (
            r#"{"conversation":{"id":"c"},"input":[]}"#,
            "conversation",
            None,
        ),
        (r#"{"background":true,"input":[]}"#, "background", None),
        (
            r#"{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"x"}]}"#,
            "input[1]",
            None,
        ),
    ] {
        let error = run(body, &Options::default()).expect_err(body);
        assert_eq!(
            (error.param.as_deref(), error.code),
            (Some(param), code),
            "{body}"
        );
    }
    check(
        r#"{"previous_response_id":null,"background":false,"input":[]}"#,
        &format!(r#"{{"input":[],{TAIL}}}"#),
    );
}

#[test]
fn t014_a_text_input_is_wrapped() {
    check(
        r#"{"input":"say \"hi\""}"#,
        &format!(
            r#"{{"input":[{{"type":"message","role":"user","content":[{{"type":"input_text","text":"say \"hi\""}}]}}],{TAIL}}}"#
        ),
    );
}

#[test]
fn f83_system_becomes_developer_in_place() {
    check(
        r#"{"input":[{"role":"system","content":"a"},{"content":"say \"role\":\"system\"","role":"user"},{"type":"message","role" : "system","content":[]}]}"#,
        &format!(
            r#"{{"input":[{{"role":"developer","content":"a"}},{{"content":"say \"role\":\"system\"","role":"user"}},{{"type":"message","role" : "developer","content":[]}}],{TAIL}}}"#
        ),
    );
}

#[test]
fn f83_leading_system_texts_can_move_into_instructions() {
    let options = Options {
        system_role: SystemRole::Instructions,
        ..Options::default()
    };
    let moved = |body: &str| run(body, &options).expect(body).0;
    assert_eq!(
        moved(
            r#"{"instructions":"i","store":false,"stream":true,"include":["reasoning.encrypted_content"],"input":[{"role":"system","content":"a\n"},{"role":"system","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}]}, {"role":"user","content":"u"},{"role":"system","content":"d"}]}"#
        ),
        r#"{"instructions":"i\n\na\n\n\nb\n\nc","store":false,"stream":true,"include":["reasoning.encrypted_content"],"input":[{"role":"user","content":"u"},{"role":"developer","content":"d"}]}"#,
    );
    // T7: nothing but system texts would leave an empty input.
    assert_eq!(
        moved(r#"{"input":[{"role":"system","content":"a"}]}"#),
        format!(r#"{{"input":[{{"role":"developer","content":"a"}}],{TAIL}}}"#)
    );
}

#[test]
fn service_tiers_and_efforts_by_table() {
    for (tier, expected, lost) in [
        ("priority", Some("priority"), 0),
        ("fast", Some("priority"), 0),
        ("auto", None, 0),
        ("flex", None, 1),
    ] {
        let (text, losses) = run(
            &format!(r#"{{"service_tier":"{tier}","input":[]}}"#),
            &Options::default(),
        )
        .expect(tier);
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(
            value.get("service_tier").and_then(|tier| tier.as_str()),
            expected,
            "{tier}"
        );
        assert_eq!(losses.len(), lost, "{tier}");
    }
    let options = Options {
        effort: Some("low"),
        service_tier: Some("fast"),
        ..Options::default()
    };
    let (text, _) = run(
        r#"{"reasoning":{"effort":"ultra","summary":"auto"},"input":[]}"#,
        &options,
    )
    .expect("set");
    assert!(
        text.contains(r#""reasoning":{"effort":"low","summary":"auto"}"#),
        "{text}"
    );
    assert!(text.contains(r#""service_tier":"priority""#), "{text}");
    let (text, _) = run(
        r#"{"reasoning":{"effort":"ultra"},"input":[]}"#,
        &Options::default(),
    )
    .expect("mapped");
    assert!(text.contains(r#""reasoning":{"effort":"max"}"#), "{text}");
}

#[test]
fn lite_requests_gain_no_instructions() {
    let items = r#"[ {"type":"additional_tools","role":"developer","tools":[]},{"role":"user","content":"u"}]"#;
    let (text, _) = run(&format!(r#"{{"input":{items}}}"#), &Options::default()).expect("lite");
    assert!(!text.contains("instructions"), "{text}");
    let (text, _) = run(
        r#"{"input":[]}"#,
        &Options {
            lite: true,
            ..Options::default()
        },
    )
    .expect("lite");
    assert!(!text.contains("instructions"), "{text}");
}

#[test]
fn f83_json_mode_needs_the_word() {
    let line = r#"{"type":"message","role":"developer","content":[{"type":"input_text","text":"Answer with a single JSON object."}]}"#;
    let text = |input: &str| {
        let body = format!(r#"{{"text":{{"format":{{"type":"json_object"}}}},"input":{input}}}"#);
        run(&body, &Options::default()).expect("JSON mode").0
    };
    assert!(
        text(r#"[{"role":"user","content":"hi"}]"#)
            .contains(&format!(r#"[{line},{{"role":"user""#))
    );
    assert!(text(r#""hi""#).contains(&format!(r#"[{line},{{"type":"message","role":"user""#)));
    assert!(text("[]").contains(&format!("[{line}]")));
    assert!(!text(r#"[{"role":"user","content":"as Json"}]"#).contains(line));
    assert!(!text(r#""in JSON please""#).contains(line));
}

#[test]
fn f77_the_compact_call_has_its_own_fields() {
    let options = Options {
        route: Route::Compact,
        ..Options::default()
    };
    let (text, _) = run(
        r#"{"model":"m","input":"x","stream":true,"store":true,"include":[],"tools":[]}"#,
        &options,
    )
    .expect("compact");
    assert_eq!(
        text,
        r#"{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}],"tools":[],"instructions":""}"#
    );
}

#[test]
fn t133_a_cache_key_is_added_only_when_absent() {
    let options = Options {
        prompt_cache_key: Some("s-1"),
        ..Options::default()
    };
    assert!(
        run(r#"{"input":[]}"#, &options)
            .expect("added")
            .0
            .contains(r#""prompt_cache_key":"s-1""#)
    );
    assert!(
        run(r#"{"prompt_cache_key":"own","input":[]}"#, &options)
            .expect("kept")
            .0
            .contains(r#""prompt_cache_key":"own""#)
    );
}

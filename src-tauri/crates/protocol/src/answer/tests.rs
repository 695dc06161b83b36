//! The way back of passed-through answers, event by event; translated ones have their tests beside the hub.

use proptest::prelude::*;

use super::*;
use crate::{GatewayError, Options, Route, Terminal, peek, prepare};

const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"created_at\":7,\"model\":\"sent\",\"output\":[]}}\n\n";
const DELTA: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"a\"}\n\n";
const LIMITS: &str =
    "event: codex.rate_limits\ndata: {\"type\":\"codex.rate_limits\",\"rate_limits\":{}}\n\n";
const DONE: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":2,\"response\":{\"id\":\"resp_1\",\"model\":\"sent\",\"output\":[]}}\n\n";

fn answer_with(client: Dialect, to: Target, streams: bool, options: &Options<'_>) -> Answer {
    let body = match client {
        Dialect::Chat => r#"{"model":"asked","stream":true,"messages":[]}"#,
        Dialect::Responses => r#"{"model":"asked","stream":true,"input":[]}"#,
        Dialect::Messages => r#"{"model":"asked","stream":true,"messages":[]}"#,
        Dialect::Gemini => r#"{"contents":[]}"#,
    };
    let body = Bytes::from_static(body.as_bytes());
    let head = peek(client, &body).expect("a request");
    let prepared = prepare(client, to, &body, &head, options).expect("prepared");
    Answer::new(client, to, prepared.state, streams)
}

fn plain(client: Dialect, to: Target) -> Answer {
    answer_with(
        client,
        to,
        true,
        &Options {
            request_id: "r1",
            created: 9,
            ..Options::default()
        },
    )
}

fn push(answer: &mut Answer, text: &str) -> String {
    let mut out = Out::new();
    answer.push(&Bytes::copy_from_slice(text.as_bytes()), &mut out);
    taken(&mut out)
}

fn finish(answer: &mut Answer, end: End) -> String {
    let mut out = Out::new();
    answer.finish(&mut out, end);
    taken(&mut out)
}

fn taken(out: &mut Out) -> String {
    String::from_utf8(out.take().unwrap_or_default().to_vec()).expect("UTF-8")
}

fn cut() -> End {
    End::Cut {
        message: "connection reset".to_owned(),
    }
}

fn trouble() -> GatewayError {
    GatewayError {
        status: 502,
        code: "stream_disconnected".into(),
        message: "gone".to_owned(),
    }
}

#[test]
fn the_answer_begins_with_its_first_content() {
    let mut answer = plain(Dialect::Responses, Target::Codex);
    for text in [CREATED, LIMITS, ": comment\n\n"] {
        push(&mut answer, text);
        assert!(!answer.observed().content_started, "{text}");
    }
    assert_eq!(answer.observed().model.as_deref(), Some("sent"));
    assert!(answer.observed().rate_limits.is_some());
    push(&mut answer, DELTA);
    assert!(answer.observed().content_started);

    let mut chat = plain(Dialect::Chat, Target::Chat);
    push(
        &mut chat,
        "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n",
    );
    assert!(!chat.observed().content_started);
    push(
        &mut chat,
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n",
    );
    assert!(chat.observed().content_started);
}

#[test]
fn f53_a_failure_in_the_first_events_is_seen_before_the_answer_begins() {
    let mut answer = plain(Dialect::Responses, Target::Codex);
    push(&mut answer, CREATED);
    push(
        &mut answer,
        "data: {\"type\":\"response.failed\",\"response\":{\"id\":\"resp_1\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}}\n\n",
    );
    let seen = answer.observed();
    assert_eq!(
        (seen.content_started, seen.terminal),
        (false, Some(Terminal::Failed))
    );
    assert!(
        seen.failure
            .as_ref()
            .is_some_and(|raw| raw.starts_with(b"{\"type\":\"response.failed\""))
    );

    let mut chat = plain(Dialect::Chat, Target::Chat);
    push(&mut chat, "data: {\"error\":{\"message\":\"m\"}}\n\n");
    assert_eq!(
        (chat.observed().content_started, chat.observed().terminal),
        (false, Some(Terminal::Failed))
    );
}

#[test]
fn half_a_frame_waits_for_its_end() {
    let mut answer = plain(Dialect::Responses, Target::Responses);
    let (first, second) = DELTA.split_at(20);
    assert_eq!(push(&mut answer, &format!("{CREATED}{first}")), CREATED);
    assert_eq!(push(&mut answer, second), DELTA);
    assert_eq!(push(&mut answer, first), "");
    let told = finish(&mut answer, cut());
    assert!(
        told.starts_with("event: error\n"),
        "the half frame is gone: {told}"
    );
}

#[test]
fn t164_a_long_frame_goes_out_in_parts_and_takes_no_keepalive() {
    let mut answer = plain(Dialect::Chat, Target::Chat);
    let long = "x".repeat(70 << 10);
    assert_eq!(
        push(&mut answer, &format!("data: {{\"a\":\"{long}")).len(),
        long.len() + 12
    );
    assert_eq!(answer.keepalive(), None);
    assert_eq!(push(&mut answer, "yy"), "yy");
    assert!(
        String::from_utf8_lossy(&answer.in_band_error(&trouble()))
            .starts_with("\n\ndata: {\"error\"")
    );

    let mut answer = plain(Dialect::Chat, Target::Chat);
    push(&mut answer, &format!("data: {{\"a\":\"{long}"));
    assert_eq!(push(&mut answer, "\"}\n\nda"), "\"}\n\n");
    assert!(answer.keepalive().is_some());
    assert_eq!(push(&mut answer, "ta: [DONE]\n\n"), "data: [DONE]\n\n");
}

#[test]
fn a_long_frame_that_has_partly_left_is_not_changed_any_more() {
    let long = "x".repeat(70 << 10);
    let whole = format!("data: {{\"type\":\"codex.long\",\"a\":\"{long}\"}}\n\n");
    let (first, second) = whole.split_at(68 << 10);
    let mut answer = plain(Dialect::Responses, Target::Codex);
    assert_eq!(push(&mut answer, first), first);
    assert_eq!(
        push(&mut answer, &format!("{second}{LIMITS}{DELTA}")),
        format!("{second}{DELTA}")
    );
    // A long frame with the model name in it waits until it is whole.
    let options = Options {
        model: Some("sent"),
        ..Options::default()
    };
    let mut named = answer_with(Dialect::Responses, Target::Codex, true, &options);
    let whole = format!(
        "data: {{\"type\":\"response.completed\",\"response\":{{\"output\":\"{long}\",\"model\":\"sent\"}}}}\n\n"
    );
    let (first, second) = whole.split_at(68 << 10);
    assert_eq!(push(&mut named, first), "");
    assert_eq!(
        push(&mut named, second),
        whole.replace("\"sent\"", "\"asked\"")
    );
}

#[test]
fn t171_a_keepalive_takes_no_number_of_the_stream() {
    // Ours has none; one of the upstream's own may have one, and an error told by us counts on behind it.
    assert!(!String::from_utf8_lossy(KEEPALIVE_EVENT).contains("sequence_number"));
    let own = "event: keepalive\ndata: {\"type\":\"keepalive\",\"sequence_number\":1}\n\n";
    let mut answer = plain(Dialect::Responses, Target::Responses);
    assert_eq!(
        push(&mut answer, &format!("{CREATED}{own}")),
        format!("{CREATED}{own}")
    );
    let told = finish(&mut answer, cut());
    assert!(told.contains("\"sequence_number\":2"), "{told}");
}

#[test]
fn t163_keepalives_by_dialect() {
    for (target, codex_client, begun) in [
        (Target::Codex, true, KEEPALIVE_EVENT),
        (Target::Responses, true, KEEPALIVE_EVENT),
        (Target::Codex, false, COMMENT),
        (Target::Responses, false, COMMENT),
    ] {
        let options = Options {
            codex_client,
            ..Options::default()
        };
        let mut answer = answer_with(Dialect::Responses, target, true, &options);
        assert_eq!(answer.keepalive(), Some(COMMENT));
        push(&mut answer, CREATED);
        assert_eq!(answer.keepalive(), Some(begun), "{target:?} {codex_client}");
        push(&mut answer, DONE);
        assert_eq!(answer.keepalive(), None);
    }
    assert_eq!(
        plain(Dialect::Chat, Target::Chat).keepalive(),
        Some(COMMENT)
    );
    let waiting = answer_with(Dialect::Chat, Target::Chat, false, &Options::default());
    assert_eq!(waiting.keepalive(), None);
}

#[test]
fn t188_private_events_reach_codex_clients_only() {
    let mut answer = plain(Dialect::Responses, Target::Codex);
    assert_eq!(
        push(&mut answer, &format!("{CREATED}{LIMITS}{DELTA}")),
        format!("{CREATED}{DELTA}")
    );
    assert_eq!(push(&mut answer, LIMITS), "");
    let options = Options {
        codex_client: true,
        ..Options::default()
    };
    let mut native = answer_with(Dialect::Responses, Target::Codex, true, &options);
    assert_eq!(push(&mut native, LIMITS), LIMITS);
}

#[test]
fn t154_a_usage_chunk_nobody_asked_for_is_hidden() {
    let usage = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}\n\n";
    let options = Options {
        ask_usage: true,
        ..Options::default()
    };
    let body = Bytes::from_static(br#"{"model":"m","stream":true,"messages":[]}"#);
    let head = peek(Dialect::Chat, &body).expect("a request");
    let prepared = prepare(Dialect::Chat, Target::Chat, &body, &head, &options).expect("prepared");
    assert_eq!(
        prepared.body.to_bytes(),
        r#"{"model":"m","stream":true,"messages":[],"stream_options":{"include_usage":true}}"#
    );
    let mut answer = Answer::new(Dialect::Chat, Target::Chat, prepared.state, true);
    assert_eq!(
        push(
            &mut answer,
            &format!("data: {{\"choices\":[{{}}]}}\n\n{usage}data: [DONE]\n\n")
        ),
        "data: {\"choices\":[{}]}\n\ndata: [DONE]\n\n"
    );
    assert_eq!(
        answer
            .observed()
            .usage
            .map(|usage| (usage.input, usage.output)),
        Some((5, 3))
    );
    // Whoever asked keeps it.
    let mut answer = plain(Dialect::Chat, Target::Chat);
    assert_eq!(push(&mut answer, usage), usage);
}

#[test]
fn t166_t171_an_in_band_error_continues_the_stream() {
    let mut answer = plain(Dialect::Responses, Target::Codex);
    push(&mut answer, &format!("{CREATED}{LIMITS}{DELTA}"));
    let told = String::from_utf8(answer.in_band_error(&trouble()).to_vec()).expect("UTF-8");
    assert!(
        told.contains("\"type\":\"error\",\"sequence_number\":2,"),
        "{told}"
    );
    assert!(
        told.contains("\"type\":\"response.failed\",\"sequence_number\":3,"),
        "{told}"
    );
    assert!(
        told.contains("\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":7"),
        "{told}"
    );
    assert_eq!(answer.observed().terminal, Some(Terminal::Failed));
    assert!(answer.in_band_error(&trouble()).is_empty(), "once");
    assert_eq!(push(&mut answer, DELTA), "");
    assert_eq!(finish(&mut answer, End::Clean), "");
}

#[test]
fn nothing_follows_a_terminal_event() {
    let mut answer = plain(Dialect::Responses, Target::Codex);
    push(&mut answer, &format!("{CREATED}{DELTA}{DONE}"));
    assert!(answer.in_band_error(&trouble()).is_empty());
    let mut answer = plain(Dialect::Responses, Target::Codex);
    push(&mut answer, &format!("{CREATED}{DELTA}{DONE}"));
    assert_eq!(finish(&mut answer, cut()), "");
}

#[test]
fn an_error_event_alone_gains_the_failed_event_codex_reads() {
    let mut answer = plain(Dialect::Responses, Target::Responses);
    push(&mut answer, &format!("{CREATED}{DELTA}"));
    push(
        &mut answer,
        "data: {\"type\":\"error\",\"error\":{\"code\":\"slow_down\",\"message\":\"m\"}}\n\n",
    );
    let told = finish(&mut answer, End::Clean);
    assert!(told.starts_with("event: response.failed\n"), "{told}");
    assert!(
        told.contains("\"error\":{\"code\":\"slow_down\",\"message\":\"m\"}"),
        "{told}"
    );
}

#[test]
fn t159_a_last_event_without_its_blank_line_counts_if_it_is_whole() {
    let (whole, half) = (DONE.trim_end(), &DONE[..DONE.len() - 10]);
    let mut answer = plain(Dialect::Responses, Target::Responses);
    push(&mut answer, &format!("{CREATED}{whole}"));
    assert_eq!(finish(&mut answer, End::Clean), format!("{whole}\n\n"));
    assert_eq!(answer.observed().terminal, Some(Terminal::Completed));
    let mut answer = plain(Dialect::Responses, Target::Responses);
    push(&mut answer, &format!("{CREATED}{half}"));
    assert!(finish(&mut answer, End::Clean).starts_with("event: error\n"));
    assert_eq!(answer.observed().terminal, Some(Terminal::Failed));
}

#[test]
fn t174_response_done_is_an_end_and_a_status_decides() {
    for (status, terminal) in [
        ("completed", Terminal::Completed),
        ("incomplete", Terminal::Incomplete),
        ("failed", Terminal::Failed),
    ] {
        let mut answer = plain(Dialect::Responses, Target::Responses);
        push(
            &mut answer,
            &format!(
                "data: {{\"type\":\"response.done\",\"response\":{{\"status\":\"{status}\"}}}}\n\n"
            ),
        );
        assert_eq!(answer.observed().terminal, Some(terminal));
    }
}

#[test]
fn event_types_are_found_wherever_they_stand() {
    for text in [
        "data: {\"type\":\"response.output_text.delta\"}\n\n",
        "data: { \"type\" : \"response.output_text.delta\"}\n\n",
        "data: {\"delta\":\"\",\"type\":\"response.output_text.delta\"}\n\n",
        "event: response.output_text.delta\ndata: {\"delta\":\"\"}\n\n",
    ] {
        let mut answer = plain(Dialect::Responses, Target::Responses);
        push(&mut answer, text);
        assert!(answer.observed().content_started, "{text}");
    }
}

fn folded(text: &str, end: End) -> Result<Bytes, Failure> {
    let options = Options {
        model: Some("sent"),
        ..Options::default()
    };
    let mut answer = answer_with(Dialect::Responses, Target::Codex, false, &options);
    assert_eq!(push(&mut answer, text), "");
    assert_eq!(finish(&mut answer, end), "");
    answer.into_json()
}

#[test]
fn t168_t173_a_fold_is_built_from_the_finished_items() {
    let item = |index: u32, id: &str| {
        format!(
            "data: {{\"type\":\"response.output_item.done\",\"output_index\":{index},\"item\":{{\"id\":\"{id}\", \"n\":1.50}}}}\n\n"
        )
    };
    let stream = format!(
        "{CREATED}{}{}{}{DONE}",
        item(1, "b"),
        item(0, "a"),
        item(1, "c")
    );
    let json = folded(&stream, End::Clean).expect("an answer");
    assert_eq!(
        json,
        r#"{"id":"resp_1","model":"asked","output":[{"id":"a", "n":1.50},{"id":"c", "n":1.50}]}"#
    );
    // The connection may break after the end.
    assert_eq!(folded(&stream, cut()), Ok(json));
}

#[test]
fn t184_a_failed_fold_is_an_http_error() {
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"m\"}}}\n\n";
    let (status, error) = folded(failed, End::Clean).expect_err("failed").to_error();
    assert_eq!(
        (status, error.message.as_str(), error.code.as_deref()),
        (400, "m", Some("context_length_exceeded"))
    );
    for end in [End::Clean, cut()] {
        let (status, error) = folded(CREATED, end).expect_err("cut").to_error();
        assert_eq!(
            (status, error.code.as_deref()),
            (502, Some("stream_disconnected"))
        );
    }
}

#[test]
fn json_answers_pass_with_their_bytes() {
    let body = Bytes::from_static(br#"{"id":"c","model":"sent","choices":[{"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#);
    let mut answer = answer_with(Dialect::Chat, Target::Chat, false, &Options::default());
    assert_eq!(
        answer.answer_json(&body).map(|json| json.as_ptr()),
        Ok(body.as_ptr())
    );
    assert_eq!(answer.observed().terminal, Some(Terminal::Incomplete));
    assert_eq!(answer.observed().usage.map(|usage| usage.output), Some(2));
    let options = Options {
        model: Some("sent"),
        ..Options::default()
    };
    let mut named = answer_with(Dialect::Chat, Target::Chat, false, &options);
    let json = named.answer_json(&body).expect("an answer");
    assert!(json.starts_with(br#"{"id":"c","model":"asked","choices""#));
}

#[test]
fn f77_a_compact_answer_is_unchanged() {
    let options = Options {
        route: Route::Compact,
        model: Some("sent"),
        ..Options::default()
    };
    let body = Bytes::from_static(br#"{"output":[{"type":"compaction","encrypted_content":"x"}]}"#);
    let mut answer = answer_with(Dialect::Responses, Target::Codex, false, &options);
    assert_eq!(answer.answer_json(&body), Ok(body));
}

#[test]
fn an_error_in_a_200_is_a_failure() {
    for body in [
        r#"{"error":{"message":"m","code":"insufficient_quota"}}"#,
        "[]",
        "<html>",
        "",
    ] {
        let mut answer = answer_with(Dialect::Chat, Target::Chat, false, &Options::default());
        assert!(
            answer
                .answer_json(&Bytes::copy_from_slice(body.as_bytes()))
                .is_err(),
            "{body}"
        );
    }
}

proptest! {
    /// No input panics, whatever the lane; and every stream ends at most once.
    #[test]
    fn junk_streams_are_survived(
        parts in proptest::collection::vec(
            prop_oneof![
                Just(CREATED.to_owned()), Just(DELTA.to_owned()), Just(DONE.to_owned()), Just(LIMITS.to_owned()),
                Just("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":\"x\"}}\n\n".to_owned()),
                Just("data: {\"type\":\"response.output_item.done\",\"item\":[]}\n\n".to_owned()),
                Just("data: {\"type\":\"response.completed\",\"response\":7}\n\n".to_owned()),
                Just("data: [DONE]\n\n".to_owned()),
                "(data|event): ?[\\[\\]{}\":,a-c]{0,12}\n{0,2}",
                ".{0,8}",
            ],
            0..8,
        ),
        size in 1_usize..40,
        chat in any::<bool>(),
        streams in any::<bool>(),
        renamed in any::<bool>(),
    ) {
        let (client, to) = if chat { (Dialect::Chat, Target::Chat) } else { (Dialect::Responses, Target::Codex) };
        let options = Options { model: renamed.then_some("sent"), ask_usage: true, ..Options::default() };
        let mut answer = answer_with(client, to, streams, &options);
        let mut out = Out::new();
        let text = parts.concat();
        for chunk in text.as_bytes().chunks(size) {
            answer.push(&Bytes::copy_from_slice(chunk), &mut out);
        }
        answer.finish(&mut out, End::Clean);
        let sent = out.take().unwrap_or_default();
        prop_assert!(streams || sent.is_empty());
        prop_assert!(answer.in_band_error(&trouble()).is_empty());
        let _ = answer.into_json();
    }

    #[test]
    fn junk_bodies_are_survived(body in "[\\[\\]{}\":,a-c0-9]{0,40}", chat in any::<bool>()) {
        let (client, to) = if chat { (Dialect::Chat, Target::Chat) } else { (Dialect::Responses, Target::Codex) };
        let mut answer = answer_with(client, to, false, &Options::default());
        let _ = answer.answer_json(&Bytes::from(body.clone()));
        let body = Bytes::from(body);
        if let Ok(head) = peek(client, &body) {
            let _ = prepare(client, to, &body, &head, &Options { model: Some("m"), effort: Some("high"), ..Options::default() });
        }
    }
}

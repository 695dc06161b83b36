use super::*;

/// What a reader says of a body, cut at every `step` bytes. Raw lines are left out.
fn read(protocol: TryProtocol, stream: bool, body: &str, step: usize) -> (Vec<TryEvent>, Ending) {
    let mut reader = Reader::new(protocol, stream);
    let mut out = VecDeque::new();
    for chunk in body.as_bytes().chunks(step) {
        reader.push(chunk, &mut out);
    }
    let ending = reader.finish(&mut out);
    // Text is one text, however it was cut.
    let mut events: Vec<TryEvent> = Vec::new();
    for event in out {
        match (events.last_mut(), event) {
            (_, TryEvent::Raw(_)) => {}
            (Some(TryEvent::Delta(text)), TryEvent::Delta(more))
            | (Some(TryEvent::Thinking(text)), TryEvent::Thinking(more)) => text.push_str(&more),
            (_, event) => events.push(event),
        }
    }
    (events, ending)
}

fn usage(input: u64, output: u64) -> TryEvent {
    TryEvent::Usage {
        input: Some(input),
        output: Some(output),
        cached: Some(1),
        reasoning: None,
    }
}

fn tool() -> TryEvent {
    TryEvent::Tool {
        name: "current_time".into(),
        arguments: r#"{"timezone":"UTC"}"#.into(),
    }
}

const CHAT: &str = concat!(
    ": keep-alive\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"current_time\",\"arguments\":\"\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"timezone\\\":\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"\\\"UTC\\\"}\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n",
    "data: [DONE]\n\n",
);

const CHAT_WHOLE: &str = r#"{"choices":[{"message":{"reasoning_content":"hm","content":"Hello","tool_calls":[{"id":"c","function":{"name":"current_time","arguments":"{\"timezone\":\"UTC\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":1}}}"#;

const RESPONSES: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{}}\n\n",
    "event: response.reasoning_summary_text.delta\ndata: {\"type\":\"response.reasoning_summary_text.delta\",\"delta\":\"hm\"}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hel\"}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"lo\"}\n\n",
    "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"name\":\"current_time\",\"arguments\":\"{\\\"timezone\\\":\\\"UTC\\\"}\"}}\n\n",
    "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":7,\"input_tokens_details\":{\"cached_tokens\":1}}}}\n\n",
);

const RESPONSES_WHOLE: &str = r#"{"status":"completed","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},{"type":"message","content":[{"type":"output_text","text":"Hello"}]},{"type":"function_call","name":"current_time","arguments":"{\"timezone\":\"UTC\"}"}],"usage":{"input_tokens":5,"output_tokens":7,"input_tokens_details":{"cached_tokens":1}}}"#;

const MESSAGES: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":4,\"cache_read_input_tokens\":1,\"output_tokens\":1}}}\n\n",
    "event: ping\ndata: {\"type\":\"ping\"}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hel\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"current_time\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"timezone\\\":\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"UTC\\\"}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":7}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

const MESSAGES_WHOLE: &str = r#"{"type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hello"},{"type":"tool_use","id":"c","name":"current_time","input":{"timezone":"UTC"}}],"usage":{"input_tokens":4,"cache_read_input_tokens":1,"output_tokens":7}}"#;

const GEMINI: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true}]}}],\"usageMetadata\":{\"promptTokenCount\":5}}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"},{\"text\":\"lo\"}]}}]}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"current_time\",\"args\":{\"timezone\":\"UTC\"}}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":7,\"cachedContentTokenCount\":1}}\r\n\r\n",
);

const GEMINI_WHOLE: &str = r#"{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"Hello"},{"functionCall":{"name":"current_time","args":{"timezone":"UTC"}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"cachedContentTokenCount":1}}"#;

#[test]
fn f132_every_dialect_is_read_as_a_stream_and_whole_wherever_they_are_cut() {
    use TryProtocol::{Chat, Gemini, Messages, Responses};
    let cases = [
        (Messages, true, MESSAGES),
        (Messages, false, MESSAGES_WHOLE),
        (Gemini, true, GEMINI),
        (Gemini, false, GEMINI_WHOLE),
        (Chat, true, CHAT),
        (Chat, false, CHAT_WHOLE),
        (Responses, true, RESPONSES),
        (Responses, false, RESPONSES_WHOLE),
    ];
    for (protocol, stream, body) in cases {
        for step in [1, 7, 4096] {
            let (events, ending) = read(protocol, stream, body, step);
            assert_eq!(ending, Ending::Whole, "{protocol:?} {stream} {step}");
            let hello = [
                TryEvent::Thinking("hm".into()),
                TryEvent::Delta("Hello".into()),
                tool(),
                usage(5, 7),
            ];
            assert_eq!(events, hello, "{protocol:?} {stream} {step}");
        }
    }
}

#[test]
fn f132_an_answer_that_fails_ends_as_an_error() {
    use TryProtocol::{Chat, Gemini, Images, Messages, Responses};
    let failed = "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"no\"}}}\n\n";
    let cases = [
        (
            Chat,
            true,
            "data: {\"error\":{\"code\":\"stream_disconnected\",\"message\":\"no\"}}\n\ndata: [DONE]\n\n",
            "stream_disconnected",
        ),
        (
            Chat,
            true,
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            "stream_disconnected",
        ),
        (Chat, true, "", "stream_disconnected"),
        (Chat, false, "<html>", "unreadable"),
        (
            Chat,
            false,
            "{\"error\":{\"type\":\"gateway_error\",\"message\":\"no\"}}",
            "gateway_error",
        ),
        (Responses, true, failed, "server_error"),
        (
            Responses,
            true,
            "data: {\"type\":\"error\",\"code\":\"x\",\"message\":\"no\"}\n\n",
            "x",
        ),
        (
            Responses,
            false,
            "{\"status\":\"failed\",\"error\":{\"code\":\"y\",\"message\":\"no\"}}",
            "y",
        ),
        (
            Messages,
            true,
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"text\":\"a\"}}\n\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n",
            "overloaded_error",
        ),
        (
            Gemini,
            true,
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n",
            "stream_disconnected",
        ),
        (
            Gemini,
            true,
            "data: {\"error\":{\"code\":503,\"message\":\"no\",\"status\":\"UNAVAILABLE\"}}\n\n",
            "UNAVAILABLE",
        ),
        (
            Gemini,
            false,
            "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
            "SAFETY",
        ),
        (Images, false, "", "unreadable"),
    ];
    for (protocol, stream, body, expected) in cases {
        match read(protocol, stream, body, 4096).1 {
            Ending::Failed { code, message } => {
                assert_eq!(code, expected, "{body}");
                assert!(!message.is_empty(), "{body}");
            }
            Ending::Whole => panic!("{body}"),
        }
    }
}

#[test]
fn f132_a_chat_stream_without_its_last_marker_is_whole_once_it_has_told_its_reason() {
    let body =
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    assert_eq!(read(TryProtocol::Chat, true, body, 4096).1, Ending::Whole);
}

#[test]
fn f30_lines_are_shown_without_secrets_and_not_endlessly_long() {
    let key = "sk-abcdefghijklmnopqrstuvwxyz0123456789";
    let body = format!(
        "data: {{\"key\":\"{key}\"}}\n\ndata: {}\n\n",
        "x".repeat(2 * LONGEST_LINE)
    );
    let mut reader = Reader::new(TryProtocol::Chat, true);
    let mut out = VecDeque::new();
    reader.push(body.as_bytes(), &mut out);
    let lines: Vec<String> = out
        .into_iter()
        .filter_map(|event| match event {
            TryEvent::Raw(line) => Some(line),
            _ => None,
        })
        .collect();
    assert_eq!(lines.len(), 2, "empty lines are left out");
    assert!(!lines[0].contains(key), "{}", lines[0]);
    assert!(lines[1].ends_with('…') && lines[1].len() < LONGEST_LINE + 8);
}

#[test]
fn f57_a_refusal_is_told_with_its_own_words() {
    let told = refusal(
        r#"{"error":{"message":"No account.","type":"gateway_error","code":"no_account","param":null}}"#,
    );
    let expected = Ending::Failed {
        code: "no_account".into(),
        message: "No account.".into(),
    };
    assert_eq!(told, expected);
    assert_eq!(refusal("<html>"), unreadable());
}

#[test]
fn f132_a_drawing_is_shown_with_what_was_drawn_and_what_it_cost() {
    let body = r#"{"created":1,"output_format":"webp","data":[{"b64_json":"AAAA","revised_prompt":"a small fox"}],"usage":{"input_tokens":5,"output_tokens":7}}"#;
    let (events, ending) = read(TryProtocol::Images, false, body, 4096);
    assert_eq!(ending, Ending::Whole);
    let expected = [
        TryEvent::Image("data:image/webp;base64,AAAA".into()),
        TryEvent::Thinking("a small fox".into()),
        TryEvent::Usage {
            input: Some(5),
            output: Some(7),
            cached: None,
            reasoning: None,
        },
    ];
    assert_eq!(events, expected);
}

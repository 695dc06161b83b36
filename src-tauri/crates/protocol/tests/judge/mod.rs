//! Judges of answers: what the vendors' own libraries demand of a stream (part B of the translation notes), and what an answer says.
#![allow(dead_code, reason = "every test file uses a part of it")]

use bytes::Bytes;
use protocol::sse::Decoder;
use serde_json::Value;

/// What an answer says, whatever its dialect.
#[derive(Debug, Default, PartialEq, Clone)]
pub struct Said {
    pub text: String,
    pub refusal: String,
    pub reasoning: String,
    /// Name and arguments of every call, in order.
    pub calls: Vec<(String, String)>,
    /// Input, output, cached, reasoning.
    pub usage: Option<[u64; 4]>,
    /// `stop`, `length`, `content_filter`, `tool_calls`, `error` or nothing.
    pub end: String,
}

/// The events of a stream; data that is not JSON is null.
pub fn events(stream: &[u8]) -> Vec<(Option<String>, Value)> {
    let mut found = Vec::new();
    let mut decoder = Decoder::new();
    let mut keep = |event: protocol::sse::Event<'_>| {
        let name = event
            .event
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let value = match serde_json::from_slice(event.data) {
            Ok(value) => value,
            Err(_) => Value::String(String::from_utf8_lossy(event.data).into_owned()),
        };
        found.push((name, value));
    };
    decoder
        .for_each(&Bytes::copy_from_slice(stream), &mut keep)
        .expect("short events");
    decoder.finish(&mut keep);
    found
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn counts(usage: &Value, names: [&str; 4]) -> Option<[u64; 4]> {
    usage.is_object().then(|| {
        names.map(|name| {
            usage
                .pointer(name)
                .and_then(Value::as_f64)
                .map_or(0, |n| n as u64)
        })
    })
}

const CHAT_USAGE: [&str; 4] = [
    "/prompt_tokens",
    "/completion_tokens",
    "/prompt_tokens_details/cached_tokens",
    "/completion_tokens_details/reasoning_tokens",
];
const RESPONSES_USAGE: [&str; 4] = [
    "/input_tokens",
    "/output_tokens",
    "/input_tokens_details/cached_tokens",
    "/output_tokens_details/reasoning_tokens",
];

/// Demands of Chat clients (B2, T153, T162, T176, T177) and what the stream says.
pub fn judge_chat(name: &str, stream: &[u8]) -> Said {
    let mut said = Said::default();
    let (mut role, mut done, mut failed, mut usage_chunks) = (false, false, false, 0);
    let mut first: Option<Value> = None;
    for (event, value) in events(stream) {
        assert_eq!(event, None, "{name}: chat frames have no event line (T162)");
        assert!(!done && !failed, "{name}: nothing after the end");
        if value == Value::String("[DONE]".to_owned()) {
            done = true;
            continue;
        }
        assert!(value.is_object(), "{name}: {value}");
        if value.get("error").is_some() {
            failed = true;
            assert!(!text(&value, "/error/message").is_empty(), "{name}");
            said.end = "error".to_owned();
            continue;
        }
        assert_eq!(value["object"], "chat.completion.chunk", "{name}");
        let head = first.get_or_insert_with(|| value.clone());
        for key in ["id", "created", "model"] {
            assert_eq!(head[key], value[key], "{name}: {key} changes (T177)");
        }
        let choices = value["choices"].as_array().expect("choices");
        if let Some(usage) = value.get("usage").filter(|usage| !usage.is_null()) {
            assert!(
                choices.is_empty() && !said.end.is_empty(),
                "{name}: usage has its own last chunk (T153)"
            );
            usage_chunks += 1;
            said.usage = counts(usage, CHAT_USAGE);
            assert_eq!(
                usage["total_tokens"].as_u64(),
                said.usage.map(|[input, output, ..]| input + output),
                "{name}"
            );
        }
        for choice in choices {
            assert_eq!(choice["index"], 0, "{name}");
            assert!(
                said.end.is_empty(),
                "{name}: a choice after the finish reason"
            );
            let delta = &choice["delta"];
            role |= delta["role"] == "assistant";
            assert!(role, "{name}: the first delta tells the role (T176)");
            said.text += text(delta, "/content");
            said.refusal += text(delta, "/refusal");
            said.reasoning += text(delta, "/reasoning_content");
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index =
                    usize::try_from(call["index"].as_u64().expect("an index (B2)")).expect("small");
                if index == said.calls.len() {
                    assert!(
                        !text(call, "/id").is_empty(),
                        "{name}: a call starts with its id (T176)"
                    );
                    let kind = text(call, "/type");
                    assert!(kind == "function" || kind == "custom", "{name}: {kind}");
                    let called = text(call, &format!("/{kind}/name"));
                    assert!(!called.is_empty(), "{name}: a call starts with its name");
                    said.calls.push((called.to_owned(), String::new()));
                } else {
                    assert!(index < said.calls.len(), "{name}: indexes count up (T80)");
                    assert!(
                        call.get("id").is_none() && call.get("type").is_none(),
                        "{name}: told once (T81)"
                    );
                    assert!(
                        call.pointer("/function/name").is_none(),
                        "{name}: told once (T81)"
                    );
                }
                said.calls[index].1 += text(call, "/function/arguments");
                said.calls[index].1 += text(call, "/custom/input");
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                reason.clone_into(&mut said.end);
                assert_eq!(
                    delta,
                    &serde_json::json!({}),
                    "{name}: the finish reason has its own chunk (T177)"
                );
            }
        }
    }
    assert!(done != failed, "{name}: exactly one terminal");
    assert!(usage_chunks <= 1, "{name}");
    if said.end == "tool_calls" {
        for (called, arguments) in &said.calls {
            assert!(
                !arguments.is_empty(),
                "{name}: {called} has no arguments at all (T76)"
            );
        }
    }
    said
}

/// Demands of Responses clients (B3, T166–T171) and what the stream says.
pub fn judge_responses(name: &str, stream: &[u8]) -> Said {
    let mut said = Said::default();
    let mut items: Vec<Value> = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let (mut id, mut sequence, mut terminals) = (String::new(), 0, 0);
    for (event, value) in events(stream) {
        let kind = text(&value, "/type").to_owned();
        assert_eq!(
            event.as_deref(),
            Some(kind.as_str()),
            "{name}: event lines (T162)"
        );
        assert_eq!(terminals, 0, "{name}: nothing after the terminal");
        assert_eq!(
            value["sequence_number"].as_u64(),
            Some(sequence),
            "{name}: no gaps (T171)"
        );
        sequence += 1;
        let index = value["output_index"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok());
        if let Some(index) = index.filter(|_| kind != "response.output_item.added") {
            assert!(open[index], "{name}: {kind} for a closed item");
            if let Some(item) = value.get("item_id") {
                assert_eq!(
                    item, &items[index]["id"],
                    "{name}: ids do not change (T167)"
                );
            }
        }
        let delta = text(&value, "/delta");
        match kind.as_str() {
            "response.created" => {
                text(&value, "/response/id").clone_into(&mut id);
                assert!(!id.is_empty() && sequence == 1, "{name}");
            }
            "response.output_item.added" => {
                assert_eq!(
                    index,
                    Some(items.len()),
                    "{name}: one counter over all kinds (T168)"
                );
                items.push(value["item"].clone());
                open.push(true);
                texts.push(String::new());
            }
            "response.output_text.delta" => {
                said.text += delta;
                texts[index.expect("an index")] += delta;
            }
            "response.refusal.delta" => said.refusal += delta,
            "response.reasoning_summary_text.delta" => {
                assert!(
                    value["summary_index"].is_u64(),
                    "{name}: Codex needs it (T112)"
                );
                said.reasoning += delta;
                texts[index.expect("an index")] += delta;
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                texts[index.expect("an index")] += delta;
            }
            "response.output_text.done" => assert_eq!(
                text(&value, "/text"),
                texts[index.expect("an index")],
                "{name}: T170"
            ),
            "response.output_item.done" => {
                let index = index.expect("an index");
                let item = &value["item"];
                assert_eq!(item["id"], items[index]["id"], "{name}: T167");
                let told = texts[index].as_str();
                match text(item, "/type") {
                    "message" => assert_eq!(joined(item, "content", "text"), told, "{name}"),
                    "function_call" => {
                        let arguments = text(item, "/arguments");
                        assert!(
                            arguments == told || (told.is_empty() && arguments == "{}"),
                            "{name}: T76"
                        );
                        said.calls
                            .push((text(item, "/name").to_owned(), arguments.to_owned()));
                    }
                    "custom_tool_call" => {
                        assert_eq!(text(item, "/input"), told, "{name}: T52");
                        said.calls
                            .push((text(item, "/name").to_owned(), told.to_owned()));
                    }
                    "reasoning" => assert_eq!(joined(item, "summary", "text"), told, "{name}"),
                    "image_generation_call" => said.text += &shown(item),
                    "web_search_call" => assert!(item["action"]["type"].is_string(), "{name}"),
                    other => assert_eq!(other, "an item we make", "{name}"),
                }
                open[index] = false;
                items[index] = item.clone();
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                terminals += 1;
                assert!(
                    kind == "response.failed" || !open.contains(&true),
                    "{name}: every start has its end before the terminal"
                );
                assert_eq!(text(&value, "/response/id"), id, "{name}: one id (T166)");
                if kind == "response.failed" {
                    said.end = "error".to_owned();
                    assert!(!text(&value, "/response/error/code").is_empty(), "{name}");
                } else {
                    assert_eq!(
                        value["response"]["output"],
                        Value::Array(items.clone()),
                        "{name}: T168"
                    );
                    assert_eq!(
                        said_json_responses(&value["response"]).calls,
                        said.calls,
                        "{name}"
                    );
                    said.usage = counts(&value["response"]["usage"], RESPONSES_USAGE);
                    said.end = responses_end(&value["response"]);
                }
            }
            "error" => assert!(
                !text(&value, "/error/message").is_empty(),
                "{name}: nested (B3)"
            ),
            _ => {}
        }
    }
    assert_eq!(terminals, 1, "{name}: exactly one terminal");
    said
}

fn joined(item: &Value, list: &str, key: &str) -> String {
    item[list]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|part| part[key].as_str())
        .collect()
}

fn responses_end(response: &Value) -> String {
    let calls = response["output"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|item| matches!(text(item, "/type"), "function_call" | "custom_tool_call"));
    match (
        text(response, "/status"),
        text(response, "/incomplete_details/reason"),
    ) {
        ("failed" | "cancelled", _) => "error",
        (_, "content_filter") => "content_filter",
        ("incomplete", _) => "length",
        _ if calls => "tool_calls",
        _ => "stop",
    }
    .to_owned()
}

/// F98, T34: a picture, and code that ran at the provider, as clients of other dialects are shown them, in the text.
fn shown(item: &Value) -> String {
    match text(item, "/type") {
        "image_generation_call" => {
            let format = item["output_format"].as_str().unwrap_or("png");
            let picture = |data| format!("![image](data:image/{format};base64,{data})");
            item["result"].as_str().map(picture).unwrap_or_default()
        }
        "code_interpreter_call" => {
            let mut all = String::new();
            if let Some(code) = item["code"].as_str() {
                all += &format!("\n```python\n{code}\n```\n");
            }
            for output in item["outputs"].as_array().into_iter().flatten() {
                if let Some(printed) = output["logs"].as_str() {
                    all += &format!("\n```\n{printed}\n```\n");
                }
            }
            all
        }
        _ => String::new(),
    }
}

/// What a whole Responses answer says.
pub fn said_json_responses(response: &Value) -> Said {
    let mut said = Said {
        usage: counts(&response["usage"], RESPONSES_USAGE),
        end: responses_end(response),
        ..Said::default()
    };
    for item in response["output"].as_array().into_iter().flatten() {
        match text(item, "/type") {
            "message" => {
                said.text += &joined(item, "content", "text");
                said.refusal += &joined(item, "content", "refusal");
            }
            "reasoning" => {
                let summary = joined(item, "summary", "text");
                said.reasoning += &if summary.is_empty() {
                    joined(item, "content", "text")
                } else {
                    summary
                };
            }
            "function_call" => said.calls.push((
                text(item, "/name").to_owned(),
                text(item, "/arguments").to_owned(),
            )),
            "custom_tool_call" => said.calls.push((
                text(item, "/name").to_owned(),
                text(item, "/input").to_owned(),
            )),
            _ => said.text += &shown(item),
        }
    }
    said
}

/// What a whole Chat answer says.
pub fn said_json_chat(answer: &Value) -> Said {
    let message = &answer["choices"][0]["message"];
    let mut said = Said {
        text: text(message, "/content").to_owned(),
        refusal: text(message, "/refusal").to_owned(),
        reasoning: ["/reasoning_content", "/reasoning"]
            .map(|key| text(message, key))
            .into_iter()
            .find(|words| !words.is_empty())
            .unwrap_or_default()
            .to_owned(),
        usage: counts(&answer["usage"], CHAT_USAGE),
        ..Said::default()
    };
    for part in message["content"].as_array().into_iter().flatten() {
        said.text += text(part, "/text");
        said.reasoning += &joined(part, "thinking", "text");
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let kind = if call.get("custom").is_some() {
            "custom"
        } else {
            "function"
        };
        let arguments = call
            .pointer(&format!("/{kind}/arguments"))
            .or(call.pointer("/custom/input"))
            .unwrap_or(&Value::Null);
        let arguments = match arguments {
            Value::String(arguments) => arguments.clone(),
            // T78
            Value::Null => "{}".to_owned(),
            other => other.to_string(),
        };
        said.calls
            .push((text(call, &format!("/{kind}/name")).to_owned(), arguments));
    }
    said.end = match answer["choices"][0]["finish_reason"].as_str() {
        Some("length") => "length",
        Some("content_filter") => "content_filter",
        Some("error") => "error",
        _ if !said.calls.is_empty() => "tool_calls",
        _ => "stop",
    }
    .to_owned();
    said
}

/// What a recorded upstream stream says, read the slow way and without judging it.
pub fn said_by_chat_recording(stream: &[u8]) -> Said {
    let mut said = Said::default();
    let mut ids: Vec<(u64, String)> = Vec::new();
    for (_, value) in events(stream) {
        if let Some(usage) = counts(&value["usage"], CHAT_USAGE)
            .or_else(|| counts(&value["x_groq"]["usage"], CHAT_USAGE))
        {
            said.usage = Some(usage);
        }
        if value.get("error").is_some_and(|error| !error.is_null()) {
            said.end = "error".to_owned();
        }
        for choice in value["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0)
        {
            let delta = &choice["delta"];
            said.text += text(delta, "/content");
            for part in delta["content"].as_array().into_iter().flatten() {
                said.text += text(part, "/text");
                said.reasoning += &joined(part, "thinking", "text");
            }
            said.refusal += text(delta, "/refusal");
            let thoughts = ["/reasoning_content", "/reasoning"].map(|key| text(delta, key));
            said.reasoning += thoughts
                .into_iter()
                .find(|words| !words.is_empty())
                .unwrap_or_default();
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = call["index"].as_u64().unwrap_or(0);
                let id = text(call, "/id");
                let at = ids.iter().rposition(|(known, name)| {
                    if id.is_empty() {
                        *known == index
                    } else {
                        name == id
                    }
                });
                let at = at.unwrap_or_else(|| {
                    ids.push((index, id.to_owned()));
                    said.calls
                        .push((text(call, "/function/name").to_owned(), String::new()));
                    ids.len() - 1
                });
                said.calls[at].1 += text(call, "/function/arguments");
            }
            match choice["finish_reason"].as_str() {
                Some("length") => said.end = "length".to_owned(),
                Some("content_filter") => said.end = "content_filter".to_owned(),
                Some(_) if !said.calls.is_empty() => said.end = "tool_calls".to_owned(),
                Some(_) => said.end = "stop".to_owned(),
                None => {}
            }
        }
    }
    if said.end.is_empty() {
        said.end = "error".to_owned();
    }
    said
}

/// The same for a recorded Responses stream: from the closing events of its items.
pub fn said_by_responses_recording(stream: &[u8]) -> Said {
    let events = events(stream);
    let mut items = Vec::new();
    let mut last = Value::Null;
    let mut told = String::new();
    for (_, value) in &events {
        match text(value, "/type") {
            "response.output_text.delta" => told += text(value, "/delta"),
            "response.output_item.done" => {
                let item = &value["item"];
                told += &shown(item);
                items.push(item.clone());
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.done" => {
                last = value["response"].clone();
                // Some recordings hold a second answer behind it.
                break;
            }
            "error" => {
                return Said {
                    end: "error".to_owned(),
                    ..Said::default()
                };
            }
            _ => {}
        }
    }
    if last["output"].as_array().is_none_or(Vec::is_empty) {
        last["output"] = Value::Array(items);
    }
    let mut said = said_json_responses(&last);
    // Shortened recordings: what was streamed counts.
    if !told.is_empty() {
        said.text = told;
    }
    said
}

/// Input with the cache's share, output, cached, reasoning (table C2).
fn message_counts(usage: &Value) -> Option<[u64; 4]> {
    let [input, output, read, written] = counts(
        usage,
        [
            "/input_tokens",
            "/output_tokens",
            "/cache_read_input_tokens",
            "/cache_creation_input_tokens",
        ],
    )?;
    let thoughts = usage.pointer("/output_tokens_details/thinking_tokens");
    let thoughts = thoughts.and_then(Value::as_u64).unwrap_or(0);
    Some([input + read + written, output, read, thoughts])
}

fn message_end(reason: &str) -> &'static str {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "refusal" => "content_filter",
        "tool_use" => "tool_calls",
        "pause_turn" => "error",
        _ => "stop",
    }
}

/// Demands of Messages clients (B1, T150, T162, T179) and what the stream says.
pub fn judge_messages(name: &str, stream: &[u8]) -> Said {
    let mut said = Said::default();
    let (mut started, mut stopped, mut failed, mut delta_seen) = (false, false, false, false);
    let mut next = 0;
    let mut open: Option<(u64, Value, String)> = None;
    for (event, value) in events(stream) {
        let kind = text(&value, "/type").to_owned();
        assert_eq!(
            event.as_deref(),
            Some(kind.as_str()),
            "{name}: event lines (T162)"
        );
        assert!(!stopped && !failed, "{name}: nothing after the end");
        let index = value["index"].as_u64();
        match kind.as_str() {
            "message_start" => {
                assert!(!started, "{name}: once");
                started = true;
                assert!(
                    value.pointer("/message/usage/input_tokens").is_some(),
                    "{name}: T150"
                );
                assert!(!text(&value, "/message/id").is_empty(), "{name}");
            }
            "content_block_start" => {
                assert!(
                    started && open.is_none(),
                    "{name}: one open at a time (T179)"
                );
                assert_eq!(index, Some(next), "{name}: contiguous from 0 (T179)");
                next += 1;
                open = Some((next - 1, value["content_block"].clone(), String::new()));
            }
            "content_block_delta" => {
                let (at, block, told) = open.as_mut().expect("a start before its delta (B1)");
                assert_eq!(index, Some(*at), "{name}");
                match (text(block, "/type"), text(&value, "/delta/type")) {
                    ("text", "text_delta") => said.text += text(&value, "/delta/text"),
                    ("thinking", "thinking_delta") => {
                        said.reasoning += text(&value, "/delta/thinking")
                    }
                    ("thinking", "signature_delta") => {
                        assert!(told.is_empty(), "{name}: one signature (T92)");
                        *told = "signed".to_owned();
                    }
                    ("text", "citations_delta") => {
                        assert!(!said.text.is_empty(), "{name}: words before their sources");
                    }
                    ("tool_use" | "server_tool_use", "input_json_delta") => {
                        *told += text(&value, "/delta/partial_json")
                    }
                    other => assert_eq!(other, ("block", "delta"), "{name}"),
                }
            }
            "content_block_stop" => {
                let (at, block, told) = open.take().expect("an open block");
                assert_eq!(index, Some(at), "{name}");
                match text(&block, "/type") {
                    "thinking" => assert_eq!(told, "signed", "{name}: T92"),
                    "tool_use" => {
                        let id = text(&block, "/id");
                        assert!(
                            !id.is_empty()
                                && id
                                    .bytes()
                                    .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
                            "{name}: {id} (T71)"
                        );
                        said.calls.push((text(&block, "/name").to_owned(), told));
                    }
                    _ => {}
                }
            }
            "message_delta" => {
                assert!(open.is_none() && !delta_seen, "{name}");
                delta_seen = true;
                assert!(value["usage"]["output_tokens"].is_u64(), "{name}: T150");
                message_end(text(&value, "/delta/stop_reason")).clone_into(&mut said.end);
                said.usage = message_counts(&value["usage"]);
            }
            "message_stop" => {
                assert!(delta_seen, "{name}");
                stopped = true;
            }
            "error" => {
                failed = true;
                assert!(!text(&value, "/error/message").is_empty(), "{name}");
                assert!(!text(&value, "/error/type").is_empty(), "{name}");
                "error".clone_into(&mut said.end);
            }
            "ping" => {}
            other => assert_eq!(other, "an event we make", "{name}"),
        }
    }
    assert!(stopped != failed, "{name}: exactly one terminal");
    said
}

/// Code that ran at the vendor and what it printed, as clients of other dialects are told it (T34): by the call's input and the result.
fn ran(asked: &[(Value, String)], result: &Value) -> String {
    if !matches!(
        text(result, "/type"),
        "code_execution_tool_result"
            | "bash_code_execution_tool_result"
            | "text_editor_code_execution_tool_result"
    ) {
        return String::new();
    }
    let call = asked
        .iter()
        .find(|(block, _)| block["id"] == result["tool_use_id"]);
    let Some((block, told)) = call else {
        return String::new();
    };
    let input = serde_json::from_str(told).unwrap_or_else(|_| block["input"].clone());
    let mut all = String::new();
    if let Some(command) = input["command"].as_str() {
        let file = input["path"].as_str().map(|path| format!(" {path}"));
        all += &format!("\n```sh\n{command}{}\n```\n", file.unwrap_or_default());
    }
    for (key, language) in [("code", "python"), ("file_text", "")] {
        if let Some(code) = input[key].as_str() {
            all += &format!("\n```{language}\n{code}\n```\n");
        }
    }
    for (key, printed) in result["content"].as_object().into_iter().flatten() {
        let printed = match (key.as_str(), printed) {
            ("stdout" | "stderr" | "content" | "error_code" | "error_message", printed)
                if printed.is_string() =>
            {
                vec![text(printed, "").to_owned()]
            }
            ("content", Value::Array(files)) => files
                .iter()
                .map(|file| text(file, "/file_id").to_owned())
                .collect(),
            ("lines", Value::Array(lines)) => {
                let lines: Vec<_> = lines.iter().map(|line| text(line, "")).collect();
                vec![lines.join("\n")]
            }
            _ => continue,
        };
        for printed in printed.iter().filter(|printed| !printed.is_empty()) {
            all += &format!("\n```\n{printed}\n```\n");
        }
    }
    all
}

/// What a whole Messages answer says.
pub fn said_json_messages(answer: &Value) -> Said {
    let mut said = Said {
        usage: message_counts(&answer["usage"]),
        end: message_end(text(answer, "/stop_reason")).to_owned(),
        refusal: text(answer, "/stop_details/explanation").to_owned(),
        ..Said::default()
    };
    let mut asked = Vec::new();
    for block in answer["content"].as_array().into_iter().flatten() {
        said.text += &ran(&asked, block);
        match text(block, "/type") {
            "server_tool_use" => asked.push((block.clone(), String::new())),
            "text" => said.text += text(block, "/text"),
            "thinking" => said.reasoning += text(block, "/thinking"),
            "tool_use" => said
                .calls
                .push((text(block, "/name").to_owned(), block["input"].to_string())),
            _ => {}
        }
    }
    if answer["type"] == "error" {
        said.end = "error".to_owned();
    }
    if said.end == "stop" && !said.calls.is_empty() {
        said.end = "tool_calls".to_owned();
    }
    said
}

/// What a recorded Messages stream says, read the slow way.
pub fn said_by_messages_recording(stream: &[u8]) -> Said {
    let mut said = Said::default();
    let mut usage = serde_json::Map::new();
    let mut id = None;
    let mut tool: Option<(Value, String)> = None;
    let mut asked = Vec::new();
    for (_, value) in events(stream) {
        for pointer in ["/message/usage", "/usage"] {
            if let Some(Value::Object(counts)) = value.pointer(pointer) {
                usage.extend(
                    counts
                        .clone()
                        .into_iter()
                        .filter(|(_, count)| !count.is_null()),
                );
            }
        }
        match text(&value, "/type") {
            "message_start" => {
                let this = text(&value, "/message/id").to_owned();
                if id.as_ref().is_some_and(|id| *id != this) {
                    said.end = "error".to_owned();
                    return said;
                }
                id = Some(this);
            }
            "content_block_start"
                if matches!(
                    text(&value, "/content_block/type"),
                    "tool_use" | "server_tool_use"
                ) =>
            {
                tool = Some((value["content_block"].clone(), String::new()));
            }
            "content_block_start" => {
                said.text += &ran(&asked, &value["content_block"]);
                said.text += text(&value, "/content_block/text");
                said.reasoning += text(&value, "/content_block/thinking");
            }
            "content_block_delta" => {
                said.text += text(&value, "/delta/text");
                said.reasoning += text(&value, "/delta/thinking");
                if let Some((_, input)) = &mut tool {
                    *input += text(&value, "/delta/partial_json");
                }
            }
            "content_block_stop" => {
                if let Some((block, input)) = tool.take() {
                    if block["type"] == "server_tool_use" {
                        asked.push((block, input));
                        continue;
                    }
                    let whole = block["input"].to_string();
                    let input = if input.is_empty() { whole } else { input };
                    said.calls.push((text(&block, "/name").to_owned(), input));
                }
            }
            "message_delta" => {
                said.refusal += text(&value, "/delta/stop_details/explanation");
                if let Some(reason) = value.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    message_end(reason).clone_into(&mut said.end);
                }
            }
            "error" => said.end = "error".to_owned(),
            // Some recordings hold several answers.
            "message_stop" => break,
            _ => {}
        }
    }
    if said.end.is_empty() {
        said.end = "error".to_owned();
    }
    if said.end == "stop" && !said.calls.is_empty() {
        said.end = "tool_calls".to_owned();
    }
    said.usage = (!usage.is_empty())
        .then(|| message_counts(&Value::Object(usage)))
        .flatten();
    said
}

fn gemini_counts(answer: &Value) -> Option<[u64; 4]> {
    let usage = answer.get("usageMetadata")?;
    let count = |name: &str| usage[name].as_u64();
    count("promptTokenCount").or(count("candidatesTokenCount"))?;
    let count = |name: &str| count(name).unwrap_or(0);
    Some([
        count("promptTokenCount") + count("toolUsePromptTokenCount"),
        count("candidatesTokenCount") + count("thoughtsTokenCount"),
        count("cachedContentTokenCount"),
        count("thoughtsTokenCount"),
    ])
}

/// Adds what one piece of a Gemini answer says.
fn gemini_piece(piece: &Value, said: &mut Said) {
    said.usage = gemini_counts(piece).or(said.usage);
    if piece.get("error").is_some() {
        said.end = "error".to_owned();
        return;
    }
    if piece.pointer("/promptFeedback/blockReason").is_some() {
        said.end = "content_filter".to_owned();
    }
    let candidate = &piece["candidates"][0];
    for part in candidate
        .pointer("/content/parts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if part["thought"] == true {
            said.reasoning += text(part, "/text");
            continue;
        }
        said.text += text(part, "/text");
        if part.get("executableCode").is_some() {
            let language = text(part, "/executableCode/language").to_lowercase();
            let code = text(part, "/executableCode/code");
            said.text += &format!("\n```{language}\n{code}\n```\n");
        }
        if part.get("codeExecutionResult").is_some() {
            let printed = text(part, "/codeExecutionResult/output");
            said.text += &format!("\n```\n{printed}\n```\n");
        }
        if let Some(media) = part.get("inlineData") {
            let (kind, data) = (text(media, "/mimeType"), text(media, "/data"));
            said.text += &if kind.starts_with("image/") {
                format!("![image](data:{kind};base64,{data})")
            } else {
                format!("\n![{kind}](data:{kind};base64,{data})\n")
            };
        }
        if let Some(call) = part.get("functionCall") {
            if call.get("name").is_some() {
                let args = call.get("args").map_or("{}".to_owned(), Value::to_string);
                said.calls.push((text(call, "/name").to_owned(), args));
            }
            // Arguments told piece by piece have no name beside them; the recorded ones are words of the first level.
            let pieces = call.get("partialArgs").and_then(Value::as_array);
            for piece in pieces.into_iter().flatten() {
                let (_, args) = said.calls.last_mut().expect("a call that goes on");
                let mut all: Value = serde_json::from_str(args).expect("JSON");
                let name = text(piece, "/jsonPath").trim_start_matches("$.");
                let words = text(&all, &format!("/{name}")).to_owned();
                all[name] = Value::String(words + text(piece, "/stringValue"));
                *args = all.to_string();
            }
        }
    }
    match text(candidate, "/finishReason") {
        "" => {}
        "MAX_TOKENS" => said.end = "length".to_owned(),
        "SAFETY" | "PROHIBITED_CONTENT" | "BLOCKLIST" | "SPII" | "RECITATION" | "MODEL_ARMOR"
        | "IMAGE_SAFETY" => said.end = "content_filter".to_owned(),
        "MALFORMED_FUNCTION_CALL" | "OTHER" | "NO_IMAGE" => said.end = "error".to_owned(),
        _ => said.end = "stop".to_owned(),
    }
}

fn gemini_end(mut said: Said) -> Said {
    if said.end.is_empty() {
        said.end = "error".to_owned();
    }
    if said.end == "stop" && !said.calls.is_empty() {
        said.end = "tool_calls".to_owned();
    }
    said
}

/// What a whole Gemini answer says.
pub fn said_json_gemini(answer: &Value) -> Said {
    let mut said = Said {
        end: "stop".to_owned(),
        ..Said::default()
    };
    gemini_piece(answer, &mut said);
    gemini_end(said)
}

/// What a recorded Gemini stream says, read the slow way.
pub fn said_by_gemini_recording(stream: &[u8]) -> Said {
    let mut said = Said::default();
    for (_, value) in events(stream) {
        gemini_piece(&value, &mut said);
        if value.get("error").is_some() {
            break;
        }
    }
    gemini_end(said)
}

/// Demands of Gemini clients (B4, T162) and what the stream says.
pub fn judge_gemini(name: &str, stream: &[u8]) -> Said {
    let plain = String::from_utf8_lossy(stream);
    let mut said = Said::default();
    let (mut finished, mut failed) = (false, false);
    for frame in plain.split_terminator("\n\n") {
        let data = frame.trim_start_matches('\n').strip_prefix("data: ");
        let data = data.unwrap_or_default();
        assert!(
            data.starts_with('{'),
            "{name}: only data, with its space (T162): {frame:.80}"
        );
        let value: Value = serde_json::from_str(data).expect("JSON in one line");
        assert!(!finished && !failed, "{name}: nothing after the end");
        gemini_piece(&value, &mut said);
        if let Some(error) = value.get("error") {
            failed = true;
            assert!(
                error["code"].is_u64() && !text(error, "/message").is_empty(),
                "{name}"
            );
            assert!(!text(error, "/status").is_empty(), "{name}");
            continue;
        }
        assert!(!text(&value, "/responseId").is_empty(), "{name}");
        for part in value["candidates"][0]["content"]["parts"]
            .as_array()
            .expect("parts")
        {
            if let Some(call) = part.get("functionCall") {
                assert!(call["args"].is_object(), "{name}: T77");
                assert!(!text(call, "/id").is_empty(), "{name}: T70");
            }
            if let Some(seal) = part.get("thoughtSignature") {
                let base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
                let seal = seal.as_str().expect("a string");
                assert!(seal.bytes().all(base64), "{name}: {seal:.60}");
            }
        }
        finished = value["candidates"][0].get("finishReason").is_some();
    }
    assert!(
        plain.ends_with("\n\n"),
        "{name}: the final blank line (T162)"
    );
    assert!(finished != failed, "{name}: exactly one terminal");
    gemini_end(said)
}

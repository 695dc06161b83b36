//! Nothing of an answer is lost in silence: whatever a provider may tell stands in the client's answer, or the answer's losses name it. Every item,
//! block, part, field and event that the decoders know (and some that they do not) by every client, streamed and whole, each way around.

mod corpus;
mod judge;
mod stage;

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Out, Target};
use serde_json::{Value, json};
use stage::{answer_to, delta, frames, last_chunk};

const CLIENTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];

/// Stands in everything that is told, and nowhere else.
const MARK: &str = "MARKMARKMARKMARK";

/// One thing that an answer of `from` may hold.
struct Case {
    from: Target,
    name: String,
    /// The loss that has to be there where the client is not told; a part of its name.
    lost: &'static str,
    stream: Vec<Value>,
    /// The same as one JSON answer, where there is such a thing.
    whole: Option<Value>,
}

fn merged(mut to: Value, more: &Value) -> Value {
    if let (Some(to), Some(more)) = (to.as_object_mut(), more.as_object()) {
        to.extend(more.clone());
    }
    to
}

// Responses

fn response(head: &Value, output: Value) -> Value {
    let plain = json!({"id": "resp_1", "object": "response", "model": "up", "status": "completed", "output": output});
    merged(plain, head)
}

fn response_of(name: &str, lost: &'static str, head: &Value, items: &[Value]) -> Case {
    let said = json!({"type": "message", "id": "msg_9", "role": "assistant", "content": [{"type": "output_text", "text": "ok", "annotations": []}]});
    let all: Vec<Value> = items.iter().cloned().chain([said]).collect();
    let mut stream =
        vec![json!({"type": "response.created", "response": {"id": "resp_1", "model": "up"}})];
    for (at, item) in all.iter().enumerate() {
        let began = json!({"type": item["type"], "id": item["id"], "call_id": item["call_id"], "name": item["name"], "phase": item["phase"], "namespace": item["namespace"]});
        stream
            .push(json!({"type": "response.output_item.added", "output_index": at, "item": began}));
        stream.push(json!({"type": "response.output_item.done", "output_index": at, "item": item}));
    }
    let end = response(head, json!([]));
    let kind = format!("response.{}", end["status"].as_str().unwrap_or("completed"));
    stream.push(json!({"type": kind, "response": end}));
    Case {
        from: Target::Responses,
        name: format!("responses {name}"),
        lost,
        stream,
        whole: Some(response(head, Value::from(all))),
    }
}

fn item(lost: &'static str, item: Value) -> Case {
    response_of(&item.to_string(), lost, &json!({}), &[item])
}

fn event(lost: &'static str, event: Value) -> Case {
    let mut case = response_of(&event.to_string(), lost, &json!({}), &[]);
    case.stream.insert(1, event);
    case.whole = None;
    case
}

fn of_responses() -> Vec<Case> {
    let message = |part: Value| json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [part]});
    let noted = |annotation: Value| {
        message(json!({"type": "output_text", "text": "ok then", "annotations": [annotation]}))
    };
    vec![
        item(
            "answer",
            message(json!({"type": "output_text", "text": MARK, "annotations": []})),
        ),
        item(
            "answer.refusal",
            message(json!({"type": "refusal", "refusal": MARK})),
        ),
        item(
            "answer.logprobs",
            message(
                json!({"type": "output_text", "text": "ok", "annotations": [], "logprobs": [{"token": MARK, "logprob": -1, "top_logprobs": []}]}),
            ),
        ),
        item(
            "answer.citations",
            noted(
                json!({"type": "url_citation", "url": MARK, "title": "t", "start_index": 0, "end_index": 2}),
            ),
        ),
        item(
            "answer.citations",
            noted(json!({"type": "url_citation", "url": MARK})),
        ),
        item(
            "answer.citations",
            noted(json!({"type": "file_citation", "file_id": MARK, "filename": "f", "index": 2})),
        ),
        item(
            "answer.citations",
            noted(json!({"type": "file_path", "file_id": MARK, "index": 2})),
        ),
        item(
            "answer.citations",
            noted(
                json!({"type": "container_file_citation", "file_id": MARK, "container_id": "c", "filename": "f", "start_index": 0, "end_index": 2}),
            ),
        ),
        item(
            "answer.citations",
            noted(json!({"type": "novel_citation", "novel": MARK})),
        ),
        item("answer.citations", noted(json!(MARK))),
        item(
            "answer.audio",
            message(json!({"type": "output_audio", "data": MARK, "transcript": "t"})),
        ),
        item(
            "answer.item",
            message(json!({"type": "novel_part", "novel": MARK})),
        ),
        item(
            "answer.phase",
            json!({"type": "message", "id": "msg_1", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": MARK, "annotations": []}]}),
        ),
        item(
            "answer.reasoning",
            json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": MARK}]}),
        ),
        item(
            "answer.reasoning",
            json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "content": [{"type": "reasoning_text", "text": MARK}]}),
        ),
        item(
            "answer.reasoning.signature",
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": MARK}),
        ),
        item(
            "answer",
            json!({"type": "function_call", "id": "fc_1", "call_id": "c_1", "name": "f", "arguments": format!("{{\"a\":\"{MARK}\"}}")}),
        ),
        item(
            "answer.namespace",
            json!({"type": "function_call", "id": "fc_1", "call_id": "c_1", "name": "f", "namespace": MARK, "arguments": "{}"}),
        ),
        item(
            "answer.item",
            json!({"type": "function_call", "id": "fc_1", "call_id": "c_1", "arguments": format!("{{\"a\":\"{MARK}\"}}")}),
        ),
        item(
            "answer.custom_tool_call",
            json!({"type": "custom_tool_call", "id": "ctc_1", "call_id": "c_1", "name": "f", "input": MARK}),
        ),
        item(
            "answer.web_search",
            json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": MARK}}),
        ),
        item(
            "answer.web_search",
            json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "queries": [MARK, "b"]}}),
        ),
        item(
            "answer.web_search",
            json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": MARK}]}}),
        ),
        item(
            "answer.open_page",
            json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "open_page", "url": MARK}}),
        ),
        item(
            "answer.find_in_page",
            json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "find_in_page", "url": "https://example.com", "pattern": MARK}}),
        ),
        item(
            "answer.web_search",
            json!({"type": "web_search_call", "id": MARK, "status": "failed"}),
        ),
        item(
            "answer.image",
            json!({"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": MARK, "output_format": "png"}),
        ),
        item(
            "answer.hosted_tool",
            json!({"type": "image_generation_call", "id": MARK, "status": "failed", "result": null}),
        ),
        item(
            "answer.code",
            json!({"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": MARK, "outputs": [{"type": "logs", "logs": "1"}]}),
        ),
        item(
            "answer.files",
            json!({"type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "c", "code": "plot()", "outputs": [{"type": "image", "url": MARK}]}),
        ),
        item(
            "answer.hosted_tool",
            json!({"type": "code_interpreter_call", "id": MARK, "status": "failed", "code": null, "outputs": null}),
        ),
        item(
            "answer.file_search",
            json!({"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": [MARK], "results": null}),
        ),
        item(
            "answer.computer_call",
            json!({"type": "computer_call", "id": "cu_1", "call_id": MARK, "status": "completed", "action": {"type": "screenshot"}, "pending_safety_checks": []}),
        ),
        item(
            "answer.mcp",
            json!({"type": "mcp_call", "id": "mcp_1", "server_label": MARK, "name": "f", "arguments": "{}", "output": "o"}),
        ),
        item(
            "answer.mcp",
            json!({"type": "mcp_list_tools", "id": "mcpl_1", "server_label": MARK, "tools": []}),
        ),
        item(
            "answer.mcp",
            json!({"type": "mcp_approval_request", "id": "mcpr_1", "server_label": MARK, "name": "f", "arguments": "{}"}),
        ),
        item(
            "answer.shell",
            json!({"type": "local_shell_call", "id": "lsh_1", "call_id": MARK, "status": "completed", "action": {"type": "exec", "command": ["ls"]}}),
        ),
        item(
            "answer.shell",
            json!({"type": "shell_call", "id": "sh_1", "call_id": MARK, "status": "completed", "action": {"commands": ["ls"]}}),
        ),
        item(
            "answer.shell",
            json!({"type": "apply_patch_call", "id": "apc_1", "call_id": MARK, "status": "completed", "operation": {"type": "delete_file", "path": "p"}}),
        ),
        item(
            "answer.compaction",
            json!({"type": "compaction", "id": "cmp_1", "encrypted_content": MARK}),
        ),
        item(
            "answer.hosted_tool",
            json!({"type": "tool_search_call", "id": "ts_1", "call_id": MARK, "status": "completed", "arguments": {}}),
        ),
        item(
            "answer.item",
            json!({"type": "novel_item", "id": "n_1", "novel": MARK}),
        ),
        event(
            "answer.partial_image",
            json!({"type": "response.image_generation_call.partial_image", "output_index": 7, "item_id": "ig", "partial_image_index": 0, "partial_image_b64": MARK}),
        ),
        event(
            "answer.audio",
            json!({"type": "response.audio.delta", "delta": MARK}),
        ),
        event(
            "answer.event",
            json!({"type": "response.novel.delta", "delta": MARK}),
        ),
        event(
            "answer.event",
            json!({"type": "novel.event", "novel": MARK}),
        ),
        event(
            "answer.unreadable",
            json!(format!(
                "{{\"type\":\"response.output_item.done\",\"item\":{{\"type\":\"{MARK}"
            )),
        ),
        event(
            "answer.citations",
            json!({"type": "response.output_text.annotation.added", "output_index": 0, "annotation": MARK}),
        ),
        response_of(
            "reason",
            "answer.stop_reason",
            &json!({"status": "incomplete", "incomplete_details": {"reason": MARK}}),
            &[],
        ),
    ]
}

// Chat

fn choice(index: u64, inside: &Value) -> Value {
    let plain = json!({"index": index, "delta": {}, "finish_reason": null});
    json!({"id": "c", "created": 7, "model": "up", "choices": [merged(plain, inside)]})
}

/// `inside` stands in a chunk's choice, and in a whole answer's.
fn chosen(lost: &'static str, index: u64, inside: &Value) -> Case {
    let ended = inside.get("finish_reason").is_some();
    let mut stream = vec![
        delta(json!({"role": "assistant", "content": "ok"})),
        choice(index, inside),
    ];
    if !ended {
        stream.push(last_chunk("stop"));
    }
    let mut whole = json!({"index": index, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}});
    for (key, value) in inside.as_object().expect("a choice") {
        match key.as_str() {
            "delta" => whole["message"] = merged(whole["message"].clone(), value),
            key => whole[key] = value.clone(),
        }
    }
    let mut choices = vec![whole];
    if index > 0 {
        choices.insert(0, json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}));
    }
    Case {
        from: Target::Chat,
        name: format!("chat {index} {inside}"),
        lost,
        stream,
        whole: Some(
            json!({"id": "c", "object": "chat.completion", "created": 7, "model": "up", "choices": choices}),
        ),
    }
}

fn said(lost: &'static str, inside: Value) -> Case {
    chosen(lost, 0, &json!({"delta": inside}))
}

fn of_chat() -> Vec<Case> {
    let link = |more: Value| {
        let link = merged(json!({"url": MARK, "title": "t"}), &more);
        json!({"annotations": [{"type": "url_citation", "url_citation": link}]})
    };
    let mut all = vec![
        said("answer", json!({"content": MARK})),
        said(
            "answer",
            json!({"content": [{"type": "text", "text": MARK}]}),
        ),
        said(
            "answer.item",
            json!({"content": [{"type": "image_url", "image_url": {"url": MARK}}]}),
        ),
        said("answer.item", json!({"content": [MARK]})),
        said("answer.refusal", json!({"refusal": MARK})),
        said("answer", json!({"reasoning_content": MARK})),
        said(
            "answer.reasoning.signature",
            json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": MARK}]}),
        ),
        said(
            "answer.citations",
            link(json!({"start_index": 0, "end_index": 2})),
        ),
        said("answer.citations", link(json!({}))),
        said("answer.citations", json!({"annotations": [MARK]})),
        said("answer.audio", json!({"audio": {"id": "a", "data": MARK}})),
        said(
            "answer.media",
            json!({"images": [{"type": "image_url", "image_url": {"url": MARK}}]}),
        ),
        said("answer.field", json!({"novel": MARK})),
        said(
            "answer",
            json!({"tool_calls": [{"index": 0, "id": "c_1", "type": "function", "function": {"name": "f", "arguments": format!("{{\"a\":\"{MARK}\"}}")}}]}),
        ),
        said(
            "answer.custom_tool_call",
            json!({"tool_calls": [{"index": 0, "id": "c_1", "type": "custom", "custom": {"name": "f", "input": MARK}}]}),
        ),
        said(
            "answer.item",
            json!({"tool_calls": [{"index": 0, "id": "c_1", "type": "function", "function": {"arguments": format!("{{\"a\":\"{MARK}\"}}")}}]}),
        ),
        said(
            "answer.reasoning.signature",
            json!({"tool_calls": [{"index": 0, "id": "c_1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": MARK}}}]}),
        ),
        chosen(
            "answer.logprobs",
            0,
            &json!({"delta": {"content": "ok"}, "logprobs": {"content": [{"token": MARK, "logprob": -1, "top_logprobs": []}]}}),
        ),
        chosen(
            "answer.logprobs",
            0,
            &json!({"delta": {"content": ""}, "logprobs": {"content": [{"token": MARK, "logprob": -1, "top_logprobs": []}]}}),
        ),
        chosen(
            "answer.logprobs",
            0,
            &json!({"delta": {"content": "ok"}, "logprobs": {"refusal": [{"token": MARK}]}}),
        ),
        chosen("answer.stop_reason", 0, &json!({"finish_reason": MARK})),
        chosen("answer.candidates", 1, &json!({"delta": {"content": MARK}})),
    ];
    for key in ["citations", "search_results"] {
        let mut case = said("answer.citations", json!({}));
        case.stream[0][key] = json!([MARK]);
        if let Some(whole) = &mut case.whole {
            whole[key] = json!([MARK]);
        }
        all.push(Case {
            name: format!("chat {key}"),
            ..case
        });
    }
    let mut cut = said("answer.unreadable", json!({}));
    cut.stream.insert(
        1,
        json!(format!("{{\"choices\":[{{\"delta\":{{\"content\":\"{MARK}")),
    );
    all.push(Case {
        name: "chat, damaged".into(),
        whole: None,
        ..cut
    });
    all
}

// Messages

fn message(head: &Value, content: &[Value]) -> Value {
    let plain = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": content, "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}});
    merged(plain, head)
}

fn message_of(name: &str, lost: &'static str, head: &Value, blocks: &[Value]) -> Case {
    let text = json!({"type": "text", "text": "ok"});
    let all: Vec<Value> = blocks.iter().cloned().chain([text]).collect();
    let mut stream = vec![
        json!({"type": "message_start", "message": message(&json!({"stop_reason": null}), &[])}),
    ];
    for (index, block) in all.iter().enumerate() {
        stream.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        stream.push(json!({"type": "content_block_stop", "index": index}));
    }
    let end = merged(
        json!({"stop_reason": "end_turn", "stop_sequence": null}),
        head,
    );
    stream.push(json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 1}}));
    stream.push(json!({"type": "message_stop"}));
    Case {
        from: Target::Messages,
        name: format!("messages {name}"),
        lost,
        stream,
        whole: Some(message(head, &all)),
    }
}

fn blocks(lost: &'static str, blocks: &[Value]) -> Case {
    message_of(&Value::from(blocks).to_string(), lost, &json!({}), blocks)
}

fn ended(lost: &'static str, head: Value) -> Case {
    message_of(&head.to_string(), lost, &head, &[])
}

fn told(lost: &'static str, event: Value) -> Case {
    let mut case = message_of(&event.to_string(), lost, &json!({}), &[]);
    case.stream.insert(2, event);
    Case {
        whole: None,
        ..case
    }
}

fn of_messages() -> Vec<Case> {
    let asked = |name: &str, input: Value| json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": name, "input": input});
    let result = |kind: &str, content: Value| json!({"type": kind, "tool_use_id": "srvtoolu_1", "content": content});
    let cited = |citation: Value| [json!({"type": "text", "text": "yes", "citations": [citation]})];
    vec![
        blocks("answer", &[json!({"type": "text", "text": MARK})]),
        blocks(
            "answer",
            &[json!({"type": "thinking", "thinking": MARK, "signature": ""})],
        ),
        blocks(
            "answer.reasoning.signature",
            &[json!({"type": "thinking", "thinking": "hm", "signature": MARK})],
        ),
        blocks(
            "answer.reasoning.signature",
            &[json!({"type": "redacted_thinking", "data": MARK})],
        ),
        blocks(
            "answer",
            &[json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": MARK}})],
        ),
        blocks(
            "answer.web_search",
            &[
                asked("web_search", json!({"query": MARK})),
                result(
                    "web_search_tool_result",
                    json!([{"type": "web_search_result", "url": "https://example.com", "title": "t", "encrypted_content": "e"}]),
                ),
            ],
        ),
        blocks(
            "answer.web_search",
            &[
                asked("web_search", json!({"query": "q"})),
                result(
                    "web_search_tool_result",
                    json!([{"type": "web_search_result", "url": MARK, "title": "t", "encrypted_content": "e"}]),
                ),
            ],
        ),
        blocks(
            "answer.web_search",
            &[
                asked("web_search", json!({"query": MARK})),
                result(
                    "web_search_tool_result",
                    json!({"type": "web_search_tool_result_error", "error_code": "unavailable"}),
                ),
            ],
        ),
        blocks(
            "answer.hosted_tool",
            &[asked("web_search", json!({"query": MARK}))],
        ),
        blocks(
            "answer.open_page",
            &[
                asked("web_fetch", json!({"url": "u"})),
                result(
                    "web_fetch_tool_result",
                    json!({"type": "web_fetch_result", "url": MARK, "content": {"type": "document"}}),
                ),
            ],
        ),
        blocks(
            "answer.web_search.sources",
            &[
                asked("web_fetch", json!({"url": "u"})),
                result(
                    "web_fetch_tool_result",
                    json!({"type": "web_fetch_result", "url": "https://example.com", "content": {"type": "document", "source": {"type": "text", "data": MARK}}}),
                ),
            ],
        ),
        blocks(
            "answer.code",
            &[
                asked("code_execution", json!({"code": MARK})),
                result(
                    "code_execution_tool_result",
                    json!({"type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0, "content": []}),
                ),
            ],
        ),
        blocks(
            "answer.files",
            &[
                asked("code_execution", json!({"code": "plot()"})),
                result(
                    "code_execution_tool_result",
                    json!({"type": "code_execution_result", "stdout": "", "stderr": "", "return_code": 0, "content": [{"type": "code_execution_output", "file_id": MARK}]}),
                ),
            ],
        ),
        blocks(
            "answer.hosted_tool",
            &[
                asked("text_editor_code_execution", json!({"command": "view"})),
                result(
                    "text_editor_code_execution_tool_result",
                    json!({"type": "text_editor_code_execution_view_result", "content": MARK}),
                ),
            ],
        ),
        blocks(
            "answer.hosted_tool",
            &[
                asked("tool_search_tool_regex", json!({"query": "q"})),
                result(
                    "tool_search_tool_result",
                    json!({"tool_references": [MARK]}),
                ),
            ],
        ),
        blocks(
            "answer.mcp",
            &[
                json!({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "f", "server_name": MARK, "input": {}}),
            ],
        ),
        blocks(
            "answer.mcp",
            &[
                json!({"type": "mcp_tool_result", "tool_use_id": "mcptoolu_1", "is_error": false, "content": [{"type": "text", "text": MARK}]}),
            ],
        ),
        blocks(
            "answer.files",
            &[json!({"type": "container_upload", "file_id": MARK})],
        ),
        blocks(
            "answer.compaction",
            &[json!({"type": "compaction", "content": MARK})],
        ),
        blocks(
            "answer.item",
            &[json!({"type": "novel_block", "novel": MARK})],
        ),
        blocks(
            "answer.citations",
            &cited(
                json!({"type": "web_search_result_location", "url": MARK, "title": "t", "cited_text": "c", "encrypted_index": "e"}),
            ),
        ),
        blocks(
            "answer.citations",
            &cited(
                json!({"type": "web_search_result_location", "url": "https://example.com", "title": "t", "cited_text": MARK, "encrypted_index": "e"}),
            ),
        ),
        blocks(
            "answer.citations",
            &cited(
                json!({"type": "char_location", "document_index": 0, "document_title": MARK, "cited_text": "c", "start_char_index": 0, "end_char_index": 2}),
            ),
        ),
        blocks(
            "answer.citations",
            &cited(
                json!({"type": "search_result_location", "source": MARK, "title": "t", "cited_text": "c"}),
            ),
        ),
        blocks("answer.citations", &cited(json!(MARK))),
        told(
            "answer.citations",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": MARK, "title": "t", "cited_text": "c", "encrypted_index": "e"}}}),
        ),
        told(
            "answer.event",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "novel_delta", "novel": MARK}}),
        ),
        told(
            "answer.event",
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "novel_delta", "text": MARK}}),
        ),
        told(
            "answer.item",
            json!({"type": "content_block_delta", "index": 7, "delta": {"type": "novel_delta", "text": MARK}}),
        ),
        told(
            "answer.event",
            json!({"type": "novel_event", "novel": MARK}),
        ),
        told(
            "answer.unreadable",
            json!(format!(
                "{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{MARK}"
            )),
        ),
        ended(
            "answer.stop_sequence",
            json!({"stop_reason": "stop_sequence", "stop_sequence": MARK}),
        ),
        ended(
            "answer.stop_reason",
            json!({"stop_reason": "model_context_window_exceeded", "x": MARK}),
        ),
        ended("answer.stop_reason", json!({"stop_reason": MARK})),
        ended(
            "answer.stop_details",
            json!({"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": MARK}}),
        ),
        ended(
            "answer.refusal",
            json!({"stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": MARK}}),
        ),
    ]
}

// Gemini

/// `candidate` and `piece` are what stands beside the usual.
fn piece_of(lost: &'static str, parts: Value, candidate: &Value, piece: &Value) -> Case {
    let first = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    let first = merged(first, candidate);
    let with = |candidates: Value| {
        let plain = json!({"candidates": candidates, "modelVersion": "up", "responseId": "g1"});
        merged(plain, piece)
    };
    let words = json!([{"text": "ok"}]);
    let last =
        json!({"content": {"role": "model", "parts": words}, "index": 0, "finishReason": "STOP"});
    let whole = merged(last.clone(), candidate);
    let mut all = parts.as_array().cloned().unwrap_or_default();
    all.push(json!({"text": "ok"}));
    let whole = match candidate.get("index") {
        Some(_) => vec![last.clone(), first.clone()],
        None => vec![merged(
            whole,
            &json!({"content": {"role": "model", "parts": all}}),
        )],
    };
    let mut stream = vec![with(json!([first]))];
    if candidate.get("finishReason").is_none() {
        stream.push(with(json!([last])));
    }
    Case {
        from: Target::Gemini,
        name: format!("gemini {parts} {candidate} {piece}"),
        lost,
        stream,
        whole: Some(with(Value::from(whole))),
    }
}

fn part(lost: &'static str, part: Value) -> Case {
    piece_of(lost, json!([part]), &json!({}), &json!({}))
}

fn beside(lost: &'static str, candidate: Value) -> Case {
    piece_of(lost, json!([{"text": "hi"}]), &candidate, &json!({}))
}

fn of_gemini() -> Vec<Case> {
    let web = json!({"web": {"uri": MARK, "title": "t"}});
    vec![
        part("answer", json!({"text": MARK})),
        part("answer", json!({"text": MARK, "thought": true})),
        part(
            "answer.reasoning.signature",
            json!({"text": "hm", "thought": true, "thoughtSignature": MARK}),
        ),
        part(
            "answer.reasoning.signature",
            json!({"text": "hm", "thoughtSignature": MARK}),
        ),
        part(
            "answer.reasoning.signature",
            json!({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": MARK}),
        ),
        part(
            "answer",
            json!({"functionCall": {"name": "f", "args": {"a": MARK}}}),
        ),
        part(
            "answer.item",
            json!({"functionCall": {"args": {"a": MARK}}}),
        ),
        part(
            "answer.image",
            json!({"inlineData": {"mimeType": "image/png", "data": MARK}}),
        ),
        part(
            "answer.media",
            json!({"inlineData": {"mimeType": "image/png", "data": MARK}, "thought": true}),
        ),
        part(
            "answer.media",
            json!({"inlineData": {"mimeType": "audio/wav", "data": MARK}}),
        ),
        part(
            "answer.files",
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": MARK}}),
        ),
        part(
            "answer.code",
            json!({"executableCode": {"language": "PYTHON", "code": MARK}}),
        ),
        part(
            "answer.code",
            json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": MARK}}),
        ),
        part(
            "answer.item",
            json!({"functionResponse": {"name": "f", "response": {"a": MARK}}}),
        ),
        part(
            "answer.hosted_tool",
            json!({"toolCall": {"toolType": MARK}}),
        ),
        part(
            "answer.hosted_tool",
            json!({"toolResponse": {"toolType": MARK}}),
        ),
        part("answer.field", json!({"novel": MARK})),
        beside(
            "answer.safetyRatings",
            json!({"safetyRatings": [{"category": MARK, "probability": "LOW"}]}),
        ),
        beside(
            "answer.logprobs",
            json!({"logprobsResult": {"chosenCandidates": [{"token": MARK}]}}),
        ),
        beside(
            "answer.open_page",
            json!({"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": MARK}]}}),
        ),
        beside(
            "answer.stop_details",
            json!({"finishReason": "SAFETY", "finishMessage": MARK}),
        ),
        beside("answer.stop_reason", json!({"finishReason": MARK})),
        beside("answer.field", json!({"novel": MARK})),
        beside(
            "answer.candidates",
            json!({"index": 1, "content": {"parts": [{"text": MARK}]}}),
        ),
        beside(
            "answer.web_search",
            json!({"groundingMetadata": {"webSearchQueries": [MARK]}}),
        ),
        beside(
            "answer.citations",
            json!({"groundingMetadata": {"groundingChunks": [web], "groundingSupports": [{"segment": {"endIndex": 2, "text": "hi"}, "groundingChunkIndices": [0]}]}}),
        ),
        beside(
            "answer.searchEntryPoint",
            json!({"groundingMetadata": {"webSearchQueries": ["q"], "searchEntryPoint": {"renderedContent": MARK}}}),
        ),
        beside(
            "answer.citations",
            json!({"citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 2, "uri": MARK}]}}),
        ),
        piece_of(
            "answer.citations",
            json!([{"functionCall": {"name": "f", "args": {}}}]),
            &json!({"finishReason": "STOP", "groundingMetadata": {"groundingChunks": [web]}}),
            &json!({}),
        ),
    ]
}

fn all() -> Vec<Case> {
    let each = [of_responses(), of_chat(), of_messages(), of_gemini()];
    each.into_iter().flatten().collect()
}

// Judging

/// Whether the client was told: in its own words, or inside a proof that a Gemini client keeps as base64.
fn tells(sent: &[u8]) -> bool {
    let text = String::from_utf8_lossy(sent);
    // The middle of the mark in base64, at each of the three places it may begin at.
    text.contains(MARK)
        || ["TUFSS01BUktNQVJL", "1BUktNQVJLTUFS", "NQVJLTUFSS01B"]
            .iter()
            .any(|part| text.contains(part))
}

fn fields(answer: &Answer) -> Vec<String> {
    let mut all = Vec::new();
    for loss in answer.lost().losses() {
        assert!(!loss.reason.is_empty());
        all.push(format!("{:?} {}", loss.kind, loss.field));
    }
    all
}

/// How an answer comes and goes: what the client gets, and what the answer has lost.
const WAYS: [&str; 4] = ["streamed", "gathered", "whole", "played"];

fn ways(case: &Case, client: Dialect, way: &str) -> Option<(Vec<u8>, Vec<String>)> {
    let streams = matches!(way, "streamed" | "played");
    let mut answer = answer_to(client, case.from, streams);
    let mut out = Out::new();
    if let "whole" | "played" = way {
        let body = Bytes::from(case.whole.as_ref()?.to_string());
        if streams {
            answer.stream_json(&body, &mut out).expect("played");
            return Some((out.take().expect("a stream").to_vec(), fields(&answer)));
        }
        let sent = answer.answer_json(&body).expect("an answer").to_vec();
        return Some((sent, fields(&answer)));
    }
    answer.push(&frames(&case.stream), &mut out);
    let mut sent = out.take().unwrap_or_default().to_vec();
    answer.finish(&mut out, End::Clean);
    sent.extend_from_slice(&out.take().unwrap_or_default());
    let lost = fields(&answer);
    if !streams {
        sent = answer.into_json().expect("gathered").to_vec();
    }
    Some((sent, lost))
}

#[test]
fn whatever_an_answer_holds_reaches_the_client_or_is_a_loss() {
    let mut silent = Vec::new();
    let mut seen = 0;
    for case in all() {
        for client in CLIENTS {
            for way in WAYS {
                // There the upstream's own whole answer is passed on; its events were only the way there.
                let own =
                    (case.from, client, way) == (Target::Responses, Dialect::Responses, "gathered");
                if own && case.whole.is_none() {
                    continue;
                }
                let Some((sent, lost)) = ways(&case, client, way) else {
                    continue;
                };
                seen += 1;
                let named = lost.iter().any(|one| one.contains(case.lost));
                if !tells(&sent) && !named {
                    silent.push(format!(
                        "{client:?} {way}: {} (want {}, lost {lost:?})",
                        case.name, case.lost
                    ));
                }
            }
        }
    }
    assert!(
        silent.is_empty(),
        "{} of {seen} in silence:\n{}",
        silent.len(),
        silent.join("\n")
    );
    assert!(seen > 1_700, "{seen}");
}

#[test]
fn what_passes_through_loses_nothing() {
    for case in all() {
        let client = case.from.dialect();
        for way in ["streamed", "whole"] {
            // What is no JSON is not passed on to clients that would stumble over it.
            if case.lost == "answer.unreadable" {
                continue;
            }
            let Some((sent, lost)) = ways(&case, client, way) else {
                continue;
            };
            assert!(tells(&sent), "{way}: {}", case.name);
            assert_eq!(lost, [""; 0], "{way}: {}", case.name);
        }
    }
}

#[test]
fn an_answer_that_every_dialect_can_tell_loses_nothing() {
    let call = |id: &str| json!({"type": "function_call", "id": id, "call_id": "c_1", "name": "f", "arguments": "{\"a\":1}"});
    let plain = [
        response_of("plain", "", &json!({}), &[call("fc_1")]),
        response_of(
            "cut",
            "",
            &json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
            &[],
        ),
        said("", json!({"content": "ok", "reasoning_content": "hm"})),
        chosen("", 0, &json!({"finish_reason": "length"})),
        said(
            "",
            json!({"role": "assistant", "content": null, "refusal": null, "audio": null, "tool_calls": [{"index": 0, "id": "c_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
        ),
        blocks(
            "",
            &[
                json!({"type": "text", "text": "ok"}),
                json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}),
            ],
        ),
        told("", json!({"type": "ping"})),
        ended("", json!({"stop_reason": "max_tokens"})),
        part("", json!({"text": "ok"})),
        part("", json!({"functionCall": {"name": "f", "args": {"a": 1}}})),
        beside("", json!({"finishReason": "MAX_TOKENS"})),
    ];
    for case in plain {
        for client in CLIENTS {
            for way in WAYS {
                if let Some((_, lost)) = ways(&case, client, way) {
                    assert_eq!(lost, [""; 0], "{client:?} {way}: {}", case.name);
                }
            }
        }
    }
}

#[test]
fn what_is_told_with_a_near_meaning_is_a_loss_as_well() {
    let find = |name: &str| {
        all()
            .into_iter()
            .find(|case| case.name.contains(name))
            .expect("a case")
    };
    for (name, clients, lost) in [
        (
            "\"ig_1\"",
            &[Dialect::Chat, Dialect::Messages][..],
            "Approximated answer.image",
        ),
        (
            "\"type\":\"refusal\",\"refusal\":",
            &[Dialect::Messages, Dialect::Gemini],
            "Approximated answer.refusal",
        ),
        (
            "ctc_1",
            &[Dialect::Messages, Dialect::Gemini],
            "Approximated answer.custom_tool_call",
        ),
        (
            "\"phase\":\"commentary\"",
            &[Dialect::Chat, Dialect::Messages, Dialect::Gemini],
            "Approximated answer.phase",
        ),
        (
            "gemini [{\"executableCode\"",
            &[Dialect::Chat, Dialect::Responses, Dialect::Messages],
            "Approximated answer.code",
        ),
        (
            "\"audio/wav\"",
            &[Dialect::Chat, Dialect::Responses, Dialect::Messages],
            "Approximated answer.media",
        ),
    ] {
        let case = find(name);
        for client in clients {
            for way in WAYS {
                let (_, told) = ways(&case, *client, way).expect("a way");
                assert!(
                    told.iter().any(|one| one == lost),
                    "{client:?} {way} {name}: {told:?}"
                );
            }
        }
    }
}

#[test]
fn what_was_lost_before_a_cut_or_a_departure_is_known_then() {
    let case = item(
        "answer.file_search",
        json!({"type": "file_search_call", "id": "fs_1", "queries": ["q"]}),
    );
    let mut answer = answer_to(Dialect::Messages, Target::Responses, true);
    let mut out = Out::new();
    answer.push(&frames(&case.stream[..3]), &mut out);
    assert_eq!(fields(&answer), ["Dropped answer.file_search"]);
    answer.finish(
        &mut out,
        End::Cut {
            message: "gone".into(),
        },
    );
    assert_eq!(fields(&answer), ["Dropped answer.file_search"]);
}

#[test]
fn a_stream_of_any_length_names_each_kind_once() {
    let mut answer = answer_to(Dialect::Messages, Target::Chat, true);
    let mut out = Out::new();
    let one = frames(&[choice(
        0,
        &json!({"delta": {"content": "a", "novel": "b"}, "logprobs": {"content": [{"token": "a"}]}}),
    )]);
    for _ in 0..10_000 {
        answer.push(&one, &mut out);
        out.take();
    }
    assert_eq!(
        fields(&answer),
        ["Dropped answer.logprobs", "Dropped answer.field"]
    );
}

/// Recordings that hold what nobody here knows; of everything else in the collection nothing is.
const NOVEL: &[(&str, &str)] = &[
    // Arguments told piece by piece, which nobody asks for here.
    ("vercel-google-stream-no-args-tool-call", "item"),
    ("vercel-google-stream-no-args-tool-call", "field"),
];

#[test]
fn of_recorded_answers_hardly_anything_is_unknown() {
    let corpus = corpus::load();
    let mut unknown = Vec::new();
    for (to, client) in [
        (Target::Chat, Dialect::Responses),
        (Target::Responses, Dialect::Chat),
        (Target::Messages, Dialect::Chat),
        (Target::Gemini, Dialect::Responses),
    ] {
        for stream in corpus.streams_of(to.dialect()) {
            let mut answer = answer_to(client, to, true);
            let mut out = Out::new();
            answer.push(&Bytes::from(stream.bytes.clone()), &mut out);
            answer.finish(&mut out, End::Clean);
            for field in fields(&answer) {
                let novel = ["event", "field", "item", "unreadable"];
                let kind = field.rsplit('.').next().unwrap_or_default();
                let known = NOVEL
                    .iter()
                    .any(|(name, what)| stream.name.contains(name) && *what == kind);
                if novel.contains(&kind) && !known {
                    unknown.push(format!("{} {field}", stream.name));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

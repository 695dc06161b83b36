//! Nothing of a request is lost in silence: every field and item of each dialect's published request shape reaches the account, or is a loss that names
//! it, or a 400 that names it.

use bytes::Bytes;
use protocol::{Dialect, Options, Target, peek, prepare};
use serde_json::{Value, json};

const TARGETS: [Target; 5] = [
    Target::Chat,
    Target::Responses,
    Target::Codex,
    Target::Messages,
    Target::Gemini,
];

/// Stands in what has to arrive, and nowhere else.
const MARK: &str = "MARKMARKMARK";

/// Only bodies for Messages accounts hold it unasked; there no thinking is asked for by silence.
const NO_THINKING: &str = "\"max_tokens\":";

/// A field of a request: its name as a loss or a refusal tells it, the request, and how it may stand in the account's body.
struct Case {
    client: Dialect,
    name: &'static str,
    request: Value,
    needles: Vec<String>,
}

fn merged(mut to: Value, more: &Value) -> Value {
    match (to.as_object_mut(), more.as_object()) {
        (Some(object), Some(more)) => {
            for (key, value) in more {
                let before = object.remove(key).unwrap_or(Value::Null);
                object.insert(key.clone(), merged(before, value));
            }
            to
        }
        _ => more.clone(),
    }
}

fn base(client: Dialect) -> Value {
    let hi = json!([{"role": "user", "content": "hi"}]);
    match client {
        Dialect::Chat => json!({"model": "m", "messages": hi}),
        Dialect::Responses => json!({"model": "m", "input": "hi"}),
        Dialect::Messages => json!({"model": "m", "max_tokens": 99, "messages": hi}),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    }
}

/// A field that carries the mark, or a needle of its own.
fn field(client: Dialect, name: &'static str, patch: &Value, needles: &[&str]) -> Case {
    Case {
        client,
        name,
        request: merged(base(client), patch),
        needles: needles.iter().map(ToString::to_string).collect(),
    }
}

fn mark() -> Vec<String> {
    vec![MARK.to_owned()]
}

fn of_chat() -> Vec<Case> {
    let top = |name, patch: Value, needles: &[&str]| field(Dialect::Chat, name, &patch, needles);
    let message = |name, message: Value| Case {
        client: Dialect::Chat,
        name,
        request: json!({"model": "m", "messages": [{"role": "user", "content": "hi"}, message, {"role": "user", "content": "and?"}]}),
        needles: mark(),
    };
    let part = |name, part: Value| {
        message(
            name,
            json!({"role": "user", "content": [{"type": "text", "text": "see"}, part]}),
        )
    };
    let model = |name, more: Value| {
        message(
            name,
            merged(json!({"role": "assistant", "content": "ok"}), &more),
        )
    };
    let tool = |name, tool: Value| top(name, json!({"tools": [tool]}), &[MARK]);
    let function = |name, more: Value| {
        tool(
            name,
            json!({"type": "function", "function": merged(json!({"name": "f", "parameters": {"type": "object", "properties": {}}}), &more)}),
        )
    };
    vec![
        top("audio", json!({"audio": {"voice": MARK}}), &[MARK]),
        top(
            "modalities",
            json!({"modalities": ["text", "audio"]}),
            &["\"audio\""],
        ),
        top(
            "frequency_penalty",
            json!({"frequency_penalty": 0.4242}),
            &["0.4242"],
        ),
        top(
            "presence_penalty",
            json!({"presence_penalty": 0.4242}),
            &["0.4242"],
        ),
        top(
            "logit_bias",
            json!({"logit_bias": {"424242": 1}}),
            &["424242"],
        ),
        top("logprobs", json!({"logprobs": true}), &["logprobs"]),
        top(
            "logprobs",
            json!({"logprobs": true, "top_logprobs": 17}),
            &["17"],
        ),
        top(
            "max",
            json!({"max_completion_tokens": 424_242}),
            &["424242"],
        ),
        top("max", json!({"max_tokens": 424_242}), &["424242"]),
        top("metadata", json!({"metadata": {"k": MARK}}), &[MARK]),
        top("n", json!({"n": 2}), &[]),
        top(
            "parallel_tool_calls",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "parallel_tool_calls": false}),
            &[
                "\"parallel_tool_calls\":false",
                "\"disable_parallel_tool_use\":true",
            ],
        ),
        top(
            "prediction",
            json!({"prediction": {"type": "content", "content": MARK}}),
            &[MARK],
        ),
        top(
            "prompt_cache_key",
            json!({"prompt_cache_key": MARK}),
            &[MARK],
        ),
        top(
            "prompt_cache_retention",
            json!({"prompt_cache_retention": "24h"}),
            &["24h"],
        ),
        top(
            "reasoning_effort",
            json!({"reasoning_effort": "high"}),
            &["high", "24576", "16384"],
        ),
        top(
            "reasoning",
            json!({"reasoning": {"max_tokens": 424_242}}),
            &["424242"],
        ),
        top(
            "response_format",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "description": MARK, "schema": {"type": "object", "properties": {}, "additionalProperties": false}, "strict": true}}}),
            &[MARK],
        ),
        top(
            "response_format",
            json!({"response_format": {"type": "json_object"}}),
            &["json_object", "JSON object", "application/json"],
        ),
        top(
            "safety_identifier",
            json!({"safety_identifier": MARK}),
            &[MARK],
        ),
        top("seed", json!({"seed": 424_242}), &["424242"]),
        top("service_tier", json!({"service_tier": "flex"}), &["flex"]),
        top("stop", json!({"stop": [MARK]}), &[MARK]),
        top("store", json!({"store": true}), &["\"store\":true"]),
        top("temperature", json!({"temperature": 0.4242}), &["0.4242"]),
        top("top_p", json!({"top_p": 0.4242}), &["0.4242"]),
        top(
            "tool_choice",
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "required"}),
            &["required", "\"any\"", "\"ANY\""],
        ),
        top("user", json!({"user": MARK}), &[MARK]),
        top("verbosity", json!({"verbosity": "low"}), &["\"low\""]),
        top(
            "web_search",
            json!({"web_search_options": {"search_context_size": "high"}}),
            &["\"high\""],
        ),
        top(
            "user_location|tools (web_search_options)",
            json!({"web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": MARK}}}}),
            &[MARK],
        ),
        top("novel", json!({"novel": MARK}), &[MARK]),
        message(
            "name",
            json!({"role": "user", "name": MARK, "content": "ok"}),
        ),
        message(
            "novel",
            json!({"role": "user", "novel": MARK, "content": "ok"}),
        ),
        model("refusal", json!({"refusal": MARK})),
        model("audio", json!({"audio": {"id": MARK}})),
        model(
            "annotations",
            json!({"annotations": [{"type": "url_citation", "url_citation": {"url": MARK, "title": "t", "start_index": 0, "end_index": 2}}]}),
        ),
        model("reasoning", json!({"reasoning_content": MARK})),
        model(
            "reasoning_details",
            json!({"reasoning_details": [{"type": "reasoning.text", "text": MARK}]}),
        ),
        model(
            "extra_content",
            json!({"extra_content": {"google": {"thought_signature": MARK}}}),
        ),
        part(
            "content",
            json!({"type": "image_url", "image_url": {"url": format!("https://example.com/{MARK}.png")}}),
        ),
        part(
            "detail",
            json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": MARK}}),
        ),
        part(
            "content|sound",
            json!({"type": "input_audio", "input_audio": {"data": MARK, "format": "wav"}}),
        ),
        part("file", json!({"type": "file", "file": {"file_id": MARK}})),
        part(
            "content",
            json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,MARKMARKMARK", "filename": "a.pdf"}}),
        ),
        part(
            "filename",
            json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": format!("{MARK}.pdf")}}),
        ),
        part(
            "content",
            json!({"type": "video_url", "video_url": {"url": MARK}}),
        ),
        part(
            "cache_control",
            json!({"type": "text", "text": "ok", "cache_control": {"type": MARK}}),
        ),
        function("tools", json!({"description": MARK})),
        function(
            "tools",
            json!({"parameters": {"type": "object", "properties": {"a": {"description": MARK}}}}),
        ),
        function("tools", json!({"novel": MARK})),
        tool(
            "cache_control",
            json!({"type": "function", "function": {"name": "f"}, "cache_control": {"type": MARK}}),
        ),
        tool(
            "tools",
            json!({"type": "custom", "custom": {"name": "f", "description": MARK}}),
        ),
        tool(
            "tools",
            json!({"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": MARK}}}}),
        ),
        tool("tools", json!({"type": "novel_tool", "novel": MARK})),
    ]
}

fn of_responses() -> Vec<Case> {
    let top =
        |name, patch: Value, needles: &[&str]| field(Dialect::Responses, name, &patch, needles);
    let item = |name, item: Value| Case {
        client: Dialect::Responses,
        name,
        request: json!({"model": "m", "input": [{"role": "user", "content": "hi"}, item, {"role": "user", "content": "and?"}]}),
        needles: mark(),
    };
    let part = |name, part: Value| {
        item(
            name,
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "see"}, part]}),
        )
    };
    let said = |name, more: Value| {
        item(
            name,
            json!({"type": "message", "role": "assistant", "content": [merged(json!({"type": "output_text", "text": "ok"}), &more)]}),
        )
    };
    let tool = |name, tool: Value| top(name, json!({"tools": [tool]}), &[MARK]);
    let ran = |kind: &str, more: Value| {
        item(
            "input[1]",
            merged(
                json!({"type": kind, "id": "i_1", "status": "completed"}),
                &more,
            ),
        )
    };
    vec![
        top("background", json!({"background": true}), &[]),
        top("conversation", json!({"conversation": MARK}), &[MARK]),
        top(
            "context_management",
            json!({"context_management": [{"type": MARK}]}),
            &[MARK],
        ),
        top(
            "include",
            json!({"include": ["file_search_call.results"]}),
            &["file_search_call.results"],
        ),
        top(
            "include",
            json!({"include": ["message.input_image.image_url"]}),
            &["message.input_image.image_url"],
        ),
        top(
            "logprobs",
            json!({"include": ["message.output_text.logprobs"]}),
            &["logprobs"],
        ),
        top("instructions", json!({"instructions": MARK}), &[MARK]),
        top("max", json!({"max_output_tokens": 424_242}), &["424242"]),
        top(
            "max_tool_calls",
            json!({"max_tool_calls": 424_242}),
            &["424242"],
        ),
        top("metadata", json!({"metadata": {"k": MARK}}), &[MARK]),
        top(
            "parallel_tool_calls",
            json!({"tools": [{"type": "function", "name": "f"}], "parallel_tool_calls": false}),
            &[
                "\"parallel_tool_calls\":false",
                "\"disable_parallel_tool_use\":true",
            ],
        ),
        top(
            "previous_response_id",
            json!({"previous_response_id": MARK}),
            &[MARK],
        ),
        top("prompt", json!({"prompt": {"id": MARK}}), &[MARK]),
        top(
            "prompt_cache_key",
            json!({"prompt_cache_key": MARK}),
            &[MARK],
        ),
        top(
            "prompt_cache_retention",
            json!({"prompt_cache_retention": "24h"}),
            &["24h"],
        ),
        top(
            "reasoning",
            json!({"reasoning": {"effort": "high"}}),
            &["high", "24576", "16384"],
        ),
        top(
            "reasoning",
            json!({"reasoning": {"generate_summary": MARK}}),
            &[MARK],
        ),
        top(
            "reasoning.summary",
            json!({"reasoning": {"summary": "detailed"}}),
            &["detailed"],
        ),
        top("reasoning", json!({"reasoning": {"novel": MARK}}), &[MARK]),
        top(
            "safety_identifier",
            json!({"safety_identifier": MARK}),
            &[MARK],
        ),
        top("service_tier", json!({"service_tier": "flex"}), &["flex"]),
        top("store", json!({"store": true}), &["\"store\":true"]),
        top("temperature", json!({"temperature": 0.4242}), &["0.4242"]),
        top("top_p", json!({"top_p": 0.4242}), &["0.4242"]),
        top(
            "verbosity",
            json!({"text": {"verbosity": "low"}}),
            &["\"low\""],
        ),
        top("text", json!({"text": {"novel": MARK}}), &[MARK]),
        top(
            "text|response_format",
            json!({"text": {"format": {"type": "json_schema", "name": "n", "description": MARK, "schema": {"type": "object", "properties": {}, "additionalProperties": false}}}}),
            &[MARK],
        ),
        top(
            "tool_choice",
            json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": "required"}),
            &["required", "\"any\"", "\"ANY\""],
        ),
        top("truncation", json!({"truncation": "auto"}), &["truncation"]),
        top("user", json!({"user": MARK}), &[MARK]),
        top("novel", json!({"novel": MARK}), &[MARK]),
        part(
            "content",
            json!({"type": "input_image", "image_url": format!("https://example.com/{MARK}.png")}),
        ),
        part(
            "detail",
            json!({"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": MARK}),
        ),
        part("file", json!({"type": "input_image", "file_id": MARK})),
        part("file", json!({"type": "input_file", "file_id": MARK})),
        part(
            "content",
            json!({"type": "input_file", "file_data": "data:application/pdf;base64,MARKMARKMARK", "filename": "a.pdf"}),
        ),
        part(
            "content",
            json!({"type": "input_file", "file_url": format!("https://example.com/{MARK}.pdf")}),
        ),
        part(
            "filename",
            json!({"type": "input_file", "file_data": "data:application/pdf;base64,AAAA", "filename": format!("{MARK}.pdf")}),
        ),
        part(
            "content|sound",
            json!({"type": "input_audio", "input_audio": {"data": MARK, "format": "wav"}}),
        ),
        part("content", json!({"type": "novel_part", "novel": MARK})),
        said(
            "annotations",
            json!({"annotations": [{"type": "url_citation", "url": MARK, "title": "t", "start_index": 0, "end_index": 2}]}),
        ),
        said(
            "logprobs",
            json!({"logprobs": [{"token": MARK, "logprob": -1}]}),
        ),
        item(
            "phase",
            json!({"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": MARK}]}),
        ),
        item(
            "input[1]|reasoning",
            json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": MARK}]}),
        ),
        item(
            "input[1]|reasoning",
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": MARK}]}),
        ),
        item(
            "input[1]|reasoning",
            json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": MARK}),
        ),
        item("input[1]", json!({"type": "item_reference", "id": MARK})),
        ran(
            "web_search_call",
            json!({"action": {"type": "search", "query": MARK}}),
        ),
        ran("file_search_call", json!({"queries": [MARK]})),
        ran(
            "computer_call",
            json!({"call_id": MARK, "action": {"type": "screenshot"}}),
        ),
        ran(
            "computer_call_output",
            json!({"call_id": MARK, "output": {"type": "computer_screenshot", "image_url": "u"}}),
        ),
        ran(
            "code_interpreter_call",
            json!({"code": MARK, "container_id": "c"}),
        ),
        ran("image_generation_call", json!({"result": MARK})),
        ran(
            "local_shell_call",
            json!({"call_id": MARK, "action": {"type": "exec", "command": ["ls"]}}),
        ),
        ran("local_shell_call_output", json!({"output": MARK})),
        ran(
            "shell_call",
            json!({"call_id": MARK, "action": {"commands": []}}),
        ),
        ran("shell_call_output", json!({"call_id": MARK, "output": []})),
        ran(
            "apply_patch_call",
            json!({"call_id": MARK, "operation": {"type": "delete_file", "path": "p"}}),
        ),
        ran("apply_patch_call_output", json!({"call_id": MARK})),
        ran(
            "mcp_call",
            json!({"server_label": MARK, "name": "f", "arguments": "{}"}),
        ),
        ran("mcp_list_tools", json!({"server_label": MARK, "tools": []})),
        ran(
            "mcp_approval_request",
            json!({"server_label": MARK, "name": "f", "arguments": "{}"}),
        ),
        ran(
            "mcp_approval_response",
            json!({"approval_request_id": MARK, "approve": true}),
        ),
        ran("compaction", json!({"encrypted_content": MARK})),
        ran("novel_item", json!({"novel": MARK})),
        tool(
            "tools",
            json!({"type": "function", "name": "f", "description": MARK}),
        ),
        tool(
            "tools",
            json!({"type": "function", "name": "f", "novel": MARK}),
        ),
        tool(
            "tools",
            json!({"type": "custom", "name": "f", "format": {"type": "grammar", "syntax": "lark", "definition": MARK}}),
        ),
        tool(
            "tools",
            json!({"type": "file_search", "vector_store_ids": [MARK]}),
        ),
        tool(
            "tools",
            json!({"type": "mcp", "server_label": MARK, "server_url": "https://example.com"}),
        ),
        tool(
            "tools",
            json!({"type": "code_interpreter", "container": {"type": "auto", "file_ids": [MARK]}}),
        ),
        tool("tools", json!({"type": "image_generation", "size": MARK})),
        tool(
            "tools",
            json!({"type": "computer_use_preview", "environment": MARK}),
        ),
        tool("tools", json!({"type": "local_shell", "novel": MARK})),
        tool(
            "allowed_domains|tools (web_search)",
            json!({"type": "web_search", "filters": {"allowed_domains": [MARK]}}),
        ),
        tool(
            "user_location|tools (web_search)",
            json!({"type": "web_search", "user_location": {"type": "approximate", "city": MARK}}),
        ),
        tool(
            "search_context_size|tools (web_search)",
            json!({"type": "web_search", "search_context_size": MARK}),
        ),
    ]
}

fn of_messages() -> Vec<Case> {
    let top =
        |name, patch: Value, needles: &[&str]| field(Dialect::Messages, name, &patch, needles);
    let message = |name, message: Value| Case {
        client: Dialect::Messages,
        name,
        request: json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}, message, {"role": "user", "content": "and?"}]}),
        needles: mark(),
    };
    let asked = |name, block: Value| {
        message(
            name,
            json!({"role": "user", "content": [{"type": "text", "text": "see"}, block]}),
        )
    };
    let said = |name, block: Value| {
        message(
            name,
            json!({"role": "assistant", "content": [{"type": "text", "text": "ok"}, block]}),
        )
    };
    let result = |name, more: Value| Case {
        client: Dialect::Messages,
        name,
        request: json!({"model": "m", "max_tokens": 99, "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]},
            {"role": "user", "content": [merged(json!({"type": "tool_result", "tool_use_id": "toolu_1"}), &more)]}]}),
        needles: mark(),
    };
    let tool = |name, more: Value| {
        top(
            name,
            json!({"tools": [merged(json!({"name": "f", "input_schema": {"type": "object"}}), &more)]}),
            &[MARK],
        )
    };
    let hosted = |name, tool: Value| top(name, json!({"tools": [tool]}), &[MARK]);
    vec![
        top("max", json!({"max_tokens": 424_242}), &["424242"]),
        top("stop", json!({"stop_sequences": [MARK]}), &[MARK]),
        top("temperature", json!({"temperature": 0.4242}), &["0.4242"]),
        top("top_p", json!({"top_p": 0.4242}), &["0.4242"]),
        top("top_k", json!({"top_k": 424_242}), &["424242"]),
        top(
            "metadata|user",
            json!({"metadata": {"user_id": MARK}}),
            &[MARK],
        ),
        top("metadata", json!({"metadata": {"novel": MARK}}), &[MARK]),
        top("container", json!({"container": MARK}), &[MARK]),
        top(
            "context_management",
            json!({"context_management": {"edits": [{"type": MARK}]}}),
            &[MARK],
        ),
        top(
            "mcp_servers",
            json!({"mcp_servers": [{"type": "url", "name": MARK, "url": "https://example.com"}]}),
            &[MARK],
        ),
        top(
            "service_tier",
            json!({"service_tier": "standard_only"}),
            &["standard_only"],
        ),
        top("inference_geo", json!({"inference_geo": MARK}), &[MARK]),
        top("speed", json!({"speed": MARK}), &[MARK]),
        top(
            "cache_control",
            json!({"cache_control": {"type": MARK}}),
            &[MARK],
        ),
        top(
            "thinking",
            json!({"thinking": {"type": "enabled", "budget_tokens": 4096}}),
            &["medium", "4096", "8192"],
        ),
        top(
            "thinking",
            json!({"thinking": {"type": "disabled"}}),
            &["\"none\"", "\"thinkingBudget\":0"],
        ),
        top(
            "thinking",
            json!({"thinking": {"type": "adaptive", "display": MARK}}),
            &[MARK],
        ),
        top(
            "output_config",
            json!({"output_config": {"effort": "high"}}),
            &["high", "24576"],
        ),
        top(
            "output_config",
            json!({"output_config": {"task_budget": {"type": "tokens", "total": 424_242}}}),
            &["424242"],
        ),
        top(
            "output",
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string", "description": MARK}}, "additionalProperties": false}}}}),
            &[MARK],
        ),
        top(
            "tool_choice",
            json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}),
            &["required", "\"ANY\""],
        ),
        top(
            "parallel",
            json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
            &["\"parallel_tool_calls\":false"],
        ),
        top(
            "system",
            json!({"system": [{"type": "text", "text": MARK}]}),
            &[MARK],
        ),
        top(
            "cache_control",
            json!({"system": [{"type": "text", "text": "s", "cache_control": {"type": MARK}}]}),
            &[MARK],
        ),
        top("novel", json!({"novel": MARK}), &[MARK]),
        message(
            "novel",
            json!({"role": "user", "content": "ok", "novel": MARK}),
        ),
        asked(
            "content",
            json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MARK}}),
        ),
        asked(
            "content",
            json!({"type": "image", "source": {"type": "url", "url": format!("https://example.com/{MARK}.png")}}),
        ),
        asked(
            "file",
            json!({"type": "image", "source": {"type": "file", "file_id": MARK}}),
        ),
        asked(
            "content",
            json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": MARK}}),
        ),
        asked(
            "content",
            json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": MARK}}),
        ),
        asked(
            "content",
            json!({"type": "document", "source": {"type": "url", "url": format!("https://example.com/{MARK}.pdf")}}),
        ),
        asked(
            "content",
            json!({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": MARK}]}}),
        ),
        asked(
            "file",
            json!({"type": "document", "source": {"type": "file", "file_id": MARK}}),
        ),
        asked(
            "title",
            json!({"type": "document", "title": MARK, "source": {"type": "text", "media_type": "text/plain", "data": "d"}}),
        ),
        asked(
            "context",
            json!({"type": "document", "context": MARK, "source": {"type": "text", "media_type": "text/plain", "data": "d"}}),
        ),
        asked(
            "citations",
            json!({"type": "document", "citations": {"enabled": true, "x": MARK}, "source": {"type": "text", "media_type": "text/plain", "data": "d"}}),
        ),
        asked(
            "content",
            json!({"type": "search_result", "source": "https://example.com", "title": "t", "content": [{"type": "text", "text": MARK}]}),
        ),
        asked(
            "context",
            json!({"type": "search_result", "source": MARK, "title": "t", "content": [{"type": "text", "text": "d"}]}),
        ),
        asked(
            "content",
            json!({"type": "container_upload", "file_id": MARK}),
        ),
        asked(
            "cache_control",
            json!({"type": "text", "text": "ok", "cache_control": {"type": MARK}}),
        ),
        asked("content", json!({"type": "novel_block", "novel": MARK})),
        said(
            "reasoning",
            json!({"type": "thinking", "thinking": MARK, "signature": ""}),
        ),
        said(
            "reasoning",
            json!({"type": "thinking", "thinking": "hm", "signature": MARK}),
        ),
        said(
            "reasoning",
            json!({"type": "redacted_thinking", "data": MARK}),
        ),
        said(
            "citations",
            json!({"type": "text", "text": "ok", "citations": [{"type": "web_search_result_location", "url": MARK, "title": "t", "cited_text": "c", "encrypted_index": "e"}]}),
        ),
        said(
            "T88",
            json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": MARK}}),
        ),
        said(
            "T88",
            json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": MARK, "title": "t", "encrypted_content": "e"}]}),
        ),
        said(
            "T88",
            json!({"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "f", "server_name": MARK, "input": {}}),
        ),
        said("content", json!({"type": "compaction", "content": MARK})),
        result("tool_result", json!({"content": MARK})),
        result(
            "content",
            json!({"content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": MARK}}]}),
        ),
        result(
            "content",
            json!({"content": [{"type": "search_result", "source": "https://example.com", "title": "t", "content": [{"type": "text", "text": MARK}]}]}),
        ),
        result(
            "content",
            json!({"content": [{"type": "tool_reference", "tool_name": MARK}]}),
        ),
        tool("tools", json!({"description": MARK})),
        tool("cache_control", json!({"cache_control": {"type": MARK}})),
        tool("tools", json!({"novel": MARK})),
        tool("tools", json!({"input_examples": [{"a": MARK}]})),
        tool("tools", json!({"allowed_callers": [MARK]})),
        hosted(
            "tools",
            json!({"type": "computer_20250124", "name": "computer", "display_width_px": MARK}),
        ),
        hosted(
            "tools",
            json!({"type": "memory_20250818", "name": "memory", "novel": MARK}),
        ),
        hosted(
            "allowed_domains|tools (web_search",
            json!({"type": "web_search_20250305", "name": "web_search", "allowed_domains": [MARK]}),
        ),
        hosted(
            "max_uses|tools (web_search",
            json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 424_242, "x": MARK}),
        ),
        hosted(
            "tools",
            json!({"type": "web_fetch_20250910", "name": "web_fetch", "allowed_domains": [MARK]}),
        ),
        hosted(
            "tools",
            json!({"type": "code_execution_20250825", "name": "code_execution", "novel": MARK}),
        ),
        hosted(
            "tools",
            json!({"type": "mcp_toolset", "mcp_server_name": MARK}),
        ),
    ]
}

fn of_gemini() -> Vec<Case> {
    let top = |name, patch: Value, needles: &[&str]| field(Dialect::Gemini, name, &patch, needles);
    let config = |name, more: Value, needles: &[&str]| {
        field(
            Dialect::Gemini,
            name,
            &json!({"generationConfig": more}),
            needles,
        )
    };
    let content = |name, content: Value| Case {
        client: Dialect::Gemini,
        name,
        request: json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}, content, {"role": "user", "parts": [{"text": "and?"}]}]}),
        needles: mark(),
    };
    let asked = |name, part: Value| {
        content(
            name,
            json!({"role": "user", "parts": [{"text": "see"}, part]}),
        )
    };
    let said = |name, part: Value| {
        content(
            name,
            json!({"role": "model", "parts": [{"text": "ok"}, part]}),
        )
    };
    let function = |name, more: Value| {
        top(
            name,
            json!({"tools": [{"functionDeclarations": [merged(json!({"name": "f"}), &more)]}]}),
            &[MARK],
        )
    };
    let hosted = |name, tool: Value| top(name, json!({"tools": [tool]}), &[MARK]);
    vec![
        top(
            "systemInstruction",
            json!({"systemInstruction": {"parts": [{"text": MARK}]}}),
            &[MARK],
        ),
        top(
            "systemInstruction",
            json!({"systemInstruction": {"parts": [{"text": "s"}, {"inlineData": {"mimeType": "image/png", "data": MARK}}]}}),
            &[MARK],
        ),
        top("cachedContent", json!({"cachedContent": MARK}), &[MARK]),
        top(
            "safetySettings",
            json!({"safetySettings": [{"category": MARK}]}),
            &[MARK],
        ),
        top("labels", json!({"labels": {"k": MARK}}), &[MARK]),
        top("serviceTier", json!({"serviceTier": MARK}), &[MARK]),
        top("store", json!({"store": true}), &["\"store\":true"]),
        top("novel", json!({"novel": MARK}), &[MARK]),
        config("stop", json!({"stopSequences": [MARK]}), &[MARK]),
        config("max", json!({"maxOutputTokens": 424_242}), &["424242"]),
        config("temperature", json!({"temperature": 0.4242}), &["0.4242"]),
        config("top", json!({"topP": 0.4242}), &["0.4242"]),
        config("topK", json!({"topK": 42}), &["42"]),
        config("seed", json!({"seed": 424_242}), &["424242"]),
        config("presence", json!({"presencePenalty": 0.4242}), &["0.4242"]),
        config(
            "frequency",
            json!({"frequencyPenalty": 0.4242}),
            &["0.4242"],
        ),
        config("candidateCount", json!({"candidateCount": 2}), &[]),
        config(
            "ogprobs",
            json!({"responseLogprobs": true, "logprobs": 17}),
            &["17"],
        ),
        config(
            "responseModalities",
            json!({"responseModalities": ["TEXT", "IMAGE"]}),
            &["image_generation"],
        ),
        config(
            "speechConfig",
            json!({"speechConfig": {"languageCode": MARK}}),
            &[MARK],
        ),
        config(
            "imageConfig",
            json!({"imageConfig": {"aspectRatio": MARK}}),
            &[MARK],
        ),
        config("mediaResolution", json!({"mediaResolution": MARK}), &[MARK]),
        config(
            "routingConfig",
            json!({"routingConfig": {"x": MARK}}),
            &[MARK],
        ),
        config(
            "enableEnhancedCivicAnswers",
            json!({"enableEnhancedCivicAnswers": true}),
            &["ivic"],
        ),
        config(
            "audioTimestamp",
            json!({"audioTimestamp": true}),
            &["imestamp"],
        ),
        config(
            "thinking",
            json!({"thinkingConfig": {"thinkingBudget": 8192}}),
            &["medium", "8192"],
        ),
        config(
            "thinking",
            json!({"thinkingConfig": {"thinkingBudget": 0}}),
            &["none", "disabled", ":0", NO_THINKING],
        ),
        config(
            "thinking",
            json!({"thinkingConfig": {"thinkingLevel": "novel"}}),
            &["novel"],
        ),
        config(
            "thinking",
            json!({"thinkingConfig": {"novel": MARK}}),
            &[MARK],
        ),
        config(
            "response",
            json!({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": MARK}}}}),
            &[MARK],
        ),
        config(
            "responseMimeType",
            json!({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": [MARK]}}),
            &[MARK],
        ),
        config(
            "responseMimeType",
            json!({"responseMimeType": "application/novel"}),
            &["novel"],
        ),
        config(
            "response",
            json!({"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": MARK}}}}),
            &[MARK],
        ),
        content(
            "novel",
            json!({"role": "user", "parts": [{"text": "ok"}], "novel": MARK}),
        ),
        asked(
            "parts",
            json!({"inlineData": {"mimeType": "image/png", "data": MARK}}),
        ),
        asked(
            "parts",
            json!({"inlineData": {"mimeType": "image/png", "data": "AAAA", "displayName": MARK}}),
        ),
        asked(
            "parts",
            json!({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0=", "displayName": format!("{MARK}.pdf")}}),
        ),
        asked(
            "parts|sound",
            json!({"inlineData": {"mimeType": "audio/wav", "data": MARK}}),
        ),
        asked(
            "parts",
            json!({"inlineData": {"mimeType": "video/mp4", "data": MARK}}),
        ),
        asked(
            "parts|files by URL",
            json!({"fileData": {"mimeType": "application/pdf", "fileUri": format!("https://example.com/{MARK}.pdf")}}),
        ),
        asked(
            "parts|files by URL",
            json!({"fileData": {"mimeType": "video/mp4", "fileUri": format!("https://example.com/{MARK}")}}),
        ),
        asked(
            "parts",
            json!({"text": "ok", "videoMetadata": {"startOffset": MARK}}),
        ),
        asked(
            "parts",
            json!({"text": "ok", "mediaResolution": {"level": MARK}}),
        ),
        asked("parts", json!({"novel": MARK})),
        said("reasoning", json!({"text": MARK, "thought": true})),
        said("reasoning", json!({"text": "hm", "thoughtSignature": MARK})),
        said(
            "parts",
            json!({"executableCode": {"language": "PYTHON", "code": MARK}}),
        ),
        said(
            "parts",
            json!({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": MARK}}),
        ),
        said(
            "parts",
            json!({"codeExecutionResult": {"outcome": MARK, "output": "1"}}),
        ),
        said("T88", json!({"toolCall": {"toolType": MARK}})),
        said(
            "parts",
            json!({"inlineData": {"mimeType": "image/png", "data": MARK}, "thought": true}),
        ),
        said(
            "parts",
            json!({"functionCall": {"name": "f", "args": {}, "partialArgs": [{"jsonPath": "$.a", "stringValue": MARK}]}}),
        ),
        content(
            "functionResponse",
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": MARK}}}]}),
        ),
        content(
            "parts",
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}, "parts": [{"inlineData": {"mimeType": "image/png", "data": MARK}}]}}]}),
        ),
        content(
            "parts",
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}, "scheduling": MARK}}]}),
        ),
        function("tools", json!({"description": MARK})),
        function(
            "tools",
            json!({"parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "description": MARK}}}}),
        ),
        function(
            "tools",
            json!({"response": {"type": "OBJECT", "description": MARK}}),
        ),
        function("tools", json!({"behavior": MARK})),
        hosted(
            "tools",
            json!({"googleSearch": {"timeRangeFilter": {"startTime": MARK}}}),
        ),
        hosted(
            "tools",
            json!({"googleSearchRetrieval": {"dynamicRetrievalConfig": {"mode": MARK}}}),
        ),
        hosted("tools", json!({"urlContext": {"novel": MARK}})),
        hosted("tools", json!({"codeExecution": {"novel": MARK}})),
        hosted("tools", json!({"googleMaps": {"novel": MARK}})),
        hosted(
            "tools",
            json!({"fileSearch": {"fileSearchStoreNames": [MARK]}}),
        ),
        hosted("tools", json!({"computerUse": {"environment": MARK}})),
        hosted("tools", json!({"novelTool": {"novel": MARK}})),
        top(
            "toolConfig",
            json!({"tools": [{"functionDeclarations": [{"name": "f"}]}], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
            &["required", "\"any\""],
        ),
        top(
            "toolConfig",
            json!({"tools": [{"functionDeclarations": [{"name": "f"}]}], "toolConfig": {"retrievalConfig": {"languageCode": MARK}}}),
            &[MARK],
        ),
    ]
}

/// Whether a loss or a refusal says what it is about.
fn named(case: &Case, text: &str) -> bool {
    case.name.split('|').any(|name| text.contains(name))
}

#[test]
fn whatever_a_request_asks_reaches_the_account_or_is_a_loss_or_a_400() {
    let each = [of_chat(), of_responses(), of_messages(), of_gemini()];
    let (mut silent, mut seen) = (Vec::new(), 0);
    for case in each.into_iter().flatten() {
        for to in TARGETS {
            if case.client == to.dialect() && to != Target::Codex {
                continue;
            }
            seen += 1;
            let body = Bytes::from(case.request.to_string());
            let told = match peek(case.client, &body) {
                Err(error) => Err(error),
                Ok(head) => prepare(case.client, to, &body, &head, &Options::default()),
            };
            let prepared = match told {
                Ok(prepared) => prepared,
                Err(error) => {
                    let text = format!("{:?} {}", error.param, error.message);
                    if !named(&case, &text) {
                        silent.push(format!(
                            "{:?} > {to:?}: {} refused as {text}",
                            case.client, case.name
                        ));
                    }
                    continue;
                }
            };
            let sent = String::from_utf8(prepared.body.to_bytes().to_vec()).expect("text");
            let arrived = case
                .needles
                .iter()
                .any(|needle| sent.contains(needle.as_str()));
            let losses: Vec<String> = prepared
                .losses
                .iter()
                .map(|loss| format!("{} ({})", loss.field, loss.reason))
                .collect();
            if !arrived && !losses.iter().any(|loss| named(&case, loss)) {
                silent.push(format!(
                    "{:?} > {to:?}: {} of {} ({losses:?})",
                    case.client, case.name, case.request
                ));
            }
        }
    }
    assert!(
        silent.is_empty(),
        "{} of {seen} in silence:\n{}",
        silent.len(),
        silent.join("\n")
    );
}

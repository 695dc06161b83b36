//! Requests on their way into another dialect: one row per trap, then every recorded request against what upstreams demand.

mod corpus;

use std::collections::HashSet;

use bytes::Bytes;
use corpus::Recording;
use protocol::{
    Dialect, LossKind, Options, Prepared, RequestError, SystemRole, Target, peek, prepare,
};
use serde_json::{Value, json};

fn translate(
    from: Dialect,
    to: Target,
    body: &Value,
    options: &Options<'_>,
) -> Result<Prepared, RequestError> {
    let body = Bytes::from(body.to_string());
    let head = peek(from, &body)?;
    prepare(from, to, &body, &head, options)
}

fn sent(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON")
}

/// `given` holds what differs from a minimal request; `expected` what the upstream's body must hold there, null for "not there".
fn check(trap: &str, from: Dialect, to: Target, given: Value, expected: Value) {
    check_with(trap, from, to, &Options::default(), given, expected);
}

fn check_with(
    trap: &str,
    from: Dialect,
    to: Target,
    options: &Options<'_>,
    given: Value,
    expected: Value,
) {
    let mut body = match from {
        Dialect::Chat => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Responses => json!({"model": "m", "input": "hi"}),
        Dialect::Gemini => json!({"contents": [{"parts": [{"text": "hi"}]}]}),
        Dialect::Messages => {
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
    };
    for (key, value) in given.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let prepared = translate(from, to, &body, options).expect(trap);
    let got = sent(&prepared);
    for (key, value) in expected.as_object().expect("an object") {
        let found = got.get(key).cloned().unwrap_or(Value::Null);
        assert_eq!(&found, value, "{trap}: {key}");
    }
}

fn refused(trap: &str, from: Dialect, to: Target, given: Value, param: &str) {
    let mut body = match from {
        Dialect::Chat => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Responses => json!({"model": "m", "input": "hi"}),
        Dialect::Gemini => json!({"contents": [{"parts": [{"text": "hi"}]}]}),
        Dialect::Messages => {
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
    };
    for (key, value) in given.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let error = translate(from, to, &body, &Options::default()).expect_err(trap);
    assert_eq!(
        error.param.as_deref().unwrap_or_default(),
        param,
        "{trap}: {error}"
    );
    assert!(!error.message.is_empty());
}

const CHAT: Dialect = Dialect::Chat;
const RESPONSES: Dialect = Dialect::Responses;

fn message(role: &str, text: &str) -> Value {
    let kind = if role == "assistant" {
        "output_text"
    } else {
        "input_text"
    };
    json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
}

#[test]
fn chat_conversations_become_input_items() {
    let call = |id: &str, arguments: Value| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let tool =
        |id: &str, content: Value| json!({"role": "tool", "tool_call_id": id, "content": content});
    let called = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": arguments});
    let output = |id: &str, output: Value| json!({"type": "function_call_output", "call_id": id, "output": output});
    for (trap, messages, input) in [
        (
            "F83: roles stay in place",
            json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "developer", "content": "d"}]),
            json!([
                message("system", "s"),
                message("user", "u"),
                message("developer", "d")
            ]),
        ),
        (
            "T15: the model's words are output_text",
            json!([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}], "tool_calls": []}]),
            json!([message("assistant", "a"), message("assistant", "b")]),
        ),
        (
            "T11: names go",
            json!([{"role": "user", "name": "bob", "content": "u"}]),
            json!([message("user", "u")]),
        ),
        (
            "T22: detail is filled in",
            json!([{"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}},
            ]}]),
            json!([{"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"},
            ]}]),
        ),
        (
            "T23: files as data URLs, however they are spelled",
            json!([{"role": "user", "content": [
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "AAAA"}},
                {"type": "file", "file": {"file_data": "data:text/plain;base64,BBBB"}},
            ]}]),
            json!([{"type": "message", "role": "user", "content": [
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
                {"type": "input_file", "file_data": "data:text/plain;base64,BBBB"},
            ]}]),
        ),
        (
            "T76, T78: arguments of all kinds",
            json!([
                {"role": "assistant", "content": "", "tool_calls": [call("1", json!("")), call("2", json!({"a": 1})), call("3", Value::Null), call("4", json!("{\"b\":2}"))]},
                tool("1", json!("r1")), tool("2", json!([{"type": "text", "text": "r2"}])), tool("3", json!("")), tool("4", Value::Null),
            ]),
            json!([
                called("1", "{}"),
                called("2", "{\"a\":1}"),
                called("3", "{}"),
                called("4", "{\"b\":2}"),
                output("1", json!("r1")),
                output("2", json!("r2")),
                output("3", json!("")),
                output("4", json!("")),
            ]),
        ),
        (
            "T26: media in results take the array form",
            json!([
                {"role": "assistant", "tool_calls": [call("1", json!("{}"))]},
                tool("1", json!([{"type": "text", "text": "r"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}])),
            ]),
            json!([
                called("1", "{}"),
                output(
                    "1",
                    json!([{"type": "input_text", "text": "r"}, {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}])
                ),
            ]),
        ),
        (
            "T66, T67: pairs are repaired",
            json!([{"role": "assistant", "tool_calls": [call("1", json!("{}"))]}, {"role": "user", "content": "stop"}, tool("9", json!("late"))]),
            json!([
                called("1", "{}"), output("1", json!("aborted")), message("user", "stop"),
                {"type": "message", "role": "user", "content": [
                    {"type": "input_text", "text": "Output of the earlier tool call 9:"}, {"type": "input_text", "text": "late"},
                ]},
            ]),
        ),
        (
            "T70: the older form of calls gets ids",
            json!([
                {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
                {"role": "function", "name": "f", "content": "r"},
            ]),
            json!([
                called("call_unnamed_0", "{}"),
                output("call_unnamed_0", json!("r"))
            ]),
        ),
        (
            "T73: long call ids are capped the same way on both sides",
            json!([{"role": "assistant", "tool_calls": [call(&"x".repeat(70), json!("{}"))]}, tool(&"x".repeat(70), json!("r"))]),
            json!([
                called("call_513a36f59147a8dd", "{}"),
                output("call_513a36f59147a8dd", json!("r"))
            ]),
        ),
        (
            "T51: custom calls are native here",
            json!([
                {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "p", "input": "*** Begin\n\"x\""}}]},
                tool("1", json!("ok")),
            ]),
            json!([
                {"type": "custom_tool_call", "call_id": "1", "name": "p", "input": "*** Begin\n\"x\""},
                {"type": "custom_tool_call_output", "call_id": "1", "output": "ok"},
            ]),
        ),
        (
            "T32: refusals stay refusals; reasoning without a seal goes (T90)",
            json!([{"role": "assistant", "content": null, "refusal": "no", "reasoning_content": "hm"}]),
            json!([{"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]),
        ),
    ] {
        check(
            trap,
            CHAT,
            Target::Responses,
            json!({"messages": messages}),
            json!({"input": input}),
        );
    }
}

#[test]
fn chat_settings_for_responses_and_codex() {
    let function = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}});
    let flat = json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": false});
    let tools = json!([function]);
    for (trap, given, responses, codex) in [
        (
            "F83: what every request to the backend holds",
            json!({}),
            json!({"store": false, "stream": false, "instructions": null, "include": null, "reasoning": null, "model": "m"}),
            json!({"store": false, "stream": true, "instructions": "", "include": ["reasoning.encrypted_content"], "reasoning": {"summary": "auto"}}),
        ),
        (
            "T115: sampling and limits are the backend's own",
            json!({"temperature": 0.5, "top_p": 1e-1, "max_tokens": 100, "user": "u", "metadata": {"a": "b"}}),
            json!({"temperature": 0.5, "top_p": 0.1, "max_output_tokens": 100, "user": "u", "metadata": {"a": "b"}}),
            json!({"temperature": null, "top_p": null, "max_output_tokens": null, "user": null, "metadata": null}),
        ),
        (
            "T140: the newer limit wins; T117: the floor",
            json!({"max_tokens": 100, "max_completion_tokens": 5}),
            json!({"max_output_tokens": 16, "max_tokens": null, "max_completion_tokens": null}),
            json!({}),
        ),
        (
            "T119, T123: what Responses has no word for",
            json!({"stop": ["x"], "seed": 1, "frequency_penalty": 0.1, "presence_penalty": 0.1, "logit_bias": {"1": 2}, "n": 1, "prediction": {}}),
            json!({"stop": null, "seed": null, "frequency_penalty": null, "presence_penalty": null, "logit_bias": null, "n": null, "prediction": null}),
            json!({}),
        ),
        (
            "T124: logprobs",
            json!({"logprobs": true, "top_logprobs": 2}),
            json!({"include": ["message.output_text.logprobs"], "top_logprobs": 2}),
            json!({"include": ["reasoning.encrypted_content"], "top_logprobs": null}),
        ),
        (
            "C3: effort",
            json!({"reasoning_effort": "high", "verbosity": "low"}),
            json!({"reasoning": {"effort": "high"}, "text": {"verbosity": "low"}}),
            json!({"reasoning": {"effort": "high", "summary": "auto"}, "text": {"verbosity": "low"}}),
        ),
        (
            "effort ultra is the client's own word; none asks for no summary",
            json!({"reasoning_effort": "ultra"}),
            json!({"reasoning": {"effort": "ultra"}}),
            json!({"reasoning": {"effort": "max", "summary": "auto"}}),
        ),
        (
            "effort none",
            json!({"reasoning_effort": "none"}),
            json!({}),
            json!({"reasoning": {"effort": "none"}}),
        ),
        (
            "T131: tiers",
            json!({"service_tier": "flex"}),
            json!({"service_tier": "flex"}),
            json!({"service_tier": null}),
        ),
        (
            "T131: fast",
            json!({"service_tier": "fast"}),
            json!({"service_tier": "fast"}),
            json!({"service_tier": "priority"}),
        ),
        (
            "T44: strict is said",
            json!({"tools": tools, "parallel_tool_calls": false}),
            json!({"tools": [flat], "parallel_tool_calls": false, "tool_choice": null}),
            json!({"tools": [flat], "parallel_tool_calls": false}),
        ),
        (
            "C4: named choice",
            json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "f"}}}),
            json!({"tool_choice": {"type": "function", "name": "f"}}),
            json!({}),
        ),
        (
            "C4: allowed tools",
            json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}}),
            json!({"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]}}),
            json!({}),
        ),
        (
            "T60: a choice without tools goes",
            json!({"tool_choice": "auto", "parallel_tool_calls": true}),
            json!({"tool_choice": null, "parallel_tool_calls": null, "tools": null}),
            json!({}),
        ),
        (
            "T36, T37: schemas are completed",
            json!({"tools": [
                {"type": "function", "function": {"name": "a"}},
                {"type": "function", "function": {"name": "b", "parameters": null}},
                {"type": "function", "function": {"name": "c", "parameters": {"type": "object", "properties": {"l": {"type": "array"}}, "required": ["l"]}, "strict": true}},
            ]}),
            json!({"tools": [
                {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}, "strict": false},
                {"type": "function", "name": "b", "parameters": {"type": "object", "properties": {}}, "strict": false},
                {"type": "function", "name": "c", "parameters": {"type": "object", "properties": {"l": {"type": "array", "items": {}}}, "required": ["l"], "additionalProperties": false}, "strict": true},
            ]}),
            json!({}),
        ),
        (
            "F83: JSON mode is asked for in words",
            json!({"response_format": {"type": "json_object"}}),
            json!({
                "text": {"format": {"type": "json_object"}},
                "input": [message("developer", "Answer with a single JSON object."), message("user", "hi")],
            }),
            json!({}),
        ),
        (
            "F83: unless the client says the word",
            json!({"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "as Json"}]}),
            json!({"input": [message("user", "as Json")]}),
            json!({"input": [message("user", "as Json")]}),
        ),
        (
            "T125: schemas of answers are flat here",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}}}),
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}}}),
            json!({}),
        ),
        (
            "T49: one tool per name",
            json!({"tools": [function, function]}),
            json!({"tools": [flat]}),
            json!({}),
        ),
        (
            "null is absent (T208)",
            json!({"temperature": null, "tools": null, "tool_choice": null, "stop": null, "stream": null, "response_format": null, "reasoning_effort": null}),
            json!({"temperature": null, "tools": null, "stream": false}),
            json!({}),
        ),
    ] {
        check(trap, CHAT, Target::Responses, given.clone(), responses);
        check(trap, CHAT, Target::Codex, given, codex);
    }
}

#[test]
fn options_over_the_body() {
    let system = json!({"messages": [
        {"role": "system", "content": "one"}, {"role": "developer", "content": "two"}, {"role": "user", "content": "u"}, {"role": "system", "content": "late"},
    ]});
    check(
        "F83: developer",
        CHAT,
        Target::Codex,
        system.clone(),
        json!({
            "instructions": "",
            "input": [message("developer", "one"), message("developer", "two"), message("user", "u"), message("developer", "late")],
        }),
    );
    let options = Options {
        system_role: SystemRole::Instructions,
        ..Options::default()
    };
    check_with(
        "F83: instructions",
        CHAT,
        Target::Codex,
        &options,
        system,
        json!({
            "instructions": "one\n\ntwo", "input": [message("user", "u"), message("developer", "late")],
        }),
    );
    let options = Options {
        model: Some("other \"m\""),
        stream: Some(true),
        effort: Some("low"),
        service_tier: Some("priority"),
        prompt_cache_key: Some("derived"),
        ..Options::default()
    };
    let wanted = json!({"model": "other \"m\"", "stream": true, "reasoning": {"effort": "low"}, "service_tier": "priority", "prompt_cache_key": "derived"});
    check_with(
        "T133",
        CHAT,
        Target::Responses,
        &options,
        json!({"reasoning_effort": "high"}),
        wanted,
    );
    check_with(
        "T133: the client's own key",
        CHAT,
        Target::Responses,
        &options,
        json!({"prompt_cache_key": "k"}),
        json!({"prompt_cache_key": "k"}),
    );
    check_with(
        "to chat",
        RESPONSES,
        Target::Chat,
        &options,
        json!({"reasoning": {"effort": "high"}}),
        json!({
            "model": "other \"m\"", "stream": true, "reasoning_effort": "low", "service_tier": "priority", "stream_options": {"include_usage": true},
        }),
    );
}

#[test]
fn responses_conversations_become_messages() {
    let call = |id: &str| json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": "f", "arguments": "{\"a\":1}"});
    let output = |id: &str, output: Value| json!({"type": "function_call_output", "call_id": id, "output": output});
    let called = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
    let tool =
        |id: &str, content: &str| json!({"role": "tool", "tool_call_id": id, "content": content});
    let user = |text: &str| json!({"role": "user", "content": text});
    for (trap, input, messages) in [
        ("T14: a string", json!("hi"), json!([user("hi")])),
        (
            "T14: items without a type, plain strings as content",
            json!([{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}, message("user", "v")]),
            json!([user("u"), {"role": "assistant", "content": "a"}, user("v")]),
        ),
        (
            "T4: developer becomes system",
            json!([message("developer", "d"), message("user", "u")]),
            json!([{"role": "system", "content": "d"}, user("u")]),
        ),
        (
            "T64: text and parallel calls are one message",
            json!([
                message("user", "u"),
                message("assistant", "a"),
                call("1"),
                call("2"),
                output("1", json!("x")),
                output("2", json!("y"))
            ]),
            json!([user("u"), {"role": "assistant", "content": "a", "tool_calls": [called("1"), called("2")]}, tool("1", "x"), tool("2", "y")]),
        ),
        (
            "T65: reminders wait",
            json!([
                call("1"),
                message("developer", "note"),
                output("1", json!("x"))
            ]),
            json!([{"role": "assistant", "content": null, "tool_calls": [called("1")]}, tool("1", "x"), {"role": "system", "content": "note"}]),
        ),
        (
            "T66, T67",
            json!([call("1"), message("user", "u"), output("9", json!("late"))]),
            json!([
                {"role": "assistant", "content": null, "tool_calls": [called("1")]}, tool("1", "aborted"), user("u"),
                {"role": "user", "content": [{"type": "text", "text": "Output of the earlier tool call 9:"}, {"type": "text", "text": "late"}]},
            ]),
        ),
        (
            "T25: pictures of results follow all results",
            json!([
                call("1"),
                call("2"),
                output(
                    "1",
                    json!([{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": "data:image/png;base64,AA=="}])
                ),
                output("2", json!([]))
            ]),
            json!([
                {"role": "assistant", "content": null, "tool_calls": [called("1"), called("2")]}, tool("1", "x"), tool("2", ""),
                {"role": "user", "content": [
                    {"type": "text", "text": "Attached content of the tool results:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ]},
            ]),
        ),
        (
            "T106: open reasoning comes back, T90: sealed reasoning does not",
            json!([
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}], "encrypted_content": null},
                call("1"), output("1", json!("x")),
                {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "seal"},
                message("assistant", "a"),
            ]),
            json!([
                {"role": "assistant", "content": null, "reasoning_content": "one\n\ntwo", "tool_calls": [called("1")]}, tool("1", "x"),
                {"role": "assistant", "content": "a"},
            ]),
        ),
        (
            "T86: chat-shaped items",
            json!([{"role": "assistant", "content": null, "tool_calls": [called("1")]}, {"role": "tool", "tool_call_id": "1", "content": "x"}]),
            json!([{"role": "assistant", "content": null, "tool_calls": [called("1")]}, tool("1", "x")]),
        ),
        (
            "T51: custom calls of the history become functions",
            json!([{"type": "custom_tool_call", "call_id": "1", "name": "p", "input": "a \"b\"\n\\c"}, {"type": "custom_tool_call_output", "call_id": "1", "output": "ok"}]),
            json!([
                {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "p", "arguments": "{\"input\":\"a \\\"b\\\"\\n\\\\c\"}"}}]},
                tool("1", "ok"),
            ]),
        ),
        (
            "T32, T22: refusals and details",
            json!([
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png", "detail": "low"}, {"type": "input_text", "text": "t"}]},
            ]),
            json!([
                {"role": "assistant", "content": null, "refusal": "no"},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}, {"type": "text", "text": "t"}]},
            ]),
        ),
        (
            "T56, T59: hosted and unknown items go",
            json!([{"type": "web_search_call", "id": "ws_1", "status": "completed"}, {"type": "brand_new", "x": 1}, message("user", "u")]),
            json!([user("u")]),
        ),
    ] {
        check(
            trap,
            RESPONSES,
            Target::Chat,
            json!({"input": input}),
            json!({"messages": messages}),
        );
    }
    check(
        "T6",
        RESPONSES,
        Target::Chat,
        json!({"instructions": "first"}),
        json!({
            "messages": [{"role": "system", "content": "first"}, {"role": "user", "content": "hi"}],
        }),
    );
}

#[test]
fn responses_settings_for_chat() {
    let schema = json!({"type": "object", "properties": {}});
    for (trap, given, expected) in [
        (
            "T154: usage is asked for",
            json!({"stream": true}),
            json!({"stream": true, "stream_options": {"include_usage": true}}),
        ),
        (
            "no stream",
            json!({}),
            json!({"stream": false, "stream_options": null, "store": null, "include": null}),
        ),
        (
            "T140",
            json!({"max_output_tokens": 9}),
            json!({"max_tokens": 9, "max_completion_tokens": null}),
        ),
        (
            "T140: by model",
            json!({"max_output_tokens": 9, "model": "gpt-5.5"}),
            json!({"max_tokens": null, "max_completion_tokens": 9}),
        ),
        (
            "C3",
            json!({"reasoning": {"effort": "high", "summary": "auto"}, "temperature": 0.1}),
            json!({"reasoning_effort": "high", "temperature": 0.1, "reasoning": null}),
        ),
        (
            "T126",
            json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": schema, "strict": true}, "verbosity": "low"}}),
            json!({
                "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}}, "verbosity": "low",
            }),
        ),
        (
            "T124",
            json!({"include": ["message.output_text.logprobs"], "top_logprobs": 3}),
            json!({"logprobs": true, "top_logprobs": 3}),
        ),
        (
            "fields Chat servers may refuse",
            json!({"prompt_cache_key": "k", "metadata": {"a": "b"}, "client_metadata": {"x": "y"}, "truncation": "auto"}),
            json!({
                "prompt_cache_key": null, "metadata": null, "client_metadata": null, "truncation": null,
            }),
        ),
        (
            "T50: namespaces and additional tools; T51: custom tools; T56: hosted ones",
            json!({
                "tools": [
                    {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": false},
                    {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "g", "parameters": schema}]},
                    {"type": "custom", "name": "p", "description": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\""}},
                    {"type": "web_search"},
                ],
                "tool_choice": "required",
                "parallel_tool_calls": true,
                "input": [{"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "h", "parameters": schema, "strict": true}]}, message("user", "u")],
            }),
            json!({
                "tools": [
                    {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}},
                    {"type": "function", "function": {"name": "ns__g", "parameters": schema}},
                    {"type": "function", "function": {
                        "name": "p",
                        "description": "patch\n\nThe input must follow this grammar (lark):\nstart: \"x\"",
                        "parameters": {"type": "object", "properties": {"input": {"type": "string", "description": "The whole input as plain text."}}, "required": ["input"], "additionalProperties": false},
                    }},
                    {"type": "function", "function": {"name": "h", "parameters": {"type": "object", "properties": {}, "additionalProperties": false}, "strict": true}},
                ],
                "tool_choice": "required",
                "parallel_tool_calls": true,
                "messages": [{"role": "user", "content": "u"}],
            }),
        ),
        (
            "T60",
            json!({"tool_choice": "required", "tools": [{"type": "web_search"}]}),
            json!({"tools": null, "tool_choice": null}),
        ),
        (
            "C4",
            json!({"tools": [{"type": "custom", "name": "p"}], "tool_choice": {"type": "custom", "name": "p"}}),
            json!({"tool_choice": {"type": "function", "function": {"name": "p"}}}),
        ),
    ] {
        check(trap, RESPONSES, Target::Chat, given, expected);
    }
}

#[test]
fn what_would_change_its_meaning_is_refused() {
    for (trap, to, given, param) in [
        (
            "T24",
            Target::Codex,
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}]}),
            "messages",
        ),
        (
            "T23",
            Target::Codex,
            json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}),
            "messages[0].content[0].file.file_id",
        ),
        (
            "T60",
            Target::Codex,
            json!({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "g"}}}),
            "tool_choice",
        ),
        ("F75", Target::Codex, json!({"n": 2}), "n"),
        (
            "T208",
            Target::Responses,
            json!({"temperature": "0.5"}),
            "temperature",
        ),
        ("T208", Target::Responses, json!({"tools": {}}), "tools"),
        (
            "T208",
            Target::Responses,
            json!({"messages": [{"content": "x"}]}),
            "messages[0].role",
        ),
        (
            "T208",
            Target::Responses,
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "messages[0].tool_call_id",
        ),
        (
            "sound",
            Target::Responses,
            json!({"modalities": ["text", "audio"]}),
            "modalities",
        ),
    ] {
        refused(trap, CHAT, to, given, param);
    }
    for (trap, given, param) in [
        (
            "T136",
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (
            "T138",
            json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
            "input[0]",
        ),
        ("T138", json!({"conversation": "conv_1"}), "conversation"),
        ("T135", json!({"background": true}), "background"),
        (
            "T23",
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]}),
            "input[0].content[0].file_id",
        ),
        (
            "T208",
            json!({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]}),
            "input[0].call_id",
        ),
        (
            "T208",
            json!({"max_output_tokens": "9"}),
            "max_output_tokens",
        ),
    ] {
        refused(trap, RESPONSES, Target::Chat, given, param);
    }
}

#[test]
fn losses_are_on_the_record() {
    let given = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 1, "stop": "x", "max_tokens": 3});
    let prepared = translate(CHAT, Target::Codex, &given, &Options::default()).expect("prepared");
    let fields: Vec<_> = prepared
        .losses
        .iter()
        .map(|loss| loss.field.as_ref())
        .collect();
    assert_eq!(fields, ["stop", "max_output_tokens", "temperature"]);
    assert!(
        prepared
            .losses
            .iter()
            .all(|loss| (loss.kind == LossKind::Dropped) != (loss.field == "stop"))
    );
    let prepared =
        translate(CHAT, Target::Responses, &given, &Options::default()).expect("prepared");
    assert!(
        prepared
            .losses
            .iter()
            .any(|loss| loss.kind == LossKind::Approximated && loss.field == "max_tokens")
    );
}

/// Demands of a Chat upstream: roles, pairs right behind each other, names, unique tools.
fn judge_chat_request(name: &str, body: &Value) {
    let messages = body["messages"].as_array().expect("messages");
    let mut waiting: Vec<String> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().expect("a role");
        if role == "tool" {
            let id = message["tool_call_id"].as_str().expect("an id");
            assert_eq!(
                waiting.first().map(String::as_str),
                Some(id),
                "{name}: T64, T65, T67"
            );
            waiting.remove(0);
            assert!(message["content"].is_string(), "{name}: T25, T29");
            continue;
        }
        assert!(waiting.is_empty(), "{name}: T66");
        assert!(
            matches!(role, "system" | "user" | "assistant"),
            "{name}: T4"
        );
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            waiting.push(call["id"].as_str().expect("an id").to_owned());
            assert!(
                call["id"].as_str().is_some_and(|id| id.len() <= 40),
                "{name}: T73"
            );
            assert!(good_name(&call["function"]["name"]), "{name}: T47");
            assert!(
                !call["function"]["arguments"]
                    .as_str()
                    .expect("text")
                    .is_empty(),
                "{name}: T76"
            );
        }
        assert_ne!(message["tool_calls"], json!([]), "{name}: T87");
        let empty = message["content"].is_null()
            && message["tool_calls"].is_null()
            && message["refusal"].is_null();
        assert!(!empty, "{name}: an empty message");
    }
    assert!(waiting.is_empty(), "{name}: T66");
    let mut names = HashSet::new();
    for tool in body["tools"].as_array().into_iter().flatten() {
        assert_eq!(tool["type"], "function", "{name}: T56");
        assert!(good_name(&tool["function"]["name"]), "{name}: T47");
        assert!(
            names.insert(tool["function"]["name"].clone()),
            "{name}: T49"
        );
        assert!(tool["function"]["parameters"].is_object(), "{name}: T37");
    }
}

fn good_name(name: &Value) -> bool {
    name.as_str().is_some_and(|name| {
        !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    })
}

/// Demands of the Codex backend.
fn judge_codex_request(name: &str, body: &Value) {
    const KNOWN: &[&str] = &[
        "model",
        "instructions",
        "input",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "service_tier",
        "prompt_cache_key",
        "text",
    ];
    for key in body.as_object().expect("an object").keys() {
        assert!(KNOWN.contains(&key.as_str()), "{name}: {key} (T116)");
    }
    assert_eq!(
        (&body["store"], &body["stream"]),
        (&json!(false), &json!(true)),
        "{name}"
    );
    let (mut calls, mut outputs) = (Vec::new(), Vec::new());
    for item in body["input"].as_array().expect("a list") {
        match item["type"].as_str().expect("a type") {
            "message" => {
                let role = item["role"].as_str().expect("a role");
                assert!(
                    matches!(role, "developer" | "user" | "assistant"),
                    "{name}: {role}"
                );
                for part in item["content"].as_array().expect("the long form") {
                    let kind = part["type"].as_str().expect("a type");
                    let own = matches!(kind, "output_text" | "refusal");
                    assert_eq!(own, role == "assistant", "{name}: T15");
                }
            }
            "function_call" | "custom_tool_call" => {
                assert!(good_name(&item["name"]), "{name}: T47");
                calls.push(item["call_id"].clone());
            }
            "function_call_output" | "custom_tool_call_output" => {
                assert!(
                    item["output"].is_string() || item["output"].is_array(),
                    "{name}"
                );
                outputs.push(item["call_id"].clone());
            }
            other => assert_eq!(other, "an item we make", "{name}"),
        }
        assert!(item.get("id").is_none(), "{name}: T74");
    }
    assert_eq!(calls, outputs, "{name}: T66, T67");
    for tool in body["tools"].as_array().into_iter().flatten() {
        // The hosted search has no name (T55).
        let hosted = tool["type"] == "web_search";
        assert!(hosted || good_name(&tool["name"]), "{name}: T47");
    }
}

/// What the vendor demands of a request (T7–T9, T12, T66, T67, T71, T72, T77, T85, T98, T114).
fn judge_messages_request(name: &str, body: &Value) {
    let limit = body["max_tokens"].as_u64().expect("required (T114)");
    if let Some(budget) = body.pointer("/thinking/budget_tokens") {
        let budget = budget.as_u64().expect("a number");
        assert!((1024..limit).contains(&budget), "{name}: T98");
        assert!(body.get("temperature").is_none(), "{name}: T99");
    }
    let turns = body["messages"].as_array().expect("messages");
    assert_eq!(turns[0]["role"], "user", "{name}: T7, T9");
    let (mut waiting, mut known) = (Vec::new(), HashSet::new());
    for (at, turn) in turns.iter().enumerate() {
        let role = turn["role"].as_str().expect("a role");
        if at > 0 && role != "system" {
            assert_ne!(turns[at - 1]["role"], role, "{name}: T8");
        }
        let blocks = turn["content"].as_array().expect("blocks");
        assert!(!blocks.is_empty(), "{name}: T12");
        let mut results = Vec::new();
        let mut other = false;
        for block in blocks {
            match block["type"].as_str().expect("a type") {
                "text" => {
                    other = true;
                    assert!(
                        !block["text"].as_str().expect("text").trim().is_empty(),
                        "{name}: T12"
                    );
                }
                "tool_use" => {
                    let id = block["id"].as_str().expect("an id").to_owned();
                    assert!(
                        id.bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
                        "{name}: T71"
                    );
                    assert!(known.insert(id.clone()), "{name}: T72 {id}");
                    assert!(block["input"].is_object(), "{name}: T77");
                    waiting.push(id);
                }
                "tool_result" => {
                    assert!(!other, "{name}: T85");
                    results.push(block["tool_use_id"].as_str().expect("an id").to_owned());
                }
                "image" | "document" => other = true,
                "thinking" | "redacted_thinking" => {}
                kind => assert_eq!(kind, "a block we make", "{name}"),
            }
        }
        if role == "user" {
            assert_eq!(
                results,
                std::mem::take(&mut waiting),
                "{name}: T8, T66, T67"
            );
        }
    }
    assert!(waiting.is_empty(), "{name}: T66");
    for tool in body["tools"].as_array().into_iter().flatten() {
        if tool.get("type").is_none() {
            assert_eq!(tool["input_schema"]["type"], "object", "{name}: T37, T38");
        }
    }
}

/// What the vendor asks of a request: T7–T9, T27, T37, T39, T48, T68, T69, T77.
fn judge_gemini_request(name: &str, body: &Value) {
    let mut waiting: Vec<String> = Vec::new();
    let mut before = "";
    let contents = body["contents"].as_array().expect("contents");
    assert_eq!(contents[0]["role"], "user", "{name}: T9");
    for content in contents {
        let role = content["role"].as_str().expect("a role");
        let parts = content["parts"].as_array().expect("parts");
        assert!(!parts.is_empty(), "{name}");
        let of = |kind: &str| -> Vec<String> {
            parts
                .iter()
                .filter_map(|part| part.get(kind))
                .map(|one| one["name"].as_str().expect("T69: a name").to_owned())
                .collect()
        };
        let results = of("functionResponse");
        assert_eq!(results, std::mem::take(&mut waiting), "{name}: T66–T68");
        assert!(
            role != before || role == "user" && (!results.is_empty() || before == "user"),
            "{name}: T8"
        );
        waiting = of("functionCall");
        assert!(waiting.is_empty() || role == "model", "{name}");
        for part in parts {
            if let Some(call) = part.get("functionCall") {
                assert!(call["args"].is_object(), "{name}: T77");
            }
            if let Some(result) = part.get("functionResponse") {
                assert!(result["response"].is_object(), "{name}: T27");
            }
            let blank = part["text"]
                .as_str()
                .is_some_and(|text| text.trim().is_empty());
            assert!(
                !blank || part.get("thoughtSignature").is_some(),
                "{name}: T12"
            );
        }
        before = role;
    }
    assert!(waiting.is_empty(), "{name}: T66");
    for tool in body["tools"].as_array().into_iter().flatten() {
        for declared in tool["functionDeclarations"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let wire = declared["name"].as_str().expect("a name");
            assert!(
                wire.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && wire.len() <= 64,
                "{name}: T48"
            );
            if let Some(schema) = declared.get("parameters") {
                judge_gemini_schema(name, schema);
            }
        }
    }
    if let Some(schema) = body.pointer("/generationConfig/responseSchema") {
        judge_gemini_schema(name, schema);
    }
}

/// T36, T39, T42, T43: no word that the narrower language refuses.
fn judge_gemini_schema(name: &str, schema: &Value) {
    const WORDS: [&str; 19] = [
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "anyOf",
    ];
    for (key, value) in schema.as_object().expect("an object") {
        assert!(WORDS.contains(&key.as_str()), "{name}: {key} (T39)");
        match key.as_str() {
            "type" => assert!(value.is_string(), "{name}: T43"),
            "enum" => assert!(
                value
                    .as_array()
                    .expect("a list")
                    .iter()
                    .all(Value::is_string),
                "{name}: T43"
            ),
            "properties" => value
                .as_object()
                .expect("an object")
                .values()
                .for_each(|one| judge_gemini_schema(name, one)),
            "items" => judge_gemini_schema(name, value),
            "anyOf" => value
                .as_array()
                .expect("a list")
                .iter()
                .for_each(|one| judge_gemini_schema(name, one)),
            _ => {}
        }
    }
    assert!(
        schema["type"] != "array" || schema["items"].is_object(),
        "{name}: T36"
    );
}

#[test]
fn every_recorded_request_becomes_one_the_upstream_takes() {
    let corpus = corpus::load();
    for (from, to) in [
        (CHAT, Target::Codex),
        (CHAT, Target::Responses),
        (RESPONSES, Target::Chat),
        (CHAT, Target::Messages),
        (RESPONSES, Target::Messages),
        (Dialect::Messages, Target::Chat),
        (Dialect::Messages, Target::Codex),
        (Dialect::Gemini, Target::Chat),
        (Dialect::Gemini, Target::Codex),
        (Dialect::Gemini, Target::Responses),
        (Dialect::Gemini, Target::Messages),
        (CHAT, Target::Gemini),
        (RESPONSES, Target::Gemini),
        (Dialect::Messages, Target::Gemini),
    ] {
        let (mut count, mut refused) = (0, 0);
        for Recording { name, bytes, .. } in corpus.requests_of(from) {
            count += 1;
            let body: Value = serde_json::from_slice(bytes).expect("JSON");
            match translate(from, to, &body, &Options::default()) {
                Ok(prepared) => match to {
                    Target::Chat => judge_chat_request(name, &sent(&prepared)),
                    Target::Codex => judge_codex_request(name, &sent(&prepared)),
                    Target::Messages => judge_messages_request(name, &sent(&prepared)),
                    Target::Gemini => judge_gemini_request(name, &sent(&prepared)),
                    Target::Responses => assert_eq!(
                        sent(&prepared)["store"],
                        json!(body["store"] == true),
                        "{name}"
                    ),
                },
                Err(error) => {
                    refused += 1;
                    println!("{name}: {error}");
                }
            }
        }
        println!("{count} requests of {from:?} for {to:?}, {refused} refused");
        assert!(count > 0 && refused * 5 < count);
    }
}

/// Into the other dialect and back: the conversation is the same.
#[test]
fn there_and_back_is_the_same_conversation() {
    let corpus = corpus::load();
    for Recording { name, bytes, .. } in corpus.requests_of(CHAT) {
        let body: Value = serde_json::from_slice(bytes).expect("JSON");
        let Ok(there) = translate(CHAT, Target::Responses, &body, &Options::default()) else {
            continue;
        };
        let Ok(back) = translate(RESPONSES, Target::Chat, &sent(&there), &Options::default())
        else {
            continue;
        };
        let again =
            translate(CHAT, Target::Responses, &sent(&back), &Options::default()).expect(name);
        let (first, second) = (sent(&there), sent(&again));
        // `developer` has become `system` on the way through Chat (T4); custom tools have become functions (T51).
        let text = |body: &Value| {
            body["input"]
                .to_string()
                .replace("developer", "system")
                .replace("\\n", "")
        };
        // A model that takes no instructions is told them as the person's words, on the way through Chat alone (T5).
        if body["model"]
            .as_str()
            .is_some_and(|name| name.starts_with("o1-"))
        {
            continue;
        }
        // Ids that are too long for Chat are capped there (T73).
        let short_ids = first["input"]
            .as_array()
            .expect("input")
            .iter()
            .all(|item| item["call_id"].as_str().unwrap_or_default().len() <= 40);
        if short_ids
            && !first.to_string().contains("custom")
            && !first.to_string().contains("input_image")
        {
            assert_eq!(text(&first), text(&second), "{name}");
            // A search of the web is asked for in Chat of the models that have one alone (T55).
            let functions = |body: &Value| {
                let tools = body["tools"].as_array().into_iter().flatten();
                tools.filter(|tool| tool["type"] == "function").count()
            };
            assert_eq!(functions(&first), functions(&second), "{name}");
        }
    }
}

#[test]
fn chat_requests_for_responses_accounts_without_state() {
    let user = json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]});
    check(
        "T105: nothing is kept, so the reasoning comes along",
        Dialect::Chat,
        Target::Codex,
        json!({"messages": [{"role": "user", "content": "hi"}]}),
        json!({"store": false, "include": ["reasoning.encrypted_content"], "input": [user]}),
    );
    // T206: numbers are spelled as the client spelled them; T75: a result goes by `call_id` alone.
    let body = r#"{"model":"m","temperature":0.10000000000000000555,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"n":{"type":"integer","maximum":12345678901234567890123,"default":1e400}}}}}],"messages":[{"role":"user","content":"x"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"n\":9007199254740993}"}}]},{"role":"tool","tool_call_id":"call_1","content":"done"}]}"#;
    let body = Bytes::from(body);
    let head = peek(Dialect::Chat, &body).expect("a request");
    let prepared = prepare(
        Dialect::Chat,
        Target::Responses,
        &body,
        &head,
        &Options::default(),
    );
    let sent = prepared.expect("prepared").body.to_bytes();
    let sent = String::from_utf8_lossy(&sent);
    for spelled in [
        "0.10000000000000000555",
        "12345678901234567890123",
        "1e400",
        "9007199254740993",
        r#""type":"function_call_output","call_id":"call_1","output":"done""#,
    ] {
        assert!(sent.contains(spelled), "{spelled}: {sent}");
    }
    assert!(!sent.contains("\"id\":\"call_1\""), "{sent}");
}

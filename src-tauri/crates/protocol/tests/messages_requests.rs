//! Requests from and to the Messages dialect: one row per trap.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::{Dialect, Options, Prepared, RequestError, Target, peek, prepare};
use serde_json::{Value, json};

const FROM: Dialect = Dialect::Messages;

fn translate(from: Dialect, to: Target, given: &Value) -> Result<Prepared, RequestError> {
    let mut body = match from {
        Dialect::Chat => {
            json!({"model": "claude-sonnet-4-20250514", "messages": [{"role": "user", "content": "hi"}]})
        }
        Dialect::Responses => json!({"model": "claude-sonnet-4-20250514", "input": "hi"}),
        Dialect::Gemini => json!({"contents": [{"parts": [{"text": "hi"}]}]}),
        Dialect::Messages => {
            json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
    };
    for (key, value) in given.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let body = Bytes::from(body.to_string());
    let head = peek(from, &body)?;
    prepare(from, to, &body, &head, &Options::default())
}

/// `expected` maps JSON pointers into the upstream's body to what must stand there, null for "nothing".
fn check(trap: &str, from: Dialect, to: Target, given: Value, expected: Value) {
    let prepared = translate(from, to, &given).expect(trap);
    let got: Value = serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON");
    for (pointer, wanted) in expected.as_object().expect("an object") {
        let found = got.pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(&found, wanted, "{trap}: {pointer} in {got}");
    }
}

fn refused(trap: &str, from: Dialect, to: Target, given: Value) {
    assert!(translate(from, to, &given).is_err(), "{trap}");
}

fn lost(trap: &str, from: Dialect, to: Target, given: Value, field: &str) {
    let prepared = translate(from, to, &given).expect(trap);
    let fields: Vec<_> = prepared
        .losses
        .iter()
        .map(|loss| loss.field.as_ref())
        .collect();
    assert!(
        fields.iter().any(|told| told.contains(field)),
        "{trap}: {fields:?}"
    );
}

fn text(words: &str) -> Value {
    json!({"type": "text", "text": words})
}

fn user(words: &str) -> Value {
    json!({"role": "user", "content": [text(words)]})
}

/// Both OpenAI dialects as one client of an Anthropic account.
#[test]
fn turns_alternate_and_nothing_is_blank() {
    let to = Target::Messages;
    let chat = |messages: Value| json!({"messages": messages});
    let said = |role: &str, words: &str| json!({"role": role, "content": words});
    for (trap, messages, expected) in [
        (
            "T1: a system block each",
            json!([
                said("system", "a"),
                said("developer", "b"),
                said("user", "c")
            ]),
            json!({"/system": [text("a"), text("b")], "/messages": [user("c")]}),
        ),
        (
            "T2: later ones stay in place, told by the user",
            json!([
                said("user", "a"),
                said("assistant", "b"),
                said("system", "c"),
                said("user", "d")
            ]),
            json!({"/messages/2": {"role": "user", "content": [text("<system>\nc\n</system>"), text("d")]}, "/system": null}),
        ),
        (
            "T7: only system words",
            json!([said("system", "a")]),
            json!({"/messages": [user("(no content)")]}),
        ),
        (
            "T8: neighbours join",
            json!([said("user", "a"), said("user", "b")]),
            json!({"/messages": [{"role": "user", "content": [text("a"), text("b")]}]}),
        ),
        (
            "T9: the person begins",
            json!([said("assistant", "a"), said("user", "b")]),
            json!({"/messages/0": user("(no content)")}),
        ),
        (
            "T10: a beginning of the answer, trimmed",
            json!([said("user", "a"), said("assistant", "b ")]),
            json!({"/messages/1/content": [text("b")]}),
        ),
        (
            "T12: blank words go",
            json!([
                said("user", "a"),
                said("assistant", " \n"),
                said("user", "b")
            ]),
            json!({"/messages": [{"role": "user", "content": [text("a"), text("b")]}]}),
        ),
    ] {
        check(trap, Dialect::Chat, to, chat(messages), expected);
    }
    let ends = json!([said("user", "a"), said("assistant", "b")]);
    check(
        "T10: newer models take none",
        Dialect::Chat,
        to,
        json!({"model": "claude-opus-4-6", "messages": ends}),
        json!({"/messages/2": user("Continue.")}),
    );
    let inline = json!([
        said("user", "a"),
        said("assistant", "b"),
        said("system", "c")
    ]);
    check(
        "T2: inline where the model takes it",
        Dialect::Chat,
        to,
        json!({"model": "claude-opus-4-8", "messages": inline}),
        json!({"/messages/2": {"role": "system", "content": [text("c")]}}),
    );
    check(
        "T6: instructions first",
        Dialect::Responses,
        to,
        json!({"instructions": "i", "input": [{"role": "developer", "content": "d"}, {"role": "user", "content": "u"}]}),
        json!({"/system": [text("i"), text("d")]}),
    );
    lost(
        "T11: names",
        Dialect::Chat,
        to,
        chat(json!([{"role": "user", "name": "bob", "content": "a"}])),
        "name",
    );
}

#[test]
fn calls_and_results_pair_and_their_ids_fit() {
    let to = Target::Messages;
    let call = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": arguments}});
    let used =
        |id: &str, input: Value| json!({"type": "tool_use", "id": id, "name": "f", "input": input});
    let result = |id: &str, content: Value| json!({"type": "tool_result", "tool_use_id": id, "content": content});
    let one = |calls: Value, rest: Vec<Value>| {
        let mut messages = vec![
            json!({"role": "user", "content": "u"}),
            json!({"role": "assistant", "content": "w", "tool_calls": calls}),
        ];
        messages.extend(rest);
        json!({"messages": messages})
    };
    let tool = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "r"});
    for (trap, given, expected) in [
        (
            "T8, T85: all results in one turn before the words",
            one(
                json!([call("a", "{}"), call("b", "{}")]),
                vec![
                    tool("b"),
                    tool("a"),
                    json!({"role": "user", "content": "go"}),
                ],
            ),
            json!({"/messages/2/content": [result("a", json!("r")), result("b", json!("r")), text("go")]}),
        ),
        (
            "T66: an aborted call",
            one(
                json!([call("a", "{}")]),
                vec![json!({"role": "user", "content": "go"})],
            ),
            json!({"/messages/2/content": [result("a", json!("aborted")), text("go")]}),
        ),
        (
            "T77: arguments that are no object",
            one(json!([call("a", "[1]")]), vec![tool("a")]),
            json!({"/messages/1/content/1": used("a", json!({"input": "[1]"}))}),
        ),
        (
            "T77: cut arguments",
            one(json!([call("a", "{\"x\":")]), vec![tool("a")]),
            json!({"/messages/1/content/1": used("a", json!({"input": "{\"x\":"}))}),
        ),
        (
            "T76: blank arguments",
            one(json!([call("a", " ")]), vec![tool("a")]),
            json!({"/messages/1/content/1": used("a", json!({}))}),
        ),
        (
            "T87: no empty list of calls",
            one(json!([]), vec![json!({"role": "user", "content": "go"})]),
            json!({"/messages/1/content": [text("w")]}),
        ),
    ] {
        check(trap, Dialect::Chat, to, given, expected);
    }
    let odd = one(
        json!([call("functions.f:0", "{}")]),
        vec![tool("functions.f:0")],
    );
    let prepared = translate(Dialect::Chat, to, &odd).expect("T71");
    let got: Value = serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON");
    let id = &got["messages"][1]["content"][1]["id"];
    assert!(
        id.as_str()
            .is_some_and(|id| id.starts_with("functions_f_0_")),
        "T71: {id}"
    );
    assert_eq!(
        id, &got["messages"][2]["content"][0]["tool_use_id"],
        "T71: on both sides"
    );
    let twice = json!({"messages": [
        {"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [call("call_0", "{}")]}, tool("call_0"),
        {"role": "assistant", "tool_calls": [call("call_0", "{}")]}, tool("call_0"),
    ]});
    check(
        "T72: a repeated id",
        Dialect::Chat,
        to,
        twice,
        json!({"/messages/3/content/0/id": "call_0_2", "/messages/4/content/0/tool_use_id": "call_0_2"}),
    );
    let orphan =
        json!({"input": [{"type": "function_call_output", "call_id": "x", "output": "r"}]});
    check(
        "T67: a result without its call",
        Dialect::Responses,
        to,
        orphan,
        json!({"/messages/0/role": "user", "/messages/0/content/1": text("r")}),
    );
    let custom = json!({"input": [{"type": "custom_tool_call", "call_id": "a", "name": "p", "input": "*** Begin"}, {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"}], "tools": [{"type": "custom", "name": "p"}]});
    check(
        "T51: a custom tool",
        Dialect::Responses,
        to,
        custom,
        json!({"/messages/1/content/0/input": {"input": "*** Begin"}, "/tools/0/input_schema/required": ["input"]}),
    );
    let picture = json!({"input": [{"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}, {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]}]});
    check(
        "T26: a picture in a result",
        Dialect::Responses,
        to,
        picture,
        json!({"/messages/2/content/0/content/0/source/media_type": "image/png"}),
    );
}

#[test]
fn thinking_follows_the_model_and_the_rest_of_the_request() {
    let to = Target::Messages;
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let loop_of_tools = json!([{"role": "user", "content": "u"}, {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "a", "content": "r"}]);
    for (trap, given, expected) in [
        (
            "T114: a limit always",
            json!({}),
            json!({"/max_tokens": 64_000, "/thinking": null}),
        ),
        (
            "T140: either name of the limit",
            json!({"max_completion_tokens": 50}),
            json!({"/max_tokens": 50}),
        ),
        (
            "T97: by budget",
            json!({"reasoning_effort": "high"}),
            json!({"/thinking": {"type": "enabled", "budget_tokens": 16_384}, "/output_config": null}),
        ),
        (
            "T97: by itself",
            json!({"model": "claude-opus-4-6", "reasoning_effort": "medium"}),
            json!({"/thinking": {"type": "adaptive"}, "/output_config": {"effort": "medium"}}),
        ),
        (
            "T96: the nearest effort",
            json!({"model": "claude-opus-4-6", "reasoning_effort": "xhigh"}),
            json!({"/output_config/effort": "high"}),
        ),
        (
            "T98: below the limit",
            json!({"reasoning_effort": "high", "max_tokens": 2000}),
            json!({"/thinking/budget_tokens": 1999}),
        ),
        (
            "T98: no room",
            json!({"reasoning_effort": "high", "max_tokens": 1000}),
            json!({"/thinking": null}),
        ),
        (
            "T99: no sampling while it thinks",
            json!({"reasoning_effort": "high", "temperature": 0.5, "top_p": 0.9}),
            json!({"/temperature": null, "/top_p": null}),
        ),
        (
            "T99: one of the two",
            json!({"temperature": 0.5, "top_p": 0.9}),
            json!({"/temperature": 0.5, "/top_p": null}),
        ),
        (
            "T99: none at all",
            json!({"model": "claude-opus-4-7", "temperature": 0.5}),
            json!({"/temperature": null}),
        ),
        (
            "T122: the scale ends at 1",
            json!({"temperature": 1.7}),
            json!({"/temperature": 1}),
        ),
        (
            "T61: the tool choice counts",
            json!({"reasoning_effort": "high", "tools": tools, "tool_choice": "required"}),
            json!({"/thinking": null, "/tool_choice": {"type": "any"}}),
        ),
        (
            "T91: a tool turn without its thoughts",
            json!({"reasoning_effort": "high", "messages": loop_of_tools}),
            json!({"/thinking": null}),
        ),
        (
            "C3: none",
            json!({"reasoning_effort": "none"}),
            json!({"/thinking": null}),
        ),
        (
            "T119: stop strings",
            json!({"stop": ["a", " \n"]}),
            json!({"/stop_sequences": ["a"]}),
        ),
        (
            "T119: one",
            json!({"stop": "a"}),
            json!({"/stop_sequences": ["a"]}),
        ),
        (
            "T125: words where the model has no form",
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}}),
            json!({"/output_config": null, "/system/0/type": "text"}),
        ),
        (
            "T125, T46: a closed schema",
            json!({"model": "claude-sonnet-4-5", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {}}}}}),
            json!({"/output_config/format": {"type": "json_schema", "schema": {"type": "object", "properties": {}, "additionalProperties": false}}}),
        ),
        (
            "T125: both where nobody knows",
            json!({"model": "glm-4.6", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}}),
            json!({"/output_config/format/type": "json_schema", "/system/0/type": "text"}),
        ),
        (
            "T129: JSON mode",
            json!({"response_format": {"type": "json_object"}}),
            json!({"/system/0/type": "text"}),
        ),
        (
            "T132: the user",
            json!({"user": "u1"}),
            json!({"/metadata": {"user_id": "u1"}, "/user": null}),
        ),
        (
            "C4: auto and one at a time",
            json!({"tools": tools, "parallel_tool_calls": false}),
            json!({"/tool_choice": {"type": "auto", "disable_parallel_tool_use": true}}),
        ),
        (
            "C4: a named tool",
            json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "f"}}}),
            json!({"/tool_choice": {"type": "tool", "name": "f"}}),
        ),
        (
            "T60: a choice without tools",
            json!({"tool_choice": "required"}),
            json!({"/tool_choice": null}),
        ),
        (
            "T37: no parameters",
            json!({"tools": tools}),
            json!({"/tools/0": {"name": "f", "input_schema": {"type": "object", "properties": {}}}}),
        ),
    ] {
        check(trap, Dialect::Chat, to, given, expected);
    }
    refused(
        "T60: a tool that is not there",
        Dialect::Chat,
        to,
        json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "g"}}}),
    );
    refused(
        "T24: sound",
        Dialect::Chat,
        to,
        json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}]}),
    );
    for (trap, given, field) in [
        ("T123", json!({"seed": 1}), "seed"),
        (
            "T99",
            json!({"model": "claude-opus-4-7", "temperature": 0.5}),
            "temperature",
        ),
        (
            "T61",
            json!({"reasoning_effort": "low", "tools": tools, "tool_choice": "required"}),
            "reasoning",
        ),
        (
            "T46",
            json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true}}]}),
            "strict",
        ),
        ("T131", json!({"service_tier": "flex"}), "service_tier"),
    ] {
        lost(trap, Dialect::Chat, to, given, field);
    }
    let some = json!({"tools": [{"type": "function", "name": "a"}, {"type": "function", "name": "b"}], "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]}});
    check(
        "C4: allowed tools",
        Dialect::Responses,
        to,
        some,
        json!({"/tools/0/name": "b", "/tools/1": null, "/tool_choice/type": "any"}),
    );
    let search = json!({"model": "claude-sonnet-4-5", "tools": [{"type": "web_search", "filters": {"allowed_domains": ["example.com"]}}]});
    check(
        "T55: the hosted search",
        Dialect::Responses,
        to,
        search,
        json!({"/tools/0": {"type": "web_search_20250305", "name": "web_search", "allowed_domains": ["example.com"]}}),
    );
    lost(
        "T55: not behind a relay of others",
        Dialect::Responses,
        to,
        json!({"model": "glm-4.6", "tools": [{"type": "web_search"}]}),
        "web_search",
    );
    let spaces = json!({"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]}]});
    check(
        "T50: a namespace",
        Dialect::Responses,
        to,
        spaces,
        json!({"/tools/0/name": "n__f"}),
    );
}

#[test]
fn claude_clients_over_the_openai_dialects() {
    let codex = Target::Codex;
    let turns = |messages: Value| json!({"messages": messages});
    let result = |content: Value| {
        turns(
            json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]}, {"role": "user", "content": [content]}]),
        )
    };
    let of = |content: Value| {
        result(json!({"type": "tool_result", "tool_use_id": "a", "content": content}))
    };
    let sim = |seal: &str| {
        turns(
            json!([{"role": "user", "content": "u"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": seal}, {"type": "text", "text": "w"}]}]),
        )
    };
    for (trap, to, given, expected) in [
        (
            "T3: system inside the conversation stays there",
            Target::Chat,
            turns(
                json!([{"role": "user", "content": "a"}, {"role": "system", "content": "b"}, {"role": "user", "content": "c"}]),
            ),
            json!({"/messages/1": {"role": "system", "content": "b"}}),
        ),
        (
            "T17: without the attribution line",
            codex,
            json!({"system": [text("x-anthropic-billing-header: cc_version=1"), text("help")]}),
            json!({"/input/0/content": [{"type": "input_text", "text": "help"}], "/input/0/role": "developer"}),
        ),
        (
            "T115: the backend refuses a limit",
            codex,
            json!({}),
            json!({"/max_output_tokens": null, "/store": false}),
        ),
        (
            "T117: the floor",
            Target::Responses,
            json!({"max_tokens": 3}),
            json!({"/max_output_tokens": 16}),
        ),
        (
            "F79: budget to effort",
            codex,
            json!({"thinking": {"type": "enabled", "budget_tokens": 31_999}}),
            json!({"/reasoning/effort": "xhigh"}),
        ),
        (
            "T96: servers know no more than high",
            Target::Chat,
            json!({"thinking": {"type": "enabled", "budget_tokens": 31_999}}),
            json!({"/reasoning_effort": "high"}),
        ),
        (
            "T97: an adaptive client",
            codex,
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
            json!({"/reasoning/effort": "low"}),
        ),
        (
            "C4: any",
            Target::Chat,
            json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any", "disable_parallel_tool_use": true}}),
            json!({"/tool_choice": "required", "/parallel_tool_calls": false}),
        ),
        (
            "C4: one tool",
            codex,
            json!({"tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "tool", "name": "f"}}),
            json!({"/tool_choice": {"type": "function", "name": "f"}, "/tools/0/strict": false}),
        ),
        (
            "T36: arrays have items",
            codex,
            json!({"tools": [{"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "array"}}}}]}),
            json!({"/tools/0/parameters/properties/a": {"type": "array", "items": {}}}),
        ),
        (
            "T57: flags of the vendor go",
            Target::Chat,
            json!({"tools": [{"name": "f", "defer_loading": true, "eager_input_streaming": true, "input_schema": {"type": "object", "properties": {}}}]}),
            json!({"/tools/0": {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}}),
        ),
        (
            "T55: the hosted search",
            codex,
            json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            json!({"/tools": [{"type": "web_search"}]}),
        ),
        (
            "T119: stop strings",
            Target::Chat,
            json!({"stop_sequences": ["a"]}),
            json!({"/stop": ["a"]}),
        ),
        (
            "T127: the answer's form",
            codex,
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}),
            json!({"/text/format/name": "answer"}),
        ),
        (
            "T25: a picture in a result",
            Target::Chat,
            of(
                json!([text("r"), {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]),
            ),
            json!({"/messages/1/content": "r", "/messages/2/content/1/image_url/url": "data:image/png;base64,AAAA"}),
        ),
        (
            "T26: the same in Responses",
            codex,
            of(
                json!([{"type": "image", "source": {"type": "url", "url": "https://example.com/a"}}]),
            ),
            json!({"/input/1/output/0/image_url": "https://example.com/a"}),
        ),
        (
            "T29: no content",
            Target::Chat,
            result(json!({"type": "tool_result", "tool_use_id": "a"})),
            json!({"/messages/1/content": ""}),
        ),
        (
            "T29: null",
            Target::Chat,
            of(Value::Null),
            json!({"/messages/1/content": ""}),
        ),
        (
            "T29: an empty list",
            Target::Chat,
            of(json!([])),
            json!({"/messages/1/content": ""}),
        ),
        (
            "T57: a found tool is told by name",
            Target::Chat,
            of(json!([{"type": "tool_reference", "tool_name": "g"}])),
            json!({"/messages/1/content": "Tool available: g"}),
        ),
        (
            "T88: hosted calls go as a pair",
            Target::Chat,
            turns(
                json!([{"role": "assistant", "content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, text("w")]}]),
            ),
            json!({"/messages": [{"role": "assistant", "content": "w"}]}),
        ),
        (
            "T94: the account's own reasoning",
            codex,
            sim("switchyard.1.responses.gAAA"),
            json!({"/input/1": {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}], "encrypted_content": "gAAA"}}),
        ),
        (
            "T90: another provider's",
            codex,
            sim("EqoB"),
            json!({"/input/1/type": "message"}),
        ),
        (
            "T106: open thoughts go back",
            Target::Chat,
            sim("switchyard.1.chat."),
            json!({"/messages/1/reasoning_content": "t"}),
        ),
        (
            "T90: sealed ones do not",
            Target::Chat,
            sim("EqoB"),
            json!({"/messages/1/reasoning_content": null}),
        ),
        (
            "T132: the user id",
            Target::Chat,
            json!({"metadata": {"user_id": "u"}}),
            json!({"/user": "u"}),
        ),
        (
            "T132: an id that is a document of its own is told by a short mark",
            Target::Chat,
            json!({"metadata": {"user_id": "{\"device_id\":\"0123456789abcdef0123456789abcdef\",\"session_id\":\"x\"}"}}),
            json!({"/user": "user_b8d08ec2f201857f"}),
        ),
        (
            "T23: a document",
            codex,
            turns(
                json!([{"role": "user", "content": [{"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}]}]),
            ),
            json!({"/input/0/content/0": {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
        ),
        (
            "T23: plain text is text",
            Target::Chat,
            turns(
                json!([{"role": "user", "content": [{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}]}]),
            ),
            json!({"/messages/0/content": "words"}),
        ),
        (
            "T105: reasoning comes along",
            codex,
            json!({}),
            json!({"/include": ["reasoning.encrypted_content"]}),
        ),
    ] {
        check(trap, FROM, to, given, expected);
    }
    for (trap, given) in [
        (
            "T54: a tool whose schema only the vendor knows",
            json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}),
        ),
        (
            "T23: a file at the vendor",
            turns(
                json!([{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "f"}}]}]),
            ),
        ),
        ("T208: no messages", json!({"messages": null})),
        (
            "T208: a role nobody knows",
            turns(json!([{"role": "tool", "content": "x"}])),
        ),
        ("T208: a limit in words", json!({"max_tokens": "9"})),
    ] {
        refused(trap, FROM, codex, given);
    }
    for (trap, given, field) in [
        (
            "T134",
            json!({"system": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}),
            "cache_control",
        ),
        (
            "T17",
            json!({"system": "x-anthropic-billing-header: a"}),
            "system",
        ),
        (
            "T28",
            result(
                json!({"type": "tool_result", "tool_use_id": "a", "is_error": true, "content": "no"}),
            ),
            "is_error",
        ),
        (
            "T59",
            json!({"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]}),
            "code_execution",
        ),
        (
            "unknown fields",
            json!({"context_management": {"edits": [1]}}),
            "context_management",
        ),
        ("T119", json!({"stop_sequences": ["a"]}), "stop"),
    ] {
        lost(trap, FROM, codex, given, field);
    }
    let keys: Vec<_> = ["s1", "s1", "s2"]
        .iter()
        .map(|session| {
            let given = json!({"metadata": {"user_id": format!("{{\"session_id\":\"{session}\"}}")}});
            let prepared = translate(FROM, codex, &given).expect("T133");
            serde_json::from_slice::<Value>(&prepared.body.to_bytes()).expect("JSON")["prompt_cache_key"].clone()
        })
        .collect();
    assert!(
        keys[0].is_string() && keys[0] == keys[1] && keys[0] != keys[2],
        "T133: {keys:?}"
    );
}

#[test]
fn t207_the_same_dialect_changes_the_model_alone() {
    let body = r#"{ "max_tokens" : 9,"model":"asked", "thinking":{"type":"adaptive","display":"x"}, "messages":[{"role":"user","content":"\u00e9 \ud83d"}]}"#;
    let bytes = Bytes::from(body);
    let head = peek(FROM, &bytes).expect("a request");
    let options = Options {
        model: Some("sent"),
        ..Options::default()
    };
    let prepared = prepare(FROM, Target::Messages, &bytes, &head, &options).expect("prepared");
    assert_eq!(prepared.body.to_bytes(), body.replace("asked", "sent"));
    assert!(prepared.losses.is_empty());
}

#[test]
fn large_pictures_are_not_copied() {
    let data = "A".repeat(1 << 20);
    let cases = [
        (
            FROM,
            Target::Chat,
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}]}]}),
        ),
        (
            Dialect::Chat,
            Target::Messages,
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}}]}]}),
        ),
    ];
    for (from, to, body) in cases {
        let body = Bytes::from(body.to_string());
        let head = peek(from, &body).expect("a request");
        let prepared = prepare(from, to, &body, &head, &Options::default()).expect("prepared");
        let within = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
        let slice = prepared
            .body
            .segments()
            .iter()
            .find(|segment| segment.len() >= 1 << 20);
        assert!(
            slice.is_some_and(|slice| within.contains(&(slice.as_ptr() as usize))),
            "{from:?}"
        );
    }
}

proptest! {
    /// Requests of any shape are read or refused, in both directions.
    #[test]
    fn no_request_panics_us(at in 0usize..2000, swap in any::<u8>(), cut in 0usize..2000, to_messages in any::<bool>()) {
        let (from, to, good) = if to_messages {
            (Dialect::Responses, Target::Messages, json!({"model": "claude-sonnet-4", "reasoning": {"effort": "high"}, "input": [
                {"type": "reasoning", "summary": [], "encrypted_content": "switchyard.1.messages.x"}, {"type": "function_call", "call_id": "a:1", "name": "f", "arguments": "{\"x\":1}"},
                {"type": "function_call_output", "call_id": "a:1", "output": [{"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}]}, {"role": "system", "content": "s"},
            ], "tools": [{"type": "function", "name": "f", "parameters": {"anyOf": [{"properties": {"a": {}}}]}}]}))
        } else {
            (FROM, Target::Codex, json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": "a\n"}], "thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": "a", "name": "f", "input": {"x": "\u{e9}"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x"}]}]},
            ], "tools": [{"name": "f", "input_schema": {"type": "array"}}]}))
        };
        let mut damaged = good.to_string().into_bytes();
        let len = damaged.len();
        damaged[at % len] = swap;
        damaged.truncate(len - cut % 40);
        let body = Bytes::from(damaged);
        if let Ok(head) = peek(from, &body)
            && let Ok(prepared) = prepare(from, to, &body, &head, &Options::default())
        {
            let sent = prepared.body.to_bytes();
            prop_assert!(serde_json::from_slice::<Value>(&sent).is_ok(), "valid in, valid out");
        }
    }
}

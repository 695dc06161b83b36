//! Requests from and to the Gemini dialect: one row per trap.

use bytes::Bytes;
use proptest::prelude::*;
use protocol::{Dialect, Options, Prepared, RequestError, Target, peek, prepare};
use serde_json::{Value, json};

const CHAT: Dialect = Dialect::Chat;
const GEMINI: Dialect = Dialect::Gemini;
/// The value the vendor documents for calls of other models.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

fn translate(from: Dialect, to: Target, given: &Value) -> Result<Prepared, RequestError> {
    let mut body = match from {
        Dialect::Chat => json!({"messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Responses => json!({"input": "hi"}),
        Dialect::Messages => {
            json!({"max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    };
    for (key, value) in given.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let body = Bytes::from(body.to_string());
    let mut head = peek(from, &body)?;
    head.model.get_or_insert("gemini-2.5-flash".to_owned());
    prepare(from, to, &body, &head, &Options::default())
}

fn sent(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON")
}

/// `expected` maps JSON pointers into the upstream's body to what must stand there, null for "nothing".
fn check(trap: &str, from: Dialect, to: Target, given: Value, expected: Value) {
    let got = sent(&translate(from, to, &given).expect(trap));
    for (pointer, wanted) in expected.as_object().expect("an object") {
        let found = got.pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(&found, wanted, "{trap}: {pointer} in {got}");
    }
}

fn lost(trap: &str, from: Dialect, to: Target, given: Value, field: &str) {
    let prepared = translate(from, to, &given).expect(trap);
    let told = prepared
        .losses
        .iter()
        .any(|loss| loss.field.contains(field));
    assert!(told, "{trap}: {:?}", prepared.losses);
}

fn refused(trap: &str, from: Dialect, to: Target, given: Value, param: &str) {
    let error = translate(from, to, &given).expect_err(trap);
    assert_eq!(error.param.as_deref(), Some(param), "{trap}: {error}");
}

fn said(role: &str, words: &str) -> Value {
    json!({"role": role, "content": words})
}

fn content(role: &str, words: &[&str]) -> Value {
    let parts: Vec<Value> = words.iter().map(|words| json!({"text": words})).collect();
    json!({"role": role, "parts": parts})
}

fn call(name: &str) -> Value {
    json!({"functionCall": {"name": name, "args": {}}})
}

fn response(name: &str, words: &str) -> Value {
    json!({"functionResponse": {"name": name, "response": {"result": words}}})
}

fn tool_calls(ids: &[(&str, &str)]) -> Value {
    let calls: Vec<Value> = ids
        .iter()
        .map(|(id, name)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}))
        .collect();
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str, words: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": words})
}

#[test]
fn turns_for_a_gemini_account() {
    for (trap, messages, expected) in [
        (
            "T1, T6: system words first, a part each",
            json!([
                said("system", "a"),
                said("developer", "b"),
                said("user", "c")
            ]),
            json!({"/systemInstruction/parts": [{"text": "a"}, {"text": "b"}], "/contents": [content("user", &["c"])]}),
        ),
        (
            "T2: later ones stay in place, told by the user",
            json!([
                said("user", "a"),
                said("assistant", "b"),
                said("system", "c"),
                said("user", "d")
            ]),
            json!({"/contents/2": content("user", &["<system>\nc\n</system>", "d"]), "/systemInstruction": null}),
        ),
        (
            "T7: only system words",
            json!([said("system", "a")]),
            json!({"/contents": [content("user", &["(no content)"])]}),
        ),
        (
            "T8: neighbours join",
            json!([said("user", "a"), said("user", "b")]),
            json!({"/contents": [content("user", &["a", "b"])]}),
        ),
        (
            "T9: the person begins",
            json!([said("assistant", "a"), said("user", "b")]),
            json!({"/contents/0": content("user", &["(no content)"])}),
        ),
        (
            "T12: blank words go",
            json!([
                said("user", "a"),
                said("assistant", " \n"),
                said("user", "b")
            ]),
            json!({"/contents": [content("user", &["a", "b"])]}),
        ),
        (
            "T66: a call without a result is answered",
            json!([said("user", "a"), tool_calls(&[("1", "f")])]),
            json!({"/contents/2/parts": [response("f", "aborted")]}),
        ),
        (
            "T67: a result without a call becomes words",
            json!([said("user", "a"), result("9", "r")]),
            json!({"/contents/0/parts/2": {"text": "r"}}),
        ),
        (
            "T68, T69: results in the order of the calls, by name, in one content",
            json!([
                said("user", "a"),
                tool_calls(&[("1", "f"), ("2", "g")]),
                result("2", "two"),
                result("1", "one"),
                said("user", "b")
            ]),
            json!({"/contents/1/parts": [call("f"), call("g")], "/contents/2": {"role": "user", "parts": [response("f", "one"), response("g", "two")]},
                "/contents/3": content("user", &["b"])}),
        ),
    ] {
        check(
            trap,
            CHAT,
            Target::Gemini,
            json!({"messages": messages}),
            expected,
        );
    }
    check(
        "T27: media of results follow",
        Dialect::Messages,
        Target::Gemini,
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}]}]}),
        json!({"/contents/2/parts": [response("f", "(see the attached content)")], "/contents/3/parts/1": {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}}),
    );
    check(
        "T77: arguments are an object",
        CHAT,
        Target::Gemini,
        json!({"messages": [said("user", "a"), {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "[1"}}]}, result("1", "r")]}),
        json!({"/contents/1/parts/0/functionCall/args": {"input": "[1"}}),
    );
}

#[test]
fn turns_of_a_gemini_client() {
    let to = Target::Chat;
    let two = json!([content("user", &["a"]), {"role": "model", "parts": [call("f"), call("f")]}, {"role": "user", "parts": [response("f", "one"), response("f", "two")]}]);
    let chat_call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    for (trap, contents, expected) in [
        (
            "T16: no role is the user, and a content may be its only part",
            json!([{"parts": {"text": "a"}}]),
            json!({"/messages": [said("user", "a")]}),
        ),
        (
            "T70, F80: ids are made up the same way every time, results matched by name in order",
            two,
            json!({"/messages/1/tool_calls": [chat_call("call_1"), chat_call("call_2")], "/messages/2": result("call_1", "one"), "/messages/3": result("call_2", "two")}),
        ),
        (
            "F80: results matched by id",
            json!([content("user", &["a"]), {"role": "model", "parts": [{"functionCall": {"id": "x", "name": "f"}}, {"function_call": {"id": "y", "name": "f", "args": {}}}]},
                {"role": "user", "parts": [{"function_response": {"id": "y", "name": "f", "response": {"output": "two"}}}, {"functionResponse": {"id": "x", "name": "f", "response": {"output": "one"}}}]}]),
            json!({"/messages/1/tool_calls": [chat_call("x"), chat_call("y")], "/messages/2": result("x", "one"), "/messages/3": result("y", "two")}),
        ),
        (
            "T8: libraries keep every chunk of a stream as a part or as a content",
            json!([
                content("user", &["a"]),
                content("model", &["le", "t "]),
                content("model", &["me"]),
                content("user", &["b"])
            ]),
            json!({"/messages/1": said("assistant", "let me"), "/messages/2": said("user", "b")}),
        ),
        (
            "T34: code that ran at the vendor, in words",
            json!([content("user", &["a"]), {"role": "model", "parts": [{"executableCode": {"language": "PYTHON", "code": "1+1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}]}, content("user", &["b"])]),
            json!({"/messages/1/content": "\n```python\n1+1\n```\n\n```\n2\n```\n"}),
        ),
        (
            "T19, T23: media by their type, in the usual alphabet",
            json!([{"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "a-_="}}]}]),
            json!({"/messages/0/content/0": {"type": "image_url", "image_url": {"url": "data:image/png;base64,a+/="}}}),
        ),
    ] {
        check(trap, GEMINI, to, json!({"contents": contents}), expected);
    }
    check(
        "T1: the instruction is one message of several parts",
        GEMINI,
        Target::Messages,
        json!({"system_instruction": {"parts": [{"text": "a"}, {"text": "b"}]}}),
        json!({"/system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
    );
    for (trap, given, param) in [
        ("T208", json!({"contents": [5]}), "contents[0]"),
        (
            "T208",
            json!({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}),
            "contents[0].role",
        ),
        (
            "T23",
            json!({"contents": [{"parts": [{"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}}]}]}),
            "contents[0].parts[0].fileData",
        ),
        (
            "T24",
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "video/mp4", "data": "AA"}}]}]}),
            "contents[0].parts[0].inlineData",
        ),
        (
            "cached content",
            json!({"cachedContent": "cachedContents/x"}),
            "cachedContent",
        ),
        (
            "T121",
            json!({"generationConfig": {"candidateCount": 2}}),
            "generationConfig.candidateCount",
        ),
        (
            "modalities",
            json!({"generationConfig": {"responseModalities": ["AUDIO"]}}),
            "generationConfig.responseModalities",
        ),
    ] {
        refused(trap, GEMINI, to, given, param);
    }
    let only_one = json!({"generationConfig": {"candidateCount": 1}});
    assert!(translate(GEMINI, to, &only_one).is_ok());
    lost(
        "T88",
        GEMINI,
        to,
        json!({"contents": [{"parts": [{"text": "a"}, {"toolCall": {"id": "1"}}]}]}),
        "toolCall",
    );
    lost(
        "T123",
        GEMINI,
        to,
        json!({"generationConfig": {"topK": 40}}),
        "topK",
    );
    lost(
        "safety",
        GEMINI,
        to,
        json!({"safetySettings": [{"category": "c"}]}),
        "safetySettings",
    );
}

#[test]
fn tools_both_ways() {
    let function = |parameters: Value| json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]});
    let declared = "/tools/0/functionDeclarations/0";
    for (trap, parameters, expected) in [
        (
            "T37: nothing to tell",
            json!({"type": "object", "properties": {}}),
            json!({format!("{declared}/parameters"): null}),
        ),
        (
            "T39: words nobody misses go",
            json!({"$schema": "s", "type": "object", "properties": {"a": {"type": "string", "default": "x"}}, "additionalProperties": false}),
            json!({format!("{declared}/parameters"): {"type": "object", "properties": {"a": {"type": "string"}}}}),
        ),
        (
            "T39, T41: what would be lost is told as JSON schema to models that take it",
            json!({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}}),
            json!({format!("{declared}/parameters"): null, format!("{declared}/parametersJsonSchema/properties/m/additionalProperties"): {"type": "string"}}),
        ),
        (
            "T43: null is nullable, a constant a list of one",
            json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}, "b": {"const": "k"}}}),
            json!({format!("{declared}/parameters/properties"): {"a": {"type": "string", "nullable": true}, "b": {"type": "string", "enum": ["k"]}}}),
        ),
    ] {
        check(trap, CHAT, Target::Gemini, function(parameters), expected);
    }
    let mut other = function(
        json!({"type": "object", "properties": {"m": {"type": "object", "additionalProperties": {"type": "string"}}}}),
    );
    other["model"] = "another-model".into();
    check(
        "T40: other backends know the older field alone",
        CHAT,
        Target::Gemini,
        other.clone(),
        json!({format!("{declared}/parameters/properties/m"): {"type": "object"}}),
    );
    lost("T41", CHAT, Target::Gemini, other, "tool f");
    check(
        "T48: names begin with a letter, in history and choice as well",
        CHAT,
        Target::Gemini,
        json!({"tools": [{"type": "function", "function": {"name": "3d"}}], "tool_choice": {"type": "function", "function": {"name": "3d"}},
            "messages": [said("user", "a"), tool_calls(&[("1", "3d")]), result("1", "r")]}),
        json!({format!("{declared}/name"): "_3d", "/toolConfig/functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["_3d"]},
            "/contents/1/parts/0/functionCall/name": "_3d", "/contents/2/parts/0/functionResponse/name": "_3d"}),
    );
    for (choice, expected) in [
        (json!("auto"), json!({"mode": "AUTO"})),
        (json!("none"), json!({"mode": "NONE"})),
        (json!("required"), json!({"mode": "ANY"})),
    ] {
        let mut given = function(json!({}));
        given["tool_choice"] = choice;
        check(
            "T63: the choice",
            CHAT,
            Target::Gemini,
            given,
            json!({"/toolConfig/functionCallingConfig": expected}),
        );
    }
    lost(
        "T60",
        CHAT,
        Target::Gemini,
        json!({"tool_choice": "required"}),
        "tool_choice",
    );
    check(
        "T51: a tool of raw text",
        Dialect::Responses,
        Target::Gemini,
        json!({"tools": [{"type": "custom", "name": "apply_patch", "description": "d"}], "input": [{"role": "user", "content": "a"},
            {"type": "custom_tool_call", "call_id": "1", "name": "apply_patch", "input": "raw"}, {"type": "custom_tool_call_output", "call_id": "1", "output": "ok"}]}),
        json!({format!("{declared}/parameters/required"): ["input"], "/contents/1/parts/0/functionCall/args": {"input": "raw"}}),
    );
    check(
        "T55: the web search of both",
        Dialect::Responses,
        Target::Gemini,
        json!({"tools": [{"type": "web_search"}]}),
        json!({"/tools": [{"googleSearch": {}}]}),
    );
    check(
        "T55: and back",
        GEMINI,
        Target::Responses,
        json!({"tools": [{"google_search": {}}]}),
        json!({"/tools": [{"type": "web_search"}]}),
    );
    lost(
        "T55",
        GEMINI,
        Target::Chat,
        json!({"tools": [{"googleSearch": {}}]}),
        "googleSearch",
    );
    lost(
        "T59",
        GEMINI,
        Target::Messages,
        json!({"tools": [{"codeExecution": {}}]}),
        "codeExecution",
    );

    let own = json!({"tools": [{"function_declarations": [{"name": "f", "description": "d", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "ARRAY"}}}}, {"name": "g", "parametersJsonSchema": {"type": "object", "properties": {}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}}});
    check(
        "T36, T43: the vendor's own schemas for others",
        GEMINI,
        Target::Chat,
        own.clone(),
        json!({"/tools/0/function/parameters": {"type": "object", "properties": {"a": {"type": "array", "items": {}}}}, "/tools/1/function/name": "g"}),
    );
    check(
        "C4: some of them",
        GEMINI,
        Target::Responses,
        own,
        json!({"/tool_choice/mode": "required", "/tool_choice/tools/1/name": "g"}),
    );
    for (mode, expected) in [
        ("NONE", json!("none")),
        ("auto", json!("auto")),
        ("ANY", json!("required")),
        ("VALIDATED", json!("auto")),
    ] {
        let given = json!({"tools": [{"functionDeclarations": [{"name": "f"}]}], "tool_config": {"function_calling_config": {"mode": mode}}});
        check(
            "C4",
            GEMINI,
            Target::Chat,
            given,
            json!({"/tool_choice": expected}),
        );
    }
}

#[test]
fn thinking_and_proofs() {
    let thinking = |model: &str, effort: &str| json!({"model": model, "reasoning_effort": effort});
    for (trap, model, effort, expected) in [
        (
            "T110: a budget",
            "gemini-2.5-flash",
            "medium",
            json!({"includeThoughts": true, "thinkingBudget": 8192}),
        ),
        (
            "T110: off",
            "gemini-2.5-flash",
            "none",
            json!({"thinkingBudget": 0}),
        ),
        (
            "T110: never off",
            "gemini-2.5-pro",
            "none",
            json!({"includeThoughts": true, "thinkingBudget": 128}),
        ),
        (
            "T96: a level",
            "gemini-3-flash",
            "xhigh",
            json!({"includeThoughts": true, "thinkingLevel": "high"}),
        ),
        (
            "T96: the nearest",
            "gemini-3-pro",
            "medium",
            json!({"includeThoughts": true, "thinkingLevel": "low"}),
        ),
        ("no word for it", "gemini-2.0-flash", "high", Value::Null),
    ] {
        check(
            trap,
            CHAT,
            Target::Gemini,
            thinking(model, effort),
            json!({"/generationConfig/thinkingConfig": expected}),
        );
    }
    check(
        "T111: thoughts only for who asks",
        Dialect::Responses,
        Target::Gemini,
        json!({"reasoning": {"effort": "low"}}),
        json!({"/generationConfig/thinkingConfig": {"thinkingBudget": 1024}}),
    );
    for (config, effort) in [
        (json!({"thinkingBudget": 8192}), json!("medium")),
        (json!({"thinking_budget": 24_576}), json!("high")),
        (json!({"thinkingBudget": 32_768}), json!("high")),
        (json!({"thinkingLevel": "LOW"}), json!("low")),
        (json!({"thinkingBudget": -1}), Value::Null),
        (json!({"thinkingBudget": 0}), Value::Null),
        (json!({"thinkingBudget": 256}), json!("low")),
    ] {
        let given = json!({"generationConfig": {"thinkingConfig": config}});
        check(
            "C3, T96",
            GEMINI,
            Target::Chat,
            given,
            json!({"/reasoning_effort": effort}),
        );
    }

    let called = |proof: Option<&str>| {
        let mut call =
            json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        if let Some(proof) = proof {
            call["extra_content"] = json!({"google": {"thought_signature": proof}});
        }
        json!({"model": "gemini-3-pro", "messages": [said("user", "a"), {"role": "assistant", "tool_calls": [call, {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, result("1", "r"), result("2", "r")]})
    };
    let first = "/contents/1/parts/0/thoughtSignature";
    check(
        "T108: kept beside the call",
        CHAT,
        Target::Gemini,
        called(Some("c2ln")),
        json!({first: "c2ln", "/contents/1/parts/1/thoughtSignature": null}),
    );
    check(
        "T108: last resort, on the first call alone",
        CHAT,
        Target::Gemini,
        called(None),
        json!({first: NO_SIGNATURE, "/contents/1/parts/1/thoughtSignature": null}),
    );
    lost("T108", CHAT, Target::Gemini, called(None), "tool calls");
    let mut older = called(None);
    older["model"] = "gemini-2.5-pro".into();
    check(
        "T108: older models ask for none",
        CHAT,
        Target::Gemini,
        older,
        json!({first: null}),
    );
    check(
        "T93: kept by a Messages client",
        Dialect::Messages,
        Target::Gemini,
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": "switchyard.1.gemini.c2ln"}, {"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "r"}]}]}),
        json!({first: "c2ln"}),
    );
    check(
        "T109: on words, and on nothing at all",
        Dialect::Responses,
        Target::Gemini,
        json!({"input": [{"role": "user", "content": "a"}, {"type": "reasoning", "summary": [], "encrypted_content": "switchyard.1.gemini.b25l"}, {"role": "assistant", "content": "b"},
            {"type": "reasoning", "summary": [], "encrypted_content": "switchyard.1.gemini.dHdv"}, {"role": "user", "content": "c"}]}),
        json!({"/contents/1/parts": [{"text": "b", "thoughtSignature": "b25l"}, {"text": "", "thoughtSignature": "dHdv"}]}),
    );
    let foreign = json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "claude"}, {"type": "text", "text": "b"}]}, {"role": "user", "content": "c"}]});
    check(
        "T90: another provider's thoughts stay away",
        Dialect::Messages,
        Target::Gemini,
        foreign.clone(),
        json!({"/contents/1/parts": [{"text": "b"}]}),
    );
    lost(
        "T90",
        Dialect::Messages,
        Target::Gemini,
        foreign,
        "reasoning",
    );
    // What stood before the words stands there again, whether the library kept pieces as parts or as contents.
    let last = json!({"text": "", "thoughtSignature": "c3dpdGNoeWFyZC4xLnJlc3BvbnNlcy5lbmMKdA=="});
    for turns in [
        json!([{"role": "model", "parts": [{"text": "b"}, last]}]),
        json!([content("model", &["b"]), {"role": "model", "parts": [last]}]),
    ] {
        let mut contents = vec![content("user", &["a"])];
        contents.extend(turns.as_array().cloned().unwrap_or_default());
        contents.push(content("user", &["c"]));
        check(
            "T94, T102: another provider's own thoughts",
            GEMINI,
            Target::Responses,
            json!({"contents": contents}),
            json!({"/input/1/encrypted_content": "enc", "/input/2/role": "assistant"}),
        );
    }
    let own = json!({"contents": [content("user", &["a"]), {"role": "model", "parts": [{"text": "t", "thought": true}, {"text": "b", "thoughtSignature": "c2ln"}]}, content("user", &["c"])]});
    check(
        "T90: the vendor's own proof for nobody else",
        GEMINI,
        Target::Messages,
        own,
        json!({"/messages/1/content": [{"type": "text", "text": "b"}]}),
    );
}

#[test]
fn settings_both_ways() {
    check(
        "T119, T123, T140: limits and sampling",
        CHAT,
        Target::Gemini,
        json!({"max_completion_tokens": 7, "temperature": 1.5, "top_p": 0.5, "seed": 3, "presence_penalty": 0.1, "frequency_penalty": 0.2, "stop": ["a", "b", "c", "d"]}),
        json!({"/generationConfig": {"maxOutputTokens": 7, "temperature": 1.5, "topP": 0.5, "seed": 3, "presencePenalty": 0.1, "frequencyPenalty": 0.2, "stopSequences": ["a", "b", "c", "d"]}, "/stream": null, "/model": null}),
    );
    check(
        "T119, T123: and back",
        GEMINI,
        Target::Chat,
        json!({"generationConfig": {"maxOutputTokens": 7, "temperature": 1.5, "topP": 0.5, "seed": 3, "presencePenalty": 0.1, "stopSequences": ["a"]}}),
        json!({"/max_tokens": 7, "/temperature": 1.5, "/top_p": 0.5, "/seed": 3, "/presence_penalty": 0.1, "/stop": ["a"]}),
    );
    lost(
        "T123",
        CHAT,
        Target::Gemini,
        json!({"logit_bias": {"1": 1}}),
        "logit_bias",
    );
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    let with = |model: &str, tools: bool| {
        let mut given = format.clone();
        given["model"] = model.into();
        if tools {
            given["tools"] = json!([{"type": "function", "function": {"name": "f"}}]);
        }
        given
    };
    check(
        "T128: as JSON schema",
        CHAT,
        Target::Gemini,
        with("gemini-2.5-pro", false),
        json!({"/generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}}),
    );
    check(
        "T128: as the subset",
        CHAT,
        Target::Gemini,
        with("gemini-2.0-flash", false),
        json!({"/generationConfig/responseSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}),
    );
    check(
        "T128: beside tools in words",
        CHAT,
        Target::Gemini,
        with("gemini-2.5-pro", true),
        json!({"/generationConfig": null}),
    );
    lost(
        "T128",
        CHAT,
        Target::Gemini,
        with("gemini-2.5-pro", true),
        "response_format",
    );
    check(
        "T128: newer models take both",
        CHAT,
        Target::Gemini,
        with("gemini-3-pro", true),
        json!({"/generationConfig/responseJsonSchema": schema}),
    );
    check(
        "JSON mode",
        CHAT,
        Target::Gemini,
        json!({"response_format": {"type": "json_object"}}),
        json!({"/generationConfig": {"responseMimeType": "application/json"}}),
    );
    for (config, expected) in [
        (
            json!({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}),
            json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}, "strict": false}}),
        ),
        (
            json!({"response_mime_type": "application/json"}),
            json!({"type": "json_object"}),
        ),
        (json!({"responseMimeType": "text/plain"}), Value::Null),
    ] {
        check(
            "T126",
            GEMINI,
            Target::Chat,
            json!({"generationConfig": config}),
            json!({"/response_format": expected}),
        );
    }
    let image = |url: &str| json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]});
    check(
        "T19",
        CHAT,
        Target::Gemini,
        image("data:image/png;base64,AAAA"),
        json!({"/contents/0/parts/0/inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
    );
    refused(
        "T21",
        CHAT,
        Target::Gemini,
        image("https://example.com/a.png"),
        "image_url",
    );
    check(
        "T24",
        CHAT,
        Target::Gemini,
        json!({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}]}),
        json!({"/contents/0/parts/0/inlineData/mimeType": "audio/wav"}),
    );
}

/// A picture of many megabytes is a slice of the client's body (T35).
#[test]
fn large_pictures_are_not_copied_t35() {
    let picture = "A".repeat(5 << 20);
    let given = json!({"contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": picture}}]}]});
    for to in [Target::Chat, Target::Responses, Target::Messages] {
        let body = Bytes::from(given.to_string());
        let head = peek(GEMINI, &body).expect("a request");
        let prepared = prepare(GEMINI, to, &body, &head, &Options::default()).expect("prepared");
        let inside = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
        let slice = prepared.body.segments().iter().any(|segment| {
            segment.len() == picture.len() && inside.contains(&(segment.as_ptr() as usize))
        });
        assert!(slice, "{to:?}");
    }
}

/// F90, F96: an effort of the gateway's own, over what a passed-through body says.
#[test]
fn an_effort_is_set_in_place_t110() {
    for (given, model, expected) in [
        (
            json!({}),
            "gemini-3-pro",
            json!({"thinkingConfig": {"includeThoughts": false, "thinkingLevel": "high"}}),
        ),
        (
            json!({"generation_config": {"seed": 1, "thinking_config": {"include_thoughts": true, "thinking_budget": 5}}}),
            "gemini-2.5-pro",
            json!({"seed": 1, "thinking_config": {"includeThoughts": true, "thinkingBudget": 24_576}}),
        ),
        (json!({}), "gemma", Value::Null),
    ] {
        let mut body = json!({"contents": []});
        for (key, value) in given.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let body = Bytes::from(body.to_string());
        let head = peek(GEMINI, &body).expect("a request");
        let options = Options {
            model: Some(model),
            effort: Some("high"),
            ..Options::default()
        };
        let got = sent(&prepare(GEMINI, Target::Gemini, &body, &head, &options).expect("prepared"));
        let config = got.get("generationConfig").or(got.get("generation_config"));
        assert_eq!(config.cloned().unwrap_or_default(), expected, "{got}");
        assert!(got.get("model").is_none(), "the path names it");
    }
}

proptest! {
    /// Requests of any shape are read or refused.
    #[test]
    fn no_request_panics_us(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..2000, swap in any::<u8>(), to in 0usize..4) {
        let good = json!({"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [
            {"role": "user", "parts": [{"text": "a\n"}, {"inlineData": {"mimeType": "image/png", "data": "AA-_"}}]},
            {"role": "model", "parts": [{"text": "t", "thought": true}, {"functionCall": {"name": "f", "args": {"x": "\u{e9}"}}, "thoughtSignature": "c3dpdGNoeWFyZC4x"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": "x"}}}]},
        ], "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT", "nullable": true}}]}],
            "generationConfig": {"thinkingConfig": {"thinkingBudget": 5}, "responseMimeType": "application/json", "responseSchema": {"type": "STRING"}}});
        let to = [Target::Chat, Target::Codex, Target::Messages, Target::Gemini][to];
        let mut damaged = good.to_string().into_bytes();
        let len = damaged.len();
        damaged[at % len] = swap;
        let mut stuffed = good.to_string().into_bytes();
        stuffed.splice(at % len..at % len, bytes.iter().copied());
        for body in [bytes, damaged, stuffed] {
            let body = Bytes::from(body);
            if let Ok(head) = peek(GEMINI, &body)
                && let Ok(prepared) = prepare(GEMINI, to, &body, &head, &Options::default())
            {
                let strict = serde_json::from_slice::<Value>(&body).is_ok();
                let json: Result<Value, _> = serde_json::from_slice(&prepared.body.to_bytes());
                prop_assert!(json.is_ok() || !strict, "{:?}", prepared.body.to_bytes());
            }
        }
    }
}

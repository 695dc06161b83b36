//! What single models refuse, on the way to a relay of a dialect that its clients do not speak (T5, T45, T62, T100, T103, T105).

use bytes::Bytes;
use protocol::{Dialect, Options, Target, peek, prepare};
use serde_json::{Value, json};

/// The body that a model is sent for a request of that dialect, and what was lost.
fn sent(client: Dialect, to: Target, model: &str, changes: &Value) -> (Value, String) {
    let mut request = match client {
        Dialect::Chat => json!({"model": "asked", "messages": [{"role": "user", "content": "hi"}]}),
        Dialect::Responses => json!({"model": "asked", "input": "hi"}),
        Dialect::Messages => {
            json!({"model": "asked", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]})
        }
        Dialect::Gemini => json!({"contents": [{"parts": [{"text": "hi"}]}]}),
    };
    for (key, value) in changes.as_object().expect("an object") {
        request[key] = value.clone();
    }
    let body = Bytes::from(request.to_string());
    let head = peek(client, &body).expect("a request");
    let options = Options {
        request_id: "r1",
        model: Some(model),
        ..Options::default()
    };
    let prepared = prepare(client, to, &body, &head, &options).expect("prepared");
    (
        serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON"),
        format!("{:?}", prepared.losses),
    )
}

#[test]
fn t100_models_that_think_are_not_told_how_to_sample() {
    let wishes = json!({"temperature": 0.2, "top_p": 0.9, "stop_sequences": ["x"]});
    for (to, model, gone) in [
        (Target::Chat, "o3", true),
        (Target::Chat, "openai/gpt-5-mini", true),
        (Target::Responses, "gpt-5.6", true),
        (Target::Chat, "gpt-4.1", false),
        (Target::Responses, "gpt-5.1", false),
        (Target::Chat, "glm-4.6", false),
    ] {
        let (body, losses) = sent(Dialect::Messages, to, model, &wishes);
        for field in ["temperature", "top_p"] {
            assert_eq!(body.get(field).is_none(), gone, "{model}: {field}");
            assert_eq!(losses.contains(field), gone, "{model}: {field}");
        }
    }
    // What says nothing is no loss.
    let (body, losses) = sent(
        Dialect::Messages,
        Target::Chat,
        "o3",
        &json!({"temperature": 1}),
    );
    assert!(body.get("temperature").is_none() && !losses.contains("temperature"));
    let gemini = json!({"generationConfig": {"temperature": 0, "topP": 0.95, "topK": 64, "presencePenalty": 1}});
    let (body, _) = sent(Dialect::Gemini, Target::Chat, "gpt-5", &gemini);
    assert!(body.get("top_p").is_none() && body.get("presence_penalty").is_none());
}

#[test]
fn t62_models_that_refuse_to_be_forced_are_left_to_choose() {
    let forced = json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": "required"});
    for (model, choice) in [
        ("deepseek-reasoner", Value::Null),
        ("qwen3-235b-thinking", Value::Null),
        ("deepseek-chat", json!("required")),
        ("gpt-4.1", json!("required")),
    ] {
        let (body, losses) = sent(Dialect::Responses, Target::Chat, model, &forced);
        assert_eq!(
            body.get("tool_choice").cloned().unwrap_or_default(),
            choice,
            "{model}"
        );
        assert_eq!(losses.contains("T62"), choice.is_null(), "{model}");
    }
}

#[test]
fn t5_instructions_become_the_persons_words_where_a_model_takes_no_others() {
    let told = json!({"instructions": "be brief"});
    for (model, role) in [("o1-mini", "user"), ("o1", "system"), ("gpt-4.1", "system")] {
        let (body, _) = sent(Dialect::Responses, Target::Chat, model, &told);
        assert_eq!(
            body["messages"][0],
            json!({"role": role, "content": "be brief"}),
            "{model}"
        );
    }
}

#[test]
fn t45_a_tool_is_strict_only_with_a_schema_that_can_be() {
    for (schema, strict) in [
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            true,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            false,
        ),
    ] {
        let tool = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": schema, "strict": true}}]});
        let (body, losses) = sent(Dialect::Chat, Target::Responses, "gpt-4.1", &tool);
        assert_eq!(body["tools"][0]["strict"], strict, "{schema}");
        assert_eq!(losses.contains("strict"), !strict, "{schema}");
        let tool = json!({"tools": [{"type": "function", "name": "f", "parameters": schema, "strict": true}]});
        let (body, _) = sent(Dialect::Responses, Target::Chat, "gpt-4.1", &tool);
        assert_eq!(body["tools"][0]["function"].get("strict").is_some(), strict);
        // F84: it closes the objects in any case.
        assert_eq!(
            body["tools"][0]["function"]["parameters"]["additionalProperties"],
            false
        );
    }
}

#[test]
fn t103_t105_reasoning_comes_along_and_goes_back_with_its_summary() {
    for (model, asked) in [
        ("gpt-5.6", true),
        ("o3", true),
        ("gpt-4.1", false),
        ("glm-4.6", false),
    ] {
        let (body, _) = sent(Dialect::Messages, Target::Responses, model, &json!({}));
        let include = body["include"][0].as_str();
        assert_eq!(
            include == Some("reasoning.encrypted_content"),
            asked,
            "{model}"
        );
        assert_eq!(body["store"], false);
    }
    let thought = |words: &str| {
        json!({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [
        {"type": "thinking", "thinking": words, "signature": "switchyard.1.responses.gAAA"}, {"type": "text", "text": "a"}]}, {"role": "user", "content": "b"}]})
    };
    for (words, summary) in [
        ("", json!([])),
        ("w", json!([{"type": "summary_text", "text": "w"}])),
    ] {
        let (body, _) = sent(Dialect::Messages, Target::Responses, "o3", &thought(words));
        let item = &body["input"][1];
        assert_eq!(item["type"], "reasoning");
        assert_eq!(item["summary"], summary);
        assert!(item.get("id").is_none(), "T74");
    }
}

#[test]
fn t13_results_stay_paired_when_an_emptied_turn_goes() {
    // The assistant's words are blank, its call stays; the other call has no result, and one result no call.
    let history = json!({"input": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "  "}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c9", "output": "9"}],
        "tools": [{"type": "function", "name": "f"}]});
    let (body, _) = sent(
        Dialect::Responses,
        Target::Messages,
        "claude-sonnet-4-5",
        &history,
    );
    let ids = |kind: &str, key: &str| -> Vec<String> {
        let turns = body["messages"].as_array().expect("turns");
        let blocks = turns
            .iter()
            .flat_map(|turn| turn["content"].as_array().into_iter().flatten());
        blocks
            .filter(|block| block["type"] == kind)
            .map(|block| block[key].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(ids("tool_use", "id"), ids("tool_result", "tool_use_id"));
    assert_eq!(ids("tool_use", "id"), ["c1", "c2"]);
}

#[test]
fn t18_a_phase_is_kept_where_it_is_known_and_harmless_elsewhere() {
    let history = json!({"input": [{"role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "message", "role": "assistant", "phase": "final_answer", "content": [{"type": "output_text", "text": "b"}]},
        {"role": "user", "content": "c"}]});
    for to in [Target::Responses, Target::Codex] {
        let (body, _) = sent(Dialect::Responses, to, "gpt-5.6", &history);
        assert_eq!(body["input"][1]["phase"], "commentary", "{to:?}");
        assert_eq!(body["input"][2]["phase"], "final_answer", "{to:?}");
    }
    for to in [Target::Chat, Target::Messages, Target::Gemini] {
        let (body, _) = sent(Dialect::Responses, to, "m", &history);
        assert!(!body.to_string().contains("phase"), "{to:?}");
    }
}

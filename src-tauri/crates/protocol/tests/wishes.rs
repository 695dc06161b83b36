//! What the gateway adds to a request: efforts of suffixes and defaults in their order (F90), image generation, reasoning told inside the
//! text (F109).

use bytes::Bytes;
use protocol::{Answer, Dialect, End, Options, Out, ReasoningOutput, Target, peek, prepare};
use serde_json::{Value, json};

fn sent(from: Dialect, to: Target, body: &Value, options: &Options<'_>) -> Value {
    let body = Bytes::from(body.to_string());
    let head = peek(from, &body).expect("a request");
    let prepared = prepare(from, to, &body, &head, options).expect("it can be said");
    serde_json::from_slice(&prepared.body.to_bytes()).expect("JSON")
}

fn conversation(dialect: Dialect, more: &Value) -> Value {
    let mut body = match dialect {
        Dialect::Responses => json!({"model": "m", "input": "hi"}),
        Dialect::Chat => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
        _ => {
            json!({"model": "m", "max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}]})
        }
    };
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

#[test]
fn f90_suffix_before_body_before_default() {
    use Dialect::{Chat, Messages, Responses};
    let suffix = Options {
        effort: Some("high"),
        default_effort: Some("low"),
        ..Options::default()
    };
    let default = Options {
        default_effort: Some("low"),
        ..Options::default()
    };
    let none = Options::default();
    let reasoning =
        json!({"reasoning": {"effort": "medium"}, "reasoning_effort": "xhigh", "variant": "none"});
    let top = json!({"variant": "none", "reasoning_effort": "xhigh"});
    let variant = json!({"variant": "none"});
    let silent = json!({});
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 3000}});
    let no_thinking = json!({"thinking": {"type": "disabled"}});
    for (from, more, options, expected) in [
        (Responses, &reasoning, &suffix, json!("high")),
        (Responses, &reasoning, &default, json!("medium")),
        (Responses, &top, &default, json!("xhigh")),
        (Responses, &variant, &default, json!("none")),
        (Responses, &silent, &default, json!("low")),
        (Responses, &silent, &none, Value::Null),
        (Chat, &reasoning, &suffix, json!("high")),
        (Chat, &reasoning, &default, json!("medium")),
        (Chat, &top, &default, json!("xhigh")),
        (Chat, &variant, &none, json!("none")),
        (Chat, &silent, &default, json!("low")),
        (Chat, &silent, &none, Value::Null),
        (Messages, &thinking, &suffix, json!("high")),
        (Messages, &thinking, &default, json!("medium")),
        (Messages, &no_thinking, &default, Value::Null),
        (Messages, &silent, &default, json!("low")),
        (Messages, &silent, &none, Value::Null),
    ] {
        let body = sent(from, Target::Codex, &conversation(from, more), options);
        assert_eq!(body["reasoning"]["effort"], expected, "{from:?} {more}");
        for key in ["variant", "reasoning_effort"] {
            assert!(body.get(key).is_none(), "{key}: the backend refuses it");
        }
    }
}

#[test]
fn f90_defaults_stay_behind_the_bodys_words_on_key_accounts_too() {
    let options = Options {
        default_effort: Some("high"),
        ..Options::default()
    };
    let chat = |more: Value| {
        let body = conversation(Dialect::Chat, &more);
        sent(Dialect::Chat, Target::Chat, &body, &options)["reasoning_effort"].clone()
    };
    assert_eq!(chat(json!({})), "high");
    assert_eq!(chat(json!({"reasoning_effort": "low"})), "low");
    let messages = |model: &str, more: Value| {
        let mut body = conversation(Dialect::Messages, &more);
        body["model"] = json!(model);
        sent(Dialect::Messages, Target::Messages, &body, &options)["output_config"].clone()
    };
    assert_eq!(
        messages("claude-opus-4-7", json!({})),
        json!({"effort": "high"})
    );
    let told = json!({"output_config": {"effort": "low"}});
    assert_eq!(messages("claude-opus-4-7", told), json!({"effort": "low"}));
    // A model that thinks by a budget refuses the field.
    assert_eq!(messages("claude-3-7-sonnet", json!({})), Value::Null);
}

#[test]
fn f90_image_generation_joins_the_tools_once() {
    let options = Options {
        image_tool: true,
        ..Options::default()
    };
    let function = json!({"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}});
    let image = json!({"type": "image_generation"});
    let kinds = |from, tools: Option<Value>| -> Vec<String> {
        let more = tools.map_or(json!({}), |tools| json!({"tools": tools}));
        let body = sent(from, Target::Codex, &conversation(from, &more), &options);
        let tools = body["tools"].as_array().expect("tools").clone();
        tools
            .iter()
            .map(|tool| tool["type"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    use Dialect::{Chat, Responses};
    assert_eq!(kinds(Responses, None), ["image_generation"]);
    assert_eq!(kinds(Responses, Some(json!([]))), ["image_generation"]);
    assert_eq!(
        kinds(Responses, Some(json!([function]))),
        ["function", "image_generation"]
    );
    assert_eq!(
        kinds(Responses, Some(json!([image, function]))),
        ["image_generation", "function"]
    );
    assert_eq!(kinds(Chat, None), ["image_generation"]);
}

#[test]
fn f109_reasoning_is_told_inside_the_text_where_it_is_asked_for() {
    let body = Bytes::from(conversation(Dialect::Chat, &json!({"stream": true})).to_string());
    let head = peek(Dialect::Chat, &body).expect("a request");
    let options = |on: bool| Options {
        reasoning: if on {
            ReasoningOutput::ThinkTags
        } else {
            ReasoningOutput::Field
        },
        retell_reasoning: on,
        ..Options::default()
    };
    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {chunk}\n\n")
    };
    let stream = Bytes::from(
        [
            chunk(
                json!({"role": "assistant", "reasoning_content": "so "}),
                Value::Null,
            ),
            chunk(json!({"reasoning_content": "then"}), Value::Null),
            chunk(json!({"content": "Yes"}), Value::Null),
            chunk(json!({}), json!("stop")),
            "data: [DONE]\n\n".to_owned(),
        ]
        .concat(),
    );
    let told = |on: bool| {
        let prepared =
            prepare(Dialect::Chat, Target::Chat, &body, &head, &options(on)).expect("said");
        let mut answer = Answer::new(Dialect::Chat, Target::Chat, prepared.state, true);
        let mut out = Out::new();
        answer.push(&stream, &mut out);
        answer.finish(&mut out, End::Clean);
        let text = out.take().expect("frames");
        let text = String::from_utf8(text.to_vec()).expect("text");
        let (mut content, mut reasoning) = (String::new(), String::new());
        for line in text.lines().filter_map(|line| line.strip_prefix("data: {")) {
            let chunk: Value = serde_json::from_str(&format!("{{{line}")).expect("JSON");
            let delta = &chunk["choices"][0]["delta"];
            content.push_str(delta["content"].as_str().unwrap_or_default());
            reasoning.push_str(delta["reasoning_content"].as_str().unwrap_or_default());
        }
        assert!(text.ends_with("data: [DONE]\n\n"));
        (content, reasoning)
    };
    assert_eq!(told(false), ("Yes".to_owned(), "so then".to_owned()));
    let (content, reasoning) = told(true);
    assert_eq!(reasoning, "");
    assert!(content.starts_with("<think>so then</think>"), "{content}");
    assert!(content.ends_with("Yes"), "{content}");

    let whole = Bytes::from(
        json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "reasoning_content": "so then", "content": "Yes"}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
        .to_string(),
    );
    let prepared =
        prepare(Dialect::Chat, Target::Chat, &body, &head, &options(true)).expect("said");
    let mut answer = Answer::new(Dialect::Chat, Target::Chat, prepared.state, false);
    let json: Value =
        serde_json::from_slice(&answer.answer_json(&whole).expect("an answer")).expect("JSON");
    let message = &json["choices"][0]["message"];
    let content = message["content"].as_str().expect("text");
    assert!(content.starts_with("<think>so then</think>"), "{content}");
    assert!(message.get("reasoning_content").is_none());
    assert_eq!(json["usage"]["total_tokens"], 3);
}

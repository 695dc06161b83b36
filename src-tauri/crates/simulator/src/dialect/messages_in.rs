//! Reads an Anthropic Messages body into a prompt, with the checks that the vendor makes. Called by `relay`.

use serde_json::Value;

use super::{Refusal, image, input_tokens, text_of};
use crate::brain::{AnswerForm, Image, Prompt, Thinking, Tool, ToolChoice, ToolInput};

/// How every signature of this simulator begins; others are refused.
pub(crate) const SIGNATURE: &str = "sim-signature-";

/// Reads a body.
///
/// # Errors
/// The refusal the API would answer.
pub(crate) fn read(body: &Value) -> Result<Prompt, Refusal> {
    let missing = |name: &str| Refusal::bad(format!("{name}: Field required"));
    let model = body["model"].as_str().filter(|name| !name.is_empty());
    let model = model.ok_or_else(|| missing("model"))?;
    let limit = body["max_tokens"].as_u64().filter(|limit| *limit > 0);
    let limit = limit.ok_or_else(|| missing("max_tokens"))?;
    let messages = body["messages"].as_array().filter(|list| !list.is_empty());
    let messages = messages.ok_or_else(|| missing("messages"))?;
    let mut prompt = Prompt {
        model: model.to_owned(),
        input_tokens: input_tokens(body),
        max_output: Some(limit),
        parallel: body["tool_choice"]["disable_parallel_tool_use"] != true,
        ..Prompt::default()
    };
    for (index, tool) in body["tools"].as_array().into_iter().flatten().enumerate() {
        if tool.get("type").is_some_and(|kind| kind != "custom") {
            continue;
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(Refusal::bad(format!(
                "tools.{index}.custom.input_schema.type: Field required"
            )));
        }
        prompt.tools.push(Tool {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            namespace: None,
            input: ToolInput::Json(tool["input_schema"].clone()),
        });
    }
    thinking(body, limit, &mut prompt)?;
    if messages[0]["role"] != "user" {
        return Err(Refusal::bad(
            "messages: first message must use the \"user\" role",
        ));
    }
    let mut waiting: Vec<String> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        read_message(at, message, &mut waiting, &mut prompt)?;
    }
    if !waiting.is_empty() {
        return Err(Refusal::bad(format!(
            "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}",
            messages.len() - 1,
            waiting.join(", ")
        )));
    }
    prompt.choice = match body["tool_choice"]["type"].as_str() {
        Some("any") => ToolChoice::Required,
        Some("none") => ToolChoice::None,
        Some("tool") => ToolChoice::Named(
            body["tool_choice"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        ),
        _ => ToolChoice::Auto,
    };
    let schema = &body["output_config"]["format"]["schema"];
    if schema.is_object() {
        prompt.form = AnswerForm::Schema(schema.clone());
    }
    Ok(prompt)
}

fn thinking(body: &Value, limit: u64, prompt: &mut Prompt) -> Result<(), Refusal> {
    let kind = body["thinking"]["type"].as_str();
    let on = matches!(kind, Some("enabled" | "adaptive"));
    prompt.thinking = Thinking {
        on,
        summary: on,
        encrypted: false,
    };
    if !on {
        return Ok(());
    }
    let budget = body["thinking"]["budget_tokens"].as_u64();
    if kind == Some("enabled") && !budget.is_some_and(|budget| (1024..limit).contains(&budget)) {
        return Err(Refusal::bad(
            "`max_tokens` must be greater than `thinking.budget_tokens`, which is at least 1024.",
        ));
    }
    if body.get("temperature").is_some_and(|value| *value != 1) {
        return Err(Refusal::bad(
            "`temperature` may only be set to 1 when thinking is enabled.",
        ));
    }
    if matches!(body["tool_choice"]["type"].as_str(), Some("any" | "tool")) {
        return Err(Refusal::bad(
            "Thinking may not be enabled when tool_choice forces tool use.",
        ));
    }
    Ok(())
}

fn read_message(
    at: usize,
    message: &Value,
    waiting: &mut Vec<String>,
    prompt: &mut Prompt,
) -> Result<(), Refusal> {
    let blocks = match &message["content"] {
        Value::Array(blocks) => blocks.clone(),
        content => vec![serde_json::json!({"type": "text", "text": content})],
    };
    if blocks.is_empty() {
        return Err(Refusal::bad(format!(
            "messages.{at}: content must not be empty"
        )));
    }
    let owed = std::mem::take(waiting);
    let mut results = Vec::new();
    for (n, block) in blocks.iter().enumerate() {
        let place = format!("messages.{at}.content.{n}");
        match block["type"].as_str().unwrap_or_default() {
            "text" if text_of(&block["text"]).trim().is_empty() => {
                return Err(Refusal::bad(format!(
                    "{place}: text content blocks must be non-empty"
                )));
            }
            "thinking" | "redacted_thinking" => {
                let seal = block["signature"].as_str().or(block["data"].as_str());
                if !seal.is_some_and(|seal| seal.starts_with(SIGNATURE)) {
                    return Err(Refusal::bad(format!(
                        "{place}: Invalid `signature` in `thinking` block"
                    )));
                }
            }
            "tool_use" => waiting.push(block["id"].as_str().unwrap_or_default().to_owned()),
            "tool_result" => {
                results.push(block["tool_use_id"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
    if let Some(id) = results.iter().find(|id| !owed.contains(id)) {
        return Err(Refusal::bad(format!(
            "messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks: {id}"
        )));
    }
    if let Some(id) = owed.iter().find(|id| !results.contains(id)) {
        return Err(Refusal::bad(format!(
            "messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {id}"
        )));
    }
    if message["role"] != "user" {
        prompt.results.clear();
        return Ok(());
    }
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    if results.is_empty() {
        prompt.results.clear();
    } else {
        prompt.results = of("tool_result")
            .map(|block| text_of(&block["content"]))
            .collect();
    }
    let words: Vec<String> = of("text").map(|block| text_of(&block["text"])).collect();
    if !words.is_empty() {
        prompt.ask = words.join("\n");
    }
    prompt.images = of("image").map(|block| picture(&block["source"])).collect();
    Ok(())
}

fn picture(source: &Value) -> Image {
    match source["url"].as_str() {
        Some(url) => image(url),
        None => {
            let kind = source["media_type"].as_str().unwrap_or_default();
            let data = source["data"].as_str().unwrap_or_default();
            image(&format!("data:{kind};base64,{data}"))
        }
    }
}

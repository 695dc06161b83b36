//! Reads a Chat Completions body into a prompt, with the checks that OpenAI makes. Called by `relay`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Refusal, checks, image, input_tokens, text_of};
use crate::brain::{AnswerForm, Prompt, Thinking, Tool, ToolChoice, ToolInput};

/// Reads a body.
///
/// # Errors
/// The refusal the API would answer.
pub(crate) fn read(body: &Value) -> Result<Prompt, Refusal> {
    let Some(fields) = body.as_object() else {
        return Err(Refusal::bad(
            "We could not parse the JSON body of your request: it is not an object.",
        ));
    };
    let Some(model) = fields
        .get("model")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
    else {
        return Err(Refusal::bad("you must provide a model parameter").param("model"));
    };
    let Some(messages) = fields
        .get("messages")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
    else {
        return Err(Refusal::bad("Missing required parameter: 'messages'.")
            .param("messages")
            .code("missing_required_parameter"));
    };
    checks::foreign_parameters(body, true)?;
    let mut prompt = Prompt {
        model: model.to_owned(),
        input_tokens: input_tokens(body),
        ..Prompt::default()
    };
    for (index, tool) in body["tools"].as_array().into_iter().flatten().enumerate() {
        prompt.tools.push(read_tool(index, tool)?);
    }
    check_pairs(messages)?;
    for (index, message) in messages.iter().enumerate() {
        read_message(index, message, &mut prompt)?;
    }
    prompt.parallel = body["parallel_tool_calls"].as_bool().unwrap_or(true);
    prompt.choice = tool_choice(&body["tool_choice"], &mut prompt.tools)?;
    prompt.form = match body["response_format"]["type"].as_str() {
        Some("json_schema") => {
            let format = &body["response_format"]["json_schema"];
            if format["strict"] == true {
                checks::strict_schema(
                    &format["schema"],
                    format["name"].as_str().unwrap_or_default(),
                    "response_format.json_schema.schema",
                )?;
            }
            AnswerForm::Schema(format["schema"].clone())
        }
        Some("json_object") => AnswerForm::JsonObject,
        _ => AnswerForm::Text,
    };
    let thinks = body["reasoning_effort"]
        .as_str()
        .is_some_and(|effort| effort != "none");
    prompt.thinking = Thinking {
        on: thinks,
        summary: thinks,
        encrypted: false,
    };
    prompt.max_output = body["max_completion_tokens"]
        .as_u64()
        .or_else(|| body["max_tokens"].as_u64());
    Ok(prompt)
}

fn read_tool(index: usize, tool: &Value) -> Result<Tool, Refusal> {
    let custom = tool["type"] == "custom";
    let form = if custom { "custom" } else { "function" };
    let body = &tool[form];
    checks::tool(body, &format!("tools[{index}].{form}"))?;
    let input = if custom {
        ToolInput::Text
    } else {
        ToolInput::Json(body["parameters"].clone())
    };
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    Ok(Tool {
        name,
        namespace: None,
        input,
    })
}

fn read_message(index: usize, message: &Value, prompt: &mut Prompt) -> Result<(), Refusal> {
    let allowed: &[&str] = match message["role"].as_str() {
        Some("user") => &["text", "image_url", "input_audio", "file"],
        Some("assistant") => &["text", "refusal"],
        _ => &["text"],
    };
    checks::parts(
        &message["content"],
        allowed,
        &format!("messages[{index}].content"),
    )?;
    match message["role"].as_str() {
        Some("user") => {
            prompt.ask = text_of(&message["content"]);
            prompt.results.clear();
            let parts = message["content"].as_array().into_iter().flatten();
            let pictures = parts.filter(|part| part["type"] == "image_url");
            prompt.images = pictures
                .map(|part| image(part["image_url"]["url"].as_str().unwrap_or_default()))
                .collect();
        }
        Some("assistant") => prompt.results.clear(),
        Some("tool" | "function") => prompt.results.push(text_of(&message["content"])),
        Some("system" | "developer") => {}
        _ => {
            let text = format!(
                "Invalid value for 'messages[{index}].role'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
            );
            return Err(Refusal::bad(text)
                .param(format!("messages[{index}].role"))
                .code("invalid_value"));
        }
    }
    Ok(())
}

/// The messages after tool calls answer exactly these calls.
fn check_pairs(messages: &[Value]) -> Result<(), Refusal> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !open.remove(id) {
                let text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
                return Err(Refusal::bad(text).param(format!("messages.[{index}].role")));
            }
            continue;
        }
        unanswered(&open)?;
        open = message["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|call| call["id"].as_str())
            .collect();
    }
    unanswered(&open)
}

fn unanswered(open: &BTreeSet<&str>) -> Result<(), Refusal> {
    match open.first() {
        Some(id) => Err(Refusal::bad(format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {id}"
        ))
        .param("messages")),
        None => Ok(()),
    }
}

fn tool_choice(choice: &Value, tools: &mut Vec<Tool>) -> Result<ToolChoice, Refusal> {
    let mode = |word: &str| match word {
        "none" => ToolChoice::None,
        "required" => ToolChoice::Required,
        _ => ToolChoice::Auto,
    };
    let name_in = |tool: &Value| {
        tool["function"]["name"]
            .as_str()
            .or_else(|| tool["custom"]["name"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    if let Some(word) = choice.as_str() {
        return Ok(mode(word));
    }
    match choice["type"].as_str() {
        Some("function" | "custom") => {
            let name = name_in(choice);
            if tools.iter().any(|tool| tool.name == name) {
                return Ok(ToolChoice::Named(name));
            }
            Err(Refusal::bad(format!(
                "Invalid value for 'tool_choice': '{name}' is not among 'tools'."
            ))
            .param("tool_choice"))
        }
        Some("allowed_tools") => {
            let allowed: Vec<String> = choice["allowed_tools"]["tools"]
                .as_array()
                .into_iter()
                .flatten()
                .map(name_in)
                .collect();
            tools.retain(|tool| allowed.contains(&tool.name));
            Ok(mode(
                choice["allowed_tools"]["mode"].as_str().unwrap_or("auto"),
            ))
        }
        _ => Ok(ToolChoice::Auto),
    }
}
